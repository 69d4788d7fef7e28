//! Whom to ring: one card per authority, the line that answers now first.

use jiff::{Timestamp, Zoned};

use super::screen::{Action, ContactCard, PhoneLine, Prominence};
use crate::domain::contact::{self, Line, RingNow, WhyBoth};
use crate::domain::{Authority, ShownPlan, Telephone, dates};
use crate::viewer::command::Command;

/// One card for each different authority of these plans, in their order.
#[must_use]
pub fn contacts(plans: &[ShownPlan], at: Timestamp) -> Vec<ContactCard> {
    let mut authorities: Vec<&Authority> = Vec::new();
    for shown in plans {
        if !authorities.contains(&&shown.plan.authority) {
            authorities.push(&shown.plan.authority);
        }
    }
    authorities.into_iter().enumerate().map(|(index, authority)| card(index, authority, at)).collect()
}

/// The authority's name, or what is said in its place.
pub(super) fn name(authority: &Authority) -> String {
    if authority.name.is_empty() {
        "A local authority whose name was not sent".to_owned()
    } else {
        authority.name.clone()
    }
}

/// "Monday 08:30", or "08:30" where it is still today.
fn until(moment: &Zoned, at: Timestamp) -> String {
    let time = format!("{:02}:{:02}", moment.hour(), moment.minute());
    if moment.date() == dates::london_day(at) {
        format!("until {time}")
    } else {
        format!("until {time} {} {}", dates::weekday_name(moment.weekday()), dates::day(moment.date()))
    }
}

fn label(line: Line) -> &'static str {
    match line {
        Line::Office => "Office hours",
        Line::EmergencyDuty => "Emergency duty team",
    }
}

fn card(index: usize, authority: &Authority, at: Timestamp) -> ContactCard {
    let ring = contact::ring_now(authority.hours.as_ref(), at);
    let (order, first, note, why_both) = match &ring {
        RingNow::This { line: Line::Office, until: end } => {
            ([Line::Office, Line::EmergencyDuty], Some(Line::Office), Some(until(end, at)), None)
        }
        RingNow::This { line: Line::EmergencyDuty, until: end } => {
            ([Line::EmergencyDuty, Line::Office], Some(Line::EmergencyDuty), Some(until(end, at)), None)
        }
        RingNow::Both(why) => ([Line::Office, Line::EmergencyDuty], None, None, Some(why_both(why))),
    };
    let name = name(authority);
    let mut lines: Vec<PhoneLine> = order
        .into_iter()
        .map(|line| {
            let telephone = match line {
                Line::Office => authority.office.as_ref(),
                Line::EmergencyDuty => authority.emergency_duty.as_ref(),
            };
            // Where neither is known to answer, both are equally large.
            let is_first = first.is_none_or(|first| first == line);
            let is_now = first == Some(line);
            let label = if is_now { format!("Ring now: {}", label(line)) } else { label(line).to_owned() };
            phone_line(label, telephone, is_first, is_now.then(|| note.clone()).flatten(), line, &name)
        })
        .collect();
    if let Some(team) = &authority.team {
        let label = if team.name.is_empty() { "Team".to_owned() } else { format!("Team: {}", team.name) };
        if let Some(telephone) = &team.telephone {
            lines.push(number_line(label, telephone, false, None));
        } else {
            let number = "No number of the team is held".to_owned();
            let spoken = format!("{label}: {number}");
            lines.push(PhoneLine { label, number, is_first: false, note: None, spoken, copy: None });
        }
    }
    for (line_index, line) in lines.iter_mut().enumerate() {
        if let Some(copy) = &mut line.copy {
            *copy = copy_action(index, line_index, &line.number);
        }
    }
    ContactCard { heading: name, why_both, lines }
}

fn why_both(why: &WhyBoth) -> String {
    match why {
        WhyBoth::HoursNotKnown => "This authority's office hours are not known: try either number".to_owned(),
        WhyBoth::HolidaysNotKnown => {
            "It is not known whether today is a bank holiday: try either number".to_owned()
        }
        WhyBoth::SwitchIsNear(at) => {
            format!("The lines change over at {:02}:{:02}: try either number", at.hour(), at.minute())
        }
    }
}

fn phone_line(
    label: String,
    telephone: Option<&Telephone>,
    is_first: bool,
    note: Option<String>,
    line: Line,
    authority: &str,
) -> PhoneLine {
    if let Some(telephone) = telephone {
        return number_line(label, telephone, is_first, note);
    }
    let number = match line {
        Line::Office => format!("No office-hours number is held for {authority}"),
        Line::EmergencyDuty => format!("No out-of-hours number is held for {authority}"),
    };
    let instead = "ring the other number, or the authority where the child is now";
    let note = Some(note.map_or_else(|| instead.to_owned(), |note| format!("{note}; {instead}")));
    PhoneLine { spoken: format!("{label}: {number}, {instead}"), label, number, is_first, note, copy: None }
}

fn number_line(label: String, telephone: &Telephone, is_first: bool, note: Option<String>) -> PhoneLine {
    let number = telephone.as_sent().to_owned();
    let odd =
        (!telephone.looks_like_a_number()).then(|| "this does not look like a telephone number".to_owned());
    let notes: Vec<String> = note.into_iter().chain(odd).collect();
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    let spoken = match &note {
        Some(note) => format!("{label}, {number}, {note}"),
        None => format!("{label}, {number}"),
    };
    let copy = Some(copy_action(0, 0, &number));
    PhoneLine { label, number, is_first, note, spoken, copy }
}

fn copy_action(contact: usize, line: usize, number: &str) -> Action {
    let action = Action::new(Command::CopyNumber { contact, line }, Prominence::Quiet);
    Action { label: format!("Copy {number}"), ..action }
}
