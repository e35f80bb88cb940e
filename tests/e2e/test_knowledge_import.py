"""`kefu knowledge import` on a whole mesh, as a content owner uses it."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.running import KEFU, Running

MANY = 400
"""Files whose import takes some seconds."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of many small files."""
    root = tmp_path / "company"
    root.mkdir()
    for number in range(MANY):
        (root / f"{number:04}.md").write_text(f"# Rule {number}\n\nThe rule has number {number}.\n")
    return root


def test_ctrl_c_ends_an_import_and_the_same_command_goes_on(mesh: Running, folder: Path) -> None:
    """What is done stays in the draft; the service says that nobody works at it any more."""
    command = ("knowledge", "import", str(folder), "--kb", "interrupted")
    process = subprocess.Popen(
        [KEFU, *command, "--home", mesh.home], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, preexec_fn=_hear_ctrl_c,
    )  # fmt: skip
    assert process.stderr is not None
    # Behind the last byte of the upload; from here on it is the service that works.
    begun = process.stderr.readline()
    assert begun.startswith("importing: tenants/shop/operations/")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the import is cancelled; what is done stays in the draft" in " ".join(said.split())
    name = begun.split()[-1]
    [line] = [each for each in mesh.kefu("knowledge", "imports").splitlines() if name in each]
    assert "cancelled" in line
    again = json.loads(mesh.kefu(*command, "--json"))
    assert again["state"] == "succeeded"
    assert set(again["counts"]) <= {"imported", "unchanged"}
    assert sum(again["counts"].values()) == MANY


def _hear_ctrl_c() -> None:
    """Undo what a shell does to what it runs in the background: its children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_what_cannot_be_imported_is_named_and_is_the_exit_status(
    mesh: Running, tmp_path: Path
) -> None:
    """For people as a table, for programs as JSON; what is good is found after publishing."""
    (tmp_path / "good.md").write_text("---\ntitle: 停车\n---\n\n地下停车场前两小时免费。\n")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "old.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    (tmp_path / ".hidden.md").write_text("x")
    command = ("knowledge", "import", str(tmp_path), "--kb", "mixed")
    shown = mesh.kefu(*command, check=False)
    assert "1 imported, 1 skipped, 2 failed" in shown
    assert "put it live: kefu knowledge publish --kb mixed" in shown
    files = {
        each["path"]: each
        for each in json.loads(mesh.kefu(*command, "--json", check=False))["files"]
    }
    assert files["broken.pdf"]["outcome"] == "failed"
    assert files["old.doc"]["reason"].endswith(".doc is not read; save it as .docx")
    assert files[".hidden.md"]["reason"] == "hidden"
    for bad in ("broken.pdf", "old.doc"):
        (tmp_path / bad).unlink()
    mesh.kefu(*command, "--publish")
    found = mesh.json("knowledge", "search", "停车要钱吗", "--kb", "mixed")
    assert "前两小时免费" in found["passages"][0]["text"]
    assert found["passages"][0]["title"].startswith("停车")
