-- The tamper-evident record: chained events by day, the signed heads and anchors of the chains.

-- One row per chain and purpose: 'checkpoint' is the head, 'anchor' the last record that retention
-- removed. The head's row is also the lock under which a chain is extended.
CREATE TABLE audit_statements (
    chain       text        NOT NULL,
    purpose     text        NOT NULL CHECK (purpose IN ('checkpoint', 'anchor')),
    sequence    bigint      NOT NULL CHECK (sequence >= 0),
    hash        bytea       NOT NULL CHECK (length(hash) = 32),
    "time"      timestamptz NOT NULL,
    signature   bytea       NOT NULL,
    public_key  bytea       NOT NULL,
    PRIMARY KEY (chain, purpose)
);

-- Columns hold an event's fields as they are hashed; nothing hashed is stored a second time, so
-- what a reader sees is what verification checks.
CREATE TABLE audit_events (
    chain         text        NOT NULL,
    sequence      bigint      NOT NULL,
    recorded_at   timestamptz NOT NULL,
    event_id      text        NOT NULL,
    "time"        timestamptz NOT NULL,
    service       text        NOT NULL,
    method        text        NOT NULL,
    identity      text        NOT NULL,
    end_user      text        NOT NULL,
    resource      text        NOT NULL,
    outcome       text        NOT NULL,
    reason        text        NOT NULL,
    latency_us    bigint      NOT NULL,
    trace_id      text        NOT NULL,
    labels        jsonb       NOT NULL,
    previous_hash bytea       NOT NULL,
    hash          bytea       NOT NULL,
    PRIMARY KEY (chain, sequence, recorded_at)
) PARTITION BY RANGE (recorded_at);

-- "Everything of this trace" and "everything this caller did" are what auditors ask most.
CREATE INDEX audit_events_by_trace ON audit_events (chain, trace_id, sequence);
CREATE INDEX audit_events_by_identity ON audit_events (chain, identity, sequence);

-- Which events were appended. A unique key of a partitioned table must hold the day, and a repeat
-- may come on another day; so the ids stand in a table of their own.
CREATE TABLE audit_event_ids (
    event_id    uuid PRIMARY KEY,
    recorded_on date NOT NULL
);
-- Rows come in the order of their days, so a block-range index of a few pages finds the old ones.
CREATE INDEX audit_event_ids_by_day ON audit_event_ids USING brin (recorded_on);

CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit records are append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Row triggers are inherited by partitions, statement triggers are not: each partition gets its
-- own against TRUNCATE when it is made.
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();

-- Makes the partition of one UTC day, unless it is there. Attaching a finished table takes a
-- weaker lock than CREATE ... PARTITION OF, so appends go on meanwhile.
CREATE FUNCTION audit_make_partition(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'audit_events_' || to_char(day, 'YYYYMMDD');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('audit_make_partition'));
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE audit_events)', name);
    EXECUTE format('ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        name, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
    EXECUTE format('CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON %I
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change()', name);
END
$$;

-- Names the days that have a partition, oldest first.
CREATE FUNCTION audit_partition_days() RETURNS SETOF date LANGUAGE sql STABLE AS $$
    SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day
      FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = 'audit_events'::regclass
     ORDER BY day
$$;
