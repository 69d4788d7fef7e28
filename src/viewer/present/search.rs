//! The search form and what came of the search.

use super::screen::{Action, AnswerPanel, CandidateRow, FormField, Prominence, Search};
use super::{answer, words};
use crate::domain::{
    AnswerKind, BirthDate, BirthDateError, Candidate, Deceased, Failure, Person, PersonName, PostcodeCheck,
    birth, dates,
};
use crate::viewer::command::{Command, Field};
use crate::viewer::state::{Desk, NotFound, Problem, Question, SearchStage, State, WhyChoose};

pub(super) fn search(state: &State, desk: &Desk, stage: &SearchStage) -> Search {
    let form = &desk.form;
    let field = |field: Field| FormField {
        field,
        text: form.text(field).to_owned(),
        hint: hint(field).to_owned(),
        error: form.problem(field).map(problem),
    };
    let both = !form.nhs_number.trim().is_empty() && !form.family_name.trim().is_empty();
    let (outcome, outcome_actions) = outcome(state, stage);
    let (candidates_heading, candidates) = candidates(stage);
    let is_idle = matches!(stage, SearchStage::Idle);
    Search {
        heading: "Find the patient".to_owned(),
        fields: Field::ALL.into_iter().map(field).collect(),
        without_number: "Without the NHS number: family name and date of birth".to_owned(),
        gender: form.gender,
        gender_error: form
            .gender_needed
            .then(|| "With a date of birth that is not exact, choose the gender too".to_owned()),
        form_note: both.then(|| "The NHS number and the date of birth are used; the name is not".to_owned()),
        find: Action::new(Command::Find, Prominence::Primary),
        progress: matches!(stage, SearchStage::UnderWay { .. }).then(|| "Searching…".to_owned()),
        actions: if form.is_empty() && is_idle {
            Vec::new()
        } else {
            vec![Action::new(Command::NewSearch, Prominence::Secondary)]
        },
        next_steps: match &outcome {
            Some(panel) if panel.kind == AnswerKind::CouldNotCheck => answer::next_steps(&state.setup.site),
            Some(_) | None => Vec::new(),
        },
        outcome,
        candidates_heading,
        candidates,
        outcome_actions,
        guidance: if is_idle { guidance(state) } else { Vec::new() },
    }
}

fn hint(field: Field) -> &'static str {
    match field {
        Field::NhsNumber => "10 digits, such as 943 476 5919",
        Field::DateOfBirth => "12-Mar-2015, 12/03/2015 or 120315",
        Field::FamilyName => "As registered",
        Field::GivenName => "Narrows the search",
        Field::Postcode => "Compared, never shown",
    }
}

/// What is said of a field that is wrong.
fn problem(problem: Problem) -> String {
    match problem {
        Problem::NhsNumber(error) => error.to_string(),
        Problem::BirthDate(BirthDateError::Empty) => {
            "Enter the date of birth too: it guards against the wrong patient".to_owned()
        }
        Problem::BirthDate(error) => error.to_string(),
        Problem::NumberOrName => "Enter an NHS number, or a family name below".to_owned(),
    }
}

fn guidance(state: &State) -> Vec<String> {
    let mut lines: Vec<String> =
        state.removed_unread.then(|| words::REMOVED_UNREAD.to_owned()).into_iter().collect();
    lines.extend([
        "Searching tells nobody. Opening is a step of its own.".to_owned(),
        "Press Enter to search, Esc to clear, F1 for all keys.".to_owned(),
    ]);
    if state.setup.demonstration {
        lines.push(
            "To try it: NHS number 999 000 0026 with 02-Feb-2020. The README lists everybody.".to_owned(),
        );
    }
    lines
}

fn outcome(state: &State, stage: &SearchStage) -> (Option<AnswerPanel>, Vec<Action>) {
    let SearchStage::NotFound { question, why } = stage else { return (None, Vec::new()) };
    let not_checked = |headline: &str, lines: Vec<String>| AnswerPanel {
        kind: AnswerKind::NotChecked,
        headline: format!("{}: {headline}", AnswerKind::NotChecked.word()),
        warnings: Vec::new(),
        lines,
        checked: None,
    };
    let says_nothing = || "This says nothing about the child: you do not have an answer yet".to_owned();
    let again =
        Action { label: "Search again".to_owned(), ..Action::new(Command::Find, Prominence::Primary) };
    match why {
        NotFound::Nobody => nobody(state, question, says_nothing(), not_checked),
        NotFound::TooMany => (
            Some(not_checked(
                "too many people match",
                vec![says_nothing(), "Add the given name or the gender, or use the NHS number".to_owned()],
            )),
            Vec::new(),
        ),
        NotFound::DoNotBelongTogether => (
            Some(not_checked(
                "the number and date of birth do not belong together",
                vec![
                    "Nothing of the person is shown, in case it is somebody else. You do not have an answer yet".to_owned(),
                    "Check both with the patient or the notes, or search by name and date of birth".to_owned(),
                ],
            )),
            Vec::new(),
        ),
        NotFound::GenderDiffers => (
            Some(not_checked(
                "the number and the gender do not belong together",
                vec![
                    "Nothing of the person is shown, in case it is somebody else. You do not have an answer yet".to_owned(),
                    "Check the number with the patient or the notes, or search by name and date of birth".to_owned(),
                ],
            )),
            Vec::new(),
        ),
        NotFound::NumberNotKnown => {
            let mut lines = vec![says_nothing()];
            lines.push("Check the number, or search by name and date of birth".to_owned());
            lines.extend(only_the_list(state));
            (Some(not_checked("no matching person found", lines)), Vec::new())
        }
        NotFound::NumberNoLongerInUse => (
            Some(not_checked(
                "this NHS number is no longer in use",
                vec![says_nothing(), "Ask for the current number, or search by name and date of birth".to_owned()],
            )),
            Vec::new(),
        ),
        NotFound::Failed(failure) => {
            let mut panel = answer::failed(*failure, false, &state.setup.site);
            if let (Question::Name(_), Failure::AskedTooOften { .. }) = (question, failure) {
                panel.lines.push(words::BY_NUMBER.to_owned());
            }
            (Some(panel), vec![again])
        }
    }
}

