//! What happens: steps whose numbers count from what there is at that moment, so that any part of a script is a
//! script too, and what fails shrinks to the few steps that matter.

use proptest::prelude::*;

use super::world::{Kind, Who};

pub(super) const WHO: [Who; 6] = [
    Who { name: "Sam Okafor", organisation: "RN3", codes: &["B0264", "B0107"] },
    Who { name: "Ann Lee", organisation: "RN3", codes: &["B0107"] },
    Who { name: "Sam Okafor", organisation: "RVJ", codes: &["B0264", "B0107"] },
    Who { name: "Both Ways", organisation: "RN3", codes: &["B0107", "B0170", "B0264"] },
    Who { name: "Asha Patel", organisation: "RN3", codes: &["B0170"] },
    Who { name: "Lee Marsh", organisation: "RN3", codes: &["B0264"] },
];

pub(super) const OPERATOR: Who = Who { name: "Operator", organisation: "", codes: &[] };

pub(super) const AUTHORITIES: [&str; 3] = ["E06000030", "E09000002", "E10000013"];
pub(super) const FAMILIES: [&str; 2] = ["Bennett", "Kovac"];

/// People numbered from 0; all but the last two are loaded before the script begins.
pub(super) const NUMBERS: usize = 6;

#[derive(Debug, Clone)]
pub(super) enum BornIs {
    /// Not said.
    Unsaid,
    Child,
    LeapDay,
    /// 18 in so many days.
    GrownUpIn(i64),
    /// 2008, and no more.
    Year,
}

#[derive(Debug, Clone)]
pub(super) enum LineIs {
    Person {
        number: usize,
        family: Option<usize>,
        born: BornIs,
        restricted: Option<bool>,
    },
    Superseded {
        old: usize,
        new: usize,
    },
    Ended {
        number: usize,
    },
    /// Days from today; minutes from now.
    Plan {
        number: usize,
        authority: usize,
        kind: Kind,
        start: i64,
        end: Option<i64>,
        sent: Option<i64>,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Trace {
    New,
    /// One that was used before, so many back.
    Earlier(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Own {
    OpenedInError,
    Status,
    Report,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Load(Vec<LineIs>),
    View {
        who: usize,
        number: usize,
        trace: Trace,
        unscheduled: Option<bool>,
        site: Option<&'static str>,
    },
    /// The last view again, under the same TraceID or a new one; so many seconds after it, or now.
    Again {
        new_trace: bool,
        after: Option<i64>,
    },
    /// By this one of this person, or as the last view was.
    History {
        of: Option<(usize, usize)>,
    },
    /// By family name and day of birth, and what else is said; by a range of days, or that day.
    Search {
        who: usize,
        family: usize,
        grown_up: bool,
        more: More,
    },
    Retrieve {
        who: usize,
        number: usize,
    },
    /// About the view so many back from the last; by whoever had it, or by this one.
    Own {
        what: Own,
        who: Option<usize>,
        back: usize,
    },
    Switch {
        who: usize,
        scheduled: bool,
    },
    /// Seconds, forwards or back.
    Clock(i64),
    /// To so many seconds from the next London midnight.
    Midnight(i64),
    /// To so many seconds from the next change of the clocks.
    ClockChange(i64),
    Restart,
    /// An authority's link asks, and the answer comes, or is lost on the way.
    Fetch {
        authority: usize,
        ask: LinkAsks,
        is_lost: bool,
    },
    /// It says what it did with one of those that it has, so many back from the last.
    File {
        authority: usize,
        back: usize,
        outcome: usize,
    },
    /// Two requests at once: the hub may take either first.
    Both(Box<[Step; 2]>),
}

/// From where a link asks.
#[derive(Debug, Clone, Copy)]
pub(super) enum LinkAsks {
    /// From behind what it has.
    Next,
    /// It has lost what it had.
    Unfiled,
    /// So many before the last that it has.
    Again(u32),
}

/// What a search says besides.
#[derive(Debug, Clone, Copy)]
pub(super) struct More {
    /// Of a number: given name, gender and postcode are those of whoever has it.
    pub(super) given: Option<usize>,
    pub(super) gender: Option<usize>,
    pub(super) postcode: Option<usize>,
    /// From the day before to the day after.
    pub(super) is_range: bool,
}

/// What a link does with a notification.
pub(super) const OUTCOMES: usize = 3;

fn numbers() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 2 => Just(1_usize), 3 => 0..NUMBERS]
}

fn whos() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0_usize), 4 => 0..WHO.len()]
}

fn lines() -> impl Strategy<Value = LineIs> {
    let kinds = prop_oneof![Just(Kind::ChildProtection), Just(Kind::LookedAfter), Just(Kind::Unborn)];
    let starts = prop_oneof![Just(-400_i64), Just(-300), Just(-29), Just(-1), Just(0), Just(1)];
    let ends = prop_oneof![
        2 => Just(None),
        3 => prop_oneof![Just(-365_i64), Just(-364), Just(-29), Just(-28), Just(-1), Just(0), Just(3)]
            .prop_map(Some),
    ];
    let sent = prop::option::of(prop_oneof![Just(-60 * 24 * 9_i64), Just(-60), Just(0), Just(60), Just(61)]);
    let born = prop_oneof![
        Just(BornIs::Unsaid),
        Just(BornIs::Child),
        Just(BornIs::LeapDay),
        (0_i64..3).prop_map(BornIs::GrownUpIn),
        Just(BornIs::Year),
    ];
    prop_oneof![
        8 => (numbers(), 0..AUTHORITIES.len(), kinds, starts, ends, sent).prop_map(
            |(number, authority, kind, start, end, sent)| {
                LineIs::Plan { number, authority, kind, start, end, sent }
            }
        ),
        4 => (numbers(), prop::option::of(0..FAMILIES.len()), born, prop::option::of(any::<bool>())).prop_map(
            |(number, family, born, restricted)| LineIs::Person { number, family, born, restricted }
        ),
        2 => (numbers(), numbers()).prop_map(|(old, new)| LineIs::Superseded { old, new }),
        1 => (1..NUMBERS).prop_map(|number| LineIs::Ended { number }),
    ]
}

