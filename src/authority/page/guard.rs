//! What every request has to be before anybody asks who sends it, and what every answer carries: the page's own name, GET or
//! POST, nothing that another site made the browser send; no script, no frame, nothing kept anywhere.

use aws_lc_rs::digest;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::views::STYLE;

/// How browsers reach the page: by this name and no other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `https://cpis.example` or `http://127.0.0.1:8480`: as browsers write it in `Origin`.
    origin: String,
}

impl Address {
    /// Of an origin; `None` if it is none.
    #[must_use]
    pub fn new(origin: &str) -> Option<Self> {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"))?;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
        (!host.is_empty() && host.chars().all(fits)).then(|| Self { origin: origin.to_owned() })
    }

    /// As it is written.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether browsers come by TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    fn host(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, host)| host)
    }

    /// The cookie's name. Where there is TLS no other host and no plain page can set it.
    #[must_use]
    pub fn cookie(&self) -> &'static str {
        if self.is_secure() { "__Host-cpis-page" } else { "cpis-page" }
    }
}

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Another name than the page's own: somebody else's, made to point here.
    OtherHost,
    /// Neither GET nor POST.
    Method,
    /// Another site made the browser ask.
    OtherSite,
    /// Not a form as the page's own are.
    NotAForm,
}

impl Refused {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Refused::OtherHost => StatusCode::MISDIRECTED_REQUEST,
            Refused::Method => StatusCode::METHOD_NOT_ALLOWED,
            Refused::OtherSite => StatusCode::FORBIDDEN,
            Refused::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Refused::OtherHost => "This page is not known by that name. Use the address that you were given.",
            Refused::Method => "This page can be read, and its forms can be sent. Nothing else.",
            Refused::OtherSite => {
                "This came from another website, and nothing was done. Open the page by its own address."
            }
            Refused::NotAForm => "This is not a form of this page. Nothing was done.",
        }
    }
}

/// Looks at a request before anybody is asked for.
pub(super) fn check<B>(request: &Request<B>, address: &Address) -> Result<(), Refused> {
    let headers = request.headers();
    let named = once(headers, header::HOST).ok_or(Refused::OtherHost)?;
    let in_target = request.uri().authority().map(axum::http::uri::Authority::as_str);
    if !is_host(named, address) || in_target.is_some_and(|host| !is_host(host, address)) {
        return Err(Refused::OtherHost);
    }
    match *request.method() {
        Method::GET => read_from(headers),
        Method::POST => sent_from(headers, address),
        _ => Err(Refused::Method),
    }
}

fn is_host(named: &str, address: &Address) -> bool {
    named.eq_ignore_ascii_case(address.host())
}

/// Another site may lead somebody here, and show them nothing of it: no frame, no picture, no fetch.
fn read_from(headers: &HeaderMap) -> Result<(), Refused> {
    let said = |name: &'static str| headers.get(name).map(HeaderValue::as_bytes);
    match (said("sec-fetch-site"), said("sec-fetch-mode"), said("sec-fetch-dest")) {
        (None | Some(b"same-origin" | b"none"), _, _) => Ok(()),
        (Some(_), Some(b"navigate"), Some(b"document")) => Ok(()),
        (Some(_), _, _) => Err(Refused::OtherSite),
    }
}

/// A form is sent by the page itself: every browser of today says so.
fn sent_from(headers: &HeaderMap, address: &Address) -> Result<(), Refused> {
    if once(headers, header::ORIGIN) != Some(address.origin()) {
        return Err(Refused::OtherSite);
    }
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin") => {}
        Some(_) => return Err(Refused::OtherSite),
    }
    let kind = once(headers, header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(())
    } else {
        Err(Refused::NotAForm)
    }
}

fn once(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let (one, None) = (values.next()?, values.next()) else { return None };
    one.to_str().ok()
}

/// What the page's cookie says; none where there are two of its name.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, address: &Address) -> Option<&'a str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut own = pairs
        .flat_map(|pairs| pairs.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == address.cookie())
        .map(|(_, value)| value);
    match (own.next(), own.next()) {
        (Some(value), None) => Some(value),
        (_, _) => None,
    }
}

/// `Set-Cookie` that gives the page's cookie, or takes it away.
pub(super) fn set_cookie(address: &Address, value: Option<&str>) -> Option<HeaderValue> {
    let secure = if address.is_secure() { "; Secure" } else { "" };
    let age = if value.is_none() { "; Max-Age=0" } else { "" };
    let (name, value) = (address.cookie(), value.unwrap_or_default());
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}");
    let mut set = HeaderValue::from_str(&text).ok()?;
    set.set_sensitive(true);
    Some(set)
}

/// Puts on an answer what every one of them carries.
pub(super) fn finish(headers: &mut HeaderMap, address: &Address) {
    let hash = STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not "no-referrer": then the browser would hide where a form was sent from.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    if address.is_secure() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
