-- What is put into a database while it is brought from schema to schema: behind each migration rows for what it brought, so that
-- there is something to lose on the way to the next. Search keys are made by the program, and a cut-off of the audit log never stays.
-- after 0003
INSERT INTO load (id, name, size, digest, begun_ms, state, phase, next, offset, people, refused)
VALUES (1, '/people.ndjson', 4096, 'd1', 1795356000000, 'complete', 2, 9, 4096, 8, 1);
INSERT INTO load_refusal (load_id, line, why) VALUES (1, 3, 'no subject identifier');
UPDATE upload SET load_id = 1 WHERE id = 1;
-- after 0005
INSERT INTO search_volume (user_id, minute, searches, people) VALUES ('user-sam-okafor', 29922600, 2, 3);
-- after 0006
INSERT INTO retention_run (id, at_ms) VALUES (1, 1795356000000);
-- after 0008
UPDATE people_changed SET times = 17;
-- after 0009
INSERT INTO authority_file (id, authority_code, sequence, digest, spool, sent_ms, at_ms, records, done, rejected, state, upload_id)
VALUES (1, 'E10000013', 4, 'd2', 'hub.db.upload-4', 1795356000000, 1795356000000, 3, 3, 1, 'complete', 2);
INSERT INTO authority_file_rejection (file_id, place, code, why, replaced_by) VALUES (1, 2, 'CPR01', 'no such number', '9990000409');
INSERT INTO authority_expected (code, since_ms) VALUES ('E06000030', 1795356000000);
-- after 0010
INSERT INTO session (id, user_id, user_name, role, role_profile, organisation_code, organisation, activities, key, chain, current,
                     rotated_ms, begun_ms, active_ms, idle_ms, over_ms, ended_ms, ended_by)
VALUES ('one-that-ended', 'user-sam-okafor', 'Sam Okafor', 'Staff nurse', '555021935107', 'RN3', 'Hospital RN3', 'B0264 B0107', 'k',
        x'01', x'02', 1795356000000, 1795356000000, 1795356000000, 900000, 1795400000000, 1795356060000, 'signed-out');
-- after 0011
UPDATE session SET provider = 'https://provider.example', subject = 's', provider_session = 'p', device = 'Bay 4';
-- after 0013
UPDATE authority_file SET previous_sequence = 3, is_full = 1;
-- after 0014
UPDATE outbox SET outcome = 'triage' WHERE id = 2;
-- after 0016
INSERT INTO mesh_out (id, authority_code, kind, local_id, message_id, state, tries, at_ms, next_ms)
VALUES (1, 'E10000013', 'notifications', 'l1', 'm1', 'accepted', 1, 1795356000000, 1795356000000);
UPDATE outbox SET mesh_out_id = 1 WHERE id = 6;
-- after 0017
INSERT INTO outbox (id, kind, person_id, authority_code, authority_name, upload_id, local_id, number_uploaded, at_ms, state, state_ms,
                    number, notice_id)
VALUES (90, 'number-ended', 7, 'E06000030', 'E06000030 Council', 1, 'local-7', '9990001405', 1795356420000, 'queued', 1795356420000,
        6, 'n90');
-- after 0018
INSERT INTO authority_register (authority_code, register_id, bound_ms)
VALUES ('E06000030', '0a1b2c3d4e5f60718293a4b5c6d7e8f9', 1795356000000);
INSERT INTO refused_register (authority_code, register_id, refused_ms)
VALUES ('E06000030', '9f8e7d6c5b4a30211203a4b5c6d7e8f9', 1795356000000);
-- after 0019
UPDATE outbox SET resent = 2 WHERE id = 1;
-- after 0021
UPDATE session SET client = 'record', key = 'x5t:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
