"""The process that trains one model and ends: `python -m services.intent.trainings.process FOLDER`.

Training is minutes of arithmetic. In a process of its own it takes no time from calls (it is nice
and has one thread), its memory has a limit, and it can be killed at any moment. It reads its task
from a folder, writes the model there, and says how far it is in JSON lines on standard output. When
its standard input ends, whoever started it is gone: it removes the folder and ends.
"""

import json
import os
import resource
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from services.intent.model.decision import UNKNOWN_THRESHOLD
from services.intent.quality import Quality
from services.intent.training_data import TrainingData

if TYPE_CHECKING:
    from services.intent.trained_model import TrainedModel

Floats = npt.NDArray[np.float32]

OUT_OF_MEMORY = 12
"""Exit status where the memory limit was met (ENOMEM)."""

_TASK = "task.json"
_VECTORS = "vectors.npy"
_MODEL = "model"
_QUALITY = "quality.json"

_NICE = 10
# Often enough for people, seldom enough not to count.
_SPEAK_SECONDS = 0.2


def write_task(
    folder: Path,
    data: TrainingData,
    vectors: dict[str, Floats],
    embedding_model: str,
    unknown_threshold: float = UNKNOWN_THRESHOLD,
) -> None:
    """Write what is to be trained.

    Args:
        folder: An empty one that nobody else can read.
        data: The training data.
        vectors: float32, L2-normalised, all of one length, by utterance; may be empty.
        embedding_model: What made them; empty where there are none.
        unknown_threshold: `Thresholds.unknown` of the service.
    """
    task = {
        "data": data.to_json(),
        "texts": list(vectors),
        "embedding_model": embedding_model,
        "unknown_threshold": unknown_threshold,
    }
    (folder / _TASK).write_text(json.dumps(task, ensure_ascii=False), encoding="utf-8")
    matrix = np.array(list(vectors.values()), np.float32) if vectors else np.empty((0, 0))
    np.save(folder / _VECTORS, matrix, allow_pickle=False)


def read_model(folder: Path) -> bytes:
    """Return the trained model, as `TrainedModel.from_bytes` reads it."""
    return (folder / _MODEL).read_bytes()


def read_quality(folder: Path) -> Quality:
    """Return how good the trained model is, with what was said of each utterance."""
    return Quality.from_json(json.loads((folder / _QUALITY).read_text(encoding="utf-8")))


def main(folder: Path, memory_bytes: int) -> None:
    """Train what the folder asks for.

    Args:
        folder: Written by `write_task`.
        memory_bytes: Limit of the address space.
    """
    sys.excepthook = _describe
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    os.nice(_NICE)
    # Loads the libraries of training, which nothing else of the service needs. They come before the
    # limit: one that cannot be loaded does not say that it was for want of memory.
    from services.intent.training import train

    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    try:
        _train(folder, train)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)  # an orderly end would need memory


def _train(folder: Path, train: Callable[..., "TrainedModel"]) -> None:
    task = json.loads((folder / _TASK).read_text(encoding="utf-8"))
    matrix = np.load(folder / _VECTORS, allow_pickle=False)
    vectors = dict(zip(task["texts"], matrix, strict=True))
    data = TrainingData.from_json(task["data"])
    trained = train(data, vectors, task["embedding_model"], _speaker(), task["unknown_threshold"])
    quality = json.dumps(trained.quality.to_json(), ensure_ascii=False)
    (folder / _QUALITY).write_text(quality, encoding="utf-8")
    (folder / _MODEL).write_bytes(trained.to_bytes())


def _speaker() -> Callable[[str, float], None]:
    """Return what writes progress, not more often than anybody looks."""
    spoken = ("", 0.0)

    def speak(stage: str, progress: float) -> None:
        nonlocal spoken
        now = time.monotonic()
        if stage != spoken[0] or now - spoken[1] >= _SPEAK_SECONDS:
            sys.stdout.write(json.dumps({"stage": stage, "progress": progress}) + "\n")
            sys.stdout.flush()
            spoken = (stage, now)

    return speak


def _end_with_parent(folder: Path) -> None:
    """Remove the folder and end this process at once when standard input ends."""
    # Below the buffers of Python: a thread that waits in one keeps the interpreter from ending.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _describe(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write types and places to standard error; the text of an error may quote an utterance."""
    frames = (f"{each.filename}:{each.lineno} {each.name}" for each in traceback.extract_tb(trace))
    sys.stderr.write("\n".join((kind.__qualname__, *frames)) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
