#!/usr/bin/env python3
"""Compares capconvert's safetensors files with PyTorch: `make check-reference`.

    check_safetensors.py [--build DIR]

A checkpoint whose tensors have all four kinds of floats, and views with strides, is written as safetensors by
capconvert.  It is read here by a reader that knows nothing but the format's description, and by the safetensors
package where that is installed; every tensor must have the same type and bits.  The other way round, a file that is
written here must give the same model file as the checkpoint.  The exit code is 1 when something differs.
"""
import argparse
import filecmp
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NARROW = ["--width", "8", "--embed", "20", "--hidden", "48", "--attention", "24", "--vocab", "300", "--limit", "1"]
STATES = ("encoder_state", "decoder_state")
CODES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64"}


def read(torch, path):
    """-> {name: tensor}, metadata"""
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        data = f.read()
    metadata, tensors, end = header.pop("__metadata__", {}), {}, 0
    for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, stop = t["data_offsets"]
        assert begin == end, "%s: %d bytes before it belong to no tensor" % (name, begin - end)
        flat = torch.frombuffer(bytearray(data[begin:stop]), dtype=getattr(torch, CODES[t["dtype"]]))
        tensors[name], end = flat.reshape(t["shape"]), stop
    assert end == len(data), "%d bytes behind the last tensor" % (len(data) - end)
    return tensors, metadata


def write(torch, tensors, metadata, path):
    codes = {name: code for code, name in CODES.items()}
    header, data = {"__metadata__": metadata}, b""
    for name, t in tensors.items():
        bits = bytes(t.contiguous().reshape(-1).view(torch.uint8).numpy()) if t.dim() else \
            struct.pack("<q", int(t))
        header[name] = {"dtype": codes[str(t.dtype).split(".")[1]], "shape": list(t.shape),
                        "data_offsets": [len(data), len(data) + len(bits)]}
        data += bits
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def mix(torch, checkpoint):
    """Gives the tensors other types and strides; their values stay what the types can hold."""
    kinds = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
    for state in STATES:
        for i, (name, t) in enumerate(checkpoint[state].items()):
            if not t.dtype.is_floating_point:
                continue
            t = t.to(kinds[i % 4])
            checkpoint[state][name] = t.t().contiguous().t() if t.dim() == 2 and i % 3 == 0 else t


def same(torch, a, b):
    def bits(t):
        return t.contiguous().reshape(-1).view(torch.uint8) if t.dim() else t

    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(bits(a), bits(b))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", metavar="DIR", default=os.path.join(HERE, "..", "..", "build"))
    args = parser.parse_args()
    try:
        import torch
        import reference
    except ImportError as error:
        print("check-safetensors: skipped,", error)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        def at(name):
            return os.path.join(folder, name)

        def convert(source, vocabulary, *output):
            subprocess.run([os.path.join(args.build, "capconvert"), "-q", at(source), "--vocab", at(vocabulary), *output],
                           check=True)

        subprocess.run([sys.executable, os.path.join(HERE, "make_reference.py"), folder] + NARROW, check=True,
                       stdout=subprocess.DEVNULL)
        checkpoint = torch.load(at("checkpoint.pth"))
        mix(torch, checkpoint)
        torch.save(checkpoint, at("checkpoint.pth"))
        wanted = {"%s.%s" % (s, name): t for s in STATES for name, t in checkpoint[s].items()}
        convert("checkpoint.pth", "vocab.pkl", "--to-safetensors", at("out.safetensors"))
        readers = {"own reader": read(torch, at("out.safetensors"))[0]}
        try:
            import safetensors.torch
            readers["package"] = safetensors.torch.load_file(at("out.safetensors"))
        except ImportError:
            pass
        faults = ["%s: %s" % (reader, name) for reader, tensors in readers.items()
                  for name in sorted(set(wanted) | set(tensors))
                  if name not in wanted or name not in tensors or not same(torch, wanted[name], tensors[name])]
        words = [word for _, word in sorted(reference.load_vocabulary(at("vocab.pkl")).itos.items())]
        with open(at("out.vocab.json"), encoding="utf-8") as f:
            if json.load(f) != words:
                faults.append("the vocabulary differs")
        metadata = {key: json.dumps(checkpoint[key]) for key in ("config", "metrics", "epoch")}
        metadata["checkpoint"] = json.dumps("checkpoint.pth")
        write(torch, dict(reversed(list(wanted.items()))), metadata, at("ours.safetensors"))
        convert("checkpoint.pth", "vocab.pkl", "-o", at("checkpoint.capw"))
        for name in ("out", "ours"):
            convert(name + ".safetensors", "vocab.pkl", "-o", at(name + ".capw"))
            if not filecmp.cmp(at(name + ".capw"), at("checkpoint.capw"), shallow=False):
                faults.append("%s.safetensors gives another model file" % name)
    for fault in faults[:20]:
        print("   ", fault)
    print("check-safetensors:", "%d differences" % len(faults) if faults else
          "%d tensors with the same bits (%s), and the same model file" % (len(wanted), ", ".join(readers)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
