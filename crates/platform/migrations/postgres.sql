CREATE TABLE change_log (
    revision         BIGINT PRIMARY KEY,
    realm_id         TEXT   NOT NULL,
    entity           TEXT   NOT NULL,
    operation        BIGINT NOT NULL,
    entity_id        TEXT   NOT NULL,
    payload_json     TEXT   NOT NULL,
    time_ms          BIGINT NOT NULL,
    admin_event_json TEXT
);
-- The one row whose lock puts the writers in a line, so that revisions are gapless and commit in their order.
CREATE TABLE change_log_head (revision BIGINT NOT NULL);
INSERT INTO change_log_head VALUES (0);
CREATE TABLE followers (upstream TEXT PRIMARY KEY, revision BIGINT NOT NULL);
CREATE TABLE data_keys (
    realm_id   TEXT   NOT NULL,
    key_id     TEXT   NOT NULL,
    wrapped    BYTEA  NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (realm_id, key_id)
);
