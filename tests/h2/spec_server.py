# SPDX-License-Identifier: MIT
"""RFC 9113 towards servers: a scripted server that says wrong things to the proxy's client side, or right ones.

A client in HTTP/1.1 asks for /NAME and the proxy asks the server of that case. Wanted are two outcomes: the server's
("goaway CODE", "rst CODE", "alive": no complaint, "closed") and the client's (a status, "50x", "200 cut": a response
that does not end as it should).
"""

import frames as f
import hpack

REQUEST = b"GET /@name@ HTTP/1.1\r\nHost: h2.test\r\nConnection: close\r\n\r\n"


class ServerCase:
    """steps: bytes to send, or functions of the Exchange; `stream` in them is the request's, which is 1."""

    def __init__(self, section, title, steps, server, client, request=REQUEST, check=None, greeting=f.settings(),
                 body=None, client_waits=False, late_body=False,
                 alone=""):
        self.section, self.title, self.steps, self.check = section, title, steps, check
        self.server = [word.strip() for word in server.split("|")]
        self.client = [word.strip() for word in client.split("|")]
        self.request = request
        self.greeting = greeting  # what is sent as soon as the proxy has connected
        self.body = body  # what the client has to get
        self.client_waits = client_waits  # it reads only when the server's outcome is there
        self.late_body = late_body  # it comes when the proxy has the server's SETTINGS for sure
        self.alone = alone

    @property
    def name(self):
        return "server %s %s" % (self.section, self.title)


def respond(*extra, status="200", end=True, stream=1, drop=()):
    fields = [(":status", status)] if ":status" not in drop else []
    return f.headers(stream, hpack.block(fields + list(extra)), end)


OK = respond(("content-length", "2"), end=False) + f.data(1, b"ok")


def bad(title, section="8.2", *extra, alone="", **options):
    """A response head that is malformed."""
    return ServerCase(section, title, [respond(*extra, **options)], "rst PROTOCOL_ERROR | goaway PROTOCOL_ERROR", "50x",
                      alone=alone)


def wrong(section, title, raw, server, client="50x", alone=""):
    """Sent in place of a response."""
    return ServerCase(section, title, [raw], server, client, alone=alone)


def late_settings(exchange):
    exchange.pause(0.3)
    exchange.link.send(f.settings())


def request_body(exchange):
    """Until the request is complete."""
    exchange.link.until(lambda got: got.stream == 1 and got.ends)


# ---- checks of what the proxy sent ----

def head(exchange):
    return next(got for got in exchange.link.seen if got.fields is not None)


def greets_well(exchange):
    first = exchange.link.seen[0]
    if first.kind != f.SETTINGS or first.ack:
        return "the first frame is %s" % first
    if dict(first.pairs).get(f.ENABLE_PUSH, 1) != 0:
        return "it would take pushes: %s" % first
    return None


def request_is(*wanted, absent=()):
    """The request has these fields, and none of the absent; pseudo-header fields come first."""
    def check(exchange):
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head(exchange).fields]
        for name, value in wanted:
            if (name, value) not in fields:
                return "no %s: %s in %s" % (name, value, fields)
        names = [name for name, _ in fields]
        if any(name in names for name in absent):
            return "%s is in %s" % (absent, fields)
        pseudo = [name.startswith(":") for name in names]
        if sorted(pseudo, reverse=True) != pseudo or any(name != name.lower() for name in names):
            return "bad order or case: %s" % fields
        return None
    return check


def body_was(body, trailers=()):
    def check(exchange):
        got = b"".join(got.body() for got in exchange.link.seen if got.kind == f.DATA)
        if got != body:
            return "the request's body is %r..., %d bytes" % (got[:50], len(got))
        last = [got for got in exchange.link.seen if got.fields is not None][-1]
        missing = [pair for pair in trailers if pair not in last.fields]
        return "no trailers %s in %s" % (missing, last) if missing else None
    return check


