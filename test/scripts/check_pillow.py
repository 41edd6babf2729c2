#!/usr/bin/env python3
"""Holds lib/image against Pillow, bit for bit: check_pillow.py RESIZE_IMAGE [SEED [FOLDER_OF_PHOTOS...]]

Makes images of many sizes and encodings in a temporary folder, decodes and resizes them with Pillow and with
test/programs/resize_image, and compares every byte.  `make check-pillow` runs it; needs Pillow."""
import io
import os
import random
import struct
import subprocess
import sys
import tempfile
import warnings
import zlib

from PIL import Image, ImageOps

Image.MAX_IMAGE_PIXELS = None
warnings.simplefilter("ignore")
SIZES = [(1, 1), (3, 2000), (5000, 7), (224, 224), (225, 223), (224, 500), (500, 224), (6000, 4000), (2, 3)]


def picture(rng, size, mode="RGB"):
    """Smooth and noisy parts: neither a filter nor a codec gets off lightly."""
    w, h = size
    bands = []
    for _ in Image.new(mode, (1, 1)).getbands():
        small = Image.frombytes("L", (9, 7), rng.randbytes(63)).resize(size, Image.BICUBIC)
        noise = Image.frombytes("L", (64, 64), rng.randbytes(4096)).resize((min(w, 256), min(h, 256)), Image.NEAREST)
        small.paste(noise, (w // 3, h // 3))
        bands.append(small)
    return Image.merge(mode, bands) if len(bands) > 1 else bands[0]


def exif(orientation, big=False):
    tiff = struct.pack(">2sHI" if big else "<2sHI", b"MM" if big else b"II", 42, 8)
    tiff += struct.pack(">HHHIHHI" if big else "<HHHIHHI", 1, 0x112, 3, 1, orientation, 0, 0)
    return b"Exif\0\0" + tiff


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rng, size, colour, depth, interlaced):
    """A PNG of any kind (Pillow writes only a few), and the RGB pixels that it means."""
    w, h = size
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    palette = rng.randbytes(3 << depth) if colour == 3 else b""
    samples = [[rng.randrange(1 << depth) for _ in range(w * channels)] for _ in range(h)]

    def packed(rows, width):
        out = b""
        for row in rows if width else []:
            if depth == 16:
                out += b"\0" + struct.pack(f">{len(row)}H", *row)
            else:
                bits = "".join(format(v, f"0{depth}b") for v in row)
                bits += "0" * (-len(bits) % 8)
                out += b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
        return out

    if interlaced:
        raw = b""
        for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
                               (0, 1, 1, 2)):
            rows = [[v for x in range(x0, w, dx) for v in row[x * channels:(x + 1) * channels]]
                    for row in samples[y0::dy]]
            raw += packed(rows, len(range(x0, w, dx)))
    else:
        raw = packed(samples, w)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, interlaced))
    if palette:
        data += chunk(b"PLTE", palette)
    if colour == 3:
        data += chunk(b"tRNS", rng.randbytes(1 << depth))
    elif colour in (0, 2):
        data += chunk(b"tRNS", struct.pack(f">{channels}H", *[0] * channels))
    packed_raw = zlib.compress(raw)
    cut = len(packed_raw) // 2
    data += chunk(b"IDAT", packed_raw[:cut]) + chunk(b"IDAT", packed_raw[cut:]) + chunk(b"IEND", b"")

    def byte(v):
        return v >> 8 if depth == 16 else v * 255 // ((1 << depth) - 1)

    rgb = bytearray()
    for row in samples:
        for x in range(w):
            s = row[x * channels:(x + 1) * channels]
            rgb += palette[3 * s[0]:3 * s[0] + 3] if palette else bytes(map(byte, s[:3] if channels > 2 else s[:1] * 3))
    return data, Image.frombytes("RGB", size, bytes(rgb))


