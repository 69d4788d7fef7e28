//! From the viewer to the provider, and from there back to the hub.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;

use super::asked::{self, Asked, Known, Program, Wrong};
use super::attempts::Spent;
use super::confirm::{OTHER_ORGANISATION, is_of_others, nobody_yet};
use super::grants::{Waiting, Waits};
use super::secrets::{self, Attempt};
use super::turns::Turn;
use super::{attempt, pages, see_other, sentence, set_cookie};
use crate::domain::Caller;
use crate::hub::proven::{self, Why};
use crate::hub::provider::{Asking, Down, Proven, Refused};
use crate::hub::serve::Peer;
use crate::hub::{Hub, limits, query};

/// `GET /authorize`: to the provider, if the question is one that can be answered.
pub(in crate::hub) async fn authorize(State(hub): State<Hub>, request: Request) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if let Some(address) = by_its_name(hub.issuer(), host, request.uri().query()) {
        return see_other(&address);
    }
    let known = Known { clients: hub.clients(), issuer: hub.issuer() };
    let asked = match Asked::of(request.uri().query(), known) {
        Ok(asked) => asked,
        Err(Wrong::Nowhere(words)) => {
            return pages::refusal(StatusCode::BAD_REQUEST, "This cannot be signed in to", words, None);
        }
        Err(Wrong::Back { redirect, state, error, words }) => {
            let what = [("error", error), ("error_description", words)];
            return see_other(&asked::answer(&redirect, hub.issuer(), state.as_deref(), &what));
        }
    };
    let Some(provider) = &hub.signing_in().provider else {
        let words = "This service is not connected to a sign-in page. Nobody can sign in until its operator has done that.";
        return turned_back(&hub, &asked, StatusCode::SERVICE_UNAVAILABLE, words, "temporarily_unavailable");
    };
    let now = hub.clock().now();
    let begun = async {
        let attempt = Attempt::begin(asked.clone(), now).ok_or(Down)?;
        let sealed = hub.signing_in().sealing.seal(&attempt).ok_or(Down)?;
        let back = back_address(&hub);
        let address = provider.address(&asking(&attempt, &back, now), asked.hint.as_deref(), now).await?;
        Ok::<_, Down>((address, sealed))
    };
    match in_time(tokio::time::Instant::now(), begun).await {
        Ok((address, sealed)) => {
            let mut response = see_other(&address);
            set_cookie(&hub, &mut response, Some(&sealed));
            response
        }
        Err(Down) => down(&hub, &asked),
    }
}

/// What the provider says, within the time that there is for all of it: then there is a page that says that it does not
/// answer, and no answer of a kind that only programs read.
async fn in_time<T, E: From<Down>>(
    begun: tokio::time::Instant,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let until = begun.checked_add(limits::PROVIDER_WHOLE).unwrap_or(begun);
    tokio::time::timeout_at(until, asked).await.unwrap_or(Err(Down.into()))
}

/// Added to the address where the browser was sent on by name: once, whatever a program in front makes of names.
const BY_NAME: &str = "by_name=1";

/// Where the browser goes first that came by another name of the hub's: the provider will send it to this one, and the
/// cookie would not come along.
fn by_its_name(issuer: &str, host: Option<&str>, query: Option<&str>) -> Option<String> {
    let (name, query) = (issuer.strip_prefix("https://")?, query?);
    let host = host?;
    let host = host.strip_suffix(":443").unwrap_or(host);
    let is_sent_on = query.split('&').any(|pair| pair == BY_NAME);
    (!host.eq_ignore_ascii_case(name) && !is_sent_on).then(|| format!("{issuer}/authorize?{query}&{BY_NAME}"))
}

fn back_address(hub: &Hub) -> String {
    format!("{}/sign-in/back", hub.issuer())
}

