//! What an operator watches, in numbers that say nothing about anybody.
//!
//! Counters are added to where something happens; gauges are set when somebody asks ([`text`](Metrics::text)).
//! Every label is a text of this program (`&'static str`) but two: a route's template, of which the router has
//! a handful, and an authority's ODS code, which must look like one; both have a limit besides. So no label
//! ever holds a user, a patient, a number or a caller's text, and the number of series is bounded.

mod kept;
mod scrape;
mod words;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::limits;
use super::proven::Why;
use super::tls::Refusal;

pub(super) use scrape::Scraped;
pub(super) use words::{Reloaded, Uploaded};
pub use words::{Shed, Viewed};

/// One label, of fixed words.
type Word = [(&'static str, &'static str); 1];

type Seconds = Gauge<f64, AtomicU64>;

/// Upper bounds of the latency histograms, in seconds: the targets (5 and 20 ms) are among them.
const LATENCY: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0];

/// Upper bounds of the number of requests that share a commit.
const GROUP: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

/// All of the hub's numbers.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram>,
    /// How many routes were seen.
    routes: AtomicUsize,
    commits: Histogram,
    groups: Histogram,
    failures: Family<Word, Counter>,
    last_commit: Seconds,
    audited: Family<[(&'static str, &'static str); 2], Counter>,
    views: Family<Word, Counter>,
    unproven: Family<Word, Counter>,
    shed: Family<Word, Counter>,
    reloads: Family<Word, Counter>,
    uploads: Family<Word, Counter>,
    not_secured: Family<Word, Counter>,
    provider_down: Counter,
    /// Open connections, and how many there may be.
    connections: [Gauge; 2],
    scraped: scrape::Gauges,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("cpis_hub");
        let latency = || Histogram::new(LATENCY);
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(latency),
            routes: AtomicUsize::new(0),
            commits: latency(),
            groups: Histogram::new(GROUP),
            failures: Family::default(),
            last_commit: Seconds::default(),
            audited: Family::default(),
            views: Family::default(),
            unproven: Family::default(),
            shed: Family::default(),
            reloads: Family::default(),
            uploads: Family::default(),
            not_secured: Family::default(),
            provider_down: Counter::default(),
            connections: Default::default(),
            scraped: scrape::Gauges::register(&mut registry),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        let told = "Sign-ins that came to nothing because the provider did not answer, or not in time";
        registry.register("provider_down", told, metrics.provider_down.clone());
        let [open, most] = metrics.connections.clone();
        registry.register("connections", "Open connections of callers", open);
        registry.register("connections_limit", "Connections of callers that there may be", most);
        // An alert goes by its increase, which begins with what is there.
        drop(metrics.audited.get_or_create(&[("kind", "notifications"), ("outcome", "register-refused")]));
        for view in Viewed::ALL {
            drop(metrics.views.get_or_create(&[("mode", view.code())]));
        }
        for shed in Shed::ALL {
            drop(metrics.shed.get_or_create(&[("reason", shed.code())]));
        }
        for reloaded in Reloaded::ALL {
            drop(metrics.reloads.get_or_create(&[("outcome", reloaded.code())]));
        }
        for uploaded in Uploaded::ALL {
            drop(metrics.uploads.get_or_create(&[("outcome", uploaded.code())]));
        }
        for refusal in REFUSALS {
            drop(metrics.not_secured.get_or_create(&[("why", refusal_code(*refusal))]));
        }
        for why in Why::ALL {
            drop(metrics.unproven.get_or_create(&[("why", why.code())]));
        }
        for phase in PHASES {
            drop(metrics.failures.get_or_create(&[("phase", phase)]));
        }
        Self { registry, ..metrics }
    }
}

/// Where a commit can fail.
const PHASES: &[&str] = &["begin", "work", "marking", "commit"];

const REFUSALS: &[Refusal] = &[Refusal::Late, Refusal::Ours, Refusal::Theirs, Refusal::Other];

fn refusal_code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Late => "late",
        Refusal::Ours => "hub-certificate",
        Refusal::Theirs => "client-certificate",
        Refusal::Other => "other",
    }
}

