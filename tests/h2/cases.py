# SPDX-License-Identifier: MIT
"""What a case is made of. README.md beside this file explains the tables; the tables are the spec_*.py files."""

import frames as f
import hpack

TAG = b"@@@@"  # stands for the case's tag wherever it is sent
PROBE_STREAM = 4097
DEFAULTS = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "h2.test"), ("x-case", "@@@@")]


class Case:
    """One row: the section, what is sent, and the outcomes that are right, one of "goaway CODE", "rst STREAM CODE",
    "status STREAM NNN", "closed" (without a word), "alive" (nothing went wrong), or several with | between."""

    def __init__(self, section, title, steps, wanted, check=None, start=f.PREFACE + f.settings(), unseen=None,
                 bind="h2", probe=True, alone=""):
        self.section, self.title, self.steps, self.check = section, title, steps, check
        self.wanted = [one.strip() for text in wanted.split("|") for one in spelled_out(text.strip()).split("|")]
        self.start = start  # what is sent before the steps; then the server's SETTINGS are awaited
        self.unseen = "malformed" in wanted if unseen is None else unseen  # the origin must not see the request
        self.bind = bind
        self.probe = probe  # afterwards another request on the connection has to work
        self.alone = alone  # why no peer at hand passes this

    @property
    def name(self):
        return "%s %s" % (self.section, self.title)


def spelled_out(text):
    """malformed STREAM: RFC 9113 section 8.1.1; a server may answer before it resets."""
    words = text.split()
    if words[0] == "malformed":
        return "rst %s PROTOCOL_ERROR|status %s 400" % (words[1], words[1])
    if words[0] == "error":  # error STREAM CODE: a stream error, which may be treated as one of the connection
        return "rst %s %s|goaway %s" % (words[1], words[2], words[2])
    return text


def fields(drop=(), extra=(), **given):
    """The usual fields, some replaced (path="/x"), some dropped, some added behind."""
    out = []
    for name, value in DEFAULTS:
        value = given.get(name.strip(":"), value)
        if name not in drop:
            out.append((name, value))
    return out + list(extra)


def get(stream=1, end=True, flags=f.END_HEADERS, **options):
    return f.headers(stream, hpack.block(fields(**options)), end, flags)


def post(stream=1, body=b"", length=None, extra=(), **options):
    """A request with a body; without `body` it stays open."""
    extra = list(extra) + ([("content-length", str(length))] if length is not None else [])
    options.setdefault("path", "/echo")
    head = get(stream, end=False, method="POST", extra=extra, **options)
    return head + (f.data(stream, body) if body else b"")


def raw(stream, block, end=True, flags=f.END_HEADERS):
    """A request whose block ends with those bytes, after the usual fields."""
    return f.headers(stream, hpack.block(fields()) + block, end, flags)


# ---- steps: functions of the Run ----

def at_origin(run):
    """Until the origin has the request."""
    if not run.origin.wait_for(lambda: run.origin.requests(run.tag)):
        raise f.Silence("the origin did not get the request")


def ended(stream):
    """Until the stream's response is complete."""
    return lambda run: run.link.until(lambda got: got.stream == stream and (got.ends or got.kind == f.RST_STREAM))


def answer_begins(stream):
    return lambda run: run.link.until(lambda got: got.stream == stream and got.fields is not None)


def barrier(run):
    """Until the proxy has digested all that was sent before."""
    mark = b"%08d" % len(run.link.seen)
    run.link.send(f.ping(mark))
    run.link.until(lambda got: got.kind == f.PING and got.ack and got.payload == mark)


def forget(run):
    """What came before is not the outcome."""
    run.since = len(run.link.seen)


def our_settings(*pairs):
    """SETTINGS, waiting for their acknowledgement."""
    def step(run):
        acks = sum(1 for got in run.link.seen if got.kind == f.SETTINGS and got.ack)
        run.link.send_settings(*pairs)
        run.link.until(lambda _: sum(1 for got in run.link.seen if got.kind == f.SETTINGS and got.ack) > acks)
    return step


# ---- checks: None, or what is wrong ----

def body_is(stream, body):
    def check(run):
        try:
            run.link.until(lambda got: got.stream == stream and got.ends)
        except (f.Silence, f.Gone):
            return "the response on stream %d does not end" % stream
        got = body_of(run.link, stream)
        return None if got == body else "body %r..., %d bytes" % (got[:60], len(got))
    return check


def body_of(link, stream):
    return b"".join(got.body() for got in link.seen if got.kind == f.DATA and got.stream == stream)


def origin_has(field, value):
    """The request arrived with that field (value None: without it)."""
    def check(run):
        run.origin.wait_for(lambda: run.origin.requests(run.tag), 3)
        seen = run.origin.requests(run.tag)
        if not seen:
            return "the origin did not see the request"
        got = seen[0].line() if field == "line" else seen[0].field(field)
        return None if got == value else "the origin got %s %r, not %r" % (field, got, value)
    return check


def all_of(*checks):
    return lambda run: next((wrong for wrong in (check(run) for check in checks) if wrong), None)
