//! What cannot be written down is not disclosed: the audit write fails, no plan leaves the hub, and the viewer
//! says *Could not check*.

use cpis::client::Limits;
use rusqlite::Connection;

use super::desk::Desk;
use super::proxy::Proxy;
use super::town::{AMELIA, ISLA, Town, Who};

const FAULT: &str = "Could not check: the CP-IS service has a fault";

struct Scene {
    town: Town,
    proxy: Proxy,
    desk: Desk,
    /// Somebody else who has the database open.
    other: Connection,
}

fn scene() -> Scene {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    let other = Connection::open(town.demonstration.database()).unwrap();
    other.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    Scene { town, proxy, desk, other }
}

/// A view while writing fails: no answer, and nothing of a plan on the wire; then one that is written once.
fn withheld(scene: &mut Scene, who: Who, break_it: &str, mend_it: &str, after: &str) {
    let Scene { town, proxy, desk, other } = scene;
    town.pass(31 * 60);
    let since = town.book().newest();
    desk.find_patient(who);
    other.execute_batch(break_it).unwrap();
    proxy.take_sent();
    assert_eq!(desk.open(), FAULT, "{break_it}");
    assert_eq!(desk.check_again(), FAULT, "{break_it}");
    let sent = proxy.take_sent();
    for word in ["\"resourceType\":\"CareTeam\"", "Bundle", "Wexcombe", "x-access-reference", "searchset"] {
        assert!(!sent.contains(word), "{break_it}: {word} in {sent}");
    }
    for word in ["Child Protection Plan", "Nothing held", "Recorded "] {
        assert_eq!(desk.text(word), None, "{break_it}");
    }
    other.execute_batch(mend_it).unwrap();
    assert_eq!(town.book().views_after(since), [], "{break_it}");
    assert!(desk.check_again().starts_with(after), "{break_it}");
    let views = town.book().views_after(since);
    let told = usize::from(after == "Alert");
    assert_eq!((views.len(), views[0].told.len()), (1, told), "{break_it}");
    desk.new_search();
}

#[test]
fn h18_what_cannot_be_audited_is_not_disclosed() {
    let mut scene = scene();
    for table in ["audit", "view", "history", "outbox"] {
        let break_it = format!(
            "CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END"
        );
        withheld(&mut scene, AMELIA, &break_it, "DROP TRIGGER broken", "Alert");
    }
    // An empty answer is a disclosure too.
    for table in ["audit", "view"] {
        let break_it = format!(
            "CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END"
        );
        withheld(&mut scene, ISLA, &break_it, "DROP TRIGGER broken", "Nothing held");
    }
}

#[test]
fn h18_while_the_database_is_locked_nothing_is_disclosed() {
    let mut scene = scene();
    withheld(&mut scene, AMELIA, "BEGIN EXCLUSIVE", "ROLLBACK", "Alert");
    withheld(&mut scene, ISLA, "BEGIN EXCLUSIVE", "ROLLBACK", "Nothing held");
}

#[test]
fn a_search_that_cannot_be_audited_finds_nobody_and_says_could_not_check() {
    let Scene { town: _town, proxy, mut desk, other } = scene();
    other
        .execute_batch(
            "CREATE TRIGGER broken BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'broken'); END",
        )
        .unwrap();
    proxy.take_sent();
    desk.ask(AMELIA);
    assert_eq!(desk.wait_for_answer(), FAULT);
    desk.new_search();
    desk.ask_by_name("Hart", AMELIA.1);
    assert_eq!(desk.wait_for_answer(), FAULT);
    let sent = proxy.take_sent();
    assert!(!sent.contains("Hart") && !sent.contains("Amelia"), "{sent}");
}
