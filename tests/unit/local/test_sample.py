"""The sample company and other files on their way into a home and into the knowledge service."""

import asyncio
from pathlib import Path

import grpc
import pytest
import yaml
from kefu.errors import ServiceUnavailable

from services.local import credentials, lock, operator, sample, status
from services.local.home import Home
from services.local.knowledge_files import collect
from services.local.problem import Problem
from services.local.status import MeshStatus, ServiceStatus

NOWHERE = "127.0.0.1:1"
"""An address at which nobody listens."""


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A home with certificates, whose services are down."""
    home = Home.at(tmp_path / "home")
    home.create()
    credentials.renew(home, [])
    service = ServiceStatus(address=NOWHERE, metrics_address="")
    status.save(home, MeshStatus(services={"intent": service, "knowledge": service}))
    return home


def test_the_shops_action_server_is_there_before_the_start(place: Home) -> None:
    """Session reads it when it starts."""
    sample.install(place, "127.0.0.1:4711")
    actions = yaml.safe_load((place.tenants / "shop" / "actions.yaml").read_text())
    assert actions == {"servers": [{"name": "shop-orders", "target": "127.0.0.1:4711"}]}


def test_a_directory_is_collected_by_relative_path(tmp_path: Path) -> None:
    """Readable files of all depths in a fixed order; others are left where they are."""
    for name in ("zh/b.md", "a.jsonl", "zh/a.txt", "picture.png", "notes.md/readme"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    files = collect(tmp_path)
    assert [file.path for file in files] == ["a.jsonl", "zh/a.txt", "zh/b.md"]
    assert files[2].content == b"zh/b.md"


def test_a_single_file_is_collected_by_its_name(tmp_path: Path) -> None:
    """Whatever its ending: the service says in its own words what it cannot read."""
    (tmp_path / "faqs.csv").write_text("question,answer")
    assert [file.path for file in collect(tmp_path / "faqs.csv")] == ["faqs.csv"]


def test_a_directory_without_anything_to_import_is_a_problem(tmp_path: Path) -> None:
    """Zero files imported would look like success."""
    with pytest.raises(Problem, match=r"holds nothing to import: give .*\.md"):
        collect(tmp_path)


def test_the_shop_has_both_documents_and_faqs_in_both_languages() -> None:
    """What `kefu up --sample` loads."""
    paths = {file.path for file in collect(sample.SHOP / "knowledge")}
    assert {"zh/returns.md", "en/returns.md"} <= paths
    assert len(collect(sample.SHOP / "faqs.jsonl")) == 1


async def test_without_a_mesh_nothing_is_called(place: Home) -> None:
    """Old addresses in mesh.json may belong to anybody by now."""
    with pytest.raises(Problem, match=r"no mesh runs on .*: start it: kefu up --home"):
        async with operator.channel(place, "knowledge"):
            pass


def test_a_service_that_the_mesh_does_not_have_is_named(place: Home) -> None:
    """`shop-orders` exists only with the sample."""
    with lock.held(place), pytest.raises(Problem, match="the mesh has no service shop-orders"):
        operator.address(place, "shop-orders")


async def test_a_failed_call_is_raised_as_its_own_class(place: Home) -> None:
    """Nobody outside of the channel sees grpc's exception."""

    async def search() -> None:
        async with operator.channel(place, "knowledge") as channel:
            call = channel.unary_unary("/kefu.knowledge.v1.KnowledgeService/Search")
            await call(b"", timeout=5)

    with lock.held(place), pytest.raises(ServiceUnavailable):
        await search()


async def test_a_sample_that_cannot_be_loaded_is_a_problem_with_a_log(place: Home) -> None:
    """`kefu up --sample` fails with one line, not with a traceback of grpc."""
    with lock.held(place), pytest.raises(Problem, match=r"could not be .*(knowledge|intent)\.log"):
        await asyncio.wait_for(sample.load(place), 30)


def test_the_operators_credentials_are_read_from_the_home(place: Home) -> None:
    """The CLI calls with a certificate of its own."""
    from services.local.health import client_credentials

    found = client_credentials(place.client(credentials.OPERATOR))
    assert isinstance(found, grpc.ChannelCredentials)
