//! Chance from a seed: SplitMix64 (Steele, Lea, Flood 2014). Its own few lines rather than a library's, because a
//! seed must give the same people for good, and libraries change how they draw.

/// A stream of chance; the same seed gives the same stream, whatever the version of anything.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The stream of a seed and of a place in what is made from it.
    #[must_use]
    pub fn new(seed: u64, place: u64) -> Self {
        Self(mixed(mixed(seed) ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// A number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        u64::try_from((u128::from(self.bits()) * u128::from(end)) >> 64).unwrap_or(0)
    }

    /// A number from `first` to `last`, both included.
    pub fn between(&mut self, first: i64, last: i64) -> i64 {
        let span = u64::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(1);
        first.saturating_add(i64::try_from(self.below(span)).unwrap_or(0))
    }

    /// True in so many of a thousand.
    pub fn in_a_thousand(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }

    /// An element of the list; `None` where it is empty.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let place = self.below(u64::try_from(list.len()).unwrap_or(0));
        list.get(usize::try_from(place).unwrap_or(0))
    }

    /// The place of one of these weights, drawn by weight.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut rest = self.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return place;
            }
            rest -= weight;
        }
        0
    }

    /// A number of days that is mostly short and sometimes long, about `mean` on average and never above four
    /// times that.
    pub fn days(&mut self, mean: i64) -> i64 {
        let (one, other) = (self.between(0, 2 * mean), self.between(0, 2 * mean));
        one * other / mean.max(1)
    }
}

/// Spreads a number over all 64 bits, one to one.
pub(super) fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
