"""The twenty-four things of the drawn world, each a few polygons in a unit square.

Its function is `draw`; the module knows nothing of scenes, captions or files.  Every drawing
gets a Pen (canvas and palette) and paints with coordinates in 0..1, y down.  What names
the colour of a thing is painted in the palette's body, dark and light shades of it; all
else (wheels, windows, skin, stems) keeps the same neutral paint whatever the colour.
"""
import colorsys
import math

from PIL import Image, ImageDraw

RGB = {"red": (214, 32, 36), "orange": (246, 132, 16), "yellow": (250, 222, 40),
       "green": (34, 158, 58), "blue": (36, 84, 220), "purple": (120, 44, 168),
       "pink": (252, 152, 196), "white": (246, 246, 244), "black": (34, 34, 38)}

GLASS, DARK, STEEL, WOOD = (176, 214, 232), (44, 42, 46), (150, 152, 158), (122, 82, 48)
LEAF, CREAM, BEAK = (66, 138, 58), (240, 226, 196), (240, 160, 40)
SKINS = ((250, 214, 182), (226, 176, 134), (172, 118, 80), (112, 74, 52))


def mix(a, b, t):
    """Colour a moved towards b by the share t."""
    return tuple(int(round(x + (y - x) * t)) for x, y in zip(a, b))


def shifted(rgb, rng):
    """A colour of the same name: a few degrees of hue, a few per cent of brightness away."""
    h, s, v = colorsys.rgb_to_hsv(*(c / 255 for c in rgb))
    h, v = (h + rng.uniform(-0.012, 0.012)) % 1, min(1, v * rng.uniform(0.93, 1.05))
    return tuple(int(round(255 * c)) for c in colorsys.hsv_to_rgb(h, s, v))


class Pen:
    """An RGBA canvas of side pixels, a palette, and drawing in unit coordinates."""

    def __init__(self, side, colour, rng):
        self.side, self.rng = side, rng
        self.image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
        self.paint = ImageDraw.Draw(self.image)
        self.body = shifted(RGB[colour], rng)
        self.dark, self.light = mix(self.body, (0, 0, 0), 0.32), mix(self.body, (255, 255, 255), 0.4)
        self.line = mix(self.body, (0, 0, 0), 0.62)
        if colour == "black":
            self.dark, self.light = (14, 14, 18), (78, 78, 84)
        self.stroke = 0.022

    def _xy(self, points):
        return [(x * self.side, y * self.side) for x, y in points]

    def line_to(self, points, fill=None, width=0.03):
        """A polyline with round joints and ends."""
        fill, w, xy = fill or self.line, max(1, round(width * self.side)), self._xy(points)
        self.paint.line(xy, fill, w, joint="curve")
        for x, y in (xy[0], xy[-1]):
            self.paint.ellipse((x - w / 2, y - w / 2, x + w / 2, y + w / 2), fill)

    def poly(self, points, fill=None, edge=True):
        self.paint.polygon(self._xy(points), fill or self.body)
        if edge:
            self.line_to(list(points) + [points[0]], width=self.stroke)

    def oval(self, cx, cy, rx, ry, fill=None, edge=True, turn=0.0):
        """An ellipse, turned by so many degrees."""
        c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        ring = [(2 * math.pi * i / 48) for i in range(48)]
        self.poly([(cx + rx * math.cos(t) * c - ry * math.sin(t) * s,
                    cy + rx * math.cos(t) * s + ry * math.sin(t) * c) for t in ring], fill, edge)

    def box(self, x0, y0, x1, y1, fill=None, edge=True, round_by=0.0):
        s, line = self.side, self.line if edge else None
        self.paint.rounded_rectangle((x0 * s, y0 * s, x1 * s, y1 * s), round_by * s, fill or self.body,
                                     line, max(1, round(self.stroke * s)))

    def blob(self, discs, fill=None):
        """The union of (x, y, radius) discs with one outline around it."""
        for x, y, r in discs:
            self.oval(x, y, r, r, self.line, False)
        for x, y, r in discs:
            self.oval(x, y, r - self.stroke, r - self.stroke, fill, False)

    def wheels(self, y, r, *xs):
        for x in xs:
            self.oval(x, y, r, r, DARK, False)
            self.oval(x, y, r * 0.45, r * 0.45, STEEL, False)

    def eye(self, x, y, r):
        self.oval(x, y, r, r, (255, 255, 255), False)
        self.oval(x, y, r * 0.55, r * 0.6, (10, 10, 10), False)


