# SPDX-License-Identifier: MIT
"""Records made comparable: bytes as readable lines, and what differs from run to run replaced by its name."""

import re

DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

EVERYWHERE = (
    (re.compile(DAY + r", \d\d[- ]" + MONTH + r"[- ]\d\d\d\d \d\d:\d\d:\d\d GMT"), "HTTP-DATE"),
    (re.compile(r"\d\d/" + MONTH + r"/\d{4}:\d\d:\d\d:\d\d(\.\d+)?( [+-]\d{4})?"), "DATE"),
)
# The dates inside a persistence cookie: |last seen|first seen, in base64.
COOKIE_DATES = re.compile(r"(Cookie: [^\n]*?=[^;\n|]*)\|[A-Za-z0-9+/]{5}(\|[A-Za-z0-9+/]{5})?")

TAG = re.compile(r"^<(\d+)>(?:" + MONTH + r" [ \d]\d \d\d:\d\d:\d\d )?(?:haproxy|weir)\[\d+\]: ")
COUNTERS = re.compile(r"(?<!\S)\d+/\d+/\d+/\d+/(\+?\d+ \d+/\d+)(?!\S)")
TIMERS = re.compile(r"(?<!\S)(-?\d+(?:/-?\d+){1,3}/\+?-?\d+)(?= [+-]?\d+ )")
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
    text = COOKIE_DATES.sub(lambda m: m.group(1) + "|LAST" + ("|FIRST" if m.group(2) else ""), text)
    if ports_seen:
        text = re.sub(r"(?<![\d.])(\d{4,5})(?!\d)", lambda m: "PORT" if int(m.group(1)) in ports_seen else m.group(1),
                      text)
    return text


def mask_timers(match):
    return re.sub(r"(?<!-)\b\d+", "T", match.group(1))


def mask_log(line, keep_counters):
    """One syslog datagram; None when it is not about traffic."""
    line = TAG.sub(r"<\1>", line)
    if LOG_NOISE.search(line):
        return None
    if not keep_counters:
        line = COUNTERS.sub(r"N/N/N/N/\1", line)
    return TIMERS.sub(mask_timers, line)
