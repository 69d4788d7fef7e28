//! Must hold, by MESH: kill hub and link at random during 500 views, start them again, and there are 500 views' worth of case notes,
//! each once. The same during an upload, and with a MESH that is away for a while. All with the real programs.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cpis::exchange::notice;
use uuid::Uuid;

use super::chain::{children, row};
use super::exchange::{HUB, Post, WEXCOMBES, until};
use super::link::{Link, content};
use crate::hub::support::answer::Answer;
use crate::hub::support::data::{number, plans_of};
use crate::hub::support::killing::{Picked, Random, kill_at_random, pick_up, say, thread};
use crate::hub::support::program::{Place, Program};
use crate::hub::support::uploads::WEXCOMBE;
use crate::hub::support::{caller, proofs, rows};

const VIEWS: u64 = 500;
const CHILDREN: u64 = 20;

/// A hub that keeps its address whatever becomes of it, a link beside it, and MESH between them.
struct Pair {
    post: Post,
    place: Place,
    socket: TcpListener,
    base: String,
    link: Link,
}

impl Pair {
    fn new(children_known: u64) -> Self {
        let post = Post::new();
        let place = Place::with(&children(children_known));
        let file = |name: &str| post.path(name).to_str().unwrap().to_owned();
        place.configure(&format!(
            "[mesh]\nmailbox = \"{HUB}\"\naddress = \"{}\"\npassword_file = \"{}\"\nshared_key_file = \"{}\"\n\
             certificate = \"{}\"\nkey = \"{}\"\ncertificate_authority = \"{}\"\nevery_seconds = 1\nchunk_kb = 4\n\
             [mesh.workflows]\nupload = \"CPIS_UPLOAD\"\nacknowledgement = \"CPIS_UPLOAD_ACK\"\n\
             notification = \"CPIS_NOTICE\"\nreceipt = \"CPIS_NOTICE_ACK\"\n\
             [[authority]]\ncode = \"{WEXCOMBE}\"\nmailbox = \"{WEXCOMBES}\"\n",
            post.rest().address,
            file("password"),
            file("shared"),
            file("owner.pem"),
            file("owner-key.pem"),
            file("mesh-authority.pem")
        ));
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", socket.local_addr().unwrap());
        let link = Link::new(&post);
        Self { post, place, socket, base, link }
    }

    fn serve(&self) -> Program {
        self.place.serve_on(&self.socket, &[])
    }

