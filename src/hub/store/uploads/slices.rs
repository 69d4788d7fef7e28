//! How long a slice of an upload may take.

use std::time::Duration;

use crate::hub::limits;
use crate::hub::store::queue::Queue;

/// Whether a slice has worked for so long that it ends: sooner where somebody waits for it.
pub(super) fn is_over(worked: Duration, do_views_wait: impl FnOnce() -> bool) -> bool {
    worked >= limits::UPLOAD_SLICE || (worked >= limits::UPLOAD_SLICE_LEAST && do_views_wait())
}

/// Whether somebody opens a child's information and waits for this commit, or for the next.
pub(super) fn do_views_wait(holds_views: bool, queue: &Queue) -> bool {
    holds_views || queue.depths().0 > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_that_shares_its_commit_with_views_ends_after_a_millisecond_and_any_after_five() {
        let (least, moment) = (limits::UPLOAD_SLICE_LEAST, Duration::from_nanos(1));
        let queue = Queue::default();
        let waits = |holds_views| move || do_views_wait(holds_views, &Queue::default());
        assert!(!is_over(least - moment, waits(true)), "an upload comes to its end all the same");
        assert!(is_over(least, waits(true)), "though nothing waits in the line");
        assert!(!is_over(least, waits(false)));
        assert!(!is_over(limits::UPLOAD_SLICE - moment, || do_views_wait(false, &queue)));
        assert!(is_over(limits::UPLOAD_SLICE, waits(false)));
    }
}
