//! What a social worker reads, and what becomes of what they press.

use jiff::SignedDuration;

use super::room::{Room, Through, id, now};

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_accesses_say_who_looked_from_where_and_whom_to_ring_and_not_why() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let browser = room.get_in().await;
    let page = browser.read("/").await;
    for said in [
        "Case A1</a>",
        "Opened 20-Nov-2026 00:05",
        "Opened again 20-Nov-2026 00:15",
        "Said to be opened in error, 20-Nov-2026 00:25",
        "Sam Okafor",
        "Staff nurse",
        "Great Western Hospital<br>Children's emergency unit<br>Emergency department<br>Great Western Hospitals (RN3)",
        "There in person",
        "On the telephone",
        "<strong>01793 604 020</strong>, at any hour",
        "No number is known",
        "7KQM-4T2X",
        "does not say why, that a child is hurt, or that they are still there",
        "Responsible: Marsh, Jo, North",
        "To be placed (2)",
        "Here as <strong>jo.marsh</strong>",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    // The newest first, and what is restricted is not among them.
    let places: Vec<_> =
        ["Not known whose", "Case D4", "Case B2", "Opened again"].map(|of| page.find(of)).to_vec();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
    assert!(!page.contains("Ida Hidden") && !page.contains("C3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_by_worker_by_day_and_by_what_nobody_has_read() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let browser = room.get_in().await;
    let all = browser.read("/").await;
    let (_, option) = all.split_once(">Everybody's</option>").unwrap();
    let (_, worker) = option.split_once("value=\"").unwrap();
    // In the order of their names.
    assert!(worker.contains("Iqbal, R. &lt;b&gt;</option>"));
    let value = worker.split_once("Marsh, Jo").unwrap().0.rsplit_once("value=\"").unwrap().1;
    let value = value.split('"').next().unwrap();
    let check = async |query: &str, there: &[&str], gone: &[&str]| {
        let page = browser.read(query).await;
        for there in there {
            assert!(page.contains(&format!("Case {there}<")), "{query}: {there} is not there");
        }
        for gone in gone {
            assert!(!page.contains(&format!("Case {gone}<")), "{query}: {gone} is there");
        }
        page
    };
    check(&format!("/?worker={value}"), &["A1"], &["B2", "D4"]).await;
    check("/?worker=&day=20&month=11&year=2026", &["A1"], &["B2", "D4"]).await;
    check("/?day=22&month=11&year=2026", &["B2", "D4"], &["A1"]).await;
    let wrong = check("/?day=31&month=11&year=2026", &[], &["A1", "B2"]).await;
    for said in [
        "<title>Error: Newest accesses",
        "There is a problem",
        "href=\"#day\"",
        "There is no such day",
        "value=\"31\"",
    ] {
        assert!(wrong.contains(said), "{said}");
    }
    let form = browser.form(&format!("/child/{}", id(1))).await;
    let seen = format!("form={form}&seen={}:3", id(1));
    assert_eq!(browser.post(&format!("/child/{}/read", id(1)), &seen).await.status, 303);
    check("/?unread=yes", &["B2"], &["A1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_goes_on_page_by_page_and_keeps_what_was_chosen() {
    let room = Room::with(Through::Start("jo.marsh"), 40).await;
    let browser = room.get_in().await;
    let first = browser.read("/?unread=yes").await;
    assert!(first.contains("href=\"/?unread=yes&amp;page=2\"") && !first.contains("Newer</a>"));
    let second = browser.read("/?unread=yes&page=2").await;
    assert!(second.contains("Newer</a>") && !second.contains("Older</a>"), "{second}");
    let count = |page: &str| page.matches("<article").count();
    assert_eq!((count(&first), count(&first) + count(&second)), (25, 46));
    assert!(browser.read("/?page=99").await.contains("There are no more."));
}

#[tokio::test(flavor = "multi_thread")]
async fn h22_what_was_read_says_by_whom_and_what_came_since_is_not_read() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let browser = room.get_in().await;
    let child = format!("/child/{}", id(1));
    let page = browser.read(&child).await;
    assert!(page.contains("Mark 3 accesses as read") && page.contains(&format!("value=\"{}:3\"", id(1))));
    let form = browser.form(&child).await;
    // Somebody who saw only the first two of them.
    let done = browser.post(&format!("{child}/read"), &format!("form={form}&seen={}:2", id(1))).await;
    assert_eq!((done.status, done.header("location")), (303, Some(format!("{child}?done=read").as_str())));
    assert!(!browser.read(&format!("/child/{}?done=read", id(4))).await.contains("Marked as read"));
    let page = browser.read(&format!("{child}?done=read")).await;
    assert!(page.contains("Marked as read") && page.contains("Mark 1 access as read"));
    assert_eq!(page.matches("Read by <strong>jo.marsh</strong>, 22-Nov-2026 02:15").count(), 2);
    // What emergency duty reads at night the worker has not read.
    let seen = format!("form={form}&seen={}:1", id(4));
    assert_eq!(browser.post("/duty/seen", &seen).await.status, 303);
    assert!(browser.read("/duty").await.contains("Read by emergency duty only"));
    assert!(
        browser
            .read(&format!("/child/{}", id(4)))
            .await
            .contains("jo.marsh</strong> (emergency duty), 22-Nov-2026")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_recognises_is_kept_with_who_said_so_and_why() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let browser = room.get_in().await;
    let child = format!("/child/{}", id(1));
    let ask = format!("{child}/not-recognised/2");
    assert!(browser.read(&child).await.contains(&format!("href=\"{ask}\"")));
    assert!(!browser.read(&child).await.contains("not-recognised/3"), "a correction is no access");
    let page = browser.read(&ask).await;
    assert!(page.contains("Dr Priya Nair") && page.contains("Report this access"));
    let form = browser.form(&ask).await;
    let long = format!("form={form}&words={}", "a".repeat(501));
    let answer = browser.post(&ask, &long).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("Write 500 characters or fewer") && answer.body.contains("<title>Error: "));
    assert_eq!(room.rows("SELECT count(*) FROM not_recognised"), ["0"]);
    let words = format!("form={form}&words=With+me+%26+in+London+%3Cb%3E");
    assert_eq!(browser.post(&ask, &words).await.status, 303);
    let page = browser.read(&format!("{child}?done=reported")).await;
    assert!(page.contains("It was looked into"));
    for said in [
        "Reported as not recognised",
        "said <strong>jo.marsh</strong>",
        ": With me &amp; in London &lt;b&gt;",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("not-recognised/2\""), "once is enough");
    let look = format!("{child}/looked-into/2");
    assert_eq!(browser.post(&look, &format!("form={form}&words=+")).await.status, 400);
    let outcome = format!("form={form}&words=A+twin+%3Ci%3E");
    assert_eq!(browser.post(&look, &outcome).await.status, 303);
    assert_eq!(browser.post(&look, &outcome).await.status, 404, "once");
    let page = browser.read(&child).await;
    assert!(
        page.contains("Looked into by <strong>jo.marsh</strong>, 22-Nov-2026 02:15: A twin &lt;i&gt;"),
        "{page}"
    );
    assert_eq!(
        room.rows("SELECT part, said_by, words FROM not_recognised"),
        ["2|jo.marsh|With me & in London <b>"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_restricted_case_is_seen_by_its_holders_and_by_nobody_else_on_any_page() {
    let room = Room::open(Through::Proxy).await;
    let (jo, anna) = (room.proxied("jo.marsh"), room.proxied("Anna.Holt"));
    let own = format!("/child/{}", id(5));
    for path in ["/", "/duty", "/duty/handover", "/triage", "/?unread=yes"] {
        let page = jo.read(path).await;
        assert!(!page.contains("Ida Hidden") && !page.contains("C3"), "{path}");
    }
    let refused = jo.get(&own).await;
    let unknown = jo.get(&format!("/child/{}", id(99))).await;
    assert_eq!(
        (refused.status, &refused.body),
        (404, &unknown.body),
        "whether it exists is nobody's to know"
    );
    assert_eq!(jo.get(&format!("{own}/not-recognised/1")).await.status, 404);
    let form = jo.form(&format!("/child/{}", id(1))).await;
    let seen = format!("form={form}&seen={}:1", id(5));
    assert_eq!(jo.post(&format!("{own}/read"), &seen).await.status, 404);
    assert_eq!(jo.post(&format!("{own}/not-recognised/1"), &format!("form={form}&words=")).await.status, 404);
    assert_eq!(room.rows("SELECT count(*) FROM read_mark WHERE note_id LIKE '%5'"), ["0"]);
    // Not even that one of them waits on the list.
    rusqlite::Connection::open(room.database())
        .unwrap()
        .execute("UPDATE note SET standing = 'triage', why = 'ended' WHERE local_id = 'C3'", [])
        .unwrap();
    for (person, many) in [(&jo, "To be placed (2)"), (&anna, "To be placed (3)")] {
        for path in ["/", "/duty", "/duty/handover", "/triage", &format!("/child/{}", id(4))] {
            assert!(person.read(path).await.contains(many), "{path}");
        }
    }
    let paper = anna.read("/duty/handover").await;
    assert!(!paper.contains("Ida Hidden") && !paper.contains("C3"), "paper is handed on");
    assert!(paper.contains("only on the page of their holders: 1"));
    assert!(!jo.read("/duty/handover").await.contains("not on this paper"));
    for path in ["/", "/duty", own.as_str()] {
        assert!(anna.read(path).await.contains("Ida Hidden"), "{path}");
    }
    assert!(anna.read(&own).await.contains("Only the people who are named for this case"));
    // Nor in the list of what is to be placed.
    assert!(jo.read("/triage").await.contains("Case D4"));
    room.restrict("D4", "anna.holt");
    assert!(!jo.read("/triage").await.contains("D4") && anna.read("/triage").await.contains("Case D4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn h33_who_opens_a_childs_page_is_on_the_disk_before_it_is_shown() {
    let room = Room::open(Through::Proxy).await;
    let jo = room.proxied("jo.marsh");
    jo.read(&format!("/child/{}", id(1))).await;
    jo.read("/").await;
    jo.get(&format!("/child/{}", id(5))).await;
    room.turn(SignedDuration::from_mins(1));
    room.proxied("anna.holt").read(&format!("/child/{}", id(5))).await;
    assert_eq!(room.rows("SELECT reader, local_id FROM look ORDER BY id"), ["jo.marsh|A1", "anna.holt|C3"]);
    // What cannot be noted is not shown.
    let db = rusqlite::Connection::open(room.database()).unwrap();
    db.execute_batch("CREATE TRIGGER full BEFORE INSERT ON look BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    let answer = jo.get(&format!("/child/{}", id(1))).await;
    assert_eq!(answer.status, 503);
    assert!(
        !answer.body.contains("Okafor")
            && answer.body.contains("This does not mean that there are no accesses")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn h22_emergency_duty_sees_everything_since_the_office_closed_and_hands_it_over_on_paper() {
    let room = Room::open(Through::Start("duty")).await;
    let browser = room.get_in().await;
    // All of it came this minute: what was opened on Thursday night too.
    assert!(browser.read("/duty").await.contains("Case A1"));
    rusqlite::Connection::open(room.database())
        .unwrap()
        .execute("UPDATE notice SET came_ms = (SELECT at_ms FROM part WHERE part.notice_id = notice.id)", [])
        .unwrap();
    let page = browser.read("/duty").await;
    assert!(page.contains("From <strong>20-Nov-2026 17:00</strong> until now, 22-Nov-2026 02:15"), "{page}");
    assert!(page.contains("Case B2") && page.contains("Case D4") && !page.contains("Case A1"));
    let paper = browser.read("/duty/handover").await;
    for said in [
        "<th scope=\"row\">B2</th>",
        "Opened 22-Nov-2026 01:45",
        "Made by duty",
        "Done, by whom",
        "Confidential",
    ] {
        assert!(paper.contains(said), "{said}: {paper}");
    }
    room.turn(SignedDuration::from_hours(48));
    let again = room.get_in().await;
    // Nothing to show is a quiet night only if the hub was heard.
    let doubt = "Something may be missing here";
    let heard = |sql: &str| {
        rusqlite::Connection::open(room.database()).unwrap().execute_batch(sql).unwrap();
    };
    let late = now() + SignedDuration::from_hours(48) - SignedDuration::from_mins(16);
    heard(&format!("UPDATE link SET heard_ms = {}", late.as_millisecond()));
    let page = again.read("/duty").await;
    assert!(page.contains("There was no access that you may see.") && page.contains(doubt), "{page}");
    assert!(page.contains("The hub was last heard: 24-Nov-2026 01:59."), "{page}");
    heard("UPDATE link SET heard_ms = heard_ms + 10 * 60000");
    for path in ["/", "/duty", "/duty/handover"] {
        let page = again.read(path).await;
        assert!(page.contains("The hub was last heard: 24-Nov-2026 02:09.") && !page.contains(doubt));
    }
    heard("UPDATE link SET mail_trouble = 'away', mail_since_ms = 0");
    assert!(again.read("/").await.contains(doubt));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_open_case_is_on_its_list_with_why() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let page = room.get_in().await.read("/triage").await;
    for said in
        ["Case D4", "no case with this local id is in the last extract", "Not known whose", "cannot read"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    // Whoever it is of, it can be opened, and marked as read.
    assert!(page.contains(&format!("/child/{}", id(7))));
    assert_eq!(room.get_in().await.get(&format!("/child/{}", id(7))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_that_cannot_be_read_never_looks_like_nothing() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let browser = room.get_in().await;
    std::fs::rename(room.database(), room.database().with_extension("away")).unwrap();
    for path in ["/", "/duty", "/triage"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert!(answer.body.contains("This does not mean that there are no accesses."));
    }
    std::fs::rename(room.database().with_extension("away"), room.database()).unwrap();
    assert!(browser.read("/").await.contains("Case A1"), "{}", now());
}
