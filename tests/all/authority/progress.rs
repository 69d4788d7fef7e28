//! Whoever waits for an upload sees what it does and how far it has come: the steps as the link says them, with a hub that is played.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use cpis::authority::memory::Memory;
use cpis::authority::patience::Patience;
use cpis::authority::upload::{Ask, Step, dry_run, upload};
use cpis::config::authority::AuthorityConfig;
use cpis::domain::NhsNumber;
use cpis::exchange::acknowledgement::Writer;
use cpis::exchange::{Acknowledgement, Delivery, FileCode, Transport, TransportError};
use jiff::Timestamp;

use super::desk::HEAD;

const ROWS: u64 = 2_500;

/// A hub that applies a file in three steps, and is away once.
struct Played {
    database: std::path::PathBuf,
    asked: u32,
}

impl Transport for Played {
    fn send(&mut self, _: &Path, _: u32) -> Result<(), TransportError> {
        self.asked += 1;
        if self.asked == 1 { Err(TransportError::NotNow("busy".to_owned(), None)) } else { Ok(()) }
    }

    fn acknowledgement(&mut self, sequence: u32) -> Result<Delivery, TransportError> {
        self.asked += 1;
        if self.asked < 5 {
            return Ok(Delivery::UnderWay { done: u64::from(self.asked) * 500 });
        }
        let db = rusqlite::Connection::open(&self.database).unwrap();
        let digest = db.query_row("SELECT digest FROM outgoing", [], |row| row.get(0)).unwrap();
        let what = Acknowledgement {
            authority_code: "E06000030".to_owned(),
            sequence: Some(sequence),
            records: Some(ROWS),
            code: FileCode::AllUploaded,
            why: None,
            digest: Some(digest),
            rejected: Some(0),
            apart: None,
        };
        let said = Writer::begin(Vec::new(), &what, Timestamp::UNIX_EPOCH).unwrap().finish().unwrap();
        Ok(Delivery::Acknowledged(Box::new(std::io::Cursor::new(said))))
    }
}

#[test]
fn each_step_of_an_upload_is_said_with_how_far_it_has_come() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("authority.toml");
    let configured = include_str!("../../../packaging/authority.toml");
    std::fs::write(&file, configured.replace("# synthetic = true ", "synthetic = true ")).unwrap();
    let config = AuthorityConfig::read(&file).unwrap();
    let link = config.link.clone().unwrap();
    let mut extract = format!("{HEAD}\n");
    for number in (0..).filter_map(NhsNumber::of_test_range).take(2_500) {
        let number = number.digits();
        let _ = writeln!(extract, "A{number},{number},Bennett,Ava,12/03/2019,CPP,05/01/2026,");
    }
    let mut memory = Memory::open(&link.memory, &link.code).unwrap();
    let now = "2026-11-22T02:00:00Z".parse().unwrap();
    let today = "2026-11-22".parse().unwrap();
    let ask =
        Ask { settings: &link, mapping: &config.extract, today, now, is_full: false, accepts_fewer: false };
    let said = RefCell::new(Vec::new());
    let mut progress = |step: Step<'_>| {
        said.borrow_mut().push(match step {
            Step::Doing(doing, done, of) => format!("{doing} {done} of {of}"),
            Step::Waiting(..) => "waiting".to_owned(),
        });
    };
    dry_run(&mut memory, extract.as_bytes(), ask, &mut progress).unwrap();
    assert_eq!(said.take(), ["reading 1000 of 0", "reading 2000 of 0"]);
    let mut hub = Played { database: link.memory.clone(), asked: 0 };
    let mut open = || -> Result<Box<dyn std::io::BufRead>, String> {
        Ok(Box::new(std::io::Cursor::new(extract.clone().into_bytes())))
    };
    let patience = Patience::of(Duration::from_secs(60));
    upload(&mut memory, &mut hub, &mut open, ask, patience, &mut progress).unwrap();
    let expected = [
        "reading 1000 of 0",
        "reading 2000 of 0",
        "writing 1000 of 2500",
        "writing 2000 of 2500",
        "sending 0 of 2500",
        "waiting",
        "applied 1500 of 2500",
        "applied 2000 of 2500",
        // The first file has everything: what it brought to light is looked for.
        "reading 1000 of 0",
        "reading 2000 of 0",
    ];
    assert_eq!(said.take(), expected);
}
