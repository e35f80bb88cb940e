"""Provider tables as an operator meets them: the process, its log, its end, and vectors."""

from pathlib import Path

import grpc
import pytest
from kefu.errors import ModelUnavailable
from kefu.generation.v1 import generation_pb2 as pb
from kefu.generation.v1.generation_pb2_grpc import GenerationServiceStub

from tests.rpc.generation.samples import KEY, SECONDS, TENANT, question, read
from tests.rpc.generation.tables import entry, serving_table, write_table
from tests.rpc.generation.test_process import identities, line_with, process
from tests.stubs.behaviour import Behaviour
from tests.stubs.model_server import DIMENSIONS, ModelServer, model_server
from tests.support.mesh import error_of


async def test_the_process_reads_the_table_and_shows_no_key(
    model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys of file and environment reach the provider, and neither log nor spool."""
    settings, client = identities(tmp_path)
    (tmp_path / "key").write_text(KEY + "-file\n")
    # Not a setting, so the process gets it as it is.
    monkeypatch.setenv("SECOND_KEY", KEY + "-env")
    table = write_table(
        tmp_path,
        entry(model, "first", api_key_file=str(tmp_path / "key")),
        entry(model, "second", api_key_env="SECOND_KEY"),
    )
    model.next.extend([Behaviour(status=401), Behaviour(), *[Behaviour(status=500)] * 12])
    async with process(settings | {"providers_file": table}) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        address = (await line_with(running.stdout, "serving"))["address"]
        async with grpc.aio.secure_channel(address, client.channel_credentials()) as channel:
            stub = GenerationServiceStub(channel)
            for number in range(4):
                await read(stub.Generate(question(f"怎么退{number}货?"), timeout=SECONDS))
        running.terminate()
        written = await running.stdout.read() + await running.stderr.read()
        assert await running.wait() == 0
    keys = [seen.headers["Authorization"].removeprefix("Bearer ") for seen in list(model.seen)[:2]]
    assert keys == [KEY + "-file", KEY + "-env"]
    spooled = b"".join(file.read_bytes() for file in (tmp_path / "spool").iterdir())
    assert b"provider_error" in written
    assert b'"event": "breaker changed"' in written
    assert KEY.encode() not in written + spooled


async def test_a_wrong_table_stops_the_start_with_all_reasons(tmp_path: Path) -> None:
    """Exit status 2; each with file, line and provider, and no key."""
    settings, _ = identities(tmp_path)
    table = tmp_path / "providers.yaml"
    table.write_text(f"providers:\n- name: main\n  kind: openai\n  api_key: {KEY}\n  colour: red\n")
    async with process(settings | {"providers_file": table}) as running:
        _, errors = await running.communicate()
    assert running.returncode == 2
    for problem in ("4: provider main: api_key: a key does not belong", "5: provider main: colour"):
        assert f"{table}:{problem}".encode() in errors
    assert KEY.encode() not in errors


async def test_vectors_come_from_the_next_provider_of_the_same_model(tmp_path: Path) -> None:
    """They can be compared; with nobody left the caller hears that, and no other model's."""
    async with model_server() as first, model_server() as second:
        entries = entry(first, "first", model="m"), entry(second, "second", model="m")
        use = {"chat": [], "embedding": ["first", "second"]}
        async with serving_table(tmp_path, *entries, use=use) as server:
            stub = server.stub(GenerationServiceStub, role="session")
            first.default = Behaviour(status=500)
            request = pb.EmbedRequest(tenant=TENANT, texts=["退货"], purpose=pb.EMBED_PURPOSE_QUERY)
            (vector,) = (await stub.Embed(request, timeout=SECONDS)).embeddings
            assert (vector.model, len(vector.vector)) == ("m", DIMENSIONS * 4)
            assert (first.count, second.count) == (1, 1)
            second.default = Behaviour(status=429)
            request.texts[0] = "运费"
            assert isinstance(
                await error_of(stub.Embed(request, timeout=SECONDS)), ModelUnavailable
            )


@pytest.mark.parametrize("internal", [False, True])
async def test_texts_to_embed_leave_without_what_identifies_people(
    model: ModelServer, tmp_path: Path, internal: bool
) -> None:
    """Unless the provider is the company's own."""
    described = entry(model, "vectors", internal=internal)
    use = {"chat": [], "embedding": ["vectors"]}
    async with serving_table(tmp_path, described, use=use) as server:
        stub = server.stub(GenerationServiceStub, role="session")
        text = "我的手机号是13912345678"
        request = pb.EmbedRequest(tenant=TENANT, texts=[text], purpose=pb.EMBED_PURPOSE_QUERY)
        await stub.Embed(request, timeout=SECONDS)
    (sent,) = model.seen[0].body["input"]
    assert ("13912345678" in sent) is internal
