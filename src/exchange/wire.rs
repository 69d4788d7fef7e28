//! The parts of a message that only hub and authority know; the rest is in [`crate::fhir::wire`].

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::fhir::wire::{Coding, Extension, Identifier, Organization, Reference};

fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}

/// An entry of a bundle, not yet looked into.
#[derive(Deserialize)]
pub(super) struct Entry<'a> {
    #[serde(borrow)]
    pub(super) resource: &'a RawValue,
}

/// Which resource it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kind<'a> {
    #[serde(borrow)]
    pub(super) resource_type: std::borrow::Cow<'a, str>,
}

/// A record: a bundle within the bundle.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Collection<'a> {
    #[serde(borrow)]
    pub(super) resource_type: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    pub(super) entry: Vec<Entry<'a>>,
}

/// The first entry of a message.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MessageHeader {
    pub(super) resource_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "is_empty")]
    pub(super) contained: Vec<Organization>,
    #[serde(skip_serializing_if = "is_empty")]
    pub(super) extension: Vec<Extension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event_coding: Option<Coding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sender: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<Response>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) definition: Option<String>,
}

/// Which program wrote it.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Source {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
}

/// To what it answers.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Response {
    pub(super) identifier: String,
    pub(super) code: String,
}

/// What the bundle says before and behind its entries.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BundleHead {
    pub(super) resource_type: &'static str,
    pub(super) identifier: Identifier,
    pub(super) r#type: &'static str,
    pub(super) timestamp: String,
}

impl MessageHeader {
    /// The value of a whole number's extension.
    pub(super) fn integer(&self, url: &str) -> Option<i64> {
        self.extension.iter().find(|extension| extension.url == url)?.value_integer
    }

    pub(super) fn text(&self, url: &str) -> Option<&str> {
        self.extension.iter().find(|extension| extension.url == url)?.value_string.as_deref()
    }

    pub(super) fn event(&self) -> Option<&str> {
        let event = self.event_coding.as_ref()?;
        (event.system.as_deref() == Some(super::codes::MESSAGE)).then_some(event.code.as_deref()).flatten()
    }
}

/// An extension that holds a text.
pub(super) fn string(url: &str, value: &str) -> Extension {
    Extension { url: url.to_owned(), value_string: Some(value.to_owned()), ..Extension::default() }
}

/// A SHA-256 in hexadecimal digits.
pub(super) fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// An extension that holds a whole number.
pub(super) fn integer(url: &str, value: i64) -> Extension {
    Extension { url: url.to_owned(), value_integer: Some(value), ..Extension::default() }
}
