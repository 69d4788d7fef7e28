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
    check(&["--person", &superseded_number], &["view", "view", "audit-read"]);
    check(&["--user", "u2"], &["view"]);
    check(&["--user", "u1", "--person", &number(1).digits()], &["view", "view"]);
    check(
        &["--since", "2000-01-01T00:00:00Z"],
        &["load", "audit-read", "audit-read", "audit-read", "audit-read"],
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
