//! The audit log: never changed, never deleted, and read only under audit itself.

use rusqlite::Connection;

use super::support::data::{child, lines, number, person, superseded};
use super::support::program::Place;
use super::support::{TestHub, nurse};

#[tokio::test]
async fn the_audit_log_is_append_only() {
    let hub = TestHub::with(&child()).await;
    hub.view(&nurse(), number(1)).await;
    let before = hub.rows("SELECT * FROM audit");
    assert_eq!(before.len(), 2);
    let db = Connection::open(&hub.database).unwrap();
    for (sql, expected) in [
        ("UPDATE audit SET user_name = 'Nobody'", "never changed"),
        ("DELETE FROM audit", "never deleted"),
        ("DELETE FROM audit WHERE id = 1", "never deleted"),
        ("INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE id = 1", "never replaced"),
        ("REPLACE INTO audit SELECT * FROM audit", "never replaced"),
    ] {
        let refused = db.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains(expected), "{sql}: {refused}");
    }
    assert_eq!(hub.rows("SELECT * FROM audit"), before);
}

#[test]
fn reading_the_audit_log_is_audited_with_who_read_it() {
    let mut people = child();
    people.extend(lines(&[superseded(2, 1), person(3, "Other", "Tom", "2020-01-01")]));
    let place = Place::with(&people);
    let insert = |user: &str, seed: u64| {
        let sql = "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code,
                   organisation, session, request, number) VALUES (1, 'view', 'held', ?1, '', '', '', '', '', '', ?2)";
        place.database().execute(sql, [user, &number(seed).digits()]).unwrap();
    };
    insert("u1", 1);
    insert("u1", 2);
    insert("u2", 3);
    let check = |arguments: &[&str], expected: &[&str]| {
        let mut all = vec!["audit", "--config", "hub.toml"];
        all.extend(arguments);
        let output = place.run(&all);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let kinds: Vec<&str> = text.lines().skip(1).map(|line| line.split('\t').nth(1).unwrap()).collect();
        assert_eq!(kinds, expected, "{arguments:?}");
    };
    let superseded_number = number(2).digits();
    check(&["--person", &superseded_number], &["audit-read", "view", "view"]);
    check(&["--user", "u2"], &["view"]);
    check(&["--user", "u1", "--person", &number(1).digits()], &["view", "view"]);
    check(
        &["--since", "2000-01-01T00:00:00Z"],
        &["audit-read", "audit-read", "audit-read", "audit-read", "load"],
    );
    let readers = super::support::rows(
        &place.database(),
        "SELECT DISTINCT user_id, role FROM audit WHERE kind = 'audit-read'",
    );
    assert!(readers.len() == 1 && readers[0].starts_with("operating system: "), "{readers:?}");
    for wrong in [&["--person", "123"][..], &["--since", "yesterday"], &[]] {
        let mut all = vec!["audit", "--config", "hub.toml"];
        all.extend(wrong);
        assert!(!place.run(&all).status.success(), "{wrong:?}");
    }
}

#[test]
fn h3_a_person_who_comes_after_a_merge_never_gets_the_entries_of_the_one_who_went() {
    let place = Place::with(&lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        person(2, "Bennett", "Ava", "2019-03-12"),
    ]));
    let gone = super::support::rows(
        &place.database(),
        &format!("SELECT person_id FROM nhs_number WHERE number = '{}'", number(2).digits()),
    )
    .concat();
    let insert = "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code,
                  organisation, session, request, person_id) VALUES (1, 'view', 'held', '', '', '', '', '', '', '', ?1)";
    place.database().execute(insert, [&gone]).unwrap();
    for (name, line) in [("merge", superseded(2, 1)), ("new", person(3, "Other", "Tom", "2020-01-01"))] {
        std::fs::write(place.path(name), line.to_string()).unwrap();
        assert!(place.run(&["load", name, "--config", "hub.toml"]).status.success());
    }
    let output = place.run(&["audit", "--config", "hub.toml", "--person", &number(3).digits()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("\tview\t"), "{text}");
    assert_eq!(text.matches("audit-read").count(), 1, "{text}");
}

#[test]
fn the_audit_log_is_printed_newest_first_within_its_limit_and_without_what_would_drive_a_terminal() {
    let place = Place::with(&child());
    let db = place.database();
    db.execute_batch(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10005)
         INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                            session, request)
         SELECT n, 'view', 'held', 'u1', 'Name', '', '', '', '', n FROM n;
         INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                            session, request)
         VALUES (1, 'view', 'held', 'u2', 'a' || char(27) || '[2J' || char(8238) || 'b' || char(9) || 'c', '',
                 '', '', '', '')",
    )
    .unwrap();
    let read = |user: &str| place.run(&["audit", "--config", "hub.toml", "--user", user]);
    let output = read("u1");
    let text = String::from_utf8(output.stdout).unwrap();
    let requests: Vec<&str> = text.lines().skip(1).map(|line| line.split('\t').nth(8).unwrap()).collect();
    assert_eq!((requests.len(), requests[0], requests[9_999]), (10_000, "10005", "6"));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("5 older entries are not printed") && err.contains("--since"), "{err}");
    let output = read("u2");
    assert!(output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\ta\u{fffd}[2J\u{fffd}b\u{fffd}c\t"), "{text:?}");
}
