"""ListModels through the front door."""

import pytest
from kefu.errors import MethodNotAllowed, PageTokenInvalid
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from tests.rpc.generation.samples import SECONDS
from tests.support.mesh import Served, error_of

CHAT = pb.Model(model="stub", use=pb.Model.USE_CHAT, provider="default")


async def test_the_configured_models_are_listed_by_name(server: Served) -> None:
    """Each with its use and its provider; what a provider runs is not local."""
    stub = server.stub(GenerationServiceStub, role="operator")
    response = await stub.ListModels(pb.ListModelsRequest(), timeout=SECONDS)
    remote = pb.Model(
        model="stub-embedding", use=pb.Model.USE_EMBEDDING, provider="default-embedding"
    )
    assert list(response.models) == [CHAT, remote]
    assert response.next_page_token == ""


async def test_without_providers_the_local_model_is_all_there_is(lonely_server: Served) -> None:
    """The extractive answer is not listed: it is no model."""
    stub = lonely_server.stub(GenerationServiceStub, role="operator")
    response = await stub.ListModels(pb.ListModelsRequest(), timeout=SECONDS)
    assert list(response.models) == [
        pb.Model(
            model="multilingual-e5-small-int8",
            use=pb.Model.USE_EMBEDDING,
            local=True,
            dimensions=384,
        )
    ]


async def test_pages_follow_each_other(server: Served) -> None:
    """The token leads to the rest, and the last page has none."""
    stub = server.stub(GenerationServiceStub, role="operator")
    first = await stub.ListModels(pb.ListModelsRequest(page_size=1), timeout=SECONDS)
    assert list(first.models) == [CHAT]
    request = pb.ListModelsRequest(page_size=1, page_token=first.next_page_token)
    second = await stub.ListModels(request, timeout=SECONDS)
    assert [model.model for model in second.models] == ["stub-embedding"]
    assert second.next_page_token == ""


@pytest.mark.parametrize("token", ["x", "c3R1Yg==", "令牌"])
async def test_a_made_up_token_is_refused(server: Served, token: str) -> None:
    """PAGE_TOKEN_INVALID, never a page of something else."""
    stub = server.stub(GenerationServiceStub, role="operator")
    call = stub.ListModels(pb.ListModelsRequest(page_token=token), timeout=SECONDS)
    assert isinstance(await error_of(call), PageTokenInvalid)


async def test_strangers_are_refused(server: Served) -> None:
    """The session service drives turns; it does not look at the configuration."""
    stub = server.stub(GenerationServiceStub, role="session")
    error = await error_of(stub.ListModels(pb.ListModelsRequest(), timeout=SECONDS))
    assert isinstance(error, MethodNotAllowed)
