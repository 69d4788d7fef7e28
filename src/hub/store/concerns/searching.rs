//! Concerns about searching: numbers that follow each other, people found and not opened, limits.

use jiff::Timestamp;

use super::activity::{Activity, Day, Refused, by_organisation};
use crate::domain::{NhsNumber, dates};
use crate::hub::concerns::{Concern, ConcernKind, Who};

/// So many numbers close to each other on one day are a walk.
const WALK: usize = 5;

/// How far apart two of them are at most, without their check digits.
const STEP: u64 = 10;

/// People found on one day and not opened before it is a concern.
const NOT_OPENED: usize = 30;

pub(super) fn concerns(activity: &Activity) -> Vec<Concern> {
    let mut concerns = Vec::new();
    for (date, day) in &activity.days {
        for walk in walks(day) {
            let (numbers, unknown) = (walk.len(), walk.iter().filter(|step| !step.is_known).count());
            // That they are not known here says little: they may well be somebody's.
            let strength =
                u8::try_from(45 + 3 * numbers.min(10) + 5 * usize::from(unknown > 0)).unwrap_or(80);
            let seen = format!(
                "{numbers} NHS numbers that follow each other closely were asked for on {}; {unknown} of them are not known to this hub",
                dates::day(*date)
            );
            for there in by_organisation(walk, |step| step.who) {
                concerns.extend(of_day(day, ConcernKind::WalkingNumbers, strength, &seen, &there));
            }
        }
        let not_opened: Vec<Step<'_>> = day
            .found
            .iter()
            .filter(|(person, _)| !day.opened.contains(person))
            .map(|(_, who)| Step { who, is_known: true })
            .collect();
        if not_opened.len() > NOT_OPENED {
            let strength = if not_opened.len() > 10 * NOT_OPENED { 65 } else { 45 };
            let seen = format!(
                "{} people were found on {}, and the plans of {} of them not opened",
                day.found.len(),
                dates::day(*date),
                not_opened.len()
            );
            for there in by_organisation(not_opened, |step| step.who) {
                concerns.extend(of_day(day, ConcernKind::FoundNotOpened, strength, &seen, &there));
            }
        }
    }
    for there in by_organisation(&activity.refused, |refused| &refused.who) {
        concerns.extend(limits_reached(&there));
    }
    concerns
}

/// Somebody found, or a number asked for, at an organisation.
#[derive(Clone, Copy)]
struct Step<'a> {
    who: &'a Who,
    is_known: bool,
}

/// Of what was done on a day at one organisation.
fn of_day(day: &Day, kind: ConcernKind, strength: u8, seen: &str, there: &[Step<'_>]) -> Option<Concern> {
    let (who, first, last) = day.places.get(&there.first()?.who.organisation_code)?;
    Some(concern(who, kind, strength, seen.to_owned(), (*first, *last), there.len() as u64))
}

fn concern(
    who: &Who,
    kind: ConcernKind,
    strength: u8,
    seen: String,
    (first, last): (Timestamp, Timestamp),
    times: u64,
) -> Concern {
    let who = who.clone();
    Concern { kind, strength, who, number: None, seen, first, last, times, references: Vec::new() }
}

/// Numbers of a day that follow each other, in whatever order they were asked for.
fn walks(day: &Day) -> Vec<Vec<Step<'_>>> {
    let mut sorted: Vec<(u64, Step<'_>)> = day
        .numbers
        .iter()
        .map(|(number, (is_known, who))| (without_check_digit(*number), Step { who, is_known: *is_known }))
        .collect();
    sorted.sort_by_key(|(number, _)| *number);
    let chains = sorted.chunk_by(|(number, _), (next, _)| next.abs_diff(*number) <= STEP);
    chains
        .filter(|chain| chain.len() >= WALK)
        .map(|chain| chain.iter().map(|(_, step)| *step).collect())
        .collect()
}

fn without_check_digit(number: NhsNumber) -> u64 {
    number.digits().parse::<u64>().unwrap_or(0) / 10
}

fn limits_reached(refused: &[&Refused]) -> Option<Concern> {
    let (first, last) = (refused.first()?, refused.last()?);
    let count: u64 = refused.iter().map(|refused| refused.count).sum();
    let (strength, seen) = if refused.iter().any(|refused| refused.is_volume) {
        (
            70,
            format!(
                "{count} requests were refused, because this user's searches came to the volume of an hour or came too fast"
            ),
        )
    } else {
        (40, format!("{count} requests were refused because they came too fast"))
    };
    Some(concern(&last.who, ConcernKind::SearchVolume, strength, seen, (first.at, last.at), count))
}
