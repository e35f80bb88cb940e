"""The statements of a search, each of which asks for everything that it needs at once."""

import re
from functools import cache

from psycopg.sql import SQL, Literal

CANDIDATES = 40
"""Entries taken by words, and as many by meaning, before they are ranked: an FAQ brings about five
wordings, so this is eight FAQs or forty passages from each side."""

SEARCHED_TERMS = 16
"""Of a question's terms only the rarest lead to candidates; what is in half of all entries finds
nothing and costs the most. All terms count in the ranking."""

LED_ENTRIES = 500
"""Entries that words may lead to, before they are weighed. Terms that lead to more are taken in
pairs, as long as these are expected to lead to no more than as many again, so that a search among a
million passages weighs no more of them than one among thousands."""

_COMPARED_TEXTS = 10 * CANDIDATES
"""Nearest texts of a small knowledge base that are looked at, in search of those that the wanted
revision has and that fit the filters."""

_PAIRED_TERMS = 3
"""Of the terms that lead to too many entries, how many are taken in pairs: among a million passages
each pair reads some ten thousand places of the index."""

NEIGHBOURS = CANDIDATES + 20
"""Neighbours that one step through the index of vectors finds: enough for all candidates, where no
filter and no other revision comes between."""

SESSION = SQL(
    "SET hnsw.iterative_scan = 'relaxed_order'; SET hnsw.ef_search = {neighbours}"
).format(neighbours=Literal(NEIGHBOURS))
"""Set once for a connection. With the default an index scan ends after 40 neighbours of all
revisions together, and the wanted one's may not be among them; so it goes on until enough were
found."""

_FITS = """
    e.since <= %(revision)s AND %(revision)s < e.until
    AND (e.valid_from IS NULL OR e.valid_from <= coalesce(%(time)s, now()))
    AND (e.valid_until IS NULL OR coalesce(%(time)s, now()) < e.valid_until)
    AND (%(filters)s::jsonb IS NULL OR NOT EXISTS (
        SELECT FROM jsonb_array_elements(%(filters)s::jsonb) f
        WHERE NOT e.labels && ARRAY(SELECT jsonb_array_elements_text(f))))"""

# Whoever plans a statement knows neither how few rows a tenant's policy leaves nor how few the
# fences below let through, and would join whole tables. `OFFSET 0` keeps each look-up a look-up.
_DOCUMENT = """
    SELECT id, revision, title, valid_until FROM documents d
    WHERE d.tenant = %(tenant)s AND d.copy = e.copy OFFSET 0"""
_FAQ = """
    SELECT faq_id, question, answer, language FROM faqs f
    WHERE f.tenant = %(tenant)s AND f.copy = e.copy AND f.place = e.faq OFFSET 0"""

_COLUMNS = """
    e.id, e.copy, e.faq, e.heading, e.content, e.question_hash, e.span_start, e.span_end,
    e.language, e.lexemes, e.text_hash"""

_FAQ_HITS = f"""
    SELECT d.id AS document, d.revision, f.faq_id, f.question, f.answer, f.language,
        least(e.valid_until, d.valid_until) AS valid_until, e.exact
    FROM (
        SELECT e.*, true AS exact FROM entries e WHERE e.tenant = %(tenant)s AND e.base = %(base)s
        AND e.question_hash = %(question_hash)s AND {_FITS}
        UNION ALL
        SELECT e.*, false FROM entries e WHERE e.tenant = %(tenant)s AND e.base = %(base)s
        AND e.signature_hash = %(signature_hash)s AND {_FITS}
        OFFSET 0
    ) e
    CROSS JOIN LATERAL ({_DOCUMENT}) d CROSS JOIN LATERAL ({_FAQ}) f
    ORDER BY e.exact DESC, f.language = %(language)s DESC, e.id LIMIT 1"""

FIND_FAQ = f"""
WITH hit AS ({_FAQ_HITS})
SELECT b.version, hit.* FROM knowledge_bases b LEFT JOIN hit ON true
WHERE b.tenant = %(tenant)s AND b.number = %(base)s"""
"""Looks up the FAQ with the same question; one row, also where there is none."""

