//! What is over its time goes, what anybody still needs stays however old it is, and the audit log knows of it.

use cpis::config::hub::Retention;
use cpis::hub::store::Removed;
use jiff::civil::Date;
use jiff::{SignedDuration, ToSpan};
use rusqlite::{Connection, params};

use super::support::data::{CHILD_PROTECTION, LOOKED_AFTER, UNBORN, child, lines, number, person, plan};
use super::support::program::Place;
use super::support::{TestHub, at, caller, midwife, nurse, rows};

const PLANS: Retention = Retention { plans_days: Some(400), views_days: None, audit_years: None };
const VIEWS: Retention = Retention { plans_days: None, views_days: Some(400), audit_years: None };
const AUDIT: Retention = Retention { plans_days: Some(400), views_days: Some(400), audit_years: Some(26) };

async fn remove(hub: &TestHub, policy: Retention) -> Removed {
    let by = caller("Operator", "", &[]);
    let would_go = hub.hub.store().remove(policy, by.clone(), true).await.unwrap();
    let removed = hub.hub.store().remove(policy, by, false).await.unwrap();
    assert_eq!(would_go, removed, "what was announced is what went");
    removed
}

fn noon(day: Date) -> jiff::Timestamp {
    at(&format!("{day}T12:00:00Z"))
}

#[tokio::test]
async fn a_plan_goes_when_it_was_shown_to_nobody_for_as_long_as_configured_and_not_a_day_before() {
    // Born, kind, start, end, and the first day on which nobody is shown it any more and it was held already.
    let plans: &[(&str, &str, &str, &str, Option<&str>)] = &[
        ("2019-03-12", CHILD_PROTECTION, "2026-01-05", "", Some("2037-03-12")),
        ("2019-03-12", LOOKED_AFTER, "2024-01-05", "2025-06-30", Some("2026-11-23")),
        ("2009", CHILD_PROTECTION, "2020-01-05", "", Some("2027-12-31")),
        ("1998-06", UNBORN, "2026-01-01", "2026-12-01", Some("2026-12-30")),
        ("2015-01-01", LOOKED_AFTER, "2032-01-05", "", Some("2033-01-01")),
    ];
    let mut data = Vec::new();
    for (seed, (born, kind, start, end, _)) in (1..).zip(plans) {
        data.push(person(seed, "Bennett", "Ava", born));
        data.push(plan(seed, kind, start, end, "E06000030"));
    }
    let hub = TestHub::with(&lines(&data)).await;
    let mut days: Vec<(Date, i64)> = Vec::new();
    for (id, (_, _, _, _, gone)) in (1..).zip(plans) {
        let gone: Date = gone.unwrap().parse().unwrap();
        days.push((gone.checked_add(400.days()).unwrap(), id));
    }
    days.sort();
    assert_eq!(remove(&hub, PLANS).await, Removed::default());
    let mut held = plans.len();
    for (day, id) in days {
        hub.clock.turn_to(noon(day.yesterday().unwrap()));
        assert_eq!(remove(&hub, PLANS).await, Removed::default(), "the day before {day}");
        assert_eq!(hub.count("SELECT 1 FROM plan"), held);
        hub.clock.turn_to(noon(day));
        assert_eq!(remove(&hub, PLANS).await, Removed { plans: 1, ..Removed::default() }, "{day}");
        assert_eq!(hub.count(&format!("SELECT 1 FROM plan WHERE id = {id}")), 0, "{day}");
        held -= 1;
        let last = hub.rows(
            "SELECT kind, outcome, json_extract(detail, '$.plans'), json_extract(detail, '$.gone_by')
                             FROM audit ORDER BY id DESC LIMIT 1",
        );
        let gone_by = day.checked_sub(400.days()).unwrap();
        assert_eq!(last, [format!("retention|removed|1|{gone_by}")]);
    }
    assert_eq!(hub.count("SELECT 1 FROM person"), plans.len(), "people stay");
}

