//! The presenters as tables: every answer and every failure in its words.

use jiff::civil::date;

use super::screen::{AnswerPanel, AnswerSlot, Body, Patient, PlanTone};
use super::{contacts, screen, summary};
use crate::domain::{
    AccessReference, AccessStatus, AnswerKind, Authority, BirthDate, CareSetting, Deceased, Failure,
    HeldPlan, Notice, NoticeState, Person, PlanKind, PlansReading, ShownPlan, ShownStanding, Unreadable,
};
use crate::viewer::command::Command;
use crate::viewer::event::Event;
use crate::viewer::state::{Session, State};
use crate::viewer::tests::people::*;
use crate::viewer::update::update;

const CP: Option<PlanKind> = Some(PlanKind::ChildProtection);
const LAC: Option<PlanKind> = Some(PlanKind::LookedAfter);
const UNBORN: Option<PlanKind> = Some(PlanKind::UnbornChildProtection);

fn patient(state: &State) -> Patient {
    match screen(state, now(4000)).body {
        Body::Patient(patient) => patient,
        Body::Notice(_) | Body::SignIn(_) | Body::Search(_) => panic!("a patient"),
    }
}

fn panel(state: &State) -> AnswerPanel {
    match patient(state).answer {
        AnswerSlot::Answered(panel) => panel,
        AnswerSlot::Asking(_) => panic!("an answer"),
    }
}

fn answered(reading: PlansReading, person: Person) -> State {
    let mut state = found(nurse(), person);
    let ask = open(&mut state);
    let answer = crate::domain::PlansAnswer { reading, ..plans_answer(vec![]) };
    update(&mut state, Event::Plans(ask, Ok(answer)), now(3000));
    state
}

#[test]
fn the_headline_names_every_plan_that_calls_for_attention() {
    let ended = Some(date(2026, 3, 12));
    let check = |plans: Vec<HeldPlan>, unreadable: usize, expected: &str| {
        let reading = PlansReading { plans, unreadable: vec![Unreadable::NotAPlan; unreadable] };
        assert_eq!(panel(&answered(reading, amelia())).headline, expected);
    };
    check(vec![plan(CP, None)], 0, "Alert: Child Protection Plan");
    check(
        vec![plan(UNBORN, None), plan(LAC, None)],
        0,
        "Alert: Looked After Child, and an Unborn Child Protection Plan",
    );
    check(vec![plan(LAC, None), plan(CP, ended)], 0, "Alert: Looked After Child");
    check(vec![plan(CP, None), plan(CP, None)], 0, "Alert: Child Protection Plan");
    check(vec![plan(None, None)], 0, "Alert: plan of a kind this viewer does not know");
    check(vec![plan(CP, None)], 2, "Alert: Child Protection Plan");
    check(vec![plan(CP, ended)], 0, "Past plan: Child Protection Plan");
    check(vec![], 0, "Nothing held: no current or recent plan is held on CP-IS");
    check(vec![], 1, "Could not check: 1 record could not be read");
    check(vec![plan(CP, ended)], 2, "Could not check: 2 records could not be read");
}

#[test]
fn h8_nothing_held_must_not_lower_concern_and_says_what_is_not_held_there() {
    let check = |born: jiff::civil::Date, expected: &[&str]| {
        let person = Person { born: Some(BirthDate::Day(born)), ..amelia() };
        let mut state = signed_in(nurse());
        type_into(&mut state, crate::viewer::command::Field::NhsNumber, "999 000 0018", 900);
        type_into(
            &mut state,
            crate::viewer::command::Field::DateOfBirth,
            &crate::domain::dates::day(born),
            900,
        );
        update(&mut state, Event::pointed(Command::Find), now(900));
        let ask = state.last_ask;
        let found = crate::domain::Dated { value: candidate(person), at: hub_time() };
        update(&mut state, Event::Retrieved(ask, Ok(found)), now(1000));
        let ask = open(&mut state);
        update(&mut state, Event::Plans(ask, Ok(plans_answer(vec![]))), now(3000));
        let shown = panel(&state);
        assert_eq!(shown.kind, AnswerKind::NothingHeld);
        assert_eq!(shown.warnings, ["This must not lower your concern"]);
        let starts: Vec<&str> =
            shown.lines.iter().map(|line| line.split([' ', ':']).next().unwrap()).collect();
        assert_eq!(starts, expected, "{born}");
    };
    check(date(2019, 7, 14), &["Not"]);
    // H13: a newborn; an adult.
    check(date(2026, 11, 16), &["A", "Not"]);
    check(date(1994, 8, 17), &["For", "Not"]);
}

