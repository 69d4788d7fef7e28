//! What is written is read again; what is not whole is not believed; what is wrong with a record stays with the record.

use std::ops::ControlFlow;

use jiff::civil::{Weekday, date, time};
use serde_json::{Value, json};

use super::*;
use crate::domain::{OfficeHours, Telephone};

fn header(records: u64) -> Header {
    let authority = Authority {
        name: "Wexcombe Council".to_owned(),
        code: Some("E06000030".to_owned()),
        office: Telephone::new("01793 466903"),
        emergency_duty: Telephone::new("01793 436699"),
        hours: Some(OfficeHours {
            days: vec![Weekday::Monday, Weekday::Friday],
            from: time(8, 30, 0, 0),
            to: time(17, 0, 0, 0),
        }),
        team: None,
    };
    Header {
        authority_code: "E06000030".to_owned(),
        authority,
        sequence: 17,
        records,
        previous: None,
        is_full: true,
    }
}

fn created() -> Timestamp {
    "2026-11-22T02:00:00Z".parse().unwrap()
}

fn record(seed: u64) -> Record {
    let team = TeamContact { name: "Court team".to_owned(), telephone: Telephone::new("01793 466904") };
    Record {
        number: NhsNumber::synthetic(seed),
        local_id: format!("local-{seed}"),
        family: "O'Brien".to_owned(),
        given: "Zoë Ann".to_owned(),
        born: Some(date(2019, 3, 12)),
        plans: vec![Plan {
            kind: PlanKind::LookedAfter,
            period: PlanPeriod { start: date(2026, 1, 5), end: Some(date(2026, 12, 1)) },
            team: Some(team),
        }],
        taken_back: vec![TakenBack {
            number: NhsNumber::synthetic(seed + 1000),
            kind: PlanKind::ChildProtection,
            start: date(2025, 1, 5),
            decided: date(2026, 11, 22),
        }],
        ended: vec![Ended {
            number: NhsNumber::synthetic(seed + 2000),
            kind: PlanKind::ChildProtection,
            start: date(2024, 1, 5),
            end: date(2024, 3, 5),
        }],
        without_team: vec![WithoutTeam {
            number: NhsNumber::synthetic(seed + 3000),
            kind: PlanKind::LookedAfter,
            start: date(2023, 1, 5),
        }],
    }
}

fn written(records: &[Record]) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), &header(records.len() as u64), created()).unwrap();
    for record in records {
        writer.record(record).unwrap();
    }
    writer.finish().unwrap()
}

#[derive(Default)]
struct Seen {
    headers: Vec<Header>,
    records: Vec<(u64, Result<Record, RecordFault>)>,
    most: Option<usize>,
}

