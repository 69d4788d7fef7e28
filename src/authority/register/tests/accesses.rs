//! Accesses as people look at them: who sees which, who has read them, who did not recognise one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::*;
use crate::authority::register::{AsWhom, Marked, Reader, Responsible, Wanted};

fn of(number: u32, local_id: &str, attendance: &str, at: Timestamp) -> Item {
    let Item::Notice(mut notice) = item(number) else { unreachable!() };
    notice.local_id = local_id.to_owned();
    notice.attendance = AccessReference::parse(attendance).unwrap();
    notice.at = at;
    Item::Notice(notice)
}

fn reader(user: &str) -> Reader {
    Reader::named(user).unwrap()
}

fn wanted() -> Wanted {
    Wanted { most: 100, ..Wanted::default() }
}

/// Two cases with three accesses: A1 twice in one attendance, B2 once.
fn three(place: &Place) -> Register {
    let mut register = place.open();
    let minutes = |minutes| now() + SignedDuration::from_mins(minutes);
    let (one, other) = ("7KQM-4T2X", "8HRT-2MWC");
    let items = [of(1, "A1", one, minutes(0)), of(2, "B2", other, minutes(1)), of(3, "A1", one, minutes(2))];
    take(&mut register, &items);
    let who = |worker: &str| Responsible { worker: Some(worker.to_owned()), team: Some("North".to_owned()) };
    register.note_responsible("A1", &who("P. Shaw")).unwrap();
    register.note_responsible("B2", &who("R. Iqbal")).unwrap();
    register
}

fn shown(register: &Register, reader: &Reader, wanted: &Wanted) -> Vec<(String, u32)> {
    let list = register.accesses(reader, wanted).unwrap();
    assert_eq!(register.count_accesses(reader, wanted).unwrap(), list.len() as u64);
    list.into_iter().map(|access| (access.local_id, access.part)).collect()
}

fn ids(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
    expected.iter().map(|(id, part)| ((*id).to_owned(), *part)).collect()
}

#[test]
fn the_newest_access_comes_first_and_by_worker_day_and_case() {
    let place = Place::new();
    let register = three(&place);
    let someone = reader("anybody");
    let check = |wanted: Wanted, expected: &[(&str, u32)]| {
        assert_eq!(shown(&register, &someone, &wanted), ids(expected), "{wanted:?}");
    };
    check(wanted(), &[("A1", 2), ("B2", 1), ("A1", 1)]);
    check(Wanted { worker: Some("P. Shaw".to_owned()), ..wanted() }, &[("A1", 2), ("A1", 1)]);
    check(Wanted { team: Some("South".to_owned()), ..wanted() }, &[]);
    check(Wanted { local_id: Some("B2".to_owned()), ..wanted() }, &[("B2", 1)]);
    let second = now() + SignedDuration::from_mins(1);
    check(Wanted { from: Some(second), ..wanted() }, &[("A1", 2), ("B2", 1)]);
    check(Wanted { before: Some(second), ..wanted() }, &[("A1", 1)]);
    let page = register.accesses(&someone, &Wanted { most: 1, skip: 1, ..wanted() }).unwrap();
    assert_eq!((page.len(), page[0].local_id.as_str()), (1, "B2"));
    assert_eq!(page[0].notice.as_ref().unwrap().name, "Sam Okafor");
    assert_eq!((page[0].worker.as_deref(), page[0].parts), (Some("R. Iqbal"), 1));
    assert_eq!(register.workers(&someone).unwrap(), ["P. Shaw", "R. Iqbal"]);
}

#[test]
fn what_was_opened_before_the_office_closed_and_came_after_it_is_on_the_nights_list() {
    let place = Place::new();
    let register = three(&place);
    let closed = now() + SignedDuration::from_mins(30);
    let tonight = Wanted { since: Some(closed), ..wanted() };
    let edt = reader("edt");
    assert_eq!(shown(&register, &edt, &tonight), []);
    let later = closed + SignedDuration::from_mins(2);
    let id = mark(2).id.as_str().to_owned();
    register
        .db
        .execute(
            "UPDATE notice SET came_ms = ?2 WHERE id = ?1",
            rusqlite::params![id, later.as_millisecond()],
        )
        .unwrap();
    assert_eq!(shown(&register, &edt, &tonight), ids(&[("B2", 1)]), "opened at 16:58, here at 17:02");
    let alerted = "INSERT INTO alert (note_id, notice_id, part, role, name, why, made_ms)
                   VALUES (?1, ?1, 1, 'emergency-duty', 'EDT', 'out of hours', ?2)";
    let id = mark(1).id.as_str().to_owned();
    register.db.execute(alerted, rusqlite::params![id, later.as_millisecond()]).unwrap();
    assert_eq!(
        shown(&register, &edt, &tonight),
        ids(&[("B2", 1), ("A1", 1)]),
        "and what was decided of later"
    );
}