    /// Starts one of the link's commands, whose words go to a file.
    fn start(&self, arguments: &[&str]) -> Killed {
        let log = fs::File::options().create(true).append(true).open(self.link.path("link.log")).unwrap();
        let mut command = self.link.command(arguments);
        Killed(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    fn words(&self) -> String {
        let text = fs::read_to_string(self.link.path("link.log")).unwrap_or_default();
        text.chars().rev().take(3_000).collect::<String>().chars().rev().collect()
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        rows(&self.place.database(), sql)
    }

    fn count(&self, sql: &str) -> u64 {
        self.rows(sql).concat().parse().unwrap()
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

    /// Every notification with a message of it that MESH has whole, and every receipt, counted.
    fn counted(&self) -> (BTreeMap<String, u32>, BTreeMap<String, u32>) {
        let (mut sent, mut receipts) = (BTreeMap::new(), BTreeMap::new());
        for message in self.post.messages(WEXCOMBES, "CPIS_NOTICE") {
            let (_, items) = notice::read(&content(&self.post, WEXCOMBES, &message)).unwrap();
            for item in items {
                *sent.entry(item.mark().id.as_str().to_owned()).or_default() += 1;
            }
        }
        for message in self.post.messages(HUB, "CPIS_NOTICE_ACK") {
            let said = notice::read_receipts(&content(&self.post, HUB, &message)).unwrap();
            for receipt in said.receipts {
                *receipts.entry(receipt.mark.id.as_str().to_owned()).or_default() += 1;
            }
        }
        (sent, receipts)
    }
}

/// One of the link's commands while it runs; killed when dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap()
}

/// Four nurses, who open as many records as that together.
async fn views(pair: &Arc<Pair>, many: u64, pause: Duration) -> Vec<String> {
    let next = Arc::new(AtomicU64::new(0));
    let nurses = (0..4).map(|_| {
        let (pair, next) = (Arc::clone(pair), Arc::clone(&next));
        tokio::spawn(async move {
            let (http, mut references) = (http(), Vec::new());
            loop {
                let nth = next.fetch_add(1, Ordering::AcqRel);
                if nth >= many {
                    return references;
                }
                references.push(pair.view(&http, nth).await);
                tokio::time::sleep(pause).await;
            }
        })
    });
    let mut references = Vec::new();
    for nurse in nurses.collect::<Vec<_>>() {
        references.extend(nurse.await.unwrap());
    }
    references
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_h19_hub_and_link_are_killed_at_random_and_by_mesh_too_each_view_is_in_the_case_notes_once() {
    let pair = Arc::new(Pair::new(CHILDREN));
    let program = pair.serve();
    let extract: Vec<String> = (1..=CHILDREN).map(|seed| row(&format!("A{seed}"), seed)).collect();
    let said = pair.link.upload(&extract).await;
    assert!(said.contains(&format!("{CHILDREN} taken")), "{said}");
    let mut random = Random::seeded();
    let other = Random(random.millis(1, u64::MAX / 2).as_millis() as u64 | 1);
    let over = Arc::new(AtomicBool::new(false));
    let (for_hub, for_link) = (Arc::clone(&pair), Arc::clone(&pair));
    let kill_hub = |mut program: Program| program.kill();
    let hub =
        kill_at_random(random, (300, 2500), Arc::clone(&over), move || for_hub.serve(), kill_hub, program);
    let listening = pair.start(&["listen"]);
    let start = move || for_link.start(&["listen"]);
    let link = kill_at_random(other, (300, 3000), Arc::clone(&over), start, drop::<Killed>, listening);
    let picked = Arc::new(Mutex::new(Picked::default()));
    let (picking, folder) = (Arc::clone(&picked), pair.link.path("case-notes"));
    let gone = Arc::new(AtomicBool::new(false));
    let has_gone = Arc::clone(&gone);
    let case_system = thread(move || {
        while !has_gone.load(Ordering::Acquire) {
            pick_up(&folder, &picking);
            std::thread::sleep(Duration::from_millis(3));
        }
    });
    // So slowly that there is time to kill, and for MESH to be in the midst of it.
    let mut references = views(&pair, VIEWS, Duration::from_millis(200)).await;
    over.store(true, Ordering::Release);
    let (_program, hub_kills) = tokio::task::spawn_blocking(|| hub.join().unwrap()).await.unwrap();
    let (_link, link_kills) = tokio::task::spawn_blocking(|| link.join().unwrap()).await.unwrap();
    say(&format!("the hub was killed {hub_kills} times, the link {link_kills} times"));
    assert!(hub_kills > 5 && link_kills > 5);
    let begun = Instant::now();
    let filed = || pair.count("SELECT count(*) FROM outbox WHERE state = 'filed'");
    while filed() != VIEWS || pair.count("SELECT count(*) FROM mesh_out") > 0 {
        let states = pair.rows("SELECT state, count(*) FROM outbox GROUP BY 1");
        let late = begun.elapsed() > Duration::from_secs(600);
        assert!(!late, "{states:?} {:?} {}", pair.rows("SELECT * FROM mesh_out"), pair.words());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    gone.store(true, Ordering::Release);
    case_system.join().unwrap();
    pick_up(&pair.link.path("case-notes"), &picked);
    let picked = std::mem::take(&mut *picked.lock().unwrap());
    assert_eq!(picked.twice, Vec::<String>::new());
    let mut noted: Vec<String> =
        picked.notes.values().map(|note| note["access"]["reference"].as_str().unwrap().to_owned()).collect();
    references.sort();
    noted.sort();
    assert_eq!(noted, references, "each view is in the notes once");
    assert_eq!(pair.count("SELECT count(*) FROM view"), VIEWS);
    let (code, said) = pair.link.run(&["status"]).await;
    assert_eq!(code, Some(0), "{said}");
    let (sent, receipts) = pair.counted();
    assert_eq!((sent.len() as u64, receipts.len() as u64), (VIEWS, VIEWS));
    // Whether a message had gone MESH was asked before it was sent again. It has whole what it does not yet track where a hub is killed and
    // back in the moment between: then a message goes twice, and stands in the notes once, as above.
    let twice: Vec<_> = sent.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.len() <= 10 && twice.iter().all(|(_, times)| **times == 2), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_hub_and_link_are_killed_while_an_upload_goes_by_mesh_and_it_is_applied_once() {
    const RECORDS: u64 = 2_000;
    let pair = Arc::new(Pair::new(RECORDS));
    let program = pair.serve();
    let extract: Vec<String> = (1..=RECORDS).map(|seed| row(&format!("A{seed}"), seed)).collect();
    pair.link.extract(&extract);
    // Some thirty chunks.
    let configured = fs::read_to_string(pair.link.path("authority.toml")).unwrap();
    fs::write(pair.link.path("authority.toml"), configured.replace("chunk_kb = 1\n", "chunk_kb = 48\n"))
        .unwrap();
    let mut random = Random::seeded();
    let other = Random(random.millis(1, u64::MAX / 2).as_millis() as u64 | 1);
    let over = Arc::new(AtomicBool::new(false));
    let for_hub = Arc::clone(&pair);
    let times_killed = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&times_killed);
    let kill_hub = move |mut program: Program| {
        program.kill();
        counted.fetch_add(1, Ordering::AcqRel);
    };
    let hub =
        kill_at_random(other, (200, 2500), Arc::clone(&over), move || for_hub.serve(), kill_hub, program);
    // The link is killed ten times on its way; then it may come to its end, while the hub is still killed.
    let (mut link_kills, mut is_done) = (0, false);
    let begun = Instant::now();
    loop {
        let mut running = pair.start(&["upload", "extract.csv", "--day", "2026-11-22"]);
        let patience = match (is_done, link_kills) {
            // A fast machine may be done before that.
            (true, 0..3) => random.millis(1, 100),
            (false, 0..10) => random.millis(200, 4_000),
            _ => Duration::from_secs(300),
        };
        let since = Instant::now();
        let ended = loop {
            if let Some(ended) = running.0.try_wait().unwrap() {
                break Some(ended);
            }
            if since.elapsed() > patience {
                break None;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        match ended {
            // One ends with everything that there is to say; the next says that nothing differs.
            Some(ended) if ended.success() => {
                is_done = true;
                if link_kills >= 3 && times_killed.load(Ordering::Acquire) > 3 {
                    break;
                }
            }
            Some(_) => {}
            None => link_kills += 1,
        }
        assert!(begun.elapsed() < Duration::from_secs(900), "{}", pair.words());
    }
    over.store(true, Ordering::Release);
    let (_program, hub_kills) = tokio::task::spawn_blocking(|| hub.join().unwrap()).await.unwrap();
    say(&format!("the hub was killed {hub_kills} times, the link {link_kills} times"));
    assert!(hub_kills > 3);
    assert_eq!(pair.count("SELECT count(*) FROM plan"), RECORDS);
    // Each file was taken once, applied once and answered; and all but the first were small.
    let files = pair.count("SELECT count(*) FROM authority_file");
    let times = |outcome: &str| {
        pair.count(&format!("SELECT count(*) FROM audit WHERE kind = 'upload' AND outcome = '{outcome}'"))
    };
    assert_eq!((times("taken"), times("applied")), (files, files));
    assert_eq!(pair.rows("SELECT records FROM authority_file WHERE sequence = 1"), [RECORDS.to_string()]);
    assert_eq!(pair.rows("SELECT DISTINCT state FROM authority_file"), ["complete"]);
    // Whoever was killed before it had fetched one fetches it with the next.
    let begun = Instant::now();
    while pair.count("SELECT count(*) FROM mesh_out") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(300), "{:?}", pair.rows("SELECT * FROM mesh_out"));
        pair.link.run(&["upload", "extract.csv", "--day", "2026-11-22"]).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs mesh-sandbox: tests/run mesh"]
async fn h18_while_mesh_is_away_or_says_nothing_views_go_on_and_afterwards_each_is_noted_once() {
    const EACH: u64 = 20;
    let mut pair = Pair::new(CHILDREN);
    let _program = pair.serve();
    let extract: Vec<String> = (1..=CHILDREN).map(|seed| row(&format!("A{seed}"), seed)).collect();
    let said = pair.link.upload(&extract).await;
    assert!(said.contains(&format!("{CHILDREN} taken")), "{said}");
    let listening = pair.start(&["listen"]);
    let mut references = Vec::new();
    let http = http();
    for (nth, how) in ["away", "silent"].into_iter().enumerate() {
        match how {
            "away" => pair.post.goes_away(),
            _ => pair.post.signal("-STOP"),
        }
        for view in 0..EACH {
            references.push(pair.view(&http, nth as u64 * EACH + view).await);
        }
        // Long enough for several rounds at either end; nobody is told meanwhile, and nobody waited for it.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let filed = pair.count("SELECT count(*) FROM outbox WHERE state = 'filed'");
        assert_eq!(filed, nth as u64 * EACH, "{how}");
        match how {
            "away" => pair.post.comes_back(),
            _ => pair.post.signal("-CONT"),
        }
        let all = (nth as u64 + 1) * EACH;
        until(how, || pair.count("SELECT count(*) FROM outbox WHERE state = 'filed'") == all).await;
    }
    drop(listening);
    let picked = Mutex::new(Picked::default());
    pick_up(&pair.link.path("case-notes"), &picked);
    let picked = picked.into_inner().unwrap();
    let mut noted: Vec<&str> =
        picked.notes.values().map(|note| note["access"]["reference"].as_str().unwrap()).collect();
    noted.sort_unstable();
    references.sort();
    assert_eq!(noted, references);
    let (sent, receipts) = pair.counted();
    assert_eq!((sent.len() as u64, receipts.len() as u64), (2 * EACH, 2 * EACH));
    let once = |of: &BTreeMap<String, u32>| of.values().all(|times| *times == 1);
    assert!(once(&sent) && once(&receipts), "{sent:?} {receipts:?}");
}
