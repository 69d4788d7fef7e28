//! A desk to tell stories at: the whole viewer without a window, before the demonstration's hub or before
//! what stands in front of it.
//!
//! Things are found by accessible role and name, as a screen reader finds them; nothing here knows the
//! viewer's state.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cpis::viewer::event::Event;
use cpis::viewer::run::{Clipboard, Desktop, Keychain, Start};
use cpis::viewer::ui::install;
use cpis::viewer::update::GUARD;
use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers, Shape, Vec2};
use egui_kittest::kittest::NodeT as _;
use egui_kittest::{Harness, Node};

use super::town::Who;

/// No answer of the viewer's takes as long as this, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the five answers begin with.
pub(crate) const FIVE: [&str; 5] = ["Alert", "Past plan", "Nothing held", "Not checked", "Could not check"];
/// Before opening.
pub(crate) const NOT_OPENED: &str = "Not checked: you do not have an answer yet";
/// The button that opens.
pub(crate) const OPEN: &str = "Open child protection information";

/// A clipboard in memory: these tests run where there is no display, and without one there is no clipboard
/// to open. The system's own is used by the stories in a real window.
#[derive(Clone, Default)]
pub(crate) struct MemoryClipboard(Arc<Mutex<Option<String>>>);

impl MemoryClipboard {
    pub(crate) fn text(&self) -> Option<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Clipboard for MemoryClipboard {
    fn put(&mut self, text: &str) -> bool {
        *self.0.lock().unwrap() = Some(text.to_owned());
        true
    }

    fn forget(&mut self) {
        *self.0.lock().unwrap() = None;
    }
}

/// See the module.
pub(crate) struct Desk {
    window: Harness<'static>,
    desktop: Rc<RefCell<Option<Desktop>>>,
    pub(crate) clipboard: MemoryClipboard,
}

impl Desk {
    pub(super) fn new(start: Start, runtime: tokio::runtime::Handle, clipboard: MemoryClipboard) -> Self {
        Self::with_keychain(start, None, runtime, clipboard)
    }

    pub(super) fn with_keychain(
        start: Start,
        keychain: Option<Keychain>,
        runtime: tokio::runtime::Handle,
        clipboard: MemoryClipboard,
    ) -> Self {
        let desktop: Rc<RefCell<Option<Desktop>>> = Rc::default();
        let (set_up, drawn) = (Rc::clone(&desktop), Rc::clone(&desktop));
        let window = Harness::builder()
            .with_size(Vec2::new(1366.0, 738.0))
            .with_max_steps(8)
            .with_context_setup(move |ctx| {
                install(ctx);
                *set_up.borrow_mut() = Some(Desktop::with_keychain(start, keychain, runtime, ctx.clone()));
            })
            .build_ui(move |ui| {
                if let Some(desktop) = drawn.borrow_mut().as_mut() {
                    desktop.logic();
                    desktop.frame(ui);
                }
            });
        Self { window, desktop, clipboard }
    }

    // What is there.

    fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        self.window.root().children_recursive()
    }

