"""`kefu knowledge` from draft to live and back, as a content owner types it, also wrongly."""

import json
from pathlib import Path

import pytest
from kefu.errors import KnowledgeBaseNotFound, RevisionNotFound

from services.local.problem import Problem
from tests.rpc.knowledge.commands import kefu
from tests.rpc.knowledge.releases import NEW, OLD
from tests.rpc.knowledge.samples import FILES, SECONDS, KnowledgeStub, importing, published

QUESTIONS = "question\tdocuments\twithin\nreturns cost\tfees.md\t1\nquantum physics\t\t\n"


@pytest.fixture
async def draft(stub: KnowledgeStub, base: str, kb: str) -> str:
    """The id of a knowledge base with an unpublished draft."""
    await stub.ImportDocuments(importing(base, OLD), timeout=SECONDS)
    return kb


async def test_from_draft_to_live_and_back(stub: KnowledgeStub, base: str, draft: str) -> None:
    """What each command says is enough to go on."""
    nothing = await kefu("search", "returns cost", "--kb", draft)
    assert "nothing is live; publish the draft" in nothing.stdout
    first = await kefu("publish", "--kb", draft, "-m", "the first")
    assert "revision 1 is live: 2 documents, 2 passages" in first.stdout
    await stub.ImportDocuments(importing(base, NEW), timeout=SECONDS)
    assert "draft: edited; it becomes revision 2" in (await kefu("status", "--kb", draft)).stdout
    await kefu("publish", "--kb", draft)
    assert "free of charge" in (await kefu("search", "returns", "--kb", draft)).stdout
    back = await kefu("rollback", "--kb", draft)
    assert "revision 1 is live again" in back.stdout
    assert "two euros" in (await kefu("search", "returns", "--kb", draft)).stdout
    listed = (await kefu("revisions", "--kb", draft)).stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["2", "1"]
    assert ["live" in line for line in listed[1:]] == [False, True]
    assert "the first" in listed[2]


async def test_edits_can_be_undone(stub: KnowledgeStub, base: str, kb: str) -> None:
    """`reset` says what the draft is then."""
    await published(stub, base, OLD)
    await stub.ImportDocuments(importing(base, NEW), timeout=SECONDS)
    assert "the draft is what revision 1 is" in (await kefu("reset", "--kb", kb)).stdout
    status = json.loads((await kefu("status", "--kb", kb, "--json")).stdout)
    assert status["live_revision"] == "1"
    assert "draft_changed" not in status


async def test_a_search_explains_itself(draft: str) -> None:
    """Ranks by words and meaning, in a table; the draft and filters may be named."""
    answer = await kefu("search", "returns cost", "--kb", draft, "--revision", "draft", "--explain")
    header, first, *_ = answer.stdout.splitlines()[1:]
    assert header.split()[:5] == ["fused", "score", "words", "meaning", "cosine"]
    assert first.split()[0] == "#1"
    assert "two euros" in first
    narrowed = await kefu(
        "search", "returns", "--kb", draft, "--revision", "draft", "--filter", "region=eu"
    )
    assert "two euros" not in narrowed.stdout
    with pytest.raises(Problem, match="'region' is no filter"):
        await kefu("search", "x", "--kb", draft, "--filter", "region")


async def test_questions_decide(stub: KnowledgeStub, base: str, draft: str, tmp_path: Path) -> None:
    """They are shown with what failed; a draft that fails is refused with exit status 1."""
    file = tmp_path / "tests.tsv"
    file.write_text(QUESTIONS)
    set_ = await kefu("questions", file, "--kb", draft, "--required", "0.8")
    assert "publishing asks 2 questions; 80% have to pass" in set_.stdout
    fine = await kefu("test", "--kb", draft)
    assert (fine.exit_code, "2 of 2 pass" in fine.stdout) == (0, True)
    assert (await kefu("publish", "--kb", draft)).exit_code == 0
    broken = {"fees.md": "# Other\n\nNothing."}
    await stub.ImportDocuments(importing(base, broken), timeout=SECONDS)
    for command in (("publish",), ("publish", "--validate-only")):
        refused = await kefu(*command, "--kb", draft)
        assert refused.exit_code == 1
        assert "1 of 2 pass, 80% have to; 0 better, 1 worse against revision 1" in refused.stdout
        assert "refused" in refused.stdout
        assert "quantum" not in refused.stdout  # passes as before
    report = json.loads((await kefu("test", file, "--kb", draft, "--json")).stdout)
    assert [each["question"]["text"] for each in report["results"]] == [
        "returns cost",
        "quantum physics",
    ]


