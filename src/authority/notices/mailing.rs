//! E-mail by itself: a mail server that is slow, or away, keeps neither the question to the hub nor a note waiting. It works on a
//! register of its own hand, beside the link's.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::alerting::{self, OpenMailer, Sent};
use crate::authority::mail::{Mailer, NotSent};
use crate::authority::register::{Outgoing, Register, RegisterError, Whose};

/// Time for one e-mail, from the first word with the server to its last.
pub const MAIL: Duration = Duration::from_mins(5);

/// So many e-mails are known at most that a server took after they had been given up: each is asked for within the hour.
const TAKEN_LATE: usize = 100;

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
    at_work: AtWork,
}

/// What is known of e-mails that took too long, in whichever round: whether one is still at work, beside which no second begins, and
/// which the server took in the end, which do not leave again.
#[derive(Clone, Default)]
pub struct AtWork(Arc<Mutex<Late>>);

#[derive(Default)]
struct Late {
    is_at_work: bool,
    /// Their ids, the last few.
    taken: VecDeque<String>,
}

impl std::fmt::Debug for AtWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AtWork")
    }
}

impl AtWork {
    /// Nothing of it is broken by a thread that ended while it held it.
    fn late(&self) -> MutexGuard<'_, Late> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an e-mail may begin now: nothing else is at work.
    fn begin(&self) -> bool {
        !std::mem::replace(&mut self.late().is_at_work, true)
    }

    fn end(&self, taken: Option<String>) {
        let mut late = self.late();
        late.is_at_work = false;
        late.taken.extend(taken);
        while late.taken.len() > TAKEN_LATE {
            late.taken.pop_front();
        }
    }

    /// Whether the server took this one after it was given up. That is asked once.
    fn was_taken(&self, id: &str) -> bool {
        let mut late = self.late();
        let before = late.taken.len();
        late.taken.retain(|taken| taken != id);
        late.taken.len() < before
    }
}

impl<M> std::fmt::Debug for Limited<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limited")
    }
}

impl<M: Mailer + Send + 'static> Limited<M> {
    /// With this time for each.
    #[must_use]
    pub fn new(mailer: M, limit: Duration, at_work: &AtWork) -> Self {
        Self { mailer: Some(mailer), limit, at_work: at_work.clone() }
    }
}

/// However it ends, also where the mailer panics: unless whoever began it has heard of it, who then says so.
struct Ends {
    at_work: AtWork,
    is_heard: bool,
    /// The e-mail, if the server has taken it and nobody waits to hear that.
    taken: Option<String>,
}

impl Ends {
    fn with(mut self, is_heard: bool, taken: Option<String>) {
        (self.is_heard, self.taken) = (is_heard, taken);
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        if !self.is_heard {
            self.at_work.end(self.taken.take());
        }
    }
}

impl<M: Mailer + Send + 'static> Mailer for Limited<M> {
    fn send(&mut self, mail: &Outgoing) -> Result<(), NotSent> {
        if self.at_work.was_taken(&mail.id) {
            return Ok(());
        }
        let Some(mut mailer) = self.mailer.take().filter(|_| self.at_work.begin()) else {
            return Err(NotSent::Away("the mail server is still at an e-mail that took too long".to_owned()));
        };
        let (done, waits) = mpsc::sync_channel(0);
        let mail = mail.clone();
        let ends = Ends { at_work: self.at_work.clone(), is_heard: false, taken: None };
        let sending = thread::Builder::new().name("mail".to_owned()).spawn(move || {
            let sent = mailer.send(&mail);
            // A channel without room: it is heard, or this is an error because nobody waits any more.
            let is_taken = sent.is_ok();
            let is_heard = done.send((mailer, sent)).is_ok();
            ends.with(is_heard, Some(mail.id).filter(|_| is_taken));
        });
        if sending.is_err() {
            return Err(NotSent::Away("there is no room for it on this computer".to_owned()));
        }
        match waits.recv_timeout(self.limit) {
            Ok((mailer, sent)) => {
                self.at_work.end(None);
                self.mailer = Some(mailer);
                sent
            }
            Err(_) => Err(NotSent::Later("the mail server took too long over it".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Ends when it is told to, and counts.
    struct Slow(mpsc::Receiver<()>, Arc<AtomicUsize>);

    impl Mailer for Slow {
        fn send(&mut self, _mail: &Outgoing) -> Result<(), NotSent> {
            self.1.fetch_add(1, Ordering::SeqCst);
            let _ = self.0.recv();
            Ok(())
        }
    }

    fn mail(id: &str) -> Outgoing {
        let text = |text: &str| text.to_owned();
        Outgoing { id: text(id), address: text("a@b.example"), local_id: None, role: text("worker") }
    }

    #[test]
    fn h18_an_e_mail_that_a_server_never_ends_is_given_up_in_time_and_no_other_begins_beside_it() {
        let (asked, at_work) = (Arc::new(AtomicUsize::new(0)), AtWork::default());
        let slow = |ended| Slow(ended, Arc::clone(&asked));
        let (_end, ended) = mpsc::sync_channel(1);
        let mut limited = Limited::new(slow(ended), Duration::from_millis(20), &at_work);
        assert!(matches!(limited.send(&mail("1")), Err(NotSent::Later(_))));
        assert!(matches!(limited.send(&mail("2")), Err(NotSent::Away(_))), "none behind it begins there");
        let (_other, ended) = mpsc::sync_channel(1);
        let mut next_round = Limited::new(slow(ended), MAIL, &at_work);
        assert!(matches!(next_round.send(&mail("1")), Err(NotSent::Away(_))), "nor in the next round");
        assert!(matches!(next_round.send(&mail("2")), Err(NotSent::Away(_))));
        let (end, ended) = mpsc::sync_channel(1);
        drop(end);
        let mut quick = Limited::new(slow(ended), MAIL, &AtWork::default());
        assert_eq!((quick.send(&mail("1")), quick.send(&mail("2"))), (Ok(()), Ok(())));
    }

    #[test]
    fn h19_an_e_mail_that_the_server_took_after_it_was_given_up_does_not_leave_again() {
        let (asked, at_work) = (Arc::new(AtomicUsize::new(0)), AtWork::default());
        let slow = |ended| Slow(ended, Arc::clone(&asked));
        let (end, ended) = mpsc::sync_channel(1);
        let mut limited = Limited::new(slow(ended), Duration::from_millis(20), &at_work);
        assert!(matches!(limited.send(&mail("1")), Err(NotSent::Later(_))));
        drop(end);
        // Each round opens the way anew.
        let round = |id| {
            let (end, ended) = mpsc::sync_channel(1);
            drop(end);
            Limited::new(slow(ended), MAIL, &at_work).send(&mail(id))
        };
        while round("1").is_err() {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1, "once");
        assert_eq!((round("2"), asked.load(Ordering::SeqCst)), (Ok(()), 2), "and others do");
    }
}
