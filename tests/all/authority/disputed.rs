//! Accesses that somebody did not recognise, by command; and those that are of another child.

use cpis::authority::register::{Marked, Reader, Register};

use crate::hub::support::data::number;
use crate::hub::support::{NOW, at, nurse};

use super::noting::{AVA, desk, row};

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_recognises_is_listed_with_who_said_so_until_it_is_settled_with_words() {
    let desk = desk().await;
    desk.exchange.hub.view(&nurse(), number(1)).await;
    desk.run(&["fetch"]).await;
    assert_eq!(desk.run(&["not-recognised"]).await.has("0 accesses").code, Some(0));
    let note = desk.noted("SELECT id FROM note").remove(0);
    {
        let mut register = Register::look(&desk.path("cpis-notes.db"), "E06000030").unwrap();
        let shaw = Reader::named("p.shaw").unwrap();
        let marked =
            register.mark_not_recognised((&shaw, &[]), &note, 1, "she was at school", at(NOW)).unwrap();
        assert_eq!(marked, Marked::Done);
    }
    desk.run(&["status"]).await.has("to be looked into: 1 access. See `cpis-authority not-recognised`");
    let list = desk.run(&["not-recognised"]).await;
    list.has("1 access.")
        .has(&format!("{}:1, local id A1", &note[..8]))
        .has("opened 22-Nov-2026 14:00 by Sam Okafor")
        .has("Not recognised by p.shaw 22-Nov-2026 14:00: she was at school");
    assert_eq!(list.code, Some(1));
    let access = format!("{}:1", &note[..8]);
    assert_eq!(desk.run(&["not-recognised", &access]).await.code, Some(2), "by whom, and what came of it");
    let settle = ["not-recognised", &access, "--as", "Lead", "--outcome"];
    desk.run(&[&settle[..], &[" "]].concat()).await.has("--outcome: what came of it");
    desk.run(&[&settle[..], &["a twin"]].concat()).await.has("Settled");
    desk.run(&[&settle[..], &["again"]].concat()).await.has("no access on the list is this one");
    assert_eq!(desk.run(&["not-recognised"]).await.has("0 accesses").code, Some(0));
    let kept = desk.noted("SELECT said_by, words, settled_by, outcome FROM not_recognised");
    assert_eq!(kept, ["p.shaw|she was at school|lead|a twin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_under_a_local_id_that_another_child_has_since_is_on_the_list_and_on_nobodys_record() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    // While nobody fetched it, the local id was given to another child.
    hub.view(&nurse(), number(1)).await;
    desk.upload(&[&row("A1", 3, AVA), &row("B2", 2, AVA)]).await.has("taken");
    desk.run(&["fetch"]).await.has("1 new notification, 0 parts of case notes filed.");
    assert_eq!(desk.notes(), Vec::<serde_json::Value>::new());
    desk.run(&["triage"])
        .await
        .has(": the case with this local id is of somebody with another NHS number")
        .has(&format!("local id A1, NHS number {}", number(1).digits()));
    // After closing the duty team hears of it besides: at whatever hour the test runs, nobody else does.
    let told = desk.noted("SELECT DISTINCT role FROM alert WHERE role != 'emergency-duty'");
    assert_eq!(told, ["fall-back"]);
    // The one who has it now is told of as ever.
    hub.view(&nurse(), number(3)).await;
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    assert_eq!(desk.notes()[0]["nhsNumber"], number(3).digits());
}
