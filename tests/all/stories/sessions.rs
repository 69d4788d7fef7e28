//! A session goes on while somebody works, whatever is cut on the way, and ends at the hub when they leave.

use std::sync::{Arc, Mutex};

use cpis::client::Limits;
use cpis::hub::store::EndedBy;

use super::proxy::{Act, Cut, Gate, Proxy, answer};
use super::signing_in::{Scripted, as_it_is};
use super::town::{AMELIA, Town};

/// Minutes after which an access token has expired.
const EXPIRED: i64 = 11 * 60;

fn states(town: &Town) -> Vec<String> {
    let db = rusqlite::Connection::open(town.demonstration.database()).unwrap();
    let mut statement =
        db.prepare("SELECT coalesce(ended_by, 'goes on') FROM session ORDER BY begun_ms").unwrap();
    let states = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>();
    states.unwrap()
}

#[test]
fn a_session_is_renewed_and_nobody_sees_it() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    for _ in 0..5 {
        assert!(desk.look_up(AMELIA).starts_with("Alert"));
        desk.new_search();
        town.pass(EXPIRED);
    }
    assert_eq!(states(&town), ["goes on"]);
}

#[test]
fn a_renewal_that_is_cut_at_whatever_step_is_asked_for_again_and_the_session_goes_on() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    let acts: [fn() -> Act; 9] = [
        || Act::CutRequest(0),
        || Act::CutRequest(40),
        || Act::CutUnheard,
        || Act::CutAnswer(Cut::Nothing),
        || Act::CutAnswer(Cut::StatusLine),
        || Act::CutAnswer(Cut::InsideHeaders),
        || Act::CutAnswer(Cut::Headers),
        || Act::CutAnswer(Cut::Body(0.5)),
        || Act::CutAnswer(Cut::AllButTheLastByte),
    ];
    for (step, act) in acts.into_iter().enumerate() {
        assert!(desk.look_up(AMELIA).starts_with("Alert"), "before step {step}");
        desk.new_search();
        town.pass(EXPIRED);
        proxy.on("/token", move |before| if before == 0 { act() } else { Act::Pass });
        assert!(desk.look_up(AMELIA).starts_with("Alert"), "step {step}");
        assert!(proxy.asked() >= 2, "step {step}: {}", proxy.asked());
        assert_eq!(states(&town), ["goes on"], "step {step}");
        proxy.heal();
        desk.new_search();
    }
}

#[test]
fn a_session_that_was_ended_at_the_hub_is_over_in_one_sentence() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    desk.new_search();
    desk.type_into("NHS number", AMELIA.0);
    desk.type_into("Date of birth", AMELIA.1);
    // Ten hours are over: nothing renews it.
    town.pass(11 * 60 * 60);
    let said = desk.wait_for("Your session has ended because it has lasted as long as a session may");
    assert!(said.contains("Nothing of the patient is left here. Sign in again to go on; what you had typed"));
    // The stream may say so before the hub has written it down.
    desk.until("the session's end at the hub", |_| (states(&town) == ["over"]).then_some(()));
    // The half-typed search comes back for the same nurse.
    assert_eq!(desk.text_with("999"), None, "{}", desk.tree());
    desk.sign_in("Sam Okafor");
    assert_eq!(desk.field("NHS number"), AMELIA.0);
    assert_eq!(desk.field("Date of birth"), AMELIA.1);
}

#[test]
fn whatever_meets_it_a_session_that_is_over_leaves_nothing_of_the_patient_anywhere() {
    for what in ["check again", "copy", "history"] {
        let town = Town::new();
        let proxy = Proxy::before(town.demonstration.address());
        let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
        if what == "history" {
            proxy.on("GET /cpis/FHIR/R4/AuditEvent", |_| Act::Say(answer(503, "text/plain", "")));
        }
        assert!(desk.look_up(AMELIA).starts_with("Alert"));
        desk.press("Copy summary");
        desk.until("the copy", |desk| desk.clipboard.text());
        // What would have said it by itself says nothing.
        proxy.silence_events(true);
        end(&town);
        match what {
            "check again" => desk.key(eframe::egui::Key::F5),
            "copy" => desk.press("Copy 01632"),
            _ => {}
        }
        proxy.heal();
        if what == "history" {
            // It is asked by the viewer itself, within five seconds: whoever touches it hears what came of that.
            desk.stay(std::time::Duration::from_secs(6));
            assert_eq!(desk.text_with("Your session has ended"), None);
            desk.key(eframe::egui::Key::F1);
        }
        desk.wait_for("Your session has ended. Nothing of the patient is left here");
        let (tree, painted) = (desk.tree(), desk.painted());
        for trace in ["HART", "Amelia", "999 000 0018", "14-Jul-2019", "Child Protection Plan"] {
            assert!(!tree.contains(trace) && !painted.contains(trace), "{what}: {trace}");
        }
        assert_eq!(desk.clipboard.text(), None, "{what}");
        desk.sign_in("Dr Priya Nair");
        assert_eq!(desk.field("NHS number"), "", "{what}");
    }
}

