//! Documents that are open to whoever shows no token: what the hub is and offers. They cost little, and no network gets them
//! without end.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use jiff::Timestamp;

use super::Hub;
use super::error::ApiError;
use super::limits;
use super::metrics::Shed;
use super::negotiation;
use super::proven::Proven;
use super::serve::Peer;

/// Seconds in which they are counted together.
const MINUTE: i64 = 60;

/// How many were asked for from each network within this minute.
#[derive(Debug, Default)]
pub(super) struct Opened(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    minute: i64,
    asked: HashMap<IpAddr, u32>,
}

impl Opened {
    /// Lets somebody of this network ask, or says how long to wait. Where there are more networks than are counted, the others'
    /// are not.
    fn take(&self, from: Option<IpAddr>, now: Timestamp) -> Result<(), Duration> {
        let Some(network) = from.and_then(network) else { return Ok(()) };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.as_second().div_euclid(MINUTE);
        if held.minute != minute {
            held.minute = minute;
            held.asked.clear();
        }
        if !held.asked.contains_key(&network) && held.asked.len() >= limits::OPEN_NETWORKS {
            return Ok(());
        }
        let asked = held.asked.entry(network).or_default();
        if *asked >= limits::OPEN_A_MINUTE {
            let gone = now.as_second().rem_euclid(MINUTE);
            return Err(Duration::from_secs(MINUTE.saturating_sub(gone).unsigned_abs()));
        }
        *asked = asked.saturating_add(1);
        Ok(())
    }
}

/// A network, as far as its strangers are counted together; `None` on this computer, where a program in front may speak for
/// everybody.
pub(super) fn network(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    let whole = match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => IpAddr::V6((six.to_bits() & (u128::MAX << 64)).into()),
    };
    (!address.is_loopback()).then_some(whole)
}

/// Somebody who asks for a document that is open to everybody.
pub(super) struct Open;

impl FromRequestParts<Hub> for Open {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let from = parts.extensions.get::<Peer>().map(|peer| peer.0);
        hub.opened().take(from, hub.clock().now()).map_err(|wait| {
            hub.metrics().shed(Shed::Open);
            ApiError::too_often_from_there(wait)
        })?;
        Ok(Self)
    }
}

/// Whoever asks for a document that is open, and may show a token all the same: that has to be a good one, so that a viewer
/// hears of its session.
pub(super) struct Anybody {
    /// They proved who they are.
    pub(super) is_proven: bool,
}

impl FromRequestParts<Hub> for Anybody {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            Proven::from_request_parts(parts, hub).await?;
            return Ok(Self { is_proven: true });
        }
        Open::from_request_parts(parts, hub).await?;
        negotiation::check(parts)?;
        Ok(Self { is_proven: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn from(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_network_asks_so_often_within_a_minute_and_takes_nobody_elses_turn() {
        let opened = Opened::default();
        for _ in 0..limits::OPEN_A_MINUTE {
            assert_eq!(opened.take(from("2001:db8::1"), at(61)), Ok(()));
        }
        assert_eq!(opened.take(from("2001:db8::2"), at(61)), Err(Duration::from_secs(59)), "one network");
        assert_eq!(opened.take(from("2001:db8:0:1::2"), at(61)), Ok(()), "another");
        assert_eq!(opened.take(from("2001:db8::2"), at(120)), Ok(()), "the next minute");
        for here in [None, from("127.0.0.1"), from("::ffff:127.0.0.1")] {
            assert!((0..=limits::OPEN_A_MINUTE).all(|_| opened.take(here, at(61)).is_ok()));
        }
    }
}
