//! The page for social workers: who opened the child protection information of which child, read in a browser.
//!
//! | Part | What it is for |
//! |---|---|
//! | [`door`] | who is let in |
//! | [`guard`] | what every request has to be, and what every answer carries |
//! | `ask` | what was asked in addresses and forms |
//! | `answers`, `lists`, `reading` | what each address answers |
//! | `views` | what it looks like |
//! | [`serve`](mod@serve) | listens, within [`limits`] |
//!
//! It works beside `cpis-authority listen`, on the same register. It refuses to know who a person is by anything that a browser
//! alone says, to keep anything in a browser, to run a script, and to write about anybody into a log.

mod answers;
mod ask;
pub mod door;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(in crate::authority) mod fuzzing;
pub mod guard;
pub mod limits;
mod lists;
mod reading;
pub mod serve;
mod views;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use maud::Markup;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use door::{Door, NoRandom, Person, Way};
use guard::Address;
use lists::Waits;
use views::Chrome;

use crate::domain::OfficeHours;

use super::notices::CasesOfExtract;
use super::register::{Reader, Register, RegisterError};

pub use serve::{ServeError, serve};

/// What the page is of.
pub struct Settings {
    /// The register.
    pub register: PathBuf,
    /// The authority's ODS code.
    pub authority_code: String,
    /// The authority's name.
    pub authority: String,
    /// When its offices are open.
    pub hours: Option<OfficeHours>,
    /// How browsers reach the page.
    pub address: Address,
    /// Under which names each user stands in the routing table: by them it is known as whom somebody reads.
    pub known_as: BTreeMap<String, Vec<String>>,
    /// Which cases there are: a note is put under none that is another child's.
    pub cases: CasesOfExtract,
    /// Nobody in it is real.
    pub is_synthetic: bool,
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The page, as all its requests share it.
#[derive(Clone)]
pub struct Page(Arc<Inner>);

struct Inner {
    settings: Settings,
    door: Door,
    clock: Clock,
    readers: Semaphore,
}

impl Page {
    /// Makes it; nothing is served yet.
    ///
    /// # Errors
    /// There are no random numbers.
    pub fn new(settings: Settings, way: Way, clock: Clock) -> Result<Self, NoRandom> {
        let readers = Semaphore::new(limits::PAGE_READERS);
        Ok(Self(Arc::new(Inner { settings, door: Door::new(way)?, clock, readers })))
    }

    /// The address at which somebody is let in, once; `None` where people come through a proxy.
    ///
    /// # Errors
    /// There are no random numbers.
    pub fn start_address(&self) -> Result<Option<Zeroizing<String>>, NoRandom> {
        let token = self.0.door.start_token(self.now())?;
        let origin = self.0.settings.address.origin();
        Ok(token.map(|token| Zeroizing::new(format!("{origin}/start/{}", token.as_str()))))
    }

    fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// Looks into the register, on a thread that may wait for the disk. The link beside it is not kept waiting by who reads.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Register) -> Result<T, RegisterError> + Send + 'static,
    ) -> Result<T, Sorry> {
        let _place = self.0.readers.acquire().await.map_err(|_| Sorry::Register)?;
        let of = Arc::clone(&self.0);
        let looked = tokio::task::spawn_blocking(move || {
            // Anew each time: a register that was put back from a backup is another file.
            let mut register = Register::look(&of.settings.register, &of.settings.authority_code)?;
            look(&mut register)
        });
        looked.await.map_err(|_| Sorry::Register)?.map_err(|_| Sorry::Register)
    }

    fn cases(&self) -> CasesOfExtract {
        self.0.settings.cases.clone()
    }

    fn chrome<'a>(&'a self, person: &'a Person, waits: Option<Waits>) -> Chrome<'a> {
        Chrome {
            authority: &self.0.settings.authority,
            user: Some(person.reader.user()),
            leave: self.0.door.has_sessions().then_some(person.form.as_str()),
            is_synthetic: self.0.settings.is_synthetic,
            waits,
        }
    }

