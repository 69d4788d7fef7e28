//! The table: missed and wrong first, each with its interval, for each kind of error and in all.

use std::time::Duration;

use super::corrupt::KINDS;

/// What came of one search.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    pub(super) kind: usize,
    pub(super) missed: bool,
    pub(super) wrong_first: bool,
    pub(super) candidates: usize,
    pub(super) took: Duration,
}

impl Outcome {
    pub(super) fn of(kind: usize, child: u64, found: &[u64]) -> Self {
        Self {
            kind,
            missed: !found.contains(&child),
            wrong_first: found.first().is_some_and(|first| *first != child),
            candidates: found.len(),
            took: Duration::ZERO,
        }
    }
}

/// A way to search, and what came of it.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) outcomes: Vec<Outcome>,
}

/// Prints every column's table, and the published figures.
pub(super) fn print(columns: &[Column]) {
    for column in columns {
        println!("\n{}", column.name);
        println!("{:<32}{:>7}  {:<24}{:<24}{:>6}", "", "n", "missed child %", "wrong child first %", "shown");
        for (kind, (_, name, _)) in KINDS.iter().enumerate() {
            line(name, column.outcomes.iter().filter(|outcome| outcome.kind == kind));
        }
        line("all", column.outcomes.iter());
        let mut took: Vec<Duration> = column.outcomes.iter().map(|outcome| outcome.took).collect();
        took.sort_unstable();
        let at = |share: usize| {
            took.get(took.len() * share / 100).copied().unwrap_or_default().as_secs_f64() * 1e3
        };
        if at(99) > 0.0 {
            println!(
                "time with its audit commit, 8 at once: median {:.1} ms, 99th percentile {:.1} ms",
                at(50),
                at(99)
            );
        }
    }
    println!("\npublished: sound-alike surname and birth date misses 29 %; a union of blockings with string");
    println!("distances misses 2.5 % and puts a wrong person first in 3.0 %. Intervals: Wilson, 95 %.");
}

fn line<'a>(name: &str, outcomes: impl Iterator<Item = &'a Outcome> + Clone) {
    let n = outcomes.clone().count();
    if n == 0 {
        return;
    }
    let missed = outcomes.clone().filter(|outcome| outcome.missed).count();
    let wrong = outcomes.clone().filter(|outcome| outcome.wrong_first).count();
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let shown = outcomes.map(|outcome| outcome.candidates).sum::<usize>() as f64 / n as f64;
    println!("{name:<32}{n:>7}  {:<24}{:<24}{shown:>6.2}", interval(missed, n), interval(wrong, n));
}

/// `2.1 (1.9 to 2.3)`
fn interval(times: usize, n: usize) -> String {
    const Z: f64 = 1.96;
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let (times, n) = (times as f64, n as f64);
    let share = times / n;
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    format!(
        "{:.2} ({:.2} to {:.2})",
        share * 100.0,
        (middle - half).max(0.0) * 100.0,
        (middle + half) * 100.0
    )
}
