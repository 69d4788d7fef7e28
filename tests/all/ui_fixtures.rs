//! Screens made by hand: one of each kind, with texts as long as the real ones, for tests of the drawing alone.
//!
//! They refuse to be the presenters' words; those have tests of their own.

use cpis::domain::{AnswerKind, Gender};
use cpis::viewer::command::{Command, Field};
use cpis::viewer::present::Screen;
use cpis::viewer::present::screen::*;

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn secondary(command: Command) -> Action {
    Action::new(command, Prominence::Secondary)
}

/// Somebody signed in, nothing of a patient.
pub(crate) fn session(actions: Vec<Action>) -> SessionBar {
    SessionBar {
        name: "Sam Okafor".to_owned(),
        role: "Staff nurse".to_owned(),
        organisation: "Great Western Hospital emergency department".to_owned(),
        care: "Unscheduled care: social care is told".to_owned(),
        care_is_silent: false,
        found_not_opened: Some("2 found, not opened".to_owned()),
        note: None,
        actions,
    }
}

/// A screen with this body.
pub(crate) fn screen(body: Body) -> Screen {
    let mut actions = vec![secondary(Command::Help), secondary(Command::Lock), secondary(Command::SignOut)];
    if matches!(body, Body::Patient(_)) {
        actions.insert(0, secondary(Command::HidePatient));
    }
    Screen {
        generation: 1,
        strip: Some("Demonstration: synthetic people".to_owned()),
        strip_action: None,
        announcement: Announcement::default(),
        focus: Focus::default(),
        session: Some(session(actions)),
        body,
        help: None,
    }
}

/// The search form with nothing in it.
pub(crate) fn search() -> Search {
    let field =
        |field, hint: &str| FormField { field, text: String::new(), hint: hint.to_owned(), error: None };
    Search {
        heading: "Find the patient".to_owned(),
        fields: vec![
            field(Field::NhsNumber, "10 digits, for example 999 000 0018"),
            field(Field::DateOfBirth, "For example 14-Jul-2019 or 140719"),
            field(Field::FamilyName, "Where there is no NHS number"),
            field(Field::GivenName, "If known"),
            field(Field::Postcode, "If known, for example SN3 6BB"),
        ],
        gender: None,
        gender_error: None,
        form_note: None,
        next_steps: Vec::new(),
        without_number: "Without the NHS number: family name and date of birth".to_owned(),
        find: Action::new(Command::Find, Prominence::Primary),
        progress: None,
        actions: vec![],
        outcome: None,
        candidates_heading: None,
        candidates: vec![],
        outcome_actions: vec![],
        guidance: strings(&[
            "People to try in the demonstration",
            "Tobias ADEYEMI, 999 000 0018, born 14-Jul-2019",
            "Amelia HARRIS, 999 000 0026, born 02-Feb-2011",
            "Jade MORGAN, 999 000 0034, born 30-Sep-2009",
        ]),
    }
}

/// One of the five answers.
pub(crate) fn answer(kind: AnswerKind, rest: &str, lines: &[&str]) -> AnswerPanel {
    AnswerPanel {
        kind,
        headline: format!("{}{rest}", kind.word()),
        warnings: vec![],
        lines: strings(lines),
        checked: Some("Checked 14:32".to_owned()),
    }
}

/// A patient with that answer.
pub(crate) fn patient(answer: AnswerPanel) -> Patient {
    Patient {
        banner: Banner {
            name: "ADEYEMI, Tobias (Master)".to_owned(),
            facts: vec![
                Fact {
                    label: "Born".to_owned(),
                    value: "14-Jul-2019 (7y 4m)".to_owned(),
                    spoken: "Born 14 July 2019, aged 7 years and 4 months".to_owned(),
                },
                Fact::new("Gender", "Male"),
                Fact::new("NHS No.", "999 000 0018"),
            ],
            marks: vec![],
            deceased: false,
        },
        answer: AnswerSlot::Answered(answer),
        actions: vec![
            Action::new(Command::CheckAgain, Prominence::Secondary),
            Action::new(Command::NewSearch, Prominence::Secondary),
            Action::new(Command::CopySummary, Prominence::Secondary),
            Action::new(Command::OpenedInError, Prominence::Quiet),
        ],
        next_steps: strings(&[
            "Immediate danger: 999",
            "A new injury or worry: also ring the authority where the child is now",
            "Safeguarding lead: Dr Priya Nair, 01793 604020 extension 4471",
        ]),
        plans: vec![],
        contacts: vec![],
        receipt: None,
        history: None,
    }
}

