//! `cpis-hub concerns`: of which organisation and role it says something, and that what it says is true.

use jiff::SignedDuration;

use super::concerns::{Story, people};
use super::support::at;
use super::support::data::{changed, ended, lines, person};
use super::support::program::Place;

#[test]
fn what_was_done_at_two_organisations_is_named_at_each_with_the_role_of_then() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    let day = at("2026-11-18T10:00:00Z");
    let hour = |hours| day + SignedDuration::from_hours(hours);
    story
        .at("Sam Okafor", "RN3", day, "view", "held", Some(1), None)
        .at("Sam Okafor", "RA9", hour(24), "view", "held", Some(1), None)
        .at("Sam Okafor", "RA9", hour(48), "view", "held", Some(1), None)
        .at("Sam Okafor", "RA9", hour(49), "retrieve", "returned", Some(3), None)
        .at("Sam Okafor", "RN3", hour(50), "refused", "too-many-requests", None, Some("{}"))
        // The last thing is of a third one, which has nothing to ask.
        .at("Sam Okafor", "RZZ", hour(51), "search", "none", None, None);
    let report = story.report();
    let mut told: Vec<String> = report["concerns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            let parts = ["kind", "organisation_code", "organisation", "role"].map(text);
            format!("{} {}", parts.join(" "), one["times"])
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            "many-days RA9 Clinic Porter 2",
            "many-days RN3 Hospital Nurse 1",
            "only-viewer RA9 Clinic Porter 2",
            "only-viewer RN3 Hospital Nurse 1",
            "restricted RA9 Clinic Porter 1",
            "same-family-name RA9 Clinic Porter 2",
            "same-family-name RN3 Hospital Nurse 1",
            "search-volume RN3 Hospital Nurse 1",
        ]
    );
}

#[test]
fn a_name_that_is_no_longer_used_is_not_written_out_and_counts_for_nobody() {
    let renamed = |seed: u64, now: &str| {
        let names = serde_json::json!({ "name": [
            { "use": "usual", "family": now, "given": ["Eve"] },
            { "use": "old", "family": "Adeyemi", "given": ["Eve"] },
        ] });
        changed(person(seed, now, "Eve", "2019-03-12"), names)
    };
    let mut all = people();
    all.extend(lines(&[
        renamed(10, "Novak"),
        renamed(11, "Marsh"),
        person(12, "Adeyemi", "Fay", "2019-01-01"),
    ]));
    all.extend(lines(&[person(13, "Adeyemi", "Gus", "2019-01-01")]));
    let place = Place::with(&all);
    std::fs::write(place.path("more"), ended(13).to_string()).unwrap();
    assert!(place.run(&["load", "more", "--config", "hub.toml"]).status.success());
    let story = Story::of(&place);
    story.viewed("Ola Adeyemi", "2026-11-20T10:00:00Z", 10);
    let report = story.report();
    let concerns = report["concerns"].as_array().unwrap();
    let one = concerns.iter().find(|one| one["kind"] == "same-family-name").unwrap();
    let seen = one["seen"].as_str().unwrap();
    assert!(
        seen.contains("had before and no longer uses; fewer than one in 100 of the people held here"),
        "{seen}"
    );
    assert!(!seen.contains("Adeyemi") && !seen.contains("Novak"), "{seen}");
}

/// Kind, user and times of what is raised in a period, but for `only-viewer`.
fn raised(story: &Story<'_>, since: &str, until: &str) -> Vec<String> {
    let report = story.report_of(since, until);
    let told = report["concerns"].as_array().unwrap().iter().map(|one| {
        let text = |key: &str| one[key].as_str().unwrap().to_owned();
        format!("{} {} {}", text("kind"), text("name"), one["times"])
    });
    told.filter(|told| !told.starts_with("only-viewer")).collect()
}

#[test]
fn days_are_days_in_england_in_summer_too() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    // 1, 2 and 3 July here, which are two days of UTC.
    for when in ["2026-07-01T22:30:00Z", "2026-07-01T23:30:00Z", "2026-07-02T23:30:00Z"] {
        story.viewed("Sam Marsh", when, 4);
    }
    // 2 and 3 July here, which are three.
    for when in ["2026-07-01T23:30:00Z", "2026-07-02T10:00:00Z", "2026-07-03T10:00:00Z"] {
        story.viewed("Ann Ford", when, 4);
    }
    assert_eq!(raised(&story, "2026-06-30T00:00:00Z", "2026-07-07T00:00:00Z"), ["many-days Sam Marsh 3"]);
}

