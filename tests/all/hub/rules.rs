//! Who is told of a view, and when not again: notifying, retries, first and repeat, opened in error.

use cpis::domain::Caller;
use serde_json::json;
use uuid::Uuid;

use super::support::data::{CHILD_PROTECTION, LOOKED_AFTER, child, lines, number, person, plan};
use super::support::{TestHub, caller, midwife, nurse, receptionist};

const NOTICES: &str =
    "SELECT kind, authority_code, sequence, attendance = reference, state FROM outbox ORDER BY id";

#[tokio::test]
async fn a_recorded_view_is_logged_listed_and_told_with_all_that_the_authority_needs() {
    let hub = TestHub::with(&child()).await;
    let trace = Uuid::new_v4().to_string();
    let headers = [("TraceID", trace.as_str()), ("X-Site", "ed")];
    let answer = hub.get(&super::support::data::plans_of(number(1)), &nurse(), &headers).await;
    assert_eq!((answer.status, answer.total()), (200, 1));
    let reference = answer.reference().to_owned();
    let is_speakable = |(place, letter): (usize, char)| match place {
        4 => letter == '-',
        _ => "23456789ABCDEFGHJKMNPQRSTVWXYZ".contains(letter),
    };
    assert!(reference.len() == 9 && reference.chars().enumerate().all(is_speakable), "{reference}");
    let told = hub.rows(
        "SELECT kind, authority_code, authority_name, upload_id, local_id, number_uploaded, user_name, role,
                organisation_code, organisation, setting, site, department, call_back, contact, sequence,
                attendance, reference, state FROM outbox",
    );
    let number = number(1).digits();
    let expected = format!(
        "notification|E06000030|E06000030 Council|1|local-1|{number}|Sam Okafor|Staff nurse|RN3|Hospital RN3|\
         Emergency department|Great Western Hospital|Adult ED|01793 604 020|in-person|first|{reference}|\
         {reference}|queued"
    );
    assert_eq!(told, [expected]);
    assert_eq!(
        hub.rows("SELECT user_name, role, role_profile, organisation FROM history"),
        ["Sam Okafor|Staff nurse|555021935107|Hospital RN3"]
    );
    let audit = hub.rows("SELECT kind, outcome, user_name, reference, number FROM audit WHERE kind = 'view'");
    assert_eq!(audit, [format!("view|held|Sam Okafor|{reference}|{number}")]);
    let status = hub.get(&format!("/access/{reference}"), &nurse(), &[]).await.json();
    assert_eq!(
        status,
        json!({ "reference": reference, "recorded": "2026-11-22T14:00:00Z", "silent": false, "notices": [
            { "authority": "E06000030 Council", "state": "queued", "at": "2026-11-22T14:00:00Z" }] })
    );
}