fn plan(title: &str, tone: PlanTone, standing: &str, about: &str, facts: &[(&str, &str)]) -> PlanCard {
    PlanCard {
        title: title.to_owned(),
        tone,
        standing: standing.to_owned(),
        about: about.to_owned(),
        facts: facts.iter().map(|(label, value)| Fact::new(label, *value)).collect(),
        notes: strings(&["As sent by Swindon Borough Council on 21-Nov-2026"]),
    }
}

fn copy(number: &str, contact: usize, line: usize) -> Action {
    let action = Action::new(Command::CopyNumber { contact, line }, Prominence::Quiet);
    Action { label: format!("Copy {number}"), ..action }
}

fn contact(authority: &str, contact: usize) -> ContactCard {
    ContactCard {
        heading: authority.to_owned(),
        why_both: None,
        lines: vec![
            PhoneLine {
                label: "Ring now: emergency duty team".to_owned(),
                number: "01793 436699".to_owned(),
                is_first: true,
                note: Some("Until 08:30 Monday".to_owned()),
                spoken: "Ring now: emergency duty team, 01793 436699, until 08:30 Monday".to_owned(),
                copy: Some(copy("01793 436699", contact, 0)),
            },
            PhoneLine {
                label: "Office hours".to_owned(),
                number: "01793 464646 ext. 3".to_owned(),
                is_first: false,
                note: Some("Monday to Friday, 08:30 to 17:00".to_owned()),
                spoken: "Office hours, 01793 464646 ext. 3".to_owned(),
                copy: Some(copy("01793 464646 ext. 3", contact, 1)),
            },
        ],
    }
}

fn history() -> History {
    let row = |when: &str, who: &str, role: &str, organisation: &str, mark: Option<&str>| AccessRow {
        when: when.to_owned(),
        who: who.to_owned(),
        role: role.to_owned(),
        organisation: organisation.to_owned(),
        mark: mark.map(str::to_owned),
        spoken: format!("{when}, {who}, {role}, {organisation}"),
    };
    History {
        heading: "Opened by".to_owned(),
        intro:
            "One visit can appear several times; a visit where nobody opened it does not appear. Last 25 only"
                .to_owned(),
        summary: Some("Opened 7 times, about 4 visits, 3 organisations".to_owned()),
        summary_is_loud: true,
        state: None,
        rows: vec![
            row("22-Nov-2026 14:32", "Sam Okafor", "Staff nurse", "Great Western Hospital", Some("You, now")),
            row(
                "18-Nov-2026 03:10",
                "Ann Leigh",
                "Doctor",
                "John Radcliffe Hospital emergency department",
                None,
            ),
            row("12-Nov-2026 21:45", "Marek Nowak", "Paramedic", "South Western Ambulance Service", None),
        ],
    }
}

/// An alert with everything that can go with it.
pub(crate) fn alert() -> Patient {
    let panel =
        answer(AnswerKind::Alert, ": Looked After Child", &["Ring Swindon Borough Council about this child"]);
    let mut patient = patient(panel);
    let facts = [("Since", "01-Feb-2024"), ("Local authority", "Swindon Borough Council")];
    patient.plans =
        vec![plan("Looked After Child", PlanTone::Alert, "Current", "About this patient", &facts)];
    patient.contacts = vec![contact("Swindon Borough Council", 0)];
    patient.receipt = Some(Receipt {
        headline: "Recorded 14:33, reference K7QM-3XHD".to_owned(),
        told: strings(&["Swindon Borough Council will be told"]),
        warning: "This is not a referral. Nobody has been rung".to_owned(),
        notes: Vec::new(),
    });
    patient.history = Some(history());
    patient
}

