//! The viewer before a hub with TLS: it trusts its computer and the configured authority, and nobody else; what is
//! not trusted is *Could not check*, in words for a nurse and for whoever mends computers.

use std::process::Command;
use std::sync::{Arc, Mutex};

use cpis::client::{Access, HubClient, Limits};
use cpis::config::viewer::ViewerConfig;
use cpis::domain::Failure;
use cpis::identity::dpop::ProofKey;
use cpis::viewer::run::hub_of;
use jiff::civil::date;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::faults::{NO_ANSWER, TELL_IT};
use super::town::{AMELIA, Town};
use crate::hub::support::certificates::{Authority, Issued};

/// A way to the demonstration's hub by TLS.
struct Front {
    address: String,
    acceptor: Arc<Mutex<TlsAcceptor>>,
    open: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

fn acceptor(issued: &Issued) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.der.clone()], issued.private_key())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

impl Front {
    /// Everybody meets this certificate from now on.
    fn shows(&self, issued: &Issued) {
        *self.acceptor.lock().unwrap() = acceptor(issued);
        for connection in self.open.lock().unwrap().drain(..) {
            connection.abort();
        }
    }
}

/// One with this certificate.
fn before(town: &Town, issued: &Issued) -> Front {
    let acceptor = Arc::new(Mutex::new(acceptor(issued)));
    let hub = town.demonstration.address().strip_prefix("http://").unwrap().to_owned();
    let listener = town.call(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let open: Arc<Mutex<Vec<JoinHandle<()>>>> = Arc::default();
    let (shown, opened) = (Arc::clone(&acceptor), Arc::clone(&open));
    town.call(async {
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, hub) = (shown.lock().unwrap().clone(), hub.clone());
                let connection = tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut hub = TcpStream::connect(hub).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut hub).await;
                });
                opened.lock().unwrap().push(connection);
            }
        });
    });
    Front { address, acceptor, open }
}

#[test]
fn h9_a_hub_that_cannot_be_trusted_is_could_not_check_in_words_that_it_can_act_on() {
    let town = Town::new();
    let (ours, others) = (Authority::new("Trust"), Authority::new("Trust"));
    let cases = [
        (
            others.for_hub(),
            "this computer does not trust the certificate of the CP-IS service, so nothing was sent to it",
        ),
        (
            ours.issue(&["cpis-hub.example.nhs.uk"], |_| ()),
            "the certificate of the CP-IS service is for another address than the one set up here, so nothing was sent to it",
        ),
        (
            ours.between(&["localhost"], date(2020, 1, 1), date(2021, 1, 1)),
            "the certificate of the CP-IS service is out of date, or this computer's clock is wrong, so nothing was sent to it",
        ),
        (
            ours.between(&["localhost"], date(2090, 1, 1), date(2091, 1, 1)),
            "the certificate of the CP-IS service is out of date, or this computer's clock is wrong, so nothing was sent to it",
        ),
    ];
    for (issued, cause) in cases {
        let front = before(&town, &issued);
        let mut desk = town.desk_trusting(&front.address, &[ours.der()]);
        desk.press("Sign in as Sam Okafor,");
        desk.wait_for(&format!("You are not signed in: {cause}"));
        // And of a hub that shows it only then.
        front.shows(&ours.for_hub());
        desk.sign_in("Sam Okafor");
        front.shows(&issued);
        desk.ask(AMELIA);
        desk.wait_for_answer();
        let headline = format!("Could not check: {cause}");
        assert_eq!(desk.answer(), [headline.as_str(), NO_ANSWER, TELL_IT]);
    }
    // The same authority, and a certificate for the name that is asked: the whole way.
    let mut desk = town.desk_trusting(&before(&town, &ours.for_hub()).address, &[ours.der()]).nurse();
    assert_eq!(desk.look_up(AMELIA), "Alert: Child Protection Plan");
}

#[test]
fn the_configured_authority_is_trusted_beside_those_of_the_computer() {
    let (town, ours) = (Town::new(), Authority::new("Trust"));
    let address = before(&town, &ours.for_hub()).address;
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let read = |authority: Option<&str>| {
        let named = authority.map(|file| format!("certificate_authority = \"{file}\"\n")).unwrap_or_default();
        let text = format!("[hub]\naddress = \"{address}\"\nkind = \"cpis\"\n{named}");
        std::fs::write(path("viewer.toml"), text).unwrap();
        ViewerConfig::read(&path("viewer.toml"))
    };
    let greeted = |config: &ViewerConfig| {
        let hub = hub_of(config);
        let client =
            HubClient::new(&hub.address, nobody(&hub.address), None, hub.limits, &hub.authorities).unwrap();
        town.call(client.greet()).unwrap_err()
    };
    // An answer: the hub does not know the token.
    std::fs::write(path("authority.pem"), ours.pem()).unwrap();
    assert_eq!(greeted(&read(Some("authority.pem")).unwrap()), Failure::SessionEnded);
    // Beside another one, in the same file.
    let two = Authority::new("Another").pem() + &ours.pem();
    std::fs::write(path("two.pem"), two).unwrap();
    assert_eq!(greeted(&read(Some("two.pem")).unwrap()), Failure::SessionEnded);
    assert_eq!(greeted(&read(None).unwrap()), Failure::NotTrusted);
    std::fs::write(path("key.pem"), ours.for_hub().key.serialize_pem()).unwrap();
    std::fs::write(path("broken.pem"), ours.pem().replacen("MII", "MIJ", 1)).unwrap();
    for (file, expected) in [
        ("nowhere.pem", "cannot be read"),
        ("key.pem", "holds no certificate in PEM"),
        ("broken.pem", "ask the hub's operator for it again"),
    ] {
        let said = read(Some(file)).unwrap_err().to_string();
        let named = said.starts_with("`hub.certificate_authority`: the file ") && said.contains(file);
        assert!(named && said.contains(expected), "{said}");
    }
}

/// A token that no hub knows.
fn nobody(hub: &str) -> Access {
    Access::new("x".to_owned(), ProofKey::generate().unwrap(), hub)
}

const ASKED: &str = "CPIS_TEST_ADDRESS";

/// The computer's own store is another program's environment: this test runs the next one in one of its own.
#[cfg(target_os = "linux")]
#[test]
fn whom_the_computer_trusts_the_viewer_trusts() {
    let (town, ours, others) = (Town::new(), Authority::new("Trust"), Authority::new("Trust"));
    let address = before(&town, &ours.for_hub()).address;
    let directory = tempfile::tempdir().unwrap();
    let trusts = |store: &Authority| {
        let file = directory.path().join("store.pem");
        std::fs::write(&file, store.pem()).unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "stories::secure::greets", "--ignored", "--nocapture"])
            .env("SSL_CERT_FILE", file)
            .env_remove("SSL_CERT_DIR")
            .env(ASKED, &address)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(trusts(&ours).contains("greeted: Err(SessionEnded)"));
    assert!(trusts(&others).contains("greeted: Err(NotTrusted)"));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a part of the test above, in an environment of its own"]
#[expect(clippy::print_stdout, reason = "what the test above reads")]
fn greets() {
    let address = std::env::var(ASKED).unwrap();
    let client = HubClient::new(&address, nobody(&address), None, Limits::default(), &[]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("greeted: {:?}", runtime.block_on(client.greet()));
}
