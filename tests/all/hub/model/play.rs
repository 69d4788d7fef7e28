//! Plays a script on the hub and on the model, and compares: each answer, and after each step what was written.

use cpis::fhir::read;
use serde_json::json;

use super::super::dates::{from_days, london_day, to_days};
use super::super::support::answer::Answer as Got;
use super::super::support::data;
use super::loading::Line;
use super::machine::{self, Machine, digits, moment};
use super::rows::assert_rows_agree;
use super::rules::{Answer, Ask};
use super::script::{AUTHORITIES, BornIs, FAMILIES, LineIs, NUMBERS, OPERATOR, Own, Step, Trace, WHO};
use super::world::{Born, Kind, Who, World};

pub(super) struct Play {
    hub: Machine,
    model: World,
    /// The reference of each view, as the hub made it up.
    references: Vec<String>,
    traces: Vec<u128>,
    /// The last view, and when it was.
    last: Option<(Ask, i64)>,
    requests: u128,
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

impl Play {
    pub(super) fn start(hub: Machine) -> Self {
        let now = super::super::support::at(super::super::support::NOW).as_millisecond();
        let model = World { now, ..World::default() };
        Self { hub, model, references: Vec::new(), traces: Vec::new(), last: None, requests: 1 << 64 }
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
            Step::View { who, number, trace, unscheduled, site } => {
                let trace = self.trace(*trace);
                let (number, unscheduled) = (*number, unscheduled.unwrap_or(true));
                let ask = Ask { who: WHO[*who], number, trace, unscheduled, site: *site };
                self.view(ask).await
            }
            Step::Again { new_trace, after } => {
                let Some((last, at)) = self.last else { return Ok(()) };
                if let Some(after) = after {
                    self.turn_to(at + after * 1000)?;
                }
                let trace = if *new_trace { self.trace(Trace::New) } else { last.trace };
                self.view(Ask { trace, ..last }).await
            }
            Step::History { of } => {
                let last = self.last.map(|(last, _)| (last.who, last.number));
                let of = of.map(|(who, number)| (WHO[who], number)).or(last);
                match of {
                    Some((who, number)) => self.history(who, number).await,
                    None => Ok(()),
                }
            }
            Step::Search { who, family, grown_up } => {
                self.search(WHO[*who], FAMILIES[*family], *grown_up).await
            }
            Step::Retrieve { who, number } => self.retrieve(WHO[*who], *number).await,
            Step::Own { what, who, back } => self.own(*what, *who, *back).await,
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

    async fn view(&mut self, ask: Ask) -> Differs {
        self.last = Some((ask, self.model.now));
        let mut headers = vec![
            ("TraceID", machine::trace(ask.trace)),
            ("IsUnscheduledAccessEvent", ask.unscheduled.to_string()),
        ];
        headers.extend(ask.site.map(|site| ("X-Site", site.to_owned())));
        let path = data::plans_of(data::number(u64::try_from(ask.number).unwrap() + 1));
        let got = self.hub.send(("GET", &path), &ask.who, &headers, String::new()).await;
        let answer = self.model.view(&ask);
        let Answer::Plans { view, number, plans } = answer else {
            return self.agree_otherwise(&got, &answer);
        };
        agree!(got.told(), "200", "told");
        if view == self.references.len() {
            agree!(self.references.iter().any(|known| known == got.reference()), false, "a new reference");
            self.references.push(got.reference().to_owned());
        }
        agree!(got.reference(), self.references[view].as_str(), "the reference");
        let mut shown: Vec<String> = plans
            .iter()
            .map(|plan| {
                let end = plan.end.map_or("-".to_owned(), super::super::dates::iso);
                let start = super::super::dates::iso(plan.start);
                let sent = plan.sent.map_or("-".to_owned(), moment);
                format!("{} {start} {end} {} {sent}", machine::kind(plan.kind), plan.authority)
            })
            .collect();
        shown.sort();
        agree!(plans_in(&got, number)?, shown, "the plans");
        agree!(got.total(), u64::try_from(plans.len()).unwrap(), "the total");
        self.agree_on_the_moment(&got)
    }

    async fn history(&mut self, who: Who, number: usize) -> Differs {
        let request = self.request();
        let path = data::history_of(data::number(u64::try_from(number).unwrap() + 1));
        let headers = [("TraceID", machine::trace(request))];
        let got = self.hub.send(("GET", &path), &who, &headers, String::new()).await;
        let answer = self.model.read_history(who, number, request);
        let Answer::History { number, rows } = answer else { return self.agree_otherwise(&got, &answer) };
        agree!(got.told(), "200", "told");
        let reading = read::history(got.body.as_bytes()).map_err(|failure| failure.to_string())?;
        let listed: Vec<_> = (reading.accesses.iter())
            .map(|access| (access.name.clone(), access.at.to_string(), access.is_present_view))
            .collect();
        let expected: Vec<_> = rows
            .iter()
            .map(|(access, is_present)| (access.who.name.to_owned(), moment(access.at), *is_present))
            .collect();
        agree!((reading.unreadable, listed), (0, expected), "the history");
        agree!(rows.is_empty() || got.body.contains(&digits(number)), true, "the number in use");
        self.agree_on_the_moment(&got)
    }

    async fn search(&mut self, who: Who, family: &'static str, grown_up: bool) -> Differs {
        let request = self.request();
        let born = if grown_up { to_days(2008, 2, 29) } else { child() };
        let path = format!("/Patient?family={family}&birthdate=eq{}", super::super::dates::iso(born));
        let got = self.people(&path, who, request).await;
        let answer = self.model.search(who, family, born, request);
        let Answer::Found(numbers) = answer else { return self.agree_otherwise(&got, &answer) };
        agree!(got.told(), "200", "told");
        let entries = got.json()["entry"].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = entries.iter().map(|entry| entry["resource"]["id"].clone()).collect();
        let expected: Vec<_> = numbers.iter().map(|number| json!(digits(*number))).collect();
        agree!(found, expected, "who was found");
        self.agree_on_the_moment(&got)
    }

    async fn retrieve(&mut self, who: Who, number: usize) -> Differs {
        let request = self.request();
        let got = self.people(&format!("/Patient/{}", digits(number)), who, request).await;
        let answer = self.model.retrieve(who, number, request);
        let Answer::Person(number) = answer else { return self.agree_otherwise(&got, &answer) };
        agree!((got.told(), &got.json()["id"]), ("200".to_owned(), &json!(digits(number))), "who it is");
        self.agree_on_the_moment(&got)
    }

    async fn people(&self, path: &str, who: Who, request: u128) -> Got {
        let path = format!("/personal-demographics/FHIR/R4{path}");
        let headers = [("X-Request-ID", machine::trace(request))];
        self.hub.send(("GET", &path), &who, &headers, String::new()).await
    }

    async fn switch(&mut self, who: Who, scheduled: bool) -> Differs {
        let body = json!({ "care_setting": if scheduled { "scheduled" } else { "unscheduled" } });
        let got = self.hub.send(("PUT", "/session/care-setting"), &who, &[], body.to_string()).await;
        let answer = self.model.switch(who, scheduled);
        self.agree_otherwise(&got, &answer)
    }

    /// What is said or asked of a view.
    async fn own(&mut self, what: Own, who: Option<usize>, back: usize) -> Differs {
        let Some(view) = self.references.len().checked_sub(back + 1) else { return Ok(()) };
        let who = who.map_or(self.model.views[view].who, |who| WHO[who]);
        let reference = self.references[view].clone();
        let at = format!("/access/{reference}");
        let (method, path, body) = match what {
            Own::OpenedInError => ("POST", format!("{at}/opened-in-error"), String::new()),
            Own::Status => ("GET", at, String::new()),
            Own::Report => {
                let body = json!({ "resourceType": "AuditEvent", "subtype": [{ "code": "copy-number" }],
                    "entity": [{ "what": { "identifier": { "value": reference } } }] });
                ("POST", "/cpis/FHIR/R4/AuditEvent".to_owned(), body.to_string())
            }
        };
        let got = self.hub.send((method, &path), &who, &[], body).await;
        let answer = match what {
            Own::OpenedInError => self.model.opened_in_error(who, view),
            Own::Status => self.model.status(who, view),
            Own::Report => self.model.report(who, view),
        };
        let Answer::Status { view, silent, notices } = &answer else {
            return self.agree_otherwise(&got, &answer);
        };
        let notice = |(authority, state, at): &(&str, &str, i64)| json!({ "authority": format!("{authority} Council"), "state": state, "at": moment(*at) });
        let expected = json!({
            "reference": reference,
            "recorded": moment(self.model.views[*view].at),
            "silent": silent,
            "notices": notices.iter().map(notice).collect::<Vec<_>>(),
        });
        agree!(got.json(), expected, "the status");
        self.agree_on_the_moment(&got)
    }

    /// Answers without a body of their own: nothing of anybody is in them.
    fn agree_otherwise(&self, got: &Got, answer: &Answer) -> Differs {
        let expected = match answer {
            Answer::Refused(told) => (*told).to_owned(),
            Answer::Done(status) => status.to_string(),
            answer @ (Answer::Plans { .. }
            | Answer::History { .. }
            | Answer::Found(_)
            | Answer::Person(_)
            | Answer::Status { .. }) => {
                return Err(format!("{} where the model says {answer:?}", got.told()));
            }
        };
        agree!(got.told(), expected, "told");
        agree!(got.header("x-access-reference"), None, "the reference of a refusal");
        agree!(FAMILIES.iter().any(|family| got.body.contains(family)), false, "a name in a refusal");
        Ok(())
    }

    fn agree_on_the_moment(&self, got: &Got) -> Differs {
        let at = jiff::Timestamp::from_millisecond(self.model.now).unwrap();
        let date = cpis::hub::clock::http_date(at);
        agree!(got.header("date"), Some(date.as_str()), "the hub's date");
        Ok(())
    }
}

/// The plans of an answer, each of which must carry the number in use.
fn plans_in(got: &Got, number: usize) -> Result<Vec<String>, String> {
    let asked = cpis::domain::NhsNumber::parse(&digits(number)).unwrap();
    let reading = read::plans(got.body.as_bytes(), asked).map_err(|failure| failure.to_string())?;
    agree_none(&reading.unreadable)?;
    let mut plans: Vec<String> = (reading.plans.iter())
        .map(|plan| {
            let (kind, period) = (plan.kind.unwrap().snomed(), plan.period.unwrap());
            let end = period.end.map_or("-".to_owned(), |end| end.to_string());
            let sent = plan.sent.map_or("-".to_owned(), |sent| sent.to_string());
            let authority = plan.authority.code.clone().unwrap_or_default();
            format!("{kind} {} {end} {authority} {sent}", period.start)
        })
        .collect();
    plans.sort();
    Ok(plans)
}

fn agree_none(unreadable: &[cpis::domain::Unreadable]) -> Differs {
    if unreadable.is_empty() { Ok(()) } else { Err(format!("unreadable: {unreadable:?}")) }
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
