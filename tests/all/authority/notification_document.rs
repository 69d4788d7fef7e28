//! The manual's chapter on hearing of accesses is true: its examples are what the program writes and reads, and its schema
//! takes them and refuses what the reader does not take for a notification.

use cpis::domain::{AccessReference, ContactMode, NhsNumber};
use cpis::exchange::notice::{
    self, Event, Heading, InactiveNumber, Item, Mark, NotOver, Notice, NoticeId, Outcome, Place, Receipt,
    Receipts,
};
use serde_json::Value;

use super::schema::complaints;

const SCHEMA: &str = include_str!("../../../src/manual/notification-schema.json");
const NOTIFICATION: &str = include_str!("../../../src/manual/notification-example.json");
const NUMBER: &str = include_str!("../../../src/manual/number-example.json");
const RECEIPT_SCHEMA: &str = include_str!("../../../src/manual/receipt-schema.json");
const RECEIPT: &str = include_str!("../../../src/manual/receipt-example.json");

fn mark() -> Mark {
    Mark { number: 214, id: NoticeId::parse("5f0c1b7e9a2d4c68b3e1f7a09d5c2e84").unwrap() }
}

fn example() -> Vec<u8> {
    let heading = Heading {
        source: "https://hub.example".to_owned(),
        authority_code: "E06000030".to_owned(),
        last: 214,
        unfiled: Some(mark()),
        not_over: Some(NotOver { without_receipt: 1, on_list: 0 }),
    };
    let reference = AccessReference::parse("7KQM-4T2X").unwrap();
    let notice = Notice {
        mark: mark(),
        event: Event::Opened,
        at: "2026-11-22T02:14:00Z".parse().unwrap(),
        attendance: reference.clone(),
        reference,
        is_first: true,
        number: NhsNumber::synthetic(1),
        local_id: "4711".to_owned(),
        upload: Some(17),
        name: "Sam Okafor".to_owned(),
        role: "Staff nurse".to_owned(),
        organisation: "Great Western Hospitals NHS Foundation Trust".to_owned(),
        organisation_code: "RN3".to_owned(),
        place: Some(Place {
            setting: "Emergency department".to_owned(),
            site: "Great Western Hospital".to_owned(),
            department: "Emergency department".to_owned(),
            call_back: Some("01793 604 020".to_owned()),
            contact: ContactMode::InPerson,
        }),
    };
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    let written = notice::write(&heading, &[notice], "2026-11-22T02:14:05Z".parse().unwrap());
    String::from_utf8(written).unwrap().replace(&version, "\"version\":\"0.1.0\"").into_bytes()
}

/// Of a superseded number, or of one whose identity ended.
fn example_of_a_number(replaced_by: Option<NhsNumber>) -> Vec<u8> {
    let heading = Heading {
        source: "https://hub.example".to_owned(),
        authority_code: "E06000030".to_owned(),
        last: 214,
        unfiled: Some(mark()),
        not_over: None,
    };
    let at = "2026-11-22T02:14:05Z".parse().unwrap();
    let notice = Item::Inactive(Box::new(InactiveNumber {
        mark: mark(),
        at,
        number: NhsNumber::synthetic(1),
        local_id: "4711".to_owned(),
        upload: Some(17),
        replaced_by,
    }));
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    let written = notice::write_items(&heading, &[notice], at);
    String::from_utf8(written).unwrap().replace(&version, "\"version\":\"0.1.0\"").into_bytes()
}

#[test]
fn h3_the_schema_takes_a_notice_of_a_number_and_refuses_one_that_joins_what_has_ended_with_another() {
    let schema = json(SCHEMA.as_bytes());
    let superseded = json(&example_of_a_number(Some(NhsNumber::synthetic(2))));
    let ended = json(&example_of_a_number(None));
    let is_taken = |document: &Value| {
        let (_, items) = notice::read(document.to_string().as_bytes()).unwrap();
        matches!(items.as_slice(), [Item::Inactive(_)])
    };
    for document in [&superseded, &ended] {
        assert_eq!(complaints(&schema, document), Vec::<String>::new());
        assert!(is_taken(document));
    }
    let code = "/entry/1/resource/category/0/coding/0/code";
    for (document, other) in
        [(&superseded, "number-ended"), (&ended, "number-superseded"), (&ended, "opened")]
    {
        let mut wrong = document.clone();
        *wrong.pointer_mut(code).unwrap() = other.into();
        assert!(!complaints(&schema, &wrong).is_empty(), "the schema takes {other}");
        assert!(!is_taken(&wrong), "the reader takes {other}");
    }
    for part in ["contained", "category", "sent", "extension"] {
        let mut wrong = superseded.clone();
        wrong.pointer_mut("/entry/1/resource").unwrap().as_object_mut().unwrap().remove(part);
        assert!(!complaints(&schema, &wrong).is_empty(), "the schema takes one without {part}");
        assert!(
            notice::read(wrong.to_string().as_bytes()).is_err() || !is_taken(&wrong),
            "the reader: {part}"
        );
    }
}

