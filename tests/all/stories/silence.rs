//! Answers that never end, and hubs that are not there: given up within the time limit, as *Could not check*.

use std::time::{Duration, Instant};

use cpis::client::Limits;
use eframe::egui::Key;

use super::desk::OPEN;
use super::faults::{MAYBE, NO_ANSWER, ONCE_MORE, PLANS, check};
use super::proxy::{Act, Cut, Gate, Proxy};
use super::town::{ISLA, Town};

/// The headers of an answer that goes on for longer than anybody waits.
fn head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: 1000000\r\n\r\n".to_vec()
}

const EXPECTED: [&str; 4] =
    ["Could not check: the CP-IS service did not answer in time", NO_ANSWER, ONCE_MORE, MAYBE];

const SHORT: Limits = Limits {
    connect: Duration::from_millis(500),
    whole: Duration::from_millis(900),
    body_bytes: 2 * 1024 * 1024,
};

#[test]
fn h9_an_answer_that_never_ends_is_given_up_within_the_time_limit() {
    // Once with the limits of the field, which are eight seconds.
    let limits = Limits::default();
    assert_eq!((limits.connect, limits.whole), (Duration::from_secs(2), Duration::from_secs(8)));
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), limits).nurse();
    proxy.on(PLANS, |_| Act::Drip(head()));
    desk.find_patient(ISLA);
    let asked = Instant::now();
    desk.open();
    check("never ends", &desk, asked, limits.whole, &EXPECTED);
}

fn never_ends(name: &str, act: fn() -> Act) {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), SHORT).nurse();
    proxy.on(PLANS, move |_| act());
    desk.find_patient(ISLA);
    let asked = Instant::now();
    desk.press(OPEN);
    desk.wait_for("Asking CP-IS");
    desk.wait_for_answer();
    check(name, &desk, asked, SHORT.whole, &EXPECTED);
    let asked = Instant::now();
    desk.check_again();
    check(&format!("{name}, again"), &desk, asked, SHORT.whole, &EXPECTED);
    desk.new_search();
    proxy.on("/Patient", move |_| act());
    let asked = Instant::now();
    desk.ask(ISLA);
    desk.wait_for_answer();
    check(&format!("{name}, at the search"), &desk, asked, SHORT.whole, &EXPECTED[..3]);
}

#[test]
fn h9_neither_headers_nor_body_nor_silence_keep_the_viewer_waiting() {
    never_ends("headers that never end", || Act::Drip(b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec()));
    never_ends("a body that never ends", || Act::Drip(head()));
    never_ends("silence", || Act::Hold(Gate::default()));
    // Cut, and then silence: both tries together keep to the limit.
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), SHORT).nurse();
    proxy.on(PLANS, |before| if before == 0 { Act::CutAnswer(Cut::Headers) } else { Act::Drip(head()) });
    desk.find_patient(ISLA);
    let asked = Instant::now();
    desk.open();
    check("cut, then silence", &desk, asked, SHORT.whole, &EXPECTED);
}

#[test]
fn h9_a_hub_that_is_down_or_not_there_is_could_not_check_at_every_step() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    let down = ["Could not check: there is no connection to the CP-IS service", NO_ANSWER, ONCE_MORE];
    desk.find_patient(ISLA);
    desk.moment();
    proxy.listen(false);
    for key in [Key::Enter, Key::F5] {
        let asked = Instant::now();
        desk.key(key);
        desk.wait_for_answer();
        check("down", &desk, asked, Limits::default().whole, &down);
    }
    desk.new_search();
    let asked = Instant::now();
    desk.ask(ISLA);
    desk.wait_for_answer();
    check("down since the search", &desk, asked, Limits::default().whole, &down);
    proxy.listen(true);
    desk.new_search();
    assert!(desk.look_up(ISLA).starts_with("Nothing held"));

    // Where it never was, nobody is signed in, and it is said why.
    let elsewhere = [
        ("https://no-such-hub.invalid:1".to_owned(), "the CP-IS service's name was not found on the network"),
        (
            town.demonstration.address().replace("http", "https"),
            "the connection to the CP-IS service is not secure, so it was not used",
        ),
        ("http://127.0.0.1:1".to_owned(), "there is no connection to the CP-IS service"),
    ];
    for (address, cause) in elsewhere {
        let mut desk = town.desk_before(&address, Limits::default());
        desk.press("Sign in as Sam Okafor,");
        desk.wait_for(&format!("You are not signed in: {cause}"));
    }
}
