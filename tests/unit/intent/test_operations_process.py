"""The process that trains one model: what goes in, what comes out, and when it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from services.intent.trained_model import TrainedModel
from services.intent.training_data import TrainingData
from services.intent.trainings.process import OUT_OF_MEMORY, read_model, read_quality, write_task
from tests.rpc.intent.samples import DATA, MODEL, training_data, vector
from tests.support.mesh import ROOT

MEMORY = 4 << 30
SECONDS = 120


@pytest.fixture
def data() -> TrainingData:
    """Training data of two intents."""
    return training_data("shop", DATA)


def started(folder: Path, memory: int = MEMORY) -> "subprocess.Popen[bytes]":
    """The process at work on a folder; it ends with its standard input."""
    return subprocess.Popen(
        [sys.executable, "-m", "services.intent.trainings.process", str(folder), str(memory)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip


def finished(process: "subprocess.Popen[bytes]") -> tuple[int, list[str], str]:
    """Its status, the lines of its progress, and what it complained of."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    said, complained = process.stdout.read().decode(), process.stderr.read().decode()
    status = process.wait(SECONDS)
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    return status, said.splitlines(), complained


def test_it_trains_what_the_folder_asks_for(data: TrainingData, tmp_path: Path) -> None:
    """The model knows intents and vectors; progress never falls; the same bytes again."""
    texts = [utterance.text for utterance, _ in data.labelled()]
    vectors = {text: np.array(vector(text), np.float32) for text in texts}
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_task(tmp_path / name, data, vectors, MODEL)
        status, said, complained = finished(started(tmp_path / name))
        assert status == 0, complained
        made.append(read_model(tmp_path / name))
    assert made[0] == made[1]
    trained = TrainedModel.from_bytes(made[0])
    assert set(trained.classes) == {"refund", "delivery", "unknown"}
    assert (trained.embedding_model, trained.dimensions) == (MODEL, len(vector("")))
    quality = read_quality(tmp_path / "one")
    assert {each.text for each in quality.judged} == set(texts)
    assert quality.with_embedding == trained.quality.with_embedding
    shares = [json.loads(line)["progress"] for line in said]
    assert shares == sorted(shares)
    assert all(json.loads(line)["stage"] for line in said)


def test_it_ends_when_nobody_listens_any_more(data: TrainingData, tmp_path: Path) -> None:
    """Its standard input ends when the service is gone; the utterances go with the process."""
    # Enough for minutes of work.
    many = {name: [f"{texts[n % 4]} {n}" for n in range(4000)] for name, texts in DATA.items()}
    folder = tmp_path / "training"
    folder.mkdir()
    write_task(folder, training_data("shop", many), {}, "")
    process = started(folder)
    assert process.stdout
    assert process.stdin
    process.stdout.readline()  # it is at work
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(10) == 1
    assert not folder.exists()
    process.stdout.close()
    assert process.stderr
    process.stderr.close()


def test_a_failure_names_its_place_and_quotes_nothing(data: TrainingData, tmp_path: Path) -> None:
    """Types and lines of the code, not the text of the error."""
    write_task(tmp_path, data, {}, "")
    task = tmp_path / "task.json"
    task.write_text(task.read_text().replace("operation", "the password is xyzzy"))
    status, _, complained = finished(started(tmp_path))
    assert status == 1
    assert complained.startswith("ValueError\n")
    assert "training_data.py" in complained
    assert "xyzzy" not in complained


def test_too_little_memory_is_said(data: TrainingData, tmp_path: Path) -> None:
    """By a status of its own: the libraries alone are larger than this."""
    write_task(tmp_path, data, {}, "")
    status, _, complained = finished(started(tmp_path, memory=64 << 20))
    assert status == OUT_OF_MEMORY, complained
