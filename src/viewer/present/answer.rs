//! The five answers in words.

use super::screen::AnswerPanel;
use super::words;
use crate::domain::{
    Answer, AnswerKind, Failure, NamedNumber, PlanKind, ShownPlan, ShownStanding, SiteAdvice, WhyNot,
    answer::NothingHeldNotes, dates,
};
use crate::viewer::state::{Opened, Session};

/// The plans that an answer shows, whichever of the five it is.
#[must_use]
pub fn plans_of(answer: &Answer) -> &[ShownPlan] {
    match answer {
        Answer::Alert { plans, .. } | Answer::PastPlan { plans } => plans,
        Answer::CouldNotCheck(WhyNot::PartlyReadable { readable, .. }) => readable,
        Answer::NothingHeld(_) | Answer::CouldNotCheck(WhyNot::Failed(_) | WhyNot::Restricted) => &[],
    }
}

fn panel(kind: AnswerKind, rest: &str) -> AnswerPanel {
    AnswerPanel {
        kind,
        headline: format!("{}: {rest}", kind.word()),
        warnings: Vec::new(),
        lines: Vec::new(),
        checked: None,
    }
}

/// The panel of an answered view.
pub(super) fn opened(opened: &Opened, site: &SiteAdvice, today: jiff::civil::Date) -> AnswerPanel {
    let mut panel = match &opened.answer {
        Answer::Alert { plans, unreadable } => alert(plans, *unreadable, site),
        Answer::PastPlan { plans } => past_plan(plans),
        Answer::NothingHeld(notes) => nothing_held(*notes),
        Answer::CouldNotCheck(WhyNot::Failed(failure)) => failed(*failure, true, site),
        Answer::CouldNotCheck(WhyNot::PartlyReadable { readable, unreadable }) => {
            partly_readable(readable, *unreadable, site)
        }
        Answer::CouldNotCheck(WhyNot::Restricted) => restricted(site),
    };
    panel.checked = Some(if dates::london_day(opened.at) == today {
        format!("Checked {}", dates::time(opened.at))
    } else {
        format!("Checked {}: check again", dates::day_and_time(opened.at))
    });
    panel
}

/// What to say where nobody asked.
pub(super) fn not_opened(session: &Session) -> AnswerPanel {
    let mut panel = panel(AnswerKind::NotChecked, "you do not have an answer yet");
    panel.lines = if !session.may_open() {
        vec![
            "Your role cannot open this. Ask the nurse in charge or a doctor to open it".to_owned(),
            "Nobody has been told that you searched".to_owned(),
        ]
    } else if session.is_silent() {
        vec![
            "Opening is recorded in the audit log. In scheduled care social care is not told".to_owned(),
            "Only for a patient in your care".to_owned(),
        ]
    } else {
        vec![
            "Opening records your name, role and organisation. If a plan is held, its local authority is told that you looked; if none is, nobody is told".to_owned(),
            "Only for a patient in your care".to_owned(),
        ]
    };
    panel
}

/// A question without an answer.
pub(super) fn failed(failure: Failure, maybe_recorded: bool, site: &SiteAdvice) -> AnswerPanel {
    let mut panel = panel(AnswerKind::CouldNotCheck, words::cause(failure));
    panel.warnings.push(words::NO_ANSWER.to_owned());
    let remedy = words::remedy(failure);
    panel.lines.push(match &site.it_help {
        Some(help) if words::is_for_it_help(failure) => {
            format!("{remedy}: {}, {}", help.name, help.telephone.as_sent())
        }
        Some(_) | None => remedy.into_owned(),
    });
    if maybe_recorded {
        panel.lines.push(words::MAYBE_RECORDED.to_owned());
    }
    panel
}

fn alert(plans: &[ShownPlan], unreadable: usize, site: &SiteAdvice) -> AnswerPanel {
    let alerting: Vec<&ShownPlan> =
        plans.iter().filter(|shown| shown.standing != ShownStanding::Ended).collect();
    let mut names: Vec<String> = Vec::new();
    for shown in &alerting {
        let name = short_name(shown);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let headline = match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{}, and {} {last}", first.join(", "), article(last)),
    };
    let mut panel = panel(AnswerKind::Alert, &headline);
    if unreadable > 0 {
        panel.warnings.push(could_not_be_read(unreadable, plans, site));
    }
    let mut authorities: Vec<&str> = plans.iter().map(|shown| shown.plan.authority.name.as_str()).collect();
    authorities.sort_unstable();
    authorities.dedup();
    match authorities.len() {
        0 | 1 => {}
        2 => panel.lines.push("Two local authorities hold plans: ring both".to_owned()),
        n => panel.lines.push(format!("{n} local authorities hold plans: ring each")),
    }
    if plans.iter().any(|shown| shown.plan.kind == Some(PlanKind::UnbornChildProtection)) {
        panel.lines.push(
            "If the baby has been born, find the baby too; the baby's record may not show a plan yet"
                .to_owned(),
        );
    }
    panel
}

