//! A viewer and a browser, as small as can be: for signing in over HTTP.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cpis::hub::clock::Clock;
use cpis::identity::dpop::ProofKey;

use super::answer::Answer;

/// Where people sign in and out, who have no token yet or none any more. Nothing is told there about anybody else.
pub(crate) const SIGNING_IN: [&str; 11] = [
    "/authorize",
    "/sign-in/back",
    "/sign-in",
    "/sign-out",
    "/signed-out",
    "/backchannel-logout",
    "/.well-known/oauth-authorization-server",
    "/.well-known/smart-configuration",
    "/personal-demographics/FHIR/R4/.well-known/smart-configuration",
    "/cpis/FHIR/R4/.well-known/smart-configuration",
    "/patient-flags-api/FHIR/R4/.well-known/smart-configuration",
];

/// Where the viewer says it listens. Nobody does: what arrives there is read from the last redirect.
pub(crate) const REDIRECT: &str = "http://127.0.0.1:4711/signed-in";

/// Where a registered program of the tests waits; nobody does here either.
pub(crate) const BACK: &str = "https://record.example/back";

/// What a viewer makes for one sign-in.
pub(crate) struct Viewer {
    /// The hub's address, and its issuer.
    pub(crate) hub: String,
    pub(crate) issuer: String,
    pub(crate) key: ProofKey,
    pub(crate) state: String,
    pub(crate) verifier: String,
    pub(crate) clock: Clock,
    pub(crate) http: reqwest::Client,
}

/// SHA-256 in base64url.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes()))
}

/// A query's value.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let hex = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

impl Viewer {
    /// Of a hub that runs now and calls itself as it is reached.
    pub(crate) async fn new(hub: &str) -> Self {
        Self::of(hub, hub, Clock::system())
    }

    /// Of a hub at an address, that calls itself otherwise and has this clock.
    pub(crate) fn of(hub: &str, issuer: &str, clock: Clock) -> Self {
        let secret = || uuid::Uuid::new_v4().simple().to_string();
        Self {
            hub: hub.to_owned(),
            issuer: issuer.to_owned(),
            key: ProofKey::generate().unwrap(),
            state: secret(),
            verifier: format!("{}{}", secret(), secret()),
            clock,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// What it opens in the browser.
    pub(crate) fn address(&self, more: &str) -> String {
        format!(
            "{}/authorize?response_type=code&client_id=cpis-viewer&redirect_uri={}&state={}&code_challenge={}\
             &code_challenge_method=S256&dpop_jkt={}&device=ED%20triage%202&{more}",
            self.hub,
            encoded(REDIRECT),
            self.state,
            challenge(&self.verifier),
            self.key.thumbprint().as_str(),
        )
    }

    /// The form with which a code is changed.
    pub(crate) fn form(&self, code: &str) -> String {
        format!(
            "grant_type=authorization_code&code={code}&redirect_uri={}&client_id=cpis-viewer&code_verifier={}",
            encoded(REDIRECT),
            self.verifier
        )
    }

    pub(crate) async fn change(&self, code: &str) -> Answer {
        self.post("/token", &self.form(code)).await
    }

    /// Asks with a proof, and again with the nonce of the first answer.
    pub(crate) async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_as(&self.key, path, form).await
    }

    pub(crate) async fn post_as(&self, key: &ProofKey, path: &str, form: &str) -> Answer {
        let mut nonce = None::<String>;
        loop {
            let now = self.clock.now().as_second();
            let proof = key.prove("POST", &format!("{}{path}", self.issuer), None, nonce.as_deref(), now);
            let request = self.http.post(format!("{}{path}", self.hub)).header("DPoP", proof.unwrap());
            let request = request.header("Content-Type", "application/x-www-form-urlencoded");
            let answer = Answer::read(request.body(form.to_owned()).send().await.unwrap()).await;
            if nonce.is_none() && answer.body.contains("use_dpop_nonce") {
                nonce = answer.header("dpop-nonce").map(str::to_owned);
                continue;
            }
            return answer;
        }
    }

    /// The status of a question with an access token.
    pub(crate) async fn metadata_with(&self, access: &str) -> u16 {
        let mut nonce = None::<String>;
        loop {
            let (now, address) = (self.clock.now().as_second(), format!("{}/metadata", self.issuer));
            let proof = self.key.prove("GET", &address, Some(access), nonce.as_deref(), now).unwrap();
            let request = self.http.get(format!("{}/metadata", self.hub)).header("DPoP", proof);
            let request = request.header("Authorization", format!("DPoP {access}"));
            let answer = Answer::read(request.send().await.unwrap()).await;
            let wants =
                answer.header("www-authenticate").is_some_and(|wants| wants.contains("use_dpop_nonce"));
            if nonce.is_none() && wants {
                nonce = answer.header("dpop-nonce").map(str::to_owned);
                continue;
            }
            return answer.status;
        }
    }
}

/// A browser without a window: keeps cookies by name for each host and port, and follows redirects.
pub(crate) struct Browser {
    /// What a hub calls itself, and where it is.
    known_as: Option<(String, String)>,
    pub(crate) cookies: HashMap<(String, String), String>,
    http: reqwest::Client,
}

/// What a browser was answered in the end.
pub(crate) struct Shown {
    /// The address that was asked, or the one that leads to the viewer.
    pub(crate) address: String,
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Shown {
    /// A parameter of the address; empty where it is not there.
    pub(crate) fn value(&self, name: &str) -> &str {
        let query = self.address.split_once('?').map_or("", |(_, query)| query);
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        // What is encoded is compared by few; leaked, because it is a test.
        value.map_or("", |value| Box::leak(decoded(value).into_boxed_str()))
    }

    pub(crate) fn is_at_viewer(&self) -> bool {
        self.address.starts_with(REDIRECT)
    }

    /// The secret of the page's form.
    pub(crate) fn form(&self) -> &str {
        let after =
            self.body.split("name=\"form\" value=\"").nth(1).unwrap_or_else(|| panic!("{}", self.body));
        after.split('"').next().unwrap()
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self::knowing(None)
    }

    /// One that finds the hub that calls itself otherwise than it is reached.
    pub(crate) fn of(hub: &super::TestHub) -> Self {
        Self::knowing(Some((super::ISSUER.to_owned(), hub.base.clone())))
    }

    /// The same of a hub with TLS, whose certificate is of this authority.
    pub(crate) fn trusting(base: &str, authority: &str) -> Self {
        let authority = reqwest::Certificate::from_pem(authority.as_bytes()).unwrap();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let known_as = Some((super::ISSUER.to_owned(), base.to_owned()));
        Self { known_as, cookies: HashMap::new(), http: http.tls_certs_only([authority]).build().unwrap() }
    }

    fn knowing(known_as: Option<(String, String)>) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { known_as, cookies: HashMap::new(), http: http.build().unwrap() }
    }

