//! `[routing]`: who is alerted of an access, by hours, kind of plan, and what came before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;

use super::Into;
use super::mail::{self, MailSettings, MailTable};
use super::mapping::folded;
use crate::config::file::{ConfigError, setting};
use crate::domain::{OfficeHours, PlanKind};

/// Who is alerted. People are named as the case management system names its workers; a duty desk is a person too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// When the office is open; `None`: not known.
    pub hours: Option<OfficeHours>,
    /// Alerted where nobody else is to be found; never empty.
    pub fall_back: Vec<String>,
    /// Alerted out of hours; the fall-back where there is none.
    pub emergency_duty: Vec<String>,
    /// Managers where a team has none of its own.
    pub manager: Vec<String>,
    /// What nobody has read for so many office hours goes to the team's duty, then to the manager; 0: never.
    pub unread_hours: u8,
    /// By name.
    pub people: BTreeMap<String, Person>,
    /// By name.
    pub teams: BTreeMap<String, Team>,
    /// The team of a kind of plan where the extract names none.
    pub kinds: Vec<(PlanKind, String)>,
    /// Restricted cases.
    pub restricted: Restricted,
    /// The page at which accesses are read, for e-mails.
    pub page: Option<String>,
    /// How e-mail leaves.
    pub mail: Option<MailSettings>,
}

/// Somebody who may be alerted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// By what they sign in to the page.
    pub user: Option<String>,
    /// Of a desk at which several people sit: by what each of them signs in. What one of them reads the desk has read.
    pub users: Vec<String>,
    /// Where alerts go.
    pub email: Option<String>,
    /// First and last days on which they are away; without a last one for good.
    pub absent: Vec<(Date, Option<Date>)>,
}

/// A team.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Team {
    /// Its duty.
    pub duty: Vec<String>,
    /// Its managers.
    pub manager: Vec<String>,
}

