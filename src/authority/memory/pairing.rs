//! Which plans of a local id go into one record: what is taken back stands beside what takes its place, so that both
//! happen or neither.

use super::changes::replaced;
use super::{Held, MemoryError};
use crate::exchange::RECORD_PLANS;

/// A plan with what is to happen to it.
pub(super) type Part = (&'static str, Held);

/// As records of no more plans than one can have. Where one plan takes the place of more than a record has room for, the
/// rest goes alone.
pub(super) fn records(
    takes_back: Vec<Held>,
    holds: Vec<Held>,
    before: &[Held],
) -> Result<Vec<Vec<Part>>, MemoryError> {
    let is_same = |one: &Held, other: &Held| one.kind == other.kind && one.start == other.start;
    let mut together: Vec<(Vec<Held>, Held)> = holds.into_iter().map(|hold| (Vec::new(), hold)).collect();
    let mut units: Vec<Vec<Part>> = Vec::new();
    for gone in takes_back {
        let mut best: Option<((u8, usize), &mut Vec<Held>)> = None;
        for (beside, hold) in &mut together {
            let is_new = !before.iter().any(|held| is_same(held, hold));
            let rank = if is_same(&gone, hold) {
                0
            } else if is_new && replaced(&gone, &[hold])? {
                1
            } else {
                continue;
            };
            let rank = (rank, beside.len());
            let has_room = beside.len() + 1 < RECORD_PLANS;
            if has_room && best.as_ref().is_none_or(|(known, _)| rank < *known) {
                best = Some((rank, beside));
            }
        }
        match best {
            Some((_, beside)) => beside.push(gone),
            None => units.push(vec![("take-back", gone)]),
        }
    }
    for (beside, hold) in together {
        let mut unit: Vec<Part> = beside.into_iter().map(|plan| ("take-back", plan)).collect();
        unit.push(("hold", hold));
        units.push(unit);
    }
    let mut records: Vec<Vec<Part>> = Vec::new();
    for unit in units {
        match records.last_mut() {
            Some(record) if record.len() + unit.len() <= RECORD_PLANS => record.extend(unit),
            Some(_) | None => records.push(unit),
        }
    }
    for record in &mut records {
        record.sort_by_key(|(what, _)| *what == "hold");
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(number: &str, start: &str) -> Held {
        Held {
            local_id: "A1".to_owned(),
            number: number.to_owned(),
            kind: "764841000000100".to_owned(),
            start: start.to_owned(),
            end: None,
            family: String::new(),
            given: String::new(),
            born: String::new(),
            contact_name: None,
            contact_telephone: None,
        }
    }

    #[test]
    fn no_record_parts_what_is_taken_back_from_what_takes_its_place() {
        let starts: Vec<String> = (1..=20).map(|day| format!("2026-01-{day:02}")).collect();
        let old: Vec<Held> = starts.iter().map(|start| plan("1", start)).collect();
        let new: Vec<Held> = starts.iter().rev().map(|start| plan("2", start)).collect();
        let records = records(old.clone(), new, &old).unwrap();
        assert_eq!(records.iter().map(Vec::len).collect::<Vec<_>>(), [12, 12, 12, 4]);
        for record in &records {
            for (what, plan) in record {
                let other = if *what == "hold" { "take-back" } else { "hold" };
                let is_other = |(what, beside): &&Part| *what == other && beside.start == plan.start;
                assert_eq!(record.iter().filter(is_other).count(), 1);
            }
        }
    }

    #[test]
    fn what_one_plan_replaces_goes_with_it_and_only_the_rest_alone() {
        let old: Vec<Held> = (1..=15).map(|day| plan("1", &format!("2026-01-{day:02}"))).collect();
        let new = vec![plan("1", "2026-02-01")];
        let records = records(old.clone(), new, &old).unwrap();
        assert_eq!(records.iter().map(Vec::len).collect::<Vec<_>>(), [4, 12]);
        assert!(records[1].iter().any(|(what, _)| *what == "hold"));
    }
}
