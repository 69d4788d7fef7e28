//! From notifications to a document.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::codes::{self, ATTENDANCE, CONTACT, NOTICE, NUMBER, ORDER, REFERENCE};
use super::{CHARACTERS, Event, Heading, InactiveNumber, Item, Mark, NotOver, Notice};
use crate::domain::NhsNumber;
use crate::fhir::codes::{LOCAL_ID, NHS_NUMBER, ODS_CODE};

/// Writes a document with some notifications, or none.
#[must_use]
pub fn write(heading: &Heading, notices: &[Notice], created: Timestamp) -> Vec<u8> {
    let said = notices.iter().map(|notice| (&notice.mark, communication(heading, notice)));
    written(heading, said, created)
}

/// The same of all that may be told. Of what is not readable number and id are said, so that a person hears of it.
#[must_use]
pub fn write_items(heading: &Heading, items: &[Item], created: Timestamp) -> Vec<u8> {
    let said = items.iter().map(|item| {
        let said = match item {
            Item::Notice(notice) => communication(heading, notice),
            Item::Inactive(notice) => of_number(heading, notice),
            Item::Unreadable(mark, _) => unreadable(mark),
        };
        (item.mark(), said)
    });
    written(heading, said, created)
}

fn written<'a>(
    heading: &Heading,
    said: impl Iterator<Item = (&'a Mark, Value)>,
    created: Timestamp,
) -> Vec<u8> {
    let mut entries = vec![entry("MessageHeader", "0", message(heading))];
    entries.extend(said.map(|(mark, said)| entry("Communication", mark.id.as_str(), said)));
    bundle(entries, created)
}

fn unreadable(mark: &Mark) -> Value {
    json!({
        "resourceType": "Communication",
        "id": mark.id.as_str(),
        "extension": [integer(NUMBER, mark.number)],
        "identifier": [identified(NOTICE, mark.id.as_str())],
        "status": "entered-in-error",
    })
}

/// A message as bytes. FHIR knows no empty texts, lists and objects: what is not known is left out.
pub(super) fn bundle(entries: Vec<Value>, created: Timestamp) -> Vec<u8> {
    let document = json!({
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": created.to_string(),
        "entry": entries,
    });
    let mut document = document;
    prune(&mut document);
    document.to_string().into_bytes()
}