fn asking<'a>(attempt: &'a Attempt, back: &'a str, now: Timestamp) -> Asking<'a> {
    Asking {
        state: &attempt.state,
        nonce: &attempt.nonce,
        verifier: &attempt.verifier,
        back,
        afresh_since: attempt.asked.afresh.then(|| Timestamp::from_second(attempt.begun).unwrap_or(now)),
    }
}

/// A page that says why it does not go on, with the way back to the viewer.
pub(super) fn turned_back(
    hub: &Hub,
    asked: &Asked,
    status: StatusCode,
    words: &str,
    error: &'static str,
) -> Response {
    let back = asked::answer(&asked.redirect, hub.issuer(), Some(&asked.state), &[("error", error)]);
    let mut response =
        pages::refusal(status, "You are not signed in", words, Some((back_to(hub, asked), &back)));
    set_cookie(hub, &mut response, None);
    response
}

/// Where somebody goes back to, as people call it.
fn back_to<'a>(hub: &'a Hub, asked: &Asked) -> &'a str {
    match &asked.program {
        Program::Viewer { .. } => "the viewer",
        Program::Registered(id) => hub.clients().get(id).map_or("the program", |known| &known.name),
    }
}

fn down(hub: &Hub, asked: &Asked) -> Response {
    hub.metrics().provider_down();
    let words = "Your organisation's sign-in page does not answer at present. Try again in a few minutes; if it stays so, ring your IT service desk. If a child may be at risk now, ring children's social care.";
    turned_back(hub, asked, StatusCode::SERVICE_UNAVAILABLE, words, "temporarily_unavailable")
}

/// A page for a browser of which nobody knows what it began.
pub(super) fn stray(hub: &Hub, path: &str, why: &'static str, words: &str) -> Response {
    proven::note(hub, path, Why::SignIn(why));
    pages::refusal(StatusCode::BAD_REQUEST, "This sign-in cannot go on", words, None)
}

pub(super) const OVER: &str =
    "It was begun in another browser or window, has gone on already, or took too long.";

const ENDED: &str = "You have signed out at your organisation's sign-in page meanwhile.";

/// `GET /sign-in/back`: the browser comes from the provider.
pub(in crate::hub) async fn back(State(hub): State<Hub>, request: Request) -> Response {
    const PATH: &str = "/sign-in/back";
    let now = hub.clock().now();
    let pairs = query::pairs_within(request.uri().query(), limits::BACK_CHARACTERS).unwrap_or_default();
    let Some(attempt) = attempt(&hub, request.headers()) else {
        return stray(&hub, PATH, "sign-in-other-browser", OVER);
    };
    if !one(&pairs, "state").is_some_and(|state| secrets::same(state, &attempt.state)) {
        return stray(&hub, PATH, "sign-in-other-state", OVER);
    }
    if !attempt.is_in_time(now) {
        return stray(&hub, PATH, "sign-in-late", OVER);
    }
    if hub.signing_in().attempts.is_spent(&attempt.id) {
        return stray(&hub, PATH, "sign-in-again", OVER);
    }
    let Some(provider) = &hub.signing_in().provider else { return down(&hub, &attempt.asked) };
    let begun = tokio::time::Instant::now();
    match in_time(begun, provider.is_its_own(one(&pairs, "iss"), now)).await {
        Err(Down) => return down(&hub, &attempt.asked),
        Ok(true) if values(&pairs, "iss") <= 1 => {}
        Ok(_) => {
            let words = "The answer came from another sign-in page than the one that was asked.";
            return stray(&hub, PATH, "sign-in-other-issuer", words);
        }
    }
    let code = match (one(&pairs, "code"), values(&pairs, "error")) {
        (Some(code), 0) if !code.is_empty() => code,
        (None, 1..) if values(&pairs, "code") == 0 => {
            // The viewer says so.
            let error = said_there(one(&pairs, "error").unwrap_or_default());
            if error == "server_error" {
                proven::note(&hub, PATH, Why::SignIn("sign-in-error-there"));
            }
            let what = [("error", error)];
            let asked = &attempt.asked;
            let mut response =
                see_other(&asked::answer(&asked.redirect, hub.issuer(), Some(&asked.state), &what));
            set_cookie(&hub, &mut response, None);
            return response;
        }
        _ => return stray(&hub, PATH, "sign-in-unreadable", OVER),
    };
    let from = request.extensions().get::<Peer>().map(|peer| peer.0);
    come_back(&hub, &attempt, code, from, begun).await
}