#[tokio::test]
async fn a_plan_that_nobody_was_shown_because_of_a_wrong_birth_date_is_shown_once_it_is_put_right() {
    let placeholder = |seed| person(seed, "Bennett", "Ava", "1900-01-01");
    let data = lines(&[
        placeholder(1),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
        placeholder(2),
        plan(2, LOOKED_AFTER, "2024-01-05", "2040-06-30", "E06000030"),
        person(3, "Bennett", "Ava", "2000-03-12"),
        plan(3, CHILD_PROTECTION, "2017-01-05", "", "E06000030"),
    ]);
    let hub = TestHub::with(&data).await;
    assert_eq!(remove(&hub, PLANS).await, Removed::default(), "the last one was loaded today");
    hub.turn(410 * 24 * 60);
    assert_eq!(remove(&hub, PLANS).await, Removed { plans: 1, ..Removed::default() });
    let right = |seed| person(seed, "Bennett", "Ava", "2019-03-12");
    hub.load(&lines(&[right(1), right(2), right(3)])).await;
    for (seed, shown) in [(1, 1), (2, 1), (3, 0)] {
        assert_eq!(hub.view(&nurse(), number(seed)).await.total(), shown, "person {seed}");
    }
}

#[tokio::test]
async fn a_view_goes_with_all_that_is_its_own_once_it_is_told_and_beyond_the_25_newest() {
    let hub = TestHub::with(&child()).await;
    // 30 users a day apart, of whom the first asks again and spares a notification by it.
    for day in 0..30 {
        let who = caller(&format!("Nurse {day}"), "RN3", &["B0264", "B0107"]);
        hub.view(&who, number(1)).await;
        if day == 0 {
            hub.turn(5);
            hub.view(&who, number(1)).await;
        }
        hub.turn(24 * 60);
    }
    hub.view(&midwife(), number(1)).await;
    let all = "SELECT (SELECT count(*) FROM view), (SELECT count(*) FROM history),
                      (SELECT count(*) FROM outbox), (SELECT count(*) FROM told_earlier)";
    assert_eq!(hub.rows(all), ["32|31|30|1"]);
    hub.turn(410 * 24 * 60);
    // Nothing was sent: of the five oldest windows only the history goes, and the silent view.
    assert_eq!(remove(&hub, VIEWS).await, Removed { views: 2, history: 6, notices: 1, ..Removed::default() });
    assert_eq!(hub.rows(all), ["30|25|30|0"]);
    let db = Connection::open(&hub.database).unwrap();
    db.execute_batch(
        "UPDATE outbox SET state = 'filed', outcome = 'documented' WHERE id IN (1, 2, 3);
                      UPDATE outbox SET state = 'delivered', outcome = 'dealt-with' WHERE id = 30",
    )
    .unwrap();
    // Four are told; three of them are beyond the 25 that are listed.
    assert_eq!(remove(&hub, VIEWS).await, Removed { views: 3, notices: 4, ..Removed::default() });
    assert_eq!(hub.rows(all), ["27|25|26|0"]);
    db.execute_batch("UPDATE outbox SET state = 'filed', outcome = 'documented', state_ms = state_ms + 1000 * 86400000 WHERE id = 4")
        .unwrap();
    assert_eq!(remove(&hub, VIEWS).await, Removed::default(), "what changed lately stays");
    hub.view(&nurse(), number(1)).await;
    assert_eq!(hub.history(&nurse(), number(1)).await.total(), 25);
}

#[tokio::test]
async fn h18_a_notification_stays_until_its_authority_has_said_that_it_is_over() {
    let hub = TestHub::with(&child()).await;
    // Each state that a notification can have, and what the authority said of it; then 25 newer windows, beyond which history goes.
    let states = [
        ("queued", None, true),
        ("returned", None, true),
        ("delivered", None, true),
        ("delivered", Some("triage"), true),
        ("delivered", Some("dealt-with"), false),
        ("filed", Some("documented"), false),
    ];
    for day in 0..states.len() + 25 {
        hub.view(&caller(&format!("Nurse {day}"), "RN3", &["B0264", "B0107"]), number(1)).await;
        hub.turn(24 * 60);
    }
    let db = Connection::open(&hub.database).unwrap();
    db.execute("UPDATE outbox SET state = 'filed', outcome = 'documented'", []).unwrap();
    for (id, (state, outcome, _)) in (1_i64..).zip(states) {
        let sql = "UPDATE outbox SET state = ?2, outcome = ?3 WHERE id = ?1";
        assert_eq!(db.execute(sql, params![id, state, outcome]).unwrap(), 1);
    }
    let attendances = hub.count("SELECT DISTINCT attendance FROM outbox");
    assert_eq!(attendances, states.len() + 25, "none stands by another's attendance");
    hub.turn(410 * 24 * 60);
    remove(&hub, VIEWS).await;
    let kept =
        hub.rows(&format!("SELECT state, outcome FROM outbox WHERE id <= {} ORDER BY id", states.len()));
    let expected: Vec<String> = states
        .iter()
        .filter(|(_, _, stays)| *stays)
        .map(|(state, outcome, _)| format!("{state}|{}", outcome.unwrap_or("-")))
        .collect();
    assert_eq!(kept, expected);
    // When the last of them are over they go too.
    db.execute("UPDATE outbox SET state = 'filed', outcome = 'documented'", []).unwrap();
    remove(&hub, VIEWS).await;
    assert_eq!(hub.count(&format!("SELECT 1 FROM outbox WHERE id <= {}", states.len())), 0);
}

