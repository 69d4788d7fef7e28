//! Takes up certificate and key when they change on the disk, whoever changes them and however: the contents are
//! compared, so that a rename, a symbolic link that is switched and a file that is written over are all seen.
//!
//! Connections that are open keep what they began with. What does not fit is refused, said once, and the old pair
//! goes on being served.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::pair::Files;
use super::{Served, Tls, TlsError, is_valid};
use crate::hub::metrics::{Metrics, Reloaded};
use crate::hub::{Hub, limits};

/// What a look at the files came to.
enum Looked {
    Same,
    Taken,
}

/// Looks at the files as long as the hub serves.
pub(in crate::hub) async fn keep(tls: Tls, hub: Hub) {
    let mut problem = Problem::default();
    loop {
        let is_told = tokio::select! {
            () = tls.0.told.notified() => true,
            () = tokio::time::sleep(limits::CERTIFICATE_LOOK) => false,
        };
        let looking = tls.clone();
        // Reading may block.
        if let Ok(looked) = tokio::task::spawn_blocking(move || looking.look()).await {
            problem.consider(&tls, hub.metrics(), looked, is_told);
        }
    }
}

impl Tls {
    fn look(&self) -> Result<Looked, TlsError> {
        let files = Files::read(&self.0.settings)?;
        let old = self.served();
        if files.digest() == old.digest {
            return Ok(Looked::Same);
        }
        let new = Served::of(&self.0.settings, &self.0.clock, &files)?;
        let now = self.0.clock.now();
        if is_valid(&old.facts, now) && !is_valid(&new.facts, now) {
            return Err(TlsError::certificate(
                &self.0.settings,
                format!(
                    "is valid from {} to {}, and not now: the one that is served still is",
                    new.facts.not_before, new.facts.not_after
                ),
            ));
        }
        *self.0.served.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(Looked::Taken)
    }
}

/// What is wrong with the files, and whether it has been said.
#[derive(Default)]
struct Problem {
    seen: Option<TlsError>,
    said: Option<TlsError>,
}

impl Problem {
    fn consider(&mut self, tls: &Tls, metrics: &Metrics, looked: Result<Looked, TlsError>, is_told: bool) {
        let error = match looked {
            Ok(looked) => {
                let was_refused = std::mem::take(self).said.is_some();
                tls.0.is_refused.store(false, Ordering::Relaxed);
                match looked {
                    Looked::Same if was_refused => {
                        tracing::info!("the certificate on the disk is again the one that is served");
                    }
                    Looked::Same if is_told => tracing::info!("the certificate has not changed"),
                    Looked::Same => {}
                    Looked::Taken => {
                        metrics.reloaded(Reloaded::Taken);
                        say_what_is_served(tls);
                    }
                }
                return;
            }
            Err(error) => error,
        };
        // Certificate and key are seldom replaced in the same moment: only what stays so is said.
        let stays = is_told || self.seen.as_ref() == Some(&error);
        if stays && (is_told || self.said.as_ref() != Some(&error)) {
            tls.0.is_refused.store(true, Ordering::Relaxed);
            metrics.reloaded(Reloaded::Refused);
            tracing::error!(reason = %error, "the new certificate is refused, and the old one is served on");
            self.said = Some(error.clone());
        }
        self.seen = Some(error);
    }
}

/// Says until when it is valid. A certificate that is not valid now is served all the same: callers decide that by
/// their own clocks, and the hub's may be wrong.
pub(in crate::hub) fn say_what_is_served(tls: &Tls) {
    let facts = tls.facts();
    let (names, until) = (facts.named(), facts.not_after);
    if is_valid(&facts, tls.0.clock.now()) {
        tracing::info!(names, %until, "serving with this certificate");
    } else {
        tracing::error!(names, from = %facts.not_before, %until, "serving with a certificate that is not valid now: viewers refuse it");
    }
}
