//! Concerns about searching: numbers that follow each other, people found and not opened, limits.

use jiff::Timestamp;

use super::activity::{Activity, Day};
use crate::domain::{NhsNumber, dates};
use crate::hub::concerns::{Concern, ConcernKind};

/// So many numbers close to each other on one day are a walk.
const WALK: usize = 5;

/// How far apart two of them are at most, without their check digits.
const STEP: u64 = 10;

/// People found on one day and not opened before it is a concern.
const NOT_OPENED: usize = 30;

pub(super) fn concerns(activity: &Activity) -> Vec<Concern> {
    let mut concerns = Vec::new();
    for (date, day) in &activity.days {
        let of_day = |kind, strength, seen, times: usize| {
            let (first, last) = (day.first?, day.last?);
            Some(concern(activity, kind, strength, seen, (first, last), times as u64))
        };
        for (numbers, unknown) in walks(day) {
            let strength = u8::try_from((45 + 3 * numbers.min(10) + 15 * usize::from(unknown > 0)).min(100));
            let seen = format!(
                "{numbers} NHS numbers that follow each other closely were asked for on {}; {unknown} of them are nobody's",
                dates::day(*date)
            );
            concerns.extend(of_day(ConcernKind::WalkingNumbers, strength.unwrap_or(100), seen, numbers));
        }
        let not_opened = day.found.difference(&day.opened).count();
        if not_opened > NOT_OPENED {
            let strength = if not_opened > 10 * NOT_OPENED { 65 } else { 45 };
            let seen = format!(
                "{} people were found on {}, and the plans of {not_opened} of them not opened",
                day.found.len(),
                dates::day(*date)
            );
            concerns.extend(of_day(ConcernKind::FoundNotOpened, strength, seen, not_opened));
        }
    }
    concerns.extend(limits_reached(activity));
    concerns
}

fn concern(
    activity: &Activity,
    kind: ConcernKind,
    strength: u8,
    seen: String,
    (first, last): (Timestamp, Timestamp),
    times: u64,
) -> Concern {
    let who = activity.who.clone();
    Concern { kind, strength, who, number: None, seen, first, last, times, references: Vec::new() }
}

/// Numbers of a day that follow each other, in whatever order they were asked for: how many, and how many of
/// them are nobody's.
fn walks(day: &Day) -> Vec<(usize, usize)> {
    let mut sorted: Vec<(u64, bool)> =
        day.numbers.iter().map(|(number, is_known)| (without_check_digit(*number), *is_known)).collect();
    sorted.sort_unstable();
    let mut walks = Vec::new();
    let chains = sorted.chunk_by(|(number, _), (next, _)| next.abs_diff(*number) <= STEP);
    for chain in chains.filter(|chain| chain.len() >= WALK) {
        walks.push((chain.len(), chain.iter().filter(|(_, is_known)| !is_known).count()));
    }
    walks
}

fn without_check_digit(number: NhsNumber) -> u64 {
    number.digits().parse::<u64>().unwrap_or(0) / 10
}

fn limits_reached(activity: &Activity) -> Option<Concern> {
    let (first, ..) = activity.refused.first()?;
    let (last, ..) = activity.refused.last()?;
    let count: u64 = activity.refused.iter().map(|(_, _, count)| count).sum();
    let is_volume = activity.refused.iter().any(|(_, asked, _)| asked == "search-volume");
    let (strength, seen) = if is_volume {
        (
            70,
            format!(
                "{count} requests were refused, because this user's searches came to the volume of an hour or came too fast"
            ),
        )
    } else {
        (40, format!("{count} requests were refused because they came too fast"))
    };
    Some(concern(activity, ConcernKind::SearchVolume, strength, seen, (*first, *last), count))
}
