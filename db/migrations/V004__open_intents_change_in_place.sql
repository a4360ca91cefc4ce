-- An intent's row changes several times before its end. Where no index holds what changes, PostgreSQL writes the new
-- row beside the old one in its page, and touches no index (a heap-only tuple): so the indexes hold what is set once, at
-- the end, and pages keep room for the new rows. Index entries were three quarters of carrying out a large commit.

ALTER TABLE intents ADD COLUMN end_state TEXT;  -- its state, where nothing may follow; null while it is open
UPDATE intents SET end_state = state WHERE terminal;
ALTER TABLE intents DROP COLUMN terminal;       -- and intents_open with it
DROP INDEX intents_state_correlation_id_idx;
DROP INDEX intents_strategy_id_state_correlation_id_idx;
ALTER TABLE intents SET (fillfactor = 50);

CREATE INDEX intents_open ON intents (correlation_id) WHERE end_state IS NULL;
CREATE INDEX intents_open_of_strategy ON intents (strategy_id, correlation_id) WHERE end_state IS NULL;
CREATE INDEX intents_ended ON intents (end_state, correlation_id) WHERE end_state IS NOT NULL;
CREATE INDEX intents_ended_of_strategy ON intents (strategy_id, end_state, correlation_id)
    WHERE end_state IS NOT NULL;

-- A life has few events: (correlation_id, time DESC) leads to them too.
DROP INDEX events_correlation_id_sequence_idx;
