//! What a refresh token that is shown does to its session. Asked in memory first, so that what ends a session ends it there
//! whatever the disk does, and again with the row, which has the last word.

use super::EndedBy;

/// A session, as far as it matters to a refresh token that is shown.
pub(in crate::hub) struct Standing<'a> {
    /// Whoever shows it has the session's key.
    pub(in crate::hub) has_key: bool,
    /// The hash of the token that renews it, and of the one before.
    pub(in crate::hub) current: &'a [u8],
    /// See `current`.
    pub(in crate::hub) previous: Option<&'a [u8]>,
    /// When the one took the other's place, in milliseconds.
    pub(in crate::hub) rotated_ms: i64,
    /// When somebody asked for something last, in milliseconds.
    pub(in crate::hub) active_ms: i64,
    /// Time without that after which it ends, in milliseconds.
    pub(in crate::hub) idle_ms: i64,
    /// When it is over, in milliseconds.
    pub(in crate::hub) over_ms: i64,
}

impl Standing<'_> {
    /// Whether a token of this hash is the session's, or was until the last renewal.
    pub(in crate::hub) fn knows(&self, hash: &[u8]) -> bool {
        self.current == hash || self.previous == Some(hash)
    }

    /// Why the session ends with the token of this hash, of whoever has its key or one of its tokens; `None` where it goes on.
    /// The one before the current one may be shown again for so many milliseconds.
    pub(in crate::hub) fn ends(&self, hash: &[u8], now_ms: i64, again_ms: i64) -> Option<EndedBy> {
        // A clock that is set back gives nobody more time.
        let is_soon = now_ms.saturating_sub(self.rotated_ms).unsigned_abs() <= again_ms.unsigned_abs();
        let is_good = self.current == hash || self.previous == Some(hash) && is_soon;
        if !self.has_key {
            Some(EndedBy::OtherKey)
        } else if !is_good {
            Some(EndedBy::Reused)
        } else if now_ms >= self.over_ms {
            Some(EndedBy::Over)
        } else if now_ms.saturating_sub(self.active_ms) > self.idle_ms {
            Some(EndedBy::Idle)
        } else {
            None
        }
    }
}
