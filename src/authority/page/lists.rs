//! What waits for a person: notes that have to be placed, and accesses that somebody did not recognise. Both go on page by page; both
//! are as the register gives them to whoever asks.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::answers::{form, see_other};
use super::ask::{self, Fields};
use super::door::Person;
use super::limits::PAGE_ROWS;
use super::views;
use super::{Page, Sorry};
use crate::authority::notices::Fits;
use crate::authority::register::{Reader, Register, RegisterError, Settle, Settled, Wanted};

/// How much waits for a person, of what this one may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waits {
    /// Notes that have to be placed.
    pub(super) triage: u64,
    /// Accesses that somebody did not recognise.
    pub(super) disputed: u64,
}

pub(super) fn waits(register: &Register, reader: &Reader) -> Result<Waits, RegisterError> {
    let disputed = Wanted { only_disputed: true, ..Wanted::default() };
    Ok(Waits {
        triage: register.to_be_placed(reader)?,
        disputed: register.count_accesses(reader, &disputed)?,
    })
}

/// Which page of a list is asked for; one more than is shown says whether there are more.
fn page_of(query: Option<String>) -> Result<(u32, u32, u32), Sorry> {
    let this = Fields::read(query.unwrap_or_default().as_bytes(), &["page"])?.page()?;
    Ok((this, this.saturating_sub(1).saturating_mul(PAGE_ROWS), PAGE_ROWS.saturating_add(1)))
}

/// What has no open case.
pub(super) async fn triage(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Result<Response, Sorry> {
    let (this, skip, most) = page_of(query)?;
    let reader = person.reader.clone();
    let (mut list, waits, numbers) = page
        .look(move |register| {
            let numbers = register.count_inactive()?.0;
            Ok((register.triage_for(&reader, skip, most)?, waits(register, &reader)?, numbers))
        })
        .await?;
    let has_more = list.len() > PAGE_ROWS as usize;
    list.truncate(PAGE_ROWS as usize);
    let chrome = page.chrome(&person, Some(waits));
    Ok(page.html(StatusCode::OK, &views::triage(&chrome, &list, &person.form, numbers, (this, has_more))))
}

/// What somebody did not recognise, and nobody has said what came of it.
pub(super) async fn disputed(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Result<Response, Sorry> {
    let (this, skip, most) = page_of(query)?;
    let reader = person.reader.clone();
    let wanted = Wanted { only_disputed: true, skip, most, ..Wanted::default() };
    let (mut list, waits) = page
        .look(move |register| Ok((register.accesses(&reader, &wanted)?, waits(register, &reader)?)))
        .await?;
    let has_more = list.len() > PAGE_ROWS as usize;
    list.truncate(PAGE_ROWS as usize);
    let chrome = page.chrome(&person, Some(waits));
    Ok(page.html(StatusCode::OK, &views::disputed(&chrome, &list, &person.form, (this, has_more))))
}

/// Why a note was not settled: a heading and a sentence.
type Not = (&'static str, &'static str);

const NO_CASE: Not =
    ("Say under which case it belongs", "Nothing was done. Go back, and write the local id of the case.");
const NO_SUCH_CASE: Not = (
    "There is no such case",
    "Nothing was done. Neither the last extract nor the hub has a case of this child with this local id. Look whether it is right; if it is, whoever \
     runs the link can put the note there.",
);
const OTHER_CHILD: Not = (
    "This case is another child's",
    "Nothing was done. The case with this local id has another NHS number. Look whether it is the same child; if it is, whoever runs the \
     link can put the note there.",
);
const HAS_GROWN: Not =
    ("Something has come since", "Nothing was done. Load the list again, and look at what came.");
const UNREADABLE: Not = (
    "This belongs under no case",
    "Nothing was done. It cannot be read: ask the hub's operator who looked at whom, then mark it as dealt with.",
);

/// Settles a note that has to be placed, as it was seen, by the same function of the register as the command.
pub(super) async fn settle(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    Path(note): Path<String>,
    body: Bytes,
) -> Result<Response, Sorry> {
    let fields = form(&person, &body, &["form", "parts", "how", "case"])?;
    let parts: u32 = fields.get("parts").parse().map_err(|_| Sorry::NotThere)?;
    if !ask::is_reference(&note) {
        return Err(Sorry::NotThere);
    }
    let how = match fields.get("how") {
        "dealt-with" => Settle::DealtWith,
        "under" => Settle::Under(fields.get("case").to_owned()),
        _ => return Err(Sorry::NotThere),
    };
    let (reader, now, cases) = (person.reader.clone(), page.now(), page.cases());
    let done = page.look(move |register| {
        // Only what this person may see is theirs to settle.
        let of_note = Wanted { note: Some(note.clone()), ..Wanted::default() };
        let Some(listed) = register.on_list(&note)?.filter(|listed| listed.note == note) else {
            return Ok(Err(None));
        };
        if register.count_accesses(&reader, &of_note)? == 0 {
            return Ok(Err(None));
        }
        if let Settle::Under(local_id) = &how {
            if local_id.is_empty() {
                return Ok(Err(Some(NO_CASE)));
            }
            match cases.fits(local_id, &listed.number) {
                Ok(Fits::Yes) => {}
                // That there is a restricted case with this local id is nobody's to try out.
                Ok(Fits::OtherChild) if register.holders(local_id)?.is_none() => {
                    return Ok(Err(Some(OTHER_CHILD)));
                }
                Ok(Fits::OtherChild | Fits::NoSuchCase) => return Ok(Err(Some(NO_SUCH_CASE))),
                Err(why) => return Err(RegisterError::Unusable(why)),
            }
        }
        Ok(match register.settle(&reader, (&note, parts), &how, now)? {
            Settled::Done => Ok(()),
            Settled::NotOne | Settled::Nobody => Err(None),
            Settled::Parts(_) => Err(Some(HAS_GROWN)),
            Settled::Unreadable => Err(Some(UNREADABLE)),
        })
    });
    match done.await? {
        Ok(()) => see_other("/triage"),
        Err(None) => Err(Sorry::NotThere),
        Err(Some((heading, sentence))) => Ok(page.refusal(StatusCode::CONFLICT, heading, &[sentence])),
    }
}
