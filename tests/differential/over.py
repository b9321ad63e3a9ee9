# SPDX-License-Identifier: MIT
"""The same cases with their clients over TLS or HTTP/2: what of a case can be carried, and clients that do it.

Both proxies are asked in the same way, so the answers stay comparable as they are. An exchange that says what only
HTTP/1 can say (pieces of messages, wrong framing, upgrades) is left out over HTTP/2.
"""

import functools
import os
import re
import socket
import ssl
import sys
import time

import wire
from casefile import Step

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "h2"))
import frames  # noqa: E402
import hpack  # noqa: E402

SERVER_NAME = "www.example.com"
TRANSPORTS = ("tls", "h2", "h2c")  # TLS; HTTP/2 over TLS; HTTP/2 in clear
BIND = re.compile(r"^(\s*bind\s+)(.*)$", re.M)
CARRIED = re.compile(r"(frontend|listen)\s")
# A bind that has a transport of its own already.
OWN_TRANSPORT = re.compile(r"\b(ssl|accept-proxy|accept-netscaler-cip|proto)\b|\bunix@|\bfd@|\.sock@")
TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z{}]+"
FIELD = re.compile(rb"(" + TOKEN + rb"):[ \t]*([^\r\n\0]*?)[ \t]*\r\n")
START = re.compile(rb"(" + TOKEN + rb") (/[^ \r\n]*|\*) HTTP/1\.1\r\n")
# For one HTTP/1 connection only.
HOP = (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding")
WINDOW = (1 << 31) - 1


class Unfit(Exception):
    """What cannot be said over that transport."""


# ---- configurations ----

def carry(case, over, cert):
    """Turns the case into the same over that transport; False when nothing of it is left."""
    if not case.config or over in case.not_over:
        return False
    sections = re.split(r"^(?=[a-z])", case.config, flags=re.M)
    binds = [line for section in sections if CARRIED.match(section) for _, line in BIND.findall(section)]
    if any(OWN_TRANSPORT.search(line) for line in binds):
        return False
    words = {"tls": "ssl crt %s", "h2": "ssl crt %s alpn h2", "h2c": "proto h2"}[over].replace("%s", cert)
    if over != "tls" and "mode tcp" in case.config:
        return False
    listeners = set(re.findall(r"@(\w+)@", "\n".join(binds)))
    case.config = "".join(BIND.sub(lambda m: m.group(0) + " " + words, section) if CARRIED.match(section) else section
                          for section in sections)
    case.checks = []
    case.is_carried = True
    case.expected_carried = case.expected_over.get("h2" if over == "h2c" else over, {})
    case.expected.update(case.expected_carried)
    case.name += " over " + over
    kept = []
    for exchange in case.exchanges:
        if exchange.to in listeners:
            try:
                exchange.over = over
                exchange.steps = exchange.steps if over == "tls" else h2_steps(exchange.steps)
            except Unfit:
                continue
        kept.append(exchange)
    case.exchanges = kept
    return any(exchange.over for exchange in kept)


def clients(exchange, directory):
    """What makes a client of a connected socket."""
    if not exchange.over:
        return wire.Client
    if exchange.over == "h2c":
        return H2Client
    context = trusting("h2" if exchange.over == "h2" else None)
    if exchange.tls:
        context = own_context(exchange, directory)
    name = exchange.tls.get("sni", SERVER_NAME)
    if exchange.over == "h2":
        return lambda sock: H2Client(context.wrap_socket(sock, server_hostname=name))
    return lambda sock: TlsClient(TlsSocket(sock, context, None if name == "-" else name), told=bool(exchange.tls))


# ---- TLS ----

@functools.cache
def trusting(alpn=None):
    """A context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols([alpn])
    return context


def own_context(exchange, directory):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if exchange.over == "h2":
        context.set_alpn_protocols(["h2"])
    if "cert" in exchange.tls:
        context.load_cert_chain(os.path.join(directory, exchange.tls["cert"]))
    if "tls" in exchange.tls:
        context.minimum_version = context.maximum_version = {
            "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[exchange.tls["tls"]]
    return context


def server_context(server, directory):
    """How a scripted server wraps its connections; None in clear."""
    if not server.cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, server.cert))
    context.set_alpn_protocols(["http/1.1"])

    def note(sock, name, _):
        sock.weir_sni = name

    context.sni_callback = note
    return context


class TlsClient(wire.Client):
    """A client over TLS; when the case says how, it tells of the server's certificate."""

    def __init__(self, sock, told):
        super().__init__(sock)
        if told:
            name = subject_name(sock.tls.getpeercert(True))
            self.record += b"[%s, %s]\n" % (sock.tls.version().encode(), name)


def subject_name(der):
    """The common name of a certificate: its issuer's stands before it."""
    at = der.rfind(b"\x55\x04\x03") + 3
    return der[at + 2:at + 2 + der[at + 1]]


class TlsSocket:
    """What Wire needs of a socket, over TLS; a half-close says close_notify and then ends the TCP direction."""

    def __init__(self, sock, context=None, name=SERVER_NAME):
        self.sock = sock
        self.family = sock.family
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or trusting()).wrap_bio(self.incoming, self.outgoing, server_hostname=name)
        self._drive(self.tls.do_handshake)

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.sock.sendall(data)

    def _drive(self, call, *args):
        """The call, with bytes carried to and fro until it has what it wants."""
        while True:
            try:
                result = call(*args)
                self._flush()
                return result
            except ssl.SSLWantReadError:
                self._flush()
                data = self.sock.recv(65536)
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
            except ssl.SSLError:
                try:
                    self._flush()  # an alert
                except OSError:
                    pass
                raise

    def recv(self, count):
        try:
            return self._drive(self.tls.read, count)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def sendall(self, data):
        self._drive(self.tls.write, data)

    def settimeout(self, seconds):
        self.sock.settimeout(seconds)

    def setsockopt(self, *args):
        self.sock.setsockopt(*args)

    def shutdown(self, how):
        self._goodbye()
        self.sock.shutdown(how)

    def close(self):
        self._goodbye()
        self.sock.close()

    def _goodbye(self):
        try:
            self.tls.unwrap()
        except (ssl.SSLError, OSError, ValueError):
            pass
        try:
            self._flush()
        except OSError:
            pass


