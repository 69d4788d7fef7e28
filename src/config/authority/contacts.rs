//! The teams whose contact goes up with their plans (`[[authority.team]]`): whom a hospital may ring beside the authority's own two
//! numbers. Teams that are not named here stay at the authority.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::mapping::{Mapping, More, folded};
use crate::config::file::{ConfigError, setting};
use crate::domain::{TeamContact, Telephone, text};

/// Most characters of what a nurse reads of a team: the hub takes no more.
const CHARACTERS: usize = 100;

/// Contacts of teams, by what the extract calls them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contacts {
    teams: HashMap<String, TeamContact>,
    kept_back: HashSet<String>,
    is_list_unknown: bool,
}

impl Contacts {
    /// The contact of the team with this name. Capital and small letters are the same.
    #[must_use]
    pub fn of(&self, team: &str) -> Option<&TeamContact> {
        self.teams.get(&folded(team))
    }

    /// No team goes up with plans of these local ids, whichever it is.
    pub fn keep_back(&mut self, local_ids: impl IntoIterator<Item = String>) {
        self.kept_back.extend(local_ids);
    }

    /// Nobody knows at present which cases the list has: no team goes up at all.
    pub fn without_the_list(&mut self) {
        *self = Self { is_list_unknown: true, ..Self::default() };
    }

    /// Whether the list of those cases could be read; where there is none, it could.
    #[must_use]
    pub fn knows_the_list(&self) -> bool {
        !self.is_list_unknown
    }

    /// The local ids with whose plans no team goes up.
    pub fn kept_back(&self) -> impl Iterator<Item = &str> {
        self.kept_back.iter().map(String::as_str)
    }

    /// Whether no team goes up with plans of this local id.
    #[must_use]
    pub fn keeps_back(&self, local_id: &str) -> bool {
        self.kept_back.contains(local_id)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.teams.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.teams.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamTable {
    name: String,
    telephone: String,
}

/// All of them. What the hub would reject each plan for is refused here.
pub(super) fn resolve(tables: Vec<TeamTable>, extract: &Mapping) -> Result<Contacts, ConfigError> {
    if !tables.is_empty() && extract.more_name(More::Team).is_none() {
        let why = "nobody can tell which plans are a team's: name the extract's column of it, `extract.columns.team`";
        return Err(setting("authority.team", why));
    }
    let mut contacts = Contacts::default();
    for table in tables {
        let name = shown("authority.team.name", &table.name)?;
        let telephone = Telephone::new(&shown("authority.team.telephone", &table.telephone)?)
            .filter(Telephone::looks_like_a_number)
            .ok_or_else(|| {
                setting("authority.team.telephone", "a telephone number that can be rung from anywhere")
            })?;
        let contact = TeamContact { name: name.clone(), telephone: Some(telephone) };
        if contacts.teams.insert(folded(&name), contact).is_some() {
            return Err(setting("authority.team.name", &format!("{name:?} is there twice")));
        }
    }
    Ok(contacts)
}

fn shown(key: &str, value: &str) -> Result<String, ConfigError> {
    let value = value.trim();
    let fits =
        !value.is_empty() && value.chars().count() <= CHARACTERS && !value.chars().any(text::is_unprintable);
    fits.then(|| value.to_owned()).ok_or_else(|| setting(key, "1 to 100 characters that can be seen"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::AuthorityConfig;

    /// The configuration to start from with these teams, and the extract's column of them where there is one.
    fn with(teams: &str, column: bool) -> Result<AuthorityConfig, String> {
        let text = include_str!("../../../packaging/authority.toml").replace(
            "\n# The hub, and the certificate",
            &format!("\n{teams}\n# The hub, and the certificate"),
        );
        let text = if column { text.replace("# team = \"Team\"", "team = \"Team\"") } else { text };
        AuthorityConfig::parse_for_tests(&text, Path::new("authority.toml"))
            .map_err(|error| error.to_string())
    }

    fn team(name: &str, telephone: &str) -> String {
        format!("[[authority.team]]\nname = \"{name}\"\ntelephone = \"{telephone}\"\n")
    }

    #[test]
    fn a_teams_contact_is_found_by_what_the_extract_calls_it() {
        let config = with(&team("North Team", "01793 466904"), true).unwrap();
        let contact = config.extract.contacts.of(" north  TEAM ").unwrap();
        assert_eq!(contact.name, "North Team");
        assert_eq!(contact.telephone.as_ref().unwrap().as_sent(), "01793 466904");
        assert_eq!(config.extract.contacts.of("South"), None);
        assert!(
            with("", false).unwrap().extract.contacts.is_empty(),
            "nothing is sent that nobody configured"
        );
    }

    #[test]
    fn a_contact_that_the_hub_would_reject_or_nobody_could_ring_is_refused_with_its_key() {
        let check = |teams: &str, column: bool, said: &str| {
            let error = with(teams, column).unwrap_err();
            assert!(error.contains(said), "{teams}: {error}");
        };
        let north = team("North", "01793 466904");
        check(&north, false, "`extract.columns.team`");
        check(&team(" ", "01793 466904"), true, "`authority.team.name`");
        check(&team("No\\u202erth", "01793 466904"), true, "`authority.team.name`");
        check(&team(&"N".repeat(101), "01793 466904"), true, "`authority.team.name`");
        check(&team("North", "switchboard"), true, "`authority.team.telephone`");
        check(&format!("{north}{}", team("NORTH", "01793 466905")), true, "is there twice");
        check("[[authority.team]]\nname = \"North\"\n", true, "missing field");
        check(&format!("{north}duty = []\n"), true, "unknown field");
    }
}
