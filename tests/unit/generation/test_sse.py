"""Server-sent events are cut out of the bytes, however the network delivers them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.sse import EventSplitter, EventTooLong

STREAM = (
    b": heartbeat\n\n"
    b'data: {"a": 1}\n\n'
    b"event: message\r\nid: 7\r\n"
    b'data:{"b": "\xe9\x80\x80"}\r\n\r\n'
    b"data: [DONE]\n\n"
)
PAYLOADS = [b'{"a": 1}', b'{"b": "\xe9\x80\x80"}', b"[DONE]"]


def test_data_lines_are_payloads_and_all_else_is_skipped() -> None:
    """Heartbeats, event names and ids mean nothing here; either line end will do."""
    assert EventSplitter().feed(STREAM) == PAYLOADS


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_payloads_do_not_depend_on_the_packets(cuts: list[int]) -> None:
    """A packet may end inside a character, a line end or the word `data`."""
    places = [0, *sorted(cuts), len(STREAM)]
    splitter = EventSplitter()
    found = []
    for start, end in itertools.pairwise(places):
        found += splitter.feed(STREAM[start:end])
    assert found == PAYLOADS


def test_a_line_without_end_is_given_up() -> None:
    """A provider cannot fill this service's memory."""
    splitter = EventSplitter()
    for _ in range(10):
        splitter.feed(b"x" * 100_000)
    with pytest.raises(EventTooLong):
        splitter.feed(b"x" * 100_000)
