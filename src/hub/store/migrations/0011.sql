-- Where somebody signed in, and how: what ends their session when they sign out there, and what ends it there when they
-- sign out here. The id token goes when the session ends. `code` is a hash.
ALTER TABLE session ADD COLUMN provider TEXT;
ALTER TABLE session ADD COLUMN subject TEXT;
ALTER TABLE session ADD COLUMN provider_session TEXT;
ALTER TABLE session ADD COLUMN id_token TEXT;
ALTER TABLE session ADD COLUMN code BLOB;
ALTER TABLE session ADD COLUMN device TEXT;
CREATE INDEX session_by_provider ON session (provider, subject) WHERE ended_ms IS NULL;
