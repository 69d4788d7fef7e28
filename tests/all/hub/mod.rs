//! The hub from outside: a real database file, real sockets, tokens signed with a real key.

mod api;
mod audit;
mod dates;
#[cfg(unix)]
mod failing;
mod identities;
mod in_error;
mod killed;
mod limits;
mod loading;
mod logs;
mod metrics;
mod reads;
mod rules;
mod search;
mod search_alike;
mod support;
#[cfg(target_os = "linux")]
mod traced;
mod unmarked;
