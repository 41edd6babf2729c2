#!/usr/bin/env python3
"""Finds the range of every tensor of the float encoder on pictures, for quantise_encoder.py.

Runs the ONNX graph with PyTorch, node by node, and writes a JSON object {tensor: {min, max, low, high}}; low and high
are the percentiles 0.01 and 99.99.  At the end it says how far its own run of the graph is from PyTorch's encoder.
"""
import argparse
import json
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

import graphs

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "..", "test", "reference"))
import reference  # noqa: E402

SAMPLES = 20000  # of a tensor and picture


def run_graph(graph, weights, x, see):
    """Calls see(name, tensor) for the input and every map -> the last map."""
    values = {"x": x}
    see("x", x)
    for node in graph.node:
        a = graphs.attributes(node)
        if node.op_type == "Conv":
            y = F.conv2d(values[node.input[0]], weights[node.input[1]], weights[node.input[2]], stride=a["strides"],
                         padding=a["pads"][:2])
        elif node.op_type == "Relu":
            y = F.relu(values[node.input[0]])
        elif node.op_type == "Add":
            y = values[node.input[0]] + values[node.input[1]]
        elif node.op_type == "MaxPool":
            y = F.max_pool2d(values[node.input[0]], 3, 2, 1)
        else:
            break  # the reshaping at the end
        values[node.output[0]] = y
        see(node.output[0], y)
    return y


class Ranges:
    def __init__(self):
        self.seen = {}

    def see(self, name, y):
        y = y.flatten().numpy()
        entry = self.seen.setdefault(name, {"min": float("inf"), "max": float("-inf"), "samples": []})
        entry["min"] = min(entry["min"], float(y.min()))
        entry["max"] = max(entry["max"], float(y.max()))
        entry["samples"].append(y[::max(1, y.size // SAMPLES)].copy())

    def result(self):
        out = {}
        for name, entry in self.seen.items():
            low, high = np.percentile(np.concatenate(entry["samples"]), (0.01, 99.99))
            out[name] = {"min": entry["min"], "max": entry["max"], "low": float(low), "high": float(high)}
        return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="that encoder.onnx was made from")
    parser.add_argument("encoder", metavar="ENCODER.ONNX")
    parser.add_argument("ranges", metavar="RANGES.JSON", help="is written")
    parser.add_argument("--photos", action="append", metavar="DIR",
                        help="pictures, may be given again (default: the project's own)")
    args = parser.parse_args()
    graph, arrays = graphs.read(args.encoder)
    weights = {name: torch.from_numpy(a.copy()) for name, a in arrays.items()}
    ranges = Ranges()
    with torch.no_grad():
        inputs = [reference.preprocess(path)[1] for path in reference.pictures(args.photos).values()]
        for x in inputs:
            run_graph(graph, weights, x, ranges.see)
        encoder, _, _ = reference.load(args.checkpoint)
        want = encoder(inputs[0])
        got = run_graph(graph, weights, inputs[0], lambda name, y: None).flatten(2).transpose(1, 2)
    with open(args.ranges, "w") as f:
        json.dump(ranges.result(), f, indent=1)
    print("%s: %d tensors on %d pictures; features off by %.2g of the largest" %
          (args.ranges, len(ranges.seen), len(inputs), float((want - got).abs().max() / want.abs().max())))


if __name__ == "__main__":
    main()
