//! Who may know whom. [`LAYERS`] is the source of this; the map in `src/lib.rs` and the manual retell it.
//!
//! `domain` ← `fhir` ← `client` ← `viewer`, and `fhir` ← `exchange` ← `hub`, `authority`. Only `demo` and the
//! binaries may know more than one of `viewer`, `hub` and `authority`. Every name counts, in `use`s and inline,
//! in unit tests too: a test that needs the layer above belongs in that layer or in `tests/`.

use std::collections::BTreeSet;

use super::source::{self, Named, Source, none_of};

/// One row per module; a file falls under the row with the longest matching `of`.
struct Layer {
    /// `viewer::ui` is `src/viewer/ui.rs` and everything under `src/viewer/ui/`.
    of: &'static str,
    /// What it may name in the crate. Its own top-level module needs no mention.
    may: &'static [&'static str],
    /// Parts of its own top-level module (or of what `may` opens) that it may not name all the same.
    not: &'static [&'static str],
    crates: Crates,
    /// Paths or parts of paths that may appear nowhere in it.
    never: &'static [&'static str],
}

/// Which external crates a layer may name. `std`, `core` and `alloc` are everybody's.
enum Crates {
    Any,
    /// These, and in what only tests compile `proptest` too.
    Only(&'static [&'static str]),
    Not(&'static [&'static str]),
}

const ANYTHING: &[&str] = &[
    "authority",
    "client",
    "config",
    "demo",
    "domain",
    "exchange",
    "fhir",
    "fuzzing",
    "hub",
    "identity",
    "mesh",
    "viewer",
];

/// What does IO or reads a clock. `now` is an argument, so that a test can turn the clock.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

/// As [`IMPURE`], but an `Instant` that somebody else read may be kept and compared.
const IMPURE_BUT_INSTANTS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::SystemTime",
    "Instant::now",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
];

const NO_WINDOW_NO_NETWORK: Crates = Crates::Not(&[
    "arboard",
    "eframe",
    "egui",
    "egui_extras",
    "egui_kittest",
    "hyper",
    "reqwest",
    "rfd",
    "tokio",
]);

