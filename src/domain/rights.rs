//! Who is asking, and what a role may do.

use std::collections::BTreeMap;

use super::activity::Activity;

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
    /// What the role does, in the identity service's codes.
    pub activities: Vec<Activity>,
    /// The signed-in session.
    pub session: String,
    /// The program through which they ask, where it is one that the hub's operator has registered; none for the viewer.
    pub client: Option<String>,
}

/// What can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Right {
    /// Search people and read their details.
    SearchPeople,
    /// View plans: recorded in the access history, local authority told.
    ViewAndNotify,
    /// View plans silently: audited, and nobody is told.
    ViewSilently,
    /// Read what the audit log holds of the organisation's own people.
    ReadAudit,
    /// Read which views of the organisation's own people are worth a question.
    PrivacyOfficer,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::SearchPeople, Self::ViewAndNotify, Self::ViewSilently, Self::ReadAudit, Self::PrivacyOfficer];

    /// As configuration and answers name it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SearchPeople => "search-people",
            Self::ViewAndNotify => "view-and-notify",
            Self::ViewSilently => "view-silently",
            Self::ReadAudit => "read-audit",
            Self::PrivacyOfficer => "privacy-officer",
        }
    }

    /// Of such a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.word() == word)
    }
}

/// What each activity code allows. What is not in it allows nothing; an empty one allows nobody anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights(BTreeMap<Activity, Vec<Right>>);

impl Rights {
    /// As the national service reads its three codes: the table to start from. It has no code for reading the
    /// audit log, and none for privacy officers.
    #[must_use]
    pub fn national() -> Self {
        let mut rights = Self::default();
        rights.grant(Activity::TRACE_PEOPLE, &[Right::SearchPeople]);
        rights.grant(Activity::VIEW_AND_NOTIFY, &[Right::ViewAndNotify]);
        rights.grant(Activity::VIEW_SILENTLY, &[Right::ViewSilently]);
        rights
    }

    /// The code allows this from now on, besides what it allowed before.
    pub fn grant(&mut self, activity: Activity, rights: &[Right]) {
        self.0.entry(activity).or_default().extend_from_slice(rights);
    }

    /// Whether a code is in the table, whatever it allows.
    #[must_use]
    pub fn names(&self, activity: Activity) -> bool {
        self.0.contains_key(&activity)
    }

    /// Whether no code allows anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.values().all(Vec::is_empty)
    }

    /// Whether the caller's role may do this. No other place decides it; permits ask here.
    #[must_use]
    pub fn allow(&self, caller: &Caller, right: Right) -> bool {
        caller.activities.iter().filter_map(|activity| self.0.get(activity)).any(|of| of.contains(&right))
    }

    /// Everything that the caller's role may do, in the order of [`Right::ALL`].
    #[must_use]
    pub fn of(&self, caller: &Caller) -> Vec<Right> {
        Right::ALL.into_iter().filter(|right| self.allow(caller, *right)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_has_a_word_of_its_own() {
        for right in Right::ALL {
            assert_eq!(Right::from_word(right.word()), Some(right));
        }
        assert_eq!(Right::from_word("everything"), None);
    }
}
