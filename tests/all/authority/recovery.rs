//! Hub and link are put back from backups of different nights, or lose everything: they notice, and no plan stays visible, or
//! goes, that should not. The real programs, and the hub's own backup and restore.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::hub::support::certificates::{Authority, TLS, put};
use crate::hub::support::data::{lines, number, person};
use crate::hub::support::program::{Place, Program};
use crate::hub::support::rows;
use crate::hub::support::uploads::WEXCOMBE;

use super::desk::{DAY, Said, extract, set_up};

/// What hub and link know at one time: nothing, or all up to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Nothing,
    File(u32),
}

const ALL: [At; 4] = [At::Nothing, At::File(1), At::File(2), At::File(3)];

struct Night {
    place: Place,
    desk: TempDir,
    program: Option<Program>,
    base: String,
}

/// Ava and her namesake, Ben, Zara and Kim.
fn people() -> Vec<String> {
    lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        person(4, "Bennett", "Ava", "2019-03-12"),
        person(2, "Jones", "Ben", "2018-05-01"),
        person(3, "Khan", "Zara", "2017-01-01"),
        person(8, "Lee", "Kim", "2016-01-01"),
    ])
}

fn row(local_id: &str, seed: u64, who: &str, plan: &str) -> String {
    format!("{local_id},{},{who},{plan}", number(seed).digits())
}

fn ava(seed: u64) -> String {
    row("A1", seed, "Bennett,Ava,12/03/2019", "CPP,05/01/2026,")
}

fn ben(start: &str) -> String {
    row("B2", 2, "Jones,Ben,01/05/2018", &format!("C2,{start},"))
}

fn zara() -> String {
    row("Z3", 3, "Khan,Zara,01/01/2017", "C2,01/03/2026,")
}

fn kim() -> String {
    row("K8", 8, "Lee,Kim,01/01/2016", "CPP,01/04/2026,")
}

impl Night {
    async fn new() -> Self {
        let place = Place::with(&people());
        let (ours, theirs) = (Authority::new("Trust of the hub"), Authority::new("Trust of callers"));
        ours.for_hub().put(place.directory.path());
        put(place.directory.path(), "callers.pem", &theirs.pem());
        place.configure(&format!(
            "{TLS}client_certificates = \"offered\"\nclient_ca = \"callers.pem\"\n\
             [[authority]]\ncode = \"{WEXCOMBE}\"\ncertificates = [\"uri:urn:ods:{WEXCOMBE}\"]\n"
        ));
        let desk = tempfile::tempdir().unwrap();
        let program = place.serve();
        set_up(desk.path(), &program.base, &ours, &theirs);
        let base = program.base.clone();
        let mut night = Self { place, desk, program: Some(program), base };
        night.keep(At::Nothing);
        night
    }

    fn link_file(&self, name: &str) -> std::path::PathBuf {
        self.desk.path().join(name)
    }

    /// Keeps what both know, under this name.
    fn keep(&mut self, at: At) {
        let file = format!("{at:?}");
        let kept = self.place.run(&["backup", &file, "--config", "hub.toml"]);
        assert!(kept.status.success(), "{}", String::from_utf8_lossy(&kept.stderr));
        if at != At::Nothing {
            fs::copy(self.link_file("cpis-authority.db"), self.link_file(&file)).unwrap();
        }
    }

    /// Puts the hub and the link back to where they were.
    fn put_back(&mut self, hub: At, link: At) {
        self.program.take().unwrap().kill();
        let restored = self.place.run(&["restore", &format!("{hub:?}"), "--config", "hub.toml"]);
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
        let program = self.place.serve();
        let settings = self.link_file("authority.toml");
        let text = fs::read_to_string(&settings).unwrap().replace(&self.base, &program.base);
        fs::write(settings, text).unwrap();
        (self.base, self.program) = (program.base.clone(), Some(program));
        match link {
            At::Nothing => fs::remove_file(self.link_file("cpis-authority.db")).unwrap(),
            At::File(_) => {
                fs::copy(self.link_file(&format!("{link:?}")), self.link_file("cpis-authority.db")).unwrap();
            }
        }
    }