/// "Looked After Child", "Unborn Child Protection Plan", "plan of a kind this viewer does not know".
fn short_name(shown: &ShownPlan) -> String {
    match (shown.standing, shown.plan.kind) {
        (ShownStanding::NotKnown, _) | (_, None) => "plan of a kind this viewer does not know".to_owned(),
        (_, Some(kind)) => kind.label().to_owned(),
    }
}

fn article(name: &str) -> &'static str {
    if name.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" }
}

fn past_plan(plans: &[ShownPlan]) -> AnswerPanel {
    let mut kinds: Vec<String> = plans.iter().map(short_name).collect();
    kinds.dedup();
    let mut panel = panel(AnswerKind::PastPlan, &words::list(&kinds));
    let ended = plans.iter().filter_map(|shown| shown.plan.period?.end).max();
    if let Some(end) = ended {
        panel
            .lines
            .push(format!("Ended {}. The child may have moved or become looked after", dates::day(end)));
    }
    panel.lines.push("An ended plan does not mean an ended risk".to_owned());
    panel
}

fn nothing_held(notes: NothingHeldNotes) -> AnswerPanel {
    let mut panel = panel(AnswerKind::NothingHeld, "no current or recent plan is held on CP-IS");
    panel.warnings.push("This must not lower your concern".to_owned());
    if notes.may_be_under_mother {
        panel.lines.push(
            "A plan made before birth may still be held under the mother's NHS number. Find the mother too"
                .to_owned(),
        );
    }
    if notes.adult {
        panel.lines.push("For adults CP-IS shows only unborn plans".to_owned());
    }
    panel.lines.push(
        "Not held there: children in need, enquiries under way, brothers and sisters without a plan of their own, plans made since the last upload, children of authorities outside England".to_owned(),
    );
    panel
}

fn partly_readable(readable: &[ShownPlan], unreadable: usize, site: &SiteAdvice) -> AnswerPanel {
    let records = words::count(unreadable, "record", "records");
    let mut panel = panel(AnswerKind::CouldNotCheck, &format!("{records} could not be read"));
    panel.warnings.push(words::NO_ANSWER.to_owned());
    panel.warnings.push(could_not_be_read(unreadable, readable, site));
    if !readable.is_empty() {
        panel.lines.push("What could be read is listed here. It is not all that is held".to_owned());
    }
    panel.lines.push("Try once more".to_owned());
    panel
}

fn could_not_be_read(unreadable: usize, plans: &[ShownPlan], site: &SiteAdvice) -> String {
    let records = words::count(unreadable, "record", "records");
    let whom = if plans.is_empty() {
        ring(site)
    } else {
        "the local authority named here, and ask what else is held".to_owned()
    };
    format!("{records} could not be read: ring {whom}")
}

fn restricted(site: &SiteAdvice) -> AnswerPanel {
    let mut panel = panel(AnswerKind::CouldNotCheck, "restricted record");
    panel.warnings.push(words::NO_ANSWER.to_owned());
    panel
        .lines
        .push(format!("CP-IS cannot hold plans for people with a restricted record. Ring {}", ring(site)));
    panel
}

/// Whom to ring where no plan names an authority.
fn ring(site: &SiteAdvice) -> String {
    let named = |contact: &NamedNumber| format!("{}, {}", contact.name, contact.telephone.as_sent());
    match (&site.local_authority, &site.lead) {
        (Some(authority), _) => named(authority),
        (None, Some(lead)) => named(lead),
        (None, None) => "the children's services of the authority where the child is now".to_owned(),
    }
}

/// Said on every answer but *Not checked*: what the answer does not change.
pub(super) fn next_steps(site: &SiteAdvice) -> Vec<String> {
    let mut steps = vec!["Immediate danger: 999".to_owned()];
    steps.push(match &site.local_authority {
        Some(authority) => format!(
            "A new injury or worry: also ring the authority where the child is now. Here: {}, {}",
            authority.name,
            authority.telephone.as_sent()
        ),
        None => "A new injury or worry: also ring the authority where the child is now".to_owned(),
    });
    steps.extend(
        site.lead
            .as_ref()
            .map(|lead| format!("Safeguarding lead: {}, {}", lead.name, lead.telephone.as_sent())),
    );
    steps
}
