//! The routing table as a function: from an access, what came before it, the configuration and the moment to who is
//! alerted, and why. Whatever it is given, somebody is alerted, or was before and has not read it yet.

use jiff::{SignedDuration, Timestamp};

use super::hours::{Office, office, open_between};
use crate::config::authority::Routing;
use crate::domain::{PlanKind, dates};

/// As whom somebody is alerted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The case's worker.
    Worker,
    /// The duty of the case's team.
    Team,
    /// Emergency duty, out of hours.
    EmergencyDuty,
    /// The team's manager.
    Manager,
    /// A holder of a restricted case.
    Holder,
    /// Where nobody else is to be found.
    FallBack,
}

impl Role {
    /// As it is stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Team => "team",
            Self::EmergencyDuty => "emergency-duty",
            Self::Manager => "manager",
            Self::Holder => "holder",
            Self::FallBack => "fall-back",
        }
    }

    /// Of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Worker, Self::Team, Self::EmergencyDuty, Self::Manager, Self::Holder, Self::FallBack]
            .into_iter()
            .find(|role| role.code() == code)
    }
}

/// What is known of the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is open.
    Open,
    /// It is not: the note is on the list.
    NotOpen,
    /// The notification cannot be read.
    Unreadable,
}

/// What is known of an access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// What is known of the case.
    pub state: State,
    /// When, by the hub's clock; `None` where that cannot be read.
    pub at: Option<Timestamp>,
    /// The organisation that looked.
    pub organisation: String,
    /// The worker and the team, as the case management system names them.
    pub worker: Option<String>,
    /// It says that the worker is away.
    pub worker_is_away: bool,
    /// See above.
    pub team: Option<String>,
    /// The kinds of the case's plans.
    pub kinds: Vec<PlanKind>,
    /// Of a restricted case its holders, as the configuration names them; maybe none.
    pub holders: Option<Vec<String>>,
}

/// What came before it in its note.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    /// The organisations that looked.
    pub organisations: Vec<String>,
    /// Somebody was alerted of one of these.
    pub was_alerted: bool,
    /// Somebody has read what they were alerted of last.
    pub was_read: bool,
    /// Emergency duty has.
    pub was_read_by_duty: bool,
}

/// Who is alerted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alert {
    /// As whom.
    pub role: Role,
    /// Who.
    pub name: String,
    /// Why they are.
    pub why: &'static str,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided {
    /// These are alerted: never none.
    Alert(Vec<Alert>),
    /// Nobody is: somebody was of an earlier view, and has not read it yet.
    Quiet,
}

/// Decides who is alerted of an access at a moment.
#[must_use]
pub fn decide(access: &Access, earlier: &Earlier, table: &Routing, now: Timestamp) -> Decided {
    let office = at_that_hour(access, table, now);
    let was_read = earlier.was_read || (office != Office::Open && earlier.was_read_by_duty);
    let is_repeat = earlier.was_alerted && earlier.organisations.contains(&access.organisation);
    if is_repeat && !was_read {
        return Decided::Quiet;
    }
    let mut alerts = Vec::new();
    match &access.holders {
        Some(holders) => {
            of_restricted(&mut alerts, holders, table, "a holder of this restricted case", now);
        }
        None => {
            if office != Office::Open {
                out_of_hours(&mut alerts, table);
            }
            match access.state {
                State::Open => responsible(&mut alerts, access, table, now),
                State::NotOpen | State::Unreadable => {
                    add(&mut alerts, Role::FallBack, &table.fall_back, "it is under no open case");
                }
            }
        }
    }
    if alerts.is_empty() {
        add(&mut alerts, Role::FallBack, &table.fall_back, "nobody else is configured for this case");
    }
    Decided::Alert(alerts)
}

/// Whether the office is open. An access that lies ahead of this clock says that one of two clocks is wrong: where they do not agree on
/// that, it is not known, and both are alerted.
fn at_that_hour(access: &Access, table: &Routing, now: Timestamp) -> Office {
    let here = office(table.hours.as_ref(), now);
    match access.at.filter(|at| *at > now) {
        Some(at) if office(table.hours.as_ref(), at) != here => Office::NotKnown,
        Some(_) | None => here,
    }
}

