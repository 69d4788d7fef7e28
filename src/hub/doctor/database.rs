//! The database: its schema, whether it is whole, and what stands in it about authorities and time.

use std::cmp::Ordering;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::{Asked, Finding, is_open_to_others};
use crate::config::hub::HubConfig;
use crate::hub::clock::Clock;
use crate::hub::disk::{beside, directory_of, space};
use crate::hub::limits;
use crate::hub::store::{Examined, examine as look};

/// The clock may be behind the newest entry by this much: another machine's, or a step of NTP.
const SLACK: SignedDuration = SignedDuration::from_secs(5);

pub(super) fn examine(config: &HubConfig, clock: &Clock, asked: Asked) -> Vec<Finding> {
    let path = config.database.display();
    let file = match std::fs::metadata(&config.database) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return vec![if asked.first_start {
                Finding::ok("database", format!("{path} is not there yet: the hub makes it"))
            } else {
                Finding::mend(
                    "database",
                    format!(
                        "{path} is not there: look at `database` in the configuration; --first-start if there never was one"
                    ),
                )
            }];
        }
        Err(error) => {
            return vec![Finding::mend("database", format!("cannot read {path}: {}", error.kind()))];
        }
    };
    let mut found = Vec::new();
    if is_open_to_others(&file) {
        found.push(Finding::mend("database", format!("{path} is open to every user: chmod 600 {path}*")));
    }
    let looks_whole = asked.thorough || file.len() <= limits::DOCTOR_BYTES;
    match look(&config.database, looks_whole) {
        Ok(examined) => {
            found.push(held(&examined, asked));
            found.push(schema(config, &examined));
            found.extend(of(&examined, clock));
            found.push(backup(&examined, clock));
            found.push(retention(config, &examined, clock));
        }
        Err(why) => found.push(Finding::mend(
            "database",
            format!("{path} cannot be read ({why}): keep the file and its -wal, and restore a backup"),
        )),
    }
    found
}

/// An empty database beside the real one looks well otherwise.
fn held(examined: &Examined, asked: Asked) -> Finding {
    match examined.people {
        0 if asked.first_start => Finding::ok("people", "nobody is held yet: load people"),
        0 => Finding::mend(
            "people",
            "nobody is held: look whether `database` in the configuration names the right file, else load people",
        ),
        held => Finding::ok("people", format!("{held} held")),
    }
}

fn of(examined: &Examined, clock: &Clock) -> Vec<Finding> {
    let people = if examined.is_synthetic { "synthetic people" } else { "real people" };
    let whole = match examined.is_whole {
        Some(true) => Finding::ok("database", format!("whole; {people}")),
        Some(false) => Finding::mend(
            "database",
            "damaged: stop the hub, keep the file and its -wal, and restore a backup",
        ),
        None => Finding::ok("database", format!("{people}; large: --thorough looks whether it is whole")),
    };
    let now = clock.now();
    let time = match examined.newest_audit {
        Some(newest) if newest > now + SLACK => Finding::mend(
            "clock",
            format!("it says {now}, and the newest audit entry is of {newest}: set the clock before serving"),
        ),
        Some(_) | None => Finding::ok("clock", format!("{now}; no audit entry is later")),
    };
    let lacking = &examined.lacking_numbers;
    let numbers = if lacking.is_empty() {
        Finding::ok("authorities", "each has a number for office hours and one for out of hours")
    } else {
        let first: Vec<&str> = lacking.iter().take(5).map(String::as_str).collect();
        let first: String = crate::domain::text::visible(&first.join(", "));
        let says = format!("{} lack a number to ring; ask them for it: {first}", lacking.len());
        Finding::mend("authorities", says)
    };
    vec![whole, time, numbers]
}

/// The next start copies a database that holds people before it changes the schema, and does not start without room for that.
fn schema(config: &HubConfig, examined: &Examined) -> Finding {
    const CHECK: &str = "schema";
    let (held, known) = examined.schema;
    match held.cmp(&known) {
        Ordering::Equal => Finding::ok(CHECK, format!("version {held}")),
        Ordering::Greater => Finding::mend(
            CHECK,
            format!("version {held} is of a later hub than this one ({known}): install that one again"),
        ),
        Ordering::Less => {
            let next = format!("version {held}; the next start brings it to {known}, for good");
            let space = space(&directory_of(&config.database));
            match space.map(|space| (room_for_copy(&config.database), space.free)) {
                Some((needed, free)) if examined.people > 0 && free < needed => Finding::mend(
                    CHECK,
                    format!(
                        "{next}, and copies the database before, for which it needs {} MB and {} MB are free: make room, else it does not start",
                        needed / MEGABYTE,
                        free / MEGABYTE
                    ),
                ),
                Some(_) | None => Finding::ok(CHECK, format!("{next}: back up first")),
            }
        }
    }
}

const MEGABYTE: u64 = 1_000_000;

/// What is to be free for a copy of the database: its pages, what waits in its log, and what has to remain beside.
fn room_for_copy(database: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    let log = size(&beside(database, "-wal"));
    size(database).saturating_add(log).saturating_add(limits::LOAD_FREE_BYTES)
}

/// Backups are daily: who has nobody yet, or has begun today, lacks none.
fn backup(examined: &Examined, clock: &Clock) -> Finding {
    const CHECK: &str = "backup";
    let (made, failed) = examined.backups;
    let failed = failed.filter(|failed| made.is_none_or(|made| made < *failed));
    let said = match failed {
        Some(at) => format!("; one failed at {at}: the command's own words, or the timer's log, say why"),
        None => String::new(),
    };
    match made.or(examined.first_audit) {
        Some(at) if examined.people > 0 && is_long_ago(at, clock) => {
            let last = made.map_or("none was ever made".to_owned(), |at| format!("the last one is of {at}"));
            let what = "run `cpis-hub backup`, and find out why it is not run daily";
            Finding::mend(CHECK, format!("{last}{said}: {what}"))
        }
        Some(_) if failed.is_some() => Finding::mend(CHECK, format!("the last one was not made{said}")),
        Some(_) | None => match made {
            Some(at) => Finding::ok(CHECK, format!("the last one is of {at}")),
            None => Finding::ok(CHECK, "none yet: the first is due within a day"),
        },
    }
}

/// What is over its time goes daily, where it goes at all.
fn retention(config: &HubConfig, examined: &Examined, clock: &Clock) -> Finding {
    const CHECK: &str = "retention";
    if !config.retention.removes_anything() {
        return Finding::ok(CHECK, "nothing is ever removed: no [retention]");
    }
    match examined.last_retention.or(examined.first_audit) {
        Some(at) if is_long_ago(at, clock) => {
            let last = match examined.last_retention {
                Some(at) => format!("nothing was removed since {at}"),
                None => "nothing was ever removed".to_owned(),
            };
            Finding::mend(
                CHECK,
                format!(
                    "{last}: the hub's log says why; look at the clock, and if it is right, run `cpis-hub retention --today` with the day of today"
                ),
            )
        }
        Some(_) | None => Finding::ok(CHECK, "up to date"),
    }
}

fn is_long_ago(at: Timestamp, clock: &Clock) -> bool {
    let kept_up = SignedDuration::try_from(limits::KEPT_UP).unwrap_or(SignedDuration::MAX);
    clock.now().duration_since(at) > kept_up
}