/// Seconds around the ends of the rules' times.
fn edges() -> impl Strategy<Value = i64> {
    const EDGES: [i64; 6] = [10 * 60, 30 * 60, 12 * 3600, 24 * 3600, 28 * 86_400, 364 * 86_400];
    let edges = prop_oneof![4 => 0_usize..4, 1 => 4_usize..6];
    (edges, -1_i64..=1).prop_map(|(edge, slip)| EDGES[edge] + slip)
}

fn clocks() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => edges().prop_map(Step::Clock),
        3 => (1_i64..40).prop_map(|minutes| Step::Clock(minutes * 60)),
        2 => (1_i64..30).prop_map(|hours| Step::Clock(hours * 3600)),
        1 => (-3_i64..=1).prop_map(Step::Midnight),
        1 => prop_oneof![Just(-1_i64), Just(0), Just(3600)].prop_map(Step::ClockChange),
        1 => (1_i64..90).prop_map(|minutes| Step::Clock(-minutes * 60)),
    ]
}

fn searches() -> impl Strategy<Value = Step> {
    let said = || prop::option::of(0..NUMBERS);
    let more = (said(), said(), said(), any::<bool>()).prop_map(|(given, gender, postcode, is_range)| More {
        given,
        gender,
        postcode,
        is_range,
    });
    (whos(), 0..FAMILIES.len(), any::<bool>(), more).prop_map(|(who, family, grown_up, more)| Step::Search {
        who,
        family,
        grown_up,
        more,
    })
}

fn links() -> impl Strategy<Value = Step> {
    let asks = prop_oneof![
        4 => Just(LinkAsks::Next),
        1 => Just(LinkAsks::Unfiled),
        1 => (1_u32..4).prop_map(LinkAsks::Again),
    ];
    // Most is of the first: it holds the plan that is there from the beginning.
    let authorities = || prop_oneof![3 => Just(0_usize), 1 => 0..AUTHORITIES.len()];
    prop_oneof![
        (authorities(), asks, prop::bool::weighted(0.2)).prop_map(|(authority, ask, is_lost)| Step::Fetch {
            authority,
            ask,
            is_lost
        }),
        (authorities(), 0_usize..3, 0..OUTCOMES).prop_map(|(authority, back, outcome)| Step::File {
            authority,
            back,
            outcome
        }),
    ]
}

/// A step, or two at once of those that are one request.
pub(super) fn steps() -> impl Strategy<Value = Step> {
    let pairs =
        [one_step(), one_step()].prop_filter("two requests", |both| both.iter().all(Step::is_request));
    prop_oneof![9 => one_step(), 1 => pairs.prop_map(|both| Step::Both(Box::new(both)))]
}

impl Step {
    fn is_request(&self) -> bool {
        match self {
            Self::View { .. } | Self::Search { .. } | Self::Retrieve { .. } | Self::Own { .. } => true,
            Self::History { of } => of.is_some(),
            Self::Load(_)
            | Self::Again { .. }
            | Self::Switch { .. }
            | Self::Clock(_)
            | Self::Midnight(_)
            | Self::ClockChange(_)
            | Self::Restart
            | Self::Fetch { .. }
            | Self::File { .. }
            | Self::Both(_) => false,
        }
    }
}

/// What matters most is weighed most: views, and what follows them.
fn one_step() -> impl Strategy<Value = Step> {
    let traces = prop_oneof![4 => Just(Trace::New), 1 => (0_usize..4).prop_map(Trace::Earlier)];
    let says = prop_oneof![3 => Just(None), 2 => any::<bool>().prop_map(Some)];
    let sites = prop_oneof![4 => Just(None), 1 => Just(Some("ed")), 1 => Just(Some("moon"))];
    let others = prop_oneof![4 => Just(None), 1 => whos().prop_map(Some)];
    let owns = prop_oneof![3 => Just(Own::OpenedInError), 3 => Just(Own::Status), 1 => Just(Own::Report)];
    prop_oneof![
        3 => prop::collection::vec(lines(), 1..4).prop_map(Step::Load),
        8 => (whos(), numbers(), traces, says, sites).prop_map(|(who, number, trace, unscheduled, site)| {
            Step::View { who, number, trace, unscheduled, site }
        }),
        5 => (any::<bool>(), prop::option::of(edges()))
            .prop_map(|(new_trace, after)| Step::Again { new_trace, after }),
        6 => prop_oneof![Just(None), (whos(), numbers()).prop_map(Some)]
            .prop_map(|of| Step::History { of }),
        2 => searches(),
        1 => (whos(), numbers()).prop_map(|(who, number)| Step::Retrieve { who, number }),
        3 => links(),
        7 => (owns, others, 0_usize..4).prop_map(|(what, who, back)| Step::Own { what, who, back }),
        1 => (2_usize..5, any::<bool>()).prop_map(|(who, scheduled)| Step::Switch { who, scheduled }),
        7 => clocks(),
        1 => Just(Step::Restart),
    ]
}
