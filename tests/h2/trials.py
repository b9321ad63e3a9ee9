# SPDX-License-Identifier: MIT
"""Trials: functions that need a proxy of their own each; and a server in HTTP/2 for the other end of it."""

import argparse
import concurrent.futures
import os
import shutil
import socket
import sys
import threading
import time

import frames as f
import hpack
from cases import get
from server_side import ServerLink
from world import PEERS, World, open_pool, procs

TRIALS = []
SECONDS = 10
DIED = "the proxy died"


class Wrong(Exception):
    """The trial's finding."""


def trial(peers="", **places):
    """Registers a function of (world); places: lines of the configuration. Peers are those that pass it, too."""
    def register(function):
        TRIALS.append((function, peers.split(), places))
        return function
    return register


def need(condition, text, *values):
    if not condition:
        raise Wrong(text % values if values else text)


def wait_for(predicate, what, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not predicate():
        need(time.monotonic() < deadline, "waited in vain: %s" % what)
        time.sleep(0.01)


# ---- a client's view ----

def ask(link, stream, seconds=SECONDS, **options):
    """One request and its whole response: (status, body); the status of one that was reset is "rst CODE"."""
    link.send(get(stream, **options))
    return answer(link, stream, seconds)


def answer(link, stream, seconds=SECONDS):
    try:
        last = link.until(lambda got: (got.stream == stream and (got.ends or got.kind == f.RST_STREAM))
                          or (got.kind == f.GOAWAY and got.code != "NO_ERROR"), seconds)
    except f.Silence:
        raise Wrong("no answer on stream %d; %s" % (stream, link.story())) from None
    except f.Gone as gone:
        return "gone " + str(gone), b""
    if last.kind in (f.RST_STREAM, f.GOAWAY):
        return "%s %s" % (f.TYPES[last.kind].lower(), last.code), body(link, stream)
    status = [got.field(":status") for got in link.seen if got.stream == stream and got.field(":status")][-1]
    return status.decode(), body(link, stream)


def body(link, stream):
    return b"".join(got.body() for got in link.seen if got.kind == f.DATA and got.stream == stream)


def ask_http1(world, request, bind="detect", seconds=SECONDS):
    """All that comes back until the connection ends."""
    with world.connect(bind) as sock:
        sock.settimeout(seconds)
        sock.sendall(request)
        raw = b""
        while True:
            try:
                piece = sock.recv(65536)
            except OSError as error:
                raise Wrong("%s after %r" % (error, raw[:100])) from None
            if not piece:
                return raw
            raw += piece


# ---- a server in HTTP/2 ----

class Server:
    """Accepts on a unix socket; `serve(connection)` runs in a thread for each connection."""

    def __init__(self, path, serve, *settings):
        self.serve, self.settings = serve, settings
        self.connections = []
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        self.sock.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            link = Connection(sock, len(self.connections))
            self.connections.append(link)
            threading.Thread(target=self._guarded, args=(link,), daemon=True).start()

    def _guarded(self, link):
        try:
            link.send(f.settings(*self.settings))
            self.serve(link)
        except (f.Gone, f.Silence, OSError, ValueError) as error:  # ValueError: the socket was closed
            link.error = repr(error)
        except hpack.HpackError as error:
            link.error = "HPACK: %s" % error

    def stop(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()
        for link in self.connections:
            link.close()


class Connection(ServerLink):
    """One connection at the server: requests come one after the other."""

    def __init__(self, sock, number):
        super().__init__(sock)
        self.number = number  # of the connection, from 0
        self.error = ""
        self.at = 0
        self.most = 0  # streams that were open at once
        self.open = set()

    def frame(self, seconds=30):
        """The next frame that was not returned yet."""
        while len(self.seen) <= self.at:
            self.next(seconds)
        self.at += 1
        got = self.seen[self.at - 1]
        if got.kind == f.HEADERS:
            self.open.add(got.stream)
            self.most = max(self.most, len(self.open))
        return got

    def request(self, seconds=30):
        """The next request, when it is complete: its last frame; fields and body by stream."""
        while True:
            got = self.frame(seconds)
            if got.kind == f.DATA and got.payload:
                self.send(f.window(0, len(got.payload)) + f.window(got.stream, len(got.payload)))
            if got.ends:
                return got

    def head(self, stream):
        return next(got for got in self.seen if got.stream == stream and got.fields is not None)

    def body(self, stream):
        return body(self, stream)

    def respond(self, stream, text=b"ok", *extra, status="200"):
        self.open.discard(stream)
        self.send(f.headers(stream, hpack.block([(":status", status)] + list(extra)), end=False) + f.data(stream, text))


# ---- the driver ----

def play(function, kind, binary, places, pool):
    """None, or what is wrong."""
    options = dict(places)
    tls = options.pop("tls", False)
    origin = options.pop("origin", True)
    try:
        with World(kind, binary, pool, tls=tls, origin=origin, **options) as world:
            if kind == "haproxy":
                world.is_peer = True
            try:
                function(world)
            except (Wrong, f.Silence, f.Gone, OSError, hpack.HpackError, IndexError) as error:
                wrong = "%s %s" % (type(error).__name__.replace("Wrong", ""), error)
                return wrong if world.is_up() else "%s; %s with status %s: %s" % (
                    wrong, DIED, world.process.returncode, world.output())
            return None
    except procs.BenchError as error:
        return str(error)


def tried(one, kind, binary, pool):
    """What was wrong, or nothing; a trial that breaks the runner fails alone."""
    try:
        return (play(one[0], kind, binary, one[2], pool) or "")[:1500]
    except Exception as error:
        return ("%s: %s" % (type(error).__name__, error))[:1500]


def main(description):
    procs.exit_on_sigterm()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("names", nargs="*", help="trials whose name begins so; default: all")
    parser.add_argument("--weir", default=os.environ.get("WEIR", os.path.join(procs.ROOT, "weir")))
    parser.add_argument("--peer", help="haproxy: those that are marked to pass there")
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--ports", help="range to take free ports from; default: a block nobody uses")
    args = parser.parse_args()
    kind = args.peer or "weir"
    binary = PEERS[kind] if args.peer else os.path.abspath(args.weir)
    if not shutil.which(binary):
        sys.exit("%s is missing" % binary)
    pool = open_pool(args.ports)
    passed = failed = 0
    wanted = [one for one in TRIALS if (not args.names or any(one[0].__name__.startswith(name) for name in args.names))
              and (kind == "weir" or kind in one[1] or args.names)]
    again = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as executor:
        for one, wrong in zip(wanted, executor.map(lambda one: tried(one, kind, binary, pool), wanted)):
            passed += not wrong
            if wrong:
                print("FAIL  %s: %s" % (one[0].__name__, wrong), flush=True)
                failed += DIED in wrong
                again += [one] if DIED not in wrong else []
    for one in again:  # alone: a busy machine delays a trial, it does not delay it twice
        wrong = tried(one, kind, binary, pool)
        passed, failed = passed + (not wrong), failed + bool(wrong)
        if wrong:
            print("FAIL again  %s: %s" % (one[0].__name__, wrong))
        print("repeated: %s %s" % (one[0].__name__, "failed" if wrong else "passed"), flush=True)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)
