//! The register by itself: what is refused, what cannot be read, and clocks that were ahead.

mod accesses;
mod alerts;
mod restricted;

use jiff::{SignedDuration, Timestamp};

use super::{Case, Cases, Register, Settle, Settled, Shown};
use crate::domain::{AccessReference, NhsNumber};
use crate::exchange::notice::{Event, Heading, InactiveNumber, Item, Mark, Notice, NoticeId, Outcome};

struct AllOpen;

impl Cases for AllOpen {
    fn case(&self, _local_id: &str, _at: Timestamp) -> Result<Case, String> {
        Ok(Case::Open)
    }
}

/// A register of its own; gone with the test.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Register {
        Register::open(&self.0.path().join("notes.db"), "E06000030").unwrap()
    }
}

fn now() -> Timestamp {
    "2026-11-22T02:15:00Z".parse().unwrap()
}

fn mark(number: u32) -> Mark {
    Mark { number, id: NoticeId::parse(&format!("{number:032x}")).unwrap() }
}

fn item(number: u32) -> Item {
    Item::Notice(Box::new(Notice {
        mark: mark(number),
        event: Event::Opened,
        at: now(),
        reference: AccessReference::parse("7KQM-4T2X").unwrap(),
        attendance: AccessReference::parse("7KQM-4T2X").unwrap(),
        is_first: number == 1,
        number: NhsNumber::synthetic(1),
        local_id: "4711".to_owned(),
        upload: None,
        name: "Sam Okafor".to_owned(),
        role: String::new(),
        organisation: String::new(),
        organisation_code: "RN3".to_owned(),
        place: None,
    }))
}

fn take(register: &mut Register, items: &[Item]) {
    let last = items.last().unwrap().mark().number;
    let heading = Heading {
        source: "https://hub.example".to_owned(),
        authority_code: "E06000030".to_owned(),
        last,
        unfiled: None,
        not_over: None,
    };
    register.take(&heading, items, now()).unwrap();
    register.make_notes(&AllOpen, now()).unwrap().unwrap();
}

fn settle(register: &mut Register, note: &str, parts: u32, how: &Settle) -> Settled {
    let by = super::Reader::named("officer").unwrap();
    register.settle(&by, (note, parts), how, now()).unwrap()
}

fn told(register: &Register) -> Vec<(u32, Outcome)> {
    let receipts = register.receipts().unwrap();
    receipts.iter().map(|receipt| (receipt.mark.number, receipt.outcome)).collect()
}

#[test]
fn what_the_case_system_refuses_for_good_comes_before_a_person_and_can_be_got_out() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(1), item(2)]);
    let mut at = now();
    let mut tries = 0;
    while let Some(part) = register.next_part(at).unwrap() {
        assert_eq!(part.part, 1, "the second waits for the first");
        register.refused(&part, "refused (404)", at).unwrap();
        at += SignedDuration::from_hours(1);
        tries += 1;
        assert!(tries < 20);
    }
    assert_eq!(tries, 12);
    let list = register.triage(Shown::Common).unwrap();
    assert_eq!((list.len(), list[0].parts, list[0].why.as_str()), (1, 2, "refused (404)"));
    assert_eq!(
        (list[0].number.as_str(), list[0].organisation.as_str()),
        (NhsNumber::synthetic(1).digits().as_str(), "RN3")
    );
    assert_eq!(told(&register), [(1, Outcome::Triage), (2, Outcome::Triage)]);
    let receipts = register.receipts().unwrap();
    register.receipts_taken(&receipts, None, at).unwrap();
    assert_eq!(told(&register), []);
    // Something came since the list was looked at: it is not closed unseen.
    let id = list[0].note.clone();
    take(&mut register, &[item(3)]);
    assert_eq!(settle(&mut register, &id[..8], 2, &Settle::DealtWith), Settled::Parts(3));
    assert_eq!(settle(&mut register, &id[..7], 3, &Settle::DealtWith), Settled::NotOne);
    assert_eq!(settle(&mut register, &id, 3, &Settle::Under("4712".to_owned())), Settled::Done);
    for part in 1..=3 {
        let next = register.next_part(at).unwrap().unwrap();
        assert_eq!((next.part, next.local_id.as_str()), (part, "4712"));
        register.placed(&next, at).unwrap();
    }
    assert_eq!(told(&register), [1, 2, 3].map(|number| (number, Outcome::Documented)));
}

