# SPDX-License-Identifier: MIT
"""RFC 9113 sections 6 and 7: every frame type, and error codes."""

import frames as f
import hpack
from cases import Case, answer_begins, at_origin, barrier, body_is, ended, fields, get, our_settings, post
from spec_frames import got_only, wait_bytes

PLAIN = hpack.block(fields())
PADDED_GET = f.END_HEADERS | f.PADDED
MAX_WINDOW = (1 << 31) - 1

DATA = [
    Case("6.1", "DATA on stream 0", [f.data(0, b"x")], "goaway PROTOCOL_ERROR"),
    Case("6.1", "a body in many frames", [post(1)] + [f.data(1, b"%d" % i, end=i == 9) for i in range(10)],
         "status 1 200", check=body_is(1, b"0123456789")),
    Case("6.1", "padding is taken off",
         [post(1), f.data(1, b"\x05hello" + b"\0" * 5, flags=f.PADDED)], "status 1 200", check=body_is(1, b"hello")),
    Case("6.1", "padding of no bytes", [post(1), f.data(1, b"\0hello", flags=f.PADDED)], "status 1 200",
         check=body_is(1, b"hello")),
    Case("6.1", "nothing but padding", [post(1), f.data(1, b"\xff" + b"\0" * 255, end=False, flags=f.PADDED),
         f.data(1, b"end")], "status 1 200", check=body_is(1, b"end")),
    Case("6.1", "padding as long as the payload", [post(1), f.data(1, b"\x05" + b"\0" * 4, flags=f.PADDED)],
         "goaway PROTOCOL_ERROR"),
    Case("6.1", "PADDED without a length", [post(1), f.data(1, b"", flags=f.PADDED)],
         "goaway PROTOCOL_ERROR | goaway FRAME_SIZE_ERROR"),
    Case("6.1", "an empty frame ends a body", [post(1, b""), f.data(1, b"abc", end=False), f.data(1)], "status 1 200",
         check=body_is(1, b"abc")),
]

HEADERS = [
    Case("6.2", "HEADERS on stream 0", [f.headers(0, PLAIN)], "goaway PROTOCOL_ERROR", unseen=True),
    Case("6.2", "padded HEADERS", [f.headers(1, b"\x07" + PLAIN + b"\0" * 7, flags=PADDED_GET)], "status 1 200"),
    Case("6.2", "padded HEADERS with priority",
         [f.headers(1, b"\x03" + f.priority_fields() + PLAIN + b"\0" * 3, flags=PADDED_GET | f.PRIO)], "status 1 200"),
    Case("6.2", "padding as long as the payload", [f.headers(1, bytes([len(PLAIN) + 1]) + PLAIN, flags=PADDED_GET)],
         "goaway PROTOCOL_ERROR", unseen=True),
    Case("6.2", "PADDED without a length", [f.headers(1, b"", flags=PADDED_GET)],
         "goaway PROTOCOL_ERROR | goaway FRAME_SIZE_ERROR"),
    Case("6.2", "priority fields cut short", [f.headers(1, b"\0\0\0", flags=f.END_HEADERS | f.PRIO)],
         "goaway PROTOCOL_ERROR | goaway FRAME_SIZE_ERROR"),
    Case("6.2", "padding that leaves no room for priority fields",
         [f.headers(1, b"\x04" + f.priority_fields() + b"\0\0\0", flags=PADDED_GET | f.PRIO)],
         "goaway PROTOCOL_ERROR | goaway FRAME_SIZE_ERROR"),
]

PRIORITY = [
    Case("6.3", "PRIORITY on stream 0", [f.priority(0, 1)], "goaway PROTOCOL_ERROR"),
    Case("6.3", "PRIORITY of 4 bytes", [f.frame(f.PRIORITY, 0, 1, b"\0" * 4)], "error 1 FRAME_SIZE_ERROR"),
    Case("6.3", "PRIORITY of 6 bytes", [f.frame(f.PRIORITY, 0, 1, b"\0" * 6)], "error 1 FRAME_SIZE_ERROR"),
]

