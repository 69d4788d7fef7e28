//! Alerts by e-mail. An e-mail says that there is something to read, and of which case by its local reference: no name, no
//! number, no date, no organisation. Nothing is sent over a network without encryption.
//!
//! SMTP lets nobody know for certain: where the connection is lost after the last byte and before the server's word, it may
//! have taken the e-mail. Then it is sent again under the same Message-ID, rather twice than not at all.

use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{SmtpTransport, Transport};

use super::register::Outgoing;
use crate::config::authority::{MailSecurity, MailSettings};
use crate::domain::NhsNumber;
use crate::mesh::open_to_others;

/// For each step of an e-mail: a mail server may look through the whole of it before it says that it has it.
const PATIENCE: Duration = Duration::from_mins(2);

/// For each step until it is known that the mail server is there.
const PATIENCE_AT_THE_DOOR: Duration = Duration::from_secs(5);

/// Bytes of a password, and of a file with certificates.
const PASSWORD_BYTES: u64 = 16 * 1024;
const PEM_BYTES: u64 = 1024 * 1024;

/// Characters of a local id that is a reference and nothing else.
const REFERENCE_CHARACTERS: usize = 30;

/// Why an e-mail did not leave: one sentence, without an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSent {
    /// None can at present.
    Away(String),
    /// This one cannot at present; others may.
    Later(String),
    /// This one is refused; others may not be.
    Refused(String),
}

/// A way for e-mail to leave.
pub trait Mailer {
    /// Hands it to the mail server; done once that has said that it has it.
    ///
    /// # Errors
    /// It did not leave, or that is not known: it is sent again.
    fn send(&mut self, mail: &Outgoing) -> Result<(), NotSent>;
}

/// A mail server.
pub struct Smtp {
    transport: SmtpTransport,
    /// The same with less patience, until it is known that the server is there.
    door: Option<SmtpTransport>,
    from: String,
    page: Option<String>,
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Smtp")
    }
}

fn away(why: impl Into<String>) -> NotSent {
    NotSent::Away(why.into())
}

impl Smtp {
    /// Reads certificates and the password. Nothing is sent yet.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn new(settings: &MailSettings, page: Option<&str>) -> Result<Self, NotSent> {
        let tls = match settings.security {
            MailSecurity::Tls => Tls::Wrapper(encrypted(settings)?),
            MailSecurity::StartTls => Tls::Required(encrypted(settings)?),
            MailSecurity::Loopback => {
                only_here(settings)?;
                Tls::None
            }
        };
        let mut builder = SmtpTransport::builder_dangerous(&settings.server).port(settings.port).tls(tls);
        if let Some((user, file)) = &settings.login {
            let password = read(file, PASSWORD_BYTES)?.trim_end_matches(['\r', '\n']).to_owned();
            if let Some(why) = open_to_others(file) {
                return Err(away(why));
            }
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let door = builder.clone().timeout(Some(PATIENCE_AT_THE_DOOR)).build();
        let transport = builder.timeout(Some(PATIENCE)).build();
        Ok(Self { transport, door: Some(door), from: settings.from.clone(), page: page.map(str::to_owned) })
    }
}

fn encrypted(settings: &MailSettings) -> Result<TlsParameters, NotSent> {
    let mut builder = TlsParameters::builder(settings.server.clone());
    if let Some(path) = &settings.certificate_authority {
        let unusable = || away("`routing.mail.certificate_authority` holds no certificate");
        let certificate = Certificate::from_pem(read(path, PEM_BYTES)?.as_bytes()).map_err(|_| unusable())?;
        // Whoever is named is trusted, and nobody beside them.
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|_| away("the certificates for the mail server cannot be used"))
}

