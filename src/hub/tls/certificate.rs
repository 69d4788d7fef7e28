//! What a certificate says of itself: for whom it is, and from when to when.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, SubjectAltName};
use x509_cert::time::Time;

use crate::domain::text::visible;

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The subject's distinguished name, after RFC 4514.
    pub subject: String,
    /// For whom it is (subjectAltName).
    pub names: Vec<SubjectName>,
    /// It is valid from here.
    pub not_before: Timestamp,
    /// And to here.
    pub not_after: Timestamp,
    /// It is an authority's own: nothing that serves may use it.
    pub is_authority: bool,
    /// SHA-256 of the whole certificate.
    pub fingerprint: [u8; 32],
}

/// A name that a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SubjectName {
    /// Of a host.
    Dns(String),
    /// An address of a host.
    Ip(IpAddr),
    /// A URI.
    Uri(String),
    /// An address for mail.
    Email(String),
}

impl fmt::Display for SubjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) | Self::Uri(name) | Self::Email(name) => f.write_str(&visible(name)),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

impl Facts {
    /// Reads a certificate; `None` where it is none.
    pub(in crate::hub) fn of(der: &CertificateDer<'_>) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?;
        let content = certificate.tbs_certificate();
        // An extension that cannot be read is a certificate that cannot be.
        let names = content.get_extension::<SubjectAltName>().ok()?;
        let constraints = content.get_extension::<BasicConstraints>().ok()?;
        let mut fingerprint = [0; 32];
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
        fingerprint.copy_from_slice(digest.as_ref());
        Some(Self {
            subject: content.subject().to_string(),
            names: names.map(|(_, names)| names.0.iter().filter_map(name).collect()).unwrap_or_default(),
            not_before: timestamp(content.validity().not_before)?,
            not_after: timestamp(content.validity().not_after)?,
            is_authority: constraints.is_some_and(|(_, constraints)| constraints.ca),
            fingerprint,
        })
    }

    /// The fingerprint in hexadecimal digits, as `openssl x509 -fingerprint -sha256` has it without colons.
    #[must_use]
    pub fn fingerprint_hex(&self) -> String {
        self.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Its names in one line.
    #[must_use]
    pub fn named(&self) -> String {
        let names: Vec<String> = self.names.iter().map(ToString::to_string).collect();
        names.join(", ")
    }
}

fn name(name: &GeneralName) -> Option<SubjectName> {
    match name {
        GeneralName::DnsName(name) => Some(SubjectName::Dns(name.to_string())),
        GeneralName::UniformResourceIdentifier(uri) => Some(SubjectName::Uri(uri.to_string())),
        GeneralName::Rfc822Name(mail) => Some(SubjectName::Email(mail.to_string())),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes)));
            let sixteen = <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes)));
            four.or(sixteen).ok().map(SubjectName::Ip)
        }
        GeneralName::OtherName(_)
        | GeneralName::DirectoryName(_)
        | GeneralName::EdiPartyName(_)
        | GeneralName::RegisteredId(_) => None,
    }
}

fn timestamp(time: Time) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.to_unix_duration().as_secs()).ok()?).ok()
}
