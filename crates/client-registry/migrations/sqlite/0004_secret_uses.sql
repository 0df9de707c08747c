-- Milliseconds since the epoch, to the minute; NULL for a secret that was not used yet.
ALTER TABLE client_secrets ADD COLUMN last_used_ms INTEGER;
CREATE INDEX client_secrets_ending ON client_secrets (expires_ms) WHERE expires_ms IS NOT NULL;
