//! Sending somebody to the provider, and reading what comes back: a code, changed for an id token.

use jiff::Timestamp;
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreIdToken,
    CoreIdTokenClaims,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AuthType, AuthenticationContextClass, AuthorizationCode,
    ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, LoginHint, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, SubjectIdentifier, TokenResponse, UserInfoClaims, UserInfoError,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::age;
use super::http::Unanswered;
use super::person::{self, Claims, Person, Unclear};
use super::verify::{Fault, payload};
use super::{Down, For, Known, Provider};
use crate::domain::{Caller, text};
use crate::hub::limits;
use crate::hub::sessions::SessionTimes;

/// One turn at the provider: what it has to give back, and what proves that the hub asked.
#[derive(Clone)]
pub(in crate::hub) struct Asking<'a> {
    pub(in crate::hub) state: &'a str,
    pub(in crate::hub) nonce: &'a str,
    pub(in crate::hub) verifier: &'a str,
    /// Where the browser comes back to.
    pub(in crate::hub) back: &'a str,
    /// Since when it has to have happened, where the person is to show anew who they are.
    pub(in crate::hub) afresh_since: Option<Timestamp>,
}

/// Somebody whom the provider knows, as the hub wants it.
pub(in crate::hub) struct Proven {
    pub(in crate::hub) person: Person,
    /// Who they are at the provider, and in which session there.
    pub(in crate::hub) subject: String,
    pub(in crate::hub) session: Option<String>,
    pub(in crate::hub) id_token: String,
    pub(in crate::hub) times: SessionTimes,
    /// From when their time counts.
    pub(in crate::hub) since: Timestamp,
    /// When the provider said so, in seconds of its clock.
    pub(in crate::hub) issued: i64,
}

