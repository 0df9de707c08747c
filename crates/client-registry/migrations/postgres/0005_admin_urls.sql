-- 1 for a client that has an admin URL, by which it is found; else 0. The URL itself is in the document.
ALTER TABLE clients ADD COLUMN has_admin_url BIGINT NOT NULL DEFAULT 0;
-- By its text: PostgreSQL reads no JSON with a zero byte in it.
UPDATE clients SET has_admin_url = 1 WHERE document ~ '"admin_url":"[^"]';
CREATE INDEX clients_admin_url ON clients (realm_id, client_id) WHERE has_admin_url = 1;
