//! Which local authority may send with which certificate, or from which mailbox at MESH.

use serde::Deserialize;

use super::ClientCertificates;
use crate::config::file::{ConfigError, setting};
use crate::config::mesh::{self, MeshSettings};
use crate::domain::OdsCode;

/// A local authority that sends its plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendingAuthority {
    /// ODS code.
    pub code: String,
    /// With any of these it proves who it is over HTTPS; none where it comes by MESH.
    pub certificates: Vec<CertificateName>,
    /// Its mailbox at MESH, where it comes that way.
    pub mailbox: Option<String>,
}

/// By what a client certificate is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateName {
    /// `subject:`, the whole distinguished name, after RFC 4514.
    Subject(String),
    /// `dns:`, a name of a host, in small letters.
    Dns(String),
    /// `uri:`.
    Uri(String),
    /// `email:`.
    Email(String),
    /// `sha256:`, the fingerprint of the whole certificate.
    Sha256([u8; 32]),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorityTable {
    code: String,
    #[serde(default)]
    certificates: Vec<String>,
    mailbox: Option<String>,
}

/// What the tables mean.
pub(super) fn resolve(
    tables: Vec<AuthorityTable>,
    clients: Option<&ClientCertificates>,
    mesh: Option<&MeshSettings>,
) -> Result<Vec<SendingAuthority>, ConfigError> {
    let asks = clients.is_some_and(|clients| clients.authorities().is_some());
    if tables.iter().any(|table| table.mailbox.is_none()) && !asks {
        return Err(setting(
            "authority",
            "local authorities without a MESH `mailbox` prove who they are with client certificates: set `tls.client_certificates` to \"offered\" or \"required\", with `tls.client_ca`",
        ));
    }
    let mut authorities: Vec<SendingAuthority> = Vec::with_capacity(tables.len());
    for table in tables {
        let code = OdsCode::parse(table.code.trim());
        let code = String::from(code.ok_or_else(|| setting("authority.code", OdsCode::SHAPE))?);
        let key = format!("authority.{code}");
        if authorities.iter().any(|known| known.code == code) {
            return Err(setting(&key, "there are two tables for this authority"));
        }
        let certificates = table
            .certificates
            .iter()
            .map(|text| certificate_name(&key, text))
            .collect::<Result<Vec<_>, _>>()?;
        let mailbox = table.mailbox.as_deref().map(|text| mesh::mailbox(&key, text)).transpose()?;
        match (&mailbox, certificates.is_empty()) {
            (None, true) => return Err(setting(&key, "`certificates` is empty")),
            (Some(_), false) => {
                return Err(setting(&key, "`certificates` or `mailbox`, not both: it comes one way"));
            }
            (None, false) | (Some(_), true) => {}
        }
        if let Some(own) = &mailbox {
            is_of_nobody_else(&key, own, mesh, &authorities)?;
        }
        if let Some(known) =
            authorities.iter().find(|known| known.certificates.iter().any(|name| certificates.contains(name)))
        {
            let why = format!(
                "one of its certificates is that of {} too: one certificate is one authority",
                known.code
            );
            return Err(setting(&key, &why));
        }
        authorities.push(SendingAuthority { code, certificates, mailbox });
    }
    Ok(authorities)
}

/// One mailbox is one authority, and the hub's own is none.
fn is_of_nobody_else(
    key: &str,
    mailbox: &String,
    mesh: Option<&MeshSettings>,
    known: &[SendingAuthority],
) -> Result<(), ConfigError> {
    let Some(mesh) = mesh else {
        return Err(setting(key, "`mailbox` needs a table [mesh]: the hub has no mailbox itself"));
    };
    if mesh.mailbox == *mailbox {
        return Err(setting(key, "`mailbox` is the hub's own"));
    }
    match known.iter().find(|known| known.mailbox.as_ref() == Some(mailbox)) {
        Some(other) => {
            let why = format!("its mailbox is that of {} too: one mailbox is one authority", other.code);
            Err(setting(key, &why))
        }
        None => Ok(()),
    }
}

