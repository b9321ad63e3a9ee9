# SPDX-License-Identifier: MIT
"""RFC 9113 sections 3 to 5: the preface, frames in general, streams and their states, errors, extensions."""

import frames as f
import hpack
from cases import (Case, all_of, answer_begins, at_origin, barrier, body_is, body_of, ended, fields, forget, get,
                   our_settings, post)

PLAIN = hpack.block(fields())
BIG = 16384


def first_frame_is_settings(run):
    got = run.link.seen[0]
    return None if got.kind == f.SETTINGS and not got.ack and got.stream == 0 else "the first frame is %s" % got


def settings_are_sane(run):
    got = dict(run.link.seen[0].pairs)
    if got.get(f.ENABLE_PUSH, 0) != 0:
        return "a server sends ENABLE_PUSH"
    if not 16384 <= got.get(f.MAX_FRAME_SIZE, 16384) < 1 << 24:
        return "MAX_FRAME_SIZE %d" % got[f.MAX_FRAME_SIZE]
    return None if got.get(f.INITIAL_WINDOW_SIZE, 0) < 1 << 31 else "INITIAL_WINDOW_SIZE too large"


def settings_acknowledged(run):
    run.link.until(lambda got: got.kind == f.SETTINGS and got.ack)


def piecewise(raw):
    """Steps that send raw byte by byte, each in a segment of its own."""
    return [step for at in range(len(raw)) for step in (raw[at:at + 1], pause)]


def pause(run):
    run.pause(0.002)


def held_streams(count):
    return b"".join(get(1 + 2 * i, path="/hold") for i in range(count))


def too_many_streams(run):
    """One request more than the server said that it takes at once; the outcome is that of the last."""
    limit = run.link.peer.get(f.MAX_CONCURRENT_STREAMS)
    if not limit or limit > 300:
        raise f.Silence("no MAX_CONCURRENT_STREAMS to exceed")
    run.link.send(held_streams(limit).replace(b"@@@@", run.tag.encode()))
    run.link.send(get(PAST_LIMIT, path="/hold").replace(b"@@@@", run.tag.encode()))


PAST_LIMIT = 1001


def no_answer_to_reset(run):
    seen = [got for got in run.link.seen if got.kind == f.RST_STREAM]
    return "RST_STREAM was answered with %s" % seen[0] if seen else None


