//! Typing, searching and choosing.

use super::{LONGEST_TEXT, focus, forget_typed, next_ask};
use crate::domain::{
    BirthDate, Candidate, ConfirmedPatient, Dated, Failure, Gender, NhsNumber, NotConfirmed, PostcodeCheck,
    SearchQuery, SearchReading,
};
use crate::viewer::command::Field;
use crate::viewer::effect::Effect;
use crate::viewer::present::screen::FocusTarget;
use crate::viewer::state::{
    Desk, Form, HubClock, NotFound, Now, PatientStage, Problem, Question, Record, SearchStage, Stage, State,
    WhyChoose,
};

/// The search on the desk, where there is one that is not covered.
fn search_mut(desk: &mut Desk) -> Option<&mut SearchStage> {
    match &mut desk.stage {
        Stage::Search(search) => Some(search),
        Stage::Patient(_) | Stage::Hidden { .. } => None,
    }
}

pub(super) fn typed(state: &mut State, field: Field, text: &str) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let Some(search) = search_mut(desk) else { return Vec::new() };
    // What was found belongs to what was typed before: a list beside another name would mislead.
    *search = SearchStage::Idle;
    *desk.form.text_mut(field) = text.chars().take(LONGEST_TEXT).collect();
    desk.form.problems.retain(|(at, problem)| *at != field && *problem != Problem::NumberOrName);
    Vec::new()
}

pub(super) fn choose_gender(state: &mut State, gender: Option<Gender>) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let Some(search) = search_mut(desk) else { return Vec::new() };
    *search = SearchStage::Idle;
    desk.form.gender = gender;
    desk.form.gender_needed = false;
    Vec::new()
}

/// Says what is wrong as the field is left; an empty field is not wrong yet.
pub(super) fn left(state: &mut State, field: Field, now: Now) -> Vec<Effect> {
    let today = state.today(now);
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let form = &mut desk.form;
    if form.text(field).trim().is_empty() {
        return Vec::new();
    }
    let problem = match field {
        Field::NhsNumber => NhsNumber::parse(&form.nhs_number).err().map(Problem::NhsNumber),
        Field::DateOfBirth => BirthDate::parse(&form.date_of_birth, today).err().map(Problem::BirthDate),
        Field::FamilyName | Field::GivenName | Field::Postcode => None,
    };
    form.problems.retain(|(at, _)| *at != field);
    form.problems.extend(problem.map(|problem| (field, problem)));
    Vec::new()
}

pub(super) fn find(state: &mut State, now: Now) -> Vec<Effect> {
    let today = state.today(now);
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    match search_mut(desk) {
        // Enter while searching, or while choosing, is not a new search.
        None | Some(SearchStage::UnderWay { .. }) => return Vec::new(),
        Some(SearchStage::Idle | SearchStage::NotFound { .. } | SearchStage::Choose { .. }) => {}
    }
    match question(&mut desk.form, today) {
        Ok(question) => {
            state.removed_unread = false;
            ask(state, question)
        }
        Err(first) => {
            focus(state, first);
            Vec::new()
        }
    }
}

/// What to ask for, or where the first problem is.
fn question(form: &mut Form, today: jiff::civil::Date) -> Result<Question, FocusTarget> {
    form.problems.clear();
    form.gender_needed = false;
    let by_number = !form.nhs_number.trim().is_empty();
    let number = by_number.then(|| NhsNumber::parse(&form.nhs_number));
    if let Some(Err(error)) = number {
        form.problems.push((Field::NhsNumber, Problem::NhsNumber(error)));
    }
    if !by_number && form.family_name.trim().is_empty() {
        form.problems.push((Field::NhsNumber, Problem::NumberOrName));
    }
    let born = BirthDate::parse(&form.date_of_birth, today);
    if let Err(error) = born {
        form.problems.push((Field::DateOfBirth, Problem::BirthDate(error)));
    }
    let (Ok(born), []) = (born, form.problems.as_slice()) else {
        let first = form.problems.first().map_or(Field::NhsNumber, |(field, _)| *field);
        return Err(FocusTarget::Field(first));
    };
    if !born.is_exact() && form.gender.is_none() {
        form.gender_needed = true;
        return Err(FocusTarget::Gender);
    }
    let kept = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    if let Some(Ok(number)) = number {
        let (gender, postcode) = (form.gender, kept(&form.postcode));
        return Ok(Question::Number { number, born, gender, postcode });
    }
    Ok(Question::Name(SearchQuery {
        family: form.family_name.trim().to_owned(),
        given: kept(&form.given_name),
        born,
        gender: form.gender,
        postcode: kept(&form.postcode),
        similar: false,
    }))
}