#[test]
fn h9_every_failure_is_could_not_check_and_says_what_to_do() {
    use Failure::*;
    for failure in [
        NameNotFound,
        NoConnection,
        NotSecure,
        TimedOut,
        CutShort,
        TooLarge,
        Unreadable,
        NoReference,
        SessionEnded,
        Unattended,
        Refused,
        NotKnown,
        NoLongerInUse,
        NotAccepted,
        AskedTooOften { seconds: 2400 },
        Busy,
        HubFailed,
        OtherPerson,
        NoTime,
    ] {
        let mut state = found(nurse(), amelia());
        let ask = open(&mut state);
        update(&mut state, Event::Plans(ask, Err(failure)), now(3000));
        let shown = panel(&state);
        assert_eq!(shown.kind, AnswerKind::CouldNotCheck, "{failure:?}");
        assert!(shown.headline.starts_with("Could not check: "), "{failure:?}");
        assert_eq!(shown.warnings, ["You do not have an answer. Treat it as unknown, never as no plan"]);
        assert!(!shown.lines.is_empty(), "{failure:?} says what to do");
        let says_recorded = shown.lines.iter().any(|line| line == "This view may already have been recorded");
        assert_eq!(says_recorded, failure.may_have_been_recorded(), "{failure:?}");
        let all = patient(&state);
        assert!(all.plans.is_empty() && all.receipt.is_none(), "no old answer beside a failure");
        assert!(all.next_steps.iter().any(|step| step.contains("999")), "{failure:?}");
        assert!(all.actions.iter().any(|action| action.label == "Check again"));
    }
}

#[test]
fn a_restricted_record_without_plans_could_not_be_checked() {
    let shown = panel(&answered(PlansReading::default(), Person { restricted: true, ..amelia() }));
    assert_eq!(shown.headline, "Could not check: restricted record");
    assert_eq!(
        shown.lines,
        [
            "CP-IS cannot hold plans for people with a restricted record. Ring Wexcombe children's services, 01632 960101"
        ]
    );
}

#[test]
fn a_broken_entry_beside_a_current_plan_is_as_loud_as_the_alert() {
    let reading = PlansReading { plans: vec![plan(CP, None)], unreadable: vec![Unreadable::Dates] };
    assert_eq!(
        panel(&answered(reading, amelia())).warnings,
        ["1 record could not be read: ring the local authority named here, and ask what else is held"]
    );
}

#[test]
fn what_is_said_before_opening_depends_on_the_role() {
    let check = |session: Session, line: &str, may_open: bool| {
        let state = found(session, amelia());
        let shown = panel(&state);
        assert_eq!(shown.headline, "Not checked: you do not have an answer yet");
        assert!(shown.lines[0].starts_with(line), "{:?}", shown.lines);
        let actions = patient(&state).actions;
        assert_eq!(actions.iter().any(|a| a.label == "Open child protection information"), may_open);
    };
    check(
        nurse(),
        "Opening records your name, role and organisation. If a plan is held, its local authority is told",
        true,
    );
    check(midwife(), "Opening is recorded in the audit log. In scheduled care social care is not told", true);
    check(receptionist(), "Your role cannot open this", false);
    let both = Session { may_view_silently: true, ..nurse() };
    check(both.clone(), "Opening records your name", true);
    check(Session { care: CareSetting::Scheduled, ..both }, "Opening is recorded in the audit log", true);
}

#[test]
fn h11_an_unborn_plan_is_never_said_to_be_about_the_patient() {
    let cards = patient(&answered(
        PlansReading {
            plans: vec![plan(UNBORN, Some(date(2026, 11, 19))), plan(LAC, None)],
            unreadable: vec![],
        },
        amelia(),
    ))
    .plans;
    assert_eq!(cards[0].about, "About this patient");
    assert_eq!(cards[1].title, "Unborn Child Protection Plan");
    assert_eq!(cards[1].about, "About this patient's unborn baby, not about this patient");
    assert_eq!(cards[1].standing, "Due or ended 19-Nov-2026");
    assert_eq!(cards[1].notes[0], "The baby may not be born yet, or may just have been");
    assert_eq!(cards[1].tone, PlanTone::Alert);
    let state = answered(PlansReading { plans: vec![plan(UNBORN, None)], unreadable: vec![] }, amelia());
    assert!(!format!("{:?}", screen(&state, now(4000))).contains("pregnant"), "a plan can outlive a loss");
}

