"""What the int8 scripts share: reading an ONNX graph and its weights, rounding weights, writing a graph.

Needs Debian's python3-onnx.
"""
import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET, IR_VERSION = 13, 8


def read(path):
    """-> the graph, {name: array} of its weights"""
    graph = onnx.load(path).graph
    return graph, {i.name: numpy_helper.to_array(i) for i in graph.initializer}


def attributes(node):
    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def tensor(name, values):
    return numpy_helper.from_array(np.asarray(values), name)


def round_weights(weight):
    """Symmetric int8 for each row: weight [O, ...] -> int8 [O, ...], float32 scales [O]"""
    largest = np.abs(weight).reshape(len(weight), -1).max(1)
    scale = (largest / 127).astype(np.float32)
    shaped = scale.reshape([-1] + [1] * (weight.ndim - 1))
    return np.clip(np.rint(weight / shaped), -127, 127).astype(np.int8), scale


def write(path, old, nodes, initializers):
    """A graph with the inputs and outputs of `old`."""
    graph = helper.make_graph(nodes, "int8", list(old.input), list(old.output), initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.save(model, path)
    print("%s: %d nodes" % (path, len(nodes)))