/// Why nobody is signed in.
#[derive(Clone)]
pub(in crate::hub) enum Refused {
    /// The provider cannot be asked.
    Down,
    /// What it says proves nobody: a word.
    Unproven(&'static str),
    /// It is somebody, and they are not let in: a word, and who.
    Known(&'static str, Box<Caller>),
}

impl From<Down> for Refused {
    fn from(_: Down) -> Self {
        Self::Down
    }
}

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// All that is said beyond what the library reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct More(Map<String, Value>);

impl AdditionalClaims for More {}

impl Provider {
    fn client(&self, known: &Known, back: &str) -> Option<Client> {
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = self.proof.secret().map(|secret| ClientSecret::new(secret.to_owned()));
        // A secret is shown as the provider takes it: in the header where it says nothing.
        let methods = known.metadata.token_endpoint_auth_methods_supported();
        let in_header =
            methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let way = if in_header { AuthType::BasicAuth } else { AuthType::RequestBody };
        let back = RedirectUrl::new(back.to_owned()).ok()?;
        let client = CoreClient::from_provider_metadata(known.metadata.clone(), id, secret);
        Some(client.set_redirect_uri(back).set_auth_type(way))
    }

    /// Where the browser goes to sign in.
    pub(in crate::hub) async fn address(
        &self,
        asking: &Asking<'_>,
        hint: Option<&str>,
        now: Timestamp,
    ) -> Result<String, Down> {
        let known = self.known(now).await?;
        let client = self.client(&known, asking.back).ok_or(Down)?;
        let (state, nonce) = (asking.state.to_owned(), asking.nonce.to_owned());
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let mut asked = client.authorize_url(flow, || CsrfToken::new(state), || Nonce::new(nonce));
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            asked = asked.add_scope(Scope::new(scope.clone()));
        }
        for acr in &self.settings.acr_values {
            asked = asked.add_auth_context_value(AuthenticationContextClass::new(acr.clone()));
        }
        if let Some(max_age) = age::asked(&self.settings) {
            asked = asked.set_max_age(max_age.unsigned_abs());
        }
        if asking.afresh_since.is_some() {
            asked = asked.add_prompt(CoreAuthPrompt::Login);
        }
        if let Some(hint) = hint {
            asked = asked.set_login_hint(LoginHint::new(hint.to_owned()));
        }
        if takes_challenges(&known) {
            let verifier = PkceCodeVerifier::new(asking.verifier.to_owned());
            asked = asked.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
        }
        let url: String = asked.url().0.into();
        if self.http.may_ask(&url) { Ok(url) } else { Err(Down) }
    }

    /// Whether an answer that came with this `iss` (or without one) is this provider's (RFC 9207).
    pub(in crate::hub) async fn is_its_own(&self, iss: Option<&str>, now: Timestamp) -> Result<bool, Down> {
        match iss {
            Some(iss) => Ok(iss == self.settings.issuer),
            None => {
                let known = self.known(now).await?;
                Ok(known.metadata.additional_metadata().authorization_response_iss_parameter_supported
                    != Some(true))
            }
        }
    }

    /// Changes a code for who has signed in.
    pub(in crate::hub) async fn exchange(
        &self,
        code: &str,
        asking: &Asking<'_>,
        now: Timestamp,
    ) -> Result<Proven, Refused> {
        let known = self.known(now).await?;
        let client = self.client(&known, asking.back).ok_or(Refused::Down)?;
        let (access, id_token) = self.tokens(&known, &client, code, asking, now).await?;
        let claims = match self.verify(&known, &id_token, asking.nonce, now) {
            // It may have new keys since, or another one under the same name.
            Err(fault @ (Fault::UnknownKey | Fault::NotGenuine)) => {
                let known = self.keys_again(For::SignIn, now).await;
                let known = known.ok_or(Refused::Unproven(fault.word()))?;
                self.verify(&known, &id_token, asking.nonce, now)
            }
            verified => verified,
        };
        let claims = claims.map_err(|fault| Refused::Unproven(fault.word()))?;
        let token = id_token.to_string();
        let said = payload(&token).ok_or(Refused::Unproven("id-token-unreadable"))?;
        self.check_payload(&said, now).map_err(Refused::Unproven)?;
        let more = self.more(&client, access, claims.subject(), now).await?;
        self.judge(&claims, said, more, token, asking.afresh_since, now)
    }

    async fn tokens(
        &self,
        known: &Known,
        client: &Client,
        code: &str,
        asking: &Asking<'_>,
        now: Timestamp,
    ) -> Result<(AccessToken, CoreIdToken), Refused> {
        let endpoint = known.metadata.token_endpoint().ok_or(Refused::Down)?;
        let ask = client.exchange_code(AuthorizationCode::new(code.to_owned()));
        let mut ask = ask.map_err(|_| Refused::Down)?;
        if takes_challenges(known) {
            ask = ask.set_pkce_verifier(PkceCodeVerifier::new(asking.verifier.to_owned()));
        }
        if let Some(assertion) = self.proof.assertion(&self.settings.client_id, endpoint.as_str(), now) {
            ask = ask
                .add_extra_param(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                )
                .add_extra_param("client_assertion", assertion);
        }
        let answer = ask.request_async(&self.http).await.map_err(|error| match error {
            RequestTokenError::Request(why) => self.unanswered(why, now),
            RequestTokenError::ServerResponse(_) => {
                self.warn("it refuses the code, or the hub's proof of itself", now);
                Refused::Unproven("code-refused")
            }
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
                Refused::Unproven("id-token-unreadable")
            }
        })?;
        let id_token = answer.id_token().cloned().ok_or(Refused::Unproven("id-token-missing"))?;
        // It is kept as long as the session, and goes into an address when that ends.
        if id_token.to_string().len() > limits::ID_TOKEN_BYTES {
            return Err(Refused::Unproven("id-token-too-long"));
        }
        Ok((answer.access_token().clone(), id_token))
    }

    /// What the provider says of the person besides.
    async fn more(
        &self,
        client: &Client,
        access: AccessToken,
        subject: &SubjectIdentifier,
        now: Timestamp,
    ) -> Result<Claims, Refused> {
        let Ok(ask) = client.user_info(access, Some(subject.clone())) else { return Ok(Claims::new()) };
        let said: Result<UserInfoClaims<More, CoreGenderClaim>, _> = ask.request_async(&self.http).await;
        let said = said.map_err(|error| match error {
            UserInfoError::Request(why) => self.unanswered(why, now),
            UserInfoError::ClaimsVerification(ClaimsVerificationError::InvalidSubject(_)) => {
                Refused::Unproven("user-info-other-person")
            }
            UserInfoError::ClaimsVerification(_)
            | UserInfoError::Parse(_)
            | UserInfoError::Response(..)
            | UserInfoError::Other(_)
            | _ => Refused::Unproven("user-info-unreadable"),
        })?;
        let said = serde_json::to_value(said).ok().and_then(|said| said.as_object().cloned());
        said.ok_or(Refused::Unproven("user-info-unreadable"))
    }

