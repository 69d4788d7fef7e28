//! What an operator watches of what goes on by itself: backups, removals, and places that run out.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::scrape::{Scraped, seconds, whole};
use super::{Seconds, Word};
use crate::hub::store::Figures;

/// What is said of backups, and of the removal of what is over its time.
#[derive(Debug)]
pub(super) struct Kept {
    failed: Gauge,
    last_backup: Seconds,
    last_retention: Seconds,
}

impl Kept {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let kept = Self {
            failed: Gauge::default(),
            last_backup: Seconds::default(),
            last_retention: Seconds::default(),
        };
        registry.register(
            "backup_failed",
            "1 where the last backup that came to an end was not made",
            kept.failed.clone(),
        );
        registry.register(
            "last_backup_timestamp_seconds",
            "When the last backup was made; where none ever was, when the audit log begins",
            kept.last_backup.clone(),
        );
        registry.register(
            "last_retention_timestamp_seconds",
            "When what is over its time was last removed; where it never was, when the audit log begins; where nothing is to be removed, now",
            kept.last_retention.clone(),
        );
        kept
    }

    pub(super) fn set(&self, figures: &Figures, scraped: &Scraped) {
        self.failed.set(i64::from(figures.backup_failed));
        self.last_backup.set(seconds(figures.last_backup.unwrap_or(scraped.now)));
        let due = figures.last_retention.filter(|_| scraped.removes_anything);
        self.last_retention.set(seconds(due.unwrap_or(scraped.now)));
    }
}

/// What is said of that of which there may be only so much.
#[derive(Debug)]
pub(super) struct Places {
    taken: Family<Word, Gauge>,
    most: Family<Word, Gauge>,
}

impl Places {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (taken, most) = (Family::<Word, Gauge>::default(), Family::<Word, Gauge>::default());
        registry.register(
            "places",
            "Sessions (those that ended within a day among them), event streams, and proofs that are remembered",
            taken.clone(),
        );
        registry.register("places_limit", "How many of these there may be", most.clone());
        Self { taken, most }
    }

    pub(super) fn set(&self, scraped: &Scraped) {
        for (what, taken, most) in scraped.places {
            self.taken.get_or_create(&[("of", what)]).set(whole(taken));
            self.most.get_or_create(&[("of", what)]).set(whole(most));
        }
    }
}
