//! Listens, within limits: connections, header size and count, time for headers, for an answer's being taken and
//! for a connection.
//!
//! Loopback only: the hub speaks plain HTTP until it has TLS of its own.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, header};
use hyper_util::rt::TokioTimer;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::connections::{Connections, Taken};
use super::guarded::{Answering, Guarded};
use super::{Hub, files, keeping, limits, proven, router};

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
    let connections = files::connections_allowed(hub.limits().connections);
    accept("callers", listener, router(hub.clone()), connections, hub.limits().idle, ends).await?;
    proven::write_refusals(&hub, hub.rates().all_that_is_left()).await;
    if is_lost.into_inner() { Err(ServeError::Lost) } else { Ok(()) }
}

/// Serves these addresses for callers or for the operator, on at most so many connections at once.
pub(super) async fn accept(
    whom: &'static str,
    listener: TcpListener,
    router: axum::Router,
    connections: usize,
    idle: Duration,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback);
    }
    tracing::info!(%address, whom, "listening");
    let connections = Connections::new(connections);
    let service = TowerToHyperService::new(router);
    let (stop, stopped) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            let (stream, _) = listener.accept().await?;
            // Only now: nobody has to make room for a connection that does not come.
            Ok::<_, io::Error>((stream, connections.room().await))
        };
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, Some(taken))) => {
                tokio::spawn(connection(stream, taken, service.clone(), idle, stopped.clone()));
            }
            Ok((_, None)) => break,
            Err(error) => {
                // Out of file descriptors or the like: not a reason to end, but one to wait.
                tracing::warn!(reason = %error.kind(), "a connection could not be accepted");
                tokio::time::sleep(limits::ACCEPT_WAIT).await;
            }
        }
    }
    drop(listener);
    drop(stop);
    if tokio::time::timeout(limits::SHUTDOWN, connections.all_gone()).await.is_err() {
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

/// One connection. Until its first byte it costs next to nothing.
async fn connection(
    stream: TcpStream,
    taken: Taken,
    service: TowerToHyperService<axum::Router>,
    idle: Duration,
    mut stopped: watch::Receiver<()>,
) {
    let begun = async {
        tokio::select! {
            readable = tokio::time::timeout(idle, stream.readable()) => matches!(readable, Ok(Ok(()))),
            () = taken.place().has_to_leave() => false,
            _ = stopped.changed() => false,
        }
    };
    if begun.await {
        Box::pin(requests(stream, taken, service, idle, stopped)).await;
    }
}

async fn requests(
    stream: TcpStream,
    taken: Taken,
    service: TowerToHyperService<axum::Router>,
    idle: Duration,
    mut stopped: watch::Receiver<()>,
) {
    // An answer is one small write: waiting for more would only delay it.
    let _ = stream.set_nodelay(true);
    let place = Arc::clone(taken.place());
    let answer = service_fn(move |request: Request<Incoming>| {
        let (place, under_way) = (Arc::clone(&place), place.begin());
        let answered = service.call(request);
        async move {
            let mut response = answered.await?;
            // The router says so of answers to nobody known; on a connection of somebody known it goes on.
            if !response.headers().contains_key(header::CONNECTION) {
                place.set_proven();
            } else if place.is_proven() {
                response.headers_mut().remove(header::CONNECTION);
            }
            Ok::<_, Infallible>(response.map(|body| Answering::new(body, under_way)))
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .max_headers(limits::HEADER_COUNT)
        .max_buf_size(limits::HEADER_BYTES)
        .auto_date_header(false)
        .serve_connection(Guarded::new(stream, Arc::clone(taken.place())), answer);
    let mut serving = pin!(serving);
    let too_long = tokio::time::sleep(limits::CONNECTION);
    tokio::select! {
        // Errors here are the peer's: gone, too slow, not HTTP. Their texts may hold what it sent.
        _ = serving.as_mut() => return,
        () = taken.place().has_to_leave() => return,
        _ = stopped.changed() => {}
        () = too_long => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits::SHUTDOWN, serving).await;
}
