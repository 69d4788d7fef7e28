//! What each address answers. Whatever is shown comes from the register as it is for the person who asks: what is restricted
//! is left out there, and not here.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::ask::{self, Day, Fields, NotOurs};
use super::door::Person;
use super::limits::{PAGE_CHILD, PAGE_DUTY, PAGE_HEARD, PAGE_ROWS};
use super::lists::{Waits, waits};
use super::views::{self, Child, Chrome, Duty, Filter, Heard, Newest, Told};
use super::{Page, Sorry, of_worker};
use crate::authority::register::{Access, AsWhom, Marked, Reader, Register, RegisterError, Wanted};
use crate::authority::routing::closed_since;
use crate::domain::dates;

pub(super) type Answered = Result<Response, Sorry>;

impl From<NotOurs> for Sorry {
    fn from(_: NotOurs) -> Self {
        Sorry::NotThere
    }
}

/// The newest accesses.
pub(super) async fn newest(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    RawQuery(query): RawQuery,
) -> Answered {
    let known = ["worker", "day", "month", "year", "unread", "page"];
    let asked = Fields::read(query.unwrap_or_default().as_bytes(), &known)?;
    let this = asked.page()?;
    let (day, filter_day, wrong) = match asked.day() {
        Day::None => (None, <[String; 3]>::default(), None),
        Day::One(day) => {
            (Some(day), [day.day().to_string(), day.month().to_string(), day.year().to_string()], None)
        }
        Day::Wrong(written, why) => (None, written, Some(why)),
    };
    let chosen = asked.get("worker").to_owned();
    let unread = asked.get("unread") == "yes";
    let (reader, now) = (person.reader.clone(), page.now());
    let (heard, waits_for, workers, mut accesses) = page
        .look(move |register| {
            let workers = register.workers(&reader)?;
            let worker = workers.iter().find(|worker| of_worker(worker) == chosen).cloned();
            let mut wanted = Wanted {
                worker: worker.clone(),
                only_unread: unread,
                skip: this.saturating_sub(1).saturating_mul(PAGE_ROWS),
                // One more than is shown says whether there are more.
                most: PAGE_ROWS.saturating_add(1),
                ..Wanted::default()
            };
            if let Some(day) = day {
                (wanted.from, wanted.before) = (begin_of(day), begin_of(day.saturating_add(1.day())));
            }
            let accesses = if wrong.is_some() { Vec::new() } else { register.accesses(&reader, &wanted)? };
            Ok((
                heard(register, now)?,
                waits(register, &reader)?,
                offered(&workers, worker.as_deref()),
                accesses,
            ))
        })
        .await?;
    let has_more = accesses.len() > PAGE_ROWS as usize;
    accesses.truncate(PAGE_ROWS as usize);
    let chosen = workers.iter().find(|(value, _, is_chosen)| *is_chosen && !value.is_empty());
    let address = address_of(chosen.map(|(value, _, _)| value.as_str()), day, unread);
    let filter = Filter { day: filter_day, wrong, workers, unread };
    let list = Newest { filter, accesses: &accesses, heard, this, has_more, address };
    Ok(page.html(StatusCode::OK, &views::newest(&page.chrome(&person, Some(waits_for)), &list)))
}

fn heard(register: &Register, now: Timestamp) -> Result<Heard, RegisterError> {
    let (at, has_trouble) = register.last_heard()?;
    let is_late = at.is_none_or(|at| now.duration_since(at).unsigned_abs() > PAGE_HEARD);
    Ok(Heard { at, is_doubtful: has_trouble || is_late })
}

/// Whose children can be chosen.
fn offered(workers: &[String], chosen: Option<&str>) -> Vec<(String, String, bool)> {
    if workers.is_empty() {
        return Vec::new();
    }
    let everybody = (String::new(), "Everybody's".to_owned(), chosen.is_none());
    let each = workers.iter().map(|name| (of_worker(name), name.clone(), chosen == Some(name.as_str())));
    std::iter::once(everybody).chain(each).collect()
}

fn begin_of(day: Date) -> Option<jiff::Timestamp> {
    day.to_zoned(dates::london()).ok().map(|begin| begin.timestamp())
}

fn address_of(worker: Option<&str>, day: Option<Date>, unread: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(worker) = worker {
        query.append_pair("worker", worker);
    }
    if let Some(day) = day {
        query.append_pair("day", &day.day().to_string());
        query.append_pair("month", &day.month().to_string());
        query.append_pair("year", &day.year().to_string());
    }
    if unread {
        query.append_pair("unread", "yes");
    }
    let query = query.finish();
    if query.is_empty() { "/?page=".to_owned() } else { format!("/?{query}&page=") }
}

