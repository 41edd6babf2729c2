#!/usr/bin/env python3
"""Makes the files of this folder again: small images that would cost much time or memory.

    python3 test/bad/make_bad.py

test/lib/test_bad_images.c says what is wrong with each, and what the library answers.
"""
import pathlib
import struct
import zlib

FOLDER = pathlib.Path(__file__).parent


# ---- PNG ----

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, interlaced, *chunks):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def zeros(count):
    """A deflated stream of zero bytes, made in pieces so that it never is in memory."""
    deflate = zlib.compressobj(9)
    piece = bytes(1 << 20)
    parts = [deflate.compress(piece) for _ in range(count >> 20)]
    return b"".join(parts) + deflate.compress(bytes(count & 0xFFFFF)) + deflate.flush()


NOTHING = chunk(b"IDAT", b"\x78\x9c\x63\x00\x00\x00\x01\x00\x01")  # one zero byte


# ---- JPEG ----

def marker(kind, body):
    return bytes([0xFF, kind]) + struct.pack(">H", len(body) + 2) + body


def frame(kind, width, height, components):
    body = struct.pack(">BHHB", 8, height, width, components)
    return marker(kind, body + b"".join(bytes([i + 1, 0x11, 0]) for i in range(components)))


def scan(components, first, last, data=b"\x00"):
    body = bytes([len(components)]) + b"".join(bytes([c, 0]) for c in components)
    return marker(0xDA, body + bytes([first, last, 0])) + data


# one quantiser of ones; each Huffman table has two codes: 0, and 10 (in AC tables the end of 32767 blocks, E0)
QUANTISER = marker(0xDB, bytes([0]) + bytes([1]) * 64)
TABLES = b"".join(marker(0xC4, bytes([which, 1, 1]) + bytes(14) + values)
                  for which, values in ((0x00, b"\x00\x01"), (0x10, b"\xe0\x00")))


def jpeg(*parts):
    return b"\xff\xd8" + QUANTISER + TABLES + b"".join(parts) + b"\xff\xd9"


PROGRESSIVE, BASELINE = 0xC2, 0xC0
ALL = [1, 2, 3]

FILES = {
    # sizes that a header alone claims
    "wide.png": png(100_000_000, 1, 8, 2, 0, NOTHING),
    "tall.png": png(1, 60_000_000, 8, 2, 0, NOTHING),
    "pixels.png": png(60_000, 60_000, 8, 2, 0, NOTHING),
    "interlaced.png": png(16_000, 12_500, 16, 6, 1, NOTHING),
    "interlaced_within.png": png(8_000, 7_500, 8, 2, 1, NOTHING),
    "deep.png": png(8_000, 8_000, 16, 2, 0, NOTHING),
    "streamed_within.png": png(8_000, 7_500, 8, 2, 0, NOTHING),
    "pixels.jpg": jpeg(frame(BASELINE, 20_000, 9_950, 3), scan(ALL, 0, 63)),
    "progressive.jpg": jpeg(frame(PROGRESSIVE, 20_000, 9_950, 3), scan(ALL, 0, 0)),
    "memory.jpg": jpeg(frame(PROGRESSIVE, 8_000, 8_000, 3), scan(ALL, 0, 0)),
    "separate.jpg": jpeg(frame(BASELINE, 8_000, 8_000, 3), *(scan([c], 0, 63) for c in ALL)),
    "memory_within.jpg": jpeg(frame(PROGRESSIVE, 8_000, 5_000, 3), scan(ALL, 0, 0)),
    "baseline_within.jpg": jpeg(frame(BASELINE, 8_000, 8_000, 3), scan(ALL, 0, 63)),
    # scans: each visits all blocks, however few bytes it has
    "scans.jpg": jpeg(frame(PROGRESSIVE, 64, 64, 1), *(scan([1], 1, 63) for _ in range(5_000))),
    "scans_within.jpg": jpeg(frame(PROGRESSIVE, 8_000, 7_000, 1), scan([1], 0, 0),
                             *(scan([1], 1, 63) for _ in range(99))),
    # what is inflated to be dropped
    "behind.png": png(1, 1, 8, 0, 0, chunk(b"IDAT", zeros(80 << 20))),
    "profile.png": png(1, 1, 8, 0, 0, chunk(b"iCCP", b"x\0\0" + zeros(16 << 20)), chunk(b"IDAT", zeros(2))),
}

for name, data in FILES.items():
    (FOLDER / name).write_bytes(data)
