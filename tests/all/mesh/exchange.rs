//! mesh-sandbox on loopback behind TLS, a relay that loses things, mailboxes, and a hub with one of them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cpis::config::hub::{HubConfig, SendingAuthority};
use cpis::config::mesh::{MeshSettings, MeshWay, RestSettings, Workflows};
use cpis::hub::clock::Clock;
use cpis::mesh::{Client, MailboxId};
use serde_json::Value;
use tempfile::TempDir;

use crate::hub::support::certificates::{Authority, Issued, put};
use crate::hub::support::uploads::{ALDBURY, WEXCOMBE};
use crate::hub::support::{NOW, TestHub, at, configuration};

/// The hub's mailbox, the authorities', and a stranger's.
pub(super) const HUB: &str = "CPISHUB01";
pub(super) const WEXCOMBES: &str = "E06OT001";
pub(super) const ALDBURYS: &str = "E06OT002";
pub(super) const STRANGERS: &str = "X26OT666";

/// Python with the packages of `tests/mesh/requirements.txt`; the part `mesh` of `tests/run` says where.
fn python() -> PathBuf {
    let place = std::env::var_os("CPIS_MESH_PYTHON").expect("run this with `tests/run mesh`");
    PathBuf::from(place)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh").join(name)
}

/// A program that ends with its holder.
struct Running(Child, String);

