//! The operator's listener: `/metrics` and `/healthz` on a loopback address of its own, and nothing else.
//!
//! Apart from the clinicians' address, so that nothing of it is ever published with them, and so that it
//! answers while that one is full.

use std::future::Future;
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;

use super::metrics::Scraped;
use super::serve::{Door, ServeError, accept};
use super::tls::{Tls, facts_of_file};
use super::{Hub, limits, metadata, respond};

/// Serves the operator's addresses until `shutdown` is ready.
///
/// # Errors
/// The listener is not on a loopback address.
pub async fn serve_operator(
    listener: TcpListener,
    hub: Hub,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let door = Door {
        whom: "operator",
        secure: None,
        connections: limits::OPERATOR_CONNECTIONS,
        idle: limits::IDLE,
        open: None,
        noting: None,
    };
    accept(door, listener, router(hub), shutdown).await
}

fn router(hub: Hub) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(metadata::healthz))
        .fallback(async || respond::empty(StatusCode::NOT_FOUND))
        .with_state(hub)
}

async fn metrics(State(hub): State<Hub>) -> Response {
    let text = hub.metrics_text().await;
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl Hub {
    /// What an operator watches, as OpenMetrics text.
    pub async fn metrics_text(&self) -> String {
        let store = self.store();
        let figures = store.figures(self.overdue_before());
        let figures = tokio::time::timeout(limits::FIGURES_WAIT, figures).await;
        let hub = self.clone();
        // Files are read for it.
        let certificates = tokio::task::spawn_blocking(move || hub.certificates_left()).await;
        let (sessions, streams, streams_most) = self.sessions().counted();
        let (proofs, proofs_most) = self.proofs().remembered();
        let (views_waiting, others_waiting) = store.waiting();
        let scraped = Scraped {
            now: self.clock().now(),
            started: self.started(),
            is_synthetic: self.is_synthetic(),
            is_writing: store.is_writing(),
            views_waiting,
            others_waiting,
            searches: store.searching(),
            disk: self.disk(),
            certificates_left: certificates.unwrap_or_default(),
            certificate_refused: self.tls().is_some_and(Tls::is_refused),
            removes_anything: self.0.retention.removes_anything(),
            places: [
                ("sessions", sessions, limits::SESSIONS),
                ("event-streams", streams, streams_most),
                ("proofs", proofs, proofs_most),
            ],
            figures: figures.ok().and_then(Result::ok),
            process: process(),
        };
        self.metrics().text(&scraped)
    }

    /// Seconds until each certificate ends that the hub depends on: its own, that of whoever issues the authorities', and the
    /// one that it shows to MESH. Of a file with several the first to end counts; of one that cannot be read there is none.
    fn certificates_left(&self) -> Vec<(&'static str, f64)> {
        let now = self.clock().now();
        let left = |path: &Path| {
            let ends = facts_of_file(path)?.into_iter().map(|facts| facts.not_after);
            ends.min().map(|end| end.duration_since(now).as_secs_f64())
        };
        let own = self.tls().map(Tls::seconds_left);
        let clients = self.tls().and_then(|tls| tls.settings().clients.authorities()).and_then(left);
        let mesh = self.mesh().and_then(|mesh| mesh.way.certificate()).and_then(left);
        let all = [("hub", own), ("client-ca", clients), ("mesh", mesh)];
        all.into_iter().filter_map(|(of, left)| Some((of, left?))).collect()
    }
}

/// Resident memory in bytes, and open files, as Linux tells them.
fn process() -> (Option<u64>, Option<u64>) {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    let kilobytes = status.as_deref().and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    });
    let files = std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64);
    (kilobytes.map(|kilobytes| kilobytes.saturating_mul(1024)), files)
}
