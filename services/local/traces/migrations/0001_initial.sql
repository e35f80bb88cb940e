-- Spans as they arrive. A span is written once; an exporter's retry of a batch changes nothing.
CREATE TABLE spans (
    trace_id    bytea       NOT NULL,
    span_id     bytea       NOT NULL,
    parent_id   bytea,                  -- NULL: the root of its trace
    service     text        NOT NULL,   -- resource attribute service.name
    name        text        NOT NULL,
    kind        smallint    NOT NULL,   -- opentelemetry.proto.trace.v1.Span.SpanKind
    start_time  timestamptz NOT NULL,
    start_nanos bigint      NOT NULL,   -- since the epoch: offsets need more than microseconds
    end_nanos   bigint      NOT NULL,
    failed      boolean     NOT NULL,   -- status code ERROR
    attributes  jsonb       NOT NULL,
    PRIMARY KEY (trace_id, span_id)
);

-- `kefu trace TURN` looks a turn up by its name or by the last part of it.
CREATE INDEX spans_by_turn ON spans ((attributes ->> 'kefu.turn')) WHERE attributes ? 'kefu.turn';
CREATE INDEX spans_by_turn_id ON spans ((split_part(attributes ->> 'kefu.turn', '/turns/', 2)))
    WHERE attributes ? 'kefu.turn';
CREATE INDEX spans_by_start ON spans USING brin (start_time);
