//! Listens, within limits: connections, header size and count, time for headers, for an answer's being taken and
//! for a connection.
//!
//! With a certificate it speaks TLS and nothing else; without one plain HTTP, on loopback addresses only.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use prometheus_client::metrics::gauge::Gauge;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::connections::{Connections, Streaming, Taken};
use super::guarded::{Answering, Guarded};
use super::tls::{self, ClientCertificate, Secure};
use super::{Hub, files, keeping, limits, mesh, notices, proven, router, sessions, uploads};
use crate::config::hub::PLAIN_ON_LOOPBACK;

/// Whoever has come by TLS comes by nothing else for a year. Of other hosts under its name the hub knows nothing.
const HSTS: &str = "max-age=31536000";

/// Why the hub does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Plain HTTP, and not a loopback address.
    #[error("{PLAIN_ON_LOOPBACK}")]
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
/// There is no certificate and the listener is not on a loopback address, or nothing can be written any more.
pub async fn serve(
    listener: TcpListener,
    hub: Hub,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let keeping = AbortedAtEnd(tokio::spawn(keeping::keep(hub.clone())));
    let watching = AbortedAtEnd(tokio::spawn(sessions::keep(hub.clone())));
    let applying = AbortedAtEnd(tokio::spawn(uploads::keep(hub.clone())));
    let missing = AbortedAtEnd(tokio::spawn(uploads::keep_watch(hub.clone())));
    let telling = AbortedAtEnd(tokio::spawn(notices::keep(hub.clone())));
    let posting = AbortedAtEnd(tokio::spawn(mesh::keep(hub.clone())));
    let reloading = hub.tls().map(|tls| {
        tls::say_what_is_served(tls);
        AbortedAtEnd(tokio::spawn(tls::keep(tls.clone(), hub.clone())))
    });
    let (store, ending) = (hub.store().clone(), hub.clone());
    let connections = files::connections_allowed(hub.limits().connections);
    hub.sessions().share_connections(connections);
    let is_lost = AtomicBool::new(false);
    let ends = async {
        tokio::select! {
            () = shutdown => {}
            () = store.lost() => is_lost.store(true, Ordering::Release),
        }
        drop(keeping);
        drop(applying);
        drop(watching);
        drop(missing);
        drop(telling);
        drop(posting);
        ending.uploads().stop();
        ending.sessions().stop();
    };
    let door = Door {
        whom: "callers",
        secure: hub.tls().map(|tls| Secure::new(tls.clone(), hub.clone())),
        connections,
        idle: hub.limits().idle,
        open: Some(hub.metrics().connections(connections)),
        noting: Some(hub.clone()),
    };
    accept(door, listener, router(hub.clone()), ends).await?;
    drop(reloading);
    proven::write_refusals(&hub, hub.rates().all_that_is_left()).await;
    if is_lost.into_inner() { Err(ServeError::Lost) } else { Ok(()) }
}

/// Who comes in where.
pub(super) struct Door {
    /// For the log.
    pub(super) whom: &'static str,
    /// TLS, or plain HTTP.
    pub(super) secure: Option<Secure>,
    /// At most so many connections at once.
    pub(super) connections: usize,
    /// For so long without a request.
    pub(super) idle: Duration,
    /// How many there are, where that is counted.
    pub(super) open: Option<Gauge>,
    /// Where it is noted that somebody sent headers that are too long to be looked at.
    pub(super) noting: Option<Hub>,
}

/// A connection that is counted for as long as it is open.
struct Counted(Gauge);

