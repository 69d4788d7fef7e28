//! Limits of concerns: what the report holds, and how much of the hub it may take.

use std::time::Duration;

/// Family names of which concerns remember how rare they are: counting walks through all who have one.
pub const CONCERN_NAMES: usize = 10_000;

/// Concerns of each kind that `cpis-hub concerns` prints; of more it says how many.
pub const CONCERNS_PRINTED: usize = 50;

/// People of one user within the period that concerns look at.
pub const CONCERN_PEOPLE: usize = 50_000;

/// Entries of the audit log of one user within the period that concerns look at.
pub const CONCERN_ENTRIES: usize = 200_000;

/// Names, roles and organisations of one user that concerns remember, to hold each once in memory.
pub const CONCERN_ROLES: usize = 64;

/// References that one concern names.
pub const CONCERN_REFERENCES: usize = 10;

/// Entries of the audit log from which a user's usual hours are learnt.
pub const CONCERN_HISTORY: usize = 20_000;

/// Days of the period that a privacy officer asks for at `/audit/concerns`.
pub const CONCERN_DAYS: i64 = 31;

/// Privacy officers' reports that are read at once; those of other organisations wait.
pub const CONCERNS_AT_ONCE: usize = 1;

/// Of one organisation, those that are read or wait; a further one is answered 503 with `Retry-After`.
pub const CONCERNS_OF_ONE: usize = 1;

/// Time for which a report waits for those of other organisations; then 503 with `Retry-After`.
pub const CONCERNS_WAIT: Duration = Duration::from_secs(10);

/// Reports of one organisation within an hour; further ones are answered 429 with `Retry-After`.
pub const CONCERNS_PER_HOUR: u32 = 12;

/// Time for which such a report is read; then 408, and a shorter period has to be asked for.
pub const CONCERNS_READ: Duration = Duration::from_secs(30);

/// Time after which it lets others who wait for a reader go first.
pub const CONCERNS_SLICE: Duration = Duration::from_millis(20);
