//! `GET /events`: one stream of Server-Sent Events for a viewer in which somebody is signed in. It says every few seconds
//! that hub and session are there, and at once when the session has ended, and why. It says nothing of anybody.
//!
//! It lasts as long as the session: no time for requests or connections ends it, only the hub's stop, a client that does
//! not take it, and a newer stream of the same session.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Bytes, Frame};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::time::{Interval, MissedTickBehavior};

use super::connections::Streaming;
use super::error::ApiError;
use super::metrics::Shed;
use super::proven::Proven;
use super::sessions::Listening;
use super::{Hub, limits};

/// The address.
pub(super) const EVENTS: &str = "/events";

/// Proxies of a common make hold an answer back until it is large, unless it says this.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The stream of the caller's session.
pub(super) async fn events(State(hub): State<Hub>, Proven(caller): Proven) -> Response {
    let Some(listening) = hub.sessions().listen(&caller.session) else {
        hub.metrics().shed(Shed::Streams);
        return ApiError::BUSY.into_response();
    };
    let mut heartbeat = tokio::time::interval(limits::EVENT_HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let stream = Stream { hub, listening, heartbeat, has_ended: false };
    let mut response = Response::new(Body::new(stream));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    response.extensions_mut().insert(Streaming);
    response
}

struct Stream {
    hub: Hub,
    listening: Listening,
    heartbeat: Interval,
    has_ended: bool,
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.listening.hear).poll(context) {
            Poll::Ready(Ok(by)) => {
                self.has_ended = true;
                let said = format!("event: ended\ndata: {{\"by\":\"{}\"}}\n\n", by.word());
                return Poll::Ready(Some(Ok(Frame::data(said.into()))));
            }
            // Another stream took its place, or the hub stops.
            Poll::Ready(Err(_)) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        match self.heartbeat.poll_tick(context) {
            Poll::Ready(_) => {
                let said = Bytes::from_static(b"event: here\ndata: {}\n\n");
                Poll::Ready(Some(Ok(Frame::data(said))))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.listening.hear.try_recv() == Err(TryRecvError::Empty) {
            self.hub.sessions().forget(&self.listening);
        }
    }
}
