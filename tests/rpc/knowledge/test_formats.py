"""Files as companies have them, through the front door."""

from kefu.knowledge.v1 import knowledge_pb2 as pb

from tests.rpc.knowledge.samples import SECONDS, KnowledgeStub, published
from tests.unit.knowledge.made_files import chinese, excel, heading, pdf, ruled, word

MANUAL = pdf(
    heading("Returns"),
    chinese("签收后十五天内可以无理由退货。"),
    ruled([["地区", "运费"], ["北京", "十二元"]]),
)
FAQS = excel(("FAQ", [["question", "answer"], ["怎么退货？", "在订单页点申请。"]]))


async def test_a_company_brings_its_files(stub: KnowledgeStub, base: str) -> None:
    """Each is stored as the text that is cited from it; one that cannot be read fails alone."""
    files = {
        "manual.pdf": MANUAL,
        "old.docx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "empty.docx": word(id),
        "faqs.xlsx": FAQS,
        "page.html": "<nav>menu</nav><h1>Delivery</h1><p>Three days.</p>",
    }
    results = {result.path: result for result in await published(stub, base, files)}
    assert {path for path, result in results.items() if result.problem} == {
        "old.docx",
        "empty.docx",
    }
    assert results["faqs.xlsx"].document.faq_count == 1
    stored = await stub.GetDocument(
        pb.GetDocumentRequest(name=results["manual.pdf"].document.name), timeout=SECONDS
    )
    assert stored.text == (
        "# Returns\n\n签收后十五天内可以无理由退货。\n\n"
        "| 地区 | 运费 |\n|---|---|\n| 北京 | 十二元 |\n"
    )
    found = await stub.Search(
        pb.SearchRequest(parent=base, query="北京的运费是多少"), timeout=SECONDS
    )
    [first, *_] = found.passages
    assert "十二元" in first.text
