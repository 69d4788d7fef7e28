//! How sessions begin, go on in another run of the program, and end: at the hub, in the keychain and at the provider.

use std::sync::Arc;

use eframe::egui::ViewportCommand;

use super::arrived::{Arrived, Held};
use super::browser;
use super::doer::{Doer, Hub};
use super::ending::{Leaving, Unused, client_of};
use super::keychain::{Found, Keeper, Keychain, Record};
use crate::client::{HubClient, Keeps as _};
use crate::domain::{CareSetting, Failure, NotSignedIn, Right, SignedInPerson};
use crate::viewer::event::Event;
use crate::viewer::state::{BrowserAt, Remembered, Session};

/// Who signs in with the browser.
#[derive(Clone, Copy)]
pub(super) enum Who {
    /// Somebody of the demonstration: what stands for their browser is told who, and asks nothing.
    Persona(usize),
    /// Whoever is in front of the screen: the provider asks who it is.
    Person,
}

/// As the hub says who it is.
fn session_of(person: SignedInPerson) -> Session {
    let may = |right| person.rights.contains(&right);
    Session {
        user: format!("{}|{}|{}", person.organisation_code, person.role, person.user),
        may_notify: may(Right::ViewAndNotify),
        may_view_silently: may(Right::ViewSilently),
        name: person.name,
        role: person.role,
        organisation: person.organisation,
        care: CareSetting::Unscheduled,
        switching: None,
        care_problem: None,
    }
}

/// Why nobody goes on with a kept session.
enum NotResumed {
    /// The keychain does not answer: the session may well be there.
    KeychainIsSilent,
    /// Nobody waits for it any more: it stays where it is.
    Left,
    Failed(Failure),
}

/// Goes on with the session that is kept here: what was read at the start may be used up, so that the keychain is asked
/// again, unless something of the session was used here already.
async fn resume(
    hub: &Hub,
    keychain: Keychain,
    arrived: &Arrived,
    ask: u64,
) -> Result<(HubClient, SignedInPerson), NotResumed> {
    let over = NotResumed::Failed(Failure::SessionEnded);
    let held = match arrived.aside() {
        Some(held) => held,
        None => match keychain.load_soon().await {
            Some(Found::Session(record)) => held_of(hub, keychain, *record).map_err(NotResumed::Failed)?,
            Some(Found::Nothing) => return Err(over),
            None => return Err(NotResumed::KeychainIsSilent),
        },
    };
    let Some(keeper) = held.keeper.clone() else { return Err(over) };
    // From now on it has an owner, whatever becomes of this.
    if !arrived.goes_on(ask, &held) {
        return Err(NotResumed::Left);
    }
    if let Err(failure) = held.client.resume().await {
        if failure == Failure::SessionEnded {
            arrived.take_aside();
            keeper.forget().await;
        }
        return Err(NotResumed::Failed(failure));
    }
    match keeper.person() {
        Some(person) if arrived.has_resumed(ask) => Ok((held.client, person)),
        Some(_) => Err(NotResumed::Left),
        None => Err(over),
    }
}

fn held_of(hub: &Hub, keychain: Keychain, record: Record) -> Result<Held, Failure> {
    let client = client_of(hub, &record)?;
    let keeper = Keeper::new(keychain, record, true);
    client.keep_with(keeper.clone());
    Ok(Held::new(client, Some(keeper)))
}

/// Puts a session that has begun where it is kept.
async fn keep(client: &HubClient, keeper: &Arc<Keeper>) {
    client.keep_with(keeper.clone());
    if let Some((refresh, _)) = client.kept() {
        keeper.keep(&refresh).await;
    }
}

fn remembered(found: Option<&Found>) -> Option<Remembered> {
    match found {
        Some(Found::Session(record)) => Some(Remembered {
            name: record.name.clone(),
            role: record.role.clone(),
            organisation: record.organisation.clone(),
        }),
        Some(Found::Nothing) | None => None,
    }
}

impl Doer {
    /// Whether the session can go on in another run of the program; `None` where that is not asked for.
    pub(super) fn is_kept(&self) -> Option<bool> {
        self.held.as_ref()?.keeper.as_ref().map(|keeper| keeper.is_kept())
    }

    /// What happens by itself and is told from elsewhere.
    pub(super) fn sends(&self) -> impl Fn(Event) + Send + Sync + use<> {
        let (sender, ctx, heard) = (self.sender.clone(), self.ctx.clone(), self.heard.clone());
        let ends = self.ends.clone();
        move |event| {
            // First: the window may take up at once what is kept below, and look at what is left.
            if matches!(event, Event::ComputerLocked | Event::Slept) {
                ends.lock();
            }
            if let Some(event) = heard.keep(event) {
                // Only a full queue refuses, and then sixty-four others wake the window.
                let _ = sender.try_send(event);
            }
            ctx.request_repaint();
        }
    }

