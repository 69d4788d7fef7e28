//! A data officer's desk: the real `cpis-authority`, its configuration, its extract, and a hub that it sends to.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::hub::support::certificates::{Authority, put};
use crate::hub::support::uploads::{Exchange, WEXCOMBE};

pub(super) const HEAD: &str =
    "Person ID,NHS Number,Surname,Forenames,Date of Birth,Legal Status,Start Date,End Date";

/// The day on which the extracts are looked at.
pub(crate) const DAY: &str = "2026-11-22";

pub(super) struct Desk {
    place: TempDir,
    pub(super) exchange: Exchange,
}

#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        let text = [&output.stdout[..], &output.stderr[..]].concat();
        Self { code: output.status.code(), text: String::from_utf8(text).unwrap() }
    }

    pub(crate) fn has(&self, part: &str) -> &Self {
        assert!(self.text.contains(part), "{part:?} is not said in\n{}", self.text);
        self
    }

    pub(crate) fn has_not(&self, part: &str) -> &Self {
        assert!(!self.text.contains(part), "{part:?} is said in\n{}", self.text);
        self
    }
}

/// Puts a link's certificate and configuration into a directory.
pub(crate) fn set_up(place: &Path, base: &str, ours: &Authority, theirs: &Authority) {
    let own = theirs.for_caller("Link", &format!("urn:ods:{WEXCOMBE}"));
    put(place, "link.pem", &own.certificate);
    put(place, "link-key.pem", &own.key.serialize_pem());
    put(place, "hub-authority.pem", &ours.pem());
    let configured = include_str!("../../../packaging/authority.toml")
        .replace("https://hub.example", base)
        .replace(
            "# certificate_authority = \"hub-authority.pem\"",
            "certificate_authority = \"hub-authority.pem\"",
        )
        .replace("# try_for_minutes = 60 ", "try_for_minutes = 0 ")
        .replace("# synthetic = true ", "synthetic = true ");
    fs::write(place.join("authority.toml"), configured).unwrap();
}

/// An extract of these rows.
pub(crate) fn extract(rows: &[&str]) -> String {
    rows.iter().fold(format!("{HEAD}\r\n"), |mut text, row| {
        let _ = write!(text, "{row}\r\n");
        text
    })
}

impl Desk {
    /// Of Wexcombe, beside a hub that knows these people.
    pub(super) async fn beside(people: &[String]) -> Self {
        let exchange = Exchange::with(people).await;
        let place = tempfile::tempdir().unwrap();
        set_up(place.path(), &exchange.hub.base, &exchange.ours, &exchange.theirs);
        Self { place, exchange }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Changes the configuration.
    pub(super) fn configure(&self, from: &str, to: &str) {
        let file = self.path("authority.toml");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(file, text.replace(from, to)).unwrap();
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
        command.args(arguments).args(["--config", "authority.toml"]).current_dir(self.place.path());
        tokio::task::spawn_blocking(move || Said::of(&command.output().unwrap())).await.unwrap()
    }

    pub(super) fn write(&self, rows: &[&str]) {
        fs::write(self.path("extract.csv"), extract(rows)).unwrap();
    }

    /// Uploads these rows.
    pub(super) async fn upload(&self, rows: &[&str]) -> Said {
        self.upload_with(rows, &[]).await
    }

    pub(super) async fn upload_with(&self, rows: &[&str], more: &[&str]) -> Said {
        self.write(rows);
        self.run(&[&["upload", "extract.csv", "--day", DAY][..], more].concat()).await
    }

    /// What the hub holds: number, kind's label, start and end.
    pub(super) fn held(&self) -> Vec<String> {
        let sql = "SELECT number, kind, start_day, end_day FROM plan
                   JOIN nhs_number ON nhs_number.person_id = plan.person_id AND standing <> 'superseded'
                   ORDER BY 1, 3, 2";
        let label = |row: String| {
            let kinds = [("342191000000101", "CPP"), ("764841000000100", "LAC"), ("818901000000100", "UCPP")];
            kinds.iter().fold(row, |row, (code, label)| row.replace(code, label))
        };
        self.exchange.hub.rows(sql).into_iter().map(label).collect()
    }

    /// What the link remembers.
    pub(super) fn remembered(&self, sql: &str) -> Vec<String> {
        crate::hub::support::rows(&rusqlite::Connection::open(self.path("cpis-authority.db")).unwrap(), sql)
    }
}
