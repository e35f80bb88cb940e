"""Puts the sample company, the shop, into a home: intents, action server, knowledge."""

import yaml
from kefu.errors import KefuError
from kefu.knowledge.v1 import knowledge_pb2

from services.local import home as home_module
from services.local import operator
from services.local.home import Home
from services.local.knowledge_files import collect, import_files
from services.local.problem import Problem
from services.local.programs import ROOT, SAMPLE

TENANT = "shop"
"""The sample company's tenant; its knowledge base has the same id."""

SHOP = ROOT / "examples" / "shop"
"""Where the sample company lies in the project."""


def install(home: Home, action_address: str) -> None:
    """Write what the services read when they start; what somebody changed stays as it is.

    Args:
        home: the home.
        action_address: `host:port` of the shop's action server.
    """
    intents, actions = home.intents / f"{TENANT}.yaml", home.tenants / TENANT / "actions.yaml"
    if not intents.exists():
        home_module.write(intents, (SHOP / "intents.yaml").read_bytes())
    if actions.exists() and action_address in actions.read_text(encoding="utf-8"):
        return
    servers = {"servers": [{"name": SAMPLE.name, "target": action_address}]}
    home_module.write(actions, yaml.safe_dump(servers).encode())


async def load_knowledge(home: Home) -> None:
    """Import the shop's documents and FAQs; nothing happens where they are there already.

    Raises:
        Problem: the service refused the import or one of the files.
    """
    files = [*collect(SHOP / "knowledge"), *collect(SHOP / "faqs.jsonl")]
    try:
        async with operator.channel(home, "knowledge") as channel:
            results = await import_files(channel, TENANT, TENANT, files)
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
