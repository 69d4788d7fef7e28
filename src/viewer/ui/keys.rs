//! The keyboard: which key asks for which command. The keys themselves belong to the commands.
//!
//! Escape closes the help first, and only then leaves the patient.
//!
//! It refuses keys that repeat because they are held down: Enter held since the search must never open a record.

use eframe::egui::{Event, Key, Modifiers, Ui};

use super::widgets::{Field as TextField, narrow};
use crate::viewer::command::{Command, Field, Shortcut};
use crate::viewer::present::Screen;
use crate::viewer::present::screen::Body;

/// Reads the keys of this frame, most specific first, and takes what it understood out of the input.
pub(super) fn read(ui: &Ui, screen: &Screen) -> Vec<Command> {
    drop_repeats(ui);
    let mut keyed: Vec<(Command, Shortcut)> = Command::WITH_KEYS
        .into_iter()
        .filter_map(|command| command.shortcut().map(|key| (command, key)))
        .collect();
    keyed.sort_by_key(|(_, key)| std::cmp::Reverse(u8::from(key.control) + u8::from(key.shift)));
    let may_find = may_find(ui, screen);
    let mut commands = Vec::new();
    for (command, shortcut) in keyed {
        // A plain Enter presses whatever button has the keyboard; it searches only from the form.
        if command == Command::Find && !may_find {
            continue;
        }
        if take(ui, shortcut) {
            let leaves_help = command == Command::NewSearch && screen.help.is_some();
            commands.push(if leaves_help { Command::Help } else { command });
        }
    }
    commands
}

fn drop_repeats(ui: &Ui) {
    ui.input_mut(|input| {
        input.events.retain(|event| {
            let Event::Key { key, repeat: true, .. } = event else { return true };
            !matches!(key, Key::Enter | Key::Space | Key::Escape)
        });
    });
}

fn may_find(ui: &Ui, screen: &Screen) -> bool {
    let Body::Search(_) = screen.body else { return false };
    // The help stands in place of the form: nobody sees what would be searched for.
    if screen.help.is_some() && narrow(ui) {
        return false;
    }
    ui.memory(|memory| {
        memory.focused().is_none_or(|focused| {
            Field::ALL.into_iter().any(|field| TextField::id(field.label(), screen.generation) == focused)
        })
    })
}

/// Exactly these modifiers: egui's own matching lets others through.
fn take(ui: &Ui, shortcut: Shortcut) -> bool {
    let Some(wanted) = Key::from_name(shortcut.key) else { return false };
    let fits = |modifiers: Modifiers| {
        modifiers.command == shortcut.control && modifiers.shift == shortcut.shift && !modifiers.alt
    };
    ui.input_mut(|input| {
        let mut found = false;
        input.events.retain(|event| {
            let Event::Key { key, pressed: true, repeat, modifiers, .. } = event else { return true };
            if *key != wanted || !fits(*modifiers) {
                return true;
            }
            found |= !repeat;
            false
        });
        found
    })
}
