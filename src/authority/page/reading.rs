//! Marking as read: as whom somebody was alerted, and no further than what was on the page.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};

use super::answers::{Answered, form, see_other};
use super::ask;
use super::door::Person;
use super::limits::PAGE_CHILD;
use super::{Page, Sorry};
use crate::authority::register::{AsWhom, Marked};

/// Marks as read what was on a child's page.
pub(super) async fn read(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    Path(note): Path<String>,
    body: Bytes,
) -> Answered {
    let fields = form(&person, &body, &["form", "seen"])?;
    if !ask::is_reference(&note) {
        return Err(Sorry::NotThere);
    }
    let marked = mark(&page, &person, fields.get("seen"), false).await?;
    // What the page says first: that something of it is unread as before.
    let done = match marked {
        AsWhom::Alerted => "read",
        AsWhom::Duty => "read-as-duty",
        AsWhom::Beside => "read-beside",
    };
    see_other(&format!("/child/{note}?done={done}"))
}

/// Marks these as read; as whom the least of them.
async fn mark(page: &Page, person: &Person, seen: &str, as_duty: bool) -> Result<AsWhom, Sorry> {
    let seen = of_seen(seen).ok_or(Sorry::NotThere)?;
    let (reader, now) = (person.reader.clone(), page.now());
    let known_as = page.known_as(&reader);
    let marked = page
        .look(move |register| {
            let mut least = Some(AsWhom::Alerted);
            for (note, part) in &seen {
                least = match register.mark_read((&reader, &known_as), note, *part, as_duty, now)? {
                    Marked::Read(whom) => least.map(|least| least.max(whom)),
                    Marked::Done | Marked::NotThere | Marked::Parts(_) | Marked::Nobody => None,
                };
            }
            Ok(least)
        })
        .await?;
    marked.ok_or(Sorry::NotThere)
}

/// `note:part,note:part`
fn of_seen(text: &str) -> Option<Vec<(String, u32)>> {
    let one = |text: &str| {
        let (note, part) = text.split_once(':')?;
        let part = part.parse().ok().filter(|part| *part > 0)?;
        ask::is_reference(note).then(|| (note.to_owned(), part))
    };
    let seen: Vec<_> = text.split(',').map(one).collect::<Option<_>>()?;
    (seen.len() <= PAGE_CHILD as usize).then_some(seen)
}

/// What emergency duty has read the worker has not.
pub(super) async fn seen_by_duty(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    body: Bytes,
) -> Answered {
    let fields = form(&person, &body, &["form", "seen"])?;
    mark(&page, &person, fields.get("seen"), true).await?;
    see_other("/duty")
}
