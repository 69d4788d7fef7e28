//! Logout tokens (OpenID Connect Back-Channel Logout 1.0): the provider says that somebody's session there has ended.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::person::Claims;
use super::verify::payload;
use super::{For, Known, Provider};
use crate::hub::limits;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

const ALGORITHMS: [Algorithm; 7] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
];

/// Whose sessions have ended: a person's, or one of theirs.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::hub) struct Logout {
    pub(in crate::hub) subject: Option<String>,
    pub(in crate::hub) session: Option<String>,
    /// When the provider said so, in seconds of its clock.
    pub(in crate::hub) made: i64,
    /// The token's own name.
    pub(in crate::hub) id: String,
}

impl Logout {
    /// Whether it is about somebody of whom the provider said at this second of its clock that they are signed in: by
    /// session where both name one, by person otherwise, and then never about whoever signed in after it.
    pub(in crate::hub) fn is_of(&self, subject: &str, session: Option<&str>, issued: i64) -> bool {
        let is_person = self.subject.as_deref().map(|ended| ended == subject);
        match (self.session.as_deref(), session) {
            (Some(ended), Some(session)) => is_person.unwrap_or(true) && ended == session,
            (None, _) | (_, None) => is_person.unwrap_or(false) && issued <= self.made,
        }
    }
}

impl std::fmt::Debug for Logout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Logout(hidden)")
    }
}

/// Why a logout token ends nothing: a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum LogoutRefused {
    /// The provider's keys cannot be read.
    Down,
    /// The token.
    Token(&'static str),
}

/// The tokens that have ended what they are about, until they are too old to be shown. One that could not be written
/// is not among them: the provider sends it again.
#[derive(Debug, Default)]
pub(in crate::hub) struct LogoutTokens(Mutex<HashMap<String, i64>>);

impl LogoutTokens {
    /// Whether a token can be taken: it was not taken before. Of so many that none can be remembered, none can.
    fn admits(&self, id: &str, now: i64) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = limits::LOGOUT_AGE.as_secs().cast_signed().saturating_mul(2);
        seen.retain(|_, at| now.saturating_sub(*at) <= kept);
        seen.len() < limits::LOGOUTS_REMEMBERED && !seen.contains_key(id)
    }

    /// What it is about has ended, on disk.
    pub(in crate::hub) fn remember(&self, logout: &Logout, now: Timestamp) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(logout.id.clone(), now.as_second());
    }
}

impl Provider {
    /// Whose sessions a logout token ends.
    pub(in crate::hub) async fn logout(
        &self,
        token: &str,
        seen: &LogoutTokens,
        now: Timestamp,
    ) -> Result<Logout, LogoutRefused> {
        let known = self.known(now).await.map_err(|_| LogoutRefused::Down)?;
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("logout-not-genuine"))?;
        let kind = header.typ.as_deref().unwrap_or("JWT").to_ascii_lowercase();
        // As others say it who do not name the kind: then the event says what it is.
        if !["jwt", "logout+jwt", "application/logout+jwt"].contains(&kind.as_str()) {
            return Err(refused("logout-not-genuine"));
        }
        if !ALGORITHMS.contains(&header.alg) {
            return Err(refused("logout-not-genuine"));
        }
        // What it says comes first: whoever makes one up that would not be taken anyway causes no signature to be
        // reckoned, and no question to the provider.
        let claims = payload(token).ok_or(refused("logout-not-genuine"))?;
        let logout = self.judge_logout(&claims, seen, now.as_second()).map_err(refused)?;
        if let Err(why) = verified(&known, token, &header) {
            // It may have new keys since, or another one under the same name.
            let known = self.keys_again(For::Logout, now).await.ok_or(refused(why))?;
            verified(&known, token, &header).map_err(refused)?;
        }
        Ok(logout)
    }

    pub(super) fn judge_logout(
        &self,
        claims: &Claims,
        seen: &LogoutTokens,
        now: i64,
    ) -> Result<Logout, &'static str> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(self.settings.issuer.as_str()) {
            return Err("logout-other-issuer");
        }
        let client = self.settings.client_id.as_str();
        let is_ours = match claims.get("aud") {
            Some(Value::String(aud)) => aud == client,
            Some(Value::Array(all)) => all.iter().any(|aud| aud == client),
            _ => false,
        };
        if !is_ours {
            return Err("logout-other-audience");
        }
        let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);
        let (late, age) = (limits::PROVIDER_LEEWAY.as_secs_f64(), limits::LOGOUT_AGE.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "seconds of this century")]
        let at = now as f64;
        let is_now = seconds("iat").is_some_and(|made| made <= at + late && made >= at - age)
            && claims.get("exp").is_none_or(|_| seconds("exp").is_some_and(|until| at < until + late));
        if !is_now {
            return Err("logout-not-now");
        }
        let is_logout =
            claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object);
        // An id token, of which there are many about, must not end anything.
        if !is_logout || claims.contains_key("nonce") {
            return Err("logout-no-logout");
        }
        let (subject, session) = (text("sub").map(str::to_owned), text("sid").map(str::to_owned));
        if subject.is_none() && session.is_none() {
            return Err("logout-nobody");
        }
        let id = text("jti").filter(|id| !id.is_empty() && id.len() <= 200).ok_or("logout-no-id")?;
        if !seen.admits(id, now) {
            return Err("logout-replayed");
        }
        let made = seconds("iat").map_or(now, whole_second);
        Ok(Logout { subject, session, made, id: id.to_owned() })
    }
}

