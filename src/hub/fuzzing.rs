//! What must hold of the hub's own parsers, whatever arrives (see [`crate::fuzzing`]).

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::headers::{self, TraceHeaders, ViewHeaders};
use super::load::{self, LoadedPerson, LoadedPlan, Read};
use super::{limits, own, proven, query};
use crate::domain::{Caller, ContactMode, Deceased, Gender, HeldPlan, Person, PersonName, Site};
use crate::fhir::{codes, write};
use crate::fuzzing::{assert_discreet, assert_is_a_number};

pub(crate) use super::provider::fuzzing::{claims, logout, offers};
pub(crate) use super::signin::fuzzing::{authorize, cookies};

/// Percent-encodes everything.
fn encoded(pairs: &[(String, String)]) -> String {
    let text = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    pairs.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect::<Vec<_>>().join("&")
}

pub(crate) fn search(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let found = match query::person(Some(text)) {
        Ok(found) => found,
        Err(error) => return assert_discreet(&format!("{error:?}"), text),
    };
    assert!(found.given.len() <= limits::GIVEN_WORDS);
    assert!((1..=limits::SEARCH_RESULTS_MOST).contains(&found.most));
    assert!(found.born.0 <= found.born.1);
    assert_eq!(format!("{found:?}"), "PersonQuery(hidden)");
    let pairs = query::pairs(Some(text)).unwrap_or_default();
    assert!(query::person(Some(&encoded(&pairs))) == Ok(found), "a search asked again");
}

pub(crate) fn patient(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for includes in [false, true] {
        match query::patient(Some(text), includes) {
            Ok(number) => {
                assert_is_a_number(number);
                let again = format!("patient:identifier={}%7C{}", codes::NHS_NUMBER, number.digits());
                assert!(query::patient(Some(&again), includes) == Ok(number), "a number asked again");
            }
            Err(error) => assert_discreet(&format!("{error:?}"), text),
        }
    }
}

/// Each line is a header: its name, a colon, its value.
pub(crate) fn headers(data: &[u8]) {
    let mut map = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(limits::HEADER_COUNT) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else {
            continue;
        };
        map.append(name, value);
    }
    let text = String::from_utf8_lossy(data);
    match ViewHeaders::read(&map) {
        Ok(view) => {
            assert!(!view.trace.is_nil() && view.trace.to_string().len() == 36);
            assert!(text.to_lowercase().contains(&view.trace.to_string()), "a TraceID that nobody sent");
        }
        Err(error) => assert_discreet(&format!("{error:?}"), &text),
    }
    match TraceHeaders::read(&map) {
        Ok(trace) => {
            assert!(!trace.request.is_nil());
            let sent = text.to_lowercase().contains(&trace.request.to_string());
            assert!(sent, "an X-Request-ID that nobody sent");
        }
        Err(error) => assert_discreet(&format!("{error:?}"), &text),
    }
    match headers::site(&map, &sites(), &caller()) {
        Ok(site) => assert!(site.is_none_or(|site| site.organisation_code == caller().organisation_code)),
        Err(error) => assert_discreet(&format!("{error:?}"), &text),
    }
    for value in map.values().filter_map(|value| value.to_str().ok()) {
        if let Some((_, token)) = proven::shown_token(value) {
            assert!(!token.is_empty() && token.len() <= limits::TOKEN_BYTES && token.trim() == token);
        }
    }
}

fn sites() -> Vec<Site> {
    let site = |id: &str, code: &str| Site {
        id: id.to_owned(),
        organisation_code: code.to_owned(),
        setting: "Emergency department".to_owned(),
        name: "Great Western Hospital".to_owned(),
        department: String::new(),
        call_back: None,
        contact: ContactMode::InPerson,
    };
    vec![site("ed", "RN3"), site("ped", "RN3"), site("ed", "RA9"), site("walk-in", "RA9")]
}

fn caller() -> Caller {
    Caller {
        user: "1".to_owned(),
        name: "Sam Okafor".to_owned(),
        role: "Staff nurse".to_owned(),
        role_profile: "2".to_owned(),
        organisation_code: "RN3".to_owned(),
        organisation: "Great Western Hospital".to_owned(),
        activities: Vec::new(),
        session: "s".to_owned(),
        client: None,
    }
}

