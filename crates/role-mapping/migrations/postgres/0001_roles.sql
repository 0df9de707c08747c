-- Names are compared and ordered bytewise, as Keycloak lists them. published: the registry has it.
CREATE TABLE realms (
    realm_id        TEXT   NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL,
    master          BIGINT NOT NULL,
    published       BIGINT NOT NULL,
    default_role_id TEXT   NOT NULL
);
CREATE TABLE roles (
    realm_id    TEXT NOT NULL,
    id          TEXT NOT NULL,
    client_uuid TEXT NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    document    TEXT NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT roles_name_key UNIQUE (realm_id, client_uuid, name)
);
CREATE TABLE composites (
    realm_id    TEXT NOT NULL,
    role_id     TEXT NOT NULL,
    contains_id TEXT NOT NULL,
    PRIMARY KEY (realm_id, role_id, contains_id)
);
CREATE INDEX composites_contains ON composites (realm_id, contains_id);
CREATE TABLE client_scopes (
    realm_id TEXT NOT NULL,
    id       TEXT NOT NULL,
    name     TEXT COLLATE "C" NOT NULL,
    protocol TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT client_scopes_name_key UNIQUE (realm_id, name)
);
-- client_uuid is empty for the realm's own lists.
CREATE TABLE client_scope_assignments (
    realm_id        TEXT   NOT NULL,
    client_uuid     TEXT   NOT NULL,
    client_scope_id TEXT   NOT NULL,
    optional        BIGINT NOT NULL,
    PRIMARY KEY (realm_id, client_uuid, client_scope_id)
);
CREATE INDEX client_scope_assignments_scope ON client_scope_assignments (realm_id, client_scope_id);
-- published: the client is known to be in the registry. document holds its protocol mappers.
CREATE TABLE clients (
    realm_id           TEXT   NOT NULL,
    id                 TEXT   NOT NULL,
    client_id          TEXT   COLLATE "C" NOT NULL,
    published          BIGINT NOT NULL,
    full_scope_allowed BIGINT NOT NULL,
    document           TEXT   NOT NULL,
    PRIMARY KEY (realm_id, id)
);
-- holder: user, client or client_scope.
CREATE TABLE role_mappings (
    realm_id  TEXT NOT NULL,
    holder    TEXT NOT NULL,
    holder_id TEXT NOT NULL,
    role_id   TEXT NOT NULL,
    PRIMARY KEY (realm_id, holder, holder_id, role_id)
);
CREATE INDEX role_mappings_role ON role_mappings (realm_id, role_id);
-- first_name and last_name are lower case here: they are searched by. client_uuid is a service account's client.
CREATE TABLE users (
    realm_id       TEXT   NOT NULL,
    id             TEXT   NOT NULL,
    username       TEXT   COLLATE "C" NOT NULL,
    email          TEXT   COLLATE "C",
    first_name     TEXT   NOT NULL,
    last_name      TEXT   NOT NULL,
    enabled        BIGINT NOT NULL,
    email_verified BIGINT NOT NULL,
    client_uuid    TEXT,
    published      BIGINT NOT NULL,
    document       TEXT   NOT NULL,
    PRIMARY KEY (realm_id, id),
    CONSTRAINT users_username_key UNIQUE (realm_id, username),
    CONSTRAINT users_email_key UNIQUE (realm_id, email),
    CONSTRAINT users_client_uuid_key UNIQUE (realm_id, client_uuid)
);
CREATE TABLE credentials (
    realm_id   TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    hash       TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (realm_id, user_id, kind)
);
