//! The hub as it is run: the release program in a process of its own, with a database that is kept between runs.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cpis::config::hub::Synchronous;
use cpis::domain::{Activity, Caller, TailDays};
use cpis::hub::clock::Clock;
use cpis::hub::disk::Disk;
use cpis::hub::load::{self, LoadAsk, Source, Watch};
use cpis::hub::store::{Store, StoreSettings};
use cpis::identity::dpop::ProofKey;
use cpis::identity::token::{Minter, SigningKey};
use jiff::SignedDuration;

use super::people;

/// Whose tokens are shown.
pub(crate) const NURSES: usize = 1000;

/// A program that listens; ended when it goes out of scope.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: String,
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("a program that starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let line = lines.next().expect("a line").expect("a line");
        let address = line.split("://").nth(1).expect("an address").trim().to_owned();
        // Whatever it still prints must not fill the pipe.
        std::thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || lines.for_each(drop))
            .expect("a thread");
        Self { child, address }
    }

    /// Resident memory in MiB: of it now, and the most so far.
    pub(crate) fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let of = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0)
        };
        (of("VmRSS:") / 1024, of("VmHWM:") / 1024)
    }
}

impl Program {
    /// Microseconds of processor time that it has taken.
    pub(crate) fn processor(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let ticks = |place: usize| -> u64 {
            let fields = stat.rsplit(") ").next().unwrap_or_default();
            fields.split(' ').nth(place).and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
        };
        // A hundred ticks a second, on every Linux there is.
        (ticks(11) + ticks(12)) * 10_000
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a configuration and a key.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    key: SigningKey,
    issuer: String,
}

impl Place {
    pub(crate) fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let pem = folder.join("key.pem");
        if !pem.exists() {
            let made = Command::new("openssl")
                .args(["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out"])
                .arg(&pem)
                .status();
            assert!(made.is_ok_and(|made| made.success()), "openssl makes the key");
        }
        let key = SigningKey::from_pem(&std::fs::read_to_string(&pem).expect("a key")).expect("a key");
        let issuer = "http://127.0.0.1:8470".to_owned();
        let config = format!(
            "listen = \"127.0.0.1:0\"\nissuer = \"{issuer}\"\ndatabase = \"work.db\"\nsigning_key = \"key.pem\"\n\
             rights = {{ B0264 = [\"search-people\"], B0107 = [\"view-and-notify\"], B0170 = [\"view-silently\"] }}\n\
             [[site]]\nid = \"ed\"\norganisation_code = \"RN3\"\nsetting = \"Emergency department\"\n\
             name = \"Great Western Hospital\"\ndepartment = \"Adult ED\"\ncall_back = \"01793 604020\"\n\
             contact = \"in-person\"\n"
        );
        std::fs::write(folder.join("hub.toml"), config).expect("a configuration");
        Self { folder: folder.to_owned(), key, issuer }
    }

    /// Raises the rates of callers as far as that goes: a thousand nurses ask here for a country.
    pub(crate) fn raise_rates(&self, program: &Path) {
        let file = self.folder.join("hub.toml");
        let usual = std::fs::read_to_string(&file).expect("a configuration");
        let names = ["views", "retrieves", "searches", "others"];
        let rates = names.map(|of| format!("{of}_per_minute = 1000000\n{of}_at_once = 1000000\n")).concat();
        let hours = "searches_per_hour = 1000000\npeople_per_hour = 1000000\n";
        std::fs::write(&file, format!("{usual}[limits]\n{rates}{hours}")).expect("a configuration");
        let checked = Command::new(program).args(["check-config", "--config"]).arg(&file).output();
        if !checked.is_ok_and(|checked| checked.status.success()) {
            // A hub that knows no rates.
            std::fs::write(&file, usual).expect("a configuration");
        }
    }

    pub(crate) fn hub(&self, program: &Path) -> Program {
        self.begin_sessions();
        let mut command = Command::new(program);
        command.args(["serve", "--config"]).arg(self.folder.join("hub.toml")).env("RUST_LOG", "warn");
        let log = std::fs::File::create(self.folder.join("hub.log")).expect("a log");
        command.stderr(log);
        Program::start(command)
    }

    /// A session for each nurse, in the database itself: signing in is not measured. An earlier version's database has no
    /// table for them, and its hub asks for none.
    fn begin_sessions(&self) {
        let mut db = rusqlite::Connection::open(self.folder.join("work.db")).expect("a database");
        let all = db.transaction().expect("a transaction");
        let ever = i64::MAX / 4;
        for nurse in 0..NURSES {
            let begun = all.execute(
                "INSERT OR IGNORE INTO session
                    (id, user_id, user_name, role, role_profile, organisation_code, organisation, activities,
                     key, chain, current, rotated_ms, begun_ms, active_ms, idle_ms, over_ms)
                 VALUES (?1, ?1, '', '', '', '', '', '', ?3, x'', x'', 0, 0, 0, ?2, ?2)",
                rusqlite::params![session(nurse), ever, "A".repeat(43)],
            );
            if begun.is_err() {
                break;
            }
        }
        all.commit().expect("a commit");
    }

