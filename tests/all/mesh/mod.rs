//! MESH, against NHS England's own sandbox and with its own client as the other end. `tests/run mesh` installs both and runs these; plain
//! `cargo test` leaves them out. The folders of its file client need neither.

mod attacks;
mod chain;
mod client;
mod exchange;
mod folders;
#[cfg(unix)]
mod killed;
mod link;
mod lost;
mod poison;