#[tokio::test]
async fn rights_decide_whether_a_view_is_recorded_silent_or_refused() {
    let both = |name: &str| caller(name, "RN3", &["B0264", "B0107", "B0170"]);
    let hub = TestHub::with(&child()).await;
    let check = async |who: Caller, session: Option<&str>, unscheduled: bool, expected: &str| {
        if let Some(word) = session {
            let body = Some(json!({ "care_setting": word }).to_string());
            let set = hub.send("PUT", "/session/care-setting", Some(&who), &[], body).await;
            assert_eq!(set.status, 204);
        }
        let before = (hub.count("SELECT 1 FROM history"), hub.count("SELECT 1 FROM outbox"));
        let answer = hub.view_again(&who, number(1), Uuid::new_v4(), unscheduled).await;
        let after = (hub.count("SELECT 1 FROM history"), hub.count("SELECT 1 FROM outbox"));
        let kind = hub.rows("SELECT kind FROM audit ORDER BY id DESC LIMIT 1").concat();
        let got = match (answer.status, after.0 - before.0, after.1 - before.1) {
            (200, 1, 1) => "recorded",
            (200, 0, 0) => "silent",
            (403, 0, 0) => "refused",
            other => panic!("{other:?}"),
        };
        let logged = if got == "recorded" {
            "view"
        } else if got == "silent" {
            "silent-view"
        } else {
            "refused"
        };
        assert_eq!((got, kind.as_str()), (expected, logged), "{} {session:?} {unscheduled}", who.name);
    };
    check(caller("Notify One", "RN3", &["B0107"]), None, true, "recorded").await;
    check(caller("Notify Two", "RN3", &["B0107"]), None, false, "recorded").await;
    check(midwife(), None, true, "silent").await;
    check(midwife(), None, false, "silent").await;
    check(receptionist(), None, true, "refused").await;
    check(both("Both A"), None, true, "recorded").await;
    check(both("Both B"), None, false, "recorded").await;
    check(both("Both C"), Some("scheduled"), true, "recorded").await;
    check(both("Both D"), Some("scheduled"), false, "silent").await;
    check(both("Both D"), Some("unscheduled"), false, "recorded").await;
    let only_who_may_do_both = hub
        .send(
            "PUT",
            "/session/care-setting",
            Some(&nurse()),
            &[],
            Some(json!({ "care_setting": "scheduled" }).to_string()),
        )
        .await;
    assert_eq!(only_who_may_do_both.told(), "403 ACCESS_DENIED");
    assert_eq!(hub.count("SELECT 1 FROM audit WHERE kind = 'care-setting'"), 3);
}

#[tokio::test]
async fn h20_what_a_session_said_of_scheduled_care_counts_at_its_organisation_and_for_twelve_hours() {
    let hub = TestHub::with(&child()).await;
    let at = |organisation: &str| Caller {
        session: "one-session".to_owned(),
        ..caller("Both", organisation, &["B0107", "B0170"])
    };
    let scheduled = json!({ "care_setting": "scheduled" }).to_string();
    hub.send("PUT", "/session/care-setting", Some(&at("RN3")), &[], Some(scheduled)).await;
    let mode = async |who: &Caller| {
        hub.view_again(who, number(1), Uuid::new_v4(), false).await;
        hub.rows("SELECT mode FROM view ORDER BY id DESC LIMIT 1").concat()
    };
    assert_eq!(mode(&at("RN3")).await, "silent");
    assert_eq!(mode(&at("RVJ")).await, "recorded");
    hub.turn(12 * 60);
    assert_eq!(mode(&at("RN3")).await, "silent");
    hub.turn(1);
    assert_eq!(mode(&at("RN3")).await, "recorded");
}

#[tokio::test]
async fn each_authority_that_holds_a_plan_is_told_and_none_where_nothing_is_held() {
    let hub = TestHub::with(&lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", "E06000030"),
        plan(1, LOOKED_AFTER, "2026-02-05", "", "E06000030"),
        plan(1, LOOKED_AFTER, "2026-03-05", "", "E10000013"),
        // Neither shown nor told: it begins tomorrow; it ended too long ago.
        plan(1, CHILD_PROTECTION, "2026-11-23", "", "E09000002"),
        plan(1, CHILD_PROTECTION, "2020-01-05", "2025-11-22", "E09000003"),
        person(2, "Nobody", "Tom", "2019-03-12"),
    ]))
    .await;
    assert_eq!(hub.view(&nurse(), number(1)).await.total(), 3);
    let codes = hub.rows("SELECT authority_code FROM outbox ORDER BY 1");
    assert_eq!(codes, ["E06000030", "E10000013"]);
    let nothing = hub.view(&nurse(), number(2)).await;
    assert_eq!((nothing.status, nothing.total()), (200, 0));
    let status = hub.get(&format!("/access/{}", nothing.reference()), &nurse(), &[]).await.json();
    assert_eq!(status["notices"], json!([]));
    assert_eq!((hub.count("SELECT 1 FROM outbox"), hub.count("SELECT 1 FROM history")), (2, 1));
}

