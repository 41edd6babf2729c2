"""Checkpoints, model files, captions and archives that take their tools long, or much memory.

Each function of CASES fills a folder, and returns the command line of the tool and the file that costs.
`good` is the folder of a model, a checkpoint and a vocabulary that test/attack/corpus makes.
"""
import io
import json
import os
import shutil
import struct
import tarfile

MOST = 10_000_000  # bytes of a file


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def fill(line, size=MOST):
    """line(0) + line(1) + ..., of at most `size` bytes."""
    parts, total = [], 0
    while True:
        part = line(len(parts))
        total += len(part)
        if total > size:
            return "".join(parts)
        parts.append(part)


# ---- capconvert, capinfo ----

def pickle_lists(folder, good):
    """Lists, each kept and noted: a value for every two bytes."""
    path = write(folder, "vocab.pkl", b"\x80\x04(" + b"]\x94" * 4_000_000 + b"t.")
    return ["capconvert", good + "/model.pth", "--vocab", path, "-o", folder + "/x.capw"], path


def pickle_words(folder, good):
    """A vocabulary of ever so many words."""
    body = fill(lambda i: "K\x01X\x08\0\0\0%08d" % i, MOST - 1_000).encode("latin-1")
    path = write(folder, "vocab.pkl", b"\x80\x04}(" + body + b"u.")
    return ["capconvert", good + "/model.pth", "--vocab", path, "-o", folder + "/x.capw"], path


def safetensors_header(folder, good):
    """Nothing but names of empty tensors."""
    header = ("{" + fill(lambda i: ',"%d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}' % i, MOST - 100)[1:] + "}").encode()
    path = write(folder, "x.safetensors", struct.pack("<Q", len(header)) + header)
    return ["capconvert", path, "--vocab", good + "/vocab.pkl", "-o", folder + "/x.capw"], path


def checkpoint(folder, good):
    path = good + "/model.pth"
    return ["capconvert", path, "--vocab", good + "/vocab.pkl", "-o", folder + "/x.capw"], path


def model(folder, good):
    del good
    path = os.path.join(folder, "scenes.capw")
    shutil.copy("weights/scenes.capw", path)
    return ["capinfo", "--verify", path], path


# ---- capeval ----

def score(folder, references, predictions, costs):
    refs, preds = write(folder, "refs", references), write(folder, "preds", predictions)
    return ["capeval", "score", "--wordnet", "none", "--refs", refs, preds], refs if costs == "refs" else preds


def references(folder, good):
    """Images and words that are all different."""
    del good
    return score(folder, "image,caption\n" + fill(lambda i: "%x,%x\n" % (i, i), MOST - 20), "0\ta dog\n", "refs")


def comments(folder, good):
    del good
    lines = fill(lambda i: "a| %d| a\n" % i, MOST - 50)
    return score(folder, "image_name| comment_number| comment\n" + lines, "a\t" + "a " * 499 + "\n", "refs")


def predictions(folder, good):
    """Captions of as many words as there may be, and a reference like each."""
    del good
    caption = "a " * 499
    path = write(folder, "published.json", "[" + fill(
        lambda i: ',{"image_id":"%d","prediction":"%s","ground_truth":["%s"]}' % (i, caption, caption), MOST - 2)[1:] + "]")
    return ["capeval", "score", "--wordnet", "none", path], path


def different_words(folder, good):
    del good

    def item(i):
        one, two = (" ".join("%x" % (2_000 * i + 2 * k + odd) for k in range(140)) for odd in (0, 1))
        return ',{"image_id":"%d","prediction":"%s","ground_truth":["%s"]}' % (i, one, two)
    path = write(folder, "published.json", "[" + fill(item, MOST - 2)[1:] + "]")
    return ["capeval", "score", "--wordnet", "none", path], path


def many_references(folder, good):
    """A caption of 500 words, and a million references of one, in a file of a tenth the size."""
    del good
    words = " ".join(chr(ord("a") + i % 26) for i in range(499))
    size = MOST // 10
    path = write(folder, "published.json", json.dumps(
        [{"image_id": "a", "prediction": words, "ground_truth": ["0"] * ((size - 1_100) // 4)}], separators=(",", ":")))
    return ["capeval", "score", "--wordnet", "none", path], path


def json_keys(folder, good):
    """One object, as large as it may be, with as many keys as it can hold."""
    del good
    line = '{"image":"a","caption":"a dog",' + fill(lambda i: '"%x":1,' % i, 4_100_000)[:-1] + "}\n"
    return score(folder, "image,caption\na,a dog\n", line, "preds")


def wordnet(folder, good):
    """An index whose lemmas stand in the wrong order."""
    del good
    for part in ("noun", "verb", "adj", "adv"):
        for name in ("index." + part, "data." + part, part + ".exc"):
            write(folder, name, "")
    path = write(folder, "index.noun", fill(lambda i: "%08x n 0 0 0 0\n" % (0xFFFFFFFF - i)))
    refs, preds = write(folder, "refs", "image,caption\na,a dog\n"), write(folder, "preds", "a\ta cat\n")
    return ["capeval", "score", "--wordnet", folder, "--refs", refs, preds], path


# ---- capbatch ----

def small_members(folder, good):
    """Pictures of one byte, each of which is refused."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for i in range(MOST // 1024 - 20):
            info = tarfile.TarInfo("%d.jpg" % i)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    path = write(folder, "x.tar", out.getvalue())
    return ["capbatch", "-q", "--greedy", "-m", good + "/int8.capw", path], path


def names(folder, good):
    """Names of pictures that are not there."""
    path = write(folder, "names", fill(lambda i: "%x\n" % i, MOST // 10))
    return ["capbatch", "-q", "--greedy", "-m", good + "/int8.capw", "--files-from", path], path


CASES = {
    "pickle, lists": pickle_lists,
    "pickle, words": pickle_words,
    "safetensors, names": safetensors_header,
    "checkpoint": checkpoint,
    "model file": model,
    "references": references,
    "results.csv": comments,
    "predictions, equal words": predictions,
    "predictions, different words": different_words,
    "predictions, references": many_references,
    "predictions, keys": json_keys,
    "WordNet": wordnet,
    "tar, small members": small_members,
    "list of names": names,
}
