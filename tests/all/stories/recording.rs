//! What is recorded of a view, and what is said of that: told, told earlier, in error, copied, seen before,
//! found and not opened.

use cpis::client::Limits;
use eframe::egui::{Key, Modifiers};

use super::proxy::{Act, Proxy, answer};
use super::town::{AMELIA, ISLA, RUBY, Town, ZARA};

const CTRL_SHIFT: Modifiers = Modifiers { ctrl: true, command: true, ..Modifiers::SHIFT };

#[test]
fn h19_checking_again_within_30_minutes_tells_nobody_again_and_says_so() {
    let town = Town::new();
    let since = town.book().newest();
    let mut desk = town.desk().nurse();
    desk.look_up(AMELIA);
    desk.wait_for("Wexcombe Borough Council will be told");
    desk.check_again();
    desk.wait_for("Wexcombe Borough Council was told of your earlier view 12:00, and is not told again");
    town.pass(31 * 60);
    desk.check_again();
    desk.wait_for("Checked 12:31");
    desk.wait_for("Wexcombe Borough Council will be told");
    let views = town.book().views_after(since);
    let told: Vec<_> =
        views.iter().map(|view| (view.told.len(), view.told_earlier.len(), view.histories)).collect();
    assert_eq!(told, [(1, 0, 1), (0, 1, 1), (1, 0, 1)]);
    // Not an attendance of its own: the third is a repeat of the first.
    let kinds = town.book().column("SELECT sequence FROM outbox WHERE view_id > ?1 ORDER BY id", [since]);
    assert_eq!(kinds, ["first", "repeat"]);
}

#[test]
fn h24_opened_in_error_is_logged_and_goes_to_each_authority_as_a_correction() {
    let town = Town::new();
    let (since, audited) = (town.book().newest(), town.book().newest_audit());
    let mut desk = town.desk().nurse();
    desk.look_up(ZARA);
    desk.chord(CTRL_SHIFT, Key::E);
    desk.wait_for("Opened in error: recorded, and added to what social care is told");
    assert!(!desk.has_button("Opened in error"));
    desk.chord(CTRL_SHIFT, Key::E);
    let corrected = town.book().column(
        "SELECT authority_name FROM outbox WHERE view_id > ?1 AND kind = 'correction' ORDER BY 1",
        [since],
    );
    assert_eq!(corrected, ["Northmoor County Council", "Wexcombe Borough Council"]);
    let logged = town.book().audited_after(audited);
    assert_eq!(logged.iter().filter(|entry| entry.starts_with("opened-in-error")).count(), 1, "{logged:?}");
}

#[test]
fn h24_opened_in_error_that_the_hub_did_not_take_says_so_and_can_be_said_again() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    desk.look_up(AMELIA);
    proxy.on("/opened-in-error", |_| Act::Say(answer(500, "text/plain", "")));
    desk.press("Opened in error");
    desk.wait_for("Opened in error could not be recorded: the CP-IS service has a fault. Try once more");
    proxy.heal();
    desk.press("Opened in error");
    desk.wait_for("Opened in error: recorded");
}

#[test]
fn copies_are_recorded_before_they_are_made_and_go_when_the_patient_goes() {
    let town = Town::new();
    let audited = town.book().newest_audit();
    let mut desk = town.desk().nurse();
    desk.look_up(AMELIA);
    desk.press("Copy 01632 960101");
    desk.wait_for("Copied");
    assert_eq!(desk.clipboard.text().as_deref(), Some("01632 960101"));
    desk.chord(CTRL_SHIFT, Key::C);
    let summary = desk.until("the summary", |desk| desk.clipboard.text().filter(|text| text.contains('\n')));
    assert!(
        summary.starts_with("SAFEGUARDING: hide from online and proxy access; not for discharge letters")
    );
    assert!(summary.ends_with("Social care rung at __, spoke to __"));
    assert!(summary.contains("HART, Amelia, NHS number 999 000 0018") && summary.contains("01632 960102"));
    assert!(
        !summary.contains("triage nurse, emergency department, Wexcombe"),
        "the history stays out: {summary}"
    );
    let copied = town.book().audited_after(audited);
    let copies: Vec<_> = copies_of(&copied);
    assert_eq!(copies.len(), 2, "{copied:?}");
    desk.new_search();
    assert_eq!(desk.clipboard.text(), None);
}

fn copies_of(audited: &[String]) -> Vec<&String> {
    audited.iter().filter(|entry| entry.starts_with("copy-")).collect()
}

