-- (router, boot, sequence) makes gaps countable: rows that a router wrote and that have not arrived.
CREATE OR REPLACE VIEW slipway.router_accounting AS
SELECT router, boot, uniqExact(sequence) AS landed, max(sequence) + 1 AS answered_at_least,
    answered_at_least - landed AS missing
FROM slipway.predictions WHERE router != '' GROUP BY router, boot
---
ALTER TABLE slipway.router_accounting
    MODIFY COMMENT 'One row is a run of a router: its answers, and how many of their rows have arrived',
    COMMENT COLUMN router 'the router',
    COMMENT COLUMN boot 'that router''s run: another one after each start',
    COMMENT COLUMN landed 'rows that are here, by distinct sequence',
    COMMENT COLUMN answered_at_least 'requests that the run has answered, as far as its rows tell',
    COMMENT COLUMN missing 'answered and not here: in a journal, on their way, or lost'
