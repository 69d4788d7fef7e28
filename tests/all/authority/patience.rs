//! A hub that is away for a while, a file that cannot be settled, and a night with nothing but what is rejected.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::hub::support::data::{lines, number, person};
use crate::hub::support::uploads::{WEXCOMBE, document};

use super::desk::{DAY, Desk, extract};

fn people() -> Vec<String> {
    lines(&[person(1, "Bennett", "Ava", "2019-03-12"), person(2, "Jones", "Ben", "2018-05-01")])
}

fn ava(plan: &str) -> String {
    format!("A1,{},Bennett,Ava,12/03/2019,{plan}", number(1).digits())
}

fn misspelt(plan: &str) -> String {
    format!("B2,{},Johns,Ben,01/05/2018,{plan}", number(2).digits())
}

fn carry_on<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) {
    std::thread::Builder::new().name("carrier".to_owned()).spawn(work).unwrap();
}

/// An address on which nobody listens.
fn nowhere() -> String {
    format!("https://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}

fn begin(desk: &Desk) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cpis-authority"));
    command.args(["upload", "extract.csv", "--day", DAY, "--config", "authority.toml"]);
    command.current_dir(desk.path("."));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_is_away_is_tried_for_as_long_as_configured_and_the_file_goes_when_it_is_back() {
    let desk = Desk::beside(&people()).await;
    desk.configure("try_for_minutes = 0", "try_for_minutes = 5");
    let base = desk.exchange.hub.base.clone();
    let port = nowhere();
    desk.configure(&base, &port);
    std::fs::write(desk.path("extract.csv"), extract(&[&ava("CPP,05/01/2026,")])).unwrap();
    let mut waiting = begin(&desk);
    until("no file is under way", || {
        desk.path("cpis-authority.db").exists()
            && desk.remembered("SELECT 1 FROM sqlite_schema WHERE name = 'outgoing'") == ["1"]
            && desk.remembered("SELECT sequence FROM outgoing") == ["1"]
    });
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(waiting.try_wait().unwrap().is_none(), "it gives up");
    // The hub is back: whatever comes to that port is carried to it.
    let listener = TcpListener::bind(port.strip_prefix("https://").unwrap()).unwrap();
    let hub = base.strip_prefix("https://").unwrap().replace("localhost", "127.0.0.1");
    carry_on(move || {
        for near in listener.incoming() {
            let (near, far) = (near.unwrap(), std::net::TcpStream::connect(&hub).unwrap());
            let (mut near_again, mut far_again) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            carry_on(move || std::io::copy(&mut near_again, &mut &far));
            carry_on(move || std::io::copy(&mut far_again, &mut &near));
        }
    });
    let said =
        tokio::task::spawn_blocking(move || super::desk::Said::of(&waiting.wait_with_output().unwrap()));
    let said = said.await.unwrap();
    said.has("it is tried again for up to 5 minutes").has("nothing is lost");
    said.has("File 1 (CPF02)");
    assert_eq!(said.code, Some(0));
    assert_eq!(said.text.matches("tried again").count(), 1, "it is said once: {}", said.text);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_an_upload_that_waits_loses_nothing() {
    let desk = Desk::beside(&people()).await;
    desk.configure("try_for_minutes = 0", "try_for_minutes = 60");
    let base = desk.exchange.hub.base.clone();
    let port = nowhere();
    desk.configure(&base, &port);
    std::fs::write(desk.path("extract.csv"), extract(&[&ava("CPP,05/01/2026,")])).unwrap();
    let mut waiting = begin(&desk);
    until("no file is under way", || {
        desk.path("cpis-authority.db").exists()
            && desk.remembered("SELECT 1 FROM sqlite_schema WHERE name = 'outgoing'") == ["1"]
            && desk.remembered("SELECT sequence FROM outgoing") == ["1"]
    });
    std::thread::sleep(Duration::from_millis(700));
    let stopped = Instant::now();
    assert!(Command::new("kill").args(["-TERM", &waiting.id().to_string()]).status().unwrap().success());
    waiting.wait().unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(2), "it does not stop");
    desk.configure(&port, &base);
    desk.upload(&[&ava("CPP,05/01/2026,")])
        .await
        .has("came first. File 1 (CPF02)")
        .has("Hospitals see every");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_of_another_file_is_not_believed_and_the_file_can_be_given_up() {
    let desk = Desk::beside(&people()).await;
    let base = desk.exchange.hub.base.clone();
    desk.run(&["abandon"]).await.has("No file is under way");
    let nowhere = nowhere();
    desk.configure(&base, &nowhere);
    desk.upload(&[&ava("CPP,05/01/2026,")]).await.has("the file waits");
    desk.configure(&nowhere, &base);
    // Somebody with the same certificate has sent another file under that number.
    let other = desk.exchange.link(WEXCOMBE);
    assert_eq!(other.send(document(WEXCOMBE, 1, &[])).await.status, 202);
    other.acknowledged(1).await;
    let said = desk.upload(&[&ava("CPP,05/01/2026,")]).await;
    said.has("it is of another file under the same number").has("cpis-authority abandon");
    assert_eq!(said.code, Some(2));
    assert_eq!(desk.remembered("SELECT 1 FROM held"), Vec::<String>::new(), "nothing is believed to be held");
    desk.run(&["abandon"]).await.has("File 1 is given up").has("The next upload sends everything");
    desk.upload(&[&ava("CPP,05/01/2026,")])
        .await
        .has("(CPF02): 1 record sent, 1 taken")
        .has("Hospitals see every");
    assert_eq!(desk.held().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn h15_nights_with_nothing_but_an_old_rejection_raise_no_alert_and_nights_of_which_nothing_is_taken_do()
{
    let desk = Desk::beside(&people()).await;
    let night = async |rows: &[&str]| {
        desk.exchange.hub.turn(24 * 60);
        let said = desk.upload(rows).await;
        let taken = "SELECT max(at_ms) FROM upload WHERE is_taken = 1";
        let taken: i64 = desk.exchange.hub.rows(taken).concat().parse().unwrap_or(0);
        let age = desk.exchange.hub.clock.now().as_millisecond() - taken;
        (said, age > 47 * 3_600_000)
    };
    // Everything is rejected, night after night.
    for expected in [true, true, true] {
        let (said, alert) = night(&[&misspelt("CPP,05/01/2026,")]).await;
        said.has("1 record sent, 0 taken, 1 rejected");
        assert_eq!(alert, expected);
    }
    let both = [ava("CPP,05/01/2026,"), misspelt("CPP,05/01/2026,")];
    night(&[&both[0], &both[1]]).await.0.has("2 records sent, 1 taken, 1 rejected");
    // Nothing changes: one that is held goes along and shows that what is sent can be taken.
    for _ in 0..3 {
        let (said, alert) = night(&[&both[0], &both[1]]).await;
        said.has("2 records sent, 1 taken, 1 rejected")
            .has("Not visible to hospitals, or not as it is: 1 plan");
        assert!(!alert);
    }
    // Nothing at all differs.
    for _ in 0..3 {
        let (said, alert) = night(&[&both[0]]).await;
        said.has("0 records sent");
        assert!(!alert);
    }
}
