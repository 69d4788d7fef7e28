//! Listens, within limits: connections, headers and their time, a request's time, a connection's time. On a loopback address
//! only: who is to reach the page from elsewhere comes through the authority's proxy, which speaks TLS.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use super::{Page, limits};

/// Why the page is not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Not a loopback address.
    #[error(
        "the page listens on this computer's own addresses only (127.0.0.1, ::1): put a proxy that speaks TLS before it"
    )]
    NotLoopback,
    /// The listener does not know its own address.
    #[error("the page cannot listen ({0})")]
    Listener(std::io::ErrorKind),
}

/// Serves until `shutdown` is ready; then lets open requests finish for a while.
///
/// # Errors
/// The listener is not on a loopback address.
pub async fn serve(
    listener: TcpListener,
    page: Page,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(|error| ServeError::Listener(error.kind()))?;
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback);
    }
    let places = Arc::new(Semaphore::new(limits::PAGE_CONNECTIONS));
    let service = TowerToHyperService::new(super::router(page));
    let (stop, stopped) = watch::channel(());
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // A place first: who finds none waits in the system's queue and takes no memory here.
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            let stream = listener.accept().await.ok();
            Some((place, stream))
        };
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accepted => accepted,
        };
        match accepted {
            None => break,
            Some((place, Some((stream, _)))) => {
                let (service, stopped) = (service.clone(), stopped.clone());
                tokio::spawn(async move {
                    Box::pin(connection(stream, service, stopped)).await;
                    drop(place);
                });
            }
            // Out of file descriptors or the like: not a reason to end, but one to wait.
            Some((_, None)) => tokio::time::sleep(limits::PAGE_SHUTDOWN / 50).await,
        }
    }
    drop(listener);
    drop(stop);
    let all = u32::try_from(limits::PAGE_CONNECTIONS).unwrap_or(u32::MAX);
    // Whoever has not finished by then is cut off.
    let _ = tokio::time::timeout(limits::PAGE_SHUTDOWN, places.acquire_many(all)).await;
    Ok(())
}

async fn connection(
    stream: TcpStream,
    service: TowerToHyperService<axum::Router>,
    mut stopped: watch::Receiver<()>,
) {
    let _ = stream.set_nodelay(true);
    let connected = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::PAGE_HEADER_TIME)
        .max_headers(limits::PAGE_HEADERS)
        .max_buf_size(limits::PAGE_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connected = pin!(connected);
    tokio::select! {
        // Errors here are the peer's: gone, too slow, not HTTP. Their texts may hold what it sent.
        _ = connected.as_mut() => return,
        _ = stopped.changed() => {}
        () = tokio::time::sleep(limits::PAGE_CONNECTION) => {}
    }
    connected.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits::PAGE_SHUTDOWN, connected).await;
}
