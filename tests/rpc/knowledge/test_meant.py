"""Which FAQ is meant, through the front door: by revision, once vectors are there, explained."""

import asyncio
import json

import pytest
from kefu.knowledge.v1 import knowledge_pb2 as pb

from tests.rpc.knowledge.samples import (
    SECONDS,
    CharacterVectors,
    KnowledgeStub,
    embedding,
    importing,
    publish,
    published,
)

FAQS = {
    "return": ["怎么退货", "退货流程说明", "退货要几步"],
    "exchange": ["怎么换货", "换货流程说明", "换货要几步"],
    "invoice": ["怎么开发票", "发票流程说明", "发票要几天"],
}


def files(faqs: dict[str, list[str]]) -> dict[str, str]:
    """One file of FAQs, each with its wordings."""
    lines = [
        json.dumps({"id": name, "question": one, "variants": others, "answer": f"{name}的答案"})
        for name, (one, *others) in faqs.items()
    ]
    return {"faqs.jsonl": "\n".join(lines)}


async def ask(
    stub: KnowledgeStub, base: str, query: str, revision: str = ""
) -> dict[str, dict[str, float]]:
    """Evidence by the answer that was found, best first."""
    request = pb.SearchRequest(
        parent=base, query=query, embedding=embedding(query), explain=True, revision=revision
    )
    found = await stub.Search(request, timeout=SECONDS)
    return {
        each.text.partition("\n")[2]: {part.name: part.contribution for part in each.evidence}
        for each in found.passages
    }


async def test_the_wordings_of_all_faqs_tell_which_is_meant(stub: KnowledgeStub, base: str) -> None:
    """What is meant comes first, and `explain` says how probable each is; they add up to one."""
    await published(stub, base, files(FAQS))
    found = await ask(stub, base, "换货的流程")
    assert next(iter(found)) == "exchange的答案"
    assert abs(sum(each["meant"] for each in found.values()) - 1) < 1e-6
    assert found["exchange的答案"]["meant"] == max(each["meant"] for each in found.values())


async def test_nothing_is_explained_unless_asked(stub: KnowledgeStub, base: str) -> None:
    """Evidence is for whoever wants to know."""
    await published(stub, base, files(FAQS))
    request = pb.SearchRequest(parent=base, query="换货", embedding=embedding("换货"))
    found = await stub.Search(request, timeout=SECONDS)
    assert not any(each.evidence for each in found.passages)


async def test_each_revision_has_its_own_classifier(stub: KnowledgeStub, base: str) -> None:
    """The draft learns at once what was imported; what is live knows nothing of it."""
    await published(stub, base, files(FAQS))
    more = FAQS | {"repair": ["怎么维修", "维修流程说明", "维修要几步"]}
    await stub.ImportDocuments(importing(base, files(more)), timeout=SECONDS)
    assert len(await ask(stub, base, "维修流程")) == 3
    assert next(iter(await ask(stub, base, "维修流程", "draft"))) == "repair的答案"
    del more["return"]
    await stub.ImportDocuments(importing(base, files(more)), timeout=SECONDS)
    assert "return的答案" not in await ask(stub, base, "退货流程", "draft")
    await publish(stub, base)
    assert len(await ask(stub, base, "维修流程", "1")) == 3


async def test_one_wording_each_teaches_nothing(stub: KnowledgeStub, base: str) -> None:
    """Then the nearest decides, as before."""
    await published(stub, base, files({name: texts[:1] for name, texts in FAQS.items()}))
    found = await ask(stub, base, "怎么换货呢")
    assert next(iter(found)) == "exchange的答案"
    assert not any("meant" in each for each in found.values())


async def test_without_vectors_there_is_none_and_later_there_is(
    stub: KnowledgeStub, base: str, vectors: CharacterVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revision that was published before its vectors came gets its classifier when they come."""
    monkeypatch.setattr("services.knowledge.classifiers.AGAIN_SECONDS", 0.0)
    vectors.down = True
    await published(stub, base, files(FAQS))
    assert not any("meant" in each for each in (await ask(stub, base, "换货")).values())
    vectors.down = False
    async with asyncio.timeout(SECONDS):
        while not any("meant" in each for each in (await ask(stub, base, "换货")).values()):
            pass  # the vectors come from another process


async def test_searches_at_once_make_one(stub: KnowledgeStub, base: str) -> None:
    """A rush on a new revision: everybody waits for the same one, and gets the same."""
    await published(stub, base, files(FAQS))
    several = await asyncio.gather(*(ask(stub, base, "换货的流程") for _ in range(12)))
    assert all(each == several[0] for each in several)
