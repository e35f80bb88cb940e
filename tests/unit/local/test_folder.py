"""Every file of a folder is sent, or named with the reason why not."""

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest

from services.local.folder import Fate, look_through


def put(root: Path, *paths: str, content: bytes = b"text") -> None:
    """Write files."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def test_readable_files_are_found_by_path(tmp_path: Path) -> None:
    """In folders too, with size and hash; endings in whatever case."""
    put(tmp_path, "b.md", "zh/a.PDF", "a/deep/c.xlsx")
    found = look_through(tmp_path)
    assert [each.path for each in found] == ["a/deep/c.xlsx", "b.md", "zh/a.PDF"]
    assert {each.fate for each in found} == {Fate.READY}
    assert {(each.size, each.sha256) for each in found} == {
        (4, hashlib.sha256(b"text").hexdigest())
    }


def test_what_is_not_sent_is_named(tmp_path: Path) -> None:
    """Hidden, of another kind, too large; a hidden folder once, however many files it holds."""
    put(tmp_path, ".git/a.md", ".git/b.md", ".hidden.md", "~$open.docx", "movie.mp4", "Makefile")
    put(tmp_path, "large.pdf", content=b"x" * 101)
    found = {each.path: (each.fate, each.reason) for each in look_through(tmp_path, largest=100)}
    assert found == {
        ".git/": (Fate.SKIPPED, "hidden"),
        ".hidden.md": (Fate.SKIPPED, "hidden"),
        "~$open.docx": (Fate.SKIPPED, "hidden"),
        "movie.mp4": (Fate.SKIPPED, "unknown kind of file: .mp4"),
        "Makefile": (Fate.SKIPPED, "unknown kind of file: no ending"),
        "large.pdf": (Fate.FAILED, "too large: 9.63e-05 MiB, 9.54e-05 MiB are taken"),
    }


def test_documents_of_other_programs_are_not_passed_over(tmp_path: Path) -> None:
    """Somebody meant them to be imported; the service says what to save them as."""
    put(tmp_path, "manual.doc", "prices.XLS", "slides.pptx")
    assert {each.fate for each in look_through(tmp_path)} == {Fate.READY}


def test_a_file_that_was_asked_for_is_not_skipped(tmp_path: Path) -> None:
    """Its name is its path; what cannot be imported fails."""
    put(tmp_path, ".hidden.md", "movie.mp4")
    [hidden] = look_through(tmp_path / ".hidden.md")
    assert (hidden.path, hidden.fate) == (".hidden.md", Fate.READY)
    [movie] = look_through(tmp_path / "movie.mp4")
    assert movie.fate is Fate.FAILED


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    """The others are sent."""
    put(tmp_path, "a.md", "b.md")
    (tmp_path / "a.md").chmod(0)
    first, second = look_through(tmp_path)
    assert (first.fate, first.reason) == (Fate.FAILED, "cannot be read: Permission denied")
    assert second.fate is Fate.READY


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    """It is in the folder, and cannot be read."""
    (tmp_path / "gone.md").symlink_to(tmp_path / "nothing.md")
    [found] = look_through(tmp_path)
    assert (found.fate, found.reason) == (Fate.FAILED, "cannot be read: No such file or directory")


def test_a_path_is_composed(tmp_path: Path) -> None:
    """The same folder has the same paths on every system, so that nothing is there twice."""
    put(tmp_path, unicodedata.normalize("NFD", "Rückgabe.md"))
    assert [each.path for each in look_through(tmp_path)] == ["Rückgabe.md"]
