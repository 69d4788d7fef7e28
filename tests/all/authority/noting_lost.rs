//! Answers lost at each step, and the link ended at each: over the real hub, TLS, register and folder. Whatever the link hears
//! or does not, each view is in the record once and the hub hears of it.

use std::fs;
use std::path::Path;

use cpis::authority::https::Https;
use cpis::authority::notes::folder::{self, Folder};
use cpis::authority::notices::{self, CasesOfExtract, Ends};
use cpis::authority::register::{Register, RegisterError};
use cpis::config::authority::{AuthorityConfig, Way};
use cpis::exchange::TransportError;
use cpis::exchange::notice::{Collected, Mailbox, Mark};
use jiff::Timestamp;

use crate::hub::support::data::{lines, number, person, superseded};
use crate::hub::support::{NOW, at, caller};

use super::desk::Desk;
use super::noting::desk;

/// Where on its way something is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// The question never arrives.
    Question,
    /// It arrives, and the answer does not.
    Answer,
}

/// The real connection, which loses what belongs to one of its calls.
struct Losing {
    https: Https,
    calls: usize,
    lose: Option<(usize, Lost)>,
    /// Numbers that are left out of what comes, as if somebody on the way had.
    without: Option<u32>,
}

impl Losing {
    fn now(&mut self) -> Option<Lost> {
        self.calls += 1;
        self.lose.filter(|(call, _)| *call == self.calls).map(|(_, lost)| lost)
    }

    fn lost<T>() -> Result<T, TransportError> {
        Err(TransportError::NotReached("lost by the test".to_owned()))
    }

    fn through<T>(
        &mut self,
        call: impl FnOnce(&mut Https) -> Result<T, TransportError>,
    ) -> Result<T, TransportError> {
        match self.now() {
            Some(Lost::Question) => Self::lost(),
            Some(Lost::Answer) => call(&mut self.https).and_then(|_| Self::lost()),
            None => call(&mut self.https),
        }
    }
}

impl Mailbox for Losing {
    fn collect(&mut self, have: Option<&Mark>) -> Result<Collected, TransportError> {
        let collected = self.through(|https| https.collect(have))?;
        let (Some(without), Collected::Document(document)) = (self.without, &collected) else {
            return Ok(collected);
        };
        let mut bundle: serde_json::Value = serde_json::from_slice(document).unwrap();
        let entries = bundle["entry"].as_array_mut().unwrap();
        entries.retain(|entry| {
            entry["resource"]["resourceType"] != "Communication"
                || entry["resource"]["extension"][0]["valueInteger"] != without
        });
        Ok(Collected::Document(bundle.to_string().into_bytes()))
    }

    fn collect_again(&mut self, above: u32) -> Result<Collected, TransportError> {
        self.through(|https| https.collect_again(above))
    }

    fn is_kept(&mut self) -> Result<(), TransportError> {
        self.through(Mailbox::is_kept)
    }

    fn file(&mut self, receipts: &[u8]) -> Result<Option<String>, TransportError> {
        self.through(|https| https.file(receipts))
    }
}

/// A round of a link that begins anew; how often it called.
pub(super) async fn round(
    desk: &Desk,
    lose: Option<(usize, Lost)>,
    without: Option<u32>,
    at: Timestamp,
) -> (usize, notices::Round) {
    let file = desk.path("authority.toml");
    let folder = desk.path("case-notes");
    tokio::task::spawn_blocking(move || {
        let config = AuthorityConfig::read(&file).unwrap();
        let (link, table) = (config.link.unwrap(), config.routing.unwrap());
        let directory = file.parent().unwrap();
        let mut register = opened(&directory.join("cpis-notes.db"), &link.code);
        let Way::Https(https) = &link.hub.way else { panic!("HTTPS") };
        let mut losing = Losing {
            https: Https::new(https).unwrap().with_register(register.id().unwrap()),
            calls: 0,
            lose,
            without,
        };
        let cases = CasesOfExtract { memory: link.memory.clone(), is_partial: false };
        let ends = Ends { authority_code: &link.code, issuer: &link.hub.issuer };
        let mut open = |register: &mut Register| {
            Ok(Box::new(Folder::open(&folder, register, folder::Mark::Any)?)
                as Box<dyn cpis::authority::notes::Record>)
        };
        let alerting = notices::Alerting { table: &table, mailer: None };
        let round =
            notices::round(&mut register, &mut losing, ends, &cases, &mut open, alerting, &move || at)
                .unwrap();
        (losing.calls, round)
    })
    .await
    .unwrap()
}