fn prune(value: &mut Value) {
    match value {
        Value::Object(parts) => {
            parts.values_mut().for_each(prune);
            parts.retain(|_, part| !is_empty(part));
        }
        Value::Array(parts) => {
            parts.iter_mut().for_each(prune);
            parts.retain(|part| !is_empty(part));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(parts) => parts.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

pub(super) fn entry(kind: &str, id: &str, resource: Value) -> Value {
    json!({ "fullUrl": format!("https://fhir.cpis.example/notice/{kind}/{id}"), "resource": resource })
}

/// The first entry of a message.
pub(super) fn header(event: &str, endpoint: &str, to: Option<String>, extension: Vec<Value>) -> Value {
    json!({
        "resourceType": "MessageHeader",
        "id": "0",
        "extension": extension,
        "eventCoding": { "system": codes::MESSAGE, "code": event },
        "destination": to.map(|to| vec![json!({ "endpoint": to })]),
        "source": { "version": env!("CARGO_PKG_VERSION"), "endpoint": endpoint },
        "definition": format!("{}|{}", codes::NOTICE_DEFINITION, codes::VERSION),
    })
}

/// An authority's link as an address.
pub(super) fn link(authority_code: &str) -> String {
    format!("urn:cpis:authority:{authority_code}")
}

fn message(heading: &Heading) -> Value {
    let mut extension = vec![integer(codes::LAST_NUMBER, heading.last)];
    if let Some(Mark { number, id }) = &heading.unfiled {
        extension.push(json!({
            "url": codes::FIRST_UNFILED,
            "extension": [integer(NUMBER, *number), { "url": NOTICE, "valueString": id.as_str() }],
        }));
    }
    if let Some(NotOver { without_receipt, on_list }) = heading.not_over {
        extension.push(json!({
            "url": codes::NOT_OVER,
            "extension": [integer(codes::WITHOUT_RECEIPT, without_receipt), integer(codes::ON_LIST, on_list)],
        }));
    }
    header(codes::IS_NOTICE, &heading.source, Some(link(&heading.authority_code)), extension)
}

pub(super) fn integer(url: &str, value: u32) -> Value {
    json!({ "url": url, "valueInteger": value })
}

pub(super) fn identified(system: &str, value: &str) -> Value {
    json!({ "system": system, "value": value })
}

pub(super) fn category(code: &str) -> Value {
    json!([{ "coding": [{ "system": codes::NOTICE_KIND, "code": code }] }])
}

fn communication(heading: &Heading, notice: &Notice) -> Value {
    let mut extension = vec![
        integer(NUMBER, notice.mark.number),
        json!({ "url": ORDER, "valueCode": if notice.is_first { "first" } else { "repeat" } }),
        json!({ "url": ATTENDANCE, "valueString": notice.attendance.as_str() }),
    ];
    let mut contained = vec![child(notice.number, &notice.local_id), viewer(notice)];
    if let Some(place) = &notice.place {
        contained.push(json!({
            "resourceType": "Location",
            "id": "place",
            "name": cut(&place.site),
            "description": cut(&place.department),
            "type": [{ "text": cut(&place.setting) }],
            "telecom": place.call_back.as_ref().map(|number| vec![json!({ "system": "phone", "value": cut(number) })]),
        }));
        extension.push(json!({ "url": CONTACT, "valueCode": place.contact.code() }));
    }
    let event = match notice.event {
        Event::Opened => codes::OPENED,
        Event::OpenedInError => codes::OPENED_IN_ERROR,
    };
    json!({
        "resourceType": "Communication",
        "id": notice.mark.id.as_str(),
        "contained": contained,
        "extension": extension,
        "identifier": [
            identified(NOTICE, notice.mark.id.as_str()),
            identified(REFERENCE, notice.reference.as_str()),
        ],
        "status": "completed",
        "category": category(event),
        "subject": { "reference": "#child" },
        "about": about(heading, notice.upload),
        "sent": notice.at.to_string(),
        "sender": { "reference": "#viewer" },
    })
}

/// The file from which the plan is.
fn about(heading: &Heading, upload: Option<u32>) -> Value {
    let upload = upload.map(|sequence| format!("{}/{sequence}", heading.authority_code));
    json!(upload.map(|upload| vec![json!({ "identifier": identified(codes::UPLOAD_ID, &upload) })]))
}

fn of_number(heading: &Heading, notice: &InactiveNumber) -> Value {
    let mut extension = vec![integer(NUMBER, notice.mark.number)];
    let event = match notice.replaced_by {
        Some(number) => {
            extension.push(json!({ "url": codes::REPLACED_BY, "valueString": number.digits() }));
            codes::NUMBER_SUPERSEDED
        }
        None => codes::NUMBER_ENDED,
    };
    json!({
        "resourceType": "Communication",
        "id": notice.mark.id.as_str(),
        "contained": [child(notice.number, &notice.local_id)],
        "extension": extension,
        "identifier": [identified(NOTICE, notice.mark.id.as_str())],
        "status": "completed",
        "category": category(event),
        "subject": { "reference": "#child" },
        "about": about(heading, notice.upload),
        "sent": notice.at.to_string(),
    })
}

/// A text as it travels: no page may be so long, whatever is configured somewhere, that the link cannot take it.
fn cut(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn child(number: NhsNumber, local_id: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "id": "child",
        "identifier": [
            identified(NHS_NUMBER, &number.digits()),
            identified(LOCAL_ID, local_id),
        ],
    })
}

fn viewer(notice: &Notice) -> Value {
    json!({
        "resourceType": "PractitionerRole",
        "id": "viewer",
        "practitioner": { "display": cut(&notice.name) },
        "organization": {
            "identifier": identified(ODS_CODE, &notice.organisation_code),
            "display": cut(&notice.organisation),
        },
        "code": [{ "text": cut(&notice.role) }],
        "location": notice.place.as_ref().map(|_| vec![json!({ "reference": "#place" })]),
    })
}
