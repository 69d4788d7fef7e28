//! E-mail by itself: a mail server that is slow, or away, keeps neither the question to the hub nor a note waiting. It works on a
//! register of its own hand, beside the link's.

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::alerting::{self, OpenMailer, Sent};
use crate::authority::mail::{Mailer, NotSent};
use crate::authority::register::{Outgoing, Register, RegisterError, Whose};

/// Time for one e-mail, from the first word with the server to its last.
pub const MAIL: Duration = Duration::from_mins(5);

/// Sends what is due, and notes whether the server takes any. Nothing is sent by a link whose register the hub does not tell.
///
/// # Errors
/// The register cannot be used.
pub(super) fn send(
    register: &mut Register,
    open: OpenMailer<'_>,
    clock: &dyn Fn() -> Timestamp,
) -> Result<Sent, RegisterError> {
    if register.other_register()?.is_some() {
        return Ok(Sent::default());
    }
    let sent = alerting::send(register, open, clock)?;
    // What waits for its time says nothing of the server; what is refused is no fault of the others.
    if sent.away.is_some() || sent.sent > 0 {
        register.note_trouble(Whose::Mail, sent.away.as_deref(), clock())?;
    }
    Ok(sent)
}

/// The same beside a link that works with the register; why something did not leave.
///
/// # Errors
/// The register cannot be used.
pub fn send_beside(
    register: &Path,
    authority_code: &str,
    open: OpenMailer<'_>,
    clock: &dyn Fn() -> Timestamp,
) -> Result<Option<String>, RegisterError> {
    let sent = send(&mut Register::look(register, authority_code)?, open, clock)?;
    Ok(sent.away.or(sent.refused))
}

/// A mailer of which no e-mail takes longer than it may, whatever its server does.
pub struct Limited<M> {
    mailer: Option<M>,
    limit: Duration,
}

impl<M> std::fmt::Debug for Limited<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limited")
    }
}

impl<M: Mailer + Send + 'static> Limited<M> {
    /// With this time for each.
    #[must_use]
    pub fn new(mailer: M, limit: Duration) -> Self {
        Self { mailer: Some(mailer), limit }
    }
}

impl<M: Mailer + Send + 'static> Mailer for Limited<M> {
    fn send(&mut self, mail: &Outgoing) -> Result<(), NotSent> {
        let Some(mut mailer) = self.mailer.take() else {
            return Err(NotSent::Away("the mail server is still at an e-mail that took too long".to_owned()));
        };
        let (done, waits) = mpsc::sync_channel(1);
        let mail = mail.clone();
        let sending = thread::Builder::new().name("mail".to_owned()).spawn(move || {
            let sent = mailer.send(&mail);
            // Nobody may wait for it any more.
            let _ = done.send((mailer, sent));
        });
        if sending.is_err() {
            return Err(NotSent::Away("there is no room for it on this computer".to_owned()));
        }
        match waits.recv_timeout(self.limit) {
            Ok((mailer, sent)) => {
                self.mailer = Some(mailer);
                sent
            }
            Err(_) => Err(NotSent::Later("the mail server took too long over it".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Slow(mpsc::Receiver<()>);

    impl Mailer for Slow {
        fn send(&mut self, _mail: &Outgoing) -> Result<(), NotSent> {
            let _ = self.0.recv();
            Ok(())
        }
    }

    fn mail() -> Outgoing {
        let text = |text: &str| text.to_owned();
        Outgoing { id: text("1"), address: text("a@b.example"), local_id: None, role: text("worker") }
    }

    #[test]
    fn h18_an_e_mail_that_a_server_never_ends_is_given_up_in_time_and_tried_later() {
        let (end, ended) = mpsc::channel();
        let mut limited = Limited::new(Slow(ended), Duration::from_millis(20));
        assert!(matches!(limited.send(&mail()), Err(NotSent::Later(_))));
        assert!(matches!(limited.send(&mail()), Err(NotSent::Away(_))), "none behind it begins there");
        drop(end);
        let (end, ended) = mpsc::channel();
        let mut quick = Limited::new(Slow(ended), MAIL);
        drop(end);
        assert_eq!((quick.send(&mail()), quick.send(&mail())), (Ok(()), Ok(())));
    }
}