fn example_of_a_receipt() -> Vec<u8> {
    let at = "2026-11-22T02:14:06Z".parse().unwrap();
    let receipt = Receipt { mark: mark(), outcome: Outcome::Documented, at };
    notice::write_receipts(&Receipts { authority_code: "E06000030".to_owned(), receipts: vec![receipt] }, at)
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap()
}

#[test]
fn the_examples_are_what_the_program_writes() {
    let number = example_of_a_number(Some(NhsNumber::synthetic(2)));
    for (written, manual) in [(example(), NOTIFICATION), (number, NUMBER), (example_of_a_receipt(), RECEIPT)]
    {
        let pretty = serde_json::to_string_pretty(&json(&written)).unwrap();
        assert_eq!(json(manual.as_bytes()), json(&written), "write this:\n{pretty}");
    }
    assert!(is_taken(&json(NOTIFICATION.as_bytes())));
    assert_eq!(notice::read_receipts(RECEIPT.as_bytes()).unwrap().receipts.len(), 1);
}

/// Whether all of it is read.
fn is_taken(document: &Value) -> bool {
    let read = notice::read(document.to_string().as_bytes());
    read.is_ok_and(|(_, items)| items.len() == 1 && items.iter().all(|item| matches!(item, Item::Notice(_))))
}

#[test]
fn the_schema_takes_the_example_and_refuses_what_the_reader_does_not_take() {
    let (schema, document) = (json(SCHEMA.as_bytes()), json(NOTIFICATION.as_bytes()));
    assert_eq!(complaints(&schema, &document), Vec::<String>::new());
    let check = |pointer: &str, change: &dyn Fn(&mut Value)| {
        let mut broken = document.clone();
        change(broken.pointer_mut(pointer).unwrap());
        assert!(!complaints(&schema, &broken).is_empty(), "the schema takes {pointer}");
        assert!(!is_taken(&broken), "the reader takes {pointer}");
    };
    let remove =
        |name: &'static str| move |value: &mut Value| drop(value.as_object_mut().unwrap().remove(name));
    check("/type", &|value| *value = "batch".into());
    check("/entry", &|value| value.as_array_mut().unwrap().clear());
    let header = "/entry/0/resource";
    for part in ["extension", "eventCoding", "destination", "definition"] {
        check(header, &remove(part));
    }
    check(&format!("{header}/definition"), &|value| *value = "another".into());
    let said = "/entry/1/resource";
    for part in ["contained", "extension", "identifier", "category", "sent"] {
        check(said, &remove(part));
    }
    check(&format!("{said}/extension/1/valueCode"), &|value| *value = "second".into());
    check(&format!("{said}/category/0/coding/0/code"), &|value| *value = "closed".into());
    check(&format!("{said}/contained/0"), &remove("identifier"));
    check(&format!("{said}/contained"), &|value| value.as_array_mut().unwrap().truncate(1));
}

#[test]
fn the_schema_of_receipts_takes_each_outcome_and_refuses_what_the_reader_does_not_take() {
    let schema = json(RECEIPT_SCHEMA.as_bytes());
    let at = "2026-11-22T02:14:06Z".parse().unwrap();
    let written = |outcome| {
        let receipts = vec![Receipt { mark: mark(), outcome, at }];
        json(&notice::write_receipts(&Receipts { authority_code: "E06000030".to_owned(), receipts }, at))
    };
    for outcome in [Outcome::Documented, Outcome::Triage, Outcome::DealtWith] {
        let document = written(outcome);
        assert_eq!(complaints(&schema, &document), Vec::<String>::new());
        let code = &document["entry"][1]["resource"]["category"][0]["coding"][0]["code"];
        assert_eq!(code, outcome.code());
        assert_eq!(
            notice::read_receipts(document.to_string().as_bytes()).unwrap().receipts[0].outcome,
            outcome
        );
    }
    let check = |pointer: &str, to: Value| {
        let mut broken = written(Outcome::DealtWith);
        *broken.pointer_mut(pointer).unwrap() = to;
        assert!(!complaints(&schema, &broken).is_empty(), "the schema takes {pointer}");
        assert!(notice::read_receipts(broken.to_string().as_bytes()).is_err(), "the reader takes {pointer}");
    };
    let said = "/entry/1/resource";
    check(&format!("{said}/category/0/coding/0/code"), "seen".into());
    check(&format!("{said}/status"), "unknown".into());
    check(&format!("{said}/inResponseTo"), serde_json::json!([]));
    check(&format!("{said}/extension"), serde_json::json!([]));
    check("/entry/0/resource/eventCoding/code", "access-notification".into());
}
