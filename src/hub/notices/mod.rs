//! Notifications over HTTPS: the authority's link asks, says up to which one it has them, and sends receipts of what it
//! has done with them. Its client certificate is the one authority; nobody gets another's.

#[cfg(feature = "demo")]
mod inside;
mod watch;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Hub;
use super::error::ApiError;
use super::own;
use super::query;
use super::respond;
use super::store::{Given, NoticesAsk as Ask, Page};
use super::uploads::{Sender, caller};
use crate::exchange::codes::REGISTER;
use crate::exchange::notice::{self, Heading, Mark, NoticeId, RegisterId};

pub(super) use watch::keep;

/// What a link asks. What cannot be meant is refused, never taken as the beginning.
fn asked(query: Option<&str>) -> Result<Ask, ApiError> {
    let (mut after, mut id) = (None, None);
    for (name, value) in query::pairs(query)? {
        match name.as_str() {
            "after" if after.is_none() => {
                let number =
                    value.parse::<u32>().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()));
                after = Some(number.ok_or(ApiError::invalid_value("`after` is a whole number"))?);
            }
            "id" if id.is_none() => {
                let read = NoticeId::parse(&value);
                id = Some(read.ok_or(ApiError::invalid_value("`id` is not the id of a notification"))?);
            }
            _ => return Err(ApiError::ADDITIONAL),
        }
    }
    match (after, id) {
        (None, None) => Ok(Ask::Unfiled),
        (Some(number), None) => Ok(Ask::Again(number)),
        (Some(number), Some(id)) => Ok(Ask::Behind(Mark { number, id })),
        (None, Some(_)) => Err(ApiError::missing_value("`id` needs `after`")),
    }
}

/// With which register a link asks.
fn register(headers: &HeaderMap) -> Result<RegisterId, ApiError> {
    let mut all = headers.get_all(REGISTER).iter();
    let (Some(one), None) = (all.next(), all.next()) else { return Err(ApiError::NO_REGISTER) };
    one.to_str().ok().and_then(RegisterId::parse).ok_or(ApiError::NO_REGISTER)
}

/// `GET /exchange/notifications`
pub(super) async fn give(
    State(hub): State<Hub>,
    sender: Sender,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let register = register(&headers)?;
    let ask = asked(query.as_deref())?;
    let code = sender.code().to_owned();
    // Asked every few seconds by everybody: only what is to be written goes through the writer.
    if let Some(given) = hub.store().notices_idle(code.clone(), Some(register.clone()), ask.clone()).await? {
        return told(&hub, &code, &given);
    }
    let audited = hub.store().notices(caller(&code), code.clone(), Some(register), ask).await?;
    let mut response = told(&hub, &code, audited.value())?;
    respond::mark(&mut response, &audited);
    Ok(response)
}

fn told(hub: &Hub, code: &str, given: &Given) -> Result<Response, ApiError> {
    let page = match given {
        Given::Page(page) => page,
        Given::OtherNumbers => {
            tracing::warn!(authority = code, "a link has notifications that this database does not know");
            return Err(ApiError::OTHER_NUMBERS);
        }
        Given::OtherRegister => return Err(ApiError::OTHER_REGISTER),
    };
    Ok(document(hub, code, page))
}

/// The document of notifications that an authority is given, whichever way it goes.
pub(in crate::hub) fn written(hub: &Hub, code: &str, page: &Page) -> Vec<u8> {
    let heading = Heading {
        source: hub.issuer().to_owned(),
        authority_code: code.to_owned(),
        last: page.last,
        unfiled: page.unfiled.clone(),
        not_over: page.not_over,
    };
    notice::write_items(&heading, &page.notices, hub.clock().now())
}

fn document(hub: &Hub, code: &str, page: &Page) -> Response {
    let mut response = written(hub, code, page).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(respond::FHIR_JSON));
    response
}

/// `POST /exchange/notifications/filed`
pub(super) async fn filed(
    State(hub): State<Hub>,
    sender: Sender,
    request: Request,
) -> Result<Response, ApiError> {
    let register = register(request.headers())?;
    let body = own::body(request).await?;
    let receipts = notice::read_receipts(&body)
        .map_err(|_| ApiError::invalid_value("This is no document with receipts of the documented shape"))?;
    if receipts.authority_code != sender.code() {
        tracing::error!(authority = sender.code(), "receipts name another authority than their certificate");
        return Err(ApiError::OTHER_RECEIPTS);
    }
    let audited = hub.store().notices_filed_with(caller(sender.code()), register, receipts).await?;
    let filed = audited.value().as_ref().ok_or(ApiError::OTHER_REGISTER)?;
    let told = json!({ "noted": filed.noted, "known": filed.known, "unknown": filed.unknown });
    let mut response = respond::json(StatusCode::OK, &told);
    respond::mark(&mut response, &audited);
    Ok(response)
}
