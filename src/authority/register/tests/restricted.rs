//! Restricted cases: whoever is away or silent gives way to those who are named for that, and to nobody else.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::alerts::{Ours, friday, hours, mark_1, round, round_by, table};
use super::*;
use crate::authority::register::{AsWhom, Marked, Reader, Wanted};
use crate::config::authority::Routing;

const MARKED: Ours = Ours { closed: &[], marked: &["4711"] };

fn with_last() -> Routing {
    let mut table = table();
    table.restricted.last = vec!["Head".to_owned()];
    table
}

fn sees(register: &Register, user: &str) -> bool {
    let wanted = Wanted { most: 10, ..Wanted::default() };
    !register.accesses(&Reader::named(user).unwrap(), &wanted).unwrap().is_empty()
}

#[test]
fn h30_h22_whoever_comes_last_sees_a_restricted_case_once_they_are_alerted_and_not_before() {
    let place = Place::new();
    let mut register = place.open();
    assert_eq!(round(&mut register, &[item(1)], &MARKED, friday()), ["holder Asha"]);
    assert!(sees(&register, "asha") && !sees(&register, "head") && !sees(&register, "lead"));
    let nobody = Vec::<String>::new();
    assert_eq!(round_by(&mut register, &MARKED, &with_last(), friday() + hours(3)), nobody);
    assert_eq!(round_by(&mut register, &MARKED, &with_last(), friday() + hours(5)), ["holder Head"]);
    assert!(sees(&register, "head") && !sees(&register, "lead") && !sees(&register, "north.duty"));
    assert_eq!(
        round_by(&mut register, &MARKED, &with_last(), friday() + hours(240)),
        nobody,
        "and nobody besides"
    );
    // They may mark it, and that ends it. Their e-mail says which case it is, as a holder's does.
    register.db.execute("UPDATE mail SET state = 'sent' WHERE address LIKE 'asha@%'", []).unwrap();
    let mail = register.mail_to_leave(friday() + hours(240)).unwrap().unwrap();
    assert_eq!((mail.address.as_str(), mail.local_id.as_deref()), ("head@wexcombe.example", Some("4711")));
    let head = Reader::named("head").unwrap();
    assert_eq!(
        register.mark_read((&head, &[]), &mark_1(), 1, false, friday()).unwrap(),
        Marked::Read(AsWhom::Alerted)
    );
    // Who comes last no longer sees nothing of it any more.
    register.keep_let_in(&BTreeSet::from([head])).unwrap();
    assert!(sees(&register, "head"));
    register.keep_let_in(&BTreeSet::new()).unwrap();
    assert!(!sees(&register, "head"));
}

#[test]
fn h30_where_all_holders_are_away_whoever_comes_last_is_alerted_at_once() {
    let place = Place::new();
    let mut register = place.open();
    round(&mut register, &[], &MARKED, friday());
    let mut table = with_last();
    table.people.get_mut("Asha").unwrap().absent = vec![("2026-11-01".parse().unwrap(), None)];
    take(&mut register, &[item(1)]);
    assert_eq!(round_by(&mut register, &MARKED, &table, friday()), ["holder Head"]);
    assert!(sees(&register, "head") && !sees(&register, "lead"));
    assert_eq!(register.held_by_few().unwrap(), 1);
    // Other holders: it is theirs alone, and decided anew.
    let others = BTreeSet::from([Reader::named("north.duty").unwrap()]);
    register.refresh_cases(&MARKED, &std::collections::BTreeMap::new(), &others).unwrap().unwrap();
    assert!(!sees(&register, "head") && sees(&register, "north.duty"));
    assert_eq!(round_by(&mut register, &MARKED, &table, friday()), ["holder North duty"]);
}

#[test]
fn h22_a_clock_that_was_ahead_delays_the_next_step_by_no_more_than_its_time() {
    let place = Place::new();
    let mut register = place.open();
    let open = Ours { closed: &[], marked: &[] };
    let ahead = friday() + SignedDuration::from_hours(24 * 365);
    assert!(!round(&mut register, &[item(1)], &open, ahead).is_empty());
    assert_eq!(round(&mut register, &[], &open, friday()), Vec::<String>::new());
    assert_eq!(round(&mut register, &[], &open, friday() + hours(4)), ["team North duty"]);
}

#[test]
fn h22_who_reports_an_access_has_read_it_and_the_manager_alone_hears_of_that() {
    let place = Place::new();
    let mut register = place.open();
    let open = Ours { closed: &[], marked: &[] };
    assert_eq!(round(&mut register, &[item(1)], &open, friday()), ["worker Shaw"]);
    let shaw = Reader::named("shaw").unwrap();
    let said = register.mark_not_recognised((&shaw, &[]), &mark_1(), 1, "not here", friday()).unwrap();
    assert_eq!(said, Marked::Done);
    assert_eq!(round(&mut register, &[], &open, friday()), ["manager Head"]);
    assert_eq!(round(&mut register, &[], &open, friday() + hours(240)), Vec::<String>::new());
    let wanted = Wanted { only_disputed: true, most: 10, ..Wanted::default() };
    let list = register.accesses(&shaw, &wanted).unwrap();
    assert!(list[0].is_read() && list[0].not_recognised.as_ref().unwrap().words == "not here");
    register.settle_not_recognised(&shaw, &mark_1(), 1, "a twin", friday()).unwrap();
    assert_eq!(register.count_accesses(&shaw, &wanted).unwrap(), 0);
}

