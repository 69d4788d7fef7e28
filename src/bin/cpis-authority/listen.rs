//! `cpis-authority listen`, `fetch`, `status` and `triage`: accesses on their way into the electronic record.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use cpis::authority::mail::{Mailer, NotSent, Smtp};
use cpis::authority::memory::Memory;
use cpis::authority::notes::case_system::CaseSystem;
use cpis::authority::notes::folder::{self, Folder, Mark};
use cpis::authority::notes::{ByMark, NotPlaced, Record, RegisterAlone};
use cpis::authority::notices::{
    self, Alerting, AtWork, CasesOfExtract, Ends, Limited, Listening, MAIL, OpenMailer, Round, Stop,
};
use cpis::authority::register::{Register, RegisterError};
use cpis::authority::way;
use cpis::config::authority::{Into, LinkSettings, NoteSettings, Routing};
use jiff::Timestamp;

use super::common::{counted, linked, moment};
use super::upload::print;

/// For so long an e-mail that is leaving is waited for at the end.
const MAIL_ENDS: Duration = Duration::from_secs(5);

#[derive(clap::Args)]
pub(super) struct Listen {
    #[command(flatten)]
    config: super::WithConfig,
}

pub(super) fn settings(config: &Path) -> Result<(LinkSettings, NoteSettings, Routing), String> {
    let (config, link) = linked(config)?;
    let notes = config.notes.ok_or("the configuration does not say where accesses are kept: add [notes]")?;
    let routing = config.routing.ok_or("the configuration does not say who is alerted: add [routing]")?;
    Ok((link, notes, routing))
}

pub(super) fn now() -> Timestamp {
    // Without a day there is nothing that could be wrong with it.
    moment(None).map_or(Timestamp::UNIX_EPOCH, |(now, _)| now)
}

fn open<'a>(
    notes: &'a NoteSettings,
    table: &'a Routing,
) -> impl FnMut(&mut Register) -> Result<Box<dyn Record>, NotPlaced> + 'a {
    |register| {
        let mut folder = |path: &Path| -> Result<Box<dyn Record>, NotPlaced> {
            let mark = notes.folder_mark.as_deref().map_or(Mark::Any, Mark::Expected);
            Ok(Box::new(Folder::open(path, register, mark)?))
        };
        let common: Box<dyn Record> = match &notes.into {
            Into::Register => Box::new(RegisterAlone),
            Into::Folder(path) => folder(path)?,
            Into::CaseSystem(settings) => Box::new(CaseSystem::new(settings)?),
        };
        let restricted: Box<dyn Record> = match (&table.restricted.folder, &notes.into) {
            (Some(path), _) => folder(path)?,
            (None, Into::CaseSystem(settings)) if table.restricted.case_system => {
                Box::new(CaseSystem::new(settings)?)
            }
            (None, _) => Box::new(RegisterAlone),
        };
        Ok(Box::new(ByMark { common, restricted }))
    }
}

/// The way for e-mail, where there is one.
fn mailer<'a>(
    table: &'a Routing,
    at_work: &'a AtWork,
) -> impl FnMut() -> Result<Box<dyn Mailer>, NotSent> + 'a {
    || {
        let settings = table.mail.as_ref().ok_or_else(|| NotSent::Away("no mail server".to_owned()))?;
        Ok(Box::new(Limited::new(Smtp::new(settings, table.page.as_deref())?, MAIL, at_work)))
    }
}

