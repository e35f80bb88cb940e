"""The encoder as an ONNX graph, made of the 4-bit weights.

What was measured decided its form (`docs/decisions.md`): products in 8 bits with a scale for each
column, since 4-bit products take twice the time; the second half of each feed-forward step with a
scale for each 128 of its inputs, since these vary most and cost half of the precision; one text at
a time, since the inputs of an 8-bit product share a scale and a text's vector must not depend on
what it is computed beside. The nodes are those that a graph optimiser would make, but for Add and
LayerNormalization: joined into one they take eight times as long.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from services.encoder.weights import BLOCK, Bytes, Weights

INPUT, OUTPUT = "tokens", "vector"
"""Names of the graph's ends: int64, shape (1, n), and float32, shape (1, width), L2-normalised."""

# Two products of an unsigned byte and 63 fit into 16 bits, in which CPUs without VNNI add them.
# 127 is hardly better (cosine .9974 for .9971), as the weights had 4 bits to begin with.
_LARGEST = 63

_LARGE_BLOCK = 128
_ONNX_OPSET, _IR_VERSION = 20, 10
_CONTRIB = "com.microsoft"


class _Graph:
    """Nodes and constants as they come together; every method returns its output's name."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, values: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, output: str, *inputs: str, domain: str = "", **about: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **about))
        return output

    def normalised(self, output: str, given: str, name: str) -> str:
        """Layer normalisation with the weights of a name."""
        return self.node(
            "LayerNormalization",
            output,
            given,
            self.constant(f"{name}.w", self.weights.vector(f"{name}.w")),
            self.constant(f"{name}.b", self.weights.vector(f"{name}.b")),
            axis=-1,
            epsilon=self.weights.shape.epsilon,
        )

    def product(self, given: str, name: str, width: int, *, bias: bool = True) -> str:
        """A linear step with a scale for each column; its inputs are quantised as they come."""
        matrix = self.weights.matrix(f"{name}.w", width)
        scales = np.maximum(np.abs(matrix).max(axis=1), np.finfo(np.float32).tiny) / _LARGEST
        quanta = np.rint(matrix / scales[:, None]).astype(np.int8)
        inputs = [
            given,
            self.constant(f"{name}.w", quanta.T),
            self.constant(f"{name}.scales", scales),
            self.constant(f"{name}.zeros", np.zeros(len(scales), np.int8)),
        ]
        if bias:
            inputs.append(self.constant(f"{name}.b", self.weights.vector(f"{name}.b")))
        return self.node("DynamicQuantizeMatMul", f"{name}.out", *inputs, domain=_CONTRIB)

    def fine_product(self, given: str, name: str, width: int) -> str:
        """A linear step with a scale for each 128 inputs, of the weights and of what comes."""
        matrix = self.weights.matrix(f"{name}.w", width)
        blocks = matrix.reshape(len(matrix), -1, _LARGE_BLOCK)
        scales = np.maximum(np.abs(blocks).max(axis=2), np.finfo(np.float32).tiny) / 127
        quanta = (np.rint(blocks / scales[..., None]) + 128).astype(np.uint8)
        return self.node(
            "MatMulNBits",
            f"{name}.out",
            given,
            self.constant(f"{name}.w", quanta),
            self.constant(f"{name}.scales", scales.reshape(-1)),
            *("", ""),
            self.constant(f"{name}.b", self.weights.vector(f"{name}.b")),
            domain=_CONTRIB,
            **{"K": width, "N": len(matrix), "bits": 8, "block_size": _LARGE_BLOCK},
            accuracy_level=4,  # int8; the default computes in float32
        )

    def embedded(self) -> str:
        """The tokens' own vectors and those of their places; the table stays in 4 bits."""
        shape, weights = self.weights.shape, self.weights
        scales, quanta = weights.blocks("emb.word", shape.width)
        self.node(
            "GatherBlockQuantized",
            "words",
            self.constant("emb.word", _packed(quanta)),
            INPUT,
            self.constant("emb.scales", scales),
            domain=_CONTRIB,
            **{"gather_axis": 0, "quantize_axis": 1, "block_size": BLOCK, "bits": 4},
        )
        places = weights.vector("emb.pos").reshape(shape.positions, shape.width)
        kinds = weights.vector("emb.type").reshape(-1, shape.width)
        self.constant("emb.pos", places + kinds[0])
        self.constant("zero", np.array([0], np.int64))
        self.node("Shape", "length", INPUT, start=1, end=2)
        self.node("Slice", "places", "emb.pos", "zero", "length")
        return self.normalised("l0", self.node("Add", "sum", "words", "places"), "emb.ln")

    def layer(self, given: str, number: int) -> str:
        """Attention and feed-forward, each added to what came in and normalised."""
        name, shape = f"l{number}", self.weights.shape
        sides = [self.product(given, f"{name}.{each}", shape.width) for each in "qkv"]
        seen = self.node(
            "MultiHeadAttention", f"{name}.seen", *sides, domain=_CONTRIB, num_heads=shape.heads
        )
        seen = self.product(seen, f"{name}.ao", shape.width)
        seen = self.node("Add", f"{name}.sum", given, seen)
        seen = self.normalised(f"{name}.mid", seen, f"{name}.aln")
        inner = self.product(seen, f"{name}.fi", shape.width, bias=False)
        bias = self.constant(f"{name}.fi.b", self.weights.vector(f"{name}.fi.b"))
        inner = self.node("BiasGelu", f"{name}.gelu", inner, bias, domain=_CONTRIB)
        found = self.fine_product(inner, f"{name}.fo", shape.inner)
        found = self.node("Add", f"{name}.sum2", seen, found)
        return self.normalised(f"l{number + 1}", found, f"{name}.oln")


def _packed(quanta: Bytes) -> Bytes:
    """Put two neighbours into a byte, the first into its low half; shape (rows, width / 2)."""
    pairs = quanta.reshape(len(quanta), -1, 2)
    return (pairs[..., 0] | pairs[..., 1] << 4).astype(np.uint8)


def write(weights: Weights, folder: Path) -> None:
    """Write the graph as `encoder.onnx` and its constants beside it, to be mapped into memory."""
    graph = _Graph(weights)
    found = graph.embedded()
    for number in range(weights.shape.layers):
        found = graph.layer(found, number)
    graph.constant("one", np.array([1], np.int64))
    found = graph.node("ReduceMean", "mean", found, "one", keepdims=0)
    graph.node("LpNormalization", OUTPUT, found, axis=-1, p=2)
    ends = (
        helper.make_tensor_value_info(INPUT, TensorProto.INT64, [1, "n"]),
        helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, weights.shape.width]),
    )
    made = helper.make_graph(graph.nodes, "encoder", [ends[0]], [ends[1]], graph.constants)
    opsets = [helper.make_opsetid("", _ONNX_OPSET), helper.make_opsetid(_CONTRIB, 1)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION)
    onnx.save(
        model,
        folder / "encoder.onnx",
        save_as_external_data=True,
        location="encoder.weights",
        size_threshold=1024,
    )
