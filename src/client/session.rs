//! How a session goes on, and ends: the next access token, and signing out.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use tokio::sync::oneshot;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::since::Since;
use super::{HubClient, Keeps, errors, transfer};
use crate::domain::{Failure, SessionOver};
use crate::identity::dpop::ProofKey;
use std::sync::Arc;

const FORM: &str = "application/x-www-form-urlencoded";

/// Questions that one renewal or sign-out may take where nothing but the proof is wrong.
pub(super) const TRIES: usize = 3;

/// The hub gives the same tokens again for a minute; a question later than this might come too late.
const AGAIN_FOR: Duration = Duration::from_secs(50);

/// The pause before a renewal that went unanswered is asked for again: the first time none, and longer each time.
const PAUSE: Duration = Duration::from_millis(500);

/// Characters of an address at which to sign out.
const PAGE_CHARACTERS: usize = 500;

/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// What a grant gives.
#[derive(Deserialize)]
pub(super) struct Granted {
    access_token: String,
    token_type: String,
    expires_in: i64,
    refresh_token: String,
}

/// What came of signing out.
#[derive(Debug, PartialEq, Eq)]
pub struct SignedOut {
    /// The hub has heard it. Where it has not, it ends the session in time.
    pub is_heard: bool,
    /// A page of the hub's at which the browser signs out at the provider, too. Good once, and not for long.
    pub page: Option<String>,
}

#[derive(Deserialize)]
struct Revoked {
    end_session: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// What came of one question.
enum Asked {
    Granted(Granted),
    /// The proof alone was wrong: at once again, with what the answer says.
    OtherProof,
}

impl HubClient {
    /// Gets the next access token in place of this one, unless somebody else has got it meanwhile. It goes on by itself: who
    /// asked may have gone, and the hub may have given the next tokens already.
    pub(super) async fn renew(&self, stale: &str) -> Result<(), Failure> {
        let (said, hears) = oneshot::channel();
        let (client, stale) = (self.clone(), Zeroizing::new(stale.to_owned()));
        tokio::spawn(async move { client.renew_to_its_end(&stale, said).await });
        hears.await.unwrap_or(Err(Failure::HubFailed))
    }

    /// The same, without anybody who waits; not where one is under way.
    pub(super) fn renew_soon(&self) {
        if self.prover.renewing.try_lock().is_err() {
            return;
        }
        let (client, stale) = (self.clone(), self.prover.token());
        let (said, _) = oneshot::channel();
        tokio::spawn(async move { client.renew_to_its_end(&stale, said).await });
    }

    /// Says what has come of it as soon as whoever waits can do something with it.
    async fn renew_to_its_end(&self, stale: &str, said: oneshot::Sender<Result<(), Failure>>) {
        let _alone = self.prover.renewing.lock().await;
        let mut said = Some(said);
        let mut say = |result| {
            if let Some(said) = said.take() {
                // Whoever asked has gone.
                let _ = said.send(result);
            }
        };
        if self.prover.token().as_str() != stale {
            return say(Ok(()));
        }
        let begun = Instant::now();
        let mut pause = Duration::ZERO;
        loop {
            if self.prover.in_doubt_for().is_some_and(|doubt| doubt > AGAIN_FOR) {
                // The hub would take this token for a copy that somebody uses, and say so of whoever is signed in. The
                // session goes on there until it is idle, or somebody signs out.
                self.prover.conclude();
                return say(Err(Failure::SessionEnded));
            }
            let asked = Since::now();
            let failure = match self.renew_once().await {
                Ok(()) => return say(Ok(())),
                Err(failure) => failure,
            };
            if failure == Failure::SessionEnded {
                self.prover.end(SessionOver::Unsaid);
                return say(Err(failure));
            }
            if matches!(failure, Failure::CutShort | Failure::TimedOut | Failure::Unreadable) {
                self.prover.doubt(asked);
            }
            let is_in_doubt = self.prover.in_doubt_for().is_some();
            let is_first = pause.is_zero();
            if !is_first {
                say(Err(failure));
            }
            let is_worth_it = is_in_doubt || (is_first && failure == Failure::NoConnection);
            if !is_worth_it || self.prover.leaves() || begun.elapsed() + pause > AGAIN_FOR {
                return say(Err(failure));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).clamp(PAUSE, LONGEST_PAUSE);
        }
    }

    async fn renew_once(&self) -> Result<(), Failure> {
        for _ in 0..TRIES {
            let answered = self.ask_with_refresh("token", "grant_type=refresh_token&refresh_token=").await?;
            match granted(answered)? {
                Asked::Granted(granted) => {
                    return if self.take(granted).await { Ok(()) } else { Err(Failure::Unreadable) };
                }
                Asked::OtherProof => {}
            }
        }
        Err(Failure::HubFailed)
    }

