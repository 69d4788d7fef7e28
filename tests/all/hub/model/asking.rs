//! One request: how it is asked, and whether what the hub answers is what the model says.

use cpis::fhir::read;
use serde_json::json;

use super::super::dates::iso;
use super::super::support::answer::Answer as Got;
use super::super::support::data;
use super::machine::{self, digits, moment};
use super::play::{Differs, Play, agree};
use super::rules::{Answer, Ask, Sought};
use super::script::{FAMILIES, Own};
use super::world::Who;

/// One request, with all that the script left open decided.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    View(Ask),
    History {
        who: Who,
        number: usize,
        request: u128,
    },
    Search {
        who: Who,
        sought: Sought,
        request: u128,
    },
    Retrieve {
        who: Who,
        number: usize,
        request: u128,
    },
    /// What is said or asked of a view.
    Own {
        what: Own,
        who: Who,
        view: usize,
    },
}

/// A request as it is sent.
pub(super) struct Request {
    pub(super) who: Who,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Play {
    pub(super) fn request_of(&self, op: &Op) -> Request {
        let get = |who: Who, path: String, headers| Request {
            who,
            method: "GET",
            path,
            headers,
            body: String::new(),
        };
        let held = |number: usize| data::number(u64::try_from(number).unwrap() + 1);
        let people = |who, path: String, request| {
            let path = format!("/personal-demographics/FHIR/R4/Patient{path}");
            get(who, path, vec![("X-Request-ID", machine::trace(request))])
        };
        match op {
            Op::View(ask) => {
                let mut headers = vec![
                    ("TraceID", machine::trace(ask.trace)),
                    ("IsUnscheduledAccessEvent", ask.unscheduled.to_string()),
                ];
                headers.extend(ask.site.map(|site| ("X-Site", site.to_owned())));
                get(ask.who, data::plans_of(held(ask.number)), headers)
            }
            Op::History { who, number, request } => {
                get(*who, data::history_of(held(*number)), vec![("TraceID", machine::trace(*request))])
            }
            Op::Search { who, sought, request } => people(*who, query(sought), *request),
            Op::Retrieve { who, number, request } => people(*who, format!("/{}", digits(*number)), *request),
            Op::Own { what, who, view } => self.request_of_own(*what, *who, *view),
        }
    }

    fn request_of_own(&self, what: Own, who: Who, view: usize) -> Request {
        let reference = &self.references[view];
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
        Request { who, method, path, headers: Vec::new(), body }
    }

    /// Lets the model answer too, and compares.
    pub(super) fn agree_on(&mut self, op: &Op, got: &Got) -> Differs {
        match op {
            Op::View(ask) => self.agree_on_view(ask, got),
            Op::History { who, number, request } => self.agree_on_history(*who, *number, *request, got),
            Op::Search { who, sought, request } => self.agree_on_search(*who, sought, *request, got),
            Op::Retrieve { who, number, request } => {
                let answer = self.model.retrieve(*who, *number, *request);
                let Answer::Person(number) = answer else { return agree_otherwise(got, &answer) };
                let expected = ("200".to_owned(), &json!(digits(number)));
                agree!((got.told(), &got.json()["id"]), expected, "who it is");
                self.agree_on_the_moment(got)
            }
            Op::Own { what, who, view } => self.agree_on_own(*what, *who, *view, got),
        }
    }

    fn agree_on_view(&mut self, ask: &Ask, got: &Got) -> Differs {
        let answer = self.model.view(ask);
        let Answer::Plans { view, number, plans } = answer else {
            return agree_otherwise(got, &answer);
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
                let end = plan.end.map_or("-".to_owned(), iso);
                let start = iso(plan.start);
                let sent = plan.sent.map_or("-".to_owned(), moment);
                format!("{} {start} {end} {} {sent}", machine::kind(plan.kind), plan.authority)
            })
            .collect();
        shown.sort();
        agree!(plans_in(got, number)?, shown, "the plans");
        agree!(got.total(), u64::try_from(plans.len()).unwrap(), "the total");
        self.agree_on_the_moment(got)
    }

    fn agree_on_history(&mut self, who: Who, number: usize, request: u128, got: &Got) -> Differs {
        let answer = self.model.read_history(who, number, request);
        let Answer::History { number, rows } = answer else { return agree_otherwise(got, &answer) };
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
        self.agree_on_the_moment(got)
    }

    fn agree_on_search(&mut self, who: Who, sought: &Sought, request: u128, got: &Got) -> Differs {
        let answer = self.model.search(who, sought, request);
        let Answer::Found(numbers) = answer else { return agree_otherwise(got, &answer) };
        agree!(got.told(), "200", "told");
        let entries = got.json()["entry"].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = entries.iter().map(|entry| entry["resource"]["id"].clone()).collect();
        let expected: Vec<_> = numbers.iter().map(|number| json!(digits(*number))).collect();
        agree!(found, expected, "who was found");
        self.agree_on_the_moment(got)
    }

    fn agree_on_own(&mut self, what: Own, who: Who, view: usize, got: &Got) -> Differs {
        let answer = match what {
            Own::OpenedInError => self.model.opened_in_error(who, view),
            Own::Status => self.model.status(who, view),
            Own::Report => self.model.report(who, view),
        };
        let Answer::Status { view, silent, notices } = &answer else {
            return agree_otherwise(got, &answer);
        };
        let notice = |(authority, state, at): &(&str, &str, i64)| json!({ "authority": format!("{authority} Council"), "state": state, "at": moment(*at) });
        let expected = json!({
            "reference": self.references[*view],
            "recorded": moment(self.model.views[*view].at),
            "silent": silent,
            "notices": notices.iter().map(notice).collect::<Vec<_>>(),
        });
        agree!(got.json(), expected, "the status");
        self.agree_on_the_moment(got)
    }

    fn agree_on_the_moment(&self, got: &Got) -> Differs {
        let at = jiff::Timestamp::from_millisecond(self.model.now).unwrap();
        let date = cpis::hub::clock::http_date(at);
        agree!(got.header("date"), Some(date.as_str()), "the hub's date");
        Ok(())
    }
}

/// Answers without a body of their own: nothing of anybody is in them.
pub(super) fn agree_otherwise(got: &Got, answer: &Answer) -> Differs {
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

fn query(sought: &Sought) -> String {
    let (first, last) = sought.days;
    let born = if first == last {
        format!("birthdate=eq{}", iso(first))
    } else {
        format!("birthdate=ge{}&birthdate=le{}", iso(first), iso(last))
    };
    let mut query = format!("?family={}&{born}", sought.family);
    for (name, asked) in
        [("given", sought.given), ("gender", sought.gender), ("address-postalcode", sought.postcode)]
    {
        if let Some(asked) = asked {
            query.push_str(&format!("&{name}={}", asked.replace(' ', "%20")));
        }
    }
    query
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
