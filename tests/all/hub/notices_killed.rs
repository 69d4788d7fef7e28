//! Must hold: kill hub and link at random during 500 views, start them again, and there are 500 views' worth of case notes,
//! each once. And a hub that was put back from a backup. Both with the real programs.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

use super::support::answer::Answer;
use super::support::certificates::{Authority, TLS, put};
use super::support::data::{lines, number, person, plans_of};
use super::support::killing::{Picked, Random, kill_at_random, pick_up, say, thread};
use super::support::program::{Place, Program};
use super::support::uploads::WEXCOMBE;
use super::support::{ISSUER, caller, proofs, rows};

const VIEWS: u64 = 500;
const CHILDREN: u64 = 20;

/// A hub that keeps its address whatever becomes of it, and a link beside it.
struct Pair {
    place: Place,
    socket: TcpListener,
    base: String,
    ours: Authority,
}

impl Pair {
    fn new() -> (Self, Program) {
        let (ours, theirs) = (Authority::new("Trust of the hub"), Authority::new("Trust of callers"));
        let people: Vec<Value> =
            (1..=CHILDREN).map(|seed| person(seed, "Bennett", "Ava", "2019-03-12")).collect();
        let place = Place::with(&lines(&people));
        ours.for_hub().put(place.directory.path());
        put(place.directory.path(), "callers.pem", &theirs.pem());
        place.configure(&format!(
            "{TLS}client_certificates = \"offered\"\nclient_ca = \"callers.pem\"\n\
             [[authority]]\ncode = \"{WEXCOMBE}\"\ncertificates = [\"uri:urn:ods:{WEXCOMBE}\"]\n"
        ));
        let own = theirs.for_caller("Link", &format!("urn:ods:{WEXCOMBE}"));
        put(place.directory.path(), "link.pem", &own.certificate);
        put(place.directory.path(), "link-key.pem", &own.key.serialize_pem());
        put(place.directory.path(), "hub-authority.pem", &ours.pem());
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("https://{}", socket.local_addr().unwrap());
        let configured = include_str!("../../../packaging/authority.toml")
            .replace("https://hub.example", &base)
            .replace(
                "# certificate_authority = \"hub-authority.pem\"",
                "certificate_authority = \"hub-authority.pem\"",
            )
            .replace("# issuer = ", &format!("issuer = \"{ISSUER}\" # "))
            .replace("# synthetic = true ", "synthetic = true ")
            .replace("every_seconds = 5", "every_seconds = 1");
        fs::write(place.path("authority.toml"), configured).unwrap();
        fs::create_dir(place.path("case-notes")).unwrap();
        fs::write(place.path("case-notes/.cpis-folder"), "wexcombe").unwrap();
        let pair = Self { place, socket, base, ours };
        let program = pair.serve();
        let extract = (1..=CHILDREN).map(|seed| {
            format!("A{seed},{},Bennett,Ava,12/03/2019,CPP,05/01/2026,\r\n", number(seed).digits())
        });
        let head =
            "Person ID,NHS Number,Surname,Forenames,Date of Birth,Legal Status,Start Date,End Date\r\n";
        fs::write(pair.place.path("extract.csv"), head.to_owned() + &extract.collect::<String>()).unwrap();
        let sent = pair.link(&["upload", "extract.csv"]);
        assert!(sent.status.success(), "{}", said(&sent));
        (pair, program)
    }

    fn serve(&self) -> Program {
        self.place.serve_on(&self.socket, &[])
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
        command.args(arguments).args(["--config", "authority.toml"]).current_dir(self.place.directory.path());
        command
    }