/// What a child's page shows.
struct OfChild {
    note: String,
    local_id: String,
    accesses: Vec<Access>,
    has_more: bool,
    waits: Waits,
}

/// The accesses of a child, for a page that is about to be shown to somebody.
fn of_child(register: &mut Register, reader: &Reader, note: &str) -> Result<Option<OfChild>, RegisterError> {
    let of_note = Wanted { note: Some(note.to_owned()), most: 1, ..Wanted::default() };
    let Some(one) = register.accesses(reader, &of_note)?.into_iter().next() else { return Ok(None) };
    let most = PAGE_CHILD.saturating_add(1);
    // What cannot be read is nobody's known. A local id may have been given to another child: what is of another NHS number is not
    // of this one.
    let wanted = if one.local_id.is_empty() || one.number.is_empty() {
        Wanted { most, ..of_note }
    } else {
        let (local_id, number) = (Some(one.local_id.clone()), Some(one.number.clone()));
        Wanted { local_id, number, most, ..Wanted::default() }
    };
    let mut accesses = register.accesses(reader, &wanted)?;
    let has_more = accesses.len() > PAGE_CHILD as usize;
    accesses.truncate(PAGE_CHILD as usize);
    let waits = waits(register, reader)?;
    Ok(Some(OfChild { note: note.to_owned(), local_id: one.local_id, accesses, has_more, waits }))
}

impl OfChild {
    /// Whether this user has done so, of anything on the page.
    fn has_done(&self, user: &str, what: Told) -> bool {
        let of = |access: &Access| match (what, &access.not_recognised) {
            (Told::Read(whom), _) => access.read.iter().any(|read| read.by == user && read.as_whom == whom),
            (Told::Reported, Some(said)) => said.by == user && said.settled.is_none(),
            (Told::LookedInto, Some(said)) => said.settled.as_ref().is_some_and(|(by, _, _)| by == user),
            (Told::Reported | Told::LookedInto, None) => false,
        };
        self.accesses.iter().any(of)
    }

    fn shown<'a>(&'a self, person: &'a Person, told: Option<Told>) -> Child<'a> {
        let notice = self.accesses.iter().find_map(|access| access.notice.as_ref());
        Child {
            note: &self.note,
            local_id: &self.local_id,
            number: notice.map(|notice| notice.number.grouped()).unwrap_or_default(),
            accesses: &self.accesses,
            has_more: self.has_more,
            form: &person.form,
            told,
            is_restricted: self.accesses.iter().any(|access| access.is_restricted),
        }
    }
}

async fn read_child(page: &Page, person: &Person, note: String) -> Result<OfChild, Sorry> {
    if !ask::is_reference(&note) {
        return Err(Sorry::NotThere);
    }
    let (reader, now) = (person.reader.clone(), page.now());
    let found = page.look(move |register| {
        let found = of_child(register, &reader, &note)?;
        if let Some(found) = &found {
            // On the disk before anything of it is shown.
            register.note_look(&reader, &found.local_id, &found.note, now)?;
        }
        Ok(found)
    });
    // Whether it is not there or not for them is nobody's to know.
    found.await?.ok_or(Sorry::NotThere)
}

/// A child's page.
pub(super) async fn child(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    Path(note): Path<String>,
    RawQuery(query): RawQuery,
) -> Answered {
    let asked = Fields::read(query.unwrap_or_default().as_bytes(), &["done"])?;
    let told = match asked.get("done") {
        "" => None,
        "read" => Some(Told::Read(AsWhom::Alerted)),
        "read-as-duty" => Some(Told::Read(AsWhom::Duty)),
        "read-beside" => Some(Told::Read(AsWhom::Beside)),
        "reported" => Some(Told::Reported),
        "looked-into" => Some(Told::LookedInto),
        _ => return Err(Sorry::NotThere),
    };
    let found = read_child(&page, &person, note).await?;
    // An address can be written by anybody: what it claims is shown only if it is so.
    let told = told.filter(|told| found.has_done(person.reader.user(), *told));
    let chrome = page.chrome(&person, Some(found.waits));
    Ok(page.html(StatusCode::OK, &views::child(&chrome, &found.shown(&person, told))))
}

/// A form, if it was given to this person.
pub(super) fn form(person: &Person, body: &Bytes, known: &[&str]) -> Result<Fields, Sorry> {
    let fields = Fields::read(body, known)?;
    if person.gave(fields.get("form")) { Ok(fields) } else { Err(Sorry::OldForm) }
}

