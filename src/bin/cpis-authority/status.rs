//! `cpis-authority status` and `triage`: what a person looks at, and works off.

use std::fmt::Write as _;
use std::process::ExitCode;

use cpis::authority::notes::folder;
use cpis::authority::notices::{CasesOfExtract, Fits};
use cpis::authority::register::{
    Figures, ID_SHOWN, Listed, Missing, Reader, Register, Settle, Settled, Shown,
};
use cpis::domain::dates;
use jiff::{SignedDuration, Timestamp};

use super::common::counted;
use super::listen::{folders, lying, now, settings, unmarked};
use super::upload::print;

/// A link that runs is answered at least so often, and has what came in the record.
const HEARD_MINUTES: i64 = 10;
const WAITING_MINUTES: i64 = 30;

#[derive(clap::Args)]
pub(super) struct Status {
    #[command(flatten)]
    config: super::WithConfig,
}

#[derive(clap::Args)]
pub(super) struct Notes {
    #[command(flatten)]
    config: super::WithConfig,
    /// Show the notes of restricted cases, and no others: for their holders
    #[arg(long)]
    restricted: bool,
    /// Say once that the folders of the configuration are the right ones, and their shares mounted: they get their marks
    #[arg(long, conflicts_with = "restricted")]
    adopt_folder: bool,
}

#[derive(clap::Args)]
pub(super) struct Triage {
    #[command(flatten)]
    config: super::WithConfig,
    /// Settle this note, as the list shows it: the beginning of its id, a colon, and how many parts it has
    #[arg(value_name = "NOTE:PARTS")]
    note: Option<String>,
    /// It belongs to this case
    #[arg(long, value_name = "LOCAL_ID", requires = "note", conflicts_with = "dealt_with")]
    under: Option<String>,
    /// Though the last extract has no such case, or it is of somebody with another NHS number
    #[arg(long, requires = "under")]
    although: bool,
    /// Somebody has dealt with it by hand
    #[arg(long, requires = "note")]
    dealt_with: bool,
    /// Who settles it
    #[arg(long, value_name = "USER", requires = "note")]
    by: Option<String>,
    /// Show the notes of restricted cases, and no others: for their holders
    #[arg(long)]
    restricted: bool,
}

fn which(restricted: bool) -> Shown {
    if restricted { Shown::Restricted } else { Shown::Common }
}

pub(super) fn look(config: &super::WithConfig) -> Result<(Register, u64), String> {
    let (link, notes, _) = settings(&config.config)?;
    let register = Register::look(&notes.register, &link.code).map_err(|error| error.to_string())?;
    Ok((register, lying(&notes.into)))
}

pub(super) fn status(what: &Status) -> Result<ExitCode, String> {
    let (_, notes, table) = settings(&what.config.config)?;
    let unmarked = unmarked(&notes, &table);
    let (register, lying) = look(&what.config)?;
    let figures = register.figures().map_err(|error| error.to_string())?;
    let missing = register.missing().map_err(|error| error.to_string())?;
    let mail = register.mail_figures(now()).map_err(|error| error.to_string())?;
    let numbers = match figures.inactive {
        0 => String::new(),
        many => super::numbers::line_of(many),
    };
    let few = register.held_by_few().map_err(|error| error.to_string())?;
    let id = register.id().map_err(|error| error.to_string())?;
    let left = left_behind(&register)?;
    let id = format!("{}{left}This register: {}.\n", super::duty::held_by_few(few), id.as_str());
    print(&format!(
        "{unmarked}{}{numbers}{}{id}",
        told(&figures, &missing, lying),
        super::duty::told(&figures, &mail)
    ))?;
    let is_recent = |at: Option<Timestamp>, minutes| at.is_some_and(|at| at >= before(minutes));
    let is_well = is_recent(figures.heard, HEARD_MINUTES)
        && (figures.waiting == 0 || is_recent(figures.oldest_waiting, WAITING_MINUTES))
        && figures.hub_trouble.is_none()
        && figures.note_trouble.is_none()
        && figures.refused.is_none()
        && figures.triage == 0
        && figures.inactive == 0
        && figures.not_recognised == 0
        && figures.route_trouble.is_none()
        && mail.trouble.is_none()
        && mail.refused.is_none()
        && mail.given_up.is_none()
        && missing.is_empty()
        && unmarked.is_empty()
        && lying == 0;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a link that the hub does not tell keeps to itself.
fn left_behind(register: &Register) -> Result<String, String> {
    if register.other_register().map_err(|error| error.to_string())?.is_none() {
        return Ok(String::new());
    }
    let (unread, mails) = register.left_behind(now()).map_err(|error| error.to_string())?;
    let unread = counted(unread, "case note is", "case notes are");
    let mails = counted(mails, "e-mail", "e-mails");
    Ok(format!(
        "{unread} unread here, and {mails} will not leave here: look through them, the other register does not know that nobody has read them.\n"
    ))
}

fn before(minutes: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MIN)
}

