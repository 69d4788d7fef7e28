//! Ends the sessions whose time is up although nobody asks, and writes down who has been at work.

use std::time::Duration;

use super::super::{Hub, limits};

/// Runs until the hub stops. Looking does not wait for the disk: who listens hears of an end at once, however slow that is.
pub(in crate::hub) async fn keep(hub: Hub) {
    tokio::join!(look(&hub), write(&hub));
}

async fn look(hub: &Hub) {
    let mut looks = tokio::time::interval(limits::SESSIONS_LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut since_all = Duration::ZERO;
    loop {
        looks.tick().await;
        since_all += limits::SESSIONS_LOOK;
        let now = hub.clock().carried_on();
        let due = if since_all >= limits::SESSIONS_LOOK_ALL {
            hub.sessions().end_due(now)
        } else {
            hub.sessions().end_due_and_awaited(now)
        };
        for (session, by) in due {
            hub.sessions().not_written(session, by);
        }
        if since_all >= limits::SESSIONS_LOOK_ALL {
            since_all = Duration::ZERO;
        }
    }
}

async fn write(hub: &Hub) {
    let mut turns = tokio::time::interval(limits::SESSIONS_LOOK);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut since_noted = Duration::ZERO;
    loop {
        turns.tick().await;
        since_noted += limits::SESSIONS_LOOK;
        write_ends(hub).await;
        if since_noted >= limits::SESSIONS_LOOK_ALL {
            since_noted = Duration::ZERO;
            note_activity(hub).await;
        }
    }
}

/// What ended just now, and what could not be written before.
async fn write_ends(hub: &Hub) {
    for (session, by) in hub.sessions().unwritten(limits::SESSIONS_NOTED) {
        if hub.write_end(session, by).await.is_err() {
            // The next look tries again.
            tracing::warn!(by = by.word(), "the end of a session could not be written");
            return;
        }
    }
}

/// In slices that views do not wait for.
async fn note_activity(hub: &Hub) {
    loop {
        let last = hub.sessions().not_noted(limits::SESSIONS_NOTED);
        if last.is_empty() {
            return;
        }
        if hub.store().note_activity(last.clone()).await.is_err() {
            // The next turn tries again: a hub that starts would take whoever works for idle.
            tracing::warn!("who has been at work in a session could not be written");
            return;
        }
        hub.sessions().noted(&last);
        tokio::time::sleep(limits::RETENTION_PAUSE).await;
    }
}