/// A lock that was let go is held on for a moment by whatever process another test is starting just now.
fn opened(path: &Path, code: &str) -> Register {
    for _ in 0..500 {
        match Register::open(path, code) {
            Err(RegisterError::InUse) => std::thread::sleep(std::time::Duration::from_millis(10)),
            opened => return opened.unwrap(),
        }
    }
    panic!("the register stays in use");
}

fn later(minutes: i64) -> Timestamp {
    at(NOW) + jiff::SignedDuration::from_mins(minutes)
}

#[tokio::test(flavor = "multi_thread")]
async fn h18_h19_whatever_is_lost_on_the_way_each_view_is_noted_once_and_the_hub_hears_of_it() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let mut views = 0;
    let mut call = 1;
    loop {
        let mut calls = 0;
        for lost in [Lost::Question, Lost::Answer] {
            let who = caller(&format!("Nurse {views}"), "RN3", &["B0264", "B0107"]);
            hub.view(&who, number(1)).await;
            views += 1;
            let (made, broken) = round(&desk, Some((call, lost)), None, later(views)).await;
            calls = calls.max(made);
            assert_eq!(broken.is_well(), made < call, "{call} {lost:?}");
            let (_, whole) = round(&desk, None, None, later(views)).await;
            assert!(whole.is_well(), "{whole:?}");
            assert_eq!(desk.notes().len(), views as usize, "{call} {lost:?}");
            assert_eq!(hub.rows("SELECT DISTINCT state FROM outbox"), ["filed"], "{call} {lost:?}");
        }
        if calls < call {
            break;
        }
        call += 1;
    }
    assert!(call > 4, "fetched, kept, fetched again and filed: {call}");
    let names = fs::read_dir(desk.path("case-notes")).unwrap();
    let hidden =
        names.filter(|name| name.as_ref().unwrap().file_name().to_string_lossy().starts_with(".cpis-note"));
    assert_eq!(hidden.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_passed_over_is_noticed_said_and_asked_for_again() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let view = async |name: &str| hub.view(&caller(name, "RN3", &["B0264", "B0107"]), number(1)).await;
    view("A").await;
    round(&desk, None, None, later(0)).await;
    for name in ["B", "C", "D"] {
        view(name).await;
    }
    // The hub cannot be asked for it either, this once; and the last one is passed over too.
    let (_, passed) = round(&desk, Some((4, Lost::Question)), Some(3), later(1)).await;
    assert_eq!((passed.missing, passed.new, passed.placed), (1, 2, 2));
    let status = desk.run(&["status"]).await;
    status.has("Missing in the hub's numbers: 1 (3 to 3)").has("They are asked for again");
    assert_eq!(status.code, Some(1));
    let (_, again) = round(&desk, None, None, later(10)).await;
    assert_eq!((again.new, again.placed), (1, 1));
    desk.run(&["status"]).await.has_not("Missing in the hub's numbers");
    assert_eq!(desk.notes().len(), 4);
    assert_eq!(hub.rows("SELECT DISTINCT state FROM outbox"), ["filed"]);
    // The last of all: nothing comes behind it that would show the gap.
    view("E").await;
    let (_, passed) = round(&desk, Some((3, Lost::Question)), Some(5), later(20)).await;
    assert_eq!((passed.missing, passed.new), (1, 0));
    let (_, again) = round(&desk, None, None, later(60)).await;
    assert_eq!((again.new, desk.notes().len()), (1, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_has_forgotten_receipts_gets_them_again_and_nothing_is_noted_twice() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    for name in ["A", "B", "C"] {
        hub.view(&caller(name, "RN3", &["B0264", "B0107"]), number(1)).await;
    }
    round(&desk, None, None, later(0)).await;
    // Put back from a backup of before the receipts, and of after the views.
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.execute_batch("UPDATE outbox SET state = 'queued', outcome = NULL WHERE number > 1").unwrap();
    let (_, round) = round(&desk, None, None, later(1)).await;
    assert!(round.is_well() && round.new == 0 && round.placed == 0, "{round:?}");
    assert_eq!(hub.rows("SELECT state, count(*) FROM outbox GROUP BY 1"), ["filed|3"]);
    assert_eq!(desk.notes().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_whose_clock_is_an_hour_off_notes_each_view_once_and_at_the_hubs_time() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let mut views = 0;
    // Behind, ahead, and put right again: what was noted with a clock ahead keeps nothing waiting.
    for minutes in [-60, 60, 0] {
        for name in ["A", "B"] {
            let who = caller(&format!("{name} {views}"), "RN3", &["B0264", "B0107"]);
            hub.view(&who, number(1)).await;
            views += 1;
        }
        let (_, whole) = round(&desk, None, None, later(minutes)).await;
        assert!(whole.is_well(), "{minutes}: {whole:?}");
        assert_eq!(desk.notes().len(), views, "{minutes}");
        assert_eq!(hub.rows("SELECT DISTINCT state FROM outbox"), ["filed"], "{minutes}");
    }
    // The hub says when it was, and not the clock of whoever writes it down.
    for note in desk.notes() {
        assert!(note.to_string().contains("22-Nov-2026 14:0"), "{note}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h2_a_notice_of_a_number_that_is_lost_on_its_way_comes_again_and_is_listed_once() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let (mut told, mut call, mut in_use) = (0, 1, 1);
    loop {
        let mut calls = 0;
        for lost in [Lost::Question, Lost::Answer] {
            told += 1;
            let next = 100 + told;
            hub.load(&lines(&[person(next, "Bennett", "Ava", "2019-03-12"), superseded(in_use, next)])).await;
            in_use = next;
            let at = later(i64::try_from(told).unwrap());
            let (made, broken) = round(&desk, Some((call, lost)), None, at).await;
            calls = calls.max(made);
            assert_eq!(broken.is_well(), made < call, "{call} {lost:?}");
            let (_, whole) = round(&desk, None, None, at).await;
            assert!(whole.is_well(), "{whole:?}");
            let listed = "SELECT count(*), count(*) FILTER (WHERE settled_ms IS NULL) FROM inactive";
            assert_eq!(desk.noted(listed), [format!("{told}|1")], "{call} {lost:?}");
            let is_open = desk.noted("SELECT replaced_by FROM inactive WHERE settled_ms IS NULL");
            assert_eq!(is_open, [number(next).digits()], "the last one holds");
            let outcomes = hub.rows("SELECT outcome FROM outbox ORDER BY number");
            let expected: Vec<&str> =
                (1..=told).map(|nth| if nth == told { "triage" } else { "dealt-with" }).collect();
            assert_eq!(outcomes, expected, "{call} {lost:?}");
        }
        if calls < call {
            break;
        }
        call += 1;
    }
    assert!(call > 4, "fetched, kept, fetched again and filed: {call}");
    assert_eq!(desk.notes().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_that_the_hub_lost_behind_one_that_it_never_had_go_again() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    for name in ["A", "B", "C", "D"] {
        hub.view(&caller(name, "RN3", &["B0264", "B0107"]), number(1)).await;
    }
    round(&desk, None, None, later(0)).await;
    // The first is not in the record yet, for the record system's reasons; of the others the hub forgets what it was told, and its
    // numbers stay the same.
    let soon = later(31).as_millisecond();
    let db = rusqlite::Connection::open(desk.path("cpis-notes.db")).unwrap();
    let first = "(SELECT id FROM notice WHERE number = 1)";
    db.execute_batch(&format!(
        "UPDATE part SET state = 'waiting', next_ms = {soon} WHERE notice_id = {first};
         UPDATE notice SET told = NULL WHERE number = 1;
         UPDATE part SET state = 'done' WHERE notice_id <> {first}"
    ))
    .unwrap();
    drop(db);
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.execute_batch(
        "UPDATE outbox SET state = 'delivered', outcome = NULL WHERE number IN (1, 3);
         UPDATE outbox SET state = 'delivered', outcome = 'triage' WHERE number = 4",
    )
    .unwrap();
    let (_, round_two) = round(&desk, None, None, later(1)).await;
    assert!(round_two.is_well(), "{round_two:?}");
    let states = "SELECT number, coalesce(outcome, '-') FROM outbox ORDER BY number";
    assert_eq!(hub.rows(states), ["1|-", "2|documented", "3|documented", "4|documented"]);
    // Said once and not with every round: the count of one that never gets a receipt changes nothing.
    let (calls, _) = round(&desk, None, None, later(2)).await;
    assert_eq!(calls, 2, "asked, and kept: nothing to file");
}
