//! Numbers that stand for people: superseded ones lead to the one in use, ended ones to nothing.

use serde_json::json;

use super::support::data::{
    CHILD_PROTECTION, LOOKED_AFTER, changed, ended, lines, number, person, plan, superseded,
};
use super::support::{TestHub, midwife, nurse};

#[tokio::test]
async fn h2_a_superseded_number_leads_to_the_person_and_their_plans() {
    let hub = TestHub::with(&lines(&[
        superseded(3, 2),
        superseded(2, 1),
        person(1, "Bennett", "Ava", "2019-03-12"),
        plan(3, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
    ]))
    .await;
    for seed in [1, 2, 3] {
        let retrieved = hub.people(&nurse(), &format!("/{}", number(seed).digits())).await;
        assert_eq!(retrieved.json()["id"], json!(number(1).digits()));
        let view = hub.view(&midwife(), number(seed)).await;
        assert_eq!(view.total(), 1, "under whatever number");
        assert!(cpis::fhir::read::plans(view.body.as_bytes(), number(1)).unwrap().unreadable.is_empty());
    }
    // The authority is told under the number that it sent.
    hub.view(&nurse(), number(1)).await;
    let told = "SELECT kind, number_uploaded, replaced_by FROM outbox ORDER BY id";
    let (sent, in_use) = (number(3).digits(), number(1).digits());
    let expected = [format!("number-superseded|{sent}|{in_use}"), format!("notification|{sent}|-")];
    assert_eq!(hub.rows(told), expected);
}

#[tokio::test]
async fn h2_a_merge_brings_plans_history_and_the_right_to_read_it_along() {
    let hub = TestHub::with(&lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        person(2, "Bennett", "Ava", "2019-03-12"),
        plan(1, LOOKED_AFTER, "2026-02-05", "", "E06000030"),
        plan(2, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
    ]))
    .await;
    hub.view(&nurse(), number(2)).await;
    // The same plan came under the new number too, later and with an end: the later one stays.
    let again = changed(
        plan(1, CHILD_PROTECTION, "2026-01-05", "2026-10-01", "E06000030"),
        json!({ "meta": { "lastUpdated": "2026-11-20T02:00:00Z" } }),
    );
    hub.load(&lines(&[again])).await;
    hub.load(&lines(&[superseded(2, 1)])).await;
    let view = hub.view(&midwife(), number(2)).await;
    assert_eq!(view.total(), 2);
    assert!(view.body.contains("2026-10-01"));
    assert_eq!(hub.history(&nurse(), number(1)).await.accesses(), ["Sam Okafor (Hospital RN3)*"]);
    let search = hub.people(&nurse(), "?family=Bennett&birthdate=2019-03-12").await;
    assert_eq!(search.total(), 1);
}

