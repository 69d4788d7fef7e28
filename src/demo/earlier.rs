//! Views of the last days, so that there is a history worth looking at: one child at three organisations in
//! ten days. They are made as in the field, through the store, on a clock that is turned back.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::people::often_seen;
use crate::domain::{Activity, Caller, CareSetting, ViewPermit};
use crate::hub::Hub;
use crate::hub::store::{StoreError, ViewAsk};

/// Hours ago, user, name, role, organisation's code and name.
const VIEWS: [(i64, &str, &str, &str, &str, &str); 6] = [
    (231, "demo-earlier-1", "Jo Marsh", "triage nurse", "ZZ905", "Northmoor Royal Infirmary"),
    (230, "demo-earlier-2", "Dr Alan Reyes", "emergency doctor", "ZZ905", "Northmoor Royal Infirmary"),
    (150, "demo-earlier-3", "Bea Holt", "nurse practitioner", "ZZ907", "Thamesbury Walk-in Centre"),
    (62, "demo-earlier-4", "Kit Owusu", "triage nurse", "ZZ901", "Wexcombe General Hospital"),
    (61, "demo-earlier-5", "Dr Mina Sato", "emergency doctor", "ZZ901", "Wexcombe General Hospital"),
    (26, "demo-earlier-1", "Jo Marsh", "triage nurse", "ZZ905", "Northmoor Royal Infirmary"),
];

/// Makes them, and leaves the clock turned back.
pub(super) async fn views(hub: &Hub, start: Timestamp) -> Result<(), StoreError> {
    for (hours, user, name, role, code, organisation) in VIEWS {
        hub.clock().turn_to(start.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(start));
        let caller = Caller {
            user: user.to_owned(),
            name: name.to_owned(),
            role: role.to_owned(),
            role_profile: user.to_owned(),
            organisation_code: code.to_owned(),
            organisation: organisation.to_owned(),
            activities: vec![Activity::VIEW_AND_NOTIFY],
            session: user.to_owned(),
            client: None,
        };
        let Ok(permit) = ViewPermit::of(&caller, hub.rights(), CareSetting::Unscheduled) else {
            continue;
        };
        let ask = ViewAsk { number: often_seen(), trace: Uuid::new_v4(), site: None };
        hub.store().disclose(permit, ask).await?;
    }
    Ok(())
}