#[test]
fn a_copy_that_the_hub_cannot_record_is_not_made_and_that_is_said() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    desk.look_up(AMELIA);
    desk.wait_for("Opened by");
    let refusals: [(u16, &str); 3] = [
        (500, "the CP-IS service has a fault"),
        (403, "the CP-IS service refused: your role may not do this"),
        (401, "the CP-IS service did not accept the question"),
    ];
    for (status, cause) in refusals {
        proxy.on("/AuditEvent", move |_| Act::Say(answer(status, "text/plain", "")));
        for button in ["Copy 01632 960101", "Copy summary"] {
            desk.press(button);
            desk.wait_for(&format!("Not copied, because the copy could not be recorded: {cause}"));
            assert_eq!(desk.clipboard.text(), None);
        }
    }
    proxy.listen(false);
    desk.chord(CTRL_SHIFT, Key::N);
    desk.wait_for(
        "Not copied, because the copy could not be recorded: there is no connection to the CP-IS service",
    );
    assert_eq!(desk.clipboard.text(), None);
    proxy.listen(true);
    proxy.heal();
    desk.chord(CTRL_SHIFT, Key::N);
    desk.wait_for("Copied");
    assert_eq!(desk.clipboard.text().as_deref(), Some("01632 960101"));
}

#[test]
fn a_child_at_three_organisations_in_ten_days_leaps_out() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.look_up(RUBY);
    desk.wait_for("Opened 7 times, about 5 visits, 3 organisations");
    desk.wait_for("Who opened this information, not when the child attended");
    let rows: Vec<String> =
        desk.texts().into_iter().filter(|text| text.contains(" at 1") && text.contains("2027")).collect();
    assert!(
        desk.text("10 March 2027 at 12:00, Sam Okafor").is_some_and(|row| row.ends_with("your present view"))
    );
    for organisation in
        ["Northmoor Royal Infirmary", "Thamesbury Walk-in Centre", "Wexcombe General Hospital"]
    {
        assert!(desk.text_with(&format!(", {organisation}")).is_some(), "{organisation}: {rows:?}");
    }
    // Painted on its own ground, and not as the line that a quiet summary is.
    let quiet = {
        desk.new_search();
        desk.look_up(AMELIA);
        desk.check_again();
        town.pass(25 * 3600);
        desk.press("Sign out");
        desk.sign_in("Dr Priya Nair");
        desk.look_up(AMELIA);
        desk.wait_for("Opened 2 times, about 2 visits, 1 organisation")
    };
    assert!(!quiet.contains("3 organisations"));
}

#[test]
fn h23_people_who_are_found_and_not_opened_are_counted_once_each() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    let count = |desk: &super::desk::Desk| desk.text_with("found, not opened");
    desk.find_patient(ISLA);
    assert_eq!(count(&desk), None);
    desk.new_search();
    assert_eq!(count(&desk).as_deref(), Some("1 found, not opened"));
    desk.find_patient(ISLA);
    desk.new_search();
    assert_eq!(count(&desk).as_deref(), Some("1 found, not opened"));
    desk.find_patient(AMELIA);
    desk.new_search();
    assert_eq!(count(&desk).as_deref(), Some("2 found, not opened"));
    // No match is nobody found.
    desk.ask((AMELIA.0, "13-Jul-2019"));
    desk.wait_for_answer();
    desk.new_search();
    assert_eq!(count(&desk).as_deref(), Some("2 found, not opened"));
    desk.look_up(ISLA);
    desk.new_search();
    assert_eq!(count(&desk).as_deref(), Some("1 found, not opened"));
    desk.press("Sign out");
    desk.sign_in("Sam Okafor");
    assert_eq!(count(&desk), None);
}

#[test]
fn h18_nothing_held_tells_nobody_and_says_that_this_must_not_lower_the_concern() {
    let town = Town::new();
    let since = town.book().newest();
    let mut desk = town.desk().nurse();
    assert_eq!(desk.look_up(ISLA), "Nothing held: no current or recent plan is held on CP-IS");
    desk.wait_for("This must not lower your concern");
    desk.wait_for("No local authority was told");
    desk.wait_for("This is not a referral. Nobody has been rung");
    desk.wait_for("Immediate danger: 999");
    desk.wait_for("Safeguarding lead: Ada Byrne, named nurse for safeguarding, 01632 960200");
    let views = town.book().views_after(since);
    assert_eq!((views.len(), views[0].histories, views[0].told.len()), (1, 0, 0));
}
