//! Who can sign in to the demonstration, and what each may do.

use serde_json::{Value, json};

use crate::domain::Activity;
use crate::viewer::state::Persona;

/// A persona and what its role may do.
pub(super) struct DemoPersona {
    name: &'static str,
    role: &'static str,
    organisation: &'static str,
    organisation_code: &'static str,
    note: &'static str,
    activities: &'static [Activity],
}

/// The hospital's ODS code in the demonstration.
pub(super) const HOSPITAL: &str = "ZZ901";
/// The 111 service's.
pub(super) const CALLS: &str = "ZZ911";

const HOSPITAL_NAME: &str = "Wexcombe General Hospital";
const RECORDED: &[Activity] = &[Activity::TRACE_PEOPLE, Activity::VIEW_AND_NOTIFY];

/// All of them, in the order in which they are offered.
pub(super) const ALL: [DemoPersona; 6] = [
    DemoPersona {
        name: "Sam Okafor",
        role: "triage nurse, emergency department",
        organisation: HOSPITAL_NAME,
        organisation_code: HOSPITAL,
        note: "Opens in unscheduled care: social care is told",
        activities: RECORDED,
    },
    DemoPersona {
        name: "Dr Priya Nair",
        role: "emergency doctor",
        organisation: HOSPITAL_NAME,
        organisation_code: HOSPITAL,
        note: "Opens in unscheduled care: social care is told",
        activities: RECORDED,
    },
    DemoPersona {
        name: "Ruth Evans",
        role: "midwife, antenatal clinic",
        organisation: HOSPITAL_NAME,
        organisation_code: HOSPITAL,
        note: "Opens in scheduled care: social care is not told",
        activities: &[Activity::TRACE_PEOPLE, Activity::VIEW_SILENTLY],
    },
    DemoPersona {
        name: "Leon Carter",
        role: "receptionist, emergency department",
        organisation: HOSPITAL_NAME,
        organisation_code: HOSPITAL,
        note: "Finds patients, and may not open",
        activities: &[Activity::TRACE_PEOPLE],
    },
    DemoPersona {
        name: "Grace Kim",
        role: "111 call handler",
        organisation: "Wexcombe Urgent Care Line",
        organisation_code: CALLS,
        note: "Opens for callers on the telephone: social care is told",
        activities: RECORDED,
    },
    DemoPersona {
        name: "Hannah Lloyd",
        role: "sister, children's ward",
        organisation: HOSPITAL_NAME,
        organisation_code: HOSPITAL,
        note: "May do both, and switches between unscheduled and scheduled care",
        activities: &[Activity::TRACE_PEOPLE, Activity::VIEW_AND_NOTIFY, Activity::VIEW_SILENTLY],
    },
];

impl DemoPersona {
    /// As the viewer offers it.
    pub(super) fn offered(&self) -> Persona {
        Persona {
            name: self.name.to_owned(),
            role: self.role.to_owned(),
            organisation: self.organisation.to_owned(),
            note: self.note.to_owned(),
        }
    }

    /// As a provider says it of whom CIS2 knows.
    pub(super) fn claims(&self, index: usize, subject: &str) -> Value {
        let role = format!("demo-role-{index}");
        let codes: Vec<&str> = self.activities.iter().map(|activity| activity.code()).collect();
        json!({
            "sub": subject,
            "nhsid_useruid": subject,
            "name": self.name,
            "selected_roleid": role,
            "nhsid_nrbac_roles": [{
                "person_orgid": self.organisation_code,
                "person_roleid": role,
                "org_code": self.organisation_code,
                "role_name": self.role,
                "activity_codes": codes,
            }],
            "nhsid_user_orgs": [{ "org_code": self.organisation_code, "org_name": self.organisation }],
        })
    }
}
