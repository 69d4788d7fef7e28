//! Listens, within limits: connections, header size and count, time for headers, time for a connection.
//!
//! Loopback only: the hub speaks plain HTTP until it has TLS of its own.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::{Hub, keeping, limits, router};

/// Why the hub does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Not a loopback address.
    #[error("the hub speaks plain HTTP and listens on loopback addresses only; TLS comes later")]
    NotLoopback,
    /// The listener does not know its own address.
    #[error("cannot listen: {0}")]
    Listener(io::Error),
    /// Nothing can be written any more.
    #[error(
        "the database cannot be written any more, and what is on the disk is not known: look at the disk, then start the hub again"
    )]
    Lost,
}

/// Serves until `shutdown` is ready; then lets open requests finish for a while.
///
/// # Errors
/// The listener is not on a loopback address.
pub async fn serve(
    listener: TcpListener,
    hub: Hub,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let keeping = AbortedAtEnd(tokio::spawn(keeping::keep(hub.clone())));
    let store = hub.store().clone();
    let is_lost = AtomicBool::new(false);
    let ends = async {
        tokio::select! {
            () = shutdown => {}
            () = store.lost() => is_lost.store(true, Ordering::Release),
        }
        drop(keeping);
    };
    accept("callers", listener, router(hub), limits::CONNECTIONS, ends).await?;
    if is_lost.into_inner() { Err(ServeError::Lost) } else { Ok(()) }
}

/// Serves these addresses for callers or for the operator, on at most so many connections at once.
pub(super) async fn accept(
    whom: &'static str,
    listener: TcpListener,
    router: axum::Router,
    connections: usize,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback);
    }
    tracing::info!(%address, whom, "listening");
    let places = Arc::new(Semaphore::new(connections));
    let service = TowerToHyperService::new(router);
    let (stop, stopped) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // The place first: further connections wait in the operating system's queue.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => accepted,
        };
        let Ok(place) = place else { break };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, service.clone(), stopped.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of file descriptors or the like: not a reason to end, but one to wait.
                tracing::warn!(reason = %error.kind(), "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
    drop(listener);
    drop(stop);
    let all = u32::try_from(connections).unwrap_or(u32::MAX);
    if tokio::time::timeout(limits::SHUTDOWN, places.acquire_many(all)).await.is_err() {
        tracing::warn!("stopping although requests are open");
    }
    Ok(())
}

/// A task that ends with whoever holds this.
struct AbortedAtEnd(tokio::task::JoinHandle<()>);

impl Drop for AbortedAtEnd {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn connection(
    stream: TcpStream,
    service: TowerToHyperService<axum::Router>,
    mut stopped: watch::Receiver<()>,
) {
    // An answer is one small write: waiting for more would only delay it.
    let _ = stream.set_nodelay(true);
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEADER_READ)
        .max_headers(limits::HEADER_COUNT)
        .max_buf_size(limits::HEADER_BYTES)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    let too_long = tokio::time::sleep(limits::CONNECTION);
    tokio::select! {
        // Errors here are the peer's: gone, too slow, not HTTP. Their texts may hold what it sent.
        _ = serving.as_mut() => return,
        _ = stopped.changed() => {}
        () = too_long => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits::SHUTDOWN, serving).await;
}
