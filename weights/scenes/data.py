"""A rendered folder as arrays: pixels, tokens, and which thing each word speaks of.

Used by train.py and evaluate.py.
"""
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image

import world
from model import END, PAD, START

LENGTH = 20                     # words of a caption, <start> and <end> counted
MEMBERS = 4                     # boxes of a scene at most


def read_scenes(folder):
    """boxes.json as (name, world.Scene) pairs, in order."""
    with open(os.path.join(folder, "boxes.json")) as f:
        rows = json.load(f)
    return [(r["image"], world.Scene(r["kind"], r["setting"], [world.Thing(**t) for t in r["things"]],
                                     r["relation"])) for r in rows]


def read_pixels(folder, names, side):
    """uint8 [N, side, side, 3], mapped from a file that is kept beside the pictures for the next time."""
    path = os.path.join(folder, f"pixels{side}.npy")
    if not os.path.exists(path) or len(np.load(path, mmap_mode="r")) < len(names):
        def load(name):
            image = Image.open(os.path.join(folder, name)).convert("RGB")
            return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))
        pixels = np.lib.format.open_memmap(path + ".part", "w+", np.uint8, (len(names), side, side, 3))
        with ThreadPoolExecutor(2) as pool:
            for i, image in enumerate(pool.map(load, names)):
                pixels[i] = image
        pixels.flush()
        os.replace(path + ".part", path)
    return np.load(path, mmap_mode="r")[:len(names)]


def spans(words, phrase):
    """Where a phrase stands among the words: indices of its words."""
    n = len(phrase)
    start = next(i for i in range(len(words)) if words[i:i + n] == phrase)
    return range(start, start + n)


class Scenes:
    def __init__(self, folder, side, vocab, limit=None):
        pairs = read_scenes(folder)[:limit]
        self.names, self.scenes = [p[0] for p in pairs], [p[1] for p in pairs]
        self.side, self.pixels = side, read_pixels(folder, self.names, side)
        n = len(pairs)
        self.tokens = np.full((n, 2, 5, LENGTH), PAD, np.int16)   # of the picture, and of its mirror image
        self.speaks = np.full((n, 2, 5, LENGTH), -1, np.int8)     # of the word that follows: which thing
        self.boxes = np.zeros((n, MEMBERS, 4), np.float32)      # 0..1
        self.member = np.full((n, MEMBERS), -1, np.int8)        # which thing it is, -1 none
        self.looks = np.zeros((n, 2, 2), np.int64)              # per thing: object, colour
        self.setting = np.array([list(world.SETTINGS).index(s.setting) for s in self.scenes])
        for i, scene in enumerate(self.scenes):
            self._describe(i, 0, scene, vocab)
            self._describe(i, 1, world.mirrored(scene), vocab)
            self._place(i, scene)

    def _describe(self, i, mirror, scene, vocab):
        for c, caption in enumerate(world.captions(scene)):
            words = caption.split()
            self.tokens[i, mirror, c, :len(words) + 2] = [START] + [vocab.stoi[w] for w in words] + [END]
            for t, thing in enumerate(scene.things):
                for j in spans(words, world.phrase(thing).split()):
                    self.speaks[i, mirror, c, j] = t

    def _place(self, i, scene):
        m = 0
        for t, thing in enumerate(scene.things):
            self.looks[i, t] = world.OBJECTS.index(thing.name), world.COLOURS.index(thing.colour)
            for box in thing.boxes:
                self.boxes[i, m], self.member[i, m] = np.array(box) / 224, t
                m += 1

    def batch(self, picked, captions, rng):
        """Pictures of these indices, so many captions each, half of them mirrored."""
        pixels, boxes = self.pixels[picked], self.boxes[picked].copy()
        which = np.stack([rng.permutation(5)[:captions] for _ in picked])
        flip = rng.random(len(picked)) < 0.5
        row = np.arange(len(picked))[:, None], flip.astype(int)[:, None]
        tokens, speaks = self.tokens[picked][(*row, which)], self.speaks[picked][(*row, which)]
        pixels[flip] = pixels[flip][:, :, ::-1]
        boxes[flip] = boxes[flip][:, :, [2, 1, 0, 3]] * (-1, 1, -1, 1) + (1, 0, 1, 0)
        return {"pixels": torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))),
                "tokens": torch.from_numpy(tokens.astype(np.int64)), "speaks": torch.from_numpy(speaks.astype(np.int64)),
                "boxes": boxes, "member": self.member[picked], "looks": self.looks[picked],
                "setting": torch.from_numpy(self.setting[picked])}


def thing_masks(batch, side, stride):
    """Which cells belong to which thing: centre inside a box, or nearest to its centre.
    [B, 2, cells, cells] bool"""
    cells = -(-side // stride)
    boxes = batch["boxes"] * side / stride                      # in cells
    centre = np.arange(cells) + 0.5

    def covers(low, high):                                      # [B, M] -> [B, M, cells]
        middle = np.clip(np.floor((low + high) / 2), 0, cells - 1)
        return ((centre > low[..., None]) & (centre < high[..., None])) | (np.floor(centre) == middle[..., None])

    hit = covers(boxes[..., 1], boxes[..., 3])[..., :, None] & covers(boxes[..., 0], boxes[..., 2])[..., None, :]
    return np.stack([(hit & (batch["member"] == t)[..., None, None]).any(1) for t in (0, 1)], 1)
