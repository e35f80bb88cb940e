"""Exports verify offline, with the file and the public key alone."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audit.checkpoint import Purpose
from services.audit.export import (
    ExportMalformed,
    checkpoint_line,
    parse_line,
    record_line,
    verify_export,
)
from services.audit.verify import Kind, Verdict
from tests.support.audit_records import (
    NOON,
    SHOP,
    SIGNER,
    STRANGER,
    a_chain,
    checkpoint_at,
    head_of,
)

CHAIN = a_chain(9)
EXPORT = [checkpoint_line(head_of(CHAIN)), *(record_line(record) for record in CHAIN)]


def verdict_of(lines: list[str]) -> Verdict:
    """Verify an export of the shop's chain with the service's key."""
    return verify_export(lines, SHOP, SIGNER.public_key)


def test_an_export_verifies() -> None:
    """The file as it was written passes, with or without empty lines."""
    verdict = verdict_of([*EXPORT, ""])
    assert verdict.ok
    assert verdict.records == 9


@pytest.mark.parametrize("item", [CHAIN[3], head_of(CHAIN)])
def test_lines_read_back_as_they_were_written(item: object) -> None:
    """Reading and writing are inverse."""
    line = EXPORT[4] if item is CHAIN[3] else EXPORT[0]
    assert parse_line(line) == item


@given(st.integers(1, 9), st.data())
def test_any_changed_character_is_found(number: int, data: st.DataObject) -> None:
    """Whatever character of whatever line: the export fails there, or cannot be read there."""
    line = EXPORT[number]
    at = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda char: char != line[at]))
    changed = line[:at] + other + line[at + 1 :]
    tampered = [*EXPORT[:number], changed, *EXPORT[number + 1 :]]
    try:
        parse_line(changed)
    except ValueError:
        with pytest.raises(ExportMalformed, match=f"^line {number + 1}: "):
            verdict_of(tampered)
    else:
        problem = verdict_of(tampered).problem
        assert problem is not None
        # A changed number moves the record, so the place it left is what comes first.
        assert problem.sequence <= number


@pytest.mark.parametrize(
    ("tamper", "kind", "sequence"),
    [
        (lambda lines: lines[:4] + lines[5:], Kind.MISSING, 4),
        (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], Kind.REORDERED, 4),
        (lambda lines: lines[:-2], Kind.TRUNCATED, 8),
        (lambda lines: lines[1:], Kind.TRUNCATED, 0),
        (lambda lines: [*lines[:6], *lines[5:]], Kind.INSERTED, 5),
    ],
)
def test_removed_and_moved_lines_are_named(
    tamper: Callable[[list[str]], list[str]], kind: Kind, sequence: int
) -> None:
    """The same findings as on the server, including an export without its signed head."""
    problem = verdict_of(tamper(EXPORT)).problem
    assert problem is not None
    assert (problem.kind, problem.sequence) == (kind, sequence)


def test_an_export_after_retention_begins_with_its_anchor() -> None:
    """The anchor is the second statement at the top, before the records."""
    anchor = checkpoint_line(checkpoint_at(CHAIN[3], Purpose.ANCHOR))
    assert verdict_of([EXPORT[0], anchor, *EXPORT[5:]]).ok
    assert not verdict_of([EXPORT[0], *EXPORT[5:]]).ok


def test_another_key_or_another_chain_does_not_pass() -> None:
    """Who verifies says which key and which chain to expect; the file does not."""
    assert not verify_export(EXPORT, SHOP, STRANGER.public_key).ok
    assert not verify_export(EXPORT, "tenants/bank", SIGNER.public_key).ok


def test_a_checkpoint_kept_elsewhere_is_measured_against() -> None:
    """An older but genuine export fails against a newer checkpoint."""
    older = [checkpoint_line(head_of(CHAIN[:5])), *EXPORT[1:6]]
    assert verdict_of(older).ok
    verdict = verify_export(older, SHOP, SIGNER.public_key, head_of(CHAIN))
    assert verdict.problem is not None
    assert (verdict.problem.kind, verdict.problem.sequence) == (Kind.TRUNCATED, 6)


@pytest.mark.parametrize(
    "broken",
    [
        "{",
        "[]",
        "7",
        "{}",
        '{"anchor": 3}',
        EXPORT[1].replace('"outcome":', '"comment":"x","outcome":'),
        EXPORT[1].replace("12:00:00.250000Z", "12:00:00.2500009Z"),
        EXPORT[1].replace("12:00:00.250000Z", "12:00:00.250000"),
        EXPORT[1].replace('"sequence":1', '"sequence":"1"'),
        EXPORT[1].replace('"outcome":', '"outcome":"ABORTED","outcome":'),
    ],
)
def test_a_line_that_cannot_be_read_is_named(broken: str) -> None:
    """Also one that reads, but holds something that no hash protects."""
    with pytest.raises(ExportMalformed, match="line 2"):
        verdict_of([EXPORT[0], broken, *EXPORT[2:]])


def test_a_statement_among_the_records_is_refused() -> None:
    """Statements come first, because everything behind is measured against them."""
    with pytest.raises(ExportMalformed, match="behind a record"):
        verdict_of([*EXPORT[:4], EXPORT[0], *EXPORT[4:]])


def test_times_are_written_in_utc() -> None:
    """An auditor anywhere reads the same text."""
    assert '"recorded_at":"2026-03-14T12:00:00.250000Z"' in EXPORT[1]
    assert CHAIN[0].recorded_at == NOON
    assert NOON.utcoffset() == timedelta(0)
