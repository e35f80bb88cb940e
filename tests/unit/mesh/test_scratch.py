"""What is written for a piece of work does not outlive it."""

import tempfile
from pathlib import Path

import pytest

from services.mesh.operations.scratch import remove_leftovers, work_folder

PREFIX = "kefu-training-"


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_goes_with_its_work(elsewhere: Path) -> None:
    """Only its owner can look into it; its process may have removed it first."""
    with work_folder(PREFIX) as folder:
        assert folder.parent == elsewhere
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "task.json").write_text("{}")
    assert not folder.exists()
    with work_folder(PREFIX) as folder:
        folder.rmdir()
    assert list(elsewhere.iterdir()) == []


def test_only_what_a_dead_process_left_is_removed(elsewhere: Path) -> None:
    """A lock ends with the process that held it; an empty folder may be somebody's in a moment."""
    dead, empty, other = (
        elsewhere / name for name in ("kefu-training-dead", "kefu-training-empty", "other")
    )
    for each in (dead, empty, other):
        each.mkdir()
    for each in (dead, other):
        (each / "task.json").write_text("{}")
    with work_folder(PREFIX) as alive:
        (alive / "task.json").write_text("{}")
        (elsewhere / "kefu-training-link").symlink_to(other)
        remove_leftovers(PREFIX)
        assert (alive / "task.json").exists()
    assert {each.name for each in elsewhere.iterdir()} == {
        "kefu-training-empty", "kefu-training-link", "other",
    }  # fmt: skip
    assert (other / "task.json").exists()
