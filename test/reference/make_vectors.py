#!/usr/bin/env python3
"""Makes the golden vectors in this folder: tiny models, pictures of our own, and what PyTorch says about them.

    test/reference/make_vectors.py [--build DIR] [--reference MAKE_REFERENCE.PY]

Needs python3-torch, python3-torchvision, python3-pil and a built capconvert; test/lib/test_golden.c, which reads
the files, needs none of them.  For each model: NAME.capw, NAME.json (per picture the greedy tokens, and the
beams of widths 1, 3, 5 and 10) and, per picture, NAME-PICTURE.feat.f32 and .alpha.f32 (float32,
little-endian, row-major).  Captions that hung on a difference below 2e-3 are left out, so that those kept are
the same on every machine; the seeds are ones that leave many.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import check_reference  # noqa: E402

CLOSEST = 2e-3
# odd sizes on purpose: none of them is a multiple of a vector
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
    """Soft colours with discs and bars on them."""
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


def make_pictures():
    draw(320, 213, 1).save(os.path.join(HERE, "a.jpg"), quality=80)
    draw(97, 160, 2).save(os.path.join(HERE, "b.jpg"), quality=85, progressive=True)
    draw(150, 90, 3).convert("P", palette=Image.ADAPTIVE, colors=48).save(os.path.join(HERE, "c.png"), optimize=True)


def golden(ref, folder):
    """Every picture's decided captions: {image, greedy_ids, greedy, beams: {width: [...]}}."""
    reference = check_reference.Reference(ref, folder)
    with open(os.path.join(folder, "golden", "golden.json")) as f:
        entries = json.load(f)
    out = []
    for entry in entries:
        features = np.fromfile(os.path.join(folder, "golden", entry["image"] + ".feat.f32"), dtype="<f4")
        if not reference.baseline:
            features = features.reshape(49, -1)
        decided = {"image": entry["image"], "beams": {}}
        if entry["greedy_gap"] > CLOSEST:
            decided.update(greedy_ids=entry["greedy_ids"], greedy=entry["greedy"])
        for width in check_reference.WIDTHS:
            found = reference.beams(features, width)
            if found["beam_gap"] > CLOSEST:
                decided["beams"][str(width)] = found["beams"]
        out.append(decided)
    return out


def make_model(ref, args, name, options):
    folder = os.path.join(args.work, name)
    check_reference.run([sys.executable, args.reference, folder, "--photos", HERE] + options,
                        stdout=subprocess.DEVNULL)
    entries = golden(ref, folder)
    for entry in entries:
        kinds = [".feat.f32"]
        if "greedy_ids" in entry and "--baseline" not in options:
            kinds.append(".alpha.f32")
        for kind in kinds:
            shutil.copyfile(os.path.join(folder, "golden", entry["image"] + kind),
                            os.path.join(HERE, "%s-%s%s" % (name, entry["image"], kind)))
    with open(os.path.join(HERE, name + ".json"), "w") as f:
        json.dump(entries, f, indent=1)
        f.write("\n")
    check_reference.run([os.path.join(args.build, "capconvert"), os.path.join(folder, "checkpoint.pth"), "--vocab",
                         os.path.join(folder, "vocab.pkl"), "-o", os.path.join(HERE, name + ".capw")],
                        stdout=subprocess.DEVNULL)
    print("%s: %d greedy captions, %d beam searches" %
          (name, sum("greedy_ids" in e for e in entries), sum(len(e["beams"]) for e in entries)), flush=True)


def main():
    parser = argparse.ArgumentParser(description="make the golden vectors")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "..", "build"))
    parser.add_argument("--reference",
                        default=os.path.join(HERE, "..", "..", "..", "shared", "reference", "make_reference.py"))
    args = parser.parse_args()
    ref = check_reference.import_reference(args.reference)
    for old in os.listdir(HERE):
        if not old.endswith(".py") and os.path.isfile(os.path.join(HERE, old)):
            os.remove(os.path.join(HERE, old))
    make_pictures()
    with tempfile.TemporaryDirectory() as args.work:
        for name, options in MODELS.items():
            make_model(ref, args, name, options)


if __name__ == "__main__":
    main()
