//! What the build is made of: licences, bans, duplicates, and which feature brings what.
//!
//! Cargo itself is asked, without `--offline`: on a fresh machine the packages of other platforms have not been
//! downloaded by the build, and their licences count too. With everything downloaded, no network is used.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::source::none_of;

/// Licences that may come in, and what they ask of us. Of several joined by OR, one is enough.
const LICENCES: &[(&str, &str)] = &[
    ("MIT", "permissive: the notice travels with the packages"),
    ("Apache-2.0", "permissive: the notice travels with the packages"),
    ("0BSD", "permissive: nothing to do"),
    ("BSD-3-Clause", "permissive: the notice travels with the packages"),
    ("ISC", "permissive: the notice travels with the packages"),
    ("Zlib", "permissive: nothing to do for unchanged sources"),
    ("BSL-1.0", "permissive: nothing to do for binaries; the clipboard on Windows"),
    ("Unicode-3.0", "permissive: Unicode's own tables"),
    ("CDLA-Permissive-2.0", "data, permissive: the root certificates where a system has no store"),
];

/// Crates that must be in no build, on no platform, nor among the tests.
const BANNED: &[(&str, &str)] = &[
    ("openssl", "one TLS, rustls: nothing to install, nothing of the system's to patch"),
    ("openssl-sys", "one TLS, rustls"),
    ("native-tls", "one TLS, rustls"),
    ("ring", "one provider for rustls, aws-lc-rs: with two and none chosen it panics at run time"),
    ("sqlx", "has stalled others inside write transactions; rusqlite on a thread of its own"),
    ("async-std", "one runtime, tokio"),
];

/// Crates that may come in under others, but which this crate does not use itself.
const NOT_DIRECTLY: &[(&str, &str)] = &[
    ("time", "one calendar, jiff; it comes in under jsonwebtoken's key reader"),
    ("chrono", "one calendar, jiff: London's rules are compiled in; openidconnect reckons with it"),
    ("rsa", "openidconnect verifies a provider's signatures with it; what is secret here is aws-lc-rs's"),
    ("p256", "the same"),
    ("rand", "identifiers are uuid's, keys aws-lc-rs's"),
    ("anyhow", "errors have types that say who is at fault"),
];

/// What is in Cargo.lock more than once: the names with how many versions, and why that has to be.
const DUPLICATES: &[(&str, &[(&str, usize)])] = &[
    (
        "Windows declarations, no code: winit, glutin and rustix are one and two generations behind",
        &[("windows-sys", 3)],
    ),
    (
        "macOS and iOS only: winit 0.30 and accesskit stand on objc2 0.5, all others on 0.6",
        &[
            ("block2", 2),
            ("objc2", 2),
            ("objc2-app-kit", 2),
            ("objc2-foundation", 2),
            ("objc2-metal", 2),
            ("objc2-quartz-core", 2),
            ("objc2-ui-kit", 2),
        ],
    ),
    (
        "macOS only: winit 0.30's core-graphics 0.23 is a generation behind",
        &[("bitflags", 2), ("core-foundation", 2)],
    ),
    (
        "platforms this is not built for (Android, UEFI, Redox)",
        &[("jni-sys", 2), ("r-efi", 2), ("redox_syscall", 3)],
    ),
    (
        "Wayland: winit 0.30 is a generation behind its own clipboard crate",
        &[
            ("calloop", 2),
            ("calloop-wayland-source", 2),
            ("linux-raw-sys", 2),
            ("rustix", 2),
            ("smithay-client-toolkit", 2),
            ("thiserror", 2),
            ("thiserror-impl", 2),
        ],
    ),
    (
        "hash maps: petgraph (under wgpu) and gpu-allocator (Windows) are behind the rest",
        &[("foldhash", 2), ("hashbrown", 4), ("rustc-hash", 2)],
    ),
    (
        "random numbers: jsonwebtoken and ahash name older generations, partly for platforms not built",
        &[("getrandom", 3), ("rand_core", 2)],
    ),
    (
        "small codecs, each behind by one: jsonwebtoken's base64, png's miniz_oxide, aws-lc-rs's untrusted",
        &[("base64", 2), ("miniz_oxide", 2), ("untrusted", 2)],
    ),
    (
        "certificates made for tests: rcgen's own PEM is ahead by one; and a parser that it could use, and which is not built",
        &[("nom", 2), ("pem", 2), ("synstructure", 2)],
    ),
    (
        "what openidconnect verifies signatures with: its `rsa` is a generation behind its other parts",
        &[
            ("block-buffer", 2),
            ("const-oid", 2),
            ("cpufeatures", 2),
            ("crypto-common", 2),
            ("der", 2),
            ("digest", 2),
            ("hmac", 2),
            ("pem-rfc7468", 2),
            ("pkcs8", 2),
            ("rand", 2),
            ("sha2", 2),
            ("signature", 2),
            ("spki", 2),
        ],
    ),
    (
        "small parts of openidconnect's that are behind: lists, floats, and what serde_with could use and does not",
        &[("indexmap", 2), ("itertools", 2), ("ordered-float", 2), ("schemars", 2)],
    ),
    ("waiting for a future: rfd is a generation behind eframe", &[("pollster", 2)]),
    ("reqwest is a generation behind the hub's own", &[("tower-http", 2)]),
    ("derive macros, at build time only: half of them have moved to 3", &[("syn", 2)]),
];