# Compared one by one: exact, and quick for what has no index of its own. The order is that of a
# distance already computed, so that nothing but the wanted knowledge base's vectors is looked at.
_NEAREST = """
    SELECT e.*, v.distance FROM (
        SELECT v.text_hash, v.embedding <=> %(vector)s::halfvec AS distance FROM vectors v
        WHERE %(vector)s::halfvec IS NOT NULL AND v.embedding IS NOT NULL
        AND v.tenant = %(tenant)s AND v.base = %(base)s
        ORDER BY distance LIMIT {looked_at}
    ) v CROSS JOIN LATERAL (
        SELECT {columns} FROM entries e
        WHERE e.tenant = %(tenant)s AND e.base = %(base)s AND e.text_hash = v.text_hash
        AND {fits} OFFSET 0
    ) e LIMIT {candidates}"""

# The number stands in the statement, since the index is for it alone.
_NEAREST_BY_INDEX = """
    SELECT e.*, v.distance FROM (
        SELECT v.text_hash, v.embedding <=> %(vector)s::halfvec AS distance FROM vectors v
        WHERE v.embedding IS NOT NULL AND v.tenant = %(tenant)s AND v.base = {base}
        ORDER BY v.embedding <=> %(vector)s::halfvec
        LIMIT CASE WHEN %(vector)s::halfvec IS NULL THEN 0 ELSE {looked_at} END
    ) v CROSS JOIN LATERAL (
        SELECT {columns} FROM entries e
        WHERE e.tenant = %(tenant)s AND e.base = {base} AND e.text_hash = v.text_hash
        AND {fits} OFFSET 0
    ) e LIMIT {candidates}"""

_SEARCH = """
WITH base AS (
    SELECT version, embedding_model, (
        SELECT coalesce(sum(change), 0) FROM terms WHERE tenant = %(tenant)s AND base = %(base)s
        AND term = '' AND revision <= %(revision)s
    ) AS entry_count
    FROM knowledge_bases WHERE tenant = %(tenant)s AND number = %(base)s
), wanted AS (
    SELECT w.place, w.query::tsquery AS query, t.entry_count,
        w.factor * ln(1 + (b.entry_count - least(t.entry_count, b.entry_count) + 0.5)
            / (least(t.entry_count, b.entry_count) + 0.5))::float8 AS weight
    FROM base b
    CROSS JOIN unnest(%(queries)s::text[], %(factors)s::float8[])
        WITH ORDINALITY AS w (query, factor, place)
    JOIN (
        SELECT p.place, min((
            SELECT coalesce(sum(change), 0) FROM terms WHERE tenant = %(tenant)s
            AND base = %(base)s AND term = p.part AND revision <= %(revision)s
        )) AS entry_count
        FROM unnest(%(parts)s::text[], %(places)s::int[]) AS p (part, place) GROUP BY p.place
    ) t USING (place)
), rare AS (
    SELECT query, weight, entry_count, sum(entry_count) OVER ordered <= {led} AS few,
        row_number() OVER ordered AS nth
    FROM (SELECT * FROM wanted WHERE entry_count > 0 ORDER BY weight DESC LIMIT {terms}) w
    WINDOW ordered AS (ORDER BY entry_count, place)
), many AS (
    SELECT query, weight, entry_count, row_number() OVER (ORDER BY nth) AS nth,
        count(*) OVER () AS count
    FROM rare WHERE NOT few
), pairs AS (
    SELECT query, weight, row_number() OVER ordered AS nth, sum(led) OVER ordered AS led FROM (
        SELECT one.query && other.query AS query, one.weight + other.weight AS weight,
            one.entry_count * other.entry_count::float8 / b.entry_count AS led
        FROM base b CROSS JOIN many one JOIN many other ON one.nth < other.nth
        WHERE other.nth <= {paired}
    ) pair WINDOW ordered AS (ORDER BY led, weight DESC, query)
), leads AS (
    SELECT array_agg(query) AS queries, array_agg(weight) AS weights FROM (
        SELECT query, weight FROM rare WHERE few
        UNION ALL
        SELECT query, weight FROM pairs
        WHERE led <= {led} OR nth = 1 AND NOT EXISTS (SELECT FROM rare WHERE few)
        UNION ALL
        SELECT query, weight FROM many WHERE count = 1 AND NOT EXISTS (SELECT FROM rare WHERE few)
    ) lead
), near AS MATERIALIZED ({nearest}
), found AS (
    SELECT * FROM near
    UNION ALL
    SELECT e.*, v.embedding <=> %(vector)s::halfvec FROM leads CROSS JOIN LATERAL matching_entries(
        %(base)s, %(revision)s, leads.queries, leads.weights,
        {led}, {candidates}, coalesce(%(time)s, now()), %(filters)s::jsonb
    ) AS m (id)
    CROSS JOIN LATERAL (
        SELECT {columns} FROM entries e WHERE e.tenant = %(tenant)s AND e.id = m.id OFFSET 0
    ) e
    LEFT JOIN LATERAL (
        SELECT embedding FROM vectors v WHERE v.tenant = %(tenant)s AND v.base = %(base)s
        AND v.text_hash = e.text_hash OFFSET 0
    ) v ON true
    WHERE m.id <> ALL (ARRAY(SELECT id FROM near))
), hit AS ({hit})
SELECT b.version, b.entry_count, b.embedding_model,
    CASE WHEN coalesce(e.nth, 1) = 1
        THEN ARRAY(SELECT entry_count FROM wanted ORDER BY place) END AS counts,
    CASE WHEN coalesce(e.nth, 1) = 1 THEN (SELECT to_jsonb(hit) FROM hit) END AS hit,
    d.id AS document, d.revision, d.title, e.heading, e.faq, f.question, f.answer,
    e.content, e.question_hash IS NOT NULL AS is_question, e.span_start, e.span_end, e.language,
    ARRAY(SELECT place - 1 FROM wanted w WHERE e.lexemes @@ w.query) AS matched,
    1 - e.distance AS cosine
FROM base b
LEFT JOIN (SELECT *, row_number() OVER () AS nth FROM found) e ON true
LEFT JOIN LATERAL ({document}) d ON true
LEFT JOIN LATERAL ({faq}) f ON true"""

