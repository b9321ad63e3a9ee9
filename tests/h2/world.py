# SPDX-License-Identifier: MIT
"""The proxy under test with its configuration, the origin behind it, and connections to it.

weir and haproxy read the same configuration; nginx and nghttpd serve as peers that prove the cases.
"""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "tools", "bench"), os.path.join(HERE, "..", "differential")]
import frames as f  # noqa: E402
import procs  # noqa: E402
from harness import PortPool  # noqa: E402
from origin import Origin  # noqa: E402

PEERS = {"haproxy": "/usr/sbin/haproxy", "nginx": "/usr/sbin/nginx", "nghttpd": "/usr/sbin/nghttpd"}

CONFIG = """
global
    maxconn 2000
    @global@
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
    timeout tunnel 20s
    @defaults@
frontend fe
    bind 127.0.0.1:@h2@ proto h2
    bind 127.0.0.1:@detect@
    @tls@
    @frontend@
    default_backend be
backend be
    @backend@
@more@
"""

NGINX = """
daemon off; master_process off; error_log @dir@/nginx-error.log; pid @dir@/nginx.pid;
events { worker_connections 1000; }
http {
    access_log off; client_body_temp_path @dir@; proxy_temp_path @dir@; fastcgi_temp_path @dir@;
    uwsgi_temp_path @dir@; scgi_temp_path @dir@; client_max_body_size 0; proxy_request_buffering off;
    server {
        listen 127.0.0.1:@h2@ http2;
        listen 127.0.0.1:@detect@;
        location / { proxy_http_version 1.1; proxy_pass http://unix:@dir@/origin.sock; }
    }
}
"""


def certificate(directory):
    """A self-signed one for tests, key and certificate in one file."""
    path = os.path.join(directory, "test.pem")
    if not os.path.exists(path):
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                               "-days", "2", "-subj", "/CN=h2.test", "-addext", "subjectAltName=DNS:h2.test,IP:127.0.0.1",
                               "-keyout", path + ".k", "-out", path + ".c"], stdin=subprocess.DEVNULL, capture_output=True,
                              check=False)
        if made.returncode:
            raise procs.BenchError("openssl cannot make a certificate: %s" % made.stderr.decode())
        with open(path, "wb") as out:
            for part in (".k", ".c"):
                with open(path + part, "rb") as source:
                    out.write(source.read())
    return path


