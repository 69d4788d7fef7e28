//! Scheduled or unscheduled care, and the place where it happens.

use super::contact::Telephone;

/// Whether the care is scheduled. That word decides whether social care is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CareSetting {
    /// Emergency, urgent, walk-in, 111, ambulance, maternity triage …
    Unscheduled,
    /// Booked care.
    Scheduled,
}

impl CareSetting {
    /// As the session line shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            CareSetting::Unscheduled => "Unscheduled care",
            CareSetting::Scheduled => "Scheduled care",
        }
    }
}

/// How the patient is present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContactMode {
    /// In front of the clinician.
    InPerson,
    /// On the telephone (111).
    ByTelephone,
}

impl ContactMode {
    /// As stored and told.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            ContactMode::InPerson => "in-person",
            ContactMode::ByTelephone => "by-telephone",
        }
    }
}

/// A place where care happens, from the hub's configuration: what the local authority is told beside the
/// viewer's name, so that a social worker can ring back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Short id, unique within the organisation; the viewer names it in `X-Site`.
    pub id: String,
    /// The organisation's ODS code.
    pub organisation_code: String,
    /// Kind of setting, in words: "Emergency department".
    pub setting: String,
    /// The site's name.
    pub name: String,
    /// The department.
    pub department: String,
    /// A number that is answered at any hour.
    pub call_back: Option<Telephone>,
    /// How patients are present there.
    pub contact: ContactMode,
}

/// The site's own safeguarding contacts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteAdvice {
    /// The safeguarding lead.
    pub lead: Option<NamedNumber>,
    /// The local authority where the site is: "the authority where the child is now".
    pub local_authority: Option<NamedNumber>,
    /// Who mends this program.
    pub it_help: Option<NamedNumber>,
}

/// A name and a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedNumber {
    /// Name.
    pub name: String,
    /// Number.
    pub telephone: Telephone,
}
