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
    assert!(seen.contains("had before and no longer uses; 1 of 127 people held here have it now"), "{seen}");
    assert!(!seen.contains("Adeyemi") && !seen.contains("Novak"), "{seen}");
}
