//! Plays a script on the hub and on the model, and compares: each answer, and after each step what was written.

use serde_json::json;

use super::super::dates::{from_days, london_day, to_days};
use super::super::support::answer::Answer as Got;
use super::asking::{Op, Request, agree_otherwise};
use super::exchange::Link;
use super::loading::Line;
use super::machine::{Machine, moment};
use super::rows::assert_rows_agree;
use super::rules::{Ask, Sought};
use super::script::{AUTHORITIES, BornIs, FAMILIES, LineIs, NUMBERS, OPERATOR, Step, Trace, WHO};
use super::world::{Born, Kind, Who, World, gender, given, postcode};

pub(super) struct Play {
    pub(super) hub: Machine,
    pub(super) model: World,
    /// The reference of each view, as the hub made it up.
    pub(super) references: Vec<String>,
    traces: Vec<u128>,
    /// The last view, and when it was.
    last: Option<(Ask, i64)>,
    requests: u128,
    /// What each authority's link has.
    pub(super) links: [Link; AUTHORITIES.len()],
}

/// What differs, in words; the caller says in which script.
pub(super) type Differs = Result<(), String>;

macro_rules! agree {
    ($got:expr, $expected:expr, $what:expr) => {{
        let (got, expected) = ($got, $expected);
        if got != expected {
            return Err(format!("{}: the hub says {got:?}, the model {expected:?}", $what));
        }
    }};
}
pub(super) use agree;

impl Play {
    pub(super) fn start(hub: Machine) -> Self {
        let now = super::super::support::at(super::super::support::NOW).as_millisecond();
        let model = World { now, ..World::default() };
        Self {
            hub,
            model,
            references: Vec::new(),
            traces: Vec::new(),
            last: None,
            requests: 1 << 64,
            links: Default::default(),
        }
    }

