#!/usr/bin/env python3
"""Holds the library against the PyTorch reference: `make check-reference`.

For every kind of decoder a checkpoint is made by make_reference.py, converted by capconvert, and capdump's
files are compared with the reference's: pixels bit for bit, features and attention within 1e-4 (features: of
the largest magnitude), the greedy tokens, and the beams of widths 1, 3, 5 and 10 (tokens, order, text, and
scores within 1e-3), wherever the reference's own margin is larger than 1e-3.  Prints the figures; the exit
code is 1 when one is out of bounds, and 0 with a message where PyTorch or the reference isn't there.

    test/reference/check_reference.py [--fast] [--limit N] [--build DIR] [--reference MAKE_REFERENCE.PY] [--photos DIR]
                            [--work DIR] [--only NAME] [-- CAPDUMP OPTIONS]

--work keeps the checkpoints in DIR and uses those already there.
"""
import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MARGIN = SCORE_BOUND = 1e-3
FEATURE_BOUND = ALPHA_BOUND = 1e-4
WIDTHS = (1, 3, 5, 10)
NARROW = ["--width", "8", "--embed", "20", "--hidden", "48", "--attention", "24", "--vocab", "300"]
BASE = ["--baseline", "--embed", "256", "--hidden", "512"]
MODELS = {
    "narrow-gru": ["--rnn", "gru"] + NARROW,
    "narrow-lstm": ["--rnn", "lstm"] + NARROW,
    "narrow-baseline-gru": ["--rnn", "gru", "--baseline", "--layers", "1"] + NARROW,
    "narrow-baseline-lstm": ["--rnn", "lstm", "--baseline", "--layers", "2"] + NARROW,
    "full-gru": ["--rnn", "gru"],
    "full-lstm": ["--rnn", "lstm"],
    "baseline-gru-1": BASE + ["--rnn", "gru", "--layers", "1"],
    "baseline-gru-2": BASE + ["--rnn", "gru", "--layers", "2"],
    "baseline-lstm-1": BASE + ["--rnn", "lstm", "--layers", "1"],
    "baseline-lstm-2": BASE + ["--rnn", "lstm", "--layers", "2"],
}


class Reference:
    """A checkpoint of make_reference.py, loaded again to search with other beam widths."""

    def __init__(self, ref, folder):
        import torch
        self.ref, self.torch = ref, torch
        checkpoint = torch.load(os.path.join(folder, "checkpoint.pth"), map_location="cpu")
        config, weights = checkpoint["config"], checkpoint["decoder_state"]
        self.baseline = "num_layers" in config
        words = weights["fc.bias"].numel()
        if self.baseline:
            self.decoder = ref.BaselineDecoder(words, config["embed_size"], config["hidden_size"],
                                               config["num_layers"], config["rnn_type"])
        else:
            self.decoder = ref.Decoder(words, config["encoder_dim"], config["embed_size"],
                                       config["hidden_size"], config["attention_dim"], config["rnn_type"])
        self.decoder.load_state_dict(weights)
        self.decoder.eval()
        with open(os.path.join(folder, "vocab.pkl"), "rb") as f:
            self.vocab = pickle.load(f)

    def beams(self, features, width):
        """The same dictionary as golden.json's entries, from the golden features."""
        search = self.ref.beam_baseline if self.baseline else self.ref.beam
        with self.torch.no_grad():
            found, gap = search(self.decoder, self.torch.from_numpy(features.copy()).unsqueeze(0), k=width)
        return {"beam_gap": gap, "beams": [{"score": s, "ids": t, "caption": self.ref.words(self.vocab, t)}
                                           for s, t in found]}


