# SPDX-License-Identifier: MIT
"""RFC 9113 section 8: HTTP in HTTP/2, what is malformed, and how requests and responses are translated."""

import frames as f
import hpack
from cases import Case, all_of, body_is, body_of, fields, get, origin_has, post


def bad(title, *extra, section="8.2.1", **options):
    """A request with such fields more, which is malformed."""
    return Case(section, title, [get(1, extra=extra, **options)], "malformed 1")


def trailers(stream, extra, end=True):
    return f.headers(stream, hpack.block(extra), end)


def interim_seen(run):
    statuses = [got.field(":status") for got in run.link.seen if got.fields is not None and got.stream == 1]
    if statuses != [b"103", b"200"]:
        return "statuses are %r" % statuses
    return None


def trailers_seen(run):
    run.link.until(lambda got: got.stream == 1 and got.ends)
    last = [got for got in run.link.seen if got.fields is not None and got.stream == 1][-1]
    return None if last.field("x-sum") == b"42" and last.ends else "no trailers: %s" % last


def no_data(run):
    run.link.until(lambda got: got.stream == 1 and got.ends)
    return "DATA came" if body_of(run.link, 1) else None


def names_are_clean(run):
    """Responses keep to section 8.2 as well."""
    for got in run.link.seen:
        for name, _ in got.fields or ():
            if name != name.lower() or name in (b"connection", b"keep-alive", b"transfer-encoding", b"upgrade"):
                return "the response has a field %r" % name
    return None


EXCHANGE = [
    Case("8.1", "GET", [get(1)], "status 1 200", check=all_of(body_is(1, b"ok"), names_are_clean,
                                                             origin_has("line", "GET / HTTP/1.1"))),
    Case("8.1", "a chunked response", [get(1, path="/chunked/20000")], "status 1 200",
         check=all_of(body_is(1, b"x" * 20000), names_are_clean)),
    Case("8.1", "HEAD", [get(1, method="HEAD", path="/big/500")], "status 1 200", check=all_of(
        no_data, lambda run: None if run.link.until(answer(1)).field("content-length") == b"500" else "length is lost")),
    Case("8.1", "204 has no body", [get(1, path="/204")], "status 1 204", check=no_data),
    Case("8.1", "304 has no body", [get(1, path="/304")], "status 1 304", check=no_data),
    Case("8.1", "an interim response", [get(1, path="/early")], "status 1 200", check=interim_seen),
    Case("8.1", "trailers of a response", [get(1, path="/trailers")], "status 1 200", check=trailers_seen),
    Case("8.1", "trailers of a request", [post(1, b""), f.data(1, b"abc", end=False), trailers(1, [("x-sum", "42")])],
         "status 1 200", check=all_of(body_is(1, b"abc"), lambda run: None if b"x-sum: 42" in
                                      run.origin.requests(run.tag)[0].trailers.lower() else "trailers are lost")),
    Case("8.1", "trailers that do not end the stream",
         [post(1), f.data(1, b"abc", end=False), trailers(1, [("x-sum", "42")], end=False)], "error 1 PROTOCOL_ERROR | "
         "status 1 400"),
    Case("8.1", "trailers with a pseudo-header field",
         [post(1), f.data(1, b"abc", end=False), trailers(1, [(":path", "/2"), ("x-sum", "1")])],
         "error 1 PROTOCOL_ERROR | status 1 400"),
    Case("8.1", "DATA behind trailers", [post(1, path="/hold"), trailers(1, [("x-sum", "42")]), f.data(1, b"x")],
         "error 1 STREAM_CLOSED"),
    Case("8.1", "a client that waits for 100",
         [post(1, extra=[("expect", "100-continue")]), lambda run: run.link.until(
             lambda got: got.fields is not None and got.field(":status") == b"100"), f.data(1, b"abc")],
         "status 1 200", check=body_is(1, b"abc")),
    Case("8.1", "a second request head instead of trailers", [post(1), f.data(1, b"abc", end=False), get(1)],
         "error 1 PROTOCOL_ERROR | status 1 400"),
]


def answer(stream):
    return lambda got: got.stream == stream and got.fields is not None


