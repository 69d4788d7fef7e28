//! The connection is cut at every step of a view: the clinician ends with an answer or with *Could not check*,
//! and social care with exactly one notification.

use std::thread::sleep;
use std::time::Duration;

use cpis::client::Limits;

use super::book::Entry;
use super::desk::Desk;
use super::proxy::{Act, Cut, Proxy};
use super::town::{Town, ZARA};

const PLANS: &str = "/CareTeam";
const MAYBE: &str = "This view may already have been recorded";
const ALERT: &str = "Alert: Child Protection Plan, and a Looked After Child";

type Step = (&'static str, fn() -> Act);

/// Every step after the connection is there. (A port where nobody listens is its own story below.)
const STEPS: &[Step] = &[
    ("connected, and nothing of the request passed on", || Act::CutRequest(0)),
    ("after 1 byte of the request", || Act::CutRequest(1)),
    ("within the request's first line", || Act::CutRequest(40)),
    ("within the request's headers", || Act::CutRequest(300)),
    ("after all but the last byte of the request", || Act::CutRequest(usize::MAX)),
    ("after the request, before the hub has answered", || Act::CutUnheard),
    ("before the answer", || Act::CutAnswer(Cut::Nothing)),
    ("after the status line", || Act::CutAnswer(Cut::StatusLine)),
    ("inside the headers", || Act::CutAnswer(Cut::InsideHeaders)),
    ("after the headers", || Act::CutAnswer(Cut::Headers)),
    ("a tenth into the body", || Act::CutAnswer(Cut::Body(0.1))),
    ("half-way into the body", || Act::CutAnswer(Cut::Body(0.5))),
    ("nine tenths into the body", || Act::CutAnswer(Cut::Body(0.9))),
    ("after all but the last byte", || Act::CutAnswer(Cut::AllButTheLastByte)),
];

/// What the hub has written of the view, once it has had the time to.
fn written(town: &Town, since: i64) -> Vec<Entry> {
    sleep(Duration::from_millis(100));
    town.book().views_after(since)
}

/// One view under one TraceID, one row of history, and each authority told once.
fn check_told_once(step: &str, town: &Town, since: i64) {
    let views = written(town, since);
    let [view] = views.as_slice() else { panic!("{step}: {views:?}") };
    assert_eq!(view.histories, 1, "{step}");
    assert_eq!(view.told, ["Northmoor County Council", "Wexcombe Borough Council"], "{step}");
    assert_eq!(view.told_earlier, Vec::<String>::new(), "{step}");
    let book = town.book();
    let asked = book
        .column("SELECT kind FROM audit WHERE request = ?1 AND kind LIKE '%view' ORDER BY id", [&view.trace]);
    assert_eq!(asked.first().map(String::as_str), Some("view"), "{step}: {asked:?}");
    assert!(asked.iter().skip(1).all(|kind| kind == "repeated-view"), "{step}: {asked:?}");
}

/// Where the view is on disk, a screen without an answer says that it may be.
fn check_says_so(step: &str, town: &Town, desk: &Desk, since: i64) {
    let is_recorded = !written(town, since).is_empty();
    let says_so = desk.text(MAYBE).is_some();
    assert!(says_so || !is_recorded, "{step}: recorded, and the screen does not say so:\n{}", desk.tree());
}

/// Half an hour later, so that what was told for one step is not "told earlier" for the next.
fn later(town: &Town) -> i64 {
    town.pass(31 * 60);
    town.book().newest()
}

#[test]
fn h19_a_connection_that_is_cut_once_ends_with_an_answer_and_one_notification() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for (step, act) in STEPS {
        let since = later(&town);
        proxy.on(PLANS, move |before| if before == 0 { act() } else { Act::Pass });
        assert_eq!(desk.look_up(ZARA), ALERT, "{step}");
        assert_eq!(proxy.asked(), 2, "{step}");
        check_told_once(step, &town, since);
        desk.new_search();
    }
}

#[test]
fn h18_h19_a_connection_that_is_cut_twice_is_could_not_check_and_then_heals_with_one_notification() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for (step, act) in STEPS {
        let since = later(&town);
        proxy.on(PLANS, move |_| act());
        let headline = desk.look_up(ZARA);
        assert_eq!(
            headline, "Could not check: the connection broke before the whole answer was here",
            "{step}"
        );
        check_says_so(step, &town, &desk, since);
        proxy.heal();
        assert_eq!(desk.check_again(), ALERT, "{step}");
        assert_eq!(desk.text(MAYBE), None, "{step}");
        check_told_once(step, &town, since);
        desk.new_search();
    }
}

#[test]
fn h18_h19_a_hub_that_goes_away_in_the_middle_of_a_view_heals_with_one_notification() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();

    // Nobody listens from the start.
    let since = later(&town);
    desk.find_patient(ZARA);
    proxy.listen(false);
    assert_eq!(desk.open(), "Could not check: there is no connection to the CP-IS service");
    check_says_so("port closed", &town, &desk, since);
    assert_eq!(written(&town, since), []);
    proxy.listen(true);
    assert_eq!(desk.check_again(), ALERT);
    check_told_once("port closed", &town, since);
    desk.new_search();

    // The hub records, its answer is cut, and what comes next is of every other kind.
    type Second = (&'static str, fn() -> Act);
    let seconds: &[Second] = &[
        ("then refused", || say(403)),
        ("then not allowed", || say(401)),
        ("then too busy", || say(429)),
        ("then unavailable", || say(503)),
        ("then not accepted", || say(400)),
        ("then a fault", || say(500)),
    ];
    for (step, second) in seconds {
        let since = later(&town);
        proxy.on(PLANS, move |before| if before == 0 { Act::CutAnswer(Cut::Headers) } else { second() });
        assert!(desk.look_up(ZARA).starts_with("Could not check"), "{step}");
        assert_eq!(written(&town, since).len(), 1, "{step}");
        check_says_so(step, &town, &desk, since);
        proxy.heal();
        assert_eq!(desk.check_again(), ALERT, "{step}");
        check_told_once(step, &town, since);
        desk.new_search();
    }
}

fn say(status: u16) -> Act {
    Act::Say(super::proxy::answer(status, "text/plain", ""))
}

#[test]
fn h19_a_connection_that_has_grown_cold_is_not_a_second_view() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    let since = later(&town);
    // What served the search is kept open, and is dead when the view goes out on it.
    // The first search is refused, since the hub's nonce is of half an hour ago; that connection the hub closes itself.
    proxy.on("/Patient", |before| if before == 0 { Act::Pass } else { Act::Linger });
    assert_eq!(desk.look_up(ZARA), ALERT);
    check_told_once("grown cold", &town, since);
}

#[test]
fn checking_again_after_an_answer_is_a_view_of_its_own() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    let since = later(&town);
    // Straight to the hub, which keeps connections open: the same one serves everything, again and again.
    assert_eq!(desk.look_up(ZARA), ALERT);
    check_told_once("kept open", &town, since);
    desk.wait_for("Opened by");
    assert_eq!(desk.check_again(), ALERT);
    let views = written(&town, since);
    assert_eq!((views.len(), views[1].told.len(), views[1].told_earlier.len()), (2, 0, 2));
    assert_ne!(views[0].trace, views[1].trace);
}
