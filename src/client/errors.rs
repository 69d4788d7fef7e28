//! From transport errors and statuses to a [`Failure`]. Nothing of the error's own text is kept: it holds
//! the address, and the address holds an NHS number.

use std::error::Error;

use reqwest::StatusCode;
use reqwest::header::WWW_AUTHENTICATE;
use rustls::{AlertDescription as Alert, CertificateError as Certificate};

use super::transfer::Received;
use crate::domain::Failure;
use crate::fhir::read;

/// What kind of failure a transport error is.
pub(super) fn of_transfer(error: &reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::TimedOut;
    }
    if let Some(failure) = of_tls(error) {
        return failure;
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

/// What TLS found wrong before anything was sent. None where it was something else.
fn of_tls(error: &(dyn Error + 'static)) -> Option<Failure> {
    let error = tls_error(error)?;
    if let rustls::Error::InvalidCertificate(why) = error {
        return Some(of_certificate(why));
    }
    // The hub wants a certificate of this computer, and it has none.
    let is_unwanted =
        matches!(error, rustls::Error::AlertReceived(Alert::CertificateRequired | Alert::HandshakeFailure));
    is_unwanted.then_some(Failure::NotSecure)
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(error);
    }
    // What an IO error wraps is not its source.
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match wrapped {
        Some(wrapped) => tls_error(wrapped),
        None => tls_error(error.source()?),
    }
}

fn of_certificate(why: &Certificate) -> Failure {
    let is_of_another_time = matches!(
        why,
        Certificate::Expired
            | Certificate::ExpiredContext { .. }
            | Certificate::NotValidYet
            | Certificate::NotValidYetContext { .. }
    );
    if is_of_another_time {
        return Failure::OutOfDate;
    }
    let is_of_another =
        matches!(why, Certificate::NotValidForName | Certificate::NotValidForNameContext { .. });
    if is_of_another { Failure::OtherName } else { Failure::NotTrusted }
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

/// Whether the hub refused the token, and nothing else.
pub(super) fn is_of_token(received: &Received) -> bool {
    let challenge = received.header(WWW_AUTHENTICATE.as_str()).unwrap_or_default();
    received.status == StatusCode::UNAUTHORIZED && challenge.contains("invalid_token")
}

/// Passes what was answered with 2xx, and names every other status.
pub(super) fn check(received: Received) -> Result<Received, Failure> {
    let code = || read::outcome_code(&received.body);
    Err(match received.status {
        StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => return Ok(received),
        // The hub says so of a token that is not good any more. Of a proof, or of something in front of the hub, it says
        // nothing of the session.
        StatusCode::UNAUTHORIZED if is_of_token(&received) => Failure::SessionEnded,
        StatusCode::UNAUTHORIZED => Failure::NotAccepted,
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
    fn only_a_refusal_of_the_token_is_the_end_of_a_session() {
        let answered = |challenge: Option<&str>| {
            let headers = challenge.map(|text| (WWW_AUTHENTICATE, text.parse().unwrap()));
            let headers = headers.into_iter().collect();
            check(Received { status: StatusCode::UNAUTHORIZED, headers, body: zeroize::Zeroizing::default() })
                .err()
        };
        assert_eq!(
            answered(Some("DPoP error=\"invalid_token\", algs=\"ES256\"")),
            Some(Failure::SessionEnded)
        );
        for other in [None, Some("Basic realm=\"proxy\""), Some("DPoP error=\"invalid_dpop_proof\"")] {
            assert_eq!(answered(other), Some(Failure::NotAccepted), "{other:?}");
        }
    }

    #[test]
    fn how_long_to_wait_is_what_the_hub_says_within_reason() {
        for (said, expected) in
            [(Some("2400"), 2400), (Some("1"), 1), (None, 60), (Some("soon"), 60), (Some("9999999"), 86_400)]
        {
            assert_eq!(wait(said), expected, "{said:?}");
        }
    }
}
