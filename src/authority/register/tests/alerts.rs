//! From notes to alerts and e-mails: each once, whatever comes again and whoever dies when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::{Weekday, time};

use super::*;
use crate::authority::register::{AsWhom, Reader, Responsible, Who};
use crate::config::authority::{MailSecurity, MailSettings, Person, Restricted, Routing, Team};
use crate::domain::OfficeHours;

/// Cases of North with the worker Shaw, and whichever are not open.
pub(super) struct Ours {
    pub(super) closed: &'static [&'static str],
    pub(super) marked: &'static [&'static str],
}

impl Cases for Ours {
    fn case(&self, local_id: &str, _at: Timestamp) -> Result<Case, String> {
        let is_closed = self.closed.contains(&local_id);
        Ok(if is_closed { Case::NotOpen("it has ended") } else { Case::Open })
    }

    fn who(&self, local_id: &str) -> Result<Who, String> {
        let name = |name: &str| Some(name.to_owned()).filter(|_| !self.closed.contains(&local_id));
        let responsible = Responsible { worker: name("Shaw"), team: name("North") };
        Ok(Who { responsible, ..Who::default() })
    }

    fn restricted(&self) -> Result<BTreeSet<String>, String> {
        Ok(self.marked.iter().map(|id| (*id).to_owned()).collect())
    }
}

const OPEN: Ours = Ours { closed: &[], marked: &[] };

pub(super) fn table() -> Routing {
    let people = ["Shaw", "Asha", "Lead", "EDT", "North duty", "Head"];
    let person = |name: &str| Person {
        user: Some(name.to_lowercase().replace(' ', ".")),
        users: Vec::new(),
        email: Some(format!("{}@wexcombe.example", name.to_lowercase().replace(' ', "."))),
        absent: Vec::new(),
    };
    let names = |name: &str| vec![name.to_owned()];
    use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
    Routing {
        hours: Some(OfficeHours {
            days: vec![Monday, Tuesday, Wednesday, Thursday, Friday],
            from: time(8, 30, 0, 0),
            to: time(17, 0, 0, 0),
        }),
        fall_back: names("Lead"),
        emergency_duty: names("EDT"),
        manager: names("Head"),
        unread_hours: 4,
        people: people.map(|name| (name.to_owned(), person(name))).into(),
        teams: BTreeMap::from([(
            "North".to_owned(),
            Team { duty: names("North duty"), manager: Vec::new() },
        )]),
        kinds: Vec::new(),
        restricted: Restricted { holders: names("Asha"), ..Restricted::default() },
        page: None,
        mail: Some(MailSettings {
            server: "localhost".to_owned(),
            port: 25,
            security: MailSecurity::Loopback,
            login: None,
            from: "cpis@wexcombe.example".to_owned(),
            certificate_authority: None,
        }),
    }
}

/// A Friday, at ten.
pub(super) fn friday() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

pub(super) fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// Takes notifications, makes notes and alerts; who was alerted now.
pub(super) fn round(register: &mut Register, items: &[Item], cases: &Ours, at: Timestamp) -> Vec<String> {
    let holders = BTreeSet::from([Reader::named("asha").unwrap()]);
    register.refresh_cases(cases, &BTreeMap::new(), &holders).unwrap().unwrap();
    if let Some(last) = items.last() {
        let last = last.mark().number;
        let heading = Heading {
            source: "https://hub.example".to_owned(),
            authority_code: "E06000030".to_owned(),
            last,
            unfiled: None,
            not_over: None,
        };
        // On the Friday before any of these hours: what lies ahead of the clock is decided otherwise.
        let earlier = |item: &Item| {
            let mut item = item.clone();
            if let Item::Notice(notice) = &mut item {
                notice.at = notice.at.min(friday() - hours(1));
            }
            item
        };
        let items: Vec<Item> = items.iter().map(earlier).collect();
        register.take(&heading, &items, at).unwrap();
    }
    round_by(register, cases, &table(), at)
}

