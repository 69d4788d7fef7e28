//! How far the telling of a view has come, as the hub writes it.

use serde::Deserialize;

use crate::domain::{AccessReference, AccessStatus, Notice, NoticeState};

#[derive(Deserialize)]
pub(super) struct StatusWire {
    reference: String,
    recorded: String,
    silent: bool,
    notices: Vec<NoticeWire>,
}

#[derive(Deserialize)]
struct NoticeWire {
    authority: String,
    state: String,
    at: String,
}

impl StatusWire {
    pub(super) fn read(self) -> Option<AccessStatus> {
        let notice = |wire: NoticeWire| {
            let state = match wire.state.as_str() {
                "queued" => NoticeState::Queued,
                "delivered" => NoticeState::Delivered,
                "filed" => NoticeState::Filed,
                "returned" => NoticeState::Returned,
                "told-earlier" => NoticeState::ToldEarlier,
                _ => return None,
            };
            Some(Notice { authority: wire.authority, state, at: wire.at.parse().ok()? })
        };
        Some(AccessStatus {
            reference: AccessReference::parse(&self.reference)?,
            recorded: self.recorded.parse().ok()?,
            silent: self.silent,
            notices: self.notices.into_iter().map(notice).collect::<Option<_>>()?,
        })
    }
}