LENGTHS = [
    Case("8.1.1", "content-length that is right", [post(1, b"abcde", 5)], "status 1 200", check=body_is(1, b"abcde")),
    Case("8.1.1", "content-length 0 without DATA", [get(1, extra=[("content-length", "0")])], "status 1 200"),
    Case("8.1.1", "more DATA than content-length says", [post(1, b"abcdef", 5)], "malformed 1", unseen=False),
    Case("8.1.1", "less DATA than content-length says", [post(1, b"abc", 5)], "malformed 1", unseen=False),
    Case("8.1.1", "less DATA, in several frames", [post(1, length=5), f.data(1, b"a", end=False), f.data(1, b"b")],
         "malformed 1", unseen=False),
    Case("8.1.1", "more DATA, in several frames", [post(1, length=5), f.data(1, b"abc", end=False),
         f.data(1, b"def")], "malformed 1", unseen=False),
    Case("8.1.1", "content-length without DATA", [get(1, method="POST", extra=[("content-length", "5")])],
         "malformed 1", unseen=False),
    Case("8.1.1", "less DATA, then trailers", [post(1, length=5), f.data(1, b"abc", end=False),
         trailers(1, [("x-sum", "1")])], "malformed 1", unseen=False),
    bad("content-length that differs", ("content-length", "5"), ("content-length", "6"), section="8.1.1", end=False),
    bad("content-length that is no number", ("content-length", "abc"), section="8.1.1", end=False),
    bad("content-length with a sign", ("content-length", "+5"), section="8.1.1", end=False),
    bad("content-length that is negative", ("content-length", "-1"), section="8.1.1", end=False),
    bad("content-length that is empty", ("content-length", ""), section="8.1.1", end=False),
    bad("content-length above 2^64", ("content-length", "184467440737095516160"), section="8.1.1", end=False),
]

FIELDS = [
    bad("a name in upper case", ("X-Test", "1")),
    bad("an empty name", ("", "1")),
    bad("a space in a name", ("x test", "1")),
    bad("a space behind a name", ("x-test ", "1")),
    bad("a colon within a name", ("x:test", "1")),
    bad("a line end in a name", ("x-a\r\nx-b", "1")),
    bad("NUL in a name", ("x-\0", "1")),
    bad("DEL in a name", ("x-\x7f", "1")),
    bad("bytes above 127 in a name", (b"x-\xe9", "1")),
    bad("a parenthesis in a name", ("x-(a)", "1")),
    bad("NUL in a value", ("x-test", "a\0b")),
    bad("CR LF in a value", ("x-test", "a\r\nx-evil: 1")),
    bad("LF in a value", ("x-test", "a\nx-evil: 1")),
    bad("CR in a value", ("x-test", "a\rb")),
    Case("8.2.1", "a value with space around is refused, or trimmed", [get(1, extra=[("x-test", " a ")])],
         "malformed 1 | status 1 200", check=lambda run: None if all(
             seen.field("x-test") == "a" for seen in run.origin.requests(run.tag)) else "not trimmed"),
    Case("8.2.1", "bytes above 127 in a value", [get(1, extra=[("x-test", b"caf\xc3\xa9")])], "status 1 200",
         check=origin_has("x-test", "caf\xc3\xa9")),
    Case("8.2.1", "an empty value", [get(1, extra=[("x-test", "")])], "status 1 200", check=origin_has("x-test", "")),
    Case("8.2.1", "a name in upper case within trailers",
         [post(1), f.data(1, b"abc", end=False), trailers(1, [("X-Sum", "1")])], "malformed 1", unseen=False),
    bad("connection", ("connection", "close"), section="8.2.2"),
    bad("connection that names a field", ("connection", "x-case"), section="8.2.2"),
    bad("keep-alive", ("keep-alive", "timeout=5"), section="8.2.2"),
    bad("proxy-connection", ("proxy-connection", "keep-alive"), section="8.2.2"),
    bad("transfer-encoding", ("transfer-encoding", "chunked"), section="8.2.2", end=False),
    bad("transfer-encoding that is empty", ("transfer-encoding", ""), section="8.2.2", end=False),
    bad("upgrade", ("upgrade", "h2c"), section="8.2.2"),
    bad("te other than trailers", ("te", "gzip"), section="8.2.2"),
    bad("te with trailers and more", ("te", "trailers, gzip"), section="8.2.2"),
    Case("8.2.2", "te: trailers", [get(1, extra=[("te", "trailers")])], "status 1 200"),
    Case("8.2.3", "cookie crumbs are joined",
         [get(1, extra=[("cookie", "a=1"), ("x-test", "1"), ("cookie", "b=2"), ("cookie", "c=3")])], "status 1 200",
         check=origin_has("cookie", "a=1; b=2; c=3")),
]

