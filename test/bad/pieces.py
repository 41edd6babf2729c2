"""What hostile JPEG and PNG files are made of, for make_bad.py and bench/costs."""
import struct
import zlib


# ---- PNG ----

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, interlaced, *chunks):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


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
