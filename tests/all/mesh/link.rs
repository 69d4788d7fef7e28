//! The real `cpis-authority` of Wexcombe, set up to go by MESH.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::exchange::{HUB, Post, WEXCOMBES};
use crate::hub::support::ISSUER;

pub(super) struct Link {
    place: TempDir,
}

impl Link {
    pub(super) fn new(post: &Post) -> Self {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| post.path(name).to_str().unwrap().to_owned();
        let rest = post.rest();
        let configured = include_str!("../../../packaging/authority.toml");
        let (before, after) = configured.split_once("[hub]\n").unwrap();
        let (_, after) = after.split_once("\n[notes]\n").unwrap();
        let text = format!(
            "{before}[hub]\nissuer = \"{ISSUER}\"\ntry_for_minutes = 10\n\n[mesh]\nmailbox = \"{WEXCOMBES}\"\n\
             hub_mailbox = \"{HUB}\"\naddress = \"{}\"\npassword_file = \"{}\"\nshared_key_file = \"{}\"\n\
             certificate = \"{}\"\nkey = \"{}\"\ncertificate_authority = \"{}\"\nevery_seconds = 1\nchunk_kb = 1\n\
             [mesh.workflows]\nupload = \"CPIS_UPLOAD\"\nacknowledgement = \"CPIS_UPLOAD_ACK\"\n\
             notification = \"CPIS_NOTICE\"\nreceipt = \"CPIS_NOTICE_ACK\"\n\n[notes]\n{after}",
            rest.address,
            file("password"),
            file("shared"),
            file("owner.pem"),
            file("owner-key.pem"),
            file("mesh-authority.pem")
        );
        let text = text.replace("# synthetic = true ", "synthetic = true ");
        fs::write(place.path().join("authority.toml"), text).unwrap();
        fs::create_dir(place.path().join("case-notes")).unwrap();
        fs::write(place.path().join("case-notes/.cpis-folder"), "wexcombe").unwrap();
        Self { place }
    }

    /// Through the folders of MESH's file client.
    pub(super) fn by_folder(folder: &Path) -> Self {
        let place = tempfile::tempdir().unwrap();
        let configured = include_str!("../../../packaging/authority.toml");
        let (before, after) = configured.split_once("[hub]\n").unwrap();
        let (_, after) = after.split_once("\n[notes]\n").unwrap();
        let text = format!(
            "{before}[hub]\nissuer = \"{ISSUER}\"\n\n[mesh]\nmailbox = \"{WEXCOMBES}\"\nhub_mailbox = \"{HUB}\"\n\
             folder = \"{}\"\nevery_seconds = 1\n[mesh.workflows]\nupload = \"CPIS_UPLOAD\"\n\
             acknowledgement = \"CPIS_UPLOAD_ACK\"\nnotification = \"CPIS_NOTICE\"\nreceipt = \"CPIS_NOTICE_ACK\"\n\n\
             [notes]\n{after}",
            folder.display()
        );
        fs::write(
            place.path().join("authority.toml"),
            text.replace("# synthetic = true ", "synthetic = true "),
        )
        .unwrap();
        fs::create_dir(place.path().join("case-notes")).unwrap();
        fs::write(place.path().join("case-notes/.cpis-folder"), "wexcombe").unwrap();
        Self { place }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// The program, not yet started.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
        command.args(arguments).args(["--config", "authority.toml"]).current_dir(self.place.path());
        command
    }

    /// What it prints, with its exit code.
    pub(super) async fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = self.command(arguments);
        let run = move || {
            let output = command.output().unwrap();
            let text = [&output.stdout[..], &output.stderr[..]].concat();
            (output.status.code(), String::from_utf8(text).unwrap())
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    }

    /// Writes the extract.
    pub(super) fn extract(&self, rows: &[String]) {
        let head = "Person ID,NHS Number,Surname,Forenames,Date of Birth,Legal Status,Start Date,End Date";
        fs::write(self.path("extract.csv"), format!("{head}\n{}\n", rows.join("\n"))).unwrap();
    }

    /// Uploads these rows, and waits for what the hub says.
    pub(super) async fn upload(&self, rows: &[String]) -> String {
        self.extract(rows);
        self.run(&["upload", "extract.csv", "--day", "2026-11-22"]).await.1
    }

    /// The notes in the folder, in the order of the hub's numbers.
    pub(super) fn notes(&self) -> Vec<Value> {
        let files = fs::read_dir(self.path("case-notes")).unwrap().map(|file| file.unwrap().path());
        let is_note = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("cpis-note-");
        let mut notes: Vec<Value> = files
            .filter(is_note)
            .map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
            .collect();
        notes.sort_by_key(|note| note["access"]["number"].as_u64());
        notes
    }
}

/// What a message says, as the sandbox keeps it.
pub(super) fn content(post: &Post, mailbox: &str, message: &Value) -> Vec<u8> {
    let id = message["message_id"].as_str().unwrap();
    let folder = post.path("store").join(mailbox).join("in").join(id);
    let chunks = message["total_chunks"].as_u64().unwrap();
    (1..=chunks).flat_map(|chunk| unpacked(&folder.join(chunk.to_string()))).collect()
}

fn unpacked(path: &Path) -> Vec<u8> {
    let packed = fs::read(path).unwrap();
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    unpacked
}

/// How a message stands: its newest event.
pub(super) fn stands(message: &Value) -> &str {
    message["events"][0]["status"].as_str().unwrap()
}