PSEUDO = [
    bad("an unknown pseudo-header field", (":unknown", "1"), section="8.3"),
    Case("8.3", "an unknown pseudo-header field in its place",
         [f.headers(1, hpack.block([(":test", "1")] + fields()))], "malformed 1"),
    Case("8.3", "a pseudo-header field behind a regular one",
         [f.headers(1, hpack.block(fields(drop=[":path"]) + [(":path", "/")]))], "malformed 1"),
    Case("8.3", "a pseudo-header field of responses", [f.headers(1, hpack.block([(":status", "200")] + fields()))],
         "malformed 1"),
    Case("8.3", "pseudo-header fields in any order", [f.headers(1, hpack.block(
        [(":authority", "h2.test"), (":path", "/"), (":method", "GET"), (":scheme", "http"), ("x-case", "@@@@")]))],
         "status 1 200"),
] + [
    Case("8.3.1", "%s twice" % name, [f.headers(1, hpack.block([(name, value)] + fields()))], "malformed 1")
    for name, value in fields()[:4]
] + [
    Case("8.3.1", "no " + name, [get(1, drop=[name])], "malformed 1") for name in (":method", ":scheme", ":path")
] + [
    Case("8.3.1", "an empty :path", [get(1, path="")], "malformed 1"),
    Case("8.3.1", "a :path without a slash", [get(1, path="index.html")], "malformed 1"),
    Case("8.3.1", "a space in :path", [get(1, path="/a b")], "malformed 1"),
    Case("8.3.1", "CR LF in :path", [get(1, path="/ HTTP/1.1\r\nx-evil: 1\r\n\r\nGET /")], "malformed 1"),
    Case("8.3.1", "NUL in :path", [get(1, path="/\0")], "malformed 1"),
    Case("8.3.1", "a space in :method", [get(1, method="GET /evil")], "malformed 1"),
    Case("8.3.1", "CR LF in :method", [get(1, method="GET / HTTP/1.1\r\nx: 1\r\n\r\nGET")], "malformed 1"),
    Case("8.3.1", "an empty :method", [get(1, method="")], "malformed 1"),
    Case("8.3.1", "CR LF in :authority", [get(1, authority="h2.test\r\nx-evil: 1")], "malformed 1"),
    Case("8.3.1", "a space in :authority", [get(1, authority="h2.test evil")], "malformed 1"),
    Case("8.3.1", "CR LF in :scheme", [get(1, scheme="http\r\nx-evil: 1")], "malformed 1"),
    Case("8.3.1", "OPTIONS *", [get(1, method="OPTIONS", path="*")], "status 1 200",
         check=origin_has("line", "OPTIONS * HTTP/1.1")),
    Case("8.3.1", "* with another method", [get(1, path="*")], "malformed 1"),
    Case("8.3.1", ":authority becomes Host", [get(1, authority="other.test:8080")], "status 1 200",
         check=origin_has("host", "other.test:8080")),
    Case("8.3.1", "Host alone", [get(1, drop=[":authority"], extra=[("host", "alone.test")])], "status 1 200",
         check=origin_has("host", "alone.test")),
    Case("8.3.1", "Host that agrees with :authority", [get(1, extra=[("host", "h2.test")])], "status 1 200",
         check=origin_has("host", "h2.test")),
    Case("8.3.1", "Host that differs from :authority", [get(1, extra=[("host", "evil.test")])],
         "malformed 1 | status 1 421"),
    bad("Host twice", ("host", "h2.test"), ("host", "evil.test"), section="8.3.1"),
    Case("8.3.1", "a query is kept", [get(1, path="/?a=b%20c&d")], "status 1 200",
         check=origin_has("line", "GET /?a=b%20c&d HTTP/1.1")),
    Case("8.3.1", "an unknown method", [get(1, method="BREW")], "status 1 200",
         check=origin_has("line", "BREW / HTTP/1.1")),
]