/// Crates of a window. Whole families, hence beginnings.
const WINDOW: &[&str] =
    &["accesskit", "arboard", "eframe", "egui", "glutin", "rfd", "wayland-", "wgpu", "winit", "x11rb"];

/// Crates of a server with a database.
const SERVER: &[&str] = &["axum", "libsqlite3-sys", "rusqlite"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn metadata() -> Value {
    serde_json::from_str(&cargo(&["metadata", "--locked", "--format-version", "1"])).unwrap()
}

/// The names of what is built for the given features, on any platform.
fn built(edges: &str, features: &[&str]) -> BTreeSet<String> {
    let mut arguments =
        vec!["tree", "--locked", "--target", "all", "--prefix", "none", "--format", "{p}", "--edges", edges];
    arguments.extend(features);
    let names: BTreeSet<_> =
        cargo(&arguments).lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    assert!(names.contains("cpis") && names.len() > 10, "cargo tree told nothing: {names:?}");
    names
}

fn alone(feature: &str) -> BTreeSet<String> {
    built("normal", &["--no-default-features", "--features", feature])
}

/// Does a licence expression (`MIT OR (Apache-2.0 AND ISC)`, old style with `/`) leave a way that is allowed?
fn acceptable(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let fine = any_of(&words, &mut at);
    fine && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize) -> bool {
    let mut fine = all_of(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        // Both sides are always read: the position has to move on.
        fine |= all_of(words, at);
    }
    fine
}

fn all_of(words: &[&str], at: &mut usize) -> bool {
    let mut fine = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        fine &= one(words, at);
    }
    fine
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let fine = any_of(words, at);
        *at += 1;
        return fine;
    }
    // An exception to a licence only ever allows more.
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    LICENCES.iter().any(|(licence, _)| *licence == word)
}

/// Duplicates that have no reason, and reasons that have no duplicate any more.
fn duplicates(lock: &str) -> Vec<String> {
    let mut versions = BTreeMap::<&str, Vec<&str>>::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.unwrap_or_default().trim_matches('"')
        };
        versions.entry(field("name")).or_default().push(field("version"));
    }
    let listed: BTreeMap<&str, usize> =
        DUPLICATES.iter().flat_map(|(_, crates)| crates.iter().copied()).collect();
    let mut found = Vec::new();
    for (name, versions) in &versions {
        let allowed = listed.get(name).copied().unwrap_or(1);
        if versions.len() != allowed {
            found.push(format!("{name} {versions:?}: {} versions, listed {allowed}", versions.len()));
        }
    }
    found.extend(
        listed
            .keys()
            .filter(|name| !versions.contains_key(*name))
            .map(|name| format!("{name}: listed, and gone")),
    );
    found
}

/// Every feature that turning `feature` on turns on.
fn reached(features: &Value, feature: &str) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut ahead = vec![feature.to_owned()];
    while let Some(next) = ahead.pop() {
        if let Some(more) = features.get(&next).and_then(Value::as_array)
            && reached.insert(next)
        {
            ahead.extend(more.iter().filter_map(Value::as_str).map(str::to_owned));
        }
    }
    reached
}

/// The features of this crate, as Cargo reads them.
fn own_features(metadata: &Value) -> Value {
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().find(|package| package["name"] == "cpis").unwrap()["features"].clone()
}

