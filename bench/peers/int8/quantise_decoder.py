#!/usr/bin/env python3
"""Writes the decoder's step in int8: every Gemm (attention, cell, vocabulary) becomes DynamicQuantizeLinear and
MatMulInteger, whose sums are scaled back to float before the bias is added."""
import argparse

import numpy as np
from onnx import TensorProto, helper

import graphs


def integer_product(node, weights, rounded):
    """-> the nodes and initializers that replace a Gemm (transB = 1); `rounded` are the inputs already rounded."""
    x, weight, bias = node.input
    out = node.output[0]
    values, scale = graphs.round_weights(weights[weight])
    nodes = []
    if x not in rounded:
        rounded.add(x)
        nodes.append(helper.make_node("DynamicQuantizeLinear", [x], [x + "_q", x + "_s", x + "_z"]))
    nodes += [helper.make_node("MatMulInteger", [x + "_q", weight + "_q", x + "_z", weight + "_z"], [out + "_i"]),
              helper.make_node("Cast", [out + "_i"], [out + "_c"], to=TensorProto.FLOAT),
              helper.make_node("Mul", [x + "_s", weight + "_s"], [out + "_m"]),
              helper.make_node("Mul", [out + "_c", out + "_m"], [out + "_f"]),
              helper.make_node("Add", [out + "_f", bias], [out])]
    return nodes, [graphs.tensor(weight + "_q", values.T.copy()), graphs.tensor(weight + "_s", scale),
                   graphs.tensor(weight + "_z", np.zeros(len(scale), np.int8))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("decoder", metavar="DECODER.ONNX")
    parser.add_argument("out", metavar="OUT.ONNX")
    args = parser.parse_args()
    graph, weights = graphs.read(args.decoder)
    nodes, replaced, added, rounded = [], set(), [], set()
    for node in graph.node:
        if node.op_type != "Gemm":
            nodes.append(node)
            continue
        more_nodes, more = integer_product(node, weights, rounded)
        nodes += more_nodes
        added += more
        replaced.add(node.input[1])
    graphs.write(args.out, graph, nodes, [i for i in graph.initializer if i.name not in replaced] + added)


if __name__ == "__main__":
    main()
