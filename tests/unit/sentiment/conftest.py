"""The parts as the service puts them together, and the embedding model that the weights are for."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from services.sentiment import model
from services.sentiment.analyzer import Analysis, Analyzer, Question
from services.sentiment.features import NAMES, Features, Floats
from services.sentiment.lexicon import Cue
from services.sentiment.model import Model
from services.sentiment.reading import Reader
from services.sentiment.training import embedder
from services.sentiment.vader import Vader

Score = Callable[[str], float]
Cues = Callable[[str], frozenset[Cue]]
Mood = Callable[[str], Analysis]


def table(name: str) -> list[tuple[str, ...]]:
    """The rows of a table beside this file, without its comments."""
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("#")]


@pytest.fixture(scope="session")
def reader() -> Reader:
    """The rules of both languages."""
    return Reader()


@pytest.fixture(scope="session")
def score(reader: Reader) -> Score:
    """What the rules alone make of a text, in [-1, 1], without its marks."""
    features, total = Features(Vader()), NAMES.index("total")
    return lambda text: round(float(features.of(text, reader.read(text).sentences)[total]), 4)


@pytest.fixture(scope="session")
def cues(reader: Reader) -> Cues:
    """What the negative words of a text say beyond bad."""
    return lambda text: frozenset(
        cue
        for sentence in reader.read(text).sentences
        for hit in sentence.hits
        if hit.valence < 0
        for cue in hit.cues
    )


@pytest.fixture(scope="session")
def trained() -> Model:
    """The model of the package."""
    return model.load()


@pytest.fixture(scope="session")
def analyzer(trained: Model) -> Analyzer:
    """One analyzer for all tests: it does not change once built."""
    return Analyzer(trained, neutral_band=0.05)


@pytest.fixture(scope="session")
def embed() -> Callable[[str], Floats]:
    """The embedding of a text, as callers send it."""
    return cache(embedder())


@pytest.fixture(scope="session", params=["words", "vector"])
def mood(
    request: pytest.FixtureRequest, analyzer: Analyzer, embed: Callable[[str], Floats]
) -> Mood:
    """The analysis of a text by its words alone, and with its vector: both must hold."""
    if request.param == "words":
        return lambda text: analyzer.analyze(Question(text))
    return lambda text: analyzer.analyze(Question(text, embed(text)))


@pytest.fixture(scope="session")
def informed(analyzer: Analyzer, embed: Callable[[str], Floats]) -> Mood:
    """The analysis of a text with its vector, for what words alone do not tell reliably."""
    return lambda text: analyzer.analyze(Question(text, embed(text)))