RST_STREAM = [
    Case("6.4", "RST_STREAM on stream 0", [f.frame(f.RST_STREAM, 0, 0, b"\0\0\0\x08")], "goaway PROTOCOL_ERROR"),
    Case("6.4", "RST_STREAM of an idle stream", [f.reset(1)], "goaway PROTOCOL_ERROR"),
    Case("6.4", "RST_STREAM of 3 bytes", [get(1, path="/slow"), f.frame(f.RST_STREAM, 0, 1, b"\0" * 3)],
         "goaway FRAME_SIZE_ERROR"),
    Case("6.4", "RST_STREAM of 5 bytes", [get(1, path="/slow"), f.frame(f.RST_STREAM, 0, 1, b"\0" * 5)],
         "goaway FRAME_SIZE_ERROR"),
    Case("6.4", "RST_STREAM in the middle of a body", [post(1, b"part", path="/echo"), at_origin, f.reset(1)], "alive"),
    Case("6.4", "RST_STREAM in the middle of a response",
         [our_settings((f.INITIAL_WINDOW_SIZE, 100)), get(1, path="/big/100000"), wait_bytes(100), f.reset(1),
          our_settings((f.INITIAL_WINDOW_SIZE, 65535))], "alive"),
    Case("7", "an unknown error code in RST_STREAM", [get(1, path="/slow"), f.reset(1, 0xdeadbeef)], "alive"),
    Case("7", "an unknown error code in GOAWAY", [get(1, path="/slow"), f.goaway(0, 0xdeadbeef)], "status 1 200",
         probe=False),
]


def settings(key, value):
    return f.settings((key, value))


SETTINGS = [
    Case("6.5", "an acknowledgement with a payload", [f.frame(f.SETTINGS, f.ACK, 0, b"\0\1\0\0\0\0")],
         "goaway FRAME_SIZE_ERROR"),
    Case("6.5", "SETTINGS on a stream", [f.frame(f.SETTINGS, 0, 1)], "goaway PROTOCOL_ERROR"),
    Case("6.5", "SETTINGS of 3 bytes", [f.frame(f.SETTINGS, 0, 0, b"\0\1\0")], "goaway FRAME_SIZE_ERROR"),
    Case("6.5", "SETTINGS of 7 bytes", [f.frame(f.SETTINGS, 0, 0, b"\0" * 7)], "goaway FRAME_SIZE_ERROR"),
    Case("6.5.2", "ENABLE_PUSH of 2", [settings(f.ENABLE_PUSH, 2)], "goaway PROTOCOL_ERROR"),
    Case("6.5.2", "ENABLE_PUSH of 0 and 1", [our_settings((f.ENABLE_PUSH, 0)), our_settings((f.ENABLE_PUSH, 1))], "alive"),
    Case("6.5.2", "INITIAL_WINDOW_SIZE above 2^31-1", [settings(f.INITIAL_WINDOW_SIZE, 1 << 31)],
         "goaway FLOW_CONTROL_ERROR"),
    Case("6.5.2", "INITIAL_WINDOW_SIZE of 2^31-1", [our_settings((f.INITIAL_WINDOW_SIZE, MAX_WINDOW)), get(1)],
         "status 1 200"),
    Case("6.5.2", "MAX_FRAME_SIZE of 16383", [settings(f.MAX_FRAME_SIZE, 16383)], "goaway PROTOCOL_ERROR"),
    Case("6.5.2", "MAX_FRAME_SIZE of 2^24", [settings(f.MAX_FRAME_SIZE, 1 << 24)], "goaway PROTOCOL_ERROR"),
    Case("6.5.2", "MAX_FRAME_SIZE of 2^24-1", [our_settings((f.MAX_FRAME_SIZE, (1 << 24) - 1)), get(1)],
         "status 1 200"),
    Case("6.5.2", "no frame is larger than what the client takes", [get(1, path="/big/60000")], "status 1 200",
         check=lambda run: body_is(1, b"x" * 60000)(run) or (
             "a frame of more than 16384 bytes" if any(len(got.payload) > 16384 for got in run.link.seen) else None)),
    Case("6.5.2", "ENABLE_CONNECT_PROTOCOL from a client", [our_settings((f.ENABLE_CONNECT_PROTOCOL, 1))], "alive"),
    Case("6.5.2", "a client that takes no streams of the server", [our_settings((f.MAX_CONCURRENT_STREAMS, 0)), get(1)],
         "status 1 200"),
    Case("6.5.3", "of the same setting twice the last counts",
         [our_settings((f.INITIAL_WINDOW_SIZE, 5), (f.INITIAL_WINDOW_SIZE, 7)), get(1, path="/big/20"), wait_bytes(7),
          barrier], "alive", check=got_only(7), probe=False),
    Case("6.5.3", "each SETTINGS is acknowledged", [f.settings() * 5, barrier], "alive",
         check=lambda run: None if sum(1 for got in run.link.seen if got.kind == f.SETTINGS and got.ack) == 6
         else "not 6 acknowledgements"),
]

