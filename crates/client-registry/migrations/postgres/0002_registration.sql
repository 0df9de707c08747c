-- Initial access tokens. expires_ms: 0 for never. changed_ms: when one was made or last used.
CREATE TABLE initial_access (
    realm_id     TEXT   NOT NULL,
    id           TEXT   NOT NULL,
    created_ms   BIGINT NOT NULL,
    expiration_s BIGINT NOT NULL,
    expires_ms   BIGINT NOT NULL,
    uses         BIGINT NOT NULL,
    remaining    BIGINT NOT NULL,
    changed_ms   BIGINT NOT NULL,
    PRIMARY KEY (realm_id, id),
    FOREIGN KEY (realm_id) REFERENCES realms (realm_id) ON DELETE CASCADE
);
-- The registration access token of a client that has one: its id alone.
CREATE TABLE registration_tokens (
    realm_id    TEXT NOT NULL,
    client_uuid TEXT NOT NULL,
    token_id    TEXT NOT NULL,
    PRIMARY KEY (realm_id, client_uuid),
    FOREIGN KEY (realm_id, client_uuid) REFERENCES clients (realm_id, id) ON DELETE CASCADE
);
