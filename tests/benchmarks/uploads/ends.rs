//! The two ends as they are run: the hub with TLS, the link with a certificate of its own, and an extract of the people whom the hub
//! knows.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cpis::domain::BirthDate;
use jiff::civil::date;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rusqlite::Connection;

use crate::hub::{Place, Program};
use crate::people;

/// The authority that sends.
const CODE: &str = "E06000030";

/// What goes on while views are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing but views.
    Quiet,
    /// The link reads its extract and writes its document, on the same machine.
    Prepared,
    /// The document comes to the hub.
    Arrives,
    /// It is applied.
    Applied,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quiet => "no upload",
            Self::Prepared => "the link prepares it (same machine)",
            Self::Arrives => "it arrives",
            Self::Applied => "it is applied",
        }
    }
}

/// What became of an upload.
pub(crate) struct Sent {
    pub(crate) records: u64,
    pub(crate) rejected: u64,
    pub(crate) took: Duration,
    applied_ms: i64,
    pub(crate) hub_mib: u64,
    pub(crate) link_mib: u64,
}

impl Sent {
    /// By the hub's own audit log, from taken to applied.
    pub(crate) fn applied(&self) -> Duration {
        Duration::from_millis(self.applied_ms.unsigned_abs().max(1))
    }
}

/// Hub and link.
pub(crate) struct Ends {
    pub(crate) place: Place,
    people: usize,
    seed: u64,
    hub: PathBuf,
    link: PathBuf,
}

impl Ends {
    pub(crate) fn new(folder: &Path, people: usize, seed: u64, (hub, link): (PathBuf, PathBuf)) -> Self {
        let place = Place::new(folder);
        place.people(people, seed);
        place.raise_rates(&hub);
        certificates(folder);
        let configured = folder.join("hub.toml");
        let usual = std::fs::read_to_string(&configured).expect("a configuration");
        let tls = format!(
            "[tls]\ncertificate = \"hub.pem\"\nkey = \"hub-key.pem\"\nclient_certificates = \"offered\"\n\
             client_ca = \"callers.pem\"\n[[authority]]\ncode = \"{CODE}\"\ncertificates = [\"uri:urn:ods:{CODE}\"]\n"
        );
        std::fs::write(&configured, usual + &tls).expect("a configuration");
        let link = std::fs::canonicalize(link).expect("the link's program");
        Self { place, people, seed, hub, link }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.place.folder.join("work.db")
    }

    /// The database as it was loaded.
    pub(crate) fn copy_again(&self) {
        self.place.afresh(self.people, self.seed);
    }

    /// A hub that has heard of nothing, and a link that has sent nothing.
    pub(crate) fn afresh(&self) -> Program {
        self.copy_again();
        let link = self.at("link");
        let _ = std::fs::remove_dir_all(&link);
        std::fs::create_dir(&link).expect("a folder");
        let hub = self.hub_alone();
        let configured = include_str!("../../../packaging/authority.toml")
            .replace("https://hub.example", &format!("https://{}", hub.address))
            .replace(
                "# certificate_authority = \"hub-authority.pem\"",
                "certificate_authority = \"../hub-authority.pem\"",
            )
            .replace("\"link.pem\"", "\"../link.pem\"")
            .replace("\"link-key.pem\"", "\"../link-key.pem\"")
            .replace("# synthetic = true ", "synthetic = true ");
        std::fs::write(link.join("authority.toml"), configured).expect("a configuration");
        hub
    }

    /// The hub, and nobody who asks it.
    pub(crate) fn hub_alone(&self) -> Program {
        self.place.hub(&self.hub)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.folder.join(name)
    }

    /// So many rows: everybody once, and children a second time with another plan if they are too few.
    pub(crate) fn extract(&self, rows: usize, wrong: bool) -> PathBuf {
        let path = self.at("extract.csv");
        let mut out = BufWriter::new(std::fs::File::create(&path).expect("an extract"));
        let head = "Person ID,NHS Number,Surname,Forenames,Date of Birth,Legal Status,Start Date,End Date";
        writeln!(out, "{head}").expect("written");
        let mut written = 0;
        for again in [false, true] {
            for (place, person) in people::made(self.people, self.seed).enumerate() {
                let BirthDate::Day(born) = person.born else { continue };
                let is_child = born > date(2009, 6, 1) && born < date(2026, 9, 1);
                if written == rows || person.restricted || (again && !is_child) {
                    continue;
                }
                let (Some(given), family) = (person.name.given.first(), &person.name.family) else {
                    continue;
                };
                if family.is_empty() || [given, family].iter().any(|name| name.contains(['"', ','])) {
                    continue;
                }
                let (kind, end) = match (is_child, again) {
                    (true, false) => ("CPP", ""),
                    (true, true) => ("C1", ""),
                    (false, _) => ("UCPP", "01/03/2027"),
                };
                let family = if wrong { "Nobodysname" } else { family };
                let (number, born) = (person.number.digits(), born.strftime("%d/%m/%Y"));
                writeln!(out, "L{place},{number},{family},{given},{born},{kind},01/10/2026,{end}")
                    .expect("written");
                written += 1;
            }
        }
        out.flush().expect("written");
        println!("{:<46}{written:>10}", "rows of the extract");
        path
    }

