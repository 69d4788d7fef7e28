//! The page after the provider: who signs in, in which role, at which computer. Only a press on it gives a code, so that
//! a silent program cannot ride on somebody's open session at the provider.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::asked::{Asked, Program};
use super::begin::{OVER, one, stray, turned_back};
use super::grants::{Grant, Waiting};
use super::{asked, attempt, pages, secrets, see_other, sentence, set_cookie};
use crate::domain::Caller;
use crate::hub::provider::{Person, Role};
use crate::hub::store::Origin;
use crate::hub::{Hub, limits, own, query};
use crate::identity::refresh::RefreshToken;

const PATH: &str = "/sign-in";

/// `GET /sign-in`: the page.
pub(in crate::hub) async fn show(State(hub): State<Hub>, request: Request) -> Response {
    let attempt = attempt(&hub, request.headers());
    let waiting = attempt.and_then(|attempt| hub.signing_in().grants.waiting(&attempt.id, hub.clock().now()));
    match waiting {
        Some(waiting) => question(&hub, &waiting, false),
        None => stray(&hub, PATH, "sign-in-other-browser", OVER),
    }
}

fn question(hub: &Hub, waiting: &Waiting, lacks_role: bool) -> Response {
    let issuer = hub.issuer();
    let number;
    let (program, roles) = match &waiting.asked.program {
        Program::Viewer { key, device } => {
            number = key.short();
            (pages::Program::Viewer { device, number: &number }, waiting.proven.person.roles.clone())
        }
        Program::Registered(id) => {
            let name = hub.clients().get(id).map_or("", |known| &known.name);
            let all = waiting.proven.person.roles.iter();
            let theirs = all.filter(|role| is_theirs(hub, &waiting.asked, role));
            (pages::Program::Registered(name), theirs.cloned().collect())
        }
    };
    pages::question(&pages::Question {
        hub: issuer.split_once("://").map_or(issuer, |(_, host)| host),
        person: &waiting.proven.person,
        roles: &roles,
        program,
        form: &waiting.form,
        redirect: &waiting.asked.redirect,
        lacks_role,
        is_synthetic: hub.is_synthetic(),
    })
}

/// `POST /sign-in`: what was pressed.
pub(in crate::hub) async fn answer(State(hub): State<Hub>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let attempt = attempt(&hub, &parts.headers);
    let now = hub.clock().now();
    let waiting = attempt.as_ref().and_then(|attempt| hub.signing_in().grants.waiting(&attempt.id, now));
    let (Some(attempt), Some(waiting)) = (attempt, waiting) else {
        return stray(&hub, PATH, "sign-in-other-browser", OVER);
    };
    let body = tokio::time::timeout(limits::FORM, own::whole(body, limits::FORM_BYTES)).await;
    let form = match &body {
        Ok(Ok(body)) => std::str::from_utf8(body).ok(),
        Ok(Err(_)) | Err(_) => None,
    };
    let form = form.and_then(|form| query::pairs_within(Some(form), limits::PAGE_CHARACTERS).ok());
    let form = form.unwrap_or_default();
    let is_ours = is_from_here(&parts.headers, hub.issuer())
        && one(&form, "form").is_some_and(|form| secrets::same(form, &waiting.form));
    if !is_ours {
        return stray(&hub, PATH, "sign-in-forged", "The answer did not come from the page that asked.");
    }
    match one(&form, "answer") {
        Some("no") => decline(&hub, &attempt.id, &waiting).await,
        Some("sign-in") => accept(&hub, &attempt.id, &waiting, one(&form, "role")).await,
        Some(_) | None => question(&hub, &waiting, false),
    }
}

/// Whether the browser says that the hub's own page sent this. Every browser says of a form where it comes from; what
/// else there is to say of it, not all do.
fn is_from_here(headers: &HeaderMap, issuer: &str) -> bool {
    let says = |name: &str, fits: &dyn Fn(&str) -> bool| {
        headers.get_all(name).iter().all(|value| value.to_str().is_ok_and(fits))
    };
    headers.contains_key(header::ORIGIN)
        && says(header::ORIGIN.as_str(), &|origin| origin == issuer)
        && says("sec-fetch-site", &|site| site == "same-origin")
}

async fn decline(hub: &Hub, attempt: &str, waiting: &Waiting) -> Response {
    if !hub.signing_in().grants.answered(attempt) {
        return stray(hub, PATH, "sign-in-again", OVER);
    }
    let who = waiting.asked.by(nobody_yet(&waiting.proven.person));
    if let Err(error) = hub.store().sign_in_refused(who, "declined", waiting.asked.device()).await {
        tracing::error!(%error, "a declined sign-in could not be written to the audit log");
    }
    to_viewer(hub, waiting, &[("error", "access_denied")])
}

