//! Which way documents go: HTTPS or MESH, as the configuration says. Nothing above knows which it is.

use std::path::Path;

use jiff::Timestamp;

use super::https::Https;
use super::mesh::Mesh;
use crate::config::authority::{HubSettings, Way};
use crate::exchange::notice::{Mailbox, RegisterId};
use crate::exchange::{Transport, TransportError};

/// The way for uploads. What is noted of it stands beside the link's memory.
///
/// # Errors
/// A file that it needs cannot be used.
pub fn transport(
    settings: &HubSettings,
    memory: &Path,
    now: fn() -> Timestamp,
) -> Result<Box<dyn Transport>, TransportError> {
    Ok(match &settings.way {
        Way::Https(https) => Box::new(Https::new(https)?),
        Way::Mesh(mesh) => Box::new(Mesh::new(mesh, memory, now)?),
    })
}

/// The way for notifications. What is noted of it stands beside the link's register.
///
/// # Errors
/// A file that it needs cannot be used.
pub fn mailbox(
    settings: &HubSettings,
    register: &Path,
    id: RegisterId,
    now: fn() -> Timestamp,
) -> Result<Box<dyn Mailbox>, TransportError> {
    Ok(match &settings.way {
        Way::Https(https) => Box::new(Https::new(https)?.with_register(id)),
        Way::Mesh(mesh) => Box::new(Mesh::new(mesh, register, now)?),
    })
}
