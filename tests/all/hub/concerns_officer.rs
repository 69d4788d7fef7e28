//! `GET /audit/concerns`: a privacy officer reads what is worth a question of their own organisation's people, and
//! nothing that was done elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use cpis::domain::{Caller, ConcernsPermit, NhsNumber};
use cpis::hub::OPENAPI;
use cpis::hub::concerns::{ConcernKind, ConcernQuestion};
use cpis::hub::limits;
use cpis::hub::store::ConcernsRead;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;

use super::concerns::people;
use super::support::answer::Answer;
use super::support::data::{changed, lines, number, person};
use super::support::{NOW, TestHub, at, caller, nurse, officer, receptionist, reviewer, rights};

/// The privacy officer of the other organisation.
pub(super) fn officer_elsewhere() -> Caller {
    caller("Viv Moss", "RA9", &["B9002"])
}

pub(super) async fn ask(hub: &TestHub, who: &Caller, query: &str) -> Answer {
    hub.get(&format!("/audit/concerns{query}"), who, &[]).await
}

/// What the operator reads of the last week, of everybody.
async fn whole(hub: &TestHub) -> Value {
    let (store, now) = (hub.hub.store().clone(), hub.clock.now());
    let question = ConcernQuestion { since: now - ConcernQuestion::USUAL, until: now };
    let read = move || store.concerns(caller("Operator", "", &[]), question).unwrap().json();
    tokio::task::spawn_blocking(read).await.unwrap()
}

fn concerns(report: &Value) -> &Vec<Value> {
    report["concerns"].as_array().unwrap()
}

/// Kind and user of each, but for "nobody else opened it", which nearly everybody has.
fn raised(report: &Value) -> BTreeSet<String> {
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    let told = concerns(report).iter().map(|one| format!("{} {}", text(one, "kind"), text(one, "name")));
    told.filter(|told| !told.starts_with("only-viewer")).collect()
}

/// Entries as the hub writes them, of other days than the clock's.
struct Log(Connection);

impl Log {
    fn of(hub: &TestHub) -> Self {
        let db = Connection::open(&hub.database).unwrap();
        db.busy_timeout(Duration::from_secs(20)).unwrap();
        Self(db)
    }

    fn did(
        &self,
        who: &Caller,
        when: Timestamp,
        kind: &str,
        outcome: &str,
        number: Option<NhsNumber>,
    ) -> &Self {
        let reference = (kind == "view").then(|| format!("REF-{}", when.as_second() % 100_000));
        self.0
            .execute(
                "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                                    session, request, reference, number, person_id, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, '', '', ?9, ?10,
                         (SELECT person_id FROM nhs_number WHERE number = ?10), '{}')",
                params![
                    when.as_millisecond(),
                    kind,
                    outcome,
                    who.user,
                    who.name,
                    who.role,
                    who.organisation_code,
                    who.organisation,
                    reference,
                    number.map(NhsNumber::digits),
                ],
            )
            .unwrap();
        self
    }

    fn viewed(&self, who: &Caller, when: &str, seed: u64) -> &Self {
        self.did(who, at(when), "view", "held", Some(number(seed)))
    }
}

#[tokio::test]
async fn an_officer_reads_of_their_own_people_in_the_words_of_the_command_and_of_nobody_else() {
    // given somebody at each of two organisations who opened the record of somebody of their name
    let hub = TestHub::with(&people()).await;
    let elsewhere = caller("Pat Bennett", "RA9", &["B0264", "B0107"]);
    assert_eq!(hub.view(&nurse(), number(1)).await.status, 200);
    assert_eq!(hub.view(&elsewhere, number(4)).await.status, 200);
    hub.turn(60);

    // when the officer of each asks, then each reads what the command tells of theirs, word for word
    let all = whole(&hub).await;
    for (who, theirs, others) in [
        (officer_elsewhere(), ("Pat Bennett", 4), ("Sam Okafor", 1)),
        (officer(), ("Sam Okafor", 1), ("Pat Bennett", 4)),
    ] {
        let answer = ask(&hub, &who, "").await;
        assert_eq!(answer.told(), "200", "{}", answer.body);
        let report = answer.json();
        assert_eq!(raised(&report), [format!("same-family-name {}", theirs.0)].into());
        let of_theirs = |one: &&Value| one["organisation_code"] == who.organisation_code;
        let expected: Vec<&Value> = concerns(&all).iter().filter(of_theirs).collect();
        assert_eq!(concerns(&report).iter().collect::<Vec<_>>(), expected);
        assert!(answer.body.contains(&number(theirs.1).digits()));
        for other in [others.0, &number(others.1).digits()] {
            assert!(!answer.body.contains(other), "{other}: {}", answer.body);
        }
        assert_eq!((&report["users"], &report["too_little_history"]), (&1.into(), &1.into()));
    }

    // and each reading is in the audit log
    assert_eq!(
        hub.rows(
            "SELECT user_name, organisation_code, request, outcome, json_extract(detail, '$.since')
             FROM audit WHERE kind = 'concerns-read' AND organisation_code <> '' ORDER BY id"
        ),
        [
            "Viv Moss|RA9|organisation|returned|2026-11-15T15:00:00Z",
            "Ros Hale|RN3|organisation|returned|2026-11-15T15:00:00Z",
        ]
    );
}