/// Makes notes and alerts by a table; who was alerted now.
pub(super) fn round_by(register: &mut Register, cases: &Ours, table: &Routing, at: Timestamp) -> Vec<String> {
    let before: i64 =
        register.db.query_row("SELECT coalesce(max(id), 0) FROM alert", [], |row| row.get(0)).unwrap();
    register.make_notes(cases, at).unwrap().unwrap();
    register.route(table, cases, at).unwrap().unwrap();
    let sql = "SELECT role || ' ' || name FROM alert WHERE id > ?1 ORDER BY id";
    let mut statement = register.db.prepare(sql).unwrap();
    statement.query_map([before], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

pub(super) fn mark_1() -> String {
    mark(1).id.as_str().to_owned()
}

fn read(register: &mut Register, user: &str, up_to: u32) {
    let note = mark(1).id.as_str().to_owned();
    let marked =
        register.mark_read((&Reader::named(user).unwrap(), &[]), &note, up_to, false, friday()).unwrap();
    assert_eq!(marked, crate::authority::register::Marked::Read(AsWhom::Alerted));
}

#[test]
fn h18_h19_h22_one_alert_for_an_attendance_until_it_is_read_and_the_next_person_where_it_is_not() {
    let place = Place::new();
    let mut register = place.open();
    assert_eq!(round(&mut register, &[item(1)], &OPEN, friday()), ["worker Shaw"]);
    let nobody = Vec::<String>::new();
    assert_eq!(round(&mut register, &[item(1), item(2)], &OPEN, friday()), nobody, "again, and once more");
    assert_eq!(round(&mut register, &[], &OPEN, friday() + hours(3)), nobody);
    read(&mut register, "shaw", 2);
    assert_eq!(round(&mut register, &[], &OPEN, friday() + hours(72)), nobody, "it was read");
    // What comes after that is not read.
    let monday = friday() + hours(72);
    assert_eq!(round(&mut register, &[item(3)], &OPEN, monday), ["worker Shaw"]);
    assert_eq!(round(&mut register, &[], &OPEN, monday + hours(4)), ["team North duty"]);
    assert_eq!(round(&mut register, &[], &OPEN, monday + hours(4)), nobody, "once");
    assert_eq!(round(&mut register, &[], &OPEN, monday + hours(24)), ["manager Head"]);
    assert_eq!(round(&mut register, &[], &OPEN, monday + hours(48)), ["fall-back Lead"]);
    assert_eq!(round(&mut register, &[], &OPEN, monday + hours(240)), nobody);
    // The register opened anew knows whom it told.
    drop(register);
    assert_eq!(round(&mut place.open(), &[item(1), item(2), item(3)], &OPEN, monday + hours(240)), nobody);
}

#[test]
fn h22_at_night_emergency_duty_and_the_worker_are_alerted_and_a_case_that_is_not_open_comes_before_the_lead()
{
    let place = Place::new();
    let mut register = place.open();
    assert_eq!(round(&mut register, &[item(1)], &OPEN, now()), ["emergency-duty EDT", "worker Shaw"]);
    let other = Place::new();
    let mut register = other.open();
    let closed = Ours { closed: &["4711"], marked: &[] };
    assert_eq!(round(&mut register, &[item(1)], &closed, friday()), ["fall-back Lead"]);
    // Put under a case, it is its worker's.
    let id = mark(1).id.as_str().to_owned();
    assert_eq!(settle(&mut register, &id, 1, &Settle::Under("4712".to_owned())), Settled::Done);
    assert_eq!(round(&mut register, &[], &closed, friday()), ["worker Shaw"]);
    assert_eq!(round(&mut register, &[], &closed, friday() + hours(4)), ["team North duty"]);
    // What cannot be read comes before a person as well.
    let lost = Item::Unreadable(mark(2), "{\"status\":7}".to_owned());
    assert_eq!(round(&mut register, &[lost], &closed, friday()), ["fall-back Lead"]);
}

#[test]
fn h30_of_a_restricted_case_its_holders_hear_and_no_e_mail_to_others_says_which_it_is() {
    let place = Place::new();
    let mut register = place.open();
    let marked = Ours { closed: &[], marked: &["4711"] };
    for at in [now(), now() + hours(72)] {
        let alerts = round(&mut register, &[item(1)], &marked, at);
        assert!(alerts.iter().all(|alert| alert == "holder Asha"), "{alerts:?}");
    }
    let mail = register.next_mail(now()).unwrap().unwrap();
    assert_eq!((mail.address.as_str(), mail.local_id.as_deref()), ("asha@wexcombe.example", Some("4711")));
    assert!(register.next_part(now()).unwrap().unwrap().is_restricted);
    // Nobody holds it any more: it comes before the lead, who hears that there is something, and not of whom.
    register.db.execute("DELETE FROM holder", []).unwrap();
    register.db.execute("UPDATE mail SET state = 'sent'", []).unwrap();
    let elsewhere = {
        let Item::Notice(mut notice) = item(2) else { unreachable!() };
        notice.attendance = AccessReference::parse("8HRT-2MWC").unwrap();
        Item::Notice(notice)
    };
    let heading = Heading {
        source: "https://hub.example".to_owned(),
        authority_code: "E06000030".to_owned(),
        last: 2,
        unfiled: None,
        not_over: None,
    };
    register.take(&heading, &[elsewhere], now()).unwrap();
    register.make_notes(&marked, now()).unwrap().unwrap();
    assert_eq!(register.route(&table(), &marked, now()).unwrap().unwrap().alerts, 1);
    let mail = register.next_mail(now()).unwrap().unwrap();
    assert_eq!((mail.address.as_str(), mail.local_id), ("lead@wexcombe.example", None));
}

#[test]
fn what_came_while_somebody_was_reading_is_told_once_the_rest_is_read() {
    let place = Place::new();
    let mut register = place.open();
    assert_eq!(round(&mut register, &[item(1)], &OPEN, friday()), ["worker Shaw"]);
    assert_eq!(round(&mut register, &[item(2)], &OPEN, friday()), Vec::<String>::new());
    // The page showed the first alone when they pressed.
    read(&mut register, "shaw", 1);
    assert_eq!(round(&mut register, &[], &OPEN, friday()), ["worker Shaw"]);
    read(&mut register, "shaw", 1);
    assert_eq!(round(&mut register, &[], &OPEN, friday()), Vec::<String>::new(), "once");
    assert_eq!(round(&mut register, &[], &OPEN, friday() + hours(4)), ["team North duty"]);
    read(&mut register, "shaw", 2);
    assert_eq!(round(&mut register, &[], &OPEN, friday() + hours(72)), Vec::<String>::new());
}

#[test]
fn a_case_that_becomes_restricted_before_anybody_has_read_comes_before_its_holders() {
    let place = Place::new();
    let mut register = place.open();
    assert_eq!(round(&mut register, &[item(1)], &OPEN, friday()), ["worker Shaw"]);
    let marked = Ours { closed: &[], marked: &["4711"] };
    assert_eq!(round(&mut register, &[], &marked, friday() + hours(1)), ["holder Asha"]);
    // The worker's e-mail waited, and no longer leaves.
    let mails = "SELECT group_concat(address) FROM mail WHERE state = 'waiting'";
    let waiting: String = register.db.query_row(mails, [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, "asha@wexcombe.example");
    // A repeat at the same place: its holders know of it.
    assert_eq!(round(&mut register, &[item(2)], &marked, friday() + hours(2)), Vec::<String>::new());
    // What the holder has read is not told again, whoever may see it then.
    read(&mut register, "asha", 2);
    register.note_restricted(&BTreeMap::new(), &BTreeSet::new(), &|_| true, &BTreeSet::new()).unwrap();
    assert_eq!(round(&mut register, &[], &OPEN, friday() + hours(3)), Vec::<String>::new());
}

#[test]
fn an_e_mail_that_the_server_takes_later_is_tried_for_days_and_after_the_others() {
    let place = Place::new();
    let mut register = place.open();
    round(&mut register, &[item(1)], &OPEN, now());
    let first = register.next_mail(now()).unwrap().unwrap();
    register.mail_later(&first.id, "later (451)", now()).unwrap();
    let at = now() + hours(1);
    let other = register.next_mail(at).unwrap().unwrap();
    assert_ne!(other.id, first.id, "what was tried least comes first");
    register.mail_sent(&other.id, at).unwrap();
    for tries in 0..100 {
        let at = now() + hours(tries + 1);
        assert_eq!(register.next_mail(at).unwrap().unwrap().id, first.id);
        register.mail_later(&first.id, "later (451)", at).unwrap();
    }
    register.mail_later(&first.id, "later (451)", now() + hours(24 * 5 + 1)).unwrap();
    assert_eq!(register.next_mail(now() + hours(1000)).unwrap(), None, "given up after five days");
}

#[test]
fn an_e_mail_leaves_under_one_id_is_tried_again_and_given_up_in_the_end() {
    let place = Place::new();
    let mut register = place.open();
    round(&mut register, &[item(1)], &OPEN, friday());
    let mail = register.mail_to_leave(friday()).unwrap().unwrap();
    // The link ended here: it may have left. It is sent again under the same id, by which it is the same one.
    drop(register);
    let mut register = place.open();
    assert_eq!(register.next_mail(friday()).unwrap().unwrap().id, mail.id);
    register.mail_is_away(friday(), 60_000).unwrap();
    assert_eq!(register.next_mail(friday()).unwrap(), None, "not before its time");
    assert!(register.next_mail(friday() - hours(24 * 365)).unwrap().is_some(), "a clock that was ahead");
    let mut at = friday() + hours(1);
    let mut tries = 0;
    while let Some(mail) = register.mail_to_leave(at).unwrap() {
        register.mail_refused(&mail.id, "refused (550)", at).unwrap();
        at += hours(1);
        tries += 1;
        assert!(tries < 30);
    }
    assert_eq!(tries, 16);
    let figures = register.mail_figures(at).unwrap();
    assert_eq!((figures.sent, figures.waiting), (0, 0));
    assert_eq!(figures.given_up, Some((1, "refused (550)".to_owned())));
    read(&mut register, "shaw", 1);
    assert_eq!(round(&mut register, &[item(2)], &OPEN, friday()), ["worker Shaw"]);
    let mail = register.mail_to_leave(friday()).unwrap().unwrap();
    register.mail_sent(&mail.id, friday()).unwrap();
    assert_eq!(register.next_mail(friday() + hours(1000)).unwrap(), None, "what was sent stays sent");
}

#[test]
fn what_somebody_does_not_recognise_comes_before_the_manager_once_and_of_a_restricted_case_before_its_holders()
 {
    let place = Place::new();
    let mut register = place.open();
    let monday = friday() + hours(72);
    round(&mut register, &[item(1)], &OPEN, friday());
    // Nobody had read it: the manager was alerted already, and hears of this all the same.
    round(&mut register, &[], &OPEN, monday);
    round(&mut register, &[], &OPEN, monday + hours(24));
    let mails = |register: &Register| -> Vec<String> {
        let sql = "SELECT alert.name || ': ' || alert.why FROM mail JOIN alert ON alert.id = mail.alert_id
                   WHERE mail.state = 'waiting' AND alert.role <> 'worker' AND alert.role <> 'team' ORDER BY 1";
        let mut statement = register.db.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    };
    let unread = "Head: nobody has read it for hours of the office";
    assert_eq!(mails(&register), [unread]);
    register.db.execute("UPDATE mail SET state = 'sent'", []).unwrap();
    let says = |register: &mut Register, user: &str| {
        let (user, id) = (Reader::named(user).unwrap(), mark(1).id.as_str().to_owned());
        register.mark_not_recognised((&user, &[]), &id, 1, "with me in London", monday).unwrap()
    };
    assert_eq!(says(&mut register, "shaw"), crate::authority::register::Marked::Done);
    round(&mut register, &[], &OPEN, monday + hours(24));
    let disputed = "Head: somebody does not recognise this access";
    assert_eq!(mails(&register), [disputed]);
    register.db.execute("UPDATE mail SET state = 'sent'", []).unwrap();
    round(&mut register, &[], &OPEN, monday + hours(24));
    assert_eq!(mails(&register), Vec::<String>::new(), "once");

    let other = Place::new();
    let mut register = other.open();
    round(&mut register, &[item(1)], &OPEN, friday());
    says(&mut register, "shaw");
    // Looked into before the link came to it: the manager hears of it all the same.
    let (shaw, id) = (Reader::named("shaw").unwrap(), mark(1).id.as_str().to_owned());
    register.settle_not_recognised(&shaw, &id, 1, "nothing", friday()).unwrap();
    round(&mut register, &[], &OPEN, friday());
    assert_eq!(mails(&register), [disputed]);

    let other = Place::new();
    let mut register = other.open();
    let marked = Ours { closed: &[], marked: &["4711"] };
    round(&mut register, &[item(1)], &marked, friday());
    register.db.execute("UPDATE mail SET state = 'sent'", []).unwrap();
    assert_eq!(says(&mut register, "shaw"), crate::authority::register::Marked::NotThere);
    assert_eq!(says(&mut register, "asha"), crate::authority::register::Marked::Done);
    round(&mut register, &[], &marked, friday());
    assert_eq!(mails(&register), ["Asha: somebody does not recognise this access"]);
}