def within_windows(size):
    """The body came in the pieces that the windows allowed."""
    def step(exchange):
        got = lambda: sum(len(got.payload) for got in exchange.link.seen if got.kind == f.DATA)
        exchange.link.until(lambda _: got() >= size)
        exchange.pause(0.1)
        exchange.link.send(f.ping())
        exchange.link.until(lambda got: got.kind == f.PING and got.ack)
        if got() != size:
            raise f.Silence("%d bytes of body where the window is %d" % (got(), size))
    return step


def post(size, extra=b""):
    return b"POST /@name@ HTTP/1.1\r\nHost: h2.test\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n" % (
        size, extra) + b"x" * size


CHUNKED_POST = (b"POST /@name@ HTTP/1.1\r\nHost: h2.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
                b"Trailer: X-Sum\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 7\r\n\r\n")
HEAD = REQUEST.replace(b"GET", b"HEAD")

CONNECTION = [
    ServerCase("3.4", "a preface, SETTINGS, and no pushes wanted", [OK], "alive", "200", check=greets_well, body=b"ok"),
    ServerCase("3.4", "SETTINGS that come late", [OK], "alive", "200", greeting=late_settings, body=b"ok"),
    ServerCase("3.4", "SETTINGS are acknowledged", [lambda x: x.link.until(
        lambda got: got.kind == f.SETTINGS and got.ack), OK], "alive", "200"),
    ServerCase("3.4", "no SETTINGS first but PING", [OK], "goaway PROTOCOL_ERROR | closed", "50x", greeting=f.ping()),
    ServerCase("3.4", "HTTP/1.1 in answer to the preface", [], "goaway PROTOCOL_ERROR | goaway FRAME_SIZE_ERROR | closed",
               "50x", greeting=b"HTTP/1.1 400 Bad request\r\nContent-Length: 0\r\n\r\n"),
    ServerCase("3.4", "a server that closes at once", [lambda x: x.link.close()], "closed", "50x", greeting=b""),
    wrong("4.2", "HEADERS above the largest frame", respond(("x-big", "x" * 16384)), "goaway FRAME_SIZE_ERROR"),
    wrong("4.2", "DATA above the largest frame", respond(end=False) + f.data(1, b"x" * 16385),
          "goaway FRAME_SIZE_ERROR | rst FRAME_SIZE_ERROR", "200 cut | 50x"),
    wrong("4.3", "a header block that is no HPACK", f.headers(1, b"\xff" * 10), "goaway COMPRESSION_ERROR"),
    wrong("4.3", "PING within a header block", f.headers(1, hpack.block([(":status", "200")]), flags=0) + f.ping(),
          "goaway PROTOCOL_ERROR"),
    wrong("4.3", "a block in three frames", f.headers(1, hpack.block([(":status", "200")]), flags=0)
          + f.continuation(1, hpack.block([("x-a", "1")]), False) + f.continuation(1, b""), "alive", "200"),
    wrong("4.1", "a frame of unknown type", f.frame(0xbb, 0, 1, b"?") + OK, "alive", "200"),
    wrong("5.1", "HEADERS on an idle stream", respond(stream=5), "goaway PROTOCOL_ERROR"),
    wrong("5.1", "DATA on an idle stream", f.data(5, b"x"), "goaway PROTOCOL_ERROR"),
    wrong("5.1", "RST_STREAM on an idle stream", f.reset(5), "goaway PROTOCOL_ERROR"),
    wrong("5.1", "WINDOW_UPDATE on an idle stream", f.window(5, 1), "goaway PROTOCOL_ERROR"),
    wrong("5.1.1", "a stream of the server's own", respond(stream=2), "goaway PROTOCOL_ERROR"),
    wrong("5.1", "DATA before HEADERS", f.data(1, b"x"), "goaway PROTOCOL_ERROR | rst PROTOCOL_ERROR",
          alone="haproxy 2.6 dies of it"),
    wrong("6.1", "DATA on stream 0", f.data(0, b"x"), "goaway PROTOCOL_ERROR"),
    wrong("6.1", "padding is taken off", respond(end=False) + f.data(1, b"\x03ok" + b"\0" * 3, flags=f.PADDED),
          "alive", "200"),
    wrong("6.1", "padding as long as the payload", respond(end=False) + f.data(1, b"\x05" + b"\0" * 3, flags=f.PADDED),
          "goaway PROTOCOL_ERROR", "200 cut | 50x"),
    wrong("6.2", "padded HEADERS with priority", f.headers(1, b"\x02" + f.priority_fields() + hpack.block(
        [(":status", "200")]) + b"\0\0", flags=f.END_HEADERS | f.PADDED | f.PRIO), "alive", "200"),
    wrong("6.4", "RST_STREAM before the response", f.reset(1, "INTERNAL_ERROR"), "alive", "50x"),
    wrong("6.4", "RST_STREAM within the body", respond(("content-length", "10"), end=False) + f.data(1, b"abc", end=False)
          + f.reset(1, "INTERNAL_ERROR"), "alive", "200 cut | 50x"),
    wrong("6.4", "RST_STREAM within a body of unknown length", respond(end=False) + f.data(1, b"abc", end=False)
          + f.reset(1, "INTERNAL_ERROR"), "alive", "200 cut | 50x"),
    wrong("6.4", "RST_STREAM on stream 0", f.frame(f.RST_STREAM, 0, 0, b"\0" * 4), "goaway PROTOCOL_ERROR"),
    wrong("6.4", "RST_STREAM of 3 bytes", f.frame(f.RST_STREAM, 0, 1, b"\0" * 3), "goaway FRAME_SIZE_ERROR"),
    ServerCase("8.1", "RST_STREAM NO_ERROR behind an answer that does not need the body", [
        respond(("content-length", "2"), end=False) + f.data(1, b"ok") + f.reset(1, "NO_ERROR")], "alive", "200",
        request=post(200000), body=b"ok"),
    wrong("6.5", "SETTINGS on a stream", f.frame(f.SETTINGS, 0, 1), "goaway PROTOCOL_ERROR"),
    wrong("6.5", "SETTINGS of 5 bytes", f.frame(f.SETTINGS, 0, 0, b"\0" * 5), "goaway FRAME_SIZE_ERROR"),
    wrong("6.5.2", "ENABLE_PUSH of 1 from a server", f.settings((f.ENABLE_PUSH, 1)), "goaway PROTOCOL_ERROR",
          alone="haproxy 2.6 does not mind"),
    wrong("6.5.2", "INITIAL_WINDOW_SIZE above 2^31-1", f.settings((f.INITIAL_WINDOW_SIZE, 1 << 31)),
          "goaway FLOW_CONTROL_ERROR"),
    wrong("6.5.2", "MAX_FRAME_SIZE of 100", f.settings((f.MAX_FRAME_SIZE, 100)), "goaway PROTOCOL_ERROR"),
    wrong("6.5.2", "an unknown setting", f.settings((0x7777, 1)) + OK, "alive", "200"),
    ServerCase("6.5.2", "a server without a header table", [OK], "alive", "200",
               greeting=f.settings((f.HEADER_TABLE_SIZE, 0)), body=b"ok"),
    wrong("6.6", "PUSH_PROMISE", f.frame(f.PUSH_PROMISE, f.END_HEADERS, 1, b"\0\0\0\2" + hpack.block(
        [(":method", "GET"), (":scheme", "http"), (":path", "/pushed"), (":authority", "h2.test")])),
          "goaway PROTOCOL_ERROR"),
    ServerCase("6.7", "PING is answered", [f.ping(b"whatsup?"), lambda x: x.link.until(
        lambda got: got.kind == f.PING and got.ack and got.payload == b"whatsup?"), OK], "alive", "200"),
    wrong("6.7", "PING of 7 bytes", f.ping(b"1234567"), "goaway FRAME_SIZE_ERROR"),
    wrong("6.7", "PING on a stream", f.frame(f.PING, 0, 1, b"12345678"), "goaway PROTOCOL_ERROR"),
    wrong("6.8", "GOAWAY that lets the request finish", f.goaway(1) + OK, "alive | closed", "200"),
    wrong("6.8", "GOAWAY on a stream", f.frame(f.GOAWAY, 0, 1, b"\0" * 8), "goaway PROTOCOL_ERROR"),
    ServerCase("6.8", "GOAWAY, then the connection's end", [f.goaway(1, "INTERNAL_ERROR"), lambda x: x.link.close()],
               "closed", "50x"),
    wrong("6.9", "an increment of 0 on the connection", f.window(0, 0), "goaway PROTOCOL_ERROR"),
    wrong("6.9", "an increment of 0 on the stream", f.window(1, 0), "rst PROTOCOL_ERROR | goaway PROTOCOL_ERROR"),
    wrong("6.9.1", "the connection's window above 2^31-1", f.window(0, (1 << 31) - 1), "goaway FLOW_CONTROL_ERROR"),
    wrong("6.9.1", "the stream's window above 2^31-1", f.window(1, (1 << 31) - 1),
          "rst FLOW_CONTROL_ERROR | goaway FLOW_CONTROL_ERROR"),
    ServerCase("6.9.1", "the body of a request keeps within the stream's window", [
        within_windows(1000), f.window(1, 500), within_windows(1500), f.window(1, 100000), request_body, OK], "alive",
        "200", request=post(20000), greeting=f.settings((f.INITIAL_WINDOW_SIZE, 1000)), check=body_was(b"x" * 20000),
        late_body=True),
    ServerCase("6.9.1", "the body of a request keeps within the connection's window", [
        within_windows(f.WINDOW), f.window(0, 200000), request_body, OK], "alive", "200", request=post(200000),
        greeting=f.settings((f.INITIAL_WINDOW_SIZE, 1 << 20)), check=body_was(b"x" * 200000)),
    ServerCase("6.9.1", "a large response is given its windows", [lambda x: x.download(1000000)], "alive", "200",
               body=b"x" * 1000000),
    ServerCase("6.9.1", "a server that ignores the windows of the proxy", [
        respond(end=False) + b"".join(f.data(1, b"x" * 16384, end=False) for _ in range(1500))],
        "goaway FLOW_CONTROL_ERROR | rst FLOW_CONTROL_ERROR | alive", "200 cut | 50x", client_waits=True),
    wrong("6.10", "CONTINUATION without HEADERS", f.continuation(1, hpack.block([(":status", "200")])),
          "goaway PROTOCOL_ERROR"),
]

