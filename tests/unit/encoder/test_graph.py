"""The graph computes what the model's description says, shown on a model of two small layers."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from scipy.special import erf, softmax

from services.encoder import graph
from services.encoder.weights import BLOCK, Bytes, Floats, Shape

SHAPE = Shape(width=64, layers=2, heads=4, inner=256, rows=50, positions=16, epsilon=1e-12)


class SmallWeights:
    """Random weights in the form of the real ones; a name always gives the same."""

    shape = SHAPE

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def vector(self, name: str) -> Floats:
        """A bias, or what a normalisation multiplies with."""
        size = {"emb.pos": SHAPE.positions * SHAPE.width, "emb.type": 2 * SHAPE.width}
        inner = SHAPE.inner if name.endswith("fi.b") else SHAPE.width
        centre = 1.0 if name.endswith("ln.w") else 0.0
        values = self._random(name).normal(centre, 0.1, size.get(name, inner))
        return values.astype(np.float32)

    def blocks(self, name: str, width: int) -> tuple[Floats, Bytes]:
        """Scales and weights of 4 bits."""
        random = self._random(name)
        rows = {"emb.word": SHAPE.rows}.get(name, SHAPE.inner if ".fi." in name else SHAPE.width)
        scales = random.uniform(0.01, 0.03, (rows, width // BLOCK)).astype(np.float32)
        return scales, random.integers(0, 16, (*scales.shape, BLOCK), dtype=np.uint8)

    def matrix(self, name: str, width: int) -> Floats:
        """The same as numbers."""
        scales, quanta = self.blocks(name, width)
        return ((quanta.astype(np.float32) - 8) * scales[..., None]).reshape(-1, width)

    def _random(self, name: str) -> np.random.Generator:
        return np.random.default_rng(list(name.encode()))


def reference(weights: SmallWeights, tokens: list[int]) -> Floats:
    """The encoder by its description (Devlin et al. 2018, with mean pooling), in floats."""

    def linear(given: Floats, name: str, width: int) -> Floats:
        return given @ weights.matrix(f"{name}.w", width).T + weights.vector(f"{name}.b")

    def normalised(given: Floats, name: str) -> Floats:
        centred = given - given.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + SHAPE.epsilon)
        return scaled * weights.vector(f"{name}.w") + weights.vector(f"{name}.b")

    def by_head(given: Floats) -> Floats:
        return given.reshape(len(tokens), SHAPE.heads, -1).transpose(1, 0, 2)

    places = weights.vector("emb.pos").reshape(SHAPE.positions, -1)[: len(tokens)]
    kind = weights.vector("emb.type")[: SHAPE.width]
    found = weights.matrix("emb.word", SHAPE.width)[tokens] + places + kind
    found = normalised(found, "emb.ln")
    for number in range(SHAPE.layers):
        name = f"l{number}"
        query, key, value = (
            by_head(linear(found, f"{name}.{each}", SHAPE.width)) for each in "qkv"
        )
        shares = softmax(query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1]), axis=-1)
        seen = (shares @ value).transpose(1, 0, 2).reshape(len(tokens), -1)
        found = normalised(found + linear(seen, f"{name}.ao", SHAPE.width), f"{name}.aln")
        inner = linear(found, f"{name}.fi", SHAPE.width)
        inner = inner * (1 + erf(inner / np.sqrt(2))) / 2
        found = normalised(found + linear(inner, f"{name}.fo", SHAPE.inner), f"{name}.oln")
    mean = found.mean(axis=0)
    return mean / np.linalg.norm(mean)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model's graph."""
    folder = tmp_path_factory.mktemp("graph")
    graph.write(SmallWeights(), folder)  # type: ignore[arg-type]
    return folder / "encoder.onnx"


@pytest.fixture(scope="module")
def session(made: Path) -> Any:
    """The graph, ready to run."""
    return onnxruntime.InferenceSession(made, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize(
    "tokens",
    [[0, 2], [0, 7, 2], [0, 7, 9, 30, 30, 4, 2], [0, *range(20, 34), 2]],
    ids=lambda tokens: f"{len(tokens)} tokens",
)
def test_it_computes_what_the_description_says(session: Any, tokens: list[int]) -> None:
    """But for what 8 bits lose; the longest text has a token at every place."""
    (vectors,) = session.run(None, {graph.INPUT: np.array([tokens], np.int64)})
    assert vectors.shape == (1, SHAPE.width)
    assert vectors[0] @ reference(SmallWeights(), tokens) > 0.999
    assert np.linalg.norm(vectors) == pytest.approx(1, abs=1e-5)


def test_the_order_of_tokens_counts(session: Any) -> None:
    """Places have vectors of their own."""
    one, other = (
        session.run(None, {graph.INPUT: np.array([tokens], np.int64)})[0]
        for tokens in ([0, 7, 9, 2], [0, 9, 7, 2])
    )
    assert not np.allclose(one, other, atol=1e-3)


def test_a_text_longer_than_the_places_is_refused(session: Any) -> None:
    """Nobody reads behind the table; the encoder cuts texts before."""
    tokens = np.zeros((1, SHAPE.positions + 1), np.int64)
    with pytest.raises(Exception, match="Add"):
        session.run(None, {graph.INPUT: tokens})


def test_no_byte_of_a_product_is_too_large_for_an_old_cpu(made: Path) -> None:
    """Without VNNI two products are added in 16 bits, and saturate silently."""
    model = onnx.load(made)
    values = {each.name: onnx.numpy_helper.to_array(each) for each in model.graph.initializer}
    quanta = [
        values[node.input[1]]
        for node in model.graph.node
        if node.op_type == "DynamicQuantizeMatMul"
    ]
    assert len(quanta) == 5 * SHAPE.layers
    assert max(np.abs(each.astype(int)).max() for each in quanta) == 63


def test_the_graph_is_small_and_its_constants_lie_beside_it(made: Path) -> None:
    """They are mapped into memory: replicas on one machine share them."""
    model = onnx.load(made, load_external_data=False)
    outside = [each for each in model.graph.initializer if each.external_data]
    assert {each.external_data[0].value for each in outside} == {"encoder.weights"}
    assert "emb.word" in {each.name for each in outside}
    assert made.stat().st_size < 50_000