fn two_authorities() -> Patient {
    let mut patient = alert();
    let mut panel =
        answer(AnswerKind::Alert, ": Looked After Child, and an Unborn Child Protection Plan", &[]);
    panel.warnings = strings(&[
        "Two local authorities hold plans: ring both",
        "1 record could not be read: ring Swindon Borough Council",
    ]);
    patient.answer = AnswerSlot::Answered(panel);
    let facts = [("Since", "14-Sep-2026"), ("Due", "03-Mar-2027"), ("Local authority", "Wiltshire Council")];
    let mut unborn = plan(
        "Unborn Child Protection Plan",
        PlanTone::Alert,
        "Current",
        "About this patient's unborn baby, not about this patient",
        &facts,
    );
    unborn.notes.push(
        "If the baby has been born, find the baby too; the baby's record may not show a plan yet".into(),
    );
    patient.plans.push(unborn);
    let mut second = contact("Wiltshire Council", 1);
    second.why_both = Some("Its office hours are not known, so both numbers are given alike".to_owned());
    if let Some(line) = second.lines.get_mut(1) {
        line.is_first = true;
        line.number = "No office-hours number is held for Wiltshire Council".to_owned();
        line.copy = None;
    }
    patient.contacts.push(second);
    patient
}

fn past() -> Patient {
    let lines =
        ["The child may have moved or become looked after. An ended plan does not mean an ended risk"];
    let mut patient =
        patient(answer(AnswerKind::PastPlan, ": Child Protection Plan ended 12-Mar-2026", &lines));
    let facts = [
        ("Started", "03-Jun-2025"),
        ("Ended", "12-Mar-2026"),
        ("Local authority", "Swindon Borough Council"),
    ];
    patient.plans =
        vec![plan("Child Protection Plan", PlanTone::Past, "Ended", "About this patient", &facts)];
    patient.contacts = vec![contact("Swindon Borough Council", 0)];
    patient.receipt = alert().receipt;
    patient
}

fn nothing() -> Patient {
    let lines = [
        "No current or recent plan is held on CP-IS. This must not lower your concern",
        "Not held there: children in need, enquiries under way, brothers and sisters without a plan of their own, \
         plans made since the last upload, children of authorities outside England",
        "A plan made before birth may still be held under the mother's NHS number. Find the mother too",
    ];
    let mut patient = patient(answer(AnswerKind::NothingHeld, "", &lines));
    patient.banner.name = "Baby of KOWALCZYK-FITZWILLIAM, Konstancja Aleksandra (Ms)".to_owned();
    patient.banner.marks = strings(&["One of twins: check the given name", "Restricted record"]);
    patient.receipt = Some(Receipt {
        headline: "Recorded 14:33, reference K7QM-3XHD".to_owned(),
        told: strings(&["No local authority was told"]),
        warning: "This is not a referral. Nobody has been rung".to_owned(),
        notes: Vec::new(),
    });
    patient
}

fn not_checked() -> Patient {
    let lines = [
        "You do not have an answer yet",
        "Opening records your name, role and organisation. If a plan is held, its local authority is told that you \
         looked; if none is, nobody is told. Only for a patient in your care",
    ];
    let mut panel = answer(AnswerKind::NotChecked, ": found, not opened", &lines);
    panel.checked = None;
    let mut patient = patient(panel);
    patient.actions = vec![
        Action::new(Command::Open, Prominence::Primary),
        Action::new(Command::NewSearch, Prominence::Secondary),
    ];
    patient.next_steps.clear();
    patient
}

