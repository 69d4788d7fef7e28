//! `cpis-authority upload`, from a file to what a nurse sees: only differences go up, absence never deletes, and mistakes
//! come back in words.

use std::fs;

use crate::hub::support::data::{changed, ended, lines, number, person, superseded};
use crate::hub::support::nurse;
use serde_json::json;

use super::desk::{DAY, Desk};

fn people() -> Vec<String> {
    lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        person(2, "Jones", "Ben", "2018-05-01"),
        person(3, "Khan", "Zara", "2017-01-01"),
        changed(
            person(5, "Hidden", "Una", "2017-01-01"),
            json!({ "meta": { "security": [{ "code": "R" }] } }),
        ),
    ])
}

/// A row of the extract.
fn row(local_id: &str, seed: u64, name: &str, born: &str, plan: &str) -> String {
    format!("{local_id},{},{name},{born},{plan}", number(seed).digits())
}

fn ava(plan: &str) -> String {
    row("A1", 1, "Bennett,Ava", "12/03/2019", plan)
}

fn ben(plan: &str) -> String {
    row("B2", 2, "Jones,Ben", "01/05/2018", plan)
}

fn held(seed: u64, plan: &str) -> String {
    format!("{}|{plan}", number(seed).digits())
}

#[tokio::test(flavor = "multi_thread")]
async fn only_differences_go_up_and_a_nurse_sees_them() {
    let desk = Desk::beside(&people()).await;
    let (one, two) = (ava("CPP,05/01/2026,"), ben("C2,01/02/2026,"));
    let none = desk.run(&["not-visible"]).await;
    none.has("No extract was sent yet").has_not("Hospitals see every");
    let dry = desk.upload_with(&[&one, &two], &["--dry-run"]).await;
    dry.has("Nothing was sent. Would go up: 2 records.")
        .has("Not sent yet, or not acknowledged by the hub: 2 plans.")
        .has_not("Hospitals see every")
        .has("local id A1: a plan that the hub does not hold");
    assert_eq!((dry.code, desk.held()), (Some(0), Vec::new()));
    let said = desk.upload(&[&one, &two]).await;
    said.has("Hospitals see every current plan").has("File 1 (CPF02): 2 records sent, 2 taken, 0 rejected.");
    assert_eq!(said.code, Some(0));
    let both = [held(1, "CPP|2026-01-05|-"), held(2, "LAC|2026-02-01|-")];
    assert_eq!(desk.held(), both);
    assert_eq!(desk.exchange.hub.view(&nurse(), number(1)).await.total(), 1);
    // Nothing differs: the file says that the link is alive, and no more.
    desk.upload(&[&two, &one]).await.has("File 2 (CPF02): 0 records sent");
    // One ends.
    let ends = ben("C2,01/02/2026,20/11/2026");
    let dry = desk.upload_with(&[&one, &ends], &["--dry-run"]).await;
    dry.has("Would go up: 1 record.").has("local id B2: another end").has_not("A1");
    desk.upload(&[&one, &ends]).await.has("File 3 (CPF02): 1 record sent");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-05|-"), held(2, "LAC|2026-02-01|2026-11-20")]);
    // Everything again, on demand.
    desk.upload_with(&[&one, &ends], &["--full"]).await.has("File 4 (CPF02): 2 records sent");
    assert!(!desk.path("cpis-authority.db.outgoing").exists(), "the document does not stay");
    // Nothing of a child is in what is printed.
    for word in ["Bennett", "Jones", &number(1).digits()] {
        said.has_not(word);
        dry.has_not(word);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_visible_to_hospitals_stands_first_with_why_and_since_when() {
    let desk = Desk::beside(&people()).await;
    let none = "N9,,Newborn,Baby,20/11/2026,CPP,20/11/2026,".to_owned();
    let hidden = row("R5", 5, "Hidden,Una", "01/01/2017", "C2,01/02/2026,");
    let misspelt = row("B2", 2, "Johns,Ben", "01/05/2018", "C2,01/02/2026,");
    let said = desk.upload(&[&ava("CPP,05/01/2026,"), &none, &hidden, &misspelt]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.text.starts_with("Not visible to hospitals, or not as they are: 3 plans."), "{}", said.text);
    said.has("3 records sent, 1 taken, 2 rejected").has("1 of 4 rows cannot be sent");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-05|-")], "the good rows beside it are uploaded");
    let list = desk.run(&["not-visible"]).await;
    assert_eq!(list.code, Some(1));
    list.has("since 2026-11-22: local id N9, Child Protection Plan from 2026-11-20: NHS Number: there is no NHS number")
        .has("local id R5, Looked After Child from 2026-02-01 (CPR02): the person's record is restricted")
        .has("local id B2, Looked After Child from 2026-02-01 (CPR03): date of birth, family name or given names are another");
    // The next day one is mended; the others keep their day.
    desk.write(&[&ava("CPP,05/01/2026,"), &none, &hidden, &ben("C2,01/02/2026,")]);
    let said = desk.run(&["upload", "extract.csv", "--day", "2026-11-23"]).await;
    said.has("Not visible to hospitals, or not as they are: 2 plans.");
    let list = desk.run(&["not-visible"]).await;
    list.has("since 2026-11-22: local id N9").has("since 2026-11-22: local id R5").has_not("B2");
    assert_eq!(desk.held().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_defect_of_an_extract_has_its_message_and_the_good_rows_beside_it_go_up() {
    let desk = Desk::beside(&people()).await;
    let of = |local_id: &str, number: &str, born: &str, plan: &str| {
        format!("{local_id},{number},Jones,Ben,{born},{plan}")
    };
    let (born, plan) = ("01/05/2018", "C2,01/02/2026,");
    let number = number(7).digits();
    let defects = [
        (of("D1", "", born, plan), "there is no NHS number"),
        (of("D2", "9990000000", born, plan), "its last digit does not fit"),
        (of("D3", "9.99E+09", born, plan), "a spreadsheet has rounded this number"),
        (of("D4", "4010232137", born, plan), "only numbers that begin with 9 are taken"),
        (of("D5", &number, "01/05/18", plan), "the year with four digits"),
        (of("D6", &number, "43221", plan), "a spreadsheet's own number for a day"),
        (of("D7", &number, "31/02/2018", plan), "this is not a day"),
        (of("D8", &number, born, "Z9,01/02/2026,"), "no kind of plan is configured"),
        (of("D9", &number, born, "C2,01/02/2018,"), "before the date of birth"),
        (of("D10", &number, born, "C2,01/02/2026,01/01/2026"), "ends before it starts"),
        (of("D11", &number, "01/05/2001", plan), "the day before the 18th birthday"),
        (of("D12", &number, "01/05/1999", "UCPP,01/10/2026,"), "ends on the due date"),
        (of("D13", &number, born, "C2,01/02/2026,,more"), "9 fields and the first row has 8"),
        (of("", &number, born, plan), "nothing stands here"),
        (of("D15", "", "20/11/2026", "C2,20/11/2026,"), "a newborn's number is issued within a day"),
    ];
    let expected: Vec<&str> = defects.iter().map(|(_, expected)| *expected).collect();
    assert_eq!(super::check::said_of("a row"), expected, "the manual's table");
    let good = [ava("CPP,05/01/2026,"), ben("C2,01/02/2026,")];
    let mut rows: Vec<&str> = vec![&good[0]];
    rows.extend(defects.iter().map(|(row, _)| row.as_str()));
    rows.push(&good[1]);
    let said = desk.upload(&rows).await;
    for (row, expected) in (3..).zip(defects.iter().map(|(_, expected)| expected)) {
        let line = said.text.lines().find(|line| line.starts_with(&format!("row {row}"))).unwrap_or_default();
        assert!(line.contains(expected), "row {row}: {expected:?} is not said in\n{}", said.text);
    }
    said.has("2 records sent, 2 taken, 0 rejected").has("15 of 17 rows cannot be sent");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-05|-"), held(2, "LAC|2026-02-01|-")]);
    // Rows that contradict each other are none of them sent, and stand on the list by their local ids.
    let twice = [ava("CPP,05/01/2026,01/03/2026"), ava("CPP,05/01/2026,01/04/2026"), ben("C2,01/02/2026,")];
    desk.upload(&[&twice[0], &twice[1], &twice[2]])
        .await
        .has("2 of 3 rows cannot be sent")
        .has("0 records sent");
    desk.run(&["not-visible"])
        .await
        .has("local id A1, Child Protection Plan from 2026-01-05: End Date: row 3 says another end")
        .has("still see what was sent before");
    assert_eq!(desk.held().len(), 2);
    // And of a file that cannot be believed nothing is.
    fs::write(desk.path("extract.csv"), "nonsense").unwrap();
    let refused = desk.run(&["upload", "extract.csv", "--day", DAY]).await;
    assert_eq!(refused.code, Some(2));
    refused.has("is the first row not the head?");
    assert_eq!(desk.remembered("SELECT sequence FROM link"), ["2"], "no number is used up for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_commands_of_one_link_never_work_at_once() {
    let desk = Desk::beside(&people()).await;
    desk.upload(&[&ava("CPP,05/01/2026,")]).await;
    let lock = fs::File::open(desk.path("cpis-authority.db.lock")).unwrap();
    lock.lock().unwrap();
    let second = desk.upload(&[&ava("CPP,06/01/2026,")]).await;
    assert_eq!(second.code, Some(2));
    second.has("another command of this link is at work");
    drop(lock);
    desk.upload(&[&ava("CPP,06/01/2026,")]).await.has("File 2 (CPF02)");
}

#[tokio::test(flavor = "multi_thread")]
async fn absence_never_deletes_and_is_listed_until_somebody_decides() {
    let desk = Desk::beside(&people()).await;
    let zara = row("Z3", 3, "Khan,Zara", "01/01/2017", "C2,01/03/2026,");
    desk.upload(&[&ava("CPP,05/01/2026,"), &ben("C2,01/02/2026,"), &zara]).await.has("3 taken");
    let said = desk.upload(&[&ava("CPP,05/01/2026,")]).await;
    said.has("0 records sent").has("no longer in the extract: 2 plans. They stay until somebody decides");
    assert_eq!(desk.held().len(), 3);
    desk.run(&["absent"]).await.has("since 2026-11-22: local id B2, Looked After Child from 2026-02-01");
    let unknown = desk.run(&["decide", "X7", "--leave", "--by", "j.smith"]).await;
    assert_eq!(unknown.code, Some(2));
    assert_eq!(
        desk.run(&["decide", "B2", "--ended", "2026-01-31", "--by", "j.smith"]).await.code,
        Some(2),
        "before it began"
    );
    assert_eq!(
        desk.run(&["decide", "B2", "--by", "j.smith"]).await.code,
        Some(2),
        "something has to be decided"
    );
    desk.run(&["decide", "B2", "--ended", "2026-11-20", "--by", "j.smith"]).await.has("Decided for 1 plan");
    desk.run(&["decide", "Z3", "--in-error", "--by", "j.smith"]).await.has("Decided for 1 plan");
    assert_eq!(desk.held().len(), 3, "only the next upload carries it");
    desk.upload(&[&ava("CPP,05/01/2026,")])
        .await
        .has("2 records sent, 2 taken")
        .has_not("no longer in the extract");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-05|-"), held(2, "LAC|2026-02-01|2026-11-20")]);
    // What is there again needs no decision; what is left is not listed again.
    let empty = async || desk.upload_with(&[], &["--fewer-rows"]).await;
    empty().await.has("no longer in the extract: 1 plan");
    desk.upload(&[&ava("CPP,05/01/2026,")]).await.has_not("no longer in the extract");
    empty().await.has("no longer in the extract: 1 plan");
    desk.run(&["decide", "A1", "--leave", "--by", "j.smith"]).await.has("Decided for 1 plan");
    desk.upload(&[]).await.has_not("no longer in the extract").has("0 records sent");
    assert_eq!(desk.held()[0], held(1, "CPP|2026-01-05|-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_is_not_absence_and_nothing_is_taken_back_for_it() {
    let desk = Desk::beside(&people()).await;
    desk.upload(&[&ava("CPP,05/01/2026,")]).await;
    // The start is mistyped, and another plan has begun: whether the first was corrected nobody can tell.
    let said = desk.upload(&[&ava("CPP,5/1/26,"), &ava("CPP,06/01/2026,")]).await;
    said.has("write the year with four digits")
        .has("1 record sent, 1 taken")
        .has_not("no longer in the extract");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-05|-"), held(1, "CPP|2026-01-06|-")]);
    desk.run(&["not-visible"]).await.has("hospitals still see what was sent before");
}

#[tokio::test(flavor = "multi_thread")]
async fn story_a_start_date_is_corrected() {
    let desk = Desk::beside(&people()).await;
    desk.upload(&[&ava("CPP,05/01/2026,")]).await;
    let dry = desk.upload_with(&[&ava("CPP,06/01/2026,")], &["--dry-run"]).await;
    dry.has("local id A1: another start or kind").has("Would go up: 1 record.");
    desk.upload(&[&ava("CPP,06/01/2026,")])
        .await
        .has("Plans taken back because another takes their place, or as was decided: 1.");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-06|-")], "one plan, not two");
    desk.upload(&[&ava("LAC,06/01/2026,")]).await;
    assert_eq!(desk.held(), [held(1, "LAC|2026-01-06|-")], "the same of a kind");
    // A plan that ended and one that began later are two.
    desk.upload(&[&ava("LAC,06/01/2026,01/06/2026")]).await;
    desk.upload(&[&ava("LAC,01/10/2026,")]).await.has_not("takes their place");
    assert_eq!(desk.held(), [held(1, "LAC|2026-01-06|2026-06-01"), held(1, "LAC|2026-10-01|-")]);
    assert_eq!(desk.exchange.hub.view(&nurse(), number(1)).await.total(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn story_a_wrong_number_is_corrected_and_the_flag_leaves_the_wrong_child() {
    // Two Ava Bennetts of one day: only the number tells them apart.
    let twin = person(4, "Bennett", "Ava", "2019-03-12");
    let desk = Desk::beside(&[people(), lines(&[twin])].concat()).await;
    desk.upload(&[&ava("CPP,05/01/2026,"), &ava("LAC,01/02/2026,01/06/2026")]).await;
    assert_eq!(desk.exchange.hub.view(&nurse(), number(1)).await.total(), 2);
    // The ended plan has dropped out of the extract meanwhile: it is this child's too, and goes with them.
    let right = row("A1", 4, "Bennett,Ava", "12/03/2019", "CPP,05/01/2026,");
    desk.upload(&[&right]).await.has("1 record sent, 1 taken");
    assert_eq!(desk.exchange.hub.view(&nurse(), number(1)).await.total(), 0, "the wrong child has no flag");
    assert_eq!(desk.exchange.hub.view(&nurse(), number(4)).await.total(), 2);
    assert_eq!(desk.held(), [held(4, "CPP|2026-01-05|-"), held(4, "LAC|2026-02-01|2026-06-01")]);
    let taken_back = desk.exchange.hub.rows("SELECT number FROM audit WHERE kind = 'plan-taken-back'");
    assert_eq!(taken_back, [number(1).digits(), number(1).digits()], "and it is on record who had it");
    // A number that is wrong again moves nothing.
    let wrong = row("A1", 2, "Bennett,Ava", "12/03/2019", "CPP,05/01/2026,");
    desk.upload(&[&wrong]).await.has("1 record sent, 0 taken, 1 rejected");
    desk.run(&["not-visible"]).await.has("(CPR03)").has("hospitals still see what was sent before");
    assert_eq!(desk.held().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn story_a_child_has_another_local_id_and_the_plans_stay() {
    let desk = Desk::beside(&people()).await;
    desk.upload(&[&ava("CPP,05/01/2026,"), &ava("LAC,01/02/2026,")]).await;
    let new = |plan: &str| row("A9", 1, "Bennett,Ava", "12/03/2019", plan);
    // The old local id has been given to somebody else, with a number of its own.
    let old = row("A1", 2, "Jones,Ben", "01/05/2018", "C2,01/02/2026,");
    let said = desk.upload(&[&new("CPP,05/01/2026,"), &new("LAC,01/02/2026,20/11/2026"), &old]).await;
    said.has("0 rejected").has_not("taken back").has_not("no longer in the extract");
    let ava_has = [held(1, "CPP|2026-01-05|-"), held(1, "LAC|2026-02-01|-")];
    assert_eq!(desk.held()[..2], ava_has, "no flag leaves her");
    // The next night brings the end, which only the plan's own local id can.
    desk.upload(&[&new("CPP,05/01/2026,"), &new("LAC,01/02/2026,20/11/2026"), &old])
        .await
        .has("1 record sent");
    let now =
        [held(1, "CPP|2026-01-05|-"), held(1, "LAC|2026-02-01|2026-11-20"), held(2, "LAC|2026-02-01|-")];
    assert_eq!(desk.held(), now);
    desk.run(&["absent"]).await.has("or decided about: 0 plans");
    assert_eq!(desk.remembered("SELECT DISTINCT local_id FROM held ORDER BY 1"), ["A1", "A9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_about_a_plan_that_is_in_the_extract_again_is_not_carried_out() {
    let desk = Desk::beside(&people()).await;
    let (one, two) = (ava("CPP,05/01/2026,"), ben("C2,01/02/2026,"));
    desk.upload(&[&one, &two]).await;
    let both = [held(1, "CPP|2026-01-05|-"), held(2, "LAC|2026-02-01|-")];
    for decision in [&["--in-error"][..], &["--ended", "2026-11-20"]] {
        desk.upload(&[&two]).await.has("no longer in the extract: 1 plan");
        desk.run(&[&["decide", "A1", "--by", "j.smith"][..], decision].concat())
            .await
            .has("Decided for 1 plan");
        desk.upload(&[&one, &two]).await.has("0 records sent");
        assert_eq!(desk.held(), both);
        desk.upload(&[&two]).await.has("no longer in the extract: 1 plan");
        desk.run(&[&["decide", "A1", "--by", "j.smith"][..], decision].concat())
            .await
            .has("Decided for 1 plan");
        // Perhaps it is in the row that cannot be read.
        desk.upload(&[&ava("CPP,5/1/26,"), &two]).await.has("0 records sent");
        assert_eq!(desk.held(), both);
        desk.upload(&[&one, &two]).await.has("The decision was not carried out, and is forgotten");
        assert_eq!(desk.held(), both);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_a_number_is_superseded_after_the_upload() {
    let desk = Desk::beside(&people()).await;
    desk.upload(&[&ava("CPP,05/01/2026,")]).await;
    desk.exchange.hub.load(&lines(&[person(8, "Bennett", "Ava", "2019-03-12"), superseded(1, 8)])).await;
    assert_eq!(desk.exchange.hub.view(&nurse(), number(8)).await.total(), 1, "it shows under the new number");
    // Nothing differs for the link. An end reaches the plan, whatever number its person has by now.
    desk.upload(&[&ava("CPP,05/01/2026,")]).await.has("0 records sent");
    desk.upload(&[&ava("CPP,05/01/2026,20/11/2026")]).await.has("1 record sent, 1 taken");
    assert_eq!(desk.held(), [held(8, "CPP|2026-01-05|2026-11-20")]);
    // That it goes on after all needs the new number, which the hub tells with the rejection.
    desk.upload(&[&ava("CPP,05/01/2026,")]).await.has("0 taken, 1 rejected");
    desk.run(&["not-visible"])
        .await
        .has(&format!("(CPR05): this NHS number was superseded: record the new one: {}", number(8).digits()));
    let new = row("A1", 8, "Bennett,Ava", "12/03/2019", "CPP,05/01/2026,");
    desk.upload(&[&new]).await.has("1 record sent, 1 taken").has("Hospitals see every current plan");
    assert_eq!(desk.held(), [held(8, "CPP|2026-01-05|-")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn story_an_adopted_child_has_a_new_identity_and_nothing_joins_the_two() {
    let desk = Desk::beside(&people()).await;
    desk.upload(&[&ava("LAC,05/01/2026,")]).await;
    desk.exchange.hub.view(&nurse(), number(1)).await;
    // Adopted: the identity ends, and there is a new one, with a record of its own at the authority.
    desk.exchange.hub.load(&lines(&[ended(1), person(9, "Newname", "Amy", "2019-03-12")])).await;
    let new = row("A9", 9, "Newname,Amy", "12/03/2019", "CPP,01/11/2026,");
    let said = desk.upload(&[&new]).await;
    said.has("1 record sent, 1 taken").has("no longer in the extract: 1 plan");
    assert_eq!(desk.exchange.hub.view(&nurse(), number(1)).await.told(), "404 INVALIDATED_RESOURCE");
    assert_eq!(desk.exchange.hub.view(&nurse(), number(9)).await.total(), 1);
    // What the authority adds under the old number is refused without a word of the new one.
    desk.upload(&[&new, &ava("LAC,05/01/2026,"), &ava("CPP,01/11/2026,")]).await.has("1 rejected");
    let list = desk.run(&["not-visible"]).await;
    list.has("local id A1").has("(CPR01): this NHS number is no longer in use").has_not(&number(9).digits());
    let (old, fresh) = (number(1).digits(), number(9).digits());
    let hub = rusqlite::Connection::open(&desk.exchange.hub.database).unwrap();
    for table in crate::hub::support::rows(&hub, "SELECT name FROM sqlite_schema WHERE type = 'table'") {
        for line in crate::hub::support::rows(&hub, &format!("SELECT * FROM {table}")) {
            assert!(!(line.contains(&old) && line.contains(&fresh)), "{table} joins the two: {line}");
        }
    }
    // And the old plan can be taken back.
    desk.upload(&[&new]).await;
    desk.run(&["decide", "A1", "--in-error", "--by", "j.smith"]).await.has("Decided for 1 plan");
    desk.upload(&[&new]).await.has("1 taken");
    assert_eq!(desk.held(), [held(9, "CPP|2026-11-01|-")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_remembered_before_it_is_acknowledged_and_the_same_file_goes_again() {
    let desk = Desk::beside(&people()).await;
    let base = desk.exchange.hub.base.clone();
    desk.upload(&[&ava("CPP,05/01/2026,")]).await;
    // Taken by the hub, and the link ended before it heard of it.
    let before = fs::read(desk.path("cpis-authority.db")).unwrap();
    desk.write(&[&ava("CPP,06/01/2026,")]);
    desk.configure(&base, "https://127.0.0.1:1");
    let failed = desk.run(&["upload", "extract.csv", "--day", DAY]).await;
    failed.has("the hub could not be reached").has("the file waits, and the next upload sends it first");
    let list = desk.run(&["not-visible"]).await;
    list.has("Not sent yet, or not acknowledged by the hub: 1 plan.").has_not("Hospitals see every");
    assert_eq!(list.code, Some(1));
    assert_eq!(failed.code, Some(2));
    assert_eq!(desk.remembered("SELECT start_day FROM held"), ["2026-01-05"], "nothing of it is remembered");
    assert_eq!(desk.remembered("SELECT sequence FROM outgoing"), ["2"]);
    assert_ne!(before, fs::read(desk.path("cpis-authority.db")).unwrap());
    let document = fs::read(desk.path("cpis-authority.db.outgoing")).unwrap();
    let taken = desk.exchange.link("E06000030").send(document).await;
    assert_eq!(taken.status, 202);
    desk.exchange.link("E06000030").acknowledged(2).await;
    // Meanwhile the extract says something else again: what was sent is settled first, so that it can be taken back.
    desk.configure("https://127.0.0.1:1", &base);
    let said = desk.upload(&[&ava("CPP,07/01/2026,")]).await;
    said.has("The file of an earlier upload came first. File 2 (CPF02)").has("File 3 (CPF02): 1 record sent");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-07|-")], "neither of the others stays");
    assert_eq!(desk.exchange.hub.count("SELECT 1 FROM authority_file"), 3);
    // Never arrived: the very same document goes.
    desk.configure(&base, "https://127.0.0.1:1");
    desk.upload(&[&ava("CPP,08/01/2026,")]).await.has("the file waits");
    desk.configure("https://127.0.0.1:1", &base);
    desk.upload(&[&ava("CPP,08/01/2026,")])
        .await
        .has("came first. File 4 (CPF02): 1 record sent")
        .has("File 5 (CPF02): 0 records");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-08|-")]);
    // Nobody has the document any more.
    desk.configure(&base, "https://127.0.0.1:1");
    desk.upload(&[&ava("CPP,09/01/2026,")]).await.has("the file waits");
    desk.configure("https://127.0.0.1:1", &base);
    fs::remove_file(desk.path("cpis-authority.db.outgoing")).unwrap();
    desk.upload(&[&ava("CPP,09/01/2026,")]).await.has("File 7 (CPF02): 1 record sent").has_not("came first");
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-09|-")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_that_was_put_back_is_told_where_the_hub_is() {
    let desk = Desk::beside(&people()).await;
    let rows = [ava("CPP,05/01/2026,")];
    desk.upload(&[&rows[0]]).await;
    desk.upload(&[&rows[0]]).await;
    for file in ["cpis-authority.db", "cpis-authority.db.lock"] {
        fs::remove_file(desk.path(file)).unwrap();
    }
    let said = desk.upload(&[&rows[0]]).await;
    said.has("The hub has files that this link does not know of (the last it has: file 2)")
        .has("File 3 (CPF02): 1 record sent, 1 taken, 0 rejected. Everything was in it.")
        .has("Hospitals see every current plan");
    assert_eq!(said.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_not_set_up_is_told_what_to_mend_and_sends_nothing() {
    let desk = Desk::beside(&people()).await;
    let rows = [ava("CPP,05/01/2026,")];
    let own = fs::read_to_string(desk.path("authority.toml")).unwrap();
    let refused = async |from: &str, to: &str, said: &str| {
        desk.configure(from, to);
        let told = desk.upload(&[&rows[0]]).await;
        assert_eq!(told.code, Some(2), "{}", told.text);
        told.has(said).has_not("Bennett");
        fs::write(desk.path("authority.toml"), &own).unwrap();
        assert_eq!(desk.held(), Vec::<String>::new());
    };
    refused("certificate = \"link.pem\"", "certificate = \"none.pem\"", "none.pem: entity not found").await;
    refused("certificate = \"link.pem\"", "certificate = \"hub-authority.pem\"", "do not belong together")
        .await;
    refused("certificate_authority = \"hub-authority.pem\"", "", "the hub's certificate is not trusted")
        .await;
    refused(
        "code = \"E06000030\"",
        "code = \"E06000031\"",
        "the link's memory is of the authority E06000030",
    )
    .await;
    fs::remove_file(desk.path("cpis-authority.db")).unwrap();
    let _ = fs::remove_file(desk.path("cpis-authority.db.outgoing"));
    refused("code = \"E06000030\"", "code = \"E06000031\"", "of another than `authority.code` (403)").await;
    let audited = "SELECT outcome FROM audit WHERE kind = 'upload'";
    assert_eq!(desk.exchange.hub.rows(audited), ["other-authority"]);
    let told = desk.run(&["check", "extract.csv"]).await;
    told.has("Every row can be sent");
}