/// Cases whose notes only their holders see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restricted {
    /// The holders where the list names none.
    pub holders: Vec<String>,
    /// Alerted where every holder of a case is away, or none has read it: they see it from then on. Maybe nobody.
    pub last: Vec<String>,
    /// A file of local ids, each with its holders.
    pub list: Option<PathBuf>,
    /// Where their notes go, if into a folder: one of its own.
    pub folder: Option<PathBuf>,
    /// They may go to the case system: it restricts them itself.
    pub case_system: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoutingTable {
    fall_back: Vec<String>,
    #[serde(default)]
    emergency_duty: Vec<String>,
    #[serde(default)]
    manager: Vec<String>,
    unread_hours: Option<u8>,
    page: Option<String>,
    #[serde(default)]
    kinds: BTreeMap<String, String>,
    #[serde(default)]
    person: Vec<PersonTable>,
    #[serde(default)]
    team: Vec<TeamTable>,
    restricted: Option<RestrictedTable>,
    mail: Option<MailTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonTable {
    name: String,
    user: Option<String>,
    #[serde(default)]
    users: Vec<String>,
    email: Option<String>,
    #[serde(default)]
    absent: Vec<AbsentTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AbsentTable {
    from: String,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TeamTable {
    name: String,
    #[serde(default)]
    duty: Vec<String>,
    #[serde(default)]
    manager: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestrictedTable {
    #[serde(default)]
    holders: Vec<String>,
    #[serde(default)]
    last: Vec<String>,
    list: Option<PathBuf>,
    folder: Option<PathBuf>,
    #[serde(default)]
    case_system: bool,
}

impl Routing {
    /// What the table calls somebody whom the extract names: however many spaces it has, in capital or small letters.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<(&str, &Person)> {
        named_so(&self.people, name)
    }

    /// The team with this name; the same.
    #[must_use]
    pub fn team(&self, name: &str) -> Option<&Team> {
        named_so(&self.teams, name).map(|(_, team)| team)
    }

    /// Under which names each user stands in the table: as a person, or at a desk.
    #[must_use]
    pub fn names_of_users(&self) -> BTreeMap<String, Vec<String>> {
        let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, person) in &self.people {
            for user in person.user.iter().chain(&person.users) {
                names.entry(user.clone()).or_default().push(name.clone());
            }
        }
        names
    }
}

/// The entry of this name, or of one that differs in spaces and in capital and small letters alone; there are no two.
fn named_so<'a, T>(table: &'a BTreeMap<String, T>, name: &str) -> Option<(&'a str, &'a T)> {
    let same = |(known, _): &(&String, &T)| folded(known) == folded(name);
    let found = table.get_key_value(name).or_else(|| table.iter().find(same));
    found.map(|(known, entry)| (known.as_str(), entry))
}

impl RoutingTable {
    /// A folder of its own is another one.
    pub(super) fn fits(&self, into: &Into, directory: &Path) -> Result<(), ConfigError> {
        let Some(restricted) = &self.restricted else { return Ok(()) };
        let key = "routing.restricted.folder";
        match (restricted.folder.as_ref().map(|folder| directory.join(folder)), into) {
            (Some(folder), Into::Folder(common))
                if folder.starts_with(common) || common.starts_with(&folder) =>
            {
                Err(setting(
                    key,
                    "it is `notes.folder`, in it, or above it: name one that others do not reach",
                ))
            }
            (_, _) if restricted.case_system && !matches!(into, Into::CaseSystem(_)) => {
                Err(setting("routing.restricted.case_system", "there is no [notes.case_system]"))
            }
            (_, _) => Ok(()),
        }
    }
}

/// Most hours for which something may stay unread.
const MOST_HOURS: u8 = 40;

pub(super) fn resolve(
    table: RoutingTable,
    hours: Option<OfficeHours>,
    directory: &Path,
) -> Result<Routing, ConfigError> {
    if table.fall_back.iter().all(|name| name.trim().is_empty()) {
        return Err(setting("routing.fall_back", "name somebody: nothing may come before nobody"));
    }
    let mut people = BTreeMap::new();
    for person in table.person {
        let (name, person) = resolve_person(person)?;
        if named_so(&people, &name).is_some() {
            return Err(setting("routing.person.name", &format!("{name:?} is there twice")));
        }
        people.insert(name, person);
    }
    let known = |key: &str, names: Vec<String>| -> Result<Vec<String>, ConfigError> {
        names
            .into_iter()
            .map(|name| {
                let known = named_so(&people, &name).map(|(known, _)| known.to_owned());
                known.ok_or_else(|| {
                    setting(key, &format!("no [[routing.person]] has the name {:?}", name.trim()))
                })
            })
            .collect()
    };
    let mut teams = BTreeMap::new();
    for team in table.team {
        let name = named("routing.team.name", &team.name)?;
        let duty = known("routing.team.duty", team.duty)?;
        let team = Team { duty, manager: known("routing.team.manager", team.manager)? };
        if named_so(&teams, &name).is_some() {
            return Err(setting("routing.team.name", &format!("{name:?} is there twice")));
        }
        teams.insert(name, team);
    }
    let unread_hours = table.unread_hours.unwrap_or(4);
    if unread_hours > MOST_HOURS {
        return Err(setting(
            "routing.unread_hours",
            "up to 40 office hours; 0 where accesses are never marked as read here",
        ));
    }
    let restricted = table.restricted.map(|table| resolve_restricted(table, &people, &known, directory));
    let page = table.page.map(|page| super::link::address("routing.page", &page)).transpose()?;
    Ok(Routing {
        hours,
        fall_back: known("routing.fall_back", table.fall_back)?,
        emergency_duty: known("routing.emergency_duty", table.emergency_duty)?,
        manager: known("routing.manager", table.manager)?,
        unread_hours,
        kinds: kinds(table.kinds, &teams)?,
        teams,
        restricted: restricted.transpose()?.unwrap_or_default(),
        page,
        mail: table.mail.map(|table| mail::resolve(table, directory)).transpose()?,
        people,
    })
}

/// Names, if the people whom they name are there.
type Known<'a> = dyn Fn(&str, Vec<String>) -> Result<Vec<String>, ConfigError> + 'a;

fn resolve_restricted(
    table: RestrictedTable,
    people: &BTreeMap<String, Person>,
    known: &Known<'_>,
    directory: &Path,
) -> Result<Restricted, ConfigError> {
    let signing_in = |key: &str, names: Vec<String>| {
        let names = known(key, names)?;
        // Somebody who cannot sign in can read nothing that is restricted.
        let without = names.iter().find(|name| people.get(*name).is_none_or(|person| person.user.is_none()));
        match without {
            Some(name) => Err(setting(key, &format!("{name:?} needs a `user`, or can read nothing"))),
            None => Ok(names),
        }
    };
    let holders = signing_in("routing.restricted.holders", table.holders)?;
    let last = signing_in("routing.restricted.last", table.last)?;
    if table.folder.is_some() && table.case_system {
        return Err(setting("routing.restricted", "`folder` or `case_system`, not both"));
    }
    let file = |path: PathBuf| directory.join(path);
    Ok(Restricted {
        holders,
        last,
        list: table.list.map(file),
        folder: table.folder.map(file),
        case_system: table.case_system,
    })
}

fn resolve_person(person: PersonTable) -> Result<(String, Person), ConfigError> {
    let name = named("routing.person.name", &person.name)?;
    let user = person.user.map(|user| user_name("routing.person.user", &user)).transpose()?;
    let users = person.users.iter().map(|user| user_name("routing.person.users", user));
    let users = users.collect::<Result<_, _>>()?;
    let email = person.email.map(|email| mail::address("routing.person.email", &email)).transpose()?;
    let day = |text: &str| {
        text.parse::<Date>().map_err(|_| setting("routing.person.absent", "days such as \"2026-11-22\""))
    };
    let mut absent = Vec::new();
    for away in person.absent {
        let until = away.until.as_deref().map(day).transpose()?;
        let from = day(&away.from)?;
        if until.is_some_and(|until| until < from) {
            return Err(setting("routing.person.absent", "`until` is before `from`"));
        }
        absent.push((from, until));
    }
    Ok((name, Person { user, users, email, absent }))
}

/// As the register takes one.
fn user_name(key: &str, user: &str) -> Result<String, ConfigError> {
    let user = user.trim().to_lowercase();
    let is_strange = |c: char| c.is_whitespace() || c.is_control();
    let fits = !user.is_empty() && user.chars().count() <= 100 && !user.contains(is_strange);
    fits.then_some(user).ok_or_else(|| setting(key, "a user name without spaces, 100 characters at most"))
}

fn named(key: &str, name: &str) -> Result<String, ConfigError> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned()).ok_or_else(|| setting(key, "1 to 100 characters that can be seen"))
}

fn kinds(
    table: BTreeMap<String, String>,
    teams: &BTreeMap<String, Team>,
) -> Result<Vec<(PlanKind, String)>, ConfigError> {
    let kind = |key: &str| match key {
        "child-protection" => Some(PlanKind::ChildProtection),
        "looked-after" => Some(PlanKind::LookedAfter),
        "unborn-child-protection" => Some(PlanKind::UnbornChildProtection),
        _ => None,
    };
    let each = table.into_iter().map(|(key, team)| {
        let place = format!("routing.kinds.{key}");
        let kind = kind(&key)
            .ok_or_else(|| setting(&place, "child-protection, looked-after or unborn-child-protection"))?;
        let known = named_so(teams, &team).map(|(known, _)| known.to_owned());
        known.map(|known| (kind, known)).ok_or_else(|| setting(&place, "no [[routing.team]] has this name"))
    });
    each.collect()
}
