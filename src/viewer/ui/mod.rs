//! Draws the window with egui and says what was done to it.
//!
//! It decides nothing: a [`Screen`] comes in as finished words, commands go out as they were [`Given`]. It refuses to know the
//! client, the hub and the clock, and keeps nothing of a patient from one frame to the next but what egui needs to
//! edit a field, which goes as soon as the screen's generation changes.

mod keys;
mod screens;
mod theme;
mod turn;
mod widgets;

use eframe::egui::{CentralPanel, Frame, Margin, OutputCommand, Panel, Ui};

pub use theme::install;
pub use turn::UiMemory;

use super::command::{Command, Given};
use super::present::Screen;
use super::present::screen::{Body, Help};
use turn::Turn;
use widgets::Politeness;

/// Draws the whole screen over the whole of `ui` and returns what was asked for, in order.
///
/// Text fields are drawn over the text that the screen gives; a change comes back as a command and is on the screen
/// in the next frame.
#[must_use]
pub fn show(ui: &mut Ui, screen: &Screen, memory: &mut UiMemory) -> Vec<Given> {
    let mut turn = Turn::begin(ui.ctx(), screen, memory);
    // Read before the widgets can take them, asked after: text typed in the same frame is searched for too.
    let keyed = keys::read(ui, screen);
    let politeness = if screen.announcement.assertive { Politeness::Assertive } else { Politeness::Polite };
    widgets::live(ui, &screen.announcement.text, politeness);
    top(ui, screen, &mut turn);
    let help_instead = screen.help.as_ref().filter(|_| widgets::narrow(ui));
    if let (Some(help), None) = (&screen.help, help_instead) {
        screens::help::beside(ui, help);
    }
    body(ui, &screen.body, help_instead, &mut turn);
    for command in keyed {
        turn.ask(command);
    }
    for copied in take_copies(ui) {
        turn.ask(Command::CopyTyped(copied));
    }
    turn.finish(ui.ctx(), memory)
}

fn top(ui: &mut Ui, screen: &Screen, turn: &mut Turn) {
    let t = theme::tokens();
    if let Some(strip) = &screen.strip {
        let side = widgets::whole(widgets::side_margin(ui));
        let frame = Frame::new().fill(t.demonstration).inner_margin(Margin::symmetric(side, 2));
        Panel::top("strip").show_separator_line(false).frame(frame).show(ui, |ui| {
            let Some(action) = &screen.strip_action else {
                widgets::line(ui, theme::strong(strip, theme::Size::Small));
                return;
            };
            ui.horizontal_wrapped(|ui| {
                widgets::line(ui, theme::strong(strip, theme::Size::Small));
                turn.button(ui, action, widgets::Kind::Quiet, false);
            });
        });
    }
    match &screen.session {
        Some(session) => {
            screens::session::draw(ui, session, turn);
            if let Some(words) = &session.note {
                screens::session::note(ui, words);
            }
        }
        None => {
            let side = widgets::whole(widgets::side_margin(ui));
            let frame = Frame::new().fill(t.brand).inner_margin(Margin::symmetric(side, 6));
            Panel::top("no session").show_separator_line(false).frame(frame).show(ui, |ui| {
                let name = theme::strong("Child protection information", theme::Size::Body);
                widgets::line(ui, name.color(t.on_strong));
            });
        }
    }
    if let Body::Patient(patient) = &screen.body {
        screens::patient::banner(ui, &patient.banner);
    }
}

fn body(ui: &mut Ui, body: &Body, help: Option<&Help>, turn: &mut Turn) {
    let frame = Frame::new().fill(theme::tokens().page);
    CentralPanel::default().frame(frame).show(ui, |ui| match (body, help) {
        (Body::Patient(patient), help) => screens::patient::draw(ui, patient, help, turn),
        (_, Some(help)) => screens::help::instead(ui, help),
        (Body::Notice(notice), None) => screens::notice::draw(ui, notice, turn),
        (Body::SignIn(sign_in), None) => screens::sign_in::draw(ui, sign_in, turn),
        (Body::Search(search), None) => screens::search::draw(ui, search, turn),
    });
}

/// What was copied or cut in a field. egui would put it where clipboard histories keep it and nobody clears it, so it
/// goes the way of everything else that is copied.
///
/// What is merely selected goes nowhere: on X11 and Wayland it would be copied to where every program reads it,
/// without anybody having asked for a copy.
fn take_copies(ui: &Ui) -> Vec<String> {
    let mut copies = Vec::new();
    ui.ctx().output_mut(|output| {
        output.commands.retain_mut(|command| match command {
            OutputCommand::CopyText(text) => {
                copies.push(std::mem::take(text));
                false
            }
            OutputCommand::TextSelectionSettled(_) => false,
            OutputCommand::CopyImage(_) | OutputCommand::OpenUrl(_) => true,
        });
    });
    copies
}
