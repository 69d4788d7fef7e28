//! Systems, extension addresses and header names: the words both ends must spell alike.

/// NHS number identifier system.
pub const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// ODS organisation code system.
pub const ODS_CODE: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
/// Role profile id system.
pub const ROLE_PROFILE: &str = "https://fhir.nhs.uk/Id/sds-role-profile-id";
/// An authority's own id of a person (ours).
pub const LOCAL_ID: &str = "https://fhir.cpis.example/Id/local-id";
/// A program that is registered with the hub (ours).
pub const CLIENT_ID: &str = "https://fhir.cpis.example/Id/client-id";
/// SNOMED CT.
pub const SNOMED: &str = "http://snomed.info/sct";
/// Role classes (PAT, ASSIGNED).
pub const ROLE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleClass";
/// Security labels; `R` is a restricted person.
pub const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
/// Spine error codes in an OperationOutcome.
pub const SPINE_ERROR: &str = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode";
/// Kinds of flags in the Patient Flags API (beta).
pub const FLAG_CATEGORY: &str = "https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient";
/// The flag of this service.
pub const CHILD_PROTECTION_FLAG: &str = "child-protection-information-system-flag";
/// Tags on accesses (ours).
pub const ACCESS_TAGS: &str = "https://fhir.cpis.example/CodeSystem/access";
/// The tag of the caller's own present view (ours).
pub const PRESENT_VIEW: &str = "present-view";
/// NHS number verification status extension.
pub const VERIFICATION: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus";
/// Verification status code system.
pub const VERIFICATION_STATUS: &str =
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland";
/// An authority's office hours on a CareTeam (ours): nested `day` (valueCode `mon` … `sun`, repeated), `from`
/// and `to` (valueTime).
pub const OFFICE_HOURS: &str = "https://fhir.cpis.example/StructureDefinition/office-hours";
/// The team that knows the child, on a CareTeam (ours): nested `name` and `telephone` (valueString).
pub const TEAM_CONTACT: &str = "https://fhir.cpis.example/StructureDefinition/team-contact";
/// On a search entry (ours): the match was on a name no longer used (valueBoolean).
pub const MATCHED_PREVIOUS_NAME: &str = "https://fhir.cpis.example/StructureDefinition/matched-previous-name";

/// Request header: the caller's UUID of one view.
pub const TRACE_ID: &str = "TraceID";
/// Request header: `true` or `false`; omitted is unscheduled.
pub const IS_UNSCHEDULED: &str = "IsUnscheduledAccessEvent";
/// Request header of the demographics service: a UUID, mirrored.
pub const REQUEST_ID: &str = "X-Request-ID";
/// Request header (ours): a site of the caller's organisation.
pub const SITE: &str = "X-Site";
/// Response header (ours): the reference under which a view was logged.
pub const ACCESS_REFERENCE: &str = "X-Access-Reference";
/// Response header (ours): the hub holds synthetic people.
pub const SYNTHETIC: &str = "X-Synthetic-Data";

/// The days of the week as `valueCode`, Monday first.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