    fn find(&self, role: Role, begins: &str) -> Option<Node<'_>> {
        self.nodes().find(|node| is(node, role) && name(node).starts_with(begins))
    }

    pub(crate) fn has_button(&self, begins: &str) -> bool {
        self.find(Role::Button, begins).is_some()
    }

    /// Every text in the order of reading.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.nodes().flat_map(|node| said(&node)).filter(|text| !text.is_empty()).collect()
    }

    /// The first text that begins so.
    pub(crate) fn text(&self, begins: &str) -> Option<String> {
        self.texts().into_iter().find(|text| text.starts_with(begins))
    }

    /// The first text with this in it.
    pub(crate) fn text_with(&self, part: &str) -> Option<String> {
        self.texts().into_iter().find(|text| text.contains(part))
    }

    /// The whole tree, a line for each text.
    pub(crate) fn tree(&self) -> String {
        self.texts().join("\n")
    }

    /// What is painted, whether a screen reader would find it or not.
    pub(crate) fn painted(&self) -> String {
        let mut texts = Vec::new();
        for clipped in &self.window.output().shapes {
            painted(&clipped.shape, &mut texts);
        }
        texts.join("\n")
    }

    /// The answer's headline.
    pub(crate) fn headline(&self) -> Option<String> {
        let heading =
            |node: &Node<'_>| is(node, Role::Heading) && FIVE.iter().any(|word| name(node).starts_with(word));
        self.nodes().find(heading).map(|node| name(&node))
    }

    /// The whole answer: headline, warnings and what it means, down to the first button, but for the time.
    pub(crate) fn answer(&self) -> Vec<String> {
        let headline = self.headline().unwrap_or_default();
        self.nodes()
            .skip_while(|node| !(is(node, Role::Heading) && name(node) == headline))
            .take_while(|node| !is(node, Role::Button))
            .map(|node| name(&node))
            .filter(|text| !text.is_empty() && !text.starts_with("Checked "))
            .collect()
    }

    /// What a field holds.
    pub(crate) fn field(&self, label: &str) -> String {
        let node =
            self.find(Role::TextInput, label).unwrap_or_else(|| panic!("no field {label}:\n{}", self.tree()));
        node.value().unwrap_or_default()
    }

    /// The names of the people in the list, as they are read out.
    pub(crate) fn candidates(&self) -> Vec<String> {
        let is_person = |node: &Node<'_>| is(node, Role::Button) && name(node).contains(", NHS number ");
        self.nodes().filter(is_person).map(|node| name(&node)).collect()
    }

    /// What has the keyboard.
    pub(crate) fn focused(&self) -> String {
        self.nodes().find(Node::is_focused).map(|node| name(&node)).unwrap_or_default()
    }

    pub(crate) fn title(&self) -> &'static str {
        self.desktop.borrow().as_ref().map_or("", Desktop::title)
    }

    // What is done.

    /// Draws until there is nothing more to draw; holds that every input has a name and every glyph is there.
    pub(crate) fn rest(&mut self) {
        self.window.run();
    }

    /// Draws for a while, whatever happens.
    pub(crate) fn stay(&mut self, time: Duration) {
        let started = Instant::now();
        while started.elapsed() < time {
            self.window.step();
            sleep(Duration::from_millis(15));
        }
    }

    /// Draws until something is there.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, what: &str, look: impl Fn(&Self) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            self.window.step();
            if let Some(found) = look(self) {
                return found;
            }
            assert!(started.elapsed() < PATIENCE, "{what} did not come. What is there:\n{}", self.tree());
            sleep(Duration::from_millis(15));
        }
    }

    /// Draws until a text begins so.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, begins: &str) -> String {
        let text = self.until(begins, |desk| desk.text(begins));
        self.rest();
        text
    }

    /// Draws until there is an answer to what was asked last.
    #[track_caller]
    pub(crate) fn wait_for_answer(&mut self) -> String {
        let headline =
            self.until("an answer", |desk| desk.headline().filter(|headline| headline != NOT_OPENED));
        self.rest();
        headline
    }

    #[track_caller]
    pub(crate) fn press(&mut self, button: &str) {
        self.press_role(Role::Button, button);
    }

    #[track_caller]
    pub(crate) fn press_role(&mut self, role: Role, begins: &str) {
        match self.find(role, begins) {
            Some(node) => node.click_accesskit(),
            None => panic!("nothing to press that is called {begins}:\n{}", self.tree()),
        }
        self.rest();
    }

    pub(crate) fn key(&mut self, key: Key) {
        self.window.key_press(key);
        self.rest();
    }

    pub(crate) fn chord(&mut self, modifiers: Modifiers, key: Key) {
        self.window.key_press_modifiers(modifiers, key);
        self.rest();
    }

    /// Text and keys all at once, as a scanner types.
    pub(crate) fn burst(&mut self, text: &str, keys: &[Key]) {
        self.window.event(eframe::egui::Event::Text(text.to_owned()));
        for key in keys {
            self.window.key_press(*key);
        }
        self.rest();
    }

    /// The key goes down and is not let go of; again and again, that is the key repeating.
    pub(crate) fn key_down(&mut self, key: Key) {
        self.window.key_down(key);
        self.window.step();
    }

    pub(crate) fn key_up(&mut self, key: Key) {
        self.window.key_up(key);
        self.window.step();
    }

    #[track_caller]
    pub(crate) fn focus(&mut self, field: &str) {
        match self.find(Role::TextInput, field) {
            Some(node) => node.focus(),
            None => panic!("no field {field}:\n{}", self.tree()),
        }
        self.rest();
    }

    /// Types into a field in place of what is there.
    #[track_caller]
    pub(crate) fn type_into(&mut self, field: &str, text: &str) {
        self.focus(field);
        if !self.field(field).is_empty() {
            self.chord(Modifiers::COMMAND, Key::A);
        }
        self.window.event(eframe::egui::Event::Text(text.to_owned()));
        self.rest();
        assert_eq!(self.field(field), text);
    }

    #[track_caller]
    pub(crate) fn sign_in(&mut self, name: &str) {
        self.press(&format!("Sign in as {name},"));
        self.wait_for("Find patient");
    }

    /// The window is closed. Says whether all that was under way has come to its end: it waits a moment for that.
    pub(crate) fn close(&self) -> bool {
        self.desktop.borrow_mut().as_mut().unwrap().close()
    }

    /// The window is closed, and everything has come to its end, however long it takes.
    #[track_caller]
    pub(crate) fn close_and_hear(&mut self) {
        self.until("the end of everything", |desk| desk.close().then_some(()));
    }

    /// The system says something of itself.
    pub(crate) fn hear(&mut self, event: Event) {
        let hears = self.desktop.borrow().as_ref().unwrap().hears();
        hears(event);
    }

    /// Signed in as the triage nurse.
    #[track_caller]
    pub(crate) fn nurse(mut self) -> Self {
        self.sign_in("Sam Okafor");
        self
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, (number, born): (&str, &str)) {
        self.type_into("NHS number", number);
        self.type_into("Date of birth", born);
        self.key(Key::Enter);
    }

    #[track_caller]
    pub(crate) fn ask_by_name(&mut self, family: &str, born: &str) {
        self.type_into("Family name", family);
        self.type_into("Date of birth", born);
        self.key(Key::Enter);
    }

    /// Searches, and has the patient on the desk; not opened.
    #[track_caller]
    pub(crate) fn find_patient(&mut self, who: Who) {
        self.ask(who);
        self.wait_for(NOT_OPENED);
    }

    /// A moment passes: long enough that the next Enter is meant.
    pub(crate) fn moment(&mut self) {
        sleep(GUARD + Duration::from_millis(20));
        self.window.step();
    }

    /// Opens the patient who is on the desk, as assistive software presses a button: that is never the Enter of
    /// the search, and need not wait. With the keyboard see the stories about it.
    #[track_caller]
    pub(crate) fn open(&mut self) -> String {
        self.press(OPEN);
        self.wait_for_answer()
    }

    /// Finds and opens.
    #[track_caller]
    pub(crate) fn look_up(&mut self, who: Who) -> String {
        self.find_patient(who);
        self.open()
    }

    #[track_caller]
    pub(crate) fn check_again(&mut self) -> String {
        self.key(Key::F5);
        self.wait_for_answer()
    }

    pub(crate) fn new_search(&mut self) {
        self.key(Key::Escape);
    }
}

fn is(node: &Node<'_>, role: Role) -> bool {
    node.accesskit_node().role() == role
}

/// A label's text is its value, everything else has a name.
fn name(node: &Node<'_>) -> String {
    let node = node.accesskit_node();
    if node.role() == Role::TextRun {
        return String::new();
    }
    node.label().or_else(|| node.value()).unwrap_or_default()
}

/// Everything that a screen reader could say of a node.
fn said(node: &Node<'_>) -> Vec<String> {
    let node = node.accesskit_node();
    if node.role() == Role::TextRun {
        return Vec::new();
    }
    let description = node.data().description().map(str::to_owned);
    [node.label(), node.value(), description].into_iter().flatten().collect()
}

fn painted(shape: &Shape, texts: &mut Vec<String>) {
    if let Shape::Text(text) = shape {
        texts.push(text.galley.text().to_owned());
    } else if let Shape::Vec(shapes) = shape {
        shapes.iter().for_each(|shape| painted(shape, texts));
    }
}
