#!/usr/bin/env python3
"""Compares the library with PyTorch: `make check-reference`.

    check_reference.py [options] [-- CAPDUMP_OPTION...]

For every kind of decoder make_reference.py makes a checkpoint, capconvert converts it, and capdump's files are
compared with PyTorch's:
    pixels              bit for bit
    features            within 1e-4 of their largest magnitude
    attention           within 1e-4
    greedy tokens       equal
    beams of 1, 3, 5, 10: tokens, order and text equal, scores within 1e-3
    Grad-CAM            gradients and maps of every word within 1e-4 of the word's largest magnitude.  For this the
                        model never ends a caption, so that each has 20 words
Tokens are compared wherever the reference's own decisions were not closer than 1e-3.  Prints the largest differences.
The exit code is 1 when one is out of bounds, and 0 with a message where PyTorch isn't installed.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MARGIN = SCORE_BOUND = 1e-3
FEATURE_BOUND = ALPHA_BOUND = GRADIENT_BOUND = 1e-4
NEVER = -1e4  # a logit of <end>
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


def run(command, **more):
    done = subprocess.run(command, **more)
    if done.returncode != 0:
        sys.exit("check_reference: failed with %d: %s" % (done.returncode, " ".join(command)))


def make_reference(folder, options):
    run([sys.executable, os.path.join(HERE, "make_reference.py"), folder] + options, stdout=subprocess.DEVNULL)


def convert(build, folder, model, checkpoint="checkpoint.pth"):
    run([os.path.join(build, "capconvert"), os.path.join(folder, checkpoint), "--vocab",
         os.path.join(folder, "vocab.pkl"), "-o", model], stdout=subprocess.DEVNULL)


class Reference:
    """A folder of make_reference.py, loaded again to search with other beam widths."""

    def __init__(self, folder):
        import numpy
        import torch
        import reference
        self.np, self.torch, self.ref = numpy, torch, reference
        self.folder, self.golden = folder, os.path.join(folder, "golden")
        self.encoder, self.decoder, _ = reference.load(os.path.join(folder, "checkpoint.pth"))
        self.vocabulary = reference.load_vocabulary(os.path.join(folder, "vocab.pkl"))
        with open(os.path.join(self.golden, "golden.json")) as f:
            self.entries = json.load(f)

    def beams(self, image, width):
        """The same fields as an entry of golden.json has, from the golden features."""
        features = self.np.fromfile(os.path.join(self.golden, image + ".feat.f32"), dtype="<f4")
        if self.decoder.has_attention:
            features = features.reshape(49, -1)
        with self.torch.no_grad():
            found, gap = self.ref.beam(self.decoder, self.torch.from_numpy(features).unsqueeze(0), k=width)
        return {"beam_gap": gap, "beams": [{"score": s, "ids": t, "caption": self.ref.words(self.vocabulary, t)}
                                           for s, t in found]}


    def make_endless(self, build):
        """A model file whose captions never end -> its name; this decoder becomes the same."""
        checkpoint = self.torch.load(os.path.join(self.folder, "checkpoint.pth"), map_location="cpu")
        self.decoder.fc.bias.data[self.ref.END] = checkpoint["decoder_state"]["fc.bias"][self.ref.END] = NEVER
        self.torch.save(checkpoint, os.path.join(self.folder, "endless.pth"))
        model = os.path.join(self.folder, "endless.capw")
        convert(build, self.folder, model, "endless.pth")
        os.remove(os.path.join(self.folder, "endless.pth"))
        return model


class Figures:
    """The largest differences of one model, and what was out of bounds."""

    def __init__(self):
        self.feature = self.alpha = self.score = self.gradient = self.map = 0.0
        self.words = 0  # whose gradients were compared
        self.images = self.greedy = self.greedy_close = self.beams = self.beams_close = 0
        self.faults = []

    def fault(self, image, text):
        self.faults.append("%s: %s" % (image, text))

    def line(self):
        return "%6d %9.2g %9.2g %9.2g %9.2g %9.2g %6d  %d (%d), %d (%d)%s" % (
            self.images, self.feature, self.alpha, self.score, self.gradient, self.map, self.words, self.greedy,
            self.greedy_close, self.beams, self.beams_close, "  FAILED" if self.faults else "")


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
        return
    off = float(np.abs(want - got).max() / np.abs(want).max())
    figures.feature = max(figures.feature, off)
    if not off <= FEATURE_BOUND:
        figures.fault(image, "features off by %.3g of the largest" % off)


def compare_greedy(np, figures, golden, ours, entry, answer):
    image = entry["image"]
    close = entry["greedy_gap"] <= MARGIN
    figures.greedy_close += close
    figures.greedy += not close
    if answer["greedy_ids"] != entry["greedy_ids"] or answer["greedy"] != entry["greedy"]:
        if not close:
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


def compare_gradients(args, figures, reference, model, path):
    """Grad-CAM of the best caption, from the feature map that the library computed: the baseline kind's is the last
    layer's, before pooling.  Gradients through 20 steps may enlarge the differences between features."""
    import gradcam
    np, image = reference.np, os.path.basename(path)
    ours = os.path.join(reference.folder, "ours-endless")
    run([os.path.join(args.build, "capdump"), "-m", model, "--no-exif", "--gradcam"] +
        ([] if reference.decoder.has_attention else ["--layers"]) + args.options + [path, ours])

    def load(ending):
        return np.fromfile(os.path.join(ours, image + ending), dtype="<f4")

    with open(os.path.join(ours, image + ".json")) as f:
        ids = json.load(f)["beams"][0]["ids"]
    last = ".feat.f32" if reference.decoder.has_attention else ".layer4.2.conv3.f32"
    weights, maps = gradcam.explain(reference.encoder, reference.decoder, load(last).reshape(49, -1), ids)
    for name, want, got in (("gradient", weights, load(".gradweights.f32")), ("map", maps, load(".gradcam.f32"))):
        if want.size != got.size:
            figures.fault(image, "%ss: %d numbers instead of %d" % (name, got.size, want.size))
            continue
        most = np.abs(want).max(1)
        off = float((np.abs(want - got.reshape(want.shape)).max(1) / np.where(most > 0, most, 1)).max())
        setattr(figures, name, max(getattr(figures, name), off))
        if not off <= GRADIENT_BOUND:
            figures.fault(image, "%s of a word off by %.3g of its largest" % (name, off))
    figures.words += len(ids)


