#!/usr/bin/env python3
"""Measure a captioner on a rendered folder.

    evaluate.py CHECKPOINT VOCAB FOLDER [--limit N] [--captions FILE] [--write FILE]

Prints the share of best beam captions that equal one of the five references, how often each
class of word is right when it is mentioned, and how often the attention of an object word
peaks in a box of that object or within one cell of it.  --captions: lines
image<TAB>caption of another implementation, counted where they differ from ours;
--write puts ours in that form.  Decoding settings are those in the checkpoint.
"""
import argparse
import collections

import torch
from PIL import Image
import numpy as np

import world
from data import read_scenes
from model import beam, build, load_vocabulary, normalised, positions

NOUNS = {world.noun(name, count): name for name in world.OBJECTS for count in (2, 1)}
SIDE = 224


def mentions(words):
    """What a caption says: [(noun position, object, colour, count word, size)] and a relation."""
    things, seen = [], {}
    for i, word in enumerate(words):
        if word in world.COUNTS[1:]:
            seen["count"] = word
        elif word in world.SIZES:
            seen["size"] = word
        elif word in world.COLOURS:
            if i >= 2 and words[i - 1] == "in" and things and words[i - 2] in ("person", "people"):
                things[-1]["colour"] = word
            else:
                seen["colour"] = word
        elif word in NOUNS:
            things.append({"at": i, "name": NOUNS[word], **seen})
            seen = {}
    first = {r.split()[0]: r for r in world.RELATIONS}
    relation = next((first[w] for w in words if w in first), None)
    return things, relation


def check_words(words, scene, tally):
    """Every mentioned word of a class against the scene: tally[class] = [right, mentioned]."""
    def count(kind, right):
        tally[kind][0] += bool(right)
        tally[kind][1] += 1

    things, relation = mentions(words)
    truth = {t.name: t for t in scene.things}
    for i, said in enumerate(things):
        # a thing that is not there is judged against the one described in its place
        thing = truth.get(said["name"], scene.things[min(i, len(scene.things) - 1)])
        count("object", said["name"] in truth)
        if "colour" in said:
            count("colour", said["colour"] == thing.colour)
        if "size" in said:
            count("size", said["size"] == thing.size)
        if "count" in said:
            count("count", world.COUNTS.index(said["count"]) + 1 == thing.count)
    if relation:
        names = [t["name"] for t in things]
        order = [t.name for t in scene.things]
        true = {tuple(order): scene.relation, tuple(order[::-1]): world.OPPOSITE.get(scene.relation)}
        count("relation", true.get(tuple(names)) == relation)
    text = " ".join(words)
    for setting, where in world.SETTINGS.items():
        if where in text:
            count("setting", setting == scene.setting)
    return things, truth


def points_at(alpha, boxes):
    """Is the cell of the peak one that a box touches, or next to such a cell?"""
    cell = SIDE / 7
    row, column = divmod(int(alpha.argmax()), 7)
    return any(x0 // cell - 1 <= column <= (x1 - 1) // cell + 1 and y0 // cell - 1 <= row <= (y1 - 1) // cell + 1
               for x0, y0, x1, y1 in boxes)


def load(path, vocab):
    state = torch.load(path, map_location="cpu")
    enc, dec = build(state["config"], len(vocab.stoi))
    enc.load_state_dict(state["encoder_state"])
    dec.load_state_dict(state["decoder_state"])
    return enc.eval(), dec.eval(), state["config"]


@torch.no_grad()
def describe(enc, dec, config, path):
    image = Image.open(path).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None]
    return beam(dec, positions(enc(normalised(pixels))[1]), config)


def main():
    ap = argparse.ArgumentParser(description="Measure a captioner on drawn scenes.")
    ap.add_argument("checkpoint")
    ap.add_argument("vocab")
    ap.add_argument("folder")
    ap.add_argument("--limit", type=int)
    ap.add_argument("--captions", help="lines image<TAB>caption to compare with")
    ap.add_argument("--write", help="file for our captions in the same form")
    a = ap.parse_args()
    torch.set_num_threads(2)
    vocab = load_vocabulary(a.vocab)
    enc, dec, config = load(a.checkpoint, vocab)
    ours, tally = {}, collections.defaultdict(lambda: [0, 0])
    for name, scene in read_scenes(a.folder)[:a.limit]:
        tokens, alpha, _ = describe(enc, dec, config, f"{a.folder}/{name}")
        ours[name] = vocab.text(tokens)
        exact = ours[name] in world.captions(scene)
        for kind in ("exact match", "exact match, " + scene.kind):
            tally[kind][0] += exact
            tally[kind][1] += 1
        things, truth = check_words(ours[name].split(), scene, tally)
        for said in things:
            if said["name"] in truth:
                tally["attention"][0] += points_at(alpha[said["at"]], truth[said["name"]].boxes)
                tally["attention"][1] += 1
    if a.captions:
        with open(a.captions) as f:
            theirs = dict(line.rstrip("\n").split("\t", 1) for line in f)
        tally["same captions"] = [sum(theirs.get(n) == c for n, c in ours.items()), len(ours)]
    if a.write:
        with open(a.write, "w") as f:
            f.writelines(f"{n}\t{c}\n" for n, c in ours.items())
    for kind, (right, mentioned) in tally.items():
        print(f"{kind:24} {right:5} of {mentioned:5}  {100 * right / max(1, mentioned):6.2f} %")


if __name__ == "__main__":
    main()
