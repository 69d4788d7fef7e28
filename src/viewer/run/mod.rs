//! Does what the viewer's state asks for: the one place of the viewer that knows threads, sockets, the
//! clipboard and the clock. Decides nothing about what is shown.
//!
//! [`Desktop`] is the whole viewer without a window: tests drive it over the accessibility tree, and
//! [`window`] puts it on a screen.

mod arrived;
mod browser;
mod clipboard;
mod clock;
mod doer;
mod ending;
mod heard;
mod keychain;
mod locked;
mod sessions;
pub mod window;

use std::sync::Arc;

use eframe::egui;
use tokio::sync::mpsc;

pub use browser::{Browser, SystemBrowser};
pub use clipboard::{Clipboard, SystemClipboard};
pub use doer::Hub;
pub use keychain::Keychain;
#[cfg(any(all(test, feature = "demo"), feature = "fuzzing"))]
pub(crate) use keychain::fuzzing::kept;

use super::effect::Effect;
use super::event::Event;
use super::state::{Kept, Phase, Setup, State};
use super::ui::UiMemory;
use super::{present, ui, update};
use crate::config::viewer::ViewerConfig;
use clock::Clock;
use doer::Doer;

/// Answers waiting to be taken up; a handful of questions are under way at a time.
const WAITING_EVENTS: usize = 64;

/// What the viewer starts with.
pub struct Start {
    /// What is fixed while it runs.
    pub setup: Setup,
    /// The hub; `None` where nothing is configured yet.
    pub hub: Option<Hub>,
    /// Where copies go.
    pub clipboard: Box<dyn Clipboard>,
    /// Where people sign in.
    pub browser: Arc<dyn Browser>,
}

/// What a configuration means for what is shown.
#[must_use]
pub fn setup_of(config: ViewerConfig) -> Setup {
    Setup {
        site: config.advice,
        hub: Some(config.hub),
        private_desk: !config.shared_desk,
        ..Setup::default()
    }
}

/// The hub that a configuration names.
#[must_use]
pub fn hub_of(config: &ViewerConfig) -> Hub {
    Hub {
        address: config.hub.clone(),
        known_as: config.hub.clone(),
        site: config.site.clone(),
        limits: crate::client::Limits::default(),
        authorities: config.authorities.clone(),
    }
}

/// Panics say where, never what: their messages can hold a patient's details.
pub fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // Standard error may be closed: then there is nobody to tell.
        let _ =
            std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("The viewer failed at {place}\n"));
    }));
}

/// The whole viewer without a window.
pub struct Desktop {
    state: State,
    clock: Clock,
    doer: Doer,
    events: mpsc::Receiver<Event>,
    memory: UiMemory,
    synthetic_told: bool,
    waits_for_input: bool,
    is_kept: Option<bool>,
}

impl Desktop {
    /// Sets the viewer up. Questions to the hub run on `runtime`, and ask `ctx` for a frame when answered.
    #[must_use]
    pub fn new(start: Start, runtime: tokio::runtime::Handle, ctx: egui::Context) -> Self {
        Self::with_keychain(start, None, runtime, ctx)
    }

    /// The same with another keychain than the system's.
    #[must_use]
    pub fn with_keychain(
        start: Start,
        keychain: Option<Keychain>,
        runtime: tokio::runtime::Handle,
        ctx: egui::Context,
    ) -> Self {
        ui::install(&ctx);
        let looks = start.setup.private_desk && start.hub.is_some();
        // Another's, from when the desk was not shared; the demonstration keeps nothing.
        let has_keychain = keychain.is_some() || !start.setup.demonstration;
        let ends_earlier = !start.setup.private_desk && start.hub.is_some() && has_keychain;
        let phase = match start.hub {
            Some(_) => Phase::signed_out(None),
            None => Phase::NoConfiguration { problem: None },
        };
        let (sender, events) = mpsc::channel(WAITING_EVENTS);
        let mut state = State::new(start.setup, phase);
        state.focus = present::screen::Focus { serial: 1, target: present::screen::FocusTarget::SignIn };
        let mut doer = Doer::new(start.hub, start.clipboard, start.browser, runtime, sender, ctx);
        doer.keychain = keychain;
        if looks {
            state.kept = Kept::Looking;
            doer.run(Effect::LookForKept);
        } else if ends_earlier {
            doer.run(Effect::EndEarlier);
        }
        doer.watch_clock();
        Self {
            state,
            clock: doer.clock().clone(),
            doer,
            events,
            memory: UiMemory::default(),
            synthetic_told: false,
            waits_for_input: false,
            is_kept: None,
        }
    }

