//! Looks whether every authority that should send does. One of which nothing could be taken for two days is said in the log, by its
//! ODS code alone and once a day; `cpis-hub outbox` says the same, and `/metrics` has it for an alert.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::OdsCode;
use crate::hub::{Hub, limits};

/// Runs until it is dropped.
pub(in crate::hub) async fn keep(hub: Hub) {
    let mut said = BTreeMap::new();
    loop {
        // First of all, too: what came while the hub was not there is taken before anybody is missed.
        tokio::time::sleep(limits::NOTICES_LOOK).await;
        let Ok(figures) = hub.store().figures(hub.overdue_before()).await else { continue };
        let now = hub.clock().now();
        for authority in due(&mut said, &figures.missed(now), now) {
            tracing::error!(
                authority = OdsCode::said(authority),
                "nothing that could be taken has come from a local authority for two days: ring the authority"
            );
        }
    }
}

/// Whom to name of those who are missed; when each was named is noted, and of whoever is missed no longer it is forgotten.
fn due<'a>(
    said: &mut BTreeMap<String, Timestamp>,
    missed: &[(&'a str, Timestamp)],
    now: Timestamp,
) -> Vec<&'a str> {
    let again = SignedDuration::try_from(limits::UPLOAD_MISSED_AGAIN).unwrap_or(SignedDuration::MAX);
    said.retain(|code, _| missed.iter().any(|(missed, _)| missed == code));
    let mut due = Vec::new();
    for (code, _) in missed {
        if said.get(*code).is_none_or(|at| now.duration_since(*at) >= again) {
            said.insert((*code).to_owned(), now);
            due.push(*code);
        }
    }
    due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_named_once_a_day_for_as_long_as_it_is_missed() {
        let mut said = BTreeMap::new();
        let begun: Timestamp = "2026-11-22T14:00:00Z".parse().unwrap();
        let mut at = |hours: i64, missed: &[&'static str]| {
            let missed: Vec<(&str, Timestamp)> = missed.iter().map(|code| (*code, begun)).collect();
            due(&mut said, &missed, begun + SignedDuration::from_hours(hours))
        };
        assert_eq!(at(0, &["301"]), ["301"]);
        assert_eq!(at(10, &["301", "302"]), ["302"], "each has a day of its own");
        assert!(at(23, &["301", "302"]).is_empty());
        assert_eq!(at(24, &["301", "302"]), ["301"]);
        assert_eq!(at(34, &["302"]), ["302"]);
        assert!(at(35, &[]).is_empty());
        assert_eq!(at(36, &["301", "302"]), ["301", "302"], "they sent in between, and are missed again");
    }

    #[test]
    fn the_log_misses_an_authority_when_the_alert_of_the_metric_does() {
        let alert = include_str!("../../../packaging/alerts.yml");
        let hours = limits::UPLOAD_MISSED.as_secs() / 3600;
        assert!(alert.contains(&format!("cpis_hub_upload_age_seconds > {hours} * 3600")));
    }
}