PUSH_PING_GOAWAY = [
    Case("6.6", "PUSH_PROMISE of a client", [get(1, path="/slow"),
         f.frame(f.PUSH_PROMISE, f.END_HEADERS, 1, b"\0\0\0\2" + PLAIN)], "goaway PROTOCOL_ERROR"),
    Case("6.7", "PING is answered with what it holds", [f.ping(b"\x00\xff echo\x01")], "alive",
         check=lambda run: run.link.until(lambda got: got.kind == f.PING and got.ack
                                          and got.payload == b"\x00\xff echo\x01") and None),
    Case("6.7", "an acknowledged PING is not answered", [f.ping(b"nothing!", ack=True), barrier], "alive",
         check=lambda run: "answered" if any(got.payload == b"nothing!" for got in run.link.seen) else None),
    Case("6.7", "PING on a stream", [f.frame(f.PING, 0, 1, b"12345678")], "goaway PROTOCOL_ERROR"),
    Case("6.7", "PING of 7 bytes", [f.ping(b"1234567")], "goaway FRAME_SIZE_ERROR"),
    Case("6.7", "PING of 9 bytes", [f.ping(b"123456789")], "goaway FRAME_SIZE_ERROR"),
    Case("6.8", "GOAWAY on a stream", [f.frame(f.GOAWAY, 0, 1, b"\0" * 8)], "goaway PROTOCOL_ERROR"),
    Case("6.8", "GOAWAY of 7 bytes", [f.frame(f.GOAWAY, 0, 0, b"\0" * 7)],
         "goaway FRAME_SIZE_ERROR | goaway PROTOCOL_ERROR"),
    Case("6.8", "requests that run when the client says GOAWAY are answered",
         [get(1, path="/slow"), f.goaway(0, "NO_ERROR", b"bye")], "status 1 200", check=body_is(1, b"ok"), probe=False),
]