    fn known_as(&self, reader: &Reader) -> Vec<String> {
        self.0.settings.known_as.get(reader.user()).cloned().unwrap_or_default()
    }

    fn hours(&self) -> Option<&OfficeHours> {
        self.0.settings.hours.as_ref()
    }

    fn html(&self, status: StatusCode, markup: &Markup) -> Response {
        let mut response = Response::new(Body::from(markup.0.clone()));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        response
    }

    /// A page that says why there is nothing, and nothing about anybody.
    fn refusal(&self, status: StatusCode, heading: &str, sentences: &[&str]) -> Response {
        self.html(status, &views::plain(&self.0.settings.authority, heading, sentences))
    }
}

/// How a worker is called in an address: nobody's name stands there.
fn of_worker(name: &str) -> String {
    let digest = digest::digest(&digest::SHA256, name.as_bytes());
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Why there is no such page for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sorry {
    /// Nobody who was let in.
    NotIn,
    /// The start token is none, or was used, or is too old.
    Start,
    /// Nothing there, or not for them.
    NotThere,
    /// The form is another browser's, or from before the page was started again.
    OldForm,
    /// Nobody said what came of it, or too much.
    NoOutcome,
    /// The register cannot be read or written.
    Register,
}

impl IntoResponse for Sorry {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl Sorry {
    fn said(self, page: &Page) -> Response {
        let (status, heading, sentences): (_, _, &[&str]) = match self {
            Sorry::NotIn if page.0.door.has_sessions() => (
                StatusCode::FORBIDDEN,
                "You are not signed in here",
                &[
                    "Open the page by the address that is shown when it is started. It works once, and in one browser.",
                    "After half an hour without use, and after twelve hours, it has to be started again.",
                ],
            ),
            Sorry::NotIn => (
                StatusCode::FORBIDDEN,
                "You are not signed in here",
                &[
                    "Open the page by the address that your authority gave you, and sign in there.",
                    "If you did, tell whoever runs it: its proxy does not prove itself, or does not say who you are.",
                ],
            ),
            Sorry::Start => (
                StatusCode::FORBIDDEN,
                "This address cannot be used",
                &[
                    "Such an address works once and for ten minutes. If you did not use it yourself, somebody else may have: tell \
                     whoever runs the page.",
                    "Start the page again for a new one.",
                ],
            ),
            Sorry::NotThere => (
                StatusCode::NOT_FOUND,
                "There is nothing here",
                &["There is no such page, or it is not for you to see. Nothing was done."],
            ),
            Sorry::OldForm => (
                StatusCode::FORBIDDEN,
                "This page is too old",
                &["Nothing was done. Go back, load the page again, and repeat what you did."],
            ),
            Sorry::NoOutcome => (
                StatusCode::BAD_REQUEST,
                "Say what came of it",
                &["Nothing was done. Go back, and write what came of it in at most 500 characters."],
            ),
            Sorry::Register => (
                StatusCode::SERVICE_UNAVAILABLE,
                "This cannot be shown at present",
                &[
                    "The register of accesses cannot be read or written. What was done last may not have been kept.",
                    "This does not mean that there are no accesses. Try again in a minute, then tell whoever runs the link.",
                ],
            ),
        };
        page.refusal(status, heading, sentences)
    }
}

/// All addresses.
pub fn router(page: Page) -> Router {
    Router::new()
        .route("/", get(answers::newest))
        .route("/child/{note}", get(answers::child))
        .route("/child/{note}/read", post(reading::read))
        .route("/child/{note}/not-recognised/{part}", get(answers::ask_report).post(answers::report))
        .route("/child/{note}/looked-into/{part}", post(answers::looked_into))
        .route("/triage", get(lists::triage))
        .route("/triage/{note}", post(lists::settle))
        .route("/not-recognised", get(lists::disputed))
        .route("/duty", get(answers::duty))
        .route("/duty/handover", get(answers::handover))
        .route("/duty/seen", post(reading::seen_by_duty))
        .route("/leave", post(leave))
        .fallback(|| async { Sorry::NotThere })
        .layer(middleware::from_fn_with_state(page.clone(), let_in))
        .route("/start/{token}", get(start))
        .layer(DefaultBodyLimit::max(limits::PAGE_BODY_BYTES))
        .layer(middleware::from_fn_with_state(page.clone(), guarded))
        .with_state(page)
}

/// Around everything: what a request has to be, how long it may take, and what its answer carries.
async fn guarded(State(page): State<Page>, request: Request, next: Next) -> Response {
    let address = &page.0.settings.address;
    let mut response = match guard::check(&request, address) {
        Err(refused) => page.refusal(refused.status(), "This was not done", &[refused.words()]),
        Ok(()) => match tokio::time::timeout(limits::PAGE_REQUEST, next.run(request)).await {
            Err(_) => Sorry::Register.said(&page),
            Ok(response) => said_well(&page, response),
        },
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    guard::finish(response.headers_mut(), address);
    response
}

/// Whatever failed says so as a page, and with no words but ours.
fn said_well(page: &Page, response: Response) -> Response {
    if let Some(sorry) = response.extensions().get::<Sorry>() {
        return sorry.said(page);
    }
    let is_page = response.headers().contains_key(header::CONTENT_TYPE)
        && response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|of| of.as_bytes().starts_with(b"text/html"));
    let status = response.status();
    match status {
        _ if is_page || !(status.is_client_error() || status.is_server_error()) => response,
        StatusCode::METHOD_NOT_ALLOWED => {
            page.refusal(status, "This was not done", &[guard::Refused::Method.words()])
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            page.refusal(status, "This was not done", &["What was sent is too long. Nothing was done."])
        }
        _ => Sorry::NotThere.said(page),
    }
}

/// Lets people in, and nobody else.
async fn let_in(State(page): State<Page>, mut request: Request, next: Next) -> Response {
    let cookie = guard::cookie(request.headers(), &page.0.settings.address);
    let Some(person) = page.0.door.let_in(cookie, request.headers(), page.now()) else {
        return Sorry::NotIn.into_response();
    };
    request.extensions_mut().insert(person);
    next.run(request).await
}

/// Exchanges the start token for a cookie. Whoever is in already goes on, so that the same link may be pressed again.
async fn start(
    State(page): State<Page>,
    Path(token): Path<String>,
    headers: axum::http::HeaderMap,
) -> Result<Response, Sorry> {
    let address = &page.0.settings.address;
    let cookie = guard::cookie(&headers, address);
    let is_in = page.0.door.has_sessions() && page.0.door.let_in(cookie, &headers, page.now()).is_some();
    if is_in {
        return answers::see_other("/");
    }
    let value = page.0.door.exchange(&token, page.now()).map_err(|NoRandom| Sorry::Register)?;
    let set = value.and_then(|value| guard::set_cookie(address, Some(&value))).ok_or(Sorry::Start)?;
    let mut response = answers::see_other("/")?;
    response.headers_mut().insert(header::SET_COOKIE, set);
    Ok(response)
}

/// Signs a browser out.
async fn leave(
    State(page): State<Page>,
    axum::Extension(person): axum::Extension<Person>,
    headers: axum::http::HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, Sorry> {
    answers::own_form(&person, &body)?;
    let address = &page.0.settings.address;
    if let Some(cookie) = guard::cookie(&headers, address) {
        page.0.door.leave(cookie);
    }
    let mut response = page.refusal(StatusCode::OK, "You are signed out", &["You can close this page."]);
    if let Some(set) = guard::set_cookie(address, None) {
        response.headers_mut().insert(header::SET_COOKIE, set);
    }
    Ok(response)
}
