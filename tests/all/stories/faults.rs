//! What the viewer says when the hub fails, in every way a hub can fail: the right one of the five answers,
//! in the same words each time, within its time limit. "Nothing held" is never one of them.

use std::time::{Duration, Instant};

use cpis::client::Limits;
use eframe::egui::accesskit::Role;
use serde_json::{Value, json};

use super::desk::Desk;
use super::proxy::{Act, Cut, Message, Proxy, answer};
use super::town::{AMELIA, ISLA, Town, Who, ZARA};

pub(super) const NO_ANSWER: &str = "You do not have an answer. Treat it as unknown, never as no plan";
pub(super) const ONCE_MORE: &str = "Try once more";
pub(super) const TELL_IT: &str =
    "Try once more; if it stays so, tell your IT help desk what this says: IT service desk, 01632 960220";
pub(super) const MAYBE: &str = "This view may already have been recorded";
const ASK_NURSE: &str = "Ask the nurse in charge or your safeguarding lead to check for you";

/// Beyond the viewer's own limit: drawing, and a machine that does other things.
const MARGIN: Duration = Duration::from_millis(2500);

/// The requests that are views.
pub(super) const PLANS: &str = "/CareTeam";

/// What happens to a request.
type Broken = fn() -> Act;

/// What is said of a failure, what to do about it, and whether the view may have been recorded.
type Said = (&'static str, &'static str, bool);

const BROKE: Said = ("the connection broke before the whole answer was here", ONCE_MORE, true);
const REFUSED: Said = ("the CP-IS service refused: your role may not do this", ASK_NURSE, false);
const NOT_ACCEPTED: Said = ("the CP-IS service did not accept the question", TELL_IT, false);
const LATE: Said = ("the CP-IS service did not answer in time", ONCE_MORE, true);
const BUSY: Said = ("the CP-IS service is too busy", ONCE_MORE, false);
const TOO_OFTEN: Said = (
    "you have asked the CP-IS service too often in a short time",
    "Wait 40 minutes, then try once more",
    false,
);
const BY_NUMBER: &str = "To find a patient meanwhile, use the NHS number";
const FAULT: Said = ("the CP-IS service has a fault", ONCE_MORE, true);
const TOO_LARGE: Said = ("the answer was far too large to be one", TELL_IT, true);
const UNREADABLE: Said = ("the answer could not be read", ONCE_MORE, true);
const NO_TIME: Said = ("the answer did not say when it was made", ONCE_MORE, true);

