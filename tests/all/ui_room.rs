//! The drawing where there is little room: nothing is cut off, nothing covers anything, everything can be scrolled to.

use cpis::domain::AnswerKind;
use cpis::viewer::command::Command;
use cpis::viewer::present::Screen;
use cpis::viewer::present::screen::{Action, AnswerPanel, AnswerSlot, Body, Patient, Prominence};
use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Modifiers, MouseWheelSource, MouseWheelUnit, Pos2, Rect, TouchPhase, Vec2, pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use crate::ui_fixtures as fixtures;
use crate::ui_screens::{Desk, desk};

/// The smallest window, and 200 % zoom on a small desktop.
const SMALL: [Vec2; 2] = [Vec2::new(640.0, 360.0), Vec2::new(683.0, 374.0)];

const WARNING: &str = "You do not have an answer. Treat it as unknown, never as no plan";
const LAST_STEP: &str = "Safeguarding lead: Dr Priya Nair, 01793 604020 extension 4471";

fn could_not(rest: &str, more: &[&str], line: &str) -> Patient {
    let mut panel: AnswerPanel = fixtures::answer(AnswerKind::CouldNotCheck, rest, &[line]);
    panel.warnings.push(WARNING.to_owned());
    panel.warnings.extend(more.iter().map(|words| (*words).to_owned()));
    let mut patient = fixtures::patient(panel);
    patient.banner.name = "Baby of KOWALCZYK-FITZWILLIAM, Konstancja Aleksandra (Ms)".to_owned();
    patient.banner.marks =
        vec!["One of twins: check the given name".to_owned(), "Restricted record".to_owned()];
    patient
}

fn overflowing() -> [Patient; 2] {
    [
        could_not(
            ": restricted record",
            &[],
            "CP-IS cannot hold plans for people with a restricted record. Ring Swindon Borough Council, 01793 464646",
        ),
        could_not(
            ": 2 records could not be read",
            &["2 records could not be read: ring the local authority below, and ask what else is held"],
            "What could be read is listed below. It is not all that is held",
        ),
    ]
}

/// Whether something is in sight as a whole, below what stays: the banner for the headline, the headline for the rest.
fn sees(window: &Harness<'_, Desk>, size: Vec2, above: &str, label: &str) -> bool {
    let above = window.get_by_label(above).rect();
    let below = Rect::from_min_max(pos2(0.0, above.bottom()), size.to_pos2());
    window.query_all_by_label(label).any(|node| below.contains_rect(node.rect()))
}

#[test]
fn a_long_answer_leaves_room_to_scroll_to_all_that_goes_with_it() {
    for size in SMALL {
        for patient in overflowing() {
            let AnswerSlot::Answered(panel) = &patient.answer else { panic!("answered") };
            let panel = panel.clone();
            let window = &mut desk(fixtures::screen(Body::Patient(patient)), size);
            let mut unseen: Vec<String> = panel.warnings.iter().chain(&panel.lines).cloned().collect();
            unseen.push(LAST_STEP.to_owned());
            window.hover_at(pos2(size.x / 2.0, size.y - 8.0));
            for _ in 0..60 {
                assert!(
                    sees(window, size, "Restricted record", &panel.headline),
                    "{size:?}: the headline stays"
                );
                unseen.retain(|words| !sees(window, size, &panel.headline, words));
                window.event(Event::MouseWheel {
                    unit: MouseWheelUnit::Point,
                    delta: Vec2::new(0.0, -16.0),
                    phase: TouchPhase::Move,
                    source: MouseWheelSource::Unknown,
                    modifiers: Modifiers::NONE,
                });
                window.run();
            }
            assert_eq!(unseen, Vec::<String>::new(), "{size:?}");
        }
    }
}

#[test]
fn the_keyboard_brings_every_button_of_a_long_answer_into_sight() {
    for size in SMALL {
        for patient in overflowing() {
            let AnswerSlot::Answered(panel) = &patient.answer else { panic!("answered") };
            let headline = panel.headline.clone();
            let labels: Vec<String> = patient.actions.iter().map(|action| action.label.clone()).collect();
            let mut window = desk(fixtures::screen(Body::Patient(patient)), size);
            for label in labels {
                window.get_by_role_and_label(Role::Button, &label).focus();
                window.run();
                assert!(sees(&window, size, &headline, &label), "{size:?}: {label}");
            }
        }
    }
}

#[test]
fn nothing_that_is_written_covers_anything_else() {
    let long = overflowing().map(|patient| fixtures::screen(Body::Patient(patient)));
    let screens = fixtures::all().into_iter().map(|(_, screen)| screen).chain(long);
    for screen in screens {
        for size in SMALL {
            let window = desk(screen.clone(), size);
            let nodes: Vec<_> = window
                .root()
                .children_recursive()
                .filter(|node| {
                    let node = node.accesskit_node();
                    let written =
                        matches!(node.role(), Role::Label | Role::Heading | Role::Button | Role::Image);
                    written && node.data().live().is_none()
                })
                .map(|node| (node.accesskit_node().label().or_else(|| node.value()), node.rect()))
                .collect();
            for (at, (name, rect)) in nodes.iter().enumerate() {
                for (other, beside) in &nodes[..at] {
                    let shared = rect.intersect(*beside);
                    assert!(
                        !(shared.width() > 1.0 && shared.height() > 1.0),
                        "{size:?}: {name:?} {rect:?} over {other:?} {beside:?}"
                    );
                }
            }
        }
    }
}

fn silent(care: &str) -> Screen {
    let [patient, _] = overflowing();
    let mut screen = fixtures::screen(Body::Patient(patient));
    if let Some(bar) = screen.session.as_mut() {
        care.clone_into(&mut bar.care);
        bar.care_is_silent = true;
        bar.actions.insert(1, Action::new(Command::SwitchCare, Prominence::Quiet));
    }
    screen
}

#[test]
fn whether_social_care_is_told_is_never_cut_off() {
    let silent_care = "Scheduled care: social care is not told";
    let not_switched =
        format!("{silent_care}. Not switched: the connection to the hub is not secure, so it was not used");
    for size in SMALL.into_iter().chain([Vec2::new(960.0, 600.0), Vec2::new(1366.0, 738.0)]) {
        for care in [silent_care, &not_switched] {
            let window = desk(silent(care), size);
            let name = window.get_by_label("NHS No. 999 000 0018").rect();
            let bar = Rect::from_min_max(Pos2::ZERO, pos2(size.x, name.top()));
            let chip = window.get_by_label(care).rect();
            let count = window.get_by_label("2 found, not opened").rect();
            assert!(
                bar.contains_rect(chip) && bar.contains_rect(count),
                "{size:?}: {chip:?} {count:?} in {bar:?}"
            );
            // What is cut off has room for no more than what is left of it: at 14 points no letter is narrower.
            let letters = care.chars().count() as f32;
            assert!(chip.area() > letters * 6.0 * 14.0, "{size:?}: {chip:?} for {letters} letters");
            for node in window.get_all_by_role(Role::Button) {
                assert!(!node.rect().intersects(chip) && !node.rect().intersects(count), "{size:?}");
            }
        }
    }
}
