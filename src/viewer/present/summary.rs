//! A short plain text for the patient's notes. Never the access history.

use jiff::Timestamp;

use super::{answer, contact};
use crate::domain::{SiteAdvice, dates};
use crate::viewer::state::{Desk, Record, Stage};

/// By this a summary is known wherever it was pasted.
pub const SUMMARY_BEGINS: &str = "SAFEGUARDING: hide from online and proxy access; not for discharge letters or copies to parents or carers";
const LAST_LINE: &str = "Social care rung at __, spoke to __";

/// The summary of the answer on the desk, if there is one.
#[must_use]
pub fn summary(desk: &Desk, at: Timestamp) -> Option<String> {
    let Stage::Patient(patient) = &desk.stage else { return None };
    let Record::Opened(opened) = &patient.record else { return None };
    let person = patient.patient.person();
    let mut lines = vec![SUMMARY_BEGINS.to_owned()];
    lines.push(format!(
        "CP-IS checked {} by {}, {}. Reference {}",
        dates::day_and_time(opened.at),
        desk.session.name,
        desk.session.role,
        opened.reference.as_str()
    ));
    lines.push(format!("{}, NHS number {}", person.name.banner(), person.number.grouped()));
    let panel = answer::opened(opened, &SiteAdvice::default(), dates::london_day(at));
    lines.push(panel.headline);
    lines.extend(panel.warnings);
    let plans = answer::plans_of(&opened.answer);
    for shown in plans {
        let card = super::plan::card(shown);
        let facts: Vec<String> =
            card.facts.iter().map(|fact| format!("{} {}", fact.label, fact.value)).collect();
        lines.push(format!("{} ({}). {}. {}", card.title, card.standing, card.about, facts.join("; ")));
    }
    for card in contact::contacts(plans, at) {
        let numbers: Vec<String> =
            card.lines.iter().map(|line| format!("{}: {}", line.label, line.number)).collect();
        lines.push(format!("{}. {}", card.heading, numbers.join("; ")));
    }
    lines.push(LAST_LINE.to_owned());
    Some(lines.join("\n"))
}
