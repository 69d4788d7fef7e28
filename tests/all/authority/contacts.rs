//! The contact of a team goes up with its plans where it is configured, and nowhere else; a plan goes up whatever its team is called.

use std::fs;

use super::desk::{DAY, Desk, HEAD, Said, extract};
use crate::hub::support::data::{lines, number, person};

pub(super) const BEFORE: &str = "\n# The hub, and the certificate";

pub(super) fn team(name: &str, telephone: &str) -> String {
    format!("[[authority.team]]\nname = \"{name}\"\ntelephone = \"{telephone}\"\n")
}

/// With the extract's column of the team.
pub(super) async fn desk() -> Desk {
    let people = [
        person(1, "Bennett", "Ava", "2019-03-12"),
        person(2, "Jones", "Ben", "2018-05-01"),
        person(3, "Khan", "Zara", "2017-01-01"),
        person(4, "Bennett", "Ava", "2019-03-12"),
    ];
    let desk = Desk::beside(&lines(&people)).await;
    desk.configure("# team = \"Team\"", "team = \"Team\"");
    desk
}

pub(super) fn ava(plan: &str) -> String {
    format!("A1,{},Bennett,Ava,12/03/2019,{plan}", number(1).digits())
}

pub(super) fn ben(plan: &str) -> String {
    format!("B2,{},Jones,Ben,01/05/2018,{plan}", number(2).digits())
}

pub(super) fn zara(plan: &str) -> String {
    format!("C3,{},Khan,Zara,01/01/2017,{plan}", number(3).digits())
}

pub(super) fn write(desk: &Desk, more: &str, rows: &[&str]) {
    let text = extract(rows).replacen(HEAD, &format!("{HEAD},{more}"), 1);
    fs::write(desk.path("extract.csv"), text).unwrap();
}

pub(super) async fn upload(desk: &Desk, rows: &[&str], options: &[&str]) -> Said {
    write(desk, "Team", rows);
    desk.run(&[&["upload", "extract.csv", "--day", DAY][..], options].concat()).await
}