#[tokio::test]
async fn an_attendance_and_whatever_spared_a_notification_stay_together() {
    let hub = TestHub::with(&child()).await;
    let other = caller("Robin Shah", "RN3", &["B0264", "B0107"]);
    hub.view(&nurse(), number(1)).await;
    hub.turn(11 * 60);
    hub.view(&other, number(1)).await;
    hub.turn(20);
    hub.view(&other, number(1)).await;
    assert_eq!(hub.rows("SELECT count(DISTINCT attendance) FROM outbox"), ["1"]);
    for day in 0..26 {
        hub.turn(24 * 60);
        hub.view(&caller(&format!("Nurse {day}"), "RA9", &["B0107"]), number(1)).await;
    }
    let db = Connection::open(&hub.database).unwrap();
    db.execute_batch("UPDATE outbox SET state = 'filed', outcome = 'documented'").unwrap();
    // Between the first and the second view of the attendance, and then between the second and the third.
    let cut = |minutes: i64| {
        hub.clock.turn_to(
            at("2026-11-22T14:00:00Z")
                + SignedDuration::from_hours(400 * 24)
                + SignedDuration::from_mins(minutes),
        )
    };
    cut(5 * 60);
    assert_eq!(remove(&hub, VIEWS).await, Removed { history: 1, ..Removed::default() });
    assert_eq!(hub.count("SELECT 1 FROM outbox WHERE organisation_code = 'RN3'"), 2);
    cut(11 * 60 + 10);
    // The first is over with all of its attendance; the second spared the third a notification.
    let removed = remove(&hub, VIEWS).await;
    assert_eq!((removed.views, removed.notices), (1, 1));
    assert_eq!(hub.count("SELECT 1 FROM told_earlier"), 1);
    cut(12 * 60);
    remove(&hub, VIEWS).await;
    remove(&hub, VIEWS).await;
    assert_eq!(hub.count("SELECT 1 FROM view WHERE organisation_code = 'RN3'"), 0);
    assert_eq!(hub.count("SELECT 1 FROM outbox WHERE organisation_code = 'RN3'"), 0);
}

#[tokio::test]
async fn whatever_goes_the_access_history_says_the_same_as_before() {
    const PEOPLE: u64 = 8;
    let mut data = Vec::new();
    for seed in 1..=PEOPLE {
        data.push(person(seed, "Bennett", "Ava", "2019-03-12"));
        data.push(plan(seed, CHILD_PROTECTION, "2026-01-05", "", "E06000030"));
    }
    let hub = TestHub::with(&lines(&data)).await;
    let now = hub.clock.now().as_millisecond();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        i64::try_from(random % below).unwrap()
    };
    // Few people who look often, hours apart: windows of 24 hours that begin where the ones before them end.
    let mut views: Vec<(i64, i64, i64)> = Vec::new();
    for person in 1..=i64::try_from(PEOPLE).unwrap() {
        let mut at_ms = now - 460 * 86_400_000;
        for _ in 0..90 {
            at_ms += next(40 * 3_600_000);
            views.push((at_ms, person, next(3)));
        }
    }
    views.sort_unstable();
    let mut db = Connection::open(&hub.database).unwrap();
    let tx = db.transaction().unwrap();
    for (id, (at_ms, person, user)) in (1..).zip(&views) {
        tx.execute(
            "INSERT INTO view (id, reference, user_id, organisation_code, trace_id, person_id, at_ms, mode, held)
             VALUES (?1, 'R' || ?1, 'user-' || ?3, 'RN3', 'T' || ?1, ?2, ?4, 'recorded', 1)",
            params![id, person, user, at_ms],
        )
        .unwrap();
        tx.execute(
            "INSERT INTO history VALUES (?1, ?2, ?4, 'user-' || ?3, 'User ' || ?3, 'Nurse', '1', 'RN3', 'Hospital')",
            params![id, person, user, at_ms],
        )
        .unwrap();
    }
    tx.commit().unwrap();
    let listed = async || {
        let mut all = Vec::new();
        for seed in 1..=PEOPLE {
            hub.view(&midwife(), number(seed)).await;
            let body = hub.history(&midwife(), number(seed)).await.body;
            let ids = body.split("\"access-").skip(1).filter_map(|rest| rest.split('"').next());
            all.push(ids.map(str::to_owned).collect::<Vec<_>>());
        }
        all
    };
    let before = listed().await;
    assert!(before.iter().all(|ids| ids.len() == 25));
    let mut gone = 0;
    for _ in 0..6 {
        gone += remove(&hub, VIEWS).await.history;
        assert_eq!(listed().await, before);
        hub.clock.turn_to(hub.clock.now() + SignedDuration::from_hours(11 * 24));
    }
    assert!(gone > 100, "{gone} rows went: too few to mean anything");
}

