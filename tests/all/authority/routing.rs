//! Whoever is responsible hears of an access: with the real link, the real hub, and a mail server that breaks off.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use crate::hub::support::data::number;
use crate::hub::support::{caller, nurse};

use super::desk::Desk;
use super::noting::{AVA, desk, row};

const NOBODY: &[&str] =
    &["Okafor", "Bennett", "Ava", "Hospital", "RN3", "taff nurse", "2019", "14:00", "22-Nov"];

/// What a mail server does once the whole of an e-mail is there.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Takes,
    /// It has taken it, and its answer is lost.
    BreaksOff,
    Refuses,
}

/// A mail server that does this with its first e-mails, and takes all others; each e-mail that it took.
fn mail_server(first: &[Then]) -> (u16, Receiver<String>) {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let (taken, mails) = sync_channel(1000);
    let first = first.to_vec();
    let serving = move || {
        let mut first = first.into_iter();
        for connection in server.incoming() {
            let mut then = |mail: &str| {
                let is_tarpit = mail.contains("To: tarpit@");
                if is_tarpit { Then::BreaksOff } else { first.next().unwrap_or(Then::Takes) }
            };
            serve(connection.unwrap(), &mut then, &taken);
        }
    };
    thread::Builder::new().name("mail".to_owned()).spawn(serving).unwrap();
    (port, mails)
}

fn serve(connection: TcpStream, then: &mut dyn FnMut(&str) -> Then, taken: &SyncSender<String>) {
    let mut out = connection.try_clone().unwrap();
    let mut lines = BufReader::new(connection).lines();
    let mut say = move |text: &str| out.write_all(format!("{text}\r\n").as_bytes()).is_ok();
    say("220 ready");
    while let Some(Ok(line)) = lines.next() {
        let verb = line.to_uppercase();
        if verb.starts_with("DATA") {
            say("354 go on");
            let mail: Vec<String> =
                lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect();
            let mail = mail.join("\n");
            let then = then(&mail);
            if then != Then::Refuses {
                let _ = taken.send(mail);
            }
            match then {
                Then::Takes => say("250 taken"),
                Then::Refuses => say("550 no such mailbox"),
                Then::BreaksOff => return,
            };
        } else if verb.starts_with("QUIT") {
            say("221 bye");
            return;
        } else if !say("250 well") {
            return;
        }
    }
}

impl Desk {
    fn with_mail(&self, port: u16) {
        let more = format!(
            "[[routing.person]]\nname = \"P. Shaw\"\nemail = \"shaw@wexcombe.example\"\n\n[routing.mail]\nserver = \"127.0.0.1\"\n\
             port = {port}\nsecurity = \"none\"\nfrom = \"cpis@wexcombe.example\"\n\n[extract]\nformat"
        );
        self.configure("[extract]\nformat", &more);
    }

    fn due(&self) {
        let db = rusqlite::Connection::open(self.path("cpis-notes.db")).unwrap();
        db.execute("UPDATE mail SET next_ms = 0", []).unwrap();
    }
}

fn message_id(mail: &str) -> &str {
    mail.lines().find(|line| line.starts_with("Message-ID:")).unwrap()
}

