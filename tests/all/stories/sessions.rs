//! A session goes on while somebody works, whatever is cut on the way, and ends at the hub when they leave.

use cpis::client::Limits;

use super::proxy::{Act, Cut, Proxy};
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
    // Ten hours are over: nothing renews it.
    town.pass(11 * 60 * 60);
    desk.ask(AMELIA);
    desk.wait_for("Could not check: your session has ended");
    assert_eq!(states(&town), ["over"]);
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