/// With a code, which the provider changes for who it is.
async fn come_back(
    hub: &Hub,
    attempt: &Attempt,
    code: &str,
    from: Option<IpAddr>,
    begun: tokio::time::Instant,
) -> Response {
    const PATH: &str = "/sign-in/back";
    let Some(provider) = &hub.signing_in().provider else { return down(hub, &attempt.asked) };
    let now = hub.clock().now();
    // Before anything is asked there: whoever comes back twice causes one question, and one of them goes on.
    match hub.signing_in().attempts.spend(&attempt.id, from, now) {
        Spent::Now => {}
        Spent::Again => return stray(hub, PATH, "sign-in-again", OVER),
        Spent::TooMany => {
            proven::note(hub, PATH, Why::SignIn("sign-in-too-many"));
            let words =
                "Too many attempts to sign in from your network came to nothing. Try again in a minute.";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return turned_back(hub, &attempt.asked, status, words, "temporarily_unavailable");
        }
    }
    let back = back_address(hub);
    let asking = asking(attempt, &back, now);
    let exchanged = in_time(begun, provider.exchange(code, &asking, now)).await;
    if !matches!(exchanged, Err(Refused::Unproven(_))) {
        hub.signing_in().attempts.forgive(from);
    }
    let who = match &exchanged {
        Ok(proven) => Some(attempt.asked.by(nobody_yet(&proven.person))),
        Err(Refused::Known(_, who)) => Some(attempt.asked.by(who.as_ref().clone())),
        Err(Refused::Down | Refused::Unproven(_)) => None,
    };
    if let Some(refused) = too_often(hub, attempt, who).await {
        return refused;
    }
    match exchanged {
        Ok(proven) if is_of_others(hub, &attempt.asked, &proven.person) => {
            let who = Box::new(nobody_yet(&proven.person));
            refuse(hub, attempt, Refused::Known(OTHER_ORGANISATION, who)).await
        }
        Ok(proven) => go_on(hub, attempt, proven),
        Err(refused) => refuse(hub, attempt, refused).await,
    }
}

/// What somebody is told who signs in too often.
async fn too_often(hub: &Hub, attempt: &Attempt, who: Option<Caller>) -> Option<Response> {
    let who = who?;
    match hub.signing_in().turns.take(&who.user, hub.clock().now()) {
        Turn::Now => return None,
        Turn::TooOften => {
            let noted = hub.store().sign_in_refused(who, "too-often", attempt.asked.device()).await;
            if let Err(error) = noted {
                tracing::error!(%error, "a refused sign-in could not be written to the audit log");
            }
        }
        Turn::StillTooOften => {}
    }
    let words = "You have begun to sign in too often. Try again in ten minutes; if you did not begin it, tell your IT service desk.";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    Some(turned_back(hub, &attempt.asked, status, words, "temporarily_unavailable"))
}

fn go_on(hub: &Hub, attempt: &Attempt, proven: Proven) -> Response {
    let now = hub.clock().now();
    let form = secrets::unguessable();
    let (Some(form), Ok(until)) = (form, now.checked_add(limits::SIGN_IN_PAGE)) else {
        return down(hub, &attempt.asked);
    };
    let asked = attempt.asked.clone();
    let waiting = Waiting { asked, proven: std::sync::Arc::new(proven), form, until };
    match hub.signing_in().grants.wait(&attempt.id, waiting.clone(), now) {
        Waits::Now => {}
        Waits::HasEnded => return stray(hub, "/sign-in/back", "sign-in-ended", ENDED),
        Waits::TooMany => return super::confirm::busy(hub, &waiting),
    }
    // Another address: what the provider sent is not to stay in the browser's.
    see_other("/sign-in")
}

