//! `cpis-authority duty`, `missing` and `check-config`: the night's handover, and what the link's keeper looks after.

use std::fmt::Write as _;
use std::process::ExitCode;

use cpis::authority::mesh::Mesh;
use cpis::authority::notices::restricted_list;
use cpis::authority::register::{Access, AsWhom, Figures, MailFigures, Reader, Register, Wanted};
use cpis::authority::routing::closed_since;
use cpis::config::authority::{AuthorityConfig, Person, Routing, Way};
use cpis::config::mesh::MeshWay;
use cpis::domain::dates;
use jiff::Timestamp;
use jiff::civil::DateTime;

use super::common::counted;
use super::listen::{now, settings};
use super::upload::print;

#[derive(clap::Args)]
pub(super) struct Duty {
    #[command(flatten)]
    config: super::WithConfig,
    /// From this moment on, London time, such as 2026-11-20T17:00; since the office last closed unless given
    #[arg(long, value_name = "MOMENT")]
    since: Option<String>,
    /// As this user: with what concerns restricted cases that they hold
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

#[derive(clap::Args)]
pub(super) struct Missing {
    #[command(flatten)]
    config: super::WithConfig,
    /// The first number
    #[arg(value_name = "FROM")]
    from: u32,
    /// The last number; the first one alone unless given
    #[arg(value_name = "TO")]
    to: Option<u32>,
    /// Who has looked into them
    #[arg(long, value_name = "USER")]
    by: String,
    /// What came of it
    #[arg(long, value_name = "WORDS")]
    outcome: String,
}

#[derive(clap::Args)]
pub(super) struct CheckConfig {
    #[command(flatten)]
    config: super::WithConfig,
    /// Ask MESH, too: whether it believes the mailbox, and knows it as this authority's
    #[arg(long)]
    mesh: bool,
}

/// Restricted cases of the list, each with its own holders.
type Cases = std::collections::BTreeMap<String, std::collections::BTreeSet<Reader>>;

/// Accesses of one handover at most that are read at once.
const PAGE: u32 = 200;

/// Pages at most: a night has fewer.
const PAGES: u32 = 50;

pub(super) fn duty(what: &Duty) -> Result<ExitCode, String> {
    let (register, _) = super::status::look(&what.config)?;
    let (_, _, table) = settings(&what.config.config)?;
    let reader = match &what.user {
        Some(user) => Reader::named(user).ok_or("--user: a user name without spaces")?,
        None => Reader::nobody(),
    };
    let since = match &what.since {
        None => closed_since(table.hours.as_ref(), now()),
        Some(text) => {
            let wrong = "--since: a moment such as 2026-11-20T17:00";
            let moment: DateTime = text.parse().map_err(|_| wrong)?;
            moment.to_zoned(dates::london()).map_err(|_| wrong)?.timestamp()
        }
    };
    let list = queue(&register, &reader, since).map_err(|error| error.to_string())?;
    print(&handover(&list, since, now()))?;
    Ok(ExitCode::SUCCESS)
}

fn queue(
    register: &Register,
    reader: &Reader,
    since: Timestamp,
) -> Result<Vec<Access>, cpis::authority::register::RegisterError> {
    let mut list = Vec::new();
    for page in 0..PAGES {
        let wanted = Wanted { since: Some(since), skip: page * PAGE, most: PAGE, ..Wanted::default() };
        let some = register.accesses(reader, &wanted)?;
        let is_last = some.len() < PAGE as usize;
        list.extend(some);
        if is_last {
            break;
        }
    }
    list.reverse();
    Ok(list)
}

/// A page that can be printed and handed over.
fn handover(list: &[Access], since: Timestamp, now: Timestamp) -> String {
    let at = dates::day_and_time;
    let mut said = format!(
        "Emergency duty: accesses to CP-IS information\nFrom {} to {}: {}.\n",
        at(since),
        at(now),
        counted(list.len() as u64, "access", "accesses")
    );
    let unseen = list.iter().filter(|access| access.read.is_empty()).count() as u64;
    if unseen > 0 {
        let _ = writeln!(said, "Not marked as read by anybody: {unseen}.");
    }
    for (nth, access) in list.iter().enumerate() {
        let restricted = if access.is_restricted { ", restricted" } else { "" };
        let _ = writeln!(said, "\n{}. Case {}{restricted}", nth + 1, access.local_id);
        if let Some(notice) = &access.notice {
            let _ = writeln!(said, "   NHS number {}", notice.number.digits());
        }
        let nobody = "not known";
        let _ = writeln!(
            said,
            "   Worker: {}; team: {}",
            access.worker.as_deref().unwrap_or(nobody),
            access.team.as_deref().unwrap_or(nobody)
        );
        let _ = writeln!(said, "   {}", access.words);
        match access.alerts.as_slice() {
            [] => {
                said.push_str("   Nobody was alerted of it by itself\n");
            }
            alerts => {
                let names: Vec<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
                let _ = writeln!(said, "   Alerted: {}", names.join(", "));
            }
        }
        for read in &access.read {
            let whom = match read.as_whom {
                AsWhom::Alerted => "",
                AsWhom::Duty => " (emergency duty)",
                AsWhom::Beside => " (was not alerted)",
            };
            let _ = writeln!(said, "   Read by {}{whom} {}", read.by, at(read.at));
        }
        if let Some(not) = &access.not_recognised {
            let _ = writeln!(said, "   Not recognised by {} {}: {}", not.by, at(not.at), not.words);
        }
        let _ = writeln!(said, "   Done: ______________________________________________");
    }
    let _ = writeln!(
        said,
        "\nThat information was opened does not say why, that a child is hurt, or that they are still there.\n\
         Handed over by ____________________  to ____________________  at ____________"
    );
    said
}

pub(super) fn missing(what: &Missing) -> Result<ExitCode, String> {
    let (mut register, _) = super::status::look(&what.config)?;
    let by = Reader::named(&what.by).ok_or("--by: a user name without spaces")?;
    if what.outcome.trim().is_empty() {
        return Err("--outcome: what came of it".to_owned());
    }
    let range = (what.from, what.to.unwrap_or(what.from));
    let settled = register.settle_missing(range, &by, what.outcome.trim(), now());
    let settled = settled.map_err(|error| error.to_string())?;
    print(&format!(
        "Settled: {}. If they come all the same, they are taken.\n",
        counted(settled, "number", "numbers")
    ))?;
    Ok(if settled > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn check_config(what: &CheckConfig) -> Result<ExitCode, String> {
    let config = AuthorityConfig::read(&what.config.config).map_err(|error| error.to_string())?;
    let mut said = String::new();
    match &config.routing {
        None => said.push_str("Accesses are not heard of: there is no [notes].\n"),
        Some(table) => {
            let (listed, holders) = restricted_list(table)?;
            let own = listed.values().filter(|own| !own.is_empty()).count();
            let _ = writeln!(said, "Where nobody else is responsible: {}.", table.fall_back.join(", "));
            let _ = writeln!(
                said,
                "Restricted cases on the list: {}, {own} with holders of their own.",
                listed.len()
            );
            said.push_str(&few_holders(table, &listed, holders.len())?);
            if holders.is_empty() && own < listed.len() {
                return Err("a restricted case has no holder: name some in `routing.restricted.holders`, or on the list"
                    .to_owned());
            }
            for (name, _) in table.people.iter().filter(|(_, person)| person.email.is_none()) {
                let _ = writeln!(said, "Without e-mail: {name}.");
            }
            let nobody = |(_, person): &(&String, &Person)| person.user.is_none() && person.users.is_empty();
            for (name, _) in table.people.iter().filter(nobody) {
                let _ = writeln!(
                    said,
                    "Without a user, so that only who signs in as this name has read for it: {name}."
                );
            }
            if table.emergency_duty.is_empty() {
                said.push_str("Nobody is named for out of hours: the fall-back is alerted then.\n");
            }
            if table.hours.is_none() {
                said.push_str("Office hours are not known: emergency duty is alerted at any hour.\n");
            }
        }
    }
    if let (Some(notes), Some(table)) = (&config.notes, &config.routing) {
        said.push_str(&super::listen::unmarked(notes, table));
    }
    let contacts = config.extract.contacts.len();
    if contacts > 0 {
        let _ = writeln!(said, "Teams whose contact hospitals see beside their plans: {contacts}.");
    }
    if what.mesh {
        let way = config.link.as_ref().map(|link| (&link.hub.way, &link.code));
        let Some((Way::Mesh(settings), code)) = way else {
            return Err("--mesh: the link does not go by MESH".to_owned());
        };
        let differs = Mesh::compared(settings, code, now).map_err(|error| error.to_string())?;
        if !differs.is_empty() {
            return Err(format!("{}: ask whoever runs MESH", differs.join("; ")));
        }
        said.push_str(match settings.way {
            MeshWay::Rest(_) => "MESH believes the mailbox, and knows it as this authority's.\n",
            MeshWay::Folder(_) => {
                "--mesh: cannot tell: through the file client's folders MESH is not asked whose the mailbox is.\n"
            }
        });
    }
    said.push_str("The configuration can be used.\n");
    print(&said)?;
    Ok(ExitCode::SUCCESS)
}

/// Where on the list a case hangs by one person: by line, since a check's words are copied into tickets.
fn few_holders(table: &Routing, listed: &Cases, of_others: usize) -> Result<String, String> {
    let mut said = String::new();
    if let Some(path) = &table.restricted.list {
        let text =
            std::fs::read_to_string(path).map_err(|error| format!("{}: {}", path.display(), error.kind()))?;
        let holders = |line: &str| {
            let own = listed.get(line.split(':').next().unwrap_or_default().trim())?;
            Some(if own.is_empty() { of_others } else { own.len() })
        };
        let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
        let few = lines.filter(|(_, line)| holders(line).is_some_and(|holders| holders < 2));
        let few: Vec<String> = few.map(|(place, _)| (place + 1).to_string()).collect();
        if !few.is_empty() {
            let _ = writeln!(
                said,
                "Restricted cases with one holder only, by line of the list: {}.",
                few.join(", ")
            );
        }
    }
    if of_others == 1 {
        said.push_str("Restricted cases without holders of their own have one holder only.\n");
    }
    if table.restricted.last.is_empty() && listed.is_empty() && of_others == 0 {
        return Ok(said);
    }
    if table.restricted.last.is_empty() {
        said.push_str("Nobody comes last for restricted cases: where their holders are away or silent, nobody else hears of them.\n");
    } else {
        let _ = writeln!(said, "Last for restricted cases: {}.", table.restricted.last.join(", "));
    }
    Ok(said)
}

/// What `status` says of restricted cases that hang by one person.
pub(super) fn held_by_few(few: u64) -> String {
    match few {
        0 => String::new(),
        few => format!(
            "Restricted cases with one holder or none: {few}. Name a second one, or who comes last for such cases \
             (`routing.restricted.last`).\n"
        ),
    }
}

/// What `status` says of alerts.
pub(super) fn told(figures: &Figures, mail: &MailFigures) -> String {
    let at = dates::day_and_time;
    let mut said = String::new();
    if let Some(since) = figures.oldest_unread {
        let notes = counted(figures.unread, "case note", "case notes");
        let _ = writeln!(
            said,
            "Alerted of, and marked as read by nobody: {notes}, the oldest since {}.",
            at(since)
        );
    }
    if figures.not_recognised > 0 {
        let accesses = counted(figures.not_recognised, "access", "accesses");
        let _ = writeln!(
            said,
            "Not recognised, and to be looked into: {accesses}. See `cpis-authority not-recognised`."
        );
    }
    if let Some((why, since)) = &figures.route_trouble {
        let _ = writeln!(said, "It is not known whom to alert since {}: {why}.", at(*since));
    }
    if let Some((why, since)) = &mail.trouble {
        let _ = writeln!(said, "Alerts by e-mail do not leave since {}: {why}.", at(*since));
    }
    if let Some(oldest) = mail.oldest {
        let _ = writeln!(said, "E-mails that wait: {}, the oldest since {}.", mail.waiting, at(oldest));
    }
    if let Some((many, why)) = &mail.refused {
        let _ = writeln!(said, "Of these refused, and tried again: {many} ({why}).");
    }
    if let Some((many, why)) = &mail.given_up {
        let _ = writeln!(said, "E-mails given up in the last 30 days: {many} ({why}).");
    }
    said
}
