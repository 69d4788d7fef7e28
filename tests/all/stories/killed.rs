//! A viewer that is really killed, at every step of a renewal: its process is gone between two instructions, with all its
//! threads, sockets and memory. What is left is what the hub has committed and what the keychain holds.
//!
//! The viewer is this same program once more, told what to do by its standard input. Its keychain is a file here, and a real
//! Secret Service where `keyring` tells these stories again.

use std::any::Any;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cpis::client::Limits;
use cpis::viewer::run::{Hub, Start};
use cpis::viewer::state::Setup;
use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error};

use super::chain::Chain;
use super::desk::{Desk, MemoryClipboard};
use super::keeping::{EXPIRED, GO_ON, Seen};
use super::proxy::{Act, Cut, Gate, Proxy};
use super::signing_in::{Scripted, as_it_is, sessions};
use super::town::{AMELIA, Town};

const NAME: &str =
    "stories::killed::a_viewer_that_is_killed_at_whatever_step_of_a_renewal_goes_on_with_the_session";

/// Where the viewer asks, what the hub calls itself, and the file that is its keychain; a line each.
const ORDERS: &str = "CPIS_VIEWER_TO_BE_KILLED";

/// When the viewer is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// No question comes through to the hub.
    Asked,
    /// The hub has committed the next tokens, and its answer is on the way.
    Answered,
    /// Each answer breaks off.
    CutShort,
    /// The answer is there, and not in the keychain.
    Unkept,
    /// It is in the keychain, and was not used.
    Unused,
    /// It was used.
    Used,
}

#[test]
fn a_viewer_that_is_killed_at_whatever_step_of_a_renewal_goes_on_with_the_session() {
    if let Ok(orders) = std::env::var(ORDERS) {
        return viewer(&orders);
    }
    for step in [Step::Asked, Step::Answered, Step::CutShort, Step::Unkept, Step::Unused, Step::Used] {
        let town = Town::at(super::town::now());
        let proxy = Proxy::before(town.demonstration.address());
        let home = tempfile::tempdir().unwrap();
        let orders = format!(
            "{}\n{}\n{}",
            proxy.address(),
            town.demonstration.address(),
            home.path().join("entry").display()
        );
        let mut first = Viewer::start(&orders);
        first.hear("signs in", step);
        first.hear("signed in", step);
        town.pass(EXPIRED);
        let tokens = || town.book().column("SELECT hex(current) || rotated_ms FROM session", []);
        let before = tokens();
        match step {
            Step::Asked => proxy.on("/token", |_| Act::CutRequest(0)),
            Step::Answered => proxy.on("/token", |_| Act::HoldGranted(Gate::default())),
            Step::CutShort => proxy.on("/token", |_| Act::CutGranted(Cut::Body(0.5))),
            Step::Unkept | Step::Unused | Step::Used => {}
        }
        match step {
            Step::Asked | Step::Answered | Step::CutShort => first.say("ask"),
            Step::Unkept => first.say("stop before it is kept"),
            Step::Unused => first.say("stop before it is used"),
            Step::Used => first.say("look up"),
        }
        match step {
            Step::Asked => until(|| proxy.asked() > 1),
            Step::Answered | Step::CutShort => until(|| tokens() != before),
            Step::Unkept | Step::Unused => first.hear("stopped", step),
            Step::Used => first.hear("Alert", step),
        }
        first.kill();
        assert_eq!(tokens() == before, step == Step::Asked, "{step:?}");
        proxy.heal();

        let mut next = Viewer::start(&orders);
        next.hear("goes on", step);
        next.hear("signed in", step);
        town.pass(EXPIRED);
        next.say("look up");
        next.hear("Alert", step);
        next.end();
        assert_eq!(sessions(&town), ["goes on"], "{step:?}");
    }
}

