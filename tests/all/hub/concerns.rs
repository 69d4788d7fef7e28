//! `cpis-hub concerns`: each concern with a story that raises it, and one that looks alike and must not.

use cpis::domain::NhsNumber;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;

use super::support::at;
use super::support::data::{changed, ended, lines, number, person, superseded};
use super::support::program::Place;

/// Sunday afternoon; the period is the week before it.
const UNTIL: &str = "2026-11-22T14:00:00Z";
const SINCE: &str = "2026-11-15T14:00:00Z";

/// What somebody did: moment, user's name, kind, outcome, number.
pub(super) struct Story<'a> {
    place: &'a Place,
    db: Connection,
}

impl Story<'_> {
    pub(super) fn of(place: &Place) -> Story<'_> {
        Story { place, db: place.database() }
    }

    fn did(&self, who: &str, when: &str, kind: &str, outcome: &str, seed: u64) -> &Self {
        self.at(who, "RN3", at(when), kind, outcome, Some(seed), None)
    }

    pub(super) fn viewed(&self, who: &str, when: &str, seed: u64) -> &Self {
        self.did(who, when, "view", "held", seed)
    }

    /// A number that need not be anybody's, near to those of its neighbours.
    fn asked_for(&self, who: &str, near: u64) -> &Self {
        self.asked_on(who, "2026-11-18T10:00:00Z", near)
    }

    pub(super) fn asked_on(&self, who: &str, when: &str, near: u64) -> &Self {
        self.db
            .execute(
                "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                                    session, request, number)
                 VALUES (?1, 'retrieve', 'not-found', 'user-' || ?2, ?2, 'Nurse', 'RN3', 'Hospital', '', '', ?3)",
                params![at(when).as_millisecond(), who, NhsNumber::synthetic(near).digits()],
            )
            .unwrap();
        self
    }

    #[expect(clippy::too_many_arguments, reason = "a row of the audit log")]
    pub(super) fn at(
        &self,
        who: &str,
        organisation: &str,
        when: Timestamp,
        kind: &str,
        outcome: &str,
        seed: Option<u64>,
        detail: Option<&str>,
    ) -> &Self {
        let digits = seed.map(|seed| number(seed).digits());
        let reference = (kind == "view").then(|| format!("REF-{}", when.as_second() % 100_000));
        self.db
            .execute(
                "INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                                    session, request, reference, number, person_id, detail)
                 VALUES (?1, ?2, ?3, 'user-' || ?4, ?4, iif(?5 = 'RA9', 'Porter', 'Nurse'), ?5,
                         iif(?5 = 'RA9', 'Clinic', 'Hospital'), '', '', ?6, ?7,
                         (SELECT person_id FROM nhs_number WHERE number = ?7), ?8)",
                params![when.as_millisecond(), kind, outcome, who, organisation, reference, digits, detail],
            )
            .unwrap();
        self
    }

    pub(super) fn report(&self) -> Value {
        self.report_of(SINCE, UNTIL)
    }

    pub(super) fn report_of(&self, since: &str, until: &str) -> Value {
        let arguments =
            ["concerns", "--config", "hub.toml", "--since", since, "--until", until, "--format", "json"];
        let output = self.place.run(&arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Kind and user of each concern, but for "nobody else opened it", which nearly everybody has.
    fn raised(&self) -> Vec<String> {
        let report = self.report();
        let concerns = report["concerns"].as_array().unwrap();
        let told = concerns.iter().map(|one| {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            assert!(text("may_be_innocent").len() > 20 && text("ask").len() > 20 && text("seen").len() > 20);
            format!("{} {}", text("kind"), text("name"))
        });
        told.filter(|told| !told.starts_with("only-viewer")).collect()
    }
}

/// Twelve people: an Okafor, a Smith-Jones, many Khans, a restricted one, and others.
pub(super) fn people() -> Vec<String> {
    let mut all = vec![
        person(1, "Okafor", "Ada", "2019-03-12"),
        person(2, "Smith-Jones", "Ben", "2019-03-12"),
        changed(
            person(3, "Bennett", "Cat", "2019-03-12"),
            serde_json::json!({ "meta": { "security": [{ "code": "R" }] } }),
        ),
        person(4, "Bennett", "Dan", "2019-03-12"),
    ];
    all.extend((100..220).map(|seed| person(seed, "Khan", &format!("Child{seed}"), "2018-01-01")));
    lines(&all)
}

/// One story in a place of its own: what is raised.
fn check(story: impl Fn(&Story<'_>), expected: &[&str]) {
    let place = Place::with(&people());
    let told = Story::of(&place);
    story(&told);
    assert_eq!(told.raised(), expected);
}

#[test]
fn a_shared_family_name_is_a_concern_and_the_commoner_it_is_the_less() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    for (who, seed) in [
        ("Sam Okafor", 1),
        ("Lee Jones", 2),
        ("Asha Khan", 100),
        // Others, whose names only look alike.
        ("Okafor Adams", 1),
        ("Jo Smithson", 2),
        ("Kim Khanna", 100),
        ("Dan Marsh", 4),
    ] {
        story.viewed(who, "2026-11-20T10:00:00Z", seed);
    }
    assert_eq!(
        story.raised(),
        ["same-family-name Lee Jones", "same-family-name Sam Okafor", "same-family-name Asha Khan"]
    );
    let report = story.report();
    let of = |name: &str| {
        let all = report["concerns"].as_array().unwrap();
        let is_it = |one: &&Value| one["name"] == name && one["kind"] == "same-family-name";
        all.iter().find(is_it).unwrap().clone()
    };
    let seen = |name: &str| of(name)["seen"].as_str().unwrap().to_owned();
    assert!(seen("Sam Okafor").contains("Okafor, have it in common; fewer than one in 100 of the people"));
    assert!(seen("Asha Khan").contains("one in 100 of the people held here, or more"));
    assert_eq!(of("Sam Okafor")["nhs_number"], number(1).digits());
}

#[test]
fn three_days_are_a_concern_two_are_not_and_an_ended_identity_is_joined_with_none() {
    let days = ["2026-11-18T10:00:00Z", "2026-11-19T10:00:00Z", "2026-11-20T10:00:00Z"];
    check(
        |story| {
            for day in days {
                story.viewed("Sam Marsh", day, 4);
            }
            // Two days, however often; and by three people.
            for when in ["2026-11-18T10:00:00Z", "2026-11-18T23:30:00Z", "2026-11-19T10:00:00Z"] {
                story.viewed("Ann Ford", when, 4);
            }
            for (who, when) in ["Bo Ray", "Cy Ray", "Di Ray"].iter().zip(days) {
                story.viewed(who, when, 2);
            }
        },
        &["many-days Sam Marsh"],
    );
    // Two days under the old identity and one under the new are two people; under a superseded number they are one.
    for (line, expected) in [(ended(4), 0), (superseded(4, 1), 1)] {
        let place = Place::with(&people());
        let story = Story::of(&place);
        story.viewed("Sam Marsh", days[0], 4).viewed("Sam Marsh", days[1], 4).viewed("Sam Marsh", days[2], 1);
        std::fs::write(place.path("more"), line.to_string()).unwrap();
        assert!(place.run(&["load", "more", "--config", "hub.toml"]).status.success());
        assert_eq!(story.raised().len(), expected, "{line}");
    }
}

#[test]
fn nobody_else_within_a_day_is_counted_and_a_colleague_takes_it_away() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    story
        .viewed("Sam Marsh", "2026-11-18T10:00:00Z", 4)
        .viewed("Sam Marsh", "2026-11-18T11:00:00Z", 1)
        // A colleague the next morning, at the same hospital.
        .viewed("Ann Ford", "2026-11-19T09:00:00Z", 4)
        // Somebody at another hospital, and a colleague two days later, take nothing away.
        .at("Bo Ray", "RA9", at("2026-11-18T12:00:00Z"), "view", "held", Some(1), None)
        .viewed("Ann Ford", "2026-11-20T12:00:00Z", 1);
    let report = story.report();
    let told: Vec<_> = report["concerns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!("{} {} {}", one["kind"].as_str().unwrap(), one["name"].as_str().unwrap(), one["times"])
        })
        .collect();
    let told: std::collections::BTreeSet<_> = told.into_iter().collect();
    let expected = ["only-viewer Ann Ford 1", "only-viewer Bo Ray 1", "only-viewer Sam Marsh 1"];
    assert_eq!(told, expected.map(str::to_owned).into());
}

