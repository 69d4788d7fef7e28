//! What holds for every sample.

use std::collections::{HashMap, HashSet};

use jiff::civil::date;

use super::*;
use crate::domain::birth::birthday;
use crate::domain::plan::standing;
use crate::domain::{PlanKind, Standing, TailDays};

fn ask(people: u64, flagged: u64, seed: u64) -> SampleAsk {
    SampleAsk { people, flagged, seed, today: date(2026, 11, 22) }
}

fn sample(of: u64, flagged: u64, seed: u64) -> Vec<SamplePerson> {
    people(ask(of, flagged, seed)).unwrap().collect()
}

#[test]
fn as_many_people_and_flagged_people_as_were_asked_for_whatever_the_number() {
    let mut asks = vec![(1, 0), (1, 1), (2, 1), (7, 7), (8, 3), (9, 8), (100, 100), (500, 499)];
    asks.extend([(1_000, 1), (1_000, 333), (2_000, 0), (2_000, 200), (3_000, 1_700)]);
    for (place, (of, flagged)) in (0..).zip(asks) {
        let people = sample(of, flagged, place);
        let found = people.iter().filter(|person| !person.plans.is_empty()).count() as u64;
        assert_eq!((people.len() as u64, found), (of, flagged));
    }
}

#[test]
fn numbers_are_distinct_and_never_of_a_range_that_is_issued() {
    let mut seen = HashSet::new();
    for person in sample(20_000, 2_000, 3) {
        for number in std::iter::once(person.number).chain(person.superseded) {
            assert!(number.is_test_range() && seen.insert(number));
        }
    }
    assert_eq!(seen.len(), 20_000 + 20_000 / 400);
}

#[test]
fn the_same_seed_gives_the_same_people_and_another_seed_others() {
    let lines = |seed| sample(500, 50, seed).iter().map(SamplePerson::lines).collect::<String>();
    assert_eq!(lines(5), lines(5));
    assert_ne!(lines(5), lines(6));
}

#[test]
fn more_than_fit_are_refused_and_it_is_said_how_many_do() {
    let fit = most_people();
    assert!(people(ask(fit, 0, 1)).is_ok());
    let refused = people(ask(fit + 1, 0, 1)).unwrap_err().to_string();
    assert!(refused.contains(&fit.to_string()), "{refused}");
    // The last person still has a number, and so has everybody's superseded one.
    assert!(fit + fit / SUPERSEDED_EACH <= Numbers::all());
    assert!(fit + 1 + (fit + 1) / SUPERSEDED_EACH > Numbers::all());
    let refused = people(ask(10, 11, 1)).unwrap_err().to_string();
    assert_eq!(refused, "of 10 people at most 10 can be flagged, not 11");
    assert_eq!(people(ask(0, 0, 1)).unwrap_err(), SampleError::Nobody);
}

#[test]
fn plans_are_shown_on_the_day_and_fit_who_has_them() {
    let today = date(2026, 11, 22);
    for person in sample(6_000, 2_500, 11) {
        let (first, last) = person.born.range();
        assert!(first <= today);
        for (place, plan) in person.plans.iter().enumerate() {
            let shown = standing(plan.kind, plan.period, Some(last), today, TailDays::default());
            assert!(matches!(shown, Standing::Current | Standing::Tail), "{shown:?}, plan {place}");
            assert!(plan.period.end.is_none_or(|end| end >= plan.period.start));
            assert!(plan.period.start >= first && plan.sent.to_string().as_str() < "2026-11-22");
            if plan.kind == PlanKind::UnbornChildProtection {
                assert!(birthday(last, 15) <= today && today < birthday(first, 46));
            } else {
                assert!(today < birthday(last, 18), "children only");
            }
            assert!(!person.restricted && person.deceased == Deceased::No);
        }
    }
}

#[test]
fn twins_share_a_birth_date_and_families_an_address() {
    let people = sample(20_000, 2_000, 2);
    let mut households: HashMap<u64, Vec<&SamplePerson>> = HashMap::new();
    for person in &people {
        households.entry(person.household).or_default().push(person);
    }
    let mut twins = 0;
    for household in households.values() {
        let first = household.first().unwrap();
        assert!(household.iter().all(|person| person.postcode == first.postcode));
        for twin in household.iter().filter(|person| person.multiple_birth.is_some()) {
            let alike = household.iter().filter(|other| other.born == twin.born && other.role == Role::Child);
            assert!(alike.count() >= 2);
            twins += 1;
        }
    }
    assert!(twins > 50, "{twins}");
}

#[test]
fn the_people_are_such_as_a_search_has_to_tell_apart() {
    let people = sample(40_000, 4_000, 1);
    let part = |is: &dyn Fn(&SamplePerson) -> bool| people.iter().filter(|person| is(person)).count();
    let today = date(2026, 11, 22);
    let is_child = |person: &SamplePerson| today < birthday(person.born.range().1, 18);
    let check = |what: &str, found: usize, from: usize, to: usize| {
        assert!((from..=to).contains(&found), "{what}: {found}");
    };
    check("children", part(&is_child), 12_000, 18_500);
    check("mothers", part(&|person| person.role == Role::Mother), 7_000, 13_000);
    check("Smith", part(&|person| person.name.family == "Smith"), 150, 800);
    check("Khan", part(&|person| person.name.family == "Khan"), 150, 900);
    check("Patel", part(&|person| person.name.family == "Patel"), 80, 900);
    let hyphen = |person: &SamplePerson| person.name.family.contains('-');
    check("double-barrelled", part(&hyphen), 200, 2_500);
    check("previous names", part(&|person| !person.previous_names.is_empty()), 1_000, 9_000);
    let baby = |person: &SamplePerson| person.name.first_given().is_none_or(|given| given == "Baby");
    check("newborns without a name", part(&baby), 10, 300);
    check("restricted", part(&|person| person.restricted), 80, 300);
    check("deceased", part(&|person| person.deceased != Deceased::No), 50, 600);
    check("estimated", part(&|person| !person.born.is_exact()), 20, 500);
    check("born together", part(&|person| person.multiple_birth.is_some()), 150, 1_200);
    let mut same: HashMap<(String, String, BirthText), usize> = HashMap::new();
    for person in people.iter().filter(|person| person.name.first_given() != Some("Baby")) {
        let given = person.name.first_given().unwrap_or_default().to_owned();
        *same.entry((person.name.family.clone(), given, format!("{:?}", person.born))).or_default() += 1;
    }
    check("names and birthdays shared", same.values().filter(|count| **count > 1).count(), 5, 200);
}

type BirthText = String;
