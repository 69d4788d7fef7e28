//! The audit log as FHIR R4 AuditEvents, after the patterns of IHE BALP (Basic Audit Log Patterns).
//!
//! What was answered carries the profile that it follows: PatientQuery, PatientRead, or Query where nobody was
//! returned. What was refused, failed, or is no FHIR request has no profile, as BALP wants it, and the same
//! elements. What the log does not hold, such as the caller's network address, is said to be absent, not made up.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::frame::{CHILD_PROTECTION, DEMOGRAPHICS, FLAGS};
use super::store::AuditRow;
use crate::fhir::codes;

const PROFILES: &str = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.";
const DICOM: &str = "http://dicom.nema.org/resources/ontology/DCM";
const ENTITY_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-entity-type";
const ENTITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/object-role";

/// What a row is as an event.
struct Pattern {
    /// Of BALP, without what they have in common.
    profile: Option<&'static str>,
    action: &'static str,
    interaction: Option<&'static str>,
    succeeded: bool,
}

/// A row of the audit log as an AuditEvent; `issuer` is the hub's own URL.
#[must_use]
pub fn audit_event(row: &AuditRow, issuer: &str) -> Value {
    let [
        kind,
        outcome,
        user,
        name,
        role,
        organisation_code,
        organisation,
        request,
        reference,
        number,
        detail,
        client,
    ] = &row.columns;
    let pattern = pattern(kind, outcome, number);
    let mut subtype = Vec::new();
    if let Some(code) = pattern.interaction {
        subtype.push(coded("http://hl7.org/fhir/restful-interaction", code, code));
    }
    subtype.push(coded("https://fhir.cpis.example/CodeSystem/audit-kind", kind, kind));
    let mut agents = match pattern.interaction {
        Some(_) => machines(&pattern, client, issuer),
        None if client.is_empty() => Vec::new(),
        None => vec![json!({
            "type": concept(DICOM, "110150", "Application"), "who": program(client), "requestor": false,
        })],
    };
    agents.push(person(&pattern, [user, name, role]));
    if !organisation_code.is_empty() {
        agents.push(json!({
            "type": concept("http://terminology.hl7.org/CodeSystem/v3-RoleClass", "PROV", "healthcare provider"),
            "who": { "type": "Organization", "display": organisation,
                "identifier": { "system": codes::ODS_CODE, "value": organisation_code } },
            "requestor": false,
        }));
    }
    let mut event = json!({
        "resourceType": "AuditEvent",
        "id": format!("audit-{}", row.id),
        "type": event_type(kind),
        "subtype": subtype,
        "action": pattern.action,
        "recorded": row.at,
        "outcome": if pattern.succeeded { "0" } else { "4" },
        "outcomeDesc": outcome,
        "agent": agents,
        "source": {
            "site": issuer,
            "observer": { "type": "Device", "display": "cpis-hub" },
            "type": [coded("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")],
        },
    });
    let entities = entities(kind, &pattern, [request, reference, number, detail]);
    if let Some(parts) = event.as_object_mut() {
        if let Some(profile) = pattern.profile {
            parts.insert("meta".to_owned(), json!({ "profile": [format!("{PROFILES}{profile}")] }));
        }
        if !entities.is_empty() {
            parts.insert("entity".to_owned(), json!(entities));
        }
    }
    event
}