impl Counted {
    fn one(open: &Gauge) -> Self {
        open.inc();
        Self(open.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What each connection needs.
#[derive(Clone)]
struct Serving {
    service: TowerToHyperService<axum::Router>,
    secure: Option<Secure>,
    idle: Duration,
    noting: Option<Hub>,
    stopped: watch::Receiver<()>,
}

impl Serving {
    /// The connection ended with this: nobody's text is in what is noted of it.
    fn ended(&self, ended: Result<(), hyper::Error>) {
        if let Err(error) = ended
            && error.is_parse_too_large()
            && let Some(hub) = &self.noting
        {
            proven::note_too_long(hub);
        }
    }
}

/// Serves these addresses for callers or for the operator.
pub(super) async fn accept(
    door: Door,
    listener: TcpListener,
    router: axum::Router,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    if door.secure.is_none() && !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback);
    }
    tracing::info!(%address, whom = door.whom, tls = door.secure.is_some(), "listening");
    let connections = Connections::new(door.connections);
    let (stop, stopped) = watch::channel(());
    let service = TowerToHyperService::new(router);
    let Door { secure, idle, noting, .. } = door;
    let serving = Serving { service, secure, idle, noting, stopped };
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
                let (counted, serving) = (door.open.as_ref().map(Counted::one), serving.clone());
                tokio::spawn(async move {
                    connection(stream, taken, serving).await;
                    drop(counted);
                });
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
async fn connection(stream: TcpStream, taken: Taken, mut serving: Serving) {
    let mut first = [0];
    let begun = async {
        tokio::select! {
            // Not `readable`, which may say so of a connection that has nothing to read yet.
            peeked = tokio::time::timeout(serving.idle, stream.peek(&mut first)) => matches!(peeked, Ok(Ok(1))),
            () = taken.place().has_to_leave() => false,
            _ = serving.stopped.changed() => false,
        }
    };
    if !begun.await {
        return;
    }
    // An answer is one small write: waiting for more would only delay it.
    let _ = stream.set_nodelay(true);
    files::give_up_unheard(&stream);
    let peer = stream.peer_addr().ok().map(|address| Peer(address.ip()));
    let mut stream = Guarded::new(stream, Arc::clone(taken.place()));
    match serving.secure.clone() {
        None => {
            stream.expect_requests();
            let other = Other { peer, certificate: None, is_secure: false };
            Box::pin(requests(stream, taken, serving, other)).await;
        }
        Some(secure) => Box::pin(secured(secure, stream, peer, taken, serving)).await,
    }
}

/// One connection with TLS: while it begins it is without a request, and makes room like any other.
async fn secured(secure: Secure, stream: Guarded, peer: Option<Peer>, taken: Taken, mut serving: Serving) {
    let shaken = tokio::select! {
        shaken = Box::pin(secure.handshake(stream)) => shaken,
        () = taken.place().has_to_leave() => None,
        _ = serving.stopped.changed() => None,
    };
    if let Some((mut stream, certificate)) = shaken {
        stream.get_mut().0.expect_requests();
        requests(stream, taken, serving, Other { peer, certificate, is_secure: true }).await;
    }
}

/// Who is at the other end, as far as the connection says.
#[derive(Clone)]
struct Other {
    peer: Option<Peer>,
    certificate: Option<ClientCertificate>,
    is_secure: bool,
}

/// The address at the other end, for handlers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) IpAddr);

impl Other {
    /// Tells the handlers.
    fn introduce(&self, request: &mut Request<Incoming>) {
        if let Some(client) = &self.certificate {
            request.extensions_mut().insert(client.clone());
        }
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(peer);
        }
    }

    fn finish(&self, headers: &mut HeaderMap) {
        if self.is_secure {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
        }
    }
}

async fn requests<S>(stream: S, taken: Taken, mut serving: Serving, other: Other)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let place = Arc::clone(taken.place());
    let service = serving.service.clone();
    let answer = service_fn(move |mut request: Request<Incoming>| {
        let (place, under_way) = (Arc::clone(&place), place.begin());
        let other = other.clone();
        other.introduce(&mut request);
        let has_body = !hyper::body::Body::is_end_stream(request.body());
        let answered = service.call(request);
        async move {
            let mut response = answered.await?;
            other.finish(response.headers_mut());
            if response.extensions().get::<Streaming>().is_some() {
                place.set_streaming();
            }
            if has_body && (response.status().is_client_error() || response.status().is_server_error()) {
                place.set_may_still_send();
            }
            // The router says so of answers to nobody known; on a connection of somebody known it goes on.
            if !response.headers().contains_key(header::CONNECTION) {
                place.set_proven();
            } else if place.is_proven() {
                response.headers_mut().remove(header::CONNECTION);
            }
            Ok::<_, Infallible>(response.map(|body| Answering::new(body, under_way)))
        }
    });
    let connected = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(serving.idle)
        .max_headers(limits::HEADER_COUNT)
        .max_buf_size(limits::HEADER_BYTES)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connected = pin!(connected);
    let too_long = tokio::time::sleep(limits::CONNECTION);
    tokio::select! {
        // Errors here are the peer's: gone, too slow, not HTTP. Their texts may hold what it sent.
        ended = connected.as_mut() => return serving.ended(ended),
        () = taken.place().has_to_leave() => return,
        _ = serving.stopped.changed() => {}
        () = too_long => {
            connected.as_mut().graceful_shutdown();
            if taken.place().is_streaming() {
                tokio::select! {
                    _ = connected.as_mut() => return,
                    _ = serving.stopped.changed() => {}
                }
            }
        }
    }
    connected.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(limits::SHUTDOWN, connected).await;
}