/// How an answer fails, whatever was asked.
const FAULTS: &[(&str, Broken, Said)] = &[
    ("cut at once", || Act::CutAnswer(Cut::Nothing), BROKE),
    ("a body cut half-way", || Act::CutAnswer(Cut::Body(0.5)), BROKE),
    ("not HTTP", || Act::Say(b"220 mail.example.org ESMTP\r\n".to_vec()), BROKE),
    ("401 that says nothing of the token", || outcome(401, "ACCESS_DENIED"), NOT_ACCEPTED),
    ("403", || outcome(403, "ACCESS_DENIED"), REFUSED),
    ("400", || outcome(400, "INVALID_VALUE"), NOT_ACCEPTED),
    ("404 of something else", || page(404, "Not found"), FAULT),
    ("408", || outcome(408, "UNABLE_TO_CALL_SERVICE"), LATE),
    ("429", || outcome_and(429, "TOO_MANY_REQUESTS", "retry-after: 2400\r\n"), TOO_OFTEN),
    ("429 of a gateway", || page(429, "Slow down"), FAULT),
    ("503", || outcome(503, "UNABLE_TO_CALL_SERVICE"), BUSY),
    ("503 of a gateway", || page(503, "Unavailable"), FAULT),
    ("500", || outcome(500, "UNABLE_TO_CALL_SERVICE"), FAULT),
    ("502 of a gateway", || page(502, "Bad gateway"), FAULT),
    ("302 to a login page", || Act::Say(b"HTTP/1.1 302 Found\r\nlocation: /login\r\n\r\n".to_vec()), FAULT),
    ("10 MB of rubbish", || rubbish("content-length: 10485760\r\n"), TOO_LARGE),
    ("10 MB of rubbish, without saying so", || rubbish(""), TOO_LARGE),
    ("an HTML page", || page(200, "Welcome to the guest network"), UNREADABLE),
    ("nothing at all", || Act::Say(answer(200, "application/fhir+json", "")), UNREADABLE),
    ("204", || Act::Say(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()), UNREADABLE),
    ("not FHIR", || Act::Say(answer(200, "application/json", r#"{"plans":[],"total":0}"#)), UNREADABLE),
    ("an outcome with 200", || outcome(200, "UNABLE_TO_CALL_SERVICE"), UNREADABLE),
    ("no date", || change(|message| message.without("date")), NO_TIME),
    ("a date that is none", || change(|message| message.with("date", "today")), NO_TIME),
];

const BROKEN_ONE: &str =
    "1 record could not be read: ring Wexcombe Borough Council, children's services, 01632 960101";
const BROKEN_TOO: &str =
    "1 record could not be read: ring the local authority named here, and ask what else is held";

const COULD_NOT: &[&str] = &["Could not check: 1 record could not be read", NO_ANSWER, BROKEN_ONE, ONCE_MORE];
const UNKNOWN: &[&str] = &["Alert: plan of a kind this viewer does not know"];
const PROTECTED: &[&str] = &["Alert: Child Protection Plan", BROKEN_TOO];
const LOOKED_AFTER: &[&str] = &["Alert: Looked After Child", BROKEN_TOO];
const BOTH: &[&str] = &[
    "Alert: Child Protection Plan, and a Looked After Child",
    "Two local authorities hold plans: ring both",
];
const ANOTHER: &[&str] = &[
    "Could not check: the answer was about another person, so it is not shown",
    NO_ANSWER,
    ONCE_MORE,
    MAYBE,
];
const NO_REFERENCE: &[&str] = &[
    "Could not check: the answer did not say under which reference this view was recorded",
    NO_ANSWER,
    ONCE_MORE,
    MAYBE,
];

/// How an answer about plans can be partly right: what changes in it, and the whole of what is shown. Of Zara's
/// two plans the first entry is the child protection plan.
const PARTLY: &[(&str, Who, Broken, &[&str])] = &[
    ("one unreadable entry", AMELIA, || with("/entry/0/resource/resourceType", json!("Flag")), COULD_NOT),
    ("an entry without a resource", AMELIA, || with("/entry/0/resource", Value::Null), COULD_NOT),
    ("total 1, and nothing", ISLA, || with("/total", json!(1)), COULD_NOT),
    ("no total, and nothing", ISLA, || with("/total", Value::Null), COULD_NOT),
    ("another page, and nothing", ISLA, || with("/link", json!([{ "relation": "next" }])), COULD_NOT),
    ("total 2, and one", AMELIA, || with("/total", json!(2)), PROTECTED),
    ("an unknown plan code", AMELIA, || with(CODE, json!("999")), UNKNOWN),
    ("no dates", AMELIA, || with("/entry/0/resource/period", Value::Null), UNKNOWN),
    ("two plans, one broken", ZARA, || with("/entry/0/resource/period/start", json!("soon")), LOOKED_AFTER),
    ("two plans, the other broken", ZARA, || with("/entry/1/resource/telecom", json!("none")), PROTECTED),
    ("two plans, one another child's", ZARA, || with(SECOND_CHILD, json!("9990000018")), PROTECTED),
    ("another child's plan", AMELIA, || with(CHILD, json!("9990000034")), ANOTHER),
    ("no access reference", AMELIA, || change(|message| message.without("x-access-reference")), NO_REFERENCE),
    ("a reference that is none", ISLA, || change(|m| m.with("x-access-reference", "<b>")), NO_REFERENCE),
    ("nothing wrong", ZARA, || Act::Pass, BOTH),
];

const CODE: &str = "/entry/0/resource/category/0/coding/0/code";
const CHILD: &str = "/entry/0/resource/subject/identifier/value";
const SECOND_CHILD: &str = "/entry/1/resource/subject/identifier/value";

fn change(change: impl FnOnce(&mut Message) + Send + 'static) -> Act {
    Act::Change(Box::new(change))
}

/// The hub's answer with another value at this place.
fn with(place: &'static str, value: Value) -> Act {
    change(move |message| {
        message.json(|body| {
            let (parent, key) = place.rsplit_once('/').unwrap();
            let parent = body.pointer_mut(parent).unwrap();
            match key.parse::<usize>() {
                Ok(index) => parent[index] = value,
                Err(_) => parent[key] = value,
            }
        });
    })
}

fn page(status: u16, words: &str) -> Act {
    Act::Say(answer(status, "text/html", &format!("<html><body>{words}</body></html>")))
}

fn rubbish(header: &str) -> Act {
    let mut bytes = format!("HTTP/1.1 200 OK\r\n{header}\r\n").into_bytes();
    bytes.resize(bytes.len() + 10 * 1024 * 1024, b'x');
    Act::Say(bytes)
}

fn outcome(status: u16, code: &str) -> Act {
    outcome_and(status, code, "")
}

/// With a header more.
fn outcome_and(status: u16, code: &str, header: &str) -> Act {
    let body = json!({ "resourceType": "OperationOutcome",
        "issue": [{ "severity": "error", "code": "x", "details": { "coding": [{ "code": code }] } }] });
    let kind = format!("application/fhir+json\r\n{header}");
    Act::Say(answer(status, kind.trim_end(), &body.to_string()))
}

/// Holds that the answer is here in time, is the expected one, and is none of the reassuring ones.
#[track_caller]
pub(super) fn check(name: &str, desk: &Desk, asked: Instant, limit: Duration, expected: &[&str]) {
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
    let asked = Instant::now();
    desk.open();
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
        for (name, act, (cause, remedy, maybe)) in faults {
            proxy.on(PLANS, move |_| act());
            let headline = format!("Could not check: {cause}");
            let mut expected = vec![headline.as_str(), NO_ANSWER, remedy];
            expected.extend(maybe.then_some(MAYBE));
            // Nothing is held for Isla: a failure must not look like that answer.
            view_fails(&town, &mut desk, name, ISLA, &expected);
        }
    }
}

#[test]
fn h9_an_answer_that_is_partly_readable_is_an_alert_or_could_not_check() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for (name, who, act, expected) in PARTLY {
        proxy.on(PLANS, move |_| act());
        view_fails(&town, &mut desk, name, *who, expected);
    }
}

#[test]
fn h6_a_search_that_fails_is_could_not_check_and_never_nobody_found() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for (name, act, (cause, remedy, _)) in FAULTS {
        proxy.on("/Patient", move |_| act());
        let headline = format!("Could not check: {cause}");
        for by_name in [true, false] {
            let mut expected = vec![headline.as_str(), NO_ANSWER, remedy];
            expected.extend((by_name && *name == "429").then_some(BY_NUMBER));
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
    let unreadable = |_| with("/entry/0/resource/resourceType", json!("Flag"));
    proxy.on("/Patient", unreadable);
    desk.ask_by_name("Hart", AMELIA.1);
    assert_eq!(desk.wait_for_answer(), "Could not check: the answer could not be read");
    desk.new_search();
    proxy.on("/Patient", unreadable);
    desk.type_into("Family name", "Brown");
    desk.type_into("Date of birth", "May 2020");
    desk.press_role(Role::RadioButton, "Female");
    desk.press("Find patient");
    desk.wait_for(
        "1 person found. Choose by name, date of birth and NHS number. 1 more was found that cannot be shown",
    );
    assert_eq!(desk.candidates().len(), 1);
}

#[test]
fn h9_a_history_that_fails_says_nothing_about_earlier_visits() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    for (name, act, (cause, _, _)) in FAULTS {
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
