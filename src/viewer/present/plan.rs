//! One card per plan.

use super::contact;
use super::screen::{Fact, PlanCard, PlanTone};
use crate::domain::{PlanKind, ShownPlan, ShownStanding, dates};

pub(super) fn card(shown: &ShownPlan) -> PlanCard {
    let plan = &shown.plan;
    let title = match (shown.standing, plan.kind) {
        (ShownStanding::NotKnown, _) | (_, None) => "A plan of a kind this viewer does not know",
        (_, Some(kind)) => kind.label(),
    };
    let is_unborn = plan.kind == Some(PlanKind::UnbornChildProtection);
    let about = match (plan.kind, is_unborn) {
        (None, _) => "It cannot be said whether this is about the patient: ring the local authority",
        (Some(_), true) => "About this patient's unborn baby, not about this patient",
        (Some(_), false) => "About this patient",
    };
    let mut facts = Vec::new();
    if let Some(period) = plan.period {
        facts.push(day("Started", period.start));
        match (period.end, is_unborn, shown.standing) {
            (None, _, _) => facts.push(Fact::new("Ends", "no end date is held")),
            (Some(_), true, ShownStanding::UnbornTail) => {}
            (Some(end), true, _) => facts.push(day("Due", end)),
            (Some(end), false, ShownStanding::Ended) => facts.push(day("Ended", end)),
            (Some(end), false, _) => facts.push(day("Ends", end)),
        }
    } else {
        facts.push(Fact::new("Dates", "not complete"));
    }
    let authority = contact::name(&plan.authority);
    facts.push(Fact::new("Local authority", authority.clone()));
    let standing = match (shown.standing, plan.period.and_then(|period| period.end)) {
        (ShownStanding::Current, _) => "Current".to_owned(),
        (ShownStanding::Ended, Some(end)) => format!("Ended {}", dates::day(end)),
        (ShownStanding::Ended, None) => "Ended".to_owned(),
        (ShownStanding::UnbornTail, Some(end)) => format!("Due or ended {}", dates::day(end)),
        (ShownStanding::UnbornTail, None) => "Due or ended".to_owned(),
        (ShownStanding::NotKnown, _) => "Treat as current".to_owned(),
    };
    let mut notes = Vec::new();
    if shown.standing == ShownStanding::UnbornTail {
        notes.push("The baby may not be born yet, or may just have been".to_owned());
    }
    notes.extend(
        plan.sent.map(|sent| format!("As sent by {authority} on {}", dates::day(dates::london_day(sent)))),
    );
    PlanCard {
        title: title.to_owned(),
        tone: if shown.standing == ShownStanding::Ended { PlanTone::Past } else { PlanTone::Alert },
        standing,
        about: about.to_owned(),
        facts,
        notes,
    }
}

fn day(label: &str, date: jiff::civil::Date) -> Fact {
    Fact {
        label: label.to_owned(),
        value: dates::day(date),
        spoken: format!("{label} {}", dates::spoken(date)),
    }
}