fn ask(state: &mut State, question: Question) -> Vec<Effect> {
    let ask = next_ask(state);
    let effect = match &question {
        Question::Number { number, postcode, .. } => Effect::Retrieve(ask, *number, postcode.clone()),
        Question::Name(query) => Effect::Search(ask, query.clone()),
    };
    if let Some(desk) = state.desk_mut() {
        desk.stage = Stage::Search(SearchStage::UnderWay { ask, question });
    }
    vec![effect]
}

/// Offered only after an exact search found nobody.
pub(super) fn find_similar(state: &mut State) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let query = match search_mut(desk) {
        Some(SearchStage::NotFound { question: Question::Name(query), why: NotFound::Nobody })
            if !query.similar =>
        {
            SearchQuery { similar: true, ..query.clone() }
        }
        Some(_) | None => return Vec::new(),
    };
    ask(state, Question::Name(query))
}

/// The question with this number, if it is the one under way, covered or not.
fn under_way(desk: &mut Desk, answered: u64) -> Option<(&mut SearchStage, Question)> {
    match desk.stage.uncovered_mut() {
        Stage::Search(search) => match search {
            SearchStage::UnderWay { ask, question } if *ask == answered => {
                let question = question.clone();
                Some((search, question))
            }
            SearchStage::UnderWay { .. }
            | SearchStage::Idle
            | SearchStage::NotFound { .. }
            | SearchStage::Choose { .. } => None,
        },
        Stage::Patient(_) | Stage::Hidden { .. } => None,
    }
}

pub(super) fn searched(
    state: &mut State,
    answered: u64,
    result: Result<Dated<SearchReading>, Failure>,
    now: Now,
) -> Vec<Effect> {
    let Some((search, question)) = state.desk_mut().and_then(|desk| under_way(desk, answered)) else {
        return Vec::new();
    };
    let at = result.as_ref().ok().map(|dated| dated.at);
    *search = match result.map(|dated| dated.value) {
        Err(failure) => SearchStage::NotFound { question, why: NotFound::Failed(failure) },
        Ok(SearchReading::TooMany) => SearchStage::NotFound { question, why: NotFound::TooMany },
        Ok(SearchReading::Found { candidates, unreadable }) => {
            if !candidates.is_empty() {
                SearchStage::Choose {
                    question,
                    candidates,
                    unreadable,
                    why: WhyChoose::ByName,
                    answered: now.tick,
                }
            } else if unreadable > 0 {
                // Somebody was found and cannot be shown: that is not "nobody".
                SearchStage::NotFound { question, why: NotFound::Failed(Failure::Unreadable) }
            } else {
                SearchStage::NotFound { question, why: NotFound::Nobody }
            }
        }
    };
    let target = target_after(search);
    set_clock(state, at, now);
    focus(state, target);
    Vec::new()
}

/// After a miss the keyboard goes where it can be mended; what it is, the live region says.
fn target_after(search: &SearchStage) -> FocusTarget {
    match search {
        SearchStage::Choose { .. } => FocusTarget::Candidate(0),
        SearchStage::NotFound { why: NotFound::DoNotBelongTogether, .. } => {
            FocusTarget::Field(Field::DateOfBirth)
        }
        SearchStage::NotFound { question: Question::Number { .. }, .. } => {
            FocusTarget::Field(Field::NhsNumber)
        }
        SearchStage::NotFound { question: Question::Name(_), .. } => FocusTarget::Field(Field::FamilyName),
        SearchStage::Idle | SearchStage::UnderWay { .. } => FocusTarget::Nowhere,
    }
}

