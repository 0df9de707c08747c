-- Whether the registry is known to have the realm. Rows from before count as if it had: what a crash left among them stays.
ALTER TABLE realms ADD COLUMN published BIGINT NOT NULL DEFAULT 1;
