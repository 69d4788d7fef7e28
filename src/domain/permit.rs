//! The proofs that a caller may do what they ask.
//!
//! Patient data is handed out only against a permit, and a permit is made only here, of a caller and of the
//! hub's table of [`Rights`].

use super::care_setting::CareSetting;
use super::rights::{Caller, Right, Rights};

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
    /// Needs [`Right::SearchPeople`].
    ///
    /// # Errors
    /// The role does not allow it.
    pub fn of(caller: &Caller, rights: &Rights) -> Result<Self, NotAllowed> {
        if rights.allow(caller, Right::SearchPeople) { Ok(Self(caller.clone())) } else { Err(NotAllowed) }
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
    may: MayView,
    requested: CareSetting,
}

/// How somebody may view who may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MayView {
    Recorded,
    Silently,
    Both,
}

impl ViewPermit {
    /// Needs [`Right::ViewAndNotify`] or [`Right::ViewSilently`].
    ///
    /// # Errors
    /// The role has neither.
    pub fn of(caller: &Caller, rights: &Rights, requested: CareSetting) -> Result<Self, NotAllowed> {
        let may =
            match (rights.allow(caller, Right::ViewAndNotify), rights.allow(caller, Right::ViewSilently)) {
                (true, false) => MayView::Recorded,
                (false, true) => MayView::Silently,
                (true, true) => MayView::Both,
                (false, false) => return Err(NotAllowed),
            };
        Ok(Self { caller: caller.clone(), may, requested })
    }

    /// Who.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// How the view is treated, where the person has said this of the session. Who may only view and notify is
    /// always recorded, whatever the client says; who may only view silently, never. Who may do both is recorded,
    /// unless the person has switched this session to scheduled **and** the request says so.
    #[must_use]
    pub fn mode(&self, session: CareSetting) -> ViewMode {
        match self.may {
            MayView::Recorded => ViewMode::Recorded,
            MayView::Silently => ViewMode::Silent,
            MayView::Both => match (self.requested, session) {
                (CareSetting::Scheduled, CareSetting::Scheduled) => ViewMode::Silent,
                (CareSetting::Unscheduled, _) | (_, CareSetting::Unscheduled) => ViewMode::Recorded,
            },
        }
    }
}

/// Proof that the caller may say which kind of care the session is about: only who may view in both ways has a
/// choice.
#[derive(Debug, Clone)]
pub struct CareSettingPermit(Caller);

impl CareSettingPermit {
    /// Needs [`Right::ViewAndNotify`] and [`Right::ViewSilently`].
    ///
    /// # Errors
    /// The role lacks one of them.
    pub fn of(caller: &Caller, rights: &Rights) -> Result<Self, NotAllowed> {
        let may =
            [Right::ViewAndNotify, Right::ViewSilently].iter().all(|right| rights.allow(caller, *right));
        if may { Ok(Self(caller.clone())) } else { Err(NotAllowed) }
    }

    /// Who.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

/// Proof that the caller may read what the audit log holds of their organisation's people.
#[derive(Debug, Clone)]
pub struct AuditPermit(Caller);

impl AuditPermit {
    /// Needs [`Right::ReadAudit`].
    ///
    /// # Errors
    /// The role does not allow it.
    pub fn of(caller: &Caller, rights: &Rights) -> Result<Self, NotAllowed> {
        if rights.allow(caller, Right::ReadAudit) { Ok(Self(caller.clone())) } else { Err(NotAllowed) }
    }

    /// Who.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

/// Proof that the caller may read which views of their organisation's people are worth a question.
#[derive(Debug, Clone)]
pub struct ConcernsPermit(Caller);

impl ConcernsPermit {
    /// Needs [`Right::PrivacyOfficer`].
    ///
    /// # Errors
    /// The role does not allow it.
    pub fn of(caller: &Caller, rights: &Rights) -> Result<Self, NotAllowed> {
        if rights.allow(caller, Right::PrivacyOfficer) { Ok(Self(caller.clone())) } else { Err(NotAllowed) }
    }

    /// Who.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::Activity;
    use super::*;

    fn caller(codes: &[&str]) -> Caller {
        Caller {
            user: "1".to_owned(),
            name: "Sam Okafor".to_owned(),
            role: "Staff nurse".to_owned(),
            role_profile: "2".to_owned(),
            organisation_code: "RN3".to_owned(),
            organisation: "Great Western Hospital".to_owned(),
            activities: codes.iter().filter_map(|code| Activity::from_code(code)).collect(),
            session: "s".to_owned(),
            client: None,
        }
    }

    #[test]
    fn what_a_role_may_follows_from_its_activity_codes_and_the_table() {
        use CareSetting::{Scheduled, Unscheduled};
        let rights = Rights::national();
        let check = |codes: &[&str], requested, session, expected: Option<ViewMode>| {
            let caller = caller(codes);
            let got = ViewPermit::of(&caller, &rights, requested).ok().map(|permit| permit.mode(session));
            assert_eq!(got, expected, "{codes:?} asks {requested:?}, session {session:?}");
            assert_eq!(SearchPermit::of(&caller, &rights).is_ok(), codes.contains(&"B0264"));
            let may_choose = CareSettingPermit::of(&caller, &rights).is_ok();
            assert_eq!(may_choose, codes.contains(&"B0107") && codes.contains(&"B0170"));
        };
        for requested in [Unscheduled, Scheduled] {
            for session in [Unscheduled, Scheduled] {
                check(&["B0107", "B0264"], requested, session, Some(ViewMode::Recorded));
                check(&["B0170", "B0264"], requested, session, Some(ViewMode::Silent));
                check(&["B0264"], requested, session, None);
                check(&["B9999"], requested, session, None);
                check(&[], requested, session, None);
            }
        }
        let both = ["B0107", "B0170", "B0264"];
        check(&both, Unscheduled, Unscheduled, Some(ViewMode::Recorded));
        check(&both, Scheduled, Unscheduled, Some(ViewMode::Recorded));
        check(&both, Unscheduled, Scheduled, Some(ViewMode::Recorded));
        check(&both, Scheduled, Scheduled, Some(ViewMode::Silent));
    }

    #[test]
    fn without_a_table_nobody_may_anything_and_another_code_may_what_it_says() {
        let everything = caller(&["B0107", "B0170", "B0264", "B1234"]);
        let nothing = Rights::default();
        assert!(SearchPermit::of(&everything, &nothing).is_err());
        assert!(ViewPermit::of(&everything, &nothing, CareSetting::Scheduled).is_err());
        assert!(CareSettingPermit::of(&everything, &nothing).is_err());

        let mut own = Rights::default();
        let code = Activity::from_code("B1234").unwrap();
        own.grant(code, &[Right::SearchPeople, Right::ViewSilently]);
        assert!(SearchPermit::of(&everything, &own).is_ok());
        let view = ViewPermit::of(&everything, &own, CareSetting::Unscheduled).unwrap();
        assert_eq!(view.mode(CareSetting::Unscheduled), ViewMode::Silent);
        assert!(SearchPermit::of(&caller(&["B0264"]), &own).is_err());
    }
}
