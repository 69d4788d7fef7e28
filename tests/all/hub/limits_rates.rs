//! Rates and volumes: who asks too often is told for how long to wait, and the audit log says so once.

use super::support::answer::Answer;
use super::support::data::{child, history_of, lines, number, person, plans_of};
use super::support::program::Place;
use super::support::{TestHub, caller, generous, nurse, proofs};
use cpis::config::hub::LimitSettings;
use cpis::hub::limits;
use uuid::Uuid;

/// A search that returns as many of the children as were born on that day.
fn search(day: &str) -> String {
    format!("/personal-demographics/FHIR/R4/Patient?family=Bennett&birthdate={day}")
}

async fn ask(hub: &TestHub, path: &str) -> Answer {
    let id = Uuid::new_v4().to_string();
    hub.get(path, &nurse(), &[("TraceID", &id), ("X-Request-ID", &id)]).await
}

fn refusals(hub: &TestHub) -> Vec<String> {
    hub.rows(
        "SELECT user_id, json_extract(detail, '$.asked'), json_extract(detail, '$.count'), number
              FROM audit WHERE outcome = 'too-many-requests' ORDER BY id",
    )
}

#[tokio::test]
async fn each_kind_of_request_has_a_rate_of_its_own_and_who_is_refused_is_told_for_how_long() {
    let settings = LimitSettings {
        views_per_minute: Some(70),
        views_at_once: Some(60),
        retrieves_per_minute: Some(6),
        retrieves_at_once: Some(2),
        searches_per_minute: Some(7),
        searches_at_once: Some(2),
        others_per_minute: Some(2),
        others_at_once: Some(3),
        ..LimitSettings::default()
    };
    let hub = TestHub::with_limits(settings, &child()).await;
    let retrieve = format!("/personal-demographics/FHIR/R4/Patient/{}", number(1).digits());
    let check = async |path: &str, at_once: usize, wait: &str, word: &str| {
        for _ in 0..at_once {
            assert_eq!(ask(&hub, path).await.told(), "200", "{path}");
        }
        let before = hub.count("SELECT 1 FROM audit");
        for _ in 0..5 {
            let refused = ask(&hub, path).await;
            assert_eq!(refused.told(), "429 TOO_MANY_REQUESTS", "{path}");
            assert_eq!(refused.header("retry-after"), Some(wait), "{path}");
            assert!(!refused.body.contains("Bennett") && refused.header("x-access-reference").is_none());
        }
        assert_eq!(hub.count("SELECT 1 FROM audit"), before + 1, "one entry for five refusals");
        assert_eq!(refusals(&hub).last().unwrap(), &format!("user-sam-okafor|{word}|1|-"));
    };
    // Never less than what is to be waited: 0.86 s, and 8.6 s of searches.
    check(&plans_of(number(1)), 60, "1", "view").await;
    // The same plans as flags are views too, and take none of the others' room.
    let flags = format!("/patient-flags-api/FHIR/R4/Flag?patient={}", number(1).digits());
    assert_eq!(ask(&hub, &flags).await.told(), "429 TOO_MANY_REQUESTS");
    check(&retrieve, 2, "10", "retrieve").await;
    check(&search("2019-03-12"), 2, "9", "search").await;
    check(&history_of(number(1)), 3, "30", "other").await;
    // Other people, and the same person elsewhere, are not concerned.
    let elsewhere = caller("Sam Okafor", "RA9", &["B0264", "B0107"]);
    for other in [caller("Asha Patel", "RN3", &["B0264", "B0107"]), elsewhere] {
        assert_eq!(hub.view(&other, number(1)).await.status, 200);
    }
    // A minute later there is room again, and the log says how many more there were.
    hub.turn(1);
    assert_eq!(ask(&hub, &retrieve).await.status, 200);
    for _ in 0..100 {
        if refusals(&hub).len() == 8 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let mut later = refusals(&hub).split_off(4);
    later.sort();
    assert_eq!(
        later,
        [("other", 4), ("retrieve", 4), ("search", 4), ("view", 5)]
            .map(|(word, count)| format!("user-sam-okafor|{word}|{count}|-"))
    );
}

#[tokio::test]
async fn the_usual_limits_let_a_person_open_a_view_every_second_for_minutes() {
    let hub = TestHub::with_limits(LimitSettings::default(), &child()).await;
    let who = nurse();
    for _ in 0..limits::VIEWS_AT_ONCE {
        assert_eq!(hub.view(&who, number(1)).await.status, 200);
    }
    assert_eq!(hub.view(&who, number(1)).await.told(), "429 TOO_MANY_REQUESTS", "a loop is bounded");
    for _ in 0..60 {
        hub.clock.turn_to(hub.clock.now() + jiff::SignedDuration::from_secs(1));
        assert_eq!(hub.view(&who, number(1)).await.status, 200);
    }
}

/// Twelve children of one name, ten of whom were born on one day.
fn bennetts() -> Vec<String> {
    let people: Vec<_> = (1..=12)
        .map(|seed| {
            person(
                seed,
                "Bennett",
                &format!("Ava{seed}"),
                if seed <= 10 { "2019-03-12" } else { "2020-01-01" },
            )
        })
        .collect();
    lines(&people)
}

#[tokio::test]
async fn people_returned_and_searches_both_count_to_the_volume_of_an_hour() {
    let volume = |searches, people| LimitSettings {
        searches_per_hour: Some(searches),
        people_per_hour: Some(people),
        ..generous()
    };
    // Ten people at once reach a volume of 21 with the third search; three searches a volume of three.
    for (settings, day) in [(volume(1000, 21), "2019-03-12"), (volume(3, 1000), "2001-01-01")] {
        let hub = TestHub::with_limits(settings, &bennetts()).await;
        for _ in 0..3 {
            assert_eq!(ask(&hub, &search(day)).await.told(), "200");
        }
        hub.turn(20);
        for _ in 0..4 {
            let refused = ask(&hub, &search("2020-01-01")).await;
            assert_eq!(refused.told(), "429 TOO_MANY_REQUESTS");
            assert_eq!(refused.header("retry-after"), Some("2400"));
            assert!(!refused.body.contains("Bennett") && refused.body.contains("by NHS number"));
        }
        assert_eq!(refusals(&hub), ["user-sam-okafor|search-volume|1|-"]);
        // The same person at another organisation is the same person.
        let id = Uuid::new_v4().to_string();
        let elsewhere = caller("Sam Okafor", "RA9", &["B0264", "B0107"]);
        assert_eq!(hub.get(&search(day), &elsewhere, &[("X-Request-ID", &id)]).await.status, 429);
        // A child in front of them can still be found by number, and opened.
        let retrieve = format!("/personal-demographics/FHIR/R4/Patient/{}", number(1).digits());
        assert_eq!(ask(&hub, &retrieve).await.status, 200);
        assert_eq!(ask(&hub, &plans_of(number(1))).await.status, 200);
        hub.turn(39);
        assert_eq!(ask(&hub, &search(day)).await.header("retry-after"), Some("60"));
        hub.turn(1);
        assert_eq!(ask(&hub, &search(day)).await.told(), "200");
    }
}

#[tokio::test]
async fn whose_volume_is_reached_costs_no_search() {
    let settings = LimitSettings { searches_per_hour: Some(1), ..generous() };
    let hub = TestHub::with_limits(settings, &bennetts()).await;
    assert_eq!(ask(&hub, &search("2019-03-12")).await.told(), "200");
    // Whatever would be compared now cannot be read.
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.execute_batch("UPDATE search_person SET compared = 'unreadable'").unwrap();
    assert_eq!(ask(&hub, &search("2019-03-12")).await.told(), "429 TOO_MANY_REQUESTS");
    hub.turn(61);
    assert_eq!(ask(&hub, &search("2019-03-12")).await.status, 500);
}

#[tokio::test]
async fn the_volume_of_an_hour_survives_a_restart() {
    let place = Place::with(&bennetts());
    place.configure("[limits]\nsearches_per_hour = 2\n");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for expected in [200, 200, 429] {
        let program = place.serve();
        let bearer = place.token(&nurse());
        let request = http
            .get(format!("{}{}", program.base, search("2020-01-01")))
            .header("X-Request-ID", Uuid::new_v4().to_string());
        assert_eq!(proofs::send(request, &bearer).await.unwrap().status(), expected);
    }
}

#[tokio::test]
async fn a_caller_without_the_right_is_bounded_too() {
    let settings = LimitSettings { others_per_minute: Some(1), others_at_once: Some(1), ..generous() };
    let hub = TestHub::with_limits(settings, &child()).await;
    let nobody = caller("Lee Marsh", "RN3", &[]);
    let told = async || hub.history(&nobody, number(1)).await.told();
    assert_eq!(told().await, "403 ACCESS_DENIED");
    let before = hub.count("SELECT 1 FROM audit");
    for _ in 0..10 {
        assert_eq!(told().await, "429 TOO_MANY_REQUESTS");
    }
    assert_eq!(hub.count("SELECT 1 FROM audit"), before + 1);
}

#[tokio::test]
async fn a_refusal_that_could_not_be_audited_is_among_those_that_are_audited_later() {
    let settings = LimitSettings { others_per_minute: Some(1), others_at_once: Some(1), ..generous() };
    let hub = TestHub::with_limits(settings, &child()).await;
    assert_eq!(ask(&hub, &history_of(number(1))).await.status, 403, "nothing was opened");
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.execute_batch("CREATE TRIGGER refuse BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    for _ in 0..3 {
        assert_eq!(ask(&hub, &history_of(number(1))).await.told(), "429 TOO_MANY_REQUESTS");
    }
    db.execute_batch("DROP TRIGGER refuse").unwrap();
    hub.turn(1);
    assert_eq!(ask(&hub, &history_of(number(1))).await.status, 403);
    while refusals(&hub).is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(refusals(&hub), ["user-sam-okafor|other|3|-"]);
}

#[cfg(unix)]
#[tokio::test]
async fn refusals_of_the_last_minute_are_audited_before_the_hub_ends() {
    let place = Place::with(&child());
    place.configure("[limits]\nsearches_per_minute = 1\nsearches_at_once = 1\n");
    let mut program = place.serve();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    for expected in [200, 429, 429, 429] {
        let bearer = place.token(&nurse());
        let request = http
            .get(format!("{}{}", program.base, search("2020-01-01")))
            .header("X-Request-ID", Uuid::new_v4().to_string());
        assert_eq!(proofs::send(request, &bearer).await.unwrap().status(), expected);
    }
    program.terminate();
    assert!(tokio::task::spawn_blocking(move || program.child.wait()).await.unwrap().unwrap().success());
    let all = "SELECT sum(json_extract(detail, '$.count')) FROM audit WHERE outcome = 'too-many-requests'";
    assert_eq!(super::support::rows(&place.database(), all), ["3"]);
}
