//! The hub from outside: a real database file, real sockets, tokens signed with a real key.

mod api;
mod audit;
mod backup;
mod clients;
mod clock;
mod concerns;
mod concerns_officer;
mod concerns_shared;
mod concerns_told;
mod correlation;
mod dates;
#[cfg(unix)]
mod doctor;
mod document;
mod ends;
#[cfg(unix)]
mod events;
mod failing;
#[cfg(target_os = "linux")]
mod filling;
mod flags;
mod identities;
mod in_error;
mod killed;
mod limits;
mod limits_connections;
mod limits_manual;
mod limits_overload;
mod limits_rates;
mod loading;
mod loading_large;
mod logs;
mod metrics;
mod metrics_kept;
mod model;
mod notices;
mod notices_killed;
mod numbers;
#[cfg(unix)]
mod packaging;
mod personas;
mod proofs;
mod providers;
mod reads;
mod registers;
#[cfg(unix)]
mod restarts;
mod retention;
mod rights;
mod roles;
mod rules;
mod schemas;
mod search;
mod search_alike;
mod search_broad;
mod sessions;
mod signing_in;
mod signing_in_attacks;
pub(crate) mod support;
mod tls;
mod tls_clients;
#[cfg(unix)]
mod tls_doctor;
#[cfg(unix)]
mod tls_reload;
#[cfg(target_os = "linux")]
mod traced;
mod unmarked;
mod uploads;
mod uploads_chain;
mod uploads_killed;
mod uploads_missed;
mod uploads_numbers;
mod uploads_teams;
