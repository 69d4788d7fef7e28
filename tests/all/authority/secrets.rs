//! Keys, tokens and passwords that everybody on the computer can read are refused by name; and where an authority for certificates is named,
//! nobody else is trusted.

use std::fs;
use std::process::Command;

use crate::hub::support::certificates::{Authority, put};
use crate::hub::support::data::number;
use crate::hub::support::nurse;

use super::desk::{Desk, Said};
use super::noting::{AVA, desk, row};

#[cfg(unix)]
fn set_mode(desk: &Desk, file: &str, mode: u32) {
    fs::set_permissions(desk.path(file), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

fn open_to_everybody(file: &str) -> String {
    format!("{file} is open to every user of this machine: chmod 600 ")
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_a_token_or_a_password_that_everybody_can_read_is_refused_by_name() {
    let desk = desk().await;
    desk.exchange.hub.view(&nurse(), number(1)).await;
    set_mode(&desk, "link-key.pem", 0o644);
    for said in [desk.run(&["fetch"]).await, desk.upload(&[&row("A1", 1, AVA)]).await] {
        said.has(&open_to_everybody("link-key.pem")).has_not("1 new notification");
        assert_eq!(said.code, Some(2), "{}", said.text);
    }
    assert_eq!(desk.exchange.hub.count("SELECT 1 FROM authority_file"), 1, "that of before");
    // A group may read it: a service and its administrators.
    set_mode(&desk, "link-key.pem", 0o640);
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    // The password of the mail server.
    let own = fs::read_to_string(desk.path("authority.toml")).unwrap();
    fs::write(desk.path("mail-password"), "secret\n").unwrap();
    set_mode(&desk, "mail-password", 0o644);
    desk.configure(
        "[extract]\nformat",
        "[routing.mail]\nserver = \"localhost\"\nport = 9\nsecurity = \"starttls\"\nuser = \"cpis\"\npassword_file = \"mail-password\"\n\
         from = \"cpis@wexcombe.example\"\n\n[extract]\nformat",
    );
    desk.configure("# email = \"safeguarding.lead@", "email = \"safeguarding.lead@");
    desk.configure("[\"Emergency duty team\"]", "[\"Safeguarding lead\"]");
    desk.exchange.hub.view(&nurse(), number(2)).await;
    let db = rusqlite::Connection::open(desk.path("cpis-notes.db")).unwrap();
    let alerted = desk.run(&["fetch"]).await;
    alerted.has(&open_to_everybody("mail-password"));
    set_mode(&desk, "mail-password", 0o600);
    db.execute("UPDATE mail SET next_ms = 0", []).unwrap();
    desk.run(&["fetch"]).await.has_not("is open to every user");
    // The token for a case system.
    fs::write(desk.path("authority.toml"), own).unwrap();
    fs::write(desk.path("token"), "secret\n").unwrap();
    set_mode(&desk, "token", 0o604);
    desk.configure("folder = \"case-notes\"", "# no folder");
    desk.configure(
        "# Whom an access comes before",
        "[notes.case_system]\naddress = \"https://127.0.0.1:1/fhir\"\ntoken_file = \"token\"\n\n# Whom an access comes before",
    );
    desk.exchange.hub.turn(24 * 60);
    desk.exchange.hub.view(&nurse(), number(1)).await;
    desk.run(&["fetch"]).await.has(&open_to_everybody("token"));
    set_mode(&desk, "token", 0o600);
    desk.run(&["fetch"]).await.has("the case system could not be reached").has_not("is open to every user");
}

/// Runs a command where the computer trusts the authority in this file.
async fn trusting(desk: &Desk, trusted: &str) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
    command.args(["fetch", "--config", "authority.toml"]).current_dir(desk.path("."));
    command.env("SSL_CERT_FILE", desk.path(trusted)).env_remove("SSL_CERT_DIR");
    tokio::task::spawn_blocking(move || Said::of(&command.output().unwrap())).await.unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn where_an_authority_for_certificates_is_named_nobody_else_is_trusted() {
    let desk = desk().await;
    fs::copy(desk.path("hub-authority.pem"), desk.path("system.pem")).unwrap();
    // The computer trusts who issued the hub's certificate, and nobody is named.
    desk.configure("certificate_authority = \"hub-authority.pem\"", "# trusted");
    trusting(&desk, "system.pem").await.has("Nothing new.");
    // Somebody else is: then the hub's issuer is not trusted, whatever the computer says.
    desk.configure("# trusted", "certificate_authority = \"other.pem\" # ");
    put(&desk.path("."), "other.pem", &Authority::new("Somebody else").pem());
    trusting(&desk, "system.pem").await.has("the hub's certificate is not trusted").has_not("Nothing new.");
}