    async fn run(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
        command.args(arguments).args(["--config", "authority.toml"]).current_dir(self.desk.path());
        tokio::task::spawn_blocking(move || Said::of(&command.output().unwrap())).await.unwrap()
    }

    async fn upload(&self, rows: &[&str], more: &[&str]) -> Said {
        fs::write(self.link_file("extract.csv"), extract(rows)).unwrap();
        self.run(&[&["upload", "extract.csv", "--day", DAY][..], more].concat()).await
    }

    fn held(&self) -> Vec<String> {
        let sql = "SELECT local_id, number_uploaded, kind, start_day, end_day FROM plan ORDER BY 1, 2, 3, 4";
        rows(&self.place.database(), sql)
    }

    fn remembered(&self) -> Vec<String> {
        let db = rusqlite::Connection::open(self.link_file("cpis-authority.db")).unwrap();
        rows(&db, "SELECT local_id, number, kind, start_day, end_day FROM held ORDER BY 1, 2, 3, 4")
    }

    /// Three nights: a wrong number and a wrong start are corrected; a plan is missing and was an error; another is missing.
    async fn three_nights(&mut self) {
        self.upload(&[&ava(1), &ben("01/02/2026"), &zara()], &[]).await.has("File 1 (CPF02)");
        self.keep(At::File(1));
        self.upload(&[&ava(4), &ben("02/02/2026"), &kim()], &[]).await.has("File 2 (CPF02)");
        self.run(&["decide", "Z3", "--in-error", "--by", "j.smith"]).await.has("Decided for 1 plan");
        self.keep(At::File(2));
        let third = self.upload(&[&ava(4), &ben("02/02/2026")], &[]).await;
        third.has("File 3 (CPF02)").has("no longer in the extract: 1 plan");
        self.keep(At::File(3));
    }
}

fn line(local_id: &str, seed: u64, kind: &str, start: &str) -> String {
    let kind = if kind == "CPP" { "342191000000101" } else { "764841000000100" };
    format!("{local_id}|{}|{kind}|{start}|-", number(seed).digits())
}