fn told(figures: &Figures, missing: &[Missing], lying: u64) -> String {
    let mut said = String::new();
    let at = dates::day_and_time;
    // Writing into a String does not fail.
    let _ = match figures.triage {
        0 => writeln!(said, "Nothing has to be worked off by hand."),
        many => writeln!(
            said,
            "To be worked off by hand: {}. See `cpis-authority triage`.",
            counted(many, "case note", "case notes")
        ),
    };
    let _ = match figures.heard {
        Some(heard) if heard < before(HEARD_MINUTES) => writeln!(
            said,
            "The hub last answered {}: does the link run? Start `cpis-authority listen`.",
            at(heard)
        ),
        Some(heard) => writeln!(said, "The hub last answered {}.", at(heard)),
        None => writeln!(said, "The hub has never answered."),
    };
    if let Some((why, since)) = &figures.hub_trouble {
        let _ = writeln!(said, "Since {}: {why}.", at(*since));
    }
    let last = figures.have.map_or(String::new(), |number| format!(", up to number {number}"));
    let _ = writeln!(
        said,
        "{}{last}; {} in the record.",
        counted(figures.notices, "notification", "notifications"),
        counted(figures.notes, "case note", "case notes")
    );
    if figures.waiting > 0 {
        let since =
            figures.oldest_waiting.map_or(String::new(), |since| format!(", the oldest since {}", at(since)));
        let _ = writeln!(said, "Not in the record yet: {}{since}.", figures.waiting);
    }
    if let Some((why, since)) = &figures.note_trouble {
        let _ = writeln!(said, "Since {}: {why}.", at(*since));
    }
    if let Some((many, why)) = &figures.refused {
        let _ = writeln!(said, "Refused by the record system, and tried again: {many} ({why}).");
    }
    if figures.untold > 0 {
        let _ = writeln!(said, "Not yet said to the hub that they are filed: {}.", figures.untold);
    }
    if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
        let _ = writeln!(
            said,
            "Missing in the hub's numbers: {} ({} to {}), since {}. They are asked for again; if they do not come, ring the \
             hub's operator, and then settle them (`cpis-authority missing`).",
            missing.len(),
            first.number,
            last.number,
            at(first.since)
        );
    }
    if let Some(at_ms) = figures.other_numbers {
        let _ = writeln!(said, "The hub was put back from a backup; this was noticed {}.", at(at_ms));
    }
    if lying > 0 {
        let _ = writeln!(
            said,
            "{} for more than an hour: does the case system pick them up?",
            counted(lying, "file lies in the folder", "files lie in the folder")
        );
    }
    said
}

