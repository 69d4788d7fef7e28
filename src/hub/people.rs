//! The demographics endpoints: search and retrieve, in the shape of the national service.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Hub;
use super::error::ApiError;
use super::frame::{self, DEMOGRAPHICS};
use super::headers::TraceHeaders;
use super::proven::{self, Proven};
use super::query;
use super::rates::Asked;
use super::respond;
use super::store::{Found, Refusal, Retrieved, SearchOutcome};
use crate::domain::{Caller, NhsNumber, SearchPermit};
use crate::fhir::write;

/// `GET /personal-demographics/FHIR/R4/Patient`
pub(super) async fn search(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let trace = TraceHeaders::read(&headers)?;
    answer_search(&hub, &caller, &trace, query.as_deref()).await
}

async fn answer_search(
    hub: &Hub,
    caller: &Caller,
    trace: &TraceHeaders,
    query: Option<&str>,
) -> Result<Response, ApiError> {
    let permit = permit(hub, caller, "search", None, trace).await?;
    let people = query::person(query)?;
    let audited = hub.store().search(permit, people, trace.request.to_string(), hub.limits().volume).await?;
    let mut response = match audited.value() {
        SearchOutcome::Found(found) => {
            let found: Vec<_> =
                found.iter().map(|found| (found.candidate.clone(), found.postcode.clone())).collect();
            frame::searchset(hub, DEMOGRAPHICS, "Patient", query, write::people(&found, audited.at()))
        }
        // As published: 200 with an OperationOutcome.
        SearchOutcome::TooMany => respond::fhir(
            StatusCode::OK,
            &write::outcome(
                "multiple-matches",
                "TOO_MANY_MATCHES",
                "Too many people match: nobody is returned",
            ),
        ),
        SearchOutcome::VolumeReached(wait) => {
            proven::refuse(hub, caller, Asked::SearchVolume).await;
            return Err(ApiError::too_much_searched(*wait));
        }
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// `GET /personal-demographics/FHIR/R4/Patient/{number}`
pub(super) async fn retrieve(
    State(hub): State<Hub>,
    Proven(caller): Proven,
    headers: HeaderMap,
    number: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let trace = TraceHeaders::read(&headers)?;
    // What is not even an address is no number: empty.
    let number = number.map(|Path(number)| number).unwrap_or_default();
    answer_retrieve(&hub, &caller, &trace, &number, query.as_deref()).await
}

async fn answer_retrieve(
    hub: &Hub,
    caller: &Caller,
    trace: &TraceHeaders,
    number: &str,
    query: Option<&str>,
) -> Result<Response, ApiError> {
    // Ten digits as they are: separators are for people, not for addresses.
    let number = NhsNumber::parse(number).ok().filter(|_| number.len() == 10).ok_or(ApiError::RESOURCE_ID)?;
    if !query::pairs(query)?.is_empty() {
        return Err(ApiError::ADDITIONAL);
    }
    let permit = permit(hub, caller, "retrieve", Some(number), trace).await?;
    let audited = hub.store().retrieve(permit, number, trace.request.to_string()).await?;
    let mut response = match audited.value() {
        Retrieved::Person(found) => {
            let Found { candidate, postcode } = found.as_ref();
            let patient = write::patient(&candidate.person, postcode.as_deref());
            let version = patient.meta.as_ref().and_then(|meta| meta.version_id.as_deref());
            let tag = version.and_then(|version| HeaderValue::from_str(&format!("W/\"{version}\"")).ok());
            let mut response = respond::fhir(StatusCode::OK, &patient);
            if let Some(tag) = tag {
                // For whoever compares. `If-None-Match` is not heeded: to say "unchanged" is a disclosure too.
                response.headers_mut().insert(header::ETAG, tag);
            }
            response
        }
        Retrieved::NotKnown => ApiError::NOT_KNOWN.into_response(),
        Retrieved::Ended => ApiError::ENDED.into_response(),
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// The right to search.
async fn permit(
    hub: &Hub,
    caller: &Caller,
    asked: &'static str,
    number: Option<NhsNumber>,
    trace: &TraceHeaders,
) -> Result<SearchPermit, ApiError> {
    let refusal = Refusal { asked, number, request: trace.request.to_string() };
    frame::permitted(hub, caller, SearchPermit::of(caller, hub.rights()), refusal).await
}
