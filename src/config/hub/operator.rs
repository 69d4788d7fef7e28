//! `[operator]`: where the hub tells its operator how it is.

use std::net::SocketAddr;

use serde::Deserialize;

use super::{ConfigError, setting};

/// The table, word for word.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorTable {
    listen: Option<String>,
}

impl OperatorTable {
    /// The address of the operator's listener, if there is to be one.
    pub(super) fn resolve(self, clinicians: SocketAddr) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(listen) = self.listen else { return Ok(None) };
        let listen: SocketAddr = listen.parse().map_err(|_| {
            setting("operator.listen", "this is no address with a port, such as 127.0.0.1:9470")
        })?;
        if !listen.ip().is_loopback() {
            return Err(setting(
                "operator.listen",
                "a loopback address only: put what collects the numbers on the same machine",
            ));
        }
        if listen == clinicians && listen.port() != 0 {
            return Err(setting("operator.listen", "an address of its own, not that of `listen`"));
        }
        Ok(Some(listen))
    }
}
