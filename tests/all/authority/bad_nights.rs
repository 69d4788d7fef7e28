//! Nights on which something is wrong with the extract: no child is lost by it, none keeps a flag that is another's, and nobody is told
//! that all is well.

use std::fmt::Write as _;
use std::fs;

use crate::hub::support::data::{lines, number, person};
use crate::hub::support::nurse;
use serde_json::Value;

use super::desk::{DAY, Desk, HEAD, Said, extract};
use super::noting;

/// Children of one name and day of birth: only the number tells them apart.
fn people(many: u64) -> Vec<String> {
    let people: Vec<Value> = (1..=many).map(|seed| person(seed, "Bennett", "Ava", "2019-03-12")).collect();
    lines(&people)
}

fn row(local_id: &str, number: &str, plan: &str) -> String {
    format!("{local_id},{number},Bennett,Ava,12/03/2019,{plan}")
}

fn child(seed: u64, plan: &str) -> String {
    row(&format!("A{seed}"), &number(seed).digits(), plan)
}

fn held(seed: u64, plan: &str) -> String {
    format!("{}|{plan}", number(seed).digits())
}

impl Desk {
    async fn upload_file(&self, text: &str) -> Said {
        fs::write(self.path("extract.csv"), text).unwrap();
        self.run(&["upload", "extract.csv", "--day", DAY]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_a_row_in_which_the_file_breaks_off_changes_nothing_unless_it_is_as_it_was() {
    let desk = Desk::beside(&people(3)).await;
    let ended = child(2, "C1,01/02/2020,20/11/2026");
    desk.upload(&[&child(1, "CPP,05/01/2026,"), &ended]).await.has("2 taken");
    // The file is cut within the last row's end: nothing tells that there was one.
    let whole = extract(&[&child(1, "CPP,05/01/2026,"), &ended]);
    let cut = whole.strip_suffix("20/11/2026\r\n").unwrap();
    let said = desk.upload_file(cut).await;
    assert_eq!(said.code, Some(1));
    said.has("row 3 (local id A2): the file ends in this row").has("`extract.ends_without_line_end`");
    let both = [held(1, "CPP|2026-01-05|-"), held(2, "LAC|2020-02-01|2026-11-20")];
    assert_eq!(desk.held(), both, "its end is not taken away");
    // Within a column before it.
    desk.upload_file(whole.strip_suffix("2020,20/11/2026\r\n").unwrap())
        .await
        .has("the file ends in this row");
    assert_eq!(desk.held(), both);
    // A system that never ends its last line: what the hub has like this already is no news.
    let said = desk.upload_file(whole.strip_suffix("\r\n").unwrap()).await;
    assert_eq!(said.code, Some(0), "{}", said.text);
    // And what is new is taken where somebody said so.
    let new = extract(&[&ended, &child(3, "CPP,05/01/2026,")]);
    let new = format!("{}{}", child(1, "CPP,05/01/2026,") + "\r\n", new.strip_prefix(HEAD).unwrap().trim());
    let new = format!("{HEAD}\r\n{new}");
    desk.upload_file(&new).await.has("row 4 (local id A3): the file ends in this row");
    desk.configure("# ends_without_line_end = true", "ends_without_line_end = true");
    desk.upload_file(&new).await.has("1 record sent, 1 taken");
    assert_eq!(desk.held().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_an_extract_with_hardly_anything_of_the_last_one_is_not_believed_unless_somebody_says_so() {
    let desk = Desk::beside(&people(24)).await;
    let rows: Vec<String> = (1..=24).map(|seed| child(seed, "CPP,05/01/2026,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    desk.upload(&rows).await.has("24 taken");
    let cut = desk.upload(&rows[..11]).await;
    assert_eq!(cut.code, Some(2));
    cut.has("it has 11 rows, and the last extract had 24").has("nothing was sent").has("`--fewer-rows`");
    desk.run(&["absent"]).await.has("or decided about: 0 plans");
    assert_eq!(desk.remembered("SELECT sequence FROM link"), ["1"]);
    desk.upload_with(&rows[..11], &["--dry-run"]).await.has("it may have been cut off");
    // Half is believed, and so is what somebody says is right; and then the next night's is like it.
    desk.upload(&rows[..12]).await.has("no longer in the extract: 12 plans");
    desk.upload_with(&rows[..5], &["--fewer-rows"]).await.has("no longer in the extract: 19 plans");
    desk.upload(&rows[..5]).await.has("0 records sent").has("no longer in the extract: 19 plans");
    assert_eq!(desk.held().len(), 24, "absence never deletes");
    let empty = desk.upload(&[]).await;
    assert_eq!(empty.code, Some(2));
    empty.has("it has no rows, and the hub holds 24 of this authority's plans that go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn h15_an_extract_of_which_nothing_can_be_sent_tells_nobody_that_all_is_well() {
    let desk = Desk::beside(&people(24)).await;
    let files = || desk.exchange.hub.rows("SELECT count(*) FROM upload").concat();
    // An authority that has no child on a plan is well all the same.
    desk.upload(&[]).await.has("File 1 (CPF02): 0 records").has("Hospitals see every current plan");
    desk.upload(&[&child(1, "CPP,05/01/2026,")]).await.has("File 2 (CPF02)");
    let before = files();
    // The system writes its days otherwise from one night to the next.
    let dry = desk.upload_with(&[&child(1, "CPP,01/05/26,")], &["--dry-run"]).await;
    dry.has("No file would be sent: most rows of this extract cannot be sent");
    let said = desk.upload(&[&child(1, "CPP,01/05/26,")]).await;
    assert_eq!(said.code, Some(1));
    said.has("No file was sent: most rows of this extract cannot be sent")
        .has("the hub's operator is alerted")
        .has("Not visible to hospitals, or not as it is: 1 plan")
        .has("write the year with four digits");
    let empty = desk.upload(&[]).await;
    assert_eq!(empty.code, Some(2));
    empty.has("it has no rows, and the hub holds 1 of this authority's plans");
    let dry = desk.upload_with(&[], &["--dry-run"]).await;
    dry.has("it has no rows").has_not("Hospitals see every");
    // One right row among many is no good night either; one that is new goes up all the same.
    let wrong: Vec<String> = (2..=23).map(|seed| child(seed, "CPP,5/1/26,")).collect();
    let known = child(1, "CPP,05/01/2026,");
    let rows: Vec<&str> = wrong.iter().chain([&known]).map(String::as_str).collect();
    desk.upload(&rows).await.has("No file was sent");
    assert_eq!(files(), before, "the hub has heard nothing");
    let new = child(24, "CPP,05/01/2026,");
    let rows: Vec<&str> = rows.iter().copied().chain([new.as_str()]).collect();
    desk.upload(&rows).await.has("1 record sent, 1 taken").has_not("No file was sent");
    // Mended: everything as ever.
    let rows: Vec<String> = (1..=24).map(|seed| child(seed, "CPP,05/01/2026,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    desk.upload(&rows).await.has("22 records sent").has("Hospitals see every current plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn h18_a_typing_mistake_in_a_row_closes_no_case() {
    let desk = noting::desk().await;
    desk.configure("# worker = \"Allocated Worker\"", "worker = \"Allocated Worker\"");
    desk.configure(
        "[[routing.person]]\nname = \"Emergency duty team\"",
        "[[routing.person]]\nname = \"P. Shaw\"\n[[routing.person]]\nname = \"Emergency duty team\"",
    );
    let upload = async |rows: &[String]| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let text = extract(&rows).replacen(HEAD, &format!("{HEAD},Allocated Worker"), 1);
        desk.upload_file(&text).await
    };
    let one = |plan: &str| noting::row("A1", 1, &format!("12/03/2019,{plan},P. Shaw"));
    let two = noting::row("B2", 2, "12/03/2019,CPP,05/01/2026,,");
    upload(&[one("CPP,05/01/2026,"), two.clone()]).await.has("0 records sent");
    let seen = async |what: &str| {
        // A person of their own each time, or it would be told once.
        let who = crate::hub::support::caller(what, "RN3", &["B0264", "B0107"]);
        desk.exchange.hub.view(&who, number(1)).await;
        desk.run(&["fetch"]).await.has("1 part of a case note filed.");
        desk.run(&["triage"]).await.has("To be worked off by hand: 0 case notes.");
        let alerted = desk.noted(
            "SELECT DISTINCT alert.name FROM alert JOIN notice ON notice.id = notice_id
             WHERE role = 'worker' AND notice.number = (SELECT max(number) FROM notice)",
        );
        assert_eq!(alerted, ["P. Shaw"], "{what}");
        assert_eq!(desk.noted("SELECT worker FROM responsible WHERE local_id = 'A1'"), ["P. Shaw"], "{what}");
        desk.exchange.hub.turn(13 * 60);
    };
    seen("Before").await;
    upload(&[one("CPP,5/1/26,"), two.clone()]).await.has("write the year with four digits");
    seen("A start with two digits").await;
    upload(&[one("CPP,05/01/2026,01/12/2026"), one("CPP,05/01/2026,02/12/2026"), two.clone()])
        .await
        .has("says another end of the same plan");
    seen("Rows that contradict each other").await;
    // Not even whose row it is can be read; the last that could be says whose case it is.
    upload(&[one("CPP,05/01/2026,").replacen("Ava", "Ava, known as Bella", 1), two.clone()])
        .await
        .has("this row has 10 fields and the first row has 9");
    seen("A comma too many").await;
    // One whose row says that it has ended has ended, whatever else is wrong with the row.
    let ended = one("CPP,05/01/2026,01/11/2026").replacen(&number(1).digits(), "", 1);
    upload(&[ended, two.clone()]).await.has("there is no NHS number");
    desk.exchange.hub.view(&nurse(), number(1)).await;
    desk.run(&["fetch"]).await.has("0 parts of case notes filed");
    desk.run(&["triage"]).await.has("the case with this local id has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_row_that_cannot_be_sent_restricts_its_case_all_the_same() {
    let desk = noting::desk().await;
    desk.configure("# restricted = \"Restricted\"", "restricted = \"Restricted\"");
    let upload = async |mark: &str, start: &str| {
        let row = noting::row("A1", 1, &format!("12/03/2019,CPP,{start},,{mark}"));
        let text = extract(&[&row]).replacen(HEAD, &format!("{HEAD},Restricted"), 1);
        desk.upload_file(&text).await
    };
    let restricted = async || {
        desk.run(&["fetch"]).await;
        desk.noted("SELECT local_id FROM restricted")
    };
    upload("no", "05/01/2026").await;
    assert_eq!(restricted().await, Vec::<String>::new());
    upload("yes", "5/1/26").await.has("four digits");
    assert_eq!(restricted().await, ["A1"]);
    upload("no", "5/1/26").await.has("four digits");
    assert_eq!(restricted().await, Vec::<String>::new(), "and only where the row says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_mark_of_which_nobody_knows_whose_it_is_or_what_it_says_opens_no_case() {
    let desk = noting::desk().await;
    desk.configure("# restricted = \"Restricted\"", "restricted = \"Restricted\"");
    let upload = async |rows: &[String]| {
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let text = extract(&rows).replacen(HEAD, &format!("{HEAD},Restricted"), 1);
        desk.upload_file(&text).await;
        desk.run(&["fetch"]).await;
        desk.noted("SELECT local_id FROM restricted")
    };
    let a1 = |mark: &str| noting::row("A1", 1, &format!("12/03/2019,CPP,05/01/2026,,{mark}"));
    assert_eq!(upload(&[a1("no"), a1("yes")]).await, ["A1"]);
    // The row with the mark has lost its local id.
    let nobodys = a1("yes").replacen("A1", "", 1);
    assert_eq!(upload(&[a1("no"), nobodys]).await, ["A1"]);
    assert_eq!(upload(&[a1("no"), a1("no")]).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_a_flag_on_the_wrong_child_comes_off_before_the_right_number_is_known() {
    let desk = Desk::beside(&people(2)).await;
    desk.upload(&[&child(1, "CPP,05/01/2026,"), &child(2, "CPP,05/01/2026,")]).await.has("2 taken");
    // The number was another child's: it is blanked until it has been traced.
    let blank = row("A1", "", "CPP,05/01/2026,");
    desk.upload(&[&blank, &child(2, "CPP,05/01/2026,")]).await.has("there is no NHS number");
    desk.run(&["not-visible"])
        .await
        .has("local id A1, Child Protection Plan from 2026-01-05: NHS Number: there is no NHS number")
        .has("hospitals still see what was sent before")
        .has("`cpis-authority decide A1 --in-error --by USER`");
    let refused = desk.run(&["decide", "A1", "--ended", "2026-11-20", "--by", "j.smith"]).await;
    assert_eq!(refused.code, Some(2), "an end stands in the row, once that is mended");
    refused.has("only `--in-error` can be decided");
    desk.run(&["decide", "A1", "--in-error", "--by", "j.smith"])
        .await
        .has("Decided for 1 plan")
        .has("local id A1, Child Protection Plan from 2026-01-05");
    desk.run(&["absent"]).await.has("decided by j.smith: sent in error").has_not("it waits");
    // Also where half of the extract cannot be sent.
    desk.upload(&[&blank, &child(2, "CPP,05/01/2026,")]).await.has("1 record sent, 1 taken");
    assert_eq!(desk.exchange.hub.view(&nurse(), number(1)).await.total(), 0, "the wrong child has no flag");
    assert_eq!(desk.held(), [held(2, "CPP|2026-01-05|-")]);
    desk.run(&["not-visible"]).await.has("local id A1").has_not("still see");
    desk.run(&["absent", "--decisions"]).await.has(
        "by j.smith: local id A1, Child Protection Plan from 2026-01-05: sent in error, to be taken back",
    );
    // Whoever has no row that is refused keeps the plan.
    let none = desk.run(&["decide", "A2", "--in-error", "--by", "j.smith"]).await;
    assert_eq!(none.code, Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_kept_while_a_row_cannot_be_read_and_it_is_said_where_it_is_forgotten() {
    let desk = Desk::beside(&people(2)).await;
    let (one, two) = (child(1, "CPP,05/01/2026,"), child(2, "CPP,05/01/2026,"));
    desk.upload(&[&one, &two]).await;
    desk.upload(&[&two]).await.has("no longer in the extract: 1 plan");
    desk.run(&["decide", "A1", "--ended", "2026-11-20", "--by", "j.smith"]).await.has("Decided for 1 plan");
    // Perhaps it is in this row.
    desk.upload(&[&child(1, "CPP,5/1/26,"), &two])
        .await
        .has("0 records sent")
        .has("not carried out as a row cannot be read that may be of them: 1 plan");
    desk.run(&["absent"]).await.has("decided by j.smith: ended on 2026-11-20; it waits");
    // It was not: the decision holds.
    desk.upload(&[&two]).await.has("1 record sent, 1 taken");
    assert_eq!(desk.held()[0], held(1, "CPP|2026-01-05|2026-11-20"));
    // Of a plan that the extract has again it is forgotten, and somebody hears of it.
    desk.upload(&[&one]).await.has("no longer in the extract: 1 plan");
    desk.run(&["decide", "A2", "--in-error", "--by", "j.smith"]).await;
    desk.upload(&[&one, &two])
        .await
        .has("Decided about, and in the extract again: local id A2, Child Protection Plan from 2026-01-05")
        .has("The decision was not carried out");
    assert_eq!(desk.held().len(), 2);
    // Whoever decides while a row without a local id is there has seen it: nothing waits for that row for ever.
    let nobody = row("", &number(1).digits(), "LAC,05/01/2026,");
    desk.upload(&[&one, &nobody]).await.has("no longer in the extract: 1 plan");
    desk.run(&["decide", "A2", "--in-error", "--by", "j.smith"]).await.has("Decided for 1 plan");
    desk.upload(&[&one, &nobody]).await.has("1 record sent, 1 taken");
    assert_eq!(desk.held().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_absent_plans_each_is_decided_by_itself() {
    let desk = Desk::beside(&people(2)).await;
    let two = child(2, "CPP,05/01/2026,");
    let plans =
        [child(1, "CPP,05/01/2026,"), child(1, "LAC,01/02/2026,"), child(1, "LAC,01/02/2024,01/06/2027")];
    desk.upload(&[&plans[0], &plans[1], &plans[2], &two]).await;
    desk.upload(&[&two]).await.has("no longer in the extract: 3 plans");
    let decide =
        async |more: &[&str]| desk.run(&[&["decide", "A1", "--by", "j.smith"][..], more].concat()).await;
    decide(&["--kind", "child-protection", "--ended", "2026-11-20"]).await.has("Decided for 1 plan");
    decide(&["--kind", "looked-after", "--start", "2026-02-01", "--in-error"])
        .await
        .has("Decided for 1 plan");
    let none = decide(&["--start", "2026-02-02", "--leave"]).await;
    assert_eq!(none.code, Some(2), "no plan begins on that day");
    let list = desk.run(&["absent"]).await;
    list.has("Child Protection Plan from 2026-01-05; decided by j.smith: ended on 2026-11-20")
        .has("Looked After Child from 2026-02-01; decided by j.smith: sent in error")
        .has("Looked After Child from 2024-02-01\n");
    desk.upload(&[&two]).await.has("2 taken").has("no longer in the extract: 1 plan");
    let left = [
        held(1, "LAC|2024-02-01|2027-06-01"),
        held(1, "CPP|2026-01-05|2026-11-20"),
        held(2, "CPP|2026-01-05|-"),
    ];
    assert_eq!(desk.held(), left);
    // Somebody has to be named.
    let nobody = desk.run(&["decide", "A1", "--leave"]).await;
    assert_eq!(nobody.code, Some(2));
    nobody.has("--by");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_visible_is_counted_by_plan_and_only_what_is_current() {
    let desk = Desk::beside(&people(3)).await;
    desk.upload(&[&child(2, "CPP,05/01/2026,"), &child(3, "CPP,05/01/2026,")]).await.has("2 taken");
    let nobody = |day: &str| row("", &number(1).digits(), &format!("CPP,{day},"));
    let rows = [
        // Two plans of one child, and one that has ended long ago.
        row("A1", "", "CPP,05/01/2026,"),
        row("A1", "", "LAC,01/02/2026,"),
        row("A1", "", "CPP,01/02/2016,01/03/2017"),
        // Two of which only the child is known.
        row("A7", "", "CPP,5/1/26,"),
        row("A7", "", "LAC,6/1/26,"),
        // One that has ended, and goes on at the hub.
        row("A2", "", "CPP,05/01/2026,01/03/2026"),
        nobody("05/01/2026"),
        child(3, "CPP,05/01/2026,"),
    ];
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let first = "Not visible to hospitals, or not as they are: 6 plans.";
    let said = desk.upload(&rows).await;
    assert!(said.text.starts_with(first), "{}", said.text);
    let list = desk.run(&["not-visible"]).await;
    list.has(first)
        .has("local id A1, Child Protection Plan from 2026-01-05:")
        .has("local id A1, Looked After Child from 2026-02-01:")
        .has_not("2016-02-01")
        .has("local id A2, Child Protection Plan from 2026-01-05:")
        .has("since 2026-11-22: row 8 of the extract of that day, without a local id");
    assert_eq!(list.text.matches("local id A7: ").count(), 2);
    // The next night another child's row stands there: it is not said to be missing since the day before.
    let mut next = rows.clone();
    let other = row("", &number(1).digits(), "LAC,05/01/2026,");
    next[6] = &other;
    desk.write(&next);
    desk.run(&["upload", "extract.csv", "--day", "2026-11-23"]).await;
    desk.run(&["not-visible"])
        .await
        .has("since 2026-11-23: row 8 of the extract of that day")
        .has("since 2026-11-22: local id A1, Looked After Child");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_rows_are_wrong_all_of_them_are_counted_and_listed() {
    let desk = Desk::beside(&people(1)).await;
    let mut rows = extract(&[&child(1, "CPP,05/01/2026,")]);
    for nth in 0..12_000 {
        let _ = write!(rows, "{}\r\n", row(&format!("N{nth}"), "", "CPP,05/01/2026,"));
    }
    let said = desk.upload_file(&rows).await;
    said.has("Not visible to hospitals, or not as they are: 12000 plans.")
        .has("12000 of 12001 rows cannot be sent")
        .has("11900 more findings")
        .has("1 record sent, 1 taken");
    let list = desk.run(&["not-visible"]).await;
    assert_eq!(list.text.matches("there is no NHS number").count(), 12_000);
    // Of whom no row is wrong, what is missing is missing all the same.
    let text = rows.replacen(&format!("{}\r\n", child(1, "CPP,05/01/2026,")), "", 1);
    desk.upload_file(&text).await.has("no longer in the extract: 1 plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn h13_of_a_newborn_it_is_said_that_the_number_comes_and_the_mothers_plan_stays() {
    let newborn = person(2, "Newborn", "Baby", "2026-11-20");
    let desk = Desk::beside(&[people(1), lines(&[newborn])].concat()).await;
    let baby = |number: &str, born: &str| format!("N9,{number},Newborn,Baby,{born},CPP,20/11/2026,");
    let said = "do not end the mother's plan for the unborn child before this one is up";
    desk.upload(&[&child(1, "CPP,05/01/2026,"), &baby("", "20/11/2026")]).await.has(said);
    desk.run(&["not-visible"]).await.has("there is no NHS number").has(said);
    // The number is not there yet at the hub either.
    let unknown = number(7).digits();
    desk.upload(&[&child(1, "CPP,05/01/2026,"), &baby(&unknown, "20/11/2026")]).await.has("1 rejected");
    desk.run(&["not-visible"]).await.has("(CPR01)").has(said);
    desk.upload(&[&child(1, "CPP,05/01/2026,"), &baby(&number(2).digits(), "20/11/2026")])
        .await
        .has("Hospitals see every current plan");
    // Of an older child it is not said.
    let older = format!("O1,{},Bennett,Ava,01/05/2020,CPP,20/11/2026,", number(8).digits());
    desk.upload(&[&child(1, "CPP,05/01/2026,"), &older, "O2,,Bennett,Ava,01/05/2020,CPP,20/11/2026,"])
        .await
        .has_not(said);
    desk.run(&["not-visible"]).await.has("(CPR01)").has_not(said);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_everything_that_an_upload_would_do() {
    let desk = Desk::beside(&people(4)).await;
    let open = |seed| child(seed, "CPP,05/01/2026,");
    desk.upload(&[&open(1), &child(2, "CPP,05/01/2026,01/12/2026"), &open(3), &open(4)]).await.has("4 taken");
    let dry =
        desk.upload_with(&[&child(1, "CPP,05/01/2026,20/11/2026"), &open(2), &open(4)], &["--dry-run"]).await;
    dry.has("Plans that end, or end on another day: 1.")
        .has("Plans whose end is gone from the extract, so that they go on again: 1.")
        .has("local id A1: another end")
        .has("local id A2: no end any more: the plan goes on again")
        .has("Held by the hub and no longer in the extract: 1 plan.")
        .has("since 2026-11-22: local id A3, Child Protection Plan from 2026-01-05");
    desk.run(&["absent"]).await.has("or decided about: 0 plans");
    let said = desk.upload(&[&child(1, "CPP,05/01/2026,20/11/2026"), &open(2), &open(4)]).await;
    said.has("Plans that end, or end on another day: 1.").has("so that they go on again: 1.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_as_windows_writes_it_is_the_name_that_the_hub_knows() {
    let desk = Desk::beside(&lines(&[person(1, "Dušek-O’Brien", "Zoë", "2019-03-12")])).await;
    desk.configure("encoding = \"utf-8\"", "encoding = \"windows-1252\"");
    let row = format!("A1,{},Du~ek-O^Brien,Zo|,12/03/2019,CPP,05/01/2026,", number(1).digits());
    let windows_letter = |byte: u8| match byte {
        b'~' => 0x9a,
        b'^' => 0x92,
        b'|' => 0xeb,
        other => other,
    };
    let bytes: Vec<u8> = extract(&[&row]).bytes().map(windows_letter).collect();
    fs::write(desk.path("extract.csv"), bytes).unwrap();
    let said = desk.run(&["upload", "extract.csv", "--day", DAY]).await;
    said.has("1 record sent, 1 taken").has("Hospitals see every current plan");
    assert_eq!(desk.remembered("SELECT family || ' ' || given FROM held"), ["Dušek-O’Brien Zoë"]);
}