# ---- HTTP/2 ----

def h2_steps(steps):
    """The steps with whole requests in place of their bytes; Unfit when they need HTTP/1."""
    result, states, current = [], {}, "c"
    for step in steps:
        pending, queue = states.setdefault(current, [b"", []])
        if step.op == "client":
            current = step.arg[0]
            result.append(step)
        elif step.op == "send":
            states[current][0] += step.arg
        elif step.op == "flush":
            continue
        elif step.op == "read":
            if pending:
                queue += parse_requests(pending)
                states[current][0] = b""
            if step.arg in ("open", "eof") and not queue:
                continue
            if step.arg not in ("", "head", "any", "eof") or not queue:
                raise Unfit
            result.append(Step("request", queue.pop(0)))
        elif pending or queue or step.op == "shut":
            raise Unfit
        else:
            result.append(step)
    if any(pending or queue for pending, queue in states.values()) or not any(s.op == "request" for s in result):
        raise Unfit
    return result


def parse_requests(data):
    requests = []
    while data:
        start = START.match(data)
        if not start or start[1] == b"CONNECT":
            raise Unfit
        fields, at = [], start.end()
        while not data.startswith(b"\r\n", at):
            field = FIELD.match(data, at)
            if not field:
                raise Unfit
            fields.append((field[1].lower(), field[2]))
            at = field.end()
        body, data = take_body(dict(fields), data[at + 2:])
        requests.append((h2_fields(start[1], start[2], fields), body))
    return requests


def take_body(fields, data):
    """(body or None, the rest)."""
    if b"transfer-encoding" in fields:
        if fields[b"transfer-encoding"] != b"chunked" or b"content-length" in fields:
            raise Unfit
        body = b""
        while True:
            size = re.match(rb"([0-9a-fA-F]+)\r\n", data)
            if not size:
                raise Unfit
            length, data = int(size[1], 16), data[size.end():]
            if len(data) < length + 2 or data[length:length + 2] != b"\r\n":
                raise Unfit  # cut short, or with trailers
            body, data = body + data[:length], data[length + 2:]
            if not length:
                return body, data
    length = fields.get(b"content-length")
    if length is None:
        return None, data
    if not length.isdigit() or len(data) < int(length):
        raise Unfit
    return data[:int(length)], data[int(length):]


def h2_fields(method, target, fields):
    names = [name for name, _ in fields]
    if names.count(b"host") != 1 or names.count(b"content-length") > 1 or b"upgrade" in names or b"expect" in names:
        raise Unfit
    head = [(b":method", method), (b":scheme", b"https"), (b":authority", dict(fields)[b"host"]), (b":path", target)]
    return head + [(name, value) for name, value in fields if name not in HOP + (b"host",) and
                   (name, value.lower()) != (b"te", b"trailers")]


