# SPDX-License-Identifier: MIT
"""Row files: tables of expressions and rules with what they give. README.md beside this file has the grammar."""

import glob
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
KINDS = ("fetch", "conv", "cast", "acl", "cond", "alias", "rule")
MOMENTS = ("request", "response", "log", "tcp", "rules", "listens")
PLACES = ("global", "defaults", "frontend", "backend")
RULE_SETS = ("tcp-request connection", "tcp-request session", "tcp-request content", "tcp-response content",
             "http-request", "http-response", "http-after-response")
REMARK = re.compile(r"\bcovers: (.*?)(?: ?\*/)?$", re.M)


class RowError(Exception):
    """A row file that cannot be understood; says file and line."""


class Row:
    """One line: what is evaluated, and what it has to give."""

    def __init__(self, place, kind, marks, text, expected, is_regex):
        self.place = place  # "file:line"
        self.kind = kind
        self.marks = marks  # "new": not in haproxy 2.6; "own": differs from it on purpose;
                            # "broken": weir does not do it yet, only noted
        self.text = text
        self.expected = expected
        self.is_regex = is_regex
        self.id = 0

    def lines(self):
        """The configuration lines of a rule."""
        return [part.strip() for part in re.split(r"\s;;\s", self.text)]

    def covers(self):
        """[(kind, name)] of the rows of weir's tables that this line exercises."""
        if self.kind == "fetch":
            return [("fetch", re.match(r"[^(,\s]*", self.text)[0])]
        if self.kind == "conv":
            chain = links(self.text)
            shown = chain[:-1] if len(chain) > 2 and chain[-1] == "hex" else chain
            return [("conv", re.match(r"[^(]*", shown[-1])[0])]
        if self.kind == "alias":
            flags = re.search(r"%\{([^}]*)\}", self.text)
            return [("alias", name) for name in re.findall(r"%(?:\(\w+\))?(?:\{[^}]*\})?([A-Za-z]+)", self.text)] + [
                ("log flag", flag) for flag in (flags[1].split(",") if flags else ())]
        if self.kind == "acl":
            return acl_covers(self.text)
        if self.kind == "rule":
            return rule_covers(self.lines()[0])
        return []


class Group:
    """Rows that share a moment, a configuration, a request and a response."""

    def __init__(self, name, moment):
        self.name = name
        self.moment = moment
        self.conf = {place: [] for place in PLACES}
        self.files = {}
        self.tls_bind = ""   # options of the frontend's bind line
        self.tls_client = {}  # of the client that shakes hands, by name
        self.request = b""
        self.response = b""
        self.rows = []


def links(expression):
    """A fetch and its converters, apart: commas in parentheses do not count."""
    parts, depth = [""], 0
    for char in expression:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def acl_covers(text):
    """A predefined ACL alone, or the match method, the flags and the operator of one anonymous ACL."""
    words = text.split()
    if len(words) == 1 and words[0] != "{":
        return [("ACL", words[0].lstrip("!"))]
    found = [("form", match[1]) for match in [re.match(r"([\w.-]+_(?:beg|end|sub|dir|dom|reg|len))\b", words[1])] if match]
    for word, argument in zip(words[2:], words[3:]):
        if word == "-m":
            found.append(("match", argument))
        elif re.fullmatch(r"-[ifMnu]|--", word):
            found.append(("ACL flag", word))
        elif word in ("eq", "ge", "gt", "le", "lt"):
            found.append(("operator", word))
        elif word in ("-m", "--"):
            break
    return found


def rule_covers(line):
    for ruleset in RULE_SETS:
        if line.startswith(ruleset + " "):
            return [("action", "%s %s" % (ruleset, re.match(r"[^(\s]*", line[len(ruleset) + 1:])[0]))]
    return []


def unescape(text):
    def one(match):
        letter = match.group(1)
        return {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "s": " ", "\\": "\\"}.get(letter) or chr(int(letter[1:], 16))
    return re.sub(r"\\(x[0-9a-fA-F]{2}|[rnts0\\])", one, text)


def parse_row(place, line):
    match = re.match(r"((?:new |own |broken )*)(\w+) (.*?) (=>|=~)(?: (.*))?$", line)
    if not match or match[2] not in KINDS:
        raise RowError("%s: not understood: %s" % (place, line))
    is_regex = match[4] == "=~"
    expected = (match[5] or "").strip()
    return Row(place, match[2], match[1].split(), match[3].strip(), expected if is_regex else unescape(expected), is_regex)


def wire_bytes(line):
    """`> line` has a line end, `>> raw` says all its bytes; the same with `<`."""
    if line[1:2] == line[0]:
        return unescape(line[2:].removeprefix(" ")).encode("latin-1")
    return line[1:].removeprefix(" ").encode("latin-1") + b"\r\n"


def load(path):
    groups, group, file_name = [], None, None
    with open(path) as source:
        lines = source.read().splitlines()
    for number, line in enumerate(lines, 1):
        place = "%s:%d" % (os.path.relpath(path, ROOT), number)
        word, _, rest = line.partition(" ")
        if line.startswith("== "):
            if rest.split()[0] not in MOMENTS:
                raise RowError("%s: no moment is called %s" % (place, rest))
            group = Group("%s:%d" % (os.path.basename(path), number), rest.split()[0])
            groups.append(group)
        elif not line.strip() or line.startswith("#"):
            continue
        elif group is None:
            raise RowError("%s: this stands before the first group" % place)
        elif word in PLACES:
            group.conf[word].append(rest)
        elif word == "file":
            file_name = rest
            group.files[rest] = ""
        elif word == "tls":
            side, _, options = rest.partition(" ")
            if side == "bind":
                group.tls_bind = options
            elif side == "client":
                group.tls_client = dict(option.split("=", 1) for option in options.split())
            else:
                raise RowError("%s: tls bind, or tls client" % place)
        elif word == "|":
            group.files[file_name] += unescape(rest) + "\n"
        elif line[0] == ">":
            group.request += wire_bytes(line)
        elif line[0] == "<":
            group.response += wire_bytes(line)
        else:
            group.rows.append(parse_row(place, line))
            group.rows[-1].id = len(group.rows)
    return groups


def load_all(names=()):
    groups = []
    for path in sorted(glob.glob(os.path.join(HERE, "*.rows"))):
        name = os.path.basename(path).removesuffix(".rows")
        if not names or any(name.startswith(wanted) for wanted in names):
            groups += load(path)
    return groups
