"""What stands in the block at the top of a Markdown file is read, and is no text."""

from datetime import UTC, datetime

import pytest

from services.knowledge import source_file
from services.knowledge.conversion.limits import UnreadableFile
from services.knowledge.document import Scope
from services.knowledge.front_matter import NOT_READ, ONE_TAG, FrontMatter, front_matter


def said(block: str) -> FrontMatter:
    """What a file with this block says of itself."""
    return front_matter(f"---\n{block}\n---\ntext")


def test_it_is_read() -> None:
    """Title, validity and what searches can be narrowed by; what other programs read is theirs."""
    found = said(
        "title: Returns  2026\nlayout: post\nvalid_from: 2026-01-31\nvalid_until: 2026年3月1日\n"
        "metadata:\n  region: cn\n  version: 1.10"
    )
    assert found.title == "Returns 2026"
    assert found.scope == Scope(
        {"region": "cn", "version": "1.10"},
        datetime(2026, 1, 31, tzinfo=UTC),
        datetime(2026, 3, 1, 23, 59, 59, 999_999, UTC),
    )
    assert not found.notes


def test_it_is_no_text_of_the_document() -> None:
    """Neither shown nor found nor cited; places are those of what is left."""
    content = "---\ntitle: 退货\ntags: vip\n---\n\n# Returns\n\nFifteen days.\n"
    document = source_file.read("a.md", content.encode())
    assert (document.title, document.text) == ("退货", "\n# Returns\n\nFifteen days.\n")
    [passage] = document.passages
    assert passage.span.of(document.text) == passage.text == "Fifteen days."
    assert document.scope == Scope({"tag": "vip"})


def test_a_text_file_has_none() -> None:
    """What stands in a plain text is meant as it stands."""
    content = b"---\ntitle: T\n---\n"
    assert source_file.read("a.txt", content).text == content.decode()


@pytest.mark.parametrize(
    "text", ["text", "---\nnever ends", "---\njust words\n---\ntext", "\n---\na: b\n---\n"]
)
def test_lines_are_not_taken_for_it(text: str) -> None:
    """A rule at the top of a text begins no block unless settings follow."""
    assert front_matter(text) == FrontMatter()


def test_what_is_no_yaml_is_left_out_and_said() -> None:
    """The text is imported all the same."""
    found = said("title: Foo: bar")
    assert (found.scope, found.notes) == (Scope(), (NOT_READ,))
    assert source_file.read("a.md", b"---\na: b: c\n---\ntext").notes == (NOT_READ,)


def test_of_several_tags_one_is_kept() -> None:
    """Metadata have one value a key."""
    assert said("tags: [vip, eu]") == FrontMatter(
        len("---\ntags: [vip, eu]\n---\n"), "", Scope({"tag": "vip"}), (ONE_TAG,)
    )
    assert said("tags: [vip]").notes == ()


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("valid_until: soon", "valid_until at its top is no date such as 2026-01-31"),
        ("valid_from: [2026-01-31]", "valid_from at its top is no date"),
        ("valid_from: 2026-02-01\nvalid_until: 2026-01-31", "is not after valid_from"),
        ("metadata: cn", "metadata at its top are no mapping"),
        ("tags: {a: b}", "tags no list"),
        ("metadata: {Region: cn}", "keys of small letters"),
        ("metadata: {region: [cn]}", "values of 1 to 100"),
        ("metadata: {region: ''}", "values of 1 to 100"),
        (f"metadata: {{region: {'x' * 101}}}", "values of 1 to 100"),
        (f"metadata: {{{', '.join(f'k{n}: v' for n in range(17))}}}", "at most 16 pairs"),
        ("tags: [[a]]", "values of 1 to 100"),
    ],
)
def test_what_cannot_be_kept_fails_the_file(block: str, reason: str) -> None:
    """Else it would be found where its owner said that it must not."""
    with pytest.raises(UnreadableFile, match="malformed: ") as caught:
        said(block)
    assert reason in str(caught.value)


def test_a_bomb_of_aliases_costs_nothing() -> None:
    """Ten lines of YAML that are a billion texts when they are written out."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert said("\n".join([*lines, "title: T"])).title == "T"