MESSAGES = [
    bad("no :status", "8.3.2", ("x-a", "1"), drop=[":status"]),
    bad(":status that is no number", "8.3.2", status="abc"),
    bad(":status of two digits", "8.3.2", status="99"),
    bad(":status of four digits", "8.3.2", status="1000"),
    bad(":status that is empty", "8.3.2", status=""),
    bad(":status twice", "8.3", (":status", "200")),
    bad("a pseudo-header field of requests", "8.3", (":path", "/")),
    bad("an unknown pseudo-header field", "8.3", (":what", "1")),
    wrong("8.3", "a pseudo-header field behind a regular one", f.headers(1, hpack.block(
        [("x-a", "1"), (":status", "200")])), "rst PROTOCOL_ERROR | goaway PROTOCOL_ERROR"),
    bad("a name in upper case", "8.2.1", ("X-Test", "1")),
    bad("a space in a name", "8.2.1", ("x test", "1")),
    bad("CR LF in a value", "8.2.1", ("x-test", "a\r\nx-evil: 1")),
    bad("NUL in a value", "8.2.1", ("x-test", "a\0b")),
    bad("an empty name", "8.2.1", ("", "1"), alone="haproxy 2.6 calls it COMPRESSION_ERROR"),
    bad("connection", "8.2.2", ("connection", "close")),
    bad("keep-alive", "8.2.2", ("keep-alive", "timeout=1")),
    bad("transfer-encoding", "8.2.2", ("transfer-encoding", "chunked")),
    bad("upgrade", "8.2.2", ("upgrade", "h2c")),
    bad("content-length that differs", "8.1.1", ("content-length", "5"), ("content-length", "6"), end=False),
    bad("content-length that is no number", "8.1.1", ("content-length", "x"), end=False),
    wrong("8.1.1", "more DATA than content-length says", respond(("content-length", "3"), end=False) + f.data(1, b"abcd"),
          "rst PROTOCOL_ERROR | goaway PROTOCOL_ERROR", "200 cut | 50x"),
    wrong("8.1.1", "less DATA than content-length says", respond(("content-length", "5"), end=False) + f.data(1, b"abcd"),
          "rst PROTOCOL_ERROR | goaway PROTOCOL_ERROR | alive", "200 cut | 50x"),
    wrong("8.1.1", "content-length without DATA", respond(("content-length", "5")),
          "rst PROTOCOL_ERROR | goaway PROTOCOL_ERROR | alive", "200 cut | 50x"),
    ServerCase("8.1", "HEAD with content-length and without DATA", [respond(("content-length", "500"))], "alive", "200",
               request=HEAD, body=b""),
    ServerCase("8.1", "304 with content-length and without DATA", [respond(("content-length", "500"), status="304")],
               "alive", "304", body=b""),
    ServerCase("8.1", "204", [respond(status="204")], "alive", "204", body=b""),
    ServerCase("8.1", "an interim response", [respond(("link", "</a>"), status="103", end=False) + OK], "alive", "200",
               body=b"ok"),
    bad("an interim response that ends the stream", "8.1", status="103"),
    bad("101 does not exist here", "8.6", status="101", end=False),
    wrong("8.1", "trailers", respond(end=False) + f.data(1, b"abc", end=False) + f.headers(
        1, hpack.block([("x-sum", "7")])), "alive", "200"),
    wrong("8.1", "trailers with a pseudo-header field", respond(end=False) + f.data(1, b"abc", end=False) + f.headers(
        1, hpack.block([(":status", "200")])), "rst PROTOCOL_ERROR | goaway PROTOCOL_ERROR", "200 cut | 50x"),
    wrong("8.1", "trailers that do not end the stream", respond(end=False) + f.data(1, b"abc", end=False) + f.headers(
        1, hpack.block([("x-sum", "7")]), False), "rst PROTOCOL_ERROR | goaway PROTOCOL_ERROR", "200 cut | 50x"),
]

