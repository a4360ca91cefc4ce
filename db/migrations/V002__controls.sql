-- Where the events of each control end (src/engine/control.h): the kill switch, and each account that was ever
-- halted. Moves in the transaction of its events, like an intent's row.
CREATE TABLE controls (
    correlation_id  TEXT COLLATE "C"  PRIMARY KEY,  -- control, or signer-<chain id>-<account in lower case>
    state           TEXT              NOT NULL CHECK (state IN ('active', 'halted')),
    last_sequence   BIGINT            NOT NULL,     -- of its last event
    last_event_id   TEXT COLLATE "C"  NOT NULL,     -- ULID
    since           TIMESTAMPTZ       NOT NULL,     -- time of its last event
    reason          TEXT              NOT NULL,     -- of its last event: a code of schema/errors.json,
    detail          TEXT              NOT NULL,     -- a sentence for a person,
    changed_by      TEXT              NOT NULL,     -- user@host of a shell, or a service,
    nonce           BIGINT                          -- and the nonce that somebody else used; null where that is not why
);

COMMENT ON COLUMN events.correlation_id IS
    'intent-<ULID>, or that of a control (table controls); sequence and causation_id are within it';