fn set_clock(state: &mut State, at: Option<jiff::Timestamp>, now: Now) {
    if let Some(at) = at {
        state.hub_clock = Some(HubClock { at, tick: now.tick });
    }
}

pub(super) fn retrieved(
    state: &mut State,
    answered: u64,
    result: Result<Dated<Candidate>, Failure>,
    now: Now,
) -> Vec<Effect> {
    let Some((search, question)) = state.desk_mut().and_then(|desk| under_way(desk, answered)) else {
        return Vec::new();
    };
    let Question::Number { number: typed_number, born: typed_born, gender, .. } = question else {
        return Vec::new();
    };
    let at = result.as_ref().ok().map(|dated| dated.at);
    let not_found = |why| SearchStage::NotFound { question: question.clone(), why };
    let choose = |found: Candidate, why| SearchStage::Choose {
        question: question.clone(),
        candidates: vec![found],
        unreadable: 0,
        why,
        answered: now.tick,
    };
    let found = match result {
        Err(failure) => {
            let why = if failure == Failure::NotKnown {
                NotFound::NumberNotKnown
            } else if failure == Failure::NoLongerInUse {
                NotFound::NumberNoLongerInUse
            } else {
                NotFound::Failed(failure)
            };
            *search = not_found(why);
            let target = target_after(search);
            focus(state, target);
            return Vec::new();
        }
        Ok(dated) => dated.value,
    };
    let is_other = |gender: &Gender| ![*gender, Gender::Unknown].contains(&found.person.gender);
    if gender.as_ref().is_some_and(is_other)
        && found.person.born.is_some_and(|born| born.agrees_with(typed_born))
    {
        *search = not_found(NotFound::GenderDiffers);
        set_clock(state, at, now);
        focus(state, FocusTarget::Field(Field::NhsNumber));
        return Vec::new();
    }
    match ConfirmedPatient::by_number_and_birth_date(&found.person, typed_born) {
        Ok(patient) => {
            let replaced = found.person.number != typed_number;
            set_clock(state, at, now);
            arrive(state, patient, found.postcode, replaced, now);
            return Vec::new();
        }
        Err(NotConfirmed::BirthDateDiffers) => *search = not_found(NotFound::DoNotBelongTogether),
        Err(NotConfirmed::MultipleBirth) => *search = choose(found, WhyChoose::MultipleBirth),
        Err(NotConfirmed::BirthDateNotExact) => *search = choose(found, WhyChoose::EstimatedDate),
    }
    let target = target_after(search);
    set_clock(state, at, now);
    focus(state, target);
    Vec::new()
}

pub(super) fn pick(state: &mut State, index: usize, now: Now) -> Vec<Effect> {
    let Some(desk) = state.desk_mut() else { return Vec::new() };
    let (candidate, question) = match search_mut(desk) {
        Some(SearchStage::Choose { candidates, question, .. }) => {
            let Some(candidate) = candidates.get(index) else { return Vec::new() };
            (candidate.clone(), question.clone())
        }
        Some(_) | None => return Vec::new(),
    };
    let replaced = match question {
        Question::Number { number, .. } => number != candidate.person.number,
        Question::Name(_) => false,
    };
    arrive(state, ConfirmedPatient::picked(&candidate), candidate.postcode, replaced, now);
    Vec::new()
}

/// A patient comes onto the desk; what was typed is forgotten.
fn arrive(
    state: &mut State,
    patient: ConfirmedPatient,
    postcode: PostcodeCheck,
    number_was_replaced: bool,
    now: Now,
) {
    let Some(desk) = state.desk_mut() else { return };
    let may_open = desk.session.may_open();
    let stage = PatientStage {
        patient,
        number_was_replaced,
        postcode,
        arrived: now.tick,
        record: Record::NotOpened,
        views: Vec::new(),
        first_view: None,
    };
    desk.form = Form::default();
    *desk.stage.uncovered_mut() = Stage::Patient(Box::new(stage));
    forget_typed(state);
    focus(state, if may_open { FocusTarget::PrimaryButton } else { FocusTarget::Answer });
}
