//! A desk of one's own: the session is kept in the system's keychain, and goes on when somebody says that it is them.
//!
//! The stories are told twice: before a keychain in memory, and before a real Secret Service (`keyring`). Where there is
//! none, or it is locked, everything else works.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cpis::viewer::event::Event;
use eframe::egui::{Key, Modifiers};

use super::chain::{Chain, is_of_the_bus};
use super::desk::Desk;
use super::signing_in::{Scripted, as_it_is, sessions};
use super::town::{AMELIA, Town};

/// Minutes after which an access token has expired.
pub(super) const EXPIRED: i64 = 11 * 60;

pub(super) type Seen = Arc<Mutex<(String, Vec<String>)>>;

pub(super) struct Own {
    pub(super) town: Town,
    pub(super) chain: Chain,
    pub(super) seen: Seen,
}

impl Own {
    pub(super) fn new() -> Self {
        Self { town: Town::at(super::town::now()), chain: Chain::new(), seen: Seen::default() }
    }

    /// From now on the viewer waits no longer than it does in the field. Who signs in before that waits longer: a busy machine
    /// is no keychain that hangs.
    pub(super) fn impatient(self) -> Self {
        Self { chain: self.chain.waited_for(Duration::from_secs(3)), ..self }
    }

    pub(super) fn desk(&self) -> Desk {
        self.desk_of(&self.chain, "this computer")
    }

    fn desk_of(&self, chain: &Chain, machine: &str) -> Desk {
        let browser = Scripted { is_there: true, does: as_it_is, seen: Arc::clone(&self.seen) };
        self.town.desk_of_ones_own(Arc::new(browser), chain.at(self.town.demonstration.address(), machine))
    }

    /// Somebody has signed in and works.
    pub(super) fn nurse(&self) -> Desk {
        let mut desk = self.desk();
        desk.until("the keychain's answer", |desk| desk.has_button("Sign in").then_some(()));
        desk.press("Sign in");
        desk.wait_for("Signed in: Sam Okafor, ");
        desk
    }

    fn opened(&self) -> String {
        self.seen.lock().unwrap().0.clone()
    }
}

pub(super) const GO_ON: &str = "Continue as Sam Okafor";

#[test]
fn whoever_closes_the_viewer_goes_on_where_they_say_that_it_is_them() {
    let own = Own::new();
    let mut desk = own.nurse();
    assert!(own.opened().contains("prompt=login"), "{}", own.opened());
    assert_eq!(desk.text_with("This computer cannot keep you signed in"), None);
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    desk.close();
    drop(desk);
    assert_eq!(sessions(&own.town), ["goes on"]);
    let before = own.town.book().column("SELECT hex(current) || rotated_ms FROM session", []);

    let mut desk = own.desk();
    desk.wait_for(GO_ON);
    assert!(desk.has_button(GO_ON) && desk.has_button("Sign in as somebody else"), "{}", desk.tree());
    assert_eq!(desk.text_with("Find patient"), None);
    own.town.pass(EXPIRED);
    desk.stay(Duration::from_millis(300));
    assert_eq!(
        own.town.book().column("SELECT hex(current) || rotated_ms FROM session", []),
        before,
        "nothing was used"
    );
    desk.press(GO_ON);
    desk.wait_for("Signed in: Sam Okafor, ");
    assert_eq!(desk.field("NHS number"), "", "nothing of the patient");
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    assert_eq!(sessions(&own.town), ["goes on"]);
}

#[test]
fn a_viewer_that_dies_at_whatever_step_of_a_renewal_goes_on_with_the_session() {
    for step in ["before it was asked for", "before it was kept", "before it was used", "after"] {
        let own = Own::new();
        let mut desk = own.nurse();
        assert!(desk.look_up(AMELIA).starts_with("Alert"));
        desk.new_search();
        own.town.pass(EXPIRED);
        let put = own.chain.0.put.load(Ordering::SeqCst);
        match step {
            "before it was kept" => own.chain.0.stops_before.store(true, Ordering::SeqCst),
            "before it was used" => own.chain.0.stops_after.store(true, Ordering::SeqCst),
            "after" => assert!(desk.look_up(AMELIA).starts_with("Alert")),
            _ => {}
        }
        if step.starts_with("before it was kept") || step.starts_with("before it was used") {
            desk.ask(AMELIA);
            desk.until(step, |_| (own.chain.0.put.load(Ordering::SeqCst) > put).then_some(()));
        }
        // No word to anybody.
        drop(desk);
        let mut desk = own.desk_of(&own.chain.again(), "this computer");
        desk.wait_for(GO_ON);
        desk.press(GO_ON);
        desk.wait_for("Signed in: Sam Okafor, ");
        own.town.pass(EXPIRED);
        assert!(desk.look_up(AMELIA).starts_with("Alert"), "{step}");
        assert_eq!(sessions(&own.town), ["goes on"], "{step}");
    }
}

