//! Test data for the state machine and the presenters: a state in any situation, made by the same events as
//! in the field.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use uuid::Uuid;

use crate::domain::{
    AccessReference, Authority, BirthDate, Candidate, CareSetting, Dated, Deceased, Failure, Gender,
    HeldPlan, NamedNumber, NhsNumber, OfficeHours, Person, PersonName, PlanKind, PlanPeriod, PlansAnswer,
    PlansReading, PostcodeCheck, SiteAdvice, Telephone,
};
use crate::viewer::command::{Command, Field};
use crate::viewer::effect::Effect;
use crate::viewer::event::Event;
use crate::viewer::state::{Now, Persona, Phase, Session, Setup, State};
use crate::viewer::update::update;

/// Sunday, 22 November 2026, 14:33 in London.
pub(in crate::viewer) fn hub_time() -> Timestamp {
    "2026-11-22T14:33:02Z".parse().unwrap()
}

/// So many milliseconds after the start; the fresh id differs each time.
pub(in crate::viewer) fn now(milliseconds: u64) -> Now {
    Now {
        tick: Duration::from_millis(milliseconds),
        wall: hub_time(),
        fresh: Uuid::from_u128(u128::from(milliseconds) + 1),
    }
}

pub(in crate::viewer) fn number() -> NhsNumber {
    NhsNumber::parse("9990000018").unwrap()
}

pub(in crate::viewer) fn amelia() -> Person {
    Person {
        number: number(),
        name: PersonName { family: "Hart".to_owned(), given: vec!["Amelia".to_owned()], title: None },
        born: Some(BirthDate::Day(date(2019, 7, 14))),
        gender: Gender::Female,
        multiple_birth: None,
        deceased: Deceased::No,
        restricted: false,
    }
}

/// As a search returns them.
pub(in crate::viewer) fn candidate(person: Person) -> Candidate {
    Candidate { person, score: 1000, matched_previous_name: false, postcode: PostcodeCheck::NotAsked }
}

pub(in crate::viewer) fn authority(name: &str) -> Authority {
    use jiff::civil::{Weekday, time};
    Authority {
        name: name.to_owned(),
        code: Some("ZZ801".to_owned()),
        office: Telephone::new("01632 960101"),
        emergency_duty: Telephone::new("01632 960102"),
        hours: Some(OfficeHours {
            days: vec![
                Weekday::Monday,
                Weekday::Tuesday,
                Weekday::Wednesday,
                Weekday::Thursday,
                Weekday::Friday,
            ],
            from: time(8, 30, 0, 0),
            to: time(17, 0, 0, 0),
        }),
        team: None,
    }
}

pub(in crate::viewer) fn plan(kind: Option<PlanKind>, end: Option<jiff::civil::Date>) -> HeldPlan {
    HeldPlan {
        kind,
        period: Some(PlanPeriod { start: date(2026, 1, 5), end }),
        authority: authority("Wexcombe Borough Council"),
        sent: Some("2026-11-21T02:00:00Z".parse().unwrap()),
    }
}

pub(in crate::viewer) fn plans_answer(plans: Vec<HeldPlan>) -> PlansAnswer {
    PlansAnswer {
        reading: PlansReading { plans, unreadable: vec![] },
        reference: AccessReference::parse("K7QM-3XHD").unwrap(),
        at: hub_time(),
    }
}

pub(in crate::viewer) fn nurse() -> Session {
    Session {
        user: "user-sam".to_owned(),
        name: "Sam Okafor".to_owned(),
        role: "triage nurse".to_owned(),
        organisation: "Wexcombe General Hospital".to_owned(),
        may_notify: true,
        may_view_silently: false,
        care: CareSetting::Unscheduled,
        switching: None,
        care_problem: None,
    }
}

pub(in crate::viewer) fn midwife() -> Session {
    Session { may_notify: false, may_view_silently: true, ..nurse() }
}

pub(in crate::viewer) fn receptionist() -> Session {
    Session { may_notify: false, may_view_silently: false, ..nurse() }
}

pub(in crate::viewer) fn advice() -> SiteAdvice {
    let named = |name: &str, number: &str| {
        Some(NamedNumber { name: name.to_owned(), telephone: Telephone::new(number).unwrap() })
    };
    SiteAdvice {
        lead: named("Ada Byrne", "01632 960200"),
        local_authority: named("Wexcombe children's services", "01632 960101"),
        it_help: None,
    }
}

/// Signed in, nothing typed.
pub(in crate::viewer) fn signed_in(session: Session) -> State {
    let persona = Persona {
        name: session.name.clone(),
        role: session.role.clone(),
        organisation: session.organisation.clone(),
        note: String::new(),
    };
    let setup = Setup { personas: vec![persona], site: advice(), ..Setup::default() };
    let mut state = State::new(setup, Phase::signed_out(None));
    update(&mut state, Event::pointed(Command::SignIn(0)), now(0));
    answer_sign_in(&mut state, Ok(session), 10);
    state
}

/// The last sign-in is answered.
pub(in crate::viewer) fn answer_sign_in(
    state: &mut State,
    result: Result<Session, Failure>,
    at: u64,
) -> Vec<Effect> {
    let ask = state.last_sign_in;
    update(state, Event::SignedIn(ask, result), now(at))
}

/// Types number and date of birth and searches. Returns the question's number.
pub(in crate::viewer) fn search_by_number(state: &mut State, at: u64) -> u64 {
    type_into(state, Field::NhsNumber, "999 000 0018", at);
    type_into(state, Field::DateOfBirth, "14-Jul-2019", at);
    let effects = update(state, Event::pointed(Command::Find), now(at));
    let Some(Effect::Retrieve(ask, ..)) = effects.first() else { panic!("asked: {effects:?}") };
    *ask
}

pub(in crate::viewer) fn type_into(state: &mut State, field: Field, text: &str, at: u64) {
    update(state, Event::pointed(Command::Typed(field, text.to_owned())), now(at));
}

/// The patient is on the desk since 1 s, nothing opened.
pub(in crate::viewer) fn found(session: Session, person: Person) -> State {
    let mut state = signed_in(session);
    let ask = search_by_number(&mut state, 900);
    update(
        &mut state,
        Event::Retrieved(ask, Ok(Dated { value: candidate(person), at: hub_time() })),
        now(1000),
    );
    state
}

/// Opens at 2 s. Returns the question's number.
pub(in crate::viewer) fn open(state: &mut State) -> u64 {
    let effects = update(state, Event::pointed(Command::Open), now(2000));
    let Some(Effect::OpenPlans(ask, _)) = effects.first() else { panic!("asked: {effects:?}") };
    *ask
}

/// The patient's record has been answered at 3 s.
pub(in crate::viewer) fn opened(session: Session, person: Person, plans: Vec<HeldPlan>) -> State {
    let mut state = found(session, person);
    let ask = open(&mut state);
    update(&mut state, Event::Plans(ask, Ok(plans_answer(plans))), now(3000));
    state
}
