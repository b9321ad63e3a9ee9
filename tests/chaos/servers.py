# SPDX-License-Identifier: MIT
"""The servers: one that does what the request's path says, and some that never behave.

A path is /BACKEND/ID/SIZE/ENCODING/SCRIPT; X-Size says how long the request's body is. The server checks that
body and answers the body that belongs to ID, unless SCRIPT asks for something else.
"""

import random
import socket
import threading
import time

from payload import Malformed, Reader, Truncated, chunked, request_body, reset, response_body

HANG_SECONDS = 2


def wait_for_end(sock, seconds=HANG_SECONDS):
    """Reads and drops until the peer ends or SECONDS have passed."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            sock.settimeout(max(0.01, end - time.monotonic()))
            if not sock.recv(65536):
                return
    except OSError:
        pass


class Close(Exception):
    """The script is over and the connection shall be closed."""


class Reset(Exception):
    """The same by RST."""


# ---- scripts: (connection, answer) ----

def cut(data, rng):
    return data[:rng.randrange(1, len(data))] if len(data) > 1 else b""


def head_of(answer):
    return answer.full[:answer.full.index(b"\r\n\r\n") + 4]


def s_ok(c, a):
    c.sock.sendall(a.full)


def s_slow(c, a):
    for at in range(0, min(len(a.full), 300)):
        c.sock.sendall(a.full[at:at + 1])
        if at % 10 == 0:
            time.sleep(0.002)
    c.sock.sendall(a.full[300:])


def s_pieces(c, a):
    at = 0
    while at < len(a.full):
        size = c.rng.choice((1, 100, 5000, 30000, 100000))
        c.sock.sendall(a.full[at:at + size])
        at += size
        time.sleep(c.rng.choice((0, 0, 0.001, 0.01)))


def s_close_after(c, a):
    c.sock.sendall(a.full)
    raise Close


def s_reset_first(c, a):
    raise Reset


def s_close_first(c, a):
    raise Close


def s_hang(c, a):
    wait_for_end(c.sock)
    raise Close


def s_garbage(c, a):
    c.sock.sendall(bytes(c.rng.randrange(256) for _ in range(c.rng.choice((1, 20, 5000)))) + b"\r\n\r\n")
    raise Close


def s_mid_head(c, a):
    c.sock.sendall(cut(head_of(a), c.rng))
    raise c.rng.choice((Close, Reset))


def s_mid_body(c, a):
    body = a.full[len(head_of(a)):]
    c.sock.sendall(head_of(a) + cut(body, c.rng))
    raise c.rng.choice((Close, Reset))


def s_stall(c, a):
    c.sock.sendall(cut(a.full, c.rng))
    wait_for_end(c.sock)
    raise Close


def s_bad_chunk(c, a):
    c.sock.sendall(b"HTTP/1.1 200 OK\r\nX-Id: bad\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n")
    raise c.rng.choice((Close, Reset))


def s_too_much(c, a):
    c.sock.sendall(a.full + b"HTTP/1.1 200 OK\r\nX-Id: smuggled\r\nContent-Length: 8\r\n\r\nsmuggled")


def s_interim(c, a):
    for _ in range(c.rng.choice((1, 3, 100))):
        c.sock.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
    c.sock.sendall(a.full)


def s_huge_head(c, a):
    c.sock.sendall(b"HTTP/1.1 200 OK\r\nX-Id: bad\r\nX-Long: " + b"x" * 40000 + b"\r\nContent-Length: 0\r\n\r\n")
    wait_for_end(c.sock, 0.2)
    raise Close


def s_no_length(c, a):
    c.sock.sendall(b"HTTP/1.1 200 OK\r\nX-Id: %s\r\nConnection: close\r\n\r\n" % a.ident.encode() + a.body)
    raise Close


def s_empty_204(c, a):
    c.sock.sendall(b"HTTP/1.1 204 No Content\r\nX-Id: %s\r\n\r\n" % a.ident.encode())


def s_conflict(c, a):
    c.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello")


def s_tunnel(c, a):
    """101 and then an echo; ends on EOF or silence."""
    c.sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nX-Id: %s\r\n\r\n"
                   % a.ident.encode())
    c.sock.settimeout(HANG_SECONDS)
    data = c.reader.buf
    c.reader.buf = b""
    try:
        while True:
            if data:
                c.sock.sendall(data)
            data = c.sock.recv(65536)
            if not data:
                raise Close
    except OSError:
        raise Close from None


SCRIPTS = {name[2:]: function for name, function in list(globals().items()) if name.startswith("s_")}
# With these every client shall get its complete answer.
GOOD_SCRIPTS = ("ok", "slow", "pieces", "close_after", "interim", "no_length")
BAD_SCRIPTS = tuple(sorted(set(SCRIPTS) - set(GOOD_SCRIPTS) - {"tunnel"}))


class Answer:
    def __init__(self, method, ident, size, encoding, rng):
        self.ident = ident
        self.body = b"" if method == b"HEAD" else response_body(ident, size)
        head = b"HTTP/1.1 200 OK\r\nX-Id: %s\r\nX-Size: %d\r\n" % (ident.encode(), size)
        if encoding == "chunked":
            self.full = head + b"Transfer-Encoding: chunked\r\n\r\n"
            if method != b"HEAD":
                self.full += chunked(self.body, rng)
        else:
            self.full = head + b"Content-Length: %d\r\n\r\n" % size + self.body


class Connection:
    """One connection of the scripted server."""

    def __init__(self, server, sock):
        self.server = server
        self.sock = sock
        self.rng = random.Random(server.rng.random())
        self.reader = Reader(sock)

    def run(self):
        try:
            self.sock.settimeout(10)
            if self.server.proxied:
                self.proxy_header()
            while True:
                self.request()
        except Reset:
            reset(self.sock)
        except Malformed as err:
            self.server.report.fail("server: weir sent %s" % err)
        except (Close, Truncated, OSError):
            pass
        finally:
            self.sock.close()

    def proxy_header(self):
        start = self.reader.exactly(6)
        if start == b"PROXY ":
            self.reader.line()
        elif start == b"\r\n\r\n\0\r":
            head = self.reader.exactly(10)
            self.reader.exactly(head[8] << 8 | head[9])
        else:
            raise Malformed("%r where the PROXY header belongs" % start)

    def request(self):
        first, fields = self.reader.head()
        try:
            method, path, version = first.split(b" ")
            _, _, ident, size, encoding, script = path.decode().split("/")
            size = int(size)
        except ValueError:
            # Not every path of a bad client is of our form; it must be a request all the same.
            if b"smuggled" in first or not first.endswith(b" HTTP/1.1") and not first.endswith(b" HTTP/1.0"):
                self.server.report.fail("server: request line %r" % first[:100])
            self.sock.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            raise Close from None
        if script.startswith("early_"):
            script = script[6:]
            answer = Answer(method, ident, size, encoding, self.rng)
            SCRIPTS[script](self, answer)
            if self.rng.random() < 0.3:
                raise self.rng.choice((Close, Reset))
            self.body(ident, fields)
            return
        self.body(ident, fields)
        self.server.report.count("server " + script)
        SCRIPTS[script](self, Answer(method, ident, size, encoding, self.rng))

    def body(self, ident, fields):
        if fields.get("expect", "").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in fields.get("transfer-encoding", ""):
            if "content-length" in fields:
                raise Malformed("both lengths in the request of %s" % ident)
            body = self.reader.chunks()
        else:
            body = self.reader.exactly(int(fields.get("content-length", "0")))
        size = int(fields.get("x-size", "0"))
        if body != request_body(ident, size):
            self.server.report.fail("server: the body of request %s is wrong: %d bytes of %d"
                                    % (ident, len(body), size))


class Server:
    """Accepts on a port of 127.0.0.1 and gives every connection a thread."""

    def __init__(self, report, rng, handler=None, proxied=False):
        self.report, self.rng, self.proxied = report, random.Random(rng.random()), proxied
        self.handler = handler or (lambda sock: Connection(self, sock).run())
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.handler, args=(sock,), daemon=True).start()

    def close(self):
        self.listener.close()


# ---- servers that never behave ----

def resets(sock):
    reset(sock)


def hangs(sock):
    """Accepts and never reads."""
    time.sleep(HANG_SECONDS)
    reset(sock)


def talks(sock):
    """Speaks before it is asked, or closes at once."""
    try:
        if random.random() < 0.5:
            sock.sendall(b"220 mail.example ESMTP\r\n\r\n")
        sock.close()
    except OSError:
        pass
