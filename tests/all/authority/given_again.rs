//! A local id that was given to somebody else, and a plan that comes after one that is missing: neither takes a flag off a child.

use std::fs;

use crate::hub::support::data::{lines, number, person};
use crate::hub::support::{ISSUER, nurse};

use super::desk::{DAY, Desk, Said};
use super::said_again;

async fn desk() -> Desk {
    let people = [
        person(1, "Bennett", "Ava", "2019-03-12"),
        person(2, "Jones", "Ben", "2018-05-01"),
        person(3, "Bennett", "Amy", "2019-03-12"),
    ];
    Desk::beside(&lines(&people)).await
}

fn ava(local_id: &str, plan: &str) -> String {
    format!("{local_id},{},Bennett,Ava,12/03/2019,{plan}", number(1).digits())
}

fn ben(plan: &str) -> String {
    format!("A1,{},Jones,Ben,01/05/2018,{plan}", number(2).digits())
}

fn held(seed: u64, plan: &str) -> String {
    format!("{}|{plan}", number(seed).digits())
}

/// Ava's flag stays, and somebody is asked to decide.
async fn stays_with_ava(desk: &Desk, said: &Said) {
    said.has("no longer in the extract: 1 plan").has_not("taken back").has_not(&number(1).digits());
    let ava_has = held(1, "CPP|2026-01-05|-");
    assert!(desk.held().contains(&ava_has), "{:?}", desk.held());
    let list = desk.run(&["absent"]).await;
    list.has(&format!(
        "local id A1, NHS number {}, Child Protection Plan from 2026-01-05: this local id is somebody else's now",
        number(1).digits()
    ));
    assert_eq!(list.code, Some(1));
    assert_eq!(desk.exchange.hub.view(&nurse(), number(1)).await.total(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_a_local_id_that_another_child_has_now_takes_no_flag_off_the_one_before() {
    let desk = desk().await;
    desk.upload(&[&ava("A1", "CPP,05/01/2026,")]).await.has("1 taken");
    let now = ben("C2,01/02/2026,");
    let dry = desk.upload_with(&[&now], &["--dry-run"]).await;
    dry.has("local id A1, Child Protection Plan from 2026-01-05: this local id is somebody else's now")
        .has_not(&number(1).digits());
    let said = desk.upload(&[&now]).await;
    stays_with_ava(&desk, &said).await;
    assert_eq!(
        desk.held(),
        [held(1, "CPP|2026-01-05|-"), held(2, "LAC|2026-02-01|-")],
        "and Ben has only his own"
    );
    // The next nights change nothing, nor does a plan of Ben's of the same kind and day.
    stays_with_ava(&desk, &desk.upload(&[&now]).await).await;
    let same = ben("CPP,05/01/2026,");
    stays_with_ava(&desk, &desk.upload(&[&now, &same]).await).await;
    assert_eq!(desk.held().len(), 3);
    // Nor does everything sent again.
    stays_with_ava(&desk, &desk.upload_with(&[&now, &same], &["--full"]).await).await;
    // Where Ben's is missing too, it has to be said whose is meant.
    desk.upload(&[&now]).await.has("no longer in the extract: 2 plans");
    let both = ["decide", "A1", "--in-error", "--by", "j.smith"];
    let refused = desk.run(&both).await;
    refused.has("plans of more than one person").has("`--number`");
    assert_eq!(refused.code, Some(2));
    let hers = number(1).digits();
    desk.run(&[&both[..], &["--number", &hers]].concat()).await.has("Decided for 1 plan");
    desk.upload(&[&now, &same]).await.has("1 record sent, 1 taken").has_not("no longer in the extract");
    assert_eq!(desk.held(), [held(2, "CPP|2026-01-05|-"), held(2, "LAC|2026-02-01|-")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_the_child_whose_new_row_cannot_be_sent_keeps_the_flag_too() {
    let desk = desk().await;
    desk.upload(&[&ava("A1", "CPP,05/01/2026,")]).await;
    // Ava is A9 now, with a day that cannot be read.
    let rows = [ben("C2,01/02/2026,"), ava("A9", "CPP,5/1/26,")];
    let said = desk.upload(&[&rows[0], &rows[1]]).await;
    stays_with_ava(&desk, &said).await;
    assert_eq!(desk.held().len(), 2);
    // When it can, the plan is taken over.
    desk.upload(&[&rows[0], &ava("A9", "CPP,05/01/2026,")]).await.has_not("no longer in the extract");
    assert_eq!(desk.remembered("SELECT local_id, kind FROM held ORDER BY 1").len(), 2);
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-05|-"), held(2, "LAC|2026-02-01|-")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h4_a_twin_who_gets_the_local_id_gets_no_plan_with_it() {
    let desk = desk().await;
    desk.upload(&[&ava("A1", "CPP,05/01/2026,")]).await;
    let twin = format!("A1,{},Bennett,Amy,12/03/2019,C2,01/02/2026,", number(3).digits());
    let said = desk.upload(&[&twin]).await;
    stays_with_ava(&desk, &said).await;
    assert_eq!(desk.held(), [held(1, "CPP|2026-01-05|-"), held(3, "LAC|2026-02-01|-")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_a_memory_that_is_gone_gives_no_plan_of_the_one_before_to_whoever_has_the_local_id_now() {
    for plan in ["C2,01/02/2026,", "CPP,05/01/2026,"] {
        let desk = desk().await;
        desk.upload(&[&ava("A1", "CPP,05/01/2026,")]).await;
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(desk.path(&format!("cpis-authority.db{end}")));
        }
        let now = ben(plan);
        for options in [&[][..], &[], &["--full"], &[]] {
            stays_with_ava(&desk, &desk.upload_with(&[&now], options).await).await;
            assert_eq!(desk.held().len(), 2, "and Ben has only his own: {:?}", desk.held());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_the_notes_of_a_restricted_child_stay_its_holders_when_another_child_has_the_local_id() {
    let desk = desk().await;
    desk.configure("# issuer = ", &format!("issuer = \"{ISSUER}\" # "));
    fs::create_dir(desk.path("case-notes")).unwrap();
    fs::write(desk.path("case-notes/.cpis-folder"), "wexcombe").unwrap();
    said_again::restrict(&desk);
    said_again::upload(&desk, &[&ava("A1", "CPP,05/01/2026,,P. Shaw,no,North,yes")]).await.has("1 taken");
    desk.exchange.hub.view(&nurse(), number(1)).await;
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    let is_restricted = async |when: &str| {
        desk.run(&["fetch"]).await;
        assert_eq!(desk.noted("SELECT local_id FROM restricted"), ["A1"], "{when}");
        let roles = "SELECT DISTINCT role FROM alert WHERE role <> 'emergency-duty'";
        assert_eq!(desk.noted(roles), ["holder"], "{when}");
        let register =
            cpis::authority::register::Register::look(&desk.path("cpis-notes.db"), "E06000030").unwrap();
        let reader = cpis::authority::register::Reader::named("p.shaw").unwrap();
        let wanted = cpis::authority::register::Wanted { most: 10, ..Default::default() };
        assert_eq!(register.accesses(&reader, &wanted).unwrap().len(), 0, "{when}");
    };
    is_restricted("with a mark").await;
    let now = ben("C2,01/02/2026,,P. Shaw,no,North,no");
    for night in ["first", "second"] {
        said_again::upload(&desk, &[&now]).await;
        is_restricted(night).await;
    }
    // Nor does it matter what is decided of the plan that is missing.
    let hers = number(1).digits();
    desk.run(&["decide", "A1", "--in-error", "--by", "j.smith", "--number", &hers])
        .await
        .has("Decided for 1 plan");
    for night in ["decided", "taken back"] {
        said_again::upload(&desk, &[&now]).await;
        is_restricted(night).await;
    }
    assert_eq!(desk.held(), [held(2, "LAC|2026-02-01|-")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_a_plan_that_stands_in_the_list_of_what_is_missing_is_replaced_by_none_that_begins_later() {
    for decides in [false, true] {
        let desk = desk().await;
        desk.upload(&[&ava("A1", "CPP,05/01/2026,"), &ava("A1", "C2,01/02/2026,")]).await;
        let other = ava("A1", "C2,01/02/2026,");
        desk.upload(&[&other]).await.has("no longer in the extract: 1 plan");
        if decides {
            desk.run(&["decide", "A1", "--leave", "--by", "j.smith"]).await.has("Decided for 1 plan");
        }
        let new = ava("A1", "CPP,01/10/2026,");
        for day in [DAY, "2026-11-23"] {
            desk.write(&[&other, &new]);
            let said = desk.run(&["upload", "extract.csv", "--day", day]).await;
            said.has_not("taken back");
            let listed = said.text.contains("no longer in the extract: 1 plan");
            assert_eq!(listed, !decides, "{}", said.text);
        }
        let three = ["CPP|2026-01-05|-", "LAC|2026-02-01|-", "CPP|2026-10-01|-"].map(|plan| held(1, plan));
        assert_eq!(desk.held(), three, "decided: {decides}");
        // From one night to the next a start is corrected as ever.
        let corrected = ava("A1", "CPP,02/10/2026,");
        desk.upload(&[&other, &corrected])
            .await
            .has("Plans taken back because another takes their place, or as was decided: 1.");
        let three = ["CPP|2026-01-05|-", "LAC|2026-02-01|-", "CPP|2026-10-02|-"].map(|plan| held(1, plan));
        assert_eq!(desk.held(), three);
        // What somebody decides goes, of that plan alone.
        let decide = ["decide", "A1", "--ended", "2026-09-30", "--by", "j.smith"];
        desk.run(&decide).await.has("Decided for 1 plan");
        desk.upload(&[&other, &corrected]).await.has("1 record sent, 1 taken");
        assert_eq!(desk.held()[0], held(1, "CPP|2026-01-05|2026-09-30"));
    }
}
