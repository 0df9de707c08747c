-- A row per realm that has been provisioned. Whoever writes keys of a realm locks it; next_position orders its providers.
CREATE TABLE realms (
    realm_id      TEXT   NOT NULL PRIMARY KEY,
    next_position BIGINT NOT NULL
);
-- document: the provider without secrets. sealed: its private key or secret. public_key (SubjectPublicKeyInfo) and certificate
-- are DER; symmetric keys have neither.
CREATE TABLE key_providers (
    realm_id    TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    position    BIGINT NOT NULL,
    document    TEXT   NOT NULL,
    kid         TEXT   NOT NULL,
    sealed      BYTEA  NOT NULL,
    public_key  BYTEA,
    certificate BYTEA,
    PRIMARY KEY (realm_id, id)
);