def connect(drop=(":scheme", ":path"), authority="h2.test:443", extra=()):
    return get(1, end=False, method="CONNECT", drop=drop, authority=authority, extra=extra)


def tunnel(run):
    """Bytes go both ways, and the end of one direction reaches the origin."""
    run.link.send(f.data(1, b"first", end=False))
    run.link.until(lambda _: body_of(run.link, 1) == b"first")
    run.link.send(f.data(1, b"second", end=False))
    run.link.until(lambda _: body_of(run.link, 1) == b"firstsecond")
    run.link.send(f.data(1, b""))
    return None if run.origin.wait_for(lambda: run.tag in run.origin.cancelled) else "the end does not reach the origin"


def websocket(*extra, **options):
    return f.headers(1, hpack.block([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                                     (":path", "/chat"), (":authority", "h2.test"), ("x-case", "@@@@"),
                                     ("sec-websocket-version", "13")] + list(extra)), end=False)


def connect_is_offered(run):
    return None if run.link.peer.get(f.ENABLE_CONNECT_PROTOCOL) == 1 else "no ENABLE_CONNECT_PROTOCOL"


def looks_like_upgrade(run):
    seen = run.origin.requests(run.tag)[0]
    if seen.line() != "GET /chat HTTP/1.1" or seen.field("upgrade") != "websocket":
        return "the origin got %r" % seen.head
    if (seen.field("connection") or "").lower() != "upgrade" or not seen.field("sec-websocket-key"):
        return "no Connection or no key: %r" % seen.head
    return None


CONNECT = [
    Case("8.5", "CONNECT becomes a tunnel", [connect()], "status 1 200",
         check=all_of(origin_has("line", "CONNECT h2.test:443 HTTP/1.1"), tunnel)),
    Case("8.5", "CONNECT with :path and :scheme", [connect(drop=())], "malformed 1"),
    Case("8.5", "CONNECT with :path", [connect(drop=[":scheme"])], "malformed 1"),
    Case("8.5", "CONNECT without :authority", [connect(drop=(":scheme", ":path", ":authority"))], "malformed 1"),
    Case("8441.3", "extended CONNECT is offered", [], "alive", check=connect_is_offered),
    Case("8441.4", "a WebSocket becomes an upgrade", [websocket()], "status 1 200",
         check=all_of(looks_like_upgrade, tunnel)),
    Case("8441.4", ":protocol without CONNECT", [f.headers(1, hpack.block(
        [(":protocol", "websocket")] + fields()))], "malformed 1"),
    Case("8441.4", "extended CONNECT without :path", [f.headers(1, hpack.block(
        [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "h2.test"),
         ("x-case", "@@@@")]), end=False)], "malformed 1"),
]


def cut_short(run):
    """A response that ends too early must not look complete."""
    try:
        run.link.until(lambda got: got.stream == 1 and got.kind == f.RST_STREAM)
    except (f.Silence, f.Gone):
        return "the stream was not reset"
    return "END_STREAM" if any(got.ends and got.stream == 1 for got in run.link.seen) else None


RELIABILITY = [
    Case("8.1", "a response cut short is reset", [get(1, path="/half")], "status 1 200", check=cut_short),
    Case("8.1", "an origin that closes without an answer", [get(1, path="/close")], "status 1 502 | rst 1 REFUSED_STREAM"),
    Case("8.1", "many requests at once", [f.window(0, 1 << 20) + b"".join(
        get(1 + 2 * i, path="/big/3000") for i in range(60))],
         "status 119 200", check=lambda run: next(filter(None, (
             body_is(1 + 2 * i, b"x" * 3000)(run) for i in range(60))), None), probe=False),
    Case("8.7", "a large response, its window opened bit by bit", [get(1, path="/big/1000000"),
         lambda run: run.download(1, 1000000)], "status 1 200", check=body_is(1, b"x" * 1000000)),
    Case("8.8", "a body and its echo, larger than any window", [lambda run: run.upload(1, 300000, "/echo")],
         "status 1 200", check=lambda run: None if len(body_of(run.link, 1)) == 300000 else "bytes are missing"),
]

TABLE = EXCHANGE + LENGTHS + FIELDS + PSEUDO + CONNECT + RELIABILITY