class H2Client:
    """A connection that asks one request after the other, each on its stream; its record is as a Client's."""

    def __init__(self, sock):
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.link = frames.Link(sock)
        self.record = b""
        self.stream = -1
        self.sent_all = self.sent = 0  # bytes of bodies on the connection, and on the stream
        self.link.send(frames.PREFACE)
        self.link.send_settings((frames.INITIAL_WINDOW_SIZE, WINDOW), (frames.ENABLE_PUSH, 0))
        self.link.send(frames.window(0, WINDOW - frames.WINDOW))

    def flush(self):
        """Nothing waits here."""

    def close(self):
        self.link.close()

    def play(self, step, iteration):
        if step.op == "request":
            self.request(step.arg, iteration)
        elif step.op == "sleep":
            time.sleep(step.arg / 1000)
        elif step.op in ("close", "rst"):
            self.link.close(step.op == "rst")

    def request(self, request, iteration):
        fields, body = request
        number = b"%d" % iteration
        self.stream += 2
        block = hpack.block([(name.replace(b"{i}", number), value.replace(b"{i}", number)) for name, value in fields])
        self.link.send(frames.headers(self.stream, block, end=body is None))
        try:
            if body is not None:
                self.send_body(body.replace(b"{i}", number))
            self.record += self.answer()
        except frames.Silence:
            self.record += self.so_far() + b"[silence]"
        except frames.Gone as gone:
            ends = [got for got in self.link.seen if got.kind == frames.GOAWAY]
            self.record += self.so_far() + b"[%s]" % ("goaway " + ends[-1].code if ends else str(gone)).encode()
        except hpack.HpackError as error:
            self.record += b"[%s]" % str(error).encode()

    def answered(self):
        return any(got.stream == self.stream and (got.ends or got.kind == frames.RST_STREAM) for got in self.link.seen)

    def room(self):
        """Bytes that may be sent on the stream now."""
        left = [frames.WINDOW, self.link.peer.get(frames.INITIAL_WINDOW_SIZE, frames.WINDOW)]
        for got in self.link.seen:
            if got.kind == frames.WINDOW_UPDATE and got.stream in (0, self.stream):
                left[got.stream != 0] += int.from_bytes(got.payload, "big")
        return min(left[0] - self.sent_all, left[1] - self.sent)

    def send_body(self, body):
        self.sent = 0
        self.link.until(lambda got: got.kind == frames.SETTINGS and not got.ack, wire.READ_SECONDS)
        while body and not self.answered():
            count = min(16384, len(body), self.room())
            if count <= 0:
                self.link.next(wire.READ_SECONDS)
                continue
            self.link.send(frames.data(self.stream, body[:count], end=count == len(body)))
            body = body[count:]
            self.sent += count
            self.sent_all += count
        if not self.sent and not self.answered():
            self.link.send(frames.data(self.stream, b"", end=True))

    def answer(self):
        self.link.until(lambda got: got.stream == self.stream and (got.ends or got.kind == frames.RST_STREAM),
                        wire.READ_SECONDS)
        return self.so_far()

    def so_far(self):
        """What the stream has brought, as an HTTP/1 message would be shown."""
        head, body, end = b"", b"", b""
        final = cut = False
        for got in self.link.seen:
            if got.stream != self.stream:
                continue
            if got.fields is not None:
                text = b"".join(b"%s: %s\r\n" % field for field in got.fields if field[0] != b":status")
                status = dict(got.fields).get(b":status")
                if final:
                    end += b"[trailers]" + text
                else:
                    head += b"HTTP/2 %s\r\n%s\r\n" % (status or b"?", text)
                    final = status is not None and not status.startswith(b"1")
            elif got.kind == frames.DATA:
                body += got.body()
            elif got.kind == frames.RST_STREAM:
                # within a body it says that something is missing, whichever code it has
                end += b"" if final else b"[reset %s]" % got.code.encode()
                cut = final
        length = wire.header(head, b"content-length")
        if cut or (final and body and length and length.isdigit() and int(length) > len(body)):
            end += b"[cut]"
        return head + wire.show_body(body) + end


def cookies_last(record):
    """What a server saw, with the cookie field at the end of the head: haproxy 2.6 joins its pieces there."""
    return re.sub(rb"(?im)^(cookie: [^\r\n]*\r\n)((?:[^\r\n]+\r\n)*)", rb"\2\1", record)
