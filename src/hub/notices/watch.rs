//! Looks whether authorities are told in time. What is not on any link's disk, or neither on a record nor on a list, after
//! the configured times is said in the
//! log, by authority and count; `/metrics` has the same for an alert.

use jiff::{SignedDuration, Timestamp};

use crate::domain::OdsCode;
use crate::hub::store::Waiting;
use crate::hub::{Hub, limits};

/// Runs until it is dropped.
pub(in crate::hub) async fn keep(hub: Hub) {
    let mut said: Option<Timestamp> = None;
    let mut is_failing = false;
    loop {
        tokio::time::sleep(limits::NOTICES_LOOK).await;
        let now = hub.clock().now();
        let is_due = said.is_none_or(|said| now.duration_since(said) >= again());
        if !is_due {
            continue;
        }
        match hub.store().notices_waiting(hub.overdue_before()).await {
            Ok(waiting) => {
                is_failing = false;
                if say(&waiting) {
                    said = Some(now);
                }
            }
            // Once, until it is known again: nobody reads what is said each minute.
            Err(error) if !is_failing => {
                is_failing = true;
                tracing::error!(reason = %error, "whether local authorities are told cannot be looked at: nobody would be named");
            }
            Err(_) => {}
        }
    }
}

fn again() -> SignedDuration {
    SignedDuration::try_from(limits::DISK_ALERT_AGAIN).unwrap_or(SignedDuration::MAX)
}

/// Whether anything was to be said.
fn say(waiting: &[Waiting]) -> bool {
    let overdue: Vec<_> = waiting.iter().filter(|authority| authority.overdue() > 0).collect();
    for authority in overdue.iter().take(limits::NOTICES_SAID) {
        tracing::error!(
            authority = OdsCode::said(&authority.authority_code),
            not_fetched = authority.overdue_unsent,
            not_filed = authority.overdue_unfiled,
            "a local authority's link does not fetch, or does not file, what it is to be told: ring the authority"
        );
    }
    if overdue.len() > limits::NOTICES_SAID {
        let authorities = overdue.len() - limits::NOTICES_SAID;
        tracing::error!(authorities, "and further local authorities: see `cpis-hub outbox`");
    }
    !overdue.is_empty()
}
