"""Pictures of at most 10 MB that take capdemo as long, or as much memory, as we know how to make them.

Each function of CASES returns the bytes of one file, or None where what makes it is missing.
"""
import io
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.append(str(pathlib.Path(__file__).parents[2] / "test/bad"))
from pieces import chunk, frame, jpeg, png, scan

try:
    from PIL import Image
except ImportError:
    Image = None

MOST = 10_000_000  # bytes of a file
SIDE = 8_000       # of a picture of 64 million pixels, the default of --max-pixels


def noise(count, seed=1):
    return random.Random(seed).randbytes(count)


def squeeze(make):
    """The first file of make(quality) that has at most MOST bytes."""
    for quality in (80, 50, 25, 10, 2):
        data = make(quality)
        if data is None or len(data) <= MOST:
            return data
    return None


def pillow(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def coarse_noise(width, height, cell):
    """Noise whose grains are `cell` pixels wide: the file becomes smaller as they grow."""
    small = (-(-width // cell), -(-height // cell))
    image = Image.frombytes("RGB", small, noise(small[0] * small[1] * 3))
    return image.resize((small[0] * cell, small[1] * cell), Image.NEAREST).crop((0, 0, width, height))


# ---- JPEG ----

def jpeg_scans():
    """As many scans as are accepted, over as many blocks."""
    return jpeg(frame(0xC2, SIDE, 7_000, 1), scan([1], 0, 0, bytes(300_000)),
                *(scan([1], 1, 63, bytes(30)) for _ in range(12)))


def jpeg_progressive():
    side = 6_400  # three colours of as many coefficients are within --max-memory
    return Image and squeeze(lambda q: pillow(coarse_noise(side, side, 4), "JPEG", quality=q, subsampling=0, progressive=True))


def jpeg_noise():
    return Image and squeeze(lambda q: pillow(coarse_noise(SIDE, SIDE, 4), "JPEG", quality=q, subsampling=0))


# ---- PNG ----

def rows(count, row):
    """The deflated rows of a picture; every one is the same, and begins with its filter."""
    deflate = zlib.compressobj(1)
    return b"".join(deflate.compress(row) for _ in range(count)) + deflate.flush()


def png_deep(filtered=4):
    """16 bits of four colours, each row filtered by Paeth's predictor (4)."""
    return png(5_700, 5_700, 16, 6, 0, chunk(b"IDAT", rows(5_700, bytes([filtered]) + noise(60) * 760)))


def png_interlaced():
    width, height, packed = 5_700, 5_700, zlib.compressobj(1)
    parts = []
    for x, y, across, down in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        columns, lines = -(-(width - x) // across), -(-(height - y) // down)
        parts += [packed.compress(bytes([4]) + bytes(columns * 8)) for _ in range(lines)]
    return png(width, height, 16, 6, 1, chunk(b"IDAT", b"".join(parts) + packed.flush()))


# ---- GIF ----

def gif_blocks(data):
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255] for i in range(0, len(data), 255)) + b"\0"


def gif_giant():
    return Image and pillow(Image.new("P", (SIDE, SIDE)), "GIF")


def gif_noise():
    side = 2_600  # noise takes about 11 bits a pixel
    return Image and pillow(Image.frombytes("P", (side, side), noise(side * side)), "GIF")


def gif_extensions():
    """Comments alone, and a frame of one pixel on a screen of 64 million."""
    comment = b"\x21\xfe" + gif_blocks(b"x" * 255)
    head = b"GIF89a" + struct.pack("<HHBBB", SIDE, SIDE, 0x80, 0, 0) + bytes(6)
    tail = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00\x3b"
    return head + comment * ((MOST - 100) // len(comment)) + tail


# ---- TIFF ----

SHORT, LONG = 3, 4


def tiff(entries, data):
    """A little-endian TIFF of entries (tag, type, values), or (tag, type, count, place in data)."""
    body, out = bytearray(data), []
    base = 8
    for entry in sorted(entries, key=lambda e: e[0]):
        tag, kind = entry[:2]
        if len(entry) == 4:
            out.append(struct.pack("<HHII", tag, kind, entry[2], base + entry[3]))
            continue
        packed = struct.pack("<%d%s" % (len(entry[2]), "H" if kind == SHORT else "I"), *entry[2])
        if len(packed) <= 4:
            out.append(struct.pack("<HHI", tag, kind, len(entry[2])) + packed.ljust(4, b"\0"))
        else:
            body += b"\0" * (len(body) % 2)
            out.append(struct.pack("<HHII", tag, kind, len(entry[2]), base + len(body)))
            body += packed
    body += b"\0" * (len(body) % 2)
    place = base + len(body)
    return b"II*\0" + struct.pack("<I", place) + bytes(body) + struct.pack("<H", len(out)) + b"".join(out) + bytes(4)


def picture_entries(width, height, compression, **more):
    given = {"bits": [8], "photometric": [1], "samples": [1], "rows": [1], "fill": [1], "planar": [1], **more}
    return [(256, LONG, [width]), (257, LONG, [height]), (258, SHORT, given["bits"]), (259, SHORT, [compression]),
            (262, SHORT, given["photometric"]), (266, SHORT, given["fill"]), (277, SHORT, given["samples"]),
            (278, LONG, given["rows"]), (284, SHORT, given["planar"])]


def tiff_strips():
    """65535 strips of one pixel, all with the same million bytes, whose bits are to be turned round."""
    data, count = bytes(1_000_000), 65_535
    return tiff(picture_entries(1, count, 32_773, fill=[2]) +
                [(273, LONG, [8] * count), (279, LONG, [len(data)] * count)], data)


def tiff_tags():
    """4000 unknown tags with the same nine million bytes."""
    data = bytes(9_000_000)
    return tiff(picture_entries(1, 1, 1) + [(273, LONG, [8]), (279, LONG, [1])] +
                [(40_000 + i, 1, len(data), 0) for i in range(4_000)], data)


def many_strips(side, lines, one, entries):
    """A picture whose strips of `lines` rows all hold the bytes of `one`, each its own copy."""
    count, size = -(-side // lines), len(one)
    return tiff(entries + [(273, LONG, [8 + i * size for i in range(count)]), (279, LONG, [size] * count)], one * count)


def tiff_deflate():
    """Strips of eight bytes a pixel, all zeros."""
    side, lines = 7_900, 80
    one = zlib.compress(bytes(side * lines * 8), 9)
    return many_strips(side, lines, one, [(338, SHORT, [0]), (317, SHORT, [2])] + picture_entries(
        side, side, 8, bits=[16] * 4, photometric=[2], samples=[4], rows=[lines]))


def tiff_lzw():
    """As Pillow writes it: one colour, in strips."""
    return Image and pillow(Image.new("RGB", (7_900, 7_900)), "TIFF", compression="tiff_lzw")


def tiff_jpeg():
    """Strips that are progressive JPEGs of a hundred scans."""
    side, lines = 7_900, 700
    one = jpeg(frame(0xC2, side, lines, 1), scan([1], 0, 0, bytes(20_000)), *(scan([1], 1, 63, bytes(8)) for _ in range(98)))
    return many_strips(side, lines, one, picture_entries(side, side, 7, rows=[lines]))


def tiff_fax():
    """Rows of Group 4 whose every pixel is a change of colour."""
    width, height = SIDE, SIDE
    return Image and pillow(Image.frombytes("1", (width, height), b"\xaa" * (width // 8) * height), "TIFF", compression="group4")


# ---- WebP ----

def webp_lossless():
    side = 6_100  # with 7 bytes a pixel, within --max-memory
    if not Image:
        return None
    for cell in (4, 8, 16, 32):
        data = pillow(coarse_noise(side, side, cell), "WEBP", lossless=True, quality=0, method=0)
        if len(data) <= MOST:
            return data
    return None


def webp_lossless_flat():
    return Image and pillow(Image.new("RGB", (6_150, 6_150), (1, 2, 3)), "WEBP", lossless=True, method=0)


def webp_lossy():
    return Image and squeeze(lambda q: pillow(coarse_noise(SIDE, SIDE, 3), "WEBP", quality=q, method=0))


# ---- HEIC, AVIF ----

def heif(side, ending, *options):
    """Noise by heif-enc, which is of libheif's examples."""
    if not Image:
        return None

    def make(quality):
        with tempfile.TemporaryDirectory() as folder:
            source, target = os.path.join(folder, "a.png"), os.path.join(folder, "a" + ending)
            coarse_noise(side, side, 2).save(source, compress_level=1)
            try:
                done = subprocess.run(["heif-enc", "-q", str(quality), *options, "-o", target, source],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
            except FileNotFoundError:
                return None
            if done.returncode or not os.path.exists(target):
                return None
            with open(target, "rb") as file:
                return file.read()
    for quality in (40, 20, 5):
        data = make(quality)
        if data is None or len(data) <= MOST:
            return data
    return None


CASES = {
    "JPEG, scans": ("a.jpg", jpeg_scans),
    "JPEG, progressive": ("a.jpg", jpeg_progressive),
    "JPEG, noise": ("a.jpg", jpeg_noise),
    "PNG, 16 bits": ("a.png", png_deep),
    "PNG, interlaced": ("a.png", png_interlaced),
    "GIF, giant": ("a.gif", gif_giant),
    "GIF, noise": ("a.gif", gif_noise),
    "GIF, comments": ("a.gif", gif_extensions),
    "TIFF, strips": ("a.tif", tiff_strips),
    "TIFF, tags": ("a.tif", tiff_tags),
    "TIFF, deflate": ("a.tif", tiff_deflate),
    "TIFF, LZW": ("a.tif", tiff_lzw),
    "TIFF, JPEG": ("a.tif", tiff_jpeg),
    "TIFF, fax": ("a.tif", tiff_fax),
    "WebP, lossless": ("a.webp", webp_lossless),
    "WebP, one colour": ("a.webp", webp_lossless_flat),
    "WebP, lossy": ("a.webp", webp_lossy),
    "AVIF": ("a.avif", lambda: heif(4_100, ".avif", "-A")),
    "HEIC": ("a.heic", lambda: heif(3_000, ".heic")),
}