/// The second that a moment is in.
#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds of this century: its nearness to now was looked at"
)]
fn whole_second(moment: f64) -> i64 {
    moment.floor() as i64
}

fn refused(why: &'static str) -> LogoutRefused {
    LogoutRefused::Token(why)
}

/// Whether one of the provider's keys signed a token; what it says was read from it.
pub(super) fn verified(
    known: &Known,
    token: &str,
    header: &jsonwebtoken::Header,
) -> Result<(), &'static str> {
    let keys = &known.logout_keys;
    let key = match &header.kid {
        Some(id) => keys.find(id),
        None if keys.keys.len() == 1 => keys.keys.first(),
        None => None,
    };
    let key = DecodingKey::from_jwk(key.ok_or("logout-unknown-key")?).map_err(|_| "logout-unknown-key")?;
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let signed = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    signed.map(|_| ()).map_err(|_| "logout-not-genuine")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logout_is_about_a_session_where_both_name_one_and_about_a_person_otherwise() {
        let of = |subject: Option<&str>, session: Option<&str>| Logout {
            subject: subject.map(str::to_owned),
            session: session.map(str::to_owned),
            made: 1000,
            id: "1".to_owned(),
        };
        let (both, person, session) = (of(Some("a"), Some("s")), of(Some("a"), None), of(None, Some("s")));
        // A session that both name, whenever it began; and none of another person's.
        assert!(both.is_of("a", Some("s"), 2000) && session.is_of("a", Some("s"), 2000));
        assert!(!both.is_of("a", Some("t"), 1) && !both.is_of("b", Some("s"), 1));
        // The provider did not name the session when the person signed in.
        assert!(
            both.is_of("a", None, 1000) && !both.is_of("b", None, 1000) && !session.is_of("a", None, 1000)
        );
        // Whoever has signed in since is not signed out.
        assert!(person.is_of("a", Some("s"), 1000) && !person.is_of("a", Some("s"), 1001));
        assert!(!both.is_of("a", None, 1001) && !person.is_of("b", None, 1));
    }

    #[test]
    fn a_token_is_taken_again_until_what_it_is_about_has_ended() {
        let (seen, now) = (LogoutTokens::default(), Timestamp::from_second(1000).unwrap());
        let logout = Logout { subject: None, session: Some("s".to_owned()), made: 1000, id: "1".to_owned() };
        assert!(seen.admits("1", 1000) && seen.admits("1", 1000));
        seen.remember(&logout, now);
        assert!(!seen.admits("1", 1300) && seen.admits("2", 1300));
        assert!(seen.admits("1", 1601), "it is too old to be shown");
    }
}
