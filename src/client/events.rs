//! The event stream: that hub and session are there, and at once that the session is over. It is opened again whenever it
//! breaks or falls silent, for as long as the session lasts.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use tokio::time::Instant;

use super::transfer::Received;
use super::{Audience, HubClient, errors, hub_time};
use crate::domain::{Failure, SessionOver};

/// Without a word for so long the stream is given up, and another one opened before whoever holds it covers what is shown.
/// The hub says something every five seconds.
pub const SILENCE: Duration = Duration::from_millis(6500);

/// Time for opening one.
const OPENING: Duration = Duration::from_secs(2);

/// The pause where questions are answered, but there is no stream.
const ASKED_EVERY: Duration = Duration::from_secs(4);

/// How long one stream may last: longer than any session.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause before it is opened again; longer each time that it could not be.
const PAUSE: Duration = Duration::from_millis(250);

/// The longest of these pauses: well within [`SILENCE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Bytes of one event; the hub's have fifty.
const EVENT_BYTES: usize = 4096;

#[derive(Deserialize)]
struct Ended {
    by: String,
}

impl HubClient {
    /// Holds the stream until the session is over; `here` is called at each sign of hub and session, `waits` when there are
    /// none before somebody does something.
    pub async fn follow(&self, here: impl Fn(), waits: impl Fn()) {
        let (mut pause, mut is_waiting) = (PAUSE, false);
        while self.session_is_over().is_none() && !self.prover.leaves() {
            match self.open_events().await {
                Ok(stream) => {
                    is_waiting = false;
                    let begun = Instant::now();
                    // Where it was silent for as long as that, no time is left for a pause.
                    if self.listen(stream, &here).await || begun.elapsed() >= SILENCE {
                        pause = PAUSE;
                    }
                }
                Err(Failure::SessionEnded) => self.prover.end(SessionOver::Unsaid),
                Err(Failure::Unattended) if !is_waiting => {
                    is_waiting = true;
                    waits();
                }
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            // No stream, as behind a proxy that holds it back or at a hub that has no room for it: a question that is
            // answered says the same, only not at once.
            let is_here = tokio::time::timeout(OPENING, self.is_here());
            if self.session_is_over().is_none() && is_here.await == Ok(true) {
                here();
                pause = ASKED_EVERY;
            }
        }
    }

    /// Opens it. Where the token has expired that waits until somebody is at the computer again: it renews nothing.
    async fn open_events(&self) -> Result<Response, Failure> {
        if self.prover.is_spent() {
            return Err(Failure::Unattended);
        }
        let token = self.prover.token();
        let (mut head, mut stream) = self.open_once().await?;
        if self.prover.wants_another(&head) {
            (head, stream) = self.open_once().await?;
        }
        if self.prover.wants_renewal(&head) {
            // Whoever is at the computer next renews, and hears whether the session is over.
            self.prover.is_refused(&token);
            return Err(Failure::Unattended);
        }
        errors::check(head).map(|_| stream)
    }

    async fn open_once(&self) -> Result<(Received, Response), Failure> {
        let request = self.request(Method::GET, self.address("events", &[])?, Audience::Plain);
        let request = request.header("accept", "text/event-stream").timeout(LONGEST);
        let mut request = request.build().map_err(|error| errors::of_transfer(&error))?;
        self.prover.prove(&mut request)?;
        let opened = tokio::time::timeout(OPENING.min(self.limits.whole), self.fresh.execute(request));
        let stream = opened.await.map_err(|_| Failure::TimedOut)?;
        let stream = stream.map_err(|error| errors::of_transfer(&error))?;
        let head = Received {
            status: stream.status(),
            headers: stream.headers().clone(),
            body: zeroize::Zeroizing::default(),
        };
        self.prover.learn(&head, hub_time(&head).ok());
        Ok((head, stream))
    }

    /// Listens until it breaks, falls silent or says that the session is over; says whether anything was heard.
    async fn listen(&self, mut stream: Response, here: &impl Fn()) -> bool {
        let (mut read, mut has_heard) = (Vec::new(), false);
        if stream.status() != StatusCode::OK {
            return false;
        }
        // Only a word that says that hub and session are there gives more time, and no other bytes do.
        let mut until = Instant::now() + SILENCE;
        while let Ok(Ok(Some(bytes))) = tokio::time::timeout_at(until, stream.chunk()).await {
            read.extend_from_slice(&bytes);
            while let Some(event) = take_event(&mut read) {
                match said(&event) {
                    Said::Here => {
                        has_heard = true;
                        until = Instant::now() + SILENCE;
                        here();
                    }
                    Said::Ended(over) => {
                        self.prover.end(over);
                        return true;
                    }
                    Said::Nothing => {}
                }
            }
            if read.len() > EVENT_BYTES {
                break;
            }
        }
        has_heard
    }
}

/// What an event says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Here,
    Ended(SessionOver),
    /// Of a kind that is not known, or a comment.
    Nothing,
}

/// The first whole event, without the empty line behind it.
pub(super) fn take_event(read: &mut Vec<u8>) -> Option<String> {
    let end = read.windows(2).position(|two| two == b"\n\n")?;
    let event = read.drain(..end + 2).collect::<Vec<_>>();
    Some(String::from_utf8_lossy(&event).trim_end().to_owned())
}

pub(super) fn said(event: &str) -> Said {
    let field = |name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim_start)
    };
    match field("event") {
        Some("here") => Said::Here,
        Some("ended") => {
            let ended = field("data").and_then(|data| serde_json::from_str::<Ended>(data).ok());
            Said::Ended(ended.map_or(SessionOver::Unsaid, |ended| SessionOver::of_word(&ended.by)))
        }
        Some(_) | None => Said::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_given_up_and_another_opened_before_ten_seconds_are_over() {
        assert!(SILENCE > Duration::from_secs(5), "longer than the hub is silent");
        assert!(
            SILENCE + PAUSE + OPENING < Duration::from_secs(10),
            "shorter than until what is shown is covered"
        );
    }

    #[test]
    fn events_are_read_however_they_are_cut_and_what_is_not_known_says_nothing() {
        let all = b"event: here\ndata: {}\n\n: a comment\n\nevent: ended\ndata: {\"by\":\"idle\"}\n\nevent: ended\n\n";
        let (mut read, mut heard) = (Vec::new(), Vec::new());
        for byte in all {
            read.push(*byte);
            while let Some(event) = take_event(&mut read) {
                heard.push(said(&event));
            }
        }
        let ended = [Said::Ended(SessionOver::Idle), Said::Ended(SessionOver::Unsaid)];
        assert_eq!(heard, [Said::Here, Said::Nothing].into_iter().chain(ended).collect::<Vec<_>>());
        assert!(read.is_empty());
    }
}