/// A name may have come to stand for another computer since the configuration was read.
fn only_here(settings: &MailSettings) -> Result<(), NotSent> {
    let found = (settings.server.as_str(), settings.port)
        .to_socket_addrs()
        .map_err(|_| away("the mail server's name is not known"))?;
    let is_here = |ip: IpAddr| ip.is_loopback();
    let mut found = found.peekable();
    if found.peek().is_some() && found.all(|address| is_here(address.ip())) {
        Ok(())
    } else {
        Err(away("`routing.mail.security` is \"none\", and the mail server is not on this computer"))
    }
}

fn read(path: &Path, most: u64) -> Result<String, NotSent> {
    let unreadable = |why: String| away(format!("cannot read {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.kind().to_string()))?.len();
    if size > most {
        return Err(unreadable("it is too large".to_owned()));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(error.kind().to_string()))
}

/// What tells a mailbox that is away to answer nothing.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Letters of a reference in a row; with more they could be a name.
const REFERENCE_LETTERS: usize = 3;

/// A local id that says nothing but which case it is; `None` where it could be or hold a name, an NHS number or a date.
#[must_use]
pub fn reference(local_id: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-/._".contains(c);
    let digits: Vec<char> = local_id.chars().filter(char::is_ascii_digit).collect();
    // Beside the number there may be one of a plan.
    let has_number = digits.windows(10).any(|ten| NhsNumber::parse(&ten.iter().collect::<String>()).is_ok());
    let mut words = local_id.split(|c: char| !c.is_ascii_alphabetic());
    let fits = !digits.is_empty()
        && local_id.len() <= REFERENCE_CHARACTERS
        && local_id.chars().all(is_plain)
        && !has_number
        && words.all(|word| word.len() <= REFERENCE_LETTERS)
        && !has_date(local_id);
    fits.then_some(local_id)
}

/// Whether a row of digits, or three with something between them, could be a date of birth.
fn has_date(local_id: &str) -> bool {
    let rows: Vec<&str> =
        local_id.split(|c: char| !c.is_ascii_digit()).filter(|row| !row.is_empty()).collect();
    let apart = rows.windows(3).any(|three| match three {
        [one, two, three] => is_date(one, two, three),
        _ => false,
    });
    let together = |row: &str| {
        let cut = |at: usize, and: usize| {
            let three = row.get(..at).zip(row.get(at..and)).zip(row.get(and..));
            three.is_some_and(|((one, two), three)| is_date(one, two, three))
        };
        match row.len() {
            6 => cut(2, 4),
            8 => cut(2, 4) || cut(4, 6),
            _ => false,
        }
    };
    apart || rows.iter().any(|row| together(row))
}

/// Day, month and year, or year, month and day, or as in America: a year has two or four digits.
fn is_date(one: &str, two: &str, three: &str) -> bool {
    let within = |text: &str, most: u32| {
        text.len() <= 2 && text.parse::<u32>().is_ok_and(|number| (1..=most).contains(&number))
    };
    let is_year = |text: &str| match text.len() {
        2 => true,
        4 => text.starts_with("19") || text.starts_with("20"),
        _ => false,
    };
    (within(one, 31) && within(two, 12) && is_year(three))
        || (is_year(one) && within(two, 12) && within(three, 31))
        || (within(one, 12) && within(two, 31) && is_year(three))
}

/// The words of an e-mail.
#[must_use]
pub fn words(mail: &Outgoing, page: Option<&str>) -> String {
    let case = match mail.local_id.as_deref().and_then(reference) {
        Some(reference) => format!("Case: {reference}"),
        None => "The case is not named in this e-mail.".to_owned(),
    };
    let place = match (page, mail.role.as_str()) {
        (Some(page), _) => format!("Read who opened it at {page}"),
        (None, "emergency-duty") => "It is in the emergency duty queue (cpis-authority duty).".to_owned(),
        (None, _) => "It is in the case's record.".to_owned(),
    };
    format!(
        "There is an access to CP-IS information to read.\r\n\r\n{case}\r\n\r\n{place}\r\n\r\n\
         This e-mail says no more on purpose. Do not answer it.\r\n"
    )
}

impl Mailer for Smtp {
    fn send(&mut self, mail: &Outgoing) -> Result<(), NotSent> {
        let unusable = |_| NotSent::Refused("an address cannot be written to".to_owned());
        let from: Mailbox = self.from.parse().map_err(unusable)?;
        let to: Mailbox = mail.address.parse().map_err(unusable)?;
        let host = self.from.split_once('@').map_or("cpis", |(_, host)| host);
        let message = Message::builder()
            .from(from)
            .to(to)
            .subject("CP-IS: an access to read")
            .message_id(Some(format!("<{}@{host}>", mail.id)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(words(mail, self.page.as_deref()))
            .map_err(|_| NotSent::Refused("this e-mail cannot be written".to_owned()))?;
        if let Some(door) = &self.door {
            let is_there = door.test_connection().map_err(|error| why_away(&error))?;
            if !is_there {
                return Err(away("the mail server does not answer"));
            }
            self.door = None;
        }
        self.transport.send(&message).map(|_| ()).map_err(|error| why(&error))
    }
}

/// Of a server that was not reached yet: whatever it is, it is not this e-mail.
fn why_away(error: &lettre::transport::smtp::Error) -> NotSent {
    match error.status().map(u16::from) {
        Some(code) => away(format!("the mail server refuses the link ({code})")),
        None if error.is_tls() => {
            away("the mail server's certificate is not trusted, or it does not encrypt")
        }
        None if error.is_client() => away("the mail server offers no encryption, or no way to sign in"),
        None => away("the mail server cannot be reached, or broke off"),
    }
}

/// Of one that was there a moment ago: it may be this e-mail or its recipient, and the others must not wait for it. What the
/// server says is not repeated: addresses may be in it.
fn why(error: &lettre::transport::smtp::Error) -> NotSent {
    let Some(code) = error.status().map(u16::from) else {
        return NotSent::Later("the mail server broke off, or did not answer in time".to_owned());
    };
    match code {
        // Of the connection, and of signing in.
        454 | 530 | 534 | 535 | 538 => away(format!("the mail server refuses the link ({code})")),
        400..500 => NotSent::Later(format!("the mail server takes an e-mail later ({code})")),
        code => NotSent::Refused(format!("the mail server refuses an e-mail ({code})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(local_id: Option<&str>, role: &str) -> Outgoing {
        Outgoing {
            id: "0".repeat(32),
            address: "shaw@wexcombe.example".to_owned(),
            local_id: local_id.map(str::to_owned),
            role: role.to_owned(),
        }
    }

    #[test]
    fn h29_a_local_id_that_could_be_a_name_or_a_number_is_not_in_an_e_mail() {
        for fit in ["A1", "4711", "LAC/2026-0815", "1234567890123"] {
            assert_eq!(reference(fit), Some(fit));
        }
        let number = NhsNumber::synthetic(1);
        let spaced = format!("{} 0", number.digits());
        let marked = format!("P-{}", number.digits());
        let with_plan = format!("{}-1", number.digits());
        let of_plan = format!("P2-{}", number.digits());
        for unfit in
            [number.digits().as_str(), &spaced, &marked, "Ava Bennett", "BENNETT", "", "A1 12/03/2019"]
                .into_iter()
                .chain(["9434765919-1", "P2-9434765919", &with_plan, &of_plan])
                .chain([
                    "BENNETT-AVA-12032019",
                    "AB-12032019",
                    "20190312/2",
                    "AB/12/3/2019",
                    "BENN-1",
                    "120319",
                ])
        {
            assert_eq!(reference(unfit), None, "{unfit}");
            let words = words(&mail(Some(unfit), "worker"), None);
            assert!(unfit.is_empty() || !words.contains(unfit), "{words}");
        }
        assert!(words(&mail(Some("A1"), "worker"), Some("https://cpis.example")).contains("Case: A1\r\n"));
        assert!(!words(&mail(None, "fall-back"), None).contains("Case:"));
    }
}