    pub(super) async fn play(&mut self, steps: &[Step]) -> Differs {
        let first = (0..NUMBERS - 2).map(|number| LineIs::Person {
            number,
            family: Some(number % 2),
            born: BornIs::Child,
            restricted: None,
        });
        let plan = LineIs::Plan {
            number: 0,
            authority: 0,
            kind: Kind::ChildProtection,
            start: -300,
            end: None,
            sent: None,
        };
        self.load(&first.chain([plan]).collect::<Vec<_>>()).await?;
        for (place, step) in steps.iter().enumerate() {
            let mut outcome = self.step(step).await;
            if outcome.is_ok() {
                outcome = assert_rows_agree(&self.hub, &self.model, &self.references);
            }
            let now = moment(self.model.now);
            outcome.map_err(|differs| format!("step {place}, {step:?}, at {now}: {differs}"))?;
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Differs {
        match step {
            Step::Load(lines) => self.load(lines).await,
            Step::View { .. }
            | Step::History { .. }
            | Step::Search { .. }
            | Step::Retrieve { .. }
            | Step::Own { .. } => match self.op(step) {
                Some(op) => self.ask(&op).await,
                None => Ok(()),
            },
            Step::Again { new_trace, after } => {
                let Some((last, at)) = self.last else { return Ok(()) };
                if let Some(after) = after {
                    self.turn_to(at + after * 1000)?;
                }
                let trace = if *new_trace { self.trace(Trace::New) } else { last.trace };
                let ask = Ask { trace, ..last };
                self.last = Some((ask, self.model.now));
                self.ask(&Op::View(ask)).await
            }
            Step::Both(both) => match [self.op(&both[0]), self.op(&both[1])] {
                [Some(one), Some(other)] => self.ask_both([one, other]).await,
                [Some(op), None] | [None, Some(op)] => self.ask(&op).await,
                [None, None] => Ok(()),
            },
            Step::Fetch { authority, ask, is_lost } => self.fetch(*authority, *ask, *is_lost).await,
            Step::File { authority, back, outcome } => self.file(*authority, *back, *outcome).await,
            Step::Switch { who, scheduled } => self.switch(WHO[*who], *scheduled).await,
            Step::Clock(seconds) => self.turn_to(self.model.now + seconds * 1000),
            Step::Midnight(seconds) => {
                let midnight = next(self.model.now, |second| london_day(second) != london_day(second - 1));
                self.turn_to(midnight + seconds * 1000)
            }
            Step::ClockChange(seconds) => {
                let changes = |second: i64| (second % 86_400 == 3600) && is_a_change_of_clocks(second);
                self.turn_to(next(self.model.now, changes) + seconds * 1000)
            }
            Step::Restart => {
                self.hub.restart();
                Ok(())
            }
        }
    }

    /// What a step asks, if there is anything to ask about.
    fn op(&mut self, step: &Step) -> Option<Op> {
        match step {
            Step::View { who, number, trace, unscheduled, site } => {
                let (trace, unscheduled) = (self.trace(*trace), unscheduled.unwrap_or(true));
                let ask = Ask { who: WHO[*who], number: *number, trace, unscheduled, site: *site };
                self.last = Some((ask, self.model.now));
                Some(Op::View(ask))
            }
            Step::History { of } => {
                let last = self.last.map(|(last, _)| (last.who, last.number));
                let (who, number) = of.map(|(who, number)| (WHO[who], number)).or(last)?;
                Some(Op::History { who, number, request: self.request() })
            }
            Step::Search { who, family, grown_up, more } => {
                let born = if *grown_up { to_days(2008, 2, 29) } else { child() };
                let sought = Sought {
                    family: FAMILIES[*family],
                    days: if more.is_range { (born - 1, born + 1) } else { (born, born) },
                    given: more.given.map(given),
                    gender: more.gender.map(gender),
                    postcode: more.postcode.map(postcode),
                };
                Some(Op::Search { who: WHO[*who], sought, request: self.request() })
            }
            Step::Retrieve { who, number } => {
                Some(Op::Retrieve { who: WHO[*who], number: *number, request: self.request() })
            }
            Step::Own { what, who, back } => {
                let view = self.references.len().checked_sub(back + 1)?;
                let who = who.map_or(self.model.views[view].who, |who| WHO[who]);
                Some(Op::Own { what: *what, who, view })
            }
            Step::Load(_)
            | Step::Again { .. }
            | Step::Switch { .. }
            | Step::Clock(_)
            | Step::Midnight(_)
            | Step::ClockChange(_)
            | Step::Restart
            | Step::Fetch { .. }
            | Step::File { .. }
            | Step::Both(_) => None,
        }
    }

    async fn send(&self, op: &Op) -> Got {
        let Request { who, method, path, headers, body } = self.request_of(op);
        self.hub.send((method, &path), &who, &headers, body).await
    }

    async fn ask(&mut self, op: &Op) -> Differs {
        let got = self.send(op).await;
        self.agree_on(op, &got)
    }

    /// Whichever the hub took first: answers and rows have to be those of one order.
    async fn ask_both(&mut self, [one, other]: [Op; 2]) -> Differs {
        let (first, second) = tokio::join!(self.send(&one), self.send(&other));
        let before = (self.model.clone(), self.references.clone());
        let mut differs = Ok(());
        for order in [[(&one, &first), (&other, &second)], [(&other, &second), (&one, &first)]] {
            (self.model, self.references) = before.clone();
            differs = order.iter().try_for_each(|(op, got)| self.agree_on(op, got));
            differs = differs.and_then(|()| assert_rows_agree(&self.hub, &self.model, &self.references));
            if differs.is_ok() {
                break;
            }
        }
        differs
    }

    fn turn_to(&mut self, now: i64) -> Differs {
        self.model.now = now;
        self.hub.turn_to(now);
        Ok(())
    }

    fn trace(&mut self, trace: Trace) -> u128 {
        let earlier = match trace {
            Trace::New => None,
            Trace::Earlier(back) => self.traces.iter().rev().nth(back).copied(),
        };
        earlier.unwrap_or_else(|| {
            let fresh = u128::try_from(self.traces.len()).unwrap() + 1;
            self.traces.push(fresh);
            fresh
        })
    }

    /// The id of a request that is none of a view.
    fn request(&mut self) -> u128 {
        self.requests += 1;
        self.requests
    }

    async fn load(&mut self, lines: &[LineIs]) -> Differs {
        let lines: Vec<Line> = lines.iter().map(|line| self.line(line)).collect();
        let got = self.hub.load(&lines).await;
        let expected = self.model.load(&OPERATOR, &lines);
        agree!(got, Ok(expected), format!("{lines:?}"));
        Ok(())
    }

    fn line(&self, line: &LineIs) -> Line {
        let today = self.model.today();
        match line {
            LineIs::Person { number, family, born, restricted } => Line::Person {
                number: *number,
                family: family.map(|family| FAMILIES[family]),
                born: match born {
                    BornIs::Unsaid => None,
                    BornIs::Child => Some(Born::Day(child())),
                    BornIs::LeapDay => Some(Born::Day(to_days(2008, 2, 29))),
                    BornIs::GrownUpIn(days) => {
                        let (year, month, day) = from_days(today + days);
                        // Nobody becomes 18 on a 29 February.
                        let day = if (month, day) == (2, 29) { 28 } else { day };
                        Some(Born::Day(to_days(year - 18, month, day)))
                    }
                    BornIs::Year => Some(Born::Year(2008)),
                },
                restricted: *restricted,
            },
            LineIs::Superseded { old, new } => Line::Superseded { old: *old, new: *new },
            LineIs::Ended { number } => Line::Ended { number: *number },
            LineIs::Plan { number, authority, kind, start, end, sent } => Line::Plan {
                number: *number,
                authority: AUTHORITIES[*authority],
                kind: *kind,
                start: today + start,
                end: end.map(|end| today + end),
                sent: sent.map(|minutes| self.model.now + minutes * 60_000),
            },
        }
    }

    async fn switch(&mut self, who: Who, scheduled: bool) -> Differs {
        let body = json!({ "care_setting": if scheduled { "scheduled" } else { "unscheduled" } });
        let got = self.hub.send(("PUT", "/session/care-setting"), &who, &[], body.to_string()).await;
        let answer = self.model.switch(who, scheduled);
        agree_otherwise(&got, &answer)
    }
}

fn child() -> i64 {
    to_days(2019, 3, 12)
}

/// The next full hour of which this is true, in milliseconds.
fn next(now: i64, is_it: impl Fn(i64) -> bool) -> i64 {
    let mut second = (now.div_euclid(3_600_000) + 1) * 3600;
    while !is_it(second) {
        second += 3600;
    }
    second * 1000
}

/// The last Sundays of March and October.
fn is_a_change_of_clocks(second: i64) -> bool {
    let day = second.div_euclid(86_400);
    let (_, month, of_month) = from_days(day);
    // 1970-01-01 was a Thursday.
    (day + 4).rem_euclid(7) == 0 && of_month > 24 && (month == 3 || month == 10)
}
