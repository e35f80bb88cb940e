"""`kefu intent train | evaluate | models | activate | rollback | compare | cancel`."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from kefu.intent.v1 import model_pb2
from kefu.intent.v1 import training_pb2 as pb
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub
from kefu.type.v1.operation_pb2 import Operation
from rich.console import Console
from rich.status import Status
from rich.text import Text

from services.cli.intent.calls import request_id, training_service
from services.cli.intent.quality import best_figures, show_quality
from services.cli.options import (
    DEFAULT_HOME,
    DEFAULT_TENANT,
    HomeOption,
    JsonOption,
    TenantOption,
    terminal,
)
from services.cli.tables import STATE_STYLES, columns
from services.cli.words import message_json, word
from services.local import operator
from services.local.home import Home
from services.local.intent_training import (
    CALL_SECONDS,
    LONG_CALL_SECONDS,
    begin_training,
    wait_for,
)
from services.local.lists import everything

_CHANGE_STYLES = {"FIXED": "green", "BROKEN": "red", "OTHER": "yellow"}

LexicalOption = Annotated[
    bool, typer.Option("--lexical-only", help="Words alone, in seconds, without vectors.")
]
ModelArgument = Annotated[str, typer.Argument(help="Id of a model version, see `models`.")]


def register(intent: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (train, operations, cancel, evaluate, models, activate, rollback, compare):
        intent.command()(command)


def train(
    activate: Annotated[
        bool, typer.Option("--activate", help="Put the model into service when it is trained.")
    ] = False,
    lexical_only: LexicalOption = False,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Train a model on the draft and show how good it is. Ctrl-C leaves the training running."""
    show_quality(asyncio.run(_train(Home.at(home), tenant, activate, lexical_only)), terminal())