/// Whether a form that says nothing more was given to this person.
pub(super) fn own_form(person: &Person, body: &Bytes) -> Result<(), Sorry> {
    form(person, body, &["form"]).map(|_| ())
}

/// Asks what is odd about an access.
pub(super) async fn ask_report(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    Path((note, part)): Path<(String, u32)>,
) -> Answered {
    asks_what_is_odd(&page, &person, (note, part), "", None).await
}

/// The form for it; with what was typed and what is wrong with that, where it was refused.
async fn asks_what_is_odd(
    page: &Page,
    person: &Person,
    (note, part): (String, u32),
    typed: &str,
    wrong: Option<&'static str>,
) -> Answered {
    let found = read_child(page, person, note).await?;
    let chrome = page.chrome(person, Some(found.waits));
    let of =
        found.accesses.iter().find(|of| of.note == found.note && of.part == part).ok_or(Sorry::NotThere)?;
    let markup = views::report(&chrome, &found.shown(person, None), of, typed, wrong);
    Ok(page.html(if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &markup))
}

/// "I do not recognise this access."
pub(super) async fn report(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    Path((note, part)): Path<(String, u32)>,
    body: Bytes,
) -> Answered {
    let fields = form(&person, &body, &["form", "words"])?;
    let words = match fields.words("words") {
        Ok(words) => words,
        Err(wrong) => {
            return asks_what_is_odd(&page, &person, (note, part), fields.get("words"), Some(wrong)).await;
        }
    };
    if !ask::is_reference(&note) {
        return Err(Sorry::NotThere);
    }
    let (reader, now, way) = (person.reader.clone(), page.now(), format!("/child/{note}?done=reported"));
    let known_as = page.known_as(&reader);
    let marked = page
        .look(move |register| register.mark_not_recognised((&reader, &known_as), &note, part, &words, now))
        .await?;
    if marked == Marked::Done { see_other(&way) } else { Err(Sorry::NotThere) }
}

/// What came of looking into an access that somebody did not recognise.
pub(super) async fn looked_into(
    State(page): State<Page>,
    Extension(person): Extension<Person>,
    Path((note, part)): Path<(String, u32)>,
    body: Bytes,
) -> Answered {
    let fields = form(&person, &body, &["form", "words"])?;
    let words = fields.words("words").ok().filter(|words| !words.is_empty()).ok_or(Sorry::NoOutcome)?;
    if !ask::is_reference(&note) {
        return Err(Sorry::NotThere);
    }
    let (reader, now, way) = (person.reader.clone(), page.now(), format!("/child/{note}?done=looked-into"));
    let marked =
        page.look(move |register| register.settle_not_recognised(&reader, &note, part, &words, now)).await?;
    if marked == Marked::Done { see_other(&way) } else { Err(Sorry::NotThere) }
}

/// Reads what there was since the office closed, and shows it.
async fn of_duty(page: &Page, person: &Person, show: Drawn) -> Answered {
    let now = page.now();
    let since = closed_since(page.hours(), now);
    let reader = person.reader.clone();
    let (heard, waits_for, count, accesses) = page
        .look(move |register| {
            let wanted = Wanted { since: Some(since), most: PAGE_DUTY, ..Wanted::default() };
            let count = register.count_accesses(&reader, &wanted)?;
            Ok((
                heard(register, now)?,
                waits(register, &reader)?,
                count,
                register.accesses(&reader, &wanted)?,
            ))
        })
        .await?;
    let duty = Duty {
        since,
        knows_hours: page.hours().is_some(),
        now,
        heard,
        accesses: &accesses,
        has_more: count > accesses.len() as u64,
        form: &person.form,
    };
    Ok(page.html(StatusCode::OK, &show(&page.chrome(person, Some(waits_for)), &duty)))
}

type Drawn = fn(&Chrome<'_>, &Duty<'_>) -> maud::Markup;

/// Everything since the office closed.
pub(super) async fn duty(State(page): State<Page>, Extension(person): Extension<Person>) -> Answered {
    of_duty(&page, &person, views::duty).await
}

/// The same on paper.
pub(super) async fn handover(State(page): State<Page>, Extension(person): Extension<Person>) -> Answered {
    of_duty(&page, &person, views::handover).await
}

/// Elsewhere, after something was done: going back or loading again does it no second time.
pub(super) fn see_other(address: &str) -> Answered {
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let address = HeaderValue::from_str(address).map_err(|_| Sorry::NotThere)?;
    response.headers_mut().insert(header::LOCATION, address);
    Ok(response)
}