impl Sink for Seen {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        self.headers.push(header.clone());
        ControlFlow::Continue(())
    }
    fn record(&mut self, place: u64, record: Result<Record, RecordFault>) -> ControlFlow<()> {
        self.records.push((place, record));
        if self.most == Some(self.records.len()) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn read_all(document: &[u8]) -> (Result<Document, DocumentFault>, Seen) {
    let mut seen = Seen::default();
    let read = read(document, &mut seen);
    (read, seen)
}

#[test]
fn what_is_written_is_read_again() {
    let records = [record(1), record(2), record(3)];
    let (document, seen) = read_all(&written(&records));
    assert_eq!(document, Ok(Document { header: header(3), created: created() }));
    assert_eq!(seen.headers, [header(3)]);
    let expected: Vec<_> = (1..).zip(records.iter().cloned().map(Ok)).collect();
    assert_eq!(seen.records, expected);
    assert_eq!(read_all(&written(&[])).0, Ok(Document { header: header(0), created: created() }));
    assert_eq!(format!("{:?}", record(1)), "Record(hidden)");
}

#[test]
fn a_document_that_is_cut_anywhere_is_not_believed() {
    let whole = written(&[record(1), record(2)]);
    let end = whole.trim_ascii_end().len();
    for at in 0..end {
        let (document, _) = read_all(&whole[..at]);
        assert!(matches!(document, Err(DocumentFault::NotABundle)), "{at}: {document:?}");
    }
    assert!(read_all(&whole[..end]).0.is_ok());
    let mut more = whole.clone();
    more.extend_from_slice(b"{}");
    assert_eq!(read_all(&more).0, Err(DocumentFault::NotABundle));
}

#[test]
fn another_number_of_records_than_was_said_is_a_corrupt_file() {
    let whole = String::from_utf8(written(&[record(1), record(2)])).unwrap();
    for (said, found) in [(1, 2), (3, 2)] {
        let turned = whole.replace("\"valueInteger\":2}", &format!("\"valueInteger\":{said}}}"));
        assert_ne!(turned, whole);
        let (document, seen) = read_all(turned.as_bytes());
        assert_eq!(document, Err(DocumentFault::Count { said, found }));
        assert!(seen.records.len() as u64 <= said);
    }
    let mut writer = Writer::begin(Vec::new(), &header(2), created()).unwrap();
    writer.record(&record(1)).unwrap();
    assert!(writer.finish().is_err(), "nor is one written");
}

fn changed(change: impl FnOnce(&mut Value)) -> (Result<Document, DocumentFault>, Seen) {
    let mut document: Value = serde_json::from_slice(&written(&[record(1), record(2)])).unwrap();
    change(&mut document);
    read_all(document.to_string().as_bytes())
}

#[test]
fn a_document_that_does_not_say_what_it_is_is_refused_with_its_code() {
    let check = |pointer: &str, value: Value, code: FileCode| {
        let (document, _) = changed(|whole| *whole.pointer_mut(pointer).unwrap() = value);
        let fault = document.unwrap_err();
        assert_eq!(fault.code(), code, "{pointer}: {fault}");
    };
    let head = "/entry/0/resource";
    check("/type", json!("collection"), FileCode::Corrupt);
    check("/resourceType", json!("Parameters"), FileCode::Corrupt);
    check("/timestamp", json!("yesterday"), FileCode::Corrupt);
    check(&format!("{head}/resourceType"), json!("Patient"), FileCode::Corrupt);
    check(&format!("{head}/eventCoding/code"), json!("notification"), FileCode::Corrupt);
    check(
        &format!("{head}/definition"),
        json!("https://fhir.cpis.example/MessageDefinition/upload|2"),
        FileCode::VersionNotSupported,
    );
    check(&format!("{head}/sender/reference"), json!("#nobody"), FileCode::Corrupt);
    check(&format!("{head}/contained/0/identifier/0/value"), json!("E06 / 30"), FileCode::Corrupt);
    check(&format!("{head}/contained/0/name"), json!(" "), FileCode::Corrupt);
    check(&format!("{head}/contained/0/telecom/0/value"), json!("\u{202e}3066"), FileCode::Corrupt);
    check(&format!("{head}/extension/0/valueInteger"), json!(0), FileCode::Corrupt);
    check(&format!("{head}/extension/0/valueInteger"), json!(4_294_967_295_u32), FileCode::Corrupt);
    check(&format!("{head}/extension/1/valueInteger"), json!(-1), FileCode::Corrupt);
    check(&format!("{head}/extension/1/valueInteger"), json!(9_000_000), FileCode::Corrupt);
    check(&format!("{head}/extension/2/valueBoolean"), json!(false), FileCode::Corrupt);
    let previous = |digest: &str| {
        let url = |name: &str| format!("https://fhir.cpis.example/StructureDefinition/previous-{name}");
        let (number, digest) = (
            json!({ "url": url("sequence-number"), "valueInteger": 16 }),
            json!({ "url": url("digest"), "valueString": digest }),
        );
        changed(|whole| {
            let extensions =
                whole.pointer_mut("/entry/0/resource/extension").unwrap().as_array_mut().unwrap();
            extensions.extend([number, digest]);
        })
        .0
    };
    assert_eq!(previous("short").unwrap_err().code(), FileCode::Corrupt);
    let named = previous(&"0a".repeat(32)).unwrap().header.previous.unwrap();
    assert_eq!((named.sequence, named.digest), (16, "0a".repeat(32)));
    check("/entry", json!([]), FileCode::Corrupt);
    check("/entry/1", json!({ "fullUrl": "no resource" }), FileCode::Corrupt);
}

#[test]
fn what_is_wrong_with_a_record_is_said_and_the_others_are_read() {
    let check = |pointer: &str, value: Value, code: RecordCode, said: &str| {
        let (document, seen) = changed(|whole| {
            let at = format!("/entry/1/resource{pointer}");
            let (parent, name) = at.rsplit_once('/').unwrap();
            let parent = whole.pointer_mut(parent).unwrap();
            match name.parse::<usize>() {
                Ok(place) => parent[place] = value,
                Err(_) => parent[name] = value,
            }
        });
        assert!(document.is_ok(), "{pointer}: {document:?}");
        let fault = seen.records[0].1.clone().unwrap_err();
        assert_eq!(fault.code, code, "{pointer}: {}", fault.why);
        assert!(fault.why.contains(said), "{pointer}: {}", fault.why);
        assert_eq!(seen.records[1], (2, Ok(record(2))));
    };
    let (patient, ends, held) = ("/entry/0/resource", "/entry/2/resource", "/entry/4/resource");
    let number = |place: &str| format!("{place}/identifier/0/value");
    check(&number(patient), json!("9000000001"), RecordCode::NoMatch, "last digit");
    check(&number(patient), json!("LNDA 1234"), RecordCode::OldStyle, "ten digits");
    check("/resourceType", json!("Patient"), RecordCode::Other, "no bundle");
    check("/entry", json!([]), RecordCode::Other, "no bundle");
    check("/entry/0/resource/resourceType", json!("CareTeam"), RecordCode::Other, "no bundle");
    check("/entry/1/resource/resourceType", json!("Flag"), RecordCode::Other, "no bundle");
    check(&format!("{patient}/name"), json!([]), RecordCode::Other, "no family name");
    check(&format!("{patient}/name"), json!([{}, {}]), RecordCode::Other, "more than one name");
    check(&format!("{ends}/period/end"), json!("2023-01-01"), RecordCode::Other, "no last day");
    check(&format!("{ends}/period/end"), Value::Null, RecordCode::Other, "no last day");
    check(&format!("{patient}/name/0/family"), json!("a\u{0}"), RecordCode::Other, "family name");
    check(&format!("{patient}/name/0/given"), json!([" "]), RecordCode::Other, "given names");
    check(&format!("{patient}/birthDate"), json!("2019-03"), RecordCode::Other, "date of birth");
    check(&format!("{patient}/identifier/1/value"), json!("x".repeat(101)), RecordCode::Other, "local id");
    check(&format!("{held}/category"), json!([]), RecordCode::Other, "no kind");
    check(&format!("{held}/period/start"), json!("2026-02-30"), RecordCode::Other, "start is no day");
    check(&format!("{held}/period/end"), json!("2026-01-04"), RecordCode::Other, "ends before it starts");
    check(
        &format!("{held}/subject/identifier/value"),
        json!(NhsNumber::synthetic(9).digits()),
        RecordCode::Other,
        "another number",
    );
    check(&format!("{held}/status"), json!("entered-in-error"), RecordCode::Other, "no delete date");
    check("/entry/1/resource/status", json!("active"), RecordCode::Other, "not `entered-in-error`");
    let unborn = json!([{ "coding": [{ "code": PlanKind::UnbornChildProtection.snomed() }] }]);
    let (_, seen) = changed(|whole| {
        let plan = whole.pointer_mut("/entry/1/resource/entry/4/resource").unwrap();
        plan["category"] = unborn;
        plan["period"].as_object_mut().unwrap().remove("end");
    });
    assert!(seen.records[0].1.as_ref().unwrap_err().why.contains("the due date"));
    let (_, seen) = changed(|whole| {
        let entries = whole.pointer_mut("/entry/1/resource/entry").unwrap().as_array_mut().unwrap();
        let plan = entries[4].clone();
        entries.push(plan);
    });
    assert!(seen.records[0].1.as_ref().unwrap_err().why.contains("twice"));
    let (_, seen) = changed(|whole| {
        let entries = whole.pointer_mut("/entry/1/resource/entry").unwrap().as_array_mut().unwrap();
        let plan = entries[1].clone();
        entries.extend(std::iter::repeat_n(plan, super::super::RECORD_PLANS));
    });
    assert!(seen.records[0].1.as_ref().unwrap_err().why.contains("more plans"));
}

#[test]
fn an_entry_without_end_ends_the_reading_and_takes_no_memory() {
    let whole = String::from_utf8(written(&[record(1)])).unwrap();
    let (before, _) = whole.split_once("O'Brien").unwrap();
    // A text that never ends, from a source that never does.
    let endless = std::io::Read::chain(before.as_bytes(), std::io::repeat(b'x'));
    assert_eq!(read(endless, &mut Seen::default()), Err(DocumentFault::TooLong));
    let nested = std::io::Read::chain(&b"{\"meta\":"[..], std::io::repeat(b'['));
    assert_eq!(read(nested, &mut Seen::default()), Err(DocumentFault::TooLong));
    let outside = std::io::Read::chain(&b"{\"meta\":\""[..], std::io::repeat(b'x'));
    assert_eq!(read(outside, &mut Seen::default()), Err(DocumentFault::TooLong));
}

#[test]
fn whoever_wants_no_more_is_handed_no_more() {
    let mut seen = Seen { most: Some(1), ..Seen::default() };
    let document = written(&[record(1), record(2)]);
    assert_eq!(read(&document[..], &mut seen), Err(DocumentFault::Stopped));
    assert_eq!(seen.records.len(), 1);
}

#[test]
fn only_for_what_is_to_be_held_somebody_has_to_be_described() {
    let nobody = Record { family: String::new(), given: String::new(), born: None, ..record(1) };
    let (_, seen) = read_all(&written(std::slice::from_ref(&nobody)));
    assert!(seen.records[0].1.as_ref().unwrap_err().why.contains("no family name"));
    let back = Record { plans: Vec::new(), ..nobody };
    assert_eq!(read_all(&written(std::slice::from_ref(&back))).1.records, [(1, Ok(back))]);
}
