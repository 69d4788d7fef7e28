//! Signing in as a native program does (RFC 8252): an address for the system's browser, what comes back from there, and the
//! code changed for tokens that are bound to a key of this session's own.

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, Url};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::session::{Granted, TRIES, is_of_proof, refusal};
use super::{Access, Audience, HubClient, Limits, Named, errors};
use crate::domain::{Failure, NotSignedIn, Right, SignedInPerson};
use crate::identity::dpop::ProofKey;

const CLIENT: &str = "cpis-viewer";

/// Bytes of a secret that nobody guesses.
const SECRET_BYTES: usize = 32;

/// A sign-in that is under way. `Debug` shows nothing of it.
pub struct SigningIn {
    client: HubClient,
    issuer: String,
    redirect: String,
    state: String,
    verifier: Zeroizing<String>,
    address: Url,
    number: String,
    afresh: bool,
}

impl std::fmt::Debug for SigningIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningIn(hidden)")
    }
}

/// What the browser brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Brought {
    /// A code.
    Code(Zeroizing<String>),
    /// The answer is that there is none.
    Refused(NotSignedIn),
    /// Not an answer to this sign-in: whoever sent it is not heard.
    Stray,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
}

#[derive(Deserialize)]
struct Begun {
    #[serde(flatten)]
    granted: Granted,
    person: PersonWire,
    /// The provider has asked again who it is. A hub that does not know the question leaves it out.
    #[serde(default)]
    fresh: bool,
}

#[derive(Deserialize)]
struct PersonWire {
    id: String,
    name: String,
    role: String,
    organisation: String,
    organisation_code: String,
    rights: Vec<String>,
}

impl SigningIn {
    /// One that was begun, for a fuzz target.
    #[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
    pub(super) fn for_fuzzing() -> Option<Self> {
        let (issuer, state) = ("https://hub.example", "state");
        let access = Access::new(String::new(), ProofKey::generate().ok()?, issuer);
        Some(Self {
            client: HubClient::new(issuer, access, None, Limits::default(), &[]).ok()?,
            issuer: issuer.to_owned(),
            redirect: "http://127.0.0.1:4711/signed-in".to_owned(),
            state: state.to_owned(),
            verifier: Zeroizing::new(String::new()),
            address: Url::parse(issuer).ok()?,
            number: String::new(),
            afresh: false,
        })
    }

