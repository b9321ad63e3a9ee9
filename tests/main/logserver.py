#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: logserver.py {tcp:PORT|udp:PORT|unix:PATH|stall:PORT}=FILE...

Log servers for tests. What comes to each goes to its FILE as it is, datagrams and connections one behind another;
a stalled server accepts and never reads. "ready" on standard output says that all listen. Runs until it is killed.
"""
import os
import selectors
import socket
import sys

selector = selectors.DefaultSelector()


def listen(kind, where):
    family = socket.AF_UNIX if kind == "unix" else socket.AF_INET
    datagram = kind in ("udp", "unix")
    s = socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == "stall":
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.bind(where if kind == "unix" else ("127.0.0.1", int(where)))
    if not datagram:
        s.listen(16)
    return s


for argument in sys.argv[1:]:
    target, path = argument.split("=")
    kind, where = target.split(":")
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    selector.register(listen(kind, where), selectors.EVENT_READ, (kind, fd))
print("ready", flush=True)
kept = []
while True:
    for key, _ in selector.select():
        kind, fd = key.data
        if kind in ("tcp", "stall"):
            connection, _ = key.fileobj.accept()
            if kind == "tcp":
                selector.register(connection, selectors.EVENT_READ, ("stream", fd))
            else:
                kept.append(connection)
            continue
        try:
            data = key.fileobj.recv(70000)
        except OSError:
            data = b""
        os.write(fd, data)
        if kind == "stream" and not data:
            selector.unregister(key.fileobj)
            key.fileobj.close()