fn pattern(kind: &str, outcome: &str, number: &str) -> Pattern {
    let answered = ["returned", "none", "too-many", "held", "nothing-held"].contains(&outcome);
    let (action, interaction) = match kind {
        "search" | "view" | "silent-view" | "repeated-view" | "history-read" => ("E", Some("search")),
        "retrieve" => ("R", Some("read")),
        "status-read" | "audit-read" | "concerns-read" => ("R", None),
        "opened-in-error" | "care-setting" => ("U", None),
        "copy-number" | "copy-summary" | "print" | "export" | "load" | "upload" | "notifications"
        | "number-told" | "backup" | "restore" => ("C", None),
        "session-begun" | "session-ended" | "sign-in-refused" | "role-picked" => ("E", None),
        "record-rejected" => ("R", None),
        "retention" | "plan-taken-back" => ("D", None),
        _ => ("E", None),
    };
    let profile = match (interaction, number.is_empty()) {
        (Some("read"), false) => Some("PatientRead"),
        (Some("search"), false) => Some("PatientQuery"),
        (Some("search"), true) => Some("Query"),
        _ => None,
    };
    let failed = ["not-found", "invalidated", "no-such-view", "too-late", "refused", "trace-used-up"];
    let succeeded = !["refused", "record-rejected"].contains(&kind) && !failed.contains(&outcome);
    Pattern { profile: profile.filter(|_| answered), action, interaction, succeeded }
}

fn event_type(kind: &str) -> Value {
    match kind {
        "audit-read" | "concerns-read" => coded(DICOM, "110101", "Audit Log Used"),
        "load" | "upload" | "plan-taken-back" | "record-rejected" | "restore" => {
            coded(DICOM, "110107", "Import")
        }
        "retention" => coded(DICOM, "110100", "Application Activity"),
        "session-begun" => coded(DICOM, "110114", "User Authentication"),
        "sign-in-refused" | "role-picked" => coded(DICOM, "110114", "User Authentication"),
        "session-ended" => coded(DICOM, "110114", "User Authentication"),
        "backup" | "copy-number" | "copy-summary" | "print" | "export" => coded(DICOM, "110106", "Export"),
        _ => coded("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "RESTful Operation"),
    }
}

/// Who asked and who answered, as programs. In a query the one who asks is the source, in a read the one who gives.
fn machines(pattern: &Pattern, asked_by: &str, issuer: &str) -> Vec<Value> {
    let source = concept(DICOM, "110153", "Source Role ID");
    let destination = concept(DICOM, "110152", "Destination Role ID");
    let (client, server) =
        if pattern.interaction == Some("read") { (destination, source) } else { (source, destination) };
    let absent = json!([{
        "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown",
    }]);
    vec![
        json!({ "type": client, "who": program(asked_by), "requestor": false, "network": { "extension": absent } }),
        json!({ "type": server, "who": { "type": "Device", "display": "cpis-hub" }, "requestor": false,
            "network": { "address": issuer, "type": "5" } }),
    ]
}

/// A registered program by its id; the viewer, and what was asked before there were others, has none.
fn program(client: &str) -> Value {
    if client.is_empty() {
        return json!({ "display": "The caller's application" });
    }
    let identifier = json!({ "system": codes::CLIENT_ID, "value": client });
    json!({ "type": "Device", "display": client, "identifier": identifier })
}

fn person(pattern: &Pattern, [user, name, role]: [&String; 3]) -> Value {
    let kind = if pattern.interaction.is_some() {
        concept("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient")
    } else {
        concept("http://terminology.hl7.org/CodeSystem/extra-security-role-type", "humanuser", "human user")
    };
    let mut person = json!({
        "type": kind,
        "who": { "identifier": { "value": user }, "display": name },
        "name": name,
        "requestor": true,
    });
    if let Some(parts) = person.as_object_mut().filter(|_| !role.is_empty()) {
        parts.insert("role".to_owned(), json!([{ "text": role }]));
    }
    person
}

fn entities(kind: &str, pattern: &Pattern, [request, reference, number, detail]: [&String; 4]) -> Vec<Value> {
    let mut entities = Vec::new();
    let object = coded(ENTITY_TYPE, "2", "System Object");
    match pattern.interaction {
        Some("search") => {
            let asked = asked(kind, number, detail);
            entities.push(json!({ "type": object, "role": coded(ENTITY_ROLE, "24", "Query"),
                "description": asked, "query": STANDARD.encode(&asked) }));
        }
        Some(_) => entities.push(json!({ "type": object, "role": coded(ENTITY_ROLE, "4", "Domain Resource"),
            "what": { "reference": format!("Patient/{number}"), "type": "Patient" } })),
        None => {}
    }
    if !number.is_empty() {
        entities.push(json!({
            "type": coded(ENTITY_TYPE, "1", "Person"),
            "role": coded(ENTITY_ROLE, "1", "Patient"),
            "what": { "type": "Patient", "identifier": { "system": codes::NHS_NUMBER, "value": number } },
        }));
    }
    if uuid::Uuid::try_parse(request).is_ok() {
        let system = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType";
        entities.push(json!({ "type": coded(system, "XrequestId", "X-Request-Id"),
            "what": { "identifier": { "value": request } } }));
    }
    if !reference.is_empty() {
        entities
            .push(json!({ "name": "access reference", "what": { "identifier": { "value": reference } } }));
    }
    if pattern.interaction.is_none() && !detail.is_empty() {
        entities.push(json!({ "name": "detail", "description": detail }));
    }
    entities
}

/// The request, as far as the log holds it: the address and the parameters that were read.
fn asked(kind: &str, number: &str, detail: &str) -> String {
    let patient = format!("patient:identifier={}|{number}", codes::NHS_NUMBER);
    match kind {
        "search" => {
            let pairs: Vec<(String, String)> = serde_json::from_str(detail).unwrap_or_default();
            let pairs: Vec<String> =
                pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
            format!("GET {DEMOGRAPHICS}/Patient?{}", pairs.join("&"))
        }
        "history-read" => format!("GET {CHILD_PROTECTION}/AuditEvent?{patient}"),
        _ if detail.contains("\"Flag\"") => {
            format!("GET {FLAGS}/Flag?patient={}|{number}", codes::NHS_NUMBER)
        }
        _ => format!("GET {CHILD_PROTECTION}/CareTeam?{patient}"),
    }
}

/// A text as it stands in a query, so that no `&` or `=` of it looks like another parameter.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn coded(system: &str, code: &str, display: &str) -> Value {
    json!({ "system": system, "code": code, "display": display })
}

