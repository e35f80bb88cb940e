#!/bin/sh
# gen/ must be what protos/ say, and the contract must not break the one on the base branch.
# Called by `make proto-check` with BIN (folder of the tools) and BASE (revision to compare with).
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

"$BIN/python" protos/generate.py --out "$scratch/gen"
diff -rq --exclude=__pycache__ "$scratch/gen" gen || {
    echo "gen/ differs from protos/: run 'make proto' and commit the result" >&2
    exit 1
}

# On the base branch itself the contract before its last change is what callers have.
if [ "$(git rev-parse -q --verify "$BASE^{commit}" 2>/dev/null)" = "$(git rev-parse -q --verify HEAD 2>/dev/null)" ]; then
    BASE="$(git log -1 --format=%H -- 'protos/*.proto' 2>/dev/null)^"
fi
# A revision without protos, or a checkout without history, has nothing to be broken.
if git archive "$BASE" protos 2>/dev/null | tar -x -C "$scratch" 2>/dev/null; then
    "$BIN/python" protos/generate.py --protos "$scratch/protos" --image "$scratch/base.binpb"
    "$BIN/buf" breaking build/kefu.binpb --against "$scratch/base.binpb" --config buf.yaml --path kefu
fi
