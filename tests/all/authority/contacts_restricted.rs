//! Of a restricted case no team goes up, and one that is at the hub comes off: whatever else is wrong with its rows, and however it came
//! to be restricted.

use std::fs;

use super::contacts::{BEFORE, ava, ben, desk, held, team, write, zara};
use super::desk::{DAY, Desk, Said};
use crate::hub::support::data::number;

const AVA_WITH: &str = "A1|-|North|01793 466904";
const AVA_WITHOUT: &str = "A1|-|-|-";
const BEN_WITH: &str = "B2|-|North|01793 466904";
const BEN_WITHOUT: &str = "B2|-|-|-";

const COLUMNS: &str = "Team,Restricted";

/// With a team that hospitals can ring, a column of marks, and a list.
async fn restricting() -> Desk {
    let desk = desk().await;
    desk.configure("# restricted = \"Restricted\"", "restricted = \"Restricted\"");
    desk.configure(BEFORE, &format!("\n{}{BEFORE}", team("North", "01793 466904")));
    for part in ["[routing.restricted] ", "holders = ", "list = "] {
        desk.configure(&format!("# {part}"), part);
    }
    list(&desk, "");
    desk
}

fn list(desk: &Desk, text: &str) {
    fs::write(desk.path("restricted.txt"), text).unwrap();
}

async fn upload(desk: &Desk, rows: &[&str], options: &[&str]) -> Said {
    write(desk, COLUMNS, rows);
    run(desk, options).await
}

async fn run(desk: &Desk, options: &[&str]) -> Said {
    desk.run(&[&["upload", "extract.csv", "--day", DAY][..], options].concat()).await
}

