-- stage: 'next' is published and signs when its time has come, 'retired' has signed and only verifies until it is deleted; '' is
-- neither. since_ms: when that began (milliseconds since the epoch). Keys from before count as old.
ALTER TABLE key_providers ADD COLUMN stage TEXT NOT NULL DEFAULT '';
ALTER TABLE key_providers ADD COLUMN since_ms BIGINT NOT NULL DEFAULT 0;
-- A row per realm that has its keys rotated, or had: then interval_s is 0. Until keep_until_ms what longer-lived settings promised
-- is kept. due_ms: when there is something to do next; whoever does it puts it off meanwhile.
CREATE TABLE key_rotations (
    realm_id        TEXT   NOT NULL PRIMARY KEY,
    interval_s      BIGINT NOT NULL,
    publish_ahead_s BIGINT NOT NULL,
    keep_s          BIGINT NOT NULL,
    keep_until_ms   BIGINT NOT NULL,
    due_ms          BIGINT NOT NULL
);
CREATE INDEX key_rotations_by_due ON key_rotations (due_ms);
