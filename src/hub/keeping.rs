//! What a serving hub does by itself: looks at its disk, and removes what is over its time.

use std::time::Duration;

use super::{Hub, limits};
use crate::domain::Caller;

/// Runs until it is dropped.
pub(super) async fn keep(hub: Hub) {
    tokio::join!(watch_disk(&hub), remove_daily(&hub), forget_id_tokens(&hub));
}

async fn watch_disk(hub: &Hub) {
    loop {
        let disk = hub.0.disk.clone();
        // Making the reserve may take its time.
        let _ = tokio::task::spawn_blocking(move || disk.look()).await;
        tokio::time::sleep(limits::DISK_LOOK).await;
    }
}

/// What names people at the provider is not kept longer than their sessions.
async fn forget_id_tokens(hub: &Hub) {
    loop {
        if let Err(error) = hub.store().forget_id_tokens().await {
            tracing::error!(reason = %error, "id tokens of sessions that are over cannot be forgotten");
        }
        tokio::time::sleep(limits::ID_TOKENS_EVERY).await;
    }
}

async fn remove_daily(hub: &Hub) {
    if !hub.0.retention.removes_anything() {
        return;
    }
    let mut wait: Duration = limits::RETENTION_FIRST;
    loop {
        tokio::time::sleep(wait).await;
        wait = limits::RETENTION_EVERY;
        match hub.store().retain(hub.0.retention, hub_itself(), None).await {
            Ok(Some(removed)) => tracing::info!(%removed, "removed what was over its time"),
            Ok(None) => tracing::error!(
                "nothing is removed: the clock is a month ahead of the last removal, or there was none yet; if it is right, run `cpis-hub retention` with `--today`"
            ),
            Err(error) => tracing::error!(reason = %error, "what is over its time cannot be removed"),
        }
    }
}

/// Under whom the audit log notes what the hub does by itself.
fn hub_itself() -> Caller {
    Caller {
        user: "hub".to_owned(),
        name: "hub".to_owned(),
        role: "hub".to_owned(),
        role_profile: String::new(),
        organisation_code: String::new(),
        organisation: String::new(),
        activities: Vec::new(),
        session: String::new(),
        client: None,
    }
}
