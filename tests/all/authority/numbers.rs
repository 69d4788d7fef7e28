//! NHS numbers that are no longer in use, from the hub to the data officer: told once, listed with what to mend until it is mended,
//! and never a word of another identity.

use std::fs;

use serde_json::Value;

use crate::hub::support::data::{ended, lines, number, person, superseded};
use crate::hub::support::nurse;

use super::desk::{DAY, Desk};
use super::noting::{AVA, desk, row};

/// What the hub has told, and what became of it.
const TOLD: &str =
    "SELECT kind, local_id, number_uploaded, replaced_by, state, outcome FROM outbox ORDER BY number";

const LINE: &str = "NHS numbers that are no longer in use: 1 record. See `cpis-authority not-visible`.";

fn told(kind: &str, local_id: &str, old: u64, new: Option<u64>, more: &str) -> String {
    let new = new.map_or_else(|| "-".to_owned(), |new| number(new).digits());
    format!("{kind}|{local_id}|{}|{new}|{more}", number(old).digits())
}

/// Child 1 has another number from now on.
async fn supersede(desk: &Desk, old: u64, new: u64) {
    desk.exchange
        .hub
        .load(&lines(&[person(new, "Bennett", "Ava", "2019-03-12"), superseded(old, new)]))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_a_superseded_number_is_told_with_the_new_one_and_stands_on_the_list_until_the_extract_has_it() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let rows = [row("A1", 1, AVA), row("B2", 2, AVA)];
    supersede(&desk, 1, 8).await;
    assert_eq!(hub.rows(TOLD), [told("number-superseded", "A1", 1, Some(8), "queued|-")]);
    let said = desk.run(&["fetch"]).await;
    said.has("1 new notification, 0 parts of case notes filed.").has(LINE);
    assert_eq!(desk.notes(), Vec::<Value>::new(), "it is nothing for the child's record");
    assert_eq!(hub.rows(TOLD), [told("number-superseded", "A1", 1, Some(8), "delivered|triage")]);
    let status = desk.run(&["status"]).await;
    status.has(LINE);
    assert_eq!(status.code, Some(1), "somebody has to look");
    let list = desk.run(&["not-visible"]).await;
    list.has(LINE)
        .has_not("Hospitals see every")
        .has(": local id A1: the NHS number in this record was superseded, and hospitals see its plans under the new one.")
        .has(&format!("Record the new one: {}\n", number(8).digits()));
    assert_eq!(list.code, Some(1));
    // Nothing of it is taken twice, and it does not go by itself.
    desk.run(&["fetch"]).await.has("Nothing new.");
    let nightly = desk.upload(&[&rows[0], &rows[1]]).await;
    nightly.has(LINE).has("0 records sent").has_not("Hospitals see every");
    assert_eq!(nightly.code, Some(1));
    desk.run(&["fetch"]).await.has("Nothing new.");
    // A view between is a note as ever, under the next number.
    hub.view(&nurse(), number(8)).await;
    desk.run(&["fetch"]).await.has("1 part of a case note filed.").has_not("NHS numbers");
    assert_eq!(hub.rows("SELECT number FROM outbox ORDER BY id"), ["1", "2"]);
    // In the number's place stands a number of somebody else: that mends nothing.
    let wrong = row("A1", 3, "13/03/2019,CPP,05/01/2026,");
    desk.upload(&[&wrong, &rows[1]]).await.has("1 rejected").has(LINE);
    desk.run(&["fetch"]).await.has("Nothing new.");
    // Mended: said so at once, and the hub hears of it with the link's next round.
    let mended = desk.upload(&[&row("A1", 8, AVA), &rows[1]]).await;
    mended.has("taken, 0 rejected").has("Hospitals see every current plan").has_not("NHS numbers");
    assert_eq!(mended.code, Some(0));
    desk.run(&["fetch"]).await.has("No NHS number that is no longer in use is left to be mended.");
    let over = hub.rows(TOLD)[0].clone();
    assert_eq!(over, told("number-superseded", "A1", 1, Some(8), "delivered|dealt-with"));
    let status = desk.run(&["status"]).await;
    status.has_not("NHS numbers");
    assert_eq!(status.code, Some(0), "{}", status.text);
    // The new number is printed where it has to be recorded, and nobody is named anywhere.
    for said in [&said, &nightly, &mended, &status] {
        said.has_not(&number(8).digits());
    }
    for said in [&said, &list, &nightly, &mended, &status] {
        said.has_not("Bennett").has_not(&number(1).digits());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_of_a_number_that_is_superseded_twice_the_last_one_holds() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    supersede(&desk, 1, 8).await;
    supersede(&desk, 8, 9).await;
    desk.run(&["fetch"]).await.has("2 new notifications").has(LINE);
    let expected = [
        told("number-superseded", "A1", 1, Some(8), "delivered|dealt-with"),
        told("number-superseded", "A1", 1, Some(9), "delivered|triage"),
    ];
    assert_eq!(hub.rows(TOLD), expected);
    let list = desk.run(&["not-visible"]).await;
    list.has(&format!("Record the new one: {}\n", number(9).digits())).has_not(&number(8).digits());
    // Of whoever had recorded the second one meanwhile, the second is told to be over.
    desk.upload(&[&row("A1", 9, AVA), &row("B2", 2, AVA)]).await.has("1 taken").has("Hospitals see every");
    supersede(&desk, 9, 10).await;
    desk.run(&["fetch"]).await.has("1 new notification").has(LINE);
    assert_eq!(hub.rows(TOLD)[1], told("number-superseded", "A1", 1, Some(9), "delivered|dealt-with"));
    assert_eq!(hub.rows(TOLD)[2], told("number-superseded", "A1", 9, Some(10), "delivered|triage"));
    // The same loaded again tells nobody again.
    supersede(&desk, 9, 10).await;
    supersede(&desk, 1, 10).await;
    assert_eq!(hub.count("SELECT 1 FROM outbox"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn h3_of_an_identity_that_ended_nothing_is_told_but_that_and_nothing_joins_the_two() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let other = row("B2", 2, AVA);
    hub.load(&lines(&[ended(1), person(9, "Newname", "Amy", "2019-03-12")])).await;
    assert_eq!(hub.rows(TOLD), [told("number-ended", "A1", 1, None, "queued|-")]);
    desk.run(&["fetch"]).await.has(LINE);
    let list = desk.run(&["not-visible"]).await;
    list.has("local id A1: the identity of the NHS number in this record has ended, as at an adoption: no hospital sees its plans.")
        .has("Record no other number here")
        .has("`cpis-authority decide A1 --in-error --by USER`")
        .has_not("Hospitals see every")
        .has_not(&number(9).digits());
    // The child's new record, with a local id of its own, changes nothing about the old one.
    let new = format!("A9,{},Newname,Amy,12/03/2019,CPP,01/11/2026,", number(9).digits());
    desk.upload(&[&new, &other]).await.has("1 taken").has(LINE).has("no longer in the extract: 1 plan");
    desk.run(&["fetch"]).await.has("Nothing new.");
    // The list says what to do, and that is what ends it.
    desk.run(&["decide", "A1", "--in-error", "--by", "j.smith"]).await.has("Decided for 1 plan");
    desk.upload(&[&new, &other]).await.has("1 taken").has("Hospitals see every current plan");
    desk.run(&["fetch"]).await.has("No NHS number that is no longer in use is left");
    assert_eq!(hub.rows(TOLD), [told("number-ended", "A1", 1, None, "delivered|dealt-with")]);
    // At either end, in whatever is kept.
    let (old, fresh) = (number(1).digits(), number(9).digits());
    for file in [&hub.database, &desk.path("cpis-notes.db"), &desk.path("cpis-authority.db")] {
        let db = rusqlite::Connection::open(file).unwrap();
        for table in crate::hub::support::rows(&db, "SELECT name FROM sqlite_schema WHERE type = 'table'") {
            for line in crate::hub::support::rows(&db, &format!("SELECT * FROM {table}")) {
                assert!(!(line.contains(&old) && line.contains(&fresh)), "{table} joins the two: {line}");
            }
        }
    }
    let documents = desk.noted("SELECT CAST(document AS TEXT) FROM notice");
    assert!(documents.iter().all(|document| document.contains(&old) && !document.contains(&fresh)));
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_an_end_under_a_number_that_was_superseded_reaches_the_plan_and_every_other_change_stays_listed()
{
    let desk = desk().await;
    // The link goes by the day on its own clock: the ends are past on any.
    let plan = |local_id: &str, seed: u64, end: &str| {
        row(local_id, seed, &format!("12/03/2019,CPP,05/01/2020,{end}"))
    };
    let (goes_on, other) = (plan("A1", 1, ""), plan("B2", 2, ""));
    desk.upload(&[&goes_on, &other]).await.has("2 taken");
    supersede(&desk, 1, 8).await;
    let held = |plan: &str| format!("{}|{plan}", number(8).digits());
    let of_ava =
        || desk.held().into_iter().filter(|plan| plan.starts_with(&number(8).digits())).collect::<Vec<_>>();
    // Something that is more than an end needs the new number, and is listed by two lists until it is there.
    let new = row("A1", 1, "12/03/2019,C2,01/11/2026,");
    let said = desk.upload(&[&goes_on, &new, &other]).await;
    said.has("1 record sent, 0 taken, 1 rejected");
    desk.run(&["not-visible"])
        .await
        .has("local id A1, Looked After Child from 2026-11-01 (CPR05)")
        .has(&format!("record the new one: {}", number(8).digits()));
    assert_eq!(of_ava(), [held("CPP|2020-01-05|-")]);
    // The plan ends: that is applied to it, whatever number its person has by now.
    let ends = plan("A1", 1, "20/11/2020");
    desk.upload(&[&ends, &other]).await.has("1 record sent, 1 taken, 0 rejected");
    assert_eq!(of_ava(), [held("CPP|2020-01-05|2020-11-20")]);
    // And in a full refresh, where the record itself is rejected.
    supersede(&desk, 2, 11).await;
    let sooner = plan("B2", 2, "19/11/2020");
    let full = desk.upload_with(&[&ends, &sooner], &["--full"]).await;
    full.has("Everything was in it.");
    let all = desk.held();
    assert!(all.contains(&format!("{}|CPP|2020-01-05|2020-11-19", number(11).digits())), "{all:?}");
    // What is over has nothing left to be mended.
    desk.run(&["fetch"]).await.has("2 new notifications");
    desk.upload(&[&ends, &sooner]).await.has_not("NHS numbers");
    desk.run(&["fetch"]).await;
    assert_eq!(desk.exchange.hub.rows("SELECT DISTINCT outcome FROM outbox"), ["dealt-with"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_has_lost_its_register_is_told_again_and_one_that_knows_nothing_settles_nothing() {
    let desk = desk().await;
    supersede(&desk, 1, 8).await;
    desk.run(&["fetch"]).await.has(LINE);
    for file in ["cpis-notes.db", "cpis-notes.db-wal", "cpis-notes.db-shm"] {
        let _ = fs::remove_file(desk.path(file));
    }
    desk.run(&["not-visible"]).await.has_not("NHS numbers");
    // It is another register now, which the hub's operator has to allow.
    desk.run(&["fetch"]).await.has("tells this authority with another register");
    let db = rusqlite::Connection::open(&desk.exchange.hub.database).unwrap();
    db.execute_batch("DELETE FROM authority_register").unwrap();
    desk.run(&["fetch"]).await.has("1 new notification").has(LINE);
    assert_eq!(desk.noted("SELECT local_id, settled_ms FROM inactive"), ["A1|-"]);
    // The memory of uploads is gone too: what it does not know was not mended.
    for file in
        ["cpis-authority.db", "cpis-authority.db-wal", "cpis-authority.db-shm", "cpis-authority.db.lock"]
    {
        let _ = fs::remove_file(desk.path(file));
    }
    desk.run(&["fetch"]).await.has_not("left to be mended");
    desk.run(&["status"]).await.has(LINE);
    let rows = [row("A1", 1, AVA), row("B2", 2, AVA)];
    desk.upload(&[&rows[0], &rows[1]]).await.has("1 rejected").has(LINE);
    desk.run(&["fetch"]).await.has_not("left to be mended");
    desk.run(&["status"]).await.has(LINE);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_file_is_under_way_nothing_is_settled() {
    let desk = desk().await;
    supersede(&desk, 1, 8).await;
    desk.run(&["fetch"]).await.has(LINE);
    // The extract is mended, and whether the hub has taken it nobody knows yet.
    let base = desk.exchange.hub.base.clone();
    desk.write(&[&row("A1", 8, AVA), &row("B2", 2, AVA)]);
    desk.configure(&base, "https://127.0.0.1:1");
    desk.run(&["upload", "extract.csv", "--day", DAY]).await.has("the file waits");
    desk.configure("https://127.0.0.1:1", &base);
    desk.run(&["fetch"]).await.has("Nothing new.");
    desk.run(&["status"]).await.has(LINE);
    desk.upload(&[&row("A1", 8, AVA), &row("B2", 2, AVA)]).await.has("came first").has("Hospitals see every");
    desk.run(&["fetch"]).await.has("left to be mended");
}