    /// Takes up what has happened since the last time; also while the window is hidden.
    pub fn logic(&mut self) {
        self.happen_as_heard();
        // So that no answer of an ended session is shown as one.
        if let Some(over) = self.doer.session_is_over() {
            self.happen(Event::SessionOver(over));
        }
        while let Ok(event) = self.events.try_recv() {
            // It may say what has come of that.
            self.happen_as_heard();
            self.happen(event);
        }
        if self.clock.has_slept() {
            self.happen(Event::Slept);
        }
        if !self.synthetic_told && self.doer.hub_is_synthetic() {
            self.synthetic_told = true;
            self.happen(Event::HubIsSynthetic);
        }
        let waits = self.doer.waits_for_input();
        if waits != self.waits_for_input {
            self.waits_for_input = waits;
            self.happen(Event::WaitsForInput(waits));
        }
        self.look_whether_kept();
        self.happen(Event::Tick);
    }

    fn look_whether_kept(&mut self) {
        let is_kept = self.doer.is_kept();
        if is_kept != self.is_kept {
            self.is_kept = is_kept;
            self.happen(Event::IsKept(is_kept));
        }
    }

    /// What the system has said: before anything else, since whoever looks at the screen now may be somebody else.
    fn happen_as_heard(&mut self) {
        for event in self.doer.heard.take() {
            self.happen(event);
        }
    }

    /// Ends what is not kept, from wherever it is heard that nobody is there any more.
    fn leaves(&self) -> impl Fn() + Send + Sync + use<> {
        let ends = self.doer.ends.clone();
        move || ends.leave()
    }

    /// Waits a moment for the hub to hear what it is to hear, where the window cannot.
    fn waits(&self) -> impl Fn() -> bool + Send + Sync + use<> {
        let ends = self.doer.ends.clone();
        move || ends.wait()
    }

    /// Tells what the system says of itself, from wherever that is heard.
    pub fn hears(&self) -> impl Fn(Event) + Send + Sync + use<> {
        self.doer.sends()
    }

    /// Draws the screen and does what the person asked for.
    pub fn frame(&mut self, ui: &mut egui::Ui) {
        // The way to the end of the program is no work in the session.
        if is_input(ui.ctx()) && !ui.ctx().input(|input| input.viewport().close_requested()) {
            self.doer.input();
            self.happen(Event::SomebodyIsHere);
        }
        let screen = present::screen(&self.state, self.clock.now());
        let given = ui::show(ui, &screen, &mut self.memory);
        if !given.is_empty() {
            ui.ctx().request_repaint();
        }
        for given in given {
            self.happen(Event::Given(given));
        }
    }

    /// The window closes: what was copied from here does not outlive it. Waits a moment for the hub to hear of it; says
    /// whether it has, and may be asked again.
    pub fn close(&mut self) -> bool {
        self.doer.run(Effect::ForgetClipboard);
        self.doer.end()
    }

    /// The window's title. Never anything of a patient.
    #[must_use]
    pub fn title(&self) -> &'static str {
        present::title(&self.state)
    }

    fn happen(&mut self, event: Event) {
        let effects: Vec<Effect> = update::update(&mut self.state, event, self.clock.now());
        for effect in effects {
            self.doer.run(effect);
        }
    }
}

/// Whether somebody did something: with keyboard, pointer or assistive software. That the window comes to the front or is
/// drawn again is not that.
fn is_input(ctx: &egui::Context) -> bool {
    ctx.input(|input| {
        input
            .events
            .iter()
            .any(|event| !matches!(event, egui::Event::WindowFocused(_) | egui::Event::PointerGone))
    })
}

#[cfg(test)]
mod tests;
