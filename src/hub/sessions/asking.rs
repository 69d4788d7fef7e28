//! What is asked at the two addresses where tokens are given and ended, and how they refuse.

use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::hub::clients::{self, CertificateError};
use crate::hub::error::ApiError;
use crate::hub::metrics::Shed;
use crate::hub::proven::{self, Why};
use crate::hub::store::{SessionHeld, StoreError};
use crate::hub::{Hub, limits, own, query, respond};
use crate::identity::binding::Binding;
use crate::identity::dpop::{ProofError, Thumbprint, Wanted};

/// Letters of one parameter: the form's own length is limited.
const FORM_CHARACTERS: usize = limits::FORM_BYTES;

/// What was asked at one of the two addresses.
pub(super) struct Asking {
    pub(super) parts: Parts,
    pub(super) form: Vec<(String, String)>,
}

/// A refusal in the words of RFC 6749 (5.2) and RFC 9449.
pub(in crate::hub) enum Refused {
    Api(ApiError),
    OAuth(&'static str, &'static str),
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Api(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Api(error) => error.into_response(),
            Self::OAuth(error, words) => {
                let body = json!({ "error": error, "error_description": words });
                respond::json(StatusCode::BAD_REQUEST, &body)
            }
        }
    }
}

pub(in crate::hub) const INVALID_REQUEST: Refused =
    Refused::OAuth("invalid_request", "The body must be a form with the documented parameters, each once");
pub(in crate::hub) const INVALID_GRANT: Refused =
    Refused::OAuth("invalid_grant", "The session has ended, or is not known here: sign in again");

/// Goes on whether or not the caller still waits: what is on disk of a session has to be known here, too.
pub(in crate::hub) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::spawn(work).await.unwrap_or(Err(StoreError::Closed))
}

/// Reads the form. Of whose session it is comes next, and only then the proof: a stranger causes no signature to be
/// reckoned, and no proof to be remembered.
pub(super) async fn asking(hub: &Hub, request: Request) -> Result<Asking, Refused> {
    if !hub.store().has_room(false) {
        hub.metrics().shed(Shed::Others);
        return Err(ApiError::BUSY.into());
    }
    let (parts, body) = request.into_parts();
    let is_form = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    });
    // Anybody can send one, and while it arrives they have a place.
    let body = tokio::time::timeout(limits::FORM, own::whole(body, limits::FORM_BYTES));
    let body = body.await.map_err(|_| INVALID_REQUEST)?;
    let body = body.inspect_err(|error| note_too_long(hub, parts.uri.path(), error))?;
    let text = std::str::from_utf8(&body).map_err(|_| INVALID_REQUEST)?;
    let form = query::pairs_within(Some(text), FORM_CHARACTERS).map_err(|_| INVALID_REQUEST)?;
    if is_form { Ok(Asking { parts, form }) } else { Err(INVALID_REQUEST) }
}

/// Notes that a form was too long, where it was.
pub(in crate::hub) fn note_too_long(hub: &Hub, path: &str, error: &ApiError) {
    if *error == ApiError::TOO_LARGE {
        proven::note(hub, path, Why::TooLong);
    }
}

/// The key of whoever asks. A proof of another than the expected one is not remembered: nothing is ever given for it, and
/// whoever makes keys would fill the memory.
pub(in crate::hub) fn proved(
    hub: &Hub,
    parts: &Parts,
    expected: Option<&Thumbprint>,
) -> Result<Thumbprint, Refused> {
    let now = hub.clock().now();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let wanted = Wanted { method, path, token: None, remembered: expected };
    let proof = proven::proof(&parts.headers).ok_or(ProofError::Missing);
    proof.and_then(|proof| hub.proofs().check(proof, &wanted, now)).map_err(|why| {
        if why == ProofError::Full {
            hub.metrics().shed(Shed::Proofs);
            return ApiError::BUSY.into();
        }
        proven::note(hub, parts.uri.path(), Why::Proof(why));
        match why {
            ProofError::NoNonce => Refused::OAuth(
                "use_dpop_nonce",
                "The proof lacks the nonce of this answer: ask again with it",
            ),
            ProofError::Missing
            | ProofError::NotGenuine
            | ProofError::OtherKey
            | ProofError::OtherRequest
            | ProofError::OtherToken
            | ProofError::NotNow
            | ProofError::Replayed
            | ProofError::Full => Refused::OAuth("invalid_dpop_proof", "No valid proof (DPoP) of a key"),
        }
    })
}

/// What a refresh token is shown with: a proof where its session is bound to a key, and the connection's certificate where it is
/// bound to one. Neither stands for the other. Any other certificate is one that is not the session's, whoever has it; the
/// session's own has to be that of its program still.
pub(super) fn bound(
    hub: &Hub,
    parts: &Parts,
    form: &[(String, String)],
    held: &SessionHeld,
) -> Result<Binding, Refused> {
    let key = match &held.binding {
        Binding::Key(key) => key,
        Binding::Certificate(_) => {
            let shown = clients::shown(parts).map_err(|why| no_client(hub, parts, why))?;
            if shown != held.binding {
                return Ok(shown);
            }
            let client = held.caller.client.as_deref().unwrap_or_default();
            let is_another = form.iter().any(|(name, value)| name == "client_id" && value != client);
            let by = if is_another {
                Err(CertificateError::OfNoClient)
            } else {
                clients::shown_by(hub.clients(), parts, client)
            };
            return by.map_err(|why| no_client(hub, parts, why));
        }
    };
    proved(hub, parts, Some(key)).map(Binding::Key)
}

/// Notes that a program did not prove what it is.
pub(in crate::hub) fn no_client(hub: &Hub, parts: &Parts, why: CertificateError) -> Refused {
    proven::note(hub, parts.uri.path(), Why::Certificate(why));
    Refused::OAuth("invalid_client", "A registered program proves itself with its own client certificate")
}

/// How an access token is shown that is bound so.
pub(in crate::hub) fn shown_as(binding: &Binding) -> &'static str {
    match binding {
        Binding::Key(_) => "DPoP",
        Binding::Certificate(_) => "Bearer",
    }
}

/// Notes that a refresh token was nobody's.
pub(super) fn nobody(hub: &Hub, path: &str) -> Refused {
    proven::note(hub, path, Why::Refresh);
    INVALID_GRANT
}

/// The value of a parameter that is there once.
pub(super) fn one<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut values = form.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    values.next().filter(|_| values.next().is_none())
}
