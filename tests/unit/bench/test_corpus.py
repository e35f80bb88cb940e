"""The generated passages of `make bench-knowledge`: the same each time, in both languages."""

import numpy as np

from services.knowledge.indexing import entries, indexed
from services.language import Language
from tests.bench.retrieval.corpus import PASSAGES_PER_DOCUMENT, Corpus


def test_a_corpus_has_the_size_that_was_asked_for() -> None:
    """The last document holds what is left."""
    corpus = Corpus(2 * PASSAGES_PER_DOCUMENT + 7)
    sizes = [len(corpus.document(number).passages) for number in range(corpus.documents)]
    assert sizes == [PASSAGES_PER_DOCUMENT, PASSAGES_PER_DOCUMENT, 7]


def test_it_is_the_same_each_time_and_differs_by_document() -> None:
    """Two runs measure the same; no two documents say the same."""
    one, two = Corpus(600), Corpus(600)
    assert one.document(1) == two.document(1)
    assert one.document(0).text != one.document(1).text
    assert np.array_equal(one.vectors(1), two.vectors(1))


def test_both_languages_are_there() -> None:
    """Half and half, with passages that are cut out of the document's text."""
    corpus = Corpus(2 * PASSAGES_PER_DOCUMENT)
    documents = [corpus.document(number) for number in range(2)]
    assert [each.language for each in documents] == [Language.ZH, Language.EN]
    for document in documents:
        for passage in document.passages:
            assert passage.span.of(document.text) == passage.text
        assert all(each.under.terms for each in entries(indexed(document)))


def test_vectors_lie_as_those_of_the_real_model_do() -> None:
    """Unit length; unrelated ones at cosines of 0.6 to 0.8, those of one topic nearer."""
    vectors = Corpus(2000).vectors(0)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = vectors @ vectors.T
    same, other = float(cosines[0, 1]), float(cosines[0, 100])
    assert 0.5 < other < same < 0.99


def test_a_question_is_near_its_topic() -> None:
    """So that there is something to find."""
    corpus = Corpus(1000)
    everything = np.concatenate([corpus.vectors(number) for number in range(corpus.documents)])
    for query in corpus.queries(6):
        assert query.text
        assert float((everything @ query.vector).max()) > 0.75