fn add(alerts: &mut Vec<Alert>, role: Role, names: &[String], why: &'static str) {
    for name in names {
        if !alerts.iter().any(|alert| alert.role == role && alert.name == *name) {
            alerts.push(Alert { role, name: name.clone(), why });
        }
    }
}

/// Of a restricted case: the holders who are here; or else whoever comes last for such cases. Where none of these is here either, they
/// all find it when they are back, and the fall-back hears that there is something, and not of whom.
fn of_restricted(
    alerts: &mut Vec<Alert>,
    holders: &[String],
    table: &Routing,
    why: &'static str,
    now: Timestamp,
) {
    add(alerts, Role::Holder, &here(holders, table, now), why);
    if alerts.is_empty() {
        add(
            alerts,
            Role::Holder,
            &here(&table.restricted.last, table, now),
            "no holder of this restricted case is here",
        );
    }
    if alerts.is_empty() && !holders.is_empty() {
        add(alerts, Role::Holder, holders, why);
        add(alerts, Role::FallBack, &table.fall_back, "no holder of a restricted case is here");
    }
}

/// Those of some people who are not away.
fn here(names: &[String], table: &Routing, now: Timestamp) -> Vec<String> {
    names.iter().filter(|name| !is_absent(table, name, now)).cloned().collect()
}

fn out_of_hours(alerts: &mut Vec<Alert>, table: &Routing) {
    add(alerts, Role::EmergencyDuty, &table.emergency_duty, "out of hours");
    if alerts.is_empty() {
        // Its queue is filled all the same: `cpis-authority duty` shows it to whoever is on duty.
        add(alerts, Role::EmergencyDuty, &table.fall_back, "out of hours, and nobody is configured for that");
    }
}

/// The worker; or else the team's duty, its manager, or the fall-back.
fn responsible(alerts: &mut Vec<Alert>, access: &Access, table: &Routing, now: Timestamp) {
    if let Some(worker) = access.worker.as_ref()
        && !access.worker_is_away
        && !is_absent(table, worker, now)
    {
        // As the table calls them, where it does: written otherwise one night they are the same person.
        let called = table.person(worker).map_or(worker.as_str(), |(known, _)| known);
        add(alerts, Role::Worker, &[called.to_owned()], "the case's worker");
        // Where others hear by e-mail, one who has none finds it only when they open the page.
        if table.mail.is_none() || table.person(worker).is_some_and(|(_, person)| person.email.is_some()) {
            return;
        }
        first_above(alerts, access, table, "the case's worker gets no e-mail");
        return;
    }
    let why = match &access.worker {
        Some(_) => "the case's worker is away or has left",
        None => "the case has no worker",
    };
    first_above(alerts, access, table, why);
}

fn first_above(alerts: &mut Vec<Alert>, access: &Access, table: &Routing, why: &'static str) {
    let before = alerts.len();
    for (role, names) in above(access, table) {
        add(alerts, role, &names, why);
        if alerts.len() > before {
            return;
        }
    }
}

/// Who comes after the worker, in order; each may be nobody but the last.
fn above(access: &Access, table: &Routing) -> [(Role, Vec<String>); 3] {
    let team = team(access, table);
    let duty = team.map(|team| team.duty.clone()).unwrap_or_default();
    let managers = team.map(|team| &team.manager).filter(|manager| !manager.is_empty());
    let managers = managers.unwrap_or(&table.manager).clone();
    [(Role::Team, duty), (Role::Manager, managers), (Role::FallBack, table.fall_back.clone())]
}

/// The case's team; or that of its kind of plan, the most pressing first.
fn team<'a>(access: &Access, table: &'a Routing) -> Option<&'a crate::config::authority::Team> {
    let named = access.team.as_ref().and_then(|team| table.team(team));
    named.or_else(|| {
        let pressing = [PlanKind::ChildProtection, PlanKind::UnbornChildProtection, PlanKind::LookedAfter];
        let of = |kind: &PlanKind| table.kinds.iter().find(|(of, _)| of == kind && access.kinds.contains(of));
        pressing.iter().find_map(of).and_then(|(_, name)| table.team(name))
    })
}

