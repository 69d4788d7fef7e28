//! Who is asking, and the proofs that they may.
//!
//! Patient data is handed out only against a permit, and a permit is made only here, from the activity
//! codes of the caller's role. Nothing is allowed by default.

use super::care_setting::CareSetting;

/// Activity codes of the NHS role-based access baseline that this project knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Activity {
    /// B0264: trace a person on the demographics service.
    TracePeople,
    /// B0107: view, recorded in the access history, local authority notified.
    ViewAndNotify,
    /// B0170: view silently (scheduled care).
    ViewSilently,
}

impl Activity {
    /// All known ones.
    pub const ALL: [Activity; 3] = [Activity::TracePeople, Activity::ViewAndNotify, Activity::ViewSilently];

    /// The code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Activity::TracePeople => "B0264",
            Activity::ViewAndNotify => "B0107",
            Activity::ViewSilently => "B0170",
        }
    }

    /// Of a code; unknown codes give no right.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|activity| activity.code() == code)
    }
}

/// A person who proved who they are, in the one role they are signed in for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user's id at the identity service.
    pub user: String,
    /// Name, as the history and the authority see it.
    pub name: String,
    /// Job role.
    pub role: String,
    /// Role profile id.
    pub role_profile: String,
    /// Organisation's ODS code.
    pub organisation_code: String,
    /// Organisation's name.
    pub organisation: String,
    /// What the role may do.
    pub activities: Vec<Activity>,
    /// The signed-in session.
    pub session: String,
}

/// The role does not allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the role does not allow it")]
pub struct NotAllowed;

/// Whether a view is recorded in the history and told to the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ViewMode {
    /// Unscheduled care: history row, authority told.
    Recorded,
    /// Scheduled care: audited, and nobody is told.
    Silent,
}

/// Proof that the caller may search people.
#[derive(Debug, Clone)]
pub struct SearchPermit(Caller);

impl SearchPermit {
    /// Needs B0264.
    ///
    /// # Errors
    /// The role does not allow it.
    pub fn of(caller: &Caller) -> Result<Self, NotAllowed> {
        if caller.activities.contains(&Activity::TracePeople) {
            Ok(Self(caller.clone()))
        } else {
            Err(NotAllowed)
        }
    }

    /// Who.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

/// Proof that the caller may see plans, and what the request said of the care.
#[derive(Debug, Clone)]
pub struct ViewPermit {
    caller: Caller,
    requested: CareSetting,
}

impl ViewPermit {
    /// Needs B0107 or B0170.
    ///
    /// # Errors
    /// The role has neither.
    pub fn of(caller: &Caller, requested: CareSetting) -> Result<Self, NotAllowed> {
        let may = |right| caller.activities.contains(&right);
        if may(Activity::ViewAndNotify) || may(Activity::ViewSilently) {
            Ok(Self { caller: caller.clone(), requested })
        } else {
            Err(NotAllowed)
        }
    }

    /// Who.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// How the view is treated, where the person has said this of the session. B0107 only: always recorded,
    /// whatever the client says. B0170 only: always silent. Both: recorded, unless the person has switched
    /// this session to scheduled **and** the request says so.
    #[must_use]
    pub fn mode(&self, session: CareSetting) -> ViewMode {
        let may = |right| self.caller.activities.contains(&right);
        match (may(Activity::ViewAndNotify), may(Activity::ViewSilently)) {
            (false, true) => ViewMode::Silent,
            (true, true) => match (self.requested, session) {
                (CareSetting::Scheduled, CareSetting::Scheduled) => ViewMode::Silent,
                (CareSetting::Unscheduled, _) | (_, CareSetting::Unscheduled) => ViewMode::Recorded,
            },
            // Without either there is no permit.
            (true | false, false) => ViewMode::Recorded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_follow_the_activity_codes() {
        use CareSetting::{Scheduled, Unscheduled};
        let check = |codes: &[&str], requested, session, expected: Option<ViewMode>| {
            let caller = Caller {
                user: "1".to_owned(),
                name: "Sam Okafor".to_owned(),
                role: "Staff nurse".to_owned(),
                role_profile: "2".to_owned(),
                organisation_code: "RN3".to_owned(),
                organisation: "Great Western Hospital".to_owned(),
                activities: codes.iter().filter_map(|code| Activity::from_code(code)).collect(),
                session: "s".to_owned(),
            };
            let got = ViewPermit::of(&caller, requested).ok().map(|permit| permit.mode(session));
            assert_eq!(got, expected, "{codes:?} asks {requested:?}, session {session:?}");
            assert_eq!(SearchPermit::of(&caller).is_ok(), codes.contains(&"B0264"));
        };
        for requested in [Unscheduled, Scheduled] {
            for session in [Unscheduled, Scheduled] {
                check(&["B0107", "B0264"], requested, session, Some(ViewMode::Recorded));
                check(&["B0170", "B0264"], requested, session, Some(ViewMode::Silent));
                check(&["B0264"], requested, session, None);
                check(&["B9999"], requested, session, None);
            }
        }
        let both = ["B0107", "B0170", "B0264"];
        check(&both, Unscheduled, Unscheduled, Some(ViewMode::Recorded));
        check(&both, Scheduled, Unscheduled, Some(ViewMode::Recorded));
        check(&both, Unscheduled, Scheduled, Some(ViewMode::Recorded));
        check(&both, Scheduled, Scheduled, Some(ViewMode::Silent));
    }
}