    /// Whether something that is done here has to be told to the hub, with [`HubClient::tell_input`]: it ends a session in
    /// which nothing is done, and reading and typing ask it nothing.
    #[must_use]
    pub fn is_to_tell_input(&self) -> bool {
        self.prover.is_to_tell()
    }

    /// Whether nothing is asked until somebody does something: the token is spent, and nothing that goes on by itself renews.
    #[must_use]
    pub fn waits_for_input(&self) -> bool {
        self.session_is_over().is_none() && self.prover.is_spent()
    }

    /// Tells the hub that somebody is at the computer, by a renewal.
    pub async fn tell_input(&self) {
        let token = self.prover.token();
        if self.renew(&token).await.is_err() {
            // Not at each key that is pressed.
            tokio::time::sleep(LONGEST_PAUSE).await;
        }
        self.prover.has_told();
    }

    /// Gets a first access token for a session that was kept.
    ///
    /// # Errors
    /// Why not: the session has ended, or the hub does not answer.
    pub async fn resume(&self) -> Result<(), Failure> {
        let token = self.prover.token();
        self.renew(&token).await
    }

    /// Comes back when no renewal is under way: the hub may have given tokens that nobody has kept yet.
    pub async fn settled(&self) {
        drop(self.prover.renewing.lock().await);
    }

    /// From now on each new refresh token is kept there before it is used.
    pub fn keep_with(&self, keeper: Arc<dyn Keeps>) {
        // A second one would not know what the first has kept.
        let _ = self.prover.keeper.set(keeper);
    }

    /// What goes on with the session in another run of the program: the refresh token, and the key that it is bound to.
    #[must_use]
    pub fn kept(&self) -> Option<(Zeroizing<String>, ProofKey)> {
        self.prover.kept()
    }

    /// Ends the session at the hub: whatever was copied of it is of no use. Who has no connection is signed out here all the
    /// same; the hub ends the session in time.
    pub async fn sign_out(&self) -> SignedOut {
        self.prover.leave();
        if self.prover.is_over_there() {
            return SignedOut { is_heard: true, page: None };
        }
        let not_heard = SignedOut { is_heard: false, page: None };
        // It does not wait for a renewal that hangs: the hub takes the token before the current one as well.
        let ended = async {
            let mut pause = Duration::ZERO;
            loop {
                match self.ask_with_refresh("revoke", "token=").await {
                    Ok(answered) if answered.status == StatusCode::OK => {
                        return SignedOut { is_heard: true, page: self.page_of(&answered) };
                    }
                    Ok(answered) if refusal(&answered).is_some_and(|error| !is_of_proof(&error)) => {
                        return SignedOut { is_heard: false, page: None };
                    }
                    Err(Failure::SessionEnded) => return SignedOut { is_heard: true, page: None },
                    Ok(_) | Err(_) => {}
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).clamp(PAUSE, LONGEST_PAUSE);
            }
        };
        tokio::time::timeout(self.limits.whole, ended).await.unwrap_or(not_heard)
    }

    /// The page at which to sign out at the provider: the hub's own, and no other.
    fn page_of(&self, answered: &transfer::Received) -> Option<String> {
        let revoked: Revoked = serde_json::from_slice(&answered.body).ok()?;
        let own = format!("{}/sign-out?", self.prover.hub());
        revoked.end_session.filter(|page| page.starts_with(&own) && page.len() <= PAGE_CHARACTERS)
    }

    /// Keeps what was granted; says whether it is of the kind that a proof goes with.
    pub(super) async fn take(&self, granted: Granted) -> bool {
        let Granted { access_token, token_type, expires_in, refresh_token } = granted;
        let is_bound = token_type.eq_ignore_ascii_case("DPoP");
        if is_bound {
            // First: whoever ends this program between the two finds the new one, or the one before it, which the hub takes
            // for a minute as long as nobody has used the new one.
            if let Some(keeper) = self.prover.keeper.get() {
                keeper.keep(&refresh_token).await;
            }
            self.prover.renewed(access_token, refresh_token, expires_in);
        }
        is_bound
    }