async fn refuse(hub: &Hub, attempt: &Attempt, refused: Refused) -> Response {
    match refused {
        Refused::Down => down(hub, &attempt.asked),
        Refused::Unproven(why) => {
            proven::note(hub, "/sign-in/back", Why::SignIn(why));
            let words = "What your organisation's sign-in page said could not be checked. Sign in again; if it stays so, ring your IT service desk.";
            turned_back(hub, &attempt.asked, StatusCode::FORBIDDEN, words, "server_error")
        }
        Refused::Known(why, who) => {
            let who = attempt.asked.by(*who);
            let noted = hub.store().sign_in_refused(who, why, attempt.asked.device()).await;
            match noted {
                Ok(_) => {
                    turned_back(hub, &attempt.asked, StatusCode::FORBIDDEN, sentence(why), "access_denied")
                }
                Err(error) => {
                    // Nothing is disclosed by it, and nobody is let in.
                    tracing::error!(%error, "a refused sign-in could not be written to the audit log");
                    down(hub, &attempt.asked)
                }
            }
        }
    }
}

/// What the viewer is told of an error of the provider's (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6): that somebody
/// cancelled, or may not; that it is busy; or that it and the hub do not understand each other.
fn said_there(error: &str) -> &'static str {
    match error {
        "access_denied"
        | "login_required"
        | "interaction_required"
        | "account_selection_required"
        | "consent_required"
        | "unmet_authentication_requirements" => "access_denied",
        "temporarily_unavailable" => "temporarily_unavailable",
        _ => "server_error",
    }
}

fn values(pairs: &[(String, String)], name: &str) -> usize {
    pairs.iter().filter(|(known, _)| known == name).count()
}

/// The value of a parameter that is there once.
pub(super) fn one<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_by_another_name_is_sent_on_once() {
        let sent = |host, query| by_its_name("https://hub.example", Some(host), Some(query));
        assert_eq!(sent("hub", "a=1").as_deref(), Some("https://hub.example/authorize?a=1&by_name=1"));
        assert_eq!(
            sent("hub.example:8443", "a").as_deref(),
            Some("https://hub.example/authorize?a&by_name=1")
        );
        assert_eq!(
            (sent("hub", "a=1&by_name=1"), sent("Hub.Example", "a"), sent("hub.example:443", "a")),
            (None, None, None)
        );
        assert_eq!(by_its_name("http://127.0.0.1:8470", Some("127.0.0.1:9"), Some("a")), None);
    }

    #[test]
    fn an_error_of_the_providers_is_told_as_what_it_is() {
        assert_eq!(said_there("access_denied"), "access_denied");
        assert_eq!(said_there("login_required"), "access_denied");
        assert_eq!(said_there("temporarily_unavailable"), "temporarily_unavailable");
        for ours in ["server_error", "invalid_scope", "unauthorized_client", "made up", ""] {
            assert_eq!(said_there(ours), "server_error", "{ours}");
        }
    }

    #[tokio::test]
    async fn a_provider_that_takes_too_long_is_one_that_does_not_answer() {
        let now = tokio::time::Instant::now();
        let long_ago = now.checked_sub(limits::PROVIDER_WHOLE).unwrap();
        assert_eq!(in_time(long_ago, std::future::pending::<Result<(), Down>>()).await, Err(Down));
        assert_eq!(in_time(now, async { Ok::<_, Down>(7) }).await, Ok(7));
        assert!(limits::PROVIDER_WHOLE < limits::SIGN_IN_ANSWER, "the page comes in time");
    }
}
