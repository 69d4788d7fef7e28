//! `POST /exchange/uploads`: a file over HTTPS. Nothing of it is applied before all of it is there, counted, and taken under its number.

use std::io;
use std::pin::Pin;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::arrival::{Arrival, Received, has_room};
use super::{Sender, tell};
use crate::exchange::codes;
use crate::hub::error::ApiError;
use crate::hub::{Hub, limits, negotiation, respond};

/// `POST /exchange/uploads`
pub(in crate::hub) async fn receive(
    State(hub): State<Hub>,
    sender: Sender,
    request: Request,
) -> Result<Response, ApiError> {
    negotiation::check_body(request.headers())?;
    let announced = request.body().size_hint().lower();
    if announced > limits::UPLOAD_BYTES {
        return Err(ApiError::TOO_LARGE);
    }
    if !has_room(&hub, announced) {
        return Err(ApiError::NO_ROOM);
    }
    let _place = hub.uploads().place(&sender).ok_or(ApiError::BUSY)?;
    let mut arrival = Arrival::begin(&hub, &sender);
    carry(&hub, request.into_body(), &mut arrival).await?;
    let audited = arrival.whole(&hub, &sender).await?;
    let mut response = match audited.value() {
        Received::Waits { sequence } => accepted(*sequence),
        Received::Refused(what, at) => tell::at_once(what, *at)?,
        Received::OtherAuthority { .. } => return Err(ApiError::OTHER_AUTHORITY),
    };
    respond::mark(&mut response, &audited);
    Ok(response)
}

/// Hands over each part of a body, in time.
async fn carry(hub: &Hub, mut body: Body, arrival: &mut Arrival) -> Result<(), ApiError> {
    loop {
        let next = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context));
        let Ok(next) = tokio::time::timeout(limits::UPLOAD_QUIET, next).await else {
            arrival.broken_off(io::ErrorKind::TimedOut).await;
            return Err(ApiError::TIMED_OUT);
        };
        match next {
            None => return Ok(()),
            Some(Ok(frame)) => {
                let Ok(part) = frame.into_data() else { continue };
                arrival.part(hub, part).await?;
            }
            Some(Err(_)) => {
                arrival.broken_off(io::ErrorKind::ConnectionReset).await;
                return Err(ApiError::invalid_value("The body did not arrive as announced"));
            }
        }
    }
}

/// It is on disk; what becomes of it is told at its own address.
fn accepted(sequence: u32) -> Response {
    let mut response = respond::json(StatusCode::ACCEPTED, &json!({ "sequence": sequence }));
    let location = format!("{}/{sequence}", codes::UPLOADS);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.headers_mut().insert(HeaderName::from_static("retry-after"), HeaderValue::from_static("1"));
    response
}
