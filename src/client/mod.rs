//! Typed calls to the hub, with a limit on every one and one [`Failure`] per phase.
//!
//! No text of the hub's, no address and no token ever reaches an error: a failure says what kind it is and
//! nothing else.

mod access;
mod asking;
mod errors;
mod events;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod session;
mod signin;
mod since;
mod status;
#[cfg(test)]
mod tests;
mod transfer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use rustls_pki_types::CertificateDer;
use uuid::Uuid;

use crate::domain::{
    AccessReference, AccessStatus, Candidate, CareSetting, Dated, Failure, HistoryReading, NhsNumber,
    PlansAnswer, Report, SearchQuery, SearchReading, SessionOver, View,
};
use crate::fhir::{codes, read};

use access::Prover;
use asking::AskedBy;

pub use access::{Access, Keeps};
pub use events::SILENCE;
pub use session::SignedOut;
pub use signin::{Brought, SigningIn};
pub use transfer::Limits;

/// Where a hub is asked, and what it calls itself: the same, where nothing stands between.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// Where.
    pub address: &'a str,
    /// What, letter by letter.
    pub known_as: &'a str,
}

/// A signed-in connection to one hub. Cheap to clone.
#[derive(Clone)]
pub struct HubClient {
    http: reqwest::Client,
    /// The same without connections that were used before: they may be dead, and an event stream must not wait on one.
    fresh: reqwest::Client,
    base: Url,
    prover: Arc<Prover>,
    site: Option<String>,
    limits: Limits,
    synthetic: Arc<AtomicBool>,
}

impl std::fmt::Debug for HubClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HubClient(hidden)")
    }
}

impl HubClient {
    /// A connection to the hub at `base` with what a sign-in gave. `site` is the configured place of this
    /// computer, which the local authority is told. `authorities` are trusted beside those of the computer.
    ///
    /// # Errors
    /// The address is none or not to be spoken with in the clear, or TLS cannot be set up.
    pub fn new(
        base: &str,
        access: Access,
        site: Option<String>,
        limits: Limits,
        authorities: &[CertificateDer<'static>],
    ) -> Result<Self, Failure> {
        let mut base = Url::parse(base).map_err(|_| Failure::NameNotFound)?;
        let is_secure = base.scheme() == "https";
        if !is_secure && !is_loopback(&base) {
            return Err(Failure::NotSecure);
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self {
            http: transfer::http(limits, is_secure, authorities, usize::MAX)?,
            fresh: transfer::http(limits, is_secure, authorities, 0)?,
            prover: Arc::new(Prover::new(access, &base)),
            base,
            site,
            limits,
            synthetic: Arc::default(),
        })
    }

    /// Whether any answer so far said that the hub holds synthetic people.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.synthetic.load(Ordering::Relaxed)
    }

    /// Why the session is over, once any question has met that.
    #[must_use]
    pub fn session_is_over(&self) -> Option<SessionOver> {
        self.prover.over()
    }

