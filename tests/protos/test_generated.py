"""The generated code is what the sources say, and the sources are clean, offline."""

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.mesh import ROOT

BUF = Path(sys.executable).with_name("buf")


def generate(*arguments: str) -> None:
    """Run the generator as `make proto` does."""
    command = [sys.executable, str(ROOT / "protos" / "generate.py"), *arguments]
    subprocess.run(command, check=True, timeout=60)


def differences(left: Path, right: Path) -> list[str]:
    """Files that are not the same on both sides."""
    compared = filecmp.dircmp(left, right, ignore=["__pycache__", "py.typed"])
    found = [*compared.left_only, *compared.right_only]
    found += filecmp.cmpfiles(left, right, compared.common_files, shallow=False)[1]
    for name in compared.common_dirs:
        found += differences(left / name, right / name)
    return found


def test_generated_code_is_up_to_date(tmp_path: Path) -> None:
    """Whoever changes a proto runs `make proto`, and nobody edits what it makes."""
    generate("--out", str(tmp_path))
    for package in ("kefu", "buf"):
        assert differences(tmp_path / package, ROOT / "gen" / package) == []


def test_the_contract_is_lint_clean(tmp_path: Path) -> None:
    """Standard rules and a comment on everything, as buf sees it."""
    image = tmp_path / "kefu.binpb"
    generate("--image", str(image))
    command = [str(BUF), "lint", str(image), "--config", str(ROOT / "buf.yaml"), "--path", "kefu"]
    linted = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("string text = 2 [", "string words = 2 [", "text"),
        ("rpc GetConfig(", "rpc ReadConfig(", "GetConfig"),
    ],
)
def test_a_breaking_change_is_noticed(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """The tool that guards old callers finds a renamed field and a removed method."""
    before, after, protos = tmp_path / "before.binpb", tmp_path / "after.binpb", tmp_path / "protos"
    for source in (ROOT / "protos").rglob("*.proto"):
        copy = protos / source.relative_to(ROOT / "protos")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(source.read_text())
    changed = protos / "kefu" / "intent" / "v1" / "intent.proto"
    generate("--protos", str(protos), "--image", str(before))
    changed.write_text(changed.read_text().replace(old, new, 1))
    generate("--protos", str(protos), "--image", str(after))
    command = [
        str(BUF), "breaking", str(after), "--against", str(before),
        "--config", str(ROOT / "buf.yaml"), "--path", "kefu",
    ]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode != 0
    assert complaint in found.stdout