fn concept(system: &str, code: &str, display: &str) -> Value {
    json!({ "coding": [coded(system, code, display)] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, detail: &str) -> AuditRow {
        let columns = [kind, "none", "user", "Name", "Nurse", "RN3", "Hospital", "", "", "", detail, ""];
        AuditRow { id: 1, at: "2026-11-22T14:05:00Z".to_owned(), columns: columns.map(str::to_owned) }
    }

    #[test]
    fn a_search_text_forges_no_parameter_of_the_exported_query() {
        let event =
            audit_event(&row("search", r#"[["family","Smith&gender=male"],["given","Zoë*"]]"#), "hub");
        let query = STANDARD.decode(event["entity"][0]["query"].as_str().unwrap()).unwrap();
        let query = String::from_utf8(query).unwrap();
        assert!(query.ends_with("/Patient?family=Smith%26gender%3Dmale&given=Zo%C3%AB%2A"), "{query}");
    }

    #[test]
    fn a_registered_program_is_named_and_no_other_is_made_up() {
        let mut row = row("search", "[]");
        let program = |row: &AuditRow| audit_event(row, "hub")["agent"][0]["who"].clone();
        assert_eq!(program(&row), json!({ "display": "The caller's application" }));
        row.columns[11] = "record".to_owned();
        assert_eq!(program(&row)["identifier"]["value"], "record");
        row.columns[0] = "session-begun".to_owned();
        assert_eq!(program(&row)["identifier"]["value"], "record");
    }

    #[test]
    fn reading_the_concerns_is_reading_the_audit_log() {
        let event = audit_event(&row("concerns-read", "{}"), "hub");
        assert_eq!((&event["type"]["code"], &event["action"]), (&json!("110101"), &json!("R")));
    }
}
