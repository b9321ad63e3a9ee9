# SPDX-License-Identifier: MIT
"""Records made comparable: bytes as readable lines, and what differs from run to run replaced by its name."""

import re

DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

EVERYWHERE = (
    (re.compile(DAY + r", \d\d[- ]" + MONTH + r"[- ]\d\d\d\d \d\d:\d\d:\d\d GMT"), "HTTP-DATE"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)"), "ISO-DATE"),
    (re.compile(r"\d\d/" + MONTH + r"/\d{4}:\d\d:\d\d:\d\d(\.\d+)?( [+-]\d{4})?"), "DATE"),
)
# References of "show map": addresses.
REFERENCE = re.compile(r"^0x[0-9a-f]+ ", re.M)
# The dates inside a persistence cookie: |last seen|first seen, in base64.
COOKIE_DATES = re.compile(r"(Cookie: [^\n]*?=[^;\n|]*)\|[A-Za-z0-9+/]{5}(\|[A-Za-z0-9+/]{5})?", re.I)

TAG = re.compile(r"^<(\d+)>(" + MONTH + r" [ \d]\d \d\d:\d\d:\d\d )?([^ ]+ )?(?:haproxy|weir)\[\d+\]: ")
OTHER_TAG = re.compile(r"^<(\d+)>(?:" + MONTH + r" [ \d]\d \d\d:\d\d:\d\d )(.*?)\[\d+\]: ")
TAG_5424 = re.compile(r"^<(\d+)>1 (\S+ \S+) (\S+) \d+ ")
CLF = re.compile(r'PORT \d{3} ("[^"]*" "[^"]*" "[^"]*") ((?:-?\d+ ){4}\+?-?\d+) (\S{4}) \d+ \d+ \d+ \d+ ')
COUNTERS = re.compile(r"(?<!\S)\d+/\d+/\d+/\d+/(\+?\d+ \d+/\d+)(?!\S)")
TIMERS = re.compile(r"(?<!\S)(-?\d+(?:/-?\d+){1,3}/\+?-?\d+)(?= [+-]?\d+ )")
# The bytes sent, behind the status of a default or a common log format.
HTTP_BYTES = re.compile(r"((?:T|-1) [1-5]\d\d \+?|\" [1-5]\d\d \+?)(\d+)(?= )")
BYTES_NEAR = 150
# Of the proxy itself, not of traffic.
LOG_NOISE = re.compile(r"(Proxy \S+ (started|stopped)|Stopping |Pausing |Loading |New worker)")


def readable(data):
    """Lines of text: CRLF ends a line silently, a bare LF or CR is shown."""
    text = data.decode("latin-1").replace("\r\n", "\x01").replace("\n", "\\n\x01").replace("\r", "\\r")
    text = "".join(c if c == "\x01" or " " <= c < "\x7f" or c == "\t" else "\\x%02x" % ord(c) for c in text)
    return text.replace("\x01", "\n")


def mask(text, ports_seen):
    for pattern, name in EVERYWHERE:
        text = pattern.sub(name, text)
    text = REFERENCE.sub("REF ", text)
    text = COOKIE_DATES.sub(lambda m: m.group(1) + "|LAST" + ("|FIRST" if m.group(2) else ""), text)
    if ports_seen:
        text = re.sub(r"(?<![\d.])(\d{4,5})(?!\d)", lambda m: "PORT" if int(m.group(1)) in ports_seen else m.group(1),
                      text)
    return text


def mask_timers(text):
    """All but -1, which says that the state was never reached."""
    return re.sub(r"(?<!-)\b\d+", "T", text)


def mask_log(line, keep_counters):
    """One syslog datagram; None when it is not about traffic."""
    line = TAG.sub(lambda m: "<%s>%s" % (m.group(1), m.group(3) or ""), line)
    line = OTHER_TAG.sub(r"<\1>\2[PID]: ", line)
    line = TAG_5424.sub(lambda m: "<%s>1 %s %s PID " % (m.group(1), m.group(2), m.group(3).replace("weir", "haproxy")), line)
    if LOG_NOISE.search(line):
        return None
    line = CLF.sub(lambda m: "PORT MS %s %s %s N N N N " % (m.group(1), mask_timers(m.group(2)), m.group(3)), line)
    if not keep_counters:
        line = COUNTERS.sub(r"N/N/N/N/\1", line)
    return TIMERS.sub(lambda m: mask_timers(m.group(1)), line)


def is_near(mine, other, line):
    if other == 0:
        return '"<BADREQ>"' in line
    return mine != 0 and abs(mine - other) <= BYTES_NEAR


def with_near_bytes(ours, theirs):
    """Our log lines with their byte counts of HTTP messages where those are near.

    The manual's count is of bytes sent to the client. haproxy 2.6 counts heads and chunks in its internal form of
    them: another number, off by some bytes a header field, and none at all for the answer to a bad request.
    """
    a, b = ours.split("\n"), theirs.split("\n")
    for i, pair in enumerate(zip(a, b)):
        mine, other = (HTTP_BYTES.search(line) for line in pair)
        if mine and other and is_near(int(mine.group(2)), int(other.group(2)), b[i]):
            a[i] = a[i][:mine.start(2)] + other.group(2) + a[i][mine.end(2):]
    return "\n".join(a)
