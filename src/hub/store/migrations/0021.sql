-- Through which registered program somebody is signed in, and asked; none for the viewer. What a session is bound to stays in `key`:
-- the thumbprint of a key, or `x5t:` and that of a certificate.
ALTER TABLE session ADD COLUMN client TEXT;
ALTER TABLE audit ADD COLUMN client TEXT;