fn is_absent(table: &Routing, worker: &str, now: Timestamp) -> bool {
    let today = dates::london_day(now);
    let away = table.person(worker).map(|(_, person)| person.absent.as_slice()).unwrap_or_default();
    away.iter().any(|(from, until)| *from <= today && until.is_none_or(|until| today <= until))
}

/// Who hears that somebody does not recognise an access: the managers of the case's team, or the fall-back; of a restricted case
/// its holders, and the fall-back where there are none.
#[must_use]
pub fn disputed(access: &Access, table: &Routing, now: Timestamp) -> Vec<Alert> {
    let why = "somebody does not recognise this access";
    let mut alerts = Vec::new();
    match &access.holders {
        Some(holders) => of_restricted(&mut alerts, holders, table, why, now),
        None => {
            let [_, (role, managers), _] = above(access, table);
            add(&mut alerts, role, &managers, why);
        }
    }
    if alerts.is_empty() {
        add(&mut alerts, Role::FallBack, &table.fall_back, why);
    }
    alerts
}

/// An alert that was made before, of what nobody has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// As whom somebody was alerted.
    pub role: Role,
    /// Who.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// Who is alerted next of what nobody has read for so many office hours: the team's duty, then the manager, then the
/// fall-back. Of a restricted case its other holders, then whoever comes last for such cases, and nobody besides. Nobody while there
/// is time, and where the last of them has been.
#[must_use]
pub fn escalate(access: &Access, made: &[Made], table: &Routing, now: Timestamp) -> Vec<Alert> {
    let mut alerts = Vec::new();
    // Nobody marks anything as read where accesses are read in the case system alone.
    if table.unread_hours == 0 {
        return alerts;
    }
    if let Some(holders) = &access.holders {
        return next_holders(holders, made, table, now);
    }
    let ladder = [Role::Worker, Role::Team, Role::Manager, Role::FallBack];
    let reached = ladder.iter().rposition(|role| made.iter().any(|made| made.role == *role));
    let Some(reached) = reached else { return alerts };
    let Some(last) = made.iter().filter(|made| ladder.contains(&made.role)).map(|made| made.at).max() else {
        return alerts;
    };
    if !is_over(table, last, now) {
        return alerts;
    }
    let next = ladder.get(reached + 1..).unwrap_or_default();
    for (role, names) in above(access, table) {
        if next.contains(&role) {
            add(&mut alerts, role, &names, "nobody has read it for hours of the office");
        }
        if !alerts.is_empty() {
            break;
        }
    }
    alerts
}

/// Whether an alert that was made then has been unread for long enough.
fn is_over(table: &Routing, last: Timestamp, now: Timestamp) -> bool {
    open_between(table.hours.as_ref(), last, now) >= SignedDuration::from_hours(table.unread_hours.into())
}

fn next_holders(holders: &[String], made: &[Made], table: &Routing, now: Timestamp) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let of_holders = || made.iter().filter(|made| made.role == Role::Holder);
    // Where nobody held the case when it came, the fall-back alone heard of it: from then on it waits for those who were named since.
    let of_fall_back = || made.iter().filter(|made| made.role == Role::FallBack);
    let last = of_holders().map(|made| made.at).max().or_else(|| of_fall_back().map(|made| made.at).max());
    let Some(last) = last else { return alerts };
    if !is_over(table, last, now) {
        return alerts;
    }
    let not_yet = |names: &[String]| -> Vec<String> {
        let is_new = |name: &String| !of_holders().any(|made| made.name == *name);
        here(names, table, now).into_iter().filter(is_new).collect()
    };
    add(
        &mut alerts,
        Role::Holder,
        &not_yet(holders),
        "the other holders have not read it for hours of the office",
    );
    if alerts.is_empty() {
        let why = "no holder has read it for hours of the office";
        add(&mut alerts, Role::Holder, &not_yet(&table.restricted.last), why);
    }
    alerts
}

#[cfg(test)]
mod tests;