    /// Asks with a form and a proof, without an access token.
    pub(super) async fn ask_with_form(
        &self,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<transfer::Received, Failure> {
        // As a query is written, so is a form.
        let mut written = self.address("", &[])?;
        written.query_pairs_mut().clear().extend_pairs(form);
        let body = Zeroizing::new(written.query().unwrap_or_default().to_owned());
        let request = self.http.request(Method::POST, self.address(path, &[])?).header("content-type", FORM);
        let mut request =
            request.body(body.to_string()).build().map_err(|error| errors::of_transfer(&error))?;
        self.prover.prove_with(&mut request, None)?;
        self.exchange(request).await
    }

    async fn ask_with_refresh(&self, path: &str, before: &str) -> Result<transfer::Received, Failure> {
        let request = self.http.request(Method::POST, self.address(path, &[])?).header("content-type", FORM);
        let mut request = request.build().map_err(|error| errors::of_transfer(&error))?;
        self.prover.ask_with_refresh(&mut request, before)?;
        self.exchange(request).await
    }
}

fn granted(answered: transfer::Received) -> Result<Asked, Failure> {
    if let Some(error) = refusal(&answered) {
        return match error.as_str() {
            error if is_of_proof(error) => Ok(Asked::OtherProof),
            "invalid_grant" => Err(Failure::SessionEnded),
            _ => Err(Failure::HubFailed),
        };
    }
    let granted = errors::check(answered)?;
    serde_json::from_slice(&granted.body).map(Asked::Granted).map_err(|_| Failure::Unreadable)
}

/// The word of a refusal in OAuth's manner.
pub(super) fn refusal(answered: &transfer::Received) -> Option<String> {
    if answered.status != StatusCode::BAD_REQUEST {
        return None;
    }
    let refused: Option<Refused> = serde_json::from_slice(&answered.body).ok();
    Some(refused.map_or_else(String::new, |refused| refused.error))
}

pub(super) fn is_of_proof(error: &str) -> bool {
    matches!(error, "use_dpop_nonce" | "invalid_dpop_proof")
}

#[cfg(test)]
mod tests {
    use super::super::{Access, Limits};
    use super::*;
    use crate::identity::dpop::ProofKey;

    /// At an address where nobody answers.
    fn client() -> HubClient {
        let access = Access::new(String::new(), ProofKey::generate().unwrap(), "http://127.0.0.1:1");
        let access = access.renewable("a.b".to_owned(), 600);
        HubClient::new("http://127.0.0.1:1", access, None, Limits::default(), &[]).unwrap()
    }

    #[test]
    fn a_reason_that_is_said_counts_more_than_none() {
        let client = client();
        for (said, known) in [
            (SessionOver::Unsaid, SessionOver::Unsaid),
            (SessionOver::Idle, SessionOver::Idle),
            (SessionOver::Unsaid, SessionOver::Idle),
            (SessionOver::Over, SessionOver::Idle),
        ] {
            client.prover.end(said);
            assert_eq!(client.session_is_over(), Some(known));
        }
    }

    #[tokio::test]
    async fn a_token_that_may_be_used_up_is_not_shown_when_it_would_be_taken_for_a_copy() {
        let (long, short) = (AGAIN_FOR + PAUSE, PAUSE);
        // Also where the steady clock stood still meanwhile, since the computer slept.
        for (steady, by_wall) in [(long, long), (short, long), (long, short)] {
            let late = client();
            late.prover.doubt(Since::ago(steady, by_wall));
            assert_eq!(late.renew("").await, Err(Failure::SessionEnded));
            assert_eq!(late.session_is_over(), Some(SessionOver::Unsaid));
        }
        // Not long ago, or not in doubt: it is asked, and nobody is there.
        let soon = client();
        soon.prover.doubt(Since::ago(short, short));
        assert_eq!(soon.renew("").await, Err(Failure::NoConnection));
        assert_eq!(soon.session_is_over(), None);
        soon.prover.renewed(String::new(), String::new(), 600);
        assert_eq!(soon.prover.in_doubt_for(), None);
    }

    #[test]
    fn only_a_page_of_the_hubs_own_signs_somebody_out_at_the_provider() {
        let page = |body: &str| {
            let answered = transfer::Received {
                status: StatusCode::OK,
                headers: reqwest::header::HeaderMap::new(),
                body: Zeroizing::new(body.as_bytes().to_vec()),
            };
            client().page_of(&answered)
        };
        let own = "http://127.0.0.1:1/sign-out?ticket=x";
        assert_eq!(page(&format!("{{\"end_session\":\"{own}\"}}")).as_deref(), Some(own));
        for other in [
            "http://127.0.0.1:11/sign-out?ticket=x",
            "http://127.0.0.1:1@evil.example/sign-out?ticket=x",
            "http://127.0.0.1:1/other",
            "https://evil.example/",
            "file:///etc/passwd",
            &format!("{own}{}", "x".repeat(PAGE_CHARACTERS)),
        ] {
            assert_eq!(page(&format!("{{\"end_session\":\"{other}\"}}")), None, "{other}");
        }
        assert_eq!((page("{}"), page(""), page("{\"end_session\":7}")), (None, None, None));
    }
}