#[tokio::test]
async fn h3_nothing_joins_an_ended_identity_with_anybody() {
    let hub = TestHub::with(&lines(&[
        person(1, "Before", "Ava", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
    ]))
    .await;
    hub.view(&nurse(), number(1)).await;
    hub.load(&lines(&[ended(1), person(2, "After", "Ava", "2019-03-12")])).await;
    assert_eq!(
        hub.people(&nurse(), &format!("/{}", number(1).digits())).await.told(),
        "404 INVALIDATED_RESOURCE"
    );
    for refused in [hub.view(&nurse(), number(1)).await, hub.history(&midwife(), number(1)).await] {
        assert_eq!(refused.told(), "404 INVALIDATED_RESOURCE");
        assert!(refused.header("x-access-reference").is_none());
    }
    for how in ["", "&_fuzzy-match=true", "&_history=true"] {
        let search = hub.people(&nurse(), &format!("?family=Before&birthdate=2019-03-12{how}")).await;
        assert_eq!(search.total(), 0, "{how}");
    }
    let now = hub.view(&nurse(), number(2)).await;
    assert_eq!(now.total(), 0);
    assert_eq!(hub.history(&nurse(), number(2)).await.total(), 0);
    // Nor can a later file join them.
    for joining in [superseded(1, 2), superseded(2, 1)] {
        let refused = hub.try_load(&lines(&[joining])).await.unwrap_err();
        assert!(refused.contains("nothing joins it"), "{refused}");
    }
    let back = hub.try_load(&lines(&[person(1, "Before", "Ava", "2019-03-12")])).await.unwrap_err();
    assert!(back.contains("ended, for good"), "{back}");
    let outcomes = hub.rows("SELECT outcome FROM audit WHERE outcome = 'invalidated'");
    assert_eq!(outcomes.len(), 3);
}

#[tokio::test]
async fn h6_a_number_that_the_hub_does_not_know_is_never_nothing_held() {
    let hub = TestHub::with(&lines(&[person(1, "Bennett", "Ava", "2019-03-12")])).await;
    for answer in [
        hub.view(&nurse(), number(9)).await,
        hub.history(&midwife(), number(9)).await,
        hub.people(&nurse(), &format!("/{}", number(9).digits())).await,
    ] {
        assert_eq!(answer.told(), "404 RESOURCE_NOT_FOUND");
        assert!(answer.header("x-access-reference").is_none());
    }
    hub.view(&midwife(), number(9)).await;
    let audit = hub.rows("SELECT kind, outcome FROM audit WHERE outcome = 'not-found'");
    assert_eq!(
        audit,
        ["view|not-found", "history-read|not-found", "retrieve|not-found", "silent-view|not-found"]
    );
}

#[tokio::test]
async fn who_becomes_restricted_keeps_the_plan_until_its_authority_acts() {
    let hub = TestHub::with(&super::support::data::child()).await;
    let restricted = changed(
        person(1, "Bennett", "Ava", "2019-03-12"),
        json!({ "meta": { "security": [{ "code": "R" }] } }),
    );
    hub.load(&lines(&[restricted])).await;
    assert_eq!(hub.view(&nurse(), number(1)).await.total(), 1);
    let new =
        hub.try_load(&lines(&[plan(1, LOOKED_AFTER, "2026-05-05", "", "E06000030")])).await.unwrap_err();
    assert!(new.contains("restricted person"), "{new}");
    hub.load(&lines(&[plan(1, CHILD_PROTECTION, "2026-01-05", "2026-11-01", "E06000030")])).await;
}

#[tokio::test]
async fn h3_a_chain_is_not_followed_beyond_a_number_that_the_hub_holds_otherwise() {
    let born = "2019-03-12";
    let hub = TestHub::with(&lines(&[
        person(1, "Bennett", "Ava", born),
        person(2, "Adopted", "Ava", born),
        person(3, "Okafor", "Tom", born),
        superseded(4, 3),
    ]))
    .await;
    hub.load(&lines(&[ended(2)])).await;
    for between in [2, 4] {
        let file = lines(&[superseded(1, between), superseded(between, 5), person(5, "New", "Ava", born)]);
        let refused = hub.try_load(&file).await.unwrap_err();
        assert!(refused.contains("line 1: a number between") && refused.contains("line 2: "), "{refused}");
        let held = hub.rows("SELECT number, standing FROM nhs_number WHERE person_id = 1");
        assert_eq!(held, [format!("{}|current", number(1).digits())]);
    }
    // Nor does a plan get there.
    let carried = plan(6, CHILD_PROTECTION, "2026-01-05", "", "E06000030");
    let file = lines(&[superseded(6, 4), superseded(4, 7), person(7, "New", "Ava", born), carried]);
    hub.try_load(&file).await.unwrap_err();
    assert_eq!(hub.count("SELECT 1 FROM plan"), 0);
}

#[tokio::test]
async fn h6_a_number_that_replaces_another_is_never_known_before_what_it_replaces_is_joined() {
    let hub = TestHub::with(&super::support::data::child()).await;
    let others = (10..2_100).map(|seed| person(seed, "Other", "Tom", "2020-01-01"));
    let mut file = lines(&[person(2, "Bennett", "Ava", "2019-03-12")]);
    file.extend(lines(&others.collect::<Vec<_>>()));
    file.extend(lines(&[superseded(1, 2)]));
    // Broken off for good before the superseded numbers have their turn.
    let other = rusqlite::Connection::open(&hub.database).unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER stop BEFORE UPDATE ON load WHEN NEW.phase > 0
             BEGIN SELECT RAISE(ABORT, 'stopped'); END",
        )
        .unwrap();
    hub.try_load(&file).await.unwrap_err();
    assert_eq!(hub.rows("SELECT phase FROM load"), ["0"]);
    assert_eq!(hub.view(&nurse(), number(2)).await.total(), 1);
}

