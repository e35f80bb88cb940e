"""A training process that does not end well, as `TRAINING_DOES` says."""

import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import cast

from services.intent.trainings import process as training_process

SECRET = "the customer's own words"


def misbehave(_folder: Path, _train: object) -> None:
    """Take the place of the training."""
    Path(os.environ["TRAINING_PID_FILE"]).write_text(str(os.getpid()))
    match os.environ["TRAINING_DOES"]:
        case "sleep":
            time.sleep(600)  # A training that does not end: whoever started it must end it.
        case "hoard":
            bytearray(1 << 40)
        case "abort":
            os.kill(os.getpid(), signal.SIGABRT)
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise ValueError(SECRET)
    sys.exit(7)


if __name__ == "__main__":
    training_process._train = misbehave
    # The libraries of a real training take their time to load.
    sys.modules["services.intent.training"] = cast(ModuleType, SimpleNamespace(train=None))
    training_process.main(Path(sys.argv[1]), int(sys.argv[2]))
