//! The demonstration's people. All are made up; numbers are of the test range, telephone numbers of the
//! ranges that Ofcom keeps for drama.
//!
//! Birth dates are fixed where they leave ten years before 18; others, and all plan dates, count from the
//! day on which the demonstration starts. The README's table lists everybody, and a test holds it.

use jiff::civil::Date;
use jiff::{Span, ToSpan};

use crate::domain::{Gender, NhsNumber, PlanKind};

/// When somebody was born.
#[derive(Debug, Clone, Copy)]
pub(super) enum Born {
    On(i16, i8, i8),
    /// Only the year is held.
    InYear(i16),
    DaysAgo(i64),
    YearsAgo(i16),
    /// 18 years ago tomorrow.
    EighteenTomorrow,
}

impl Born {
    /// As FHIR writes it, for a demonstration that starts on `today`.
    pub(super) fn wire(self, today: Date) -> String {
        let back = |span: Span| today.checked_sub(span).unwrap_or(today).to_string();
        match self {
            Born::On(year, month, day) => format!("{year:04}-{month:02}-{day:02}"),
            Born::InYear(year) => format!("{year:04}"),
            Born::DaysAgo(days) => back(days.days()),
            Born::YearsAgo(years) => back(i64::from(years).years()),
            Born::EighteenTomorrow => {
                let tomorrow = today.tomorrow().unwrap_or(today);
                // Where tomorrow is a 29 February without a counterpart, the birthday counts as 1 March.
                let year = tomorrow.year() - 18;
                Date::new(year, tomorrow.month(), tomorrow.day())
                    .or_else(|_| Date::new(year, 3, 1))
                    .unwrap_or(today)
                    .to_string()
            }
        }
    }
}

/// An authority of the demonstration.
#[derive(Debug, Clone, Copy)]
pub(super) enum Council {
    /// Office hours known, both numbers, a team.
    Wexcombe,
    /// Another authority, both numbers.
    Northmoor,
    /// No emergency duty number is held.
    Thamesbury,
    /// Office hours are not known.
    Eastmarsh,
}

/// A plan, in days from the day of the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct DemoPlan {
    pub(super) kind: PlanKind,
    pub(super) council: Council,
    pub(super) started_days_ago: i64,
    /// Days from today; negative is past.
    pub(super) ends_in_days: Option<i64>,
}

/// Anything out of the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Special {
    Nothing,
    /// Born second or first of two.
    Twin(u32),
    /// Another number was replaced by this one.
    Replaces(NhsNumber),
    /// The identity ended; nothing joins it to another.
    Ended,
    Restricted,
    /// Died this many days ago.
    Died(i64),
}

/// A person of the demonstration.
#[derive(Debug, Clone)]
pub(super) struct DemoPerson {
    pub(super) number: NhsNumber,
    pub(super) family: &'static str,
    pub(super) given: &'static [&'static str],
    pub(super) gender: Gender,
    pub(super) born: Born,
    pub(super) special: Special,
    pub(super) plans: Vec<DemoPlan>,
}

/// The number of the person with the history worth looking at.
pub(super) fn often_seen() -> NhsNumber {
    NhsNumber::synthetic(230)
}

fn plan(kind: PlanKind, council: Council, started_days_ago: i64, ends_in_days: Option<i64>) -> DemoPlan {
    DemoPlan { kind, council, started_days_ago, ends_in_days }
}

struct Maker(Vec<DemoPerson>);