    /// With the browser: a person's own, or what does the same for a persona of the demonstration.
    pub(super) fn sign_in(&mut self, ask: u64, who: Who) {
        self.take_chosen();
        self.cancel_sign_in();
        let Some(hub) = self.hub.clone() else {
            return self.tell(Event::NotSignedIn(ask, NotSignedIn::Hub(Failure::NotAccepted)));
        };
        let (sender, ctx, browser) = (self.sender.clone(), self.ctx.clone(), Arc::clone(&self.browser));
        let (arrived, keychain, ends) = (self.arrived.clone(), self.keychain.clone(), self.ends.clone());
        self.arrived.wants(Some(ask));
        let hint = match who {
            Who::Persona(persona) => Some(persona.to_string()),
            Who::Person => None,
        };
        self.signing_in = Some(self.runtime.spawn(async move {
            let opens = |address: &str, number: &str| {
                let has_opened = browser.open(address);
                if hint.is_some() {
                    return;
                }
                let at = BrowserAt { address: address.to_owned(), number: number.to_owned(), has_opened };
                // Only a full queue refuses.
                let _ = sender.try_send(Event::BrowserAt(ask, at));
                ctx.request_repaint();
            };
            let event = match browser::sign_in(&hub, hint.as_deref(), opens).await {
                Ok((client, person)) => {
                    let keeper = keychain.as_ref().zip(client.kept()).map(|(keychain, (refresh, key))| {
                        Keeper::new(keychain.clone(), Record::of(&person, &refresh, &key), false)
                    });
                    // First: whoever cancels now signs out what has begun, and whoever has cancelled gets it back.
                    let held = Held::new(client.clone(), keeper.clone());
                    if let Some(unwanted) = arrived.put(ask, held) {
                        ends.start(vec![unwanted], Leaving::Here);
                        // The window may not have heard why, or not of this sign-in.
                        let _ = sender.send(Event::NotSignedIn(ask, NotSignedIn::Left)).await;
                        ctx.request_repaint();
                        return;
                    }
                    if let (Some(keeper), Some(keychain)) = (&keeper, &keychain) {
                        ends.start_of_replaced(hub.clone(), keychain);
                        keep(&client, keeper).await;
                    }
                    // The hub is asked what it is and what time it is; if that fails, the first search says so.
                    if let Ok(at) = client.greet().await {
                        let _ = sender.send(Event::HubTime(at)).await;
                    }
                    for command in [ViewportCommand::Minimized(false), ViewportCommand::Focus] {
                        ctx.send_viewport_cmd(command);
                    }
                    Event::SignedIn(ask, Ok(session_of(person)))
                }
                Err(why) => Event::NotSignedIn(ask, why),
            };
            let _ = sender.send(event).await;
            ctx.request_repaint();
        }));
    }

    /// Looks whether a session is kept here. A keychain that takes long is not waited for; what it brings then comes late.
    pub(super) fn look_for_kept(&mut self) {
        let Some((hub, keychain)) = self.hub_and_keychain() else {
            return self.tell(Event::Remembered(None));
        };
        let (sender, ctx, ends) = (self.sender.clone(), self.ctx.clone(), self.ends.clone());
        *ends.unused() = Some(Unused { hub, keychain: keychain.clone(), is_offered: false });
        // What is found is of this turn: it may be taken out, or another's put there, before it is here.
        let turn = keychain.turn_now();
        self.runtime.spawn(async move {
            let remembered = |found: Option<&Found>| {
                let remembered = remembered(found.filter(|_| keychain.turn_now() == turn));
                if let (Some(_), Some(unused)) = (&remembered, ends.unused().as_mut()) {
                    unused.is_offered = true;
                }
                remembered
            };
            let mut looking = std::pin::pin!(keychain.load());
            let soon = tokio::time::timeout(keychain.patience(), &mut looking).await;
            let event = Event::Remembered(remembered(soon.as_ref().ok().and_then(Option::as_ref)));
            let _ = sender.send(event).await;
            ctx.request_repaint();
            if soon.is_err()
                && let Some(late) = remembered(looking.await.as_ref())
            {
                let _ = sender.send(Event::Remembered(Some(late))).await;
                ctx.request_repaint();
            }
        });
    }

    /// The keychain is the system's, unless another was given.
    fn hub_and_keychain(&mut self) -> Option<(Hub, Keychain)> {
        self.take_chosen();
        let hub = self.hub.clone()?;
        let keychain = self.keychain.get_or_insert_with(|| Keychain::of_this_system(&hub.address));
        Some((hub, keychain.clone()))
    }

