#!/usr/bin/env python3
"""Makes the golden vectors of test/vectors: tiny models, drawn pictures, and what PyTorch says about them.

    make_vectors.py [--out DIR] [--build DIR]
    make_vectors.py --int8 [--out DIR] [--build DIR]
    make_vectors.py --check [--build DIR]

Writes the pictures a.jpg, b.jpg and c.png and, for each model, NAME.capw, NAME-int8.capw (the same in int8, with ranges
from the three pictures), NAME.json (per picture the greedy tokens and
the beams of widths 1, 3, 5 and 10) and, per picture, NAME-PICTURE.feat.f32 and .alpha.f32 (float32, little-endian,
row-major).  Captions that hung on a difference below 2e-3 are left out, so that those kept are the same on every
machine; the seeds are ones that leave many.  test/lib/test_golden.c reads the files.

--check makes them in a temporary folder and compares them with those of the folder.  Pictures and words must be equal.
Features, attention, scores and the weights (whose batch-norm statistics PyTorch computes) may differ in the last bits,
as PyTorch sums in another order on another machine.  The files there are not to be made anew without need.
"""
import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

import check_reference

HERE = os.path.dirname(os.path.abspath(__file__))
CLOSEST = 2e-3
# no size is a multiple of a vector's
MODELS = {
    "gru": ["--seed", "5", "--rnn", "gru", "--width", "4", "--embed", "13", "--hidden", "37", "--attention",
            "19", "--vocab", "90"],
    "lstm": ["--seed", "2", "--rnn", "lstm", "--width", "3", "--embed", "10", "--hidden", "30", "--attention",
             "21", "--vocab", "75"],
    "baseline-gru": ["--seed", "4", "--baseline", "--rnn", "gru", "--layers", "1", "--width", "3", "--embed",
                     "22", "--hidden", "35", "--vocab", "80"],
    "baseline-lstm": ["--seed", "7", "--baseline", "--rnn", "lstm", "--layers", "2", "--width", "4",
                      "--embed", "18", "--hidden", "27", "--vocab", "66"],
}


def draw(width, height, seed):
    """Soft colours with discs and a bar on them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    out = np.zeros((height, width, 3))
    for c in range(3):
        a, b, p = rng.uniform(-0.03, 0.03, 3)
        out[..., c] = 128 + 70 * np.sin(a * x + b * y + 40 * p)
    for _ in range(5):
        cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.08, 0.25) * min(width, height)
        out[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = rng.uniform(0, 255, 3)
    out[int(height * 0.7):int(height * 0.76)] = rng.uniform(0, 255, 3)
    return Image.fromarray(out.clip(0, 255).astype("u1"))


def make_pictures(out):
    draw(320, 213, 1).save(os.path.join(out, "a.jpg"), quality=80)
    draw(97, 160, 2).save(os.path.join(out, "b.jpg"), quality=85, progressive=True)
    draw(150, 90, 3).convert("P", palette=Image.ADAPTIVE, colors=48).save(os.path.join(out, "c.png"), optimize=True)


def decided(folder):
    """Every picture's captions that hung on no small difference: {image, greedy_ids, greedy, beams: {width: [...]}}"""
    reference = check_reference.Reference(folder)
    out = []
    for entry in reference.entries:
        kept = {"image": entry["image"], "beams": {}}
        if entry["greedy_gap"] > CLOSEST:
            kept.update(greedy_ids=entry["greedy_ids"], greedy=entry["greedy"])
        for width in check_reference.WIDTHS:
            found = reference.beams(entry["image"], width)
            if found["beam_gap"] > CLOSEST:
                kept["beams"][str(width)] = found["beams"]
        out.append(kept)
    return out


def make_model(build, out, name, options):
    with tempfile.TemporaryDirectory() as folder:
        check_reference.make_reference(folder, options + ["--photos", out])
        entries = decided(folder)
        for entry in entries:
            kinds = [".feat.f32"]
            if "greedy_ids" in entry and "--baseline" not in options:
                kinds.append(".alpha.f32")
            for kind in kinds:
                shutil.copyfile(os.path.join(folder, "golden", entry["image"] + kind),
                                os.path.join(out, "%s-%s%s" % (name, entry["image"], kind)))
        with open(os.path.join(out, name + ".json"), "w") as f:
            json.dump(entries, f, indent=1)
            f.write("\n")
        check_reference.convert(build, folder, os.path.join(out, name + ".capw"))
    print("%s: %d greedy captions, %d beam searches" %
          (name, sum("greedy_ids" in e for e in entries), sum(len(e["beams"]) for e in entries)), flush=True)


