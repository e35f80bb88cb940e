"""What the contract says of its methods, and which names a request carries."""

import pytest
from google.protobuf.message import Message
from kefu.audit.v1.audit_pb2 import ListEventsRequest
from kefu.desk.v1.desk_pb2 import CreateTicketRequest
from kefu.intent.v1.intent_pb2 import ClassifyRequest
from kefu.knowledge.v1.knowledge_pb2 import ImportDocumentsRequest
from kefu.sentiment.v1.sentiment_pb2 import GetConfigRequest
from kefu.session.v1.session_pb2 import CreateSessionRequest, GetTurnRequest

from services.mesh.descriptors import (
    SERVICES,
    contract_files,
    contract_methods,
    is_tenant_id,
    resource_names,
)
from tests.support.mesh import ROOT


def test_every_proto_with_a_service_is_known() -> None:
    """A new service that is not listed would escape the tests of the contract."""
    protos = ROOT / "protos"
    found = {
        str(path.relative_to(protos))
        for path in (protos / "kefu").rglob("*.proto")
        if "\nservice " in path.read_text()
    }
    assert found == {file.name for file in contract_files()}
    assert {name.split("/")[1] for name in found} == set(SERVICES)


def test_methods_have_their_full_names() -> None:
    """As the policy, the retry table and the logs write them."""
    method = contract_methods()["kefu.desk.v1.DeskService/GetTicket"]
    assert method.input_type.full_name == "kefu.desk.v1.GetTicketRequest"


@pytest.mark.parametrize(
    ("request_", "first", "tenants"),
    [
        (GetConfigRequest(), "", ()),
        (ClassifyRequest(tenant="tenants/shop", text="tenants/bank"), "tenants/shop", ("shop",)),
        (
            GetTurnRequest(name="tenants/a/sessions/1/turns/2"),
            "tenants/a/sessions/1/turns/2",
            ("a",),
        ),
        (ListEventsRequest(parent="tenants/-"), "tenants/-", ("-",)),
        (ImportDocumentsRequest(file={"path": "tenants/x"}), "", ()),
        (
            ImportDocumentsRequest(header={"parent": "tenants/a/knowledgeBases/k"}),
            "tenants/a/knowledgeBases/k",
            ("a",),
        ),
        (
            CreateSessionRequest(
                parent="tenants/a", session={"knowledge_base": "tenants/b/knowledgeBases/k"}
            ),
            "tenants/a",
            ("a", "b"),
        ),
        (
            CreateTicketRequest(parent="tenants/a", ticket={"session": "tenants/a/sessions/1"}),
            "tenants/a",
            ("a",),
        ),
        (ClassifyRequest(tenant="shop"), "shop", ()),
        (ClassifyRequest(tenant="tenants/"), "tenants/", ("",)),
    ],
)
def test_names_in_a_request(request_: Message, first: str, tenants: tuple[str, ...]) -> None:
    """Its own and those of its parts; never what a customer wrote."""
    found = resource_names(request_)
    assert (found.first, found.tenants) == (first, tenants)


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        ("shop", True), ("a", True), ("shop-2", True), ("x" * 63, True), ("x" * 64, False),
        ("", False), ("Shop", False), ("2shop", False), ("-", False), ("shop\n", False),
        ("商店", False), ("a b", False), ("shop/x", False),
    ],
)  # fmt: skip
def test_the_form_of_a_tenants_id(text: str, is_id: bool) -> None:
    """The same form as in the field rules; all else may be anybody's words."""
    assert is_tenant_id(text) is is_id
