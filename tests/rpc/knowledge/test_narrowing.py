"""What narrows a search: metadata, tags, validity, the company's own words; and passages listed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from kefu import errors
from kefu.knowledge.v1 import knowledge_pb2 as pb
from kefu.knowledge.v1 import release_pb2 as release

from tests.rpc.knowledge.samples import (
    SECONDS,
    KnowledgeStub,
    embedding,
    publish,
    published,
    request_id,
)
from tests.support.mesh import error_of

NOW = datetime.now(UTC)


def at(days: float) -> Timestamp:
    """A moment so many days from now."""
    stamp = Timestamp()
    stamp.FromDatetime(NOW + timedelta(days=days))
    return stamp


async def bring(stub: KnowledgeStub, base: str, *files: pb.SourceFile) -> None:
    """Import files with what their owner says of them, and publish."""
    header = pb.ImportHeader(parent=base, request_id=request_id())
    messages = [pb.ImportDocumentsRequest(header=header)]
    messages += [pb.ImportDocumentsRequest(file=file) for file in files]
    response = await stub.ImportDocuments(iter(messages), timeout=SECONDS)
    assert {each.outcome for each in response.results} == {pb.ImportResult.OUTCOME_IMPORTED}
    await publish(stub, base)


async def paths(stub: KnowledgeStub, base: str, query: str, **more: Any) -> set[str]:
    """Ids of the documents that are found, by words and by meaning."""
    request = pb.SearchRequest(
        parent=base, query=query, embedding=embedding(query), page_size=20, **more
    )
    found = await stub.Search(request, timeout=SECONDS)
    return {each.document.rpartition("/")[2] for each in found.passages}


async def test_metadata_narrows(stub: KnowledgeStub, base: str) -> None:
    """Values of one key are alternatives, keys are all needed; what lacks a key is left out."""
    await bring(
        stub,
        base,
        pb.SourceFile(path="a.md", content=b"fees", metadata={"region": "eu", "kind": "law"}),
        pb.SourceFile(path="b.md", content=b"fees", metadata={"region": "us", "kind": "law"}),
        pb.SourceFile(path="c.md", content=b"fees", metadata={"region": "us"}),
        pb.SourceFile(path="d.md", content=b"fees"),
    )

    def filters(**wanted: list[str]) -> list[pb.MetadataFilter]:
        return [pb.MetadataFilter(key=key, values=values) for key, values in wanted.items()]

    assert await paths(stub, base, "fees") == {"a.md", "b.md", "c.md", "d.md"}
    us = filters(region=["us"])
    assert await paths(stub, base, "fees", filters=us) == {"b.md", "c.md"}
    both = filters(region=["us", "eu"], kind=["law"])
    assert await paths(stub, base, "fees", filters=both) == {"a.md", "b.md"}
    assert await paths(stub, base, "fees", filters=filters(region=["cn"])) == set()


async def test_metadata_is_kept_and_a_change_is_an_import(stub: KnowledgeStub, base: str) -> None:
    """The same file with other metadata is not unchanged."""
    file = pb.SourceFile(path="a.md", content=b"fees", metadata={"region": "eu"})
    await bring(stub, base, file)
    file.metadata["region"] = "us"
    await bring(stub, base, file)
    [document] = (
        await stub.ListDocuments(pb.ListDocumentsRequest(parent=base), timeout=SECONDS)
    ).documents
    assert dict(document.metadata) == {"region": "us"}


async def test_tags_of_faqs_narrow(stub: KnowledgeStub, base: str) -> None:
    """By words and for an FAQ with the same question."""
    faqs = (
        '{"id":"1","question":"what about fees","answer":"x","tags":["web"]}\n'
        '{"id":"2","question":"fees in shops","answer":"y","tags":["shop"]}\n'
    )
    await published(stub, base, {"faqs.jsonl": faqs})
    for tag, answered in (("web", True), ("shop", False)):
        request = pb.SearchRequest(
            parent=base,
            query="what about fees",
            filters=[pb.MetadataFilter(key="tag", values=[tag])],
        )
        found = await stub.Search(request, timeout=SECONDS)
        assert found.HasField("faq") is answered
        assert len(found.passages) == 1


async def test_only_what_is_valid_is_found(stub: KnowledgeStub, base: str) -> None:
    """Now, or at the time that is asked about; the end does not belong to it."""
    await bring(
        stub,
        base,
        pb.SourceFile(path="past.md", content=b"fees", valid_until=at(-1)),
        pb.SourceFile(path="now.md", content=b"fees", valid_from=at(-1), valid_until=at(1)),
        pb.SourceFile(path="future.md", content=b"fees", valid_from=at(1)),
        pb.SourceFile(path="always.md", content=b"fees"),
    )
    assert await paths(stub, base, "fees") == {"now.md", "always.md"}
    for days, expected in ((-2, "past.md"), (2, "future.md"), (1, "future.md")):
        found = await paths(stub, base, "fees", valid_time=at(days))
        assert found == {expected, "always.md"}


async def test_an_faq_is_valid_for_its_time(stub: KnowledgeStub, base: str) -> None:
    """It answers inside it alone, and its own dates narrow those of its file."""
    day = NOW.date()
    old = {"valid_until": str(day - timedelta(days=2)), "answer": "old"}
    new = {"valid_from": str(day), "answer": "new"}
    faqs = [
        {"id": "old", "question": "how much is it", **old},
        {"id": "new", "question": "how much is it now", **new},
    ]
    await published(stub, base, {"faqs.jsonl": "\n".join(map(json.dumps, faqs))})
    for query, days, expected in (
        ("how much is it", 0, ""),
        ("how much is it", -3, "old"),
        ("how much is it now", 0.1, "new"),
        ("how much is it now", -3, ""),
    ):
        request = pb.SearchRequest(
            parent=base, query=query, scope=pb.SEARCH_SCOPE_FAQ, valid_time=at(days)
        )
        assert (await stub.Search(request, timeout=SECONDS)).faq.answer == expected


async def test_a_cached_answer_ends_with_its_validity(
    stub: KnowledgeStub, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also within the minute that the cache keeps it."""
    now = datetime.now(UTC)
    until = (now + timedelta(minutes=5)).isoformat()
    faq = {"id": "1", "question": "怎么退货", "answer": "x", "valid_until": until}
    await published(stub, base, {"faqs.jsonl": json.dumps(faq)})
    request = pb.SearchRequest(parent=base, query="怎么退货", scope=pb.SEARCH_SCOPE_FAQ)
    for cached in (False, True):
        assert (await stub.Search(request, timeout=SECONDS)).faq.cached is cached
    later = (now + timedelta(minutes=6)).timestamp()
    monkeypatch.setattr("services.knowledge.answer_store.time.time", lambda: later)
    assert not (await stub.Search(request, timeout=SECONDS)).faq.cached


