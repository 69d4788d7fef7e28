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
    assert_eq!(hub.rows("SELECT number_uploaded FROM outbox"), [number(3).digits()]);
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
