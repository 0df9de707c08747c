-- issuer: what names the provider in an assertion; empty where it issues none. client_secret: sealed.
CREATE TABLE identity_providers (
    realm_id      TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    alias         TEXT    NOT NULL,
    issuer        TEXT    NOT NULL,
    version       INTEGER NOT NULL,
    client_secret BLOB,
    document      TEXT    NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT identity_providers_alias_key UNIQUE (realm_id, alias),
    FOREIGN KEY (realm_id) REFERENCES realms (realm_id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX identity_providers_issuer ON identity_providers (realm_id, issuer);
-- By which subject a client is found: one row for each client that authenticates by assertions of an identity provider.
-- subject: null for any that begins with prefix.
CREATE TABLE federated_subjects (
    realm_id          TEXT NOT NULL,
    client_uuid       TEXT NOT NULL,
    identity_provider TEXT NOT NULL,
    subject           TEXT,
    prefix            TEXT NOT NULL,
    PRIMARY KEY (realm_id, client_uuid),
    FOREIGN KEY (realm_id, client_uuid) REFERENCES clients (realm_id, id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX federated_subjects_subject ON federated_subjects (realm_id, identity_provider, subject);
INSERT INTO federated_subjects (realm_id, client_uuid, identity_provider, subject, prefix)
    SELECT realm_id, id,
           json_extract(document, '$.attributes."jwt.credential.issuer"'),
           json_extract(document, '$.attributes."jwt.credential.sub"'),
           ''
    FROM clients
    WHERE json_extract(document, '$.client_authenticator_type') = 'federated-jwt'
      AND json_extract(document, '$.attributes."jwt.credential.issuer"') <> ''
      AND json_extract(document, '$.attributes."jwt.credential.sub"') <> '';
