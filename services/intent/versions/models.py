"""What can be done with a tenant's models: train, look at, put into service, compare."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kefu.errors import TrainingDataInvalid

from services.intent.training_data import problems
from services.intent.trainings.operation import Wish, training_request
from services.intent.trainings.trainings import Trainings
from services.intent.versions.comparison import Changed, Comparing, Comparison
from services.intent.versions.live import LiveModels
from services.intent.versions.version import LIVE, ModelVersion
from services.mesh import paging
from services.mesh.operations.operation import Operation, State
from services.mesh.operations.runner import Runner

if TYPE_CHECKING:
    from services.intent.drafts.draft_store import DraftStore
    from services.intent.versions.model_store import ModelStore
    from services.mesh.operations.operation_store import OperationStore

# An error travels in the trailers of its call, which have room for some lines.
_SAID_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Compared:
    """Which versions of a tenant are compared, and on what besides their training sets."""

    tenant: str
    first: str
    second: str
    texts: tuple[str, ...]


class Models:
    """The models of all tenants."""

    def __init__(
        self,
        drafts: "DraftStore",
        operations: "OperationStore",
        models: "ModelStore",
        trainings: Trainings,
        runner: Runner,
        live: LiveModels,
        comparing: Comparing,
    ) -> None:
        """Wire what is stored to what runs in this process."""
        self._drafts = drafts
        self._operations = operations
        self._models = models
        self._trainings = trainings
        self._runner = runner
        self._live = live
        self._comparing = comparing

    async def train(self, tenant: str, request_id: str, wish: Wish, trace_id: str) -> Operation:
        """Begin to train on the draft as it is now, unless the same request has begun it already.

        Raises:
            TrainingDataInvalid: the draft cannot be trained on, and every reason.
            TrainingInProgress: another training of the tenant has not ended.
            RequestIdReused: the request_id began another operation.
            StorageUnavailable: PostgreSQL does not answer.
        """
        # A repeat gets its operation also where the draft has become unusable since.
        request = training_request(tenant, request_id, wish, trace_id)
        if first := await self._operations.first(request):
            return first
        data = await self._drafts.snapshot(tenant)
        if found := problems(data):
            raise _invalid([each.message for each in found])
        return await self._trainings.begin(request, data, wish)

    async def cancel(self, tenant: str, operation: str) -> Operation:
        """End an operation, unless it has ended, and return it.

        Raises:
            OperationNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        return await self._runner.cancel(tenant, operation)

    async def operation(self, tenant: str, operation: str) -> Operation:
        """Return an operation; a model that it put into service answers here from now on.

        Raises:
            OperationNotFound: there is none of this name.
            StorageUnavailable: PostgreSQL does not answer.
        """
        found = await self._operations.get(tenant, operation)
        if found.state is State.SUCCEEDED:
            await self._live.look()
        return found

    async def operations(
        self, tenant: str, size: int, token: str
    ) -> tuple[Sequence[Operation], str]:
        """Return a page of operations, the newest first, and the next token.

        Raises:
            PageTokenInvalid: the token is not of this list.
            StorageUnavailable: PostgreSQL does not answer.
        """
        return await self._runner.page(tenant, size, token)

    async def get(self, tenant: str, model: str) -> ModelVersion:
        """Return a version; `model` may be `LIVE`: the one that answers here.

        Raises:
            IntentModelNotFound: there is none of this name, or none is live.
            StorageUnavailable: PostgreSQL does not answer.
        """
        if model == LIVE:
            model = self._live.instead(tenant) or LIVE
        return self._live.shown(await self._models.get(tenant, model))

    async def versions(
        self, tenant: str, size: int, token: str
    ) -> tuple[Sequence[ModelVersion], str]:
        """Return a page of versions, the newest first, and the next token.

        Raises:
            PageTokenInvalid: the token is not of this list.
            StorageUnavailable: PostgreSQL does not answer.
        """
        size, question = paging.page_size(size), ("models", tenant)
        [before] = paging.decode(token, (str,), *question) or [""]
        found = await self._models.list_versions(tenant, str(before), size + 1)
        shown = [self._live.shown(each) for each in found[:size]]
        more = len(found) > size
        return shown, paging.encode([found[size - 1].id], *question) if more else ""

    async def activate(self, tenant: str, model: str, request_id: str) -> ModelVersion:
        """Put a version into service: here before this returns, on other replicas in a second.

        Raises:
            IntentModelNotFound: there is none of this name that can still be used and read.
            RequestIdReused: the request_id was used for something else.
            StorageUnavailable: PostgreSQL does not answer.
        """
        version = await self._models.activate(tenant, model, request_id, self._live.check)
        await self._live.look()
        return self._live.shown(version)

    async def rollback(self, tenant: str, request_id: str) -> ModelVersion:
        """Go back to the version that the live one took the place of, as `activate` does.

        Raises:
            IntentModelNotFound: there was none, or it can no longer be used or read.
            RequestIdReused: the request_id was used for something else.
            StorageUnavailable: PostgreSQL does not answer.
        """
        version = await self._models.rollback(tenant, request_id, self._live.check)
        await self._live.look()
        return self._live.shown(version)

    async def compare(
        self, compared: Compared, size: int, token: str
    ) -> tuple[Comparison, Sequence[Changed], str]:
        """Compare two versions; return the comparison, a page of its changes and the next token.

        Raises:
            IntentModelNotFound: there is no such version, or it can no longer be used.
            PageTokenInvalid: the token is not of this comparison.
            StorageUnavailable: PostgreSQL does not answer.
        """
        first = await self.get(compared.tenant, compared.first)
        second = await self.get(compared.tenant, compared.second)
        # The name `live` may mean another version when the next page is asked for.
        question = ("changes", first.name, second.name, compared.texts)
        key = paging.decode(token, (int,), *question)
        start, size = max(0, int(key[0])) if key else 0, paging.page_size(size)
        result = await self._comparing.compare(first, second, compared.texts)
        page = result.changes[start : start + size]
        more = start + size < len(result.changes)
        return result, page, paging.encode([start + size], *question) if more else ""


def _invalid(messages: Sequence[str]) -> TrainingDataInvalid:
    lines = list(messages[:_SAID_PROBLEMS])
    if more := len(messages) - len(lines):
        lines.append(f"and {more} more; `kefu intent import FILE --dry-run` lists up to 1,000")
    return TrainingDataInvalid("\n".join(lines), problems=str(len(messages)))