    fn link(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn listen(&self) -> Link {
        let log = fs::File::options().create(true).append(true).open(self.place.path("link.log")).unwrap();
        Link(self.command(&["listen"]).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    fn http(&self) -> reqwest::Client {
        let trusted = reqwest::Certificate::from_pem(self.ours.pem().as_bytes()).unwrap();
        let builder = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5));
        builder.tls_certs_only([trusted]).build().unwrap()
    }

    /// Opens a child's information as somebody of their own, until the hub has answered.
    async fn view(&self, http: &reqwest::Client, nth: u64) -> String {
        let who = caller(&format!("Nurse {nth}"), "RN3", &["B0264", "B0107"]);
        let bearer = self.place.token(&who);
        let trace = Uuid::new_v4().to_string();
        loop {
            let address = format!("{}{}", self.base, plans_of(number(nth % CHILDREN + 1)));
            let asked = proofs::send(http.get(address).header("TraceID", &trace), &bearer).await;
            let Ok(response) = asked else { continue };
            let Some(answer) = Answer::read_or_gone(response).await else { continue };
            if answer.status == 200 {
                assert_eq!(answer.total(), 1);
                return answer.reference().to_owned();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr[..]].concat()).unwrap()
}

/// The listening link; killed when dropped.
struct Link(Child);

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn h18_h19_hub_and_link_are_killed_at_random_and_each_view_is_in_the_case_notes_once() {
    let (pair, program) = Pair::new();
    let pair = Arc::new(pair);
    let mut random = Random::seeded();
    let other = Random(random.millis(1, u64::MAX / 2).as_millis() as u64 | 1);
    let over = Arc::new(AtomicBool::new(false));
    let (for_hub, for_link) = (Arc::clone(&pair), Arc::clone(&pair));
    let kill_hub = |mut program: Program| program.kill();
    let hub =
        kill_at_random(random, (150, 1200), Arc::clone(&over), move || for_hub.serve(), kill_hub, program);
    let link = pair.listen();
    let link =
        kill_at_random(other, (150, 1500), Arc::clone(&over), move || for_link.listen(), drop::<Link>, link);
    let picked = Arc::new(Mutex::new(Picked::default()));
    let (picking, folder) = (Arc::clone(&picked), pair.place.path("case-notes"));
    let gone = Arc::new(AtomicBool::new(false));
    let has_gone = Arc::clone(&gone);
    let case_system = thread(move || {
        while !has_gone.load(Ordering::Acquire) {
            pick_up(&folder, &picking);
            std::thread::sleep(Duration::from_millis(3));
        }
    });
    let next = Arc::new(AtomicU64::new(0));
    let nurses = (0..4).map(|_| {
        let (pair, next) = (Arc::clone(&pair), Arc::clone(&next));
        tokio::spawn(async move {
            let http = pair.http();
            let mut references = Vec::new();
            loop {
                let nth = next.fetch_add(1, Ordering::AcqRel);
                if nth >= VIEWS {
                    return references;
                }
                references.push(pair.view(&http, nth).await);
                // So that there is time to kill.
                tokio::time::sleep(Duration::from_millis(30)).await;
            }
        })
    });
    let mut references = Vec::new();
    for nurse in nurses.collect::<Vec<_>>() {
        references.extend(nurse.await.unwrap());
    }
    over.store(true, Ordering::Release);
    let (_program, hub_kills) = tokio::task::spawn_blocking(|| hub.join().unwrap()).await.unwrap();
    let (_link, link_kills) = tokio::task::spawn_blocking(|| link.join().unwrap()).await.unwrap();
    say(&format!("the hub was killed {hub_kills} times, the link {link_kills} times"));
    assert!(hub_kills > 5 && link_kills > 5);
    let begun = Instant::now();
    let filed = || rows(&pair.place.database(), "SELECT count(*) FROM outbox WHERE state = 'filed'").concat();
    while filed() != VIEWS.to_string() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{} of {VIEWS} filed: {}",
            filed(),
            log(&pair.place.path("link.log"))
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    gone.store(true, Ordering::Release);
    case_system.join().unwrap();
    pick_up(&pair.place.path("case-notes"), &picked);
    let picked = picked.lock().unwrap();
    assert_eq!(picked.twice, Vec::<String>::new());
    // A case system that remembers no names has one part twice for each time that the link died just then, and no more.
    say(&format!("{} files came again", picked.again));
    assert!(picked.again <= link_kills, "{} files came again after {link_kills} kills", picked.again);
    let mut noted: Vec<String> =
        picked.notes.values().map(|note| note["access"]["reference"].as_str().unwrap().to_owned()).collect();
    references.sort();
    noted.sort();
    assert_eq!(noted, references, "each view is in the notes once");
    // And in the words that a social worker reads: the last part of each note has all of it.
    let mut whole: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    for note in picked.notes.values() {
        let (id, part) = (note["note"].as_str().unwrap(), note["part"].as_u64().unwrap());
        let text = note["text"].as_str().unwrap();
        let last = whole.entry(id).or_default();
        *last = (*last).max((part, text));
    }
    assert_eq!(whole.len() as u64, CHILDREN, "an attendance is one note");
    let text: String = whole.values().map(|(_, text)| *text).collect();
    for reference in &references {
        assert_eq!(text.matches(&format!("Reference {reference}.")).count(), 1, "{reference}");
    }
    assert_eq!(rows(&pair.place.database(), "SELECT count(*) FROM view"), [VIEWS.to_string()]);
    let status = pair.link(&["status"]);
    assert!(status.status.success(), "{}", said(&status));
}

fn log(path: &PathBuf) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_was_put_back_from_a_backup_loses_and_doubles_nothing_that_it_still_knows() {
    let (pair, mut program) = Pair::new();
    let http = pair.http();
    let fetch = || said(&pair.link(&["fetch"]));
    for nth in 0..3 {
        pair.view(&http, nth).await;
    }
    assert!(fetch().contains("3 parts of case notes filed."));
    let made = pair.place.run(&["backup", "hub.backup", "--config", "hub.toml"]);
    assert!(made.status.success(), "{}", said(&made));
    for nth in 3..6 {
        pair.view(&http, nth).await;
    }
    assert!(fetch().contains("3 parts of case notes filed."));
    program.kill();
    let restored = pair.place.run(&["restore", "hub.backup", "--config", "hub.toml"]);
    assert!(restored.status.success(), "{}", said(&restored));
    let _program = pair.serve();
    // Numbers 4 and 5 are given again, to others.
    let mut new = Vec::new();
    for nth in 6..8 {
        new.push(pair.view(&http, nth).await);
    }
    let noticed = fetch();
    assert!(noticed.contains("The hub was put back from a backup"), "{noticed}");
    assert!(noticed.contains("2 new notifications, 2 parts of case notes filed."), "{noticed}");
    assert!(fetch().contains("Nothing new."));
    let status = said(&pair.link(&["status"]));
    assert!(status.contains("The hub was put back from a backup; this was noticed"), "{status}");
    assert!(!status.contains("Missing"), "{status}");
    let picked = Mutex::new(Picked::default());
    pick_up(&pair.place.path("case-notes"), &picked);
    let picked = picked.into_inner().unwrap();
    let noted: Vec<&str> =
        picked.notes.values().map(|note| note["access"]["reference"].as_str().unwrap()).collect();
    assert_eq!(noted.len(), 8, "six of before, two of after");
    assert!(new.iter().all(|reference| noted.contains(&reference.as_str())));
    assert_eq!(rows(&pair.place.database(), "SELECT state, count(*) FROM outbox GROUP BY 1"), ["filed|5"]);
}
