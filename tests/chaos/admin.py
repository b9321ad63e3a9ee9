# SPDX-License-Identifier: MIT
"""The admin socket: random commands while traffic flows, and the counters that must be zero when it has ended."""

import csv
import io
import random
import socket

SERVERS = ("reuse_always/s1", "reuse_always/s2", "reuse_never/s1", "reuse_safe/s2", "close/s1", "server_close/s1",
           "cookie/s1", "cookie/s2", "queue/s1", "queue/s2", "proxied/s1", "proxied/s2", "buffered/s1", "buffered/s2",
           "mixed/s1", "mixed/hangs", "stream_servers/s1", "stream_servers/s2",
           "stream_servers/sp")
SHOWS = ("show stat", "show info", "show sess", "show errors", "show servers state", "show servers conn",
         "show stat typed", "show stat json", "show info json", "show sess all", "clear counters", "show pools",
         "show activity", "show version", "help")


class Admin:
    def __init__(self, path):
        self.path = path

    def ask(self, command, timeout=15):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout)
            sock.connect(self.path)
            sock.sendall(command.encode() + b"\n")
            parts = []
            while True:
                data = sock.recv(65536)
                if not data:
                    return b"".join(parts).decode("latin-1")
                parts.append(data)

    def stat(self):
        return list(csv.DictReader(io.StringIO(self.ask("show stat").lstrip("# "))))

    def info(self):
        lines = (line.partition(": ") for line in self.ask("show info").splitlines())
        return {name: value for name, _, value in lines}


def random_command(rng: random.Random, ports):
    server = rng.choice(SERVERS)
    good = ports["SP"] if server in ("proxied/s1", "proxied/s2", "stream_servers/sp") else rng.choice((ports["S1"], ports["S2"]))
    return rng.choice((
        rng.choice(SHOWS), rng.choice(SHOWS), rng.choice(SHOWS),
        "set server %s state %s" % (server, rng.choice(("ready", "ready", "drain", "maint"))),
        "set server %s weight %s" % (server, rng.choice(("0", "50%", "100%", "10", "256"))),
        "set server %s addr 127.0.0.1 port %d" % (server, good),
        "disable server " + server,
        "enable server " + server,
        "set maxconn server %s %d" % (server, rng.choice((1, 2, 5))),
        "set maxconn frontend closing %d" % rng.choice((1, 5, 30)),
        "shutdown sessions server " + server,
        "%s frontend closing" % rng.choice(("disable", "enable")),
    ))


def restore(admin, ports):
    """All servers up and as configured; returns the answers that were not empty."""
    complaints = []
    commands = []
    for server in SERVERS:
        if server != "mixed/hangs":
            port = ports["SP"] if server.startswith("proxied/") or server == "stream_servers/sp" else \
                ports["S2"] if server.endswith("s2") else ports["S1"]
            commands.append("set server %s addr 127.0.0.1 port %d" % (server, port))
        commands += ["set server %s state ready" % server, "enable server " + server,
                     "set server %s weight 100%%" % server]
    for server, maxconn in (("queue/s1", 2), ("queue/s2", 2), ("cookie/s2", 2), ("buffered/s1", 3), ("mixed/s1", 2)):
        commands.append("set maxconn server %s %d" % (server, maxconn))
    commands += ["enable frontend closing", "set maxconn frontend closing 30"]
    for command in commands:
        answer = admin.ask(command).strip()
        if answer and "need to be up" not in answer and "changed" not in answer and "no need" not in answer and \
                "nothing changed" not in answer and "already" not in answer.lower():
            complaints.append("%s: %s" % (command, answer))
    return complaints


def busy(admin):
    """What is not zero though nobody is there."""
    found = []
    for row in admin.stat():
        for field in ("scur", "qcur"):
            if row.get(field, "0") not in ("", "0"):
                found.append("%s/%s %s=%s" % (row["pxname"], row["svname"], field, row[field]))
    conns = int(admin.info().get("CurrConns", "0"))
    if conns > 1:  # this question itself may count
        found.append("CurrConns=%d" % conns)
    return found
