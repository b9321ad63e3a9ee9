# SPDX-License-Identifier: MIT
"""Plays the cases of spec_server.py: the scripted server, the client in HTTP/1.1, and what became of both."""

import re
import socket
import threading
import time

import frames as f
import hpack
from spec_server import TABLE, respond
from world import World

SECONDS = 6


class ServerLink(f.Link):
    """The server's end: a client's preface comes first."""

    def __init__(self, sock):
        super().__init__(sock)
        self.had_preface = False

    def _parse(self):
        if not self.had_preface:
            if len(self.buffer) < len(f.PREFACE):
                return None
            if not self.buffer.startswith(f.PREFACE):
                raise hpack.HpackError("no preface: %r" % self.buffer[:40])
            self.buffer, self.had_preface = self.buffer[len(f.PREFACE):], True
        return super()._parse()


class Exchange:
    """One case: its listening socket, its client."""

    def __init__(self, case, name, world):
        self.case, self.name, self.world = case, name, world
        self.fresh()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(world.path(name + ".sock"))
        self.listener.listen(10)
        threading.Thread(target=self._accept, daemon=True).start()

    def fresh(self):
        """Ready to be played, maybe once more."""
        self.link = None
        self.server_says = self.server_wrong = None
        self.client_done = threading.Event()
        self.server_done = threading.Event()
        return self

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    @staticmethod
    def pause(seconds):
        time.sleep(seconds)

    # ---- the server ----

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            link = ServerLink(sock)
            if not self.link:
                self.link = link
                threading.Thread(target=self._first, daemon=True).start()
            else:  # the proxy tries again: the same happens once more
                threading.Thread(target=self._again, args=(link,), daemon=True).start()

    def _first(self):
        try:
            self.server_says = self._script(self.link)
        except hpack.HpackError as error:
            self.server_wrong = "what the proxy sent: %s" % error
        except (f.Silence, OSError) as error:
            self.server_wrong = "the server waits in vain: %s; %s" % (error, self.link.story())
        finally:
            self.server_done.set()

    def _again(self, link):
        other = Exchange.__new__(Exchange)
        other.__dict__ = dict(self.__dict__, link=link)
        try:
            other._script(link)
        except (f.Silence, f.Gone, OSError, hpack.HpackError):
            pass

    def _script(self, link):
        """What became of the connection."""
        if callable(self.case.greeting):
            self.case.greeting(self)
        else:
            link.send(self.case.greeting)
        try:
            link.until(lambda got: got.fields is not None, SECONDS)
            for step in self.case.steps:
                if isinstance(step, bytes):
                    link.send(step)
                else:
                    step(self)
            if link.sock.fileno() < 0:
                return "closed"
            return self._outcome(link)
        except f.Gone:
            complaint = self._complaint(link.seen)
            return complaint or "closed"

    @staticmethod
    def _complaint(seen):
        for got in seen:
            if got.kind == f.GOAWAY and got.code != "NO_ERROR":
                return "goaway " + got.code
            if got.kind == f.RST_STREAM and got.code not in ("NO_ERROR", "CANCEL"):
                return "rst " + got.code
        return None

    def _outcome(self, link):
        """A complaint, or that there was none when the client had its answer."""
        deadline = time.monotonic() + SECONDS
        grace = None
        while time.monotonic() < deadline:
            complaint = self._complaint(link.seen)
            if complaint:
                return complaint
            if self.client_done.is_set() and grace is None:
                grace = time.monotonic() + 0.3
            if grace and time.monotonic() > grace:
                return "alive"
            try:
                link.next(0.1)
            except f.Silence:
                pass
            except f.Gone:
                return self._complaint(link.seen) or ("alive" if self.client_done.wait(1) else "closed")
        return "alive"

    def download(self, size):
        """A response as large as that, as the proxy's windows allow."""
        link, given, left, first_seen = self.link, {0: f.WINDOW, 1: link_window(self.link)}, size, 0
        link.send(respond(("content-length", str(size)), end=False))
        while left:
            for got in link.seen[first_seen:]:
                if got.kind == f.WINDOW_UPDATE and got.stream in given:
                    given[got.stream] += int.from_bytes(got.payload, "big")
            first_seen = len(link.seen)
            room = min(16384, left, *given.values())
            if room <= 0:
                link.next(SECONDS)
                continue
            left -= room
            for key in given:
                given[key] -= room
            link.send(f.data(1, b"x" * room, end=not left))

    # ---- the client ----

    def play(self):
        """None, or what is wrong."""
        case = self.case
        try:
            return self._play(case)
        except (OSError, StopIteration, hpack.HpackError) as error:
            return "%s: %s" % (type(error).__name__, error)

    def _play(self, case):
        try:
            sock = self.world.connect("detect", 4096 if case.client_waits else 0)
            with sock:
                threading.Thread(target=self._send, args=(sock,), daemon=True).start()
                if case.client_waits:
                    self.server_done.wait(SECONDS)
                raw = self._read(sock)
        finally:
            self.client_done.set()
        self.server_done.wait(SECONDS + 2)
        status, body = understand(raw, case.request.startswith(b"HEAD"))
        story = "; the server saw " + (self.link.story() if self.link else "nothing")
        if self.server_wrong:
            return self.server_wrong
        if not fits(status, case.client):
            return "the client got %s, not %s%s" % (status, " or ".join(case.client), story)
        if self.server_says not in case.server:
            return "the server's outcome is %s, not %s%s" % (self.server_says, " or ".join(case.server), story)
        if case.body is not None and body != case.body:
            return "the client's body is %r..., %d bytes" % (body[:50], len(body))
        return case.check(self) if case.check else None

    def _send(self, sock):
        request = self.case.request.replace(b"@name@", self.name.encode())
        try:
            if self.case.late_body:
                head, end, request = request.partition(b"\r\n\r\n")
                sock.sendall(head + end)
                self.pause(0.5)
            sock.sendall(request)
        except OSError:
            pass

    @staticmethod
    def _read(sock):
        raw = b""
        sock.settimeout(SECONDS + 4)
        try:
            while True:
                piece = sock.recv(1 << 16)
                if not piece:
                    return raw
                raw += piece
        except OSError as error:
            return raw + (b"" if raw else b"[%s]" % str(error).encode())


