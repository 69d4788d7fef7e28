//! A connection's bytes within time: the headers of a request from their first byte, and the sending of an
//! answer from when the client stops taking it. Whoever is slower is cut off.
//!
//! Under TLS these are the bytes of the network, not those within: a record that drips holds nobody up.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use hyper::body::{Bytes, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::connections::{Place, UnderWay};
use super::limits;

/// A connection that is watched.
pub(super) struct Guarded {
    stream: TcpStream,
    place: Arc<Place>,
    /// What comes now is a request, and not the beginning of TLS.
    expects_requests: bool,
    head: Deadline,
    answer: Deadline,
    rest: Rest,
}

/// What is still sent by whoever was refused: read, and thrown away, since a connection that is closed over it takes the answer
/// with it.
#[derive(Default)]
struct Rest {
    has_said_all: bool,
    time: Deadline,
    read: usize,
}

/// A time that runs, or not. It takes no memory until it first does.
#[derive(Default)]
struct Deadline(Option<Pin<Box<Sleep>>>);

impl Deadline {
    fn start(&mut self, time: Duration) {
        if self.0.is_none() {
            self.0 = Some(Box::pin(tokio::time::sleep(time)));
        }
    }

    fn stop(&mut self) {
        self.0 = None;
    }

    /// Whether it is over; if it runs, the task is woken when it will be.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.0.as_mut().is_some_and(|sleep| sleep.as_mut().poll(context).is_ready())
    }
}

impl Guarded {
    /// The first bytes are there already.
    pub(super) fn new(stream: TcpStream, place: Arc<Place>) -> Self {
        Self {
            stream,
            place,
            expects_requests: false,
            head: Deadline::default(),
            answer: Deadline::default(),
            rest: Rest::default(),
        }
    }

    /// From now on the time for headers runs from their first byte.
    pub(super) fn expect_requests(&mut self) {
        self.expects_requests = true;
    }

    fn read_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut thrown_away = [0; 4096];
        self.rest.time.start(limits::LINGER);
        while self.rest.read < limits::LINGER_BYTES && !self.rest.time.is_over(context) {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.rest.read = self.rest.read.saturating_add(buffer.filled().len());
                }
                Poll::Ready(_) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn wrote(
        &mut self,
        context: &mut Context<'_>,
        wrote: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if wrote.is_pending() {
            self.answer.start(limits::WRITE);
            self.place.set_writing(true);
            if self.answer.is_over(context) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        wrote
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if !self.expects_requests {
            return read;
        }
        if self.place.has_request() {
            self.head.stop();
            return read;
        }
        if read.is_ready() {
            self.head.start(limits::HEADER_READ);
        } else if self.head.is_over(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(context, wrote)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Asked for when everything is written.
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        if self.answer.0.is_some() {
            self.answer.stop();
            self.place.set_writing(false);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.rest.has_said_all {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.rest.has_said_all = true;
        }
        if self.place.may_still_send() { self.read_rest(context) } else { Poll::Ready(Ok(())) }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.wrote(context, wrote)
    }
}

/// The body of an answer: its request is under way until all of it has been handed to the connection.
pub(super) struct Answering {
    body: Body,
    _under_way: UnderWay,
}

impl Answering {
    pub(super) fn new(body: Body, under_way: UnderWay) -> Self {
        Self { body, _under_way: under_way }
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