impl Maker {
    fn person(
        &mut self,
        seed: u64,
        (family, given): (&'static str, &'static [&'static str]),
        gender: Gender,
        born: Born,
        plans: &[DemoPlan],
    ) -> &mut Self {
        let number = NhsNumber::synthetic(seed);
        let special = Special::Nothing;
        self.0.push(DemoPerson { number, family, given, gender, born, special, plans: plans.to_vec() });
        self
    }

    /// What is out of the ordinary about the last person.
    fn but(&mut self, special: Special) -> &mut Self {
        if let Some(last) = self.0.last_mut() {
            last.special = special;
        }
        self
    }
}

/// Everybody.
pub(super) fn everybody() -> Vec<DemoPerson> {
    let mut people = Maker(Vec::new());
    plans_of_every_kind(&mut people);
    mothers_and_babies(&mut people);
    easily_mistaken(&mut people);
    unusual_records(&mut people);
    people.0
}

fn protected() -> DemoPlan {
    plan(PlanKind::ChildProtection, Council::Wexcombe, 120, None)
}

fn looked_after() -> DemoPlan {
    plan(PlanKind::LookedAfter, Council::Northmoor, 400, None)
}

fn plans_of_every_kind(people: &mut Maker) {
    use Born::{EighteenTomorrow, On};
    use Gender::{Female, Male};
    let ended = plan(PlanKind::ChildProtection, Council::Wexcombe, 500, Some(-60));
    let long_looked_after = plan(PlanKind::LookedAfter, Council::Wexcombe, 900, None);
    people
        .person(1, ("Hart", &["Amelia"]), Female, On(2019, 7, 14), &[protected()])
        .person(2, ("Bennett", &["Noah", "James"]), Male, On(2020, 2, 2), &[looked_after()])
        .person(3, ("Ahmed", &["Zara"]), Female, On(2019, 9, 30), &[protected(), looked_after()])
        .person(4, ("Murphy", &["Leo"]), Male, On(2019, 12, 11), &[ended])
        .person(5, ("Thompson", &["Isla"]), Female, On(2021, 3, 5), &[])
        .person(10, ("Scott", &["Jayden"]), Male, EighteenTomorrow, &[long_looked_after])
        .person(230, ("Turner", &["Ruby"]), Female, On(2019, 4, 22), &[protected()]);
}

fn mothers_and_babies(people: &mut Maker) {
    use Born::{DaysAgo, On, YearsAgo};
    use Gender::{Female, Male};
    let unborn = |council, started, due| plan(PlanKind::UnbornChildProtection, council, started, Some(due));
    people
        .person(6, ("Price", &["Megan"]), Female, On(1994, 8, 17), &[unborn(Council::Wexcombe, 40, 70)])
        .person(
            7,
            ("Walsh", &["Chloe"]),
            Female,
            YearsAgo(17),
            &[looked_after(), unborn(Council::Northmoor, 30, 90)],
        )
        .person(8, ("Doyle", &[]), Male, DaysAgo(6), &[])
        .person(9, ("Doyle", &["Keira"]), Female, On(1998, 1, 21), &[unborn(Council::Wexcombe, 60, -3)]);
}

fn easily_mistaken(people: &mut Maker) {
    use Born::On;
    use Gender::{Female, Male};
    let protected_elsewhere = plan(PlanKind::ChildProtection, Council::Northmoor, 80, None);
    let before_adoption = plan(PlanKind::ChildProtection, Council::Wexcombe, 700, None);
    people
        .person(11, ("Fox", &["Ella"]), Female, On(2020, 4, 9), &[protected()])
        .but(Special::Twin(1))
        .person(12, ("Fox", &["Eva"]), Female, On(2020, 4, 9), &[])
        .but(Special::Twin(2))
        .person(13, ("Brown", &["Olivia"]), Female, On(2020, 5, 3), &[])
        .person(140, ("Brown", &["Olivia"]), Female, On(2020, 5, 21), &[protected_elsewhere])
        .person(15, ("Reid", &["Mason"]), Male, On(2019, 10, 27), &[protected()])
        .but(Special::Replaces(NhsNumber::synthetic(16)))
        .person(17, ("Kaminski", &["Lena"]), Female, On(2020, 6, 19), &[before_adoption])
        .but(Special::Ended)
        .person(18, ("Shaw", &["Lily"]), Female, On(2020, 6, 19), &[]);
}

fn unusual_records(people: &mut Maker) {
    use Born::{InYear, On};
    use Gender::{Female, Male};
    let no_night_number = plan(PlanKind::ChildProtection, Council::Thamesbury, 200, None);
    let hours_not_known = plan(PlanKind::LookedAfter, Council::Eastmarsh, 300, None);
    let of_an_estimated_date = plan(PlanKind::LookedAfter, Council::Wexcombe, 30, None);
    let ended_by_death = plan(PlanKind::ChildProtection, Council::Northmoor, 600, Some(-20));
    people
        .person(19, ("Novak", &["Adam"]), Male, On(2019, 11, 8), &[])
        .but(Special::Restricted)
        .person(20, ("Morgan", &["Cerys"]), Female, On(2020, 2, 25), &[])
        .person(21, ("Cole", &["Harvey"]), Male, On(2019, 5, 16), &[no_night_number])
        .person(22, ("Rossi", &["Sofia"]), Female, On(2020, 8, 1), &[hours_not_known])
        .person(24, ("Osman", &["Tariq"]), Male, InYear(2020), &[of_an_estimated_date])
        .person(25, ("Grant", &["Poppy"]), Female, On(2019, 1, 12), &[ended_by_death])
        .but(Special::Died(20));
}