#[test]
fn only_holders_hear_that_something_of_a_restricted_case_has_to_be_placed() {
    let place = Place::new();
    let mut register = three(&place);
    register
        .db
        .execute("UPDATE note SET standing = 'triage', why = 'ended' WHERE local_id = 'B2'", [])
        .unwrap();
    assert_eq!(register.to_be_placed(&reader("shaw")).unwrap(), 1);
    restrict(&mut register, &[("B2", &["asha"])], &[], &[]);
    assert_eq!(register.to_be_placed(&reader("shaw")).unwrap(), 0);
    assert_eq!(register.to_be_placed(&reader("asha")).unwrap(), 1);
    let before = register.listed_before().unwrap();
    assert_eq!(before, BTreeMap::from([("B2".to_owned(), BTreeSet::from([reader("asha")]))]));
}

#[test]
fn what_was_read_is_read_by_name_and_what_came_since_is_not() {
    let place = Place::new();
    let mut register = three(&place);
    let (shaw, note) = (reader(" P.Shaw "), mark(1).id.as_str().to_owned());
    let unread = Wanted { only_unread: true, ..wanted() };
    assert_eq!(
        register.mark_read((&shaw, &[]), &note, 1, false, now()).unwrap(),
        Marked::Read(AsWhom::Alerted)
    );
    assert_eq!(shown(&register, &shaw, &unread), ids(&[("A1", 2), ("B2", 1)]));
    // At night emergency duty reads all of it; it is still for the worker to read.
    assert_eq!(
        register.mark_read((&reader("edt"), &[]), &note, 2, true, now()).unwrap(),
        Marked::Read(AsWhom::Duty)
    );
    assert_eq!(shown(&register, &shaw, &unread), ids(&[("A1", 2), ("B2", 1)]));
    let list = register.accesses(&shaw, &wanted()).unwrap();
    let by: Vec<_> = list[2].read.iter().map(|read| (read.by.as_str(), read.as_whom)).collect();
    assert_eq!(
        (by, list[2].is_read(), list[0].is_read()),
        (vec![("edt", AsWhom::Duty), ("p.shaw", AsWhom::Alerted)], true, false)
    );
    assert_eq!(register.mark_read((&shaw, &[]), &note, 3, false, now()).unwrap(), Marked::Parts(2));
    assert_eq!(register.mark_read((&shaw, &[]), &note, 0, false, now()).unwrap(), Marked::Parts(2));
    assert_eq!(register.mark_read((&shaw, &[]), "none", 1, false, now()).unwrap(), Marked::NotThere);
    assert_eq!(register.mark_read((&Reader::nobody(), &[]), &note, 1, false, now()).unwrap(), Marked::Nobody);
    assert!(Reader::named(" ").is_none() && Reader::named("a b").is_none());
}

#[test]
fn who_does_not_recognise_an_access_is_kept_until_somebody_has_looked_into_it() {
    let place = Place::new();
    let mut register = three(&place);
    let (shaw, note) = (reader("p.shaw"), mark(1).id.as_str().to_owned());
    register.mark_not_recognised((&shaw, &[]), &note, 2, " In\u{1b} school that day ", now()).unwrap();
    register.mark_not_recognised((&reader("other"), &[]), &note, 2, "Later", now()).unwrap();
    assert_eq!(register.not_recognised(&shaw).unwrap(), [(note.clone(), 2)]);
    let list = register.accesses(&shaw, &wanted()).unwrap();
    let said = list[0].not_recognised.as_ref().unwrap();
    assert_eq!(
        (said.by.as_str(), said.words.as_str(), &said.settled),
        ("p.shaw", "In school that day", &None)
    );
    let settled = register.settle_not_recognised(&reader("officer"), &note, 2, "A twin", now()).unwrap();
    assert_eq!(settled, Marked::Done);
    assert_eq!(register.not_recognised(&shaw).unwrap(), []);
    let again = register.settle_not_recognised(&reader("officer"), &note, 2, "Again", now()).unwrap();
    assert_eq!(again, Marked::NotThere);
}

