-- Accounts of users at identity providers. external_user_id: the user's id there.
CREATE TABLE federated_identities (
    realm_id          TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    identity_provider TEXT NOT NULL,
    external_user_id  TEXT NOT NULL,
    external_username TEXT NOT NULL,
    linked_ms         INTEGER NOT NULL,
    PRIMARY KEY (realm_id, user_id, identity_provider)
) WITHOUT ROWID;
CREATE INDEX federated_identities_external ON federated_identities (realm_id, identity_provider, external_user_id);