/// What the hub holds: local id, end, and the team's name and number.
pub(super) fn held(desk: &Desk) -> Vec<String> {
    let sql = "SELECT local_id, end_day, team_name, team_telephone FROM plan ORDER BY local_id";
    desk.exchange.hub.rows(sql)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_goes_up_where_it_is_configured_and_a_changed_one_by_itself() {
    let desk = desk().await;
    let rows = [ava("CPP,05/01/2026,,north"), ben("C2,01/02/2026,,South"), zara("C2,01/02/2026,,")];
    let rows = rows.each_ref().map(String::as_str);
    // Without configuration teams stay at the authority, and nobody is asked to name any.
    let said = upload(&desk, &rows, &[]).await;
    said.has("3 records sent, 3 taken, 0 rejected").has_not("ring");
    assert_eq!(held(&desk), ["A1|-|-|-", "B2|-|-|-", "C3|-|-|-"]);
    // When one is configured, then its plans alone differ.
    desk.configure(BEFORE, &format!("\n{}{BEFORE}", team("North", "01793 466904")));
    desk.run(&["check-config"]).await.has("Teams whose contact hospitals see beside their plans: 1.");
    let dry = upload(&desk, &rows, &["--dry-run"]).await;
    dry.has("Would go up: 1 record.")
        .has("local id A1: another contact of the team")
        .has_not("local id B2: ");
    upload(&desk, &rows, &[])
        .await
        .has("1 record sent, 1 taken, 0 rejected")
        .has("Plans whose team has another contact for hospitals, or none any more: 1.");
    let with = ["A1|-|North|01793 466904", "B2|-|-|-", "C3|-|-|-"];
    assert_eq!(held(&desk), with);
    upload(&desk, &rows, &[]).await.has("0 records sent");
    // A full refresh has it too.
    upload(&desk, &rows, &["--full"]).await.has("3 records sent, 3 taken");
    assert_eq!(held(&desk), with);
    desk.configure("01793 466904", "01793 466905");
    upload(&desk, &rows, &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk)[0], "A1|-|North|01793 466905");
    // A plan that ends goes up as that alone; its team's new contact follows it.
    desk.configure(BEFORE, &format!("\n{}{BEFORE}", team("South", "01793 466906")));
    let ends = ben("C2,01/02/2026,20/11/2026,South");
    let ended = [rows[0], &ends, rows[2]];
    upload(&desk, &ended, &[]).await.has("1 record sent, 1 taken");
    upload(&desk, &ended, &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk)[1], "B2|2026-11-20|South|01793 466906");
    upload(&desk, &ended, &[]).await.has("0 records sent");
    // And where it is configured no longer, it goes.
    desk.configure(&team("North", "01793 466905"), "");
    upload(&desk, &ended, &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk)[0], "A1|-|-|-");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_without_a_contact_is_said_and_its_plan_goes_up_all_the_same() {
    let desk = desk().await;
    desk.configure(BEFORE, &format!("\n{}{BEFORE}", team("North", "01793 466904")));
    let rows = [ava("CPP,05/01/2026,,North"), ben("C2,01/02/2026,,Nroth"), zara("C2,01/02/2026,,NROTH")];
    let rows = rows.each_ref().map(String::as_str);
    write(&desk, "Team", &rows);
    let check = desk.run(&["check", "extract.csv", "--day", DAY, "--report", "report.csv"]).await;
    assert_eq!(check.code, Some(0), "nothing is wrong with a plan: {}", check.text);
    let uploaded = upload(&desk, &rows, &[]).await;
    for said in [&check, &uploaded] {
        said.has("Without a team that hospitals can ring: 2 rows. Their plans are sent all the same.")
            .has("row 3, Team (local id B2): no contact is configured for this team; the same in 1 further row")
            .has_not("Nroth");
    }
    check.has("Every row can be sent");
    let report = fs::read_to_string(desk.path("report.csv")).unwrap();
    assert!(report.contains("3,Team,B2,no contact is configured for this team"), "{report}");
    uploaded.has("3 records sent, 3 taken, 0 rejected");
    assert_eq!(held(&desk), ["A1|-|North|01793 466904", "B2|-|-|-", "C3|-|-|-"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_restricted_case_no_team_goes_up() {
    let desk = desk().await;
    desk.configure("# restricted = \"Restricted\"", "restricted = \"Restricted\"");
    desk.configure(BEFORE, &format!("\n{}{BEFORE}", team("North", "01793 466904")));
    let rows = [ava("CPP,05/01/2026,,North,yes"), ben("C2,01/02/2026,,North,no")];
    write(&desk, "Team,Restricted", &rows.each_ref().map(String::as_str));
    let said = desk.run(&["upload", "extract.csv", "--day", DAY]).await;
    said.has("2 records sent, 2 taken").has_not("hospitals can ring");
    assert_eq!(held(&desk), ["A1|-|-|-", "B2|-|North|01793 466904"]);
    // Nor of one that is on the list; and of nobody while it cannot be read, though plans go up.
    desk.configure("# [routing.restricted] ", "[routing.restricted] ");
    desk.configure("# holders = ", "holders = ");
    desk.configure("# list = ", "list = ");
    fs::write(desk.path("restricted.txt"), "B2\n").unwrap();
    desk.run(&["upload", "extract.csv", "--day", DAY]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), ["A1|-|-|-", "B2|-|-|-"]);
    fs::write(desk.path("restricted.txt"), "").unwrap();
    desk.run(&["upload", "extract.csv", "--day", DAY]).await.has("1 record sent, 1 taken");
    fs::write(desk.path("restricted.txt"), ":\n").unwrap();
    let rows = [rows[0].as_str(), &rows[1], &zara("C2,01/02/2026,,North,no")];
    write(&desk, "Team,Restricted", &rows);
    let said = desk.run(&["upload", "extract.csv", "--day", DAY]).await;
    said.has("2 records sent, 2 taken").has("Plans go up without a team that hospitals can ring: ");
    assert_eq!(held(&desk), ["A1|-|-|-", "B2|-|-|-", "C3|-|-|-"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_that_was_cut_off_with_its_file_takes_no_contact_away() {
    let desk = desk().await;
    desk.configure(BEFORE, &format!("\n{}{BEFORE}", team("North", "01793 466904")));
    let rows = [ava("CPP,05/01/2026,,North"), ben("C2,01/02/2026,,North")];
    let rows = rows.each_ref().map(String::as_str);
    upload(&desk, &rows, &[]).await.has("2 records sent, 2 taken");
    let both = held(&desk);
    assert_eq!(both, ["A1|-|North|01793 466904", "B2|-|North|01793 466904"]);
    // Whatever the row breaks off in, the plan is known; and of its team what the hub has.
    let cut = async |cut: &str, said: &str| {
        let text = fs::read_to_string(desk.path("extract.csv")).unwrap();
        fs::write(desk.path("extract.csv"), text.strip_suffix(cut).unwrap()).unwrap();
        desk.run(&["upload", "extract.csv", "--day", DAY])
            .await
            .has(said)
            .has_not("the file ends in this row");
        write(&desk, "Team", &rows);
    };
    for part in ["\r\n", "th\r\n", "North\r\n"] {
        cut(part, "0 records sent").await;
        assert_eq!(held(&desk), both, "{part:?}");
    }
    // A number that is configured otherwise goes up all the same, though the file never ends with a line end.
    desk.configure("01793 466904", "01793 466905");
    cut("\r\n", "2 records sent, 2 taken").await;
    assert_eq!(held(&desk), ["A1|-|North|01793 466905", "B2|-|North|01793 466905"]);
    cut("\r\n", "0 records sent").await;
    // And a team that is configured no longer goes.
    desk.configure("\"North\"", "\"West\"");
    cut("\r\n", "2 records sent, 2 taken").await;
    assert_eq!(held(&desk), ["A1|-|-|-", "B2|-|-|-"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_contact_of_a_plan_that_has_ended_and_that_the_hub_rejects_goes_up_once() {
    let desk = desk().await;
    desk.configure(BEFORE, &format!("\n{}{BEFORE}", team("North", "01793 466904")));
    let rows = [ava("CPP,05/01/2026,,"), ben("C2,01/02/2026,20/11/2026,North")];
    let now = async |rows: [&str; 2], said: &str| {
        let told = upload(&desk, &rows, &[]).await;
        told.has(said);
        told
    };
    let mut both = rows.each_ref().map(String::as_str);
    now(both, "2 records sent, 2 taken").await;
    desk.configure("01793 466904", "01793 466905");
    let other = ben("C2,01/02/2026,20/11/2026,North").replace("Jones", "Smith");
    both[1] = &other;
    now(both, "1 record sent, 0 taken, 1 rejected").await;
    for _ in 0..2 {
        now(both, "0 records sent").await;
    }
    assert_eq!(held(&desk)[1], "B2|2026-11-20|North|01793 466904");
    // What is mended, or another number still, is tried again, beside a plan that can be taken.
    desk.configure("01793 466905", "01793 466906");
    now(both, "2 records sent, 1 taken, 1 rejected").await;
    now(both, "0 records sent").await;
    both[1] = &rows[1];
    now(both, "2 records sent, 2 taken").await;
    assert_eq!(held(&desk)[1], "B2|2026-11-20|North|01793 466906");
}

#[tokio::test(flavor = "multi_thread")]
async fn h15_an_ended_plan_that_is_always_rejected_raises_no_alert() {
    let desk = desk().await;
    let wrong = ben("C2,01/02/2026,20/11/2026,").replace("Jones", "Smith");
    let rows = [ava("CPP,05/01/2026,,"), wrong];
    let rows = rows.each_ref().map(String::as_str);
    upload(&desk, &rows, &[]).await.has("2 records sent, 1 taken, 1 rejected");
    // It goes again each night, beside one that can be taken.
    for _ in 0..2 {
        upload(&desk, &rows, &[]).await.has("2 records sent, 1 taken, 1 rejected");
    }
    assert_eq!(desk.exchange.hub.rows("SELECT count(*) FROM upload WHERE is_taken = 0"), ["0"]);
}