fn restrict(register: &mut Register, listed: &[(&str, &[&str])], marked: &[&str], unmarked: &[&str]) {
    let listed: BTreeMap<String, BTreeSet<Reader>> = listed
        .iter()
        .map(|(id, users)| ((*id).to_owned(), users.iter().map(|user| reader(user)).collect()))
        .collect();
    let marked = marked.iter().map(|id| (*id).to_owned()).collect();
    let unmarked = |id: &str| unmarked.contains(&id);
    register.note_restricted(&listed, &marked, &unmarked, &BTreeSet::from([reader("head")])).unwrap();
}

#[test]
fn h30_a_restricted_case_is_seen_by_its_holders_and_nobody_else_also_under_another_id() {
    let place = Place::new();
    let mut register = three(&place);
    let note = mark(1).id.as_str().to_owned();
    restrict(&mut register, &[("A1", &["Asha"])], &[], &[]);
    let all = ids(&[("A1", 2), ("B2", 1), ("A1", 1)]);
    assert_eq!(shown(&register, &reader("asha"), &wanted()), all);
    for other in [reader("head"), reader("p.shaw"), Reader::nobody()] {
        assert_eq!(shown(&register, &other, &wanted()), ids(&[("B2", 1)]));
        assert_eq!(register.workers(&other).unwrap(), ["R. Iqbal"]);
        assert_eq!(
            register.mark_read((&other, &[]), &note, 1, false, now()).unwrap(),
            if other.user().is_empty() { Marked::Nobody } else { Marked::NotThere }
        );
        assert_ne!(register.mark_not_recognised((&other, &[]), &note, 1, "", now()).unwrap(), Marked::Done);
    }
    // By the extract's mark: the holders of the configuration. It stays until the extract has the case without it.
    restrict(&mut register, &[], &["B2"], &[]);
    restrict(&mut register, &[], &[], &["A1"]);
    assert_eq!(shown(&register, &reader("asha"), &wanted()), ids(&[("A1", 2), ("A1", 1)]));
    assert_eq!(shown(&register, &reader("head"), &wanted()), all);
    assert_eq!(register.holders("B2").unwrap(), Some(vec!["head".to_owned()]));
    restrict(&mut register, &[], &[], &["B2"]);
    assert_eq!(
        (register.holders("B2").unwrap(), shown(&register, &Reader::nobody(), &wanted())),
        (None, all)
    );
    // What was told under a restricted case stays restricted, under whatever case it is put.
    register.db.execute("UPDATE note SET local_id = 'C3' WHERE local_id = 'A1'", []).unwrap();
    restrict(&mut register, &[("A1", &["asha"])], &[], &[]);
    assert_eq!(shown(&register, &reader("head"), &wanted()), ids(&[("B2", 1)]));
}

#[test]
fn a_register_of_the_version_before_keeps_what_it_has() {
    let place = Place::new();
    let path = place.0.path().join("notes.db");
    {
        let mut db = rusqlite::Connection::open(&path).unwrap();
        let first = rusqlite_migration::Migrations::from_slice(&super::super::STEPS[..1]);
        first.to_latest(&mut db).unwrap();
        let document = b"not read".as_slice();
        let id = mark(1).id;
        db.execute("INSERT INTO link (id, authority_code) VALUES (1, 'E06000030')", []).unwrap();
        db.execute(
            "INSERT INTO notice (id, number, document, came_ms, note_id) VALUES (?1, 1, ?2, 1000, ?1)",
            rusqlite::params![id.as_str(), document],
        )
        .unwrap();
        db.execute("INSERT INTO note VALUES (?1, ?1, '', '', 'triage', 'why', 1000)", [id.as_str()]).unwrap();
        let sql = "INSERT INTO part (note_id, part, notice_id, added, state) VALUES (?1, 1, ?1, 'words', 'waiting')";
        db.execute(sql, [id.as_str()]).unwrap();
    }
    assert!(Register::look(&path, "E06000030").is_err(), "whoever looks changes nothing");
    let register = place.open();
    let list = register.accesses(&Reader::nobody(), &wanted()).unwrap();
    assert_eq!((list[0].words.as_str(), list[0].at.as_millisecond()), ("words", 1000));
    let not_routed: i64 = register
        .db
        .query_row("SELECT count(*) FROM notice WHERE routed_ms IS NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(not_routed, 0, "of what came before nobody is alerted now");
}
