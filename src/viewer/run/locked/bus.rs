//! Linux and its relatives tell over D-Bus: the login manager (systemd-logind, elogind), and whatever locks the screen. That the
//! login manager is there says nothing of the screen: not every locker tells it.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use zbus::blocking::fdo::DBusProxy;
use zbus::blocking::{Connection, MessageIterator};
use zbus::zvariant::{OwnedFd, OwnedObjectPath, OwnedValue};
use zbus::{MatchRule, Message, message};

use super::{Hears, Tell};
use crate::viewer::event::Event;

const LOGIN: &str = "org.freedesktop.login1";
const MANAGER: &str = "/org/freedesktop/login1";
const MANAGER_INTERFACE: &str = "org.freedesktop.login1.Manager";
const SESSION_INTERFACE: &str = "org.freedesktop.login1.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const BUS: &str = "org.freedesktop.DBus";

/// Many a program has this name only so that others can keep the screen on. Its owner counts once it has answered whether
/// the screen is locked, or has said that it is.
const SAVER: &str = "org.freedesktop.ScreenSaver";

/// Where such a question is answered: some have the one, some the other.
static SAVER_PATHS: [&str; 2] = ["/org/freedesktop/ScreenSaver", "/ScreenSaver"];

/// Whatever locks a screen has one of these names, and says `ActiveChanged` under it.
static LOCKERS: [&str; 5] = [
    SAVER,
    "org.gnome.ScreenSaver",
    "org.cinnamon.ScreenSaver",
    "org.mate.ScreenSaver",
    "org.xfce.ScreenSaver",
];

/// For so long the computer is asked not to fall asleep yet, so that the hub hears of the end of the session.
const BEFORE_SLEEP: Duration = Duration::from_secs(2);

/// Listens on threads of their own, as long as the program runs.
pub(in crate::viewer::run) fn watch(hears: &Hears) {
    let watchers: [(&str, Listens); 2] = [("cpis-login", login), ("cpis-locker", locker)];
    let watcher = Watcher { tell: Arc::clone(&hears.tell), telling: Arc::default() };
    // Until somebody does.
    watcher.say();
    for (name, listens) in watchers {
        let watcher = watcher.clone();
        let runs = move || {
            // There is no such bus, nobody on it, or it is over. Whoever is left goes on.
            let _ = listens(&watcher);
        };
        // Where no thread starts, nobody tells.
        let _ = std::thread::Builder::new().name(name.to_owned()).spawn(runs);
    }
}

/// Comes back when there is nothing more to hear.
type Listens = fn(&Watcher) -> zbus::Result<()>;

/// Who is known to tell when the screen is locked.
#[derive(Default)]
struct Telling {
    has_locker: AtomicBool,
    has_hinted: AtomicBool,
}

#[derive(Clone)]
struct Watcher {
    tell: Tell,
    telling: Arc<Telling>,
}

impl Watcher {
    fn say(&self) {
        let telling = &self.telling;
        let tells = telling.has_locker.load(Ordering::SeqCst) || telling.has_hinted.load(Ordering::SeqCst);
        (self.tell)(Event::TellsLock(tells));
    }

    /// Whether something is there that locks the screen and says so.
    fn has_locker(&self, is_there: bool) {
        self.telling.has_locker.store(is_there, Ordering::SeqCst);
        self.say();
    }

    /// The login manager was told of the lock, and so it will be again, as long as it is heard.
    fn has_hinted(&self, is_heard: bool) {
        self.telling.has_hinted.store(is_heard, Ordering::SeqCst);
        self.say();
    }

    fn locked(&self) {
        (self.tell)(Event::ComputerLocked);
    }
}

/// The login manager: locked, asleep, or another user at the screen.
fn login(watcher: &Watcher) -> zbus::Result<()> {
    let heard = hear_login(watcher);
    watcher.has_hinted(false);
    heard
}

