#!/usr/bin/env python3
"""Makes the pictures of test/pictures, which test/tools/test_pictures.c reads, and says what is in them.

    make_pictures.py [FOLDER]

Beside each PICTURE stands PICTURE.rgb: its pixels as Pillow decodes them and turns them upright ([height, width, 3], red
first).  Pillow reads no HEIC and AVIF, and of TIFF not every form; for those it is what went into a lossless file.  Files called
larger-* lie about their size, and have no pixels beside them.  Needs python3-pil, python3-numpy and heif-enc (libheif-examples).
"""
import io
import os
import struct
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image, ImageOps

WIDTH, HEIGHT = 20, 13

TAGS = {"width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262, "offsets": 273,
        "orientation": 274, "samples": 277, "rows": 278, "counts": 279, "planar": 284, "colours": 320, "tile width": 322,
        "tile height": 323, "tile offsets": 324, "tile counts": 325, "extra": 338}


def picture(channels=3):
    """Slopes, so that every pixel differs from its neighbours, and an edge."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [x * 12 + 5, y * 19 + 3, 250 - x * 5 - y * 7, np.where(x > y, 255, 40 + x * 3)]
    planes[0] = np.where((x > 5) & (x < 9) & (y > 3), 220, planes[0])
    return np.stack(planes[:channels], axis=-1).astype(np.uint8)


def tiff(samples, order="<", planes=None, tile=None, **tags):
    """An uncompressed TIFF of samples [height, width, samples], written by the rules of TIFF 6.0."""
    height, width, count = samples.shape
    kind = samples.dtype.newbyteorder(order)
    fields = {"width": [width], "height": [height], "bits": [samples.itemsize * 8] * count, "compression": [1],
              "photometric": [2], "samples": [count], "planar": [2 if planes else 1], **{k.replace("_", " "): v for k, v in tags.items()}}
    if tile:
        across, down = -(-width // tile), -(-height // tile)
        padded = np.zeros((down * tile, across * tile, count), samples.dtype)
        padded[:height, :width] = samples
        pieces = [padded[j * tile:(j + 1) * tile, i * tile:(i + 1) * tile] for j in range(down) for i in range(across)]
        fields.update({"tile width": [tile], "tile height": [tile]})
    elif planes:
        pieces = [samples[:, :, i] for i in range(count)]
        fields["rows"] = [height]
    else:
        pieces = [samples[at:at + 5] for at in range(0, height, 5)]
        fields["rows"] = [5]
    bodies = [np.ascontiguousarray(piece).astype(kind).tobytes() for piece in pieces]
    at, offsets = 8, []
    for body in bodies:
        offsets.append(at)
        at += len(body)
    fields["tile offsets" if tile else "offsets"] = offsets
    fields["tile counts" if tile else "counts"] = [len(body) for body in bodies]
    start = at + at % 2
    entries, more = b"", b""
    room = start + 2 + 12 * len(fields) + 4
    for name, values in sorted(fields.items(), key=lambda item: TAGS[item[0]]):
        wide = "offsets" in name or "counts" in name
        data = struct.pack(f"{order}{len(values)}{'I' if wide else 'H'}", *values)
        entries += struct.pack(f"{order}HHI", TAGS[name], 4 if wide else 3, len(values))
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", room + len(more))
            more += data
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    body = b"".join(bodies)
    return head + body + b"\0" * (len(body) % 2) + struct.pack(f"{order}H", len(fields)) + entries + b"\0\0\0\0" + more


def pillow(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def heif(folder, ending, array, *options):
    """A file of these pixels by heif-enc, lossless but for rounding."""
    source, to = os.path.join(folder, "source.png"), os.path.join(folder, "made." + ending)
    Image.fromarray(array).save(source)
    subprocess.run(["heif-enc", "-L", "-p", "chroma=444", "--matrix_coefficients=0", *options, source, "-o", to], check=True,
                   capture_output=True)
    with open(to, "rb") as file:
        return file.read()


def orientation_exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def webps():
    rgb, rgba = Image.fromarray(picture()), Image.fromarray(picture(4))
    yield "lossy.webp", pillow(rgb, "WEBP", quality=80)
    yield "lossless.webp", pillow(rgb, "WEBP", lossless=True)
    yield "alpha.webp", pillow(rgba, "WEBP", quality=90, exact=True)
    yield "lossless-alpha.webp", pillow(rgba, "WEBP", lossless=True, exact=True)
    other = Image.fromarray(255 - picture())
    moving = pillow(rgb, "WEBP", save_all=True, append_images=[other], lossless=True, duration=100)
    yield "moving.webp", moving
    # the first frame on a larger canvas: 4 columns to the right, 2 rows down (the file counts them in twos)
    placed = bytearray(moving)
    placed[24:30] = struct.pack("<I", WIDTH + 6 - 1)[:3] + struct.pack("<I", HEIGHT + 3 - 1)[:3]
    frame = placed.index(b"ANMF") + 8
    placed[frame:frame + 6] = b"\2\0\0\1\0\0"
    yield "placed.webp", bytes(placed)
    for orientation in (6, 7):
        yield f"turned{orientation}.webp", pillow(rgb, "WEBP", lossless=True, exif=orientation_exif(orientation))


def gifs():
    rgb = Image.fromarray(picture())
    few = rgb.quantize(32, dither=Image.Dither.NONE)
    yield "plain.gif", pillow(few, "GIF", interlace=0)
    yield "interlaced.gif", pillow(few, "GIF", interlace=1)
    yield "transparent.gif", pillow(few, "GIF", transparency=5)
    other = Image.fromarray(255 - picture()).quantize(32, dither=Image.Dither.NONE)
    yield "moving.gif", pillow(few, "GIF", save_all=True, append_images=[other], duration=100)
    placed = bytearray(pillow(few, "GIF", interlace=0, transparency=5))
    placed[6:10] = struct.pack("<HH", WIDTH + 7, HEIGHT + 4)
    at = placed.index(b"\x2c\0\0\0\0" + struct.pack("<HH", WIDTH, HEIGHT))
    placed[at + 1:at + 5] = struct.pack("<HH", 4, 2)
    yield "placed.gif", bytes(placed)


def tiffs():
    array = picture()
    rgb = Image.fromarray(array)
    for name, compression in ("lzw", "tiff_lzw"), ("deflate", "tiff_adobe_deflate"), ("packbits", "packbits"), ("jpeg", "jpeg"):
        yield f"{name}.tif", pillow(rgb, "TIFF", compression=compression)
    yield "fax.tif", pillow(rgb.convert("1"), "TIFF", compression="group4")
    yield "grey.tif", pillow(rgb.convert("L"), "TIFF")
    yield "palette.tif", pillow(rgb.quantize(16, dither=Image.Dither.NONE), "TIFF")
    yield "plain.tif", tiff(array)
    yield "big-endian.tif", tiff(array, ">")
    yield "planes.tif", tiff(array, planes=True)
    yield "tiles.tif", tiff(array, tile=16)
    yield "alpha.tif", tiff(picture(4), extra=[2])
    for orientation in range(2, 9):
        yield f"turned{orientation}.tif", tiff(array, orientation=[orientation])


def bmp(bits, rows, colours=b"", top_first=False, header=40):
    """An uncompressed BMP of WIDTH x HEIGHT."""
    rows = [row + bytes(-len(row) % 4) for row in rows]
    body = b"".join(rows if top_first else rows[::-1])
    start = 14 + header + len(colours)
    info = struct.pack("<IiiHHIIiiII", header, WIDTH, -HEIGHT if top_first else HEIGHT, 1, bits, 0, len(body), 2835, 2835,
                       len(colours) // 4, 0).ljust(header, b"\0")
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + info + colours + body


def bmps():
    array = picture()
    rgb = Image.fromarray(array)
    yield "plain.bmp", pillow(rgb, "BMP")
    yield "grey.bmp", pillow(rgb.convert("L"), "BMP")
    yield "palette.bmp", pillow(rgb.quantize(32, dither=Image.Dither.NONE), "BMP")
    yield "two.bmp", pillow(rgb.convert("1"), "BMP")
    rows = [row[:, ::-1].tobytes() for row in array]
    yield "top-first.bmp", bmp(24, rows, top_first=True)
    yield "new-header.bmp", bmp(24, rows, header=124)
    indices = array[:, :, 0] // 16
    colours = b"".join(bytes([i * 16, 255 - i * 16, i * 3, 0]) for i in range(16))
    yield "sixteen.bmp", bmp(4, [(row[0::2] << 4 | row[1::2]).tobytes() for row in indices], colours)


def of_pillow(data):
    image = Image.open(io.BytesIO(data))
    if image.format != "TIFF":  # that is turned when it is loaded
        image = ImageOps.exif_transpose(image)
    return np.asarray(image.convert("RGB"))


def more(folder):
    """What Pillow doesn't read, with its pixels."""
    array = picture()
    deep = array.astype(np.uint16) * 256 + 200  # rounded instead of cut, every sample would be one more
    yield "deep.tif", tiff(deep), array
    yield "deep-big-endian.tif", tiff(deep, ">"), array
    yield "lossless.heic", heif(folder, "heic", array), array
    yield "lossless.avif", heif(folder, "avif", array), array
    yield "alpha.avif", heif(folder, "avif", picture(4)), array


def lies(folder):
    """Coded bytes of more pixels than the header says."""
    flat = np.full((1000, 2000, 3), (90, 120, 30), np.uint8)
    for ending in "heic", "avif":
        data = bytearray(heif(folder, ending, flat))
        at = data.index(b"ispe") + 8
        while at > 7:
            data[at:at + 8] = struct.pack(">II", WIDTH, HEIGHT)
            at = data.find(b"ispe", at) + 8
        yield f"larger-{ending}", bytes(data)


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "pictures")
    os.makedirs(out, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, data in lies(folder):
            with open(os.path.join(out, name), "wb") as file:
                file.write(data)
        made = [(name, data, of_pillow(data)) for make in (webps, gifs, tiffs, bmps) for name, data in make()] + list(more(folder))
    for name, data, pixels in made:
        with open(os.path.join(out, name), "wb") as file:
            file.write(data)
        with open(os.path.join(out, name + ".rgb"), "wb") as file:
            file.write(pixels.tobytes())
        print(f"{name}: {len(data)} bytes, {pixels.shape[1]} x {pixels.shape[0]}")


if __name__ == "__main__":
    main()
