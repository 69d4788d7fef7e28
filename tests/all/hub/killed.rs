//! Must hold 1: whatever dies, every answer that reached a client is on disk with all that belongs to it, and
//! no view is there twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::support::answer::Answer;
use super::support::data::{CHILD_PROTECTION, LOOKED_AFTER, lines, number, person, plan, plans_of};
use super::support::program::{Place, Program};
use super::support::{caller, proofs, rows};
use cpis::domain::Caller;
use uuid::Uuid;

const ROUNDS: u64 = 200;
const CLIENTS: u64 = 6;

/// What reached a client.
#[derive(Clone)]
enum Seen {
    View { trace: Uuid, reference: String, held: bool },
    Found { request: Uuid, people: u64 },
    Retrieved { request: Uuid },
    NotKnown { request: Uuid },
}

/// A client: looks people up and opens them until the hub is gone; what got no answer is asked again under the
/// same TraceID in the next round, as the viewer would.
struct Client {
    who: Caller,
    token: String,
    open: Option<(u64, Uuid)>,
    seen: Vec<Seen>,
    next: u64,
}

fn token_of(place: &Place, who: &Caller) -> String {
    place.token(who)
}

impl Client {
    fn become_another(&mut self, place: &Place, name: &str) {
        self.who = caller(name, "RN3", &["B0264", "B0107"]);
        self.token = token_of(place, &self.who);
        self.open = None;
    }

    async fn work(&mut self, http: &reqwest::Client, base: &str, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let asked = match self.open {
                Some((seed, trace)) => self.view(http, base, seed, trace).await,
                None => {
                    self.next += 1;
                    // Three in four people have a plan, one of them two from two authorities.
                    let view = (self.next % 4 + 1, Uuid::new_v4());
                    self.open = Some(view);
                    match self.next % 5 {
                        0 => self.search(http, base).await,
                        1 => self.retrieve(http, base, 1).await,
                        2 => self.retrieve(http, base, 9).await,
                        _ => self.view(http, base, view.0, view.1).await,
                    }
                }
            };
            if asked.is_none() {
                return;
            }
        }
    }

    async fn view(&mut self, http: &reqwest::Client, base: &str, seed: u64, trace: Uuid) -> Option<()> {
        let request =
            http.get(format!("{base}{}", plans_of(number(seed)))).header("TraceID", trace.to_string());
        let response = proofs::send(request, &self.token).await.ok()?;
        // A status line alone is an answer already: the reference in its headers must be on disk.
        let reference = response.headers().get("x-access-reference")?.to_str().ok()?.to_owned();
        self.seen.push(Seen::View { trace, reference, held: seed != 4 });
        self.open = None;
        assert_eq!(Answer::read_or_gone(response).await?.status, 200);
        Some(())
    }

    /// The ninth number is nobody's: that the hub does not know it is an answer about a person too.
    async fn retrieve(&mut self, http: &reqwest::Client, base: &str, seed: u64) -> Option<()> {
        let request_id = Uuid::new_v4();
        let path = format!("/personal-demographics/FHIR/R4/Patient/{}", number(seed).digits());
        let request = http.get(format!("{base}{path}")).header("X-Request-ID", request_id.to_string());
        let status = proofs::send(request, &self.token).await.ok()?.status().as_u16();
        self.seen.push(if seed == 9 {
            assert_eq!(status, 404);
            Seen::NotKnown { request: request_id }
        } else {
            assert_eq!(status, 200);
            Seen::Retrieved { request: request_id }
        });
        Some(())
    }

    async fn search(&mut self, http: &reqwest::Client, base: &str) -> Option<()> {
        let request_id = Uuid::new_v4();
        let path = "/personal-demographics/FHIR/R4/Patient?family=Bennett&birthdate=2019-03-12";
        let request = http.get(format!("{base}{path}")).header("X-Request-ID", request_id.to_string());
        let answer = Answer::read_or_gone(proofs::send(request, &self.token).await.ok()?).await?;
        self.seen.push(Seen::Found { request: request_id, people: answer.total() });
        Some(())
    }
}

