//! What the viewer says when the hub fails, in every way a hub can fail: the right one of the five answers,
//! in the same words each time, within its time limit. "Nothing held" is never one of them.

use std::time::{Duration, Instant};

use cpis::client::Limits;
use eframe::egui::Key;
use serde_json::{Value, json};

use super::desk::{AMELIA, Desk, ISLA, Town, Who, ZARA};
use super::proxy::{Act, Cut, Gate, Message, Proxy, answer};

const NO_ANSWER: &str = "You do not have an answer. Treat it as unknown, never as no plan";
const ONCE_MORE: &str = "Try once more";
const TELL_IT: &str = "Try once more; if it stays so, tell your IT help desk what this says";
const MAYBE: &str = "This view may already have been recorded";
/// Beyond the viewer's own limit: drawing, and a machine that does other things.
const MARGIN: Duration = Duration::from_millis(1500);

const PLANS: &str = "/CareTeam";

fn change(change: impl FnOnce(&mut Message) + Send + 'static) -> Act {
    Act::Change(Box::new(change))
}

fn bundle(changed: impl FnOnce(&mut Value) + Send + 'static) -> Act {
    change(|message| message.json(changed))
}

fn head(length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/fhir+json\r\ncontent-length: {length}\r\n\r\n")
        .into_bytes()
}

fn rubbish() -> Act {
    let length = 10 * 1024 * 1024;
    let mut bytes = head(length);
    bytes.resize(bytes.len() + length, b'x');
    Act::Say(bytes)
}

fn outcome(status: u16, code: &str) -> Act {
    let body = json!({ "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": "x", "details": { "coding": [{ "code": code }] } }] });
    Act::Say(answer(status, "application/fhir+json", &body.to_string()))
}

