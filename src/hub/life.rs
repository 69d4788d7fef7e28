//! The service's life, as a service manager sees it: sockets handed over, ready, alive, stopping.
//!
//! *Ready* is said after the schema is up to date and something has been written; *alive* only while something
//! can be written. A hub that cannot write answers nobody, so nothing is lost by starting it anew.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::{Hub, limits};

/// Why there is no socket to listen on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be had.
    #[error("cannot listen on {0}: {1}")]
    Address(SocketAddr, std::io::ErrorKind),
    /// What was handed over is not the one socket that is meant.
    #[error("the service manager handed over something else than the socket of `listen` ({0}): {1}")]
    HandedOver(SocketAddr, String),
}

/// The socket that the service manager hands over (`LISTEN_FDS`), on which connections wait while no hub runs;
/// without one, a socket of one's own.
///
/// # Errors
/// There is none, or not the one that is configured.
pub async fn listener(configured: SocketAddr) -> Result<TcpListener, ListenError> {
    match handed_over(configured)? {
        Some(listener) => Ok(listener),
        None => bind(configured).await,
    }
}

/// A socket of one's own.
///
/// # Errors
/// The address cannot be had.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|error| ListenError::Address(address, error.kind()))
}

#[cfg(unix)]
fn handed_over(configured: SocketAddr) -> Result<Option<TcpListener>, ListenError> {
    let wrong = |why: String| ListenError::HandedOver(configured, why);
    let mut handed = listenfd::ListenFd::from_env();
    match handed.len() {
        0 => return Ok(None),
        1 => {}
        more => return Err(wrong(format!("{more} sockets"))),
    }
    let listener = handed.take_tcp_listener(0).map_err(|_| wrong("no listening TCP socket".to_owned()))?;
    let Some(listener) = listener else { return Err(wrong("nothing".to_owned())) };
    let unusable = |error: std::io::Error| wrong(error.kind().to_string());
    let address = listener.local_addr().map_err(unusable)?;
    // Port 0 means any.
    if address.ip() != configured.ip() || (configured.port() != 0 && address.port() != configured.port()) {
        return Err(wrong(format!("{address}; make `ListenStream=` in the socket unit the same")));
    }
    listener.set_nonblocking(true).map_err(unusable)?;
    TcpListener::from_std(listener).map(Some).map_err(unusable)
}

#[cfg(not(unix))]
fn handed_over(_configured: SocketAddr) -> Result<Option<TcpListener>, ListenError> {
    Ok(None)
}

/// Tells the service manager that the hub serves.
pub fn say_ready() {
    #[cfg(unix)]
    say(&[sd_notify::NotifyState::Ready]);
}

/// Tells the service manager that the hub is about to stop.
pub fn say_stopping() {
    #[cfg(unix)]
    say(&[sd_notify::NotifyState::Stopping]);
}

/// Tells the service manager now and then that something was written: by whoever came, else by a try of its own. A hub
/// that is asked for more than it can do has no place for that try, and is alive.
pub async fn keep_alive(hub: Hub) {
    #[cfg(unix)]
    let watchdog = sd_notify::watchdog_enabled();
    #[cfg(not(unix))]
    let watchdog: Option<std::time::Duration> = None;
    let between = watchdog.map_or(limits::HEARTBEAT, |time| limits::HEARTBEAT.min(time / 2));
    let mut seen = hub.store().commits();
    loop {
        tokio::time::sleep(between).await;
        let mut tried = Ok(());
        if hub.store().commits() == seen {
            // Others may be before it for longer than it has time.
            tried = tokio::time::timeout(between / 2, hub.store().probe()).await.unwrap_or(Ok(()));
        }
        let is_alive = hub.store().commits() != seen;
        seen = hub.store().commits();
        if is_alive {
            #[cfg(unix)]
            say(&[sd_notify::NotifyState::Watchdog]);
        } else {
            let reason =
                tried.err().map_or_else(|| "no answer in time".to_owned(), |error| error.to_string());
            tracing::error!(reason, "nothing can be written");
        }
    }
}

/// Without a service manager nobody listens, and that is well.
#[cfg(unix)]
fn say(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(reason = %error.kind(), "the service manager could not be told");
    }
}
