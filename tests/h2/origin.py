# SPDX-License-Identifier: MIT
"""The HTTP/1.1 server behind the proxy under test: what it answers depends on the path; it remembers what it saw.

/            200 "ok"                     /echo      the request's body, the length in X-Length
/slow        "ok" after half a second     /hold      never answers; the connection stays open until it is closed
/big/N       N bytes                      /chunked/N the same without a length
/trailers    a chunked body and a trailer /early     103 first
/204 /304    without a body               /stall     reads nothing of the body, never answers
/close       closes without an answer     /half      half of a body, then closes
CONNECT and Upgrade become an echo tunnel.
"""

import base64
import hashlib
import re
import select
import socket
import threading
import time

TAG = re.compile(rb"^x-case: *(\w+)", re.I | re.M)


def accept_key(key):
    """RFC 6455 section 4.2.2."""
    return base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


class Seen:
    """One request: its head and body as they arrived."""

    def __init__(self, head):
        self.head, self.body, self.ended = head, b"", False
        self.trailers = b""

    def line(self):
        return self.head.split(b"\r\n")[0].decode("latin-1")

    def field(self, name):
        """All values of a field, or None."""
        found = re.findall(rb"^%s:[ \t]*([^\r\n]*)\r?$" % re.escape(name.encode()), self.head, re.I | re.M)
        return b" | ".join(value.strip() for value in found).decode("latin-1") if found else None


class Origin:
    """Listens on a unix socket or a port of loopback; one thread a connection."""

    def __init__(self, address, receive_buffer=0):
        self.is_unix = isinstance(address, str)
        self.sock = socket.socket(socket.AF_UNIX if self.is_unix else socket.AF_INET)
        if not self.is_unix:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.bind(address)
        self.sock.listen(1000)
        self.lock = threading.Lock()
        self.by_tag = {}
        self.cancelled = set()  # tags whose connection ended while a /hold or a tunnel was on
        self.is_stopped = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self.is_stopped.set()
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()

    def requests(self, tag):
        with self.lock:
            return list(self.by_tag.get(tag, ()))

    def wait_for(self, predicate, seconds=5):
        """True as soon as predicate() is."""
        deadline = time.monotonic() + seconds
        while not predicate():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def _accept(self):
        while not self.is_stopped.is_set():
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self._guarded, args=(sock,), daemon=True).start()

    def _guarded(self, sock):
        try:
            with sock:
                sock.settimeout(30)
                self._serve(sock, sock.makefile("rb"))
        except (OSError, ValueError):
            pass

    def _serve(self, sock, stream):
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = stream.readline()
                if not line:
                    return
                head += line
            seen = Seen(head)
            tag = TAG.search(head)
            tag = tag[1].decode() if tag else "?"
            with self.lock:
                self.by_tag.setdefault(tag, []).append(seen)
            if not self._answer(sock, stream, seen, tag):
                return

    def _answer(self, sock, stream, seen, tag):
        """True when the connection may be used again."""
        method, _, rest = seen.line().partition(" ")
        path = re.sub(r"^\w+://[^/]*", "", rest.partition(" ")[0]).partition("?")[0]
        if method == "CONNECT" or (seen.field("Upgrade") or "").lower() == "websocket":
            first = b"HTTP/1.1 200 OK\r\n\r\n"
            if method != "CONNECT":
                first = (b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n"
                         b"Sec-WebSocket-Accept: %s\r\n\r\n" % (
                             seen.field("Upgrade").encode(), accept_key(seen.field("Sec-WebSocket-Key") or "")))
            sock.sendall(first)
            return self._tunnel(sock, stream, seen, tag)
        if path == "/stall":
            self.is_stopped.wait(20)
            return False
        if path == "/hold":
            select.select([sock], [], [], 20)
            with self.lock:
                self.cancelled.add(tag)
            return False
        if path == "/close":
            return False
        self._read_body(stream, seen, sock)
        self._respond(sock, method, path, seen)
        return path not in ("/half",)

    def _tunnel(self, sock, stream, seen, tag):
        while True:
            piece = stream.read1(65536)
            if not piece:
                seen.ended = True
                with self.lock:
                    self.cancelled.add(tag)
                return False
            seen.body += piece
            sock.sendall(piece)

    @staticmethod
    def _read_body(stream, seen, sock):
        if (seen.field("Expect") or "").lower() == "100-continue":
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in (seen.field("Transfer-Encoding") or "").lower():
            while True:
                size = int(stream.readline().split(b";")[0].strip(), 16)
                if size == 0:
                    break
                seen.body += stream.read(size)
                stream.readline()
            line = stream.readline()
            while line.strip():
                seen.trailers += line
                line = stream.readline()
        elif seen.field("Content-Length"):
            want = int(seen.field("Content-Length"))
            seen.body = stream.read(want)
            if len(seen.body) < want:
                raise ValueError("body cut short")
        seen.ended = True

    def _respond(self, sock, method, path, seen):
        name, _, count = path.strip("/").partition("/")
        body, extra, chunked, trailers = b"ok", b"", False, b""
        if name == "slow":
            time.sleep(0.5)
        elif name in ("big", "chunked"):
            body, chunked = b"x" * int(count), name == "chunked"
        elif name == "echo":
            body, extra = seen.body, b"X-Length: %d\r\n" % len(seen.body)
        elif name == "trailers":
            chunked, trailers = True, b"X-Sum: 42\r\n"
        elif name == "early":
            sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
        if name in ("204", "304"):
            sock.sendall(b"HTTP/1.1 %s Empty\r\nETag: \"1\"\r\n\r\n" % name.encode())
            return
        if name == "half":
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50)
            return
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + extra
        if chunked:
            out = head + b"Transfer-Encoding: chunked\r\n\r\n"
            pieces = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + 8000]), body[at:at + 8000])
                              for at in range(0, len(body), 8000))
            sock.sendall(out + (b"" if method == "HEAD" else pieces + b"0\r\n" + trailers + b"\r\n"))
        else:
            sock.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + (b"" if method == "HEAD" else body))
