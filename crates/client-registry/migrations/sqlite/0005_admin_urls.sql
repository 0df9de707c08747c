-- 1 for a client that has an admin URL, by which it is found; else 0. The URL itself is in the document.
ALTER TABLE clients ADD COLUMN has_admin_url INTEGER NOT NULL DEFAULT 0;
UPDATE clients SET has_admin_url = 1 WHERE json_extract(document, '$.admin_url') <> '';
CREATE INDEX clients_admin_url ON clients (realm_id, client_id) WHERE has_admin_url = 1;
