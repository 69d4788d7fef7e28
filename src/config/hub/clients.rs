//! `[[client]]`: programs besides the viewer through which people may sign in, each with a certificate of its own.

use openidconnect::url::Url;
use serde::Deserialize;

use super::authorities::{CertificateName, certificate_name};
use super::{ClientCertificates, SendingAuthority, is_on_this_computer};
use crate::config::file::{ConfigError, setting};
use crate::domain::text;

/// The viewer's own name, which is nobody else's.
pub const VIEWER: &str = "cpis-viewer";

/// Addresses of one program.
const REDIRECTS: usize = 10;

/// Letters of one of them.
const REDIRECT_CHARACTERS: usize = 500;

/// A program of an organisation's that is registered with the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredClient {
    /// Its name in what it asks (`client_id`), and in the audit log.
    pub id: String,
    /// Its name for people, on the page that asks whether to go on.
    pub name: String,
    /// Whose it is: only roles at this organisation sign in through it.
    pub organisation_code: String,
    /// Where the browser goes back to, letter by letter.
    pub redirects: Vec<String>,
    /// With any of these it proves what it is.
    pub certificates: Vec<CertificateName>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClientTable {
    id: String,
    name: String,
    organisation_code: String,
    redirect_uris: Vec<String>,
    certificates: Vec<String>,
}

/// What the tables mean.
pub(super) fn resolve(
    tables: Vec<ClientTable>,
    clients: Option<&ClientCertificates>,
    authorities: &[SendingAuthority],
) -> Result<Vec<RegisteredClient>, ConfigError> {
    match clients {
        _ if tables.is_empty() => return Ok(Vec::new()),
        Some(ClientCertificates::Offered(_)) => {}
        Some(ClientCertificates::Off | ClientCertificates::Required(_)) | None => {
            return Err(setting(
                "client",
                "programs prove what they are with client certificates, and the people who sign in through them come with browsers that have none: set `tls.client_certificates` to \"offered\", with `tls.client_ca`",
            ));
        }
    }
    let mut known: Vec<RegisteredClient> = Vec::with_capacity(tables.len());
    for table in tables {
        known.push(one(table, &known, authorities)?);
    }
    Ok(known)
}

fn one(
    table: ClientTable,
    known: &[RegisteredClient],
    authorities: &[SendingAuthority],
) -> Result<RegisteredClient, ConfigError> {
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let id = table.id;
    if !(1..=40).contains(&id.len()) || !id.chars().all(is_letter) {
        return Err(setting("client.id", "1 to 40 letters, digits, dashes, dots and underscores"));
    }
    let key = format!("client.{id}");
    if id == VIEWER {
        return Err(setting(&key, "this is the viewer's own name"));
    }
    if known.iter().any(|other| other.id == id) {
        return Err(setting(&key, "there are two tables for this program"));
    }
    let name = table.name.trim().to_owned();
    if !(1..=60).contains(&name.chars().count()) || name.chars().any(text::is_unprintable) {
        return Err(setting(&key, "`name` has 1 to 60 characters: people read it before they sign in"));
    }
    // Trusts' codes may have letters alone, unlike those of authorities.
    let code = table.organisation_code;
    let is_capital = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
    if !(3..=10).contains(&code.len()) || !code.chars().all(is_capital) {
        return Err(setting(&key, "`organisation_code` is an ODS code: 3 to 10 capital letters and digits"));
    }
    let is_number = (1..=REDIRECTS).contains(&table.redirect_uris.len());
    if !is_number || !table.redirect_uris.iter().all(|address| is_redirect(address)) {
        return Err(setting(
            &key,
            "`redirect_uris` has 1 to 10 addresses, written as they will be asked for: https:// and no user and no fragment (#); or, on the same computer, http://127.0.0.1:PORT/… or http://[::1]:PORT/…",
        ));
    }
    let certificates =
        table.certificates.iter().map(|text| certificate_name(&key, text)).collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() {
        return Err(setting(&key, "`certificates` is empty"));
    }
    let shares = |others: &[CertificateName]| others.iter().any(|name| certificates.contains(name));
    let other = known.iter().find(|other| shares(&other.certificates)).map(|other| &other.id);
    let authority = authorities.iter().find(|other| shares(&other.certificates)).map(|other| &other.code);
    if let Some(whose) = other.or(authority) {
        let why = format!("one of its certificates is that of {whose} too: one certificate is one program");
        return Err(setting(&key, &why));
    }
    Ok(RegisteredClient { id, name, organisation_code: code, redirects: table.redirect_uris, certificates })
}

