#!/usr/bin/env python3
"""Compares int8 models with a simulation in NumPy: `make check-int8`.

    check_int8.py [options] [-- CAPDUMP_OPTION...]

Without --model it makes checkpoints as check_reference.py does, one of full size and narrow ones of every kind, and
converts them: calibrated with pictures, and from batch norm.  The models of test/vectors, whose sizes are odd, come
first.  Every layer of the encoder, the features, and the logits and attention of the greedy caption must be equal to the bit.  The exit code is 1 when a byte differs, and 0 with a message where NumPy isn't installed.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURES = os.path.join(HERE, "..", "..", "weights", "scenes", "demo")
VECTORS = os.path.join(HERE, "..", "vectors")
NAMES = ("narrow-gru", "narrow-lstm", "narrow-baseline-gru", "narrow-baseline-lstm", "full-gru")
sys.path.insert(0, HERE)


def make_models(build, folder, names):
    """Paths of int8 models, two of each checkpoint."""
    import check_reference as reference
    paths = sorted(os.path.join(VECTORS, name) for name in os.listdir(VECTORS) if name.endswith("-int8.capw"))
    for name in names:
        checkpoint = os.path.join(folder, name)
        reference.make_reference(checkpoint, reference.MODELS[name] + ["--limit", "1"])
        for how, more in (("pictures", ["--calibrate", PICTURES]), ("norm", [])):
            paths.append(os.path.join(folder, "%s-%s.capw" % (name, how)))
            reference.run([os.path.join(build, "capconvert"), "-q", "--int8", os.path.join(checkpoint, "checkpoint.pth"),
                           "--vocab", os.path.join(checkpoint, "vocab.pkl"), "-o", paths[-1]] + more)
    return paths


def compare_decoder(decoder, path):
    """What differs in the greedy caption, word for word: logits and attention."""
    import numpy as np
    with open(path + ".json") as f:
        words = json.load(f)["greedy_ids"]
    logits = np.fromfile(path + ".logits.f32", "<f4").reshape(len(words), -1)
    alpha = np.fromfile(path + ".alpha.f32", "<f4").reshape(len(words), -1) if decoder.attention else None
    word = int(decoder.model.metadata["token.start"]) if decoder.attention else None
    wrong = []
    for i, next_word in enumerate(words):
        expected, attention = decoder.step(word)
        if not np.array_equal(logits[i], expected):
            wrong.append("logits %d" % i)
        if decoder.attention and not np.array_equal(alpha[i], attention):
            wrong.append("attention %d" % i)
        word = next_word
    return wrong


def compare(build, path, photo, more):
    """How many layers of one picture were compared, and those that differ."""
    import numpy as np
    import int8
    model = int8.Model(path)
    name = os.path.basename(photo)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([os.path.join(build, "capdump"), "-q", "-m", path, "--layers"] + more + [photo, folder], check=True)
        side = int(model.metadata["input.size"])
        pixels = np.fromfile(os.path.join(folder, name + ".u8"), "u1").reshape(side, side, 3)
        encoder = int8.Encoder(model)
        features, scale = encoder.run(pixels)
        wrong = []
        layers, forms = set(), (("u8", "u1", encoder.maps), ("u16", "<u2", encoder.wide))
        for ending, dtype, maps in forms:
            for layer, expected in maps.items():
                path_of_map = os.path.join(folder, "%s.%s.%s" % (name, layer, ending))
                if not os.path.exists(path_of_map):
                    continue  # not needed in this form
                layers.add(layer)
                got = np.fromfile(path_of_map, dtype)
                if not np.array_equal(got, expected.reshape(-1)):
                    wrong.append("%s (%d of %d numbers)" % (layer, (got != expected.reshape(-1)).sum(), got.size))
        wrong += ["%s is missing" % layer for layer in encoder.maps if layer not in layers]
        got = np.fromfile(os.path.join(folder, name + ".feat.f32"), "<f4")
        decoder = int8.Decoder(model)
        decoder.begin(features, scale)
        expected = features.astype(np.float32) * scale if decoder.attention else decoder.first
        if not np.array_equal(got, expected.reshape(-1)):
            wrong.append("features")
        wrong += compare_decoder(decoder, os.path.join(folder, name))
    return len(encoder.maps), wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--model", action="append", help="an int8 model file")
    parser.add_argument("--fast", action="store_true", help="narrow models only")
    parser.add_argument("--photos", default=PICTURES)
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("more", nargs="*")
    args = parser.parse_args()
    try:
        import numpy  # noqa: F401
        if not args.model:
            import torch  # noqa: F401
    except ImportError as missing:
        print("check_int8: %s isn't installed: skipped" % missing.name)
        return 0
    photos = sorted(os.path.join(args.photos, p) for p in os.listdir(args.photos)
                    if p.lower().endswith((".jpg", ".jpeg", ".png")))[:args.limit]
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for path in args.model or make_models(args.build, folder, NAMES[:-1] if args.fast else NAMES):
            for photo in photos:
                layers, wrong = compare(args.build, path, photo, args.more)
                print("%s %s: %d layers, %s" % (os.path.basename(path), os.path.basename(photo), layers,
                                                "differ: " + ", ".join(wrong) if wrong else "equal"), flush=True)
                failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
