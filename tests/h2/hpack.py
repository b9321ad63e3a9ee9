# SPDX-License-Identifier: MIT
"""HPACK (RFC 7541), as little of it as tests need: parts of header blocks, also wrong ones, and a strict decoder."""

STATIC = [(b"", b"")] + [tuple(field.partition("=")[::2]) for field in (
    ":authority=|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|"
    ":status=204|:status=206|:status=304|:status=400|:status=404|:status=500|accept-charset=|"
    "accept-encoding=gzip, deflate|accept-language=|accept-ranges=|accept=|access-control-allow-origin=|age=|allow=|"
    "authorization=|cache-control=|content-disposition=|content-encoding=|content-language=|content-length=|"
    "content-location=|content-range=|content-type=|cookie=|date=|etag=|expect=|expires=|from=|host=|if-match=|"
    "if-modified-since=|if-none-match=|if-range=|if-unmodified-since=|last-modified=|link=|location=|max-forwards=|"
    "proxy-authenticate=|proxy-authorization=|range=|referer=|refresh=|retry-after=|server=|set-cookie=|"
    "strict-transport-security=|transfer-encoding=|user-agent=|vary=|via=|www-authenticate=").split("|")]
STATIC[1:] = [(name.encode(), value.encode()) for name, value in STATIC[1:]]

# Appendix B is a canonical code, so that the lengths of its 257 words say all.
LENGTHS = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
    28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15,
    6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15,
    5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20,
    22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
    23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
    21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26,
    27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30]
EOS = 256


def _codes():
    codes, code, before = {}, 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(LENGTHS)):
        code <<= length - before
        codes[symbol] = (code, length)
        code, before = code + 1, length
    return codes


CODES = _codes()
SYMBOLS = {(length, code): symbol for symbol, (code, length) in CODES.items()}


class HpackError(Exception):
    """The other side's header block breaks RFC 7541."""


# ---- parts of a block ----

def integer(value, prefix, first=0):
    """A number with a prefix of so many bits; `first` holds the bits above it."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([first | value])
    out, value = [first | limit], value - limit
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


def huffman(data, padding=1):
    """The bits of data, filled up with ones (or zeros, which is an error)."""
    bits, count = 0, 0
    for symbol in data:
        code, length = CODES[symbol]
        bits, count = bits << length | code, count + length
    fill = -count % 8
    return (bits << fill | ((1 << fill) - 1) * padding).to_bytes((count + fill) // 8, "big")


def string(data, coded=False):
    return integer(len(huffman(data)), 7, 128) + huffman(data) if coded else integer(len(data), 7) + data


def indexed(index):
    return integer(index, 7, 128)


def literal(name, value, how="without", coded=False):
    """A literal field; how: "without" indexing, "never", or "index". The name may be an index."""
    prefix, first = {"without": (4, 0), "never": (4, 16), "index": (6, 64)}[how]
    head = integer(name, prefix, first) if isinstance(name, int) else integer(0, prefix, first) + string(name, coded)
    return head + string(value, coded)


def resize(size):
    return integer(size, 5, 32)


def block(fields):
    """Plain literals, so that tests can put what they like between names and values."""
    return b"".join(literal(name.encode() if isinstance(name, str) else name,
                            value.encode() if isinstance(value, str) else value) for name, value in fields)


# ---- the decoder ----

def read_integer(data, at, prefix):
    value = data[at] & (1 << prefix) - 1
    at += 1
    if value < (1 << prefix) - 1:
        return value, at
    shift = 0
    while True:
        value += (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return value, at


def unhuffman(data):
    out, code, length = bytearray(), 0, 0
    for byte in data:
        for bit in range(7, -1, -1):
            code, length = code << 1 | byte >> bit & 1, length + 1
            symbol = SYMBOLS.get((length, code))
            if symbol == EOS:
                raise HpackError("EOS in a string")
            if symbol is not None:
                out.append(symbol)
                code = length = 0
    if length > 7 or code != (1 << length) - 1:
        raise HpackError("wrong padding of a string")
    return bytes(out)


def read_string(data, at):
    coded = data[at] & 128
    length, at = read_integer(data, at, 7)
    if at + length > len(data):
        raise HpackError("string beyond the block")
    piece = data[at:at + length]
    return unhuffman(piece) if coded else piece, at + length


class Decoder:
    """One direction of a connection. `limit` is the table size that we announced and the peer acknowledged."""

    def __init__(self, limit=4096):
        self.table = []
        self.size = self.limit = limit
        self.must_resize = False

    def set_limit(self, limit):
        self.must_resize = limit < self.size
        self.limit = limit

    def field(self, index):
        if 1 <= index < len(STATIC):
            return STATIC[index]
        if not len(STATIC) <= index < len(STATIC) + len(self.table):
            raise HpackError("index %d is not there" % index)
        return self.table[index - len(STATIC)]

    def evict(self):
        while sum(len(name) + len(value) + 32 for name, value in self.table) > self.size:
            self.table.pop()

    def decode(self, data):
        try:
            return self._decode(data)
        except IndexError:
            raise HpackError("block ends within a field") from None

    def _decode(self, data):
        fields, at = [], 0
        while at < len(data):
            first = data[at]
            if first & 0xe0 == 0x20:
                if fields:
                    raise HpackError("size update within a block")
                self.size, at = read_integer(data, at, 5)
                if self.size > self.limit:
                    raise HpackError("size update to %d, above %d" % (self.size, self.limit))
                self.must_resize = False
                self.evict()
                continue
            if self.must_resize:
                raise HpackError("no size update after a smaller SETTINGS_HEADER_TABLE_SIZE")
            if first & 128:
                index, at = read_integer(data, at, 7)
                fields.append(self.field(index))
                continue
            index, at = read_integer(data, at, 6 if first & 64 else 4)
            if index:
                name = self.field(index)[0]
            else:
                name, at = read_string(data, at)
            value, at = read_string(data, at)
            fields.append((name, value))
            if first & 64:
                self.table.insert(0, (name, value))
                self.evict()
        return fields
