//! Sessions: who is signed in with which key, and what renews or ends them. What ends one is committed before
//! anybody is told.

mod going;
mod provider;
mod standing;

pub use provider::{EndedThere, SignedInAt};
pub(in crate::hub) use standing::Standing;

use jiff::SignedDuration;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::{self, Entry, Kind};
use super::error::{Fault, StoreError};
use super::writer::Work;
use super::{Audited, Store};
use crate::domain::{Activity, Caller};
use crate::identity::binding::Binding;
use crate::identity::refresh::RefreshToken;

/// Sessions that are over are forgotten after this time: none of their tokens is valid any more.
const FORGOTTEN: SignedDuration = SignedDuration::from_hours(24);

/// Why a session has ended: a word of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// The user signed out.
    SignedOut,
    /// A refresh token was shown that had been used: somebody else has a copy.
    Reused,
    /// A refresh token was shown with another key: somebody else has a copy.
    OtherKey,
    /// Nothing was asked for too long.
    Idle,
    /// It has lasted as long as a session may.
    Over,
    /// The code that began it was shown again: somebody else has a copy.
    CodeReplayed,
    /// The organisation's provider said that the person's session there has ended.
    Provider,
    /// The database was restored from a backup, which does not know what has happened since.
    Restored,
}

impl EndedBy {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed-out",
            Self::Reused => "reused",
            Self::OtherKey => "other-key",
            Self::Idle => "idle",
            Self::Over => "over",
            Self::CodeReplayed => "code-replayed",
            Self::Provider => "provider",
            Self::Restored => "restored",
        }
    }
}

/// Where somebody signed in, and how: what ends their session when they sign out there. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The provider's issuer.
    pub provider: String,
    /// Who they are there.
    pub subject: String,
    /// Their session there.
    pub session: Option<String>,
    /// What names the session when it is to be ended there.
    pub id_token: String,
    /// The hash of the code that was changed for the session.
    pub code: Vec<u8>,
    /// The computer, as its viewer named it; none where a registered program asked.
    pub device: Option<String>,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Origin(hidden)")
    }
}

/// A session that begins. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct SessionBegun {
    /// Who; its session is the id.
    pub caller: Caller,
    /// What proves them.
    pub binding: Binding,
    /// The key by which refresh tokens follow from each other.
    pub chain: Vec<u8>,
    /// The first of them.
    pub first: RefreshToken,
    /// Time without a request after which it ends.
    pub idle: SignedDuration,
    /// Time after which it ends in any case.
    pub whole: SignedDuration,
    /// Where the person signed in; `None` where somebody else answers for it.
    pub origin: Option<Origin>,
}

impl std::fmt::Debug for SessionBegun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionBegun(hidden)")
    }
}

/// A session that is on disk, as far as the hub has to know it at once.
#[derive(Debug, Clone)]
pub struct SessionHeld {
    /// Who.
    pub caller: Caller,
    /// What proves them.
    pub binding: Binding,
    /// When it began, in milliseconds.
    pub begun_ms: i64,
    /// When it is over, in milliseconds.
    pub over_ms: i64,
    /// When somebody asked for something last, as far as it was written.
    pub active_ms: i64,
    /// Time without that after which it ends, in milliseconds.
    pub idle_ms: i64,
    /// The hash of the refresh token that renews it, and of the one before.
    pub current: Vec<u8>,
    /// See `current`.
    pub previous: Option<Vec<u8>>,
    /// When the one took the other's place.
    pub rotated_ms: i64,
    /// Where the person signed in, if somewhere.
    pub origin: Option<SignedInAt>,
    /// Whether it has ended.
    pub has_ended: bool,
}

