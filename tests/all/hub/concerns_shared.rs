//! `GET /audit/concerns` takes its share of the hub and no more: one report of each organisation, one at a time of all, in
//! the order of coming, and so many of one organisation within an hour.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cpis::domain::{Caller, ConcernsPermit};
use cpis::hub::limits;
use rusqlite::Connection;

use super::concerns::people;
use super::concerns_officer::{ask, officer_elsewhere};
use super::support::answer::Answer;
use super::support::{TestHub, all_at_once, nurse, officer, rights};

const READ: &str = "SELECT 1 FROM audit WHERE kind = 'concerns-read'";

/// All at once; the first one waits for its audit entry until so many have been turned away.
async fn ask_at_once(hub: &TestHub, who: &[Caller], turned_away: usize) -> Vec<Answer> {
    let lock = Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let left = AtomicUsize::new(turned_away);
    let asking = who.iter().map(|one| async {
        let answer = ask(hub, one, "").await;
        if left.fetch_sub(1, Ordering::SeqCst) == 1 {
            lock.execute_batch("ROLLBACK").unwrap();
        }
        answer
    });
    all_at_once(asking).await
}

#[tokio::test]
async fn of_one_organisation_one_is_read_and_another_organisations_officer_waits_their_turn() {
    // given sessions that are there before the database is locked
    let hub = TestHub::with(&people()).await;
    let who = [officer(), officer_elsewhere(), officer(), officer_elsewhere()];
    for one in &who[..2] {
        assert_eq!(ask(&hub, one, "").await.told(), "200");
    }

    // when two officers of each of two organisations ask at once
    let before = hub.count(READ);
    let answers = ask_at_once(&hub, &who, 2).await;

    // then one of each is answered, and the other one of each told to ask again
    for one in [officer(), officer_elsewhere()] {
        let of_theirs = answers.iter().zip(&who).filter(|(_, who)| who.user == one.user);
        let mut told: Vec<String> = of_theirs.map(|(answer, _)| answer.told()).collect();
        told.sort();
        // On a slow machine the first one has waited for longer than the database is waited for.
        let is_slow = told[0] == "500 UNABLE_TO_CALL_SERVICE";
        assert!(is_slow || told[0] == "200", "{told:?}");
        assert_eq!(told[1], "503 UNABLE_TO_CALL_SERVICE", "{told:?}");
    }
    for answer in &answers {
        let is_busy = answer.status == 503;
        assert_eq!(answer.header("retry-after"), is_busy.then_some("10"));
        assert!(!is_busy || answer.body.contains("Another privacy officer's report"), "{}", answer.body);
    }
    let answered = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(hub.count(READ), before + answered, "nothing is written of who is turned away");
    assert_eq!(ask(&hub, &officer(), "").await.told(), "200", "the place is free again");
}

#[tokio::test]
async fn a_place_is_one_of_each_organisation_and_one_of_all_for_as_long_as_it_is_held() {
    let hub = TestHub::with(&people()).await;
    let store = hub.hub.store();
    let place = async |who: &Caller, wait| {
        let permit = ConcernsPermit::of(who, &rights()).unwrap();
        store.concerns_place(permit, wait).await.unwrap()
    };
    let held = place(&officer(), Duration::ZERO).await.expect("nobody else reads");
    let same = officer();
    let at_once = tokio::time::timeout(limits::CONCERNS_WAIT / 2, place(&same, limits::CONCERNS_WAIT));
    assert!(at_once.await.is_ok_and(|place| place.is_none()), "the same organisation, at once");
    assert!(place(&officer_elsewhere(), Duration::from_millis(10)).await.is_none(), "waits, and gives up");
    let elsewhere = officer_elsewhere();
    let (other, ()) = tokio::join!(place(&elsewhere, limits::CONCERNS_WAIT), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(held);
    });
    assert!(other.is_some(), "it waited for its turn");
    assert!(place(&officer(), Duration::ZERO).await.is_none(), "now this one waits");
    drop(other);
    assert!(place(&officer(), Duration::ZERO).await.is_some());
}

#[tokio::test]
async fn an_organisation_reads_so_many_within_an_hour_and_nobody_without_the_right_takes_one_of_them() {
    let hub = TestHub::with(&people()).await;
    // given others at the organisation who ask without the right, and questions that are none
    for _ in 0..limits::CONCERNS_PER_HOUR + 2 {
        assert_eq!(ask(&hub, &nurse(), "").await.status, 403);
        assert_eq!(ask(&hub, &officer(), "?since=yesterday").await.status, 400);
    }

    // when two officers there ask, then they may as often as it is said, together
    let second = Caller { user: "user-second".to_owned(), session: "session-second".to_owned(), ..officer() };
    for report in 0..limits::CONCERNS_PER_HOUR {
        let who = if report % 2 == 0 { officer() } else { second.clone() };
        assert_eq!(ask(&hub, &who, "").await.told(), "200", "{report}");
    }
    let before = hub.count(READ);
    let wait = (60 * 60 / limits::CONCERNS_PER_HOUR).to_string();
    for _ in 0..3 {
        let refused = ask(&hub, &officer(), "").await;
        assert_eq!(refused.told(), "429 TOO_MANY_REQUESTS");
        assert_eq!(refused.header("retry-after"), Some(wait.as_str()));
        assert!(refused.body.contains("Too many reports of this organisation"), "{}", refused.body);
    }
    assert_eq!(hub.count(READ), before);
    assert_eq!(
        hub.rows(
            "SELECT user_name, json_extract(detail, '$.asked') FROM audit WHERE outcome = 'too-many-requests'"
        ),
        ["Ros Hale|concerns"],
        "said once in the minute"
    );

    // and another organisation still reads; this one when the time is over
    assert_eq!(ask(&hub, &officer_elsewhere(), "").await.told(), "200");
    hub.turn(i64::from(60 / limits::CONCERNS_PER_HOUR));
    assert_eq!(ask(&hub, &second, "").await.told(), "200");
    assert_eq!(ask(&hub, &officer(), "").await.told(), "429 TOO_MANY_REQUESTS");
}
