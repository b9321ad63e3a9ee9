# SPDX-License-Identifier: MIT
"""Case files: one configuration, the servers behind it, and what clients say to it. README.md has the grammar."""

import itertools
import os
import re
from collections import namedtuple

Step = namedtuple("Step", "op arg")
Rule = namedtuple("Rule", "pattern steps")

PROLOGUE = """\
global
    log @log@ local0
    nbthread 1

defaults
    mode http
    log global
    option httplog
    balance roundrobin
    timeout connect 1s
    timeout client 2s
    timeout server 2s

"""

CLIENT_READS = ("", "head", "any", "line", "eof", "open")
CLIENT_ACTS = ("flush", "shut", "close", "rst", "sleep", "logged", "seen")
SERVER_ACTS = ("early", "body", "close", "rst", "shut", "sleep", "hang", "echo", "proxy", "flush", "quiet")


class CaseError(Exception):
    """A case file that cannot be understood; says file and line."""


class Server:
    def __init__(self, name, kind="http", cert=None):
        self.name = name
        self.kind = kind
        self.cert = cert  # speaks TLS with that certificate
        self.rules = []  # http: answers by request; tcp: a single rule


class Exchange:
    def __init__(self, name):
        self.name = name
        self.to = "fe"
        self.source = None
        self.count = 1
        self.steps = []
        self.over = None  # how its clients come: see over.py
        self.tls = {}  # what the case says of that: sni, cert, tls (the version)

    def requests(self):
        """How many messages are answered; a connection without any counts as one."""
        return self.count * max(1, sum(step.op == "request" or
                                           (step.op == "read" and step.arg in ("", "head", "any")) for step in self.steps))


class Case:
    def __init__(self, name):
        self.name = name
        self.options = set()
        self.expected = {}  # where outputs are to differ: reason
        self.config = None
        self.files = {}
        self.certificates = {}  # file: [name, issuer or None, kind of key]
        self.servers = {}
        self.exchanges = []
        self.checks = []  # (name, configuration): only accepted or refused
        self.template = None  # what `lines` are put into
        self.arguments = []
        self.expected_over = {}  # transport: the same, where its clients come over that
        self.is_carried = False  # they do: see over.py
        self.expected_carried = {}  # of expected_over what holds for this transport
        self.not_over = {}  # transports that it is not repeated over: reason
        self.needs = []  # keywords without which weir is not asked


def unescape(text):
    """Bytes of a line of a case file, with \\r \\n \\t \\\\ and \\xHH."""
    def one(match):
        letter = match.group(1)
        return {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}.get(letter) or chr(int(letter[1:], 16))
    return re.sub(r"\\(x[0-9a-fA-F]{2}|[rnt0\\])", one, text).encode("latin-1")


def parse_step(line, acts, reads):
    """A step, or None when the line is none: `>`, `>>`, `>*`, `<`, `!`, `@`."""
    match = re.match(r">\*(\d+) (\S+)$", line)
    if match:
        return Step("send", (match.group(2) * int(match.group(1)))[:int(match.group(1))].encode())
    if line.startswith(">>"):
        return Step("send", unescape(line[2:].removeprefix(" ")))
    if line.startswith(">"):
        return Step("send", unescape(line[1:].removeprefix(" ")) + b"\r\n")
    if line.startswith("<"):
        what = line[1:].strip()
        if what.isdigit():
            return Step("read", int(what))
        if what not in reads:
            raise ValueError("nothing to read is called " + what)
        return Step("read", what)
    if line.startswith("!"):
        what, _, arg = line[1:].partition(" ")
        if what not in acts:
            raise ValueError("no action is called " + what)
        return Step(what, int(arg or 0))
    if line.startswith("@"):
        words = line[1:].split()
        return Step("client", (words[0], words[2] if len(words) > 2 else None))
    return None


def parse_server(server, lines):
    rule = None
    if server.kind == "tcp":
        rule = Rule("*", [])
        server.rules.append(rule)
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        step = parse_step(line, SERVER_ACTS, ("", "head", "eof"))
        if step is None:
            rule = Rule(line.strip(), [])
            server.rules.append(rule)
        elif rule is None:
            raise ValueError("line %d: an answer without the request it is for" % number)
        elif step.op == "send" and rule.steps and rule.steps[-1].op == "send":
            rule.steps[-1] = Step("send", rule.steps[-1].arg + step.arg)  # one write, one segment
        else:
            rule.steps.append(step)