#[track_caller]
fn until(is_so: impl Fn() -> bool) {
    let started = std::time::Instant::now();
    while !is_so() {
        assert!(started.elapsed() < std::time::Duration::from_secs(60), "it did not come to that");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// The other process.
struct Viewer {
    child: Child,
    told: Option<ChildStdin>,
    says: BufReader<ChildStdout>,
}

impl Viewer {
    fn start(orders: &str) -> Self {
        let mut run = Command::new(std::env::current_exe().unwrap());
        run.args(["--exact", NAME]).env(ORDERS, orders).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = run.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Self { told: child.stdin.take(), child, says }
    }

    fn say(&mut self, word: &str) {
        writeln!(self.told.as_mut().unwrap(), "{word}").unwrap();
    }

    /// Reads on until it says this. One that gives up ends, and so does what it says.
    #[track_caller]
    fn hear(&mut self, expected: &str, step: Step) {
        let mut heard = String::new();
        while !heard.lines().last().unwrap_or_default().starts_with(expected) {
            let read = self.says.read_line(&mut heard).unwrap();
            assert!(read > 0, "{step:?}: it never said {expected:?}, but:\n{heard}");
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The window is closed.
    fn end(mut self) {
        self.told = None;
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the other process does: signs in or goes on, and then what it is told.
fn viewer(orders: &str) {
    let [address, known_as, file] = orders.lines().collect::<Vec<_>>().try_into().unwrap();
    let chain = Chain::of(Arc::new(FileStore(PathBuf::from(file))));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut desk = desk(address, known_as, &chain, &runtime);
    let begins = |desk: &Desk| [GO_ON, "Sign in"].into_iter().find(|button| desk.has_button(button));
    let button = desk.until("the keychain's answer", begins);
    say(if button == GO_ON { "goes on" } else { "signs in" });
    desk.press(button);
    desk.wait_for("Signed in: Sam Okafor, ");
    say("signed in");
    for word in std::io::stdin().lines() {
        let put = chain.0.put.load(Ordering::SeqCst);
        match word.unwrap().as_str() {
            "ask" => desk.ask(AMELIA),
            "look up" => say(&desk.look_up(AMELIA)),
            stop => {
                let stops = if stop.ends_with("kept") { &chain.0.stops_before } else { &chain.0.stops_after };
                stops.store(true, Ordering::SeqCst);
                desk.ask(AMELIA);
                desk.until(stop, |_| (chain.0.put.load(Ordering::SeqCst) > put).then_some(()));
                say("stopped");
            }
        }
    }
    desk.close_and_hear();
}

/// Past what catches a test's output.
fn say(words: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\n{words}").unwrap();
    out.flush().unwrap();
}

fn desk(address: &str, known_as: &str, chain: &Chain, runtime: &tokio::runtime::Runtime) -> Desk {
    let clipboard = MemoryClipboard::default();
    let hub = Hub {
        address: address.to_owned(),
        known_as: known_as.to_owned(),
        site: None,
        limits: Limits::default(),
        authorities: Vec::new(),
    };
    let setup = Setup { hub: Some(address.to_owned()), private_desk: true, ..Setup::default() };
    let browser = Scripted { is_there: true, does: as_it_is, seen: Seen::default() };
    let start =
        Start { setup, hub: Some(hub), clipboard: Box::new(clipboard.clone()), browser: Arc::new(browser) };
    Desk::with_keychain(start, Some(chain.at(address, "this computer")), runtime.handle().clone(), clipboard)
}

/// A keychain of one entry that outlives whoever puts it there.
#[derive(Debug, Clone)]
struct FileStore(PathBuf);

impl FileStore {
    fn beside(&self) -> PathBuf {
        Path::with_extension(&self.0, "next")
    }
}

impl CredentialStoreApi for FileStore {
    fn vendor(&self) -> String {
        "tests".to_owned()
    }

    fn id(&self) -> String {
        "file".to_owned()
    }

    fn build(&self, _: &str, _: &str, _: Option<&HashMap<&str, &str>>) -> keyring_core::Result<Entry> {
        Ok(Entry::new_with_credential(Arc::new(self.clone())))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for FileStore {
    fn set_secret(&self, secret: &[u8]) -> keyring_core::Result<()> {
        fs::write(self.beside(), secret).and_then(|()| fs::rename(self.beside(), &self.0)).map_err(failed)
    }

    fn get_secret(&self) -> keyring_core::Result<Vec<u8>> {
        fs::read(&self.0).map_err(failed)
    }

    fn delete_credential(&self) -> keyring_core::Result<()> {
        fs::remove_file(&self.0).map_err(failed)
    }

    fn get_credential(&self) -> keyring_core::Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn failed(error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::NotFound { Error::NoEntry } else { Error::PlatformFailure(Box::new(error)) }
}