async def test_an_end_before_its_beginning_is_refused(stub: KnowledgeStub, base: str) -> None:
    """The owner's mistake, said as such."""
    file = pb.SourceFile(path="a.md", content=b"x", valid_from=at(1), valid_until=at(0))
    error = await error_of(bring(stub, base, file))
    assert type(error) is errors.InvalidRequest
    assert [field for field, _ in error.violations] == ["valid_until"]


async def dictionary(stub: KnowledgeStub, base: str, *words: str) -> int:
    request = release.ReplaceDictionaryRequest(parent=base, request_id=request_id(), words=words)
    return (await stub.ReplaceDictionary(request, timeout=SECONDS)).word_count


SIZES = {
    "size.md": "# 尺码\n\n营地鞋三码对应脚长二十五厘米。",
    "other.md": "# 编码\n\n三月起更换条码，请扫码入库，三天内完成。",
    "plan.md": "# Plans\n\nThe super saver plan has free delivery.",
    "super.md": "# Super\n\nA saver of time, super quick, by plan.",
}


async def test_own_words_are_found_whole(stub: KnowledgeStub, base: str) -> None:
    """Without the word its characters find other things; with it only what says it."""
    await published(stub, base, SIZES)
    await dictionary(stub, base, "三码", "super saver")
    await publish(stub, base)
    for query in ("三码", "三碼"):
        request = pb.SearchRequest(parent=base, query=query)
        found = await stub.Search(request, timeout=SECONDS)
        assert [each.document.rpartition("/")[2] for each in found.passages] == ["size.md"]


async def test_the_dictionary_belongs_to_the_revision(stub: KnowledgeStub, base: str) -> None:
    """Edited in the draft, listed as of a revision, gone back with it."""
    await published(stub, base, SIZES)
    assert await dictionary(stub, base, "三码", "三碼", " 联名款 ") == 2
    await publish(stub, base)
    assert await dictionary(stub, base, "联名款", "新词") == 2

    async def words(revision: str) -> list[str]:
        request = release.ListDictionaryRequest(parent=base, revision=revision)
        return list((await stub.ListDictionary(request, timeout=SECONDS)).words)

    assert await words("1") == []
    assert len(await words("2")) == 2
    assert await words("draft") == ["新词", "联名款"]
    await publish(stub, base)
    assert await words("live") == ["新词", "联名款"]
    assert len(await words("2")) == 2


async def test_passages_are_listed_with_their_places(stub: KnowledgeStub, base: str) -> None:
    """Headings as context, tables whole, spans that cut the very words out of the text."""
    text = (
        "# 退货\n\n## 运费\n\n因个人原因退货，运费由顾客承担。\n\n"
        "表1：各地运费\n\n| 地区 | 运费 |\n|---|---|\n| 北京 | 十二元 |\n\n- 一项\n- 另一项\n"
    )
    [result] = await published(stub, base, {"returns.md": text})
    name = result.document.name
    request = pb.ListPassagesRequest(parent=name)
    passages = (await stub.ListPassages(request, timeout=SECONDS)).passages
    stored = (await stub.GetDocument(pb.GetDocumentRequest(name=name), timeout=SECONDS)).text
    assert passages
    for each in passages:
        assert stored[each.span.start : each.span.end] == each.text
        assert each.heading == "退货 > 运费"
        assert 0 < each.tokens < 300
        assert each.embedded
    [table] = [each for each in passages if "|---|" in each.text]
    assert table.text.count("|") == 9


async def test_wordings_of_faqs_are_listed(stub: KnowledgeStub, base: str) -> None:
    """Each with the FAQ that it asks for; in pages, and none twice."""
    faq = '{"id":"how","question":"怎么退货？","variants":["退货流程","如何退货"],"answer":"x"}'
    [result] = await published(stub, base, {"faqs.jsonl": faq})
    found, token = [], ""
    while True:
        request = pb.ListPassagesRequest(parent=result.document.name, page_size=2, page_token=token)
        page = await stub.ListPassages(request, timeout=SECONDS)
        found += [(each.faq_id, each.text) for each in page.passages]
        if not (token := page.next_page_token):
            break
    assert found == [("how", "怎么退货？"), ("how", "退货流程"), ("how", "如何退货")]