/// E-mail on a thread of its own, until it is told to stop: a mail server that is slow keeps nothing else waiting.
fn mail_beside(
    register: &Path,
    code: &str,
    table: &Routing,
    every: Duration,
    stop: &Stop,
) -> Result<Option<JoinHandle<()>>, String> {
    if table.mail.is_none() {
        return Ok(None);
    }
    let (register, code, table, stop) = (register.to_owned(), code.to_owned(), table.clone(), stop.clone());
    let work = move || {
        let (mut last, at_work) = (None, AtWork::default());
        loop {
            let sent = notices::send_beside(&register, &code, &mut mailer(&table, &at_work), &now);
            let why = sent.unwrap_or_else(|error| Some(error.to_string()));
            if why != last {
                let well = "Alerts by e-mail leave again.".to_owned();
                log(&why.as_ref().map_or(well, |why| format!("Alerts by e-mail: {why}")));
            }
            last = why;
            if stop.wait(every) {
                break;
            }
        }
    };
    let spawned = std::thread::Builder::new().name("e-mail".to_owned()).spawn(work);
    spawned.map(Some).map_err(|error| format!("cannot start: {}", error.kind()))
}

/// Waits a little for an e-mail that is leaving: one that is cut off is sent once more at the next start.
fn let_end(mail: Option<JoinHandle<()>>) {
    let until = Instant::now() + MAIL_ENDS;
    while mail.as_ref().is_some_and(|mail| !mail.is_finished()) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What is asked of the memory of uploads may be newer than the memory: it is brought up to date once. One that an upload works with is by
/// that upload.
fn bring_up(link: &LinkSettings) {
    if link.memory.exists() {
        drop(Memory::open(&link.memory, &link.code));
    }
}

/// A round, with a connection of its own: a certificate that was replaced is taken up.
fn round<'a>(
    register: &mut Register,
    link: &LinkSettings,
    notes: &NoteSettings,
    table: &'a Routing,
    mailer: Option<OpenMailer<'a>>,
) -> Result<Round, String> {
    let id = register.id().map_err(|error| error.to_string())?;
    let mut mailbox = way::mailbox(&link.hub, &notes.register, id, now).map_err(|error| error.to_string())?;
    let cases = CasesOfExtract { memory: link.memory.clone(), is_partial: notes.has_partial_extract };
    let ends = Ends { authority_code: &link.code, issuer: &link.hub.issuer };
    let mut record = open(notes, table);
    let alerting = Alerting { table, mailer };
    notices::round(register, mailbox.as_mut(), ends, &cases, &mut record, alerting, &now)
        .map_err(|error: RegisterError| error.to_string())
}

/// What a round has to say; nothing where nothing happened.
fn said(round: &Round) -> Vec<String> {
    let mut said = Vec::new();
    if round.other_numbers {
        said.push(
            "The hub was put back from a backup: what it has no receipt of was asked for again, and nothing is documented \
             twice."
                .to_owned(),
        );
    }
    if round.missing > 0 {
        let numbers = counted(round.missing, "notification is", "notifications are");
        said.push(format!("{numbers} missing in the hub's numbers, and will be asked for again."));
    }
    if round.new > 0 || round.placed > 0 {
        let new = counted(round.new, "new notification", "new notifications");
        let placed = counted(round.placed, "part of a case note", "parts of case notes");
        said.push(format!("{new}, {placed} filed."));
    }
    match round.numbers {
        Some(0) => said.push("No NHS number that is no longer in use is left to be mended.".to_owned()),
        Some(open) => said.push(super::numbers::line_of(open).trim_end().to_owned()),
        None => {}
    }
    if round.alerts > 0 {
        said.push(format!("{} made.", counted(round.alerts, "alert", "alerts")));
    }
    said.extend(round.refused.clone());
    said.extend(round.hub.as_ref().map(ToString::to_string));
    said.extend(round.notes.clone());
    said.extend(round.routing.clone());
    said.extend(round.mail.as_ref().map(|why| format!("Alerts by e-mail: {why}")));
    said
}

