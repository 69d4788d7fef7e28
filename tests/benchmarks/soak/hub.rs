//! The real hub as a process of its own, with people, and callers with tokens.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use cpis::domain::{Activity, Caller, NhsNumber};
use cpis::hub::clock::Clock;
use cpis::identity::dpop::ProofKey;
use cpis::identity::token::{Minter, SigningKey};
use jiff::SignedDuration;
use serde_json::json;
use tempfile::TempDir;

const ISSUER: &str = "http://127.0.0.1:8470";
const NHS: &str = "https://fhir.nhs.uk/Id/nhs-number";

/// Of all people.
pub(crate) const PEOPLE: u64 = 5_000;

/// One in so many is on a plan.
const PLANS_EACH: u64 = 5;

/// A serving hub.
pub(crate) struct Hub {
    pub(crate) address: String,
    key: SigningKey,
    child: Child,
    directory: TempDir,
}

impl Hub {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        let pem = private_key_pem();
        fs::write(path("key.pem"), &pem).expect("a key");
        // A key that everybody can read is refused.
        let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(path("key.pem"), own).expect("a key of our own");
        let config = format!(
            "listen = \"127.0.0.1:0\"\nissuer = \"{ISSUER}\"\ndatabase = \"hub.db\"\nsigning_key = \"key.pem\"\n\
             rights = {{ B0264 = [\"search-people\"], B0107 = [\"view-and-notify\"], B0170 = [\"view-silently\"] }}\n\
             [limits]\nviews_at_once = 1000000\nretrieves_at_once = 1000000\nsearches_at_once = 1000000\n\
             others_at_once = 1000000\nviews_per_minute = 1000000\nretrieves_per_minute = 1000000\n\
             searches_per_minute = 1000000\nothers_per_minute = 1000000\nsearches_per_hour = 1000000\n\
             people_per_hour = 1000000\n"
        );
        fs::write(path("hub.toml"), config).expect("a configuration");
        fs::write(path("people.ndjson"), people()).expect("people");
        let loaded = command(directory.path())
            .args(["load", "people.ndjson", "--config", "hub.toml", "--synthetic"])
            .status()
            .expect("the hub");
        assert!(loaded.success(), "the people were not loaded");
        let log = fs::File::create(path("log")).expect("a log");
        let mut child = command(directory.path())
            .args(["serve", "--config", "hub.toml"])
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the hub");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("its address");
        let address =
            line.trim().strip_prefix("cpis-hub listens on http://").expect("its address").to_owned();
        let key = SigningKey::from_pem(&pem).expect("a key");
        Self { address, key, child, directory }
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("the hub runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("resident memory");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// A caller's token and the key that it is bound to. Without the right, one who may do nothing.
    pub(crate) fn token(&self, user: usize, codes: &[&str]) -> Access {
        let caller = Caller {
            user: format!("user-{user}"),
            name: format!("Nurse {user}"),
            role: "Staff nurse".to_owned(),
            role_profile: "555021935107".to_owned(),
            organisation_code: format!("RN{}", user % 10),
            organisation: "Hospital".to_owned(),
            activities: codes.iter().filter_map(|code| Activity::from_code(code)).collect(),
            session: format!("session-{user}"),
            client: None,
        };
        self.begin_session(&caller.session);
        let key = ProofKey::generate().expect("a key");
        let minter = Minter::new(self.key.clone(), ISSUER);
        let minted =
            minter.mint(&caller, key.thumbprint(), Clock::system().now(), SignedDuration::from_hours(11));
        Access { token: minted.expect("a token").secret().to_owned(), key }
    }

    /// In the database itself: signing in is not measured.
    fn begin_session(&self, id: &str) {
        let db = rusqlite::Connection::open(self.directory.path().join("hub.db")).expect("a database");
        db.busy_timeout(std::time::Duration::from_secs(20)).expect("time to wait");
        let begun = db.execute(
            "INSERT OR IGNORE INTO session
                (id, user_id, user_name, role, role_profile, organisation_code, organisation, activities,
                 key, chain, current, rotated_ms, begun_ms, active_ms, idle_ms, over_ms)
             VALUES (?1, ?1, '', '', '', '', '', '', ?3, x'', x'', 0, 0, 0, ?2, ?2)",
            rusqlite::params![id, i64::MAX / 4, "A".repeat(43)],
        );
        begun.expect("a session");
    }
}

/// What a caller shows.
#[derive(Clone)]
pub(crate) struct Access {
    token: String,
    key: ProofKey,
}

impl Access {
    /// The header lines of one request, with a proof of its own.
    pub(crate) fn proved(&self, method: &str, path: &str, nonce: &str) -> String {
        let Self { token, key } = self;
        let address = format!("{ISSUER}{}", path.split('?').next().unwrap_or(path));
        let now = Clock::system().now().as_second();
        let proof = key.prove(method, &address, Some(token), Some(nonce), now).expect("a proof");
        format!("Authorization: DPoP {token}\r\nDPoP: {proof}\r\n")
    }
}

/// The nonce that proofs have to carry now.
pub(crate) fn nonce(address: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.write_all(b"GET /metadata HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n").ok()?;
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    lines.find_map(|line| Some(line.to_ascii_lowercase().strip_prefix("dpop-nonce: ")?.to_owned()))
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-hub"));
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// The number of a person.
pub(crate) fn number(person: u64) -> String {
    NhsNumber::synthetic((person % PEOPLE) * 20).digits()
}

/// Family name and birth date of a person.
pub(crate) fn name(person: u64) -> (String, String) {
    let person = person % PEOPLE;
    let letters: String = [person / 676, person / 26, person]
        .map(|n| char::from(b'a' + u8::try_from(n % 26).unwrap_or(0)))
        .iter()
        .collect();
    (
        format!("Fam{letters}"),
        format!("20{:02}-{:02}-{:02}", 10 + person % 15, 1 + person % 12, 1 + person % 28),
    )
}

fn people() -> String {
    let mut lines = Vec::new();
    for person in 0..PEOPLE {
        let (family, born) = name(person);
        let digits = number(person);
        lines.push(
            json!({
                "resourceType": "Patient", "id": digits, "gender": "female", "birthDate": born,
                "name": [{ "use": "usual", "family": family, "given": ["Ava"] }],
            })
            .to_string(),
        );
        if person % PLANS_EACH == 0 {
            lines.push(
                json!({
                    "resourceType": "CareTeam",
                    "identifier": [{ "system": "https://fhir.cpis.example/Id/local-id", "value": format!("{person}") }],
                    "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "342191000000101" }] }],
                    "name": "Council",
                    "subject": { "identifier": { "system": NHS, "value": digits } },
                    "period": { "start": "2026-01-05" },
                    "telecom": [{ "system": "phone", "value": "01793 466903", "use": "work" }],
                    "managingOrganization": [{ "identifier": {
                        "system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "E06000030" } }],
                })
                .to_string(),
            );
        }
    }
    lines.join("\n")
}

/// A fresh key as `openssl genpkey` would write it.
fn private_key_pem() -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let random = aws_lc_rs::rand::SystemRandom::new();
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    let mut text = String::new();
    for chunk in der.as_ref().chunks(3) {
        let word = (0..3).fold(0_u32, |word, i| word << 8 | u32::from(chunk.get(i).copied().unwrap_or(0)));
        for place in 0..4 {
            let letter = LETTERS[usize::try_from(word >> (18 - 6 * place) & 63).unwrap_or(0)];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}
