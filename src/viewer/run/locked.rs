//! Hears from the system that its screen was locked, that it goes to sleep, or that another user has the screen. Whoever
//! comes back may be somebody else.
//!
//! On Linux and its relatives this comes over D-Bus, from the login manager (systemd-logind, elogind) and from whatever
//! locks the screen. Windows and macOS tell it to a window in ways that no safe crate offers: there, as wherever nobody
//! answers, the viewer says that it is not told.

use std::sync::Arc;

use crate::viewer::event::Event;

/// Tells the viewer.
pub(super) type Tell = Arc<dyn Fn(Event) + Send + Sync>;

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(super) fn watch(tell: &Tell) {
    tell(Event::TellsLock(false));
}

#[cfg(all(unix, not(target_vendor = "apple")))]
pub(super) use bus::watch;

#[cfg(all(unix, not(target_vendor = "apple")))]
mod bus {
    use std::collections::HashMap;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use zbus::blocking::{Connection, MessageIterator};
    use zbus::zvariant::{OwnedFd, OwnedObjectPath, OwnedValue};
    use zbus::{MatchRule, Message, message};

    use super::Tell;
    use crate::viewer::event::Event;

    const LOGIN: &str = "org.freedesktop.login1";
    const MANAGER: &str = "/org/freedesktop/login1";
    const MANAGER_INTERFACE: &str = "org.freedesktop.login1.Manager";
    const SESSION_INTERFACE: &str = "org.freedesktop.login1.Session";
    const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

    /// Whatever locks a screen has one of these names, and says `ActiveChanged` under it.
    const LOCKERS: [&str; 5] = [
        "org.freedesktop.ScreenSaver",
        "org.gnome.ScreenSaver",
        "org.cinnamon.ScreenSaver",
        "org.mate.ScreenSaver",
        "org.xfce.ScreenSaver",
    ];

    /// For so long the computer is asked not to fall asleep yet, so that the hub hears of the end of the session.
    const BEFORE_SLEEP: Duration = Duration::from_secs(2);

    /// Listens on threads of their own, as long as the program runs.
    pub(in crate::viewer::run) fn watch(tell: &Tell) {
        let watchers: [(&str, Listens); 2] = [("cpis-login", login), ("cpis-locker", locker)];
        // How many there are that may still hear something.
        let left = Arc::new(AtomicUsize::new(watchers.len()));
        for (name, listens) in watchers {
            let watcher = Watcher { tell: Arc::clone(tell), left: Arc::clone(&left) };
            let ended = Watcher { tell: Arc::clone(tell), left: Arc::clone(&left) };
            let runs = move || {
                // There is no such bus, nobody on it, or it is over. Whoever is left goes on.
                let _ = listens(&watcher);
                watcher.ends();
            };
            if std::thread::Builder::new().name(name.to_owned()).spawn(runs).is_err() {
                ended.ends();
            }
        }
    }

    /// Comes back when there is nothing more to hear.
    type Listens = fn(&Watcher) -> zbus::Result<()>;

    struct Watcher {
        tell: Tell,
        left: Arc<AtomicUsize>,
    }

    impl Watcher {
        fn hears(&self) {
            (self.tell)(Event::TellsLock(true));
        }

        fn locked(&self) {
            (self.tell)(Event::ComputerLocked);
        }

