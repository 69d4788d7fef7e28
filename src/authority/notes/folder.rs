//! A folder from which the case system picks notes up: one file a part, JSON, whole or not there.
//!
//! A file is written under a name that begins with a dot, flushed, and renamed; only then the register hears of it. Where
//! the link ended in between, the same name is written again: a note that was not picked up yet is there once, and one that
//! was comes again under its old name. Nothing is ever concluded from a file that is not there.
//!
//! A share that is not mounted is an empty folder. So a folder has a mark, and without it nothing is written, at the first start neither: somebody
//! puts it there who sees that it is the right one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::text::title;
use super::{NotPlaced, Record, Trouble};
use crate::authority::register::{Part, Register};
use crate::exchange::notice::{Event, Notice, NoticeId};

/// The file by which a folder is known again.
const MARK: &str = ".cpis-folder";

/// The layout of a file.
const FORMAT: &str = "cpis-case-note/1";

/// Bytes of a mark.
const MARK_BYTES: usize = 64;

/// What the mark of a folder has to say at the first start.
#[derive(Debug, Clone, Copy)]
pub enum Mark<'a> {
    /// Whatever somebody has written, or had written, into it.
    Any,
    /// This, which somebody has written into it.
    Expected(&'a str),
}

/// A folder that has been seen before, or has the mark that somebody gave it.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    mark: String,
}

impl Folder {
    /// The folder of the configuration. One that is new has to have a mark, and what the configuration says where it says it; one that
    /// was used before has to have that which it had.
    ///
    /// # Errors
    /// It is not there, or is not the one that it was.
    pub fn open(path: &Path, register: &mut Register, mark: Mark<'_>) -> Result<Self, NotPlaced> {
        let name = path.to_string_lossy().into_owned();
        let away = |why: &str| Trouble::Away(format!("the folder {name} {why}"));
        if !path.is_dir() {
            return Err(away("is not there").into());
        }
        if let Some(mark) = register.folder_mark(&name)? {
            return Ok(Self { path: path.to_owned(), mark });
        }
        let mark = match (read_mark(path), mark) {
            (Ok(found), Mark::Expected(mark)) if found.trim() != mark => {
                return Err(away(&format!("has another mark ({MARK}) than `notes.folder_mark`")).into());
            }
            (Ok(found), _) => found,
            (Err(error), Mark::Expected(_)) if error.kind() == ErrorKind::NotFound => {
                let why = format!("has no {MARK} with `notes.folder_mark` in it: is the share mounted?");
                return Err(away(&why).into());
            }
            (Err(error), Mark::Any) if error.kind() == ErrorKind::NotFound => {
                return Err(away(&format!("has no mark ({MARK}): {ADOPT}")).into());
            }
            (Err(error), _) => return Err(away(&format!("cannot be read: {}", error.kind())).into()),
        };
        register.mark_folder(&name, &mark)?;
        Ok(Self { path: path.to_owned(), mark })
    }

    fn check(&self) -> Result<(), Trouble> {
        let name = self.path.display();
        match read_mark(&self.path) {
            Ok(mark) if mark == self.mark => Ok(()),
            Ok(_) => {
                Err(Trouble::Away(format!("the folder {name} is another than before ({MARK} in it differs)")))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Trouble::Away(format!(
                "the folder {name} is not the one that it was ({MARK} is missing): is the share mounted?"
            ))),
            Err(error) => Err(Trouble::Away(format!("the folder {name} cannot be read: {}", error.kind()))),
        }
    }
}

/// What to do about a folder that is new.
const ADOPT: &str = "if it is the right one, and its share is mounted, say so once with `cpis-authority notes --adopt-folder`; until then nothing is written \
     into it, and nothing is said to be filed";

/// Why nothing could be written into a folder that is not known yet, without looking whether it is the one that it was.
#[must_use]
pub fn unmarked(path: &Path) -> Option<String> {
    let name = path.display();
    match read_mark(path) {
        Ok(_) => None,
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Some(format!("the folder {name} cannot be read: {}", error.kind()))
        }
        Err(_) if !path.is_dir() => Some(format!("the folder {name} is not there")),
        Err(_) => Some(format!("the folder {name} has no mark ({MARK}): {ADOPT}")),
    }
}

