#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The attackers of tests/chaos/attack, each a process of its own.

usage: floods.py KIND PORT SECONDS. KIND is slow, garbage, renegotiation, h2, or h2:NAME for one of FLOODS.
Ends with one line of JSON: what it did, and how often.
"""

import collections
import json
import os
import random
import select
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "h2"))
import frames as f  # noqa: E402
import hpack  # noqa: E402

SLOW_CLIENTS = 300
SLOW_PAUSE = 0.1
BURST = 100
counts = collections.Counter()


def context(alpn=None):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.check_hostname = False
    ctx.verify_mode = ssl.CERT_NONE
    if alpn:
        ctx.set_alpn_protocols([alpn])
    return ctx


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def hello():
    """The bytes of a ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing, server_hostname="slow.example")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def slow(port, end):
    """Handshakes that come byte by byte, and those that never go on."""
    first = hello()
    clients = {}
    while time.monotonic() < end:
        while len(clients) < SLOW_CLIENTS:
            clients[connect(port)] = 0
            counts["slow handshakes"] += 1
        for sock in select.select(list(clients), [], [], 0)[0]:
            sock.close()  # the proxy has closed it, or answered
            del clients[sock]
            counts["of them ended by the proxy"] += 1
        for sock, sent in list(clients.items()):
            try:
                sock.sendall(first[sent:sent + 1])
                clients[sock] = min(sent + 1, len(first) - 1)
            except OSError:
                del clients[sock]
        time.sleep(SLOW_PAUSE)


def garbage(port, end):
    """Bytes that are no TLS, or begin as if they were."""
    starts = (b"", b"\x16\x03\x01", b"\x16\x03\x01\x40\x00\x01", b"\x17\x03\x03\x00\x20", b"\x80\x2e\x01\x03\x01",
              b"GET / HTTP/1.1\r\n\r\n", f.PREFACE, hello()[:60])
    while time.monotonic() < end:
        with connect(port) as sock:
            try:
                sock.sendall(random.choice(starts) + random.randbytes(random.choice((1, 100, 1000, 20000))))
                sock.settimeout(0.2)
                sock.recv(1000)
            except OSError:
                pass
        counts["garbage"] += 1


def renegotiation(port, end):
    """TLS 1.2 clients that want another handshake, again and again."""
    while time.monotonic() < end:
        client = subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:%d" % port],
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for _ in range(20):
                client.stdin.write(b"R\n")
                client.stdin.flush()
                counts["renegotiations tried"] += 1
                time.sleep(0.02)
        except OSError:
            counts["ended at the first"] += 1
        client.kill()
        client.wait()


def request(stream, end=True):
    return f.headers(stream, hpack.block([(":method", "GET"), (":scheme", "https"), (":authority", "bench.example"),
                                          (":path", "/100")]), end=end)


def rapid_reset(first):
    return b"".join(request(first + 2 * i) + f.reset(first + 2 * i) for i in range(BURST))


def continuations(first):
    return f.headers(first, b"", flags=0) + b"".join(
        f.continuation(first, hpack.literal(b"x-%d" % i, b"a" * 50), last=False) for i in range(BURST))


def empty_data(first):
    return request(first, end=False) + f.data(first, b"", end=False) * BURST


FLOODS = {
    "rapid reset": rapid_reset,
    "pings": lambda _: f.ping() * BURST,
    "settings": lambda _: f.settings((f.INITIAL_WINDOW_SIZE, 1000)) * BURST,
    "continuations": continuations,
    "empty data": empty_data,
    "priorities": lambda _: f.priority(3, 0) * BURST,
    "window updates": lambda _: f.window(0, 1) * BURST,
    "unread answers": lambda first: b"".join(request(first + 2 * i) for i in range(BURST)),
}


def h2(port, end, only=""):
    """One flood after the other, each on a connection of its own until the proxy ends it."""
    ctx = context("h2")
    while time.monotonic() < end:
        name = only or random.choice(list(FLOODS))
        try:
            with connect(port) as plain, ctx.wrap_socket(plain) as sock:
                sock.sendall(f.PREFACE + f.settings((f.INITIAL_WINDOW_SIZE, 1)))
                for burst in range(200):
                    if time.monotonic() > end:
                        break
                    sock.sendall(FLOODS[name](1 + 2 * BURST * burst))
                    counts[name + ", bursts"] += 1
                    drain(sock)
        except OSError:
            counts[name + ", ended by the proxy"] += 1


def drain(sock):
    """Takes what has come, so that the proxy has no reason to wait for us."""
    sock.setblocking(False)
    try:
        while True:
            if not sock.recv(65536):
                raise ConnectionResetError
    except (ssl.SSLWantReadError, BlockingIOError):
        pass
    finally:
        sock.settimeout(5)


KINDS = {"slow": slow, "garbage": garbage, "renegotiation": renegotiation, "h2": h2}


def main():
    kind, _, only = sys.argv[1].partition(":")
    port, seconds = int(sys.argv[2]), float(sys.argv[3])
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            KINDS[kind](port, end, *([only] if only else []))
        except OSError as error:
            counts["%s: %s" % (kind, type(error).__name__)] += 1
            time.sleep(0.05)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
