//! From a nurse's view to the case note and back to what the nurse reads: with the real link, the real hub, files and TLS.

use std::fs;
use std::process::Command;

use cpis::domain::Caller;
use serde_json::Value;

use crate::hub::support::data::{lines, number, person};
use crate::hub::support::{ISSUER, caller, midwife, nurse, skipped};

use super::desk::Desk;

pub(super) const AVA: &str = "12/03/2019,CPP,05/01/2026,";

pub(super) fn row(local_id: &str, seed: u64, more: &str) -> String {
    format!("{local_id},{},Bennett,Ava,{more}", number(seed).digits())
}

/// A desk whose children 1 to 3 are known; 1 and 2 were uploaded as A1 and B2.
pub(super) async fn desk() -> Desk {
    let people: Vec<Value> = (1..=3).map(|seed| person(seed, "Bennett", "Ava", "2019-03-12")).collect();
    let desk = Desk::beside(&lines(&people)).await;
    desk.configure("# issuer = ", &format!("issuer = \"{ISSUER}\" # "));
    desk.upload(&[&row("A1", 1, AVA), &row("B2", 2, AVA)]).await.has("2 taken");
    fs::create_dir(desk.path("case-notes")).unwrap();
    fs::write(desk.path("case-notes/.cpis-folder"), "wexcombe").unwrap();
    desk
}

impl Desk {
    /// The notes in the folder, in the order of the hub's numbers.
    pub(super) fn notes(&self) -> Vec<Value> {
        let files = fs::read_dir(self.path("case-notes")).unwrap().map(|file| file.unwrap());
        let mut notes: Vec<Value> = files
            .filter(|file| file.file_name().to_string_lossy().starts_with("cpis-note-"))
            .map(|file| {
                let note: Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
                let expected = format!(
                    "cpis-note-{}-{:04}.json",
                    note["note"].as_str().unwrap(),
                    note["part"].as_u64().unwrap()
                );
                assert_eq!(file.file_name().to_string_lossy(), expected);
                note
            })
            .collect();
        notes.sort_by_key(|note| note["access"]["number"].as_u64());
        notes
    }

    pub(super) fn added(&self) -> Vec<String> {
        self.notes().iter().map(|note| note["added"].as_str().unwrap().to_owned()).collect()
    }

    /// What the register holds.
    pub(super) fn noted(&self, sql: &str) -> Vec<String> {
        crate::hub::support::rows(&rusqlite::Connection::open(self.path("cpis-notes.db")).unwrap(), sql)
    }

    /// How far the telling has come, as the viewer hears it.
    async fn told(&self, reference: &str) -> String {
        self.told_as(&nurse(), reference).await
    }

