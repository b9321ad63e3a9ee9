# SPDX-License-Identifier: MIT
"""The clients: some that behave and check every byte of their answers, some that do not."""

import itertools
import random
import socket
import time

from payload import Malformed, Reader, Truncated, chunked, request_body, reset, response_body
from servers import BAD_SCRIPTS, GOOD_SCRIPTS

# No timeout of the proxy is longer than half a second, so an answer that takes this long is a hang.
HANG_SECONDS = 15
ROUTES = ("always", "never", "safe", "close", "sclose", "cookie", "queue", "proxied", "buffered")
SIZES = (0, 1, 10, 1000, 4000, 16000, 16384, 17000, 50000, 200000, 400000, 1 << 20)
METHODS = ("GET", "GET", "POST", "PUT", "HEAD", "DELETE")
serial = itertools.count()


class Request:
    """A request whose answer is known."""

    def __init__(self, rng, route, script, small=False, method=None):
        self.ident = "r%d" % next(serial)
        self.method = method or rng.choice(METHODS)
        self.script = script
        most = 4 if small else len(SIZES) if rng.random() < 0.3 else 8
        self.size = SIZES[rng.randrange(most)]
        self.body_size = SIZES[rng.randrange(most)] if self.method in ("POST", "PUT") else 0
        encoding = rng.choice(("length", "chunked"))
        self.path = "/%s/%s/%d/%s/%s" % (route, self.ident, self.size, encoding, script)
        head = "%s %s HTTP/1.1\r\nHost: chaos.test\r\nX-Size: %d\r\n" % (self.method, self.path, self.body_size)
        body = request_body(self.ident, self.body_size)
        if body and rng.random() < 0.5:
            self.head = (head + "Transfer-Encoding: chunked\r\n\r\n").encode()
            self.body = chunked(body, rng)
        else:
            self.head = (head + ("Content-Length: %d\r\n" % len(body) if body else "") + "\r\n").encode()
            self.body = body

    def bytes(self):
        return self.head + self.body


class Answer:
    """The final answer, with its body."""

    def __init__(self, reader, method):
        while True:
            first, self.fields = reader.head()
            try:
                self.status = int(first.split(b" ")[1])
                if not first.startswith(b"HTTP/1.1 ") or not 100 <= self.status <= 599:
                    raise ValueError
            except (ValueError, IndexError):
                raise Malformed("status line %r" % first[:80]) from None
            if self.status >= 200 or self.status == 101:
                break
        self.closes = "close" in self.fields.get("connection", "")
        if method == "HEAD" or self.status in (101, 204, 304):
            self.body = b""
        elif "chunked" in self.fields.get("transfer-encoding", ""):
            self.body = reader.chunks()
        elif "content-length" in self.fields:
            self.body = reader.exactly(int(self.fields["content-length"]))
        else:
            self.body = reader.to_end()
            self.closes = True


def check(request, answer, whole=False):
    """
    Raises Malformed unless the 200 is this request's own. A body that ends with its connection may be cut short by
    a command or a timeout without a sign; not if WHOLE.
    """
    ident = answer.fields.get("x-id")
    if ident != request.ident:
        raise Malformed("request %s %s got the answer of %s" % (request.method, request.path, ident))
    if request.method == "HEAD" or request.script == "empty_204":
        return
    expected = response_body(request.ident, request.size)
    if request.script == "no_length" and not whole:
        expected = expected[:len(answer.body)]
    if answer.body != expected:
        raise Malformed("the body of the answer to %s is wrong: %d bytes of %d"
                        % (request.path, len(answer.body), request.size))