/// Somebody says that this is the folder: it gets a mark. False where it has one.
///
/// # Errors
/// It is not there, cannot be written, or was known by another mark, in words.
pub fn adopt(path: &Path, mark: &str, known: Option<&str>) -> Result<bool, String> {
    let name = path.display();
    if !path.is_dir() {
        return Err(format!("the folder {name} is not there"));
    }
    match read_mark(path) {
        Ok(_) => return Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(format!("the folder {name} cannot be read: {}", error.kind())),
    }
    if known.is_some() {
        return Err(format!(
            "the folder {name} was used before, and its mark ({MARK}) is missing: is the share mounted? If it is another folder now, put \
             the old mark back or give it another name"
        ));
    }
    let written = write_whole(&path.join(MARK), mark.as_bytes()).and_then(|()| flush_directory(path));
    written.map_err(|error| format!("the folder {name} cannot be written: {}", error.kind()))?;
    Ok(true)
}

/// How a file is called: nothing of anybody is in it.
#[must_use]
pub fn file_name(note: &NoticeId, part: u32) -> String {
    format!("cpis-note-{}-{part:04}.json", note.as_str())
}

impl Record for Folder {
    fn place(&mut self, part: &Part) -> Result<(), NotPlaced> {
        self.check()?;
        let name = file_name(&part.note, part.part);
        // A system that picks up `*.json` sees it only when it is whole.
        let (hidden, shown) = (self.path.join(format!(".{name}.part")), self.path.join(&name));
        let written = write_whole(&hidden, document(part).to_string().as_bytes())
            .and_then(|()| fs::rename(&hidden, &shown))
            .and_then(|()| flush_directory(&self.path));
        written.map_err(|error| {
            // Half a file helps nobody, and the disk may be full.
            let _ = fs::remove_file(&hidden);
            let name = self.path.display();
            Trouble::Away(format!("the folder {name} cannot be written: {}", error.kind())).into()
        })
    }
}

fn read_mark(folder: &Path) -> io::Result<String> {
    let mark = fs::read_to_string(folder.join(MARK))?;
    if mark.len() > MARK_BYTES { Err(ErrorKind::InvalidData.into()) } else { Ok(mark) }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    // The group may read: the case system is another user.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Brings a name to the disk, where directories can be flushed: some shares know no such thing.
fn flush_directory(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(path)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        flushed => flushed,
    }
}

/// What stands in a file.
fn document(part: &Part) -> Value {
    let mut document = json!({
        "format": FORMAT,
        "note": part.note.as_str(),
        "part": part.part,
        "localId": part.local_id,
        "title": title(part.notice.as_ref().map(|notice| notice.event)),
        "added": part.added,
        "text": part.text,
    });
    if let (Some(notice), Some(document)) = (&part.notice, document.as_object_mut()) {
        document.insert("dated".to_owned(), notice.at.to_string().into());
        document.insert("kind".to_owned(), kind(notice, part.part).into());
        document.insert("nhsNumber".to_owned(), notice.number.digits().into());
        document.insert("access".to_owned(), access(notice));
    }
    document
}

fn kind(notice: &Notice, part: u32) -> &'static str {
    match (notice.event, part) {
        (Event::OpenedInError, _) => "opened-in-error",
        (Event::Opened, 1) => "opened",
        (Event::Opened, _) => "opened-again",
    }
}

fn access(notice: &Notice) -> Value {
    let mut access = json!({
        "reference": notice.reference.as_str(),
        "notification": notice.mark.id.as_str(),
        "number": notice.mark.number,
        "name": notice.name,
        "role": notice.role,
        "organisation": notice.organisation,
        "organisationCode": notice.organisation_code,
        "first": notice.is_first,
    });
    if let (Some(place), Some(access)) = (&notice.place, access.as_object_mut()) {
        access.insert(
            "place".to_owned(),
            json!({
                "setting": place.setting,
                "site": place.site,
                "department": place.department,
                "callBack": place.call_back,
                "contact": place.contact.code(),
            }),
        );
    }
    access
}
