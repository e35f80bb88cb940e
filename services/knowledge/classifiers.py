"""Classifiers of the company's own wordings: made when a revision is first searched, then kept."""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from services.knowledge.catalog import Facts, Wanted
from services.knowledge.own_wordings import MOST_WORDINGS, OwnWordings, enough

if TYPE_CHECKING:
    from services.knowledge.revision_store import RevisionStore

MOST_KEPT = 32
"""Revisions whose classifier is kept; one of a thousand wordings takes 20 MB."""

PATIENCE_SECONDS = 1.0
"""From when a classifier is begun, longest that searches wait for it: that of four hundred wordings
takes half of it. A larger one is made while searches do without."""

AGAIN_SECONDS = 10.0
"""Until it is looked again whether vectors that were missing are there."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What came of making a classifier.

    Attributes:
        classifier: None: there is none to be had.
        final: False where vectors were missing.
        time: When, by the monotonic clock.
    """

    classifier: OwnWordings | None
    final: bool
    time: float


class Classifiers:
    """The classifiers of revisions that were searched lately."""

    def __init__(self, revisions: "RevisionStore") -> None:
        """Read wordings from a store."""
        self._revisions = revisions
        self._tasks: OrderedDict[tuple[object, ...], asyncio.Task[_Made]] = OrderedDict()
        self._begun: dict[asyncio.Task[_Made], float] = {}

    async def of(self, wanted: Wanted, facts: Facts) -> OwnWordings | None:
        """Return the classifier of a revision; None: it has none, or none yet.

        Args:
            wanted: Which revision.
            facts: Of its knowledge base, as they were read for this search.
        """
        key = (wanted.base, wanted.revision, facts.version, facts.edits)
        task = self._tasks.get(key)
        if task is None or _outdated(task):
            task = self._tasks[key] = asyncio.create_task(self._make(wanted))
            self._begun[task] = time.monotonic()
            task.add_done_callback(self._begun.pop)
            while len(self._tasks) > MOST_KEPT:
                self._tasks.popitem(last=False)
        self._tasks.move_to_end(key)
        if not task.done():
            left = self._begun[task] + PATIENCE_SECONDS - time.monotonic()
            await asyncio.wait({task}, timeout=max(left, 0.0))
        return task.result().classifier if task.done() and _sound(task) else None

    async def _make(self, wanted: Wanted) -> _Made:
        wordings = await self._revisions.wordings(wanted, MOST_WORDINGS + 1)
        if wordings is None:
            return _Made(None, final=False, time=time.monotonic())
        if not enough(wordings):
            return _Made(None, final=True, time=time.monotonic())
        made = await asyncio.to_thread(OwnWordings, wordings)
        return _Made(made, final=True, time=time.monotonic())


def _sound(task: "asyncio.Task[_Made]") -> bool:
    """Say whether a task ended well; a search goes on without a classifier where not."""
    if task.cancelled() or task.exception() is None:
        return not task.cancelled()
    # The type alone: the text of a defect may quote the company's questions.
    reason = type(task.exception()).__name__
    structlog.get_logger("knowledge").warning("no_classifier", reason=reason)
    return False


def _outdated(task: "asyncio.Task[_Made]") -> bool:
    if not task.done():
        return False
    if not _sound(task):
        return True
    made = task.result()
    return not made.final and time.monotonic() > made.time + AGAIN_SECONDS