def import_reference(path):
    import importlib.util
    spec = importlib.util.spec_from_file_location("make_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Figures:
    """The worst differences of one model, and what was out of bounds."""

    def __init__(self):
        self.feature = self.alpha = self.score = 0.0
        self.images = self.greedy = self.greedy_close = self.beams = self.beams_close = 0
        self.faults = []

    def fault(self, image, text):
        self.faults.append("%s: %s" % (image, text))


def compare_arrays(np, figures, golden, ours, image):
    def load(folder, ending, kind):
        return np.fromfile(os.path.join(folder, image + ending), dtype=kind)

    if not np.array_equal(load(golden, ".u8", "u1"), load(ours, ".u8", "u1")):
        figures.fault(image, "resized pixels differ")
    if not np.allclose(load(golden, ".input.f32", "<f4"), load(ours, ".input.f32", "<f4"), rtol=0, atol=1e-6):
        figures.fault(image, "normalised input differs")
    want, got = load(golden, ".feat.f32", "<f4"), load(ours, ".feat.f32", "<f4")
    if want.shape != got.shape:
        figures.fault(image, "features: %d numbers instead of %d" % (got.size, want.size))
        return want
    off = float(np.abs(want - got).max() / np.abs(want).max())
    figures.feature = max(figures.feature, off)
    if not off <= FEATURE_BOUND:
        figures.fault(image, "features off by %.3g of the largest" % off)
    return want


def compare_greedy(np, figures, golden, ours, entry, answer):
    image = entry["image"]
    if entry["greedy_gap"] <= MARGIN:
        figures.greedy_close += 1
        if answer["greedy_ids"] != entry["greedy_ids"]:
            return
    else:
        figures.greedy += 1
    if answer["greedy_ids"] != entry["greedy_ids"] or answer["greedy"] != entry["greedy"]:
        figures.fault(image, "greedy: %s instead of %s" % (answer["greedy_ids"], entry["greedy_ids"]))
        return
    want = np.fromfile(os.path.join(golden, image + ".alpha.f32"), dtype="<f4")
    if want.size:
        got = np.fromfile(os.path.join(ours, image + ".alpha.f32"), dtype="<f4")
        off = float(np.abs(want - got).max()) if want.shape == got.shape else float("inf")
        figures.alpha = max(figures.alpha, off)
        if not off <= ALPHA_BOUND:
            figures.fault(image, "attention off by %.3g" % off)
    want = np.fromfile(os.path.join(golden, image + ".logits.f32"), dtype="<f4")
    got = np.fromfile(os.path.join(ours, image + ".logits.f32"), dtype="<f4")
    bound = 1e-3 * max(1, np.abs(want[want > -1e3]).max())  # <end> may be biased by -10 000
    if want.shape != got.shape or not np.allclose(want, got, rtol=0, atol=bound):
        figures.fault(image, "logits differ")


def compare_beams(figures, image, width, entry, answer):
    if not entry["beam_gap"] > MARGIN:
        figures.beams_close += 1
        return
    figures.beams += 1
    want = [(b["ids"], b["caption"]) for b in entry["beams"]]
    got = [(b["ids"], b["caption"]) for b in answer["beams"]]
    if want != got:
        figures.fault(image, "beams of width %d: %s instead of %s" % (width, got, want))
        return
    off = max(abs(a["score"] - b["score"]) for a, b in zip(entry["beams"], answer["beams"]))
    figures.score = max(figures.score, off)
    if not off <= SCORE_BOUND:
        figures.fault(image, "beams of width %d: score off by %.3g" % (width, off))


def run(command, **more):
    done = subprocess.run(command, **more)
    if done.returncode != 0:
        sys.exit("check_reference: failed with %d: %s" % (done.returncode, " ".join(command)))


def check_model(np, ref, args, folder, options):
    model, golden = os.path.join(folder, "model.capw"), os.path.join(folder, "golden")
    run([os.path.join(args.build, "capconvert"), os.path.join(folder, "checkpoint.pth"), "--vocab",
         os.path.join(folder, "vocab.pkl"), "-o", model], stdout=subprocess.DEVNULL)
    reference, figures = Reference(ref, folder), Figures()
    with open(os.path.join(golden, "golden.json")) as f:
        entries = json.load(f)[:args.limit or None]
    for entry in entries:
        image = entry["image"]
        features = None
        for width in WIDTHS:
            ours = os.path.join(folder, "ours-%d" % width)
            run([os.path.join(args.build, "capdump"), "-m", model, "--no-exif", "--beams", str(width)] + options +
                [os.path.join(args.photos, image), ours])
            with open(os.path.join(ours, image + ".json")) as f:
                answer = json.load(f)
            if features is None:
                features = compare_arrays(np, figures, golden, ours, image)
                compare_greedy(np, figures, golden, ours, entry, answer)
                if not reference.baseline:
                    features = features.reshape(49, -1)
            want = entry if width == 5 else reference.beams(features, width)
            compare_beams(figures, image, width, want, answer)
        figures.images += 1
    return figures


def make_model(args, name, options):
    folder = os.path.join(args.work, name)
    if not os.path.exists(os.path.join(folder, "golden", "golden.json")):
        run([sys.executable, args.reference, folder, "--photos", args.photos, "--limit", str(args.limit)] + options,
            stdout=subprocess.DEVNULL)
    return folder


def parse():
    parser = argparse.ArgumentParser(description="compare libcaption with the PyTorch reference")
    shared = os.path.join(HERE, "..", "..", "shared")
    parser.add_argument("--fast", action="store_true", help="narrow models only")
    parser.add_argument("--limit", type=int, default=0, help="photos to use, 0: all")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    parser.add_argument("--reference", default=os.path.join(shared, "reference", "make_reference.py"))
    parser.add_argument("--photos", default=os.path.join(shared, "photos"))
    parser.add_argument("--work", help="where checkpoints are kept")
    parser.add_argument("--only", help="one model by its name: " + ", ".join(MODELS))
    parser.add_argument("options", nargs="*", help="further options of capdump, after --")
    return parser.parse_args()


def main():
    args = parse()
    if not os.path.exists(args.reference) or not os.path.isdir(args.photos):
        print("check-reference: skipped, no reference at", args.reference)
        return 0
    try:
        import numpy as np
        ref = import_reference(args.reference)
    except ImportError as error:
        print("check-reference: skipped,", error)
        return 0
    temporary = None
    if not args.work:
        temporary = tempfile.TemporaryDirectory()
        args.work = temporary.name
    faults = 0
    print("%-21s %6s %9s %9s %9s  %s" % ("model", "images", "features", "attention", "scores",
                                         "decided: greedy, beams (too close to tell)"))
    for name, options in MODELS.items():
        if args.only and name != args.only or not args.only and args.fast and not name.startswith("narrow"):
            continue
        f = check_model(np, ref, args, make_model(args, name, options), args.options)
        print("%-21s %6d %9.2g %9.2g %9.2g  %d (%d), %d (%d)%s" %
              (name, f.images, f.feature, f.alpha, f.score, f.greedy, f.greedy_close, f.beams, f.beams_close,
               "" if not f.faults else "  FAILED"), flush=True)
        for fault in f.faults[:20]:
            print("   ", fault)
        faults += len(f.faults)
    if temporary:
        temporary.cleanup()
    print("check-reference:", "%d out of bounds" % faults if faults else "all within bounds")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