    /// Asks the hub where to sign in. The browser comes back to this port of this computer; `device` is what the person
    /// calls it.
    ///
    /// # Errors
    /// The hub does not answer, or is another than the configured one.
    pub async fn begin(
        hub: Named<'_>,
        site: Option<String>,
        limits: Limits,
        authorities: &[CertificateDer<'static>],
        port: u16,
        device: &str,
    ) -> Result<Self, NotSignedIn> {
        let key = ProofKey::generate().map_err(|_| NotSignedIn::Hub(Failure::NotAccepted))?;
        let issuer = hub.known_as.trim_end_matches('/').to_owned();
        let (thumbprint, number) = (key.thumbprint().as_str().to_owned(), key.thumbprint().short());
        let access = Access::new(String::new(), key, &issuer);
        let client =
            HubClient::new(hub.address, access, site, limits, authorities).map_err(NotSignedIn::Hub)?;
        let metadata = client.sign_in_metadata().await.map_err(NotSignedIn::Hub)?;
        let mut address = Url::parse(&metadata.authorization_endpoint).map_err(|_| NotSignedIn::OtherHub)?;
        let is_its = metadata.authorization_endpoint.starts_with(&format!("{issuer}/"));
        if metadata.issuer != issuer || !is_its {
            return Err(NotSignedIn::OtherHub);
        }
        let secret = || secret().ok_or(NotSignedIn::Hub(Failure::NotAccepted));
        let (state, verifier) = (secret()?.to_string(), secret()?);
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref());
        let redirect = format!("http://127.0.0.1:{port}/signed-in");
        address.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", &redirect),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("dpop_jkt", &thumbprint),
            ("device", device),
        ]);
        Ok(Self { client, issuer, redirect, state, verifier, address, number, afresh: false })
    }

    /// Tells the organisation's provider whom to expect.
    #[must_use]
    pub fn of(mut self, hint: &str) -> Self {
        self.address.query_pairs_mut().append_pair("login_hint", hint);
        self
    }

    /// Has the organisation's provider ask again who it is, even if it knows. The browser's address can be edited by whoever
    /// sits there: it is demanded again, of the hub itself, when the code is changed.
    #[must_use]
    pub fn afresh(mut self) -> Self {
        self.afresh = true;
        self.address.query_pairs_mut().append_pair("prompt", "login");
        self
    }

    /// Where the browser goes.
    #[must_use]
    pub fn address(&self) -> &str {
        self.address.as_str()
    }

    /// The number that the hub's page shows for this sign-in, too.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }

    /// Reads what the browser asked for: the path and query of its request.
    #[must_use]
    pub fn read(&self, target: &str) -> Brought {
        let Some(target) = Url::parse("http://127.0.0.1").ok().and_then(|base| base.join(target).ok()) else {
            return Brought::Stray;
        };
        let one = |name: &str| {
            let mut values = target.query_pairs().filter(|(known, _)| known == name).map(|(_, value)| value);
            values.next().filter(|_| values.next().is_none())
        };
        if target.path() != "/signed-in" || one("state").as_deref() != Some(&self.state) {
            return Brought::Stray;
        }
        if one("iss").as_deref() != Some(&self.issuer) {
            return Brought::Refused(NotSignedIn::OtherHub);
        }
        match (one("code"), one("error").as_deref()) {
            (Some(code), None) if !code.is_empty() => Brought::Code(Zeroizing::new(code.into_owned())),
            (_, Some("access_denied")) => Brought::Refused(NotSignedIn::Denied),
            (_, Some("temporarily_unavailable")) => Brought::Refused(NotSignedIn::NotAvailable),
            (_, _) => Brought::Refused(NotSignedIn::Refused),
        }
    }

    /// Changes the code for tokens.
    ///
    /// # Errors
    /// The hub refused, or did not answer.
    pub async fn finish(self, code: &str) -> Result<(HubClient, SignedInPerson), NotSignedIn> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("client_id", CLIENT),
            ("code_verifier", &self.verifier),
        ];
        form.extend(self.afresh.then_some(("prompt", "login")));
        for _ in 0..TRIES {
            let answered = self.client.ask_with_form("token", &form).await.map_err(NotSignedIn::Hub)?;
            if let Some(error) = refusal(&answered) {
                if is_of_proof(&error) {
                    continue;
                }
                return Err(NotSignedIn::Refused);
            }
            let begun = errors::check(answered).map_err(NotSignedIn::Hub)?;
            let begun: Begun =
                serde_json::from_slice(&begun.body).map_err(|_| NotSignedIn::Hub(Failure::Unreadable))?;
            let Begun { granted, person, fresh } = begun;
            if !self.client.take(granted).await {
                return Err(NotSignedIn::Hub(Failure::Unreadable));
            }
            if self.afresh && !fresh {
                // A hub that did not look: whose session it is nobody has shown here.
                self.client.sign_out().await;
                return Err(NotSignedIn::Refused);
            }
            return Ok((self.client, person.read()));
        }
        Err(NotSignedIn::Refused)
    }
}

impl PersonWire {
    fn read(self) -> SignedInPerson {
        SignedInPerson {
            user: self.id,
            rights: self.rights.iter().filter_map(|word| Right::from_word(word)).collect(),
            name: self.name,
            role: self.role,
            organisation: self.organisation,
            organisation_code: self.organisation_code,
        }
    }
}

impl HubClient {
    async fn sign_in_metadata(&self) -> Result<Metadata, Failure> {
        let address = self.address(".well-known/oauth-authorization-server", &[])?;
        let request =
            self.request(Method::GET, address, Audience::Plain).header("accept", "application/json");
        let request = request.build().map_err(|error| errors::of_transfer(&error))?;
        let answered = tokio::time::timeout(self.limits.whole, self.exchange(request));
        let answered = errors::check(answered.await.map_err(|_| Failure::TimedOut)??)?;
        serde_json::from_slice(&answered.body).map_err(|_| Failure::Unreadable)
    }
}

fn secret() -> Option<Zeroizing<String>> {
    let mut bytes = Zeroizing::new([0; SECRET_BYTES]);
    rand::fill(bytes.as_mut_slice()).ok()?;
    Some(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}
