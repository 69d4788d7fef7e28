//! `cpis-hub serve` and `cpis-hub check-config`.

use std::path::Path;

use cpis::config::hub::HubConfig;
use cpis::hub::clock::Clock;
use cpis::hub::doctor::signing_key;
use cpis::hub::tls::Tls;
use cpis::hub::{Hub, ServeError, life, mesh_is_usable, provider_is_usable, serve, serve_operator};
use cpis::identity::token::SigningKey;

use super::common::{print, read};

pub(super) fn serve_hub(path: &Path) -> Result<(), String> {
    let config = read(path)?;
    super::log(config.log)?;
    let key = signing_key(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("hub")
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    let served = runtime.block_on(run(config, key));
    // The store is closed: what still waits for a share that hangs is not waited for.
    runtime.shutdown_timeout(cpis::hub::limits::MESH_HANGS);
    served
}

/// The socket first: another hub that runs already must not find its database changed. Connections wait on it
/// until the schema is up to date and something has been written.
async fn run(config: HubConfig, key: SigningKey) -> Result<(), String> {
    let listener = life::listener(config.listen).await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.kind().to_string())?;
    let operator = match config.operator {
        Some(operator) => Some(life::bind(operator).await.map_err(|error| error.to_string())?),
        None => None,
    };
    let hub = Hub::open(&config, key, Clock::system()).map_err(|error| error.to_string())?;
    // Not before: a hub that copies its database first is ended at once by a signal, and begins anew.
    let mut stop = Stop::new()?;
    hub.store().probe().await.map_err(|error| format!("the database cannot be written: {error}"))?;
    if let Some(operator) = operator {
        tokio::spawn(serve_operator(operator, hub.clone(), std::future::pending()));
    }
    tokio::spawn(life::keep_alive(hub.clone()));
    let scheme = if hub.tls().is_some() { "https" } else { "http" };
    print(&format!("cpis-hub listens on {scheme}://{address}\n"))?;
    life::say_ready();
    let (first, told) = tokio::sync::oneshot::channel();
    let told_to_look = hub.clone();
    let signals = tokio::spawn(async move {
        while stop.signal().await == Told::Reload {
            look_now(&told_to_look);
        }
        life::say_stopping();
        let _ = first.send(());
        while stop.signal().await == Told::Reload {}
    });
    let served = async {
        let told = async {
            let _ = told.await;
        };
        serve(listener, hub.clone(), told).await.map_err(|error| error.to_string())?;
        if hub.store().close().await { Ok(()) } else { Err(ServeError::Lost.to_string()) }
    };
    tokio::select! {
        served = served => served,
        _ = signals => at_once(),
    }
}

/// Whatever is under way: a commit that is not complete is rolled back by the next start.
#[expect(clippy::exit, reason = "told twice to stop: nothing is waited for")]
fn at_once() -> ! {
    std::process::exit(1)
}

/// `systemctl reload`: certificate and key are looked at now, not in a moment. Nothing else is read again.
fn look_now(hub: &Hub) {
    match hub.tls() {
        Some(tls) => tls.look_now(),
        None => tracing::info!("told to reload, and there is no certificate; other settings need a restart"),
    }
}

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    #[cfg_attr(not(unix), expect(dead_code, reason = "no such signal elsewhere"))]
    Reload,
    Stop,
}

/// Interrupted, or told to end by the service manager.
struct Stop {
    #[cfg(unix)]
    terminated: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupted: tokio::signal::unix::Signal,
    #[cfg(unix)]
    reload: tokio::signal::unix::Signal,
}

impl Stop {
    #[cfg(unix)]
    fn new() -> Result<Self, String> {
        use tokio::signal::unix::{SignalKind, signal};
        let on = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {}", error.kind()));
        Ok(Self {
            terminated: on(SignalKind::terminate())?,
            interrupted: on(SignalKind::interrupt())?,
            reload: on(SignalKind::hangup())?,
        })
    }

    #[cfg(unix)]
    async fn signal(&mut self) -> Told {
        tokio::select! {
            _ = self.terminated.recv() => Told::Stop,
            _ = self.interrupted.recv() => Told::Stop,
            Some(()) = self.reload.recv() => Told::Reload,
        }
    }

    #[cfg(not(unix))]
    fn new() -> Result<Self, String> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn signal(&mut self) -> Told {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Told::Stop
    }
}

pub(super) fn check_config(path: &Path) -> Result<(), String> {
    let config = read(path)?;
    signing_key(&config)?;
    if let Some(settings) = &config.tls {
        Tls::read(settings, Clock::system()).map_err(|error| error.to_string())?;
    }
    if let Some(settings) = &config.provider {
        provider_is_usable(settings).map_err(|error| error.to_string())?;
    }
    if let Some(settings) = &config.mesh {
        mesh_is_usable(settings, &Clock::system()).map_err(|error| format!("[mesh]: {error}"))?;
    }
    let sites = config.sites.len();
    print(&format!(
        "The configuration is valid: listens on {}, issuer {}, database {}, {sites} sites\n",
        config.listen,
        config.issuer,
        config.database.display()
    ))
}