/// How an answer fails, whatever was asked: its name, what happens, the words for it, what to do about it, and
/// whether the view may have been recorded.
type Fault = (&'static str, fn() -> Act, &'static str, &'static str, bool);

const SIGN_IN: &str = "Sign out, sign in again and search again";
const ASK_NURSE: &str = "Ask the nurse in charge or your safeguarding lead to check for you";

const FAULTS: &[Fault] = &[
    (
        "cut at once",
        || Act::CutAnswer(Cut::Nothing),
        "the connection broke before the whole answer was here",
        ONCE_MORE,
        true,
    ),
    (
        "a body cut half-way",
        || Act::CutAnswer(Cut::Body(0.5)),
        "the connection broke before the whole answer was here",
        ONCE_MORE,
        true,
    ),
    (
        "not HTTP",
        || Act::Say(b"220 mail.example.org ESMTP\r\n".to_vec()),
        "the connection broke before the whole answer was here",
        ONCE_MORE,
        true,
    ),
    ("401", || outcome(401, "ACCESS_DENIED"), "your session has ended", SIGN_IN, false),
    ("403", || outcome(403, "ACCESS_DENIED"), "the hub refused: your role may not do this", ASK_NURSE, false),
    (
        "404 of something else",
        || Act::Say(answer(404, "text/html", "<html>Not found</html>")),
        "the hub has a fault",
        ONCE_MORE,
        true,
    ),
    ("400", || outcome(400, "INVALID_VALUE"), "the hub did not accept the question", TELL_IT, false),
    ("408", || outcome(408, "UNABLE_TO_CALL_SERVICE"), "the hub did not answer in time", ONCE_MORE, true),
    ("429", || outcome(429, "TOO_MANY_REQUESTS"), "the hub is too busy", ONCE_MORE, false),
    ("500", || outcome(500, "UNABLE_TO_CALL_SERVICE"), "the hub has a fault", ONCE_MORE, true),
    (
        "502 of a gateway",
        || Act::Say(answer(502, "text/html", "<html>Bad gateway</html>")),
        "the hub has a fault",
        ONCE_MORE,
        true,
    ),
    (
        "302 to a login page",
        || {
            Act::Say(
                b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec(),
            )
        },
        "the hub has a fault",
        ONCE_MORE,
        true,
    ),
    ("10 MB of rubbish", rubbish, "the answer was far too large to be one", TELL_IT, true),
    (
        "an HTML page",
        || Act::Say(answer(200, "text/html", "<html><body>Welcome to the guest network</body></html>")),
        "the answer could not be read",
        ONCE_MORE,
        true,
    ),
    (
        "nothing at all",
        || Act::Say(answer(200, "application/fhir+json", "")),
        "the answer could not be read",
        ONCE_MORE,
        true,
    ),
    (
        "204",
        || Act::Say(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        "the answer could not be read",
        ONCE_MORE,
        true,
    ),
    (
        "JSON that is not FHIR",
        || Act::Say(answer(200, "application/json", r#"{"plans":[],"total":0}"#)),
        "the answer could not be read",
        ONCE_MORE,
        true,
    ),
    (
        "an outcome with 200",
        || outcome(200, "UNABLE_TO_CALL_SERVICE"),
        "the answer could not be read",
        ONCE_MORE,
        true,
    ),
    (
        "no date",
        || change(|message| message.without("date")),
        "the answer did not say when it was made",
        ONCE_MORE,
        true,
    ),
    (
        "a date that is none",
        || change(|message| message.with("date", "today")),
        "the answer did not say when it was made",
        ONCE_MORE,
        true,
    ),
];

/// Holds that the answer is here in time, is the expected one, and is none of the reassuring ones.
#[track_caller]
fn check(name: &str, desk: &Desk, asked: Instant, limit: Duration, expected: &[&str]) {
    let waited = asked.elapsed();
    assert_eq!(desk.answer(), expected, "{name}");
    assert!(waited < limit + MARGIN, "{name}: the answer took {waited:?}");
    assert_eq!(desk.text("Nothing held"), None, "{name}");
    let sentence = "Could not check. You do not have an answer";
    if expected[0].starts_with("Could not check") {
        assert!(desk.text(sentence).is_some(), "{name}: not announced:\n{}", desk.tree());
    }
}

/// Opens, and checks again: the same words both times.
fn view_fails(town: &Town, desk: &mut Desk, name: &str, who: Who, expected: &[&str]) {
    // Later: what was told for the last fault is not "told earlier" for this one.
    town.pass(31 * 60);
    desk.find_patient(who);
    desk.moment();
    let asked = Instant::now();
    desk.key(Key::Enter);
    desk.wait_for_answer();
    check(name, desk, asked, Limits::default().whole, expected);
    let asked = Instant::now();
    desk.check_again();
    check(&format!("{name}, again"), desk, asked, Limits::default().whole, expected);
    desk.new_search();
}

#[test]
fn h9_a_hub_failure_is_shown_as_could_not_check_never_as_nothing_held() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    for faults in FAULTS.chunks(12) {
        // A token lasts ten hours, and half an hour passes for each.
        let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
        for (name, act, cause, remedy, maybe) in faults {
            proxy.on(PLANS, move |_| act());
            let headline = format!("Could not check: {cause}");
            let mut expected = vec![headline.as_str(), NO_ANSWER, remedy];
            expected.extend(maybe.then_some(MAYBE));
            // Nothing is held for Isla: a failure must not look like that answer.
            view_fails(&town, &mut desk, name, ISLA, &expected);
        }
    }
}

const BROKEN_ONE: &str =
    "1 record could not be read: ring Wexcombe Borough Council, children's services, 01632 960101";
const BROKEN_TOO: &str =
    "1 record could not be read: ring the local authority below, and ask what else is held";
const COULD_NOT: &[&str] = &["Could not check: 1 record could not be read", NO_ANSWER, BROKEN_ONE, ONCE_MORE];
const BOTH: &str = "Two local authorities hold plans: ring both";

#[test]
fn h9_an_answer_that_is_partly_readable_is_an_alert_or_could_not_check() {
    type Case = (&'static str, Who, fn() -> Act, &'static [&'static str]);
    let cases: &[Case] = &[
        (
            "one unreadable entry",
            AMELIA,
            || bundle(|b| b["entry"][0]["resource"] = json!({ "resourceType": "Flag" })),
            COULD_NOT,
        ),
        (
            "an entry without a resource",
            AMELIA,
            || bundle(|b| b["entry"][0] = json!({ "fullUrl": "x" })),
            COULD_NOT,
        ),
        ("total 1, and nothing", ISLA, || bundle(|b| b["total"] = json!(1)), COULD_NOT),
        ("no total, and nothing", ISLA, || bundle(|b| b["total"] = Value::Null), COULD_NOT),
        (
            "another page, and nothing",
            ISLA,
            || bundle(|b| b["link"] = json!([{ "relation": "next", "url": "x" }])),
            COULD_NOT,
        ),
        (
            "total 2, and one",
            AMELIA,
            || bundle(|b| b["total"] = json!(2)),
            &["Alert: Child Protection Plan", BROKEN_TOO],
        ),
        (
            "an unknown plan code",
            AMELIA,
            || bundle(|b| b["entry"][0]["resource"]["category"][0]["coding"][0]["code"] = json!("999")),
            &["Alert: plan of a kind this viewer does not know"],
        ),
        (
            "no dates",
            AMELIA,
            || bundle(|b| b["entry"][0]["resource"]["period"] = Value::Null),
            &["Alert: plan of a kind this viewer does not know"],
        ),
        (
            "two plans, one broken",
            ZARA,
            || bundle(|b| b["entry"][0]["resource"]["period"]["start"] = json!("2026-02-30")),
            &["Alert: Looked After Child", BROKEN_TOO],
        ),
        (
            "two plans, the other broken",
            ZARA,
            || bundle(|b| b["entry"][1]["resource"]["telecom"] = json!("none")),
            &["Alert: Child Protection Plan", BROKEN_TOO],
        ),
        (
            "two plans, one of them another child's",
            ZARA,
            || bundle(|b| b["entry"][1]["resource"]["subject"]["identifier"]["value"] = json!("9990000018")),
            &["Alert: Child Protection Plan", BROKEN_TOO],
        ),
        (
            "another child's plan",
            AMELIA,
            || bundle(|b| b["entry"][0]["resource"]["subject"]["identifier"]["value"] = json!("9990000034")),
            &[
                "Could not check: the answer was about another person, so it is not shown",
                NO_ANSWER,
                ONCE_MORE,
                MAYBE,
            ],
        ),
        (
            "no access reference",
            AMELIA,
            || change(|m| m.without("x-access-reference")),
            &[
                "Could not check: the answer did not say under which reference this view was recorded",
                NO_ANSWER,
                ONCE_MORE,
                MAYBE,
            ],
        ),
        (
            "an access reference that is none",
            ISLA,
            || change(|m| m.with("x-access-reference", "<b>")),
            &[
                "Could not check: the answer did not say under which reference this view was recorded",
                NO_ANSWER,
                ONCE_MORE,
                MAYBE,
            ],
        ),
        (
            "nothing wrong",
            ZARA,
            || Act::Pass,
            &["Alert: Child Protection Plan, and a Looked After Child", BOTH],
        ),
    ];
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for (name, who, act, expected) in cases {
        proxy.on(PLANS, move |_| act());
        view_fails(&town, &mut desk, name, *who, expected);
    }
}

#[test]
fn h6_a_search_that_fails_is_could_not_check_and_never_nobody_found() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for (name, act, cause, remedy, _) in FAULTS {
        proxy.on("/Patient", move |_| act());
        let headline = format!("Could not check: {cause}");
        let expected = [headline.as_str(), NO_ANSWER, remedy];
        for by_name in [true, false] {
            let asked = Instant::now();
            if by_name {
                desk.ask_by_name("Hart", AMELIA.1)
            } else {
                desk.ask(AMELIA)
            }
            desk.wait_for_answer();
            check(&format!("{name}, by name {by_name}"), &desk, asked, Limits::default().whole, &expected);
            let asked = Instant::now();
            desk.press("Search again");
            desk.wait_for_answer();
            check(
                &format!("{name}, by name {by_name}, again"),
                &desk,
                asked,
                Limits::default().whole,
                &expected,
            );
            assert_eq!(desk.text("No matching person"), None, "{name}");
            desk.new_search();
        }
    }
}

#[test]
fn h6_people_who_were_found_and_cannot_be_read_are_not_nobody() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    let unreadable = |_| bundle(|b| b["entry"][0]["resource"] = json!({ "resourceType": "Flag" }));
    proxy.on("/Patient", unreadable);
    desk.ask_by_name("Hart", AMELIA.1);
    assert_eq!(desk.wait_for_answer(), "Could not check: the answer could not be read");
    desk.new_search();
    proxy.on("/Patient", unreadable);
    desk.type_into("Family name", "Brown");
    desk.type_into("Date of birth", "May 2020");
    desk.press_role(eframe::egui::accesskit::Role::RadioButton, "Female");
    desk.press("Find patient");
    desk.wait_for(
        "1 person found. Choose by name, date of birth and NHS number. 1 more was found that cannot be shown",
    );
    assert_eq!(desk.candidates().len(), 1);
}

/// The whole of one view within these limits, for an answer that never ends.
fn never_ends(limits: Limits, act: fn() -> Act) {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), limits).nurse();
    proxy.on(PLANS, move |_| act());
    let expected = ["Could not check: the hub did not answer in time", NO_ANSWER, ONCE_MORE, MAYBE];
    desk.find_patient(ISLA);
    desk.moment();
    let asked = Instant::now();
    desk.key(Key::Enter);
    desk.wait_for("Asking CP-IS");
    desk.wait_for_answer();
    check("never ends", &desk, asked, limits.whole, &expected);
    let asked = Instant::now();
    desk.check_again();
    check("never ends, again", &desk, asked, limits.whole, &expected);
    desk.new_search();
    proxy.on("/Patient", move |_| act());
    let asked = Instant::now();
    desk.ask(ISLA);
    desk.wait_for_answer();
    check("a search that never ends", &desk, asked, limits.whole, &expected[..3]);
}

const SHORT: Limits = Limits {
    connect: Duration::from_millis(500),
    whole: Duration::from_millis(900),
    body_bytes: 2 * 1024 * 1024,
};

#[test]
fn h9_an_answer_that_never_ends_is_given_up_within_the_time_limit() {
    never_ends(Limits::default(), || Act::Drip(head(1_000_000)));
}

#[test]
fn h9_neither_headers_nor_silence_keep_the_viewer_waiting() {
    never_ends(SHORT, || Act::Drip(b"HTTP/1.1 200 OK\r\nx-slow: ".to_vec()));
    never_ends(SHORT, || Act::Hold(Gate::default()));
    // Cut, and then silence: both tries together keep to the limit.
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), SHORT).nurse();
    proxy.on(
        PLANS,
        |before| if before == 0 { Act::CutAnswer(Cut::Headers) } else { Act::Drip(head(1_000_000)) },
    );
    desk.find_patient(ISLA);
    desk.moment();
    let asked = Instant::now();
    desk.key(Key::Enter);
    desk.wait_for_answer();
    let expected = ["Could not check: the hub did not answer in time", NO_ANSWER, ONCE_MORE, MAYBE];
    check("cut, then silence", &desk, asked, SHORT.whole, &expected);
}