fn nobody(
    state: &State,
    question: &Question,
    says_nothing: String,
    panel: impl Fn(&str, Vec<String>) -> AnswerPanel,
) -> (Option<AnswerPanel>, Vec<Action>) {
    let is_similar = match question {
        Question::Name(query) => query.similar,
        Question::Number { .. } => false,
    };
    let mut lines = vec![says_nothing];
    lines.push(
        if is_similar {
            "Similar names were searched too. Check the date of birth, try another family name (the mother's, an earlier one), or use the NHS number"
        } else {
            "Check the spelling and the date of birth, or search for similar names"
        }
        .to_owned(),
    );
    lines.extend(only_the_list(state));
    let actions =
        if is_similar { Vec::new() } else { vec![Action::new(Command::FindSimilar, Prominence::Primary)] };
    (Some(panel("no matching person found", lines)), actions)
}

fn only_the_list(state: &State) -> Option<String> {
    state.setup.demonstration.then(|| "The demonstration knows only the people in its list".to_owned())
}

fn candidates(stage: &SearchStage) -> (Option<String>, Vec<CandidateRow>) {
    let SearchStage::Choose { candidates, unreadable, why, question, .. } = stage else {
        return (None, Vec::new());
    };
    let is_similar = match question {
        Question::Name(query) => query.similar,
        Question::Number { .. } => false,
    };
    let people = words::count(candidates.len(), "person", "people");
    let mut heading = match why {
        WhyChoose::ByName if is_similar => {
            format!("{people} with similar details. Choose only if every detail fits the patient")
        }
        WhyChoose::ByName => format!("{people} found. Choose by name, date of birth and NHS number"),
        WhyChoose::MultipleBirth => "Twin or one of several: is this the right given name?".to_owned(),
        WhyChoose::EstimatedDate => "The date of birth is not exact: is this the right person?".to_owned(),
    };
    if *unreadable > 0 {
        let more = words::count(*unreadable, "more was found that cannot", "more were found that cannot");
        heading = format!("{heading}. {more} be shown: the patient may be among them");
    }
    let rows =
        candidates.iter().enumerate().map(|(index, candidate)| row(index, candidate, candidates)).collect();
    (Some(heading), rows)
}

fn row(index: usize, candidate: &Candidate, all: &[Candidate]) -> CandidateRow {
    let person = &candidate.person;
    let mut marks = Vec::new();
    if person.multiple_birth.is_some() {
        marks.push("Twin or one of several: check the given name".to_owned());
    }
    // Title and further given names do not tell two people apart at a glance.
    let short_name = |person: &Person| {
        (PersonName::folded(&person.name.family), person.name.first_given().map(PersonName::folded))
    };
    let is_same_name = |other: &Candidate| {
        other.person.number != person.number && short_name(&other.person) == short_name(person)
    };
    if all.iter().any(is_same_name) {
        marks.push("Same name as another in this list: check date of birth and number".to_owned());
    }
    if candidate.matched_previous_name {
        marks.push("Matches a previous name".to_owned());
    }
    marks.extend(postcode(candidate.postcode));
    if person.restricted {
        marks.push("Restricted record".to_owned());
    }
    if person.deceased != Deceased::No {
        marks.push("Recorded as deceased".to_owned());
    }
    let name = person.name.banner();
    let gender = person.gender.label().to_owned();
    let number = person.number.grouped();
    let born = person
        .born
        .map_or_else(|| "Date of birth not held".to_owned(), |born| format!("Born {}", born.shown()));
    let spoken_birth = match person.born {
        Some(BirthDate::Day(day)) => format!("born {}", dates::spoken(day)),
        Some(estimated) => format!("born {}", estimated.shown()),
        None => "date of birth not held".to_owned(),
    };
    let mut spoken = format!("{name}, {spoken_birth}, {gender}, NHS number {number}");
    for mark in &marks {
        spoken = format!("{spoken}. {mark}");
    }
    CandidateRow { spoken, name, born, gender, number, marks, command: Command::Pick(index) }
}

/// What is said of a typed postcode.
pub(super) fn postcode(check: PostcodeCheck) -> Option<String> {
    match check {
        PostcodeCheck::NotAsked => None,
        PostcodeCheck::Agrees => Some("Postcode agrees".to_owned()),
        PostcodeCheck::Differs => Some("Postcode differs".to_owned()),
        PostcodeCheck::NotHeld => Some("No postcode to compare with".to_owned()),
    }
}

/// Age beside a date of birth, for the banner.
pub(super) fn born_with_age(born: Option<BirthDate>, today: jiff::civil::Date) -> (String, String) {
    match born {
        None => ("not held".to_owned(), "Date of birth not held".to_owned()),
        Some(born) => {
            let age = birth::age(born, today);
            let spoken_age = birth::spoken_age(&age);
            let spoken = match born {
                BirthDate::Day(day) => format!("Date of birth {}, age {spoken_age}", dates::spoken(day)),
                BirthDate::Month(..) | BirthDate::Year(_) => {
                    format!("Date of birth {}, age {spoken_age}", born.shown())
                }
            };
            (format!("{} ({age})", born.shown()), spoken)
        }
    }
}