REQUESTS = [
    ServerCase("8.3.1", "a request's head", [OK], "alive", "200", request=REQUEST.replace(
        b"Connection: close", b"Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-Mixed-Case: Yes"),
        check=request_is((":method", "GET"), (":scheme", "http"), (":authority", "h2.test"), ("x-mixed-case", "Yes"),
                         absent=("connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection")),
        alone="haproxy 2.6 says https"),
    ServerCase("8.2.2", "te: trailers is kept", [OK], "alive", "200", request=REQUEST.replace(
        b"Connection: close", b"TE: trailers\r\nConnection: close, TE"), check=request_is(("te", "trailers"))),
    ServerCase("8.2.2", "another te is not forwarded", [OK], "alive", "200", request=REQUEST.replace(
        b"Connection: close", b"TE: gzip\r\nConnection: close, TE"),
        check=lambda x: None if head(x).field("te") in (None, b"trailers") else str(head(x))),
    ServerCase("8.1", "a body with a length", [request_body, OK], "alive", "200", request=post(5),
               check=lambda x: body_was(b"x" * 5)(x) or request_is(("content-length", "5"))(x)),
    ServerCase("8.1", "a chunked body", [request_body, OK], "alive", "200", request=CHUNKED_POST,
               check=lambda x: request_is(absent=["transfer-encoding"])(x) or (
                   None if b"".join(got.body() for got in x.link.seen if got.kind == f.DATA) == b"abcde" else "not abcde")),
    ServerCase("8.1", "trailers of a request", [request_body, OK], "alive", "200", request=CHUNKED_POST,
               check=body_was(b"abcde", [(b"x-sum", b"7")])),
    ServerCase("8.1", "no frame is larger than what the server takes", [
        f.window(0, 200000), request_body, OK], "alive", "200", request=post(100000),
        greeting=f.settings((f.INITIAL_WINDOW_SIZE, 1 << 20)), check=lambda x: "too large a frame" if any(
            len(got.payload) > 16384 for got in x.link.seen) else None),
]

TABLE = CONNECTION + MESSAGES + REQUESTS