def make_int8(build, out, name):
    subprocess.run([os.path.join(build, "capconvert"), "--quiet", "--int8", "--calibrate", out,
                    os.path.join(out, name + ".capw"), "-o", os.path.join(out, name + "-int8.capw")], check=True)


def make(build, out):
    make_pictures(out)
    for name, options in MODELS.items():
        make_model(build, out, name, options)
        make_int8(build, out, name)


# ---- --check ----

def load_json(path):
    """The captions, and separately their scores."""
    with open(path) as f:
        entries = json.load(f)
    scores = []
    for entry in entries:
        for beams in entry["beams"].values():
            scores += [b.pop("score") for b in beams]
    return entries, scores


def load_model(path):
    """The tensors of a model file (docs/format.md): {name: (dtype, layout, dims, numbers)}"""
    with open(path, "rb") as f:
        data = f.read()
    count, = struct.unpack_from("<I", data, 12)
    tensors = {}
    for at in range(64, 64 + 128 * count, 128):
        name, dtype, layout, rank, _ = struct.unpack_from("<64s4I", data, at)
        dims = struct.unpack_from("<4I", data, at + 80)[:rank]
        offset, size = struct.unpack_from("<2Q", data, at + 96)
        kind = {0: "<f4", 3: "i1", 4: "<i2", 5: "u1"}[dtype]
        numbers = np.frombuffer(data, kind, size // np.dtype(kind).itemsize, offset).astype(float)
        tensors[name.rstrip(b"\0").decode()] = dtype, layout, dims, numbers
    return tensors


def compare_models(old, new):
    """An older model file may lack optional tensors that capconvert has learned to write since."""
    old, new = load_model(old), load_model(new)
    most, int8 = 0.0, False
    for name, tensor in old.items():
        if name not in new or tensor[:3] != new[name][:3]:
            return "%s is missing or has another shape" % name, None
        largest = np.abs(tensor[3]).max() or 1.0
        most = max(most, float(np.abs(tensor[3] - new[name][3]).max() / largest))
        int8 |= tensor[0] == 3
    more = sorted(set(new) - set(old))
    return (None if most < (2e-2 if int8 else 1e-4) else "off"), "weights off by %.2g of the largest%s" % (
        most, "; new: " + ", ".join(more) if more else "")


def difference(old, new):
    """What is wrong with the new file, or a remark, or nothing: (wrong, remark)"""
    with open(old, "rb") as f, open(new, "rb") as g:
        if f.read() == g.read():
            return None, "the same bytes"
    if new.endswith(".f32"):
        a, b = np.fromfile(old, "<f4"), np.fromfile(new, "<f4")
        if a.shape != b.shape:
            return "another size", None
        off = float(np.abs(a - b).max() / np.abs(a).max())
        return (None if off < 1e-4 else "off"), "off by %.2g of the largest" % off
    if new.endswith(".json"):
        (a, ascores), (b, bscores) = load_json(old), load_json(new)
        if a != b:
            return "other captions", None
        off = max(abs(x - y) for x, y in zip(ascores, bscores))
        return (None if off < 1e-3 else "off"), "the same words, scores off by %.2g" % off
    if new.endswith(".capw"):
        return compare_models(old, new)
    return "other bytes", None


def check(build, folder):
    wrong = 0
    with tempfile.TemporaryDirectory() as fresh:
        make(build, fresh)
        names = sorted(set(os.listdir(fresh)) | set(os.listdir(folder)))
        for name in names:
            old, new = os.path.join(folder, name), os.path.join(fresh, name)
            missing = [p for p in (old, new) if not os.path.exists(p)]
            fault, remark = ("missing: " + missing[0], None) if missing else difference(old, new)
            wrong += fault is not None
            print("%-28s %s" % (name, ", ".join(t for t in (fault, remark) if t)))
    print("make_vectors: %s" % ("%d files differ" % wrong if wrong else "all as they were"))
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", metavar="DIR", default=os.path.join(HERE, "..", "vectors"),
                        help="the folder of the vectors (default: test/vectors)")
    parser.add_argument("--build", metavar="DIR", default=os.path.join(HERE, "..", "..", "build"),
                        help="where capconvert is")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("--int8", action="store_true", help="make the int8 models alone, from the others")
    args = parser.parse_args()
    if args.int8:
        for name in MODELS:
            make_int8(args.build, args.out, name)
        return 0
    if args.check:
        return check(args.build, args.out)
    os.makedirs(args.out, exist_ok=True)
    make(args.build, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
