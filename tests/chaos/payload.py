# SPDX-License-Identifier: MIT
"""What both ends know of a message: its body follows from its id, so that nothing mixed up goes unseen."""

import hashlib
import socket
import struct
import threading


def request_body(ident, size):
    return hashlib.shake_128(b"request " + ident.encode()).digest(size)


def response_body(ident, size):
    return hashlib.shake_128(b"response " + ident.encode()).digest(size)


def chunked(data, rng):
    """DATA as chunks of random sizes, complete."""
    out, at = [], 0
    while at < len(data):
        size = rng.choice((1, 7, 100, 1460, 4096, 16384, 70000))
        piece = data[at:at + size]
        out.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        at += size
        if len(out) > 40:  # small chunks at the beginning only
            rest = data[at:]
            out.append(b"%x\r\n%s\r\n" % (len(rest), rest) if rest else b"")
            break
    out.append(b"0\r\n\r\n")
    return b"".join(out)


def reset(sock):
    """Closes SOCK with an RST."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    sock.close()


class Truncated(Exception):
    """The peer closed or reset before the message was complete."""


class Malformed(Exception):
    """The peer sent what no correct HTTP implementation sends."""


class Reader:
    """Reads HTTP/1 messages from a socket, strictly."""

    def __init__(self, sock):
        self.sock = sock
        self.buf = b""

    def more(self):
        try:
            data = self.sock.recv(65536)
        except socket.timeout:
            raise
        except OSError as err:
            raise Truncated(str(err)) from None
        if not data:
            raise Truncated("closed after %r" % self.buf[-60:])
        self.buf += data

    def line(self):
        while b"\r\n" not in self.buf:
            if len(self.buf) > 200000:
                raise Malformed("endless line")
            self.more()
        line, self.buf = self.buf.split(b"\r\n", 1)
        return line

    def head(self):
        """First line and a dictionary of lower-case names; repeated fields are joined."""
        first, fields = self.line(), {}
        while True:
            line = self.line()
            if not line:
                return first, fields
            name, colon, value = line.partition(b":")
            if not colon:
                raise Malformed("header %r after %r" % (line[:80], first))
            key = name.lower().decode("latin-1")
            value = value.strip().decode("latin-1")
            fields[key] = fields[key] + ", " + value if key in fields else value

    def exactly(self, size):
        parts, left = [], size
        while left:
            if not self.buf:
                self.more()
            piece, self.buf = self.buf[:left], self.buf[left:]
            parts.append(piece)
            left -= len(piece)
        return b"".join(parts)

    def chunks(self):
        parts = []
        while True:
            line = self.line().split(b";")[0]
            try:
                size = int(line, 16)
            except ValueError:
                raise Malformed("chunk size %r" % line[:60]) from None
            if size == 0:
                while self.line():
                    pass
                return b"".join(parts)
            parts.append(self.exactly(size))
            if self.exactly(2) != b"\r\n":
                raise Malformed("no CRLF after a chunk")

    def to_end(self):
        parts = [self.buf]
        self.buf = b""
        while True:
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                raise
            except OSError as err:
                raise Truncated(str(err)) from None
            if not data:
                return b"".join(parts)
            parts.append(data)


class Report:
    """Counts what happened and keeps what must not happen; shared by all threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.counts = {}
        self.failures = []

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def fail(self, what):
        with self.lock:
            if len(self.failures) < 50:
                self.failures.append(what)
