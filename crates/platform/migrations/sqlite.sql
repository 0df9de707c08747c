CREATE TABLE change_log (
    revision         INTEGER PRIMARY KEY,
    realm_id         TEXT   NOT NULL,
    entity           TEXT   NOT NULL,
    operation        INTEGER NOT NULL,
    entity_id        TEXT   NOT NULL,
    payload_json     TEXT   NOT NULL,
    time_ms          INTEGER NOT NULL,
    admin_event_json TEXT
);
-- The one row whose lock puts the writers in a line, so that revisions are gapless and commit in their order.
CREATE TABLE change_log_head (revision INTEGER NOT NULL);
INSERT INTO change_log_head VALUES (0);
CREATE TABLE followers (upstream TEXT PRIMARY KEY, revision INTEGER NOT NULL);
CREATE TABLE data_keys (
    realm_id   TEXT   NOT NULL,
    key_id     TEXT   NOT NULL,
    wrapped    BLOB  NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (realm_id, key_id)
);