#[tokio::test(flavor = "multi_thread")]
async fn h26_wherever_hub_and_link_are_put_back_to_no_plan_stays_or_goes_that_should_not() {
    let mut night = Night::new().await;
    night.three_nights().await;
    for hub in ALL {
        for link in ALL {
            let case = format!("the hub at {hub:?}, the link at {link:?}");
            night.put_back(hub, link);
            let said = night.upload(&[&ava(4), &ben("02/02/2026")], &[]).await;
            let hub_is_older = match (hub, link) {
                (At::File(hub), At::File(link)) => hub < link,
                (At::Nothing, At::File(_)) => true,
                (_, At::Nothing) => false,
            };
            if hub_is_older {
                said.has("The hub has lost what it had acknowledged").has("taken back again");
            } else if hub == link {
                said.has_not("The hub has").has_not("put back");
            } else {
                said.has("The hub has files that this link does not know of");
            }
            said.has("(CPF02)");
            // Whose the wrong number was nobody knows any more: somebody is asked.
            let has_wrong = (hub, link) == (At::File(1), At::Nothing);
            let mut expected: Vec<_> =
                has_wrong.then(|| line("A1", 1, "CPP", "2026-01-05")).into_iter().collect();
            expected.extend([line("A1", 4, "CPP", "2026-01-05"), line("B2", 2, "LAC", "2026-02-02")]);
            // Decided in the second night: the third file carried it.
            let had_zara = matches!(hub, At::File(1 | 2));
            let knows_zara_as_held = matches!(link, At::File(1));
            let decided = matches!(link, At::File(2 | 3));
            let has_zara = !decided && (had_zara || (hub_is_older && knows_zara_as_held));
            let has_kim = matches!(hub, At::File(2 | 3)) || (hub_is_older && matches!(link, At::File(2 | 3)));
            expected.extend(has_kim.then(|| line("K8", 8, "CPP", "2026-04-01")));
            expected.extend(has_zara.then(|| line("Z3", 3, "LAC", "2026-03-01")));
            assert_eq!(night.held(), expected, "{case}\n{}", said.text);
            assert_eq!(night.remembered(), expected, "{case}: the link knows what the hub holds");
            // What nobody can know any more is for somebody to decide.
            let list = night.run(&["absent"]).await;
            for (local_id, is_there) in [("A1", has_wrong), ("Z3", has_zara), ("K8", has_kim)] {
                let is_listed = list.text.contains(&format!("local id {local_id}"));
                assert_eq!(is_listed, is_there, "{case}: {local_id}\n{}", list.text);
            }
            // And from there on it goes as every night.
            let again = night.upload(&[&ava(4), &ben("02/02/2026")], &[]).await;
            again.has("0 records sent,").has_not("The hub has").has_not("put back");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_somebody_decided_reaches_a_hub_that_was_put_back_whatever_the_child_is_called_now() {
    let mut night = Night::new().await;
    night.upload(&[&ava(1), &zara()], &[]).await.has("File 1 (CPF02)");
    night.keep(At::File(1));
    night.upload(&[&ava(1)], &[]).await.has("no longer in the extract: 1 plan");
    // She has another name meanwhile, which the link cannot know: nobody is traced for an end.
    let renamed = lines(&[person(3, "Newname", "Zara", "2017-01-01")]);
    fs::write(night.place.path("renamed.ndjson"), renamed.join("\n")).unwrap();
    let load = ["load", "renamed.ndjson", "--config", "hub.toml", "--synthetic"];
    assert!(night.place.run(&load).status.success());
    night.run(&["decide", "Z3", "--ended", "2026-11-20", "--by", "j.smith"]).await.has("Decided for 1 plan");
    night.upload(&[&ava(1)], &[]).await.has("1 record sent, 1 taken").has("Hospitals see every current plan");
    let ended = line("Z3", 3, "LAC", "2026-03-01").replace("|-", "|2026-11-20");
    assert_eq!(night.held(), [line("A1", 1, "CPP", "2026-01-05"), ended.clone()]);
    fs::copy(night.link_file("cpis-authority.db"), night.link_file("File(3)")).unwrap();
    night.put_back(At::File(1), At::File(3));
    assert!(night.place.run(&load).status.success());
    assert!(night.held()[1].ends_with("|-"), "the backup has it without an end");
    night.upload(&[&ava(1)], &[]).await.has("The hub has lost what it had acknowledged");
    assert_eq!(night.held()[1], ended);
    assert_eq!(night.remembered(), night.held());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_hub_took_and_lost_is_noticed_and_everything_goes_again() {
    let mut night = Night::new().await;
    night.upload(&[&ava(1)], &[]).await.has("File 1 (CPF02)");
    night.upload(&[&ava(4)], &[]).await.has("File 2 (CPF02)");
    // As a backup from the middle of its application: taken, not applied, and its document not in the backup.
    night.program.take().unwrap().kill();
    night
        .place
        .database()
        .execute_batch(
            "UPDATE authority_file SET state = 'waiting', done = 0 WHERE sequence = 2;
             UPDATE plan SET number_uploaded = number_uploaded, upload_id = 1;",
        )
        .unwrap();
    let program = night.place.serve();
    let settings = night.link_file("authority.toml");
    let text = fs::read_to_string(&settings).unwrap().replace(&night.base, &program.base);
    fs::write(settings, text).unwrap();
    (night.base, night.program) = (program.base.clone(), Some(program));
    let said = night.upload(&[&ava(4)], &[]).await;
    said.has("Everything was sent again").has("(CPF02)");
    assert_eq!(night.held(), [line("A1", 4, "CPP", "2026-01-05")]);
    assert_eq!(night.remembered(), night.held());
}
