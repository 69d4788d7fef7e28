//! The drawing and the keyboard: what gets it, what it is read out as, which key asks for what and when.

use cpis::domain::AnswerKind;
use cpis::viewer::command::{Command, Field};
use cpis::viewer::present::Screen;
use cpis::viewer::present::screen::{Body, Focus, FocusTarget};
use eframe::egui::accesskit::{Action, ActionRequest, Role, TreeId};
use eframe::egui::{Event, Key, Modifiers, OutputCommand, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::ui_fixtures as fixtures;
use crate::ui_screens::{DESKTOP, Desk, desk, patient, search};

const ZOOMED: Vec2 = Vec2::new(683.0, 374.0);

fn focused(window: &Harness<'_, Desk>) -> Option<(Role, String)> {
    let node = window.root().children_recursive().find(|node| node.is_focused())?;
    let node = node.accesskit_node();
    Some((node.role(), node.label().unwrap_or_default()))
}

fn key(key: Key) -> Event {
    Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers: Modifiers::NONE }
}

#[test]
fn the_answer_gets_the_keyboard_by_its_kind_alone_and_is_read_whole_after_it() {
    for (name, kind) in [
        ("10-alert", AnswerKind::Alert),
        ("12-past", AnswerKind::PastPlan),
        ("13-nothing", AnswerKind::NothingHeld),
        ("08-not-checked", AnswerKind::NotChecked),
        ("14-could-not", AnswerKind::CouldNotCheck),
        ("07-no-match", AnswerKind::NotChecked),
    ] {
        for size in [DESKTOP, ZOOMED] {
            let screen = patient(name);
            let focus = Focus { serial: 99, target: FocusTarget::Answer };
            let mut window = desk(Screen { focus, ..screen }, size);
            assert_eq!(focused(&window), Some((Role::Image, kind.word().to_owned())), "{name}");
            window.key_press(Key::Tab);
            window.run();
            let (role, headline) = focused(&window).unwrap_or_else(|| panic!("{name}: nothing"));
            assert!(role == Role::Heading && headline.starts_with(kind.word()), "{name}: {headline}");
        }
    }
}

#[test]
fn the_gender_gets_the_keyboard_and_says_what_is_wrong() {
    let words = "An estimated date of birth needs the gender";
    let mut form = fixtures::search();
    form.gender_error = Some(words.to_owned());
    let focus = Focus { serial: 1, target: FocusTarget::Gender };
    let window = desk(Screen { focus, ..fixtures::screen(Body::Search(form)) }, DESKTOP);
    assert_eq!(focused(&window), Some((Role::RadioButton, "Any".to_owned())));
    let group = window.get_by_role_and_label(Role::RadioGroup, "Gender");
    assert_eq!(group.accesskit_node().data().description(), Some(words));
    assert!(group.accesskit_node().data().error_message().is_some());
}

#[test]
fn a_failed_search_says_what_to_do_whatever_it_is() {
    let Body::Search(mut form) = patient("07-no-match").body else { panic!("a search") };
    form.next_steps = vec!["Immediate danger: 999".to_owned()];
    for size in [DESKTOP, ZOOMED] {
        desk(fixtures::screen(Body::Search(form.clone())), size).get_by_label("Immediate danger: 999");
    }
}

#[test]
fn enter_in_the_same_frame_as_the_last_letter_searches_for_the_whole_text() {
    let mut window = desk(search(FocusTarget::Field(Field::FamilyName)), DESKTOP);
    window.event(Event::Text("Adeyemi".to_owned()));
    window.event(key(Key::Enter));
    window.run();
    let typed = Command::Typed(Field::FamilyName, "Adeyemi".to_owned());
    assert_eq!(window.state().asked, [typed, Command::Find]);
}

#[test]
fn escape_closes_the_help_and_only_then_leaves_the_patient() {
    for screen in [search(FocusTarget::Field(Field::DateOfBirth)), patient("10-alert")] {
        for size in [DESKTOP, ZOOMED] {
            let mut window = desk(screen.clone(), size);
            let before = focused(&window);
            window.state_mut().screen.help = Some(fixtures::help());
            window.run();
            window.state_mut().asked.clear();
            window.key_press(Key::Escape);
            window.step();
            assert_eq!(window.state().asked.first(), Some(&Command::Help), "{:?}", window.state().asked);
            assert!(!window.state().asked.contains(&Command::NewSearch));
            window.state_mut().screen.help = None;
            window.run();
            if matches!(window.state().screen.body, Body::Search(_)) {
                assert_eq!(focused(&window), before, "the field has its keyboard again");
            }
            window.state_mut().asked.clear();
            window.key_press(Key::Escape);
            window.run();
            assert_eq!(window.state().asked.first(), Some(&Command::NewSearch));
        }
    }
}

#[test]
fn the_new_search_button_starts_a_new_search_whether_or_not_the_help_is_shown() {
    let mut window = desk(Screen { help: Some(fixtures::help()), ..patient("10-alert") }, DESKTOP);
    window.get_by_role_and_label(Role::Button, "New search").click();
    window.run();
    assert_eq!(window.state().asked, [Command::NewSearch]);
}

#[test]
fn enter_does_not_search_a_form_that_the_help_covers() {
    let form = || Screen { help: Some(fixtures::help()), ..search(FocusTarget::Field(Field::NhsNumber)) };
    let mut narrow = desk(form(), ZOOMED);
    narrow.key_press(Key::Enter);
    narrow.run();
    assert_eq!(narrow.state().asked, []);
    let mut wide = desk(form(), DESKTOP);
    wide.key_press(Key::Enter);
    wide.run();
    assert_eq!(wide.state().asked, [Command::Find]);
}

#[test]
fn what_assistive_software_presses_is_not_keyed_even_beside_a_key() {
    let mut window = desk(patient("not-checked"), DESKTOP);
    let open = window.get_by_label("Open child protection information").accesskit_node().locate().0;
    for (press, keyed) in [(Action::Focus, true), (Action::Click, false)] {
        window.event(Event::AccessKitActionRequest(ActionRequest {
            action: press,
            target_tree: TreeId::ROOT,
            target_node: open,
            data: None,
        }));
        window.event(key(Key::Enter));
        window.run();
        assert_eq!(window.state().asked, [Command::Open], "{press:?}");
        assert_eq!(window.state().keyed, keyed, "{press:?}");
        window.state_mut().asked.clear();
    }
}

#[test]
fn what_is_copied_or_cut_in_a_field_is_handed_out_and_not_put_on_the_clipboard_by_egui() {
    for press in [Event::Copy, Event::Cut] {
        let mut form = search(FocusTarget::Field(Field::FamilyName));
        if let Body::Search(search) = &mut form.body {
            search.fields[2].text = "Adeyemi".to_owned();
        }
        let mut window = desk(form, DESKTOP);
        window.key_press_modifiers(Modifiers::COMMAND, Key::A);
        window.run();
        window.event(press.clone());
        for _ in 0..4 {
            window.step();
            let copies = |command: &OutputCommand| matches!(command, OutputCommand::CopyText(_));
            assert!(!window.output().platform_output.commands.iter().any(copies));
        }
        let copied = Command::CopyTyped("Adeyemi".to_owned());
        let cut = Command::Typed(Field::FamilyName, String::new());
        let expected = if press == Event::Copy { vec![copied] } else { vec![cut, copied] };
        assert_eq!(window.state().asked, expected);
    }
}
