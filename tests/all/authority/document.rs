//! The manual's chapter on the upload document is true: its examples are what the program writes and reads, and its
//! schema takes them and refuses what the reader refuses.

use std::ops::ControlFlow;

use cpis::domain::{Authority, NhsNumber, OfficeHours, PlanKind, PlanPeriod, TeamContact, Telephone};
use cpis::exchange::acknowledgement;
use cpis::exchange::upload::{
    self, Ended, Header, Plan, Previous, Record, RecordFault, Sink, TakenBack, WithoutTeam, Writer,
};
use cpis::exchange::{Acknowledgement, FileCode, RecordCode, Rejection};
use jiff::civil::{Weekday, date, time};
use serde_json::Value;

use super::schema::complaints;

const SCHEMA: &str = include_str!("../../../src/manual/upload-schema.json");
const UPLOAD: &str = include_str!("../../../src/manual/upload-example.json");
const ACKNOWLEDGEMENT: &str = include_str!("../../../src/manual/acknowledgement-example.json");

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A child whose number was wrong, and a mother.
fn example() -> Vec<u8> {
    use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
    let authority = Authority {
        name: "Wexcombe Council".to_owned(),
        code: Some("E06000030".to_owned()),
        office: Telephone::new("01793 466903"),
        emergency_duty: Telephone::new("01793 436699"),
        hours: Some(OfficeHours {
            days: vec![Monday, Tuesday, Wednesday, Thursday, Friday],
            from: time(8, 30, 0, 0),
            to: time(17, 0, 0, 0),
        }),
        team: None,
    };
    let header = Header {
        authority_code: "E06000030".to_owned(),
        authority,
        sequence: 17,
        records: 2,
        previous: Some(Previous { sequence: 16, digest: "0a".repeat(32) }),
        is_full: false,
    };
    let team = TeamContact { name: "Court team".to_owned(), telephone: Telephone::new("01793 466904") };
    let child = Record {
        number: NhsNumber::synthetic(1),
        local_id: "4711".to_owned(),
        family: "Bennett".to_owned(),
        given: "Ava Rose".to_owned(),
        born: Some(date(2019, 3, 12)),
        plans: vec![Plan {
            kind: PlanKind::LookedAfter,
            period: PlanPeriod { start: date(2026, 1, 5), end: None },
            team: Some(team),
        }],
        taken_back: vec![TakenBack {
            number: NhsNumber::synthetic(2),
            kind: PlanKind::LookedAfter,
            start: date(2026, 1, 5),
            decided: date(2026, 11, 22),
        }],
        ended: vec![Ended {
            number: NhsNumber::synthetic(1),
            kind: PlanKind::ChildProtection,
            start: date(2025, 2, 3),
            end: date(2025, 11, 28),
        }],
        without_team: vec![WithoutTeam {
            number: NhsNumber::synthetic(1),
            kind: PlanKind::ChildProtection,
            start: date(2026, 3, 2),
        }],
    };
    let mother = Record {
        number: NhsNumber::synthetic(3),
        local_id: "5120".to_owned(),
        family: "Khan".to_owned(),
        given: "Sana".to_owned(),
        born: Some(date(1996, 7, 1)),
        plans: vec![Plan {
            kind: PlanKind::UnbornChildProtection,
            period: PlanPeriod { start: date(2026, 10, 1), end: Some(date(2026, 12, 24)) },
            team: None,
        }],
        taken_back: Vec::new(),
        ended: Vec::new(),
        without_team: Vec::new(),
    };
    let created = "2026-11-22T02:00:00Z".parse().unwrap();
    let mut writer = Writer::begin(Vec::new(), &header, created).unwrap();
    for record in [child, mother] {
        writer.record(&record).unwrap();
    }
    writer.finish().unwrap()
}

fn example_of_an_acknowledgement() -> Vec<u8> {
    let what = Acknowledgement {
        authority_code: "E06000030".to_owned(),
        sequence: Some(17),
        records: Some(2),
        code: FileCode::PartlyUploaded,
        why: None,
        digest: Some("0b".repeat(32)),
        rejected: Some(1),
        apart: None,
    };
    let rejection = Rejection {
        place: 2,
        code: RecordCode::Superseded,
        why: "this NHS number was superseded: record the new one".to_owned(),
        replaced_by: Some(NhsNumber::synthetic(4)),
    };
    let created = "2026-11-22T02:00:09Z".parse().unwrap();
    let mut writer = acknowledgement::Writer::begin(Vec::new(), &what, created).unwrap();
    writer.rejection(&rejection).unwrap();
    writer.finish().unwrap()
}