    /// Sends it with the real link; says when it arrives and when it is applied.
    pub(crate) fn upload(&self, extract: &Path, hub: &Program, say: &mut dyn FnMut(Phase)) -> Sent {
        let begun = Instant::now();
        let log = std::fs::File::create(self.at("link.log")).expect("a log");
        let mut link = Command::new(&self.link)
            .arg("upload")
            .arg(std::fs::canonicalize(extract).expect("the extract"))
            .args(["--config", "authority.toml"])
            .current_dir(self.at("link"))
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .expect("the link starts");
        let (mut link_mib, mut next) = (0, Phase::Arrives);
        let ended = loop {
            link_mib = link_mib.max(most(link.id()));
            if next == Phase::Arrives && self.is_arriving() {
                say(Phase::Arrives);
                next = Phase::Applied;
            }
            if next == Phase::Applied && !self.files().is_empty() {
                say(Phase::Applied);
                next = Phase::Quiet;
            }
            if let Some(ended) = link.try_wait().expect("the link") {
                break ended;
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let took = begun.elapsed();
        let files = self.files();
        let said = std::fs::read_to_string(self.at("link.log")).unwrap_or_default();
        let said = said.chars().take(2_000).collect::<String>();
        assert!(ended.code().is_some_and(|code| code < 2) && !files.is_empty(), "the link failed: {said}");
        let (records, rejected, applied_ms) = files[0];
        Sent { records, rejected, took, applied_ms, hub_mib: hub.memory().1, link_mib }
    }

    fn is_arriving(&self) -> bool {
        let mut files = std::fs::read_dir(&self.place.folder).expect("the folder").filter_map(Result::ok);
        files.any(|file| file.file_name().to_string_lossy().starts_with("work.db.upload-"))
    }

    /// Records, rejected ones, and milliseconds from taken to applied, of each file.
    fn files(&self) -> Vec<(u64, u64, i64)> {
        let db = Connection::open(self.database()).expect("the database");
        db.busy_timeout(Duration::from_secs(10)).expect("a patient reader");
        let sql = "SELECT records, rejected,
                          (SELECT at_ms FROM audit WHERE kind = 'upload' AND outcome = 'applied' ORDER BY id LIMIT 1) - at_ms
                   FROM authority_file ORDER BY id";
        let mut statement = db.prepare(sql).expect("a hub of this version");
        let rows = statement.query_map([], |row| {
            let applied: Option<i64> = row.get(2)?;
            Ok((
                row.get::<_, i64>(0)?.unsigned_abs(),
                row.get::<_, i64>(1)?.unsigned_abs(),
                applied.unwrap_or(0),
            ))
        });
        rows.expect("files").filter_map(Result::ok).collect()
    }
}

/// The most resident memory so far, in MiB.
fn most(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) / 1024
}

/// Of the hub, of the link, and of whoever issued them.
fn certificates(folder: &Path) {
    let issuer = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an issuer")
    };
    let (ours, theirs) = (issuer("Trust of the hub"), issuer("Trust of callers"));
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
    };
    let mut link = CertificateParams::default();
    link.subject_alt_names.push(SanType::URI(format!("urn:ods:{CODE}").try_into().expect("a URI")));
    let hub = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
    for (name, params, by) in [("hub", hub, &ours), ("link", link, &theirs)] {
        let key = KeyPair::generate().expect("a key");
        put(&format!("{name}.pem"), &params.signed_by(&key, by).expect("a certificate").pem());
        put(&format!("{name}-key.pem"), &key.serialize_pem());
    }
    put("hub-authority.pem", &ours.pem());
    put("callers.pem", &theirs.pem());
}
