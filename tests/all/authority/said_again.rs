//! A plan that the extract has twice: what only one of the rows says of the case counts, whichever stands first.

use std::fs;

use crate::hub::support::data::number;
use crate::hub::support::nurse;

use super::desk::{DAY, Desk, HEAD, Said, extract};
use super::noting::{AVA, desk, row};

/// With a worker, a team that hospitals can ring, and the mark of restricted cases, whose notes go into a folder of their own.
async fn restricting() -> Desk {
    let desk = desk().await;
    restrict(&desk);
    desk
}

pub(super) fn restrict(desk: &Desk) {
    for (from, to) in [
        ("# worker = \"Allocated Worker\"", "worker = \"Worker\""),
        ("# worker_away = \"Worker Absent\"", "worker_away = \"Away\""),
        ("# team = \"Team\"", "team = \"Team\""),
        ("# restricted = \"Restricted\"", "restricted = \"Restricted\""),
        (
            "\n# The hub, and the certificate",
            "\n[[authority.team]]\nname = \"North\"\ntelephone = \"01793 466904\"\n\n# The hub, and the certificate",
        ),
        (
            "[extract]\nformat",
            "[routing.restricted]\nholders = [\"Safeguarding lead\"]\nfolder = \"held\"\n\n[extract]\nformat",
        ),
    ] {
        desk.configure(from, to);
    }
    fs::create_dir(desk.path("held")).unwrap();
    fs::copy(desk.path("case-notes/.cpis-folder"), desk.path("held/.cpis-folder")).unwrap();
}

pub(super) async fn upload(desk: &Desk, rows: &[&str]) -> Said {
    let text = extract(rows).replacen(HEAD, &format!("{HEAD},Worker,Away,Team,Restricted"), 1);
    fs::write(desk.path("extract.csv"), text).unwrap();
    desk.run(&["upload", "extract.csv", "--day", DAY]).await
}

fn ava(more: &str) -> String {
    row("A1", 1, &format!("{AVA},{more}"))
}

/// How many notes lie in a folder.
fn notes(desk: &Desk, folder: &str) -> usize {
    let files = fs::read_dir(desk.path(folder)).unwrap().map(|file| file.unwrap().file_name());
    files.filter(|name| name.to_string_lossy().starts_with("cpis-note-")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_case_is_restricted_if_any_row_of_a_plan_says_so_whichever_stands_first() {
    let (no, yes) = (ava("P. Shaw,no,North,no"), ava("P. Shaw,no,North,yes"));
    for (nights, first, second) in [(1, &no, &yes), (1, &yes, &no), (2, &no, &yes)] {
        let desk = restricting().await;
        if nights == 2 {
            // The night before it was restricted in a single row.
            upload(&desk, &[&yes]).await;
            desk.run(&["fetch"]).await;
        }
        upload(&desk, &[first, second]).await.has_not("another worker");
        desk.exchange.hub.view(&nurse(), number(1)).await;
        desk.run(&["fetch"]).await.has("1 part of a case note filed.");
        assert_eq!((notes(&desk, "case-notes"), notes(&desk, "held")), (0, 1), "{nights} {first}");
        assert_eq!(desk.noted("SELECT local_id FROM restricted"), ["A1"]);
        let roles = "SELECT DISTINCT role FROM alert WHERE role <> 'emergency-duty'";
        assert_eq!(desk.noted(roles), ["holder"]);
        assert_eq!(desk.exchange.hub.rows("SELECT team_name FROM plan WHERE local_id = 'A1'"), ["-"]);
        let register =
            cpis::authority::register::Register::look(&desk.path("cpis-notes.db"), "E06000030").unwrap();
        let seen = |user: &str| {
            let reader = cpis::authority::register::Reader::named(user).unwrap();
            let wanted = cpis::authority::register::Wanted { most: 10, ..Default::default() };
            register.accesses(&reader, &wanted).unwrap().len()
        };
        assert_eq!(
            (seen("p.shaw"), seen("safeguarding.lead")),
            (0, 1),
            "the page shows it to its holder alone"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_second_row_says_of_worker_and_team_is_taken_where_the_first_says_nothing_and_named_where_it_differs()
 {
    let desk = restricting().await;
    let said = upload(&desk, &[&ava(",,,no"), &ava("P. Shaw,yes,North,no")]).await;
    said.has_not("another worker or team");
    let extract = "SELECT worker, team, worker_is_away, contact_name FROM extract";
    assert_eq!(desk.remembered(extract), ["P. Shaw|North|1|North"]);
    assert_eq!(desk.exchange.hub.rows("SELECT team_name FROM plan WHERE local_id = 'A1'"), ["North"]);
    // The first counts, and the data officer hears of it; nothing is wrong with the plan.
    let rows = [ava("P. Shaw,no,North,no"), ava("R. Iqbal,yes,South,no"), ava("p. shaw,,north,no")];
    let rows = rows.each_ref().map(String::as_str);
    let said = upload(&desk, &rows).await;
    said.has("The same plan with another worker or team: 2 times. The plan is sent all the same.")
        .has("row 3, Worker (local id A1): row 2 says another worker of the same plan, and counts")
        .has("row 3, Team (local id A1): row 2 says another team of the same plan, and counts")
        .has_not("Iqbal")
        .has_not("cannot be sent");
    assert_eq!(desk.remembered(extract), ["P. Shaw|North|0|North"]);
    let check = desk.run(&["check", "extract.csv", "--day", DAY, "--report", "report.csv"]).await;
    check.has("Every row can be sent").has("row 3, Worker: row 2 says another worker").has_not("Iqbal");
    let report = fs::read_to_string(desk.path("report.csv")).unwrap();
    assert!(report.contains("3,Team,,\"row 2 says another team"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_and_teams_whom_the_routing_table_does_not_name_are_counted_and_not_written() {
    let desk = restricting().await;
    desk.configure(
        "[routing.restricted]\n",
        "[[routing.person]]\nname = \"P. Shaw\"\n\n[[routing.team]]\nname = \"North\"\n\n[routing.restricted]\n",
    );
    let other = |seed: u64, more: &str| row(&format!("B{seed}"), seed, &format!("{AVA},{more}"));
    let rows =
        [ava("p.  SHAW,no,NORTH,no"), other(2, "R. Iqbal,no,South,no"), other(3, "r. iqbal,no,Nroth,no")];
    let uploaded = upload(&desk, &rows.each_ref().map(String::as_str)).await;
    let checked = desk.run(&["check", "extract.csv", "--day", DAY]).await;
    for said in [&uploaded, &checked] {
        said.has("Not in the routing table: 1 worker in 2 rows, first in row 3 (local id B2).")
            .has("Not in the routing table: 2 teams in 2 rows, first in row 3 (local id B2).")
            .has_not("Iqbal")
            .has_not("Nroth");
    }
    assert_eq!(checked.code, Some(0), "nothing is wrong with a plan");
    desk.configure(
        "[[routing.person]]\nname = \"P. Shaw\"",
        "[[routing.person]]\nname = \"R. Iqbal\"\n\n[[routing.person]]\nname = \"P. Shaw\"",
    );
    desk.run(&["check", "extract.csv", "--day", DAY]).await.has_not("worker in").has("2 teams in 2 rows");
}