fn hear_login(watcher: &Watcher) -> zbus::Result<()> {
    // What is asked later is asked elsewhere: its answer would wait behind whatever is not read yet.
    let (bus, asks) = (Connection::system()?, Connection::system()?);
    // First: what is said from now on waits in it.
    let messages = MessageIterator::from(&bus);
    let mut manager = Owners::of(&bus, &[LOGIN])?;
    // A sleep is heard also where it is of no session.
    if let Ok(session) = own_session(&bus) {
        let of_session = MatchRule::builder().msg_type(message::Type::Signal).sender(LOGIN)?;
        listen(&bus, &of_session.path(session)?.build())?;
    }
    let of_manager = MatchRule::builder().msg_type(message::Type::Signal).sender(LOGIN)?;
    listen(&bus, &of_manager.interface(MANAGER_INTERFACE)?.member("PrepareForSleep")?.build())?;
    let mut delay = delay_sleep(&asks);
    for heard in messages {
        let heard = heard?;
        if manager.changes(&heard) || !manager.says(&heard) {
            continue;
        }
        match sleeps(&heard) {
            Some(true) => {
                (watcher.tell)(Event::Slept);
                if delay.is_some() {
                    std::thread::sleep(BEFORE_SLEEP);
                }
                // Closed: the computer may sleep.
                drop(delay.take());
            }
            Some(false) => delay = delay_sleep(&asks),
            None => {
                let changed = changes(&heard);
                if changed.says("LockedHint", true) {
                    watcher.has_hinted(true);
                }
                let is_away = changed.says("LockedHint", true) || changed.says("Active", false);
                if is_away || is(&heard, SESSION_INTERFACE, "Lock") {
                    watcher.locked();
                }
            }
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
    Ok(DBusProxy::new(bus)?.add_match_rule(rule.clone())?)
}

/// Who has the names that count, by what the bus itself calls them. Anybody may send what looks like a signal to somebody
/// else, on the system's bus another user too.
struct Owners {
    names: &'static [&'static str],
    there: BTreeMap<&'static str, String>,
}

impl Owners {
    fn of(bus: &Connection, names: &'static [&'static str]) -> zbus::Result<Self> {
        let daemon = DBusProxy::new(bus)?;
        let mut there = BTreeMap::new();
        for name in names {
            let rule = MatchRule::builder().msg_type(message::Type::Signal).sender(BUS)?.interface(BUS)?;
            listen(bus, &rule.member("NameOwnerChanged")?.arg(0, *name)?.build())?;
            if let Ok(owner) = daemon.get_name_owner((*name).try_into()?) {
                there.insert(*name, owner.to_string());
            }
        }
        Ok(Self { names, there })
    }

    /// Whether one of them says this.
    fn says(&self, message: &Message) -> bool {
        message.message_type() == message::Type::Signal
            && message
                .header()
                .sender()
                .is_some_and(|sender| self.there.values().any(|owner| owner == sender.as_str()))
    }

    /// Whether this says that one of them has come, or has gone; the bus alone says so.
    fn changes(&mut self, message: &Message) -> bool {
        let is_of_bus = message.header().sender().is_some_and(|sender| sender.as_str() == BUS);
        if !is_of_bus || !is(message, BUS, "NameOwnerChanged") {
            return false;
        }
        let body = message.body();
        let Ok((name, _, owner)) = body.deserialize::<(String, String, String)>() else { return false };
        let Some(name) = self.names.iter().find(|known| **known == name) else { return false };
        if owner.is_empty() {
            self.there.remove(name);
        } else {
            self.there.insert(name, owner);
        }
        true
    }
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

/// What is said of the session.
struct Changes(HashMap<String, OwnedValue>);

impl Changes {
    fn says(&self, name: &str, value: bool) -> bool {
        self.0.get(name).and_then(|said| said.downcast_ref::<bool>().ok()) == Some(value)
    }
}

fn changes(message: &Message) -> Changes {
    let body = message.body();
    let said = body.deserialize::<(String, HashMap<String, OwnedValue>, Vec<String>)>();
    match said {
        Ok((interface, changed, _))
            if interface == SESSION_INTERFACE && is(message, PROPERTIES, "PropertiesChanged") =>
        {
            Changes(changed)
        }
        Ok(_) | Err(_) => Changes(HashMap::new()),
    }
}

/// What locks the screen, on the bus of whoever is logged in: now, or once it is started.
fn locker(watcher: &Watcher) -> zbus::Result<()> {
    let heard = hear_lockers(watcher);
    watcher.has_locker(false);
    heard
}

/// Whoever has [`SAVER`], and whether they have shown that they know of locks.
#[derive(Default)]
struct Saver {
    owner: Option<String>,
    tells: bool,
    /// The questions whether the screen is locked.
    asked: Vec<NonZeroU32>,
}

impl Saver {
    /// Asks a new owner; does not wait for the answer.
    fn ask(&mut self, bus: &Connection, lockers: &Owners) {
        let owner = lockers.there.get(SAVER).cloned();
        if owner == self.owner {
            return;
        }
        *self = Self { owner, ..Self::default() };
        let Some(owner) = self.owner.clone() else { return };
        // Where it cannot be asked, it has not answered.
        self.asked = SAVER_PATHS.iter().filter_map(|path| ask_active(bus, &owner, path).ok()).collect();
    }

    /// Whether this shows that it knows of locks.
    fn learns(&mut self, message: &Message) -> bool {
        let header = message.header();
        let is_of_owner = self
            .owner
            .as_deref()
            .is_some_and(|owner| header.sender().is_some_and(|sender| sender.as_str() == owner));
        if self.tells || !is_of_owner {
            return false;
        }
        let has_answered = message.message_type() == message::Type::MethodReturn
            && header.reply_serial().is_some_and(|serial| self.asked.contains(&serial))
            && message.body().deserialize::<bool>().is_ok();
        let has_said = message.message_type() == message::Type::Signal && is(message, SAVER, "ActiveChanged");
        self.tells = has_answered || has_said;
        self.tells
    }

    /// Whether one of those who are there tells.
    fn is_told_by(&self, lockers: &Owners) -> bool {
        lockers.there.keys().any(|name| *name != SAVER || self.tells)
    }
}

fn ask_active(bus: &Connection, owner: &str, path: &str) -> zbus::Result<NonZeroU32> {
    let asks = Message::method_call(path, "GetActive")?.destination(owner)?.interface(SAVER)?;
    let asks = asks.build(&())?;
    bus.send(&asks)?;
    Ok(asks.primary_header().serial_num())
}

fn hear_lockers(watcher: &Watcher) -> zbus::Result<()> {
    let bus = Connection::session()?;
    // First: what is said from now on waits in it.
    let messages = MessageIterator::from(&bus);
    let mut lockers = Owners::of(&bus, &LOCKERS)?;
    for name in LOCKERS {
        let rule = MatchRule::builder().msg_type(message::Type::Signal).interface(name)?;
        listen(&bus, &rule.member("ActiveChanged")?.build())?;
    }
    let mut saver = Saver::default();
    saver.ask(&bus, &lockers);
    watcher.has_locker(saver.is_told_by(&lockers));
    for heard in messages {
        let heard = heard?;
        let has_changed = lockers.changes(&heard);
        if has_changed {
            saver.ask(&bus, &lockers);
        }
        if saver.learns(&heard) || has_changed {
            watcher.has_locker(saver.is_told_by(&lockers));
        }
        let is_of_locker = LOCKERS.iter().any(|name| is(&heard, name, "ActiveChanged"));
        if is_of_locker && lockers.says(&heard) && heard.body().deserialize::<bool>().unwrap_or(false) {
            watcher.locked();
        }
    }
    Ok(())
}