#[test]
fn hours_are_hours_in_england_and_midnight_is_next_to_eleven_at_night() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    // Before the clocks change, always from ten; and always in the last hour of the day.
    for (who, first) in [("Sam Marsh", "2026-03-01T10:15:00Z"), ("Ann Ford", "2026-03-01T23:15:00Z")] {
        for entry in 0..100 {
            let when = at(first) + SignedDuration::from_hours(24 * (entry / 5));
            story.at(who, "RN3", when, "search", "none", None, None);
        }
    }
    // After it: 09:30 here, and 14:30, which is none of theirs by any clock.
    story.viewed("Sam Marsh", "2026-04-07T08:30:00Z", 4).viewed("Sam Marsh", "2026-04-07T13:30:00Z", 4);
    // 22:30 and 00:30 here; and 14:30.
    for when in ["2026-04-07T21:30:00Z", "2026-04-07T23:30:00Z", "2026-04-08T13:30:00Z"] {
        story.viewed("Ann Ford", when, 2);
    }
    let told = raised(&story, "2026-04-06T00:00:00Z", "2026-04-10T00:00:00Z");
    assert_eq!(told, ["unusual-hour Sam Marsh 1", "unusual-hour Ann Ford 1"]);
}

#[test]
fn what_was_usual_in_summer_is_usual_in_winter_by_the_clock_on_the_wall() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    // 10:15 here, an hour earlier by UTC.
    for entry in 0..100 {
        let when = at("2026-09-01T09:15:00Z") + SignedDuration::from_hours(24 * (entry / 5));
        story.at("Sam Marsh", "RN3", when, "search", "none", None, None);
    }
    story.viewed("Sam Marsh", "2026-10-27T11:30:00Z", 4);
    assert_eq!(raised(&story, "2026-10-26T00:00:00Z", "2026-10-30T00:00:00Z"), Vec::<String>::new());
    story.viewed("Sam Marsh", "2026-10-27T08:30:00Z", 4);
    let told = raised(&story, "2026-10-26T00:00:00Z", "2026-10-30T00:00:00Z");
    assert_eq!(told, ["unusual-hour Sam Marsh 1"]);
}

#[test]
fn that_nobody_else_opened_a_record_is_said_once_a_day_is_over() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    let now = cpis::hub::clock::Clock::system().now();
    let ago = |hours| now - SignedDuration::from_hours(hours);
    story.at("Sam Marsh", "RN3", ago(25), "view", "held", Some(4), None).at(
        "Ann Ford",
        "RN3",
        ago(1),
        "view",
        "held",
        Some(1),
        None,
    );
    let report = story.report_of(&ago(48).to_string(), &now.to_string());
    let told: Vec<&str> =
        report["concerns"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(told, ["Sam Marsh"], "somebody may still open the other");
}

#[test]
fn what_is_little_on_each_of_two_days_is_not_added_up() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    for (when, first, near) in [
        ("2026-11-18T10:00:00Z", 100, 5001),
        ("2026-11-19T10:00:00Z", 120, 5007),
        ("2026-11-20T10:00:00Z", 140, 9001),
    ] {
        for seed in first..first + 20 {
            story.at("Sam Marsh", "RN3", at(when), "search", "returned", Some(seed), None);
        }
        for step in 0..3 {
            story.asked_on("Sam Marsh", when, near + 2 * step);
        }
    }
    assert_eq!(raised(&story, "2026-11-16T00:00:00Z", "2026-11-22T00:00:00Z"), Vec::<String>::new());
    // What was too little with them is enough with eleven more on one day, and two more numbers.
    for seed in 160..171 {
        story.at("Sam Marsh", "RN3", at("2026-11-20T11:00:00Z"), "search", "returned", Some(seed), None);
    }
    for near in [9007, 9009] {
        story.asked_on("Sam Marsh", "2026-11-20T11:00:00Z", near);
    }
    let told = raised(&story, "2026-11-16T00:00:00Z", "2026-11-22T00:00:00Z");
    assert_eq!(told, ["walking-numbers Sam Marsh 5", "found-not-opened Sam Marsh 31"]);
}

#[test]
fn who_looked_silently_has_looked_and_who_was_refused_has_not() {
    let place = Place::with(&people());
    let story = Story::of(&place);
    let day = at("2026-11-18T10:00:00Z");
    let later = day + SignedDuration::from_hours(2);
    story
        // Each opened by Sam, and then by a colleague: silently, in vain, without the right, by number alone.
        .at("Sam Marsh", "RN3", day, "view", "held", Some(100), None)
        .at("Asha Khan", "RN3", later, "silent-view", "held", Some(100), None)
        .at("Sam Marsh", "RN3", day, "view", "held", Some(101), None)
        .at("Bo Ray", "RN3", later, "view", "not-found", Some(101), None)
        .at("Sam Marsh", "RN3", day, "view", "held", Some(102), None)
        .at("Bo Ray", "RN3", later, "refused", "not-allowed", Some(102), None)
        .at("Sam Marsh", "RN3", day, "view", "nothing-held", Some(103), None)
        .at("Bo Ray", "RN3", later, "retrieve", "returned", Some(103), None);
    let report = story.report();
    let told = report["concerns"].as_array().unwrap().iter();
    let told: Vec<String> =
        told.map(|one| format!("{} {} {}", one["kind"], one["name"], one["times"])).collect();
    let told = told.join(", ").replace('"', "");
    assert_eq!(told, "same-family-name Asha Khan 1, only-viewer Sam Marsh 3");
}
