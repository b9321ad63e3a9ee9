# SPDX-License-Identifier: MIT
"""RFC 7541: indexes, table sizes, integers, strings; what a decoder must refuse and an encoder must keep to."""

import frames as f
import hpack
from cases import Case, ended, fields, get, origin_has, our_settings, raw
from hpack import indexed, integer, literal, resize, string

USUAL = hpack.block(fields())


def wrong(section, title, block):
    """The usual request whose block goes on in a way that cannot be decoded."""
    return Case(section, title, [raw(1, block)], "goaway COMPRESSION_ERROR", unseen=True)


def from_table(title, how, first, then, value="kept", section="6.2.1"):
    """A first request that fills the table, and a second that uses it."""
    return Case(section, title, [f.headers(1, hpack.block(fields(drop=["x-case"])) + first), ended(1),
                                 raw(3, then)], how, check=origin_has("x-test", value))


def static_field(run):
    got = run.origin.requests(run.tag)[0]
    return None if got.field("accept-encoding") == "gzip, deflate" else "accept-encoding %r" % got.field("accept-encoding")


TEST = literal(b"x-test", b"kept", "index")

INDEXES = [
    wrong("2.3.3", "index 0", indexed(0)),
    wrong("2.3.3", "an index behind both tables", indexed(62)),
    wrong("2.3.3", "an index of 2^31", indexed(1 << 31)),
    wrong("6.2.1", "a name behind both tables", literal(62, b"x", "index")),
    wrong("6.2.2", "a name behind both tables, not indexed", literal(200, b"x")),
    Case("6.1", "a field of the static table", [raw(1, indexed(16))], "status 1 200", check=static_field),
    Case("6.1", "a request of static fields", [f.headers(1, indexed(2) + indexed(6) + indexed(4) + literal(
        1, b"h2.test") + literal(b"x-case", b"@@@@"))], "status 1 200"),
    from_table("a field that was indexed", "status 3 200", TEST, indexed(62)),
    from_table("a name that was indexed", "status 3 200", TEST, literal(62, b"other"), "other"),
    from_table("the latest field is 62", "status 3 200", TEST + literal(b"x-last", b"1", "index"), indexed(63)),
    from_table("a field not indexed does not enter the table", "goaway COMPRESSION_ERROR",
               literal(b"x-test", b"kept"), indexed(62), section="6.2.2"),
    from_table("a field never indexed does not enter the table", "goaway COMPRESSION_ERROR",
               literal(b"x-test", b"kept", "never"), indexed(62), section="6.2.3"),
    Case("6.2.3", "a field never indexed", [raw(1, literal(b"x-test", b"secret", "never"))], "status 1 200",
         check=origin_has("x-test", "secret")),
]
# What the origin has not seen cannot be checked there.
for _case in INDEXES:
    if "goaway" in _case.wanted[0]:
        _case.check = None