#[tokio::test]
async fn of_who_works_at_two_organisations_only_what_they_did_for_this_one_counts_and_shows() {
    // given one person who is a nurse here and a porter there, for whom both together would be a concern of each kind
    let hub = TestHub::with(&people()).await;
    let here = caller("Bo Ray", "RN3", &["B0264", "B0107"]);
    let there = Caller { role: "Porter".to_owned(), ..caller("Bo Ray", "RA9", &["B0264", "B0107"]) };
    let log = Log::of(&hub);
    log.viewed(&here, "2026-11-18T02:30:00Z", 2).viewed(&here, "2026-11-19T02:30:00Z", 2).viewed(
        &there,
        "2026-11-20T10:00:00Z",
        2,
    );
    for seed in 100..140 {
        let who = if seed % 2 == 0 { &here } else { &there };
        log.did(who, at("2026-11-20T11:00:00Z"), "search", "returned", Some(number(seed)));
    }
    for near in 5001..5007 {
        let who = if near % 2 == 0 { &here } else { &there };
        log.did(who, at("2026-11-20T11:30:00Z"), "retrieve", "not-found", Some(NhsNumber::synthetic(near)));
    }
    log.did(&there, at("2026-11-20T11:40:00Z"), "refused", "too-many-requests", None);
    log.did(&there, at("2026-11-20T11:50:00Z"), "retrieve", "returned", Some(number(3)));
    // There by day, for weeks; here too seldom to know.
    for entry in 1..=200 {
        let when = at("2026-11-15T10:00:00Z") - SignedDuration::from_hours(24 * (entry / 5 + 1));
        log.did(&there, when, "search", "none", None);
    }
    let kinds =
        ["found-not-opened", "many-days", "restricted", "search-volume", "unusual-hour", "walking-numbers"];
    assert_eq!(raised(&whole(&hub).await), kinds.map(|kind| format!("{kind} Bo Ray")).into());

    // when the officers ask, then neither learns what the person did for the other
    let answer = ask(&hub, &officer(), "").await;
    let report = answer.json();
    assert_eq!(raised(&report), BTreeSet::new());
    assert_eq!((&report["users"], &report["too_little_history"]), (&1.into(), &1.into()));
    let alone = concerns(&report).iter().find(|one| one["kind"] == "only-viewer").unwrap();
    assert!(alone["seen"].as_str().unwrap().starts_with("2 of this viewer's 2 views"), "{alone}");
    for other in ["RA9", "Porter", "another organisation", &number(3).digits()] {
        assert!(!answer.body.contains(other), "{other}: {}", answer.body);
    }
    let report = ask(&hub, &officer_elsewhere(), "").await.json();
    assert_eq!(raised(&report), ["restricted Bo Ray".to_owned(), "search-volume Bo Ray".to_owned()].into());
    assert!(concerns(&report).iter().all(|one| one["organisation_code"] == "RA9" && one["role"] == "Porter"));

    // and a third day here is one of three here, without a word of elsewhere
    log.viewed(&here, "2026-11-21T02:30:00Z", 2);
    let report = ask(&hub, &officer(), "").await.json();
    let days = concerns(&report).iter().find(|one| one["kind"] == "many-days").unwrap();
    assert_eq!(
        (&days["seen"], &days["times"]),
        (&"the plans were opened on 3 different days".into(), &3.into())
    );
}