/// A refresh token that was shown.
#[derive(Debug, Clone)]
pub struct RenewAsk {
    /// The token.
    pub token: RefreshToken,
    /// What it was shown with.
    pub binding: Binding,
    /// When something was asked last in the session.
    pub active_ms: i64,
    /// When it is over.
    pub over_ms: i64,
    /// Now, by the same clock: one that nobody sets while the hub runs.
    pub now_ms: i64,
    /// Time within which the token before the current one may be shown again.
    pub again: SignedDuration,
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum Renewed {
    /// The session goes on with this one.
    Goes(RefreshToken),
    /// The session has ended for this, now.
    Ended(EndedBy),
    /// No session's, or one of a session that had ended.
    Unknown,
}

struct Found {
    caller: Caller,
    /// [`Binding`] as it is kept.
    key: String,
    chain: Vec<u8>,
    current: Vec<u8>,
    previous: Option<Vec<u8>>,
    rotated_ms: i64,
    active_ms: i64,
    idle_ms: i64,
    over_ms: i64,
    has_ended: bool,
}

const COLUMNS: &str = "id, user_id, user_name, role, role_profile, organisation_code, organisation, activities, key, \
                       chain, current, previous, rotated_ms, active_ms, idle_ms, over_ms, ended_ms IS NOT NULL, client";

/// What the hub has to know at once besides. A database that is restored may be of before some of it.
const HELD: &str = "begun_ms, provider, subject, provider_session, code";

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let activities: String = row.get(7)?;
    let caller = Caller {
        session: row.get(0)?,
        client: row.get(17)?,
        user: row.get(1)?,
        name: row.get(2)?,
        role: row.get(3)?,
        role_profile: row.get(4)?,
        organisation_code: row.get(5)?,
        organisation: row.get(6)?,
        activities: activities.split_whitespace().filter_map(Activity::from_code).collect(),
    };
    Ok(Found {
        caller,
        key: row.get(8)?,
        chain: row.get(9)?,
        current: row.get(10)?,
        previous: row.get(11)?,
        rotated_ms: row.get(12)?,
        active_ms: row.get(13)?,
        idle_ms: row.get(14)?,
        over_ms: row.get(15)?,
        has_ended: row.get(16)?,
    })
}

impl Store {
    /// Begins a session.
    ///
    /// # Errors
    /// The database refused: there is none.
    pub async fn begin_session(&self, begun: SessionBegun) -> Result<Audited<()>, StoreError> {
        let at_ms = self.0.clock.carried_on().as_millisecond();
        self.write(move |work| begin(work, &begun, at_ms)).await
    }

    /// Renews a session with the refresh token that was shown, or ends it for that.
    ///
    /// # Errors
    /// The database refused: everything is as it was.
    pub async fn renew_session(&self, ask: RenewAsk) -> Result<Audited<Renewed>, StoreError> {
        self.write(move |work| renew(work, &ask)).await
    }

    /// The sessions of the last day, as they are on disk, and those before of which nobody has written that they ended.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn sessions(&self) -> Result<Vec<SessionHeld>, StoreError> {
        let oldest = self.0.clock.now().as_millisecond().saturating_sub(milliseconds(FORGOTTEN));
        let figuring = self.0.figuring.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        read(&figuring.db, oldest).map_err(|fault| fault.into_error("sessions"))
    }
}

