//! Callers' tokens and the proofs of their key, as a caller outside makes them: for each request anew, with the
//! nonce that the hub gave last, and once more where it wants another.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{LazyLock, Mutex};

use cpis::domain::{Caller, TailDays};
use cpis::hub::clock::Clock;
use cpis::hub::store::{Store, StoreSettings};
use cpis::identity::dpop::ProofKey;
use cpis::identity::token::{Minter, SigningKey};
use jiff::{SignedDuration, Timestamp};

use super::{ISSUER, midwife, nurse, receptionist};

/// The key of every caller here, but for those who are about keys.
pub(in super::super) static KEY: LazyLock<ProofKey> = LazyLock::new(|| ProofKey::generate().unwrap());

/// The nonce that each hub gave last, by its address.
static NONCES: Mutex<Option<HashMap<String, String>>> = Mutex::new(None);

/// Begins the session that a caller names, in the database itself: with no entry in the audit log, and with neither idle
/// nor absolute limit, since clocks are turned here by years. What a hub's own sessions are like is another test's.
pub(in super::super) fn begin(database: &Path, caller: &Caller) {
    if !database.exists() {
        let config = super::configuration(database.to_owned(), TailDays::default());
        drop(Store::open(&StoreSettings::of(&config), Clock::system()).unwrap());
    }
    let db = rusqlite::Connection::open(database).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    // At the first time those of the usual callers too: later a test may have locked the database.
    for who in [caller, &nurse(), &midwife(), &receptionist()] {
        let known = db.query_row("SELECT 1 FROM session WHERE id = ?1", [&who.session], |_| Ok(()));
        if known.is_err() {
            insert(&db, who);
        }
    }
}

fn insert(db: &rusqlite::Connection, caller: &Caller) {
    let ever = i64::MAX / 4;
    db.execute(
        "INSERT INTO session (id, user_id, user_name, role, role_profile, organisation_code, organisation, activities,
                              key, chain, current, rotated_ms, begun_ms, active_ms, idle_ms, over_ms)
         VALUES (?1, ?2, '', '', '', '', '', '', ?3, x'', x'', 0, 0, 0, ?4, ?4)",
        rusqlite::params![caller.session, caller.user, KEY.thumbprint().as_str(), ever],
    )
    .unwrap();
}

/// A caller's token for an hour, bound to [`KEY`], in the session that they name: it begins in this database.
pub(in super::super) fn token(database: &Path, key: &SigningKey, caller: &Caller, now: Timestamp) -> String {
    begin(database, caller);
    let minter = Minter::new(key.clone(), ISSUER);
    let minted = minter.mint(caller, KEY.thumbprint(), now, SignedDuration::from_hours(1));
    minted.unwrap().secret().to_owned()
}

/// A proof for a request to this path; a query is left out.
pub(in super::super) fn proof(method: &str, path: &str, token: &str, nonce: &str, now: Timestamp) -> String {
    let path = path.split('?').next().unwrap();
    let address = format!("{ISSUER}{path}");
    KEY.prove(method, &address, Some(token), Some(nonce), now.as_second()).unwrap()
}

/// The request with token and proof.
pub(in super::super) fn proved(
    request: reqwest::RequestBuilder,
    token: &str,
    nonce: &str,
    now: Timestamp,
) -> reqwest::RequestBuilder {
    let built = request.try_clone().unwrap().build().unwrap();
    let proof = proof(built.method().as_str(), built.url().path(), token, nonce, now);
    request.header("Authorization", format!("DPoP {token}")).header("DPoP", proof)
}

/// Sends a request to a hub that runs now, as a viewer does.
pub(crate) async fn send(
    request: reqwest::RequestBuilder,
    token: &str,
) -> reqwest::Result<reqwest::Response> {
    let url = request.try_clone().unwrap().build().unwrap().url().clone();
    let hub = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let shown = |nonce: &str| proved(request.try_clone().unwrap(), token, nonce, Clock::system().now());
    let first = shown(&known(&hub)).send().await?;
    let given = first.headers().get("dpop-nonce").map(|nonce| nonce.to_str().unwrap().to_owned());
    let wants = first.headers().get("www-authenticate").map(|wants| wants.to_str().unwrap().to_owned());
    if let Some(nonce) = &given {
        remember(&hub, nonce);
    }
    match given {
        Some(nonce) if wants.is_some_and(|wants| wants.contains("use_dpop_nonce")) => {
            shown(&nonce).send().await
        }
        Some(_) | None => Ok(first),
    }
}

fn known(hub: &str) -> String {
    NONCES.lock().unwrap().get_or_insert_default().get(hub).cloned().unwrap_or_default()
}

fn remember(hub: &str, nonce: &str) {
    NONCES.lock().unwrap().get_or_insert_default().insert(hub.to_owned(), nonce.to_owned());
}

/// Learns the nonce of a hub that speaks plain HTTP, for what [`send`] sends to it.
pub(in super::super) fn greet(base: &str) {
    remember(base.strip_prefix("http://").unwrap(), &nonce(base));
}

/// The nonce of a hub that speaks plain HTTP and runs now.
pub(in super::super) fn nonce(base: &str) -> String {
    nonce_from(TcpStream::connect(base.strip_prefix("http://").unwrap()).unwrap())
}

/// The same over any connection.
pub(in super::super) fn nonce_from(mut connection: impl Read + Write) -> String {
    connection.write_all(b"GET /metadata HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // However a connection ends, its answer has come.
    let _ = connection.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let mut headers = answer.lines().filter_map(|line| line.split_once(": "));
    let found = headers.find(|(name, _)| name.eq_ignore_ascii_case("dpop-nonce"));
    found.unwrap_or_else(|| panic!("no nonce in {answer}")).1.to_owned()
}

/// The two header lines of a request that is written by hand, to a hub that runs now.
pub(in super::super) fn head(method: &str, path: &str, token: &str, nonce: &str) -> String {
    let proof = proof(method, path, token, nonce, Clock::system().now());
    format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n")
}
