//! One drawing of the screen: what has been asked for so far, and where the keyboard is to go.
//!
//! It refuses to outlive the frame. What must (which generation was last drawn, which focus request was served)
//! is in [`UiMemory`].

use eframe::egui::{self, Context, Response, Ui};

use super::theme;
use super::widgets::{Button, Field as TextField, Kind};
use crate::viewer::command::{Command, Field, Given};
use crate::viewer::present::Screen;
use crate::viewer::present::screen::{Action, FocusTarget, Prominence};

/// What the drawing remembers from one frame to the next. None of it is the patient's.
#[derive(Debug, Default)]
pub struct UiMemory {
    generation: Option<u64>,
    focus_heard: Option<u64>,
    focus_wanted: Option<(FocusTarget, u8)>,
    field: Option<Field>,
    /// The field that had the keyboard while or before the help was shown.
    under_help: Option<Field>,
    help: bool,
}

/// Each way, so that no two focus rings touch.
const BETWEEN_BUTTONS: f32 = theme::space::S + theme::space::XS;

/// How often a focus request is tried before it is dropped: a target that is not there must not cost frames.
const FOCUS_TRIES: u8 = 4;

impl UiMemory {
    /// Escape takes the keyboard from a field, and so does help drawn in the form's place: closing the help gives it
    /// back.
    fn follow_help(&mut self, ctx: &Context, help: bool) {
        if help || self.help {
            self.under_help = self.field.or(self.under_help);
        }
        if self.help && !help {
            let lost = ctx.memory(|memory| memory.focused().is_none());
            let field = self.under_help.take().filter(|_| lost && self.focus_wanted.is_none());
            self.focus_wanted =
                field.map(|field| (FocusTarget::Field(field), FOCUS_TRIES)).or(self.focus_wanted);
        }
        self.help = help;
    }
}

/// See the module.
pub(super) struct Turn {
    /// Of the patient: part of every id under which egui keeps something.
    pub(super) generation: u64,
    focus: Option<FocusTarget>,
    given: Vec<Given>,
    /// A key that presses things went down in this frame.
    keyed: bool,
    focus_arrived: bool,
}

impl Turn {
    /// Begins a frame: forgets the last patient if this is another one, and takes up a new focus request.
    pub(super) fn begin(ctx: &Context, screen: &Screen, memory: &mut UiMemory) -> Self {
        if memory.generation != Some(screen.generation) {
            if memory.generation.is_some() {
                forget(ctx);
            }
            memory.field = None;
            memory.under_help = None;
            memory.generation = Some(screen.generation);
        }
        if memory.focus_heard != Some(screen.focus.serial) {
            memory.focus_heard = Some(screen.focus.serial);
            memory.focus_wanted =
                (screen.focus.target != FocusTarget::Nowhere).then_some((screen.focus.target, FOCUS_TRIES));
        }
        memory.follow_help(ctx, screen.help.is_some());
        let keyed = ctx.input(|input| {
            input.events.iter().any(|event| {
                matches!(
                    event,
                    egui::Event::Key { key: egui::Key::Enter | egui::Key::Space, pressed: true, .. }
                )
            })
        });
        let focus = memory.focus_wanted.map(|(target, _)| target);
        Self { generation: screen.generation, focus, focus_arrived: false, given: Vec::new(), keyed }
    }

    /// Notes a command.
    pub(super) fn ask(&mut self, command: Command) {
        self.given.push(Given { command, keyed: self.keyed });
    }

    /// Notes the command of what was pressed. What assistive software presses, nobody pressed by leaning on a key,
    /// whatever the keyboard did in the same frame.
    pub(super) fn press(&mut self, response: &Response, command: &Command) {
        if !response.clicked() {
            return;
        }
        let assistive = response
            .ctx
            .input(|input| input.has_accesskit_action_request(response.id, egui::accesskit::Action::Click));
        self.given.push(Given { command: command.clone(), keyed: self.keyed && !assistive });
    }

