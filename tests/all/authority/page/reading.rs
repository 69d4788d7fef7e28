//! Whoever marks an access as read has read it as whom they were alerted: a reading that is nobody's who was ends no escalation.

use cpis::authority::register::{Case, Cases, Register, Responsible, Who};
use cpis::config::authority::{AuthorityConfig, Routing};
use jiff::{SignedDuration, Timestamp};

use super::room::{AUTHORITY, Browser, Room, Through, id, now};

/// Cases of Jo Marsh, in the team North.
struct OfMarsh;

impl Cases for OfMarsh {
    fn case(&self, _local_id: &str, _at: Timestamp) -> Result<Case, String> {
        Ok(Case::Open)
    }

    fn who(&self, _local_id: &str) -> Result<Who, String> {
        let responsible =
            Responsible { worker: Some("Marsh, Jo".to_owned()), team: Some("North".to_owned()) };
        Ok(Who { responsible, ..Who::default() })
    }
}

/// The configuration to start from, with a team whose duty is a desk of two, and emergency duty with a user.
fn table() -> Routing {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("authority.toml");
    let more = "[[routing.person]]\nname = \"North duty\"\nusers = [\"D.West\", \"e.east\"]\n\n[[routing.team]]\nname = \"North\"\n\
                duty = [\"North duty\"]\n\n[extract]\nformat";
    let text = include_str!("../../../../packaging/authority.toml")
        .replace("name = \"Emergency duty team\"", "name = \"Emergency duty team\"\nuser = \"edt\"")
        .replace("[extract]\nformat", more);
    std::fs::write(&file, text).unwrap();
    AuthorityConfig::read(&file).unwrap().routing.unwrap()
}

/// Monday, four hours of the office after it opened.
fn monday() -> Timestamp {
    "2026-11-23T12:30:00Z".parse().unwrap()
}

/// A page of which somebody was alerted on a Sunday night.
async fn room() -> Room {
    let room = Room::known_as(Through::Proxy, table().names_of_users()).await;
    route(&room, now());
    assert_eq!(alerted(&room), ["emergency-duty Emergency duty team", "worker Marsh, Jo"]);
    room
}

fn route(room: &Room, at: Timestamp) {
    let mut register = Register::open(&room.database(), AUTHORITY).unwrap();
    register.route(&table(), &OfMarsh, at).unwrap().unwrap();
}

/// Who was alerted of A1.
fn alerted(room: &Room) -> Vec<String> {
    let note = id(1);
    room.rows(&format!("SELECT DISTINCT role || ' ' || name FROM alert WHERE note_id = '{note}' ORDER BY 1"))
}

/// Presses "mark as read" on the page of A1; what it says then.
async fn mark(browser: &Browser) -> String {
    let way = format!("/child/{}", id(1));
    let form = browser.form(&way).await;
    let answer = browser.post(&format!("{way}/read"), &format!("form={form}&seen={}:3", id(1))).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    browser.read(answer.header("location").unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn h22_what_emergency_duty_or_a_bystander_marks_at_the_childs_page_the_worker_has_not_read() {
    for (user, said, beside) in [
        ("edt", "Marked as read by emergency duty", "edt</strong> (emergency duty)"),
        ("b.cole", "You were not alerted of it", "b.cole</strong> (was not alerted)"),
    ] {
        let room = room().await;
        let page = mark(&room.proxied(user)).await;
        assert!(page.contains(said) && page.contains(beside), "{user}: {page}");
        let unread = room.proxied("jo.marsh").read("/?unread=yes").await;
        assert!(unread.contains(&format!("/child/{}", id(1))), "{user}: it is unread as before");
        // Four office hours later nobody has read it who was to.
        route(&room, monday());
        let next = ["emergency-duty Emergency duty team", "team North duty", "worker Marsh, Jo"];
        assert_eq!(alerted(&room), next, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_alerted_has_read_it_by_user_by_name_or_at_a_desk() {
    let room = room().await;
    // The worker's user name says the name; the page's address claims nothing that is not so.
    let bystander = room.proxied("b.cole");
    let claimed = bystander.read(&format!("/child/{}?done=read", id(1))).await;
    assert!(!claimed.contains("Marked as read"));
    assert!(mark(&room.proxied("jo.marsh")).await.contains("Marked as read"));
    route(&room, monday() + SignedDuration::from_hours(100));
    assert_eq!(alerted(&room).len(), 2, "nobody more");
    // Whoever sits at the duty's desk, once it was alerted, and not before.
    let room = self::room().await;
    let west = room.proxied("d.west");
    assert!(mark(&west).await.contains("You were not alerted of it"));
    route(&room, monday());
    assert_eq!(alerted(&room).len(), 3);
    assert!(mark(&west).await.contains("Everybody who opens this page sees that you have read it"));
    route(&room, monday() + SignedDuration::from_hours(100));
    assert_eq!(alerted(&room).len(), 3, "nobody more");
}
