# SPDX-License-Identifier: MIT
"""What drives a proxy in a test: ports, names in configurations, what servers saw, a soft end, the log socket, jobs."""

import concurrent.futures
import glob
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "bench"))
import mask  # noqa: E402
import procs  # noqa: E402
import wire  # noqa: E402

QUICK_START = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quick-start.cfg")
SOFT_STOP_SECONDS = 1.5
REPEAT_MAX = 20  # more failures than that are no chance


class Entry:
    """What one server saw in one request (http) or connection (tcp)."""

    def __init__(self, exchange, server):
        self.exchange = exchange
        self.server = server
        self.data = b""


class Recorder:
    def __init__(self):
        self.entries = []
        self.exchange = None
        self.ports_seen = set()
        self.lock = threading.Lock()

    def start(self, server):
        entry = Entry(self.exchange, server)
        with self.lock:
            self.entries.append(entry)
        return entry

    def wait(self, count):
        """Until servers have seen that many bytes in all; without them, what is missing shows in the comparison."""
        deadline = time.monotonic() + wire.READ_SECONDS
        while time.monotonic() < deadline and sum(len(entry.data) for entry in list(self.entries)) < count:
            time.sleep(0.005)


class PortPool:
    """Ports for the cases at work; a case gives its own back, so that a small range lasts."""

    def __init__(self, spec):
        first, last = spec.split("-")
        self.free = list(range(int(first), int(last) + 1))
        self.lock = threading.Lock()

    def take(self):
        with self.lock:
            for _ in range(len(self.free)):
                port = self.free.pop(0)
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        probe.bind(("127.0.0.1", port))
                        return port
                    except OSError:
                        self.free.append(port)
        raise procs.BenchError("no free port left in the range")

    def give(self, ports):
        with self.lock:
            self.free.extend(ports)


class Names:
    """The @names@ of one case: the same ports for both proxies, so that what hashes them agrees."""

    def __init__(self, text, pool, directory):
        self.directory = directory
        self.ports = {}
        for name in sorted(set(re.findall(r"@(\w+)(?:\.port)?@", text)) - {"dir"}):
            self.ports[name] = pool.take()

    def fill(self, text):
        def one(match):
            name, kind = match.group(1), match.group(2)
            if name == "dir":
                return self.directory
            if kind == "sock":
                return os.path.join(self.directory, name + ".sock")
            port = str(self.ports[name])
            return port if kind == "port" else "127.0.0.1:" + port
        return re.sub(r"@(\w+)(?:\.(port|sock))?@", one, text)

    def target(self, name):
        if name.endswith(".sock"):
            return os.path.join(self.directory, name)
        return ("127.0.0.1", self.ports[name])

    def forget_sockets(self):
        """Removes what a proxy before has left: whoever waits for the next one must not find it."""
        for name in glob.glob(os.path.join(self.directory, "*.sock")):
            os.unlink(name)

    def wait_for(self, config, process):
        """Until everything that the configuration binds is there."""
        binds = [line for line in config.splitlines() if re.match(r"\s*(bind|stats\s+socket)\s", line)]
        names = set(re.findall(r"@(\w+)(?:\.port)?@", "\n".join(binds))) - {"dir"}
        procs.wait_listening(process, [self.ports[name] for name in names])
        for name in re.findall(r"@(\w+\.sock)@", "\n".join(binds)):
            while not os.path.exists(self.target(name)):
                time.sleep(0.01)


def command(binary, *words):
    """The proxy with these arguments."""
    is_haproxy = os.path.basename(binary) == "haproxy"
    return [binary, *(["-f", QUICK_START] if is_haproxy else []), *words]


def stop(process):
    """Softly, so that the last log lines come out; then harder."""
    if process.poll() is None:
        process.send_signal(signal.SIGUSR1)
    try:
        process.wait(SOFT_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        procs.end(process)


class LogReceiver:
    """What a proxy sends to the syslog port of a case, if that has one."""

    def __init__(self, port):
        self.lines = []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if port:
            wire.bind(self.sock, port)

    def drain(self):
        """All lines that have come so far."""
        self.sock.setblocking(False)
        try:
            while True:
                self.lines.append(self.sock.recv(65536).decode("latin-1").rstrip("\n"))
        except BlockingIOError:
            return self.lines

    def wait(self, count):
        """Until that many lines of traffic have come in all; without them, what is missing shows in the comparison."""
        deadline = time.monotonic() + wire.READ_SECONDS
        while sum(not mask.LOG_NOISE.search(line) for line in self.drain()) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return

    def close(self):
        self.sock.close()


class Outcome:
    """What one job gave: results that were right, [message] of wrong ones, and text to be printed in any case."""

    def __init__(self, passed=0, failed=(), text=""):
        self.passed, self.failed, self.text = passed, list(failed), text


def run_jobs(jobs, workers, slowest=0):
    """Runs [(label, function returning an Outcome)] and prints what they say; (passed, failed).

    What fails runs once more when all else is done, alone: a busy machine delays a case, it does not delay it twice.
    Only the second failure counts, and each repetition is printed, so that it cannot hide.
    """
    passed, failed, again, took = 0, 0, [], []
    with concurrent.futures.ThreadPoolExecutor(workers) as executor:
        for (label, job), future in [(job, executor.submit(timed, *job)) for job in jobs]:
            outcome, seconds = future.result()
            took.append((seconds, label))
            if outcome.failed:
                again.append((label, job, outcome))
            else:
                passed += outcome.passed
            tell("FAIL", outcome)
    for label, job, outcome in again:
        if len(again) <= REPEAT_MAX:
            outcome = guarded(label, job)
            tell("FAIL again", outcome)
            print("repeated: %s %s" % (label, "failed" if outcome.failed else "passed"), flush=True)
        passed += outcome.passed
        failed += len(outcome.failed)
    if again and len(again) <= REPEAT_MAX:
        print("%d of %d repeated" % (len(again), len(jobs)))
    for seconds, label in sorted(took, reverse=True)[:slowest]:
        print("%6.2f s  %s" % (seconds, label))
    return passed, failed


def timed(label, job):
    """(Outcome, seconds)"""
    began = time.monotonic()
    return guarded(label, job), time.monotonic() - began


def guarded(label, job):
    """A job that breaks the runner fails alone."""
    try:
        return job()
    except Exception as error:
        return Outcome(failed=["%s\n    %s: %s" % (label, type(error).__name__, error)])


def tell(mark, outcome):
    for message in outcome.failed:
        print("%s  %s" % (mark, message.rstrip("\n")))
    print(outcome.text, end="", flush=True)