PREFACE = [
    Case("3.4", "the server's first frame is SETTINGS", [], "alive",
         check=lambda run: first_frame_is_settings(run) or settings_are_sane(run)),
    Case("3.4", "SETTINGS of the preface are acknowledged", [settings_acknowledged], "alive"),
    Case("3.4", "a request right behind the preface, before the server's SETTINGS", [f.PREFACE + f.settings() + get(1)],
         "status 1 200", check=body_is(1, b"ok"), start=b""),
    Case("3.4", "a preface that comes byte by byte", piecewise(f.PREFACE + f.settings()) + [get(1)], "status 1 200",
         start=b""),
    Case("3.4", "a preface whose second half is wrong", [b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + f.settings()],
         "goaway PROTOCOL_ERROR | closed", start=b"", unseen=True),
    Case("3.4", "an HTTP/1.1 request instead of a preface", [b"GET / HTTP/1.1\r\nHost: a\r\nx-case: @@@@\r\n\r\n" * 2],
         "goaway PROTOCOL_ERROR | closed | http1 400", start=b"", unseen=True),
    Case("3.4", "no SETTINGS behind the preface but PING", [f.PREFACE + f.ping()], "goaway PROTOCOL_ERROR | closed",
         start=b""),
    Case("3.4", "no SETTINGS behind the preface but a request", [f.PREFACE + get(1)], "goaway PROTOCOL_ERROR | closed",
         start=b"", unseen=True),
    Case("3.4", "an acknowledgement instead of SETTINGS", [f.PREFACE + f.settings(ack=True)],
         "goaway PROTOCOL_ERROR | closed", start=b""),
    Case("3.3", "prior knowledge on a listener of HTTP/1.1", [get(1)], "status 1 200", bind="detect"),
    Case("3.3", "prior knowledge byte by byte on a listener of HTTP/1.1",
         piecewise(f.PREFACE + f.settings()) + [get(1)], "status 1 200", start=b"", bind="detect",
         alone="these decide on what comes first"),
    Case("3.3", "a wrong preface on a listener of HTTP/1.1", [b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"],
         "goaway PROTOCOL_ERROR | closed | http1 400", start=b"", bind="detect"),
]

FRAMES = [
    Case("4.1", "a frame of unknown type is ignored", [f.frame(0xbb, 0xff, 0, b"what?")], "alive"),
    Case("4.1", "a frame of unknown type on a stream is ignored", [post(1), f.frame(0xbb, 0, 1, b"?"), f.data(1, b"x")],
         "status 1 200"),
    Case("4.1", "unknown flags are ignored", [f.frame(f.PING, 0xfe, 0, b"12345678")], "alive"),
    Case("4.1", "the reserved bit of a stream identifier is ignored",
         [f.headers(1 | 1 << 31, PLAIN)], "status 1 200"),
    Case("4.2", "DATA of exactly 16384 bytes", [post(1, b"x" * BIG, BIG)], "status 1 200", check=body_is(1, b"x" * BIG)),
    Case("4.2", "DATA above the largest frame", [post(1), f.data(1, b"x" * (BIG + 1))], "error 1 FRAME_SIZE_ERROR"),
    Case("4.2", "HEADERS above the largest frame",
         [f.headers(1, hpack.block(fields(extra=[("x-big", "x" * BIG)])))], "goaway FRAME_SIZE_ERROR", unseen=True),
    Case("4.2", "SETTINGS above the largest frame", [f.frame(f.SETTINGS, 0, 0, b"\0\x21\0\0\0\0" * 2731)],
         "goaway FRAME_SIZE_ERROR"),
    Case("4.2", "an unknown frame above the largest frame", [f.frame(0xbb, 0, 0, b"x" * (BIG + 1))],
         "goaway FRAME_SIZE_ERROR"),
    Case("4.2", "a frame header that announces 16 MiB", [f.frame(f.DATA, 0, 1, b"x" * 100, (1 << 24) - 1)],
         "goaway FRAME_SIZE_ERROR | goaway PROTOCOL_ERROR"),
    Case("4.3", "a header block that is no HPACK", [f.headers(1, b"\xff\xff\xff\xff\xff\xff\xff\xff")],
         "goaway COMPRESSION_ERROR", unseen=True),
    Case("4.3", "PRIORITY within a header block",
         [f.headers(1, PLAIN, flags=0), f.priority(1), f.continuation(1, b"")], "goaway PROTOCOL_ERROR", unseen=True),
    Case("4.3", "HEADERS of another stream within a header block",
         [f.headers(1, PLAIN, flags=0), f.headers(3, PLAIN)], "goaway PROTOCOL_ERROR", unseen=True),
    Case("4.3", "DATA within a header block",
         [f.headers(1, PLAIN, end=False, flags=0), f.data(1, b"x")], "goaway PROTOCOL_ERROR", unseen=True),
    Case("4.3", "PING within a header block",
         [f.headers(1, PLAIN, flags=0), f.ping()], "goaway PROTOCOL_ERROR", unseen=True),
    Case("4.3", "a block cut into frames of five bytes",
         [f.headers(1, PLAIN[:5], flags=0)] + [f.continuation(1, PLAIN[i:i + 5], i + 5 >= len(PLAIN))
                                               for i in range(5, len(PLAIN), 5)], "status 1 200"),
    Case("4.3", "the connection's table survives a request that is refused",
         [f.headers(1, hpack.literal(b":method", b"GET", "index") + hpack.literal(b"BAD", b"1")), ended(1),
          f.headers(3, hpack.indexed(62) + hpack.block(fields(drop=[":method"])))], "status 3 200"),
]

STATES = [
    Case("5.1", "idle: DATA", [f.data(1, b"x")], "goaway PROTOCOL_ERROR"),
    Case("5.1", "idle: RST_STREAM", [f.reset(1)], "goaway PROTOCOL_ERROR"),
    Case("5.1", "idle: WINDOW_UPDATE", [f.window(1, 100)], "goaway PROTOCOL_ERROR"),
    Case("5.1", "idle: CONTINUATION", [f.continuation(1, PLAIN)], "goaway PROTOCOL_ERROR", unseen=True),
    Case("5.1", "idle: PRIORITY is allowed", [f.priority(7), get(9)], "status 9 200"),
    Case("5.1", "idle: DATA above the highest stream", [get(5), ended(5), f.data(7, b"x")], "goaway PROTOCOL_ERROR"),
    Case("5.1", "half-closed (remote): DATA", [get(1, path="/hold"), f.data(1, b"x")],
         "error 1 STREAM_CLOSED"),
    Case("5.1", "half-closed (remote): HEADERS", [get(1, path="/hold"), get(1)],
         "error 1 STREAM_CLOSED | goaway PROTOCOL_ERROR"),
    Case("5.1", "half-closed (remote): CONTINUATION", [get(1, path="/hold"), f.continuation(1, PLAIN)],
         "goaway PROTOCOL_ERROR | goaway STREAM_CLOSED"),
    Case("5.1", "half-closed (remote): WINDOW_UPDATE and PRIORITY are allowed",
         [get(1, path="/slow"), f.window(1, 100), f.priority(1)], "status 1 200"),
    Case("5.1", "half-closed (remote): RST_STREAM ends the request",
         [get(1, path="/hold"), at_origin, f.reset(1)], "alive",
         check=lambda run: None if run.origin.wait_for(lambda: run.tag in run.origin.cancelled)
         else "the origin's connection stays"),
    Case("5.1", "closed by our RST_STREAM: DATA", [post(1, path="/hold"), f.reset(1), f.data(1, b"x")],
         "error 1 STREAM_CLOSED | alive"),
    Case("5.1", "closed by our RST_STREAM: HEADERS", [post(1, path="/hold"), f.reset(1), get(1)],
         "error 1 STREAM_CLOSED | goaway PROTOCOL_ERROR | alive"),
    Case("5.1", "closed by our RST_STREAM: CONTINUATION", [post(1), f.reset(1), f.continuation(1, PLAIN)],
         "goaway PROTOCOL_ERROR | goaway STREAM_CLOSED"),
    Case("5.1", "closed: DATA", [get(1), ended(1), barrier, forget, f.data(1, b"x")], "error 1 STREAM_CLOSED"),
    Case("5.1", "closed: HEADERS", [get(1), ended(1), barrier, forget, get(1)],
         "error 1 STREAM_CLOSED | goaway PROTOCOL_ERROR"),
    Case("5.1", "closed: CONTINUATION", [get(1), ended(1), barrier, f.continuation(1, PLAIN)],
         "goaway PROTOCOL_ERROR | goaway STREAM_CLOSED"),
    Case("5.1", "closed: PRIORITY, WINDOW_UPDATE, RST_STREAM are ignored",
         [get(1), ended(1), f.priority(1), f.window(1, 100), f.reset(1)], "alive"),
    Case("5.1", "frames of a stream that the server has reset are ignored",
         [post(1, extra=[("BAD", "1")]), ended(1), f.data(1, b"x" * 100, end=False), f.window(1, 5), f.data(1, b"y"),
          get(3)], "status 3 200"),
    Case("5.1.1", "an even stream identifier", [get(2)], "goaway PROTOCOL_ERROR", unseen=True),
    Case("5.1.1", "a stream identifier lower than before", [get(5), ended(5), get(3)],
         "goaway PROTOCOL_ERROR | goaway STREAM_CLOSED"),
    Case("5.1.1", "lower streams are closed by the first use of a higher", [get(5), ended(5), f.data(3, b"x")],
         "error 3 STREAM_CLOSED | goaway PROTOCOL_ERROR"),
    Case("5.1.1", "a request on stream 0", [get(0)], "goaway PROTOCOL_ERROR", unseen=True),
    Case("5.1.1", "the highest stream identifier", [get((1 << 31) - 1)], "status %d 200" % ((1 << 31) - 1), probe=False),
    Case("5.1.1", "nothing is left above the highest", [get((1 << 31) - 1), ended((1 << 31) - 1), get(1)],
         "goaway PROTOCOL_ERROR | goaway STREAM_CLOSED"),
    Case("5.1.2", "a stream more than allowed", [too_many_streams],
         "error %d REFUSED_STREAM | error %d PROTOCOL_ERROR | goaway ENHANCE_YOUR_CALM" % (PAST_LIMIT, PAST_LIMIT),
         probe=False),
    Case("5.1.2", "a closed stream makes room for another",
         [b"".join(get(1 + 2 * i) for i in range(50)), ended(99), b"".join(get(101 + 2 * i) for i in range(60)),
          ended(101)], "status 219 200"),
]

PRIORITIES = [
    Case("5.3", "PRIORITY frames change nothing", [f.priority(3, 1, 255, True), f.priority(1, 3), get(5)], "status 5 200"),
    Case("5.3", "HEADERS with priority fields",
         [f.headers(1, f.priority_fields(0, 200) + PLAIN, flags=f.END_HEADERS | f.PRIO)], "status 1 200"),
    Case("5.3", "HEADERS that depend on a stream unknown",
         [f.headers(1, f.priority_fields(4001, 1, True) + PLAIN, flags=f.END_HEADERS | f.PRIO)], "status 1 200"),
    Case("5.3.1", "HEADERS that depend on themselves",
         [f.headers(1, f.priority_fields(1) + PLAIN, flags=f.END_HEADERS | f.PRIO)],
         "status 1 200 | error 1 PROTOCOL_ERROR"),
    Case("5.3.1", "PRIORITY that depends on itself", [f.priority(1, 1)], "alive | error 1 PROTOCOL_ERROR"),
]

ERRORS = [
    Case("5.4.1", "a connection error ends the connection and names the last stream",
         [get(1), ended(1), get(3), ended(3), f.ping(b"short")], "goaway FRAME_SIZE_ERROR",
         check=lambda run: None if run.last_goaway()[:4] == b"\0\0\0\3" else "last stream %r" % run.last_goaway()[:4]),
    Case("5.4.1", "nothing is served behind a connection error", [f.ping(b"short") + get(1)],
         "goaway FRAME_SIZE_ERROR", unseen=True),
    Case("5.4.2", "RST_STREAM is not answered by RST_STREAM",
         [get(1, path="/slow"), f.reset(1), get(3), ended(3), f.reset(3), f.reset(1)], "alive", check=no_answer_to_reset),
    Case("5.4.2", "a stream error leaves other streams alone",
         [get(1, path="/slow"), get(3, extra=[("BAD", "1")]), ended(3)], "status 1 200", check=body_is(1, b"ok")),
    Case("5.5", "an unknown setting is ignored", [our_settings((0xffff, 7), (0xabcd, 0xffffffff))], "alive"),
    Case("5.5", "an unknown frame within a header block",
         [f.headers(1, PLAIN, flags=0), f.frame(0xbb, 0, 1, b"?"), f.continuation(1, b"")], "goaway PROTOCOL_ERROR",
         unseen=True),
]


def got_only(count):
    """So many bytes and not one more: the window is empty."""
    def check(run):
        got = len(body_of(run.link, 1))
        return None if got == count else "%d bytes came, not %d" % (got, count)
    return check


def wait_bytes(count):
    return lambda run: run.link.until(lambda _: len(body_of(run.link, 1)) >= count)


FLOW = [
    Case("5.2", "DATA keeps within a stream's window", [our_settings((f.INITIAL_WINDOW_SIZE, 100)), get(1, path="/big/300"),
         wait_bytes(100), barrier], "alive", check=got_only(100), probe=False),
    Case("5.2", "WINDOW_UPDATE lets the rest go",
         [our_settings((f.INITIAL_WINDOW_SIZE, 100)), get(1, path="/big/300"), wait_bytes(100), f.window(1, 150),
          wait_bytes(250), barrier, f.window(1, 1000)], "status 1 200", check=body_is(1, b"x" * 300), probe=False),
    Case("5.2", "DATA keeps within the connection's window",
         [our_settings((f.INITIAL_WINDOW_SIZE, 1 << 20)), get(1, path="/big/100000"), wait_bytes(f.WINDOW), barrier],
         "alive", check=got_only(f.WINDOW), probe=False),
    Case("5.2", "the connection's window is given back",
         [our_settings((f.INITIAL_WINDOW_SIZE, 1 << 20)), get(1, path="/big/100000"), wait_bytes(f.WINDOW),
          f.window(0, 100000)], "status 1 200", check=body_is(1, b"x" * 100000)),
    Case("5.2", "an empty window stops neither headers nor other streams",
         [our_settings((f.INITIAL_WINDOW_SIZE, 0)), get(1, path="/big/300"), answer_begins(1), get(3, path="/204"),
          ended(3), f.window(1, 1)], "alive", check=all_of(lambda run: run.link.until(
              lambda got: got.kind == f.DATA) and None, got_only(1)), probe=False),
]

TABLE = PREFACE + FRAMES + STATES + FLOW + PRIORITIES + ERRORS