    /// Goes where it is sent, up to the viewer's address.
    pub(crate) async fn open(&mut self, address: &str) -> Shown {
        self.go("GET", address, None, &[]).await
    }

    pub(crate) async fn go(
        &mut self,
        method: &str,
        address: &str,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Shown {
        let mut shown = self.once(method, address, body, headers).await;
        for _ in 0..10 {
            let Some(next) = shown.headers.get("location").map(|next| next.to_str().unwrap().to_owned())
            else {
                return shown;
            };
            let next = match next.strip_prefix('/') {
                Some(path) => format!("{}/{path}", origin(&shown.address)),
                None => next,
            };
            let next = match &self.known_as {
                Some((known, at)) if next.starts_with(known.as_str()) => next.replacen(known, at, 1),
                Some(_) | None => next,
            };
            if next.starts_with(REDIRECT) || next.starts_with(BACK) {
                return Shown { address: next, ..shown };
            }
            shown = self.once("GET", &next, None, &[]).await;
        }
        panic!("too many redirects");
    }

    /// One question and its answer.
    pub(crate) async fn once(
        &mut self,
        method: &str,
        address: &str,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Shown {
        let host = origin(address).to_owned();
        let mut request = self.http.request(method.parse().unwrap(), address);
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .filter(|((of, _), _)| *of == host)
            .map(|((_, name), value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header("Cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request =
                request.header("Content-Type", "application/x-www-form-urlencoded").body(body.to_owned());
        }
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(&(host.clone(), name.to_owned()));
            } else {
                self.cookies.insert((host.clone(), name.to_owned()), value.to_owned());
            }
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Shown { address: address.to_owned(), status, headers, body: answer.text().await.unwrap() }
    }
}

fn origin(address: &str) -> &str {
    let from = address.find("://").unwrap() + 3;
    address[from..].find('/').map_or(address, |end| &address[..from + end])
}

/// Follows from `/authorize` to the viewer, as a program does whom the provider asks nothing, and presses on the hub's page.
pub(crate) async fn follow(address: &str) -> Shown {
    let mut browser = Browser::new();
    let page = browser.open(address).await;
    assert_eq!(page.status, 200, "{} {}", page.address, page.body);
    let form = format!("form={}&answer=sign-in", page.form());
    let from = origin(&page.address).to_owned();
    let shown = browser.go("POST", &page.address, Some(&form), &[("Origin", &from)]).await;
    assert!(shown.is_at_viewer(), "{} {} {}", shown.address, shown.status, shown.body);
    shown
}