#[test]
fn what_cannot_be_read_stops_nothing_is_kept_as_it_came_and_belongs_under_no_case() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[Item::Unreadable(mark(1), "{\"status\":7}".to_owned()), item(2)]);
    assert_eq!(register.next_part(now()).unwrap().map(|part| part.part), Some(1), "the second is placed");
    let kept: Vec<u8> =
        register.db.query_row("SELECT document FROM notice WHERE number = 1", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, b"{\"status\":7}");
    let id = mark(1).id.as_str().to_owned();
    let under = Settle::Under("4711".to_owned());
    assert_eq!(settle(&mut register, &id, 1, &under), Settled::Unreadable);
    assert_eq!(told(&register), [(1, Outcome::Triage)]);
    assert_eq!(settle(&mut register, &id, 1, &Settle::DealtWith), Settled::Done);
    assert_eq!(told(&register), [(1, Outcome::DealtWith)]);
    // What was read once, and is not by this version, or was damaged since: its words are placed, nothing stops.
    register.db.execute("UPDATE notice SET document = x'00' WHERE number = 2", []).unwrap();
    let part = register.next_part(now()).unwrap().unwrap();
    assert!(part.notice.is_none() && part.added.contains("Sam Okafor"));
}

#[test]
fn a_clock_that_was_ahead_keeps_nothing_waiting_for_years() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(1), item(4)]);
    let ahead = now() + SignedDuration::from_hours(24 * 365);
    let part = register.next_part(ahead).unwrap().unwrap();
    register.refused(&part, "refused (404)", ahead).unwrap();
    assert_eq!(register.missing_due(ahead).unwrap(), Some((1, 3)));
    assert!(register.next_part(ahead).unwrap().is_none());
    assert_eq!(register.missing_due(ahead).unwrap(), None);
    assert!(register.next_part(now()).unwrap().is_some());
    assert_eq!(register.missing_due(now()).unwrap(), Some((1, 3)));
    assert_eq!(register.missing_due(now()).unwrap(), None, "asked for just now");
}

#[test]
fn a_hub_that_was_put_back_is_told_everything_again_also_behind_what_was_never_told() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(1), item(2)]);
    let part = register.next_part(now()).unwrap().unwrap();
    register.placed(&part, now()).unwrap();
    let receipts = register.receipts().unwrap();
    register.receipts_taken(&receipts, None, now()).unwrap();
    assert_eq!(told(&register), []);
    register.forget_where(now()).unwrap();
    assert_eq!(told(&register), [(1, Outcome::Documented)]);
}

#[test]
fn a_large_gap_is_asked_for_piece_by_piece_and_what_never_comes_is_settled_by_a_person() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(1)]);
    take(&mut register, &[item(1503)]);
    assert_eq!(register.missing().unwrap().len(), 1000);
    let by = crate::authority::register::Reader::named("officer").unwrap();
    assert_eq!(register.settle_missing((2, 1000), &by, "lost with the hub", now()).unwrap(), 999);
    assert_eq!(register.missing_due(now()).unwrap(), Some((1000, 1001)));
    assert_eq!(register.settle_missing((1, 2000), &by, "lost with the hub", now()).unwrap(), 1);
    assert_eq!(register.missing().unwrap(), []);
    take(&mut register, &[item(1504)]);
    let rest = register.missing().unwrap();
    assert_eq!((rest.len(), rest[0].number, rest[500].number), (501, 1002, 1502));
    // What comes all the same is taken, settled or not.
    let heading = Heading {
        source: "https://hub.example".to_owned(),
        authority_code: "E06000030".to_owned(),
        last: 1504,
        unfiled: None,
        not_over: None,
    };
    assert_eq!(register.take_again(&heading, &[item(2), item(1002)], now()).unwrap().new, 2);
    assert_eq!(register.missing().unwrap().len(), 500);
}

