"""Names are read back as they were written."""

from services.knowledge.catalog import BaseName, DocumentName

BASE = BaseName("shop", "faq")


def test_names_are_read_and_written() -> None:
    """A name that is parsed and written again is the same name."""
    name = "tenants/shop/knowledgeBases/faq/documents/a.md"
    document = DocumentName.parse(name)
    assert (str(document), document.base, document.document) == (name, BASE, "a.md")


def test_a_base_is_read_from_any_name_below_it() -> None:
    """What stands in a knowledge base belongs to it."""
    assert BaseName.parse("tenants/shop/knowledgeBases/faq/documents/a.md") == BASE
