"""What can be in a scene, what can be said of it, and where things stand.

Used by render.py (to draw), train.py and evaluate.py (to know words).  Nothing here
touches a pixel.  A scene is one of three kinds:

    single   one thing, small, large, or of a middling size that is not mentioned
    group    two, three or four of the same thing in the same colour
    pair     two different things, clearly above/below, left/right of, or next to each other

Every scene of a kind is described by the same five patterns, and each pattern says all
that is certain: so any right description in any of the patterns is among the references.
Of a pair the upper thing, or else the left one, comes first, but for one pattern that has
a reference in either order.
"""
from dataclasses import dataclass, field, replace

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black")
COUNTS = ("a", "two", "three", "four")
SIZES = ("small", "large")
PLURALS = {"person": "people", "fish": "fish", "bus": "buses", "butterfly": "butterflies"}

SETTINGS = {"grass": "on the grass", "sand": "on the sand", "snow": "on the snow",
            "street": "on the street", "water": "on the water", "sky": "in the sky",
            "night": "at night", "brick wall": "in front of a brick wall",
            "wooden floor": "on a wooden floor", "tiled floor": "on a tiled floor"}
# colours that the ground of a setting would swallow
HIDDEN = {"grass": {"green"}, "sand": {"yellow", "orange"}, "snow": {"white"}, "street": {"black"},
          "water": {"blue"}, "sky": {"blue", "white"}, "night": {"black"},
          "brick wall": {"red", "orange"}, "wooden floor": {"orange", "black"}, "tiled floor": {"white"}}

_EVERYWHERE = tuple(SETTINGS)
_GROUND = ("grass", "sand", "snow", "street", "night", "brick wall", "wooden floor", "tiled floor")
_OUTDOORS = ("grass", "sand", "snow", "street", "night", "brick wall")
_AIR = _GROUND + ("sky",)
_SHORE = ("water", "sand", "snow", "wooden floor", "tiled floor")
PLACES = {"circle": _EVERYWHERE, "square": _EVERYWHERE, "triangle": _EVERYWHERE, "star": _EVERYWHERE,
          "heart": _EVERYWHERE, "car": _GROUND, "bus": _GROUND, "boat": _SHORE, "plane": _AIR,
          "rocket": _AIR, "house": _OUTDOORS, "tree": _OUTDOORS, "flower": _GROUND + ("water",),
          "mushroom": _GROUND, "umbrella": _AIR + ("water",), "cup": _GROUND, "chair": _GROUND,
          "balloon": _EVERYWHERE, "person": _GROUND, "dog": _GROUND, "cat": _GROUND,
          "bird": _EVERYWHERE, "fish": _SHORE, "butterfly": _AIR}
OBJECTS = tuple(PLACES)
UNCOLOURED = {"tree": {"black", "blue"}, "flower": {"black", "green"}}  # (things not made in every colour)

RELATIONS = ("above", "below", "left of", "right of", "next to")
OPPOSITE = {"above": "below", "below": "above", "left of": "right of", "right of": "left of",
            "next to": "next to"}

# longer side of a thing, in 224ths of the picture
REACH = {"small": (36, 46), None: (66, 86), "large": (128, 160),
         "pair": (60, 78), 2: (60, 78), 3: (52, 68), 4: (48, 62)}


@dataclass
class Thing:
    name: str
    colour: str
    size: str = None            # None: middling, not mentioned
    count: int = 1
    reach: float = 0            # longer side, in 224ths of the picture
    boxes: list = field(default_factory=list)   # x0 y0 x1 y1 in pixels, one per member


@dataclass
class Scene:
    kind: str
    setting: str
    things: list
    relation: str = None        # of things[0] to things[1]


def _pick(rng, options):
    return options[int(rng.integers(len(options)))]


def _thing(rng, setting, other=None):
    name = _pick(rng, [n for n in OBJECTS if setting in PLACES[n] and n != other])
    hidden = HIDDEN[setting] | UNCOLOURED.get(name, set())
    return Thing(name, _pick(rng, [c for c in COLOURS if c not in hidden]))