pub(super) fn triage(what: &Triage) -> Result<ExitCode, String> {
    let (mut register, _) = look(&what.config)?;
    let settle = match (&what.note, &what.under, what.dealt_with) {
        (None, _, _) => None,
        (Some(note), Some(local_id), _) => Some((note, Settle::Under(local_id.trim().to_owned()))),
        (Some(note), None, true) => Some((note, Settle::DealtWith)),
        (Some(_), None, false) => {
            return Err("say how: `--under LOCAL_ID`, or `--dealt-with`".to_owned());
        }
    };
    if let Some((note, how)) = settle {
        if matches!(&how, Settle::Under(local_id) if local_id.is_empty()) {
            return Err("--under: the local id of the case to which it belongs".to_owned());
        }
        let by = what.by.as_deref().and_then(Reader::named);
        let by = by.ok_or("say who settles it: `--by USER`, a user name without spaces")?;
        let wrong = "NOTE:PARTS as the list shows it, for example 1a2b3c4d:2";
        let (id, parts) = note.split_once(':').ok_or(wrong)?;
        let parts = parts.parse().map_err(|_| wrong)?;
        if let Settle::Under(local_id) = &how
            && !what.although
        {
            belongs(&what.config, &register, id, local_id)?;
        }
        match register.settle(&by, (id, parts), &how, now()).map_err(|error| error.to_string())? {
            Settled::Done => {}
            Settled::NotOne => {
                return Err("no note on the list begins with this id, or more than one".to_owned());
            }
            Settled::Parts(now) => {
                let now = counted(now.into(), "part", "parts");
                return Err(format!(
                    "this note has {now}: look at the list again, something may have come since"
                ));
            }
            Settled::Nobody => return Err("say who settles it: `--by USER`".to_owned()),
            Settled::Unreadable => {
                return Err("what cannot be read belongs under no case: ask the hub's operator who looked at whom, then \
                            `--dealt-with`"
                    .to_owned());
            }
        }
        print("Settled; the link brings it into the record, or tells the hub, with its next round.\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    let list = register.triage(which(what.restricted)).map_err(|error| error.to_string())?;
    let hidden = register.figures().map_err(|error| error.to_string())?.restricted_triage;
    let mut said =
        format!("To be worked off by hand: {}.\n", counted(list.len() as u64, "case note", "case notes"));
    if hidden > 0 && !what.restricted {
        let _ = writeln!(said, "Of restricted cases, for their holders (`--restricted`): {hidden} more.");
    }
    said.push_str(&shown(&list));
    if !list.is_empty() {
        said.push_str(
            "\nSettle with `cpis-authority triage NOTE:PARTS --under LOCAL_ID --by USER`, or `--dealt-with` once somebody has seen to it.\n",
        );
    }
    print(&said)?;
    Ok(if list.is_empty() && hidden == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A slip would put a note on another child's record.
fn belongs(
    config: &super::WithConfig,
    register: &Register,
    note: &str,
    local_id: &str,
) -> Result<(), String> {
    let Some(listed) = register.on_list(note).map_err(|error| error.to_string())? else { return Ok(()) };
    let (link, notes, _) = settings(&config.config)?;
    let cases = CasesOfExtract { memory: link.memory, is_partial: notes.has_partial_extract };
    let is_restricted = register.holders(local_id).map_err(|error| error.to_string())?.is_some();
    match cases.fits(local_id, &listed.number)? {
        Fits::Yes => Ok(()),
        // That there is a restricted case with this local id is nobody's to try out.
        Fits::OtherChild if !is_restricted => Err(
            "the case with this local id is of somebody with another NHS number: look whether it is the same child; `--although` puts \
             the note there all the same"
                .to_owned(),
        ),
        Fits::OtherChild | Fits::NoSuchCase => Err(
            "neither the last extract nor the hub has a case of this child with this local id: look whether it is right; `--although` puts the note \
             there all the same"
                .to_owned(),
        ),
    }
}

/// Marks the folders into which notes go. It works beside `listen`, and before the register is there.
fn adopt_folders(what: &Notes) -> Result<ExitCode, String> {
    let (link, notes, table) = settings(&what.config.config)?;
    let register = match notes.register.exists() {
        true => Some(Register::look(&notes.register, &link.code).map_err(|error| error.to_string())?),
        false => None,
    };
    let mut said = String::new();
    for path in folders(&notes, &table) {
        let known = register.as_ref().map(|register| register.folder_mark(&path.to_string_lossy()));
        let known = known.transpose().map_err(|error| error.to_string())?.flatten();
        let mark = notes.folder_mark.clone().unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
        let _ = match folder::adopt(path, &mark, known.as_deref())? {
            true => writeln!(said, "Marked: {}. Case notes go into it from now on.", path.display()),
            false => writeln!(said, "The folder {} has a mark already.", path.display()),
        };
    }
    print(if said.is_empty() { "Case notes go into no folder.\n" } else { &said })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn notes(what: &Notes) -> Result<ExitCode, String> {
    if what.adopt_folder {
        return adopt_folders(what);
    }
    let (register, _) = look(&what.config)?;
    let list = register.notes(which(what.restricted)).map_err(|error| error.to_string())?;
    print(&format!("Case notes, the newest last: {}.\n{}", list.len(), shown(&list)))?;
    Ok(ExitCode::SUCCESS)
}

/// Notes as a person reads them.
fn shown(list: &[Listed]) -> String {
    let mut said = String::new();
    for listed in list {
        let child = if listed.number.is_empty() {
            String::new()
        } else {
            format!(", NHS number {}, looked at by {}", listed.number, listed.organisation)
        };
        let whose = if listed.local_id.is_empty() { "nobody known" } else { &listed.local_id };
        let _ = writeln!(
            said,
            "\n{}:{}, since {}: local id {whose}{child}{}\n{}",
            listed.note.get(..ID_SHOWN).unwrap_or(&listed.note),
            listed.parts,
            dates::day_and_time(listed.since),
            if listed.why.is_empty() { String::new() } else { format!(": {}", listed.why) },
            listed.text
        );
    }
    said
}
