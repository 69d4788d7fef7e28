//! From a document to notifications. The other end wrote it: nothing in it is believed before it is looked at, and no
//! entry is dropped. One that cannot be read is handed over as such, so that a person hears of it.

use serde::Deserialize;
use serde_json::Value;

use super::super::codes::{self, ATTENDANCE, CONTACT, NOTICE, NUMBER, ORDER, REFERENCE, REPLACED_BY};
use super::{
    CHARACTERS, DOCUMENT_BYTES, Event, Heading, InactiveNumber, MOST, Mark, NotOver, Notice, NoticeId, Place,
};
use crate::domain::{AccessReference, ContactMode, NhsNumber, text};
use crate::fhir::codes::{LOCAL_ID, NHS_NUMBER, ODS_CODE};
use crate::fhir::wire::{
    CodeableConcept, Coding, ContactPoint, Extension, Identifier, Patient, PractitionerRole, Reference,
};

/// What stands in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A notification of an access.
    Notice(Box<Notice>),
    /// A notice of a number that is no longer in use.
    Inactive(Box<InactiveNumber>),
    /// A notification of which only this can be read, and its entry as it came.
    Unreadable(Mark, String),
}

impl Item {
    /// Which one it is.
    #[must_use]
    pub fn mark(&self) -> &Mark {
        match self {
            Self::Notice(notice) => &notice.mark,
            Self::Inactive(notice) => &notice.mark,
            Self::Unreadable(mark, _) => mark,
        }
    }
}

/// Why nothing of a document is believed. The words hold nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no document with notifications: {0}")]
pub struct NotNotices(pub(super) &'static str);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wrapped {
    pub(super) resource_type: String,
    pub(super) r#type: String,
    pub(super) entry: Vec<WrappedEntry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct WrappedEntry {
    pub(super) resource: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MessageHeader {
    pub(super) resource_type: String,
    pub(super) extension: Vec<Extension>,
    pub(super) event_coding: Option<Coding>,
    pub(super) destination: Vec<Endpoint>,
    pub(super) source: Endpoint,
    pub(super) definition: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Endpoint {
    pub(super) endpoint: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Communication {
    pub(super) resource_type: String,
    pub(super) contained: Vec<Value>,
    pub(super) extension: Vec<Extension>,
    pub(super) identifier: Vec<Identifier>,
    pub(super) in_response_to: Vec<Reference>,
    pub(super) status: String,
    pub(super) category: Vec<CodeableConcept>,
    pub(super) about: Vec<Reference>,
    pub(super) sent: Option<String>,
    pub(super) received: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Location {
    name: Option<String>,
    description: Option<String>,
    r#type: Vec<CodeableConcept>,
    telecom: Vec<ContactPoint>,
}

/// Reads a document.
///
/// # Errors
/// It is none, or of another version: nothing of it is to be believed.
pub fn read(document: &[u8]) -> Result<(Heading, Vec<Item>), NotNotices> {
    let (message, rest) = opened(document, codes::IS_NOTICE)?;
    let last =
        number(&message.extension, codes::LAST_NUMBER).ok_or(NotNotices("the last number is missing"))?;
    let unfiled = match extension(&message.extension, codes::FIRST_UNFILED) {
        None => None,
        Some(first) => {
            Some(first_unfiled(first).ok_or(NotNotices("the first that is not filed is not named"))?)
        }
    };
    let not_over = match extension(&message.extension, codes::NOT_OVER) {
        None => None,
        Some(of) => Some(counted(of).ok_or(NotNotices("it does not say how many are not over"))?),
    };
    let [to] = message.destination.as_slice() else { return Err(NotNotices("it is not to one authority")) };
    let code = to.endpoint.strip_prefix("urn:cpis:authority:").unwrap_or_default();
    let (source, authority_code) = (message.source.endpoint, code.to_owned());
    let heading = Heading { source, authority_code, last, unfiled, not_over };
    let mut items = Vec::with_capacity(rest.len());
    for resource in rest {
        // Whatever else is wrong with one entry, it must not keep those behind it from their records.
        let mark = mark_of(&resource).ok_or(NotNotices("an entry has no number and id"))?;
        let said = serde_json::from_value::<Communication>(resource.clone()).ok();
        let item = said.and_then(|said| item(&said, &mark));
        items.push(item.unwrap_or_else(|| Item::Unreadable(mark, resource.to_string())));
    }
    Ok((heading, items))
}

/// A message's header and its other entries.
pub(super) fn opened(document: &[u8], event: &str) -> Result<(MessageHeader, Vec<Value>), NotNotices> {
    if document.len() > DOCUMENT_BYTES {
        return Err(NotNotices("it is too long"));
    }
    let bundle: Wrapped =
        serde_json::from_slice(document).map_err(|_| NotNotices("it is no bundle, or was cut"))?;
    if bundle.resource_type != "Bundle" || bundle.r#type != "message" {
        return Err(NotNotices("it is no bundle of the type `message`"));
    }
    let mut entries = bundle.entry.into_iter().map(|entry| entry.resource);
    let first = entries.next().ok_or(NotNotices("it has no entries"))?;
    let wrong = NotNotices("its first entry is no MessageHeader of one");
    let message: MessageHeader = serde_json::from_value(first).map_err(|_| wrong)?;
    let is_of = |coding: &Coding| {
        coding.system.as_deref() == Some(codes::MESSAGE) && coding.code.as_deref() == Some(event)
    };
    if message.resource_type != "MessageHeader" || !message.event_coding.as_ref().is_some_and(is_of) {
        return Err(wrong);
    }
    if message.definition != format!("{}|{}", codes::NOTICE_DEFINITION, codes::VERSION) {
        return Err(NotNotices("it is of another version"));
    }
    let rest: Vec<Value> = entries.collect();
    if rest.len() > MOST {
        return Err(NotNotices("it has too many entries"));
    }
    Ok((message, rest))
}

fn first_unfiled(first: &Extension) -> Option<Mark> {
    let id = extension(&first.extension, NOTICE)?.value_string.as_deref()?;
    Some(Mark { number: number(&first.extension, NUMBER)?, id: NoticeId::parse(id)? })
}

fn counted(of: &Extension) -> Option<NotOver> {
    let count = |url| number(&of.extension, url);
    Some(NotOver { without_receipt: count(codes::WITHOUT_RECEIPT)?, on_list: count(codes::ON_LIST)? })
}

pub(super) fn extension<'a>(extensions: &'a [Extension], url: &str) -> Option<&'a Extension> {
    extensions.iter().find(|extension| extension.url == url)
}

/// A whole number of those that notifications have.
pub(super) fn number(extensions: &[Extension], url: &str) -> Option<u32> {
    u32::try_from(extension(extensions, url)?.value_integer?).ok()
}

pub(super) fn value<'a>(identifiers: &'a [Identifier], system: &str) -> Option<&'a str> {
    identifiers.iter().find(|identifier| identifier.system.as_deref() == Some(system))?.value.as_deref()
}