#[test]
fn h10_an_ended_plan_is_marked_as_ended_and_never_as_an_alert() {
    let ended = answered(
        PlansReading { plans: vec![plan(CP, Some(date(2026, 3, 12)))], unreadable: vec![] },
        amelia(),
    );
    let card = &patient(&ended).plans[0];
    assert_eq!((card.tone, card.standing.as_str()), (PlanTone::Past, "Ended 12-Mar-2026"));
    assert_eq!(
        panel(&ended).lines,
        [
            "Ended 12-Mar-2026. The child may have moved or become looked after",
            "An ended plan does not mean an ended risk"
        ]
    );
}

#[test]
fn two_authorities_are_both_to_be_rung() {
    let other = HeldPlan { authority: authority("Northmoor County Council"), ..plan(LAC, None) };
    let state = answered(PlansReading { plans: vec![plan(CP, None), other], unreadable: vec![] }, amelia());
    assert_eq!(panel(&state).lines, ["Two local authorities hold plans: ring both"]);
    let headings: Vec<String> = patient(&state).contacts.into_iter().map(|card| card.heading).collect();
    assert_eq!(headings, ["Wexcombe Borough Council", "Northmoor County Council"]);
}

#[test]
fn h27_the_number_to_ring_now_is_first_and_what_is_missing_is_said() {
    let shown = |authority: Authority, at: &str| {
        let plan = HeldPlan { authority, ..plan(CP, None) };
        let plans = [ShownPlan { plan, standing: ShownStanding::Current }];
        let card = contacts(&plans, at.parse().unwrap()).remove(0);
        let lines: Vec<String> = card
            .lines
            .iter()
            .map(|line| {
                format!(
                    "{}{}|{}|{}",
                    if line.is_first { "*" } else { "" },
                    line.label,
                    line.number,
                    line.note.clone().unwrap_or_default()
                )
            })
            .collect();
        (card.why_both, lines)
    };
    let council = || authority("Wexcombe Borough Council");
    let sunday = "2026-11-22T14:33:00Z";
    assert_eq!(
        shown(council(), sunday).1,
        [
            "*Ring now: Emergency duty team|01632 960102|until 08:30 Monday 23-Nov-2026",
            "Office hours|01632 960101|"
        ]
    );
    assert_eq!(
        shown(council(), "2026-11-20T10:00:00Z").1[0],
        "*Ring now: Office hours|01632 960101|until 17:00"
    );
    let (why, lines) = shown(council(), "2026-11-20T16:45:00Z");
    assert_eq!(why.as_deref(), Some("The lines change over at 17:00: try either number"));
    assert_eq!(lines, ["*Office hours|01632 960101|", "*Emergency duty team|01632 960102|"]);
    let (why, _) = shown(Authority { hours: None, ..council() }, sunday);
    assert_eq!(why.as_deref(), Some("This authority's office hours are not known: try either number"));
    let missing = shown(Authority { emergency_duty: None, ..council() }, sunday).1;
    assert_eq!(
        missing[0],
        "*Ring now: Emergency duty team|No out-of-hours number is held for Wexcombe Borough Council|until 08:30 Monday 23-Nov-2026; ring the other number, or the authority where the child is now"
    );
    let odd = shown(
        Authority { emergency_duty: crate::domain::Telephone::new("via switchboard"), ..council() },
        sunday,
    )
    .1;
    assert!(
        odd[0].contains("|via switchboard|")
            && odd[0].ends_with("this does not look like a telephone number")
    );
}

#[test]
fn h18_the_receipt_says_who_is_told_and_never_more_than_the_hub_said() {
    let check = |notices: &[NoticeState], silent: bool, expected: &str| {
        let mut state = opened(nurse(), amelia(), vec![plan(CP, None)]);
        let notice =
            |state: &NoticeState| Notice { authority: "Wexcombe".to_owned(), state: *state, at: hub_time() };
        let status = AccessStatus {
            reference: AccessReference::parse("K7QM-3XHD").unwrap(),
            recorded: hub_time(),
            silent,
            notices: notices.iter().map(notice).collect(),
        };
        let ask = state.last_ask;
        update(&mut state, Event::Status(ask, Ok(status)), now(3100));
        let receipt = patient(&state).receipt.unwrap();
        assert_eq!(receipt.headline, "Recorded 14:33, reference K7QM-3XHD");
        assert_eq!(receipt.told, [expected]);
        assert_eq!(receipt.warning, "This is not a referral. Nobody has been rung");
    };
    check(&[NoticeState::Queued], false, "Wexcombe will be told");
    check(&[NoticeState::Delivered], false, "Wexcombe has been told 14:33");
    check(&[NoticeState::Filed], false, "Wexcombe: on the child's record 14:33");
    check(
        &[NoticeState::Returned],
        false,
        "Wexcombe could not be told so far; CP-IS keeps trying. Ring them",
    );
    check(
        &[NoticeState::ToldEarlier],
        false,
        "Wexcombe was told of your earlier view 14:33, and is not told again",
    );
    check(&[], false, "No local authority was told");
    check(&[], true, "Social care has not been told");
}

