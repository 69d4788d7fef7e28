//! What goes from page to page in place of a browser, since the demonstration's provider asks nothing: from the address that
//! the viewer would open, over provider and hub, and back to where the viewer listens. It does what a browser does (cookies
//! by name for each host and port, redirects, where a form comes from) and what a person does there: it presses the first
//! button of the hub's page.
//!
//! Refuses to leave this computer.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode, Url, header};
use tokio::runtime::Handle;

use super::DemoError;
use crate::viewer::run::Browser;

/// Pages from the viewer and back; there are about six.
const PAGES: usize = 16;

/// For so long a page may take.
const PAGE: Duration = Duration::from_secs(30);

/// Bytes of a page.
const PAGE_BYTES: usize = 64 * 1024;

/// What speaks to the demonstration's own parts.
pub(super) fn http() -> Result<reqwest::Client, DemoError> {
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    // Nothing here speaks TLS: no authority is read, and none trusted.
    let http = http.timeout(PAGE).tls_certs_only(Vec::<reqwest::Certificate>::new());
    http.build().map_err(|_| DemoError::Http)
}

/// The demonstration's browser.
pub(super) struct Follower {
    http: reqwest::Client,
    runtime: Handle,
}

impl Follower {
    pub(super) fn new(http: reqwest::Client, runtime: Handle) -> Self {
        Self { http, runtime }
    }
}

impl Browser for Follower {
    fn open(&self, address: &str) -> bool {
        let Ok(address) = Url::parse(address) else { return false };
        let mut way = Way { http: self.http.clone(), cookies: HashMap::new() };
        self.runtime.spawn(async move {
            if way.follow(address.clone()).await.is_none()
                && let Some(gave_up) = gave_up(&address)
            {
                // As somebody who meets a page with no way on, and goes back: the viewer is to say so, not to wait.
                way.ask(Method::GET, &gave_up, None).await;
            }
        });
        true
    }
}

/// Where the viewer hears that nothing came of it; `None` where it does not listen.
fn gave_up(address: &Url) -> Option<Url> {
    let asked = |name| address.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value);
    let mut back = Url::parse(&asked("redirect_uri")?).ok()?;
    let (state, issuer) = (asked("state")?, address.origin().ascii_serialization());
    back.query_pairs_mut().extend_pairs([
        ("error", "temporarily_unavailable"),
        ("state", &state),
        ("iss", &issuer),
    ]);
    Some(back)
}

/// One walk from page to page.
struct Way {
    http: reqwest::Client,
    /// By host and port, and name.
    cookies: HashMap<(String, String), String>,
}

impl Way {
    /// To the page that leads no further: the viewer's own, or the one that says that somebody is signed out.
    async fn follow(&mut self, address: Url) -> Option<()> {
        let mut answer = self.ask(Method::GET, &address, None).await?;
        for _ in 0..PAGES {
            let at = answer.url().clone();
            if let Some(next) = answer.headers().get(header::LOCATION) {
                let next = at.join(next.to_str().ok()?).ok()?;
                answer = self.ask(Method::GET, &next, None).await?;
                continue;
            }
            let is_good = answer.status() == StatusCode::OK;
            let page = whole(answer).await?;
            answer = match (form(&page), link(&page)) {
                (Some((path, form)), _) => self.ask(Method::POST, &at.join(path).ok()?, Some(form)).await?,
                (None, Some(next)) => self.ask(Method::GET, &at.join(&next).ok()?, None).await?,
                (None, None) => return is_good.then_some(()),
            };
        }
        None
    }

    async fn ask(&mut self, method: Method, address: &Url, form: Option<String>) -> Option<Response> {
        // By its number: a name could lead anywhere.
        if !matches!(address.host_str(), Some("127.0.0.1" | "[::1]")) {
            return None;
        }
        let origin = address.origin().ascii_serialization();
        let own = self.cookies.iter().filter(|((of, _), _)| *of == origin);
        let own: Vec<String> = own.map(|((_, name), value)| format!("{name}={value}")).collect();
        let mut request = self.http.request(method, address.clone());
        if !own.is_empty() {
            request = request.header(header::COOKIE, own.join("; "));
        }
        if let Some(form) = form {
            let kind = "application/x-www-form-urlencoded";
            request = request.header(header::CONTENT_TYPE, kind).header(header::ORIGIN, &origin);
            request = request.header("sec-fetch-site", "same-origin").body(form);
        }
        let answer = request.send().await.ok()?;
        for set in answer.headers().get_all(header::SET_COOKIE) {
            let set = set.to_str().ok()?;
            let (name, value) = set.split(';').next()?.trim().split_once('=')?;
            let key = (origin.clone(), name.to_owned());
            if set.split(';').any(|word| word.trim() == "Max-Age=0") {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
        Some(answer)
    }
}

async fn whole(mut answer: Response) -> Option<String> {
    let mut page = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        page.extend_from_slice(&chunk);
        if page.len() > PAGE_BYTES {
            return None;
        }
    }
    String::from_utf8(page).ok()
}

/// Where the page's form goes, and what its first button sends: of a page of the hub's, whose form has one secret.
fn form(page: &str) -> Option<(&str, String)> {
    let form = between(page, "<form ", "</form>")?;
    let (path, secret) = (between(form, "action=\"", "\"")?, between(form, "name=\"form\" value=\"", "\"")?);
    Some((path, format!("form={secret}&answer=sign-in")))
}

/// Where the page's button leads that is a link: back to the viewer.
fn link(page: &str) -> Option<String> {
    Some(between(page, "<a class=\"button first\" href=\"", "\"")?.replace("&amp;", "&"))
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(inside, _)| inside)
}