#[test]
fn h9_a_hub_that_is_down_or_not_there_is_could_not_check_at_every_step() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    let down = ["Could not check: there is no connection to the hub", NO_ANSWER, ONCE_MORE];
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

    // Signing in does not need the hub; what comes after says what is wrong.
    let elsewhere = [
        ("http://no-such-hub.invalid:1".to_owned(), "the hub's name was not found on the network", TELL_IT),
        (
            town.demonstration.address().replace("http", "https"),
            "the connection to the hub is not secure, so it was not used",
            TELL_IT,
        ),
        ("http://127.0.0.1:1".to_owned(), "there is no connection to the hub", ONCE_MORE),
    ];
    for (address, cause, remedy) in elsewhere {
        let mut desk = town.desk_before(&address, Limits::default()).nurse();
        let headline = format!("Could not check: {cause}");
        for _ in 0..2 {
            let asked = Instant::now();
            desk.ask(ISLA);
            desk.wait_for_answer();
            check(&address, &desk, asked, Limits::default().whole, &[&headline, NO_ANSWER, remedy]);
            desk.new_search();
        }
    }
}

#[test]
fn h9_a_history_that_fails_says_nothing_about_earlier_visits() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for (name, act, cause, _, _) in FAULTS {
        // Its reader does not need the date; and it is the answer's own clock that counts.
        if name.contains("date") {
            continue;
        }
        proxy.on("/AuditEvent", move |_| act());
        assert_eq!(desk.look_up(AMELIA), "Alert: Child Protection Plan", "{name}");
        desk.wait_for(&format!(
            "Who opened it before could not be shown: {cause}. This says nothing about earlier visits"
        ));
        assert_eq!(desk.text("Nobody else opened it"), None, "{name}");
        desk.new_search();
    }
}
