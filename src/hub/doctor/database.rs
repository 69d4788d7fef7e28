//! The database: its schema, whether it is whole, and what stands in it about authorities and time.

use jiff::SignedDuration;

use super::{Asked, Finding, is_open_to_others};
use crate::config::hub::HubConfig;
use crate::hub::clock::Clock;
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
            found.extend(of(&examined, clock));
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
    let (held, known) = examined.schema;
    let schema = match held.cmp(&known) {
        std::cmp::Ordering::Equal => Finding::ok("schema", format!("version {held}")),
        std::cmp::Ordering::Less => Finding::ok(
            "schema",
            format!("version {held}; the next start brings it to {known}, for good: back up first"),
        ),
        std::cmp::Ordering::Greater => Finding::mend(
            "schema",
            format!("version {held} is of a later hub than this one ({known}): install that one again"),
        ),
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
    vec![whole, schema, time, numbers]
}
