//! From transport errors and statuses to a [`Failure`]. Nothing of the error's own text is kept: it holds
//! the address, and the address holds an NHS number.

use std::error::Error;

use reqwest::StatusCode;

use super::transfer::Received;
use crate::domain::Failure;
use crate::fhir::read;

/// What kind of failure a transport error is.
pub(super) fn of_transfer(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::TimedOut;
    }
    if error.is_connect() {
        // The connector's error types are private: their words are all there is to tell them apart by.
        return if chain_says(error, &["dns error", "failed to lookup address"]) {
            Failure::NameNotFound
        } else if chain_says(
            error,
            &[
                "certificate",
                "tls",
                "handshake",
                "corrupt message",
                "unexpected message",
                "fatal alert",
                "peer ",
            ],
        ) {
            Failure::NotSecure
        } else {
            Failure::NoConnection
        };
    }
    if error.is_builder() {
        return Failure::NotAccepted;
    }
    Failure::CutShort
}

fn chain_says(error: &dyn Error, words: &[&str]) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string().to_lowercase();
        if words.iter().any(|word| text.contains(word)) {
            return true;
        }
        source = error.source();
    }
    false
}

/// The seconds that the hub says to wait; a minute where it does not say, and never more than a day.
fn wait(retry_after: Option<&str>) -> u32 {
    const UNSAID: u32 = 60;
    const MOST: u32 = 24 * 60 * 60;
    retry_after.and_then(|text| text.parse().ok()).unwrap_or(UNSAID).min(MOST)
}

/// Passes what was answered with 2xx, and names every other status.
pub(super) fn check(received: Received) -> Result<Received, Failure> {
    let code = || read::outcome_code(&received.body);
    Err(match received.status {
        StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => return Ok(received),
        StatusCode::UNAUTHORIZED => Failure::SessionEnded,
        StatusCode::FORBIDDEN => Failure::Refused,
        StatusCode::NOT_FOUND => match code().as_deref() {
            Some("INVALIDATED_RESOURCE") => Failure::NoLongerInUse,
            Some("RESOURCE_NOT_FOUND") => Failure::NotKnown,
            // A 404 of something else than the hub says nothing about the number.
            Some(_) | None => Failure::HubFailed,
        },
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => Failure::TimedOut,
        // Of the hub, both say that nothing was recorded; of something in front of it they say nothing of that.
        StatusCode::TOO_MANY_REQUESTS if code().as_deref() == Some("TOO_MANY_REQUESTS") => {
            Failure::AskedTooOften { seconds: wait(received.header("retry-after")) }
        }
        StatusCode::SERVICE_UNAVAILABLE if code().as_deref() == Some("UNABLE_TO_CALL_SERVICE") => {
            Failure::Busy
        }
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Failure::HubFailed,
        status if status.is_client_error() => Failure::NotAccepted,
        _ => Failure::HubFailed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait_is_what_the_hub_says_within_reason() {
        for (said, expected) in
            [(Some("2400"), 2400), (Some("1"), 1), (None, 60), (Some("soon"), 60), (Some("9999999"), 86_400)]
        {
            assert_eq!(wait(said), expected, "{said:?}");
        }
    }
}
