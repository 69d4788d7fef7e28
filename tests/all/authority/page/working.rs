//! What is worked off at the page: notes that have to be placed, and accesses that somebody did not recognise.

use super::room::{Browser, Room, Through, id};

/// The cases of the last extract: D4 is of the child of the sixth access, Z9 of another.
fn with_cases(room: &Room) {
    let db = rusqlite::Connection::open(room.database().with_file_name("memory.db")).unwrap();
    let number = |seed: u64| cpis::domain::NhsNumber::synthetic(seed).digits();
    db.execute_batch(&format!(
        "CREATE TABLE extract (local_id TEXT, number TEXT, family TEXT, given TEXT, born TEXT);
         CREATE TABLE held (local_id TEXT, number TEXT, kind TEXT, family TEXT, given TEXT, born TEXT);
         INSERT INTO extract (local_id, number) VALUES ('E5', '{}');
         INSERT INTO held (local_id, number) VALUES ('Z9', '{}')",
        number(6),
        number(9)
    ))
    .unwrap();
}

async fn settle(browser: &Browser, note: u32, rest: &str) -> (u16, String) {
    let form = browser.form("/triage").await;
    let answer = browser.post(&format!("/triage/{}", id(note)), &format!("form={form}&{rest}")).await;
    (answer.status, answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_placed_is_put_under_its_case_and_under_no_other_childs() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let browser = room.get_in().await;
    with_cases(&room);
    for (rest, said) in [
        ("parts=1&how=under&case=E6", "There is no such case"),
        ("parts=1&how=under&case=Z9", "This case is another child"),
        ("parts=1&how=under&case=+", "Say under which case"),
        ("parts=2&how=under&case=E5", "Something has come since"),
    ] {
        let (status, body) = settle(&browser, 6, rest).await;
        assert_eq!((status, body.contains(said)), (409, true), "{rest}: {body}");
    }
    assert_eq!(settle(&browser, 6, "parts=1&how=away").await.0, 404);
    assert_eq!(settle(&browser, 1, "parts=3&how=dealt-with").await.0, 404, "it is not on the list");
    let standing = "SELECT standing, local_id, settled_by FROM note WHERE id LIKE '%6'";
    assert_eq!(room.rows(standing), ["triage|D4|-"]);
    assert_eq!(settle(&browser, 6, "parts=1&how=under&case=E5").await.0, 303);
    assert_eq!(room.rows(standing), ["record|E5|jo.marsh"]);
    assert_eq!(settle(&browser, 6, "parts=1&how=under&case=E5").await.0, 404, "once");
    // What cannot be read belongs under no case.
    assert_eq!(settle(&browser, 7, "parts=1&how=dealt-with").await.0, 303);
    assert!(browser.read("/triage").await.contains("There is nothing to be placed."));
}

#[tokio::test(flavor = "multi_thread")]
async fn h30_a_restricted_note_on_the_list_is_settled_by_its_holders_alone() {
    let room = Room::open(Through::Proxy).await;
    with_cases(&room);
    let (jo, anna) = (room.proxied("jo.marsh"), room.proxied("anna.holt"));
    // That there is a restricted case with a local id is nobody's to try out.
    room.restrict("Z9", "anna.holt");
    let (status, body) = settle(&jo, 6, "parts=1&how=under&case=Z9").await;
    assert_eq!((status, body.contains("There is no such case")), (409, true), "{body}");
    room.restrict("D4", "anna.holt");
    assert_eq!(settle(&jo, 6, "parts=1&how=dealt-with").await.0, 404);
    assert_eq!(room.rows("SELECT standing FROM note WHERE id LIKE '%6'"), ["triage"]);
    assert_eq!(settle(&anna, 6, "parts=1&how=dealt-with").await.0, 303);
    assert_eq!(room.rows("SELECT settled_by FROM note WHERE id LIKE '%6'"), ["anna.holt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_of_what_is_to_be_placed_goes_on_page_by_page() {
    let room = Room::with(Through::Start("jo.marsh"), 120).await;
    let browser = room.get_in().await;
    let db = rusqlite::Connection::open(room.database()).unwrap();
    db.execute_batch("UPDATE note SET standing = 'triage', why = 'ended' WHERE local_id LIKE 'M%'").unwrap();
    let count = |page: &str| page.matches("<article").count();
    let mut seen = 0;
    for page in 1..=5 {
        let shown = browser.read(&format!("/triage?page={page}")).await;
        seen += count(&shown);
        assert!(shown.contains("To be placed (122)"));
        assert_eq!(shown.contains("More recent</a>"), page < 5, "{page}");
    }
    assert_eq!(seen, 122);
    assert!(browser.read("/triage?page=9").await.contains("There are no more."));
    assert_eq!(browser.get("/triage?page=0").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_recognises_is_on_a_list_of_its_own_until_somebody_says_what_came_of_it() {
    let room = Room::open(Through::Proxy).await;
    let (jo, anna) = (room.proxied("jo.marsh"), room.proxied("anna.holt"));
    // Jo is the worker who was alerted of the first; of Anna's nobody was.
    rusqlite::Connection::open(room.database())
        .unwrap()
        .execute(
            "INSERT INTO alert (note_id, notice_id, part, role, name, why, made_ms, user)
             SELECT note_id, notice_id, part, 'worker', 'Marsh, Jo', 'the worker', 1, 'jo.marsh' FROM part
             WHERE note_id = ?1 AND part = 1",
            [id(1)],
        )
        .unwrap();
    let empty = jo.read("/not-recognised").await;
    assert!(empty.contains("There is none that you may see.") && !empty.contains("Not recognised ("));
    for (person, note) in [(&jo, 1), (&anna, 5)] {
        let ask = format!("/child/{}/not-recognised/1", id(note));
        let form = person.form(&ask).await;
        assert_eq!(person.post(&ask, &format!("form={form}&words=Not+mine+%3Cb%3E")).await.status, 303);
    }
    let page = jo.read("/not-recognised").await;
    for said in [
        "Not recognised (1)",
        "Case A1",
        "said <strong>jo.marsh</strong>, 22-Nov-2026 02:15",
        ": Not mine &lt;b&gt;",
        "What came of it?",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("C3") && !page.contains("Ida Hidden"), "{page}");
    assert!(anna.read("/not-recognised").await.contains("Not recognised (2)"));
    // What an address claims is shown only if it is so, and of whoever did it.
    let done = format!("/child/{}?done=reported", id(1));
    assert!(jo.read(&done).await.contains("Reported as not recognised"));
    assert!(!anna.read(&done).await.contains("Reported as not recognised"));
    let settled = format!("/child/{}?done=looked-into", id(1));
    assert!(!jo.read(&settled).await.contains("<h2 id=\"done-title\">"));
    let form = jo.form("/not-recognised").await;
    let outcome = format!("form={form}&words=A+twin");
    assert_eq!(jo.post(&format!("/child/{}/looked-into/1", id(1)), &outcome).await.status, 303);
    assert!(jo.read("/not-recognised").await.contains("There is none that you may see."));
    assert!(jo.read(&settled).await.contains("<h2 id=\"done-title\">"));
    // Who was alerted of it and reported it has read it; where nobody was, it waits for whoever it is for.
    assert_eq!(
        room.rows("SELECT note_id, reader, as_duty FROM read_mark"),
        [format!("{}|jo.marsh|0", id(1))]
    );
}
