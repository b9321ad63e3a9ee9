# SPDX-License-Identifier: MIT
"""The two ends of a proxy: scripted clients and scripted servers, and HTTP/1 messages as either of them reads them.

Everything is tolerant here: what arrived is recorded, judging it is left to the comparison.
"""

import fnmatch
import re
import socket
import struct
import threading
import time

from casefile import Step

READ_SECONDS = 3.0
OPEN_SECONDS = 0.12
PIECE_SECONDS = 0.02
V2_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LONG_BODY = 600


class Silence(Exception):
    """Nothing arrived in time."""


class Gone(Exception):
    """The other side has closed (b"eof") or reset the connection."""


def bind(sock, port):
    """Binds to the port on loopback; a process being started may hold a copy of its last socket for a moment."""
    for _ in range(300):
        try:
            sock.bind(("127.0.0.1", port))
            return
        except OSError:
            time.sleep(0.01)
    sock.bind(("127.0.0.1", port))


class Wire:
    """A socket with a read buffer."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fill(self, seconds):
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            raise Silence from None
        except OSError:
            raise Gone("reset") from None
        if not data:
            raise Gone("eof")
        self.buffer += data

    def until(self, mark, seconds=READ_SECONDS):
        while mark not in self.buffer:
            self.fill(seconds)
        end = self.buffer.index(mark) + len(mark)
        return self.take(end)

    def take(self, count):
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def exactly(self, count, seconds=READ_SECONDS):
        while len(self.buffer) < count:
            self.fill(seconds)
        return self.take(count)

    def to_end(self, seconds=READ_SECONDS):
        """Everything up to the end, and how it ended."""
        try:
            while True:
                self.fill(seconds)
        except Silence:
            return self.take(len(self.buffer)), "silence"
        except Gone as gone:
            return self.take(len(self.buffer)), str(gone)

    def send(self, data):
        self.sock.settimeout(READ_SECONDS)
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # an answer may have come before all was sent; reading tells

    def shut(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self, reset=False):
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def header(head, name):
    match = re.search(rb"^" + name + rb"[ \t]*:[ \t]*([^\r\n]*)", head, re.I | re.M)
    return match.group(1).strip() if match else None


def read_chunked(wire):
    """The body with the framing taken off: how the sender cut it into chunks is its own affair."""
    body, trailers, end = b"", b"", b""
    try:
        while True:
            size = int(wire.until(b"\n").split(b";")[0].strip() or b"x", 16)
            if size == 0:
                break
            body += wire.exactly(size)
            wire.until(b"\n")
        line = wire.until(b"\n")
        while line.strip():
            trailers += line
            line = wire.until(b"\n")
    except ValueError:
        end = b"[bad chunk]"
    except Silence:
        end = wire.take(len(wire.buffer)) + b"[silence]"
    except Gone as gone:
        end = wire.take(len(wire.buffer)) + b"[%s]" % str(gone).encode()
    return b"[chunked]" + show_body(body) + (b"[trailers]" + trailers if trailers else b"") + end


def show_body(body):
    if len(body) <= LONG_BODY:
        return body
    kinds = b"".join(bytes([c]) for c in sorted(set(body)))[:40]
    return b"[%d bytes of %s]" % (len(body), kinds)


def read_body(wire, head, is_response):
    """The body after that head, as it is to be shown in a record."""
    if (header(head, b"Transfer-Encoding") or b"").lower().endswith(b"chunked"):
        return read_chunked(wire)
    length = header(head, b"Content-Length")
    if length is not None and length.isdigit():
        return show_body(wire.exactly(int(length)))
    if is_response:
        body, how = wire.to_end()
        return show_body(body) + b"[" + how.encode() + b"]"
    return b""


def read_message(wire, is_response, with_body=True):
    """One HTTP message, recorded; what is cut short ends with a mark that says how."""
    record = b""
    try:
        head = wire.until(b"\n")
        while not head.endswith((b"\n\r\n", b"\n\n")):
            head += wire.until(b"\n")
        record = head
        status = head.split(b" ")[1][:3] if is_response and b" " in head else b""
        if with_body and not status.startswith(b"1") and status not in (b"204", b"304"):
            record += read_body(wire, head, is_response)
        return record
    except Silence:
        return record + wire.take(len(wire.buffer)) + b"[silence]"
    except Gone as gone:
        return record + wire.take(len(wire.buffer)) + b"[%s]" % str(gone).encode()


def describe_v2(data):
    """A PROXY protocol version 2 header in words: its ports have to be maskable."""
    verb, family, length = data[12], data[13], struct.unpack("!H", data[14:16])[0]
    rest = data[16:16 + length]
    if family >> 4 == 1:
        source, dest = socket.inet_ntoa(rest[:4]), socket.inet_ntoa(rest[4:8])
        ports, tlvs = struct.unpack("!HH", rest[8:12]), rest[12:]
        where = "%s:%d -> %s:%d" % (source, ports[0], dest, ports[1])
    else:
        where, tlvs = "", rest
    return ("[PROXY v2 %02x %02x %s%s]" % (verb, family, where, describe_tlvs(tlvs))).encode()


def describe_tlvs(data):
    text = ""
    while len(data) >= 3:
        kind, length = struct.unpack("!BH", data[:3])
        # The checksum covers the client's port, so it is never twice the same.
        text += " %02x=%s" % (kind, "CRC" if kind == 3 else data[3:3 + length].hex())
        data = data[3 + length:]
    return text


def read_proxy_header(wire):
    """A PROXY header in front of a request, if there is one; recorded in words."""
    try:
        while len(wire.buffer) < 1 or (wire.buffer[:1] in b"P\r" and len(wire.buffer) < 16):
            wire.fill(READ_SECONDS * 10)
    except (Silence, Gone):
        return b""
    if wire.buffer.startswith(V2_SIGNATURE):
        length = struct.unpack("!H", wire.buffer[14:16])[0]
        return describe_v2(wire.exactly(16 + length))
    if wire.buffer.startswith(b"PROXY "):
        return wire.until(b"\r\n")
    return b""


def connect(target, source, ports_seen):
    if isinstance(target, str):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(target)
        return sock
    sock = socket.socket()
    sock.settimeout(READ_SECONDS)
    if source:
        sock.bind((source, 0))
    sock.connect(target)
    ports_seen.add(sock.getsockname()[1])
    return sock


class Client:
    """One connection that plays the steps of an exchange."""

    def __init__(self, sock):
        self.wire = Wire(sock)
        self.pending = b""
        self.record = b""

    def close(self):
        self.wire.close()

    def flush(self):
        if self.pending:
            self.wire.send(self.pending)
            self.pending = b""

    def read(self, what):
        wire = self.wire
        if what == "":
            message = b"HTTP/1.1 100 "
            while re.match(rb"HTTP/1.1 1(?!01)\d\d", message):
                message = read_message(wire, True)
                self.record += message
        elif what in ("head", "any"):
            self.record += read_message(wire, True, with_body=what == "any")
        elif what == "line":
            try:
                self.record += wire.until(b"\n")
            except (Silence, Gone):
                self.record += wire.take(len(wire.buffer)) + b"[no line]"
        elif what == "eof":
            data, how = wire.to_end()
            self.record += data + b"[%s]" % how.encode()
        elif what == "open":
            data, how = wire.to_end(OPEN_SECONDS)
            self.record += data + (b"[open]" if how == "silence" else b"[%s]" % how.encode())
        else:
            try:
                self.record += wire.exactly(what)
            except Silence:
                self.record += wire.take(len(wire.buffer)) + b"[silence]"
            except Gone as gone:
                self.record += wire.take(len(wire.buffer)) + b"[%s]" % str(gone).encode()

    def play(self, step, iteration):
        if step.op == "send":
            self.pending += step.arg.replace(b"{i}", b"%d" % iteration)
            return
        self.flush()
        if step.op == "read":
            self.read(step.arg)
        elif step.op == "flush":
            time.sleep(PIECE_SECONDS)
        elif step.op == "sleep":
            time.sleep(step.arg / 1000)
        elif step.op == "shut":
            self.wire.shut()
        elif step.op in ("close", "rst"):
            self.wire.close(step.op == "rst")


def play_exchange(exchange, target, ports_seen, client_of=Client, waits=None):
    """Plays all iterations; returns what the clients got, as bytes.

    client_of makes a client of a connected socket; waits are functions of steps that wait for a number of something.
    """
    record = b""

    def open_client(source):
        return client_of(connect(target, source, ports_seen))

    for iteration in range(1, exchange.count + 1):
        source = exchange.source and exchange.source.replace("{i}", str(iteration))
        clients = {}
        current = "c"
        for step in exchange.steps:
            if step.op == "client":
                if current in clients:
                    clients[current].flush()
                current = step.arg[0]
                if step.arg[1]:
                    clients[current] = open_client(step.arg[1])
                continue
            if step.op in ("logged", "seen"):
                if current in clients:
                    clients[current].flush()
                waits[step.op](step.arg)
                continue
            if step.op == "sleep" and current not in clients:
                time.sleep(step.arg / 1000)
                continue
            if current not in clients:
                clients[current] = open_client(source)
            clients[current].play(step, iteration)
        for name, client in clients.items():
            client.flush()
            client.close()
            record += (b"@%s\n" % name.encode() if len(clients) > 1 else b"") + client.record
    return record


class ScriptedServer:
    """Listens on one port and answers by the rules of the case; a thread a connection."""

    def __init__(self, server, port, recorder, context=None):
        self.server = server
        self.context = context  # for TLS
        self.recorder = recorder
        self.connections = []
        self.threads = []
        self.lock = threading.Lock()
        self.stopping = False
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bind(self.listener, port)
        self.listener.listen(128)
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()

    def accept(self):
        while True:
            try:
                sock, peer = self.listener.accept()
            except OSError:
                return
            self.recorder.ports_seen.add(peer[1])
            thread = threading.Thread(target=self.serve, args=(sock,), daemon=True)
            with self.lock:
                if self.stopping:
                    sock.close()
                    return
                self.connections.append(sock)
                self.threads.append(thread)
            thread.start()

    def stop(self):
        """Ends the listener and what is still open, and waits for the last records."""
        with self.lock:
            self.stopping = True
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()
        for thread in self.threads:
            thread.join(0.2)
        for sock in self.connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join(2)
        self.acceptor.join(2)

    def serve(self, sock):
        if self.context:
            sock.settimeout(READ_SECONDS)
            try:
                sock = self.context.wrap_socket(sock, server_side=True)
            except OSError:
                sock.close()  # when it is told of an alert is a matter of timing, so nothing is recorded
                return
            self.recorder.start(self.server.name).data += b"[%s, sni %s, alpn %s]" % tuple(
                str(part).encode() for part in (sock.version(), getattr(sock, "weir_sni", None),
                                                sock.selected_alpn_protocol()))
        wire = Wire(sock)
        try:
            if self.server.kind == "tcp":
                self.serve_tcp(wire)
            else:
                while self.serve_request(wire):
                    pass
        except (OSError, Silence, Gone):
            pass
        finally:
            wire.close()

    def serve_tcp(self, wire):
        entry = self.recorder.start(self.server.name)
        for step in self.server.rules[0].steps if self.server.rules else ():
            if step.op == "read" and isinstance(step.arg, int):
                try:
                    entry.data += wire.exactly(step.arg)
                except (Silence, Gone) as end:
                    entry.data += wire.take(len(wire.buffer)) + b"[%s]" % (str(end) or "silence").encode()
                    return
            elif not self.play(wire, step, entry):
                return
        data, how = wire.to_end(READ_SECONDS * 2)
        entry.data += data + b"[%s]" % how.encode()

    def serve_request(self, wire):
        """One request and its answer; False when the connection is done."""
        prefix = read_proxy_header(wire)
        if not wire.buffer:
            try:
                wire.fill(READ_SECONDS * 10)
            except (Silence, Gone):
                if prefix:
                    self.recorder.start(self.server.name).data += prefix + b"[eof]"
                return False
        entry = self.recorder.start(self.server.name)
        head = read_message(wire, False, with_body=False)
        entry.data += prefix + head
        if head.endswith((b"[eof]", b"[silence]", b"[reset]")):
            return False
        steps = self.steps_for(head)
        body = [lambda: read_body(wire, head, False)]

        def take_body():
            if body:
                entry.data += body.pop()()

        if not any(step.op in ("early", "body") for step in steps):
            take_body()
        for step in steps:
            if step.op == "body":
                take_body()
            elif not self.play(wire, step, entry):
                return False
        return True

    def steps_for(self, head):
        words = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        target = words[1] if len(words) > 1 else ""
        for rule in self.server.rules:
            subject = " ".join(words[:2]) if " " in rule.pattern else target
            if fnmatch.fnmatchcase(subject, rule.pattern):
                return rule.steps
        return self.default_steps(words[0])

    def default_steps(self, method):
        name = self.server.name.encode()
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-Server: %s\r\n\r\n" % (len(name) + 1, name)
        return [Step("send", answer + (b"" if method == "HEAD" else name + b"\n"))]

    def play(self, wire, step, entry):
        """One step of an answer; False when it ends the connection."""
        if step.op == "send":
            wire.send(step.arg)
        elif step.op == "read":
            data, how = wire.to_end()
            entry.data += data + b"[%s]" % how.encode()
        elif step.op in ("sleep", "flush"):
            time.sleep(step.arg / 1000 if step.op == "sleep" else PIECE_SECONDS)
        elif step.op == "shut":
            wire.shut()
        elif step.op == "quiet":
            wire.to_end(READ_SECONDS * 4)
            return False
        elif step.op == "proxy":
            entry.data += read_proxy_header(wire)
        elif step.op == "hang":
            data, how = wire.to_end(READ_SECONDS * 4)
            entry.data += data + b"[%s]" % how.encode()
            return False
        elif step.op == "echo":
            self.echo(wire, entry)
            return False
        elif step.op in ("close", "rst"):
            wire.close(step.op == "rst")
            return False
        return True

    def echo(self, wire, entry):
        entry.data += b"[tunnel]"
        try:
            while True:
                if not wire.buffer:
                    wire.fill(READ_SECONDS * 2)
                data = wire.take(len(wire.buffer))
                entry.data += data
                wire.send(data)
        except (Silence, Gone) as end:
            entry.data += b"[%s]" % (str(end) or "silence").encode()
