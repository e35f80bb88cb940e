"""Documents have ids made of their paths, and hashes that say whether anything changed."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.knowledge.document import (
    ANYTIME,
    Scope,
    document_id,
    normalise,
    reading_of,
    revision_of,
)

PATTERN = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def test_a_plain_name_is_its_own_id() -> None:
    """People recognise their files."""
    assert document_id("returns.md") == "returns.md"


def test_a_folder_stays_readable() -> None:
    """The readable part stands first, the hash behind it."""
    assert re.fullmatch(r"zh\.returns\.md-[0-9a-f]{10}", document_id("zh/returns.md"))


def test_similar_paths_have_different_ids() -> None:
    """zh/a.md and zh.a.md would look the same without the hash."""
    paths = ["zh/a.md", "zh.a.md", "zh-a.md", "退货.md", "换货.md", "x" * 100, "x" * 101]
    assert len({document_id(path) for path in paths}) == len(paths)


def test_composed_and_decomposed_paths_are_one() -> None:
    """MacOS sends decomposed names; the document is the same."""
    assert document_id("café.md") == document_id("cafe\u0301.md")


@given(st.text(min_size=1, max_size=500))
def test_every_path_has_a_valid_id(path: str) -> None:
    """The contract's pattern holds for whatever a file is called."""
    assert PATTERN.fullmatch(document_id(path.encode("utf-8", "replace").decode()))


def test_revision_is_the_hash_of_the_bytes() -> None:
    """SHA-256, so that anybody can check it."""
    assert revision_of(b"abc").startswith("ba7816bf8f01cfea")


def test_reading_depends_on_content_and_scope() -> None:
    """Other content or metadata, other reading; the same content, the same."""
    assert reading_of("a", ANYTIME) != reading_of("b", ANYTIME)
    assert reading_of("a", ANYTIME) != reading_of("a", Scope({"region": "cn"}))
    assert reading_of("a", Scope({"x": "1", "y": "2"})) == reading_of(
        "a", Scope({"y": "2", "x": "1"})
    )


def test_line_ends_become_one_kind() -> None:
    """Windows, old Mac and Unix files of the same text are the same text."""
    assert normalise("a\r\nb\rc\n") == "a\nb\nc\n"