#[test]
fn an_hour_is_unusual_only_against_the_viewers_own_history() {
    let by_day = |story: &Story<'_>, who: &str, hour: i64, days: i64| {
        for day in 1..=days {
            for view in 0..5 {
                let when =
                    at("2026-11-15T00:00:00Z") - SignedDuration::from_hours(24 * day - hour - view / 3);
                story.at(who, "RN3", when, "search", "none", None, None);
            }
        }
    };
    let place = Place::with(&people());
    let story = Story::of(&place);
    // Days only; nights only; a new person.
    by_day(&story, "Day Marsh", 10, 40);
    by_day(&story, "Night Ford", 2, 40);
    by_day(&story, "New Ray", 10, 5);
    for who in ["Day Marsh", "Night Ford", "New Ray"] {
        story.viewed(who, "2026-11-18T02:30:00Z", 4);
    }
    story.viewed("Day Marsh", "2026-11-18T10:30:00Z", 4);
    assert_eq!(story.raised(), ["unusual-hour Day Marsh"]);
    assert_eq!(story.report()["too_little_history"], 1);
}

#[test]
fn many_found_and_not_opened_is_a_concern_and_a_list_that_is_worked_through_is_none() {
    check(
        |story| {
            for seed in 100..140 {
                for who in ["Sam Marsh", "Ann Ford"] {
                    story.did(who, "2026-11-18T10:00:00Z", "search", "returned", seed);
                }
                story.viewed("Ann Ford", "2026-11-18T11:00:00Z", seed);
            }
            for seed in 100..120 {
                story.did("Bo Ray", "2026-11-18T10:00:00Z", "search", "returned", seed);
            }
        },
        &["found-not-opened Sam Marsh"],
    );
}

