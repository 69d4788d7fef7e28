//! Who of those compared is returned. Each one is a disclosure: few, and the right one among them.

use super::compared::Compared;
use super::query::PersonQuery;
use super::weigh::{self, Weighing, Weight};
use super::{FULL, Score, exact, names};

/// Less than this many bits is nobody who is meant.
const CUT: f64 = 13.0;

/// Who has so many bits less than the best is not shown.
const MARGIN: f64 = 8.0;

/// The same where no given name tells people apart.
const MARGIN_UNNAMED: f64 = 3.5;

/// Bits at which it is as likely as not that this is the one who is meant, and how fast that changes: a scale for
/// people to read.
const EVEN: f64 = 16.0;
const STEP: f64 = 2.5;

/// The best score of somebody who is not exactly what was asked.
const BEST_ALIKE: f64 = 990.0;

/// With so many bits by names and birth date somebody fits: the birth date and both names agree but for a slip in one. Who
/// differs in more is not looked for then.
const SURE: f64 = 26.0;

/// Whom a search has compared so far.
pub(in crate::hub) struct Choosing<'a> {
    query: &'a PersonQuery,
    /// How many were compared; each has its place among them.
    compared: usize,
    so_far: SoFar<'a>,
}

/// What is kept of them.
enum SoFar<'a> {
    /// Of an exact search: who is what was asked.
    Fitting(Vec<(usize, Score)>),
    /// Of a fuzzy search: everybody, and who weighs enough, by their places.
    Weighed { weighing: Weighing<'a>, people: Vec<Compared>, weighed: Vec<(usize, Weight)> },
}

impl<'a> Choosing<'a> {
    pub(in crate::hub) fn of(query: &'a PersonQuery) -> Self {
        let so_far = if query.fuzzy {
            SoFar::Weighed { weighing: Weighing::of(query), people: Vec::new(), weighed: Vec::new() }
        } else {
            SoFar::Fitting(Vec::new())
        };
        Self { query, compared: 0, so_far }
    }

    /// Compares one more.
    pub(in crate::hub) fn compare(&mut self, person: Compared) {
        let place = self.compared;
        self.compared += 1;
        match &mut self.so_far {
            SoFar::Fitting(fitting) => {
                let fits = |score: &Score| !self.query.exact_only || score.thousandths == FULL;
                fitting.extend(exact::score(self.query, &person).filter(fits).map(|score| (place, score)));
            }
            SoFar::Weighed { weighing, people, weighed } => {
                weighed.extend(
                    weighing.weigh(&person).filter(|weight| weight.bits >= CUT).map(|weight| (place, weight)),
                );
                people.push(person);
            }
        }
    }

    /// Whether more fit already than may be returned, so that nobody else need be looked at. Of a fuzzy search only the end says
    /// how many do.
    pub(in crate::hub) fn are_too_many(&self) -> bool {
        match &self.so_far {
            SoFar::Fitting(fitting) => fitting.len() > self.query.most,
            SoFar::Weighed { .. } => false,
        }
    }

    /// Whether the best fits, so that those who differ in more need not be looked for. Not where the given name does not
    /// say which twin it is, nor where gender or postcode contradict.
    pub(in crate::hub) fn is_sure(&self) -> bool {
        let SoFar::Weighed { weighed, .. } = &self.so_far else { return false };
        let best = weighed.iter().map(|(_, weight)| weight).max_by(|a, b| a.bits.total_cmp(&b.bits));
        best.is_some_and(|best| {
            best.by_name_and_birth >= SURE && !best.is_contradicted && best.given >= weigh::DECIDES
        })
    }

    /// Those who are returned, each by its place among the compared, with the score. Not yet in order.
    pub(in crate::hub) fn chosen(self) -> Vec<(usize, Score)> {
        match self.so_far {
            SoFar::Fitting(fitting) => fitting,
            SoFar::Weighed { people, weighed, .. } => {
                let mut chosen = alike(self.query, &people, weighed);
                if self.query.exact_only {
                    chosen.retain(|(_, score)| score.thousandths == FULL);
                }
                chosen
            }
        }
    }
}

fn alike(query: &PersonQuery, people: &[Compared], mut weighed: Vec<(usize, Weight)>) -> Vec<(usize, Score)> {
    weighed.sort_by(|(_, a), (_, b)| b.bits.total_cmp(&a.bits));
    let Some((best_place, best)) = weighed.first().copied() else { return Vec::new() };
    let siblings = siblings(query, people, &weighed, (best_place, best));
    let unnamed = names::is_unnamed(&query.given_parts());
    let least = best.bits - if unnamed { MARGIN_UNNAMED } else { MARGIN };
    let mut chosen = Vec::new();
    for (place, weight) in weighed {
        let is_sibling = siblings.contains(&place);
        if weight.bits < least && !is_sibling {
            continue;
        }
        let Some(person) = people.get(place) else { continue };
        let exactly = exact::score(query, person).filter(|score| score.thousandths == FULL);
        chosen.push((
            place,
            exactly.unwrap_or_else(|| Score {
                thousandths: thousandths(if is_sibling {
                    weight.bits - weight.given * 0.9
                } else {
                    weight.bits
                }),
                previous_name: weight.previous_name,
            }),
        ));
    }
    chosen
}

/// Where the given name that was asked does not decide, who was born on the same day with the same family name is
/// shown too, with nearly the same score (H4).
fn siblings(
    query: &PersonQuery,
    people: &[Compared],
    weighed: &[(usize, Weight)],
    (best_place, best): (usize, Weight),
) -> Vec<usize> {
    if query.given.is_empty() || best.given >= weigh::DECIDES {
        return Vec::new();
    }
    let Some(one) = people.get(best_place) else { return Vec::new() };
    let of_best = one.names.first().map(|name| name.whole_family());
    weighed
        .iter()
        .filter(|(place, weight)| {
            weight.given < weigh::DECIDES
                && people.get(*place).is_some_and(|other| {
                    other.born == one.born && other.names.first().map(|name| name.whole_family()) == of_best
                })
        })
        .map(|(place, _)| *place)
        .collect()
}

/// Bits as a score below 1.
fn thousandths(bits: f64) -> u32 {
    let share = 1.0 / (1.0 + ((EVEN - bits) / STEP).exp2());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=990")]
    let whole = (share * BEST_ALIKE).round().clamp(1.0, BEST_ALIKE) as u32;
    whole
}
