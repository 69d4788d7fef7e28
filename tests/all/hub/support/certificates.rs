//! Certificates as an authority issues them, and what callers connect with who trust it.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType, date_time_ymd,
};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

/// The lines that configure a hub with the files that [`Issued::put`] writes.
pub(crate) const TLS: &str = "[tls]\ncertificate = \"hub.pem\"\nkey = \"hub-key.pem\"\n";

/// An authority that issues certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) der: CertificateDer<'static>,
    pub(crate) key: KeyPair,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// For the hub on this computer, for as long as a test can ask.
    pub(crate) fn for_hub(&self) -> Issued {
        self.issue(&["localhost", "127.0.0.1"], |_| ())
    }

    /// From one day to another.
    pub(crate) fn between(&self, names: &[&str], from: Date, to: Date) -> Issued {
        let moment = |day: Date| {
            date_time_ymd(day.year().into(), day.month().try_into().unwrap(), day.day().try_into().unwrap())
        };
        self.issue(names, |params| {
            params.not_before = moment(from);
            params.not_after = moment(to);
        })
    }

    /// For a caller, whom it names by a common name and a URI.
    pub(crate) fn for_caller(&self, name: &str, uri: &str) -> Issued {
        self.issue(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, name);
            params.subject_alt_names.push(SanType::URI(uri.try_into().unwrap()));
        })
    }

    pub(crate) fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { certificate: certificate.pem(), der: certificate.der().clone(), key }
    }

    /// What a caller connects with who trusts this authority, and shows this certificate.
    pub(crate) fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        own: Option<&Issued>,
        alpn: &[&str],
    ) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let builder = builder.with_root_certificates(roots);
        let mut config = match own {
            None => builder.with_no_client_auth(),
            Some(own) => builder.with_client_auth_cert(vec![own.der.clone()], own.private_key()).unwrap(),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// The same, as most callers do.
    pub(crate) fn usual(&self) -> Arc<ClientConfig> {
        self.client(rustls::ALL_VERSIONS, None, &["http/1.1"])
    }
}

impl Issued {
    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.serialize_der().into())
    }

    /// Puts both into a directory in the way that leaves no half a file: each is renamed into its place.
    pub(crate) fn put(&self, directory: &Path) {
        put(directory, "hub-key.pem", &self.key.serialize_pem());
        put(directory, "hub.pem", &self.certificate);
    }
}

/// A file that only its owner can read, renamed into its place.
pub(crate) fn put(directory: &Path, name: &str, text: &str) {
    let new = directory.join(format!("{name}.new"));
    fs::write(&new, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&new, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::rename(new, directory.join(name)).unwrap();
}

pub(crate) type Secured = StreamOwned<ClientConnection, TcpStream>;

/// The network's side of a connection to `127.0.0.1:PORT`, as the hub's base names it.
pub(crate) fn connect(base: &str) -> TcpStream {
    let (_, address) = base.split_once("://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    stream
}

/// A connection whose handshake is done as far as the client can tell.
pub(crate) fn secure(base: &str, config: &Arc<ClientConfig>) -> io::Result<Secured> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    let mut stream = connect(base);
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    // Its own last message may still wait to be sent.
    while connection.wants_write() {
        connection.write_tls(&mut stream)?;
    }
    Ok(StreamOwned::new(connection, stream))
}

/// Everything that comes until the other end closes, however it does.
pub(crate) fn until_closed(stream: &mut impl Read) -> String {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

/// One request that closes its connection, and what is answered; empty where nothing is.
pub(crate) fn ask(base: &str, config: &Arc<ClientConfig>, head: &str) -> String {
    let Ok(mut stream) = secure(base, config) else { return String::new() };
    if stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).is_err() {
        return String::new();
    }
    until_closed(&mut stream)
}