#[test]
fn h30_who_opened_a_restricted_childs_page_is_told_to_its_holders_alone() {
    let place = Place::new();
    let mut register = place.open();
    round(&mut register, &[item(1)], &MARKED, friday());
    let asha = Reader::named("asha").unwrap();
    register.note_look(&asha, "4711", &mark_1(), friday()).unwrap();
    let looks = |asks: &Reader, register: &Register| {
        let (looks, hidden) = register.looks(asks, None, None).unwrap();
        (looks.len(), hidden)
    };
    assert_eq!(looks(&asha, &register), (1, 0));
    for user in [Reader::nobody(), Reader::named("shaw").unwrap()] {
        assert_eq!(looks(&user, &register), (0, 1));
    }
    // Put under another case since, it was this one whose page was opened.
    register.db.execute("UPDATE note SET local_id = 'B2', told_as = 'B2'", []).unwrap();
    assert_eq!((looks(&Reader::nobody(), &register), looks(&asha, &register)), ((0, 1), (1, 0)));
}

#[test]
fn h3_what_another_child_had_under_the_same_local_id_is_not_on_this_childs_page() {
    let place = Place::new();
    let mut register = place.open();
    let other = {
        let Item::Notice(mut notice) = item(2) else { unreachable!() };
        notice.attendance = AccessReference::parse("8HRT-2MWC").unwrap();
        notice.number = NhsNumber::synthetic(2);
        Item::Notice(notice)
    };
    take(&mut register, &[item(1), other]);
    let someone = Reader::named("shaw").unwrap();
    let of = |number: u64| Wanted {
        local_id: Some("4711".to_owned()),
        number: Some(NhsNumber::synthetic(number).digits()),
        most: 10,
        ..Wanted::default()
    };
    for number in [1, 2] {
        let list = register.accesses(&someone, &of(number)).unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].number, NhsNumber::synthetic(number).digits());
    }
    // Also of what was here before this was kept.
    register.db.execute("UPDATE note SET nhs_number = NULL", []).unwrap();
    drop(register);
    assert_eq!(place.open().count_accesses(&someone, &of(2)).unwrap(), 1);
}

fn addresses(register: &mut Register, at: jiff::Timestamp) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(mail) = register.mail_to_leave(at).unwrap() {
        register.mail_sent(&mail.id, at).unwrap();
        all.push(mail.address);
    }
    all
}

#[test]
fn h30_no_e_mail_of_a_restricted_case_leaves_to_somebody_who_may_no_longer_see_it() {
    // One that is at the server's door, tried later; and one of what has been read meanwhile.
    for is_read in [false, true] {
        let place = Place::new();
        let mut register = place.open();
        assert_eq!(round(&mut register, &[item(1)], &MARKED, friday()), ["holder Asha"]);
        let mail = register.mail_to_leave(friday()).unwrap().unwrap();
        assert_eq!(mail.address, "asha@wexcombe.example");
        if is_read {
            let asha = Reader::named("asha").unwrap();
            register.mark_read((&asha, &[]), &mark_1(), 1, false, friday()).unwrap();
        }
        let others = BTreeSet::from([Reader::named("north.duty").unwrap()]);
        register.refresh_cases(&MARKED, &std::collections::BTreeMap::new(), &others).unwrap().unwrap();
        register.mail_later(&mail.id, "later", friday()).unwrap();
        round_by(&mut register, &MARKED, &table(), friday());
        let expected: &[&str] = if is_read { &[] } else { &["north.duty@wexcombe.example"] };
        assert_eq!(addresses(&mut register, friday() + hours(2)), expected);
    }
    // Whatever has been forgotten on the way: it is looked at as it leaves.
    let place = Place::new();
    let mut register = place.open();
    round(&mut register, &[item(1)], &MARKED, friday());
    register.db.execute("DELETE FROM holder", []).unwrap();
    assert_eq!(addresses(&mut register, friday()), Vec::<String>::new());
    assert_eq!(register.mail_figures(friday()).unwrap().waiting, 0, "and is no longer waited for");
}

#[test]
fn h30_h22_whoever_comes_last_and_is_taken_out_and_put_back_is_alerted_again() {
    let place = Place::new();
    let mut register = place.open();
    round(&mut register, &[item(1)], &MARKED, friday());
    assert_eq!(round_by(&mut register, &MARKED, &with_last(), friday() + hours(5)), ["holder Head"]);
    assert_eq!(addresses(&mut register, friday() + hours(5)).len(), 2);
    register.keep_let_in(&BTreeSet::new()).unwrap();
    round_by(&mut register, &MARKED, &table(), friday() + hours(5));
    assert!(!sees(&register, "head"));
    round_by(&mut register, &MARKED, &with_last(), friday() + hours(6));
    assert!(sees(&register, "head"), "the other holder has not read it for hours of the office");
    assert_eq!(addresses(&mut register, friday() + hours(6)), ["head@wexcombe.example"]);
}