pub(crate) fn body(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match own::report_in(data) {
        Ok((_, reference)) => assert!((4..=40).contains(&reference.as_str().len())),
        Err(error) => assert_discreet(&format!("{error:?}"), &text),
    }
    if let Err(error) = own::care_setting_in(data) {
        assert_discreet(&format!("{error:?}"), &text);
    }
}

pub(crate) fn load(data: &[u8]) {
    for (number, line) in (1..).zip(data.split(|byte| *byte == b'\n')) {
        match load::read_line(number, line) {
            Ok(Read::Nothing) => {}
            Ok(Read::Person(person)) if person.is_ended => assert_is_a_number(person.number),
            Ok(Read::Person(person)) => assert_person_is_read_again(&person),
            Ok(Read::Superseded(link)) => [link.old, link.new].into_iter().for_each(assert_is_a_number),
            Ok(Read::Plan(plan)) => assert_plan_is_read_again(&plan),
            Err(why) => assert_discreet(&why, &String::from_utf8_lossy(line)),
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        // Every line that says something is one unit, wherever its turn is.
        let said = text.lines().filter(|line| !line.as_bytes().trim_ascii().is_empty()).count();
        let units = load::units_of(text).map_or(0, |units| units);
        assert!(units <= 2 * said, "units that no line is behind");
    }
}

fn assert_person_is_read_again(read: &LoadedPerson) {
    assert_is_a_number(read.number);
    let name = read.name.clone().unwrap_or_default();
    if name.family.is_empty() && name.given.is_empty() && name != PersonName::default() {
        return;
    }
    let person = Person {
        number: read.number,
        name,
        born: read.born,
        gender: read.gender.unwrap_or(Gender::Unknown),
        multiple_birth: read.multiple_birth,
        deceased: read.deceased.unwrap_or(Deceased::No),
        restricted: read.restricted == Some(true),
    };
    let line = serde_json::to_string(&write::patient(&person, read.postcode.as_deref())).unwrap_or_default();
    let Ok(Read::Person(again)) = load::read_line(1, line.as_bytes()) else {
        return assert!(line.len() > limits::LOAD_LINE_BYTES, "a person that is not read again");
    };
    assert_eq!((again.number, again.born), (read.number, read.born));
    assert!(again.name.clone().unwrap_or_default() == person.name, "a name read again");
    assert_eq!(again.gender, Some(person.gender));
    assert_eq!(again.multiple_birth, read.multiple_birth);
    assert_eq!(again.deceased.unwrap_or(Deceased::No), person.deceased);
    assert_eq!(again.restricted, Some(person.restricted));
    assert!(person.restricted || again.postcode == read.postcode, "a postcode read again");
}

fn assert_plan_is_read_again(read: &LoadedPlan) {
    assert_is_a_number(read.number);
    assert!(read.period.end.is_none_or(|end| end >= read.period.start));
    assert!(!read.authority_code.is_empty() && !read.authority.name.is_empty() && !read.local_id.is_empty());
    let person = Person {
        number: read.number,
        name: PersonName::default(),
        born: None,
        gender: Gender::Unknown,
        multiple_birth: None,
        deceased: Deceased::No,
        restricted: false,
    };
    let plan = HeldPlan {
        kind: Some(read.kind),
        period: Some(read.period),
        authority: read.authority.clone(),
        sent: read.sent_ms.and_then(|sent| Timestamp::from_millisecond(sent).ok()),
    };
    let bundle = write::plans(&person, &[("plan".to_owned(), plan)], Timestamp::UNIX_EPOCH);
    let Some(entry) = bundle.entry.into_iter().next() else { return };
    let mut line = entry.resource;
    if let Some(parts) = line.as_object_mut() {
        let identifier = serde_json::json!([{ "system": codes::LOCAL_ID, "value": read.local_id }]);
        parts.insert("identifier".to_owned(), identifier);
    }
    let Ok(Read::Plan(again)) = load::read_line(1, line.to_string().as_bytes()) else {
        return assert!(line.to_string().len() > limits::LOAD_LINE_BYTES, "a plan that is not read again");
    };
    assert_eq!((again.number, again.kind, again.period), (read.number, read.kind, read.period));
    assert_eq!((&again.authority_code, &again.local_id), (&read.authority_code, &read.local_id));
    assert_eq!((&again.authority, again.sent_ms), (&read.authority, read.sent_ms));
}