#[test]
fn every_licence_in_the_lock_file_is_one_that_may_come_in() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    none_of(
        packages
            .iter()
            .filter(|package| !acceptable(package["license"].as_str().unwrap_or_default()))
            .map(|package| format!("{} {}: {}", package["name"], package["version"], package["license"]))
            .collect(),
    );
}

#[test]
fn no_banned_crate_is_built_on_any_platform() {
    let built = built("normal,build,dev", &[]);
    let banned = BANNED.iter().filter(|(name, _)| built.contains(*name));
    none_of(banned.map(|(name, reason)| format!("{name}: {reason}")).collect());
}

#[test]
fn one_provider_makes_all_the_cryptography() {
    assert!(built("normal", &[]).contains("aws-lc-rs"));
}

#[test]
fn what_comes_in_under_others_is_not_used_directly() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let own = packages.iter().find(|package| package["name"] == "cpis").unwrap();
    let direct: Vec<_> =
        own["dependencies"].as_array().unwrap().iter().map(|of| of["name"].clone()).collect();
    let used = NOT_DIRECTLY.iter().filter(|(name, _)| direct.iter().any(|direct| direct == name));
    none_of(used.map(|(name, reason)| format!("{name}: {reason}")).collect());
}

#[test]
fn every_duplicate_in_the_lock_file_has_its_reason() {
    none_of(duplicates(include_str!("../../Cargo.lock")));
}

#[test]
fn the_hub_and_the_authority_contain_no_window() {
    for feature in ["hub", "authority"] {
        let window = alone(feature);
        let window = window.iter().filter(|name| WINDOW.iter().any(|family| name.starts_with(family)));
        none_of(window.map(|name| format!("`{feature}` alone brings {name}")).collect());
    }
}

#[test]
fn the_viewer_contains_no_server_and_no_database() {
    let viewer = alone("viewer");
    assert!(viewer.contains("egui"), "the viewer's tree was not read");
    none_of(
        SERVER
            .iter()
            .filter(|name| viewer.contains(**name))
            .map(|name| format!("`viewer`: {name}"))
            .collect(),
    );
}

#[test]
fn the_demonstration_is_in_none_of_the_packages() {
    let features = own_features(&metadata());
    assert!(reached(&features, "default").contains("demo"), "plain `cargo run` brings the demonstration");
    for feature in ["viewer", "hub", "authority"] {
        let reached = reached(&features, feature);
        assert!(reached.contains(feature) && !reached.contains("demo"), "`{feature}` brings {reached:?}");
    }
    let library = include_str!("../../src/lib.rs");
    let lines: Vec<&str> = library.lines().map(str::trim).collect();
    for (index, line) in lines.iter().enumerate().filter(|(_, line)| line.ends_with("mod demo;")) {
        let guard = lines.get(index.wrapping_sub(1)).copied();
        assert_eq!(guard, Some("#[cfg(feature = \"demo\")]"), "src/lib.rs:{}: {line}", index + 1);
    }
}

#[test]
fn what_is_for_fuzzing_is_in_no_package_and_in_no_plain_build() {
    let features = own_features(&metadata());
    assert!(reached(&features, "fuzzing").contains("hub"), "the feature is called otherwise now");
    for feature in ["default", "viewer", "hub", "authority", "demo"] {
        let reached = reached(&features, feature);
        assert!(!reached.contains("fuzzing"), "`{feature}` brings {reached:?}");
    }
}

#[test]
fn each_rule_is_seen_to_fail() {
    for fine in
        ["MIT", "MIT/GPL-2.0", "GPL-2.0 OR (MIT AND ISC)", "Apache-2.0 WITH LLVM-exception OR GPL-2.0"]
    {
        assert!(acceptable(fine), "{fine}");
    }
    for bad in ["", "GPL-3.0-only", "MIT AND GPL-2.0", "(GPL-2.0 OR LGPL-2.1) AND MIT", "MIT GPL-2.0"] {
        assert!(!acceptable(bad), "{bad}");
    }
    let lock = "[[package]]\nname = \"x\"\nversion = \"1\"\n[[package]]\nname = \"x\"\nversion = \"2\"\n";
    let found = duplicates(lock);
    assert!(found.contains(&"x [\"1\", \"2\"]: 2 versions, listed 1".to_owned()), "{found:?}");
    assert!(found.contains(&"syn: listed, and gone".to_owned()), "{found:?}");
    let features = serde_json::json!({ "hub": ["dep:axum", "tools"], "tools": ["demo"], "demo": [] });
    assert!(reached(&features, "hub").contains("demo"));
}