SIZES = [
    Case("4.2", "a size update within a block", [raw(1, resize(100))], "goaway COMPRESSION_ERROR", unseen=True),
    Case("4.2", "a size update at the beginning", [f.headers(1, resize(100) + USUAL)], "status 1 200"),
    Case("4.2", "two size updates at the beginning", [f.headers(1, resize(0) + resize(4096) + USUAL)], "status 1 200"),
    Case("6.3", "a size update above the limit", [f.headers(1, resize((1 << 20)) + USUAL)], "goaway COMPRESSION_ERROR",
         unseen=True),
    Case("6.3", "a size update of 4097 where 4096 is the limit", [f.headers(1, resize(4097) + USUAL)],
         "goaway COMPRESSION_ERROR", unseen=True),
    Case("6.3", "a size update of 2^32", [f.headers(1, integer(1 << 32, 5, 32) + USUAL)], "goaway COMPRESSION_ERROR",
         unseen=True),
    Case("4.3", "a size update of 0 empties the table",
         [f.headers(1, USUAL + TEST), ended(1), f.headers(3, resize(0) + resize(4096) + USUAL + indexed(62))],
         "goaway COMPRESSION_ERROR"),
    Case("4.4", "what does not fit is evicted", [f.headers(1, USUAL + TEST + b"".join(
        literal(b"x-%d" % i, b"v" * 900, "index") for i in range(5))), ended(1), raw(3, indexed(62 + 5))],
         "goaway COMPRESSION_ERROR"),
    Case("4.4", "a field larger than the table empties it",
         [f.headers(1, USUAL + TEST + literal(b"x-large", b"v" * 4100, "index")), ended(1), raw(3, indexed(62))],
         "goaway COMPRESSION_ERROR"),
    Case("4.4", "a name that its own entry evicts",
         [f.headers(1, hpack.block(fields(drop=["x-case"])) + literal(b"x-test", b"v" * 4000, "index")), ended(1),
          raw(3, literal(62, b"w" * 4000, "index"))], "status 3 200", check=origin_has("x-test", "w" * 4000)),
    Case("4.2", "a client without a table", [our_settings((f.HEADER_TABLE_SIZE, 0)), get(1), ended(1), get(3)],
         "status 3 200"),
    Case("4.2", "a client that makes its table smaller, then larger",
         [get(1), ended(1), our_settings((f.HEADER_TABLE_SIZE, 40)), get(3), ended(3),
          our_settings((f.HEADER_TABLE_SIZE, 4096)), get(5), ended(5)], "status 5 200"),
    Case("4.2", "a client with a table of 4 GiB", [our_settings((f.HEADER_TABLE_SIZE, (1 << 32) - 1)), get(1)],
         "status 1 200"),
]

NUMBERS = [
    wrong("5.1", "an integer without an end", b"\xff" + b"\xff" * 20),
    wrong("5.1", "an integer above 2^64", b"\xff" + b"\xff" * 9 + b"\x7f"),
    wrong("5.1", "an integer cut off by the block's end", b"\xff\x80"),
    Case("5.1", "an integer with zeros to spare", [raw(1, b"\x00\x06x-test" + b"\x7f\x81\x80\x00" + b"v" * 128)],
         "status 1 200 | goaway COMPRESSION_ERROR"),
    Case("5.1", "an integer cut by the border of frames",
         [f.headers(1, USUAL + b"\x0f", flags=0), f.continuation(1, b"\x0d", False),  # 28: content-length
          f.continuation(1, b"\x010")], "status 1 200"),
]

STRINGS = [
    wrong("5.2", "a string longer than the block", b"\x00\x06x-test" + integer(100, 7) + b"short"),
    wrong("5.2", "a name longer than the block", b"\x00" + integer(50, 7) + b"x"),
    wrong("5.2", "a field without a value", b"\x00\x06x-test"),
    wrong("5.2", "a string of 4 GiB", b"\x00\x06x-test" + integer(1 << 32, 7) + b"v"),
    Case("5.2", "Huffman in names and values", [raw(1, literal(b"x-test", bytes(range(33, 127)), coded=True))],
         "status 1 200", check=origin_has("x-test", bytes(range(33, 127)).decode())),
    Case("5.2", "an empty Huffman string", [raw(1, b"\x00" + string(b"x-test", True) + b"\x80")], "status 1 200",
         check=origin_has("x-test", "")),
    wrong("5.2", "Huffman padding of zeros", b"\x00" + string(b"x-test") + integer(1, 7, 128) + hpack.huffman(b"a", 0)),
    wrong("5.2", "Huffman padding of 8 bits and more",
          b"\x00" + string(b"x-test") + integer(3, 7, 128) + hpack.huffman(b"a") + b"\xff\xff"),
    wrong("5.2", "EOS in a Huffman string", b"\x00" + string(b"x-test") + integer(4, 7, 128) + b"\xff\xff\xff\xff"),
    wrong("5.2", "EOS behind a character", b"\x00" + string(b"x-test") + integer(5, 7, 128) + b"\x1f\xff\xff\xff\xff"),
    wrong("5.2", "a Huffman code that breaks off", b"\x00" + string(b"x-test") + integer(1, 7, 128) + b"\xfe"),
]

TABLE = INDEXES + SIZES + NUMBERS + STRINGS
