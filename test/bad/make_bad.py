#!/usr/bin/env python3
"""Makes the files of this folder again: small images that would cost much time or memory.

    python3 test/bad/make_bad.py

test/lib/test_bad_images.c says what is wrong with each, and what the library answers.
"""
import pathlib
import zlib

from pieces import chunk, frame, jpeg, png, scan

FOLDER = pathlib.Path(__file__).parent


def zeros(count):
    """A deflated stream of zero bytes, made in pieces so that it never is in memory."""
    deflate = zlib.compressobj(9)
    piece = bytes(1 << 20)
    parts = [deflate.compress(piece) for _ in range(count >> 20)]
    return b"".join(parts) + deflate.compress(bytes(count & 0xFFFFF)) + deflate.flush()


NOTHING = chunk(b"IDAT", b"\x78\x9c\x63\x00\x00\x00\x01\x00\x01")  # one zero byte


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