# ---- plain shapes ----
def circle(p):
    p.oval(0.5, 0.5, 0.46, 0.46)


def square(p):
    p.box(0.06, 0.06, 0.94, 0.94)


def triangle(p):
    p.poly([(0.5, 0.06), (0.97, 0.9), (0.03, 0.9)])


def star(p):
    ring = [(math.pi * i / 5 - math.pi / 2, 0.48 if i % 2 == 0 else 0.2) for i in range(10)]
    p.poly([(0.5 + r * math.cos(t), 0.52 + r * math.sin(t)) for t, r in ring])


def heart(p):
    ring = [2 * math.pi * i / 60 for i in range(60)]
    p.poly([(0.5 + 0.46 * math.sin(t) ** 3,
             0.46 - (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 36)
            for t in ring])


# ---- vehicles ----
def car(p):
    p.poly([(0.2, 0.5), (0.32, 0.27), (0.68, 0.27), (0.83, 0.5)])
    p.poly([(0.27, 0.49), (0.36, 0.32), (0.48, 0.32), (0.48, 0.49)], GLASS)
    p.poly([(0.53, 0.49), (0.53, 0.32), (0.65, 0.32), (0.75, 0.49)], GLASS)
    p.box(0.02, 0.48, 0.98, 0.74, round_by=0.08)
    p.box(0.9, 0.54, 0.96, 0.61, (255, 240, 150), False)
    p.line_to([(0.5, 0.52), (0.5, 0.7)], width=0.012)
    p.wheels(0.74, 0.12, 0.25, 0.76)


def bus(p):
    p.box(0.02, 0.16, 0.98, 0.78, round_by=0.06)
    for x in (0.08, 0.27, 0.46, 0.65):
        p.box(x, 0.25, x + 0.15, 0.45, GLASS)
    p.box(0.83, 0.25, 0.94, 0.72, GLASS)
    p.box(0.03, 0.54, 0.8, 0.6, p.dark, False)
    p.wheels(0.78, 0.1, 0.22, 0.7)


def boat(p):
    p.line_to([(0.48, 0.04), (0.48, 0.7)], WOOD, 0.035)
    p.poly([(0.53, 0.07), (0.53, 0.62), (0.93, 0.62)], p.light)
    p.poly([(0.43, 0.17), (0.43, 0.62), (0.12, 0.62)], p.light)
    p.poly([(0.03, 0.68), (0.97, 0.68), (0.82, 0.93), (0.18, 0.93)])
    p.line_to([(0.1, 0.76), (0.9, 0.76)], p.dark, 0.03)


def plane(p):
    p.poly([(0.04, 0.18), (0.15, 0.18), (0.3, 0.46), (0.1, 0.5)], p.dark)
    p.poly([(0.42, 0.46), (0.54, 0.46), (0.4, 0.16), (0.32, 0.16)], p.dark)
    ring = [math.pi * (i / 20 - 0.5) for i in range(21)]
    p.poly([(0.04, 0.44)] + [(0.76 + 0.22 * math.cos(t), 0.5 + 0.11 * math.sin(t)) for t in ring]
           + [(0.22, 0.6)])
    p.poly([(0.84, 0.43), (0.92, 0.45), (0.94, 0.49), (0.83, 0.49)], GLASS)
    for i in range(6):
        p.oval(0.32 + 0.08 * i, 0.48, 0.022, 0.026, DARK, False)
    p.poly([(0.42, 0.55), (0.62, 0.55), (0.36, 0.88), (0.26, 0.88)], p.dark)


def rocket(p):
    p.poly([(0.36, 0.56), (0.16, 0.84), (0.36, 0.8)], p.dark)
    p.poly([(0.64, 0.56), (0.84, 0.84), (0.64, 0.8)], p.dark)
    p.poly([(0.42, 0.82), (0.58, 0.82), (0.62, 0.96), (0.38, 0.96)], STEEL)
    right = [(0.5 + 0.17 * math.sin(math.pi * i / 20) ** 0.8, 0.03 + 0.81 * i / 20 * 0.8) for i in range(13)]
    right += [(0.66, 0.6), (0.62, 0.84)]
    p.poly(right + [(1 - x, y) for x, y in reversed(right)])
    p.poly(right[:6] + [(1 - x, y) for x, y in reversed(right[:6])], p.dark)
    p.oval(0.5, 0.43, 0.085, 0.085, GLASS)


# ---- buildings, plants, things ----
def house(p):
    p.box(0.68, 0.12, 0.79, 0.4, p.dark)
    p.box(0.13, 0.44, 0.87, 0.95)
    p.poly([(0.03, 0.47), (0.5, 0.07), (0.97, 0.47)], p.dark)
    p.box(0.42, 0.64, 0.58, 0.95, WOOD)
    for x in (0.2, 0.65):
        p.box(x, 0.56, x + 0.15, 0.72, GLASS)
        p.line_to([(x + 0.075, 0.57), (x + 0.075, 0.71)], width=0.014)


def tree(p):
    p.poly([(0.44, 0.55), (0.56, 0.55), (0.6, 0.97), (0.4, 0.97)], WOOD)
    p.blob([(0.3, 0.46, 0.19), (0.7, 0.46, 0.19), (0.34, 0.27, 0.18), (0.66, 0.27, 0.18),
            (0.5, 0.2, 0.18), (0.5, 0.48, 0.2)])
    for x, y in ((0.32, 0.34), (0.58, 0.26), (0.5, 0.5), (0.7, 0.46)):
        p.oval(x, y, 0.05, 0.03, p.dark, False)


def flower(p):
    p.line_to([(0.5, 0.4), (0.5, 0.96)], LEAF, 0.05)
    p.oval(0.36, 0.78, 0.15, 0.06, LEAF, False, 30)
    p.oval(0.64, 0.72, 0.15, 0.06, LEAF, False, -30)
    for i in range(6):
        t = math.pi * i / 3
        p.oval(0.5 + 0.19 * math.cos(t), 0.3 + 0.19 * math.sin(t), 0.13, 0.1, None, True, math.degrees(t))
    p.oval(0.5, 0.3, 0.1, 0.1, (110, 70, 34))


def mushroom(p):
    p.poly([(0.4, 0.5), (0.6, 0.5), (0.66, 0.94), (0.34, 0.94)], CREAM)
    ring = [math.pi * (1 + i / 30) for i in range(31)]
    p.poly([(0.5 + 0.46 * math.cos(t), 0.54 + 0.46 * math.sin(t)) for t in ring])
    spot = (255, 255, 255) if min(p.body) < 200 else (176, 170, 160)
    for x, y, r in ((0.5, 0.24, 0.07), (0.28, 0.38, 0.06), (0.72, 0.38, 0.06), (0.5, 0.44, 0.045)):
        p.oval(x, y, r, r * 0.85, spot, False)


def umbrella(p):
    p.line_to([(0.5, 0.06), (0.5, 0.84)], WOOD, 0.035)
    p.line_to([(0.5 + 0.09 - 0.09 * math.cos(math.pi * i / 12), 0.84 + 0.09 * math.sin(math.pi * i / 12))
               for i in range(13)], WOOD, 0.035)
    top = [math.pi * (1 + i / 40) for i in range(41)]
    rim = [(0.97 - 0.94 * i / 40, 0.52 - 0.06 * abs(math.sin(math.pi * i / 10))) for i in range(1, 40)]
    p.poly([(0.5 + 0.47 * math.cos(t), 0.52 + 0.44 * math.sin(t)) for t in top] + rim)
    for x in (0.265, 0.5, 0.735):
        p.line_to([(0.5, 0.09), (0.5 + (x - 0.5) * 0.8, 0.28), (x, 0.51)], p.dark, 0.018)


def cup(p):
    p.oval(0.45, 0.9, 0.42, 0.07, p.dark)
    p.oval(0.78, 0.5, 0.17, 0.18)
    p.paint.ellipse([v * p.side for v in (0.69, 0.41, 0.87, 0.59)], (0, 0, 0, 0), p.line, 2)
    p.poly([(0.12, 0.24), (0.78, 0.24), (0.7, 0.86), (0.2, 0.86)])
    p.oval(0.45, 0.24, 0.33, 0.085, p.light)
    p.oval(0.45, 0.255, 0.26, 0.055, (84, 52, 32), False)


def chair(p):
    for x in (0.24, 0.68):
        p.line_to([(x, 0.55), (x, 0.9)], p.dark, 0.06)
    p.box(0.2, 0.05, 0.28, 0.6)
    p.box(0.64, 0.05, 0.72, 0.6)
    for y in (0.1, 0.24, 0.38):
        p.box(0.24, y, 0.68, y + 0.08, p.light)
    p.poly([(0.2, 0.54), (0.72, 0.54), (0.86, 0.68), (0.34, 0.68)])
    for x in (0.37, 0.81):
        p.line_to([(x, 0.69), (x, 0.95)], p.body, 0.065)


def balloon(p):
    p.line_to([(0.5 + 0.03 * math.sin(i * 0.9), 0.72 + 0.26 * i / 12) for i in range(13)], DARK, 0.018)
    p.oval(0.5, 0.37, 0.29, 0.35)
    p.poly([(0.5, 0.7), (0.56, 0.78), (0.44, 0.78)])
    p.oval(0.4, 0.24, 0.05, 0.09, mix(p.light, (255, 255, 255), 0.4), False, 25)


# ---- the living ----
def person(p):
    skin = SKINS[int(p.rng.integers(len(SKINS)))]
    for x in (0.41, 0.59):
        p.line_to([(x, 0.6), (x, 0.9)], p.dark, 0.12)
        p.oval(x + 0.01, 0.945, 0.085, 0.04, DARK, False)
    for x, hand in ((0.36, 0.2), (0.64, 0.8)):
        p.line_to([(x, 0.36), (hand, 0.56)], p.line, 0.115)
        p.line_to([(x, 0.36), (hand, 0.56)], p.body, 0.085)
        p.oval(hand, 0.585, 0.05, 0.05, skin, False)
    p.box(0.32, 0.3, 0.68, 0.66, round_by=0.06)
    p.oval(0.5, 0.13, 0.135, 0.13, (60, 42, 30), False)
    p.oval(0.5, 0.17, 0.115, 0.12, skin, False)
    for x in (0.455, 0.545):
        p.oval(x, 0.165, 0.016, 0.018, (20, 20, 20), False)


def dog(p):
    for x in (0.22, 0.33, 0.6, 0.71):
        p.box(x, 0.6, x + 0.09, 0.94, p.dark if x in (0.33, 0.6) else None, round_by=0.03)
    p.line_to([(0.22, 0.52), (0.1, 0.42), (0.06, 0.26)], p.line, 0.085)
    p.line_to([(0.22, 0.52), (0.1, 0.42), (0.06, 0.26)], p.body, 0.05)
    p.box(0.17, 0.44, 0.81, 0.7, round_by=0.12)
    p.oval(0.76, 0.34, 0.16, 0.16)
    p.oval(0.88, 0.4, 0.11, 0.075)
    p.oval(0.965, 0.38, 0.032, 0.03, (10, 10, 10), False)
    p.oval(0.67, 0.36, 0.065, 0.15, p.dark, True, 10)
    p.eye(0.8, 0.3, 0.032)


def cat(p):
    tail = [(0.72 + 0.14 * math.sin(i * 0.3), 0.9 - 0.035 * i) for i in range(12)]
    p.line_to(tail, p.line, 0.1)
    p.line_to(tail, p.dark, 0.065)
    p.oval(0.5, 0.7, 0.25, 0.27)
    for x in (-1, 1):
        p.poly([(0.5 + 0.25 * x, 0.02), (0.5 + 0.05 * x, 0.17), (0.5 + 0.25 * x, 0.33)])
        p.oval(0.5 + 0.11 * x, 0.93, 0.1, 0.05)
    p.oval(0.5, 0.33, 0.27, 0.22)
    for x in (-1, 1):
        p.oval(0.5 + 0.11 * x, 0.3, 0.05, 0.055, (200, 220, 90), False)
        p.oval(0.5 + 0.11 * x, 0.3, 0.016, 0.05, (10, 10, 10), False)
        for y in (0.38, 0.44):
            p.line_to([(0.5 + 0.09 * x, 0.41), (0.5 + 0.33 * x, y)], STEEL, 0.012)
    p.poly([(0.46, 0.38), (0.54, 0.38), (0.5, 0.425)], (240, 150, 160), False)
    p.oval(0.5, 0.7, 0.11, 0.14, p.light, False)


def bird(p):
    for x in (0.46, 0.56):
        p.line_to([(x, 0.78), (x, 0.95), (x + 0.06, 0.95)], BEAK, 0.028)
    p.poly([(0.28, 0.5), (0.02, 0.36), (0.04, 0.58), (0.26, 0.66)], p.dark)
    p.poly([(0.86, 0.24), (0.99, 0.3), (0.86, 0.36)], BEAK)
    p.oval(0.48, 0.58, 0.3, 0.22, None, True, -12)
    p.oval(0.74, 0.3, 0.16, 0.16)
    p.oval(0.42, 0.57, 0.2, 0.11, p.dark, True, -20)
    p.eye(0.79, 0.27, 0.035)


def fish(p):
    p.poly([(0.3, 0.5), (0.03, 0.22), (0.03, 0.78)], p.dark)
    p.poly([(0.42, 0.28), (0.56, 0.1), (0.7, 0.28)], p.dark)
    p.oval(0.58, 0.5, 0.38, 0.27)
    for x in (0.42, 0.56):
        p.line_to([(x, 0.33), (x + 0.05, 0.5), (x, 0.67)], p.dark, 0.035)
    p.eye(0.8, 0.43, 0.05)
    p.line_to([(0.95, 0.57), (0.86, 0.6)], width=0.02)


def butterfly(p):
    for s in (-1, 1):
        p.line_to([(0.5, 0.24), (0.5 + 0.13 * s, 0.06)], DARK, 0.02)
        p.oval(0.5 + 0.25 * s, 0.68, 0.21, 0.15, p.dark, True, 50 * s)
        p.oval(0.5 + 0.26 * s, 0.36, 0.28, 0.17, None, True, -35 * s)
        p.oval(0.5 + 0.3 * s, 0.32, 0.07, 0.06, p.light, False)
    p.oval(0.5, 0.5, 0.05, 0.28, DARK, False)


DRAWINGS = {f.__name__: f for f in (
    circle, square, triangle, star, heart, car, bus, boat, plane, rocket, house, tree, flower, mushroom,
    umbrella, cup, chair, balloon, person, dog, cat, bird, fish, butterfly)}


def draw(name, colour, reach, angle, rng):
    """The thing as an RGBA picture, turned, cropped, its longer side reach pixels long."""
    pen = Pen(max(120, 3 * reach), colour, rng)
    DRAWINGS[name](pen)
    image = pen.image
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = image.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    image = image.crop(image.getchannel("A").getbbox())
    scale = reach / max(image.size)
    w, h = (max(1, round(v * scale)) for v in image.size)
    return image.convert("RGBa").resize((w, h), Image.Resampling.BOX).convert("RGBA")