pub(super) fn kind_of(category: &[CodeableConcept]) -> Option<&str> {
    let mut codings = category.iter().flat_map(|category| &category.coding);
    codings.find(|coding| coding.system.as_deref() == Some(codes::NOTICE_KIND))?.code.as_deref()
}

fn mark_of(entry: &Value) -> Option<Mark> {
    let of = |list: &str, key: &str, name: &str, value: &str| {
        let mut all = entry.get(list)?.as_array()?.iter();
        all.find(|one| one.get(key).and_then(Value::as_str) == Some(name))?.get(value).cloned()
    };
    let number = u32::try_from(of("extension", "url", NUMBER, "valueInteger")?.as_u64()?).ok()?;
    let id = NoticeId::parse(of("identifier", "system", NOTICE, "value")?.as_str()?)?;
    (number > 0).then_some(Mark { number, id })
}

/// What is contained of a kind.
fn contained<T: serde::de::DeserializeOwned>(said: &Communication, kind: &str) -> Option<T> {
    let mut of_kind = said
        .contained
        .iter()
        .filter(|part| part.get("resourceType").and_then(Value::as_str).is_some_and(|found| found == kind));
    serde_json::from_value(of_kind.next()?.clone()).ok()
}

fn item(said: &Communication, mark: &Mark) -> Option<Item> {
    if said.resource_type != "Communication" {
        return None;
    }
    let of = |event| Some(Item::Notice(Box::new(notice(said, mark, event)?)));
    match kind_of(&said.category)? {
        codes::OPENED => of(Event::Opened),
        codes::OPENED_IN_ERROR => of(Event::OpenedInError),
        codes::NUMBER_SUPERSEDED => Some(Item::Inactive(Box::new(inactive(said, mark, true)?))),
        codes::NUMBER_ENDED => Some(Item::Inactive(Box::new(inactive(said, mark, false)?))),
        _ => None,
    }
}