    /// Goes on with the session that is kept here.
    pub(super) fn go_on(&mut self, ask: u64) {
        let Some((hub, keychain)) = self.hub_and_keychain() else {
            return self.tell(Event::SignedIn(ask, Err(Failure::SessionEnded)));
        };
        self.stop_signing_in();
        self.arrived.wants(Some(ask));
        let (sender, ctx, arrived) = (self.sender.clone(), self.ctx.clone(), self.arrived.clone());
        self.signing_in = Some(self.runtime.spawn(async move {
            let event = match resume(&hub, keychain, &arrived, ask).await {
                Ok((client, person)) => {
                    if let Ok(at) = client.greet().await {
                        let _ = sender.send(Event::HubTime(at)).await;
                    }
                    Event::SignedIn(ask, Ok(session_of(person)))
                }
                Err(NotResumed::Left) => Event::NotSignedIn(ask, NotSignedIn::Left),
                Err(NotResumed::KeychainIsSilent) => Event::KeychainIsSilent(ask),
                Err(NotResumed::Failed(failure)) => Event::SignedIn(ask, Err(failure)),
            };
            let _ = sender.send(event).await;
            ctx.request_repaint();
        }));
    }

    /// Ends the session that is kept here: somebody else signs in, or the desk is shared. `is_said`: it was offered.
    pub(super) fn end_kept(&mut self, is_said: bool) {
        let Some((hub, keychain)) = self.hub_and_keychain() else { return };
        self.stop_signing_in();
        let (aside, unused) = (self.arrived.take_aside(), self.ends.unused().take());
        // Where a lock was heard it ends already.
        if !is_said || aside.is_some() || unused.is_some() {
            self.ends.start_of_kept(hub, &keychain, aside, is_said);
        }
        if !is_said {
            // A shared desk keeps nothing.
            self.keychain = None;
        }
    }

    fn stop_signing_in(&mut self) {
        self.arrived.wants(None);
        if let Some(signing_in) = self.signing_in.take() {
            signing_in.abort();
        }
    }

    /// Also of a session that has begun in the very moment nothing is left.
    pub(super) fn cancel_sign_in(&mut self) {
        self.stop_signing_in();
        self.sign_out(Leaving::Here);
    }

    pub(super) fn keep_sign_in(&mut self, ask: u64) {
        let arrived = self.arrived.take(ask).pop();
        let Some(held) = arrived.or_else(|| self.arrived.take_resumed(ask)) else { return };
        self.stop_following();
        self.following = Some(self.follow(held.client.clone()));
        self.arrived.uses(Some(&held));
        // What was kept is theirs now, or has ended.
        self.ends.unused().take();
        self.held = Some(held);
    }

    /// Holds the event stream. What it hears goes the way of all events; what ends the session is looked for with each of
    /// them.
    fn follow(&self, client: HubClient) -> tokio::task::JoinHandle<()> {
        let (sender, ctx, clock) = (self.sender.clone(), self.ctx.clone(), self.clock().clone());
        self.runtime.spawn(async move {
            let here = || {
                // Only a full queue refuses, and the next one comes in five seconds.
                let _ = sender.try_send(Event::HubIsHere(clock.now().tick));
                ctx.request_repaint();
            };
            // What is shown says so, and the window would sleep.
            let waits = || ctx.request_repaint();
            client.follow(here, waits).await;
            ctx.request_repaint();
        })
    }

    fn stop_following(&mut self) {
        if let Some(following) = self.following.take() {
            following.abort();
        }
    }

    /// Leaves the session where it is kept: nothing of it is used until somebody goes on with it. A renewal that is under way
    /// goes to its end.
    pub(super) fn set_aside(&mut self) {
        self.stop_signing_in();
        self.stop_following();
        self.arrived.uses(None);
        if let Some(held) = self.held.take() {
            self.arrived.set_aside(held);
        }
        self.revoke(self.arrived.take_all(), Leaving::Here);
    }

    /// The tokens are forgotten at once, and of no use as soon as the hub has heard it; also those that nobody has taken up.
    pub(super) fn sign_out(&mut self, leaving: Leaving) {
        self.stop_signing_in();
        self.stop_following();
        self.revoke(self.arrived.take_all(), Leaving::Here);
        self.arrived.uses(None);
        let held = self.held.take().into_iter().collect();
        self.revoke(held, leaving);
    }

    pub(super) fn revoke(&self, all: Vec<Held>, leaving: Leaving) {
        self.ends.start(all, leaving);
    }

    /// The program ends: a session that is kept goes on another time, every other one is over. Says whether the hub has heard
    /// all that it is to hear.
    pub(super) fn end(&mut self) -> bool {
        if self.is_kept() == Some(true) {
            self.set_aside();
        } else {
            self.sign_out(Leaving::Here);
        }
        // What is under way would end with the program: a moment for the hub to hear that the session is over, and for a
        // renewal of a kept one to be put where the next run finds it.
        self.ends.wait()
    }
}