/// What a certificate is known by, as the configuration writes it.
pub(super) fn certificate_name(key: &str, text: &str) -> Result<CertificateName, ConfigError> {
    let wrong = || {
        setting(
            key,
            "a certificate is named as \"uri:…\", \"dns:…\", \"email:…\", \"subject:CN=…\" or \"sha256:\" and 64 hexadecimal digits",
        )
    };
    let (kind, value) = text.split_once(':').ok_or_else(wrong)?;
    let value = value.trim();
    if value.is_empty() {
        return Err(wrong());
    }
    match kind.trim() {
        "subject" => Ok(CertificateName::Subject(value.to_owned())),
        "dns" => Ok(CertificateName::Dns(value.to_ascii_lowercase())),
        "uri" => Ok(CertificateName::Uri(value.to_owned())),
        "email" => Ok(CertificateName::Email(value.to_owned())),
        "sha256" => fingerprint(value).map(CertificateName::Sha256).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// As `openssl x509 -fingerprint -sha256` prints it, with colons or without.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(high * 16 + low),
            _ => None,
        })
        .collect::<Option<_>>()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<Vec<SendingAuthority>, String> {
        #[derive(Deserialize)]
        struct File {
            authority: Vec<AuthorityTable>,
        }
        let file: File = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        let clients = ClientCertificates::Required("ca.pem".into());
        resolve(file.authority, Some(&clients), None).map_err(|error| error.to_string())
    }

    fn one(code: &str, certificate: &str) -> String {
        format!("[[authority]]\ncode = \"{code}\"\ncertificates = [\"{certificate}\"]\n")
    }

    #[test]
    fn a_certificate_is_named_in_five_ways() {
        let hex = "AB".repeat(32);
        let colons = ["ab"; 32].join(":");
        for (text, expected) in [
            ("uri:urn:ods:E06000030", CertificateName::Uri("urn:ods:E06000030".to_owned())),
            ("dns:Link.Wexcombe.example", CertificateName::Dns("link.wexcombe.example".to_owned())),
            ("email:link@wexcombe.example", CertificateName::Email("link@wexcombe.example".to_owned())),
            ("subject:CN=Wexcombe Link", CertificateName::Subject("CN=Wexcombe Link".to_owned())),
            (&format!("sha256:{hex}"), CertificateName::Sha256([0xab; 32])),
            (&format!("sha256:{colons}"), CertificateName::Sha256([0xab; 32])),
        ] {
            assert_eq!(resolved(&one("E06000030", text)).unwrap()[0].certificates, [expected]);
        }
    }

    #[test]
    fn one_certificate_is_one_authority_and_what_cannot_be_meant_is_refused() {
        let check = |text: &str, said: &str| {
            let error = resolved(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        };
        let wexcombe = one("E06000030", "uri:urn:a");
        check(&format!("{wexcombe}{}", one("E06000031", "uri:urn:a")), "one certificate is one authority");
        check(&format!("{wexcombe}{}", one("E06000030", "uri:urn:b")), "two tables");
        check(&one("E06 30", "uri:urn:a"), "an ODS code");
        for wrong in ["urn", "cn:Wexcombe", "uri: ", "sha256:abc", "sha256:zz"] {
            check(&one("E06000030", wrong), "a certificate is named as");
        }
        check("[[authority]]\ncode = \"E06000030\"\ncertificates = []\n", "is empty");
        check(&wexcombe.replace("code", "cod"), "unknown field");
        check(&format!("{wexcombe}mailbox = \"E06OT001\"\n"), "not both");
        check("[[authority]]\ncode = \"E06000030\"\nmailbox = \"E06OT001\"\n", "needs a table [mesh]");
    }

    #[test]
    fn without_client_certificates_nobody_could_prove_who_they_are() {
        let table = || AuthorityTable {
            code: "E06000030".to_owned(),
            certificates: vec!["uri:urn:a".to_owned()],
            mailbox: None,
        };
        for clients in [None, Some(&ClientCertificates::Off)] {
            assert!(
                resolve(vec![table()], clients, None)
                    .unwrap_err()
                    .to_string()
                    .contains("client certificates")
            );
            assert_eq!(resolve(Vec::new(), clients, None).unwrap(), []);
        }
    }
}