/// Plain rows: a layer that may use any crate and do IO.
const fn layer(of: &'static str, may: &'static [&'static str]) -> Layer {
    Layer { of, may, not: &[], crates: Crates::Any, never: &[] }
}

/// A part of the viewer that neither draws nor does: it knows the field's terms and its own siblings.
const fn pure_viewer(of: &'static str) -> Layer {
    Layer {
        of,
        may: &["domain"],
        not: &["viewer::*", "viewer::run", "viewer::ui"],
        crates: NO_WINDOW_NO_NETWORK,
        never: IMPURE_BUT_INSTANTS,
    }
}

const LAYERS: &[Layer] = &[
    Layer {
        of: "domain",
        may: &[],
        not: &[],
        crates: Crates::Only(&["jiff", "thiserror", "uuid", "zeroize"]),
        never: IMPURE,
    },
    Layer {
        of: "fhir",
        may: &["domain"],
        not: &[],
        crates: Crates::Only(&["jiff", "serde", "serde_json", "thiserror", "uuid", "zeroize"]),
        never: IMPURE,
    },
    layer("config", &["domain"]),
    layer("identity", &["domain"]),
    // What is sent is pure; how it is sent is each end's business.
    Layer { of: "exchange", may: &["domain", "fhir"], not: &[], crates: Crates::Any, never: IMPURE },
    layer("client", &["domain", "fhir", "identity"]),
    layer("viewer", &["domain", "config", "client"]),
    // Makes the key of a session.
    layer("viewer::run", &["domain", "config", "client", "identity"]),
    pure_viewer("viewer::command"),
    pure_viewer("viewer::effect"),
    pure_viewer("viewer::event"),
    pure_viewer("viewer::present"),
    pure_viewer("viewer::state"),
    pure_viewer("viewer::update"),
    // `ui` draws what it is given and returns commands; what asks the network is `run`'s business.
    Layer {
        of: "viewer::ui",
        may: &["domain"],
        not: &["viewer::*", "viewer::run"],
        crates: Crates::Not(&["hyper", "reqwest", "tokio"]),
        never: IMPURE_BUT_INSTANTS,
    },
    layer("hub", &["domain", "fhir", "exchange", "config", "identity", "mesh"]),
    layer("authority", &["domain", "fhir", "exchange", "config", "mesh"]),
    Layer {
        of: "authority::extract",
        may: &["domain", "config"],
        not: &[],
        crates: Crates::Any,
        never: IMPURE,
    },
    // Carries what it is given, and knows nothing of it. What time it is it is told; how long something rests it measures.
    Layer {
        of: "mesh",
        may: &["config"],
        not: &[],
        crates: Crates::Any,
        never: &["SystemTime::now", "Timestamp::now", "Zoned::now"],
    },
    layer("demo", ANYTHING),
    layer("bin", ANYTHING),
    // In tests only: it calls every parser, and each layer's own `fuzzing` takes its assertions from it.
    layer("fuzzing", ANYTHING),
    layer("hub::fuzzing", ANYTHING),
    layer("authority::fuzzing", ANYTHING),
    layer("exchange::fuzzing", ANYTHING),
    // Prose: its links may go everywhere.
    layer("manual", ANYTHING),
];

/// Everything in `source` that its layer does not allow, as `file:line: what and why`.
fn complaints(source: &Source, crates: &BTreeSet<String>) -> Vec<String> {
    let module = source.module();
    // `lib.rs` declares the modules and knows them all.
    let Some(top) = module.first() else { return Vec::new() };
    let own = Named { segments: module.clone(), line: 0, in_test: false };
    let Some(layer) = LAYERS.iter().filter(|layer| own.is_under(layer.of)).max_by_key(|layer| layer.of.len())
    else {
        return vec![format!("{}: the module `{top}` has no row in tests/all/layering.rs", source.path)];
    };
    let names = source.named();
    names
        .iter()
        .filter_map(|name| {
            let why = if let Some(inside) = inside_crate(name) {
                against_layers(&inside, top, layer)?
            } else {
                against_outside(name, layer, crates)?
            };
            Some(format!("{}:{}: `{}` names `{}`: {why}", source.path, name.line, layer.of, name.text()))
        })
        .collect()
}

/// The path without its leading `crate`, if it is one into the crate.
fn inside_crate(name: &Named) -> Option<Named> {
    let (first, rest) = name.segments.split_first()?;
    (first == "crate").then(|| Named { segments: rest.to_vec(), ..name.clone() })
}

fn against_layers(name: &Named, top: &str, layer: &Layer) -> Option<String> {
    let Some(first) = name.segments.first() else {
        return Some("the whole crate; name the modules".to_owned());
    };
    // A binary's `crate` is the binary; the library is `cpis`, which arrives here under its modules' names.
    if layer.of == "bin" && !LAYERS.iter().any(|known| known.of == first) {
        return None;
    }
    if let Some(not) = layer.not.iter().find(|not| name.is_under(not)) {
        return Some(format!("it may not know `{not}`"));
    }
    if first == top || layer.may.iter().any(|may| name.is_under(may)) {
        return None;
    }
    // The top-level module itself, by `use super::*` or a re-export at the root, would open a back door.
    if !LAYERS.iter().any(|known| known.of == first) {
        return Some("not a module of the table in tests/all/layering.rs".to_owned());
    }
    Some(format!("it may know only {:?}", layer.may))
}

fn against_outside(name: &Named, layer: &Layer, crates: &BTreeSet<String>) -> Option<String> {
    if let Some(never) = layer.never.iter().find(|never| name.contains(never)) {
        return Some(format!("`{never}` does IO or reads a clock"));
    }
    let first = name.segments.first()?;
    let refused = match &layer.crates {
        Crates::Any => false,
        Crates::Only(only) => {
            let in_test = name.in_test && first == "proptest";
            crates.contains(first) && !only.contains(&first.as_str()) && !in_test
        }
        // Anywhere in the path: `eframe::egui` is egui too.
        Crates::Not(not) => name.segments.iter().any(|segment| not.contains(&segment.as_str())),
    };
    refused.then(|| format!("the crate `{first}` is not for this layer"))
}

/// The names of the crate's dependencies as Rust writes them, from `Cargo.toml`.
fn dependencies() -> BTreeSet<String> {
    let manifest = include_str!("../../Cargo.toml");
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim_end().trim_end_matches(']').ends_with("dependencies");
        } else if inside && let Some((name, _)) = line.split_once('=') {
            names.insert(name.trim().trim_end_matches(".workspace").replace('-', "_"));
        }
    }
    names
}

#[test]
fn every_module_names_only_what_its_layer_may_know() {
    let crates = dependencies();
    assert!(
        crates.contains("serde_json") && crates.contains("proptest"),
        "Cargo.toml was not read: {crates:?}"
    );
    none_of(source::all().iter().flat_map(|source| complaints(source, &crates)).collect());
}

/// Checks the checker: `text` in the file `path` draws one complaint that contains `expected`, or none for "".
#[track_caller]
fn check(path: &str, text: &str, expected: &str) {
    let found = complaints(&Source::new(path, text), &dependencies());
    if expected.is_empty() {
        assert!(found.is_empty(), "{path}: {text}: {found:?}");
    } else {
        assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        assert!(found.concat().contains(expected), "{found:?} does not say {expected:?}");
    }
}