    /// Asks the hub what it is and what time it is; learns whether it is synthetic.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn greet(&self) -> Result<Timestamp, Failure> {
        let request = self.request(Method::GET, self.address("metadata", &[])?, Audience::Plain);
        hub_time(&self.send(request).await?)
    }

    /// Searches people.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn search(
        &self,
        query: &SearchQuery,
        request_id: Uuid,
    ) -> Result<Dated<SearchReading>, Failure> {
        let (first, last) = query.born.range();
        // More than can be looked through is a reason to ask for less.
        let mut parameters = vec![("family", query.family.clone()), ("_max-results", "20".to_owned())];
        if query.born.is_exact() {
            parameters.push(("birthdate", format!("eq{first}")));
        } else {
            parameters.push(("birthdate", format!("ge{first}")));
            parameters.push(("birthdate", format!("le{last}")));
        }
        parameters.extend(query.given.clone().map(|given| ("given", given)));
        parameters.extend(query.gender.map(|gender| ("gender", gender.code().to_owned())));
        if query.similar {
            parameters.push(("_fuzzy-match", "true".to_owned()));
        }
        let address = self.address("personal-demographics/FHIR/R4/Patient", &parameters)?;
        let answer =
            self.send(self.request(Method::GET, address, Audience::Demographics(request_id))).await?;
        Ok(Dated { value: read::search(&answer.body, query.postcode.as_deref())?, at: hub_time(&answer)? })
    }

    /// Retrieves one person. The number that comes back can differ from the one asked for: use it.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn retrieve(
        &self,
        number: NhsNumber,
        typed_postcode: Option<&str>,
        request_id: Uuid,
    ) -> Result<Dated<Candidate>, Failure> {
        let path = format!("personal-demographics/FHIR/R4/Patient/{}", number.digits());
        let request =
            self.request(Method::GET, self.address(&path, &[])?, Audience::Demographics(request_id));
        let answer = self.send(request).await?;
        Ok(Dated { value: read::person(&answer.body, typed_postcode)?, at: hub_time(&answer)? })
    }

    /// Opens the child protection information: a view is recorded and the authority is told.
    ///
    /// # Errors
    /// Why there is no answer. The view may have been recorded all the same.
    pub async fn plans(&self, view: View) -> Result<PlansAnswer, Failure> {
        let answered = tokio::time::timeout(self.limits.whole, self.ask_for_plans(view)).await;
        answered.unwrap_or(Err(Failure::TimedOut))
    }

    async fn ask_for_plans(&self, view: View) -> Result<PlansAnswer, Failure> {
        let answer = match self.send(self.child_protection("CareTeam", view, &[])?).await {
            // Safe to ask once more: the hub knows the view by its TraceID and records it once.
            Err(first @ (Failure::CutShort | Failure::NoConnection)) => {
                let second = self.send(self.child_protection("CareTeam", view, &[])?).await;
                // The first may have reached the hub: a refusal of the second must not hide that.
                let hides =
                    |second: Failure| first.may_have_been_recorded() && !second.may_have_been_recorded();
                second.map_err(|second| if hides(second) { first } else { second })?
            }
            answered => answered?,
        };
        let reading = read::plans(&answer.body, view.number)?;
        let reference = answer.header(codes::ACCESS_REFERENCE).and_then(AccessReference::parse);
        Ok(PlansAnswer { reading, reference: reference.ok_or(Failure::NoReference)?, at: hub_time(&answer)? })
    }

    /// Who opened it before.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn history(&self, view: View) -> Result<HistoryReading, Failure> {
        self.history_for(AskedBy::Person, view).await
    }

    /// The same, asked again by the viewer itself: it renews nothing.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn history_again(&self, view: View) -> Result<HistoryReading, Failure> {
        self.history_for(AskedBy::Viewer, view).await
    }

    async fn history_for(&self, by: AskedBy, view: View) -> Result<HistoryReading, Failure> {
        // Not a legal FHIR `_include`, and published so.
        let include = format!("AuditEvent:entity-type={}|ASSIGNED", codes::ROLE_CLASS);
        let request = self.child_protection("AuditEvent", view, &[("_include", include)])?;
        let answer = self.send_for(by, request).await?;
        read::history(&answer.body)
    }

    /// What became of a view.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn access_status(&self, reference: &AccessReference) -> Result<AccessStatus, Failure> {
        let address = self.address(&format!("access/{}", reference.as_str()), &[])?;
        let request = self.request(Method::GET, address, Audience::Plain);
        let answer = self.send_for(AskedBy::Viewer, request).await?;
        let wire: status::StatusWire =
            serde_json::from_slice(&answer.body).map_err(|_| Failure::Unreadable)?;
        wire.read().ok_or(Failure::Unreadable)
    }

    /// Says that a view was opened in error: logged, and told to the authority as a correction.
    ///
    /// # Errors
    /// Why it was not accepted.
    pub async fn opened_in_error(&self, reference: &AccessReference) -> Result<(), Failure> {
        let address = self.address(&format!("access/{}/opened-in-error", reference.as_str()), &[])?;
        self.send(self.request(Method::POST, address, Audience::Plain)).await.map(|_| ())
    }

    /// Reports something done with what was shown. What cannot be reported must not be done.
    ///
    /// # Errors
    /// Why it was not accepted.
    pub async fn report(&self, reference: &AccessReference, report: Report) -> Result<(), Failure> {
        let body = serde_json::json!({
            "resourceType": "AuditEvent",
            "subtype": [{ "system": codes::ACCESS_TAGS, "code": report.code() }],
            "entity": [{ "what": { "identifier": { "value": reference.as_str() } } }],
        });
        let address = self.address("cpis/FHIR/R4/AuditEvent", &[])?;
        let request = self.request(Method::POST, address, Audience::Plain);
        let request = request.header("content-type", "application/fhir+json").body(body.to_string());
        self.send(request).await.map(|_| ())
    }

    /// Switches this session between scheduled and unscheduled care; the hub audits it.
    ///
    /// # Errors
    /// Why it was not accepted: then the session stays as it was.
    pub async fn set_care(&self, care: CareSetting) -> Result<(), Failure> {
        let word = match care {
            CareSetting::Scheduled => "scheduled",
            CareSetting::Unscheduled => "unscheduled",
        };
        let body = serde_json::json!({ "care_setting": word }).to_string();
        let request = self.request(Method::PUT, self.address("session/care-setting", &[])?, Audience::Plain);
        self.send(request.header("content-type", "application/json").body(body)).await.map(|_| ())
    }

    fn child_protection(
        &self,
        resource: &str,
        view: View,
        more: &[(&str, String)],
    ) -> Result<reqwest::RequestBuilder, Failure> {
        let mut parameters =
            vec![("patient:identifier", format!("{}|{}", codes::NHS_NUMBER, view.number.digits()))];
        parameters.extend_from_slice(more);
        let address = self.address(&format!("cpis/FHIR/R4/{resource}"), &parameters)?;
        Ok(self.request(Method::GET, address, Audience::ChildProtection(view)))
    }

    fn address(&self, path: &str, parameters: &[(&str, String)]) -> Result<Url, Failure> {
        let mut address = self.base.join(path).map_err(|_| Failure::NameNotFound)?;
        if !parameters.is_empty() {
            address.query_pairs_mut().extend_pairs(parameters);
        }
        Ok(address)
    }

    fn request(&self, method: Method, address: Url, audience: Audience) -> reqwest::RequestBuilder {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/fhir+json"));
        if let Some(site) = self.site.as_deref().and_then(|site| HeaderValue::from_str(site).ok()) {
            headers.insert("x-site", site);
        }
        let mut request = self.http.request(method, address).headers(headers);
        match audience {
            Audience::Plain => {}
            Audience::Demographics(request_id) => {
                request = request.header(codes::REQUEST_ID, request_id.to_string());
            }
            Audience::ChildProtection(view) => {
                let unscheduled = match view.care {
                    CareSetting::Unscheduled => "true",
                    CareSetting::Scheduled => "false",
                };
                request = request
                    .header(codes::TRACE_ID, view.trace.to_string())
                    .header(codes::IS_UNSCHEDULED, unscheduled);
            }
        }
        request
    }
}

/// Whether what is sent there stays on this computer.
fn is_loopback(address: &Url) -> bool {
    let host = address.host_str().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}

/// Which service a request goes to, and the headers that it wants.
enum Audience {
    Plain,
    Demographics(Uuid),
    ChildProtection(View),
}

fn hub_time(answer: &transfer::Received) -> Result<Timestamp, Failure> {
    answer.header("date").and_then(http_date).ok_or(Failure::NoTime)
}

/// `Sun, 22 Nov 2026 14:33:02 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