#[test]
fn what_the_viewer_asks_again_by_itself_renews_nothing() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    proxy.on("GET /cpis/FHIR/R4/AuditEvent", |_| Act::Say(answer(503, "text/plain", "")));
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    desk.until("the first failure", |_| (proxy.asked() > 0).then_some(()));
    town.pass(EXPIRED);
    proxy.heal();
    let renewed = || town.book().column("SELECT hex(current) || rotated_ms FROM session", []);
    let before = renewed();
    desk.stay(std::time::Duration::from_secs(20));
    assert_eq!(renewed(), before, "nobody has done anything");
    // Whoever is there renews, and goes on.
    desk.key(eframe::egui::Key::F1);
    desk.until("the renewal", |_| (renewed() != before).then_some(()));
    assert_eq!(states(&town), ["goes on"]);
}

/// Ends the one session at the hub, from elsewhere.
fn end(town: &Town) {
    let db = rusqlite::Connection::open(town.demonstration.database()).unwrap();
    let session: String =
        db.query_row("SELECT id FROM session WHERE ended_ms IS NULL", [], |row| row.get(0)).unwrap();
    town.call(town.demonstration.hub().end_session(&session, EndedBy::Provider)).unwrap();
}

#[test]
fn a_renewal_goes_on_although_who_asked_for_it_has_given_up() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let limits = Limits { whole: std::time::Duration::from_secs(2), ..Limits::default() };
    let mut desk = town.desk_before(&proxy.address(), limits).nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    desk.new_search();
    town.pass(EXPIRED);
    // The hub gives the next tokens, and three times nobody hears of it: longer than any question waits.
    proxy.on("/token", |before| if before < 3 { Act::Hold(Gate::default()) } else { Act::Pass });
    desk.ask(AMELIA);
    desk.wait_for("Could not check: the CP-IS service did not answer in time");
    desk.until("the renewal", |_| (proxy.asked() >= 4).then_some(()));
    proxy.heal();
    desk.key(eframe::egui::Key::Enter);
    desk.wait_for(super::desk::NOT_OPENED);
    assert_eq!(states(&town), ["goes on"]);
}

#[test]
fn a_renewal_that_hangs_holds_up_nothing_while_the_token_is_good() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    // Half a minute is left of the token, and the viewer learns so with this answer.
    town.pass(9 * 60 + 30);
    proxy.on("/token", |_| Act::Hold(Gate::default()));
    for _ in 0..3 {
        assert!(desk.look_up(AMELIA).starts_with("Alert"));
        desk.new_search();
    }
    assert!(proxy.asked() > 0, "the next token was asked for");
    assert_eq!(states(&town), ["goes on"]);
}

#[test]
fn signing_out_does_not_wait_for_a_renewal_that_hangs() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    town.pass(9 * 60 + 30);
    proxy.on("/token", |_| Act::Hold(Gate::default()));
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    desk.new_search();
    desk.ask(AMELIA);
    desk.until("a renewal", |_| (proxy.asked() > 0).then_some(()));
    let begun = std::time::Instant::now();
    desk.press("Sign out");
    desk.until("the hub to hear of it", |_| (states(&town) == ["signed-out"]).then_some(()));
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn signing_out_and_closing_end_the_session_at_the_hub() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.press("Sign out");
    desk.until("the hub to hear of it", |_| (states(&town) == ["signed-out"]).then_some(()));
    desk.sign_in("Dr Priya Nair");
    desk.close();
    assert_eq!(states(&town), ["signed-out", "signed-out"]);
}

#[test]
fn a_session_that_the_viewer_gives_up_itself_opens_no_page_in_the_browser() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let seen: Arc<Mutex<(String, Vec<String>)>> = Arc::default();
    let browser = Scripted { is_there: true, does: as_it_is, seen: Arc::clone(&seen) };
    let mut desk = town.desk_browsing(&proxy.address(), Arc::new(browser)).nurse();
    town.pass(EXPIRED);
    // The hub gives the next tokens, and for so long nobody hears of it that it would take this one for a copy.
    proxy.on("/token", |_| Act::CutAnswer(Cut::Nothing));
    desk.ask(AMELIA);
    desk.stay(std::time::Duration::from_secs(52));
    // Whatever asks next meets it; where nothing has, they do.
    if desk.text_with("Your session has ended").is_none() {
        desk.key(eframe::egui::Key::Enter);
    }
    desk.wait_for("Your session has ended");
    desk.until("the hub to hear of it", |_| (states(&town) == ["signed-out"]).then_some(()));
    // Whatever it opens is open by then.
    desk.close_and_hear();
    let opened = seen.lock().unwrap().0.clone();
    assert!(opened.contains("/authorize?"), "{opened}");
}