impl Metrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "requests",
            "Requests answered, by the route's template, method and class of status; 408, out of time, by itself",
            self.requests.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "Time from a request's headers to its answer",
            self.durations.clone(),
        );
        registry.register(
            "commit_duration_seconds",
            "Time that a group of requests took from BEGIN until it was on disk",
            self.commits.clone(),
        );
        registry.register("commit_requests", "Requests that shared one commit", self.groups.clone());
        registry.register(
            "commit_failures",
            "Groups of requests that could not be written, by where it failed",
            self.failures.clone(),
        );
        registry.register(
            "last_commit_timestamp_seconds",
            "When something was last written, on the hub's clock",
            self.last_commit.clone(),
        );
        registry.register(
            "audited",
            "Audit entries committed, by kind and outcome; refusals of proven callers among them",
            self.audited.clone(),
        );
        registry.register("views", "Views committed, by mode", self.views.clone());
        registry.register(
            "unproven_calls",
            "Calls of those who did not prove who they are, by why not",
            self.unproven.clone(),
        );
        registry.register("shed", "Requests turned away before any work, by reason", self.shed.clone());
        registry.register(
            "certificate_reloads",
            "Certificates replaced on the disk: taken, or refused while the old one is served on",
            self.reloads.clone(),
        );
        registry.register(
            "uploads",
            "Files of local authorities: taken, repeated, refused as a whole, naming another authority, lost",
            self.uploads.clone(),
        );
        registry.register(
            "tls_handshakes_failed",
            "Connections on which TLS did not begin: late, the hub's certificate refused, the client's refused, other",
            self.not_secured.clone(),
        );
    }

    /// A request was answered. The route is the router's template.
    pub(super) fn answered(&self, route: Option<&str>, method: &'static str, status: u16, took: Duration) {
        let mut route = Route { route: route.unwrap_or("none").to_owned() };
        if self.durations.get(&route).is_none()
            && self.routes.fetch_add(1, Ordering::Relaxed) >= limits::METRIC_ROUTES
        {
            "other".clone_into(&mut route.route);
        }
        let status = match (status, status / 100) {
            // Out of time: the hub's failure, not the caller's.
            (408, _) => "408",
            (_, 2) => "2xx",
            (_, 3) => "3xx",
            (_, 4) => "4xx",
            _ => "5xx",
        };
        self.durations.get_or_create(&route).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { route: route.route, method, status }).inc();
    }

    /// A group of requests is on disk.
    pub(super) fn committed(&self, at: Timestamp, took: Duration, requests: usize) {
        self.commits.observe(took.as_secs_f64());
        self.groups.observe(requests as f64);
        self.last_commit.set(scrape::seconds(at));
    }

    /// A group of requests could not be written.
    pub(super) fn not_committed(&self, phase: &'static str) {
        self.failures.get_or_create(&[("phase", phase)]).inc();
    }

    /// An entry of the audit log is on disk. Both texts are the program's own.
    pub(super) fn audited(&self, kind: &'static str, outcome: &'static str) {
        self.audited.get_or_create(&[("kind", kind), ("outcome", outcome)]).inc();
    }

    /// A view is on disk.
    pub(super) fn viewed(&self, how: Viewed) {
        self.views.get_or_create(&[("mode", how.code())]).inc();
    }

    /// Somebody called who did not prove who they are.
    pub(super) fn unproven(&self, why: Why) {
        self.unproven.get_or_create(&[("why", why.code())]).inc();
    }

    /// A request was turned away before any work.
    pub fn shed(&self, why: Shed) {
        self.shed.get_or_create(&[("reason", why.code())]).inc();
    }

    /// A certificate was replaced on the disk.
    pub(super) fn reloaded(&self, how: Reloaded) {
        self.reloads.get_or_create(&[("outcome", how.code())]).inc();
    }

    /// A local authority's file came.
    pub(super) fn uploaded(&self, how: Uploaded) {
        self.uploads.get_or_create(&[("outcome", how.code())]).inc();
    }

    /// A connection did not become a secure one.
    pub(super) fn not_secured(&self, why: Refusal) {
        self.not_secured.get_or_create(&[("why", refusal_code(why))]).inc();
    }

    /// Somebody could not sign in because the provider did not answer.
    pub(super) fn provider_down(&self) {
        self.provider_down.inc();
    }

    /// Counts open connections, of which there may be so many.
    pub(super) fn connections(&self, most: usize) -> Gauge {
        let [open, limit] = &self.connections;
        limit.set(i64::try_from(most).unwrap_or(i64::MAX));
        open.clone()
    }

    /// Everything, as Prometheus reads it (OpenMetrics text).
    pub(super) fn text(&self, scraped: &Scraped) -> String {
        self.scraped.set(scraped);
        let mut text = String::new();
        // Writing into a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_out_of_time_is_no_callers_mistake() {
        let metrics = Metrics::default();
        for status in [200, 404, 408, 429, 503] {
            metrics.answered(Some("/view"), "GET", status, Duration::ZERO);
        }
        let text = metrics.text(&Scraped::default());
        for (class, count) in [("2xx", 1), ("4xx", 2), ("408", 1), ("5xx", 1)] {
            let line = format!("{{route=\"/view\",method=\"GET\",status=\"{class}\"}} {count}\n");
            assert!(text.contains(&line), "{class}");
        }
    }

    #[test]
    fn however_many_routes_are_asked_for_the_number_of_series_has_an_end() {
        let metrics = Metrics::default();
        for index in 0..10_000 {
            metrics.answered(Some(&format!("/{index}")), "GET", 200, Duration::ZERO);
        }
        let text = metrics.text(&Scraped::default());
        let routes = text.lines().filter(|line| line.starts_with("cpis_hub_request_duration_seconds_count"));
        assert_eq!(routes.count(), limits::METRIC_ROUTES + 1);
        assert!(text.contains("route=\"other\"") && !text.contains("/9999"));
    }
}
