# SPDX-License-Identifier: MIT
"""HTTP/2 frames (RFC 9113 section 6): building them, right or wrong, and one end of a connection that reads them."""

import select
import socket
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
TYPES = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
         "CONTINUATION")
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIO = 0x4, 0x8, 0x20
ERRORS = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
          "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
          "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED")
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    1, 2, 3, 4, 5, 6)
ENABLE_CONNECT_PROTOCOL = 8
WINDOW = 65535


# ---- building ----

def frame(kind, flags, stream, payload=b"", length=None):
    return (len(payload) if length is None else length).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(
        4, "big") + payload


def settings(*pairs, ack=False):
    return frame(SETTINGS, ACK if ack else 0, 0, b"".join(
        key.to_bytes(2, "big") + value.to_bytes(4, "big") for key, value in pairs))


def headers(stream, block, end=True, flags=END_HEADERS):
    return frame(HEADERS, flags | (END_STREAM if end else 0), stream, block)


def continuation(stream, block, last=True):
    return frame(CONTINUATION, END_HEADERS if last else 0, stream, block)


def data(stream, payload=b"", end=True, flags=0):
    return frame(DATA, flags | (END_STREAM if end else 0), stream, payload)


def ping(payload=b"probe123", ack=False):
    return frame(PING, ACK if ack else 0, 0, payload)


def reset(stream, code="CANCEL"):
    return frame(RST_STREAM, 0, stream, number(code))


def goaway(last=0, code="NO_ERROR", debug=b""):
    return frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + number(code) + debug)


def window(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, increment.to_bytes(4, "big"))


def priority(stream, depends=0, weight=15, exclusive=False):
    return frame(PRIORITY, 0, stream, priority_fields(depends, weight, exclusive))


def priority_fields(depends=0, weight=15, exclusive=False):
    return (depends | (1 << 31 if exclusive else 0)).to_bytes(4, "big") + bytes([weight])


def number(code):
    return (ERRORS.index(code) if isinstance(code, str) else code).to_bytes(4, "big")


# ---- reading ----

class Silence(Exception):
    """Nothing (or not enough) arrived in time."""


class Gone(Exception):
    """The other side has closed or reset the connection."""


class Frame:
    """One received frame; the last one of a header block carries the decoded fields."""

    def __init__(self, kind, flags, stream, payload):
        self.kind, self.flags, self.stream, self.payload = kind, flags, stream, payload
        self.fields = None

    @property
    def ends(self):
        return bool(self.kind in (DATA, HEADERS) and self.flags & END_STREAM)

    @property
    def ack(self):
        return bool(self.flags & ACK)

    @property
    def code(self):
        """The error code of RST_STREAM and GOAWAY, by name."""
        raw = self.payload[4:8] if self.kind == GOAWAY else self.payload[:4]
        code = int.from_bytes(raw, "big")
        return ERRORS[code] if code < len(ERRORS) else hex(code)

    @property
    def pairs(self):
        return [(int.from_bytes(self.payload[i:i + 2], "big"), int.from_bytes(self.payload[i + 2:i + 6], "big"))
                for i in range(0, len(self.payload), 6)]

    def body(self):
        """DATA without its padding."""
        if self.flags & PADDED:
            return self.payload[1:len(self.payload) - self.payload[0]]
        return self.payload

    def field(self, name):
        return dict(self.fields or ()).get(name.encode())

    def __str__(self):
        name = TYPES[self.kind] if self.kind < len(TYPES) else "type %d" % self.kind
        text = "%s[%d]" % (name, self.stream)
        if self.fields is not None:
            text += " " + ", ".join("%s=%s" % (n.decode("latin-1"), v.decode("latin-1")[:60]) for n, v in self.fields)
        elif self.kind in (RST_STREAM, GOAWAY):
            text += " " + self.code
            if self.kind == GOAWAY:
                text += " last=%d %s" % (int.from_bytes(self.payload[:4], "big"), self.payload[8:88].decode("latin-1"))
        elif self.kind == SETTINGS:
            text += " ack" if self.ack else " " + str(self.pairs)
        elif self.kind == DATA:
            text += " %d bytes" % len(self.payload)
        return text + (" end" if self.ends else "")


