//! Nothing that the viewer says of a failure, to a terminal or to whoever formats an error, holds a number, a
//! name or a token.

use std::process::Command;

use cpis::client::{Access, HubClient, Limits};
use cpis::domain::{CareSetting, Failure, NhsNumber, SearchQuery, View};
use cpis::identity::dpop::ProofKey;
use uuid::Uuid;

use super::proxy::{Act, Cut, Proxy, answer};
use super::town::{AMELIA, Town};

const TOKEN: &str = "a-token-of-nobody";

#[test]
fn no_error_of_the_client_holds_a_number_a_name_an_address_or_a_token() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let access = Access::new(TOKEN.to_owned(), ProofKey::generate().unwrap(), town.demonstration.address());
    let said_of_it = format!("{access:?}");
    let client = HubClient::new(&proxy.address(), access, None, Limits::default(), &[]).unwrap();
    let number = NhsNumber::parse(AMELIA.0).unwrap();
    let born = cpis::domain::BirthDate::parse(AMELIA.1, town.day()).unwrap();
    let query = SearchQuery {
        family: "Hartington".to_owned(),
        given: None,
        born,
        gender: None,
        postcode: None,
        similar: false,
    };
    // Always the same trace, and none of the digits that are looked for: a random one holds them now and then.
    let trace = Uuid::from_u128(0xa1b2_c3d4_e5f6);
    let view = View { number, trace, care: CareSetting::Unscheduled };
    let acts: [fn() -> Act; 5] = [
        || Act::Pass,
        || Act::CutAnswer(Cut::InsideHeaders),
        || Act::Say(answer(200, "text/html", "<html>9990000018 Hartington a-token-of-nobody</html>")),
        || Act::Say(answer(500, "text/plain", "9990000018 Hartington a-token-of-nobody")),
        || Act::Say(b"9990000018 Hartington\r\n\r\n".to_vec()),
    ];
    for act in acts {
        proxy.on("/", move |_| act());
        let failures: [Failure; 4] = [
            town.call(client.plans(view)).unwrap_err(),
            town.call(client.history(view)).unwrap_err(),
            town.call(client.retrieve(number, None, trace)).unwrap_err(),
            town.call(client.search(&query, trace)).unwrap_err(),
        ];
        let said = format!(
            "{failures:?} {said_of_it} {client:?} {number:?} {query:?} {view:?} {}",
            failures.map(|f| f.to_string()).join(" ")
        );
        for secret in ["999", "Hartington", "a-token", "127.0.0.1", "2019", "http"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
    }
}

/// Set for the run of this program that panics.
const PANICS: &str = "CPIS_TEST_PANICS";

#[test]
fn a_panic_says_where_and_never_what() {
    let name = "stories::confidence::a_panic_says_where_and_never_what";
    if std::env::var_os(PANICS).is_some() {
        cpis::viewer::run::hide_panics();
        panic!("NHS number {}", AMELIA.0);
    }
    // In a program of its own: the hook would hide the panics of every other test.
    let program = std::env::current_exe().unwrap();
    let output =
        Command::new(program).args(["--exact", name, "--nocapture"]).env(PANICS, "1").output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("The viewer failed at tests/all/stories/confidence.rs:"), "{said}");
    assert!(!output.status.success() && !said.contains("999") && !said.contains("NHS number"), "{said}");
}

#[test]
fn without_a_display_the_viewer_ends_with_one_sentence_that_names_nobody() {
    let output = Command::new(env!("CARGO_BIN_EXE_cpis-viewer"))
        .args(["--demo", "--nhs-number", AMELIA.0, "--date-of-birth", AMELIA.1])
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "There is no display to show the window on: start the viewer from a desktop session\n"
    );
}
