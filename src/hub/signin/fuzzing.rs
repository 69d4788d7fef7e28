//! What must hold of what browsers bring to the sign-in, whatever arrives (see [`crate::fuzzing`]).

use std::sync::OnceLock;

use axum::http::{HeaderMap, HeaderValue, header};

use super::asked::{self, Asked, Known, Wrong};
use super::secrets::Sealing;
use crate::domain::text;
use crate::hub::clients::Clients;
use crate::hub::query;

/// An answer goes to an address of this computer, letter by letter; nothing else is gone to.
pub(crate) fn authorize(data: &[u8]) {
    let Ok(query) = std::str::from_utf8(data) else { return };
    let at_home = |address: &str| {
        let rest =
            address.strip_prefix("http://127.0.0.1:").or_else(|| address.strip_prefix("http://[::1]:"));
        let port = rest.and_then(|rest| rest.strip_suffix("/signed-in"));
        port.is_some_and(|port| {
            port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port)
        })
    };
    let clients = Clients::of(&[]);
    match Asked::of(Some(query), Known { clients: &clients, issuer: "https://hub" }) {
        Ok(asked) => {
            assert!(at_home(&asked.redirect), "an answer that goes elsewhere");
            assert!(asked.challenge.len() == 43 && (1..=200).contains(&asked.state.len()));
            let (device, hint) = (asked.device(), asked.hint.as_ref());
            let shown = [device.as_ref(), hint];
            assert!(shown.into_iter().flatten().all(|said| !said.chars().any(text::is_unprintable)));
            let what = [("code", "a&b=c#d e")];
            let address = asked::answer(&asked.redirect, "https://hub", Some(&asked.state), &what);
            assert!(address.starts_with(&asked.redirect) && HeaderValue::from_str(&address).is_ok());
            let pairs = query::pairs_within(address.split_once('?').map(|(_, said)| said), 1_000);
            let of = |name: &str| {
                let pairs = pairs.as_ref().map_or(&[] as &[(String, String)], Vec::as_slice);
                pairs
                    .iter()
                    .filter(|(known, _)| known == name)
                    .map(|(_, value)| value.clone())
                    .collect::<Vec<_>>()
            };
            assert_eq!(of("code"), ["a&b=c#d e"]);
            assert_eq!((of("state"), of("iss").len()), (vec![asked.state.clone()], 1));
        }
        Err(Wrong::Back { redirect, state, .. }) => {
            assert!(at_home(&redirect) && state.is_none_or(|state| (1..=200).contains(&state.len())));
        }
        Err(Wrong::Nowhere(words)) => assert!(!words.is_empty()),
    }
}

/// As a browser's cookies: one of its name, or none; and none that the hub did not seal.
pub(crate) fn cookies(data: &[u8]) {
    static SEALING: OnceLock<Option<Sealing>> = OnceLock::new();
    let Some(sealing) = SEALING.get_or_init(Sealing::new) else { return };
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n').take(50) {
        headers.extend(HeaderValue::from_bytes(line).ok().map(|cookie| (header::COOKIE, cookie)));
    }
    for name in ["__Host-cpis-sign-in", "cpis-sign-in"] {
        let Some(sealed) = super::cookie(&headers, name) else { continue };
        assert!(sealing.open(sealed).is_none(), "what the hub did not seal");
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-cpis-sign-in=a; cpis-sign-in=b"));
        assert!(super::cookie(&headers, name).is_none(), "of two nobody knows which is meant");
    }
}