#[test]
fn a_restricted_record_is_a_concern_when_opened_or_retrieved_and_not_when_listed() {
    check(
        |story| {
            story
                .viewed("Sam Marsh", "2026-11-18T10:00:00Z", 3)
                .did("Ann Ford", "2026-11-18T10:00:00Z", "retrieve", "returned", 3)
                .did("Bo Ray", "2026-11-18T10:00:00Z", "search", "returned", 3)
                .did("Cy Ray", "2026-11-18T10:00:00Z", "retrieve", "returned", 4);
        },
        &["restricted Ann Ford", "restricted Sam Marsh"],
    );
}

#[test]
fn walking_through_numbers_is_a_concern_in_whatever_order_and_scattered_numbers_are_none() {
    check(
        |story| {
            for near in [5009, 5003, 5011, 5001, 5007, 5005, 5013, 9000] {
                story.asked_for("Sam Marsh", near);
            }
            for near in [5001, 5101, 5201, 5301, 5401, 5501] {
                story.asked_for("Ann Ford", near);
            }
            // Four newborns of one unit.
            for near in [6001, 6002, 6003, 6004] {
                story.asked_for("Bo Ray", near);
            }
        },
        &["walking-numbers Sam Marsh"],
    );
    let place = Place::with(&people());
    let story = Story::of(&place);
    for near in [5001, 5003, 5005, 5007, 5009] {
        story.asked_for("Sam Marsh", near);
    }
    let seen = story.report()["concerns"][0]["seen"].as_str().unwrap().to_owned();
    assert!(seen.ends_with("5 of them are not known to this hub"), "{seen}");
}

#[test]
fn searches_at_the_limit_are_a_concern_and_a_refusal_for_want_of_the_right_is_none() {
    check(
        |story| {
            let when = at("2026-11-18T10:00:00Z");
            let detail = |asked: &str| format!("{{\"asked\":\"{asked}\",\"count\":7}}");
            let volume = detail("search-volume");
            story
                .at("Sam Marsh", "RN3", when, "refused", "too-many-requests", None, Some(&volume))
                .at("Ann Ford", "RN3", when, "refused", "too-many-requests", None, Some(&detail("view")))
                .at("Bo Ray", "RN3", when, "refused", "not-allowed", None, Some(&volume));
        },
        &["search-volume Sam Marsh", "search-volume Ann Ford"],
    );
}

#[test]
fn what_is_outside_the_period_is_not_looked_at_and_looking_is_audited_first() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    story.viewed("Sam Okafor", "2026-11-15T13:59:59Z", 1).viewed("Ann Okafor", "2026-11-22T14:00:00Z", 1);
    assert_eq!(story.raised(), Vec::<String>::new());
    let read = "SELECT user_id, detail FROM audit WHERE kind = 'concerns-read'";
    let entries = super::support::rows(&place.database(), read);
    assert!(entries.len() == 1 && entries[0].starts_with("operating system: "), "{entries:?}");
    // Where it cannot be audited, nothing is printed.
    story.viewed("Sam Okafor", "2026-11-18T10:00:00Z", 1);
    story
        .db
        .execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    let output = place.run(&["concerns", "--config", "hub.toml", "--since", SINCE, "--until", UNTIL]);
    assert!(!output.status.success() && output.stdout.is_empty());
    for wrong in [["--since", "yesterday"], ["--until", "2000-01-01"], ["--format", "xml"]] {
        let output = place.run(&[&["concerns", "--config", "hub.toml"], &wrong[..]].concat());
        assert!(!output.status.success() && output.stdout.is_empty(), "{wrong:?}");
    }
}

#[test]
fn the_report_is_for_a_person_bounded_and_drives_no_terminal() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    for user in 0..70 {
        story.viewed(&format!("Nurse{user}\u{1b}[2J Khan"), "2026-11-18T10:00:00Z", 100 + user);
    }
    story.viewed("Sam Okafor", "2026-11-18T10:00:00Z", 1);
    let output = place.run(&["concerns", "--config", "hub.toml", "--since", SINCE, "--until", UNTIL]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\u{1b}') && text.contains("Nurse0\u{fffd}[2J Khan"), "{text}");
    let first = text.find("1. The viewer and the patient share a family name (").unwrap();
    assert!(text[first..].starts_with("1. ") && text[first..first + 400].contains("Sam Okafor"), "{text}");
    for words in
        ["None of this says that anybody did wrong", "Innocent?", "Ask:", "REF-", "18-Nov-2026 10:00"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("21 more: The viewer and the patient share a family name"), "{text}");
    assert!(text.contains("Of 71 of them too little history"), "{text}");
}