pub(super) fn fetch(what: &Listen) -> Result<ExitCode, String> {
    let (link, notes, table) = settings(&what.config.config)?;
    let mut register = Register::open(&notes.register, &link.code).map_err(|error| error.to_string())?;
    bring_up(&link);
    let at_work = AtWork::default();
    let mut mailer = mailer(&table, &at_work);
    let mailer: Option<OpenMailer<'_>> = if table.mail.is_some() { Some(&mut mailer) } else { None };
    let round = round(&mut register, &link, &notes, &table, mailer)?;
    let mut said = said(&round);
    if said.is_empty() {
        said.push("Nothing new.".to_owned());
    }
    print(&format!("{}\n", said.join("\n")))?;
    Ok(if round.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) fn listen(what: &Listen) -> Result<ExitCode, String> {
    let (link, notes, table) = settings(&what.config.config)?;
    let mut register = Register::open(&notes.register, &link.code).map_err(|error| error.to_string())?;
    bring_up(&link);
    let stop = Stop::default();
    stop_on_signal(&stop)?;
    let mail = mail_beside(&notes.register, &link.code, &table, notes.every, &stop)?;
    print("cpis-authority listens\n")?;
    let mut listening = Listening::every(notes.every.max(link.hub.least_pause()));
    let mut last: Vec<String> = Vec::new();
    loop {
        let round = round(&mut register, &link, &notes, &table, None);
        let lines = round.as_ref().map_or_else(|why| vec![why.clone()], said);
        // The same trouble is said once, until something else happens.
        if lines != last {
            lines.iter().for_each(|line| log(line));
            if lines.is_empty() {
                log("All is well again.");
            }
        }
        last = if round.as_ref().is_ok_and(Round::is_well) { Vec::new() } else { lines };
        if stop.wait(listening.pause(round.as_ref().ok(), notices::chance())) {
            break;
        }
    }
    let_end(mail);
    Ok(ExitCode::SUCCESS)
}

/// A line for whoever keeps the log; nobody is named in any.
fn log(line: &str) {
    let at = now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    // Nothing is left to do where standard error is gone.
    let _ = writeln!(std::io::stderr(), "{at} {line}");
}

/// Stops at Ctrl+C, and where a service manager says so.
fn stop_on_signal(stop: &Stop) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    let signals = runtime.block_on(async { Signals::new() })?;
    let stop = stop.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            runtime.block_on(signals.wait());
            stop.stop();
        })
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    Ok(())
}

#[cfg(unix)]
pub(super) struct Signals(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Signals {
    pub(super) fn new() -> Result<Self, String> {
        let kind = tokio::signal::unix::SignalKind::terminate();
        tokio::signal::unix::signal(kind)
            .map(Self)
            .map_err(|error| format!("cannot hear signals: {}", error.kind()))
    }

    pub(super) async fn wait(mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> Result<Self, String> {
        Ok(Self)
    }

    pub(super) async fn wait(self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// The folders into which notes go.
pub(super) fn folders<'a>(notes: &'a NoteSettings, table: &'a Routing) -> impl Iterator<Item = &'a Path> {
    let common = match &notes.into {
        Into::Folder(path) => Some(path.as_path()),
        Into::Register | Into::CaseSystem(_) => None,
    };
    common.into_iter().chain(table.restricted.folder.as_deref())
}

/// Which of them nobody has said to be the right one, as lines.
pub(super) fn unmarked(notes: &NoteSettings, table: &Routing) -> String {
    folders(notes, table)
        .filter_map(folder::unmarked)
        .map(|why| format!("No case note can be filed: {why}.\n"))
        .collect()
}

/// Files that lie in the folder for longer than this are not being picked up.
const PICKED_UP: Duration = Duration::from_secs(3600);

/// How many notes lie in the folder for longer than an hour.
pub(super) fn lying(into: &Into) -> u64 {
    let Into::Folder(path) = into else { return 0 };
    let Ok(files) = std::fs::read_dir(path) else { return 0 };
    let is_old = |file: &std::fs::DirEntry| {
        let age = file.metadata().and_then(|file| file.modified()).map(|at| {
            #[expect(clippy::disallowed_methods, reason = "the age of a file, for a person to read")]
            let now = SystemTime::now();
            now.duration_since(at).unwrap_or_default()
        });
        file.file_name().to_string_lossy().starts_with("cpis-note-") && age.is_ok_and(|age| age > PICKED_UP)
    };
    files.filter_map(Result::ok).filter(is_old).count() as u64
}
