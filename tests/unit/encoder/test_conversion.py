"""The model's files: made once, complete or not at all, and made anew when they are damaged."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from services.encoder import conversion, weights
from services.encoder.conversion import ConversionFailed, ensure
from tests.support.mesh import ROOT

FILES = {"encoder.onnx", "encoder.weights", "vocabulary.json", "sums.json"}


@pytest.fixture
def copied(converted: Path, models: Path) -> Path:
    """A copy of the model's folder, to be spoilt."""
    copy = models / converted.name
    shutil.copytree(converted, copy)
    return copy


def contents(folder: Path) -> dict[str, bytes]:
    """Everything that a model's folder holds."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def convert(models: Path) -> tuple[int, str, str]:
    """What `make setup` runs: exit status, output, errors."""
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.encoder"),
        cwd=ROOT,
        env={**os.environ, "KEFU_MODEL_DIR": str(models)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await running.communicate()
    assert running.returncode is not None
    return running.returncode, output.decode(), errors.decode()


async def test_two_at_once_convert_once(models: Path, converted: Path) -> None:
    """A demo starts while a set-up runs; both have the model in the end, and it is the same."""
    found = await asyncio.gather(convert(models), convert(models))
    assert [status for status, _, _ in found] == [0, 0], found
    assert sum("model converted" in output for _, output, _ in found) == 1
    assert sorted(os.listdir(models)) == [".lock", converted.name]
    folder = models / converted.name
    assert contents(folder) == contents(converted)
    assert all(f"int8 is in {folder}\n" in output for _, output, _ in found)


def test_what_is_there_is_not_made_again(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is the folder written to: it may be part of an image."""
    before = {file: file.stat().st_mtime_ns for file in copied.iterdir()}
    copied.parent.chmod(0o555)
    monkeypatch.setattr(conversion, "_make", lambda *_: pytest.fail("converts again"))
    assert ensure(copied.parent) == copied
    assert {file: file.stat().st_mtime_ns for file in copied.iterdir()} == before
    assert not (copied.parent / ".lock").exists()


def test_the_folder_holds_nothing_else_and_everybody_may_read_it(copied: Path) -> None:
    """Set-up and services may run as different users."""
    assert {file.name for file in copied.iterdir()} == FILES
    assert {file.stat().st_mode & 0o777 for file in copied.iterdir()} == {0o644}
    assert copied.stat().st_mode & 0o777 == 0o755


def flip(file: Path) -> None:
    """One bit, as a bad disk does."""
    with file.open("r+b") as content:
        content.seek(file.stat().st_size // 2)
        (byte,) = content.read(1)
        content.seek(-1, os.SEEK_CUR)
        content.write(bytes([byte ^ 1]))


def halve(file: Path) -> None:
    """The end is missing, as after a power cut."""
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("encoder.weights", flip),
        ("vocabulary.json", halve),
        ("sums.json", halve),
        ("encoder.onnx", Path.unlink),
    ],
)
def test_a_damaged_file_is_noticed(copied: Path, name: str, damage: object) -> None:
    """Every start looks: wrong weights would give wrong vectors, and no error."""
    assert conversion._intact(copied)
    damage(copied / name)  # type: ignore[operator]
    assert not conversion._intact(copied)


def test_damaged_and_left_over_files_make_room_for_new_ones(copied: Path, converted: Path) -> None:
    """A converter that was killed leaves its folder; whoever has a damaged file open keeps it."""
    flip(copied / "encoder.weights")
    (copied.parent / ".unfinished-x").mkdir()
    (copied.parent / ".unfinished-x" / "encoder.weights").write_bytes(b"half")
    with (copied / "encoder.weights").open("rb") as held:
        assert ensure(copied.parent) == copied
        assert len(held.read()) == (copied / "encoder.weights").stat().st_size
    assert contents(copied) == contents(converted)
    assert sorted(os.listdir(copied.parent)) == [".lock", copied.name]


def test_other_weights_have_a_folder_of_their_own(
    models: Path, monkeypatch: pytest.MonkeyPatch, converted: Path
) -> None:
    """A package of a new version never meets the files of the old one."""
    other = models / "weights"
    other.write_bytes(weights.source().read_bytes() + b"\0")
    monkeypatch.setattr(weights, "source", lambda: other)
    made: list[Path] = []
    monkeypatch.setattr(conversion, "_make", lambda source, folder: made.append(folder))
    folder = ensure(models)
    assert made == [folder]
    assert folder.name != converted.name


async def test_a_folder_that_cannot_be_written_is_told(models: Path) -> None:
    """With the setting that names another; no traceback."""
    (models / "file").touch()
    status, _, errors = await convert(models / "file")
    assert status == 1
    assert errors.startswith(
        "multilingual-e5-small-int8 cannot be made: the embedding model cannot"
    )
    assert "KEFU_MODEL_DIR" in errors
    assert errors.count("\n") == 1


def test_weights_of_another_form_are_told_and_leave_nothing(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a folder nor a half of one."""
    garbage = models / "garbage"
    garbage.write_bytes(b"E5S2" + bytes(1000))
    monkeypatch.setattr(weights, "source", lambda: garbage)
    with pytest.raises(ConversionFailed, match="make setup"):
        ensure(models)
    assert sorted(os.listdir(models)) == [".lock", "garbage"]


def test_a_missing_package_is_told(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is downloaded in its place."""
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(ConversionFailed, match="make setup"):
        ensure(models)


def test_the_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same variable as the service's setting; the default lies beside the packages."""
    monkeypatch.setenv("KEFU_MODEL_DIR", str(tmp_path))
    assert conversion.directory() == tmp_path
    monkeypatch.delenv("KEFU_MODEL_DIR")
    assert conversion.directory().is_relative_to(sys.prefix)