fn could_not() -> Patient {
    let lines = [
        "You do not have an answer. Treat it as unknown, never as no plan",
        "The hub did not answer in time. This view may already have been recorded",
        "Check again, or ring Swindon Borough Council, 01793 464646",
    ];
    let mut patient = patient(answer(AnswerKind::CouldNotCheck, "", &lines));
    patient.actions = vec![
        Action::new(Command::CheckAgain, Prominence::Primary),
        Action::new(Command::NewSearch, Prominence::Secondary),
    ];
    patient
}

fn candidate(number: usize, name: &str, marks: &[&str]) -> CandidateRow {
    CandidateRow {
        spoken: format!("{name}, born 14 July 2019, aged 7 years, male, NHS number 999 000 001{number}"),
        name: name.to_owned(),
        born: "Born 14-Jul-2019 (7y 4m)".to_owned(),
        gender: "Male".to_owned(),
        number: format!("999 000 001{number}"),
        marks: strings(marks),
        command: Command::Pick(number),
    }
}

/// Three people to choose from.
pub(crate) fn candidates() -> Search {
    let mut found = search();
    found.guidance.clear();
    found.candidates_heading =
        Some("3 people match exactly. Choose by name, date of birth and NHS number".to_owned());
    found.candidates = vec![
        candidate(0, "ADEYEMI, Tobias (Master)", &["Twin: check the given name"]),
        candidate(1, "ADEYEMI, Toby (Master)", &["Twin: check the given name", "Matches a previous name"]),
        candidate(2, "ADEYEMI-CLARKE, Theodore", &[]),
    ];
    if let Some(field) = found.fields.get_mut(2) {
        field.text = "Adeyemi".to_owned();
    }
    found
}

/// A field that is wrong, being mended.
pub(crate) fn mistyped() -> Search {
    let mut form = search();
    if let [number, born, ..] = form.fields.as_mut_slice() {
        number.text = "999 000 001".to_owned();
        number.error = Some("An NHS number has 10 digits; this has 9".to_owned());
        born.text = "14/07/2019".to_owned();
    }
    form.gender = Some(Gender::Female);
    form.form_note = Some("The family name is not used where an NHS number is given".to_owned());
    form
}

fn no_match() -> Search {
    let mut form = search();
    form.guidance.clear();
    let mut panel = answer(
        AnswerKind::NotChecked,
        ": no matching person found",
        &[
            "This says nothing about the child",
            "Check the spelling, try the name without a hyphen, or a wider date",
        ],
    );
    panel.checked = None;
    form.outcome = Some(panel);
    form.outcome_actions = vec![Action::new(Command::FindSimilar, Prominence::Secondary)];
    form
}

fn sign_in() -> Body {
    let persona = |index, name: &str, role: &str, note: &str| PersonaButton {
        label: format!("Sign in as {name}, {role}, Great Western Hospital"),
        name: name.to_owned(),
        role: role.to_owned(),
        organisation: "Great Western Hospital emergency department".to_owned(),
        note: note.to_owned(),
        command: Command::SignIn(index),
    };
    Body::SignIn(SignIn {
        heading: "Sign in".to_owned(),
        intro: strings(&[
            "See whether a child or an unborn baby is known to social care, and whom to ring.",
            "Choose one of the demonstration's people. None of them is real.",
        ]),
        interrupts: false,
        actions: Vec::new(),
        number: None,
        message: Some("You were signed out after 15 minutes without use".to_owned()),
        personas: vec![
            persona(0, "Sam Okafor", "Triage nurse", "Opens; social care is told"),
            persona(1, "Dr Helen Marsh", "Emergency department doctor", "Opens; social care is told"),
            persona(2, "Bronwen Price", "Midwife, scheduled care", "Opens; social care is not told"),
            persona(3, "Lee Turner", "Receptionist", "Finds people, opens nothing"),
            persona(4, "Ines Duarte", "111 call handler", "Opens by telephone; social care is told"),
        ],
    })
}

