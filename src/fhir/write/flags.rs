//! Plans into Flag resources, as the Patient Flags API (beta) has them.
//!
//! Published is one flag per person, `child-protection-information-system-flag`, which leads to resources with the
//! details. Here each plan is a flag of that category; its code says which plan, too, and the authority that sent
//! it is contained, with the numbers to ring.

use jiff::Timestamp;

use super::super::codes;
use super::super::wire::{
    Bundle, BundleEntry, CodeableConcept, Identifier, Meta, Organization, PatientFlag, Period, Reference,
};
use super::plans::{display, telecom};
use super::{coding, concept, identifier, matched, searchset, to_value};
use crate::domain::{HeldPlan, Person, PlanKind, dates};

/// The contained authority's id.
const AUTHORITY: &str = "authority";

/// A searchset of flags, one for each plan, each with an id of its own.
#[must_use]
pub fn flags(person: &Person, plans: &[(String, HeldPlan)], at: Timestamp) -> Bundle {
    let entry = |(id, plan): &(String, HeldPlan)| BundleEntry {
        full_url: None,
        resource: to_value(&flag(person, id, plan, at)),
        search: matched(),
    };
    searchset(plans.len(), plans.iter().map(entry).collect(), at)
}

fn flag(person: &Person, id: &str, plan: &HeldPlan, at: Timestamp) -> PatientFlag {
    let authority = &plan.authority;
    let ods: Vec<Identifier> = authority.code.iter().map(|code| identifier(codes::ODS_CODE, code)).collect();
    let category = || {
        coding(codes::FLAG_CATEGORY, codes::CHILD_PROTECTION_FLAG, "Child Protection Information System Flag")
    };
    PatientFlag {
        resource_type: "Flag".to_owned(),
        id: Some(id.to_owned()),
        meta: plan.sent.map(|sent| Meta { last_updated: Some(sent.to_string()), ..Meta::default() }),
        contained: vec![Organization {
            resource_type: "Organization".to_owned(),
            id: Some(AUTHORITY.to_owned()),
            identifier: ods,
            name: Some(authority.name.clone()),
            telecom: telecom(authority),
            ..Organization::default()
        }],
        status: if is_active(plan, at) { "active" } else { "inactive" }.to_owned(),
        category: vec![CodeableConcept { coding: vec![category()], text: None }],
        code: plan.kind.map(|kind| {
            let mut code = concept(codes::SNOMED, kind.snomed(), kind.snomed_display());
            code.coding.push(category());
            code.text = Some(kind.label().to_owned());
            code
        }),
        subject: Some(Reference {
            identifier: Some(identifier(codes::NHS_NUMBER, &person.number.digits())),
            display: Some(display(&person.name)),
            reference: None,
        }),
        period: plan.period.map(|period| Period {
            start: Some(period.start.to_string()),
            end: period.end.map(|end| end.to_string()),
        }),
        author: Some(Reference {
            reference: Some(format!("#{AUTHORITY}")),
            display: Some(authority.name.clone()),
            identifier: None,
        }),
    }
}

/// A plan past its end is inactive, but an unborn plan stays an alert for as long as it is shown.
fn is_active(plan: &HeldPlan, at: Timestamp) -> bool {
    let is_over = plan.period.and_then(|period| period.end).is_some_and(|end| end < dates::london_day(at));
    !is_over || plan.kind == Some(PlanKind::UnbornChildProtection)
}