/// What somebody wrote of an e-mail: its own date and id are its own, and random.
fn written(mail: &str) -> String {
    let (heads, body) = mail.split_once("\n\n").unwrap();
    let subject = heads.lines().find(|line| line.starts_with("Subject:")).unwrap();
    assert!(!body.is_empty());
    format!("{subject}\n{body}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_e_mail_at_which_the_server_always_breaks_off_keeps_no_other_waiting() {
    let desk = desk().await;
    let (port, mails) = mail_server(&[]);
    desk.with_mail(port);
    desk.configure("# email = \"safeguarding.lead@", "email = \"tarpit@");
    desk.configure("office_hours = {", "# office_hours = {");
    desk.configure("emergency_duty = [\"Emergency duty team\"]", "emergency_duty = [\"P. Shaw\"]");
    desk.exchange.hub.view(&nurse(), number(1)).await;
    for _ in 0..3 {
        desk.run(&["fetch"]).await;
        desk.due();
    }
    assert_eq!(desk.noted("SELECT address FROM mail WHERE state = 'sent'"), ["shaw@wexcombe.example"]);
    let kept = "SELECT state, tries FROM mail WHERE address LIKE 'tarpit@%'";
    assert_eq!(desk.noted(kept), ["waiting|3"], "it is counted, and given up in the end");
    assert_eq!(mails.try_iter().filter(|mail| mail.contains("To: shaw@")).count(), 1);
    desk.run(&["status"]).await.has("refused, and tried again: 1").has_not("do not leave since");
}

#[tokio::test(flavor = "multi_thread")]
async fn h18_an_e_mail_whose_answer_was_lost_is_sent_again_under_its_id_and_then_never_more() {
    let desk = desk().await;
    let (port, mails) = mail_server(&[Then::BreaksOff]);
    desk.with_mail(port);
    // Only one is alerted, whatever the hour of this test is.
    desk.configure("emergency_duty = [\"Emergency duty team\"]", "");
    desk.configure("# email = \"safeguarding.lead@", "email = \"lead@");
    desk.exchange.hub.view(&nurse(), number(1)).await;
    let said = desk.run(&["fetch"]).await;
    said.has("1 part of a case note filed.")
        .has("Alerts by e-mail: the mail server broke off, or did not answer in time");
    assert_eq!(desk.notes().len(), 1, "a mail server keeps no note waiting");
    desk.run(&["status"]).await.has("E-mails that wait: ").has("refused, and tried again: 1");
    for _ in 0..3 {
        desk.due();
        desk.run(&["fetch"]).await.has_not("Alerts by e-mail");
    }
    let mails: Vec<String> = mails.try_iter().collect();
    let mut ids: Vec<&str> = mails.iter().map(|mail| message_id(mail)).collect();
    let first = ids[0];
    assert_eq!(ids.iter().filter(|id| **id == first).count(), 2, "again, since nobody could know");
    ids.sort_unstable();
    ids.dedup();
    let alerts = desk.noted("SELECT count(*) FROM mail").concat();
    assert_eq!((ids.len().to_string(), mails.len()), (alerts, ids.len() + 1), "and all others once");
    assert_eq!(desk.noted("SELECT DISTINCT state FROM mail"), ["sent"]);
    for mail in &mails {
        assert!(mail.contains("Case: A1"), "{mail}");
        let said = written(mail);
        for word in NOBODY.iter().copied().chain([number(1).digits().as_str()]) {
            assert!(!said.contains(word), "{word} in {said}");
        }
    }
    desk.run(&["status"]).await.has_not("Alerts by e-mail do not leave").has_not("E-mails that wait");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_mail_server_refuses_or_one_that_is_down_keeps_no_note_waiting_and_is_seen() {
    let desk = desk().await;
    let (port, mails) = mail_server(&[Then::Refuses; 40]);
    desk.with_mail(port);
    desk.configure("# email = \"safeguarding.lead@", "email = \"lead@");
    desk.exchange.hub.view(&nurse(), number(1)).await;
    let said = desk.run(&["fetch"]).await;
    said.has("1 part of a case note filed.").has("the mail server refuses an e-mail (550)");
    assert_eq!(mails.try_iter().count(), 0);
    assert_eq!(desk.noted("SELECT DISTINCT state FROM mail"), ["waiting"]);
    desk.run(&["status"]).await.has("refused, and tried again").has_not("do not leave since");
    // Nobody listens there any more.
    desk.configure(&format!("port = {port}"), "port = 1");
    desk.exchange.hub.view(&nurse(), number(2)).await;
    desk.due();
    let said = desk.run(&["fetch"]).await;
    said.has("1 part of a case note filed.").has("cannot be reached");
    assert_eq!(desk.run(&["status"]).await.code, Some(1));
    assert_eq!(desk.exchange.hub.rows("SELECT DISTINCT state FROM outbox"), ["filed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_the_notes_of_a_restricted_case_are_where_its_holders_read_and_nowhere_else() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    let more = "[routing.restricted]\nholders = [\"Safeguarding lead\"]\nlist = \"restricted.txt\"\nfolder = \"held\"\n\n[extract]\nformat";
    desk.configure("[extract]\nformat", more);
    hub.view(&nurse(), number(1)).await;
    // A list that was never there holds everything back: any case could be on it.
    desk.run(&["fetch"])
        .await
        .has("the list of restricted cases")
        .has_not("alert")
        .has("0 parts of case notes filed");
    assert_eq!((desk.notes().len(), desk.noted("SELECT id FROM note").len()), (0, 0));
    assert_eq!(desk.run(&["status"]).await.has("the list of restricted cases").code, Some(1));
    fs::write(desk.path("restricted.txt"), "A1: Nobody\n").unwrap();
    desk.run(&["check-config"]).await.has("line 1 of the list of restricted cases: a holder is no");
    fs::write(desk.path("restricted.txt"), "A1\n").unwrap();
    desk.run(&["check-config"])
        .await
        .has("Restricted cases on the list: 1")
        .has("with one holder only, by line of the list: 1.")
        .has("Nobody comes last for restricted cases")
        .has("can be used");
    fs::create_dir(desk.path("held")).unwrap();
    fs::write(desk.path("held/.cpis-folder"), "held").unwrap();
    hub.view(&nurse(), number(2)).await;
    desk.run(&["fetch"]).await.has("2 parts of case notes filed.");
    let [note] = desk.notes().try_into().unwrap();
    assert_eq!(note["localId"], "B2", "the other goes its way");
    let held = fs::read_dir(desk.path("held")).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(held.filter(|name| name.to_string_lossy().starts_with("cpis-note-")).count(), 1);
    for command in ["notes", "triage", "status", "duty"] {
        desk.run(&[command]).await.has_not(&number(1).digits()).has_not("local id A1").has_not("Case A1");
    }
    desk.run(&["status"]).await.has("Restricted cases with one holder or none: 1.");
    desk.run(&["notes", "--restricted"]).await.has("local id A1").has_not("local id B2");
    let roles = "SELECT DISTINCT role, name FROM alert JOIN note ON note.id = note_id WHERE local_id = 'A1'";
    assert_eq!(desk.noted(roles), ["holder|Safeguarding lead"]);
    // A slip in the list holds notes back, and alerts go by what it said before.
    fs::write(desk.path("restricted.txt"), "A1\nA1\n").unwrap();
    hub.view(&caller("Ida Cole", "RA9", &["B0264", "B0107"]), number(1)).await;
    desk.run(&["fetch"]).await.has("line 2 of the list").has("made.").has("0 parts of case notes filed");
    assert_eq!(desk.noted(roles), ["holder|Safeguarding lead"]);
    fs::write(desk.path("restricted.txt"), "A1\n").unwrap();
    desk.run(&["fetch"]).await.has("1 part of a case note filed.");
    // A case that has left the extract is on the list, which tells nobody of it.
    desk.upload(&[&row("B2", 2, AVA)]).await;
    hub.view(&caller("Lee Marsh", "RH8", &["B0264", "B0107"]), number(1)).await;
    desk.run(&["fetch"]).await.has("1 new notification");
    let list = desk.run(&["triage"]).await;
    list.has("0 case notes").has("for their holders (`--restricted`): 1 more").has_not("A1");
    assert_eq!(list.code, Some(1));
    desk.run(&["triage", "--restricted"]).await.has("local id A1").has("no case with this local id");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_extract_names_the_worker_and_the_mark_and_neither_leaves_the_authority() {
    let desk = desk().await;
    desk.configure("# worker = \"Allocated Worker\"", "worker = \"Worker\"");
    desk.configure("# restricted = \"Restricted\"", "restricted = \"Held\"");
    desk.configure("# team = \"Team\"", "team = \"Team\"");
    desk.configure(
        "[extract]\nformat",
        "[routing.restricted]\nholders = [\"Safeguarding lead\"]\n\n[extract]\nformat",
    );
    let text = super::desk::extract(&[&row("A1", 1, AVA), &row("B2", 2, AVA)])
        .replace("End Date\r\n", "End Date,Worker,Team,Held\r\n")
        .replace(
            &format!("{}\r\n", row("A1", 1, AVA)),
            &format!("{},P. Shaw,North,no\r\n", row("A1", 1, AVA)),
        )
        .replace(
            &format!("{}\r\n", row("B2", 2, AVA)),
            &format!("{},R. Iqbal,South,YES\r\n", row("B2", 2, AVA)),
        );
    fs::write(desk.path("extract.csv"), &text).unwrap();
    desk.run(&["upload", "extract.csv", "--full", "--day", super::desk::DAY]).await.has("2 taken");
    for child in [1, 2] {
        desk.exchange.hub.view(&nurse(), number(child)).await;
    }
    // A slip in the list, now or later, keeps no mark of the extract from counting.
    fs::write(desk.path("restricted.txt"), "").unwrap();
    desk.configure("[routing.restricted]\n", "[routing.restricted]\nlist = \"restricted.txt\"\n");
    desk.run(&["fetch"]).await.has("2 parts of case notes filed.");
    let roles = "SELECT local_id, role, name FROM alert JOIN note ON note.id = note_id WHERE role <> 'emergency-duty' ORDER BY 1";
    assert_eq!(desk.noted(roles), ["A1|worker|P. Shaw", "B2|holder|Safeguarding lead"]);
    assert_eq!(
        desk.noted("SELECT worker, team FROM responsible ORDER BY 1"),
        ["P. Shaw|North", "R. Iqbal|South"]
    );
    assert_eq!(desk.notes().len(), 1, "the restricted one stays in the register");
    fs::write(desk.path("restricted.txt"), "A1\nA1\n").unwrap();
    let text = text.replace("P. Shaw,North,no", "P. Shaw,North,yes");
    fs::write(desk.path("extract.csv"), text).unwrap();
    desk.run(&["upload", "extract.csv", "--full", "--day", super::desk::DAY]).await;
    desk.run(&["fetch"]).await.has("line 2 of the list").has("made.");
    assert_eq!(desk.noted("SELECT local_id FROM restricted ORDER BY 1"), ["A1", "B2"]);
    assert_eq!(
        desk.noted(
            "SELECT name FROM alert JOIN note ON note.id = note_id WHERE local_id = 'A1' AND is_over = 0"
        ),
        ["Safeguarding lead"]
    );
    // The hub has heard of neither.
    let file = desk.exchange.hub.database.clone();
    let mut kept = fs::read(&file).unwrap();
    kept.extend(fs::read(file.with_extension("db-wal")).unwrap_or_default());
    assert!(kept.windows(7).any(|bytes| bytes == b"Bennett"), "it is looked at where it keeps people");
    for word in ["P. Shaw", "R. Iqbal", "North"] {
        assert!(!kept.windows(word.len()).any(|bytes| bytes == word.as_bytes()), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_nights_handover_has_every_access_and_says_who_was_alerted() {
    let desk = desk().await;
    // No office hours: emergency duty is alerted whatever the hour of this test is.
    desk.configure("office_hours = {", "# office_hours = {");
    desk.run(&["check-config"]).await.has("Office hours are not known");
    desk.exchange.hub.view(&nurse(), number(1)).await;
    desk.run(&["fetch"]).await.has("alerts made.");
    let page = desk.run(&["duty", "--since", "2026-11-22T13:00"]).await;
    page.has("1 access.")
        .has("Not marked as read by anybody: 1.")
        .has("1. Case A1")
        .has("opened 22-Nov-2026 14:00 by Sam Okafor")
        .has("Handed over by ____");
    // One of the same attendance, of which nobody is alerted while the first is unread: it is on this paper as on the page.
    desk.exchange.hub.view(&caller("Lee Marsh", "RN3", &["B0264", "B0107"]), number(1)).await;
    desk.run(&["fetch"]).await.has("1 new notification");
    desk.run(&["duty", "--since", "2026-11-22T13:00"])
        .await
        .has("2 accesses.")
        .has("Alerted: ")
        .has("2. Case A1")
        .has("Nobody was alerted of it");
    desk.run(&["duty", "--since", "2199-11-22T14:01"]).await.has("0 accesses.");
    desk.run(&["duty", "--since", "yesterday"]).await.has("--since: a moment");
    desk.run(&["missing", "5", "7", "--by", "officer", "--outcome", "never given"]).await.has("0 numbers");
    desk.configure("fall_back = [\"Safeguarding lead\"]", "");
    assert_eq!(desk.run(&["check-config"]).await.code, Some(2));
}
