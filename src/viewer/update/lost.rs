//! What is shown while nothing is heard of the hub: nobody can say then whether the session still goes on.

use std::time::Duration;

use super::{HIDDEN_FOR, HUB_LOST_AFTER, focus, forget_typed, patient};
use crate::viewer::effect::Effect;
use crate::viewer::present::screen::FocusTarget;
use crate::viewer::state::{Cover, Desk, Now, SearchStage, Stage, State};

/// Hub and session are there: what was covered for want of that is shown again.
pub(super) fn hub_is_here(state: &mut State, at: Duration, now: Now) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    desk.hub_heard = desk.hub_heard.max(at.min(now.tick));
    if is_lost(desk, now) {
        return Vec::new();
    }
    if let Stage::Hidden { under, why: Cover::HubIsLost, .. } = &mut desk.stage {
        desk.stage = std::mem::replace(under.as_mut(), Stage::Search(SearchStage::Idle));
        desk.answered_covered = false;
        desk.uncovered = Some(now.tick);
        let target = match desk.stage {
            Stage::Search(SearchStage::Choose { .. }) => FocusTarget::Candidate(0),
            Stage::Search(_) | Stage::Patient(_) | Stage::Hidden { .. } => FocusTarget::Answer,
        };
        forget_typed(state);
        focus(state, target);
    }
    Vec::new()
}

/// The hub has not gone: nobody has done anything for so long that it is not asked.
pub(super) fn waits_for_input(state: &mut State, waits: bool) -> Vec<Effect> {
    if let Some(desk) = state.desk_mut() {
        desk.waits_for_input = waits;
    }
    Vec::new()
}

/// Whether nothing was heard of hub and session for too long.
pub(super) fn is_lost(desk: &Desk, now: Now) -> bool {
    now.tick.saturating_sub(desk.hub_heard) >= HUB_LOST_AFTER
}

/// Covers what is shown of anybody where nothing was heard of hub and session for too long: nobody can say whether the
/// session still goes on.
pub(super) fn cover_if_lost(state: &mut State, now: Now) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let silent_for = now.tick.saturating_sub(desk.hub_heard);
    if silent_for < HUB_LOST_AFTER {
        return vec![Effect::WakeAfter(HUB_LOST_AFTER.saturating_sub(silent_for))];
    }
    match desk.stage {
        Stage::Hidden { .. }
        | Stage::Search(SearchStage::Idle | SearchStage::UnderWay { .. } | SearchStage::NotFound { .. }) => {
            return Vec::new();
        }
        Stage::Patient(_) | Stage::Search(SearchStage::Choose { .. }) => {}
    }
    patient::stop_copying(&mut desk.stage);
    let under = Box::new(std::mem::replace(&mut desk.stage, Stage::Search(SearchStage::Idle)));
    desk.stage = Stage::Hidden { under, since: now.tick, why: Cover::HubIsLost };
    state.help = false;
    forget_typed(state);
    focus(state, FocusTarget::Nowhere);
    vec![Effect::ForgetClipboard, Effect::WakeAfter(HIDDEN_FOR + Duration::from_millis(10))]
}