    /// A token of a nurse of her own, and her key.
    pub(crate) fn token(&self, nurse: usize) -> (String, ProofKey) {
        let key = ProofKey::generate().expect("a key");
        let caller = Caller {
            user: format!("555{nurse:09}"),
            name: format!("Nurse {nurse}"),
            role: "Staff nurse".to_owned(),
            role_profile: format!("777{nurse:09}"),
            organisation_code: "RN3".to_owned(),
            organisation: "Great Western Hospital".to_owned(),
            activities: vec![Activity::TRACE_PEOPLE, Activity::VIEW_AND_NOTIFY],
            session: session(nurse),
            client: None,
        };
        let minted = Minter::new(self.key.clone(), &self.issuer).mint(
            &caller,
            key.thumbprint(),
            Clock::system().now(),
            SignedDuration::from_hours(11),
        );
        (minted.expect("a token").secret().to_owned(), key)
    }

    /// What makes proofs for the tokens, for a hub at this address.
    pub(crate) fn prover(&self, address: &str) -> Prover {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let request = b"GET /metadata HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n";
        stream.write_all(request).expect("a connection");
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let nonce =
            lines.find_map(|line| Some(line.to_ascii_lowercase().strip_prefix("dpop-nonce: ")?.to_owned()));
        self.prover_with(nonce.expect("a nonce"))
    }

    /// With a nonce that the hub has said.
    pub(crate) fn prover_with(&self, nonce: String) -> Prover {
        Prover { issuer: self.issuer.clone(), nonce }
    }

    /// The database of so many people: kept, and copied for each use.
    pub(crate) fn people(&self, people: usize, seed: u64) {
        let kept = self.folder.join(format!("people-{people}-{seed}.db"));
        if !kept.exists() {
            let making = self.folder.join("making.db");
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(self.folder.join(format!("making.db{end}")));
            }
            make(&making, people, seed);
            std::fs::rename(&making, &kept).expect("the database kept");
        }
        self.afresh(people, seed);
    }

    /// A copy to work with, of which nothing is kept.
    pub(crate) fn afresh(&self, people: usize, seed: u64) {
        let kept = self.folder.join(format!("people-{people}-{seed}.db"));
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(self.folder.join(format!("work.db{end}")));
        }
        std::fs::copy(&kept, self.folder.join("work.db")).expect("a copy of the database");
    }
}

/// Makes proofs.
#[derive(Clone)]
pub(crate) struct Prover {
    issuer: String,
    pub(crate) nonce: String,
}

impl Prover {
    /// The header lines of one request with GET.
    pub(crate) fn proved(&self, path: &str, (token, key): &(String, ProofKey)) -> String {
        let address = format!("{}{}", self.issuer, path.split('?').next().unwrap_or(path));
        let now = Clock::system().now().as_second();
        let proof = key.prove("GET", &address, Some(token), Some(&self.nonce), now).expect("a proof");
        format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n")
    }
}

fn session(nurse: usize) -> String {
    format!("session-{nurse}")
}

fn make(path: &Path, people: usize, seed: u64) {
    let settings = StoreSettings {
        path: path.to_owned(),
        synchronous: Synchronous::Full,
        tails: TailDays::default(),
        disk: Disk::of(path),
    };
    let store = Store::open(&settings, Clock::system()).expect("a store");
    let operator = Caller {
        user: "bench".to_owned(),
        name: "bench".to_owned(),
        role: "bench".to_owned(),
        role_profile: String::new(),
        organisation_code: "bench".to_owned(),
        organisation: "bench".to_owned(),
        activities: Vec::new(),
        session: "bench".to_owned(),
        client: None,
    };
    let lines = path.with_extension("ndjson");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&lines).expect("a file"));
    for person in people::made(people, seed) {
        file.write_all(person.lines().as_bytes()).expect("lines written");
    }
    drop(file);
    let ask = LoadAsk { source: Source::File(lines.clone()), synthetic: true, restart: true };
    load::load(&store, &ask, &operator, &mut Watch::default()).expect("people loaded");
    let _ = std::fs::remove_file(lines);
    drop(store);
    // Everything into the one file.
    let db = rusqlite::Connection::open(path).expect("a database");
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
}
