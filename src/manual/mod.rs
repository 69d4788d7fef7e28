//! The manual: how the project is built and run, why it is as it is, and what it does not prove.

#[doc = include_str!("architecture.md")]
pub mod architecture {}

#[doc = include_str!("decisions.md")]
pub mod decisions {}

#[doc = include_str!("safety.md")]
pub mod safety {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[cfg(feature = "hub")]
#[doc = include_str!("hub.md")]
pub mod hub {}

#[cfg(feature = "hub")]
#[doc = include_str!("operations.md")]
pub mod operations {}

#[doc = include_str!("windows.md")]
pub mod windows {}

#[cfg(feature = "hub")]
#[doc = include_str!("concerns.md")]
pub mod concerns {}

#[cfg(feature = "hub")]
#[doc = include_str!("limits.md")]
pub mod limits {}

#[cfg(feature = "hub")]
#[doc = include_str!("api.md")]
pub mod api {}

#[cfg(feature = "hub")]
#[doc = include_str!("proving.md")]
pub mod proving {}

#[cfg(feature = "hub")]
#[doc = include_str!("clients.md")]
pub mod clients {}

#[cfg(feature = "hub")]
#[doc = include_str!("threats.md")]
pub mod threats {}

#[cfg(feature = "hub")]
#[doc = include_str!("rights.md")]
pub mod rights {}

#[cfg(feature = "hub")]
#[doc = include_str!("speed.md")]
pub mod speed {}

#[cfg(feature = "hub")]
#[doc = include_str!("keeping.md")]
pub mod keeping {}

#[cfg(feature = "hub")]
#[doc = include_str!("search.md")]
pub mod search {}

#[cfg(feature = "hub")]
#[doc = include_str!("loading.md")]
pub mod loading {}

#[cfg(feature = "authority")]
#[doc = include_str!("extract.md")]
pub mod extract {}

#[cfg(feature = "authority")]
#[doc = include_str!("upload.md")]
#[doc = "\n## An upload\n\n```json"]
#[doc = include_str!("upload-example.json")]
#[doc = "```\n\n## Its acknowledgement\n\n```json"]
#[doc = include_str!("acknowledgement-example.json")]
#[doc = "```"]
pub mod upload {}

#[cfg(feature = "authority")]
#[doc = include_str!("notifications.md")]
#[doc = "\n## A notification\n\n```json"]
#[doc = include_str!("notification-example.json")]
#[doc = "```\n\n## A notice of a number\n\n```json"]
#[doc = include_str!("number-example.json")]
#[doc = "```\n\n## Its receipt\n\n```json"]
#[doc = include_str!("receipt-example.json")]
#[doc = "```"]
pub mod notifications {}

#[cfg(feature = "authority")]
#[doc = include_str!("routing.md")]
pub mod routing {}

#[cfg(feature = "authority")]
#[doc = include_str!("page.md")]
pub mod page {}

#[cfg(feature = "hub")]
#[doc = include_str!("signin.md")]
pub mod signin {}

#[cfg(all(feature = "authority", feature = "hub"))]
#[doc = include_str!("mesh.md")]
pub mod mesh {}