def jpegs(rng):
    """(name, bytes) of every kind that Pillow writes."""
    def save(name, image, **options):
        out = io.BytesIO()
        image.save(out, "JPEG", **options)
        return name, out.getvalue()

    for size in SIZES:
        yield save(f"size {size}", picture(rng, size), quality=90)
    for i in range(40):
        size = rng.randint(1, 700), rng.randint(1, 700)
        options = dict(quality=rng.choice([5, 50, 75, 95, 100]), subsampling=rng.choice([0, 1, 2]),
                       progressive=rng.random() < 0.4, optimize=rng.random() < 0.5)
        mode = rng.choice(["RGB", "RGB", "L", "CMYK"])
        if mode != "RGB":
            options.pop("subsampling")
        yield save(f"random {size} {mode} {options}", picture(rng, size, mode), **options)
    for orientation in range(0, 10):
        for big in (False, True):
            size = rng.randint(1, 600), rng.randint(1, 600)
            yield save(f"orientation {orientation} {size}", picture(rng, size), exif=exif(orientation, big))
    for orientation in range(1, 9):
        for size in ((224, 300), (300, 224), (1, 40), (40, 1), (2000, 3)):
            yield save(f"orientation {orientation} {size}", picture(rng, size), exif=exif(orientation))
    name, data = save("CMYK", picture(rng, (123, 77), "CMYK"))
    yield name, data
    at = data.find(b"\xff\xeeAdobe"[:2])
    if at >= 0:
        length = struct.unpack(">H", data[at + 2:at + 4])[0]
        yield "CMYK without Adobe marker", data[:at] + data[at + 2 + length:]


def cjpegs(rng, folder):
    """Kinds that only cjpeg writes; none where it is not installed."""
    source = os.path.join(folder, "source.ppm")
    kinds = [["-sample", s] for s in ("1x2", "2x2,1x2,2x1", "4x1", "4x2", "1x4")] + [
        ["-restart", "1"], ["-restart", "3B"], ["-arithmetic"], ["-arithmetic", "-progressive"], ["-rgb"], ["-smooth", "9"]]
    for kind in kinds:
        picture(rng, (rng.randint(1, 500), rng.randint(1, 500))).save(source)
        try:
            yield " ".join(kind), subprocess.run(["cjpeg"] + kind + [source], check=True, capture_output=True).stdout
        except FileNotFoundError:
            return


def expected(image, apply_exif, size):
    if apply_exif:
        image = ImageOps.exif_transpose(image)
    return image.convert("RGB").resize((size, size), Image.BILINEAR).tobytes()


def main():
    program, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rng = random.Random(seed)
    bad = total = 0

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "image")

        def hold(name, data, size=224, truth=None):
            nonlocal bad, total
            with open(path, "wb") as f:
                f.write(data)
            for apply_exif in (True, False):
                got = subprocess.run([program] + ([] if apply_exif else ["--no-exif"]) + [str(size), path],
                                     capture_output=True)
                want = expected(truth or Image.open(io.BytesIO(data)), apply_exif, size)
                total += 1
                if got.returncode or got.stderr or got.stdout != want:
                    bad += 1
                    off = [abs(a - b) for a, b in zip(got.stdout, want)]
                    print(f"DIFFERS: {name} exif={apply_exif}: {sum(map(bool, off))} bytes, by up to "
                          f"{max(off, default=0)} {got.stderr.decode()}")

        for place in sys.argv[3:]:
            for entry in sorted(os.listdir(place)):
                with open(os.path.join(place, entry), "rb") as f:
                    hold(entry, f.read())
        for name, data in list(jpegs(rng)) + list(cjpegs(rng, folder)):
            hold(name, data)
        for size in (1, 7, 64, 299):
            hold(f"to {size}", next(jpegs(rng))[1], size)
        for size in SIZES[:-2] + [(rng.randint(1, 900), rng.randint(1, 900)) for _ in range(12)]:
            out = io.BytesIO()
            picture(rng, size).save(out, "PNG", exif=exif(rng.randint(1, 8))[6:])
            hold(f"PNG {size}", out.getvalue())
        for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
            for depth in depths:
                for interlaced in (0, 1):
                    for size in ((1, 1), (3, 5), (rng.randint(1, 40), rng.randint(1, 40)), (70, 33)):
                        data, truth = png(rng, size, colour, depth, interlaced)
                        hold(f"PNG colour {colour} depth {depth} interlaced {interlaced} {size}", data, truth=truth)
    print(f"{total} comparisons, {bad} differ")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