def evaluate(
    lexical_only: LexicalOption = False,
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Cross-validate on the draft: figures by language, and the confusions worth fixing.

    Trains a model version that does not go into service; one of the same data is not trained
    again. The metric `kefu_intent_accuracy` shows the accuracy of the version that was trained last
    beside that of the version in service; `deploy/alerts.yaml` watches the latter.
    """
    model = asyncio.run(_evaluate(Home.at(home), tenant, lexical_only))
    if as_json:
        print(message_json(model))
    else:
        show_quality(model, terminal())


async def _evaluate(home: Home, tenant: str, lexical_only: bool) -> model_pb2.IntentModel:
    header = pb.TrainingDataHeader(
        parent=f"tenants/{tenant}",
        request_id=request_id(),
        mode=pb.TrainingDataHeader.MODE_MERGE,
        validate_only=True,
    )
    request = pb.ListModelsRequest(parent=f"tenants/{tenant}", page_size=100)
    async with operator.channel(home, "intent") as channel:
        stub = IntentTrainingServiceStub(channel)
        # An import of nothing changes nothing, and tells the draft's hash.
        draft = await stub.ImportTrainingData(
            iter([pb.ImportTrainingDataRequest(header=header)]), timeout=LONG_CALL_SECONDS
        )
        for each in await everything(stub.ListModels, request, "models"):
            same = each.data_hash == draft.data_hash
            if same and bool(each.embedding_model) is not lexical_only:
                found: model_pb2.IntentModel = each
                return found
    return await _train(home, tenant, activate=False, lexical_only=lexical_only)


async def _train(
    home: Home, tenant: str, activate: bool, lexical_only: bool
) -> model_pb2.IntentModel:
    line = Status("training ...", console=Console(stderr=True, highlight=False))

    def show(operation: Operation) -> None:
        line.update(f"{operation.stage or 'waiting'} {operation.progress:.0%}  {operation.name}")

    async with operator.channel(home, "intent") as channel:
        begun = await begin_training(channel, tenant, activate=activate, lexical_only=lexical_only)
        with line:
            ended = await wait_for(channel, begun, show)
        stub = IntentTrainingServiceStub(channel)
        found = await stub.GetModel(pb.GetModelRequest(name=ended.result), timeout=CALL_SECONDS)
    model: model_pb2.IntentModel = found.model
    return model


def models(tenant: TenantOption = DEFAULT_TENANT, home: HomeOption = DEFAULT_HOME) -> None:
    """Show the model versions, the newest first."""
    shown = columns("model", "", "trained", "intents", "utterances", "accuracy", "ECE", "vectors")
    for each in asyncio.run(_models(home, tenant)):
        figures = best_figures(each.quality)
        shown.add_row(
            each.name.rpartition("/")[2],
            Text("live", "green") if each.live else "",
            f"{each.create_time.ToDatetime():%Y-%m-%d %H:%M}",
            str(each.intent_count),
            str(each.utterance_count),
            f"{figures.accuracy:.1%}",
            f"{figures.calibration_error:.3f}",
            each.embedding_model or "words only",
        )
    terminal().print(shown)


async def _models(home: Path, tenant: str) -> list[Any]:
    request = pb.ListModelsRequest(parent=f"tenants/{tenant}", page_size=100)
    async with training_service(home) as stub:
        return await everything(stub.ListModels, request, "models")


def activate(
    model: ModelArgument, tenant: TenantOption = DEFAULT_TENANT, home: HomeOption = DEFAULT_HOME
) -> None:
    """Put a model version into service, on every replica within seconds."""
    name = f"tenants/{tenant}/models/{model}"
    request = pb.ActivateModelRequest(name=name, request_id=request_id())
    _show_live(asyncio.run(_call(home, "ActivateModel", request)))


def rollback(tenant: TenantOption = DEFAULT_TENANT, home: HomeOption = DEFAULT_HOME) -> None:
    """Go back to the model version that was in service before."""
    request = pb.RollbackModelRequest(parent=f"tenants/{tenant}", request_id=request_id())
    _show_live(asyncio.run(_call(home, "RollbackModel", request)))


def _show_live(response: Any) -> None:
    terminal().print(f"in service: {response.model.name}", markup=False)


async def _call(home: Path, method: str, request: Any) -> Any:
    async with training_service(home) as stub:
        return await getattr(stub, method)(request, timeout=CALL_SECONDS)


def operations(tenant: TenantOption = DEFAULT_TENANT, home: HomeOption = DEFAULT_HOME) -> None:
    """Show the trainings of the last 30 days, the newest first, and why one failed."""
    shown = columns("operation", "begun", "state", "stage", "")
    for each in asyncio.run(_operations(home, tenant)):
        state = word(Operation.State, each.state).lower()
        shown.add_row(
            each.name,
            f"{each.create_time.ToDatetime():%Y-%m-%d %H:%M:%S}",
            Text(state, STATE_STYLES.get(state, "")),
            f"{each.stage} {each.progress:.0%}" if state == "running" else "",
            Text(each.problem or each.result),
        )
    terminal().print(shown)


async def _operations(home: Path, tenant: str) -> list[Any]:
    request = pb.ListOperationsRequest(parent=f"tenants/{tenant}", page_size=100)
    async with training_service(home) as stub:
        return await everything(stub.ListOperations, request, "operations")


def cancel(
    operation: Annotated[str, typer.Argument(help="Name of the operation, as `train` shows it.")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """End a running training; the model in service stays."""
    request = pb.CancelOperationRequest(name=operation, request_id=request_id())
    ended = asyncio.run(_call(home, "CancelOperation", request)).operation
    terminal().print(f"{ended.name}: {word(Operation.State, ended.state).lower()}", markup=False)


def compare(
    base: ModelArgument,
    model: Annotated[str, typer.Argument(help="The version to compare with it.")] = "live",
    tenant: TenantOption = DEFAULT_TENANT,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show which utterances a second model version judges differently from a first."""
    console = terminal()
    counts, changes = asyncio.run(_compare(home, tenant, base, model))
    shown = columns("", "utterance", "means", "before", "after")
    for each in changes:
        change = word(model_pb2.ChangedUtterance.Change, each.change)
        shown.add_row(
            Text(change.lower(), _CHANGE_STYLES.get(change, "")),
            Text(each.text),
            each.intent,
            f"{each.before.intent} {each.before.confidence:.2f}",
            f"{each.after.intent} {each.after.confidence:.2f}",
        )
    if changes:
        console.print(shown)
    console.print(
        f"{counts.compared_count} compared: {counts.fixed_count} fixed,"
        f" {counts.broken_count} broken, {counts.other_count} otherwise changed"
    )


async def _compare(home: Path, tenant: str, base: str, model: str) -> tuple[Any, list[Any]]:
    at = f"tenants/{tenant}/models/"
    request = pb.CompareModelsRequest(name=at + model, base_name=at + base, page_size=100)
    async with training_service(home) as stub:
        first = await stub.CompareModels(request, timeout=LONG_CALL_SECONDS)
        changes = list(first.changes)
        if first.next_page_token:
            request.page_token = first.next_page_token
            changes += await everything(stub.CompareModels, request, "changes", LONG_CALL_SECONDS)
        return first, changes