#[test]
fn a_kept_token_that_was_used_up_long_ago_is_one_sentence_and_a_way_back() {
    let own = Own::new();
    let mut desk = own.nurse();
    own.town.pass(EXPIRED);
    own.chain.0.stops_before.store(true, Ordering::SeqCst);
    desk.ask(AMELIA);
    desk.until("the renewal", |_| (own.chain.0.put.load(Ordering::SeqCst) > 1).then_some(()));
    drop(desk);
    own.town.pass(61);
    let mut desk = own.desk_of(&own.chain.again(), "this computer");
    desk.wait_for(GO_ON);
    desk.press(GO_ON);
    desk.wait_for("Your session has ended. Nothing of the patient is left here. Sign in again to go on");
    desk.press("Sign in");
    desk.wait_for("Signed in: Sam Okafor, ");
}

#[test]
fn what_is_over_is_in_no_keychain() {
    for how in ["Sign out", "Lock", "Sign in as somebody else", "ended at the hub"] {
        let own = Own::new();
        let mut desk = own.nurse();
        let mut expected = vec!["signed-out".to_owned()];
        match how {
            "Sign out" => desk.press("Sign out"),
            "Lock" => {
                desk.chord(Modifiers::COMMAND, Key::L);
                desk.wait_for("Locked. You are signed out, and nothing of the last session is left");
                // Whoever comes back shows who they are.
                desk.press("Sign in");
                desk.wait_for("Signed in: Sam Okafor, ");
                assert!(own.opened().contains("prompt=login"), "{}", own.opened());
                desk.press("Sign out");
                expected.push("signed-out".to_owned());
            }
            "ended at the hub" => {
                own.town.pass(11 * 60 * 60);
                desk.ask(AMELIA);
                desk.wait_for("Your session has ended");
                expected = vec!["over".to_owned()];
            }
            _ => {
                desk.close();
                drop(desk);
                desk = own.desk();
                desk.wait_for(GO_ON);
                desk.press(how);
                desk.wait_for("Signed in: Sam Okafor, ");
                assert!(own.opened().contains("prompt=login"), "{}", own.opened());
                assert_eq!(desk.text_with("This computer cannot keep you signed in"), None);
                desk.press("Sign out");
                expected.push("signed-out".to_owned());
            }
        }
        desk.until("the hub to hear of it", |_| (sessions(&own.town) == expected).then_some(()));
        desk.close();
        drop(desk);
        let mut next = own.desk();
        next.wait_for("Your web browser opens your organisation's sign-in page");
        let (tree, painted) = (next.tree(), next.painted());
        assert!(!tree.contains("Okafor") && !painted.contains("Okafor"), "{how}: {tree}");
    }
}

#[test]
fn what_was_kept_on_another_computer_or_for_another_hub_is_nobodys_here() {
    let own = Own::new();
    let desk = own.nurse();
    desk.close();
    drop(desk);
    let mut desk = own.desk_of(&own.chain, "another computer");
    desk.wait_for("Your web browser opens your organisation's sign-in page");
    assert!(!desk.tree().contains("Okafor"));
    drop(desk);
    let other = Town::at(super::town::now());
    let browser = Scripted { is_there: true, does: as_it_is, seen: Seen::default() };
    let chain = own.chain.at(other.demonstration.address(), "this computer");
    let mut desk = other.desk_of_ones_own(Arc::new(browser), chain);
    desk.wait_for("Your web browser opens your organisation's sign-in page");
    assert!(!desk.tree().contains("Okafor"));
}

/// How somebody is not at their desk any more.
type Locks = fn(&mut Desk);

const LOCKS: [(&str, Locks); 3] = [
    ("Ctrl+L", |desk| desk.chord(Modifiers::COMMAND, Key::L)),
    ("the computer's lock", |desk| desk.hear(Event::ComputerLocked)),
    ("sleep", |desk| desk.hear(Event::Slept)),
];

