//! Whom the hub tells that an NHS number is no longer in use, and of what: each authority that holds a current plan under it, in
//! its own numbers, once, in the commit that changed it.

use std::process::{Command, Stdio};
use std::time::Duration;

use cpis::config::hub::Retention;
use cpis::exchange::notice::{self, Item, Outcome, Receipt, Receipts};
use serde_json::json;

use super::support::data::{
    CHILD_PROTECTION, LOOKED_AFTER, changed, child, ended, lines, number, person, plan, superseded,
};
use super::support::program::Place;
use super::support::uploads::{ALDBURY, Exchange, WEXCOMBE};
use super::support::{NOW, TestHub, at, caller, nurse, rows};

const TOLD: &str =
    "SELECT authority_code, number, kind, local_id, number_uploaded, replaced_by, state FROM outbox
                    WHERE view_id IS NULL ORDER BY authority_code, number";

fn ava(seed: u64) -> serde_json::Value {
    person(seed, "Bennett", "Ava", "2019-03-12")
}

fn told(code: &str, at: u32, old: u64, new: Option<u64>) -> String {
    let kind = if new.is_some() { "number-superseded" } else { "number-ended" };
    let new = new.map_or_else(|| "-".to_owned(), |new| number(new).digits());
    format!("{code}|{at}|{kind}|local-{old}|{}|{new}|queued", number(old).digits())
}

#[tokio::test]
async fn h2_each_authority_with_a_current_plan_is_told_in_its_own_numbers_and_once() {
    let exchange = Exchange::with(&lines(&[
        ava(1),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", WEXCOMBE),
        plan(1, LOOKED_AFTER, "2026-01-05", "", WEXCOMBE),
        plan(1, LOOKED_AFTER, "2026-02-05", "", ALDBURY),
        // Over: nobody has to be told of it.
        plan(1, LOOKED_AFTER, "2024-02-05", "2026-11-21", "E06000032"),
        // Ends today, and so goes on until tonight.
        plan(1, LOOKED_AFTER, "2024-02-05", "2026-11-22", "E06000033"),
        ava(2),
    ]))
    .await;
    let hub = &exchange.hub;
    hub.view(&nurse(), number(1)).await;
    hub.load(&lines(&[superseded(1, 2)])).await;
    let expected =
        [told(WEXCOMBE, 2, 1, Some(2)), told(ALDBURY, 2, 1, Some(2)), told("E06000033", 2, 1, Some(2))];
    assert_eq!(hub.rows(TOLD), expected);
    let audited = hub.rows("SELECT outcome, person_id, number FROM audit WHERE kind = 'number-told'");
    assert_eq!(audited, vec![format!("superseded|2|{}", number(1).digits()); 3]);
    // The same again is nothing new.
    hub.load(&lines(&[superseded(1, 2), ava(2)])).await;
    assert_eq!(hub.rows(TOLD), expected);
    // As its link reads it.
    let link = exchange.link(ALDBURY);
    let (heading, items) = notice::read(link.notifications("").await.body.as_bytes()).unwrap();
    let [Item::Notice(_), Item::Inactive(read)] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!((read.number, read.replaced_by, read.at), (number(1), Some(number(2)), at(NOW)));
    assert_eq!((read.local_id.as_str(), heading.last, read.mark.number), ("local-1", 2, 2));
    // And it is over only by a receipt.
    let receipt = |outcome| {
        let receipts = vec![Receipt { mark: read.mark.clone(), outcome, at: at(NOW) }];
        notice::write_receipts(&Receipts { authority_code: ALDBURY.to_owned(), receipts }, at(NOW))
    };
    for outcome in [Outcome::Triage, Outcome::DealtWith] {
        assert_eq!(link.filed(receipt(outcome)).await.json()["noted"], 1);
        let now = format!("SELECT outcome FROM outbox WHERE authority_code = '{ALDBURY}' AND number = 2");
        assert_eq!(hub.rows(&now), [outcome.code()]);
    }
    // What a nurse is told of her own view has nothing of it.
    let view = hub.view(&nurse(), number(2)).await;
    let states = hub.get(&format!("/access/{}", view.reference()), &nurse(), &[]).await;
    assert!(
        !states.body.contains(&number(1).digits()) && states.json()["notices"].as_array().unwrap().len() >= 2
    );
}

