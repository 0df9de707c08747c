-- admin_client_id: the client (uuid) of master that carries the realm's admin roles; empty for master.
-- verifier_key: sealed; what the verifiers of the realm's client secrets are computed with.
CREATE TABLE realms (
    realm_id        TEXT   NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL COLLATE "C",
    version         BIGINT NOT NULL,
    admin_client_id TEXT   NOT NULL,
    verifier_key    BYTEA  NOT NULL,
    document        TEXT   NOT NULL,
    CONSTRAINT realms_name_key UNIQUE (name)
);
-- folded: client_id in lower case, to be searched by.
CREATE TABLE clients (
    realm_id  TEXT   NOT NULL,
    id        TEXT   NOT NULL,
    client_id TEXT   NOT NULL COLLATE "C",
    folded    TEXT   NOT NULL,
    version   BIGINT NOT NULL,
    document  TEXT   NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT clients_client_id_key UNIQUE (realm_id, client_id),
    FOREIGN KEY (realm_id) REFERENCES realms (realm_id) ON DELETE CASCADE
);
-- The newest secret of a client has no expires_ms. sealed: the secret itself; verifier: its HMAC.
CREATE TABLE client_secrets (
    realm_id    TEXT   NOT NULL,
    client_uuid TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    created_ms  BIGINT NOT NULL,
    expires_ms  BIGINT,
    sealed      BYTEA,
    verifier    BYTEA  NOT NULL,
    PRIMARY KEY (realm_id, client_uuid, id),
    FOREIGN KEY (realm_id, client_uuid) REFERENCES clients (realm_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX client_secrets_newest ON client_secrets (realm_id, client_uuid) WHERE expires_ms IS NULL;