    /// Gives the keyboard to a widget, if it is the one that was asked for, until it has it: egui may draw a new
    /// screen twice before it is seen, and what was given it the first time can be gone the second.
    pub(super) fn offer_focus(&mut self, target: FocusTarget, response: &Response) {
        if self.focus != Some(target) {
            return;
        }
        self.focus = None;
        if response.has_focus() {
            self.focus_arrived = true;
        } else {
            response.request_focus();
            // The ring is drawn in the next frame.
            response.ctx.request_repaint();
        }
    }

    /// Draws a button for an action and notes its command.
    pub(super) fn action(&mut self, ui: &mut Ui, action: &Action) {
        let response = self.button(ui, action, kind(action), room_for_keys(ui));
        if action.prominence == Prominence::Primary {
            self.offer_focus(FocusTarget::PrimaryButton, &response);
            self.offer_focus(FocusTarget::SignIn, &response);
        }
    }

    /// Draws a button for an action in a given manner and notes its command.
    pub(super) fn button(&mut self, ui: &mut Ui, action: &Action, kind: Kind, keys: bool) -> Response {
        let response = button(ui, action, kind, keys).show(ui);
        self.press(&response, &action.command);
        response
    }

    /// A row of buttons that goes on in the next line where there is no room.
    pub(super) fn actions(&mut self, ui: &mut Ui, actions: &[Action]) {
        if actions.is_empty() {
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::Vec2::splat(BETWEEN_BUTTONS);
            for action in actions {
                self.action(ui, action);
            }
        });
    }

    /// Ends the frame. Says which field the keyboard has left, once: egui says it in two frames.
    pub(super) fn finish(mut self, ctx: &Context, memory: &mut UiMemory) -> Vec<Given> {
        let focused = ctx.memory(egui::Memory::focused);
        let now = Field::ALL
            .into_iter()
            .find(|field| focused == Some(TextField::id(field.label(), self.generation)));
        if let Some(left) = memory.field.filter(|before| now != Some(*before)) {
            self.ask(Command::LeftField(left));
        }
        memory.field = now;
        memory.focus_wanted = memory
            .focus_wanted
            .filter(|(_, tries)| !self.focus_arrived && *tries > 0)
            .map(|(target, tries)| (target, tries - 1));
        self.given
    }
}

fn kind(action: &Action) -> Kind {
    match action.prominence {
        Prominence::Primary => Kind::Primary,
        Prominence::Secondary => Kind::Secondary,
        Prominence::Quiet => Kind::Quiet,
    }
}

/// How high [`Turn::actions`] becomes in a width.
pub(super) fn actions_height(ui: &Ui, actions: &[Action], width: f32) -> f32 {
    let keys = room_for_keys(ui);
    let (mut above, mut row, mut right) = (0.0, 0.0_f32, 0.0);
    for action in actions {
        let size = button(ui, action, kind(action), keys).size(ui);
        if right > 0.0 && right + size.x > width {
            above += row + BETWEEN_BUTTONS;
            (row, right) = (0.0, 0.0);
        }
        row = row.max(size.y);
        right += size.x + BETWEEN_BUTTONS;
    }
    above + row
}

/// Whether buttons show their keys: not where there is little room.
pub(super) fn room_for_keys(ui: &Ui) -> bool {
    !super::widgets::short(ui) && !super::widgets::narrow(ui)
}

/// A button for an action, with its key or without.
pub(super) fn button<'a>(ui: &Ui, action: &'a Action, kind: Kind, keys: bool) -> Button<'a> {
    let key = action.shortcut.as_deref().filter(|_| keys);
    let button = Button::new(&action.label, kind).shortcut(key);
    if super::widgets::short(ui) { button.small() } else { button }
}

/// egui keeps what was typed (for Ctrl+Z), where the keyboard was and how far was scrolled. The ids of the next
/// patient's fields are others; this drops what is left under the old ones.
fn forget(ctx: &Context) {
    ctx.data_mut(|data| {
        data.remove_by_type::<egui::text_edit::TextEditState>();
        data.remove_by_type::<egui::scroll_area::State>();
    });
    ctx.memory_mut(|memory| {
        if let Some(id) = memory.focused() {
            memory.surrender_focus(id);
        }
    });
}
