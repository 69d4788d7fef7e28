//! How far a search looks within a commit, and that nobody is told of who is no longer what was asked.

use super::*;
use crate::config::hub::Synchronous;
use crate::domain::{Caller, NhsNumber, TailDays};
use crate::hub::clock::Clock;
use crate::hub::disk::Disk;
use crate::hub::load;
use crate::hub::query;
use crate::hub::store::StoreSettings;

const BROAD: &str = "family=Many&given=Ann&birthdate=ge2018-01-01&birthdate=le2018-12-31";

fn number(place: u64) -> String {
    NhsNumber::synthetic(place * 20).digits()
}

/// Namesakes, of whom the first three are called Ann; and a connection of its own.
async fn namesakes(many: u64) -> (tempfile::TempDir, Store, Connection) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hub.db");
    let settings = StoreSettings {
        disk: Disk::of(&path),
        path,
        synchronous: Synchronous::Full,
        tails: TailDays::default(),
    };
    let store = Store::open(&settings, Clock::standing_at("2026-11-22T14:00:00Z".parse().unwrap())).unwrap();
    let line = |place: u64| {
        let given = if place <= 3 { "Ann".to_owned() } else { format!("Eve{place}") };
        serde_json::json!({
            "resourceType": "Patient",
            "id": number(place),
            "identifier": [{ "system": "https://fhir.nhs.uk/Id/nhs-number", "value": number(place) }],
            "name": [{ "use": "usual", "family": "Many", "given": [given] }],
            "gender": "female",
            "birthDate": format!("2018-01-{:02}", 1 + place % 28),
        })
        .to_string()
    };
    let lines: Vec<String> = (1..=many).map(line).collect();
    let operator = Caller {
        user: String::new(),
        name: String::new(),
        role: String::new(),
        role_profile: String::new(),
        organisation_code: String::new(),
        organisation: String::new(),
        activities: Vec::new(),
        session: String::new(),
        client: None,
    };
    load::load_text(&store, &lines.join("\n"), true, operator).await.unwrap();
    let db = crate::hub::store::connect(&settings.path, Synchronous::Full).unwrap();
    (directory, store, db)
}

/// The numbers of who was found; `None` where it is more than may be looked at.
fn numbers(found: Option<Matches>) -> Option<Vec<String>> {
    let of = |(_, found): (i64, Found)| found.candidate.person.number.digits();
    found.map(|found| match found {
        Matches::Of(found) => found.into_iter().map(of).collect(),
        Matches::TooMany => vec!["too many".to_owned()],
    })
}

#[tokio::test]
async fn a_commit_compares_no_more_people_than_a_fuzzy_search_and_a_reader_does() {
    let (_directory, _store, db) = namesakes(limits::SEARCH_COMPARED as u64 + 1).await;
    let query = query::person(Some(BROAD)).unwrap();
    let three = Some(vec![number(1), number(2), number(3)]);
    assert_eq!(numbers(find(&db, &query, Bounds::of_reader(&query)).unwrap()), three);
    assert_eq!(numbers(find(&db, &query, Bounds::of_writer(&query)).unwrap()), None);
    assert_eq!(numbers(find(&db, &query, Bounds::AT_ONCE).unwrap()), None);
    let narrower = query::person(Some(&BROAD.replace("le2018-12-31", "le2018-01-27"))).unwrap();
    assert_eq!(numbers(find(&db, &narrower, Bounds::of_writer(&narrower)).unwrap()), three);
    let fuzzy = query::person(Some(&format!("{BROAD}&_fuzzy-match=true"))).unwrap();
    for bounds in [Bounds::of_reader(&fuzzy), Bounds::of_writer(&fuzzy)] {
        assert_eq!(numbers(find(&db, &fuzzy, bounds).unwrap()), None, "the same wherever it is done");
    }
}

#[tokio::test]
async fn what_was_found_stands_only_while_each_of_them_is_what_was_asked() {
    let (_directory, _store, db) = namesakes(20).await;
    let query = query::person(Some(BROAD)).unwrap();
    let found = || find(&db, &query, Bounds::of_reader(&query)).unwrap().unwrap();
    let three = Some(vec![number(1), number(2), number(3)]);
    assert_eq!(numbers(still(&db, &query, found()).unwrap()), three);
    // One is no longer to be found, is another one now, or has other details.
    for change in [
        "UPDATE nhs_number SET standing = 'ended' WHERE person_id = 2",
        "DELETE FROM search_person WHERE person_id = 2",
        "UPDATE search_person SET compared = replace(compared, '/ann', '/eve') WHERE person_id = 2",
        "UPDATE search_person SET compared = replace(compared, '2018', '2017') WHERE person_id = 2",
    ] {
        let before = found();
        db.execute_batch("BEGIN").unwrap();
        assert!(db.execute(change, []).unwrap() > 0);
        assert_eq!(numbers(still(&db, &query, before).unwrap()), None, "{change}");
        db.execute_batch("ROLLBACK").unwrap();
    }
    // Told is what they are now.
    let before = found();
    db.execute_batch("UPDATE person SET restricted = 1 WHERE id = 2").unwrap();
    let Some(Matches::Of(now)) = still(&db, &query, before).unwrap() else { panic!("still so") };
    assert!(now.iter().any(|(id, found)| *id == 2 && found.candidate.person.restricted));
    assert!(matches!(still(&db, &query, Matches::TooMany).unwrap(), Some(Matches::TooMany)));
}
