-- The record. Written only by the state coordinator; src/store/event_store.h states what holds.
-- Text that orders or identifies is COLLATE "C": ULIDs sort by time in byte order.

CREATE TABLE events (
    time            TIMESTAMPTZ       NOT NULL,  -- when it happened, UTC, to the millisecond; a function of the event
    event_id        TEXT COLLATE "C"  NOT NULL,  -- ULID
    topic           TEXT              NOT NULL,  -- e.g. intent.submitted (src/engine/topics.h)
    correlation_id  TEXT COLLATE "C"  NOT NULL,  -- intent-<ULID>
    causation_id    TEXT COLLATE "C"  NOT NULL,  -- event_id before it in the intent's life; of the first: correlation_id
    sequence        BIGINT            NOT NULL CHECK (sequence >= 1),         -- counts the intent's events from 1
    global_sequence BIGINT            NOT NULL CHECK (global_sequence >= 1),  -- contiguous from 1, in commit order
    version         INT               NOT NULL,  -- of the envelope's form
    payload         JSONB             NOT NULL,  -- schema/; amounts are decimal strings in whole tokens
    PRIMARY KEY (event_id, time)                 -- a hypertable's unique key must hold its time column
);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
        PERFORM create_hypertable('events', 'time');
    END IF;
END
$$;

CREATE INDEX ON events (topic, time DESC);
CREATE INDEX ON events (correlation_id, time DESC);
CREATE INDEX ON events (correlation_id, sequence);
-- Not unique: a hypertable allows no unique index without its time column. record_head keeps the numbers apart.
CREATE INDEX ON events (global_sequence);

CREATE FUNCTION sep_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only';
END
$$;
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION sep_refuse_change();

-- How far the record is: one row, moved by each commit from the number it expects to its last event's.
CREATE TABLE record_head (
    only_row        BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row),
    global_sequence BIGINT  NOT NULL  -- of the last event; 0 while there is none
);
INSERT INTO record_head (global_sequence) VALUES (0);

-- Where each intent's events end: arbitrates sequences, finds what is unfinished, serves lists.
CREATE TABLE intents (
    correlation_id  TEXT COLLATE "C"  PRIMARY KEY,  -- intent-<ULID>; its order is the order of submission
    strategy_id     TEXT COLLATE "C"  NOT NULL,
    state           TEXT              NOT NULL,     -- of the lifecycle (src/engine/lifecycle.h)
    terminal        BOOLEAN           NOT NULL,     -- nothing may follow
    last_sequence   BIGINT            NOT NULL,     -- of its last event
    last_event_id   TEXT COLLATE "C"  NOT NULL,     -- ULID
    received_at     TIMESTAMPTZ       NOT NULL,     -- time of intent.submitted
    deadline        TIMESTAMPTZ       NOT NULL      -- received_at + time_window
);
CREATE INDEX ON intents (state, correlation_id);
CREATE INDEX ON intents (strategy_id, correlation_id);
CREATE INDEX ON intents (strategy_id, state, correlation_id);
CREATE INDEX intents_open ON intents (strategy_id, correlation_id) WHERE NOT terminal;

-- One intent for each Idempotency-Key of POST /intents.
CREATE TABLE idempotency_keys (
    key             TEXT COLLATE "C"  PRIMARY KEY,  -- as the client sent it
    body_hash       TEXT              NOT NULL,     -- of the request's body: the same key with another body is refused
    correlation_id  TEXT COLLATE "C"  NOT NULL
);

-- One intent for each nonce of an account.
CREATE TABLE account_nonces (
    chain_id        BIGINT            NOT NULL,  -- EIP-155
    account         TEXT COLLATE "C"  NOT NULL,  -- 0x and 40 digits in lower case
    nonce           BIGINT            NOT NULL,  -- of the account's transactions, from 0
    correlation_id  TEXT COLLATE "C"  NOT NULL,
    PRIMARY KEY (chain_id, account, nonce)
);

-- Ends the transaction where a promise does not hold; `promise` arrives as the error's constraint name.
CREATE FUNCTION sep_require(holds BOOLEAN, promise TEXT) RETURNS BOOLEAN LANGUAGE plpgsql AS $$
BEGIN
    IF NOT holds THEN
        RAISE EXCEPTION '% does not hold', promise USING ERRCODE = 'check_violation', CONSTRAINT = promise;
    END IF;
    RETURN TRUE;
END
$$;
