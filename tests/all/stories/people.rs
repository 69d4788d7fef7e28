//! Who may do what: the receptionist, the midwife, the ward sister, the call handler and the triage nurse.

use cpis::client::{Brought, HubClient, Limits, Named, SigningIn};
use cpis::domain::{CareSetting, Failure, NhsNumber, View};
use eframe::egui::{Key, Modifiers};
use uuid::Uuid;

use super::desk::OPEN;
use super::signing_in::follow;
use super::town::{AMELIA, Town};

const SILENT: &str = "Scheduled care: social care is not told";
const TOLD: &str = "Unscheduled care: social care is told";

/// The token of a persona and its key, as another program could hold it.
fn client(town: &Town, persona: usize) -> HubClient {
    let hub = town.demonstration.address();
    let named = Named { address: hub, known_as: hub };
    town.call(async {
        let begun = SigningIn::begin(named, None, Limits::default(), &[], 4711, "a program").await.unwrap();
        let begun = begun.of(&persona.to_string());
        let landed = follow(begun.address()).await;
        let Brought::Code(code) = begun.read(landed.split_once(":4711").unwrap().1) else {
            panic!("no code: {landed}");
        };
        begun.finish(&code).await.unwrap().0
    })
}

#[test]
fn a_receptionist_finds_and_has_no_way_to_open() {
    let town = Town::new();
    let (since, audited) = (town.book().newest(), town.book().newest_audit());
    let mut desk = town.desk();
    desk.sign_in("Leon Carter");
    desk.find_patient(AMELIA);
    desk.wait_for("Your role cannot open this. Ask the nurse in charge or a doctor to open it");
    desk.wait_for("Your role cannot open child protection information");
    assert!(!desk.has_button(OPEN));
    desk.moment();
    desk.key(Key::Enter);
    desk.chord(Modifiers::COMMAND, Key::Enter);
    desk.key(Key::F5);
    desk.moment();
    assert_eq!(desk.headline().as_deref(), Some(super::desk::NOT_OPENED));
    assert_eq!(town.book().audited_after(audited), ["retrieve returned"]);

    // Neither does another program get it with the receptionist's token; and that was written down.
    let number = NhsNumber::parse(AMELIA.0).unwrap();
    for care in [CareSetting::Unscheduled, CareSetting::Scheduled] {
        let view = View { number, trace: Uuid::new_v4(), care };
        assert_eq!(town.call(client(&town, 3).plans(view)).unwrap_err(), Failure::Refused);
        assert_eq!(town.call(client(&town, 3).history(view)).unwrap_err(), Failure::Refused);
    }
    assert_eq!(town.book().views_after(since), []);
    let refused = town.book().audited_after(audited)[1..].to_vec();
    assert_eq!(refused.len(), 4, "{refused:?}");
    assert!(refused.iter().all(|entry| entry.starts_with("refused")), "{refused:?}");
}

#[test]
fn h20_a_midwife_in_scheduled_care_views_silently_and_is_audited() {
    let town = Town::new();
    let (since, audited) = (town.book().newest(), town.book().newest_audit());
    let mut desk = town.desk();
    desk.sign_in("Ruth Evans");
    assert!(desk.text(SILENT).is_some());
    assert!(!desk.has_button("Switch care setting"));
    desk.chord(Modifiers::COMMAND | Modifiers::SHIFT, Key::M);
    desk.find_patient(AMELIA);
    desk.wait_for("Opening is recorded in the audit log. In scheduled care social care is not told");
    assert_eq!(desk.open(), "Alert: Child Protection Plan");
    desk.wait_for("Social care has not been told");
    assert_eq!(desk.text_with("will be told"), None);
    assert!(desk.text(SILENT).is_some());
    let views = town.book().views_after(since);
    let [view] = views.as_slice() else { panic!("{views:?}") };
    assert_eq!((view.mode.as_str(), view.histories, view.told.len()), ("silent", 0, 0));
    assert_eq!(view.told_earlier, Vec::<String>::new());
    assert_eq!(town.book().audited_after(audited)[..2], ["retrieve returned", "silent-view held"]);
}