def check_model(args, folder, pictures):
    model = os.path.join(folder, "model.capw")
    convert(args.build, folder, model)
    reference, figures = Reference(folder), Figures()
    for entry in reference.entries[:args.limit or None]:
        image = entry["image"]
        if image not in pictures:
            sys.exit("check_reference: %s was made from %s, which is not among the pictures" % (folder, image))
        for width in WIDTHS:
            ours = os.path.join(folder, "ours-%d" % width)
            run([os.path.join(args.build, "capdump"), "-m", model, "--no-exif", "--beams", str(width)] +
                args.options + [pictures[image], ours])
            with open(os.path.join(ours, image + ".json")) as f:
                answer = json.load(f)
            if width == WIDTHS[0]:
                compare_arrays(reference.np, figures, reference.golden, ours, image)
                compare_greedy(reference.np, figures, reference.golden, ours, entry, answer)
            compare_beams(figures, image, width, entry if width == 5 else reference.beams(image, width), answer)
        figures.images += 1
    endless = reference.make_endless(args.build)
    for entry in reference.entries[:args.limit or None]:
        compare_gradients(args, figures, reference, endless, pictures[entry["image"]])
    return figures


def make_model(args, name, options):
    folder = os.path.join(args.work, name)
    if not os.path.exists(os.path.join(folder, "golden", "golden.json")):
        for photos in args.photos or []:
            options = options + ["--photos", photos]
        make_reference(folder, options + ["--limit", str(args.limit)])
    return folder


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="narrow models only")
    parser.add_argument("--only", metavar="NAME", choices=MODELS, help="one model: " + ", ".join(MODELS))
    parser.add_argument("--photos", action="append", metavar="DIR",
                        help="pictures, may be given again (default: the project's own)")
    parser.add_argument("--limit", type=int, default=0, help="use only so many pictures")
    parser.add_argument("--build", metavar="DIR", default=os.path.join(HERE, "..", "..", "build"),
                        help="where capconvert and capdump are")
    parser.add_argument("--work", metavar="DIR", help="keep the checkpoints here, and use those already there")
    parser.add_argument("options", nargs="*", help="more options of capdump, after --")
    return parser.parse_args()


def main():
    args = parse()
    try:
        import reference
    except ImportError as error:
        print("check-reference: skipped,", error)
        return 0
    pictures = reference.pictures(args.photos)
    faults = 0
    with tempfile.TemporaryDirectory() as temporary:
        args.work = args.work or temporary
        print("%-21s %6s %9s %9s %9s %9s %9s %6s  %s" % (
            "model", "images", "features", "attention", "scores", "gradients", "maps", "words",
            "searches compared: greedy, beams (in brackets: too close to tell)"))
        for name, options in MODELS.items():
            if name != args.only if args.only else args.fast and not name.startswith("narrow"):
                continue
            figures = check_model(args, make_model(args, name, options), pictures)
            print("%-21s %s" % (name, figures.line()), flush=True)
            for fault in figures.faults[:20]:
                print("   ", fault)
            faults += len(figures.faults)
    print("check-reference:", "%d out of bounds" % faults if faults else "all within bounds")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
