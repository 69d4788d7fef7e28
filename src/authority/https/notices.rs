//! Notifications over HTTPS: the link asks, and says by what it asks for up to where it has everything.

use std::io::Read;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::blocking::{Body, RequestBuilder, Response};

use super::{Https, code, not_reached, refused, retry_after};
use crate::exchange::TransportError;
use crate::exchange::codes::{MEDIA_TYPE, NOTICES, NOTICES_FILED, REGISTER};
use crate::exchange::notice::{Collected, DOCUMENT_BYTES, Mailbox, Mark};

/// Time for a question and its answer; somewhat longer than the hub takes at most.
const ANSWER: Duration = Duration::from_secs(20);

impl Https {
    /// Says with which register it asks.
    fn named(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.register {
            Some(register) => request.header(REGISTER, register.as_str()),
            None => request,
        }
    }

    fn ask(&self, query: &str) -> Result<Collected, TransportError> {
        let request = self.http.get(format!("{}{NOTICES}{query}", self.address)).timeout(ANSWER);
        let request = self.named(request);
        let answer = request.send().map_err(|error| not_reached(&error))?;
        let after = retry_after(&answer);
        match answer.status() {
            StatusCode::OK => document(answer).map(Collected::Document),
            StatusCode::CONFLICT => match code(answer).as_deref() {
                Some("OTHER_NUMBERS") => Ok(Collected::OtherNumbers),
                Some("OTHER_REGISTER") => Err(TransportError::OtherRegister),
                Some(_) | None => Err(refused(StatusCode::CONFLICT, after)),
            },
            StatusCode::NOT_FOUND => Err(TransportError::NotUnderstood(
                "it gives no notifications: is it a hub of this version?".to_owned(),
            )),
            status => Err(refused(status, after)),
        }
    }
}

fn document(answer: Response) -> Result<Vec<u8>, TransportError> {
    let most = DOCUMENT_BYTES as u64 + 1;
    let mut document = Vec::new();
    answer
        .take(most)
        .read_to_end(&mut document)
        .map_err(|_| TransportError::NotReached("the connection broke off".to_owned()))?;
    if document.len() as u64 == most {
        return Err(TransportError::NotUnderstood("it is too long".to_owned()));
    }
    Ok(document)
}

impl Mailbox for Https {
    fn collect(&mut self, have: Option<&Mark>) -> Result<Collected, TransportError> {
        match have {
            None => self.ask(""),
            Some(have) => self.ask(&format!("?after={}&id={}", have.number, have.id.as_str())),
        }
    }

    fn collect_again(&mut self, above: u32) -> Result<Collected, TransportError> {
        self.ask(&format!("?after={above}"))
    }

    /// The next question says so.
    fn is_kept(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn file(&mut self, receipts: &[u8]) -> Result<Option<String>, TransportError> {
        let request = self
            .http
            .post(format!("{}{NOTICES_FILED}", self.address))
            .timeout(ANSWER)
            .header("content-type", MEDIA_TYPE)
            .body(Body::from(receipts.to_vec()));
        let answer = self.named(request).send().map_err(|error| not_reached(&error))?;
        let after = retry_after(&answer);
        match answer.status() {
            StatusCode::OK => Ok(None),
            StatusCode::CONFLICT if code(answer).as_deref() == Some("OTHER_REGISTER") => {
                Err(TransportError::OtherRegister)
            }
            status => Err(refused(status, after)),
        }
    }
}