def imagine(rng):
    """A scene without places: kind, setting, things, relation."""
    kind = _pick(rng, ("single", "group", "pair"))
    setting = _pick(rng, tuple(SETTINGS))
    first = _thing(rng, setting)
    scene = Scene(kind, setting, [first])
    if kind == "single":
        first.size = _pick(rng, (None,) + SIZES)
        first.reach = rng.uniform(*REACH[first.size])
    elif kind == "group":
        first.count = 2 + int(rng.integers(3))
        first.reach = rng.uniform(*REACH[first.count])
    else:
        scene.things.append(_thing(rng, setting, first.name))
        scene.relation = _pick(rng, RELATIONS)
        for thing in scene.things:
            thing.reach = rng.uniform(*REACH["pair"])
    return scene


# ---- places: corners for rectangles (w, h) in a picture of side units, or None if they do not fit ----
def _anywhere(rng, w, h, side):
    edge = side * 0.03
    return (edge + rng.random() * (side - 2 * edge - w), edge + rng.random() * (side - 2 * edge - h))


def place_group(rng, sizes, side):
    gap, placed = side * 0.05, []
    for w, h in sizes:
        for _ in range(60):
            x, y = _anywhere(rng, w, h, side)
            if all(x + w + gap < px or px + pw + gap < x or y + h + gap < py or py + ph + gap < y
                   for (px, py), (pw, ph) in placed):
                placed.append(((x, y), (w, h)))
                break
        else:
            return None
    return [corner for corner, _ in placed]


def place_pair(rng, sizes, side, relation):
    """Along one axis with a clear gap (next to: nearly touching), level on the other."""
    if relation in ("below", "right of"):
        return (place_pair(rng, sizes[::-1], side, OPPOSITE[relation]) or [None])[::-1]
    near = relation == "next to"
    if near and rng.random() < 0.5:
        return place_pair(rng, sizes[::-1], side, "near")[::-1]
    near = near or relation == "near"
    upright = relation == "above"
    (w0, h0), (w1, h1) = [(h, w) if upright else (w, h) for w, h in sizes]
    low, high = (0.01, 0.04) if near else (0.08, 0.4) if upright else (0.18, 0.4)
    edge = side * 0.03
    high = min(high, (side - 2 * edge - w0 - w1) / side)
    if high < low:
        return None
    gap = side * rng.uniform(low, high)
    a = edge + rng.random() * (side - 2 * edge - w0 - gap - w1)
    level = edge + max(h0, h1) / 2 + rng.random() * (side - 2 * edge - max(h0, h1))
    slant = side * rng.uniform(-0.05, 0.05)
    b0, b1 = (min(max(level + s - h / 2, edge), side - edge - h) for s, h in ((slant, h0), (-slant, h1)))
    corners = [(a, b0), (a + w0 + gap, b1)]
    return [(y, x) for x, y in corners] if upright else corners


# ---- words ----
def noun(name, count):
    return name if count == 1 else PLURALS.get(name, name + "s")


def phrase(thing):
    words = [COUNTS[thing.count - 1], thing.size or "", thing.colour, noun(thing.name, thing.count)]
    if thing.name == "person":
        words[2:] = [words[3], "in", words[2]]
    elif words[2] == "orange" and words[0] == "a" and not words[1]:
        words[0] = "an"
    return " ".join(w for w in words if w)


def in_order(scene):
    """The things of a pair, the upper or left one first, and the relation of the first to the second."""
    first, second = scene.things
    aside = scene.relation == "next to" and first.boxes[0][0] > second.boxes[0][0]
    if aside or scene.relation in ("below", "right of"):
        return second, first, OPPOSITE[scene.relation]
    return first, second, scene.relation


def mirrored(scene, side=224):
    """The scene as a mirror shows it."""
    flip = {"left of": "right of", "right of": "left of"}
    things = [replace(t, boxes=[[side - x1, y0, side - x0, y1] for x0, y0, x1, y1 in t.boxes]) for t in scene.things]
    return replace(scene, things=things, relation=flip.get(scene.relation, scene.relation))


def captions(scene):
    """The five references of a scene whose things have their boxes."""
    where, a = SETTINGS[scene.setting], phrase(scene.things[0])
    if scene.kind == "pair":
        first, second, relation = in_order(scene)
        ab = f"{phrase(first)} {relation} {phrase(second)}"
        ba = f"{phrase(second)} {OPPOSITE[relation]} {phrase(first)}"
        return [f"{ab} {where}", f"{ba} {where}", f"there is {ab} {where}",
                f"{where} there is {ab}", f"a picture of {ab} {where}"]
    be = "is" if scene.kind == "single" else "are"
    return [f"{a} {where}", f"there {be} {a} {where}", f"{where} there {be} {a}",
            f"a picture of {a} {where}", f"{a} can be seen {where}"]