#[test]
fn whoever_unlocks_signs_in_afresh_here_and_after_the_next_start() {
    for (how, locks) in LOCKS {
        for starts_anew in [false, true] {
            let own = Own::new();
            let mut desk = own.nurse();
            assert!(desk.look_up(AMELIA).starts_with("Alert"));
            locks(&mut desk);
            desk.until(how, |desk| desk.has_button("Sign in").then_some(()));
            let (tree, painted) = (desk.tree(), desk.painted());
            for trace in ["HART", "Amelia", "999 000 0018", "14-Jul-2019", "Child Protection Plan", "Okafor"]
            {
                assert!(!tree.contains(trace) && !painted.contains(trace), "{how}: {trace}");
            }
            desk.until(how, |_| (sessions(&own.town) == ["signed-out"]).then_some(()));
            if starts_anew {
                desk.close();
                desk = own.desk();
                desk.until(how, |desk| desk.has_button("Sign in").then_some(()));
            }
            assert!(!desk.has_button(GO_ON), "{how}");
            own.seen.lock().unwrap().0.clear();
            desk.press("Sign in");
            desk.wait_for("Signed in: Sam Okafor, ");
            assert!(own.opened().contains("prompt=login"), "{how}: {}", own.opened());
        }
    }
}

#[test]
fn a_viewer_that_dies_right_after_a_lock_leaves_nothing_to_go_on_with() {
    for (how, locks) in LOCKS {
        let own = Own::new();
        let mut desk = own.nurse();
        locks(&mut desk);
        // Not one turn of the window after it, and no word to anybody.
        let started = Instant::now();
        while !own.chain.is_empty(own.town.demonstration.address()) {
            assert!(started.elapsed() < Duration::from_secs(30), "{how}: it is still there");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(desk);
        let mut desk = own.desk();
        desk.wait_for("Your web browser opens your organisation's sign-in page");
        assert!(!desk.has_button(GO_ON) && !desk.tree().contains("Okafor"), "{how}");
        desk.press("Sign in");
        desk.wait_for("Signed in: Sam Okafor, ");
        assert!(own.opened().contains("prompt=login"), "{how}: {}", own.opened());
    }
}

#[test]
fn what_was_offered_before_a_lock_is_offered_to_nobody_after_it() {
    for (how, locks) in &LOCKS[1..] {
        let own = Own::new();
        own.nurse().close();
        let mut desk = own.desk();
        desk.wait_for(GO_ON);
        locks(&mut desk);
        desk.wait_for("The computer was locked, asleep or with another user. You are signed out");
        assert!(desk.has_button("Sign in") && !desk.has_button(GO_ON), "{how}");
        desk.until(how, |_| (sessions(&own.town) == ["signed-out"]).then_some(()));
        drop(desk);
        let mut desk = own.desk();
        desk.wait_for("Your web browser opens your organisation's sign-in page");
    }
}

#[test]
fn a_keychain_that_takes_long_keeps_nobody_waiting_and_is_heard_when_it_comes() {
    let own = Own::new();
    own.nurse().close();
    let own = own.impatient();
    own.chain.0.holds.store(true, Ordering::SeqCst);
    let mut desk = own.desk();
    desk.wait_for("Your web browser opens your organisation's sign-in page");
    own.chain.0.holds.store(false, Ordering::SeqCst);
    desk.wait_for(GO_ON);
    // Whoever does not wait signs in, and is not disturbed by what comes late.
    own.chain.0.holds.store(true, Ordering::SeqCst);
    let mut desk = own.nurse();
    desk.wait_for("This computer cannot keep you signed in");
    own.chain.0.holds.store(false, Ordering::SeqCst);
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    // Nor is the session left that was there still.
    desk.until("the hub", |_| (sessions(&own.town) == ["signed-out", "goes on"]).then_some(()));
    // Theirs is kept as soon as the keychain is back, and it is no longer said that it is not.
    let is_said = |desk: &Desk| desk.text_with("This computer cannot keep you signed in").is_some();
    desk.until("what is so now", |desk| (!is_said(desk)).then_some(()));
    desk.close();
    drop(desk);
    let mut desk = own.desk();
    desk.wait_for(GO_ON);
    assert_eq!(sessions(&own.town), ["signed-out", "goes on"]);
}

/// Also told where the bus has no keychain, and where its keychain is locked.
#[test]
fn without_a_keychain_everything_works_and_one_signs_in_each_time() {
    let own = Own::new();
    if !is_of_the_bus() {
        own.chain.take_away();
    }
    let mut desk = own.nurse();
    desk.wait_for("This computer cannot keep you signed in: you sign in again each time the viewer starts");
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    desk.new_search();
    own.town.pass(EXPIRED);
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    // It is over with the program, and when the computer is locked.
    desk.close();
    desk.until("the hub", |_| (sessions(&own.town) == ["signed-out"]).then_some(()));
    drop(desk);
    let mut desk = own.nurse();
    desk.hear(Event::ComputerLocked);
    desk.wait_for("The computer was locked, asleep or with another user. You are signed out");
    desk.until("the hub", |_| (sessions(&own.town) == ["signed-out", "signed-out"]).then_some(()));
}