def parse_request(line):
    """`? METHOD TARGET [| Header: value]...`: a whole request without a body, and its answer."""
    first, *headers = [part.strip() for part in line[1:].split(" | ")]
    if not any(header.lower().startswith("host:") for header in headers):
        headers.insert(0, "Host: www.example.com")
    text = "\r\n".join(["%s HTTP/1.1" % first, *headers]) + "\r\n\r\n"
    return [Step("send", text.encode("latin-1")), Step("read", "head" if first.startswith("HEAD ") else "")]


def parse_exchange(words, lines):
    exchange = Exchange(words[0])
    for word, value in zip(words[1::2], words[2::2]):
        if word == "to":
            exchange.to = value
        elif word == "from":
            exchange.source = value
        elif word == "times":
            exchange.count = int(value)
        elif word == "over":
            exchange.over = value
        elif word in ("sni", "cert", "tls"):
            exchange.tls[word] = value
        else:
            raise ValueError("unknown word " + word)
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("? "):
            exchange.steps += parse_request(line)
            continue
        step = parse_step(line, CLIENT_ACTS, CLIENT_READS)
        if step is None:
            raise ValueError("line %d: not a step: %s" % (number, line))
        exchange.steps.append(step)
    return exchange


def parse_head(case, matrix, lines):
    """What stands before the first section: comments, options, differences, the matrix."""
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        word, colon, rest = line.partition(": ")
        if not colon:
            raise ValueError("line %d: not understood: %s" % (number, line))
        kind, _, subject = word.partition(" ")
        if kind == "option":
            case.options.update(rest.split())
        elif kind == "expect-diff":
            case.expected[subject or "all"] = rest.strip()
        elif kind == "expect-diff-over":
            over, _, where = subject.partition(" ")
            case.expected_over.setdefault(over, {})[where or "all"] = rest.strip()
        elif kind == "not-over":
            case.not_over.update((name, rest.strip()) for name in subject.split())
        elif kind == "matrix":
            matrix.append((subject, [value.strip() for value in rest.split("|")]))
        elif kind == "needs":
            case.needs += [name.strip() for name in rest.split(",")]
        elif kind == "arguments":
            case.arguments = rest.split()
        else:
            raise ValueError("line %d: no setting is called %s" % (number, kind))


def sections(text):
    """[(words of the heading, [(line number, line)])]; the first one has no words."""
    result = [([], [])]
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("== "):
            result.append((line[3:].split(), []))
        else:
            result[-1][1].append((number, line))
    return result


def body_text(lines):
    return "\n".join(line for _, line in lines).strip("\n") + "\n"


def parse_section(case, words, lines):
    kind, rest = words[0], words[1:]
    if kind == "config":
        case.config = ("" if "bare" in rest else PROLOGUE) + body_text(lines)
    elif kind == "file":
        case.files[rest[0]] = body_text(lines)
    elif kind == "certificate":
        words = dict(zip(rest[2::2], rest[3::2]))
        case.certificates[rest[0]] = (rest[1], words.get("by"), words.get("key", "ecdsa"))
    elif kind == "server":
        case.servers[rest[0]] = Server(rest[0], *rest[1:])
        parse_server(case.servers[rest[0]], lines)
    elif kind == "exchange":
        case.exchanges.append(parse_exchange(rest, lines))
    elif kind == "check":
        case.checks.append((rest[0], body_text(lines)))
    elif kind == "template":
        case.template = body_text(lines)
    elif kind == "lines":
        case.checks += [(line, case.template.replace("@line@", line)) for _, line in lines if line]
    else:
        raise ValueError("no section is called " + kind)


def parse(name, text):
    """Case with its matrix not yet applied; returns (case, matrix)."""
    case, matrix = Case(name), []
    for words, lines in sections(text):
        if words:
            parse_section(case, words, lines)
        else:
            parse_head(case, matrix, lines)
    for server in set(re.findall(r"@(s\d+)(?:\.port)?@", case.config or "")):
        case.servers.setdefault(server, Server(server))
    return case, matrix


def load(path):
    """All cases of one file: one, or one for every combination of its matrix."""
    name = os.path.basename(path).removesuffix(".case")
    with open(path) as source:
        text = source.read()
    try:
        case, matrix = parse(name, text)
        if not matrix:
            return [case]
        cases = []
        for values in itertools.product(*(choices for _, choices in matrix)):
            variant = text
            for (key, _), value in zip(matrix, values):
                variant = variant.replace("@%s@" % key, value)
            label = "%s[%s]" % (name, ", ".join(value or "-" for value in values))
            cases.append(parse(label, variant)[0])
        return cases
    except (ValueError, IndexError, TypeError) as error:
        raise CaseError("%s: %s" % (path, error)) from None
