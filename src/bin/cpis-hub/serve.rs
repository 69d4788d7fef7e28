//! `cpis-hub serve` and `cpis-hub check-config`.

use std::path::Path;

use cpis::hub::clock::Clock;
use cpis::hub::{Hub, serve, serve_operator};

use super::common::{print, read, signing_key};

pub(super) fn serve_hub(path: &Path) -> Result<(), String> {
    let config = read(path)?;
    super::log(config.log)?;
    let key = signing_key(&config)?;
    let hub = Hub::open(&config, key, Clock::system()).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("hub")
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(config.listen)
            .await
            .map_err(|error| format!("cannot listen on {}: {}", config.listen, error.kind()))?;
        let address = listener.local_addr().map_err(|error| error.kind().to_string())?;
        print(&format!("cpis-hub listens on http://{address}\n"))?;
        if let Some(operator) = config.operator {
            let listener = tokio::net::TcpListener::bind(operator).await.map_err(|error| {
                format!("cannot listen on {operator} (operator.listen): {}", error.kind())
            })?;
            tokio::spawn(serve_operator(listener, hub.clone(), std::future::pending()));
        }
        serve(listener, hub, stopped()).await.map_err(|error| error.to_string())
    })
}

/// Interrupted, or told to end by the service manager.
async fn stopped() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

pub(super) fn check_config(path: &Path) -> Result<(), String> {
    let config = read(path)?;
    signing_key(&config)?;
    let sites = config.sites.len();
    print(&format!(
        "The configuration is valid: listens on {}, issuer {}, database {}, {sites} sites\n",
        config.listen,
        config.issuer,
        config.database.display()
    ))
}