async fn accept(hub: &Hub, attempt: &str, waiting: &Waiting, picked: Option<&str>) -> Response {
    let person = &waiting.proven.person;
    let Some(id) = person.selected.as_deref().or(picked) else { return question(hub, waiting, true) };
    let why = match person.role(id) {
        Ok(role) if is_theirs(hub, &waiting.asked, role) => {
            let role = role.clone();
            return give(hub, attempt, waiting, &role, person.selected.is_none()).await;
        }
        Ok(_) => OTHER_ORGANISATION,
        Err(why) => why.word(),
    };
    hub.signing_in().grants.answered(attempt);
    let who = waiting.asked.by(nobody_yet(person));
    if let Err(error) = hub.store().sign_in_refused(who, why, waiting.asked.device()).await {
        tracing::error!(%error, "a refused sign-in could not be written to the audit log");
    }
    turned_back(hub, &waiting.asked, StatusCode::FORBIDDEN, sentence(why), "access_denied")
}

/// Why somebody is not let in who has no role where the program is.
pub(super) const OTHER_ORGANISATION: &str = "other-organisation";

/// Whether a role is one in which somebody may sign in here: through a registered program only one of its organisation.
fn is_theirs(hub: &Hub, asked: &Asked, role: &Role) -> bool {
    match &asked.program {
        Program::Viewer { .. } => true,
        Program::Registered(id) => {
            hub.clients().get(id).is_some_and(|known| known.organisation_code == role.organisation_code)
        }
    }
}

/// Whether nobody in any role that they could choose may sign in through this program. Of a selected role that cannot be read
/// the page says so.
pub(super) fn is_of_others(hub: &Hub, asked: &Asked, person: &Person) -> bool {
    match person.selected.as_deref().map(|id| person.role(id)) {
        Some(Ok(role)) => !is_theirs(hub, asked, role),
        Some(Err(_)) => false,
        None => !person.roles.iter().any(|role| is_theirs(hub, asked, role)),
    }
}

/// Gives the program a code for a session in this role.
async fn give(hub: &Hub, attempt: &str, waiting: &Waiting, role: &Role, is_picked: bool) -> Response {
    let busy = || busy(hub, waiting);
    if !hub.signing_in().grants.answered(attempt) {
        return stray(hub, PATH, "sign-in-again", OVER);
    }
    let (now, proven) = (hub.clock().now(), &waiting.proven);
    let session = uuid::Uuid::new_v4().simple().to_string();
    let mut caller = waiting.asked.by(Caller { session: session.clone(), ..proven.person.caller(role) });
    // A role can have hundreds of codes, and a token carries what is left of them.
    caller.activities.retain(|activity| hub.rights().names(*activity));
    if is_picked && let Err(error) = hub.store().role_picked(caller.clone(), proven.person.roles.len()).await
    {
        tracing::error!(%error, "a picked role could not be written to the audit log");
        return busy();
    }
    let (Ok(code), Ok(until)) = (RefreshToken::first(&session), now.checked_add(limits::CODE)) else {
        return busy();
    };
    let provider = hub.signing_in().provider.as_ref().map(|provider| provider.settings().issuer.clone());
    let origin = Origin {
        provider: provider.unwrap_or_default(),
        subject: proven.subject.clone(),
        session: proven.session.clone(),
        id_token: proven.id_token.clone(),
        code: code.hash(),
        device: waiting.asked.device(),
    };
    let (asked, times, since, issued) = (waiting.asked.clone(), proven.times, proven.since, proven.issued);
    if !hub.signing_in().grants.give(Grant { asked, caller, times, since, issued, origin, until }, now) {
        return busy();
    }
    to_viewer(hub, waiting, &[("code", code.secret().as_str())])
}

pub(super) fn busy(hub: &Hub, waiting: &Waiting) -> Response {
    let words =
        "The service has too much to do at present, or cannot write to its log. Try again in a moment.";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    turned_back(hub, &waiting.asked, status, words, "temporarily_unavailable")
}

fn to_viewer(hub: &Hub, waiting: &Waiting, what: &[(&str, &str)]) -> Response {
    let asked = &waiting.asked;
    let mut response = see_other(&asked::answer(&asked.redirect, hub.issuer(), Some(&asked.state), what));
    set_cookie(hub, &mut response, None);
    response
}

/// The person, in no role.
pub(super) fn nobody_yet(person: &Person) -> Caller {
    Caller {
        user: person.user.clone(),
        name: person.name.clone(),
        role: String::new(),
        role_profile: String::new(),
        organisation_code: String::new(),
        organisation: String::new(),
        activities: Vec::new(),
        session: String::new(),
        client: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_where_it_comes_from_and_that_is_here() {
        let from = |headers: &[(&'static str, &'static str)]| {
            let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
            is_from_here(&pairs.collect::<HeaderMap>(), "https://hub.example")
        };
        assert!(from(&[("origin", "https://hub.example")]));
        assert!(from(&[("origin", "https://hub.example"), ("sec-fetch-site", "same-origin")]));
        assert!(!from(&[]) && !from(&[("sec-fetch-site", "same-origin")]));
        for other in ["null", "http://hub.example", "https://hub.example:444", "https://evil.example"] {
            assert!(!from(&[("origin", other)]), "{other}");
        }
        assert!(!from(&[("origin", "https://hub.example"), ("sec-fetch-site", "cross-site")]));
    }
}