/// Whether so much was cut off that the rest means anything.
fn enough(views: usize, retried: usize, told_anew: usize) -> bool {
    views > 400 && retried > 100 && told_anew > 200
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_is_killed_at_random_has_logged_and_told_all_that_it_answered_and_nothing_twice() {
    let place = Place::with(&lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        person(2, "Bennett", "Ben", "2019-03-12"),
        person(3, "Bennett", "Cat", "2019-03-12"),
        person(4, "Bennett", "Dan", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
        plan(2, LOOKED_AFTER, "2026-01-05", "", "E06000030"),
        plan(3, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
        plan(3, LOOKED_AFTER, "2026-01-05", "", "E10000013"),
    ]));
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|index| {
            let who = caller(&format!("Nurse {index}"), "RN3", &["B0264", "B0107"]);
            Client { token: token_of(&place, &who), who, open: None, seen: Vec::new(), next: index }
        })
        .collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut views = 0;
    let mut retried = 0;
    let mut told_anew = 0;
    let mut round = 0;
    // A machine that is slow gets more rounds, so that the same is asked of it.
    while round < ROUNDS || (round < 10 * ROUNDS && !enough(views, retried, told_anew)) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let program = place.serve();
        // Half of them are somebody else in each round, who retries nothing: who told an authority less than half
        // an hour ago would not tell it again.
        for (index, client) in (0_u64..).zip(clients.iter_mut()) {
            if (index + round).is_multiple_of(2) {
                client.become_another(&place, &format!("Nurse {index} of round {round}"));
            }
        }
        retried += clients.iter().filter(|client| client.open.is_some()).count();
        clients = run(clients, program, Duration::from_micros(2_000 + random % 60_000)).await;
        // Opening the file recovers it, as the next start would.
        let seen: Vec<(String, Seen)> = clients
            .iter_mut()
            .flat_map(|client| {
                std::mem::take(&mut client.seen).into_iter().map(|seen| (client.who.user.clone(), seen))
            })
            .collect();
        views += seen.iter().filter(|(_, seen)| matches!(seen, Seen::View { .. })).count();
        told_anew += check(&place, &seen, round);
        round += 1;
    }
    assert!(
        enough(views, retried, told_anew),
        "{views} views, {retried} retries, {told_anew} told anew: too few to mean anything"
    );
    assert!(rows(&place.database(), "SELECT 1 FROM outbox").len() > 200);
    let db = place.database();
    let twice = "SELECT trace_id FROM view GROUP BY user_id, organisation_code, trace_id HAVING count(*) > 1
                 UNION ALL SELECT reference FROM view GROUP BY reference HAVING count(*) > 1
                 UNION ALL SELECT view_id FROM history GROUP BY view_id HAVING count(*) > 1
                 UNION ALL SELECT view_id FROM outbox GROUP BY view_id, authority_code, kind HAVING count(*) > 1
                 UNION ALL SELECT request FROM audit WHERE kind = 'view' GROUP BY request HAVING count(*) > 1";
    assert_eq!(rows(&db, twice), Vec::<String>::new());
    let apart = "SELECT reference FROM view WHERE held = 1 AND mode = 'recorded'
                   AND NOT EXISTS (SELECT 1 FROM history WHERE view_id = view.id)
                 UNION ALL SELECT reference FROM view
                   WHERE NOT EXISTS (SELECT 1 FROM audit WHERE audit.reference = view.reference AND kind = 'view')";
    assert_eq!(rows(&db, apart), Vec::<String>::new());
    assert_eq!(rows(&db, "PRAGMA integrity_check"), ["ok"]);
}

async fn run(clients: Vec<Client>, mut program: Program, after: Duration) -> Vec<Client> {
    // Before the clock runs: else most rounds would end with what a client's first call is refused for.
    proofs::greet(&program.base);
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(Mutex::new(Vec::new()));
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            let (stop, done, base) = (Arc::clone(&stop), Arc::clone(&done), program.base.clone());
            tokio::spawn(async move {
                let http = reqwest::Client::builder().no_proxy().build().unwrap();
                client.work(&http, &base, &stop).await;
                done.lock().unwrap().push(client);
            })
        })
        .collect();
    tokio::time::sleep(after).await;
    program.kill();
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    Arc::into_inner(done).unwrap().into_inner().unwrap()
}

/// Every answer of a round has its entry, its history row where due and its notification rows.
/// Returns how many of them were queued for an authority.
fn check(place: &Place, seen: &[(String, Seen)], round: u64) -> usize {
    let mut told_anew = 0;
    let db = place.database();
    let keyed = |sql: &str| -> HashMap<String, String> {
        let split =
            |row: String| row.split_once('|').map(|(key, rest)| (key.to_owned(), rest.to_owned())).unwrap();
        rows(&db, sql).into_iter().map(split).collect()
    };
    let audited = keyed("SELECT reference, request FROM audit WHERE kind = 'view'");
    let listed = keyed("SELECT reference, user_name FROM history JOIN view ON view.id = view_id");
    // Queued, told earlier by the same person, and how many authorities hold a plan.
    let told = keyed(
        "SELECT view.reference, (SELECT count(*) FROM outbox WHERE view_id = view.id),
            (SELECT count(*) FROM told_earlier WHERE view_id = view.id),
            (SELECT count(DISTINCT authority_code) FROM plan WHERE plan.person_id = view.person_id) FROM view",
    );
    let first = keyed(
        "SELECT reference, 1 FROM view WHERE NOT EXISTS (SELECT 1 FROM view AS earlier
            WHERE earlier.person_id = view.person_id AND earlier.user_id = view.user_id AND earlier.id < view.id)",
    );
    let found = keyed("SELECT request, count(*) FROM audit WHERE kind = 'search' GROUP BY request");
    let retrieved = keyed("SELECT request, outcome FROM audit WHERE kind = 'retrieve'");
    for (_, seen) in seen {
        match seen {
            Seen::View { trace, reference, held } => {
                assert_eq!(
                    audited.get(reference),
                    Some(&trace.to_string()),
                    "round {round}: the audit entry"
                );
                assert_eq!(listed.contains_key(reference), *held, "round {round}: the history row");
                let told: Vec<u64> = told[reference].split('|').map(|count| count.parse().unwrap()).collect();
                assert_eq!(told[0] + told[1], told[2], "round {round}: every authority");
                if first.contains_key(reference) {
                    assert_eq!(told[0], told[2], "round {round}: a first view is queued for every authority");
                    told_anew += usize::from(told[0] > 0);
                }
            }
            Seen::Found { request, people } => {
                assert_eq!(
                    found.get(&request.to_string()),
                    Some(&people.to_string()),
                    "round {round}: the search"
                );
            }
            Seen::Retrieved { request } | Seen::NotKnown { request } => {
                let expected = if matches!(seen, Seen::Retrieved { .. }) { "returned" } else { "not-found" };
                let outcome = retrieved.get(&request.to_string()).map(String::as_str);
                assert_eq!(outcome, Some(expected), "round {round}: the retrieve");
            }
        }
    }
    told_anew
}