#[tokio::test]
async fn the_audit_log_loses_nothing_but_its_oldest_entries_and_says_so() {
    let hub = TestHub::empty().await;
    hub.clock.turn_to(at("1999-11-22T14:00:00Z"));
    hub.load(&lines(&[person(1, "Bennett", "Ava", "1998-03-12")])).await;
    for _ in 0..3 {
        hub.view(&nurse(), number(1)).await;
    }
    hub.clock.turn_to(at("2001-01-01T14:00:00Z"));
    hub.view(&nurse(), number(1)).await;
    hub.clock.turn_to(at("2025-12-31T14:00:00Z"));
    // A month ahead of whatever was removed: nothing goes, whatever the same clock writes.
    let by = caller("Operator", "", &[]);
    let retain = async |today| hub.hub.store().retain(AUDIT, by.clone(), today).await.unwrap();
    assert_eq!(retain(None).await, None);
    assert_eq!(retain(Some("2025-12-30".parse().unwrap())).await, None);
    let removed = retain(Some("2025-12-31".parse().unwrap())).await.unwrap();
    assert_eq!((removed.audit, removed.views), (4, 4));
    let left = hub.rows("SELECT id, kind FROM audit ORDER BY id");
    assert_eq!(left, ["5|view", "6|retention", "7|retention"]);
    let said = hub.rows("SELECT json_extract(detail, '$.audit') FROM audit WHERE id = 7");
    assert_eq!(said, ["4"]);
    hub.clock.turn_to(at("2026-01-30T14:00:00Z"));
    assert!(retain(None).await.is_some(), "the last removal was in this month");
    hub.clock.turn_to(at("2061-01-01T14:00:00Z"));
    hub.view(&nurse(), number(1)).await;
    assert_eq!(retain(None).await, None, "an entry of the same clock says nothing");
}

