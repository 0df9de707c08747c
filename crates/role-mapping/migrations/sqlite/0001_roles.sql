-- published: the registry has it.
CREATE TABLE realms (
    realm_id        TEXT   NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL,
    master          INTEGER NOT NULL,
    published       INTEGER NOT NULL,
    default_role_id TEXT   NOT NULL
) WITHOUT ROWID;
CREATE TABLE roles (
    realm_id    TEXT NOT NULL,
    id          TEXT NOT NULL,
    client_uuid TEXT NOT NULL,
    name        TEXT NOT NULL,
    document    TEXT NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT roles_name_key UNIQUE (realm_id, client_uuid, name)
) WITHOUT ROWID;
CREATE TABLE composites (
    realm_id    TEXT NOT NULL,
    role_id     TEXT NOT NULL,
    contains_id TEXT NOT NULL,
    PRIMARY KEY (realm_id, role_id, contains_id)
) WITHOUT ROWID;
CREATE INDEX composites_contains ON composites (realm_id, contains_id);
CREATE TABLE client_scopes (
    realm_id TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT NOT NULL,
    protocol TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT client_scopes_name_key UNIQUE (realm_id, name)
) WITHOUT ROWID;
-- client_uuid is empty for the realm's own lists.
CREATE TABLE client_scope_assignments (
    realm_id        TEXT   NOT NULL,
    client_uuid     TEXT   NOT NULL,
    client_scope_id TEXT   NOT NULL,
    optional        INTEGER NOT NULL,
    PRIMARY KEY (realm_id, client_uuid, client_scope_id)
) WITHOUT ROWID;
CREATE INDEX client_scope_assignments_scope ON client_scope_assignments (realm_id, client_scope_id);
-- published: the client is known to be in the registry. document holds its protocol mappers.
CREATE TABLE clients (
    realm_id           TEXT   NOT NULL,
    id                 TEXT   NOT NULL,
    client_id          TEXT   NOT NULL,
    published          INTEGER NOT NULL,
    full_scope_allowed INTEGER NOT NULL,
    document           TEXT   NOT NULL,
    PRIMARY KEY (realm_id, id)
) WITHOUT ROWID;
-- holder: user, client or client_scope.
CREATE TABLE role_mappings (
    realm_id  TEXT NOT NULL,
    holder    TEXT NOT NULL,
    holder_id TEXT NOT NULL,
    role_id   TEXT NOT NULL,
    PRIMARY KEY (realm_id, holder, holder_id, role_id)
) WITHOUT ROWID;
CREATE INDEX role_mappings_role ON role_mappings (realm_id, role_id);
-- first_name and last_name are lower case here: they are searched by. client_uuid is a service account's client.
CREATE TABLE users (
    realm_id       TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    username       TEXT   NOT NULL,
    email          TEXT  ,
    first_name     TEXT   NOT NULL,
    last_name      TEXT   NOT NULL,
    enabled        INTEGER NOT NULL,
    email_verified INTEGER NOT NULL,
    client_uuid    TEXT,
    published      INTEGER NOT NULL,
    document       TEXT   NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT users_username_key UNIQUE (realm_id, username),
    CONSTRAINT users_email_key UNIQUE (realm_id, email),
    CONSTRAINT users_client_uuid_key UNIQUE (realm_id, client_uuid)
) WITHOUT ROWID;
CREATE TABLE credentials (
    realm_id   TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (realm_id, user_id, kind)
) WITHOUT ROWID;
