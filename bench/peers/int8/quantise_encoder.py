#!/usr/bin/env python3
"""Writes the encoder in int8: weights for each output channel, activations with one scale for each map.

Every convolution and addition stands between QuantizeLinear and DequantizeLinear, which ONNX Runtime fuses into
QLinearConv and QLinearAdd.  A ReLU vanishes: the range of its output begins at zero, and rounding cuts off what is
below.
"""
import argparse
import json
import sys

import numpy as np
from onnx import helper

import graphs


class Builder:
    def __init__(self, graph, weights, ranges, args):
        self.graph, self.weights, self.ranges = graph, weights, ranges
        self.kind = np.uint8 if args.activations == "u8" else np.int8
        self.lowest = 0 if args.activations == "u8" else -128
        self.limits = ("min", "max") if args.clip == "minmax" else ("low", "high")
        self.initializers, self.nodes, self.constants = [], [], set()
        self.consumers = {}
        for node in graph.node:
            for name in node.input:
                self.consumers.setdefault(name, []).append(node)

    def constant(self, name, values):
        if name not in self.constants:
            self.constants.add(name)
            self.initializers.append(graphs.tensor(name, values))
        return name

    def add(self, kind, inputs, output, **more):
        self.nodes.append(helper.make_node(kind, inputs, [output], **more))
        return output

    def scale(self, name):
        low, high = (self.ranges[name][limit] for limit in self.limits)
        return np.float32((max(high, 0.0) - min(low, 0.0)) / 255)

    def scale_names(self, name):
        """The names of the map's scale and zero point."""
        low = min(self.ranges[name][self.limits[0]], 0.0)
        zero = int(round(-low / self.scale(name))) + self.lowest
        return self.constant(name + "_s", self.scale(name)), self.constant(name + "_z", np.array(zero, self.kind))

    def quantise(self, source, name):
        self.add("QuantizeLinear", [source, *self.scale_names(name)], name + "_q")

    def dequantise(self, name):
        return self.add("DequantizeLinear", [name + "_q", *self.scale_names(name)],
                        "%s_dq%d" % (name, len(self.nodes)))

    def dequantised_weights(self, name, values, scale):
        inputs = [self.constant(name + "_q", values), self.constant(name + "_s", scale),
                  self.constant(name + "_z", np.zeros(len(values), values.dtype))]
        return self.add("DequantizeLinear", inputs, name + "_dq", axis=0)

    def convolution(self, node, output):
        weight, scale = graphs.round_weights(self.weights[node.input[1]])
        scale_of_sums = (self.scale(node.input[0]) * scale).astype(np.float32)
        bias = np.rint(self.weights[node.input[2]] / scale_of_sums).astype(np.int32)
        inputs = [self.dequantise(node.input[0]), self.dequantised_weights(node.input[1], weight, scale),
                  self.dequantised_weights(node.input[2], bias, scale_of_sums)]
        self.add("Conv", inputs, output + "_f", name=node.name, **graphs.attributes(node))
        self.quantise(output + "_f", output)

    def build(self):
        self.quantise("x", "x")
        fused, tail, last = [], [], None
        for node in self.graph.node:
            output = node.output[0]
            if any(node is f for f in fused):
                continue
            if node.op_type in ("Conv", "Add"):
                users = self.consumers[output]
                if len(users) == 1 and users[0].op_type == "Relu":
                    fused.append(users[0])
                    output = users[0].output[0]
                last = output
                if node.op_type == "Conv":
                    self.convolution(node, output)
                else:
                    self.add("Add", [self.dequantise(i) for i in node.input], output + "_f", name=node.name)
                    self.quantise(output + "_f", output)
            elif node.op_type == "MaxPool":
                self.ranges[output] = self.ranges[node.input[0]]
                self.add("MaxPool", [self.dequantise(node.input[0])], output + "_f", name=node.name,
                         **graphs.attributes(node))
                self.quantise(output + "_f", output)
            elif node.op_type == "Relu":
                sys.exit("quantise_encoder: %s: a ReLU behind neither a convolution nor a sum" % node.name)
            else:
                tail.append(node)
        self.finish(tail, last)

    def finish(self, tail, last):
        """The reshaping at the end, of the last map in float."""
        features = self.dequantise(last)
        for node in tail:
            for i, name in enumerate(node.input):
                if name == last:
                    node.input[i] = features
            if node.op_type == "Constant":
                self.nodes.insert(0, node)
            else:
                self.nodes.append(node)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("encoder", metavar="ENCODER.ONNX")
    parser.add_argument("ranges", metavar="RANGES.JSON", help="from calibrate.py")
    parser.add_argument("out", metavar="OUT.ONNX")
    parser.add_argument("--activations", choices=["u8", "s8"], default="u8")
    parser.add_argument("--clip", choices=["minmax", "percentile"], default="percentile")
    args = parser.parse_args()
    graph, weights = graphs.read(args.encoder)
    with open(args.ranges) as f:
        builder = Builder(graph, weights, json.load(f), args)
    builder.build()
    graphs.write(args.out, graph, builder.nodes, builder.initializers)


if __name__ == "__main__":
    main()
