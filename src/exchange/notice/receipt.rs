//! What the link did with notifications, as it tells the hub. A receipt is sent only for what is on the authority's own
//! disk and in its record, or on a list that a person works off.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::codes::{self, NOTICE, NUMBER};
use super::read::{self, Communication, NotNotices};
use super::write::{bundle, category, entry, header, identified, integer, link};
use super::{Mark, NoticeId};

/// What was done with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is a note on the child's electronic record.
    Documented,
    /// No open case was found for it: it stands on the list from which people work it off.
    Triage,
    /// It stood on the list, and somebody has seen to it by hand.
    DealtWith,
}

impl Outcome {
    /// As it travels and is stored.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Triage => "triage",
            Self::DealtWith => "dealt-with",
        }
    }

    /// Of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Documented, Self::Triage, Self::DealtWith].into_iter().find(|known| known.code() == code)
    }
}

/// One receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Of which notification.
    pub mark: Mark,
    /// What was done with it.
    pub outcome: Outcome,
    /// When, on the authority's clock.
    pub at: Timestamp,
}

/// Receipts of one authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts {
    /// Which says so.
    pub authority_code: String,
    /// At most [`super::MOST`].
    pub receipts: Vec<Receipt>,
}

/// Writes receipts.
#[must_use]
pub fn write_receipts(what: &Receipts, created: Timestamp) -> Vec<u8> {
    let message = header(codes::IS_RECEIPT, &link(&what.authority_code), None, Vec::new());
    let mut entries = vec![entry("MessageHeader", "0", message)];
    entries.extend(what.receipts.iter().map(|receipt| {
        let id = format!("{}-receipt", receipt.mark.id.as_str());
        entry("Communication", &id, written(receipt))
    }));
    bundle(entries, created)
}

fn written(receipt: &Receipt) -> Value {
    json!({
        "resourceType": "Communication",
        "extension": [integer(NUMBER, receipt.mark.number)],
        "inResponseTo": [{ "identifier": identified(NOTICE, receipt.mark.id.as_str()) }],
        "status": "completed",
        "category": category(receipt.outcome.code()),
        "received": receipt.at.to_string(),
    })
}

/// Reads receipts.
///
/// # Errors
/// It is none, or one of them cannot be read: nothing of it is to be believed.
pub fn read_receipts(document: &[u8]) -> Result<Receipts, NotNotices> {
    let (message, rest) = read::opened(document, codes::IS_RECEIPT)?;
    let code = message.source.endpoint.strip_prefix("urn:cpis:authority:");
    let code = code.ok_or(NotNotices("it does not say which authority sends it"))?;
    let receipts = rest.into_iter().map(|entry| {
        let said: Communication =
            serde_json::from_value(entry).map_err(|_| NotNotices("an entry is no Communication"))?;
        receipt(&said).ok_or(NotNotices("an entry is no receipt of a notification"))
    });
    Ok(Receipts { authority_code: code.to_owned(), receipts: receipts.collect::<Result<_, _>>()? })
}

fn receipt(said: &Communication) -> Option<Receipt> {
    let of = said.in_response_to.iter().find_map(|of| of.identifier.as_ref())?;
    let id = NoticeId::parse(of.value.as_deref().filter(|_| of.system.as_deref() == Some(NOTICE))?)?;
    let outcome = Outcome::from_code(read::kind_of(&said.category)?)?;
    let is_one = said.resource_type == "Communication" && said.status == "completed";
    Some(Receipt {
        mark: Mark { number: read::number(&said.extension, NUMBER).filter(|_| is_one)?, id },
        outcome,
        at: said.received.as_deref()?.parse().ok()?,
    })
}
