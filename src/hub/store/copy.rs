//! A whole database in one file: how it is written, and what is asked of one before it is believed.
//!
//! Such a file is an SQLite database with one line behind its last page, which holds the SHA-256 of all before it.
//! SQLite itself does not notice a letter that has changed in a name; this does.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use rusqlite::{Connection, OpenFlags};

use super::{MIGRATIONS, STEPS, codec, error, schema};
use crate::hub::{disk, limits};

/// Why a copy was not written, or is not believed: one sentence each, to follow a colon.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is a file of this name.
    #[error("{0} is there already and is not overwritten")]
    Exists(PathBuf),
    /// Something of an earlier attempt, or of one under way.
    #[error("{0} is there: another copy is being made, or one was broken off; then remove it")]
    UnderWay(PathBuf),
    /// Not enough space.
    #[error("it needs {needed} MB and {free} MB are free")]
    NoRoom {
        /// Megabytes of the copy and some.
        needed: u64,
        /// Megabytes there are.
        free: u64,
    },
    /// A file cannot be read or written.
    #[error("{what}: {why}")]
    File {
        /// Which file, and what was tried.
        what: String,
        /// The operating system's reason.
        why: String,
    },
    /// The database refused.
    #[error("{0}")]
    Database(String),
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// No line with a checksum at its end.
    #[error("it is not a backup made by cpis-hub, or its end is missing")]
    Foreign,
    /// The checksum does not fit.
    #[error("it is damaged: its checksum does not fit what is in it")]
    Damaged,
    /// The checksum fits and the content does not: it was made so.
    #[error("it is not sound: {0}")]
    Unsound(String),
    /// Of a later version of the hub.
    #[error("its schema is version {0}, which is of a later version of the hub")]
    Later(usize),
}

/// What a database holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holds {
    /// Version of the schema.
    pub schema: usize,
    /// People.
    pub people: u64,
    /// Plans.
    pub plans: u64,
    /// Views.
    pub views: u64,
    /// Notifications that wait to be sent.
    pub queued: u64,
    /// Entries of the audit log.
    pub audit: u64,
    /// When the last of them was written, as an ISO text in UTC; `None` where there is none.
    pub last_entry: Option<String>,
}

/// The line at the end: `\ncpis-hub copy 1 sha256 <64 digits>\n`.
const TRAILER_START: &[u8] = b"\ncpis-hub copy 1 sha256 ";
const TRAILER_BYTES: u64 = 24 + 64 + 1;

/// Space that must remain beside a copy.
const SPARE_BYTES: u64 = limits::LOAD_FREE_BYTES;

/// Writes all that is committed to a file: under another name first, flushed, looked at, and then renamed. Views go
/// on meanwhile, since in WAL a reader stops no writer; the copy is as of one moment.
pub(super) fn to_file(db: &Connection, target: &Path) -> Result<Holds, CopyError> {
    if target.exists() {
        return Err(CopyError::Exists(target.to_owned()));
    }
    let partial = disk::beside(target, ".partial");
    let directory = disk::directory_of(target);
    room_for(db, &directory)?;
    let mut file = disk::create_private(&partial).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            CopyError::UnderWay(partial.clone())
        } else {
            in_file(&partial, "cannot be made")(error)
        }
    })?;
    let removed = RemovedUnlessKept(&partial);
    let name = partial.to_str().ok_or_else(|| CopyError::Database("the path is not UTF-8".to_owned()))?;
    db.execute("VACUUM INTO ?1", [name]).map_err(|error| refused(&error))?;
    let holds = look_into(&partial)?;
    seal(&mut file).map_err(in_file(&partial, "cannot be written"))?;
    // Unlike a rename this never replaces a file that came meanwhile.
    std::fs::hard_link(&partial, target).map_err(in_file(target, "cannot be made"))?;
    drop(removed);
    flush_directory(&directory)?;
    Ok(holds)
}

/// Checks a copy's checksum and writes its database to `to`, flushed, without the line at its end. Looks into it,
/// too: what is put in place is what was looked at.
pub(super) fn unpack(copy: &Path, to: &Path) -> Result<Holds, CopyError> {
    let unreadable = in_file(copy, "cannot be read");
    let mut from = File::open(copy).map_err(&unreadable)?;
    let length = from.metadata().map_err(&unreadable)?.len();
    if length == 0 {
        return Err(CopyError::Empty);
    }
    let content = length.checked_sub(TRAILER_BYTES).filter(|bytes| *bytes > 0).ok_or(CopyError::Foreign)?;
    from.seek(SeekFrom::Start(content)).map_err(&unreadable)?;
    let mut trailer = Vec::new();
    Read::by_ref(&mut from).take(TRAILER_BYTES).read_to_end(&mut trailer).map_err(&unreadable)?;
    let said = trailer.strip_prefix(TRAILER_START).and_then(|rest| rest.strip_suffix(b"\n"));
    let said = said.ok_or(CopyError::Foreign)?.to_owned();
    from.seek(SeekFrom::Start(0)).map_err(&unreadable)?;
    let mut file = disk::create_private(to).map_err(in_file(to, "cannot be made"))?;
    let removed = RemovedUnlessKept(to);
    let digest = digest(&mut from.take(content), |bytes| file.write_all(bytes))
        .map_err(in_file(to, "cannot be copied"))?;
    if digest.as_bytes() != said {
        return Err(CopyError::Damaged);
    }
    file.sync_all().map_err(in_file(to, "cannot be flushed"))?;
    drop(file);
    let holds = look_into(to)?;
    removed.keep();
    Ok(holds)
}