def tls_context(*protocols):
    """Trusts everybody; offers these protocols by ALPN."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(protocols))
    return context


class World:
    """One proxy on ports of its own, in a directory of its own; use it with `with`."""

    def __init__(self, kind, binary, pool, tls=False, origin=True, **places):
        self.kind, self.binary, self.pool, self.tls = kind, binary, pool, tls
        self.places = places  # lines for the places of the configuration: global, frontend, backend, more, ...
        self.directory = tempfile.mkdtemp(prefix="weir-h2-")
        self.ports = {name: pool.take() for name in ("h2", "detect", "tls")}
        self.origin = Origin(self.path("origin.sock"), 4096) if origin else None
        self.process = None
        self.starts = 0
        self.log_seen = []
        self.context = tls_context("h2")
        self.reviving = threading.Lock()
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(self.path("log.sock"))
        self.log.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

    def path(self, name):
        return os.path.join(self.directory, name)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def fill(self, text):
        values = dict({"dir": self.directory, "log": self.path("log.sock"), "global": "", "defaults": "", "frontend": "",
                       "more": "", "backend": "server s1 unix@%s" % self.path("origin.sock"), "tls": ""},
                      **{name: str(port) for name, port in self.ports.items() if name != "tls"})
        if self.tls:
            values["tls"] = "bind 127.0.0.1:%d ssl crt %s alpn h2,http/1.1" % (
                self.ports["tls"], certificate(self.directory))
        values.update(self.places)
        for _ in range(2):  # what is filled in may have names as well
            for name, value in values.items():
                text = text.replace("@%s@" % name, value)
        return text

    def start(self):
        self.starts += 1
        conf = self.path("proxy.cfg")
        with open(conf, "w") as out:
            out.write(self.fill(NGINX if self.kind == "nginx" else CONFIG))
        if self.kind == "nginx":
            argv = [self.binary, "-p", self.directory, "-c", conf, "-e", "stderr"]
        elif self.kind == "nghttpd":
            with open(self.path("index.html"), "w") as out:
                out.write("ok")
            argv = [self.binary, "--no-tls", "--echo-upload", "-a", "127.0.0.1", "-d", self.directory, str(self.ports["h2"])]
        else:
            argv = [self.binary, "-db", "-f", conf]
        with open(self.path("output"), "wb") as output:
            self.process = procs.spawn(argv, None, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=output)
        wanted = ["h2"] + (["detect"] if self.kind != "nghttpd" else []) + (["tls"] if self.tls else [])
        try:
            procs.wait_listening(self.process, [self.ports[name] for name in wanted])
        except procs.BenchError as error:
            raise procs.BenchError("%s\n%s" % (error, self.output())) from None

    def output(self):
        with open(self.path("output"), errors="replace") as output:
            return output.read()[-3000:]

    def guarded(self, play):
        """play(), which gives None or what is wrong; a proxy that dies meanwhile is started again, and then the case
        is played by itself to see whose fault it was."""
        starts = self.starts
        wrong = play()
        if wrong:
            self.wait_for_death()
        if self.is_up() and starts == self.starts:
            return wrong
        with self.reviving:
            self.revive()
            wrong = play()
            if wrong:
                self.wait_for_death()
            if not self.is_up():
                wrong = "the proxy dies with status %s: %s" % (self.process.returncode, self.output())
            self.revive()
        return wrong

    def wait_for_death(self):
        """One that takes no connections any more is about to end, which takes a while where a core is written."""
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.ports["h2"])) == 0:
                return
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass

    def revive(self):
        if not self.is_up():
            self.start()

    def is_up(self):
        return self.process.poll() is None

    def __exit__(self, *_):
        if self.process:
            procs.end(self.process)
        if self.origin:
            self.origin.stop()
        self.log.close()
        self.pool.give(self.ports.values())
        shutil.rmtree(self.directory, ignore_errors=True)

    def soft_stop(self):
        self.process.send_signal(signal.SIGUSR1)

    def connect_tcp(self, bind, receive_buffer=0):
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", self.ports[bind]))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def connect(self, bind="h2", receive_buffer=0):
        """A connected socket; over TLS when bind is "tls"."""
        sock = self.connect_tcp(bind, receive_buffer)
        if bind == "tls":
            sock = self.context.wrap_socket(sock, server_hostname="h2.test")
            if sock.selected_alpn_protocol() != "h2":
                raise procs.BenchError("ALPN gave %s" % sock.selected_alpn_protocol())
        return sock

    def link(self, bind="h2", receive_buffer=0, *settings):
        """A connection that is ready for requests."""
        link = f.Link(self.connect(bind, receive_buffer))
        link.send(f.PREFACE + f.settings(*settings))
        link.until(lambda got: got.kind == f.SETTINGS and not got.ack)
        return link

    def log_lines(self, wanted="", seconds=0.0):
        """Lines that arrived; waits until one holds `wanted`."""
        deadline = time.monotonic() + seconds
        while True:
            self.log.settimeout(max(0.01, min(0.2, deadline - time.monotonic())))
            try:
                self.log_seen.append(self.log.recv(65536).decode("latin-1"))
                continue
            except (TimeoutError, BlockingIOError):
                pass
            lines = [line for line in self.log_seen if wanted in line]
            if (wanted and lines) or time.monotonic() >= deadline:
                return lines

    def admin(self, command):
        """The admin socket's answer; the configuration has to name @dir@/admin.sock."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(5)
            sock.connect(self.path("admin.sock"))
            sock.sendall(command.encode() + b"\n")
            answer = b""
            while True:
                piece = sock.recv(65536)
                if not piece:
                    return answer.decode("latin-1")
                answer += piece


def open_pool(spec):
    return PortPool(spec or procs.claim_ports())
