-- Since this version a plan may have its team's contact, as it is configured: what the hub holds of it, and what is to be held.
ALTER TABLE held ADD COLUMN contact_name TEXT;
ALTER TABLE held ADD COLUMN contact_telephone TEXT;
ALTER TABLE extract ADD COLUMN contact_name TEXT;
ALTER TABLE extract ADD COLUMN contact_telephone TEXT;
ALTER TABLE outgoing_plan ADD COLUMN contact_name TEXT;
ALTER TABLE outgoing_plan ADD COLUMN contact_telephone TEXT;