/// Whether a file is a sound database of the hub, and what it holds.
fn look_into(path: &Path) -> Result<Holds, CopyError> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(|error| refused(&error))?;
    let unsound = |why: &str| CopyError::Unsound(why.to_owned());
    let said: String = db
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| CopyError::Unsound(error::reason(&error)))?;
    if said != "ok" {
        return Err(unsound("SQLite's integrity check fails"));
    }
    let broken = db.prepare("PRAGMA foreign_key_check").and_then(|mut check| check.exists([]));
    if broken.map_err(|error| refused(&error))? {
        return Err(unsound("rows refer to others that are not there"));
    }
    let schema = schema::version(&db).map_err(|error| refused(&error))?;
    if schema > STEPS.len() {
        return Err(CopyError::Later(schema));
    }
    if schema == 0 || statements(&db).map_err(|error| refused(&error))? != expected(schema)? {
        return Err(unsound("its tables are not a hub's"));
    }
    holds(&db, schema).map_err(|error| refused(&error))
}

/// What a database holds, whose tables are there.
pub(super) fn holds(db: &Connection, schema: usize) -> Result<Holds, rusqlite::Error> {
    let count = |what: &str| -> Result<u64, rusqlite::Error> {
        let number: i64 = db.query_row(&format!("SELECT count(*) FROM {what}"), [], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    let last: Option<i64> = db
        .query_row("SELECT at_ms FROM audit ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
        .or_else(|error| if error == rusqlite::Error::QueryReturnedNoRows { Ok(None) } else { Err(error) })?;
    Ok(Holds {
        schema,
        people: count("person")?,
        plans: count("plan")?,
        views: count("view")?,
        queued: count("outbox WHERE state = 'queued'")?,
        audit: count("audit")?,
        last_entry: last.and_then(|ms| codec::moment(ms).ok()).map(|at| at.to_string()),
    })
}

/// Every statement of a schema, as far as it means something.
pub(super) fn statements(db: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement =
        db.prepare("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")?;
    let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut all: Vec<String> = rows
        .map(|sql| Ok(sql?.split_whitespace().collect::<Vec<_>>().join(" ")))
        .collect::<Result<_, rusqlite::Error>>()?;
    all.sort();
    Ok(all)
}

/// The statements of a database made from nothing.
fn expected(schema: usize) -> Result<Vec<String>, CopyError> {
    let mut fresh = Connection::open_in_memory().map_err(|error| refused(&error))?;
    MIGRATIONS
        .to_version(&mut fresh, schema)
        .map_err(|_| CopyError::Database("the schema cannot be made".to_owned()))?;
    statements(&fresh).map_err(|error| refused(&error))
}

/// Puts the checksum behind the last page, and all of it on the disk.
fn seal(file: &mut File) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let digest = digest(file, |_| Ok(()))?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(TRAILER_START)?;
    file.write_all(digest.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// The SHA-256 of all there is to read, as hexadecimal digits.
fn digest(from: &mut impl Read, mut also: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<String> {
    let mut context = Context::new(&SHA256);
    let mut buffer = vec![0_u8; 128 * 1024];
    loop {
        let read = from.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        context.update(bytes);
        also(bytes)?;
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn room_for(db: &Connection, directory: &Path) -> Result<(), CopyError> {
    const MEGABYTE: u64 = 1024 * 1024;
    let pragma = |name: &str| -> Result<u64, CopyError> {
        let value: i64 =
            db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).map_err(|error| refused(&error))?;
        Ok(u64::try_from(value).unwrap_or(0))
    };
    let needed = pragma("page_count")?.saturating_mul(pragma("page_size")?).saturating_add(SPARE_BYTES);
    match disk::space(directory) {
        Some(space) if space.free < needed => {
            Err(CopyError::NoRoom { needed: needed / MEGABYTE, free: space.free / MEGABYTE })
        }
        Some(_) | None => Ok(()),
    }
}

pub(super) fn flush_directory(directory: &Path) -> Result<(), CopyError> {
    let flushed = if cfg!(unix) { File::open(directory).and_then(|open| open.sync_all()) } else { Ok(()) };
    flushed.map_err(in_file(directory, "cannot be flushed"))
}

pub(super) fn in_file(path: &Path, what: &'static str) -> impl Fn(io::Error) -> CopyError {
    let what = format!("{} {what}", path.display());
    move |error| CopyError::File { what: what.clone(), why: error.kind().to_string() }
}

pub(super) fn refused(error: &rusqlite::Error) -> CopyError {
    CopyError::Database(error::reason(error))
}

/// A file that goes again unless it is kept.
struct RemovedUnlessKept<'a>(&'a Path);

impl RemovedUnlessKept<'_> {
    fn keep(mut self) {
        self.0 = Path::new("");
    }
}

impl Drop for RemovedUnlessKept<'_> {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = std::fs::remove_file(self.0);
        }
    }
}