fn notice(heading: &str, text: &[&str], actions: Vec<Action>) -> Body {
    Body::Notice(Notice { heading: heading.to_owned(), text: strings(text), actions })
}

/// The help, as long as it gets.
pub(crate) fn help() -> Help {
    Help {
        heading: "Keys".to_owned(),
        rows: Command::WITH_KEYS
            .iter()
            .map(|command| {
                let key = command.shortcut().map(|key| key.shown()).unwrap_or_default();
                (key, command.label().to_owned(), command.hint().to_owned())
            })
            .collect(),
    }
}

/// Every screen, by name.
pub(crate) fn all() -> Vec<(&'static str, Screen)> {
    let signed_out = |body| Screen { session: None, ..screen(body) };
    let focused = |body, target| Screen { focus: Focus { serial: 1, target }, ..screen(body) };
    let mut asking = not_checked();
    asking.answer = AnswerSlot::Asking("Asking CP-IS about this patient…".to_owned());
    asking.actions = vec![secondary(Command::NewSearch)];
    let mut deceased = past();
    deceased.banner.deceased = true;
    deceased.banner.marks = strings(&["Died 02-Oct-2026"]);
    let mut searching = mistyped();
    searching.progress = Some("Searching…".to_owned());
    let mut silent = screen(Body::Patient(nothing()));
    if let Some(bar) = silent.session.as_mut() {
        bar.care = "Scheduled care: social care is not told".to_owned();
        bar.care_is_silent = true;
        bar.found_not_opened = None;
    }
    let mut may_switch = screen(Body::Patient(not_checked()));
    if let Some(bar) = may_switch.session.as_mut() {
        bar.actions.insert(1, Action::new(Command::SwitchCare, Prominence::Quiet));
    }
    let set_up = vec![
        Action::new(Command::OpenConfiguration, Prominence::Primary),
        Action::new(Command::StartDemonstration, Prominence::Secondary),
    ];
    let unset = [
        "No configuration was found, so there is no hub to ask.",
        "Open the file that your organisation gave you, or look around in the demonstration.",
    ];
    let mut screens = vec![
        (
            "01-start",
            Screen { strip: None, ..signed_out(notice("This viewer is not set up", &unset, set_up)) },
        ),
        (
            "02-sign-in",
            Screen { focus: Focus { serial: 1, target: FocusTarget::SignIn }, ..signed_out(sign_in()) },
        ),
        ("03-search", focused(Body::Search(search()), FocusTarget::Field(Field::NhsNumber))),
        ("04-mistyped", focused(Body::Search(mistyped()), FocusTarget::Field(Field::NhsNumber))),
        ("05-searching", screen(Body::Search(searching))),
        ("06-candidates", focused(Body::Search(candidates()), FocusTarget::Candidate(0))),
        ("07-no-match", screen(Body::Search(no_match()))),
        ("08-not-checked", focused(Body::Patient(not_checked()), FocusTarget::PrimaryButton)),
        ("09-asking", screen(Body::Patient(asking))),
        ("10-alert", focused(Body::Patient(alert()), FocusTarget::Answer)),
        ("11-two-authorities", screen(Body::Patient(two_authorities()))),
        ("12-past", screen(Body::Patient(past()))),
        ("13-nothing", silent),
        ("14-could-not", screen(Body::Patient(could_not()))),
        ("15-deceased", screen(Body::Patient(deceased))),
        (
            "16-hidden",
            screen(notice(
                "Patient hidden",
                &["Press F8 to show the patient again."],
                vec![secondary(Command::HidePatient)],
            )),
        ),
        ("18-may-switch", may_switch),
        ("17-help", Screen { help: Some(help()), ..screen(Body::Patient(alert())) }),
    ];
    // Each is another patient, and each asks for the keyboard anew.
    for (number, (_, screen)) in (1..).zip(&mut screens) {
        screen.generation = number;
        screen.focus.serial = number;
    }
    screens
}