#[tokio::test]
async fn h2_h3_what_is_told_follows_the_number_and_never_leads_to_another_identity() {
    let hub = TestHub::with(&lines(&[ava(1), plan(1, CHILD_PROTECTION, "2026-01-05", "", WEXCOMBE)])).await;
    // Twice in one file: only the last number is told.
    hub.load(&lines(&[superseded(1, 2), superseded(2, 3), ava(3)])).await;
    assert_eq!(hub.rows(TOLD), [told(WEXCOMBE, 1, 1, Some(3))]);
    // Then again, and then that identity ends: of what took its place nothing was known, and nothing is said.
    hub.load(&lines(&[ava(4), superseded(3, 4)])).await;
    hub.load(&lines(&[ended(4), person(5, "Newname", "Amy", "2019-03-12")])).await;
    let expected = [told(WEXCOMBE, 1, 1, Some(3)), told(WEXCOMBE, 2, 1, Some(4)), told(WEXCOMBE, 3, 1, None)];
    assert_eq!(hub.rows(TOLD), expected);
    assert_eq!(hub.count(&format!("SELECT 1 FROM outbox WHERE replaced_by = '{}'", number(5).digits())), 0);
    let joined = hub.try_load(&lines(&[superseded(4, 5)])).await.unwrap_err();
    assert!(joined.contains("nothing joins it"), "{joined}");
    hub.load(&lines(&[ended(4)])).await;
    assert_eq!(hub.rows(TOLD), expected, "once");
    // A database takes no row that says otherwise.
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    let wrong = "UPDATE outbox SET replaced_by = '9990000018' WHERE kind = 'number-ended'";
    assert!(db.execute(wrong, []).is_err());
}

#[tokio::test]
async fn h2_a_plan_that_comes_under_an_old_number_and_one_that_a_merge_drops_are_told_too() {
    let hub = TestHub::with(&lines(&[ava(2), superseded(1, 2)])).await;
    assert_eq!(hub.rows(TOLD), Vec::<String>::new());
    // The same line again, as it may come each night, is told once.
    for _ in 0..2 {
        hub.load(&lines(&[plan(1, CHILD_PROTECTION, "2026-01-05", "", WEXCOMBE)])).await;
        assert_eq!(hub.rows(TOLD), [told(WEXCOMBE, 1, 1, Some(2))]);
    }
    // The same plan under two numbers of one child: one of them goes, and with it a number that somebody has recorded.
    let later = changed(
        plan(4, CHILD_PROTECTION, "2026-01-05", "", ALDBURY),
        json!({ "meta": { "lastUpdated": "2026-11-20T02:00:00Z" } }),
    );
    hub.load(&lines(&[ava(3), ava(4), plan(3, CHILD_PROTECTION, "2026-01-05", "", ALDBURY), later])).await;
    hub.load(&lines(&[superseded(3, 4)])).await;
    assert_eq!(hub.count(&format!("SELECT 1 FROM plan WHERE authority_code = '{ALDBURY}'")), 1);
    assert_eq!(hub.rows(TOLD)[1..], [told(ALDBURY, 1, 3, Some(4))]);
}