#[test]
fn a_correction_that_comes_before_what_it_corrects_is_said_in_both() {
    let place = Place::new();
    let mut register = place.open();
    let at = "2026-11-22T02:40:00Z".parse().unwrap();
    let Item::Notice(notice) = item(2) else { panic!("it is one") };
    let correction = Item::Notice(Box::new(Notice { event: Event::OpenedInError, at, ..*notice }));
    take(&mut register, &[correction]);
    take(&mut register, &[item(1)]);
    let mut words = Vec::new();
    while let Some(part) = register.next_part(now()).unwrap() {
        words.push(part.added.clone());
        register.placed(&part, now()).unwrap();
    }
    let [correction, opened] = words.try_into().unwrap();
    assert!(correction.contains("was opened in error"), "{correction}");
    assert!(opened.starts_with("CP-IS information opened 22-Nov-2026"), "{opened}");
    assert!(
        opened.contains("It was opened in error: the correction of 22-Nov-2026 02:40 is about this."),
        "{opened}"
    );
}

#[test]
fn behind_a_correction_alone_nothing_is_opened_again() {
    let place = Place::new();
    let mut register = place.open();
    let Item::Notice(notice) = item(1) else { panic!("it is one") };
    let reference = AccessReference::parse("2T2X-7KQM").unwrap();
    // Of what stands in another note, or in none.
    let correction = Notice { event: Event::OpenedInError, reference, ..*notice };
    take(&mut register, &[Item::Notice(Box::new(correction)), item(2), item(3)]);
    let mut words = Vec::new();
    while let Some(part) = register.next_part(now()).unwrap() {
        words.push(part.added.clone());
        register.placed(&part, now()).unwrap();
    }
    assert!(words[1].starts_with("CP-IS information opened 22-Nov-2026"), "{words:?}");
    assert!(words[2].starts_with("CP-IS information opened again"), "{words:?}");
}

#[test]
fn receipts_that_went_before_their_message_was_kept_are_told_again_where_any_comes_back() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(1), item(2)]);
    while let Some(part) = register.next_part(now()).unwrap() {
        register.placed(&part, now()).unwrap();
    }
    let receipts = register.receipts().unwrap();
    register.receipts_taken(&receipts[..1], None, now()).unwrap();
    register.receipts_taken(&receipts[1..], Some("cpis-b"), now()).unwrap();
    register.tell_again(Some("cpis-before")).unwrap();
    assert_eq!(told(&register), [(1, Outcome::Documented)]);
}

#[test]
fn only_the_receipts_of_a_message_that_came_back_are_told_again() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(1), item(2), item(3)]);
    while let Some(part) = register.next_part(now()).unwrap() {
        register.placed(&part, now()).unwrap();
    }
    let receipts = register.receipts().unwrap();
    register.receipts_taken(&receipts[..1], Some("cpis-a"), now()).unwrap();
    register.receipts_taken(&receipts[1..], Some("cpis-b"), now()).unwrap();
    assert_eq!(told(&register), []);
    register.tell_again(Some("cpis-nobodys")).unwrap();
    assert_eq!(told(&register), []);
    register.tell_again(Some("cpis-a")).unwrap();
    assert_eq!(told(&register), [(1, Outcome::Documented)]);
    register.tell_again(None).unwrap();
    assert_eq!(told(&register).len(), 3);
}

#[test]
fn a_new_register_sees_that_the_first_numbers_are_missing() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(4), item(5)]);
    let missing = |register: &Register| register.missing().unwrap().len();
    assert_eq!(missing(&register), 3);
    take(&mut register, &[item(1), item(2), item(3)]);
    assert_eq!(missing(&register), 0);
}