#[test]
fn h30_h22_what_came_while_nobody_held_the_case_goes_on_to_whoever_is_named_since() {
    let place = Place::new();
    let mut register = place.open();
    let nobody = BTreeSet::new();
    register.refresh_cases(&MARKED, &std::collections::BTreeMap::new(), &nobody).unwrap().unwrap();
    take(&mut register, &[item(1)]);
    assert_eq!(round_by(&mut register, &MARKED, &table(), friday()), ["fall-back Lead"]);
    assert_eq!(round_by(&mut register, &MARKED, &with_last(), friday() + hours(3)), Vec::<String>::new());
    assert_eq!(round_by(&mut register, &MARKED, &with_last(), friday() + hours(4)), ["holder Head"]);
}

#[test]
fn h22_a_clock_that_is_behind_for_a_round_changes_no_moment_of_an_alert() {
    let place = Place::new();
    let mut register = place.open();
    let open = Ours { closed: &[], marked: &[] };
    round(&mut register, &[item(1)], &open, friday());
    let moments = |register: &Register| -> i64 {
        register.db.query_row("SELECT made_ms FROM alert", [], |row| row.get(0)).unwrap()
    };
    let before = moments(&register);
    assert_eq!(round(&mut register, &[], &open, friday() - hours(24 * 3650)), Vec::<String>::new());
    assert_eq!(moments(&register), before);
    assert_eq!(round(&mut register, &[], &open, friday() + hours(3)), Vec::<String>::new());
    assert_eq!(round(&mut register, &[], &open, friday() + hours(4)), ["team North duty"]);
}

#[test]
fn h22_what_emergency_duty_or_a_bystander_reports_the_worker_has_not_read() {
    for who in ["edt", "head"] {
        let place = Place::new();
        let mut register = place.open();
        let open = Ours { closed: &[], marked: &[] };
        let night = friday() + hours(12);
        assert_eq!(round(&mut register, &[item(1)], &open, night), ["emergency-duty EDT", "worker Shaw"]);
        let reader = Reader::named(who).unwrap();
        register.mark_not_recognised((&reader, &[]), &mark_1(), 1, "not here", night).unwrap();
        assert_eq!(round(&mut register, &[], &open, night), ["manager Head"]);
        let wanted = Wanted { most: 10, ..Wanted::default() };
        let list = register.accesses(&Reader::named("shaw").unwrap(), &wanted).unwrap();
        assert!(!list[0].is_read(), "{who}");
    }
}

#[test]
fn h30_what_nobody_recognised_comes_before_those_who_may_see_the_case_since() {
    // Whoever says so has read it: nobody is alerted of the access itself any more.
    let report = |register: &mut Register, user: &str| {
        let reader = Reader::named(user).unwrap();
        let marked =
            register.mark_not_recognised((&reader, &[]), &mark_1(), 1, "not here", friday()).unwrap();
        assert_eq!(marked, Marked::Done);
    };
    let place = Place::new();
    let mut register = place.open();
    let open = Ours { closed: &[], marked: &[] };
    round(&mut register, &[item(1)], &open, friday());
    assert_eq!(addresses(&mut register, friday()), ["shaw@wexcombe.example"]);
    report(&mut register, "shaw");
    assert_eq!(round(&mut register, &[], &open, friday()), ["manager Head"]);
    // It becomes restricted before the e-mail to the manager has left.
    assert_eq!(round(&mut register, &[], &MARKED, friday()), ["holder Asha"]);
    assert_eq!(addresses(&mut register, friday()), ["asha@wexcombe.example"]);
    // The same where whoever came last heard of it, and does so no longer.
    let place = Place::new();
    let mut register = place.open();
    round(&mut register, &[], &MARKED, friday());
    let mut table = with_last();
    table.people.get_mut("Asha").unwrap().absent =
        vec![("2026-11-01".parse().unwrap(), Some("2026-11-20".parse().unwrap()))];
    take(&mut register, &[item(1)]);
    assert_eq!(round_by(&mut register, &MARKED, &table, friday()), ["holder Head"]);
    report(&mut register, "head");
    round_by(&mut register, &MARKED, &table, friday());
    register.keep_let_in(&BTreeSet::new()).unwrap();
    table.restricted.last.clear();
    let monday = friday() + hours(72);
    assert_eq!(round_by(&mut register, &MARKED, &table, monday), ["holder Asha"]);
    assert_eq!(addresses(&mut register, monday), ["asha@wexcombe.example"]);
    // What somebody has looked into is over.
    let asha = Reader::named("asha").unwrap();
    let settled = register.settle_not_recognised(&asha, &mark_1(), 1, "a twin", monday).unwrap();
    assert_eq!(settled, Marked::Done);
    let others = BTreeSet::from([asha, Reader::named("north.duty").unwrap()]);
    register.refresh_cases(&MARKED, &std::collections::BTreeMap::new(), &others).unwrap().unwrap();
    assert_eq!(round_by(&mut register, &MARKED, &table, monday), Vec::<String>::new());
}