#[tokio::test]
async fn h6_who_is_new_is_not_known_while_plans_stay_under_a_number_that_could_not_be_joined() {
    let born = "2019-03-12";
    let held = plan(3, CHILD_PROTECTION, "2026-01-05", "", "E06000030");
    let hub = TestHub::with(&lines(&[person(3, "Bennett", "Ava", born), superseded(4, 3), held])).await;
    let refused =
        hub.try_load(&lines(&[person(5, "Bennett", "Ava", born), superseded(4, 5)])).await.unwrap_err();
    assert!(refused.contains("line 1: nobody is known without their plans"), "{refused}");
    assert_eq!(hub.view(&nurse(), number(5)).await.status, 404, "never nothing held");
    assert_eq!(hub.view(&nurse(), number(4)).await.total(), 1);
    // An ended identity keeps nobody from being known.
    hub.load(&lines(&[ended(3)])).await;
    let link =
        hub.try_load(&lines(&[person(6, "Adopted", "Ava", born), superseded(3, 6)])).await.unwrap_err();
    assert!(link.starts_with("line 2: ") && !link.contains("line 1"), "{link}");
    assert_eq!(hub.view(&nurse(), number(6)).await.total(), 0);
}

#[tokio::test]
async fn a_merge_keeps_a_restriction_unless_the_line_of_who_stays_lifts_it() {
    let restricted = |seed, code: &str| {
        let security = json!({ "meta": { "security": [{ "code": code }] } });
        changed(person(seed, "Bennett", "Ava", "2019-03-12"), security)
    };
    let hub = TestHub::with(&lines(&[restricted(1, "R"), restricted(3, "R")])).await;
    hub.load(&lines(&[person(2, "Bennett", "Ava", "2019-03-12"), superseded(1, 2)])).await;
    hub.load(&lines(&[restricted(4, "U"), superseded(3, 4)])).await;
    let held = "SELECT number, restricted FROM person JOIN nhs_number ON person_id = person.id
                WHERE standing = 'current' ORDER BY 1";
    assert_eq!(hub.rows(held), [format!("{}|1", number(2).digits()), format!("{}|0", number(4).digits())]);
}

#[tokio::test]
async fn of_two_lines_for_a_plan_under_two_joined_numbers_the_one_sent_last_stays_and_the_other_is_counted() {
    let sent = |seed, end: &str, at: &str| {
        let line = plan(seed, CHILD_PROTECTION, "2026-01-05", end, "E06000030");
        changed(line, json!({ "meta": { "lastUpdated": at } }))
    };
    let earlier = sent(2, "2026-10-01", "2026-11-10T02:00:00Z");
    let later = sent(1, "2026-11-01", "2026-11-11T02:00:00Z");
    for (file, plans, outdated) in
        [([earlier.clone(), later.clone()], 2, 0), ([later.clone(), earlier.clone()], 1, 1)]
    {
        let hub = TestHub::with(&lines(&[person(1, "Bennett", "Ava", "2019-03-12"), superseded(2, 1)])).await;
        let report = hub.try_load(&lines(&file)).await.unwrap();
        assert_eq!((report.plans, report.outdated), (plans, outdated));
        assert_eq!(hub.rows("SELECT end_day FROM plan"), ["2026-11-01"]);
    }
}