impl Running {
    /// Starts it; the first line that it prints is its port.
    fn start(name: &str, arguments: &[&str], log: &Path) -> Self {
        let mut child = Command::new(python())
            .arg(script(name))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(log).unwrap())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("CPIS_RELAY_BAD", log.with_file_name("bad"))
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = fs::read_to_string(log).unwrap_or_default();
        assert!(!line.is_empty(), "{name} did not start:\n{log}");
        Self(child, line.trim().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// MESH, as far as a test has it.
pub(super) struct Post {
    place: TempDir,
    sandbox: Option<Running>,
    _relay: Option<Running>,
    url: String,
    direct: String,
}

impl Post {
    /// The sandbox alone.
    pub(super) fn new() -> Self {
        Self::behind(0, 0, "")
    }

    /// Behind a relay that fails so many requests of a hundred.
    pub(super) fn through(seed: u32, percent: u32) -> Self {
        Self::behind(seed, percent, "")
    }

    /// Behind a relay that refuses whoever's clock is not at this moment (yyyymmddHHMM).
    pub(super) fn at_time(stamp: &str) -> Self {
        Self::behind(0, 0, stamp)
    }

    fn behind(seed: u32, percent: u32, stamp: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (ours, theirs) = (Authority::new("MESH"), Authority::new("Owners of mailboxes"));
        let write = |name: &str, issued: &Issued| {
            put(place.path(), &format!("{name}.pem"), &issued.certificate);
            put(place.path(), &format!("{name}-key.pem"), &issued.key.serialize_pem());
        };
        write("mesh", &ours.for_hub());
        write("owner", &theirs.for_caller("Owner", "urn:mesh:owner"));
        write("stranger", &Authority::new("Others").for_caller("Stranger", "urn:mesh:owner"));
        put(place.path(), "mesh-authority.pem", &ours.pem());
        put(place.path(), "owners.pem", &theirs.pem());
        put(place.path(), "password", "password\n");
        put(place.path(), "shared", "TestKey\n");
        for mailbox in [HUB, WEXCOMBES, ALDBURYS, STRANGERS] {
            fs::create_dir_all(place.path().join("store").join(mailbox).join("in")).unwrap();
        }
        let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
        let sandbox = sandbox(place.path(), None);
        let direct = format!("https://localhost:{}", sandbox.1);
        let relay = (percent > 0 || !stamp.is_empty()).then(|| {
            let more =
                [path("mesh-authority.pem"), path("mesh.pem"), path("mesh-key.pem"), path("owners.pem")];
            let own = [path("owner.pem"), path("owner-key.pem"), seed.to_string(), percent.to_string()];
            let all: Vec<&str> = [sandbox.1.as_str()]
                .into_iter()
                .chain(more.iter().map(String::as_str))
                .chain(own.iter().map(String::as_str))
                .chain(Some(stamp).filter(|stamp| !stamp.is_empty()))
                .collect();
            Running::start("relay.py", &all, &place.path().join("relay.log"))
        });
        let url = relay.as_ref().map_or(direct.clone(), |relay| format!("https://localhost:{}", relay.1));
        let post = Self { place, sandbox: Some(sandbox), _relay: relay, url, direct };
        post.wait();
        post
    }

    /// MESH is away, once it has done with what it is asked just now.
    #[cfg(unix)]
    pub(super) fn goes_away(&mut self) {
        let mut running = self.sandbox.take().expect("it is there");
        signal(&running.0, "-TERM");
        running.0.wait().unwrap();
    }

    /// It is back at its address, with all that it had.
    #[cfg(unix)]
    pub(super) fn comes_back(&mut self) {
        let port = self.direct.rsplit_once(':').unwrap().1.to_owned();
        self.sandbox = Some(sandbox(self.place.path(), Some(&port)));
        self.wait();
    }

    /// It takes connections and says nothing (`-STOP`), or says something again (`-CONT`).
    #[cfg(unix)]
    pub(super) fn signal(&self, which: &str) {
        signal(&self.sandbox.as_ref().expect("it is there").0, which);
    }

    /// Until the sandbox answers.
    fn wait(&self) {
        let begun = Instant::now();
        while self.peer(STRANGERS, &["inbox"]).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(120), "{}", self.log("sandbox"));
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Whatever method and path contain a line of this is answered with 503 by the relay, from now on; nothing where it is empty.
    pub(super) fn fails(&self, with: &str) {
        // At once: the relay may read it at any moment.
        fs::write(self.path("bad.new"), with).unwrap();
        fs::rename(self.path("bad.new"), self.path("bad")).unwrap();
    }

    pub(super) fn log(&self, of: &str) -> String {
        fs::read_to_string(self.path(&format!("{of}.log"))).unwrap_or_default()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub(super) fn rest(&self) -> RestSettings {
        RestSettings {
            address: self.url.clone(),
            password_file: self.path("password"),
            shared_key_file: self.path("shared"),
            certificate: self.path("owner.pem"),
            key: self.path("owner-key.pem"),
            certificate_authority: Some(self.path("mesh-authority.pem")),
            chunk_bytes: 16 * 1024 * 1024,
        }
    }

    /// A mailbox, by our own client.
    pub(super) fn client(&self, mailbox: &str) -> Client {
        self.client_of(mailbox, &self.rest())
    }

    pub(super) fn client_of(&self, mailbox: &str, settings: &RestSettings) -> Client {
        let mailbox = MailboxId::parse(mailbox).unwrap();
        Client::new(&mailbox, settings, Box::new(|| at(NOW))).unwrap()
    }

    /// A mailbox, by NHS England's client, beside the relay; what it prints.
    pub(super) fn peer(&self, mailbox: &str, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(python())
            .arg(script("peer.py"))
            .args([&self.direct, mailbox])
            .args(["owner.pem", "owner-key.pem", "mesh-authority.pem"])
            .args(arguments)
            .current_dir(self.place.path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// The messages that came to a mailbox, as the sandbox keeps them, oldest first.
    pub(super) fn messages(&self, mailbox: &str, workflow: &str) -> Vec<Value> {
        let folder = self.path("store").join(mailbox).join("in");
        let begun = Instant::now();
        // The sandbox empties a file and writes it again with each event: one that is half there is read again.
        let read = || -> Option<Vec<Value>> {
            fs::read_dir(&folder)
                .unwrap()
                .map(|file| file.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
                .map(|path| serde_json::from_slice(&fs::read(path).ok()?).ok())
                .collect()
        };
        let all = loop {
            match read() {
                Some(all) => break all,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "a message of the sandbox is never whole");
        };
        let mut all: Vec<Value> = all
            .into_iter()
            .filter(|message: &Value| message["workflow_id"] == workflow)
            // Of which not all came: nobody gets that one.
            .filter(|message| message["events"][0]["status"] != "uploading")
            .collect();
        all.sort_by_key(|message| message["created_timestamp"].as_str().map(str::to_owned));
        all
    }

    /// Tells a sender that a message was not delivered, as MESH does after five days.
    pub(super) async fn give_back(&self, sender: &str, workflow: &str, id: &str, local_id: &str) {
        let event = serde_json::json!({ "status": "undeliverable", "code": "14", "event": "SEND" });
        self.admin(&format!("/messageexchange/admin/message/{id}/event"), &event).await;
        self.report(sender, workflow, id, local_id).await;
    }

    /// Says so in the sender's inbox alone: tracking knows nothing of it.
    pub(super) async fn report(&self, sender: &str, workflow: &str, id: &str, local_id: &str) {
        let report = serde_json::json!({
            "mailbox_id": sender, "code": "14", "description": "not collected", "workflow_id": workflow,
            "local_id": local_id, "linked_message_id": id, "status": "undeliverable",
        });
        self.admin("/messageexchange/admin/report", &report).await;
    }

    async fn admin(&self, path: &str, what: &Value) {
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap();
        let own = format!("{}{}", read("owner.pem"), read("owner-key.pem"));
        let trusted = reqwest::Certificate::from_pem(read("mesh-authority.pem").as_bytes()).unwrap();
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([trusted])
            .identity(reqwest::Identity::from_pem(own.as_bytes()).unwrap())
            .build()
            .unwrap();
        let request = http.post(format!("{}{path}", self.direct)).header("content-type", "application/json");
        let answer = request.body(what.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    pub(super) fn settings(&self) -> MeshSettings {
        MeshSettings {
            mailbox: HUB.to_owned(),
            hub_mailbox: None,
            way: MeshWay::Rest(self.rest()),
            every: Duration::from_millis(100),
            workflows: workflows(),
        }
    }

    /// A hub with a mailbox, whose clock runs, and to which both authorities come by MESH.
    pub(super) async fn hub(&self, lines: &[String]) -> TestHub {
        hub_of(self.settings(), lines).await
    }
}

/// Starts the sandbox, at this port or at one that is free.
fn sandbox(place: &Path, port: Option<&str>) -> Running {
    let names = ["store", "mesh.pem", "mesh-key.pem", "owners.pem"];
    let paths = names.map(|name| place.join(name).to_str().unwrap().to_owned());
    let arguments: Vec<&str> = paths.iter().map(String::as_str).chain(port).collect();
    Running::start("sandbox.py", &arguments, &place.join("sandbox.log"))
}

#[cfg(unix)]
fn signal(child: &Child, which: &str) {
    let sent = Command::new("kill").args([which, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

pub(super) async fn hub_of(mesh: MeshSettings, lines: &[String]) -> TestHub {
    hub_with(mesh, &[(WEXCOMBE, WEXCOMBES), (ALDBURY, ALDBURYS)], lines).await
}

/// An authority that comes by MESH.
pub(super) fn by_mesh(code: &str, mailbox: &str) -> SendingAuthority {
    SendingAuthority { code: code.to_owned(), certificates: Vec::new(), mailbox: Some(mailbox.to_owned()) }
}

pub(super) async fn hub_with(mesh: MeshSettings, by: &[(&str, &str)], lines: &[String]) -> TestHub {
    let config = HubConfig {
        mesh: Some(mesh),
        authorities: by.iter().map(|(code, mailbox)| by_mesh(code, mailbox)).collect(),
        ..configuration(PathBuf::new(), cpis::domain::TailDays::default())
    };
    let hub = TestHub::with_config(config, Clock::running_from(at(NOW))).await;
    hub.load(lines).await;
    hub
}

pub(super) fn workflows() -> Workflows {
    let id = |name: &str| format!("CPIS_{name}");
    Workflows {
        upload: id("UPLOAD"),
        acknowledgement: id("UPLOAD_ACK"),
        notification: id("NOTICE"),
        receipt: id("NOTICE_ACK"),
    }
}

/// Waits until something is so; a slow machine may take its time.
pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(180), "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