#[test]
fn h2_of_two_notices_of_one_number_the_later_holds_whichever_comes_first() {
    let inactive = |number: u32, minutes: i64, by: u64| {
        Item::Inactive(Box::new(InactiveNumber {
            mark: mark(number),
            at: now() + SignedDuration::from_mins(minutes),
            number: NhsNumber::synthetic(1),
            local_id: "4711".to_owned(),
            upload: None,
            replaced_by: Some(NhsNumber::synthetic(by)),
        }))
    };
    let place = Place::new();
    let mut register = place.open();
    for items in [[inactive(2, 5, 3)], [inactive(1, 0, 2)]] {
        take(&mut register, &items);
        register.make_notes(&AllOpen, now()).unwrap().unwrap();
    }
    let open = register.inactive().unwrap();
    assert_eq!(open.iter().map(|of| of.replaced_by).collect::<Vec<_>>(), [Some(NhsNumber::synthetic(3))]);
    assert_eq!(register.count_inactive().unwrap(), (1, 2));
    let told: Vec<(u32, Outcome)> =
        register.receipts().unwrap().iter().map(|receipt| (receipt.mark.number, receipt.outcome)).collect();
    assert_eq!(told, [(1, Outcome::DealtWith), (2, Outcome::Triage)]);
    // It is in no note, waits for nothing, and nobody is named where it is shown as a value.
    let figures = register.figures().unwrap();
    assert_eq!((figures.waiting, figures.triage, figures.inactive), (0, 0, 1));
    assert_eq!(format!("{open:?}"), "[Inactive(hidden)]");
}

fn heading(last: u32, unfiled: Option<u32>, without_receipt: u32) -> Heading {
    Heading {
        source: "https://hub.example".to_owned(),
        authority_code: "E06000030".to_owned(),
        last,
        unfiled: unfiled.map(mark),
        not_over: Some(crate::exchange::notice::NotOver { without_receipt, on_list: 0 }),
    }
}

fn tell_all(register: &mut Register, at: Timestamp) -> usize {
    let receipts = register.receipts().unwrap();
    register.receipts_taken(&receipts, None, at).unwrap();
    receipts.len()
}

#[test]
fn receipts_that_help_nothing_are_sent_again_ever_more_seldom() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(1), item(2)]);
    while let Some(part) = register.next_part(now()).unwrap() {
        register.placed(&part, now()).unwrap();
    }
    tell_all(&mut register, now());
    let mut hours = Vec::new();
    for hour in 0..60 {
        let at = now() + SignedDuration::from_hours(hour);
        register.take(&heading(2, None, 1), &[], at).unwrap();
        if tell_all(&mut register, at) > 0 {
            hours.push(hour);
        }
    }
    assert_eq!(hours, [0, 1, 3, 7, 15, 31, 55]);
    // More than the last time are others, and do not wait for so long.
    let later = |hour| now() + SignedDuration::from_hours(hour);
    register.take(&heading(2, None, 2), &[], later(60)).unwrap();
    assert_eq!(tell_all(&mut register, later(60)), 2);
    register.take(&heading(2, None, 2), &[], later(60)).unwrap();
    assert_eq!(tell_all(&mut register, later(60)), 0, "though not at once again");
}

#[test]
fn what_the_hub_waits_for_and_never_came_here_is_asked_for() {
    let place = Place::new();
    let mut register = place.open();
    take(&mut register, &[item(4), item(5)]);
    let by = super::Reader::named("officer").unwrap();
    register.db.execute("DELETE FROM missing", []).unwrap();
    register.take(&heading(5, Some(2), 1), &[], now()).unwrap();
    assert_eq!(register.missing_due(now()).unwrap(), Some((1, 2)));
    assert_eq!(register.take_again(&heading(5, Some(2), 1), &[item(2)], now()).unwrap().new, 1);
    assert_eq!(register.missing().unwrap(), []);
    // What somebody has looked into stays so.
    register.take(&heading(5, Some(3), 1), &[], now()).unwrap();
    assert_eq!(register.settle_missing((3, 3), &by, "lost", now()).unwrap(), 1);
    register.take(&heading(5, Some(3), 1), &[], now()).unwrap();
    assert_eq!(register.missing().unwrap(), []);
}
