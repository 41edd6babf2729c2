#!/usr/bin/env python3
"""Draw scenes: JPEGs, captions.txt in Flickr8k's form, boxes.json.

    render.py --count N --seed S OUTDIR [--size 224] [--first I] [--jobs J]

Needs Pillow and NumPy.  Picture I of seed S is the same bytes whatever N, first and jobs
are (for one version of Pillow).  boxes.json holds a list, one picture a line: kind,
setting, relation, and of each thing its name, colour, size, count and boxes (x0 y0 x1 y1).
"""
import argparse
import io
import json
import multiprocessing
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import drawings
import world


# ---- grounds: float arrays [S, S, 3] in 0..255 ----
def smooth(rng, side, cells, stretch=1):
    """Smooth noise in about -1..1, so many cells along the picture. [S, S]"""
    grid = rng.standard_normal((cells, max(2, cells // stretch))).astype(np.float32)
    return np.asarray(Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC))


def tint(value, dark, light):
    """A map of 0..1 as colours between dark and light. [S, S, 3]"""
    value = np.clip(value, 0, 1)[..., None]
    return np.asarray(dark, np.float32) * (1 - value) + np.asarray(light, np.float32) * value


def turned(rng, side, degrees):
    """Coordinates of the pixels in 0..1, turned a little and shifted. 2 x [S, S]"""
    t = np.radians(rng.uniform(-degrees, degrees))
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    return (x * np.cos(t) + y * np.sin(t) + rng.random() * 4 + 8,
            y * np.cos(t) - x * np.sin(t) + rng.random() * 4 + 8)


def cells_of(rng, u, v):
    """A random number in 0..1 for every cell (floor u, floor v). [S, S]"""
    table = rng.random((64, 64)).astype(np.float32)
    return table[np.floor(v).astype(int) % 64, np.floor(u).astype(int) % 64]


def strokes(rng, ground, count, length, slope, colours, width=1):
    """Short lines over a ground: blades, ripples."""
    image = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    paint, side = ImageDraw.Draw(image), image.size[0]
    spots = rng.random((count, 4)) * (side, side, 1, 1)
    for x, y, a, b in spots:
        dx, dy = slope[0] + (a - 0.5) * slope[2], slope[1]
        reach = length * side * (0.5 + b)
        paint.line((x, y, x + dx * reach, y + dy * reach), colours[int(b * len(colours))], width)
    return np.asarray(image, np.float32)


def grass(rng, side):
    ground = tint(0.5 + 0.3 * smooth(rng, side, 6), (70, 118, 44), (122, 168, 70))
    return strokes(rng, ground, 420, 0.04, (0, -1, 0.8),
                   ((58, 104, 36), (88, 140, 52), (140, 184, 84), (104, 156, 58)))


def sand(rng, side):
    u, v = turned(rng, side, 25)
    ripple = np.sin(2 * np.pi * (9 * v + 0.25 * smooth(rng, side, 5)))
    grain = rng.standard_normal((side, side)).astype(np.float32)
    return tint(0.5 + 0.2 * ripple + 0.13 * grain, (198, 168, 118), (238, 214, 168))


def snow(rng, side):
    flakes = rng.random((side, side)) < 0.006
    return tint(0.62 + 0.28 * smooth(rng, side, 4) + flakes, (202, 214, 232), (252, 253, 255))


def street(rng, side):
    u, v = turned(rng, side, 12)
    ground = tint(0.5 + 0.1 * smooth(rng, side, 5) + 0.16 * rng.standard_normal((side, side)),
                  (84, 84, 88), (132, 132, 136))
    line = (np.abs((v * 1.6) % 1 - 0.5) < 0.016) & ((u * 5) % 1 < 0.6)
    ground[line] = (204, 200, 180)
    return ground


def water(rng, side):
    u, v = turned(rng, side, 6)
    wave = np.sin(2 * np.pi * (12 * v + 0.35 * smooth(rng, side, 7)))
    ground = tint(0.45 + 0.16 * wave + 0.15 * smooth(rng, side, 4), (22, 92, 142), (82, 164, 200))
    return strokes(rng, ground, 46, 0.06, (1, 0.05, 0.2), ((190, 224, 236), (150, 204, 224)))


def sky(rng, side):
    down = np.linspace(0, 1, side, dtype=np.float32)[:, None] + np.zeros((side, side), np.float32)
    cloud = np.clip(smooth(rng, side, 4) + 0.45 * smooth(rng, side, 9) - 0.35, 0, 1) * 0.85
    blue = tint(down, (84, 156, 228), (160, 208, 244))
    return blue * (1 - cloud[..., None]) + 248 * cloud[..., None]


def night(rng, side):
    down = np.linspace(0, 1, side, dtype=np.float32)[:, None] + np.zeros((side, side), np.float32)
    ground = tint(down, (8, 10, 34), (34, 38, 84))
    for x, y, glow in rng.random((70, 3)):
        r, c = int(y * (side - 1)), int(x * (side - 1))
        ground[r:r + 1 + (glow > 0.8), c:c + 1 + (glow > 0.8)] = 130 + 125 * glow
    hill = 0.88 + 0.05 * smooth(rng, side, 4)[0]
    ground[down > hill[None, :]] = (12, 20, 22)
    return ground


def brick_wall(rng, side):
    u, v = turned(rng, side, 4)
    u, v = u * 4.5, v * 10
    u = u + 0.5 * (np.floor(v) % 2)
    tone = cells_of(rng, u, v)
    ground = tint(0.2 + 0.6 * tone + 0.08 * rng.standard_normal((side, side)), (128, 56, 42), (186, 98, 74))
    ground[(u % 1 < 0.05) | (v % 1 < 0.11)] = (196, 186, 174)
    return ground


def wooden_floor(rng, side):
    u, v = turned(rng, side, 4)
    v = v * 6.5
    u = u * 1.4 + 0.37 * np.floor(v)
    tone = 0.25 + 0.5 * cells_of(rng, u, v) + 0.13 * smooth(rng, side, 60, 12)
    ground = tint(tone, (118, 78, 44), (196, 146, 94))
    ground[(v % 1 < 0.05) | (u % 1 < 0.008)] = (74, 48, 28)
    return ground


def tiled_floor(rng, side):
    u, v = turned(rng, side, 6)
    u, v = u * 5, v * 5
    odd = (np.floor(u) + np.floor(v)) % 2
    ground = tint(odd + 0.04 * smooth(rng, side, 8), (150, 166, 168), (208, 214, 210))
    ground[(u % 1 < 0.04) | (v % 1 < 0.04)] = (112, 120, 122)
    return ground


GROUNDS = {"grass": grass, "sand": sand, "snow": snow, "street": street, "water": water, "sky": sky,
           "night": night, "brick wall": brick_wall, "wooden floor": wooden_floor, "tiled floor": tiled_floor}


# ---- one picture ----
def arrange(scene, rng, side):
    """Draw the things and find their places; fills in boxes. [(picture, x, y)]"""
    unit = side / 224
    for attempt in range(50):
        shrink = 0.985 ** attempt
        members = [(thing, drawings.draw(thing.name, thing.colour, round(thing.reach * unit * shrink),
                                         rng.uniform(-14, 14), rng))
                   for thing in scene.things for _ in range(thing.count)]
        sizes = [picture.size for _, picture in members]
        corners = (world.place_pair(rng, sizes, side, scene.relation) if scene.kind == "pair"
                   else world.place_group(rng, sizes, side))
        if corners and corners[0]:
            break
    else:
        raise RuntimeError(f"no room for {scene}")
    placed = []
    for (thing, picture), (x, y) in zip(members, corners):
        x, y = int(x), int(y)
        thing.boxes.append([x, y, x + picture.size[0], y + picture.size[1]])
        placed.append((picture, x, y))
    return placed


def compose(scene, rng, side):
    """The picture, before the camera. RGB image"""
    ground = GROUNDS[scene.setting](rng, side) * rng.uniform(0.93, 1.05)
    image = Image.fromarray(np.clip(ground, 0, 255).astype(np.uint8))
    soft, drop = 2.5 * side / 224, max(1, round(4 * side / 224))
    for picture, x, y in arrange(scene, rng, side):
        if scene.setting not in ("sky", "night"):
            shade = Image.new("L", (picture.size[0] + 16, picture.size[1] + 16))
            shade.paste(picture.getchannel("A").point(lambda a: int(a * 0.42)), (8, 8))
            image.paste((10, 12, 20), (x - 8 + drop, y - 8 + drop), shade.filter(ImageFilter.BoxBlur(soft)))
        image.paste(picture, (x, y), picture)
    return image


def photograph(image, rng):
    """Light, blur, noise. RGB image"""
    side = image.size[0]
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9) * side / 224))
    slope = rng.uniform(-0.12, 0.12, 2)
    across = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    light = rng.uniform(0.86, 1.08) * (1 + slope[0] * across[None, :] + slope[1] * across[:, None])
    cast = 1 + rng.uniform(-0.03, 0.03, 3)
    pixels = np.asarray(image, np.float32) * light[..., None] * cast.astype(np.float32)
    pixels += rng.uniform(0, 7) * rng.standard_normal(pixels.shape, np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def make(seed, index, side):
    """Picture index of a seed: (scene, JPEG bytes)."""
    rng = np.random.default_rng([seed, index])
    scene = world.imagine(rng)
    image = photograph(compose(scene, rng, side), rng)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=int(rng.integers(60, 96)))
    return scene, out.getvalue()