class Client:
    """What all clients share: the world, a random source of their own, connecting."""

    def __init__(self, world):
        self.world = world
        self.report = world.report
        self.rng = random.Random(world.rng.random())

    def connect(self, port=None):
        if port is None:
            port = self.rng.choice((self.world.ports["PLAIN"], self.world.ports["CLOSING"], self.world.ports["TCP"],
                                    self.world.ports["PROXIED"]))
        sock = socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if port == self.world.ports["PROXIED"]:
            sock.sendall(b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\n")
        return sock

    def run(self):
        """One visit; a hang or a wrong answer fails the test, a broken connection is left to the kind of client."""
        kind = type(self).__name__
        self.report.count("client " + kind)
        sock = None
        try:
            sock = self.connect()
            self.visit(sock)
        except socket.timeout:
            self.report.fail("%s: no answer in %d s" % (kind, HANG_SECONDS))
        except Malformed as err:
            self.report.fail("%s: %s" % (kind, err))
        except (Truncated, OSError):
            self.report.count("broken for " + kind)
        finally:
            if sock:
                sock.close()


class Polite(Client):
    """Keep-alive requests with good scripts, checked. strict: nothing may fail."""

    strict = False
    scripts = GOOD_SCRIPTS
    port = None
    route = None
    requests = 8

    def connect(self, port=None):
        return super().connect(port or self.port)

    def visit(self, sock):
        reader = Reader(sock)
        http = sock.getpeername()[1] != self.world.ports["TCP"]
        for _ in range(self.rng.randrange(1, self.requests + 1)):
            request = Request(self.rng, self.route or self.rng.choice(ROUTES + ("mixed",) * (not self.strict)),
                              self.rng.choice(self.scripts))
            self.last = request
            try:
                sock.sendall(request.bytes())
            except OSError:
                pass  # answered early; the answer tells
            answer = Answer(reader, request.method)
            self.report.count("answer %d" % answer.status)
            if answer.status == 200:
                check(request, answer, self.strict)
            elif self.strict:
                raise Malformed("status %d for %s" % (answer.status, request.path))
            if answer.closes or not http and request.script in ("close_after", "no_length"):
                return
            if self.rng.random() < 0.1:
                time.sleep(self.rng.random() * 0.3)


class Strict(Polite):
    """As polite, when all is quiet: a request that was sent gets its answer."""

    strict = True
    requests = 5
    # a server that closes unannounced may meet the next request on its way: a POST is not repeated then
    scripts = tuple(s for s in GOOD_SCRIPTS if s != "close_after")

    def visit(self, sock):
        try:
            super().visit(sock)
        except (Truncated, OSError) as err:
            request = self.last
            raise Malformed("%s: %s %s (%d bytes)" % (err, request.method, request.path, request.body_size)) from None


class Sloppy(Client):
    """Sends good requests that meet bad servers; whatever comes back must be well-formed and its own."""

    def visit(self, sock):
        reader = Reader(sock)
        for _ in range(self.rng.randrange(1, 5)):
            script = self.rng.choice(BAD_SCRIPTS)
            if self.rng.random() < 0.15:
                script = "early_" + self.rng.choice(("ok", "close_first", "pieces", "garbage"))
            request = Request(self.rng, self.rng.choice(ROUTES + ("mixed",)), script)
            try:
                sock.sendall(request.bytes())
            except OSError:
                pass
            if sock.getpeername()[1] == self.world.ports["TCP"]:
                try:
                    reader.to_end() if script not in ("empty_204", "too_much") else None
                finally:
                    return
            answer = Answer(reader, request.method)
            if answer.status == 200 and answer.fields.get("x-id") != "bad":
                check(request, answer)
            self.report.count("answer %d" % answer.status)
            if answer.closes:
                return


class Pipeliner(Client):
    """Many requests at once, then half-close or not; the answers come in order."""

    def visit(self, sock):
        route = self.rng.choice(ROUTES)
        requests = [Request(self.rng, route, "ok", small=True, method=self.rng.choice(("GET", "POST", "HEAD")))
                    for _ in range(self.rng.choice((2, 10, 100)))]
        sock.sendall(b"".join(r.bytes() for r in requests))
        if self.rng.random() < 0.3:
            sock.shutdown(socket.SHUT_WR)
        if self.rng.random() < 0.2:
            return reset(sock)
        reader = Reader(sock)
        for request in requests:
            answer = Answer(reader, request.method)
            if answer.status == 200:
                check(request, answer)
            if answer.closes:
                return


class HalfCloser(Client):
    """Sends a whole request and its FIN, and still wants the answer."""

    def visit(self, sock):
        request = Request(self.rng, self.rng.choice(ROUTES), self.rng.choice(GOOD_SCRIPTS))
        sock.sendall(request.bytes())
        sock.shutdown(socket.SHUT_WR)
        answer = Answer(Reader(sock), request.method)
        if answer.status == 200:
            check(request, answer)


class Vanisher(Client):
    """Gone at any point of the exchange, by FIN or by RST, with or without having read."""

    def visit(self, sock):
        script = self.rng.choice(GOOD_SCRIPTS + BAD_SCRIPTS)
        data = b"".join(Request(self.rng, self.rng.choice(ROUTES + ("mixed",)), script).bytes()
                        for _ in range(self.rng.choice((1, 1, 3))))
        part = self.rng.random() < 0.6
        sock.sendall(data[:self.rng.randrange(len(data))] if part else data)
        time.sleep(self.rng.choice((0, 0, 0.001, 0.02, 0.3)))
        if self.rng.random() < 0.3:
            sock.recv(self.rng.choice((1, 1000, 100000)))
        if self.rng.random() < 0.6:
            reset(sock)


class Slow(Client):
    """A byte at a time, never fast enough or just so."""

    def visit(self, sock):
        request = Request(self.rng, self.rng.choice(ROUTES), "ok", small=True)
        pause = self.rng.choice((0.0005, 0.002, 0.02))
        for at in range(len(request.bytes())):
            sock.sendall(request.bytes()[at:at + 1])
            time.sleep(pause)
        answer = Answer(Reader(sock), request.method)
        if answer.status == 200:
            check(request, answer)


class SlowReader(Client):
    """Asks for much and reads a little, with a tiny window."""

    def visit(self, sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = Request(self.rng, self.rng.choice(ROUTES), "ok", method="GET")
        sock.sendall(request.bytes())
        for _ in range(self.rng.choice((0, 3, 50))):
            if not sock.recv(1000):
                return
            time.sleep(0.005)
        time.sleep(self.rng.choice((0, 0.1, 0.8)))


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


class Attacker(Client):
    """Garbage and smuggling; nothing of it may reach a server as a request of its own."""

    def connect(self, port=None):
        return super().connect(self.rng.choice((self.world.ports["PLAIN"], self.world.ports["CLOSING"])))

    def visit(self, sock):
        host = b" HTTP/1.1\r\nHost: x\r\n"
        ident = "r%d" % next(serial)
        post = ("POST /always/%s/10/length/ok" % ident).encode() + host
        size = b"X-Size: 0\r\n"
        data = self.rng.choice((
            bytes(self.rng.randrange(256) for _ in range(self.rng.choice((1, 30, 20000)))),
            post + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(SMUGGLED) + 5) + SMUGGLED,
            post + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
            post + b"Transfer-Encoding: xchunked\r\nContent-Length: 3\r\n\r\n" + SMUGGLED,
            post + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
            post + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\nA\r\n0\r\n\r\n" + SMUGGLED,
            post + b"Transfer-Encoding: chunked\r\n\r\n1\r\nAA\r\n0\r\n\r\n" + SMUGGLED,
            post + b"Content-Length: +5\r\n\r\n" + SMUGGLED,
            post + size + b"Bad Header: x\r\n\r\n" + SMUGGLED,
            post + size + b"A: b\rX: y\r\n\r\n" + SMUGGLED,
            post + b"X-Long: " + b"a" * 100000 + b"\r\n\r\n",
            b"GET /always/%s/10/length/ok HTTP/1.1\r\n\r\n" % ident.encode(),
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 200,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\r\n" * 1000,
        ))
        at = 0
        while at < len(data):
            step = self.rng.choice((1, 20, 1000, 100000)) if len(data) < 300 else 100000
            sock.sendall(data[at:at + step])
            at += step
        Reader(sock).to_end()


class BadProxyHeader(Client):
    """Garbage, or half of it, where the PROXY header belongs."""

    def connect(self, port=None):
        return socket.create_connection(("127.0.0.1", self.world.ports["PROXIED"]), timeout=HANG_SECONDS)

    def visit(self, sock):
        sock.sendall(self.rng.choice((
            b"PROXY TCP4 1.2.3.4", b"PROXY TCP9 1 2 3 4\r\nGET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff" + b"\0" * 3000, b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
            b"\0")))
        if self.rng.random() < 0.5:
            reset(sock)
        else:
            time.sleep(self.rng.random() * 0.2)


class Tunneller(Client):
    """Upgrades, then echoes through the tunnel; ends it in different ways."""

    def connect(self, port=None):
        return super().connect(self.world.ports["PLAIN"])

    def visit(self, sock):
        ident = "r%d" % next(serial)
        route = self.rng.choice(("always", "never", "safe", "cookie", "queue"))
        sock.sendall(("GET /%s/%s/0/length/tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
                      % (route, ident)).encode())
        reader = Reader(sock)
        answer = Answer(reader, "GET")
        if answer.status != 101:
            return
        if answer.fields.get("x-id") != ident:
            raise Malformed("tunnel %s got the answer of %s" % (ident, answer.fields.get("x-id")))
        for _ in range(self.rng.randrange(1, 6)):
            data = request_body(ident, self.rng.choice((1, 100, 10000, 100000)))
            sock.sendall(data)
            if reader.exactly(len(data)) != data:
                raise Malformed("the tunnel of %s has mixed up bytes" % ident)
        end = self.rng.random()
        if end < 0.3:
            reset(sock)
        elif end < 0.6:
            sock.shutdown(socket.SHUT_WR)
            reader.to_end()


class Silent(Client):
    """Connects and says nothing."""

    def visit(self, sock):
        sock.settimeout(self.rng.choice((0.01, 0.2, 2)))
        try:
            sock.recv(1000)
        except socket.timeout:
            pass


KINDS = (Polite, Polite, Polite, Sloppy, Sloppy, Sloppy, Pipeliner, HalfCloser, Vanisher, Vanisher, Slow, SlowReader,
         Attacker, BadProxyHeader, Tunneller, Silent)
