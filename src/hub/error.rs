//! What a caller is told when there is no answer: an OperationOutcome of fixed words.
//!
//! No text of the request, of the database or of a library ever goes into it. What went wrong inside goes to
//! the log, once, under an error id that the answer carries.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use uuid::Uuid;

use super::proven::{Scheme, Why};
use super::respond;
use super::store::StoreError;
use crate::fhir::write;
use crate::identity::dpop::ProofError;
use crate::identity::token::TokenError;

const ERROR_ID: HeaderName = HeaderName::from_static("x-error-id");

/// One documented error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    issue: &'static str,
    code: &'static str,
    words: &'static str,
    error_id: Option<Uuid>,
    /// Seconds after which to ask again.
    retry_after: Option<u64>,
    /// How to prove who one is.
    challenge: Option<&'static str>,
}

impl ApiError {
    const fn new(status: StatusCode, issue: &'static str, code: &'static str, words: &'static str) -> Self {
        Self { status, issue, code, words, error_id: None, retry_after: None, challenge: None }
    }

    const NO_TOKEN: Self =
        Self::new(StatusCode::UNAUTHORIZED, "login", "ACCESS_DENIED", "No valid access token");
    const NO_PROOF: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "login",
        "ACCESS_DENIED",
        "No valid proof (DPoP) that the caller holds the access token's key",
    );
    const NO_CERTIFICATE_OF_IT: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "login",
        "ACCESS_DENIED",
        "The access token is bound to a client certificate, which has to be that of this connection",
    );
    const NO_NONCE: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "login",
        "ACCESS_DENIED",
        "The proof (DPoP) lacks the nonce of this answer: ask again with it",
    );
    pub(super) const NOT_ALLOWED: Self =
        Self::new(StatusCode::FORBIDDEN, "forbidden", "ACCESS_DENIED", "The role does not allow this");
    pub(super) const NO_CERTIFICATE: Self = Self::new(
        StatusCode::UNAUTHORIZED,
        "login",
        "ACCESS_DENIED",
        "Local authorities prove who they are with a client certificate",
    )
    // HTTP wants a challenge with each 401; of certificates there is no registered one.
    .challenging("Certificate");
    pub(super) const NO_AUTHORITY: Self = Self::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        "ACCESS_DENIED",
        "This certificate is of no local authority that the hub knows",
    );
    pub(super) const OTHER_AUTHORITY: Self = Self::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        "ACCESS_DENIED",
        "The file names another authority than the certificate: nothing of it was taken",
    );
    pub(super) const OTHER_RECEIPTS: Self = Self::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        "ACCESS_DENIED",
        "The receipts name another authority than the certificate: none was taken",
    );
    pub(super) const OTHER_NUMBERS: Self = Self::new(
        StatusCode::CONFLICT,
        "conflict",
        "OTHER_NUMBERS",
        "This notification is not known here under this number: ask without `after`, from the first without a receipt",
    );
    pub(super) const OTHER_REGISTER: Self = Self::new(
        StatusCode::CONFLICT,
        "conflict",
        "OTHER_REGISTER",
        "This authority is told with another register: only one link may hear. Where that one was lost or replaced, ask the hub's \
         operator to move to this one (`cpis-hub register`)",
    );
    pub(super) const NO_REGISTER: Self =
        Self::header("`X-Register` names the link's register: 32 hexadecimal digits in small letters");
    /// The last of a disk is for views.
    pub(super) const NO_ROOM: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "transient",
        "UNABLE_TO_CALL_SERVICE",
        "There is no room for this at present",
    );
    pub(super) const NOT_OPENED: Self = Self::new(
        StatusCode::FORBIDDEN,
        "forbidden",
        "ACCESS_DENIED",
        "The access history is given only within 30 minutes of one's own view of the plans",
    );
    pub(super) const NOT_KNOWN: Self =
        Self::new(StatusCode::NOT_FOUND, "not-found", "RESOURCE_NOT_FOUND", "This is not known here");
    pub(super) const ENDED: Self = Self::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "INVALIDATED_RESOURCE",
        "This NHS number is no longer in use",
    );
    /// A code of its own: a wrong address must not read as "this number is not known".
    pub(super) const NO_SUCH_ENDPOINT: Self = Self::new(
        StatusCode::NOT_FOUND,
        "not-supported",
        "NO_SUCH_ENDPOINT",
        "There is no such address here",
    );
    pub(super) const METHOD: Self = Self::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "not-supported",
        "METHOD_NOT_ALLOWED",
        "This method is not served at this address",
    );
    pub(super) const NOT_ACCEPTABLE: Self = Self::new(
        StatusCode::NOT_ACCEPTABLE,
        "not-supported",
        "NOT_ACCEPTABLE",
        "Answers are FHIR R4 in JSON and UTF-8, and nothing else",
    );
    pub(super) const UNSUPPORTED_MEDIA: Self = Self::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not-supported",
        "UNSUPPORTED_MEDIA_TYPE",
        "A body is JSON, and nothing else",
    );
    pub(super) const TOO_LARGE: Self =
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", "PAYLOAD_TOO_LARGE", "The request is too large");
    pub(super) const TOO_LATE: Self =
        Self::new(StatusCode::CONFLICT, "business-rule", "TOO_LATE", "The ten minutes for this are over");
    pub(super) const TIMED_OUT: Self = Self::new(
        StatusCode::REQUEST_TIMEOUT,
        "timeout",
        "UNABLE_TO_CALL_SERVICE",
        "The request was not complete, or could not be answered, in time",
    );
    pub(super) const BUSY: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "transient",
        "UNABLE_TO_CALL_SERVICE",
        "Too many requests are waiting: ask again",
    );
    pub(super) const UNHEALTHY: Self = Self::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "transient",
        "UNABLE_TO_CALL_SERVICE",
        "The database cannot be read or written at present",
    );
    const TOO_MANY_REQUESTS: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "throttled",
        "TOO_MANY_REQUESTS",
        "Too many requests of this user in a short time: ask again after the time in Retry-After",
    );
    const TOO_MANY_OPEN: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "throttled",
        "TOO_MANY_REQUESTS",
        "Too many requests without a token from this network: ask again after the time in Retry-After",
    );
    const TOO_MANY_SEARCHES: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "throttled",
        "TOO_MANY_REQUESTS",
        "This user has searched for too many people within an hour: ask again after the time in Retry-After, \
         or ask by NHS number",
    );
    const TOO_MANY_REPORTS: Self = Self::new(
        StatusCode::TOO_MANY_REQUESTS,
        "throttled",
        "TOO_MANY_REQUESTS",
        "Too many reports of this organisation within an hour: ask again after the time in Retry-After",
    );
    pub(super) const CONCERNS_BUSY: Self = Self {
        retry_after: Some(10),
        ..Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "transient",
            "UNABLE_TO_CALL_SERVICE",
            "Another privacy officer's report is being read: ask again",
        )
    };
    pub(super) const CONCERNS_TOO_MUCH: Self = Self::new(
        StatusCode::REQUEST_TIMEOUT,
        "timeout",
        "UNABLE_TO_CALL_SERVICE",
        "There is more in this period than can be read in the time: ask for a shorter one",
    );
    const FAILED: Self = Self::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "exception",
        "UNABLE_TO_CALL_SERVICE",
        "The request could not be answered",
    );

    /// A header of the request is missing or invalid.
    pub(super) const fn header(words: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "required", "PRECONDITION_FAILED", words)
    }

    pub(super) const fn invalid_search(words: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", "INVALID_SEARCH_DATA", words)
    }

    pub(super) const fn missing_value(words: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "required", "MISSING_VALUE", words)
    }

    pub(super) const fn invalid_value(words: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "value", "INVALID_VALUE", words)
    }

    pub(super) const ADDITIONAL: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "invalid",
        "ADDITIONAL_PROPERTIES",
        "A parameter is not known, or not supported here",
    );
    pub(super) const UNSUPPORTED: Self = Self::new(
        StatusCode::BAD_REQUEST,
        "processing",
        "UNSUPPORTED_SERVICE",
        "A search needs parameters: family and birthdate at least",
    );
    pub(super) const RESOURCE_ID: Self =
        Self::new(StatusCode::BAD_REQUEST, "value", "INVALID_RESOURCE_ID", "This is not a valid NHS number");

    /// Nobody proved who they are, with what they can do about it as RFC 9449 (7.1, 9) and RFC 6750 (3) say it.
    pub(super) fn of_nobody(why: Why, scheme: Scheme) -> Self {
        match why {
            Why::Missing => Self::NO_TOKEN.challenging("DPoP algs=\"ES256\""),
            Why::Certificate(_) => Self::NO_CERTIFICATE_OF_IT.challenging("Bearer error=\"invalid_token\""),
            Why::Token(
                TokenError::NotGenuine | TokenError::NotNow | TokenError::Incomplete | TokenError::Unbound,
            )
            | Why::Proof(ProofError::OtherKey)
            | Why::Ended
            | Why::UnknownSession
            | Why::Unread
            | Why::Refresh
            | Why::TooLong
            | Why::SignIn(_) => Self::NO_TOKEN.challenging(match scheme {
                Scheme::Dpop => "DPoP error=\"invalid_token\", algs=\"ES256\"",
                Scheme::Bearer => "Bearer error=\"invalid_token\"",
            }),
            Why::Proof(ProofError::NoNonce) => {
                Self::NO_NONCE.challenging("DPoP error=\"use_dpop_nonce\", algs=\"ES256\"")
            }
            Why::Proof(
                ProofError::Missing
                | ProofError::NotGenuine
                | ProofError::OtherRequest
                | ProofError::OtherToken
                | ProofError::NotNow
                | ProofError::Replayed
                | ProofError::Full,
            ) => Self::NO_PROOF.challenging("DPoP error=\"invalid_dpop_proof\", algs=\"ES256\""),
        }
    }

    const fn challenging(self, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// The caller asked too often: in whole seconds, rounded up, never none.
    pub(super) fn too_often(wait: Duration) -> Self {
        let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1);
        Self { retry_after: Some(seconds), ..Self::TOO_MANY_REQUESTS }
    }

    /// A network asks too often for what is open to everybody.
    pub(super) fn too_often_from_there(wait: Duration) -> Self {
        Self { retry_after: Self::too_often(wait).retry_after, ..Self::TOO_MANY_OPEN }
    }

    /// The caller's searches have come to their volume.
    pub(super) fn too_much_searched(wait: Duration) -> Self {
        Self { retry_after: Self::too_often(wait).retry_after, ..Self::TOO_MANY_SEARCHES }
    }

    /// The organisation has read as many reports as it may in an hour.
    pub(super) fn too_many_reports(wait: Duration) -> Self {
        Self { retry_after: Self::too_often(wait).retry_after, ..Self::TOO_MANY_REPORTS }
    }

    /// Something inside failed: logged here, once, and answered without detail.
    pub(super) fn inside(phase: &'static str, reason: &str) -> Self {
        let error_id = Uuid::new_v4();
        tracing::error!(error_id = %error_id, phase, reason, "a request failed inside the hub");
        Self { error_id: Some(error_id), ..Self::FAILED }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => {
                tracing::warn!("the writer's queue is full");
                Self::BUSY
            }
            StoreError::Failed { phase, reason } => Self::inside(phase, &reason),
            StoreError::Closed => Self::inside("store", "the store is closed"),
            StoreError::NoRoom => Self::inside("store", "no room for a load"),
            StoreError::LoadRefused(_) => Self::inside("store", "a load was refused"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = respond::fhir(self.status, &write::outcome(self.issue, self.code, self.words));
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        let is_busy = self.status == StatusCode::SERVICE_UNAVAILABLE;
        if let Some(seconds) = self.retry_after.or(is_busy.then_some(1)) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(id) = self.error_id.and_then(|id| HeaderValue::from_str(&id.to_string()).ok()) {
            headers.insert(ERROR_ID, id);
        }
        response
    }
}