/// An address that a code can be sent to, in letters that a header can carry: over TLS, or not over a network at all.
fn is_redirect(address: &str) -> bool {
    let is_plain = address.len() <= REDIRECT_CHARACTERS && address.chars().all(|c| c.is_ascii_graphic());
    let Ok(url) = Url::parse(address) else { return false };
    let is_secure = address.starts_with("https://") && url.host().is_some();
    let has_port = url.port().is_some();
    let fits = is_secure || (is_on_this_computer(address) && address.starts_with("http://") && has_port);
    is_plain && fits && url.username().is_empty() && url.password().is_none() && url.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "[[client]]\nid = \"record\"\nname = \"Wexcombe record\"\norganisation_code = \"RN3\"\n\
        redirect_uris = [\"https://record.example/back\"]\ncertificates = [\"uri:urn:record\"]\n";

    fn resolved(text: &str) -> Result<Vec<RegisteredClient>, String> {
        #[derive(Deserialize)]
        struct File {
            client: Vec<ClientTable>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let authority = SendingAuthority {
            code: "E06000030".to_owned(),
            certificates: vec![CertificateName::Uri("urn:link".to_owned())],
            mailbox: None,
        };
        let clients = ClientCertificates::Offered("ca.pem".into());
        resolve(file.client, Some(&clients), &[authority]).map_err(|error| error.to_string())
    }

    #[test]
    fn a_program_is_what_its_table_says() {
        let clients = resolved(RECORD).unwrap();
        assert_eq!(clients.len(), 1);
        assert_eq!((clients[0].id.as_str(), clients[0].organisation_code.as_str()), ("record", "RN3"));
        assert_eq!(clients[0].certificates, [CertificateName::Uri("urn:record".to_owned())]);
        for address in
            ["http://127.0.0.1:8000/back", "http://[::1]:8000/back", "https://record.example:8443/a?b=c"]
        {
            assert!(resolved(&RECORD.replace("https://record.example/back", address)).is_ok(), "{address}");
        }
    }

    #[test]
    fn what_would_protect_nobody_is_refused_in_a_sentence() {
        let twice = RECORD.replace("urn:record", "urn:other");
        for (from, to, expected) in [
            ("\"record\"", "\"cpis-viewer\"", "the viewer's own name"),
            ("\"record\"", "\"a record\"", "1 to 40 letters"),
            ("\"record\"", "\"\"", "1 to 40 letters"),
            ("Wexcombe record", " ", "`name` has 1 to 60"),
            ("Wexcombe record", "\\u202E", "`name` has 1 to 60"),
            ("RN3", "the trust", "`organisation_code`"),
            ("https://record.example/back", "http://record.example/back", "`redirect_uris`"),
            ("https://record.example/back", "http://localhost:8000/back", "`redirect_uris`"),
            ("https://record.example/back", "http://127.0.0.1/back", "`redirect_uris`"),
            ("https://record.example/back", "https://me@record.example/back", "`redirect_uris`"),
            ("https://record.example/back", "https://record.example/back#x", "`redirect_uris`"),
            ("https://record.example/back", "HTTPS://record.example/back", "`redirect_uris`"),
            ("https://record.example/back", "https://record.example/b ack", "`redirect_uris`"),
            ("https://record.example/back", "record:/back", "`redirect_uris`"),
            ("[\"https://record.example/back\"]", "[]", "`redirect_uris`"),
            ("[\"uri:urn:record\"]", "[]", "`certificates` is empty"),
            ("uri:urn:record", "urn:record", "a certificate is named as"),
            ("uri:urn:record", "uri:urn:link", "that of E06000030 too"),
            ("name =", "nam =", "unknown field"),
        ] {
            let error = resolved(&RECORD.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(expected), "{to}: {error}");
        }
        assert!(resolved(&format!("{RECORD}{twice}")).unwrap_err().contains("two tables"));
        let other = RECORD.replace("id = \"record\"", "id = \"other\"");
        assert!(resolved(&format!("{RECORD}{other}")).unwrap_err().contains("that of record too"));
    }

    #[test]
    fn browsers_have_no_certificate_and_programs_have_one() {
        let table = || ClientTable {
            id: "record".to_owned(),
            name: "Record".to_owned(),
            organisation_code: "RN3".to_owned(),
            redirect_uris: vec!["https://record.example/back".to_owned()],
            certificates: vec!["uri:urn:record".to_owned()],
        };
        let required = ClientCertificates::Required("ca.pem".into());
        for clients in [None, Some(&ClientCertificates::Off), Some(&required)] {
            let error = resolve(vec![table()], clients, &[]).unwrap_err().to_string();
            assert!(error.contains("\"offered\""), "{error}");
            assert_eq!(resolve(Vec::new(), clients, &[]).unwrap(), []);
        }
    }
}