def link_window(link):
    link.until(lambda got: got.kind == f.SETTINGS and not got.ack)
    return link.peer.get(f.INITIAL_WINDOW_SIZE, f.WINDOW)


def fits(status, wanted):
    return any(status == one or (one == "50x" and re.fullmatch("50[0-9]", status)) for one in wanted)


def understand(raw, is_head):
    """(status, body) of an HTTP/1.1 response; the status of one that ends too early is "NNN cut"."""
    while re.match(rb"HTTP/1\.1 1(?!01)", raw):
        raw = raw.partition(b"\r\n\r\n")[2]
    head, end, body = raw.partition(b"\r\n\r\n")
    match = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    if not match or not end:
        return "nothing: %r" % raw[:80], b""
    status = match[1].decode()
    if is_head or status in ("204", "304"):
        return status, body
    length = re.search(rb"^content-length: *(\d+)", head, re.I | re.M)
    if length:
        return status + ("" if len(body) == int(length[1]) else " cut"), body
    if b"chunked" in head.lower():
        out = b""
        while True:
            size, mark, rest = body.partition(b"\r\n")
            if not mark or not re.fullmatch(rb"[0-9a-fA-F]+", size):
                return status + " cut", out
            count = int(size, 16)
            if count == 0:
                return status + ("" if rest.endswith(b"\r\n") else " cut"), out
            out += rest[:count]
            body = rest[count + 2:]
    return status, body


def play_all(kind, binary, chosen, jobs, pool, executor_of):
    """{case: None or what is wrong}."""
    names = {"s%04d" % number: case for number, case in enumerate(TABLE)}
    backends = "".join("backend %s\n    server s unix@@dir@/%s.sock proto h2\n" % (name, name) for name in names)
    results = {}
    with World(kind, binary, pool, origin=False, frontend="use_backend %[path,field(2,/)]", more=backends,
               backend="server none 127.0.0.1:1", **{"defaults": "retries 0\n    timeout server 4s"}) as world:
        exchanges = {name: Exchange(case, name, world) for name, case in names.items() if chosen(case)}

        def one(name):
            return world.guarded(lambda: exchanges[name].fresh().play())

        with executor_of(jobs) as executor:
            for name, wrong in zip(exchanges, executor.map(one, exchanges)):
                results[names[name]] = wrong
        for exchange in exchanges.values():
            exchange.stop()
    return results
