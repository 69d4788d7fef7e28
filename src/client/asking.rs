//! One question to the hub: with a token and a proof of its key, once more where only those were not good, and no answer
//! of a session that is over.

use std::sync::atomic::Ordering;

use reqwest::Method;

use super::{Audience, HubClient, errors, hub_time, transfer};
use crate::domain::{Failure, SessionOver};
use crate::fhir::codes;

/// Who wants to know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum AskedBy {
    /// Somebody at the computer, who did something for it.
    Person,
    /// The viewer by itself, now and then.
    Viewer,
}

impl HubClient {
    /// Whether hub and session are there, asked where no event stream says so.
    pub(super) async fn is_here(&self) -> bool {
        let Ok(address) = self.address("metadata", &[]) else { return false };
        self.send_for(AskedBy::Viewer, self.request(Method::GET, address, Audience::Plain)).await.is_ok()
    }

    /// Sends it with a proof; where the hub wants another proof, once more with that, within the same time. What was
    /// refused for its proof alone was not done.
    pub(super) async fn send(&self, request: reqwest::RequestBuilder) -> Result<transfer::Received, Failure> {
        self.send_for(AskedBy::Person, request).await
    }

    /// What the viewer asks by itself waits where the token has expired: it holds no session.
    pub(super) async fn send_for(
        &self,
        by: AskedBy,
        request: reqwest::RequestBuilder,
    ) -> Result<transfer::Received, Failure> {
        if self.session_is_over().is_some() {
            return Err(Failure::SessionEnded);
        }
        let request = request.build().map_err(|error| errors::of_transfer(&error))?;
        let asked = async {
            if by == AskedBy::Viewer && self.prover.is_spent() {
                return Err(Failure::Unattended);
            }
            if by == AskedBy::Person && self.prover.is_old() && !self.prover.is_spent() {
                // What is asked does not wait for the next token: this one is good.
                self.renew_soon();
            } else if by == AskedBy::Person && self.prover.is_old() {
                // Where it fails otherwise, the old one may still do: what is asked says what becomes of it.
                let renewed = self.renew(&self.prover.token()).await;
                if renewed == Err(Failure::SessionEnded) {
                    return Err(Failure::SessionEnded);
                }
            }
            let token = self.prover.token();
            let answered = self.send_proved(&request).await?;
            if !self.prover.wants_renewal(&answered) {
                return Ok(answered);
            }
            if by == AskedBy::Viewer {
                // Nothing that the viewer does by itself is a sign of somebody at work: whoever is there next renews.
                self.prover.is_refused(&token);
                return Err(Failure::Unattended);
            }
            self.renew(&token).await?;
            let answered = self.send_proved(&request).await?;
            // The session goes on, and the hub does not take what it has just given: that is a fault of the hub.
            if self.prover.wants_renewal(&answered) { Err(Failure::HubFailed) } else { Ok(answered) }
        };
        let answered = tokio::time::timeout(self.limits.whole, asked).await;
        let checked = answered.unwrap_or(Err(Failure::TimedOut)).and_then(errors::check);
        match (&checked, by) {
            (Err(Failure::SessionEnded), _) => self.prover.end(SessionOver::Unsaid),
            (Ok(_), AskedBy::Person) => self.prover.told(),
            (Ok(_), AskedBy::Viewer) | (Err(_), _) => {}
        }
        checked
    }

    /// With a proof; and where that alone was refused, once more with what the refusal says.
    pub(super) async fn send_proved(
        &self,
        request: &reqwest::Request,
    ) -> Result<transfer::Received, Failure> {
        let first = self.send_once(request.try_clone().ok_or(Failure::NotAccepted)?).await?;
        if !self.prover.wants_another(&first) {
            return Ok(first);
        }
        self.send_once(request.try_clone().ok_or(Failure::NotAccepted)?).await
    }

    async fn send_once(&self, mut request: reqwest::Request) -> Result<transfer::Received, Failure> {
        self.prover.prove(&mut request)?;
        self.exchange(request).await
    }

    pub(super) async fn exchange(&self, request: reqwest::Request) -> Result<transfer::Received, Failure> {
        let received = transfer::exchange(&self.http, request, self.limits).await?;
        if received.header(codes::SYNTHETIC).is_some_and(|value| value == "true") {
            self.synthetic.store(true, Ordering::Relaxed);
        }
        self.prover.learn(&received, hub_time(&received).ok());
        Ok(received)
    }
}