#[tokio::test]
async fn nobody_deletes_or_changes_an_entry_of_the_audit_log_by_hand() {
    let hub = TestHub::empty().await;
    hub.clock.turn_to(at("1999-11-22T14:00:00Z"));
    hub.load(&lines(&[person(1, "Bennett", "Ava", "1998-03-12")])).await;
    hub.clock.turn_to(at("2026-11-22T14:00:00Z"));
    hub.view(&nurse(), number(1)).await;
    let db = Connection::open(&hub.database).unwrap();
    db.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    let now = at("2026-11-22T14:00:00Z").as_millisecond();
    let old = now - 820_540_800_000;
    let entry = |before: i64, kind: &str| {
        format!(
            "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                                session, request, detail)
             VALUES ({now}, '{kind}', '', '', '', '', '', '', '', '', json_object('audit_before_ms', {before}));"
        )
    };
    let cut = |before: i64| {
        format!(
            "INSERT INTO audit_removal (id, before_ms, entry) VALUES (1, {before}, (SELECT max(id) FROM audit));"
        )
    };
    let delete_all = "DELETE FROM audit;";
    let table: &[(&str, String, &str)] = &[
        ("a young entry", "DELETE FROM audit WHERE kind = 'view'".to_owned(), "never deleted"),
        ("an old entry", "DELETE FROM audit WHERE kind = 'load'".to_owned(), "never deleted"),
        ("a change", "UPDATE audit SET user_id = 'nobody'".to_owned(), "never changed"),
        (
            "replaced",
            format!("{} INSERT OR REPLACE INTO audit SELECT * FROM audit LIMIT 1", entry(old, "x")),
            "never replaced",
        ),
        ("a cut-off without an entry", cut(old), "audited first"),
        ("an entry of another kind", entry(old, "view") + &cut(old), "audited first"),
        ("another cut-off than said", entry(old, "retention") + &cut(old + 1), "audited first"),
        ("a cut-off that is too young", entry(now, "retention") + &cut(now), "audited first"),
        ("younger than the cut-off", entry(old, "retention") + &cut(old) + delete_all, "never deleted"),
        (
            "a cut-off that moves",
            entry(old, "retention") + &cut(old) + "UPDATE audit_removal SET before_ms = 9e15",
            "never changed",
        ),
        ("a cut-off left behind", entry(old, "retention") + &cut(old) + "COMMIT", "FOREIGN KEY"),
    ];
    let before = hub.rows("SELECT * FROM audit");
    for (what, sql, expected) in table {
        let refused = db.execute_batch(&format!("BEGIN IMMEDIATE; {sql}")).unwrap_err().to_string();
        assert!(refused.contains(expected), "{what}: {refused}");
        db.execute_batch("ROLLBACK").unwrap();
        assert_eq!(hub.rows("SELECT * FROM audit"), before, "{what}");
    }
    let proper = entry(old, "retention")
        + &cut(old)
        + "DELETE FROM audit WHERE kind = 'load'; DELETE FROM audit_removal";
    db.execute_batch(&format!("BEGIN IMMEDIATE; {proper}; COMMIT")).unwrap();
    assert_eq!(hub.rows("SELECT kind FROM audit ORDER BY id"), ["view", "retention"]);
}

#[test]
fn the_command_says_what_would_go_and_removes_it_where_it_is_configured() {
    let place = Place::with(&child());
    let said = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let dry = ["retention", "--config", "hub.toml", "--dry-run"];
    assert_eq!(said(&dry), "Nothing is ever removed: the configuration has no [retention]\n");
    let view =
        "INSERT INTO view (id, reference, user_id, organisation_code, trace_id, person_id, at_ms, mode, held)
                VALUES (1, 'R1', 'u', 'RN3', 'T1', 1, 9000000000000, 'silent', 0),
                       (2, 'R2', 'u', 'RN3', 'T2', 1, 0, 'silent', 0)";
    place.database().execute_batch(view).unwrap();
    place.configure("[retention]\nviews_days = 3000\n");
    let gone =
        "0 plans, 1 views, 0 rows of the access history, 0 notifications, 0 entries of the audit log\n";
    assert_eq!(said(&dry), format!("Would remove {gone}"));
    assert_eq!(rows(&place.database(), "SELECT 1 FROM view").len(), 2);
    assert_eq!(said(&dry[..3]), format!("Removed {gone}"));
    assert_eq!(rows(&place.database(), "SELECT id FROM view"), ["1"], "of a day to come, and hides nothing");
    place.database().execute_batch("UPDATE retention_run SET at_ms = at_ms - 32 * 86400000").unwrap();
    let refused = place.run(&dry[..3]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("say with `--today` which day it is"), "{why}");
    let today = cpis::domain::dates::london_day(cpis::hub::clock::Clock::system().now()).to_string();
    said(&[&dry[..3], &["--today", &today]].concat());
    place.configure("[retention]\nviews_days = 3000\nplans_days = 3000\naudit_years = 10\n");
    let refused = place.run(&dry);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("26 to 100 years"), "{why}");
}

#[test]
fn what_was_removed_is_not_in_the_file_either() {
    let place = Place::with(&child());
    let view =
        "INSERT INTO view (id, reference, user_id, organisation_code, trace_id, person_id, at_ms, mode, held)
                VALUES (1, 'R1', 'mark-of-a-removed-view', 'RN3', 'T1', 1, 0, 'silent', 0)";
    place.database().execute_batch(view).unwrap();
    let is_there = || {
        let content = std::fs::read(place.path("hub.db")).unwrap();
        content.windows(22).any(|word| word == b"mark-of-a-removed-view")
    };
    assert!(is_there());
    place.configure("[retention]\nviews_days = 3000\n");
    assert!(place.run(&["retention", "--config", "hub.toml"]).status.success());
    assert!(!is_there());
}