def _write(job):
    seed, index, side, folder = job
    scene, data = make(seed, index, side)
    name = f"scene_{seed}_{index:06d}.jpg"
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)
    return name, scene


def main():
    ap = argparse.ArgumentParser(description="Draw scenes with captions and boxes.")
    ap.add_argument("outdir")
    ap.add_argument("--count", type=int, required=True)
    ap.add_argument("--seed", type=int, required=True)
    ap.add_argument("--size", type=int, default=224)
    ap.add_argument("--first", type=int, default=0, help="index of the first picture")
    ap.add_argument("--jobs", type=int, default=os.cpu_count())
    a = ap.parse_args()
    os.makedirs(a.outdir, exist_ok=True)
    jobs = [(a.seed, i, a.size, a.outdir) for i in range(a.first, a.first + a.count)]
    with multiprocessing.Pool(a.jobs) as pool, \
            open(os.path.join(a.outdir, "captions.txt"), "w") as text, \
            open(os.path.join(a.outdir, "boxes.json"), "w") as boxes:
        text.write("image,caption\n")
        for n, (name, scene) in enumerate(pool.imap(_write, jobs, 64)):
            text.writelines(f"{name},{caption}\n" for caption in world.captions(scene))
            things = [{k: getattr(t, k) for k in ("name", "colour", "size", "count", "boxes")}
                      for t in scene.things]
            row = {"image": name, "kind": scene.kind, "setting": scene.setting,
                   "relation": scene.relation, "things": things}
            boxes.write(("[" if n == 0 else ",\n") + json.dumps(row))
        boxes.write("]\n" if a.count else "[]\n")


if __name__ == "__main__":
    main()
