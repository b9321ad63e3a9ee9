# SPDX-License-Identifier: MIT
"""Processes under measurement: start them pinned, read what they cost, end them by pid.

Shared by tools/bench and tests/budget. Every process started here dies with the driver, however that ends.
"""

import collections
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import routes as routing
import secure

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROXY_CPU = 0
LOAD_CPU = 1
TICK = os.sysconf("SC_CLK_TCK")
PORT_BLOCK = 200
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, TCP_LISTEN = 4, 20, 10
NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"

_guards = []  # listening sockets that hold our block of ports, until the process ends


class BenchError(Exception):
    """Something that makes the measurement impossible; its text is for the user."""


def exit_on_sigterm():
    """Turns SIGTERM into an exit that runs every `finally`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def claim_ports():
    """A range of ports of our own, as "first-last": several runs at a time must not meet.

    A block belongs to whoever listens on its first port. All are below the ephemeral range, so that no outgoing
    connection takes one first. WEIR_TEST_PORTS names a range instead.
    """
    given = os.environ.get("WEIR_TEST_PORTS")
    if given:
        return given
    for first in range(25000, 32000, PORT_BLOCK):
        guard = socket.socket()
        try:
            guard.bind(("127.0.0.1", first))
            guard.listen(1)
        except OSError:
            guard.close()
            continue
        _guards.append(guard)
        return "%d-%d" % (first + 1, first + PORT_BLOCK - 1)
    raise BenchError("no free block of ports; set WEIR_TEST_PORTS=first-last")


class Ports:
    """Free loopback ports out of a range, one after the other."""

    def __init__(self, spec):
        first, last = spec.split("-")
        self.candidates = iter(range(int(first), int(last) + 1))

    def take(self):
        for port in self.candidates:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            return port
        raise BenchError("no free port left in the range")


def listening(port):
    """True when some socket listens on 127.0.0.1:port; asks the kernel (sock_diag(7)), connects to nothing.

    It looks up that one socket: reading /proc/net/tcp walks the whole table of connections, for milliseconds.
    """
    wanted = struct.pack("!HH16s16sI8s", port, 0, socket.inet_aton("127.0.0.1"), b"", 0, b"\xff" * 8)
    request = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << TCP_LISTEN) + wanted
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as diag:
        diag.send(struct.pack("=IHHII", 16 + len(request), SOCK_DIAG_BY_FAMILY, 1, 0, 0) + request)
        answer = diag.recv(4096)
    return struct.unpack_from("=H", answer, 4)[0] == SOCK_DIAG_BY_FAMILY and answer[17] == TCP_LISTEN


def wait_listening(process, ports, seconds=10):
    deadline = time.monotonic() + seconds
    while not all(listening(port) for port in ports):
        if process.poll() is not None:
            raise BenchError("the proxy ended at start with status %s" % process.returncode)
        if time.monotonic() > deadline:
            raise BenchError("the proxy does not listen after %d s" % seconds)
        time.sleep(0.01)


def spawn(argv, cpu, **options):
    """Popen of argv on that CPU (None: any), ended by the kernel when the calling thread is gone.

    The two helpers exec what follows them, so the pid is that of argv. They are used rather than preexec_fn because
    that makes subprocess fork slowly, and the child holds copies of all our sockets until it execs.
    """
    pin = [] if cpu is None else ["taskset", "-c", str(cpu % os.cpu_count())]
    return subprocess.Popen(["setpriv", "--pdeathsig", "TERM"] + pin + argv, **options)


def end(process):
    """Ends one process by its pid and waits for it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Backend:
    """tools/bench/backend.c on its three ports."""

    def __init__(self, programs, ports):
        self.http, self.tcp, self.bulk = ports.take(), ports.take(), ports.take()
        argv = [os.path.join(programs, "backend"), str(self.http), str(self.tcp), str(self.bulk)]
        self.process = spawn(argv, LOAD_CPU, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise BenchError("the backend did not start")

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Proxy:
    """One proxy with its configuration made from a template; single worker, pinned."""

    def __init__(self, kind, binary, backend, ports, env=None, routes=None, cert=None, tls_server=None):
        """cert: a listener for TLS and one for HTTP/2 in clear are there as well; tls_server: a port instead of the
        backend's."""
        self.kind = kind
        self.routes = routes
        self.dir = tempfile.mkdtemp(prefix="weir-bench-")
        self.http, self.tcp, self.bulk = ports.take(), ports.take(), ports.take()
        self.cert, self.tls_server = cert, tls_server
        self.tls, self.h2c = (ports.take(), ports.take()) if cert else (None, None)
        self.process = None
        conf = self._configure(backend)
        if kind == "nginx":
            argv = [binary, "-p", self.dir, "-c", conf, "-e", "stderr"]
        else:
            argv = [binary, "-db", "-f", conf]
        output = open(os.path.join(self.dir, "output"), "wb")
        self.process = spawn(argv, PROXY_CPU, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                             env=dict(os.environ, **(env or {})))
        output.close()
        try:
            wait_listening(self.process, [port for port in (self.http, self.tcp, self.bulk, self.tls) if port], 60)
        except BenchError as error:
            with open(os.path.join(self.dir, "output"), errors="replace") as output:
                text = output.read().strip()
            self.end()
            raise BenchError("%s\n%s" % (error, text)) from None
        self.pid = self.process.pid

    def _configure(self, backend):
        name = "nginx.conf" if self.kind == "nginx" else self.kind + ".cfg"
        maps, upstream = routing.nginx(self.routes)
        values = {
            "rules": routing.rules(self.routes, self.dir) if self.kind != "nginx" else "",
            "maps": maps, "upstream": upstream,
            "binds": secure.binds(self.kind, self.tls, self.h2c, self.cert) if self.cert else "",
            "server": secure.server(self.kind) if self.tls_server else "",
            "scheme": "https" if self.tls_server else "http",
            "http": self.http, "tcp": self.tcp, "bulk": self.bulk,
            "backend_http": self.tls_server or backend.http, "backend_tcp": backend.tcp, "backend_bulk": backend.bulk,
            "dir": self.dir, "stream_module": NGINX_STREAM,
        }
        with open(os.path.join(HERE, "conf", name)) as template:
            text = re.sub(r"@(\w+)@", lambda m: str(values[m.group(1)]), template.read())
        path = os.path.join(self.dir, name)
        with open(path, "w") as conf:
            conf.write(text)
        return path

    def end(self):
        if self.process:
            end(self.process)
        shutil.rmtree(self.dir, ignore_errors=True)


class Load:
    """tools/bench/load.c: started and warm after the constructor; run() measures; end() closes its connections."""

    def __init__(self, programs, mode, port, conns, warmup, requests, size, cpu=LOAD_CPU, **options):
        argv = [os.path.join(programs, "load"), mode] + [
            str(n) for n in (port, conns, warmup, requests, size)] + ["%s=%s" % option for option in options.items()]
        self.process = spawn(argv, cpu, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise BenchError("the load generator failed while warming up")

    def run(self):
        """The measured phase; returns what the generator reports."""
        self.process.stdin.write(b"go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise BenchError("the load generator failed")
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            end(self.process)


def cpu_ns(pid):
    """(total, user, sys) of all threads in ns. The total is exact; the split is by the kernel's ticks."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, task)) as stat:
            total += int(stat.read().split()[0])
    user, system = cpu_ticks(pid)
    return total, user * 10**9 // TICK, system * 10**9 // TICK


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid) as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12])


def wait_quiet(pid):
    """Waits until the process sleeps: its accounted time is only complete then."""
    for _ in range(500):
        with open("/proc/%d/stat" % pid) as stat:
            if stat.read().rpartition(")")[2].split()[0] == "S":
                return
        time.sleep(0.001)


def wakeups(pid):
    """How often the threads of the process have gone to sleep so far."""
    count = 0
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/status" % (pid, task)) as status:
            count += int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", status.read(), re.M).group(1))
    return count


def pss_bytes(pid):
    with open("/proc/%d/smaps_rollup" % pid) as smaps:
        return int(re.search(r"^Pss:\s*(\d+) kB", smaps.read(), re.M).group(1)) * 1024


def count_syscalls(pid, work):
    """Runs work() with strace attached to the process; returns {name: calls}."""
    if not shutil.which("strace"):
        raise BenchError("strace is missing: install the Debian package strace")
    with tempfile.NamedTemporaryFile(mode="r", suffix=".strace") as summary:
        tracer = spawn(["strace", "-f", "-c", "-U", "calls,name", "-o", summary.name, "-p", str(pid)], None,
                       stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            if b"attached" not in tracer.stderr.readline():
                raise BenchError("strace could not attach")
            work()
        finally:
            if tracer.poll() is None:
                tracer.send_signal(signal.SIGINT)
                tracer.wait()
        calls = {}
        for row in summary.read().splitlines():
            match = re.match(r"\s*(\d+)\s+([a-z_0-9]+)$", row)
            if match and match.group(2) != "total":
                calls[match.group(2)] = int(match.group(1))
        return calls


def profile(pid, work, lines=25):
    """Runs work() under perf; [(percent, function)], the kernel in one, and so what a library names no function for."""
    if not shutil.which("perf"):
        raise BenchError("perf is missing: install the Debian package linux-perf")
    with tempfile.TemporaryDirectory(prefix="weir-perf-") as directory:
        data = os.path.join(directory, "data")
        recorder = spawn(["perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-o", data, "-p", str(pid)], None,
                         stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.3)  # it says nothing when it has attached
        try:
            work()
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.wait()
        text = subprocess.run(["perf", "report", "-i", data, "--stdio", "-F", "overhead,dso,sym", "--percent-limit", "0"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False).stdout
    shares = collections.Counter()
    for share, library, where, name in re.findall(r"^\s+([\d.]+)%\s+(\S+)\s+\[(.)\] (.+?)\s*$", text, re.M):
        name = "(no name)" if name.startswith("0x") else name
        shares["the kernel" if where == "k" else "%s: %s" % (library, name)] += float(share)
    return [(round(share, 1), name) for name, share in shares.most_common(lines)]


def programs_dir():
    """Where `make bench-bins` puts load and backend."""
    path = os.path.join(ROOT, "build", "bench")
    if not os.access(os.path.join(path, "load"), os.X_OK):
        raise BenchError("build/bench/load is missing: run `make bench-bins`")
    return path
