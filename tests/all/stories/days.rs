//! What the passing of days does to an answer, decided on the hub's clock; and what is said of the unborn.

use super::desk::{Desk, NOT_OPENED};
use super::town::{AMELIA, Town, Who};

const MEGAN: Who = ("999 000 0069", "17-Aug-1994");
const KEIRA: Who = ("999 000 0093", "21-Jan-1998");

const DAY: i64 = 24 * 60 * 60;

#[test]
fn h14_a_looked_after_child_who_turns_eighteen_at_midnight() {
    // A minute before midnight in London, in summer: an hour before it in UTC.
    let town = Town::at("2027-06-16T22:59:00Z".parse().unwrap());
    let mut desk = town.desk().nurse();
    desk.ask(("999 000 0107", "17-Jun-2009"));
    desk.wait_for(NOT_OPENED);
    assert_eq!(desk.open(), "Alert: Looked After Child");
    assert!(desk.text_with("age 17 years 11 months").is_some());
    town.pass(120);
    assert_eq!(desk.check_again(), "Nothing held: no current or recent plan is held on CP-IS");
    desk.wait_for("For adults CP-IS shows only unborn plans");
    assert!(desk.text_with("age 18 years").is_some());
    desk.wait_for("No local authority was told");
}

#[test]
fn h10_h12_an_unborn_plan_is_an_alert_until_its_tail_is_over_however_old_the_mother() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    let check = |desk: &Desk| {
        for said in [
            "About this patient's unborn baby, not about this patient",
            "If the baby has been born, find the baby too; the baby's record may not show a plan yet",
        ] {
            assert!(desk.text(said).is_some(), "{said}:\n{}", desk.tree());
        }
        assert_eq!(desk.text_with("pregnan"), None);
    };
    assert_eq!(desk.look_up(MEGAN), "Alert: Unborn Child Protection Plan");
    check(&desk);
    assert!(desk.text("Due 19 May 2027").is_some(), "{}", desk.tree());
    desk.new_search();
    // Due three days ago: 28 days of tail, of which 25 are left.
    assert_eq!(desk.look_up(KEIRA), "Alert: Unborn Child Protection Plan");
    check(&desk);
    assert!(desk.text("Due or ended 07-Mar-2027").is_some());
    assert!(desk.text("The baby may not be born yet, or may just have been").is_some());
    town.pass(25 * DAY);
    // Sessions do not last as long.
    desk.key(eframe::egui::Key::F5);
    desk.wait_for("Your session has ended");
    let mut desk = town.desk().nurse();
    assert_eq!(desk.look_up(KEIRA), "Alert: Unborn Child Protection Plan");
    town.pass(DAY);
    let mut desk = town.desk().nurse();
    assert_eq!(desk.look_up(KEIRA), "Nothing held: no current or recent plan is held on CP-IS");
}

#[test]
fn h10_an_ended_plan_is_a_past_plan_for_a_year_and_never_an_alert() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    let leo = ("999 000 0042", "11-Dec-2019");
    assert_eq!(desk.look_up(leo), "Past plan: Child Protection Plan");
    desk.wait_for("Ended 09-Jan-2027. The child may have moved or become looked after");
    desk.wait_for("An ended plan does not mean an ended risk");
    // 60 days ago; 364 days after the end is the last day.
    town.pass(304 * DAY);
    let mut desk = town.desk().nurse();
    assert_eq!(desk.look_up(leo), "Past plan: Child Protection Plan");
    town.pass(DAY);
    let mut desk = town.desk().nurse();
    assert_eq!(desk.look_up(leo), "Nothing held: no current or recent plan is held on CP-IS");
}

#[test]
fn h27_the_line_to_ring_now_follows_the_hubs_clock_and_says_until_when() {
    let check = |at: &str, first: &str, why: Option<&str>| {
        let town = Town::at(at.parse().unwrap());
        let mut desk = town.desk().nurse();
        desk.look_up(AMELIA);
        assert!(desk.text(first).is_some(), "{at}:\n{}", desk.tree());
        if let Some(why) = why {
            assert!(desk.text(why).is_some(), "{at}:\n{}", desk.tree());
            assert_eq!(desk.text("Ring now"), None, "{at}");
        }
    };
    check("2027-03-10T12:00:00Z", "Ring now: Office hours, 01632 960101, until 17:00", None);
    check("2027-03-10T20:00:00Z", "Ring now: Emergency duty team, 01632 960102, until 08:30", None);
    // Easter: Friday and Monday are bank holidays.
    check(
        "2027-03-26T12:00:00Z",
        "Ring now: Emergency duty team, 01632 960102, until 08:30 Tuesday 30-Mar-2027",
        None,
    );
    check("2027-03-10T16:45:00Z", "Office hours, 01632 960101", Some("The lines change over at 17:00"));
    check(
        "2033-03-09T12:00:00Z",
        "Office hours, 01632 960101",
        Some("It is not known whether today is a bank holiday"),
    );
}

#[test]
fn a_session_that_has_ended_is_said_to_have_and_a_new_one_goes_on() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    desk.find_patient(AMELIA);
    town.pass(11 * 60 * 60);
    desk.wait_for("Your session has ended");
    desk.sign_in("Sam Okafor");
    assert_eq!(desk.look_up(AMELIA), "Alert: Child Protection Plan");
}