#[tokio::test]
async fn without_the_right_nobody_reads_anything_whatever_they_ask_and_it_is_audited() {
    let hub = TestHub::with(&people()).await;
    hub.view(&nurse(), number(1)).await;
    let nobody = caller("Ola Berg", "RN3", &["B9999"]);
    for who in [nurse(), reviewer(), receptionist(), nobody] {
        for query in ["", "?since=yesterday", "?organisation=RA9"] {
            let answer = ask(&hub, &who, query).await;
            assert_eq!(answer.told(), "403 ACCESS_DENIED", "{} {query}", who.name);
            assert!(!answer.body.contains("Okafor"), "{}", answer.body);
        }
    }
    let refused =
        hub.rows("SELECT user_name, detail FROM audit WHERE kind = 'refused' AND outcome = 'not-allowed'");
    let expected = ["Sam Okafor", "Kim Doyle", "Lee Marsh", "Ola Berg"];
    let entry = |name: &str| format!("{name}|{{\"asked\":\"concerns-read\"}}");
    assert_eq!(refused, expected.iter().flat_map(|name| vec![entry(name); 3]).collect::<Vec<_>>());
    assert_eq!(hub.count("SELECT 1 FROM audit WHERE kind = 'concerns-read'"), 0);
    assert_eq!(hub.send("GET", "/audit/concerns", None, &[], None).await.told(), "401 ACCESS_DENIED");
}

#[tokio::test]
async fn what_cannot_be_audited_is_not_told() {
    let hub = TestHub::with(&people()).await;
    hub.view(&nurse(), number(1)).await;
    hub.turn(60);
    assert!(ask(&hub, &officer(), "").await.body.contains("Okafor"));
    let db = Connection::open(&hub.database).unwrap();
    db.execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    let answer = ask(&hub, &officer(), "").await;
    answer.assert_failed_without_detail();
    assert!(!answer.body.contains("Okafor"), "{}", answer.body);
    db.execute_batch("DROP TRIGGER refuse").unwrap();
    assert_eq!(ask(&hub, &officer(), "").await.told(), "200", "and goes on afterwards");
}

#[tokio::test]
async fn a_period_is_the_last_week_or_one_of_at_most_31_days_and_nothing_else_is_taken() {
    let hub = TestHub::with(&people()).await;
    let ends =
        |report: &Value| [&report["since"], &report["until"]].map(|end| end.as_str().unwrap().to_owned());
    for (query, since, until) in [
        ("", "2026-11-15T14:00:00Z", NOW),
        ("?until=2026-11-10T00:00:00Z", "2026-11-03T00:00:00Z", "2026-11-10T00:00:00Z"),
        ("?since=2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z", NOW),
        (
            "?since=2026-10-01T00:00:00Z&until=2026-11-01T00:00:00Z",
            "2026-10-01T00:00:00Z",
            "2026-11-01T00:00:00Z",
        ),
    ] {
        let answer = ask(&hub, &officer(), query).await;
        assert_eq!(answer.told(), "200", "{query}: {}", answer.body);
        assert_eq!(ends(&answer.json()), [since, until], "{query}");
    }
    for query in [
        "?since=2026-10-01T00:00:00Z&until=2026-11-01T00:00:01Z",
        "?since=2026-10-01T00:00:00Z",
        "?since=2026-11-22T14:00:00Z",
        "?since=2026-11-21T00:00:00Z&until=2026-11-20T00:00:00Z",
        "?since=yesterday",
        "?since=2026-11-21",
        "?until=",
        "?until=-009999-01-02T00:00:00Z",
        "?since=2026-11-21T00:00:00Z&since=2026-11-20T00:00:00Z",
        "?user=user-sam-okafor",
        "?organisation=RA9",
        "?_format=xml",
    ] {
        let answer = ask(&hub, &officer(), query).await;
        assert_eq!(answer.told(), "400 INVALID_SEARCH_DATA", "{query}: {}", answer.body);
    }
    assert_eq!(
        hub.count("SELECT 1 FROM audit WHERE kind = 'concerns-read'"),
        4,
        "what was refused was not read"
    );

    // What is outside the period is not looked at, to the second.
    let log = Log::of(&hub);
    log.viewed(&nurse(), "2026-11-15T13:59:59Z", 1);
    assert_eq!(raised(&ask(&hub, &officer(), "").await.json()), BTreeSet::new());
    log.viewed(&nurse(), "2026-11-15T14:00:00Z", 1);
    assert_eq!(raised(&ask(&hub, &officer(), "").await.json()).len(), 1);
}