    async fn told_as(&self, who: &Caller, reference: &str) -> String {
        let answer = self.exchange.hub.get(&format!("/access/{reference}"), who, &[]).await;
        answer.json()["notices"][0]["state"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h18_a_view_is_a_dated_note_on_the_childs_record_and_the_nurse_is_told_so() {
    let desk = desk().await;
    desk.run(&["status"]).await.has("there is no register yet");
    desk.run(&["fetch"]).await.has("Nothing new.");
    let reference = desk.exchange.hub.view(&nurse(), number(1)).await.reference().to_owned();
    desk.exchange.hub.view(&midwife(), number(1)).await;
    assert_eq!(desk.told(&reference).await, "queued");
    let said = desk.run(&["fetch"]).await;
    said.has("1 new notification, 1 part of a case note filed.");
    assert_eq!(desk.told(&reference).await, "filed");
    let [note] = desk.notes().try_into().unwrap();
    let words = format!(
        "CP-IS information opened 22-Nov-2026 14:00 by Sam Okafor, staff nurse, Hospital RN3 (the place is not stated). No \
         number to ring back is known. Reference {reference}. This does not say why, that the child is hurt, or that they are \
         still there."
    );
    assert_eq!((note["added"].as_str(), note["text"].as_str()), (Some(words.as_str()), Some(words.as_str())));
    assert_eq!(note["localId"], "A1");
    assert_eq!(note["nhsNumber"], number(1).digits());
    assert_eq!((&note["kind"], &note["access"]["first"]), (&"opened".into(), &true.into()));
    assert_eq!(note["access"]["reference"], reference);
    // Again and again nothing more comes of it.
    for _ in 0..3 {
        desk.run(&["fetch"]).await.has("Nothing new.");
    }
    assert_eq!(desk.notes().len(), 1);
    let status = desk.run(&["status"]).await;
    status
        .has("Nothing has to be worked off by hand.")
        .has("1 notification, up to number 1; 1 case note in the record.");
    assert_eq!(status.code, Some(0));
    // Nobody is named in what is printed.
    for word in ["Okafor", "Bennett", &number(1).digits()] {
        said.has_not(word);
        status.has_not(word);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h19_h24_an_attendance_is_one_note_with_its_later_views_and_corrections() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let other = caller("Lee Marsh", "RN3", &["B0264", "B0107"]);
    let elsewhere = caller("Ida Cole", "RA9", &["B0264", "B0107"]);
    let first = hub.view(&nurse(), number(1)).await.reference().to_owned();
    desk.run(&["fetch"]).await;
    hub.turn(5);
    let second = hub.view(&other, number(1)).await.reference().to_owned();
    hub.view(&elsewhere, number(1)).await;
    hub.turn(1);
    let path = format!("/access/{second}/opened-in-error");
    assert_eq!(hub.send("POST", &path, Some(&other), &[], None).await.status, 204);
    desk.run(&["fetch"]).await.has("3 new notifications, 3 parts of case notes filed.");
    let notes = desk.notes();
    let places: Vec<_> =
        notes.iter().map(|note| (note["note"] == notes[0]["note"], note["part"].as_u64())).collect();
    assert_eq!(places, [(true, Some(1)), (true, Some(2)), (false, Some(1)), (true, Some(3))]);
    let added = desk.added();
    assert!(
        added[1].starts_with("CP-IS information opened again 22-Nov-2026 14:05 by Lee Marsh"),
        "{}",
        added[1]
    );
    assert!(added[2].starts_with("CP-IS information opened 22-Nov-2026 14:05 by Ida Cole"), "{}", added[2]);
    assert_eq!(
        added[3],
        format!(
            "Correction 22-Nov-2026 14:06: Lee Marsh, staff nurse, Hospital RN3 (the place is not stated) has said that this \
             information was opened on 22-Nov-2026 14:05 in error. Reference {second}."
        )
    );
    assert_eq!(
        notes[3]["text"].as_str().unwrap(),
        [&added[0], &added[1], &added[3]].map(String::as_str).join("\n\n")
    );
    assert_eq!(notes[3]["kind"], "opened-in-error");
    assert!(added[0].contains(&first));
    assert_eq!(hub.rows("SELECT DISTINCT state FROM outbox"), ["filed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_open_case_is_on_the_list_and_never_nowhere() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    // One has left the extract, of the other the plan has ended; both are held by the hub and shown.
    desk.upload(&[&row("A1", 1, "12/03/2019,CPP,05/01/2026,20/11/2026")]).await.has("1 taken");
    let ended = hub.view(&nurse(), number(1)).await.reference().to_owned();
    let gone = hub.view(&nurse(), number(2)).await.reference().to_owned();
    desk.run(&["fetch"]).await.has("2 new notifications, 0 parts of case notes filed.");
    assert_eq!(desk.notes(), Vec::<Value>::new());
    assert_eq!(desk.told(&ended).await, "delivered", "told, and not on the child's record");
    let list = desk.run(&["triage"]).await;
    list.has("To be worked off by hand: 2 case notes.")
        .has("local id A1, NHS number")
        .has(": the case with this local id has ended")
        .has("local id B2, NHS number")
        .has(": no case with this local id is in the last extract")
        .has(&gone);
    assert_eq!(list.code, Some(1));
    assert_eq!(desk.run(&["status"]).await.code, Some(1));
    let ids = desk.noted("SELECT id FROM note ORDER BY local_id");
    let note = |nth: usize, parts: u32| format!("{}:{parts}", &ids[nth][..8]);
    list.has(&note(0, 1))
        .has(&format!("local id B2, NHS number {}, looked at by Hospital RN3 RN3", number(2).digits()));
    desk.run(&["triage", &note(0, 1)]).await.has("say how");
    desk.run(&["triage", &ids[0][..8], "--by", "officer", "--dealt-with"])
        .await
        .has("NOTE:PARTS as the list shows it");
    desk.run(&["triage", &note(0, 2), "--by", "officer", "--dealt-with"])
        .await
        .has("this note has 1 part: look at the list again");
    desk.run(&["triage", &format!("{}:1", &ids[0][..7]), "--by", "officer", "--dealt-with"])
        .await
        .has("no note on the list");
    desk.run(&["triage", "zz:1", "--by", "officer", "--dealt-with"])
        .await
        .has("no note on the list begins with this id");
    desk.run(&["triage", &note(0, 1), "--under", "A1"]).await.has("say who settles it");
    let under = ["triage", &note(0, 1), "--by", "Officer", "--under"];
    // A slip would put it on another child's record.
    let said = desk.run(&[&under[..], &["C3"]].concat()).await;
    said.has("neither the last extract nor the hub has a case of this child with this local id");
    let said = desk.run(&[&under[..], &["B2"]].concat()).await;
    said.has("of somebody with another NHS number").has_not(&number(2).digits());
    assert_eq!(desk.notes(), Vec::<Value>::new());
    desk.run(&[&under[..], &["C3", "--although"]].concat()).await.has("Settled");
    desk.run(&["triage", &note(1, 1), "--by", "officer", "--dealt-with"]).await.has("Settled");
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    let [note] = desk.notes().try_into().unwrap();
    assert_eq!((&note["localId"], desk.told(&ended).await.as_str()), (&"C3".into(), "filed"));
    assert_eq!(
        desk.told(&gone).await,
        "delivered",
        "a person dealt with it: it is not on the record by the link"
    );
    assert_eq!(hub.rows("SELECT outcome FROM outbox ORDER BY number"), ["documented", "dealt-with"]);
    desk.run(&["triage"]).await.has("To be worked off by hand: 0 case notes.");
    assert_eq!(desk.noted("SELECT DISTINCT settled_by FROM note"), ["officer"]);
    // A later view of the same attendance finds its way to where the first one was put, or back to the list.
    hub.turn(40);
    hub.view(&nurse(), number(1)).await;
    hub.view(&nurse(), number(2)).await;
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    assert_eq!(desk.notes().len(), 2);
    desk.run(&["triage"]).await.has("1 case note.").has(&gone).has("opened again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_away_loses_nothing_and_a_share_that_is_not_mounted_is_not_taken_for_it() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let nurse = |name: &str| caller(name, "RN3", &["B0264", "B0107"]);
    let view = async |name: &str| hub.view(&nurse(name), number(1)).await;
    view("A").await;
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    // Gone; then an empty one in its place, as a mount point is.
    let reference = view("B").await.reference().to_owned();
    fs::rename(desk.path("case-notes"), desk.path("share")).unwrap();
    let said = desk.run(&["fetch"]).await;
    said.has("1 new notification").has("is not there");
    assert_eq!(said.code, Some(1));
    assert_ne!(desk.told_as(&nurse("B"), &reference).await, "filed");
    fs::create_dir(desk.path("case-notes")).unwrap();
    desk.run(&["fetch"]).await.has("is the share mounted?");
    desk.run(&["notes", "--adopt-folder"])
        .await
        .has("was used before, and its mark (.cpis-folder) is missing");
    let status = desk.run(&["status"]).await;
    status.has("Not in the record yet: 1, the oldest since").has("is the share mounted?");
    assert_eq!((status.code, desk.notes().len()), (Some(1), 0));
    fs::remove_dir(desk.path("case-notes")).unwrap();
    fs::rename(desk.path("share"), desk.path("case-notes")).unwrap();
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    assert_eq!((desk.notes().len(), desk.told_as(&nurse("B"), &reference).await.as_str()), (2, "filed"));
    desk.run(&["status"]).await.has_not("is the share mounted?").has_not("Not in the record");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_to_be_placed_is_placed_again_under_its_name_and_never_taken_for_placed() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    for name in ["A", "B"] {
        hub.view(&caller(name, "RN3", &["B0264", "B0107"]), number(1)).await;
    }
    desk.run(&["fetch"]).await.has("2 parts of case notes filed.");
    let db = rusqlite::Connection::open(desk.path("cpis-notes.db")).unwrap();
    // As it ended after both were placed, of which the second has gone since: picked up, or lost with the share.
    db.execute_batch("UPDATE part SET state = 'waiting'; UPDATE notice SET told = NULL").unwrap();
    let files = desk.notes();
    let name = |part: u64| format!("cpis-note-{}-{part:04}.json", files[0]["note"].as_str().unwrap());
    let folder = desk.path("case-notes");
    fs::remove_file(folder.join(name(2))).unwrap();
    desk.run(&["fetch"]).await.has("2 parts of case notes filed.");
    assert_eq!(
        desk.notes(),
        files,
        "the same names with the same words: nothing is there twice, nothing is missing"
    );
    // Somebody takes the file that is being made: it is not taken for placed, then or later.
    hub.view(&caller("C", "RN3", &["B0264", "B0107"]), number(1)).await;
    fs::create_dir(folder.join(name(3))).unwrap();
    desk.run(&["fetch"]).await.has("cannot be written");
    fs::remove_dir(folder.join(name(3))).unwrap();
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    assert_eq!(desk.notes().len(), 3);
    let hidden = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(hidden.filter(|name| name.to_string_lossy().starts_with(".cpis-note")).count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing() {
    let desk = desk().await;
    let mount = |what: &str, size: &str| {
        let path = desk.path(what);
        fs::create_dir_all(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&path)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Small(path))
    };
    let (Some(folder), Some(small)) = (mount("case-notes", "256k"), mount("small", "4m")) else {
        // Outside a container that forbids it.
        skipped("the link on full disks: only root can mount a small file system");
        return;
    };
    fs::write(folder.0.join(".cpis-folder"), "wexcombe").unwrap();
    desk.configure("register = \"cpis-notes.db\"", "register = \"small/cpis-notes.db\"");
    let hub = &desk.exchange.hub;
    let nurse = |name: &str| caller(name, "RN3", &["B0264", "B0107"]);
    let view = async |name: &str| hub.view(&nurse(name), number(1)).await;
    view("A").await;
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    folder.fill();
    let reference = view("B").await.reference().to_owned();
    desk.run(&["fetch"]).await.has("cannot be written: no storage space");
    assert_eq!(desk.notes().len(), 1, "no half a file");
    folder.free();
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    assert_eq!((desk.notes().len(), desk.told_as(&nurse("B"), &reference).await.as_str()), (2, "filed"));
    // The register's own disk: nothing is said to be here that is not.
    small.fill();
    let reference = view("C").await.reference().to_owned();
    let mut said = desk.run(&["fetch"]).await;
    for _ in 0..20 {
        // The log of the database may have had room for a while.
        if said.code != Some(0) {
            break;
        }
        view("D").await;
        said = desk.run(&["fetch"]).await;
    }
    said.has("the register cannot be used");
    small.free();
    desk.run(&["fetch"]).await;
    assert_eq!(desk.told_as(&nurse("C"), &reference).await, "filed");
    let numbers: Vec<u64> =
        desk.notes().iter().map(|note| note["access"]["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "each once");
    assert_eq!(hub.rows("SELECT DISTINCT state FROM outbox"), ["filed"]);
}

/// A file system of its own.
struct Small(std::path::PathBuf);

impl Small {
    fn fill(&self) {
        let mut file = fs::File::options().create(true).append(true).open(self.0.join("filler")).unwrap();
        let mut length = 4096;
        while length > 0 {
            if std::io::Write::write(&mut file, &vec![0; length]).is_err() {
                length /= 2;
            }
        }
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_folder_the_register_is_the_record() {
    let desk = desk().await;
    desk.configure("folder = \"case-notes\"", "# no folder");
    let reference = desk.exchange.hub.view(&nurse(), number(1)).await.reference().to_owned();
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    assert_eq!(desk.told(&reference).await, "filed");
    assert_eq!(desk.noted("SELECT local_id, standing FROM note"), ["A1|record"]);
    desk.run(&["notes"])
        .await
        .has("local id A1")
        .has("by Sam Okafor, staff nurse, Hospital RN3")
        .has(&reference);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_hub_sends_is_not_taken() {
    let desk = desk().await;
    let reference = desk.exchange.hub.view(&nurse(), number(1)).await.reference().to_owned();
    // The address is right, the certificate is right, and the document names another hub.
    desk.configure(&format!("issuer = \"{ISSUER}\""), "issuer = \"https://other.example\"");
    let said = desk.run(&["fetch"]).await;
    said.has("names another hub than `hub.issuer`").has_not("Okafor");
    assert_eq!((said.code, desk.noted("SELECT count(*) FROM notice")), (Some(1), vec!["0".to_owned()]));
    assert_eq!(desk.told(&reference).await, "queued");
    desk.run(&["status"]).await.has("names another hub");
    // A certificate of an issuer that is not configured is not even spoken to.
    desk.configure("issuer = \"https://other.example\"", &format!("issuer = \"{ISSUER}\""));
    let other = crate::hub::support::certificates::Authority::new("Somebody else");
    fs::write(desk.path("hub-authority.pem"), other.pem()).unwrap();
    desk.run(&["fetch"]).await.has("the hub's certificate is not trusted");
    assert_eq!(desk.noted("SELECT count(*) FROM notice"), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_would_drive_a_screen_or_a_page_stays_a_name() {
    let desk = desk().await;
    desk.exchange.hub.view(&nurse(), number(1)).await;
    // Whatever way it came into the hub's database.
    let hostile = "<script>alert(1)</script>\u{1b}[2J\u{202e}";
    let db = rusqlite::Connection::open(&desk.exchange.hub.database).unwrap();
    db.execute("UPDATE outbox SET user_name = ?1, local_id = 'A1'", [hostile]).unwrap();
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    let added = desk.added().concat();
    assert!(added.contains(" by <script>alert(1)</script>\u{fffd}[2J\u{fffd}, staff nurse"), "{added}");
    assert!(!added.contains(['\u{1b}', '\u{202e}']));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_link_at_a_time() {
    let desk = desk().await;
    desk.run(&["fetch"]).await;
    let lock = fs::File::open(desk.path("cpis-notes.db.lock")).unwrap();
    lock.lock().unwrap();
    for command in ["fetch", "listen"] {
        let said = desk.run(&[command]).await;
        said.has("another link is at work with this register");
        assert_eq!(said.code, Some(2));
    }
    desk.run(&["status"]).await.has("Nothing has to be worked off by hand.");
    desk.configure("code = \"E06000030\"", "code = \"E06000031\"");
    desk.run(&["status"]).await.has("the register is of the authority E06000030");
}
