//! While somebody is signed in, hub and session say that they are there. Where they fall silent, what is open is covered
//! until they are back; what ends the session elsewhere is seen here within two seconds.

use std::time::{Duration, Instant};

use cpis::client::Limits;
use cpis::hub::store::EndedBy;
use eframe::egui::Key;

use super::desk::Desk;
use super::proxy::Proxy;
use super::town::{AMELIA, Town};

/// Ten seconds, and what drawing it may take on a busy machine.
const COVERED: Duration = Duration::from_millis(10_500);

const LOST: &str = "Connection to the hub lost";
const TRACES: [&str; 5] = ["HART", "Amelia", "999 000 0018", "14-Jul-2019", "Child Protection Plan"];

fn session(town: &Town) -> String {
    let db = rusqlite::Connection::open(town.demonstration.database()).unwrap();
    db.query_row("SELECT id FROM session WHERE ended_ms IS NULL", [], |row| row.get(0)).unwrap()
}

fn shows_nothing(desk: &Desk) {
    let (tree, painted) = (desk.tree(), desk.painted());
    for trace in TRACES {
        assert!(!tree.contains(trace) && !painted.contains(trace), "{trace}:\n{tree}");
    }
}

#[test]
fn what_ends_a_session_elsewhere_clears_the_record_within_two_seconds_and_says_why() {
    for (by, words) in [
        (EndedBy::OtherKey, "because somebody else tried to use it: tell your IT help desk"),
        (EndedBy::Idle, "because nothing was done in it for too long"),
    ] {
        let town = Town::new();
        let mut desk = town.desk().nurse();
        assert!(desk.look_up(AMELIA).starts_with("Alert"));
        desk.wait_for("Opened by");
        // Nothing is asked meanwhile that could have met it.
        let begun = Instant::now();
        town.call(town.demonstration.hub().end_session(&session(&town), by)).unwrap();
        desk.until("the end", |desk| desk.text("Your session has ended"));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert!(desk.text_with(words).is_some(), "{}", desk.tree());
        shows_nothing(&desk);
    }
}

#[test]
fn a_stream_that_falls_silent_covers_nothing_while_the_hub_answers() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    // Every socket stays open.
    proxy.silence_events(true);
    for _ in 0..4 {
        desk.stay(Duration::from_secs(5));
        assert!(desk.headline().unwrap().starts_with("Alert"));
    }
}

#[test]
fn where_nothing_is_heard_the_record_is_covered_after_ten_seconds_and_comes_back_by_itself() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    let before = town.book().newest();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    proxy.silence_events(true);
    proxy.listen(false);
    let begun = Instant::now();
    desk.until("the cover", |desk| desk.text(LOST));
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(4) && took < COVERED, "{took:?}");
    desk.rest();
    shows_nothing(&desk);
    // No key brings it back: it only says who shows it again.
    desk.key(Key::F8);
    shows_nothing(&desk);
    desk.key(Key::F8);
    shows_nothing(&desk);
    proxy.silence_events(false);
    proxy.listen(true);
    desk.until("the record", |desk| desk.headline());
    assert!(desk.headline().unwrap().starts_with("Alert"));
    assert_eq!(town.book().views_after(before).len(), 1, "nothing was opened a second time");
}

#[test]
fn while_it_is_covered_the_session_may_end_and_then_nothing_comes_back() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    proxy.listen(false);
    desk.until("the cover", |desk| desk.text(LOST));
    town.call(town.demonstration.hub().end_session(&session(&town), EndedBy::Provider)).unwrap();
    proxy.listen(true);
    desk.stay(Duration::from_secs(5));
    shows_nothing(&desk);
    assert_eq!(
        desk.text_with("Your session has ended"),
        None,
        "that would be a renewal that nobody asked for"
    );
    // Whoever touches it hears why.
    desk.key(Key::F1);
    desk.until("the end", |desk| desk.text("Your session has ended"));
    shows_nothing(&desk);
}

#[test]
fn a_stream_that_is_cut_and_comes_back_at_once_is_seen_by_nobody() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    for _ in 0..3 {
        proxy.listen(false);
        proxy.listen(true);
        desk.stay(Duration::from_millis(4500));
        assert!(desk.headline().unwrap().starts_with("Alert"));
    }
}

#[test]
fn a_smartcard_that_is_taken_out_clears_the_record_within_two_seconds_and_somebody_elses_does_not() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    desk.wait_for("Opened by");
    town.call(town.demonstration.card_taken_out(1));
    desk.stay(Duration::from_secs(1));
    assert!(desk.headline().unwrap().starts_with("Alert"));
    // From before the provider's logout token is on its way to the hub.
    let begun = Instant::now();
    town.call(town.demonstration.card_taken_out(0));
    desk.until("the end", |desk| {
        desk.text_with("because your organisation signed you out, as when a smartcard is taken out")
    });
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    shows_nothing(&desk);
}