#[test]
fn a_lower_layer_may_not_know_a_higher_one() {
    check(
        "src/domain/plan.rs",
        "\nuse crate::fhir::Bundle;",
        "src/domain/plan.rs:2: `domain` names `crate::fhir::Bundle`",
    );
    check("src/domain/plan.rs", "use super::super::hub;", "`crate::hub`");
    check("src/fhir/read.rs", "use crate::{domain::Plan, client::Error};", "`crate::client::Error`");
    check("src/identity/mod.rs", "fn a() -> crate::fhir::Bundle {}", "may know only [\"domain\"]");
    check("src/exchange/mod.rs", "use crate::hub::store;", "`crate::hub::store`");
    check("src/hub/mod.rs", "use crate::client::Client;", "`crate::client::Client`");
    check("src/hub/mod.rs", "use crate::viewer::run;", "`crate::viewer::run`");
    check("src/authority/mod.rs", "use crate::hub::store;", "`crate::hub::store`");
    check("src/viewer/run.rs", "use crate::hub::serve;", "`crate::hub::serve`");
    check("src/viewer/run.rs", "use crate::fhir::read;", "`crate::fhir::read`");
    check("src/hub/mod.rs", "#[cfg(test)] mod tests { use crate::viewer::run; }", "`crate::viewer::run`");
}

#[test]
fn what_the_table_allows_draws_no_complaint() {
    check("src/domain/plan.rs", "use super::person::Person; use std::fmt; use jiff::civil::Date;", "");
    check("src/domain/plan.rs", "#[cfg(test)] mod tests { use super::*; use proptest::prelude::*; }", "");
    check("src/domain/plan.rs", "// use crate::hub;\nconst A: &str = \"crate::hub::x\";", "");
    check("src/fhir/read.rs", "use crate::domain::Plan; use serde::Deserialize;", "");
    check("src/client/mod.rs", "use crate::{domain, fhir}; use reqwest::Client;", "");
    check(
        "src/viewer/run.rs",
        "use crate::client::Client; use crate::config::Site; use super::state::State;",
        "",
    );
    check("src/viewer/present/alert.rs", "use crate::domain::Answer; use crate::viewer::state::State;", "");
    check(
        "src/viewer/ui/banner.rs",
        "use eframe::egui; use crate::viewer::present::Banner; use super::theme;",
        "",
    );
    check("src/demo/mod.rs", "use crate::{viewer, hub, authority};", "");
    check("src/bin/cpis-hub.rs", "use cpis::hub::serve; crate::main();", "");
    check("src/lib.rs", "pub use crate::hub::serve;", "");
}

#[test]
fn domain_and_fhir_do_no_io_and_read_no_clock() {
    check("src/domain/plan.rs", "use std::{fmt, fs};", "`std::fs` does IO or reads a clock");
    check("src/domain/plan.rs", "use std::time::{Duration, SystemTime};", "`std::time::SystemTime`");
    check("src/domain/plan.rs", "let now = jiff::Zoned::now();", "`Zoned::now`");
    check("src/domain/plan.rs", "use jiff::Timestamp; let now = Timestamp::now();", "`Timestamp::now`");
    check("src/domain/plan.rs", "#[derive(serde::Serialize)] struct A;", "the crate `serde`");
    check("src/domain/plan.rs", "use proptest::prelude::*;", "the crate `proptest`");
    check("src/fhir/read.rs", "tracing::debug!(\"x\");", "the crate `tracing`");
    check("src/fhir/read.rs", "let port = std::env::var(\"PORT\");", "`std::env`");
}

#[test]
fn the_viewers_state_knows_no_window_and_its_window_no_network() {
    check("src/viewer/state.rs", "use eframe::egui;", "the crate `eframe`");
    check("src/viewer/update/mod.rs", "use tokio::spawn;", "the crate `tokio`");
    check("src/viewer/event.rs", "use crate::client::Error;", "may know only [\"domain\"]");
    check("src/viewer/state.rs", "let now = std::time::Instant::now();", "`Instant::now`");
    check("src/viewer/state.rs", "use std::time::Instant;", "");
    check("src/viewer/present/alert.rs", "use super::super::ui::Theme;", "may not know `viewer::ui`");
    check("src/viewer/present/mod.rs", "use super::*;", "may not know `viewer::*`");
    check("src/viewer/ui/banner.rs", "use crate::client::Client;", "may know only [\"domain\"]");
    check("src/viewer/ui/banner.rs", "use reqwest::Url;", "the crate `reqwest`");
    check("src/viewer/ui/banner.rs", "use crate::viewer::run::Handle;", "may not know `viewer::run`");
}

#[test]
fn a_way_round_the_table_is_refused() {
    check("src/hub/mod.rs", "use crate::*;", "not a module of the table");
    check("src/hub/mod.rs", "use crate as me;", "the whole crate");
    check("src/hub/mod.rs", "use crate::Viewer;", "not a module of the table");
    check("src/newcomer/mod.rs", "", "`newcomer` has no row");
}