/// Ava's and Ben's plans are at the hub, with their team.
async fn both_with_their_team() -> Desk {
    let desk = restricting().await;
    upload(&desk, &[&ava("CPP,05/01/2026,,North,"), &ben("C2,01/02/2026,,North,no")], &[])
        .await
        .has("2 taken");
    assert_eq!(held(&desk), [AVA_WITH, BEN_WITH]);
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_case_that_becomes_restricted_loses_its_team_and_has_it_again_when_it_is_no_longer() {
    let desk = both_with_their_team().await;
    let (plain, marked) = (ava("CPP,05/01/2026,,North,"), ava("CPP,05/01/2026,,North,yes"));
    let other = ben("C2,01/02/2026,,North,no");
    // A dry run says that it would go, not that the case is restricted, and does nothing.
    let dry = upload(&desk, &[&marked, &other], &["--dry-run"]).await;
    dry.has("Would go up: 1 record.").has("local id A1: another contact of the team").has_not("estricted");
    dry.has("Plans whose team has another contact for hospitals, or none any more: 1.");
    assert_eq!(held(&desk), [AVA_WITH, BEN_WITH]);
    upload(&desk, &[&marked, &other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
    // Nothing brings it back: not another night, not everything at once, not another number of the team.
    upload(&desk, &[&marked, &other], &[]).await.has("0 records sent");
    upload(&desk, &[&marked, &other], &["--full"]).await.has("2 records sent, 2 taken");
    desk.configure("01793 466904", "01793 466905");
    upload(&desk, &[&marked, &other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), [AVA_WITHOUT, "B2|-|North|01793 466905"]);
    // Nor that it is another team's.
    let moved = marked.replace("North", "West");
    desk.configure(BEFORE, &format!("\n{}{BEFORE}", team("West", "01793 466907")));
    upload(&desk, &[&moved, &other], &[]).await.has("0 records sent");
    assert_eq!(held(&desk)[0], AVA_WITHOUT);
    upload(&desk, &[&plain, &other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk)[0], "A1|-|North|01793 466905");
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_team_comes_off_whatever_is_wrong_with_the_row_and_stays_off() {
    let desk = both_with_their_team().await;
    let other = ben("C2,01/02/2026,,North,no");
    // The row cannot be sent.
    let without_number = "A1,,Bennett,Ava,12/03/2019,CPP,05/01/2026,,North,yes";
    upload(&desk, &[without_number, &other], &[])
        .await
        .has("1 record sent, 1 taken")
        .has("there is no NHS number");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
    // The case is missing; then it is there, and nobody can tell what its mark is.
    upload(&desk, &[&other], &[]).await.has("0 records sent");
    desk.configure("restricted = \"Restricted\"", "# restricted = \"Restricted\"");
    upload(&desk, &[&ava("CPP,05/01/2026,,North,"), &other], &[]).await.has("0 records sent");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
    desk.configure("# restricted = \"Restricted\"", "restricted = \"Restricted\"");
    // It is in a row of which nobody can tell whose it is, beside one without a mark.
    let nobodys = "A1,1,2,3";
    upload(&desk, &[&ava("CPP,05/01/2026,,North,"), nobodys, &other], &[]).await.has("0 records sent");
    upload(&desk, &[&ava("CPP,05/01/2026,,North,"), &other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), [AVA_WITH, BEN_WITH]);
    // What the hub rejects of it takes the team off all the same, and its new end does not go by.
    let wrong = ben("C2,01/02/2026,,North,yes").replace("Jones", "Smith");
    let longer = format!("{wrong}\r\n{}", wrong.replace("C2,01/02/2026", "CPP,03/03/2026"));
    upload(&desk, &[&ava("CPP,05/01/2026,,North,"), &longer], &[])
        .await
        .has("2 records sent, 1 taken, 1 rejected");
    assert_eq!(held(&desk), [AVA_WITH, BEN_WITHOUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_one_row_with_a_mark_keeps_the_team_of_all_rows_of_the_case() {
    let desk = restricting().await;
    // Of two plans, one; of two rows that say the same, the second; in letters that cannot be read.
    let two = format!("{}\r\n{}", ava("CPP,05/01/2026,,North,"), ava("C2,01/02/2026,,North,yes"));
    let again = format!("{}\r\n{}", ben("C2,01/02/2026,,North,"), ben("C2,01/02/2026,,North,yes"));
    write(&desk, COLUMNS, &[&two, &again, &zara("C2,01/02/2026,,North,?")]);
    let mut text = fs::read(desk.path("extract.csv")).unwrap();
    let at = text.iter().position(|byte| *byte == b'?').unwrap();
    text[at] = 0xe9;
    fs::write(desk.path("extract.csv"), text).unwrap();
    run(&desk, &[]).await.has("3 records sent, 3 taken");
    assert_eq!(held(&desk), [AVA_WITHOUT, AVA_WITHOUT, BEN_WITHOUT, "C3|-|-|-"]);
    // Whoever alerts of accesses finds the mark of the row that was left out, too.
    assert_eq!(desk.remembered("SELECT local_id FROM extract WHERE is_restricted IS NOT 1"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_file_that_breaks_off_in_a_mark_frees_nobody() {
    let desk = restricting().await;
    let rows = [ava("CPP,05/01/2026,,North,"), ben("C2,01/02/2026,,North,yes")];
    let rows = rows.each_ref().map(String::as_str);
    upload(&desk, &rows, &[]).await.has("2 taken");
    for cut in ["\r\n", "es\r\n", "yes\r\n"] {
        write(&desk, COLUMNS, &rows);
        let text = fs::read_to_string(desk.path("extract.csv")).unwrap();
        fs::write(desk.path("extract.csv"), text.strip_suffix(cut).unwrap()).unwrap();
        run(&desk, &[]).await.has("0 records sent");
        assert_eq!(held(&desk), [AVA_WITH, BEN_WITHOUT], "{cut:?}");
        assert_eq!(desk.remembered("SELECT local_id FROM restricted_case"), ["B2"], "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_case_on_the_list_loses_its_team_though_the_extract_has_it_no_longer() {
    let desk = both_with_their_team().await;
    list(&desk, "A1\n");
    let other = ben("C2,01/02/2026,,North,no");
    upload(&desk, &[&other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
    desk.run(&["absent"]).await.has("A1");
    // While the list cannot be read what it said before counts on.
    list(&desk, ":\n");
    upload(&desk, &[&other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITHOUT]);
    assert_eq!(desk.remembered("SELECT local_id, by_list FROM restricted_case"), ["A1|1"]);
    list(&desk, "A1\n");
    upload(&desk, &[&ava("CPP,05/01/2026,,North,"), &other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
    // Also where no team is configured any more that others could have.
    list(&desk, "B2\n");
    desk.configure(&team("North", "01793 466904"), "");
    upload(&desk, &[&ava("CPP,05/01/2026,,North,")], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITHOUT]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_another_local_id_of_a_restricted_child_shows_no_team() {
    let desk = both_with_their_team().await;
    list(&desk, "A1\n");
    let other = ben("C2,01/02/2026,,North,no");
    // The hub does not take the plan over: it is still the old one's, and without its team.
    let new = ava("CPP,05/01/2026,,North,").replace("A1", "A9");
    let wrong = new.replace("Bennett", "Another");
    upload(&desk, &[&wrong, &other], &[]).await.has("2 records sent, 1 taken, 1 rejected");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
    for _ in 0..2 {
        upload(&desk, &[&new, &other], &[]).await;
        assert_eq!(held(&desk), ["A9|-|-|-", BEN_WITH]);
    }
    list(&desk, "");
    upload(&desk, &[&new, &other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), ["A9|-|North|01793 466904", BEN_WITH]);
    // By a mark too; it is gone when the new one had one and has none any more.
    upload(&desk, &[&new.replace("North,", "North,yes"), &other], &[]).await.has("1 record sent, 1 taken");
    let newer = new.replace("A9", "A10");
    upload(&desk, &[&newer, &other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), ["A10|-|-|-", BEN_WITH]);
    upload(&desk, &[&newer, &other], &[]).await.has("0 records sent");
    upload(&desk, &[&newer.replace("North,", "North,yes"), &other], &[]).await.has("0 records sent");
    upload(&desk, &[&newer, &other], &[]).await.has("1 record sent, 1 taken");
    assert_eq!(held(&desk), ["A10|-|North|01793 466904", BEN_WITH]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_another_child_who_gets_the_local_id_of_a_restricted_one_frees_nobody() {
    const NEW_WITHOUT: &str = "C9|-|-|-";
    let desk = restricting().await;
    upload(&desk, &[&ava("CPP,05/01/2026,,North,yes")], &[]).await.has("1 taken");
    assert_eq!(held(&desk), [AVA_WITHOUT]);
    let other = zara("C2,01/02/2026,,North,no").replace("C3", "A1");
    let moved = ava("CPP,05/01/2026,,North,no").replace("A1", "C9");
    // Under the new local id the plan is taken over with the first night, and the old one's is held no longer.
    for night in 0..3 {
        upload(&desk, &[&other, &moved], &[]).await;
        assert_eq!(held(&desk), [AVA_WITHOUT, NEW_WITHOUT], "night {night}");
    }
    // Nor where the other one's row cannot be sent, or the child's is away for a night.
    let wrong = other.replace("C2,01/02/2026", "C2,1/2/26");
    for rows in [&[&wrong, &moved][..], &[&other], &[&moved], &[&other, &moved]] {
        upload(&desk, &rows.iter().map(|row| row.as_str()).collect::<Vec<_>>(), &[]).await;
        assert_eq!(held(&desk), [AVA_WITHOUT, NEW_WITHOUT], "{rows:?}");
    }
    // The new one has had a mark, and has none any more: then the other child's is none either.
    upload(&desk, &[&other, &moved.replace("North,no", "North,yes")], &[]).await;
    assert_eq!(held(&desk), [AVA_WITHOUT, NEW_WITHOUT]);
    for _ in 0..2 {
        upload(&desk, &[&other, &moved], &[]).await;
    }
    assert_eq!(held(&desk), [AVA_WITH, "C9|-|North|01793 466904"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_memory_that_is_gone_leaves_no_team_of_a_restricted_case_at_the_hub() {
    let desk = both_with_their_team().await;
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(desk.path(&format!("cpis-authority.db{end}")));
    }
    list(&desk, "A1\n");
    let other = ben("C2,01/02/2026,,North,no");
    upload(&desk, &[&other], &[]).await.has("The link's memory is probably new");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
    upload(&desk, &[&other], &[]).await.has("0 records sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_hub_that_is_away_is_told_when_it_is_back() {
    let desk = both_with_their_team().await;
    let base = desk.exchange.hub.base.clone();
    let rows = [ava("CPP,05/01/2026,,North,yes"), ben("C2,01/02/2026,,North,no")];
    let rows = rows.each_ref().map(String::as_str);
    desk.configure(&base, "https://127.0.0.1:1");
    assert_eq!(upload(&desk, &rows, &[]).await.code, Some(2));
    // It is given up, and made anew.
    desk.run(&["abandon"]).await;
    assert_eq!(upload(&desk, &rows, &[]).await.code, Some(2));
    desk.configure("https://127.0.0.1:1", &base);
    upload(&desk, &rows, &[]).await;
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_hub_that_was_put_back_has_the_plan_again_and_not_its_team() {
    let desk = both_with_their_team().await;
    list(&desk, "A1\n");
    let hub = rusqlite::Connection::open(&desk.exchange.hub.database).unwrap();
    hub.execute_batch("DELETE FROM authority_file_rejection; DELETE FROM authority_file; DELETE FROM plan;")
        .unwrap();
    // The case is in the extract no longer: absence deletes nothing.
    let other = ben("C2,01/02/2026,,North,no");
    upload(&desk, &[&other], &[]).await.has("The hub has lost what it had acknowledged");
    assert_eq!(held(&desk), [AVA_WITHOUT, BEN_WITH]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_which_only_the_hub_knew_stays_where_it_is_when_the_number_is_another() {
    let desk = restricting().await;
    let two = format!("{}\r\n{}", ava("CPP,05/01/2026,,North,"), ava("C2,01/02/2026,,North,"));
    upload(&desk, &[&two], &[]).await.has("1 record sent, 1 taken");
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(desk.path(&format!("cpis-authority.db{end}")));
    }
    upload(&desk, &[&ava("CPP,05/01/2026,,North,")], &[]).await.has("no longer in the extract: 1 plan");
    // The number was that of another child of the same name and day; of the other plan nobody knows whose it is, nor whether the hub has
    // its team.
    let right = ava("CPP,05/01/2026,,North,").replace(&number(1).digits(), &number(4).digits());
    upload(&desk, &[&right], &[])
        .await
        .has("1 record sent, 1 taken, 0 rejected")
        .has("no longer in the extract: 1 plan");
    let sql = "SELECT kind, start_day FROM held WHERE number = ";
    let of = |seed: u64| desk.remembered(&format!("{sql}'{}'", number(seed).digits())).len();
    assert_eq!((of(1), of(4)), (1, 1));
    let listed = format!("local id A1, NHS number {}, ", number(1).digits());
    desk.run(&["absent"]).await.has(&listed).has("2026-02-01");
    assert_eq!(held(&desk), [AVA_WITH, AVA_WITH]);
}