#[tokio::test]
async fn a_retry_of_one_view_gets_the_same_reference_and_tells_nobody_twice() {
    let hub = TestHub::with(&child()).await;
    let trace = Uuid::new_v4();
    let first = hub.view_again(&nurse(), number(1), trace, true).await;
    hub.turn(10);
    let second = hub.view_again(&nurse(), number(1), trace, true).await;
    assert_eq!(first.reference(), second.reference());
    assert_eq!(second.total(), 1);
    assert_eq!((hub.count("SELECT 1 FROM outbox"), hub.count("SELECT 1 FROM history")), (1, 1));
    assert_eq!(hub.rows("SELECT kind FROM audit WHERE reference IS NOT NULL"), ["view", "repeated-view"]);
    hub.turn(1);
    let late = hub.view_again(&nurse(), number(1), trace, true).await;
    assert_eq!(late.told(), "400 PRECONDITION_FAILED");
    assert!(late.body.contains("use a new one"));
    // Another person's retry, or another user's TraceID, is not this view.
    let colleague = caller("Ann Lee", "RN3", &["B0107"]);
    let other = hub.view_again(&colleague, number(1), trace, true).await;
    assert_ne!(other.reference(), first.reference());
}

#[tokio::test]
async fn a_traceid_of_another_person_is_refused_and_audited() {
    let mut people = child();
    people.extend(lines(&[person(2, "Nobody", "Tom", "2019-03-12")]));
    let hub = TestHub::with(&people).await;
    let trace = Uuid::new_v4();
    hub.view_again(&nurse(), number(2), trace, true).await;
    let other = hub.view_again(&nurse(), number(1), trace, true).await;
    assert_eq!(other.told(), "400 PRECONDITION_FAILED");
    assert!(other.header("x-access-reference").is_none());
    let audit = hub.rows("SELECT kind, outcome FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(audit, ["refused|trace-of-another-person"]);
    assert_eq!(hub.count("SELECT 1 FROM outbox"), 0);
}

#[tokio::test]
async fn what_becomes_due_between_a_view_and_its_retry_is_written_under_the_same_reference() {
    let hub = TestHub::with(&lines(&[person(1, "Bennett", "Ava", "2019-03-12")])).await;
    let trace = Uuid::new_v4();
    let first = hub.view_again(&nurse(), number(1), trace, true).await;
    assert_eq!(first.total(), 0);
    hub.load(&lines(&[plan(1, CHILD_PROTECTION, "2026-01-05", "", "E06000030")])).await;
    let second = hub.view_again(&nurse(), number(1), trace, true).await;
    assert_eq!((second.total(), second.reference()), (1, first.reference()));
    assert_eq!((hub.count("SELECT 1 FROM outbox"), hub.count("SELECT 1 FROM history")), (1, 1));
    // A view that was silent and is asked for again as unscheduled.
    let both = caller("Both", "RN3", &["B0107", "B0170"]);
    let body = Some(json!({ "care_setting": "scheduled" }).to_string());
    hub.send("PUT", "/session/care-setting", Some(&both), &[], body).await;
    let trace = Uuid::new_v4();
    let silent = hub.view_again(&both, number(1), trace, false).await;
    let status = hub.get(&format!("/access/{}", silent.reference()), &both, &[]).await.json();
    assert_eq!((&status["silent"], &status["notices"]), (&json!(true), &json!([])));
    let recorded = hub.view_again(&both, number(1), trace, true).await;
    assert_eq!(recorded.reference(), silent.reference());
    let silent_again = hub.view_again(&both, number(1), trace, false).await;
    let status = hub.get(&format!("/access/{}", silent_again.reference()), &both, &[]).await.json();
    assert_eq!(status["silent"], json!(false), "never silent again");
    assert_eq!((hub.count("SELECT 1 FROM outbox"), hub.count("SELECT 1 FROM history")), (2, 2));
}

#[tokio::test]
async fn checking_again_within_half_an_hour_is_a_row_of_the_history_but_not_a_second_notification() {
    let hub = TestHub::with(&child()).await;
    hub.view(&nurse(), number(1)).await;
    hub.turn(30);
    let again = hub.view(&nurse(), number(1)).await;
    assert_eq!((hub.count("SELECT 1 FROM outbox"), hub.count("SELECT 1 FROM history")), (1, 2));
    let status = hub.get(&format!("/access/{}", again.reference()), &nurse(), &[]).await.json();
    assert_eq!(
        status["notices"],
        json!([{ "authority": "E06000030 Council", "state": "told-earlier", "at": "2026-11-22T14:00:00Z" }])
    );
    // A colleague is somebody else, and so is the same person at another organisation.
    hub.view(&caller("Ann Lee", "RN3", &["B0107"]), number(1)).await;
    hub.view(&caller("Sam Okafor", "RVJ", &["B0107"]), number(1)).await;
    assert_eq!(
        hub.rows(NOTICES),
        [
            "notification|E06000030|first|1|queued",
            "notification|E06000030|repeat|0|queued",
            "notification|E06000030|first|1|queued"
        ]
    );
    // Half an hour counts from the notification, not from the view that it spared.
    hub.turn(1);
    hub.view(&nurse(), number(1)).await;
    assert_eq!(hub.count("SELECT 1 FROM outbox"), 4);
}

#[tokio::test]
async fn views_at_one_organisation_within_twelve_hours_are_one_attendance() {
    let hub = TestHub::with(&child()).await;
    let first = hub.view(&nurse(), number(1)).await;
    let check = async |minutes: i64, expected: &str| {
        hub.turn(minutes);
        hub.view(&caller(&format!("Nurse {minutes}"), "RN3", &["B0107"]), number(1)).await;
        let last = hub.rows("SELECT sequence, attendance FROM outbox ORDER BY id DESC LIMIT 1");
        let reference = hub.rows("SELECT reference FROM outbox ORDER BY id DESC LIMIT 1").concat();
        let expected = if expected == "first" {
            format!("first|{reference}")
        } else {
            format!("repeat|{}", first.reference())
        };
        assert_eq!(last, [expected], "after {minutes} more minutes");
    };
    check(60, "repeat").await;
    check(11 * 60 - 1, "repeat").await;
    // Twelve hours after the first, however many came since.
    check(1, "first").await;
}

#[tokio::test]
async fn the_site_that_the_caller_names_is_what_the_authority_is_told() {
    let hub = TestHub::with(&child()).await;
    let check = async |who: &Caller, site: Option<&str>, expected: Option<&str>| {
        let trace = Uuid::new_v4().to_string();
        let mut headers = vec![("TraceID", trace.as_str())];
        headers.extend(site.map(|site| ("X-Site", site)));
        let path = super::support::data::plans_of(number(1));
        let answer = hub.get(&path, who, &headers).await;
        let department = hub.rows("SELECT department, contact FROM outbox ORDER BY id DESC LIMIT 1").concat();
        match expected {
            Some(expected) => assert_eq!((answer.status, department.as_str()), (200, expected)),
            None => assert_eq!(answer.told(), "400 PRECONDITION_FAILED"),
        }
    };
    let at = |name: &str, organisation: &str| caller(name, organisation, &["B0107"]);
    // With several sites nobody can know which one it is: not stated. With exactly one it is that one.
    check(&at("A", "RN3"), None, Some("-|-")).await;
    check(&at("F", "RN3"), Some("ed"), Some("Adult ED|in-person")).await;
    check(&at("G", "RA9"), None, Some("Walk-in|in-person")).await;
    check(&at("B", "RN3"), Some("ped"), Some("Children's ED|by-telephone")).await;
    check(&at("C", "RN3"), Some("moon"), None).await;
    // Another organisation's site is no site of theirs; without any of their own there is nothing to tell.
    check(&at("D", "RVJ"), Some("ed"), None).await;
    check(&at("E", "RVJ"), None, Some("-|-")).await;
}
