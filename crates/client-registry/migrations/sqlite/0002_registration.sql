-- Initial access tokens. expires_ms: 0 for never. changed_ms: when one was made or last used.
CREATE TABLE initial_access (
    realm_id     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    created_ms   INTEGER NOT NULL,
    expiration_s INTEGER NOT NULL,
    expires_ms   INTEGER NOT NULL,
    uses         INTEGER NOT NULL,
    remaining    INTEGER NOT NULL,
    changed_ms   INTEGER NOT NULL,
    PRIMARY KEY (realm_id, id),
    FOREIGN KEY (realm_id) REFERENCES realms (realm_id) ON DELETE CASCADE
) WITHOUT ROWID;
-- The registration access token of a client that has one: its id alone.
CREATE TABLE registration_tokens (
    realm_id    TEXT NOT NULL,
    client_uuid TEXT NOT NULL,
    token_id    TEXT NOT NULL,
    PRIMARY KEY (realm_id, client_uuid),
    FOREIGN KEY (realm_id, client_uuid) REFERENCES clients (realm_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
