//! `Authorization: NHSMESH`: each request is proved anew, with a nonce of this run and a count that only rises.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::hmac;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{MailboxId, Secret};

/// What proves a mailbox's requests.
#[derive(Debug)]
pub(super) struct Prover {
    mailbox: MailboxId,
    password: Secret,
    shared_key: Secret,
    nonce: Uuid,
    count: AtomicU32,
}

impl Prover {
    pub(super) fn new(mailbox: MailboxId, password: Secret, shared_key: Secret) -> Self {
        Self { mailbox, password, shared_key, nonce: Uuid::new_v4(), count: AtomicU32::new(0) }
    }

    /// The next header.
    pub(super) fn header(&self, now: Timestamp) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        self.proof(&self.nonce.to_string(), count, now)
    }

    /// `{mailbox}:{nonce}:{count}:{timestamp}:{hmac}`; the HMAC is over the same with the password between count and timestamp.
    pub(super) fn proof(&self, nonce: &str, count: u32, now: Timestamp) -> String {
        let at = now.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M").to_string();
        let mailbox = self.mailbox.as_str();
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.shared_key.bytes());
        let mut tag = hmac::Context::with_key(&key);
        tag.update(format!("{mailbox}:{nonce}:{count}:").as_bytes());
        tag.update(self.password.bytes());
        tag.update(format!(":{at}").as_bytes());
        let tag: String = tag.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("NHSMESH {mailbox}:{nonce}:{count}:{at}:{tag}")
    }
}
