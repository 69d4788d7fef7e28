//! `cpis-hub outbox`.

use std::fmt::Write as _;
use std::path::Path;

use cpis::config::hub::NoticeSettings;
use cpis::domain::dates;
use cpis::hub::clock::Clock;
use cpis::hub::store::Waiting;
use jiff::Timestamp;

use super::common::{open_store, print, read};

pub(super) fn outbox(config: &Path) -> Result<(), String> {
    let settings = read(config)?.notices;
    let store = open_store(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    let now = Clock::system().now();
    let before = settings.overdue_before(now);
    let waiting = runtime.block_on(store.notices_waiting(before)).map_err(|error| error.to_string())?;
    let missed = runtime.block_on(store.missed_authorities(now)).map_err(|error| error.to_string())?;
    let mut said = String::new();
    if waiting.is_empty() {
        said.push_str("No local authority was to be told of anything yet.\n");
    }
    for authority in &waiting {
        line(&mut said, authority, settings);
    }
    for (authority, since) in &missed {
        // Writing into a String does not fail.
        let _ = writeln!(said, "{authority}: {NOTHING_CAME} since {}", dates::day_and_time(*since));
    }
    print(&said)?;
    let overdue = match waiting.iter().map(Waiting::overdue).sum::<u64>() {
        0 => None,
        overdue => Some(format!("{overdue} notifications wait for longer than they may")),
    };
    let missed = match missed.len() {
        0 => None,
        missed => Some(format!("from {missed} of the authorities {NOTHING_CAME} for two days")),
    };
    let wrong: Vec<String> = [overdue, missed].into_iter().flatten().collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}: ring those authorities", wrong.join("; "))) }
}

/// What an authority that should send has not done.
const NOTHING_CAME: &str = "nothing that could be taken has come";

fn line(said: &mut String, of: &Waiting, settings: NoticeSettings) {
    let since = |at: Option<Timestamp>| {
        at.map(|at| format!(", the oldest since {}", dates::day_and_time(at))).unwrap_or_default()
    };
    // Writing into a String does not fail.
    let _ = write!(said, "{}: not fetched {}{}", of.authority_code, of.unsent, since(of.oldest_unsent));
    let longer = |said: &mut String, overdue: u64, minutes: u16| {
        if overdue > 0 {
            let _ = write!(said, ", {overdue} for more than {minutes} minutes");
        }
    };
    longer(said, of.overdue_unsent, settings.alert_minutes);
    let _ = write!(said, "; fetched and not filed {}{}", of.unfiled, since(of.oldest_unfiled));
    longer(said, of.overdue_unfiled, settings.unfiled_alert_minutes);
    let _ = writeln!(said, "; on the authority's own list {}; last number {}", of.triage, of.last);
}
