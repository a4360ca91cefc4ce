-- What the API asks the record for while Redis is out: which intent has a plan, which made a transaction. Partial,
-- so that only the events that can be found by them are written twice.
CREATE INDEX events_plan ON events ((payload->>'planId')) WHERE topic = 'plan.created';
CREATE INDEX events_transaction ON events ((payload->>'txHash')) WHERE topic = 'exec.step_prepared';
