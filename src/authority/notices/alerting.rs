//! The round's other half: who is alerted of what came, and e-mail to them. A mail server that is away keeps nothing else from
//! its work, not even the next question to the hub.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::authority::mail::{Mailer, NotSent};
use crate::authority::register::{Cases, Reader, Register, RegisterError};
use crate::authority::routing::{LIST_BYTES, read_list};
use crate::config::authority::Routing;

/// E-mails of one round at most.
const MAILS: u32 = 20;

/// For so long at most e-mails are begun in one round, by a server that is slow.
const BEGUN_MS: i64 = 30_000;

/// First pause after a mail server was away; as long as it has been away, up to the longest.
const AWAY_MS: i64 = 30_000;
const AWAY_MOST_MS: i64 = 600_000;

/// Makes the way for e-mail, where there is one: only where there is something to send.
pub type OpenMailer<'a> = &'a mut dyn FnMut() -> Result<Box<dyn Mailer>, NotSent>;

/// Who is alerted, and how.
pub struct Alerting<'a> {
    /// The routing table.
    pub table: &'a Routing,
    /// The way for e-mail; `None` where none is configured.
    pub mailer: Option<OpenMailer<'a>>,
}

impl std::fmt::Debug for Alerting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Alerting")
    }
}

/// Which cases are restricted by the configuration's list, each with its own holders as users, and the holders of the others.
pub type Listed = (BTreeMap<String, BTreeSet<Reader>>, BTreeSet<Reader>);

/// Reads the list of restricted cases.
///
/// # Errors
/// One sentence that says what to mend.
pub fn restricted_list(table: &Routing) -> Result<Listed, String> {
    let user = |name: &str| user_of(table, name);
    let holders = holders_of_all(table);
    let Some(path) = &table.restricted.list else { return Ok((BTreeMap::new(), holders)) };
    let unreadable =
        |why: &str| format!("the list of restricted cases {} cannot be read: {why}", path.display());
    let size = std::fs::metadata(path).map_err(|error| unreadable(&error.kind().to_string()))?.len();
    if size > LIST_BYTES {
        return Err(unreadable("it is too large"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error.kind().to_string()))?;
    let list = read_list(&text, &|name| user(name).is_some()).map_err(|fault| fault.to_string())?;
    let users = |names: BTreeSet<String>| names.iter().filter_map(|name| user(name)).collect();
    Ok((list.into_iter().map(|(local_id, names)| (local_id, users(names))).collect(), holders))
}

fn user_of(table: &Routing, name: &str) -> Option<Reader> {
    table.person(name).and_then(|(_, person)| Reader::named(person.user.as_deref()?))
}

/// The holders of whatever restricted case has none of its own.
fn holders_of_all(table: &Routing) -> BTreeSet<Reader> {
    table.restricted.holders.iter().filter_map(|name| user_of(table, name)).collect()
}

/// Brings what is known of restricted cases up to date. A slip in the list keeps no mark of the extract from counting: of what is
/// on the list it stays at what the list said before, if it ever said anything.
pub(super) fn refresh(
    register: &mut Register,
    cases: &dyn Cases,
    table: &Routing,
) -> Result<Result<(), String>, RegisterError> {
    register.keep_let_in(&table.restricted.last.iter().filter_map(|name| user_of(table, name)).collect())?;
    match restricted_list(table) {
        Ok((listed, holders)) => register.refresh_cases(cases, &listed, &holders),
        Err(why) => {
            if register.knows_cases()? {
                let before = register.listed_before()?;
                // Both may be wrong; the list is what a person mends first.
                let _ = register.refresh_cases(cases, &before, &holders_of_all(table))?;
            }
            Ok(Err(why))
        }
    }
}

/// What became of what was due.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// How many were sent.
    pub(super) sent: u64,
    /// Why the last of those did not leave that the server did not take.
    pub(super) refused: Option<String>,
    /// Why none leaves.
    pub(super) away: Option<String>,
}

/// Sends what is due.
pub(super) fn send(
    register: &mut Register,
    open: OpenMailer<'_>,
    clock: &dyn Fn() -> Timestamp,
) -> Result<Sent, RegisterError> {
    let mut all = Sent::default();
    let mut mailer: Option<Box<dyn Mailer>> = None;
    let begun = clock().as_millisecond();
    for _ in 0..MAILS {
        if clock().as_millisecond().saturating_sub(begun) > BEGUN_MS {
            break;
        }
        let Some(mail) = register.mail_to_leave(clock())? else { break };
        let done = match &mut mailer {
            Some(mailer) => mailer.send(&mail),
            none @ None => open().and_then(|opened| none.insert(opened).send(&mail)),
        };
        match done {
            Ok(()) => {
                register.mail_sent(&mail.id, clock())?;
                all.sent += 1;
            }
            Err(NotSent::Later(why)) => {
                register.mail_later(&mail.id, &why, clock())?;
                all.refused = Some(why);
            }
            Err(NotSent::Refused(why)) => {
                register.mail_refused(&mail.id, &why, clock())?;
                all.refused = Some(why);
            }
            Err(NotSent::Away(why)) => {
                let away = register.mail_figures(clock())?.trouble;
                let since = away.map_or(0, |(_, since)| clock().as_millisecond() - since.as_millisecond());
                register.mail_is_away(clock(), since.clamp(AWAY_MS, AWAY_MOST_MS))?;
                all.away = Some(why);
                break;
            }
        }
    }
    Ok(all)
}
