//! How the store is: whether it answers and writes, how much waits, and how it ends.

use std::sync::atomic::Ordering;

use super::Store;
use super::error::StoreError;
use super::queue::Line;
use crate::hub::limits;
use crate::hub::metrics::Metrics;

impl Store {
    /// Whether the database answers, and whether the last thing that was to be written was. If it was not,
    /// this tries to write something itself.
    ///
    /// # Errors
    /// It does not, or was not and still is not.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.read_elsewhere(|db| Ok(db.query_row("SELECT count(*) FROM marking", [], |_| Ok(()))?)).await?;
        if self.0.known.failing.load(Ordering::Acquire) {
            self.probe().await?;
        }
        Ok(())
    }

    /// Writes something, of more than a view needs, and waits until it is on disk. At random: SQLite writes no page that
    /// does not change.
    ///
    /// # Errors
    /// Nothing can be written.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let written = self.write(|work| {
            work.db
                .prepare_cached(
                    "INSERT INTO probe (id, at_ms, filler) VALUES (1, ?1, randomblob(131072))
                     ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms, filler = excluded.filler",
                )?
                .execute([work.now_ms()])?;
            Ok(())
        });
        written.await.map(|_| ())
    }

    /// Whether a view, or another request, would be taken at present: whoever asks need not be looked at else.
    #[must_use]
    pub fn has_room(&self, for_a_view: bool) -> bool {
        self.0.queue.has_room(if for_a_view { Line::Views } else { Line::Others })
    }

    /// Takes no more work, does what waits, and moves the write-ahead log into the database, so that the next
    /// start finds nothing to recover. Returns when that is done; false where the disk refused to flush something.
    pub async fn close(&self) -> bool {
        self.0.known.is_last.store(true, Ordering::Release);
        self.0.queue.close();
        let store = self.clone();
        let ended = tokio::task::spawn_blocking(move || store.0.queue.wait_until_ended());
        let _ = ended.await;
        !*self.0.known.lost.borrow()
    }

    /// What an operator watches.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.known.metrics
    }

    /// How many commits there were since the store was opened.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.0.known.commits.load(Ordering::Acquire)
    }

    /// How many requests wait for the writer: views, and others.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        self.0.queue.depths()
    }

    /// How many searches are under way.
    #[must_use]
    pub fn searching(&self) -> usize {
        limits::SEARCHES_AT_ONCE.saturating_sub(self.0.searches.available_permits())
    }

    /// Whether the last thing that was to be written was.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        !self.0.known.failing.load(Ordering::Acquire)
    }

    /// Ready when nothing can be written any more, for good: the hub has to end and be started anew.
    pub async fn lost(&self) {
        let mut lost = self.0.known.lost.subscribe();
        let _ = lost.wait_for(|lost| *lost).await;
    }
}