fn read(db: &Connection, oldest: i64) -> Result<Vec<SessionHeld>, Fault> {
    let mut statement = db
        .prepare(&format!("SELECT {COLUMNS}, {HELD} FROM session WHERE over_ms >= ?1 OR ended_ms IS NULL"))?;
    let rows = statement.query_map([oldest], held)?.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// `None` where what it is bound to is nothing.
fn held(columns: &Row<'_>) -> rusqlite::Result<Option<SessionHeld>> {
    let row = found(columns)?;
    let Ok(binding) = Binding::try_from(row.key) else { return Ok(None) };
    Ok(Some(SessionHeld {
        binding,
        caller: row.caller,
        begun_ms: columns.get("begun_ms")?,
        over_ms: row.over_ms,
        active_ms: row.active_ms,
        idle_ms: row.idle_ms,
        current: row.current,
        previous: row.previous,
        rotated_ms: row.rotated_ms,
        origin: SignedInAt::of(columns)?,
        has_ended: row.has_ended,
    }))
}

/// Ends all sessions of a database that was restored: it does not know which have ended since, and which refresh tokens
/// were used.
pub(super) fn end_all(work: &Work<'_>) -> Result<(), Fault> {
    let is_there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'session'";
    if work.db.query_row(is_there, [], |_| Ok(())).optional()?.is_none() {
        return Ok(());
    }
    // An older one knows of no program.
    let knows = "SELECT 1 FROM pragma_table_info('session') WHERE name = 'client'";
    let columns = match work.db.query_row(knows, [], |_| Ok(())).optional()? {
        Some(()) => COLUMNS.to_owned(),
        None => COLUMNS.replace(", client", ", NULL"),
    };
    let mut open = work.db.prepare(&format!("SELECT {columns} FROM session WHERE ended_ms IS NULL"))?;
    let open = open.query_map([], found)?.collect::<Result<Vec<_>, _>>()?;
    open.iter().try_for_each(|session| end(work, &session.caller, EndedBy::Restored))?;
    Ok(provider::forget_all(work.db)?)
}

/// `at_ms`: now, by the clock with which times of the session are compared. When it began is compared with what others say.
fn begin(work: &Work<'_>, begun: &SessionBegun, at_ms: i64) -> Result<(), Fault> {
    let SessionBegun { caller, binding, chain, first, idle, whole, origin } = begun;
    let activities: Vec<&str> = caller.activities.iter().map(|activity| activity.code()).collect();
    work.db
        .prepare_cached("DELETE FROM session WHERE over_ms < ?1 AND ended_ms IS NOT NULL")?
        .execute([oldest(work)])?;
    work.db
        .prepare_cached(
            "INSERT INTO session (id, user_id, user_name, role, role_profile, organisation_code, organisation,
                                  activities, key, chain, current, rotated_ms, begun_ms, active_ms, idle_ms, over_ms,
                                  provider, subject, provider_session, id_token, code, device, client)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?21, ?12, ?13, ?14,
                     ?15, ?16, ?17, ?18, ?19, ?20, ?22)",
        )?
        .execute(params![
            caller.session,
            caller.user,
            caller.name,
            caller.role,
            caller.role_profile,
            caller.organisation_code,
            caller.organisation,
            activities.join(" "),
            binding.to_string(),
            chain,
            first.hash(),
            at_ms,
            milliseconds(*idle),
            at_ms.saturating_add(milliseconds(*whole)),
            origin.as_ref().map(|origin| &origin.provider),
            origin.as_ref().map(|origin| &origin.subject),
            origin.as_ref().and_then(|origin| origin.session.as_ref()),
            origin.as_ref().map(|origin| &origin.id_token),
            origin.as_ref().map(|origin| &origin.code),
            origin.as_ref().and_then(|origin| origin.device.as_ref()),
            work.now_ms(),
            caller.client,
        ])?;
    let mut entry = Entry::new(Kind::SessionBegun, "begun", "");
    entry.detail = origin.as_ref().and_then(|origin| provider::as_stated(origin.device.as_deref()));
    audit::append(work, caller, &entry)
}

fn renew(work: &Work<'_>, ask: &RenewAsk) -> Result<Renewed, Fault> {
    let Some(session) = of(work, ask.token.session())?.filter(|session| !session.has_ended) else {
        return Ok(Renewed::Unknown);
    };
    let (now, hash) = (ask.now_ms, ask.token.hash());
    let standing = Standing {
        has_key: session.key == ask.binding.to_string(),
        current: &session.current,
        previous: session.previous.as_deref(),
        rotated_ms: session.rotated_ms,
        active_ms: ask.active_ms,
        idle_ms: session.idle_ms,
        over_ms: ask.over_ms,
    };
    if !standing.has_key && !standing.knows(&hash) {
        // Whoever knows neither token nor key ends nobody's session.
        return Ok(Renewed::Unknown);
    }
    if let Some(by) = standing.ends(&hash, now, milliseconds(ask.again)) {
        end(work, &session.caller, by)?;
        return Ok(Renewed::Ended(by));
    }
    let successor = ask.token.successor(&session.chain);
    if session.current == hash {
        work.db
            .prepare_cached(
                "UPDATE session SET previous = current, current = ?2, rotated_ms = ?3, active_ms = ?3 WHERE id = ?1",
            )?
            .execute(params![session.caller.session, successor.hash(), now])?;
    }
    Ok(Renewed::Goes(successor))
}

fn end(work: &Work<'_>, caller: &Caller, by: EndedBy) -> Result<(), Fault> {
    work.db
        .prepare_cached("UPDATE session SET ended_ms = ?2, ended_by = ?3, id_token = NULL WHERE id = ?1")?
        .execute(params![caller.session, work.now_ms(), by.word()])?;
    audit::append(work, caller, &Entry::new(Kind::SessionEnded, by.word(), ""))
}

fn of(work: &Work<'_>, id: &str) -> Result<Option<Found>, Fault> {
    let mut statement = work.db.prepare_cached(&format!("SELECT {COLUMNS} FROM session WHERE id = ?1"))?;
    Ok(statement.query_row([id], found).optional()?)
}

fn milliseconds(time: SignedDuration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn oldest(work: &Work<'_>) -> i64 {
    work.now_ms().saturating_sub(milliseconds(FORGOTTEN))
}
