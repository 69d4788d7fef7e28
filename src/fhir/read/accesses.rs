//! AuditEvent bundles into the access history.

use std::collections::HashMap;

use super::super::codes;
use super::super::wire::{AuditAgent, AuditEvent, PractitionerRole};
use super::{claimed_total, has_next_page, missing, moment, resource_type, searchset, trimmed, typed};
use crate::domain::{Access, Failure, HistoryReading};

/// Reads the access history, newest first.
///
/// # Errors
/// The body is not a searchset bundle.
pub fn history(body: &[u8]) -> Result<HistoryReading, Failure> {
    let bundle = searchset(body)?;
    let claimed = claimed_total(&bundle);
    let has_more = has_next_page(&bundle);
    let mut roles: HashMap<String, PractitionerRole> = HashMap::new();
    let mut events: Vec<Option<AuditEvent>> = Vec::new();
    let mut lost_roles = 0;
    for entry in bundle.entry {
        let kind = resource_type(&entry.resource).to_owned();
        match kind.as_str() {
            "PractitionerRole" => {
                let Some(role) = typed::<PractitionerRole>(entry.resource) else {
                    lost_roles += 1;
                    continue;
                };
                if let Some(url) = entry.full_url {
                    roles.insert(url, role.clone());
                }
                if let Some(id) = role.id.clone() {
                    roles.insert(format!("PractitionerRole/{id}"), role);
                }
            }
            "AuditEvent" => events.push(typed(entry.resource)),
            // Something else, or nothing: an entry that could not be read.
            _ => events.push(None),
        }
    }
    let received = events.len();
    let mut accesses: Vec<Access> = events.into_iter().filter_map(|event| access(&event?, &roles)).collect();
    accesses.sort_by_key(|access| std::cmp::Reverse(access.at));
    let lost = received - accesses.len();
    let lacking = missing(claimed, received, has_more);
    Ok(HistoryReading { accesses, unreadable: lost + lost_roles + lacking })
}

/// Without a time it is no access; without a name it still is one.
fn access(event: &AuditEvent, roles: &HashMap<String, PractitionerRole>) -> Option<Access> {
    let at = moment(event.recorded.as_deref()?)?;
    let is_viewer =
        |agent: &&AuditAgent| agent.requestor.is_some_and(|flag| flag.0) || has_class(agent, "ASSIGNED");
    let who = event.agent.iter().find(is_viewer).and_then(|agent| agent.who.as_ref());
    let role = who.and_then(|who| who.reference.as_deref()).and_then(|reference| {
        roles.get(reference).or_else(|| {
            let tail = reference.rfind("PractitionerRole/").and_then(|at| reference.get(at..))?;
            roles.get(tail)
        })
    });
    let display = |reference: Option<&super::super::wire::Reference>| {
        trimmed(reference.and_then(|reference| reference.display.as_deref()))
    };
    let role_name = role.and_then(|role| role.code.first()).map(|concept| {
        trimmed(concept.coding.iter().find_map(|c| c.display.as_deref()).or(concept.text.as_deref()))
    });
    let tags = event.meta.iter().flat_map(|meta| &meta.tag);
    let is_present_view = tags.filter_map(|tag| tag.code.as_deref()).any(|code| code == codes::PRESENT_VIEW);
    Some(Access {
        at,
        name: display(role.and_then(|role| role.practitioner.as_ref())),
        role: role_name.unwrap_or_default(),
        organisation: display(role.and_then(|role| role.organization.as_ref())),
        is_present_view,
    })
}

fn has_class(agent: &AuditAgent, class: &str) -> bool {
    agent
        .r#type
        .iter()
        .flat_map(|concept| &concept.coding)
        .any(|coding| coding.code.as_deref() == Some(class))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn accesses_are_joined_to_who_made_them_and_broken_ones_are_counted() {
        let event = |at: &str, tag: &str| {
            json!({ "resource": { "resourceType": "AuditEvent", "recorded": at, "meta": { "tag": [{ "code": tag }] },
                "agent": [{ "type": { "coding": [{ "code": "PAT" }] }, "requestor": "false" },
                    { "type": { "coding": [{ "code": "ASSIGNED" }] }, "who": { "reference": "PractitionerRole/r1" } }] } })
        };
        let role = json!({ "fullUrl": "urn:uuid:1", "resource": { "resourceType": "PractitionerRole", "id": "r1",
            "practitioner": { "display": "Sam Okafor " }, "organization": { "display": "Great Western Hospital" },
            "code": [{ "coding": [{ "display": "Staff nurse" }] }] } });
        let entries = json!([event("2026-11-21T02:14:00Z", ""), event("2026-11-22T02:14:00Z", codes::PRESENT_VIEW),
            event("soon", ""), { "resource": { "resourceType": "Flag" } }, role]);
        let bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": 4, "entry": entries });
        let read = history(bundle.to_string().as_bytes()).unwrap();
        assert_eq!((read.accesses.len(), read.unreadable), (2, 2));
        assert!(read.accesses[0].is_present_view && !read.accesses[1].is_present_view);
        assert_eq!(read.accesses[0].name, "Sam Okafor");
        assert_eq!(read.accesses[0].role, "Staff nurse");
        assert_eq!(read.accesses[0].organisation, "Great Western Hospital");
        let short = json!({ "resourceType": "Bundle", "type": "searchset", "total": 3 });
        assert_eq!(history(short.to_string().as_bytes()).unwrap().unreadable, 3);
    }
}