#[test]
fn h20_a_ward_sister_switches_between_both_and_each_switch_is_audited() {
    let town = Town::new();
    let since = town.book().newest();
    let mut desk = town.desk();
    desk.sign_in("Hannah Lloyd");
    assert!(desk.text(TOLD).is_some());
    let audited = town.book().newest_audit();
    desk.chord(Modifiers::COMMAND | Modifiers::SHIFT, Key::M);
    desk.wait_for(SILENT);
    let switched = town.book().audited_after(audited);
    assert_eq!((switched.len(), switched[0].starts_with("care-setting")), (1, true), "{switched:?}");
    assert_eq!(desk.look_up(AMELIA), "Alert: Child Protection Plan");
    desk.wait_for("Social care has not been told");
    desk.new_search();
    desk.press("Switch care setting");
    desk.wait_for(TOLD);
    assert_eq!(desk.look_up(AMELIA), "Alert: Child Protection Plan");
    desk.wait_for("Wexcombe Borough Council will be told");
    let views = town.book().views_after(since);
    let modes: Vec<_> = views.iter().map(|view| (view.mode.as_str(), view.told.len())).collect();
    assert_eq!(modes, [("silent", 0), ("recorded", 1)]);
    // The next session begins where social care is told.
    desk.press("Switch care setting");
    desk.wait_for(SILENT);
    desk.press("Sign out");
    desk.sign_in("Hannah Lloyd");
    assert!(desk.text(TOLD).is_some());
}

#[test]
fn h25_a_call_handlers_notification_says_by_telephone_and_where_to_ring_back() {
    let told = |who: &str| {
        let town = Town::new();
        let since = town.book().newest();
        let mut desk = town.desk();
        desk.sign_in(who);
        assert_eq!(desk.look_up(AMELIA), "Alert: Child Protection Plan");
        desk.wait_for("Wexcombe Borough Council will be told");
        let receipt = desk.wait_for("Recorded ");
        desk.wait_for("This is not a referral. Nobody has been rung");
        let rows = town.book().column(
            "SELECT concat_ws(' | ', contact, setting, site, department, call_back, user_name, role, organisation,
                              organisation_code, authority_name, sequence, state, local_id)
             FROM outbox WHERE view_id > ?1",
            [since],
        );
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        // Both ends speak of the same view.
        let reference = &town.book().views_after(since)[0].reference;
        assert!(receipt.ends_with(&format!("reference {reference}")), "{receipt}");
        row.clone()
    };
    assert_eq!(
        told("Grace Kim"),
        "by-telephone | NHS 111 | Wexcombe Urgent Care Line | Call centre | 01632 960211 | Grace Kim | \
         111 call handler | Wexcombe Urgent Care Line | ZZ911 | Wexcombe Borough Council | first | queued | W0018-1"
    );
    assert_eq!(
        told("Sam Okafor"),
        "in-person | Emergency department | Wexcombe General Hospital | Emergency department | 01632 960210 | \
         Sam Okafor | triage nurse, emergency department | Wexcombe General Hospital | ZZ901 | \
         Wexcombe Borough Council | first | queued | W0018-1"
    );
}

#[test]
fn everybody_is_offered_by_name_role_and_organisation_and_stays_named_on_screen() {
    let town = Town::new();
    let mut desk = town.desk();
    for (name, role, organisation) in [
        ("Sam Okafor", "triage nurse, emergency department", "Wexcombe General Hospital"),
        ("Dr Priya Nair", "emergency doctor", "Wexcombe General Hospital"),
        ("Ruth Evans", "midwife, antenatal clinic", "Wexcombe General Hospital"),
        ("Leon Carter", "receptionist, emergency department", "Wexcombe General Hospital"),
        ("Grace Kim", "111 call handler", "Wexcombe Urgent Care Line"),
        ("Hannah Lloyd", "sister, children's ward", "Wexcombe General Hospital"),
    ] {
        assert!(desk.has_button(&format!("Sign in as {name}, {role}, {organisation}")));
        desk.sign_in(name);
        assert!(desk.text(&format!("Signed in: {name}, {role}, {organisation}")).is_some());
        assert!(desk.text("Demonstration: synthetic people").is_some());
        desk.press("Sign out");
    }
}