/// Where a number was superseded the new one has to be said, and another than the old one; where an identity ended none may be.
fn inactive(said: &Communication, mark: &Mark, is_superseded: bool) -> Option<InactiveNumber> {
    let child: Patient = contained(said, "Patient")?;
    let (number, local_id) = whose(&child)?;
    let replaced_by = match extension(&said.extension, REPLACED_BY) {
        Some(said) => Some(NhsNumber::parse(said.value_string.as_deref()?).ok()?),
        None => None,
    };
    let fits = replaced_by.is_some() == is_superseded && replaced_by != Some(number);
    fits.then_some(InactiveNumber {
        mark: mark.clone(),
        at: said.sent.as_deref()?.parse().ok()?,
        number,
        local_id,
        upload: upload(said),
        replaced_by,
    })
}

/// NHS number and local id, as the authority sent them.
fn whose(child: &Patient) -> Option<(NhsNumber, String)> {
    let number = NhsNumber::parse(value(&child.identifier, NHS_NUMBER)?).ok()?;
    let local_id = value(&child.identifier, LOCAL_ID).map(shown).filter(|id| !id.is_empty())?;
    Some((number, local_id))
}

fn notice(said: &Communication, mark: &Mark, event: Event) -> Option<Notice> {
    let child: Patient = contained(said, "Patient")?;
    let (number, local_id) = whose(&child)?;
    let viewer: PractitionerRole = contained(said, "PractitionerRole")?;
    let order = extension(&said.extension, ORDER)?.value_code.as_deref()?;
    let organisation = viewer.organization.unwrap_or_default();
    let code = organisation.identifier.as_ref().filter(|code| code.system.as_deref() == Some(ODS_CODE));
    Some(Notice {
        mark: mark.clone(),
        event,
        at: said.sent.as_deref()?.parse().ok()?,
        reference: AccessReference::parse(value(&said.identifier, REFERENCE)?)?,
        attendance: AccessReference::parse(extension(&said.extension, ATTENDANCE)?.value_string.as_deref()?)?,
        is_first: match order {
            "first" => true,
            "repeat" => false,
            _ => return None,
        },
        number,
        local_id,
        upload: upload(said),
        name: viewer.practitioner.and_then(|name| name.display).map_or_else(String::new, |name| shown(&name)),
        role: viewer.code.first().and_then(|role| role.text.as_deref()).map_or_else(String::new, shown),
        organisation: organisation.display.as_deref().map_or_else(String::new, shown),
        organisation_code: code.and_then(|code| code.value.as_deref()).map_or_else(String::new, shown),
        place: place(said)?,
    })
}

fn upload(said: &Communication) -> Option<u32> {
    let identifier = said.about.iter().find_map(|about| about.identifier.as_ref())?;
    identifier.value.as_deref()?.rsplit_once('/')?.1.parse().ok()
}

/// The place, or that none is stated; nothing where it cannot be read.
#[expect(clippy::option_option, reason = "the outer one is whether it can be read, as in every other part")]
fn place(said: &Communication) -> Option<Option<Place>> {
    let Some(contact) = extension(&said.extension, CONTACT) else { return Some(None) };
    let location: Location = contained(said, "Location")?;
    let contact = match contact.value_code.as_deref()? {
        "in-person" => ContactMode::InPerson,
        "by-telephone" => ContactMode::ByTelephone,
        _ => return None,
    };
    Some(Some(Place {
        setting: location
            .r#type
            .first()
            .and_then(|kind| kind.text.as_deref())
            .map_or_else(String::new, shown),
        site: location.name.as_deref().map_or_else(String::new, shown),
        department: location.description.as_deref().map_or_else(String::new, shown),
        call_back: location
            .telecom
            .iter()
            .find_map(|phone| phone.value.as_deref())
            .map(shown)
            .filter(|number| !number.is_empty()),
        contact,
    }))
}

/// A text as people can be shown it: nothing in it drives a terminal or turns a line round, and it has an end.
fn shown(text: &str) -> String {
    let text = text::visible(text.trim());
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
