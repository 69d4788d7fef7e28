//! Broad searches take their share: a commit does none that would keep views waiting, and of one user one is looked for at a
//! time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cpis::hub::limits;
use rusqlite::Connection;
use serde_json::Value;

use super::metrics::series;
use super::support::answer::Answer;
use super::support::data::{lines, number, person};
use super::support::{TestHub, all_at_once, caller, nurse};

/// People of one family name, each with another given name, born on one of the days of a year.
fn namesakes(many: usize) -> Vec<String> {
    let born = |seed: u64| format!("2018-{:02}-{:02}", 1 + seed / 28 % 12, 1 + seed % 28);
    let one = |seed| person(seed, "Many", &format!("Ann{seed}"), &born(seed));
    lines(&(1..=many as u64).map(one).collect::<Vec<Value>>())
}

/// All of them are looked at, and one is found.
const BROAD: &str = "?family=Many&given=Ann3&birthdate=ge2018-01-01&birthdate=le2018-12-31";

async fn commits(hub: &TestHub) -> f64 {
    series(&hub.hub.metrics_text().await)["cpis_hub_commit_requests_count"]
}

/// Asks, and lets people change between the looking and the entry; with how many commits it took.
async fn while_people_change(hub: &TestHub, query: &str, change: &str) -> (Answer, f64) {
    let who = nurse();
    for _ in 0..10 {
        let before = commits(hub).await;
        let lock = Connection::open(&hub.database).unwrap();
        lock.busy_timeout(Duration::from_secs(20)).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let meanwhile = async {
            // Long enough for the matching, which needs no lock; the entry has to wait for it.
            tokio::time::sleep(Duration::from_millis(700)).await;
            let change = format!("{change}; UPDATE people_changed SET times = times + 1; COMMIT");
            lock.execute_batch(&change).unwrap();
        };
        let (answer, ()) = tokio::join!(hub.people(&who, query), meanwhile);
        // On a slow machine it has waited for longer than the database is waited for.
        if answer.status != 500 {
            return (answer, commits(hub).await - before);
        }
    }
    panic!("the machine is too slow")
}

#[tokio::test]
async fn where_people_change_meanwhile_a_commit_compares_no_more_than_a_fuzzy_search_does() {
    // given one namesake more than a commit compares
    let hub = TestHub::with(&namesakes(limits::SEARCH_COMPARED + 1)).await;
    assert_eq!(hub.people(&nurse(), BROAD).await.total(), 1);

    // when people change before it is written down, then fewer are searched again in that very commit
    let fewer = BROAD.replace("le2018-12-31", "le2018-11-30");
    let (answer, took) = while_people_change(&hub, &fewer, "SELECT 1").await;
    assert_eq!((answer.total(), took), (1, 1.0), "{}", answer.told());

    // and all of them outside, so that it takes another one
    let (answer, took) = while_people_change(&hub, BROAD, "SELECT 1").await;
    assert_eq!((answer.total(), took), (1, 2.0), "{}", answer.told());

    // and either way of what people are now
    let third = number(3).digits();
    let end = format!("UPDATE nhs_number SET standing = 'ended' WHERE number = '{third}'");
    let (answer, _) = while_people_change(&hub, BROAD, &end).await;
    assert_eq!((answer.status, answer.total()), (200, 0));
    let back = format!("UPDATE nhs_number SET standing = 'current' WHERE number = '{third}'");
    let (answer, _) = while_people_change(&hub, BROAD, &back).await;
    assert_eq!(answer.total(), 1);
}

/// Somebody who changes people all the time, as a load does, until this goes.
struct Changing(Arc<AtomicBool>);

impl Changing {
    fn of(hub: &TestHub) -> Self {
        let (db, is_over) = (Connection::open(&hub.database).unwrap(), Arc::new(AtomicBool::new(false)));
        db.busy_timeout(Duration::from_secs(20)).unwrap();
        db.pragma_update(None, "synchronous", "off").unwrap();
        let ends = Arc::clone(&is_over);
        let change = move || {
            while !ends.load(Ordering::SeqCst) {
                db.execute_batch("UPDATE people_changed SET times = times + 1").unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
        };
        std::thread::Builder::new().name("people change".to_owned()).spawn(change).unwrap();
        Self(is_over)
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn where_people_change_all_the_time_a_broad_search_is_still_answered() {
    let hub = TestHub::with(&namesakes(limits::SEARCH_COMPARED + 1)).await;
    let _changing = Changing::of(&hub);
    let everybody = BROAD.replace("&given=Ann3", "");
    let nobody = BROAD.replace("Ann3", "Zoe");
    for _ in 0..5 {
        assert_eq!(hub.people(&nurse(), BROAD).await.told(), "200");
        assert_eq!(hub.people(&nurse(), &everybody).await.told(), "200 TOO_MANY_MATCHES");
        assert_eq!(hub.people(&nurse(), &nobody).await.total(), 0);
    }
}

#[tokio::test]
async fn behind_one_users_burst_of_broad_searches_nobody_else_waits() {
    // given so many namesakes that looking at all takes a while
    let hub = TestHub::with(&namesakes(3_000)).await;
    let (burst, other) = (nurse(), caller("Lin Moss", "RA9", &["B0264", "B0107"]));
    for who in [&burst, &other] {
        assert_eq!(hub.people(who, BROAD).await.total(), 1);
    }

    // when one user asks for it many times at once, and another one after the first of those is answered
    let (first, is_answered) = (AtomicBool::new(true), tokio::sync::Notify::new());
    let many = 40;
    let asking = (0..many).map(|_| async {
        let answer = hub.people(&burst, BROAD).await;
        if first.swap(false, Ordering::SeqCst) {
            is_answered.notify_one();
        }
        answer
    });
    let afterwards = async {
        is_answered.notified().await;
        hub.people(&other, BROAD).await
    };
    let (answers, answer) = tokio::join!(all_at_once(asking), afterwards);

    // then all are answered, and the other one before most of the burst
    assert!(answers.iter().all(|answer| answer.told() == "200"));
    assert_eq!(answer.total(), 1);
    let order = hub.rows("SELECT user_name FROM audit WHERE kind = 'search' ORDER BY id");
    assert_eq!(order.len(), many + 3);
    let place = order.iter().rposition(|name| *name == other.name).unwrap();
    assert!(place < many / 2, "the other one came as number {place}: {order:?}");
}
