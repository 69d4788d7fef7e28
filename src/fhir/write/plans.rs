//! Plans into CareTeam resources.

use jiff::Timestamp;

use super::super::codes;
use super::super::wire::{Bundle, BundleEntry, CareTeam, ContactPoint, Extension, Meta, Period, Reference};
use super::{concept, identifier, matched, searchset, to_value};
use crate::domain::{Authority, HeldPlan, OfficeHours, Person, PersonName, TeamContact, Telephone};

/// A searchset of plans, each with an id of its own.
#[must_use]
pub fn plans(person: &Person, plans: &[(String, HeldPlan)], at: Timestamp) -> Bundle {
    let entry = |(id, plan): &(String, HeldPlan)| BundleEntry {
        full_url: None,
        resource: to_value(&care_team(person, id, plan)),
        search: matched(),
    };
    searchset(plans.len(), plans.iter().map(entry).collect(), at)
}

fn care_team(person: &Person, id: &str, plan: &HeldPlan) -> CareTeam {
    let authority = &plan.authority;
    CareTeam {
        resource_type: "CareTeam".to_owned(),
        id: Some(id.to_owned()),
        meta: plan.sent.map(|sent| Meta { last_updated: Some(sent.to_string()), ..Meta::default() }),
        extension: authority
            .hours
            .iter()
            .map(office_hours)
            .chain(authority.team.as_ref().map(team_contact))
            .collect(),
        category: plan
            .kind
            .map(|kind| concept(codes::SNOMED, kind.snomed(), kind.snomed_display()))
            .into_iter()
            .collect(),
        name: Some(authority.name.clone()),
        subject: Some(Reference {
            identifier: Some(identifier(codes::NHS_NUMBER, &person.number.digits())),
            display: Some(display(&person.name)),
            reference: None,
        }),
        period: plan.period.map(|period| Period {
            start: Some(period.start.to_string()),
            end: period.end.map(|end| end.to_string()),
        }),
        telecom: telecom(authority),
        managing_organization: authority
            .code
            .iter()
            .map(|code| Reference {
                identifier: Some(identifier(codes::ODS_CODE, code)),
                display: Some(authority.name.clone()),
                reference: None,
            })
            .collect(),
        ..CareTeam::default()
    }
}

/// The numbers: `work` in office hours, `mobile` for emergency duty.
#[must_use]
pub fn telecom(authority: &Authority) -> Vec<ContactPoint> {
    let telephone = |used: &str, number: &Option<Telephone>| {
        number.as_ref().map(|number| ContactPoint {
            system: Some("phone".to_owned()),
            value: Some(number.as_sent().to_owned()),
            r#use: Some(used.to_owned()),
        })
    };
    telephone("work", &authority.office)
        .into_iter()
        .chain(telephone("mobile", &authority.emergency_duty))
        .collect()
}

/// `Given FAMILY`, as the published CareTeam writes its subject.
pub(super) fn display(name: &PersonName) -> String {
    let mut words: Vec<String> = name.given.iter().take(1).cloned().collect();
    words.push(name.family.to_uppercase());
    words.join(" ").trim().to_owned()
}

/// When the office is open.
#[must_use]
pub fn office_hours(hours: &OfficeHours) -> Extension {
    let day = |weekday: &jiff::civil::Weekday| Extension {
        url: "day".to_owned(),
        value_code: usize::try_from(weekday.to_monday_zero_offset())
            .ok()
            .and_then(|index| codes::DAYS.get(index))
            .map(|code| (*code).to_owned()),
        ..Extension::default()
    };
    let time = |url: &str, time: jiff::civil::Time| Extension {
        url: url.to_owned(),
        value_time: Some(time.to_string()),
        ..Extension::default()
    };
    let mut parts: Vec<Extension> = hours.days.iter().map(day).collect();
    parts.push(time("from", hours.from));
    parts.push(time("to", hours.to));
    Extension { url: codes::OFFICE_HOURS.to_owned(), extension: parts, ..Extension::default() }
}

/// The team that knows the child.
#[must_use]
pub fn team_contact(team: &TeamContact) -> Extension {
    let text = |url: &str, text: &str| Extension {
        url: url.to_owned(),
        value_string: Some(text.to_owned()),
        ..Extension::default()
    };
    let name = Some(text("name", &team.name)).filter(|_| !team.name.is_empty());
    let telephone = team.telephone.as_ref().map(|number| text("telephone", number.as_sent()));
    Extension {
        url: codes::TEAM_CONTACT.to_owned(),
        extension: name.into_iter().chain(telephone).collect(),
        ..Extension::default()
    }
}
