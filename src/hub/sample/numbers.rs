//! NHS numbers for synthetic people: those from 999 first, then the others beginning with 9, each part in a
//! scrambled order of its own. Nothing is remembered but the position.

use super::chance::mixed;
use crate::domain::NhsNumber;

/// Of the eight digits after the 9, those that begin with 99.
const FROM_999: Part = Part { first: 99_000_000, length: 1_000_000 };
/// All others.
const OTHERS: Part = Part { first: 0, length: 99_000_000 };

#[derive(Debug, Clone, Copy)]
struct Part {
    first: u64,
    length: u64,
}

/// Every number that can be given to a synthetic person, once each, in the order of a seed.
#[derive(Debug, Clone)]
pub struct Numbers {
    seed: u64,
    position: u64,
}

impl Numbers {
    /// From the beginning.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, position: 0 }
    }

    /// How many there are from 999.
    #[must_use]
    pub fn from_999() -> u64 {
        valid_with(&[9, 9, 9])
    }

    /// How many there are in all.
    #[must_use]
    pub fn all() -> u64 {
        valid_with(&[9])
    }
}

impl Iterator for Numbers {
    type Item = NhsNumber;

    fn next(&mut self) -> Option<NhsNumber> {
        loop {
            let position = self.position;
            let (part, place) = match position.checked_sub(FROM_999.length) {
                None => (FROM_999, position),
                Some(place) if place < OTHERS.length => (OTHERS, place),
                Some(_) => return None,
            };
            self.position += 1;
            let body = part.first + scrambled(place, part.length, self.seed);
            // One in eleven has no check digit.
            if let Some(number) = u32::try_from(body).ok().and_then(NhsNumber::of_test_range) {
                return Some(number);
            }
        }
    }
}

/// How many nine-digit beginnings with this prefix have a check digit: counted by remainders, not one by one.
fn valid_with(prefix: &[u64]) -> u64 {
    let mut counts = [0_u64; 11];
    counts[0] = 1;
    for (place, weight) in (2..=10).rev().enumerate() {
        let mut next = [0_u64; 11];
        for (remainder, count) in (0_u64..).zip(counts) {
            let mut add = |digit: u64| {
                let to = usize::try_from((remainder + digit * weight) % 11).unwrap_or(0);
                if let Some(slot) = next.get_mut(to) {
                    *slot += count;
                }
            };
            match prefix.get(place) {
                Some(digit) => add(*digit),
                None => (0..10).for_each(add),
            }
        }
        counts = next;
    }
    // Remainder 1 would need the check digit 10.
    counts.iter().enumerate().filter(|(remainder, _)| *remainder != 1).map(|(_, count)| count).sum()
}

/// Where `place` goes when `0..length` is scrambled: a Feistel network, walked until it is back inside.
fn scrambled(place: u64, length: u64, seed: u64) -> u64 {
    let half = (64 - length.leading_zeros()).div_ceil(2);
    let mask = (1_u64 << half) - 1;
    let mut at = place;
    loop {
        let (mut left, mut right) = (at >> half, at & mask);
        for round in 0..4_u64 {
            let turned = mixed(seed ^ (round << 56) ^ right) & mask;
            (left, right) = (right, left ^ turned);
        }
        at = (left << half) | right;
        if at < length {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_are_valid_distinct_and_from_999_first() {
        let from_999 = usize::try_from(Numbers::from_999()).unwrap();
        assert_eq!(from_999, 909_091);
        let mut seen = HashSet::new();
        for (place, number) in Numbers::new(7).take(from_999 + 5_000).enumerate() {
            let digits = number.digits();
            assert_eq!(digits.starts_with("999"), place < from_999, "{place}");
            assert!(number.is_test_range() && seen.insert(digits), "{place}");
        }
        assert!(NhsNumber::parse(seen.iter().next().unwrap()).is_ok());
    }

    #[test]
    fn the_order_is_that_of_the_seed_and_looks_like_none() {
        let first = |seed| Numbers::new(seed).take(1_000).map(NhsNumber::digits).collect::<Vec<_>>();
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
        let rising = first(1).windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((400..600).contains(&rising), "{rising}");
    }

    #[test]
    fn scrambling_forgets_and_doubles_nothing_and_the_count_is_true() {
        for length in [1, 2, 10, 1_000, 4_099] {
            let all: HashSet<u64> = (0..length).map(|place| scrambled(place, length, 3)).collect();
            assert_eq!(all.len() as u64, length);
            assert!(all.iter().all(|at| *at < length));
        }
        assert_eq!(Numbers::all(), 90_909_091);
        let end = Numbers { seed: 1, position: FROM_999.length + OTHERS.length };
        assert_eq!(end.count(), 0);
        let counted =
            (0..1_000_000).filter(|body| NhsNumber::of_test_range(99_000_000 + body).is_some()).count();
        assert_eq!(counted as u64, Numbers::from_999());
    }
}
