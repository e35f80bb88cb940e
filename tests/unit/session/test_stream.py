"""The events of a turn: everybody hears all of it, in order, whenever they come."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from kefu.errors import ShuttingDown, StorageUnavailable
from kefu.session.v1.turn_pb2 import Turn, TurnEvent

from services.session.actions import ActionOutcome, ActionResult
from services.session.stream import TurnStream
from services.session.understanding import Citation

NAME = "tenants/shop/sessions/s1/turns/t1"
CITATION = Citation(1, "tenants/shop/knowledgeBases/shop/documents/d", "r", "t", (0, 2), (0, 2), "")
TURN = Turn(name=NAME, text="可以退货。", trace_id="0" * 32)


def started() -> TurnStream:
    """A stream that has begun."""
    return TurnStream(NAME, "0" * 32, b"digest")


def told() -> TurnStream:
    """A stream with one event of each kind but the last."""
    stream = started()
    stream.delta("可以")
    stream.citation(CITATION)
    stream.action(ActionResult("cancel_order", ActionOutcome.SUCCEEDED, {}, "key"))
    stream.delta("退货。")
    return stream


async def all_of(events: AsyncIterator[TurnEvent]) -> list[TurnEvent]:
    """The events to the end."""
    return [each async for each in events]


def kinds(events: list[TurnEvent]) -> list[str]:
    """What each event is."""
    return [str(each.WhichOneof("event")) for each in events]


async def test_events_are_numbered_without_gaps_and_end_with_the_turn() -> None:
    """Started first, completed last, each exactly once."""
    stream = told()
    stream.finish(TURN)
    events = await all_of(stream.events())
    assert kinds(events) == ["started", "delta", "citation", "action", "delta", "completed"]
    assert [each.sequence for each in events] == [1, 2, 3, 4, 5, 6]
    assert events[-1].completed.turn == TURN


async def test_listeners_hear_events_as_they_come() -> None:
    """A delta arrives before the turn goes on, at every listener."""
    stream = started()
    ears = [stream.events(), stream.events()]
    for ear in ears:
        assert (await anext(ear)).HasField("started")
    waiting = [asyncio.ensure_future(anext(ear)) for ear in ears]
    await asyncio.sleep(0)
    assert not any(each.done() for each in waiting)
    stream.delta("可以")
    assert [(await each).delta.text for each in waiting] == ["可以", "可以"]


async def test_a_late_listener_misses_nothing() -> None:
    """Whoever comes after the end hears the same as who was there from the start."""
    stream = told()
    early = asyncio.ensure_future(all_of(stream.events()))
    await asyncio.sleep(0)
    stream.finish(TURN)
    assert await early == await all_of(stream.events())


@pytest.mark.parametrize("after", range(8))
async def test_a_stream_resumes_behind_any_event(after: int) -> None:
    """Exactly the events behind it; behind the last there is nothing more."""
    stream = told()
    stream.finish(TURN)
    whole = await all_of(stream.events())
    assert await all_of(stream.events(after)) == whole[after:]


async def test_a_listener_who_leaves_disturbs_nobody() -> None:
    """The turn does not wait for those who listen."""
    stream = started()
    leaving, staying = stream.events(), asyncio.ensure_future(all_of(stream.events()))
    await anext(leaving)
    await leaving.aclose()
    stream.delta("可以")
    stream.finish(TURN)
    assert kinds(await staying) == ["started", "delta", "completed"]


async def test_a_failure_ends_every_listener() -> None:
    """Those who wait now, those who come later, and those who want the result."""
    stream = started()
    waiting = [
        asyncio.ensure_future(all_of(stream.events())),
        asyncio.ensure_future(stream.result()),
    ]
    await asyncio.sleep(0)
    stream.fail(StorageUnavailable())
    for each in waiting:
        with pytest.raises(StorageUnavailable):
            await each
    with pytest.raises(StorageUnavailable):
        await all_of(stream.events())
    with pytest.raises(StorageUnavailable):
        await stream.result()


async def test_what_was_heard_before_a_failure_is_heard_still() -> None:
    """A late listener gets the words first and the failure behind them."""
    stream = told()
    stream.fail(ShuttingDown())
    events = stream.events()
    heard = [await anext(events) for _ in range(5)]
    assert kinds(heard) == ["started", "delta", "citation", "action", "delta"]
    with pytest.raises(ShuttingDown):
        await anext(events)


async def test_the_result_is_the_turn_of_the_last_event() -> None:
    """Before the end and after it."""
    stream = told()
    early = asyncio.ensure_future(stream.result())
    await asyncio.sleep(0)
    assert not early.done()
    stream.finish(TURN)
    assert await early == await stream.result() == TURN


async def test_a_replay_is_the_original() -> None:
    """What was stored before the last event gives the same events with the same numbers."""
    stream = told()
    stored = [each.SerializeToString() for each in await unfinished(stream)]
    stream.finish(TURN)
    replay = TurnStream.replay(stored, TURN.SerializeToString(), b"digest")
    assert await all_of(replay.events()) == await all_of(stream.events())
    assert await all_of(replay.events(3)) == await all_of(stream.events(3))
    assert await replay.result() == TURN
    assert (replay.turn, replay.digest) == (stream.turn, stream.digest)


async def unfinished(stream: TurnStream) -> list[TurnEvent]:
    """The events so far of a stream that goes on."""
    events = stream.events()
    found = [await anext(events) for _ in range(5)]
    await events.aclose()  # type: ignore[attr-defined]
    return found
