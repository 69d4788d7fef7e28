//! What a handler learns of a caller's certificate, over a real socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use axum::Extension;
use axum::http::HeaderMap;
use axum::routing::get;
use rcgen::{CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

use super::*;
use crate::config::hub::HubConfig;
use crate::hub::Hub;
use crate::hub::serve::{Door, accept};
use crate::identity::token::SigningKey;

type Authority = CertifiedIssuer<'static, KeyPair>;
type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issued(
    authority: &Authority,
    change: impl FnOnce(&mut CertificateParams),
) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::default();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

/// What the handler says of its caller.
async fn who(caller: Option<Extension<ClientCertificate>>, headers: HeaderMap) -> String {
    let claimed = headers.contains_key("x-client-certificate");
    match caller {
        Some(Extension(caller)) => {
            let names: Vec<String> = caller.names().iter().map(|name| format!("{name:?}")).collect();
            let fingerprint: Vec<String> =
                caller.fingerprint().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{} | {} | {}", caller.subject(), names.join(" "), fingerprint.concat())
        }
        None => format!("nobody, whatever is claimed: {claimed}"),
    }
}

fn ask(address: SocketAddr, trusted: &Authority, own: Option<Own>) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match own {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("hub.example").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    let asked =
        "GET / HTTP/1.1\r\nHost: hub\r\nX-Client-Certificate: CN=somebody\r\nConnection: close\r\n\r\n";
    stream.write_all(asked.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_handler_learns_who_calls_from_the_connection_and_from_nothing_else() {
    let (ours, theirs, directory) = (authority(), authority(), tempfile::tempdir().unwrap());
    let path = |name: &str| directory.path().join(name);
    let (certificate, key) = issued(&ours, |params| {
        params.subject_alt_names.push(SanType::DnsName("hub.example".try_into().unwrap()));
    });
    write(&path("hub.pem"), &certificate.pem());
    write(&path("key.pem"), &key.serialize_pem());
    write(&path("callers.pem"), &theirs.pem());
    let text = "listen = \"127.0.0.1:0\"\nissuer = \"https://hub.example\"\ndatabase = \"hub.db\"\n\
                signing_key = \"none\"\n[disk]\nreserve_mb = 0\n[tls]\ncertificate = \"hub.pem\"\nkey = \"key.pem\"\n\
                client_ca = \"callers.pem\"\nclient_certificates = \"offered\"\n";
    write(&path("hub.toml"), text);
    let config = HubConfig::read(&path("hub.toml")).unwrap();
    let hub = Hub::open(&config, SigningKey::generate().unwrap(), Clock::system()).unwrap();
    let listener = tokio::net::TcpListener::bind(config.listen).await.unwrap();
    let address = listener.local_addr().unwrap();
    let secure = Some(Secure::new(hub.tls().unwrap().clone(), hub.clone()));
    let door = Door {
        whom: "tests",
        secure,
        connections: 8,
        idle: crate::hub::limits::IDLE,
        open: None,
        noting: None,
    };
    let router = axum::Router::new().route("/", get(who));
    tokio::spawn(accept(door, listener, router, std::future::pending()));
    let (certificate, key) = issued(&theirs, |params| {
        params.distinguished_name.push(DnType::CommonName, "Wexcombe, Link");
        params.subject_alt_names.push(SanType::URI("urn:ods:E06000030".try_into().unwrap()));
        params.subject_alt_names.push(SanType::IpAddress("10.0.0.1".parse().unwrap()));
    });
    let der = certificate.der().clone();
    let fingerprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
    let hex: String = fingerprint.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let own: Own = (vec![der], PrivateKeyDer::Pkcs8(key.serialize_der().into()));
    let (known, unknown) =
        tokio::task::spawn_blocking(move || (ask(address, &ours, Some(own)), ask(address, &ours, None)))
            .await
            .unwrap();
    assert_eq!(known, format!("CN=Wexcombe\\, Link | Uri(\"urn:ods:E06000030\") Ip(10.0.0.1) | {hex}"));
    assert_eq!(unknown, "nobody, whatever is claimed: true");
}
