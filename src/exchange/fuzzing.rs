//! What must hold of the documents, whatever arrives (see [`crate::fuzzing`]).

use std::ops::ControlFlow;

use super::acknowledgement::{self, Item as Told};
use super::notice::{self, Item};
use super::upload::{self, Header, Record, RecordFault, Sink, Writer};
use super::{ENTRY_BYTES, FileCode, RECORD_PLANS, RECORDS, RecordCode, Rejection, StillHeld};
use crate::domain::PlanKind;
use crate::fuzzing::{assert_discreet, assert_is_a_number};

#[derive(Default)]
struct Seen {
    header: Option<Header>,
    records: Vec<Result<Record, RecordFault>>,
}

impl Sink for Seen {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        assert!(self.header.is_none() && self.records.is_empty(), "who sends is said first, and once");
        self.header = Some(header.clone());
        ControlFlow::Continue(())
    }

    fn record(&mut self, place: u64, record: Result<Record, RecordFault>) -> ControlFlow<()> {
        self.records.push(record);
        assert_eq!(place, self.records.len() as u64);
        ControlFlow::Continue(())
    }
}

/// What is read can be written and is read again alike; what is refused says nothing of anybody.
pub(crate) fn upload(data: &[u8]) {
    let mut seen = Seen::default();
    let read = upload::read(data, &mut seen);
    let text = String::from_utf8_lossy(data);
    for fault in seen.records.iter().filter_map(|record| record.as_ref().err()) {
        assert!(fault.code != RecordCode::Success && !fault.why.is_empty());
        assert_discreet(fault.why, &text);
    }
    for record in seen.records.iter().filter_map(|record| record.as_ref().ok()) {
        assert_is_a_number(record.number);
        assert!((1..=RECORD_PLANS).contains(&record.len()));
        assert!(record.ended.iter().all(|plan| plan.end >= plan.start));
        let is_found = !record.family.is_empty() && !record.given.is_empty() && record.born.is_some();
        assert!(is_found || record.plans.is_empty());
        for plan in &record.plans {
            let is_endless = plan.period.end.is_none();
            assert!(plan.period.end.is_none_or(|end| end >= plan.period.start));
            assert!(plan.kind != PlanKind::UnbornChildProtection || !is_endless);
        }
        assert_eq!(format!("{record:?}"), "Record(hidden)");
    }
    let document = match read {
        Ok(document) => document,
        Err(fault) => {
            assert!(!fault.code().is_acceptable());
            return assert_discreet(&fault.to_string(), &text);
        }
    };
    assert_eq!(seen.header.as_ref(), Some(&document.header));
    assert!(document.header.records == seen.records.len() as u64 && document.header.records <= RECORDS);
    assert!(document.header.sequence > 0);
    assert!(document.header.previous.is_some() || document.header.is_full);
    let records: Vec<Record> = seen.records.into_iter().filter_map(Result::ok).collect();
    let header = Header { records: records.len() as u64, ..document.header };
    let Ok(mut writer) = Writer::begin(Vec::new(), &header, document.created) else { return };
    for record in &records {
        assert!(writer.record(record).is_ok());
    }
    let written = writer.finish().unwrap_or_default();
    let mut again = Seen::default();
    let read_again = upload::read(&written[..], &mut again);
    assert!(read_again.is_ok_and(|again| again.header == header), "a document read again");
    assert!(again.records.into_iter().eq(records.into_iter().map(Ok)), "records read again");
}

/// The same of an acknowledgement.
pub(crate) fn acknowledgement(data: &[u8]) {
    let (mut rejections, mut held): (Vec<Rejection>, Vec<StillHeld>) = (Vec::new(), Vec::new());
    let read = acknowledgement::read(data, &mut |item| match item {
        Told::Rejected(rejection) => rejections.push(rejection),
        Told::StillHeld(plan) => held.push(plan),
    });
    assert!(rejections.is_sorted_by(|one, other| one.place < other.place));
    let what = match read {
        Ok(what) => what,
        Err(error) => return assert_discreet(&error.to_string(), &String::from_utf8_lossy(data)),
    };
    let last = rejections.last().map_or(0, |rejection| rejection.place);
    assert!(what.records.is_none_or(|records| last <= records));
    assert!(what.rejected.is_none_or(|count| count == rejections.len() as u64));
    let is_short = |text: &str| text.len() <= ENTRY_BYTES / 8;
    let fits = is_short(&what.authority_code)
        && what.authority_code != "unknown"
        && what.why.as_deref().is_none_or(is_short)
        && rejections.iter().all(|rejection| is_short(&rejection.why));
    if !fits || !FileCode::ALL.contains(&what.code) {
        return;
    }
    let at = jiff::Timestamp::UNIX_EPOCH;
    let Ok(mut writer) = acknowledgement::Writer::begin(Vec::new(), &what, at) else { return };
    for rejection in &rejections {
        assert!(writer.rejection(rejection).is_ok());
    }
    for plan in &held {
        assert_is_a_number(plan.number);
        assert!(writer.still_held(plan).is_ok());
    }
    let written = writer.finish().unwrap_or_default();
    let (mut again, mut held_again) = (Vec::new(), Vec::new());
    let read_again = acknowledgement::read(&written[..], &mut |item| match item {
        Told::Rejected(rejection) => again.push(rejection),
        Told::StillHeld(plan) => held_again.push(plan),
    });
    assert!(read_again.is_ok_and(|read| read == what), "an acknowledgement read again");
    assert!(again == rejections && held_again == held, "its entries read again");
}

/// The same of notifications and of receipts.
pub(crate) fn notices(data: &[u8]) {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let text = String::from_utf8_lossy(data);
    match notice::read_receipts(data) {
        Ok(receipts) => {
            let written = notice::write_receipts(&receipts, at);
            assert!(
                notice::read_receipts(&written).is_ok_and(|read| read == receipts),
                "receipts read again"
            );
        }
        Err(error) => assert_discreet(&error.to_string(), &text),
    }
    let (heading, items) = match notice::read(data) {
        Ok(read) => read,
        Err(error) => return assert_discreet(&error.to_string(), &text),
    };
    assert!(items.len() <= notice::MOST);
    for item in &items {
        assert!(item.mark().number > 0);
        match item {
            Item::Notice(notice) => {
                assert_is_a_number(notice.number);
                let texts = [&notice.name, &notice.role, &notice.organisation, &notice.local_id];
                assert!(texts.iter().all(|text| !text.chars().any(crate::domain::text::is_unprintable)));
                assert_eq!(format!("{notice:?}"), format!("Notice({})", notice.mark.number));
            }
            Item::Inactive(notice) => {
                assert_is_a_number(notice.number);
                assert!(!notice.local_id.chars().any(crate::domain::text::is_unprintable));
                assert_eq!(format!("{notice:?}"), format!("InactiveNumber({})", notice.mark.number));
            }
            Item::Unreadable(..) => {}
        }
    }
    if heading.source.trim().is_empty() {
        return;
    }
    let expected: Vec<Item> =
        items.into_iter().filter(|item| !matches!(item, Item::Unreadable(..))).collect();
    let again = notice::read(&notice::write_items(&heading, &expected, at));
    assert!(again.is_ok_and(|read| read == (heading, expected)), "notifications read again");
}