    fn unanswered(&self, why: Unanswered, now: Timestamp) -> Refused {
        self.warn(&why.to_string(), now);
        match why {
            Unanswered::Twice => Refused::Unproven("said-twice"),
            Unanswered::NotSecure
            | Unanswered::Unreachable
            | Unanswered::TooLarge
            | Unanswered::Crowded
            | Unanswered::Failed => Refused::Down,
        }
    }

    /// One line in a minute: strangers can cause it.
    fn warn(&self, reason: &str, now: Timestamp) {
        if let Some(times) = self.unanswered.due(now) {
            tracing::warn!(reason, times, "the provider gave nobody to sign in, last for this reason");
        }
    }

    /// Whether somebody who is known is let in.
    fn judge(
        &self,
        claims: &CoreIdTokenClaims,
        said: Claims,
        more: Claims,
        id_token: String,
        afresh_since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Proven, Refused> {
        let subject = claims.subject().to_string();
        let session = said.get("sid").and_then(Value::as_str).map(str::to_owned);
        let all = person::joined(said, more);
        let who = Box::new(somebody(all.as_ref().ok(), &subject));
        let refused = |why: &'static str| Refused::Known(why, who.clone());
        let all = all.map_err(|why| refused(why.word()))?;
        let acr = claims.auth_context_ref().map(|acr| acr.as_str()).unwrap_or_default();
        let level = self.settings.levels.iter().find(|level| level.acr == acr);
        let level = level.ok_or_else(|| refused("acr"))?;
        let shown = claims.auth_time().and_then(|at| Timestamp::from_second(at.timestamp()).ok());
        age::check(&self.settings, shown, level, afresh_since, now).map_err(refused)?;
        for demand in &self.settings.demands {
            let is_met = all.get(&demand.claim).is_some_and(|value| {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                demand.values.contains(&value)
            });
            if !is_met {
                return Err(refused("demand"));
            }
        }
        let person = Person::of(&all).map_err(|why| refused(why.word()))?;
        if let Some(selected) = &person.selected {
            person.role(selected).map_err(|why| refused(why.word()))?;
        }
        let times = SessionTimes { idle: level.idle, whole: level.whole };
        let issued = claims.issue_time().timestamp();
        Ok(Proven { person, subject, session, id_token, times, since: shown.unwrap_or(now).min(now), issued })
    }
}

fn takes_challenges(known: &Known) -> bool {
    let methods = known.metadata.additional_metadata().code_challenge_methods_supported.as_ref();
    methods.is_some_and(|methods| methods.iter().any(|method| method == "S256"))
}

/// Whom the audit log names where somebody is known and not let in.
fn somebody(claims: Option<&Claims>, subject: &str) -> Caller {
    let said = |name: &str| claims?.get(name)?.as_str().map(str::to_owned);
    let shown = |text: String| text::visible(&text).chars().take(200).collect::<String>();
    Caller {
        user: shown(said("nhsid_useruid").unwrap_or_else(|| subject.to_owned())),
        name: shown(said("name").unwrap_or_default()),
        role: String::new(),
        role_profile: String::new(),
        organisation_code: String::new(),
        organisation: String::new(),
        activities: Vec::new(),
        session: String::new(),
        client: None,
    }
}

impl Unclear {
    pub(in crate::hub) fn word(self) -> &'static str {
        match self {
            Self::Person => "person-unclear",
            Self::Roles => "roles-unclear",
            Self::NoRole => "no-role",
            Self::NotTheirs => "role-not-theirs",
            Self::Doubled => "role-doubled",
            Self::Contradiction => "claims-differ",
        }
    }
}
