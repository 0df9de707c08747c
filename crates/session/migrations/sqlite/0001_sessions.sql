-- Sessions. What changes is in `record` (see record.rs); the columns beside it are what is looked for.
CREATE TABLE sessions (
    realm_id    TEXT    NOT NULL,
    id          BLOB    NOT NULL,
    client_uuid TEXT    NOT NULL,
    client_id   TEXT    NOT NULL,
    user_id     TEXT    NOT NULL,
    -- SessionKind of the contract: 1 online, 2 offline.
    kind        INTEGER NOT NULL,
    -- 0 once a replayed refresh token ended it.
    alive       INTEGER NOT NULL,
    -- Milliseconds since the epoch.
    expires_ms  INTEGER NOT NULL,
    record      BLOB    NOT NULL,
    PRIMARY KEY (realm_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_client ON sessions (realm_id, client_uuid);
CREATE INDEX sessions_of_user ON sessions (realm_id, user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

-- Access tokens revoked before their time.
CREATE TABLE revoked (
    realm_id   TEXT    NOT NULL,
    jti        TEXT    NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (realm_id, jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_by_expiry ON revoked (expires_ms);

-- Ids that count once: of assertions, of DPoP proofs. `id` is a digest of purpose and id.
CREATE TABLE claims (
    realm_id   TEXT    NOT NULL,
    id         BLOB    NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (realm_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_expiry ON claims (expires_ms);

-- How far another service's change log has been followed.
CREATE TABLE positions (
    upstream TEXT    NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