struct Nobody(Vec<Result<Record, RecordFault>>);

impl Sink for Nobody {
    fn header(&mut self, _: &Header) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
    fn record(&mut self, _: u64, record: Result<Record, RecordFault>) -> ControlFlow<()> {
        self.0.push(record);
        ControlFlow::Continue(())
    }
}

/// Whether the reader takes all of it.
fn is_taken(document: &Value) -> bool {
    let mut seen = Nobody(Vec::new());
    upload::read(document.to_string().as_bytes(), &mut seen).is_ok() && seen.0.iter().all(Result::is_ok)
}

#[test]
fn the_examples_are_what_the_program_writes() {
    let pretty =
        |text: &[u8]| serde_json::to_string_pretty(&json(std::str::from_utf8(text).unwrap())).unwrap();
    if let Ok(to) = std::env::var("CPIS_EXAMPLES") {
        std::fs::write(format!("{to}/upload-example.json"), pretty(&example()) + "\n").unwrap();
        let written = pretty(&example_of_an_acknowledgement()) + "\n";
        std::fs::write(format!("{to}/acknowledgement-example.json"), written).unwrap();
    }
    for (written, manual) in [(example(), UPLOAD), (example_of_an_acknowledgement(), ACKNOWLEDGEMENT)] {
        assert_eq!(
            json(manual),
            json(std::str::from_utf8(&written).unwrap()),
            "write this:\n{}",
            pretty(&written)
        );
    }
    assert!(is_taken(&json(UPLOAD)));
    let mut rejected = 0;
    acknowledgement::read(ACKNOWLEDGEMENT.as_bytes(), &mut |_| rejected += 1).unwrap();
    assert_eq!(rejected, 1);
}

#[test]
fn the_schema_takes_the_example_and_refuses_what_the_reader_refuses() {
    let (schema, document) = (json(SCHEMA), json(UPLOAD));
    assert_eq!(complaints(&schema, &document), Vec::<String>::new());
    let check = |pointer: &str, change: &dyn Fn(&mut Value)| {
        let mut broken = document.clone();
        change(broken.pointer_mut(pointer).unwrap());
        let complaints = complaints(&schema, &broken);
        assert!(!complaints.is_empty(), "the schema takes {pointer}");
        assert!(!is_taken(&broken), "the reader takes {pointer}");
    };
    let remove =
        |name: &'static str| move |value: &mut Value| drop(value.as_object_mut().unwrap().remove(name));
    check("", &remove("timestamp"));
    check("/type", &|value| *value = "batch".into());
    check("/entry", &|value| value.as_array_mut().unwrap().clear());
    let header = "/entry/0/resource";
    check(header, &remove("contained"));
    check(header, &remove("definition"));
    check(&format!("{header}/contained/0"), &remove("name"));
    check(&format!("{header}/extension/0/valueInteger"), &|value| *value = "17".into());
    check(&format!("{header}/eventCoding/code"), &|value| *value = "notification".into());
    let record = "/entry/1/resource/entry";
    check(record, &|value| value.as_array_mut().unwrap().truncate(1));
    // Names and birth date may be missing where nothing is to be held: that the schema cannot say.
    for (at, name) in [("resource", "birthDate"), ("resource", "name")] {
        let mut broken = document.clone();
        remove(name)(broken.pointer_mut(&format!("{record}/0/{at}")).unwrap());
        assert!(!is_taken(&broken), "the reader takes it without {name}");
    }
    check(&format!("{record}/0/resource/name/0"), &remove("family"));
    check(&format!("{record}/0/resource/identifier"), &|value| value.as_array_mut().unwrap().truncate(1));
    check(&format!("{record}/1/resource/status"), &|value| *value = "active".into());
    check(&format!("{record}/2/resource"), &remove("period"));
    check(&format!("{record}/2/resource/status"), &|value| *value = "over".into());
    check(&format!("{record}/2/resource/category/0/coding/0/code"), &|value| *value = "1".into());
}
