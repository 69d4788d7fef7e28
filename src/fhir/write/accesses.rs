//! Accesses into AuditEvent resources, each with who made it.

use jiff::Timestamp;

use super::super::codes;
use super::super::wire::{
    AuditAgent, AuditEvent, AuditSource, Bundle, BundleEntry, CodeableConcept, Coding, EntrySearch, Flag,
    Meta, PractitionerRole, Reference,
};
use super::{coding, concept, identifier, matched, searchset, to_value};
use crate::domain::{Access, NhsNumber};

/// One access, with what only the hub knows of it.
#[derive(Debug, Clone)]
pub struct WrittenAccess {
    /// The resource's id.
    pub id: String,
    /// Who, where and when.
    pub access: Access,
    /// Role profile id of who opened it.
    pub role_profile: String,
}

/// A searchset of accesses, newest first, each followed by who made it.
#[must_use]
pub fn history(patient: NhsNumber, accesses: &[WrittenAccess], at: Timestamp) -> Bundle {
    let entry = accesses.iter().flat_map(|written| {
        let role = format!("role-{}", written.id);
        [
            BundleEntry {
                full_url: None,
                resource: to_value(&audit_event(patient, written, &role)),
                search: matched(),
            },
            BundleEntry {
                full_url: None,
                resource: to_value(&practitioner_role(written, role)),
                search: Some(EntrySearch { mode: Some("include".to_owned()), ..EntrySearch::default() }),
            },
        ]
    });
    searchset(accesses.len(), entry.collect(), at)
}

fn audit_event(patient: NhsNumber, written: &WrittenAccess, role: &str) -> AuditEvent {
    let present = coding(codes::ACCESS_TAGS, codes::PRESENT_VIEW, "The view that asks");
    let tags = if written.access.is_present_view { vec![present] } else { Vec::new() };
    AuditEvent {
        resource_type: "AuditEvent".to_owned(),
        id: Some(format!("access-{}", written.id)),
        meta: (!tags.is_empty()).then(|| Meta { tag: tags, ..Meta::default() }),
        r#type: Some(coding(
            "http://terminology.hl7.org/CodeSystem/audit-event-type",
            "rest",
            "RESTful Operation",
        )),
        subtype: vec![coding("http://hl7.org/fhir/restful-interaction", "search-type", "search-type")],
        recorded: Some(written.access.at.to_string()),
        agent: vec![
            AuditAgent {
                r#type: Some(concept(codes::ROLE_CLASS, "PAT", "patient")),
                who: Some(Reference {
                    identifier: Some(identifier(codes::NHS_NUMBER, &patient.digits())),
                    ..Reference::default()
                }),
                requestor: Some(Flag(false)),
            },
            AuditAgent {
                r#type: Some(concept(codes::ROLE_CLASS, "ASSIGNED", "assigned entity")),
                who: Some(Reference {
                    reference: Some(format!("PractitionerRole/{role}")),
                    ..Reference::default()
                }),
                requestor: Some(Flag(true)),
            },
        ],
        source: Some(AuditSource {
            observer: Reference { display: Some("CP-IS hub".to_owned()), ..Reference::default() },
        }),
        entity: Vec::new(),
    }
}

fn practitioner_role(written: &WrittenAccess, id: String) -> PractitionerRole {
    let access = &written.access;
    let named = |name: &str| Some(Reference { display: Some(name.to_owned()), ..Reference::default() });
    PractitionerRole {
        resource_type: "PractitionerRole".to_owned(),
        id: Some(id),
        identifier: vec![identifier(codes::ROLE_PROFILE, &written.role_profile)],
        practitioner: named(&access.name),
        organization: named(&access.organisation),
        code: vec![CodeableConcept {
            coding: vec![Coding { display: Some(access.role.clone()), ..Coding::default() }],
            text: None,
        }],
    }
}