class Link:
    """One end of a connection over a connected socket; acknowledges SETTINGS and answers PING by itself."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.setblocking(False)
        self.buffer = b""
        self.decoder = hpack.Decoder()
        self.seen = []  # every Frame that was received
        self.open_block = None
        self.is_polite = True  # acknowledges SETTINGS and PING
        self.is_gone = ""
        self.peer = {}  # the other side's settings
        self.limits = []  # our table sizes that wait for their acknowledgement

    def send(self, raw, seconds=10):
        """All of it, or as much as the peer takes: how it reacts is seen by reading. Reads while it waits."""
        deadline = time.monotonic() + seconds
        while raw and not self.is_gone and time.monotonic() < deadline:
            readable, writable, _ = select.select([self.sock], [self.sock], [], 1)
            try:
                if readable:
                    self._receive()
                elif writable:
                    raw = raw[self.sock.send(raw):]
            except (BlockingIOError, InterruptedError):
                continue
            except OSError as error:  # an SSLWantRead has no better name here
                if "WANT" in type(error).__name__.upper():
                    continue
                return False
        return not raw

    def _receive(self):
        try:
            piece = self.sock.recv(1 << 16)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            if "Want" in type(error).__name__:
                return
            self.is_gone = "reset"
            return
        if not piece:
            self.is_gone = "eof"
        self.buffer += piece

    def next(self, seconds=5):
        """The next Frame."""
        deadline = time.monotonic() + seconds
        while True:
            got = self._parse()
            if got:
                return got
            if self.is_gone:
                raise Gone(self.is_gone)
            left = max(0, deadline - time.monotonic())
            pending = getattr(self.sock, "pending", lambda: 0)()
            if not pending and not select.select([self.sock], [], [], left)[0]:
                raise Silence
            self._receive()

    def _parse(self):
        if len(self.buffer) < 9:
            return None
        length = int.from_bytes(self.buffer[:3], "big")
        if len(self.buffer) < 9 + length:
            return None
        got = Frame(self.buffer[3], self.buffer[4], int.from_bytes(self.buffer[5:9], "big") & 0x7fffffff,
                    self.buffer[9:9 + length])
        self.buffer = self.buffer[9 + length:]
        self.seen.append(got)
        self._digest(got)
        return got

    def _digest(self, got):
        if got.kind in (HEADERS, CONTINUATION, PUSH_PROMISE):
            piece = got.body() if got.kind != CONTINUATION else got.payload
            if got.kind == HEADERS and got.flags & PRIO:
                piece = piece[5:]
            if got.kind == PUSH_PROMISE:
                piece = piece[4:]
            self.open_block = piece if got.kind != CONTINUATION else (self.open_block or b"") + piece
            if got.flags & END_HEADERS:
                got.fields = self.decoder.decode(self.open_block)
                self.open_block = None
        elif got.kind == SETTINGS and not got.ack:
            self.peer.update(got.pairs)
            if self.is_polite:
                self.send(settings(ack=True))
        elif got.kind == SETTINGS and self.limits:
            limit = self.limits.pop(0)
            if limit is not None:
                self.decoder.set_limit(limit)
        elif got.kind == PING and not got.ack and self.is_polite:
            self.send(ping(got.payload, ack=True))

    def send_settings(self, *pairs):
        """SETTINGS whose table size counts as soon as the peer has acknowledged it."""
        self.limits.append(dict(pairs).get(HEADER_TABLE_SIZE))
        self.send(settings(*pairs))

    def until(self, wanted, seconds=5):
        """The first frame, of those received before or still to come, for which wanted(frame) is true."""
        for got in list(self.seen):
            if wanted(got):
                return got
        deadline = time.monotonic() + seconds
        while True:
            got = self.next(max(0, deadline - time.monotonic()))
            if wanted(got):
                return got

    def to_end(self, seconds=5):
        """Reads until the connection is closed; returns how ("eof", "reset", "open")."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.next(max(0, deadline - time.monotonic()))
        except Silence:
            return "open"
        except Gone as gone:
            return str(gone)

    def close(self, abruptly=False):
        if abruptly:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.sock.close()

    def story(self):
        """What was received, for a failure's message."""
        return "; ".join(str(got) for got in self.seen[-12:]) + (" [%s]" % self.is_gone if self.is_gone else "")