#[tokio::test]
async fn what_takes_too_long_is_given_up_and_nothing_of_it_is_told() {
    let hub = TestHub::with(&people()).await;
    hub.view(&nurse(), number(1)).await;
    hub.turn(60);
    let question = ConcernQuestion { since: at("2026-11-22T00:00:00Z"), until: hub.clock.now() };
    let store = hub.hub.store();
    let read = async |within| {
        let permit = ConcernsPermit::of(&officer(), &rights()).unwrap();
        let place = store.concerns_place(permit, Duration::ZERO).await.unwrap().expect("nobody else reads");
        store.concerns_of_organisation(place, question, within).await.unwrap()
    };
    assert!(matches!(read(Duration::ZERO).await, ConcernsRead::TooMuch));
    let ConcernsRead::Found(_, report) = read(limits::CONCERNS_READ).await else {
        panic!("the place is free again")
    };
    assert_eq!(report.users, 1);
}

#[tokio::test]
async fn of_the_country_the_report_says_no_numbers_and_of_who_is_restricted_no_name() {
    let share = |line: Value, restricted: bool| {
        let label = if restricted { serde_json::json!([{ "code": "R" }]) } else { serde_json::json!([]) };
        changed(line, serde_json::json!({ "meta": { "security": label } }))
    };
    let hub = TestHub::with(&lines(&[
        share(person(1, "Okafor-Lindqvist", "Ava", "2019-03-12"), false),
        share(person(2, "Okafor-Sorensen", "Eve", "2019-03-12"), true),
    ]))
    .await;
    for seed in [1, 2] {
        assert_eq!(hub.view(&nurse(), number(seed)).await.status, 200);
    }
    hub.turn(60);
    let answer = ask(&hub, &officer(), "").await;
    let report = answer.json();
    let shared = concerns(&report).iter().filter(|one| one["kind"] == "same-family-name");
    let mut seen: Vec<&str> = shared.map(|one| one["seen"].as_str().unwrap()).collect();
    seen.sort_unstable();
    let rare = "one in 100 of the people held here, or more, have it now";
    assert_eq!(
        seen,
        [
            format!("the viewer's name and the patient's family name have it in common; {rare}"),
            format!(
                "the viewer's name and the patient's family name, Okafor-Lindqvist, have it in common; {rare}"
            ),
        ]
    );
    assert!(!answer.body.contains("Sorensen"), "{}", answer.body);
}

#[tokio::test]
async fn whatever_a_sign_in_calls_somebody_turns_nobodys_screen_around() {
    let hub = TestHub::with(&people()).await;
    let odd = Caller {
        role: "Nurse\u{202e}\u{1b}[2J".to_owned(),
        organisation: "Hospital\u{9b}31m".to_owned(),
        ..caller("Pat\u{2066} Bennett\u{7f}", "RN3", &["B0264", "B0107"])
    };
    Log::of(&hub).viewed(&odd, "2026-11-20T10:00:00Z", 4);
    let answer = ask(&hub, &officer(), "").await;
    assert!(
        raised(&answer.json()).contains("same-family-name Pat\u{fffd} Bennett\u{fffd}"),
        "{}",
        answer.body
    );
    let all = [answer.body, whole(&hub).await.to_string()];
    for body in all {
        let odd = body
            .chars()
            .find(|c| c.is_control() || ('\u{2066}'..='\u{2069}').contains(c) || *c == '\u{202e}');
        assert_eq!(odd, None, "{body}");
    }
}

#[tokio::test]
async fn however_many_users_there_are_each_is_looked_at_once() {
    let hub = TestHub::with(&people()).await;
    let log = Log::of(&hub);
    log.0.execute_batch("BEGIN").unwrap();
    for user in 0..400 {
        let organisation = if user % 2 == 0 { "RN3" } else { "RA9" };
        let who = caller(&format!("Nurse{user} Khan"), organisation, &[]);
        log.viewed(&who, "2026-11-18T10:00:00Z", 100 + user % 100);
    }
    log.0.execute_batch("COMMIT").unwrap();
    for who in [officer(), officer_elsewhere()] {
        let report = ask(&hub, &who, "").await.json();
        assert_eq!(report["users"], 200);
        let more = report["more"].as_array().unwrap();
        assert!(more.iter().any(|one| one["kind"] == "same-family-name" && one["count"] == 150), "{more:?}");
    }
}

#[test]
fn the_document_names_every_kind_of_concern() {
    let document: Value = serde_json::from_str(OPENAPI).unwrap();
    let named = document["components"]["schemas"]["ConcernKind"]["enum"].as_array().unwrap();
    assert_eq!(named, &ConcernKind::ALL.map(|kind| Value::from(kind.code())));
}
