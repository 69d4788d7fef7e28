//! Must hold 4: what the hub discloses on a day agrees with the dates table, for any plan, birth date and
//! clock. The model beside it counts days by itself: it shares no code with the hub.

use std::sync::atomic::{AtomicU64, Ordering};

use cpis::domain::{CareSetting, NhsNumber, TailDays, ViewPermit};
use cpis::hub::store::{HeldRecord, ViewAsk, ViewOutcome};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use uuid::Uuid;

use super::support::data::{CHILD_PROTECTION, LOOKED_AFTER, UNBORN, lines};
use super::support::{TestHub, nurse};

/// A day as the number of days since 1970, and back (Howard Hinnant's civil calendar).
pub(super) fn to_days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

pub(super) fn from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

pub(super) fn iso(days: i64) -> String {
    let (year, month, day) = from_days(days);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The day in London: an hour ahead from the last Sunday of March to that of October, from 01:00 UTC.
pub(super) fn london_day(seconds: i64) -> i64 {
    let (year, ..) = from_days(seconds.div_euclid(86_400));
    let change = |month: i64| {
        let last = to_days(year, month, 31);
        // 1970-01-01 was a Thursday.
        let sunday = last - (last + 4).rem_euclid(7);
        sunday * 86_400 + 3600
    };
    let ahead = if (change(3)..change(10)).contains(&seconds) { 3600 } else { 0 };
    (seconds + ahead).div_euclid(86_400)
}

/// How exactly the hub was told when somebody was born.
#[derive(Debug, Clone, Copy)]
enum Exactness {
    Day,
    Month,
    Year,
    NotKnown,
}

#[derive(Debug, Clone)]
struct Case {
    kind: &'static str,
    born: i64,
    exactness: Exactness,
    start: i64,
    end: Option<i64>,
    now: i64,
}

/// Days after the end for which a plan is shown: of a child, of an unborn one.
type Tails = (i64, i64);

const USUAL: Tails = (364, 28);

/// The dates table of the manual, said in days.
fn is_shown(case: &Case, tails: Tails) -> bool {
    let today = london_day(case.now);
    if case.kind != UNBORN && !matches!(case.exactness, Exactness::NotKnown) {
        let (year, month, day) = from_days(case.born);
        // Of an estimate the last day that it can mean: nobody is taken for an adult too early.
        let (month, day) = match case.exactness {
            Exactness::Month if month < 12 => (month, from_days(to_days(year, month + 1, 1) - 1).2),
            Exactness::Month | Exactness::Year => (12, 31),
            Exactness::Day | Exactness::NotKnown => (month, day),
        };
        let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let eighteen = if (month, day) == (2, 29) && !is_leap(year + 18) {
            to_days(year + 18, 3, 1)
        } else {
            to_days(year + 18, month, day)
        };
        if today >= eighteen {
            return false;
        }
    }
    let tail = if case.kind == UNBORN { tails.1 } else { tails.0 };
    case.start <= today && case.end.is_none_or(|end| today <= end + tail)
}

/// Moments where days change: midnights and clock changes, a second to either side, and any others.
fn moments(around: i64) -> impl Strategy<Value = i64> {
    let midnight = around * 86_400;
    prop_oneof![
        (0_i64..86_400).prop_map(move |second| midnight + second),
        prop_oneof![
            Just(-3601),
            Just(-3600),
            Just(-3599),
            Just(-1),
            Just(0),
            Just(1),
            Just(3599),
            Just(3600)
        ]
        .prop_map(move |second| midnight + second),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let kinds = prop_oneof![Just(CHILD_PROTECTION), Just(LOOKED_AFTER), Just(UNBORN)];
    // Where today lies, relative to what decides: the start, the end, the tails' ends, the 18th birthday.
    let edges = (0_usize..5, -2_i64..=2);
    let today = prop_oneof![
        to_days(2026, 1, 1)..to_days(2033, 1, 1),
        // The days of both clock changes, and leap days.
        prop_oneof![
            Just(to_days(2026, 3, 29)),
            Just(to_days(2026, 10, 25)),
            Just(to_days(2027, 3, 28)),
            Just(to_days(2028, 2, 29)),
            Just(to_days(2028, 10, 29)),
        ],
    ];
    let ages = prop_oneof![0_i64..40 * 366, Just(18 * 365 + 4), Just(35 * 365 + 9)];
    let exactness = prop_oneof![
        5 => Just(Exactness::Day),
        1 => Just(Exactness::Month),
        1 => Just(Exactness::Year),
        1 => Just(Exactness::NotKnown),
    ];
    let lengths = (0_i64..900, prop::option::of(0_i64..500));
    (kinds, today, (ages, exactness), lengths, edges, any::<bool>()).prop_flat_map(
        |(kind, today, (age, exactness), (before, length), (edge, slip), leap_born)| {
            let born = if leap_born { to_days(2012, 2, 29) - 1461 * (age % 4) } else { today - age };
            // Around the 18th birthday: the plan goes along, or nothing would be shown on either side of it.
            let (year, month, day) = from_days(born);
            let today = if edge == 4 { to_days(year + 18, month, day) + slip } else { today };
            let today = today.clamp(to_days(2000, 1, 1), to_days(2060, 1, 1));
            let start = match edge {
                0 => today + slip,
                _ => today - before,
            };
            let end = match (edge, length) {
                (1, _) => Some((today + slip).max(start)),
                (2, _) => Some((today - 364 + slip).max(start)),
                (3, _) => Some((today - 28 + slip).max(start)),
                (_, None) if kind == UNBORN => Some(start + 100),
                (_, length) => length.map(|length| start + length),
            };
            moments(today).prop_map(move |now| Case { kind, born, exactness, start, end, now })
        },
    )
}

#[test]
fn disclosed_plans_agree_with_the_dates_table_for_any_plan_birth_and_clock() {
    agree(768, USUAL);
}

#[test]
fn disclosed_plans_agree_with_the_dates_table_where_its_tails_are_configured() {
    agree(256, (100, 0));
}

fn agree(cases: u32, tails: Tails) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (child, unborn) = (u16::try_from(tails.0).unwrap(), u16::try_from(tails.1).unwrap());
    let hub = runtime.block_on(TestHub::with_tails(TailDays { child, unborn }));
    let seeds = AtomicU64::new(1);
    let (shown_at_all, hidden_at_all) = (AtomicU64::new(0), AtomicU64::new(0));
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&self::cases(), |case| {
        let seed = seeds.fetch_add(1, Ordering::Relaxed);
        runtime.block_on(async {
            let number = load(&hub, seed, &case).await;
            let shown = disclosed(&hub, number, case.now).await;
            let expected = expected(&case, tails);
            (if expected.len() > 1 { &shown_at_all } else { &hidden_at_all }).fetch_add(1, Ordering::Relaxed);
            if shown == expected {
                Ok(())
            } else {
                let moment = Timestamp::from_second(case.now).unwrap();
                Err(TestCaseError::fail(format!(
                    "{shown:?}, by the table {expected:?}: born {} ({:?}), {:?} at {moment}",
                    iso(case.born),
                    case.exactness,
                    plan_of(&case)
                )))
            }
        })
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
    let (shown, hidden) = (shown_at_all.into_inner(), hidden_at_all.into_inner());
    assert!(shown * 5 > u64::from(cases) && hidden * 5 > u64::from(cases), "{shown} shown, {hidden} hidden");
}

/// A plan as the test compares it: kind, start, end.
type Told = (String, String, Option<String>);

fn plan_of(case: &Case) -> Told {
    (case.kind.to_owned(), iso(case.start), case.end.map(iso))
}

/// Beside the plan of the case each person has one that is shown on any of its days: which one is shown has to
/// be right, not only how many. It is an unborn plan, which knows no age.
fn always(case: &Case) -> Told {
    let today = london_day(case.now);
    (UNBORN.to_owned(), iso(today - 400), Some(iso(today + 1)))
}

fn expected(case: &Case, tails: Tails) -> Vec<Told> {
    let mut plans = vec![always(case)];
    plans.extend(is_shown(case, tails).then(|| plan_of(case)));
    plans.sort();
    plans
}

#[tokio::test]
async fn the_dates_tables_hard_days_one_by_one() {
    let hub = TestHub::empty().await;
    let check =
        async |seed, kind, born: (i64, i64, i64), start, end: Option<(i64, i64, i64)>, at: &str, shown| {
            let day = |(year, month, day)| to_days(year, month, day);
            let now = at.parse::<Timestamp>().unwrap().as_second();
            let (born, start, end) = (day(born), day(start), end.map(day));
            let case = Case { kind, born, exactness: Exactness::Day, start, end, now };
            assert_eq!(is_shown(&case, USUAL), shown == 1, "the model at {at}");
            let number = load(&hub, seed, &case).await;
            assert_eq!(disclosed(&hub, number, now).await, expected(&case, USUAL), "{kind} at {at}");
        };
    let start = (2026, 1, 5);
    // 18 tomorrow: shown to the last second of the London day, in summer an hour before UTC's.
    check(1, LOOKED_AFTER, (2008, 7, 2), start, None, "2026-07-01T22:59:59Z", 1).await;
    check(2, LOOKED_AFTER, (2008, 7, 2), start, None, "2026-07-01T23:00:00Z", 0).await;
    check(3, LOOKED_AFTER, (2008, 1, 8), start, None, "2026-01-07T23:59:59Z", 1).await;
    check(4, LOOKED_AFTER, (2008, 1, 8), start, None, "2026-01-08T00:00:00Z", 0).await;
    // Born on 29 February: 18 on 1 March.
    check(5, CHILD_PROTECTION, (2008, 2, 29), start, None, "2026-02-28T23:59:59Z", 1).await;
    check(6, CHILD_PROTECTION, (2008, 2, 29), start, None, "2026-03-01T00:00:00Z", 0).await;
    // H12: a mother of 35, before and after the end of the tail.
    check(7, UNBORN, (1991, 5, 5), start, Some((2026, 3, 1)), "2026-03-29T22:59:59Z", 1).await;
    check(8, UNBORN, (1991, 5, 5), start, Some((2026, 3, 1)), "2026-03-29T23:00:00Z", 0).await;
    // It begins tomorrow, in London, on both days of the clock change.
    check(9, CHILD_PROTECTION, (2015, 1, 1), (2026, 3, 30), None, "2026-03-29T22:59:59Z", 0).await;
    check(10, CHILD_PROTECTION, (2015, 1, 1), (2026, 3, 30), None, "2026-03-29T23:00:00Z", 1).await;
    check(11, CHILD_PROTECTION, (2015, 1, 1), (2026, 10, 26), None, "2026-10-25T23:59:59Z", 0).await;
    check(12, CHILD_PROTECTION, (2015, 1, 1), (2026, 10, 26), None, "2026-10-26T00:00:00Z", 1).await;
    // The tail of 364 days over a leap day.
    check(13, CHILD_PROTECTION, (2015, 1, 1), (2026, 1, 1), Some((2027, 3, 1)), "2028-02-28T23:59:59Z", 1)
        .await;
    check(14, CHILD_PROTECTION, (2015, 1, 1), (2026, 1, 1), Some((2027, 3, 1)), "2028-02-29T00:00:00Z", 0)
        .await;
}

async fn load(hub: &TestHub, seed: u64, case: &Case) -> NhsNumber {
    let born = iso(case.born);
    let born = match case.exactness {
        Exactness::Day => born.as_str(),
        Exactness::Month => &born[..7],
        Exactness::Year => &born[..4],
        Exactness::NotKnown => "",
    };
    let person = super::support::data::person(seed, "Case", "Ava", born);
    let plan = |(kind, start, end): Told, authority: &str| {
        let plan = super::support::data::plan(seed, &kind, &start, &end.unwrap_or_default(), authority);
        // Whenever it is loaded: its own day of sending could lie in the future of the turned clock.
        super::support::data::changed(plan, serde_json::json!({ "meta": null }))
    };
    hub.load(&lines(&[person, plan(plan_of(case), "E06000030"), plan(always(case), "E10000013")])).await;
    super::support::data::number(seed)
}

async fn disclosed(hub: &TestHub, number: NhsNumber, now: i64) -> Vec<Told> {
    hub.clock.turn_to(Timestamp::from_second(now).unwrap());
    let permit = ViewPermit::of(&nurse(), hub.hub.rights(), CareSetting::Unscheduled).unwrap();
    let ask = ViewAsk { number, trace: Uuid::new_v4(), site: None };
    let outcome = hub.hub.store().disclose(permit, ask).await.unwrap().into_value();
    let ViewOutcome::Disclosed(disclosed) = outcome else { panic!("{outcome:?}") };
    let told = |record: &HeldRecord| {
        let period = record.plan.period.unwrap();
        let kind = record.plan.kind.unwrap().snomed().to_owned();
        (kind, period.start.to_string(), period.end.map(|end| end.to_string()))
    };
    let mut plans: Vec<Told> = disclosed.plans.iter().map(told).collect();
    plans.sort();
    plans
}