        fn ends(&self) {
            if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                (self.tell)(Event::TellsLock(false));
            }
        }
    }

    /// The login manager: locked, asleep, or another user at the screen.
    fn login(watcher: &Watcher) -> zbus::Result<()> {
        let bus = Connection::system()?;
        let session = own_session(&bus)?;
        let of_session = MatchRule::builder().msg_type(message::Type::Signal).sender(LOGIN)?;
        listen(&bus, &of_session.path(session)?.build())?;
        let of_manager = MatchRule::builder().msg_type(message::Type::Signal).sender(LOGIN)?;
        listen(&bus, &of_manager.interface(MANAGER_INTERFACE)?.member("PrepareForSleep")?.build())?;
        let mut delay = delay_sleep(&bus);
        watcher.hears();
        for heard in MessageIterator::from(&bus) {
            let heard = heard?;
            if heard.message_type() != message::Type::Signal {
                continue;
            }
            match sleeps(&heard) {
                Some(true) => {
                    watcher.locked();
                    if delay.is_some() {
                        std::thread::sleep(BEFORE_SLEEP);
                    }
                    // Closed: the computer may sleep.
                    drop(delay.take());
                }
                Some(false) => delay = delay_sleep(&bus),
                None if is_locked(&heard) => watcher.locked(),
                None => {}
            }
        }
        Ok(())
    }

    /// The session in which this program runs, or that of whoever runs it where it is in none.
    fn own_session(bus: &Connection) -> zbus::Result<OwnedObjectPath> {
        let manager = zbus::blocking::Proxy::new(bus, LOGIN, MANAGER, MANAGER_INTERFACE)?;
        let by_process = manager.call("GetSessionByPID", &(std::process::id(),));
        by_process.or_else(|_| manager.call("GetSession", &("auto",)))
    }

    fn listen(bus: &Connection, rule: &MatchRule<'_>) -> zbus::Result<()> {
        let daemon = zbus::blocking::fdo::DBusProxy::new(bus)?;
        Ok(daemon.add_match_rule(rule.clone())?)
    }

    fn delay_sleep(bus: &Connection) -> Option<OwnedFd> {
        let asked = ("sleep", "CP-IS viewer", "Ends the session before the computer sleeps", "delay");
        let answered = bus.call_method(Some(LOGIN), MANAGER, Some(MANAGER_INTERFACE), "Inhibit", &asked);
        answered.ok()?.body().deserialize().ok()
    }

    fn is(message: &Message, interface: &str, member: &str) -> bool {
        let header = message.header();
        header.interface().is_some_and(|name| name.as_str() == interface)
            && header.member().is_some_and(|name| name.as_str() == member)
    }

    /// Whether the computer falls asleep, or has woken.
    fn sleeps(message: &Message) -> Option<bool> {
        is(message, MANAGER_INTERFACE, "PrepareForSleep").then(|| message.body().deserialize().ok())?
    }

    fn is_locked(message: &Message) -> bool {
        if is(message, SESSION_INTERFACE, "Lock") {
            return true;
        }
        if !is(message, PROPERTIES, "PropertiesChanged") {
            return false;
        }
        let body = message.body();
        let Ok((interface, changed, _)) =
            body.deserialize::<(String, HashMap<String, OwnedValue>, Vec<String>)>()
        else {
            return false;
        };
        let says = |name: &str, value: bool| {
            changed.get(name).and_then(|said| said.downcast_ref::<bool>().ok()) == Some(value)
        };
        interface == SESSION_INTERFACE && (says("LockedHint", true) || says("Active", false))
    }

    /// What locks the screen, on the bus of whoever is logged in.
    fn locker(watcher: &Watcher) -> zbus::Result<()> {
        let bus = Connection::session()?;
        let daemon = zbus::blocking::fdo::DBusProxy::new(&bus)?;
        let mut is_there = false;
        for name in LOCKERS {
            let rule = MatchRule::builder().msg_type(message::Type::Signal).interface(name)?;
            daemon.add_match_rule(rule.member("ActiveChanged")?.build())?;
            is_there |= daemon.name_has_owner(name.try_into()?)?;
        }
        if !is_there {
            return Ok(());
        }
        watcher.hears();
        for heard in MessageIterator::from(&bus) {
            let heard = heard?;
            let is_of_locker = LOCKERS.iter().any(|name| is(&heard, name, "ActiveChanged"));
            if is_of_locker && heard.body().deserialize::<bool>().unwrap_or(false) {
                watcher.locked();
            }
        }
        Ok(())
    }
}