OF_THE_SEARCH = 5
"""Columns that tell of the search; those of an entry come behind them."""

COUNTS = 3
"""Of these the one that is never null in the one row that has the long ones."""

_PARAMETER = re.compile(r"%\((\w+)\)s")


@cache
def search_statement(indexed_base: int | None) -> tuple[bytes, tuple[str, ...]]:
    """Return the statement of a search with numbered parameters, and their names in that order.

    Args:
        indexed_base: Number of a knowledge base whose vectors have an index; None for all others.
    """
    if indexed_base is None:
        nearest = SQL(_NEAREST).format(
            looked_at=Literal(_COMPARED_TEXTS),
            fits=SQL(_FITS),
            columns=SQL(_COLUMNS),
            candidates=Literal(CANDIDATES),
        )
    else:
        nearest = SQL(_NEAREST_BY_INDEX).format(
            base=Literal(indexed_base),
            looked_at=Literal(2 * CANDIDATES),
            fits=SQL(_FITS),
            columns=SQL(_COLUMNS),
            candidates=Literal(CANDIDATES),
        )
    named = SQL(_SEARCH).format(
        nearest=nearest,
        columns=SQL(_COLUMNS),
        hit=SQL(_FAQ_HITS),
        document=SQL(_DOCUMENT),
        faq=SQL(_FAQ),
        candidates=Literal(CANDIDATES),
        led=Literal(LED_ENTRIES),
        terms=Literal(SEARCHED_TERMS),
        paired=Literal(_PAIRED_TERMS),
    )
    places: dict[str, int] = {}
    numbered = _PARAMETER.sub(
        lambda found: f"${places.setdefault(found[1], len(places) + 1)}", named.as_string(None)
    )
    return numbered.encode(), tuple(places)
