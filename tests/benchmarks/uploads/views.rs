//! Views at even distances in time, whatever becomes of the one before: each is measured from the moment at which it was to be asked, so
//! that a hub that stands still for a second is seen in all that fell into that second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cpis::identity::dpop::ProofKey;

use crate::client::Chance;
use crate::ends::Ends;
use crate::hub::{NURSES, Prover};
use crate::people::Asked;

/// Connections: so many may be open at once.
const CLIENTS: u32 = 32;

/// A nonce is asked for anew after so long.
const NONCE: Duration = Duration::from_secs(20);

/// One view.
pub(crate) struct View {
    /// When it was to be asked, from the beginning on.
    pub(crate) at: Duration,
    /// Microseconds from then.
    pub(crate) total: u32,
    pub(crate) without_commit: u32,
    pub(crate) is_well: bool,
}

/// Whoever asks.
pub(crate) struct Views {
    http: reqwest::Client,
    base: String,
    asked: Arc<Asked>,
    tokens: Arc<Vec<(String, ProofKey)>>,
    prover: Prover,
}

impl Views {
    pub(crate) fn new(ends: &Ends, address: &str, people: usize, seed: u64) -> Self {
        let pem = std::fs::read(ends.place.folder.join("hub-authority.pem")).expect("the hub's issuer");
        let http = reqwest::Client::builder()
            .no_proxy()
            .http1_only()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).expect("a certificate")])
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client");
        let tokens = (0..NURSES).map(|nurse| ends.place.token(nurse)).collect();
        let base = format!("https://{address}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let nonce = runtime.block_on(nonce(&http, &base)).expect("a nonce");
        let prover = ends.place.prover_with(nonce);
        // A connection belongs to the runtime in which it was made.
        let asked = Arc::new(Asked::of(people, people, seed));
        Self { http, base, asked, tokens: Arc::new(tokens), prover }
    }

    /// Asks so often a second until it is over.
    pub(crate) fn ask(self, rate: u32, begun: Instant, over: &Arc<AtomicBool>) -> Vec<View> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (this, next) = (Arc::new(self), Arc::new(AtomicU32::new(0)));
        runtime.block_on(async move {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (this, next, over) = (Arc::clone(&this), Arc::clone(&next), Arc::clone(over));
                    tokio::spawn(async move { this.one(client, (rate, begun), &next, &over).await })
                })
                .collect();
            let mut all = Vec::new();
            for client in clients {
                all.extend(client.await.expect("a client"));
            }
            all
        })
    }

    async fn one(
        &self,
        client: u32,
        (rate, begun): (u32, Instant),
        next: &AtomicU32,
        over: &AtomicBool,
    ) -> Vec<View> {
        let (mut chance, mut seen) = (Chance::new(u64::from(client) + 1), Vec::new());
        let (mut prover, mut since) = (self.prover.clone(), Instant::now());
        while !over.load(Ordering::Acquire) {
            if since.elapsed() > NONCE
                && let Some(nonce) = nonce(&self.http, &self.base).await
            {
                (prover.nonce, since) = (nonce, Instant::now());
            }
            let at = Duration::from_secs(1) * next.fetch_add(1, Ordering::AcqRel) / rate;
            tokio::time::sleep_until((begun + at).into()).await;
            let person = &self.asked.flagged[chance.below(self.asked.flagged.len())];
            let path = format!(
                "/cpis/FHIR/R4/CareTeam?patient:identifier=https://fhir.nhs.uk/Id/nhs-number%7C{}",
                person.number.digits()
            );
            let token = &self.tokens[chance.below(self.tokens.len())];
            let mut request = self.http.get(format!("{}{path}", self.base));
            for line in prover.proved(&path, token).lines() {
                let (name, value) = line.split_once(": ").expect("a header");
                request = request.header(name, value);
            }
            let request = request.header("TraceID", uuid::Uuid::new_v4().to_string());
            let (is_well, commit) = answered(request).await;
            let total = u32::try_from((begun.elapsed().saturating_sub(at)).as_micros()).unwrap_or(u32::MAX);
            seen.push(View { at, total, without_commit: total.saturating_sub(commit), is_well });
        }
        seen
    }
}

/// Whether it was answered with what was asked for, and the microseconds that the commit took.
async fn answered(request: reqwest::RequestBuilder) -> (bool, u32) {
    let Ok(answer) = request.send().await else { return (false, 0) };
    let is_well = answer.status() == 200;
    let said = answer.headers().get("server-timing").and_then(|said| said.to_str().ok()).unwrap_or_default();
    let commit: f64 = said.trim_start_matches("commit;dur=").parse().unwrap_or(0.0);
    let whole = answer.bytes().await.is_ok();
    (is_well && whole, Duration::from_secs_f64(commit.max(0.0) / 1000.0).as_micros().try_into().unwrap_or(0))
}

async fn nonce(http: &reqwest::Client, base: &str) -> Option<String> {
    let answer = http.get(format!("{base}/metadata")).send().await.ok()?;
    Some(answer.headers().get("dpop-nonce")?.to_str().ok()?.to_owned())
}