WINDOW_UPDATE = [
    Case("6.9", "an increment of 0 on the connection", [f.window(0, 0)], "goaway PROTOCOL_ERROR"),
    Case("6.9", "an increment of 0 on a stream", [get(1, path="/hold"), f.window(1, 0)], "error 1 PROTOCOL_ERROR"),
    Case("6.9", "the reserved bit of an increment is ignored",
         [our_settings((f.INITIAL_WINDOW_SIZE, 0)), get(1, path="/big/300"), answer_begins(1), f.window(1, 5 | 1 << 31),
          wait_bytes(5), barrier], "alive", check=got_only(5), probe=False),
    Case("6.9", "WINDOW_UPDATE of 3 bytes", [f.frame(f.WINDOW_UPDATE, 0, 0, b"\0\0\1")], "goaway FRAME_SIZE_ERROR"),
    Case("6.9", "WINDOW_UPDATE of 5 bytes", [f.frame(f.WINDOW_UPDATE, 0, 0, b"\0\0\0\0\1")], "goaway FRAME_SIZE_ERROR"),
    Case("6.9.1", "the connection's window above 2^31-1", [f.window(0, MAX_WINDOW), f.window(0, 1)],
         "goaway FLOW_CONTROL_ERROR"),
    Case("6.9.1", "a stream's window above 2^31-1", [get(1, path="/hold"), f.window(1, MAX_WINDOW), f.window(1, 1)],
         "error 1 FLOW_CONTROL_ERROR"),
    Case("6.9.1", "an increment up to 2^31-1 exactly", [f.window(0, MAX_WINDOW - f.WINDOW), barrier, get(1)],
         "status 1 200"),
    Case("6.9.1", "a client that ignores the server's windows",
         [post(1, path="/stall"), b"".join(f.data(1, b"x" * 16384, end=False) for _ in range(1000))],
         "error 1 FLOW_CONTROL_ERROR", probe=False),
    Case("6.9.1", "a large upload is given its windows", [lambda run: run.upload(1, 1 << 20)], "status 1 200"),
    Case("6.9.2", "a new initial size counts for streams that are open",
         [our_settings((f.INITIAL_WINDOW_SIZE, 3)), get(1, path="/big/300"), wait_bytes(3),
          our_settings((f.INITIAL_WINDOW_SIZE, 10)), wait_bytes(10), barrier], "alive", check=got_only(10), probe=False),
    Case("6.9.2", "a window may become negative",
         [our_settings((f.INITIAL_WINDOW_SIZE, 20)), get(1, path="/big/300"), wait_bytes(20),
          our_settings((f.INITIAL_WINDOW_SIZE, 5)), f.window(1, 15), barrier, f.window(1, 1), wait_bytes(21), barrier],
         "alive", check=got_only(21), probe=False),
    Case("6.9.2", "an initial size that takes a stream's window above 2^31-1",
         [our_settings((f.INITIAL_WINDOW_SIZE, 0)), get(1, path="/hold"), f.window(1, MAX_WINDOW),
          settings(f.INITIAL_WINDOW_SIZE, 1)], "error 1 FLOW_CONTROL_ERROR"),
]

CUT = (PLAIN[:10], PLAIN[10:20], PLAIN[20:])

CONTINUATION = [
    Case("6.10", "a block in three frames", [f.headers(1, CUT[0], flags=0), f.continuation(1, CUT[1], False),
         f.continuation(1, CUT[2])], "status 1 200"),
    Case("6.10", "the end of the request is told by HEADERS, not by CONTINUATION",
         [f.headers(1, CUT[0], end=False, flags=0), f.frame(f.CONTINUATION, f.END_HEADERS | f.END_STREAM, 1,
          CUT[1] + CUT[2]), f.data(1, b"")], "status 1 200"),
    Case("6.10", "empty CONTINUATION frames", [f.headers(1, b"", flags=0), f.continuation(1, PLAIN, False),
         f.continuation(1, b"")], "status 1 200"),
    Case("6.10", "CONTINUATION behind HEADERS that are complete", [get(1, path="/hold"), f.continuation(1, PLAIN)],
         "goaway PROTOCOL_ERROR | goaway STREAM_CLOSED"),
    Case("6.10", "CONTINUATION behind CONTINUATION that completes",
         [f.headers(1, CUT[0], flags=0), f.continuation(1, CUT[1] + CUT[2]), f.continuation(1, PLAIN)],
         "goaway PROTOCOL_ERROR | goaway STREAM_CLOSED"),
    Case("6.10", "CONTINUATION behind DATA", [post(1, b"x"), f.continuation(1, PLAIN)], "goaway PROTOCOL_ERROR"),
    Case("6.10", "CONTINUATION on another stream", [f.headers(1, CUT[0], flags=0), f.continuation(3, CUT[1])],
         "goaway PROTOCOL_ERROR", unseen=True),
    Case("6.10", "CONTINUATION on stream 0", [f.headers(1, CUT[0], flags=0), f.continuation(0, CUT[1])],
         "goaway PROTOCOL_ERROR", unseen=True),
    Case("6.10", "CONTINUATION first of all", [f.continuation(1, PLAIN)], "goaway PROTOCOL_ERROR", unseen=True),
    Case("6.10", "CONTINUATION above the largest frame",
         [f.headers(1, CUT[0], flags=0), f.continuation(1, b"x" * 16385)], "goaway FRAME_SIZE_ERROR"),
]

TABLE = DATA + HEADERS + PRIORITY + RST_STREAM + SETTINGS + PUSH_PING_GOAWAY + WINDOW_UPDATE + CONTINUATION
