//! The folders of MESH's file client, with a carrier in its place: it takes whole pairs from one `out` and puts them into another `in`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cpis::config::mesh::{MeshSettings, MeshWay};
use cpis::mesh::{Kind, MeshError, MessageId, Post};

use super::chain::{children, row};
use super::exchange::{HUB, WEXCOMBES, hub_of, until, workflows};
use super::link::Link;
use crate::hub::support::data::{lines, number, person, superseded};
use crate::hub::support::{NOW, at, nurse};

/// One end's folders.
fn folders(root: &Path) -> PathBuf {
    for name in ["in", "OUT", "sent", "error"] {
        fs::create_dir_all(root.join(name)).unwrap();
    }
    root.to_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Carries what is whole.
fn carry(from: &Path, to: &Path) {
    for name in files(&from.join("OUT")) {
        let Some(stem) = name.strip_suffix(".ctl") else { continue };
        let out = |extension: &str| from.join("OUT").join(format!("{stem}.{extension}"));
        let control = fs::read_to_string(out("ctl")).unwrap();
        assert!(control.trim_end().ends_with("</DTSControl>"), "a control file is there at once: {control}");
        let status =
            "<StatusRecord><Event>TRANSFER</Event><Status>SUCCESS</Status></StatusRecord></DTSControl>";
        let carried = control.replace("</DTSControl>", &format!("<DTSId>{stem}</DTSId>{status}"));
        fs::copy(out("dat"), to.join("in").join(format!("{stem}.dat"))).unwrap();
        fs::write(to.join("in").join(format!("{stem}.new")), carried).unwrap();
        for extension in ["dat", "ctl"] {
            fs::rename(out(extension), from.join("sent").join(format!("{stem}.{extension}"))).unwrap();
        }
        fs::rename(to.join("in").join(format!("{stem}.new")), to.join("in").join(format!("{stem}.ctl")))
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn h18_h19_everything_goes_through_the_file_clients_folders_too() {
    let place = tempfile::tempdir().unwrap();
    let (ours, theirs) = (folders(&place.path().join("hub")), folders(&place.path().join("link")));
    let settings = MeshSettings {
        mailbox: HUB.to_owned(),
        hub_mailbox: None,
        way: MeshWay::Folder(ours.clone()),
        every: Duration::from_millis(100),
        workflows: workflows(),
    };
    let (hub, link) = (hub_of(settings, &children(1)).await, Link::by_folder(&theirs));
    let carries = Arc::new(AtomicBool::new(true));
    let (goes_on, from, to) = (Arc::clone(&carries), ours.clone(), theirs.clone());
    let carrier = std::thread::Builder::new().name("carrier".to_owned()).spawn(move || {
        while goes_on.load(Ordering::Acquire) {
            carry(&from, &to);
            carry(&to, &from);
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let said = link.upload(&[row("A1", 1)]).await;
    assert!(said.contains("1 taken"), "{said}");
    hub.view(&nurse(), number(1)).await;
    let inbox = theirs.join("in");
    until("it is there", || files(&inbox).iter().any(|name| name.ends_with(".ctl"))).await;
    carries.store(false, Ordering::Release);
    carrier.unwrap().join().unwrap();

    // Half a pair is left alone, and so is what is of other workflows or for other mailboxes.
    let [control, data] = files(&inbox).try_into().unwrap();
    let text = fs::read_to_string(inbox.join(&control)).unwrap();
    fs::copy(inbox.join(&data), inbox.join("half1.dat")).unwrap();
    fs::write(inbox.join("half1.ctl"), &text[..text.len() / 2]).unwrap();
    fs::write(inbox.join("half2.ctl"), &text).unwrap();
    for (name, changed) in [
        ("other1", text.replace("CPIS_NOTICE", "PATHOLOGY")),
        ("other2", text.replace("E06OT001", "E06OT009")),
    ] {
        fs::copy(inbox.join(&data), inbox.join(format!("{name}.dat"))).unwrap();
        fs::write(inbox.join(format!("{name}.ctl")), changed).unwrap();
    }
    // What is from somebody else than the hub is refused; the same again is the same.
    for (name, changed) in [("forged", text.replace(HUB, "X26OT666")), ("again", text.clone())] {
        fs::copy(inbox.join(&data), inbox.join(format!("{name}.dat"))).unwrap();
        fs::write(inbox.join(format!("{name}.ctl")), changed).unwrap();
    }
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part of a case note filed."), "{said}");
    assert!(said.contains("a message from X26OT666"), "{said}");
    assert_eq!(link.notes().len(), 1);
    let left =
        ["half1.ctl", "half1.dat", "half2.ctl", "other1.ctl", "other1.dat", "other2.ctl", "other2.dat"];
    assert_eq!(files(&inbox), left);

    // The receipt goes the same way, and then the hub has nothing more to say.
    carry(&theirs, &ours);
    until("filed", || hub.rows("SELECT state FROM outbox") == ["filed"]).await;
    until("over", || hub.count("SELECT 1 FROM mesh_out") == 0).await;
    assert_eq!(files(&ours.join("in")), Vec::<String>::new());

    // A report: it goes again, under another name.
    hub.turn(60 * 13);
    hub.view(&nurse(), number(1)).await;
    let outbox = ours.join("OUT");
    until("written", || files(&outbox).iter().any(|name| name.ends_with(".ctl"))).await;
    carry(&ours, &theirs);
    let first = files(&inbox).into_iter().find(|name| name.starts_with("cpis-")).unwrap();
    let stem = first.split_once('.').unwrap().0.to_owned();
    for extension in ["dat", "ctl"] {
        fs::remove_file(inbox.join(format!("{stem}.{extension}"))).unwrap();
    }
    until("the hub knows that it has gone", || hub.rows("SELECT state FROM mesh_out") == ["accepted"]).await;
    let report = format!(
        "<DTSControl><MessageType>Report</MessageType><LocalId>{stem}</LocalId><WorkflowId>CPIS_NOTICE</WorkflowId>\
         <StatusRecord><Event>SEND</Event><Status>ERROR</Status><StatusCode>14</StatusCode></StatusRecord></DTSControl>"
    );
    fs::write(ours.join("in/report.ctl"), report).unwrap();
    until("again", || files(&outbox).iter().any(|name| name.ends_with(".ctl") && !name.starts_with(&stem)))
        .await;
    carry(&ours, &theirs);
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("1 new notification, 1 part of a case note filed."), "{said}");
    assert_eq!(link.notes().len(), 2);

    // A number that is no longer in use is told the same way, and so is what the link does with it.
    hub.load(&lines(&[person(8, "Bennett", "Ava", "2019-03-12"), superseded(1, 8)])).await;
    let waiting = "SELECT 1 FROM outbox WHERE kind = 'number-superseded' AND mesh_out_id IS NOT NULL";
    until("in a message", || hub.count(waiting) == 1).await;
    until("written", || files(&outbox).iter().any(|name| name.ends_with(".ctl"))).await;
    carry(&ours, &theirs);
    let (_, said) = link.run(&["fetch"]).await;
    assert!(said.contains("NHS numbers that are no longer in use: 1 record."), "{said}");
    carry(&theirs, &ours);
    let outcome = "SELECT outcome FROM outbox WHERE kind = 'number-superseded'";
    until("on the list", || hub.rows(outcome) == ["triage"]).await;
}

/// Writes a file that was last changed so many seconds ago.
fn aged(path: &Path, text: &str, seconds: u64) {
    fs::write(path, text).unwrap();
    age(path, seconds);
}

fn age(path: &Path, seconds: u64) {
    let changed = fs::metadata(path).unwrap().modified().unwrap() - Duration::from_secs(seconds);
    fs::File::options().write(true).open(path).unwrap().set_modified(changed).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_may_still_be_written_is_left_alone_and_what_nothing_can_be_made_of_is_counted() {
    let place = tempfile::tempdir().unwrap();
    let folder = folders(place.path());
    let inbox = folder.join("in");
    let open = || Post::open(HUB, &MeshWay::Folder(folder.clone()), Box::new(|| at(NOW))).unwrap();
    let control = |local_id: &str| {
        format!(
            "<DTSControl><MessageType>Data</MessageType><From_DTS>{WEXCOMBES}</From_DTS><To_DTS>{HUB}</To_DTS>\
             <WorkflowId>W</WorkflowId><LocalId>{local_id}</LocalId></DTSControl>"
        )
    };
    let found = async || -> Vec<String> {
        let ids = open().inbox("W").await.unwrap();
        ids.iter().map(|id| id.as_str().to_owned()).collect()
    };
    // The control file first, and the data later: it may be a part of it, whatever the share's clock says.
    aged(&inbox.join("a.ctl"), &control("a"), 3000);
    for (content, seconds) in [("ha", 200), ("half", 200), ("half", 0)] {
        aged(&inbox.join("a.dat"), content, seconds);
        assert_eq!(found().await, Vec::<String>::new());
    }
    until("seen unchanged for a while", || {
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(found())) == ["a"]
    })
    .await;
    // What the share has as long ago is believed at once.
    aged(&inbox.join("g.ctl"), &control("g"), 3000);
    aged(&inbox.join("g.dat"), "whole", 1000);
    assert_eq!(found().await, ["a", "g"]);
    for extension in ["ctl", "dat"] {
        fs::remove_file(inbox.join(format!("g.{extension}"))).unwrap();
    }
    // The data first: it is whole as soon as the other is there. And in capital letters.
    aged(&inbox.join("b.DAT"), "whole", 1);
    aged(&inbox.join("b.CTL"), &control("b"), 0);
    assert_eq!(found().await, ["a", "b"]);
    let (post, id) = (open(), MessageId::parse("b").unwrap());
    let mut content = (Vec::new(), 100);
    let header = post.fetch(&id, |_| true, &mut content).await.unwrap();
    assert_eq!((header.kind, &content.0[..]), (Kind::Data, &b"whole"[..]));
    post.acknowledge(&id).await.unwrap();
    assert_eq!(files(&inbox), ["a.ctl", "a.dat"]);
    // What grows while it is read is not damaged: it is not yet there.
    struct Growing(PathBuf);
    impl cpis::mesh::Sink for Growing {
        async fn take(&mut self, _part: Vec<u8>) -> Result<(), MeshError> {
            aged(&self.0, "half and a little more", 0);
            Err(MeshError::NotUnderstood("of half a document"))
        }
    }
    let id = MessageId::parse("a").unwrap();
    let grown = post.fetch(&id, |_| true, &mut Growing(inbox.join("a.dat"))).await;
    assert_eq!(grown, Err(MeshError::Unfinished));
    // Whatever nothing can be made of is told of, once it was there for a while.
    let odd = async || -> usize {
        let post = open();
        for workflow in ["W", "other"] {
            post.inbox(workflow).await.unwrap();
        }
        post.odd()
    };
    assert_eq!(odd().await, 0);
    for (name, text) in
        [("with a blank", control("c")), ("d", "<DTSControl><Mess".to_owned()), ("e", control("e"))]
    {
        aged(&inbox.join(format!("{name}.ctl")), &text, 10);
    }
    assert_eq!(odd().await, 0, "they may be on their way");
    for name in ["with a blank", "d", "e"] {
        age(&inbox.join(format!("{name}.ctl")), 60);
    }
    assert_eq!(odd().await, 3);
    // Of other programs' messages nothing is said.
    aged(&inbox.join("f.ctl"), &control("f").replace(">W<", ">PATHOLOGY<"), 600);
    assert_eq!(odd().await, 3);
}