async def test_without_questions_validating_says_so(draft: str) -> None:
    """And what to do about it."""
    answer = await kefu("publish", "--validate-only", "--kb", draft)
    assert answer.exit_code == 0
    assert "give some: kefu knowledge questions FILE" in answer.stdout


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("question\nx\n", "lacks a column"),
        ("question,documents\n,a.md\n", "line 2: no question"),
        ("question,documents,within\nx,a.md,0\n", "line 2: within is '0'"),
        ("question,documents\n", "has 0 questions"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
    ],
)
async def test_a_wrong_file_is_named_with_its_line(
    draft: str, tmp_path: Path, content: str | bytes, problem: str
) -> None:
    """Nothing is replaced by half of a file."""
    file = tmp_path / "tests.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(Problem, match=problem):
        await kefu("test", file, "--kb", draft)


async def test_chunks_are_shown(stub: KnowledgeStub, base: str, kb: str) -> None:
    """By path or id, with headings, places and sizes; an unknown one lists what there is."""
    await published(stub, base, FILES)
    answer = await kefu("chunks", "zh/returns.md", "--kb", kb)
    assert "退货 > 运费" in answer.stdout
    assert "2 passages" in answer.stdout
    assert "tokens, zh" in answer.stdout
    assert "FAQ how" in (await kefu("chunks", "faqs.jsonl", "--kb", kb)).stdout
    with pytest.raises(Problem) as caught:
        await kefu("chunks", "nope.md", "--kb", kb)
    assert "zh/returns.md" in caught.value.remedy


async def test_own_words_are_replaced_and_listed(draft: str, tmp_path: Path) -> None:
    """A word a line; the draft's are listed one a line, for pipes."""
    file = tmp_path / "words.txt"
    file.write_text("三码\n\n联名款\n三碼\n")
    assert "2 words in the draft" in (await kefu("dictionary", file, "--kb", draft)).stdout
    assert len((await kefu("dictionary", "--kb", draft)).stdout.split()) == 2
    live = await kefu("dictionary", "--kb", draft, "--revision", "live")
    assert live.stdout == ""


async def test_what_is_not_there_is_said(kb: str) -> None:
    """A misspelt knowledge base, a revision that never was."""
    with pytest.raises(KnowledgeBaseNotFound):
        await kefu("publish", "--kb", "nope")
    with pytest.raises(RevisionNotFound, match="nothing was published yet"):
        await kefu("rollback", "--kb", kb)
    with pytest.raises(RevisionNotFound):
        await kefu("test", "--kb", kb, "--revision", "9")
    for command in (("search", "x"), ("test",)):
        said = await kefu(*command, "--kb", kb, "--revision", "tomorrow")
        assert said.exit_code == 2
        assert "kefu knowledge revisions" in " ".join(said.stderr.split())


async def test_documents_of_a_revision_are_its_own(stub: KnowledgeStub, base: str, kb: str) -> None:
    """Chunks of an earlier revision show what it said."""
    await published(stub, base, OLD)
    await published(stub, base, NEW)
    old = await kefu("chunks", "fees.md", "--kb", kb, "--revision", "1")
    assert "two euros" in old.stdout
    assert "free of charge" in (await kefu("chunks", "fees.md", "--kb", kb)).stdout
