"""Puts the sample company, the shop, into a home: action server, intents, knowledge."""

import asyncio

import grpc
import yaml
from kefu.errors import KefuError
from kefu.intent.v1 import training_pb2
from kefu.intent.v1.training_pb2_grpc import IntentTrainingServiceStub
from kefu.knowledge.v1 import knowledge_pb2

from services.local import home as home_module
from services.local import operator
from services.local.home import Home
from services.local.intent_training import (
    CALL_SECONDS,
    begin_training,
    import_file,
    until_ended,
    wait_for,
)
from services.local.knowledge_files import collect, import_files
from services.local.problem import Problem
from services.local.programs import ROOT, SAMPLE
from services.local.publishing import publish_edits

TENANT = "shop"
"""The sample company's tenant; its knowledge base has the same id."""

KNOWLEDGE_BASE = f"tenants/{TENANT}/knowledgeBases/{TENANT}"
"""Its name."""

SHOP = ROOT / "examples" / "shop"
"""Where the sample company lies in the project."""


def install(home: Home, action_address: str) -> None:
    """Write what the services read when they start; what somebody changed stays as it is.

    Args:
        home: the home.
        action_address: `host:port` of the shop's action server.
    """
    actions = home.tenants / TENANT / "actions.yaml"
    if actions.exists() and action_address in actions.read_text(encoding="utf-8"):
        return
    servers = {"servers": [{"name": SAMPLE.name, "target": action_address}]}
    home_module.write(actions, yaml.safe_dump(servers).encode())


async def load(home: Home) -> None:
    """Load the shop's intents and knowledge; nothing happens where they are there already.

    Raises:
        Problem: a service refused them.
    """
    await asyncio.gather(_load_intents(home), _load_knowledge(home))


async def _load_intents(home: Home) -> None:
    try:
        async with operator.channel(home, "intent") as channel:
            await load_intents(channel)
    except KefuError as error:
        raise Problem(
            f"the sample's intents could not be trained ({error.message})",
            f"see {home.log('intent')}, trace {error.trace_id}",
        ) from None


async def load_intents(channel: grpc.aio.Channel) -> None:
    """Train the shop's model on words alone, which takes seconds, then begin on the vectors.

    The second training goes on in the intent service while the first model serves. What an earlier
    start did not come to do is done now; once there is a model with vectors, nothing is.

    Args:
        channel: to the intent service.

    Raises:
        Problem: the service refused the data, or the first training failed.
        grpc.RpcError: a call failed.
    """
    stub = IntentTrainingServiceStub(channel)
    await _earlier_training(channel, stub)
    listing = training_pb2.ListModelsRequest(parent=f"tenants/{TENANT}", page_size=100)
    known = (await stub.ListModels(listing, timeout=CALL_SECONDS)).models
    if any(each.embedding_model for each in known):
        return
    if not known:
        mode = training_pb2.TrainingDataHeader.MODE_REPLACE
        report = await import_file(channel, TENANT, SHOP / "intents.yaml", mode, False)
        if not report.imported:
            raise Problem(report.problems[0].message, "restore examples/shop")
        begun = await begin_training(channel, TENANT, activate=True, lexical_only=True)
        await wait_for(channel, begun, lambda _: None)
    await begin_training(channel, TENANT, activate=True, lexical_only=False)


async def _earlier_training(channel: grpc.aio.Channel, stub: IntentTrainingServiceStub) -> None:
    """Wait for a training that has not ended, as a mesh that was killed leaves one behind.

    The service begins no second one beside it, and gives it up some seconds after its start.
    """
    listing = training_pb2.ListOperationsRequest(parent=f"tenants/{TENANT}", page_size=1)
    newest = await stub.ListOperations(listing, timeout=CALL_SECONDS, wait_for_ready=True)
    for operation in newest.operations:
        await until_ended(channel, operation, lambda _: None)


async def _load_knowledge(home: Home) -> None:
    """Import the shop's documents and FAQs."""
    files = [*collect(SHOP / "knowledge"), *collect(SHOP / "faqs.jsonl")]
    try:
        async with operator.channel(home, "knowledge") as channel:
            results = await import_files(channel, TENANT, TENANT, files)
            await publish_edits(channel, KNOWLEDGE_BASE, "the sample company")
    except KefuError as error:
        raise Problem(
            f"the sample's knowledge could not be imported ({error.message})",
            f"see {home.log('knowledge')}, trace {error.trace_id}",
        ) from None
    for result in results:
        if result.outcome == knowledge_pb2.ImportResult.OUTCOME_FAILED:
            raise Problem(
                f"the sample's {result.path} was refused ({result.problem})",
                "restore examples/shop",
            )