#[tokio::test]
async fn a_person_who_is_refused_tells_nobody_and_takes_no_number() {
    let hub = TestHub::with(&lines(&[ava(1), plan(1, CHILD_PROTECTION, "2026-01-05", "", WEXCOMBE)])).await;
    // Somebody new, whose number takes the place of the other, is refused for a plan that cannot be held.
    let from_tomorrow = changed(
        plan(2, LOOKED_AFTER, "2026-01-05", "", WEXCOMBE),
        json!({ "meta": { "lastUpdated": "2026-11-24T02:00:00Z" } }),
    );
    let refused = hub.try_load(&lines(&[ava(2), superseded(1, 2), from_tomorrow])).await;
    assert!(refused.is_err());
    assert_eq!((hub.rows(TOLD), hub.count("SELECT 1 FROM notice_last")), (Vec::new(), 0));
    assert_eq!(hub.count("SELECT 1 FROM audit WHERE kind = 'number-told'"), 0);
    hub.view(&nurse(), number(1)).await;
    assert_eq!(hub.rows("SELECT number FROM outbox"), ["1"]);
}

#[tokio::test]
async fn what_was_dealt_with_goes_with_the_views_of_its_time_and_nothing_else_does() {
    let hub = TestHub::with(&child()).await;
    hub.load(&lines(&[ava(2), superseded(1, 2)])).await;
    let policy = Retention { plans_days: None, views_days: Some(400), audit_years: None };
    let by = caller("Operator", "", &[]);
    hub.turn(401 * 24 * 60);
    for (outcome, left) in [("NULL", 1), ("'triage'", 1), ("'dealt-with'", 0)] {
        let db = rusqlite::Connection::open(&hub.database).unwrap();
        db.execute_batch(&format!("UPDATE outbox SET outcome = {outcome}")).unwrap();
        let would = hub.hub.store().remove(policy, by.clone(), true).await.unwrap();
        let removed = hub.hub.store().remove(policy, by.clone(), false).await.unwrap();
        assert_eq!((would, removed.notices), (removed, 1 - left), "{outcome}");
        assert_eq!(hub.count("SELECT 1 FROM outbox") as u64, left, "{outcome}");
    }
    // The numbers go on behind it.
    hub.load(&lines(&[ava(3), superseded(2, 3)])).await;
    assert_eq!(hub.rows("SELECT number FROM outbox"), ["2"]);
}

#[test]
fn a_load_that_is_killed_on_its_way_tells_each_number_once_and_without_gaps() {
    const CHILDREN: u64 = 1500;
    let place = Place::empty("");
    let load = |lines: &[String]| {
        std::fs::write(place.path("people.ndjson"), lines.join("\n")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-hub"));
        command.args(["load", "people.ndjson", "--config", "hub.toml", "--synthetic"]);
        command.current_dir(place.directory.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let before =
        (1..=CHILDREN).flat_map(|seed| [ava(seed), plan(seed, CHILD_PROTECTION, "2026-01-05", "", WEXCOMBE)]);
    let all = lines(&before.collect::<Vec<_>>());
    assert!(load(&all).status().unwrap().success());
    let after = (1..=CHILDREN).flat_map(|seed| [ava(seed + CHILDREN), superseded(seed, seed + CHILDREN)]);
    let all = lines(&after.collect::<Vec<_>>());
    for pause in [10, 30, 60, 90, 120, 160, 200, 250] {
        let mut running = load(&all).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(pause));
        let _ = running.kill();
        running.wait().unwrap();
    }
    let last = load(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    assert!(last.status.success());
    let said = String::from_utf8_lossy(&[last.stdout, last.stderr].concat()).into_owned();
    assert!(!said.contains(&number(CHILDREN).digits()) && !said.contains("local-"), "{said}");
    let told = "SELECT count(*), count(DISTINCT local_id), min(number), max(number) FROM outbox WHERE kind = 'number-superseded'";
    assert_eq!(rows(&place.database(), told), [format!("{CHILDREN}|{CHILDREN}|1|{CHILDREN}")]);
    let audited = "SELECT count(*) FROM audit WHERE kind = 'number-told'";
    assert_eq!(rows(&place.database(), audited), [CHILDREN.to_string()]);
}
