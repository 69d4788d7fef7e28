//! The stories of a kept session once more, before a real Secret Service: unlocked, locked, and none at all.
//!
//! GNOME Keyring, in a session bus of its own, before this same program. Where it is not installed, plain `cargo test` says
//! that these are not run; `tests/run` installs it, and fails without it.

use std::process::{Command, Stdio};

use super::chain::{WHICH, is_of_the_bus};
use crate::hub::support::program::is_there;

/// Programs of the Debian packages `dbus`, `gnome-keyring` and `libglib2.0-bin`.
const NEEDED: [&str; 3] = ["dbus-run-session", "gnome-keyring-daemon", "gdbus"];

/// Set where everything that the tests need has been installed.
const ALL_IS_THERE: &str = "CPIS_PACKAGES_INSTALLED";

/// This program once more, in a session bus of its own.
fn told_again(prepares: &str, which: &[&str]) {
    if is_of_the_bus() {
        return;
    }
    if let Some(missing) = NEEDED.into_iter().find(|program| !is_there(program)) {
        assert!(std::env::var_os(ALL_IS_THERE).is_none(), "{missing} is missing");
        let why = format!(
            "not run: {which:?} before a Secret Service: there is no {missing} (tests/run installs it)\n"
        );
        std::io::Write::write_all(&mut std::io::stderr(), why.as_bytes()).unwrap();
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let script = format!("{prepares} exec \"$0\" \"$@\"");
    // What outlives its bus is not waited for.
    let mut run = Command::new("timeout");
    run.args(["600", "dbus-run-session", "--", "sh", "-c", &script]).arg(std::env::current_exe().unwrap());
    run.args(which).args(["--test-threads", "2"]).env(WHICH, "1").stdin(Stdio::null());
    for place in ["HOME", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        run.env(place, home.path());
    }
    let output = run.output().expect("dbus-run-session of the Debian package `dbus`");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("running 0 tests"), "{said}\n{wrong}");
}

#[test]
fn the_same_holds_before_a_real_secret_service() {
    let unlocked =
        "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1 || exit 1;";
    told_again(
        &format!("{unlocked} set -- \"$@\" --skip without_a_keychain;"),
        &["stories::keeping::", "stories::killed::"],
    );
}

#[test]
fn where_the_bus_has_no_secret_service_one_signs_in_each_time() {
    told_again("", &["stories::keeping::without_a_keychain"]);
}

#[test]
fn where_the_keyring_is_locked_one_signs_in_each_time() {
    // Made with a password, and opened by nobody.
    let locked = "printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1 || exit 1; \
                  gdbus call --session --dest org.freedesktop.secrets --object-path /org/freedesktop/secrets \
                  --method org.freedesktop.Secret.Service.Lock \
                  \"['/org/freedesktop/secrets/collection/login']\" >/dev/null || exit 1;";
    told_again(locked, &["stories::keeping::without_a_keychain"]);
}
