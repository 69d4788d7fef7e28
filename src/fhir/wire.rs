//! FHIR resources as they travel: only the parts that this project reads or writes, everything optional.
//!
//! Nothing is judged here: `read` decides what an absent or odd part means.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}

/// A boolean, also where a server wrote it as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Bool(flag) => Ok(Flag(flag)),
            Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(Flag(true)),
            Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(Flag(false)),
            Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                Err(serde::de::Error::custom("not a boolean"))
            }
        }
    }
}

macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty $(= $attr:meta)?,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub struct $name {
            $(
                $(#[$field_doc])*
                $(#[$attr])?
                pub $field: $type,
            )*
        }
        impl std::fmt::Debug for $name {
            // Resources are patients and those who looked at them: never into a log or a panic message.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }
    )*};
}

resources! {
    /// A list of resources.
    Bundle {
        /// `Bundle`.
        resource_type: String,
        /// `searchset`, `batch` …
        r#type: String = serde(rename = "type"),
        /// When it was made.
        timestamp: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Number of matches.
        total: Option<Value> = serde(skip_serializing_if = "Option::is_none"),
        /// Self, next.
        link: Vec<BundleLink> = serde(skip_serializing_if = "is_empty"),
        /// The entries, not yet looked into: one broken entry must not hide the others.
        entry: Vec<BundleEntry> = serde(skip_serializing_if = "is_empty"),
    }
    /// A link of a bundle.
    BundleLink {
        /// `self`, `next`.
        relation: String,
        /// Where to.
        url: String,
    }
    /// An entry of a bundle.
    BundleEntry {
        /// Address.
        full_url: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Any resource.
        resource: Value,
        /// Why it is there.
        search: Option<EntrySearch> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// Why an entry is in a searchset.
    EntrySearch {
        /// `match`, `include`, `outcome`.
        mode: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// 0 to 1.
        score: Option<f64> = serde(skip_serializing_if = "Option::is_none"),
        /// Extensions.
        extension: Vec<Extension> = serde(skip_serializing_if = "is_empty"),
    }
    /// Version, tags and security labels.
    Meta {
        /// When it last changed.
        last_updated: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Version.
        version_id: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Security labels.
        security: Vec<Coding> = serde(skip_serializing_if = "is_empty"),
        /// Tags.
        tag: Vec<Coding> = serde(skip_serializing_if = "is_empty"),
    }
    /// A code of a system.
    Coding {
        /// System.
        system: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Code.
        code: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// In words.
        display: Option<String> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// A concept: codings and text.
    CodeableConcept {
        /// Codings.
        coding: Vec<Coding> = serde(skip_serializing_if = "is_empty"),
        /// Text.
        text: Option<String> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// An identifier.
    Identifier {
        /// System.
        system: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Value.
        value: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Extensions.
        extension: Vec<Extension> = serde(skip_serializing_if = "is_empty"),
    }
    /// A reference by address or identifier.
    Reference {
        /// Address.
        reference: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Identifier.
        identifier: Option<Identifier> = serde(skip_serializing_if = "Option::is_none"),
        /// In words.
        display: Option<String> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// First and last moment.
    Period {
        /// First.
        start: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Last.
        end: Option<String> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// A telephone number or the like.
    ContactPoint {
        /// `phone`.
        system: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// As sent.
        value: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// `work` = office hours, `mobile` = emergency duty.
        r#use: Option<String> = serde(rename = "use", skip_serializing_if = "Option::is_none"),
    }
    /// An extension; of the value types only those in use.
    Extension {
        /// Which.
        url: String,
        /// Text.
        value_string: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Code.
        value_code: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Time of day.
        value_time: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Day.
        value_date: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Whole number.
        value_integer: Option<i64> = serde(skip_serializing_if = "Option::is_none"),
        /// Yes or no.
        value_boolean: Option<Flag> = serde(skip_serializing_if = "Option::is_none"),
        /// Concept.
        value_codeable_concept: Option<CodeableConcept> = serde(skip_serializing_if = "Option::is_none"),
        /// Nested.
        extension: Vec<Extension> = serde(skip_serializing_if = "is_empty"),
    }
    /// A name.
    HumanName {
        /// `usual`, `official`, `old`, `maiden` …
        r#use: Option<String> = serde(rename = "use", skip_serializing_if = "Option::is_none"),
        /// Family name.
        family: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Given names.
        given: Vec<String> = serde(skip_serializing_if = "is_empty"),
        /// Titles.
        prefix: Vec<String> = serde(skip_serializing_if = "is_empty"),
        /// When used.
        period: Option<Period> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// An address: only its postcode.
    Address {
        /// `home`.
        r#use: Option<String> = serde(rename = "use", skip_serializing_if = "Option::is_none"),
        /// Postcode.
        postal_code: Option<String> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// A link to another record of the same person.
    PatientLink {
        /// The other.
        other: Reference,
        /// `replaced-by`.
        r#type: String = serde(rename = "type"),
    }
    /// A person.
    Patient {
        /// `Patient`.
        resource_type: String,
        /// NHS number.
        id: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Security labels.
        meta: Option<Meta> = serde(skip_serializing_if = "Option::is_none"),
        /// NHS number with its verification.
        identifier: Vec<Identifier> = serde(skip_serializing_if = "is_empty"),
        /// `false`: the identity ended, or was replaced.
        active: Option<Flag> = serde(skip_serializing_if = "Option::is_none"),
        /// Names.
        name: Vec<HumanName> = serde(skip_serializing_if = "is_empty"),
        /// Gender code.
        gender: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Date of birth, possibly without day or month.
        birth_date: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Which of several born together.
        multiple_birth_integer: Option<u32> = serde(skip_serializing_if = "Option::is_none"),
        /// One of several born together.
        multiple_birth_boolean: Option<Flag> = serde(skip_serializing_if = "Option::is_none"),
        /// When died.
        deceased_date_time: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Died.
        deceased_boolean: Option<Flag> = serde(skip_serializing_if = "Option::is_none"),
        /// Home postcode.
        address: Vec<Address> = serde(skip_serializing_if = "is_empty"),
        /// Other records.
        link: Vec<PatientLink> = serde(skip_serializing_if = "is_empty"),
    }
    /// A plan.
    CareTeam {
        /// `CareTeam`.
        resource_type: String,
        /// Id.
        id: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// When the authority sent it.
        meta: Option<Meta> = serde(skip_serializing_if = "Option::is_none"),
        /// Office hours, team contact.
        extension: Vec<Extension> = serde(skip_serializing_if = "is_empty"),
        /// The authority's local id.
        identifier: Vec<Identifier> = serde(skip_serializing_if = "is_empty"),
        /// In an upload: `entered-in-error` for a plan that is taken back.
        status: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Plan type.
        category: Vec<CodeableConcept> = serde(skip_serializing_if = "is_empty"),
        /// Local authority's name.
        name: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Whose plan.
        subject: Option<Reference> = serde(skip_serializing_if = "Option::is_none"),
        /// First and last day.
        period: Option<Period> = serde(skip_serializing_if = "Option::is_none"),
        /// Telephone numbers.
        telecom: Vec<ContactPoint> = serde(skip_serializing_if = "is_empty"),
        /// The authority.
        managing_organization: Vec<Reference> = serde(skip_serializing_if = "is_empty"),
    }
    /// A flag of the Patient Flags API.
    PatientFlag {
        /// `Flag`.
        resource_type: String,
        /// Id.
        id: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// When the authority sent it.
        meta: Option<Meta> = serde(skip_serializing_if = "Option::is_none"),
        /// The authority.
        contained: Vec<Organization> = serde(skip_serializing_if = "is_empty"),
        /// `active`, `inactive`.
        status: String,
        /// Whose kind of flag.
        category: Vec<CodeableConcept> = serde(skip_serializing_if = "is_empty"),
        /// Which flag.
        code: Option<CodeableConcept> = serde(skip_serializing_if = "Option::is_none"),
        /// About whom.
        subject: Option<Reference> = serde(skip_serializing_if = "Option::is_none"),
        /// First and last day.
        period: Option<Period> = serde(skip_serializing_if = "Option::is_none"),
        /// The authority.
        author: Option<Reference> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// An organisation.
    Organization {
        /// `Organization`.
        resource_type: String,
        /// Id.
        id: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Office hours.
        extension: Vec<Extension> = serde(skip_serializing_if = "is_empty"),
        /// Its code.
        identifier: Vec<Identifier> = serde(skip_serializing_if = "is_empty"),
        /// Its name.
        name: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Telephone numbers.
        telecom: Vec<ContactPoint> = serde(skip_serializing_if = "is_empty"),
    }
    /// Who took part in an access.
    AuditAgent {
        /// PAT or ASSIGNED.
        r#type: Option<CodeableConcept> = serde(rename = "type", skip_serializing_if = "Option::is_none"),
        /// Who.
        who: Option<Reference> = serde(skip_serializing_if = "Option::is_none"),
        /// Whether they asked.
        requestor: Option<Flag> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// What reported an access.
    AuditSource {
        /// Who observed it.
        observer: Reference,
    }
    /// One access.
    AuditEvent {
        /// `AuditEvent`.
        resource_type: String,
        /// Id.
        id: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Tags.
        meta: Option<Meta> = serde(skip_serializing_if = "Option::is_none"),
        /// Kind of event.
        r#type: Option<Coding> = serde(rename = "type", skip_serializing_if = "Option::is_none"),
        /// Finer kind.
        subtype: Vec<Coding> = serde(skip_serializing_if = "is_empty"),
        /// When.
        recorded: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Who.
        agent: Vec<AuditAgent> = serde(skip_serializing_if = "is_empty"),
        /// Where from.
        source: Option<AuditSource> = serde(skip_serializing_if = "Option::is_none"),
        /// What it was about: in a viewer's report, the view's reference.
        entity: Vec<AuditEntity> = serde(skip_serializing_if = "is_empty"),
    }
    /// What an event was about.
    AuditEntity {
        /// What.
        what: Option<Reference> = serde(skip_serializing_if = "Option::is_none"),
    }
    /// A person in a role at an organisation.
    PractitionerRole {
        /// `PractitionerRole`.
        resource_type: String,
        /// Id, to which an access refers.
        id: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// Role profile id.
        identifier: Vec<Identifier> = serde(skip_serializing_if = "is_empty"),
        /// Name.
        practitioner: Option<Reference> = serde(skip_serializing_if = "Option::is_none"),
        /// Organisation.
        organization: Option<Reference> = serde(skip_serializing_if = "Option::is_none"),
        /// Role.
        code: Vec<CodeableConcept> = serde(skip_serializing_if = "is_empty"),
    }
    /// What went wrong.
    OutcomeIssue {
        /// In an acknowledgement: the number that has taken a number's place.
        extension: Vec<Extension> = serde(skip_serializing_if = "is_empty"),
        /// `error`, `information` …
        severity: String,
        /// FHIR issue type.
        code: String,
        /// Spine error code.
        details: Option<CodeableConcept> = serde(skip_serializing_if = "Option::is_none"),
        /// In words.
        diagnostics: Option<String> = serde(skip_serializing_if = "Option::is_none"),
        /// About which part of what was sent.
        expression: Vec<String> = serde(skip_serializing_if = "is_empty"),
    }
    /// Why there is no answer.
    OperationOutcome {
        /// `OperationOutcome`.
        resource_type: String,
        /// What went wrong.
        issue: Vec<OutcomeIssue> = serde(skip_serializing_if = "is_empty"),
    }
}
