#!/usr/bin/env python3
"""Compares int8 models with a simulation in NumPy: `make check-int8`.

    check_int8.py [options] [-- CAPDUMP_OPTION...]

Every layer of the encoder, the features, and the logits and attention of the greedy caption must be equal to the bit.  The exit code is 1 when a byte differs, and 0 with a message where NumPy isn't installed.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)


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
        for layer, expected in encoder.maps.items():
            got = np.fromfile(os.path.join(folder, "%s.%s.u8" % (name, layer)), "u1")
            if not np.array_equal(got, expected.reshape(-1)):
                wrong.append("%s (%d of %d bytes)" % (layer, (got != expected.reshape(-1)).sum(), got.size))
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
    parser.add_argument("--model", action="append", required=True, help="an int8 model file")
    parser.add_argument("--photos", default=os.path.join(HERE, "..", "..", "weights", "scenes", "demo"))
    parser.add_argument("--limit", type=int, default=12)
    parser.add_argument("more", nargs="*")
    args = parser.parse_args()
    try:
        import numpy  # noqa: F401
    except ImportError:
        print("check_int8: NumPy isn't installed: skipped")
        return 0
    photos = sorted(os.path.join(args.photos, p) for p in os.listdir(args.photos)
                    if p.lower().endswith((".jpg", ".jpeg", ".png")))[:args.limit]
    failed = False
    for path in args.model:
        for photo in photos:
            layers, wrong = compare(args.build, path, photo, args.more)
            print("%s %s: %d layers, %s" % (os.path.basename(path), os.path.basename(photo), layers,
                                            "differ: " + ", ".join(wrong) if wrong else "equal"))
            failed = failed or bool(wrong)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