#[test]
fn the_banner_has_its_order_and_says_what_is_unusual() {
    let person = Person {
        deceased: Deceased::On(date(2026, 11, 2)),
        multiple_birth: None,
        restricted: true,
        ..amelia()
    };
    let banner = patient(&found(nurse(), person)).banner;
    let facts: Vec<String> =
        banner.facts.iter().map(|fact| format!("{} {}", fact.label, fact.value)).collect();
    assert_eq!(banner.name, "HART, Amelia");
    assert_eq!(facts, ["Born 14-Jul-2019 (7y 3m)", "Gender Female", "NHS No. 999 000 0018"]);
    assert_eq!(banner.facts[0].spoken, "Date of birth 14 July 2019, age 7 years 3 months");
    assert_eq!(banner.marks, ["Recorded as deceased on 02-Nov-2026", "Restricted record"]);
    assert!(banner.deceased);
}

#[test]
fn h29_what_is_announced_by_itself_is_the_answers_kind_alone() {
    let check = |state: &State, text: &str, assertive: bool| {
        let announcement = screen(state, now(4000)).announcement;
        assert_eq!((announcement.text.as_str(), announcement.assertive), (text, assertive));
    };
    check(
        &opened(nurse(), amelia(), vec![plan(LAC, None)]),
        "Alert. Read the child protection information",
        true,
    );
    check(&opened(nurse(), amelia(), vec![]), "Nothing held. This must not lower your concern", false);
    check(&found(nurse(), amelia()), "Not checked. You do not have an answer yet", false);
}

#[test]
fn h31_the_summary_begins_and_ends_with_its_warnings_and_has_no_history() {
    let state = opened(nurse(), amelia(), vec![plan(CP, None)]);
    let text = summary(state.desk().unwrap(), hub_time()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "SAFEGUARDING: hide from online and proxy access; not for discharge letters or copies to parents or carers",
            "CP-IS checked 22-Nov-2026 14:33 by Sam Okafor, triage nurse. Reference K7QM-3XHD",
            "HART, Amelia, NHS number 999 000 0018",
            "Alert: Child Protection Plan",
            "Child Protection Plan (Current). About this patient. Started 05-Jan-2026; Ends no end date is held; Local authority Wexcombe Borough Council",
            "Wexcombe Borough Council. Ring now: Emergency duty team: 01632 960102; Office hours: 01632 960101",
            "Social care rung at __, spoke to __",
        ]
    );
    assert_eq!(summary(found(nurse(), amelia()).desk().unwrap(), hub_time()), None, "nothing to sum up yet");
}

#[test]
fn a_history_at_three_organisations_is_said_with_the_answer() {
    let access = |hours: i64, organisation: &str| crate::domain::Access {
        at: hub_time() - jiff::SignedDuration::from_hours(hours),
        name: "Jo Marsh".to_owned(),
        role: "triage nurse".to_owned(),
        organisation: organisation.to_owned(),
        is_present_view: false,
    };
    let mut state = opened(nurse(), amelia(), vec![plan(CP, None)]);
    let accesses = vec![access(0, "A"), access(50, "B"), access(200, "C")];
    let ask = state.last_ask;
    let reading = crate::domain::HistoryReading { accesses, unreadable: 0 };
    update(&mut state, Event::History(ask, Ok(reading)), now(3100));
    assert_eq!(panel(&state).lines, ["Opened 3 times, about 3 visits, 3 organisations: see who opened it"]);
}

#[test]
fn no_title_ever_holds_anything_of_a_patient() {
    for state in
        [signed_in(nurse()), found(nurse(), amelia()), opened(nurse(), amelia(), vec![plan(CP, None)])]
    {
        assert_eq!(super::title(&state), "Child protection information");
    }
}
