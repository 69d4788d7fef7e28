//! Looks whether every authority that should send does. One of which nothing could be taken for two days is said in the log, by its
//! ODS code alone and once a day; `cpis-hub outbox` says the same, and `/metrics` has it for an alert.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::OdsCode;
use crate::hub::{Hub, limits};

/// Runs until it is dropped.
pub(in crate::hub) async fn keep(hub: Hub) {
    let mut said = BTreeMap::new();
    let mut is_failing = false;
    loop {
        // First of all, too: what came while the hub was not there is taken before anybody is missed.
        tokio::time::sleep(limits::NOTICES_LOOK).await;
        let now = hub.clock().now();
        match hub.store().missed_authorities(now).await {
            Ok(missed) => {
                is_failing = false;
                say(&due(&mut said, &missed, now));
            }
            // Once, until it is known again: nobody reads what is said each minute.
            Err(error) if !is_failing => {
                is_failing = true;
                tracing::error!(reason = %error, "whether local authorities send cannot be looked at: nobody would be named");
            }
            Err(_) => {}
        }
    }
}

fn say(due: &[&str]) {
    for authority in due.iter().take(limits::NOTICES_SAID) {
        tracing::error!(
            authority = OdsCode::said(authority),
            "nothing that could be taken has come from a local authority for two days: ring the authority"
        );
    }
    let authorities = due.len().saturating_sub(limits::NOTICES_SAID);
    if authorities > 0 {
        tracing::error!(authorities, "and nothing from further local authorities: see `cpis-hub outbox`");
    }
}

/// Whom to name of those who are missed; when each was named is noted, and of whoever is missed no longer it is forgotten.
fn due<'a>(
    said: &mut BTreeMap<String, Timestamp>,
    missed: &'a [(String, Timestamp)],
    now: Timestamp,
) -> Vec<&'a str> {
    let again = SignedDuration::try_from(limits::UPLOAD_MISSED_AGAIN).unwrap_or(SignedDuration::MAX);
    said.retain(|code, _| missed.iter().any(|(missed, _)| missed == code));
    let mut due = Vec::new();
    for (code, _) in missed {
        if said.get(code).is_none_or(|at| now.duration_since(*at) >= again) {
            said.insert(code.clone(), now);
            due.push(code.as_str());
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
            let missed: Vec<(String, Timestamp)> =
                missed.iter().map(|code| ((*code).to_owned(), begun)).collect();
            let now = begun + SignedDuration::from_hours(hours);
            due(&mut said, &missed, now).into_iter().map(str::to_owned).collect::<Vec<_>>()
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
