//! The real `cpis-authority serve`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::room::{self, SECRET, ask};

/// The program as it serves; ended with the test.
pub(super) struct Serving {
    child: Child,
    /// What it printed last: an address.
    pub(super) address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A place with a register and a configuration.
pub(super) fn place(change: impl Fn(String) -> String) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let now = cpis::hub::clock::Clock::system().now();
    room::register(&place.path().join("cpis-notes.db"), 30, now);
    configure(&place, change);
    place
}

fn configure(place: &tempfile::TempDir, change: impl Fn(String) -> String) {
    let configured =
        include_str!("../../../../packaging/authority.toml").replace("127.0.0.1:8480", "127.0.0.1:0");
    std::fs::write(place.path().join("authority.toml"), change(configured)).unwrap();
}

fn command(place: &tempfile::TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
    command.args(words).args(["--config", "authority.toml"]).current_dir(place.path());
    command
}

fn said(place: &tempfile::TempDir, words: &[&str]) -> String {
    let output = command(place, words).output().unwrap();
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// Starts it; `lines` until its address.
pub(super) fn serve(place: &tempfile::TempDir, words: &[&str]) -> Serving {
    let words = [&["serve"], words].concat();
    let mut child = command(place, &words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let address = lines
        .find_map(|line| line.split(' ').next_back().filter(|of| of.starts_with("http")).map(str::to_owned));
    Serving { child, address: address.unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_prints_an_address_that_works_once_and_serves_beside_the_link() {
    let place = place(|text| text);
    // The link holds its lock; the page does without.
    let path = place.path().join("cpis-notes.db");
    let _link = cpis::authority::register::Register::open(&path, room::AUTHORITY).unwrap();
    let serving = serve(&place, &["--as", "Jo.Marsh"]);
    let rest = serving.address.strip_prefix("http://").unwrap();
    let (listen, start) = rest.split_at(rest.find('/').unwrap());
    let listen = listen.parse().unwrap();
    let first = ask(listen, "GET", start, &[], "").await;
    assert_eq!(first.status, 303);
    let cookie = first.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let page = ask(listen, "GET", "/", &[("Cookie", &cookie)], "").await;
    assert!(page.status == 200 && page.body.contains("Here as <strong>jo.marsh</strong>"), "{page:?}");
    assert_eq!(ask(listen, "GET", start, &[], "").await.status, 403, "a second time");
    let child = format!("/child/{}", room::id(1));
    assert_eq!(ask(listen, "GET", &child, &[("Cookie", &cookie)], "").await.status, 200);
    let looks = said(&place, &["looks", "--user", "jo.marsh"]);
    assert!(looks.contains("1.\n") && looks.contains(" jo.marsh case A1"), "{looks}");
    // What is left out is never said to be nothing: of a restricted case or not.
    let restricted = "Looks at restricted cases are not in this list, but for their holders (`--as`).";
    for case in ["A1", "C3", "NONE"] {
        assert!(said(&place, &["looks", "--case", case]).contains(restricted), "{case}");
    }
    assert!(!looks.contains(restricted));
}

#[test]
fn what_would_let_anybody_in_does_not_start() {
    let place = place(|text| text);
    assert!(said(&place, &["serve"]).contains("--as USER"));
    assert!(said(&place, &["serve", "--as", "Jo Marsh"]).contains("a user name without blanks"));
    let proxied = |text: String| {
        text.replace("# [page.proxy] ", "[page.proxy] ")
            .replace("# address = \"https://cpis", "address = \"https://cpis")
            .replace("# user_header", "user_header")
            .replace("# secret_", "secret_")
    };
    configure(&place, proxied);
    assert!(said(&place, &["serve", "--as", "jo"]).contains("it is the proxy that says"));
    let secret = place.path().join("page-proxy-secret");
    assert!(said(&place, &["serve"]).contains("secret_file"), "there is none");
    let write = |text: &str, mode: u32| {
        let _ = std::fs::remove_file(&secret);
        std::fs::write(&secret, text).unwrap();
        std::os::unix::fs::PermissionsExt::set_mode(
            &mut std::fs::metadata(&secret).unwrap().permissions(),
            mode,
        );
        let permissions = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode);
        std::fs::set_permissions(&secret, permissions).unwrap();
    };
    write("short", 0o600);
    assert!(said(&place, &["serve"]).contains("at least 32"));
    write(SECRET, 0o644);
    assert!(said(&place, &["serve"]).contains("everybody on this computer can read it"));
    write(SECRET, 0o640);
    let serving = serve(&place, &[]);
    assert_eq!(serving.address, "https://cpis.council.example");
}
