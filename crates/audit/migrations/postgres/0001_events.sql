-- Login events. `event_json` is the whole event (LoginEvent of the contract); the columns are what is looked for.
CREATE TABLE login_events (
    realm_id   TEXT   NOT NULL,
    time_ms    BIGINT NOT NULL,
    id         TEXT   NOT NULL,
    type       TEXT   NOT NULL,
    client_id  TEXT   NOT NULL,
    user_id    TEXT   NOT NULL,
    ip_address TEXT   NOT NULL,
    -- When it is forgotten, milliseconds since the epoch; NULL for never.
    expires_ms BIGINT,
    event_json TEXT   NOT NULL,
    PRIMARY KEY (realm_id, time_ms, id)
);
CREATE INDEX login_events_by_expiry ON login_events (expires_ms) WHERE expires_ms IS NOT NULL;

-- Admin events, as their owners' change logs tell them. `event_json` is AdminEvent of the contract.
CREATE TABLE admin_events (
    realm_id        TEXT   NOT NULL,
    time_ms         BIGINT NOT NULL,
    -- Whose change log it comes from, and its revision there.
    upstream        TEXT   NOT NULL,
    revision        BIGINT NOT NULL,
    operation_type  TEXT   NOT NULL,
    resource_type   TEXT   NOT NULL,
    resource_path   TEXT   NOT NULL,
    auth_realm_id   TEXT   NOT NULL,
    auth_client_id  TEXT   NOT NULL,
    auth_user_id    TEXT   NOT NULL,
    auth_ip_address TEXT   NOT NULL,
    event_json      TEXT   NOT NULL,
    PRIMARY KEY (realm_id, time_ms, upstream, revision)
);

-- Realms deleted lately: what still comes for them is deleted too.
CREATE TABLE deleted_realms (
    realm_id TEXT   NOT NULL PRIMARY KEY,
    time_ms  BIGINT NOT NULL
);
