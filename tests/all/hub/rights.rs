//! Who may do what: every address of the hub with every kind of caller, as the manual's chapter "Rights" has it.

use std::collections::BTreeSet;

use cpis::domain::Caller;
use cpis::exchange::notice::{Receipts, write_receipts};
use cpis::hub::addresses;
use cpis::hub::clock::Clock;
use serde_json::json;
use uuid::Uuid;

use super::support::answer::Answer;
use super::support::data::{NHS, child, history_of, number, plans_of};
use super::support::provider::Provider;
use super::support::signing_in::Viewer;
use super::support::uploads::{Exchange, WEXCOMBE, ava, document};
use super::support::{ISSUER, NOW, TestHub, at, caller, midwife, nurse, officer, receptionist, reviewer};

const CHAPTER: &str = include_str!("../../../src/manual/rights.md");

/// Who asks, as the table names them.
fn personas() -> Vec<(&'static str, Option<Caller>)> {
    vec![
        ("nobody", None),
        ("a role without codes", Some(receptionist())),
        ("an unknown code", Some(caller("Ola Berg", "RN3", &["B9999"]))),
        ("B0264", Some(caller("Max Reed", "RN3", &["B0264"]))),
        ("B0264 B0107", Some(nurse())),
        ("B0264 B0170", Some(midwife())),
        ("B0107 B0170", Some(caller("Ines Roy", "RN3", &["B0107", "B0170"]))),
        ("read-audit", Some(reviewer())),
        ("privacy-officer", Some(officer())),
        ("an authority's certificate", None),
    ]
}

/// Addresses whose answer depends on what is shown there, and not on a role. Each has its own table in the manual.
const NOT_BY_ROLE: [(&str, &str); 13] = [
    ("/token", "whoever has the session's code or refresh token, and key or certificate"),
    ("/revoke", "whoever has the session's refresh token and key or certificate"),
    ("/authorize", "everybody: it begins to sign in"),
    ("/sign-in/back", "the browser that began, with the provider's answer"),
    ("/sign-in", "the browser that began, of somebody whom the provider knows"),
    ("/sign-out", "whoever has just signed out, with the ticket for it"),
    ("/signed-out", "everybody: it says that one is signed out"),
    ("/backchannel-logout", "the provider, with its signature"),
    ("/.well-known/oauth-authorization-server", "everybody: it says nothing of anybody"),
    ("/.well-known/smart-configuration", "everybody: it says nothing of anybody"),
    (
        "/personal-demographics/FHIR/R4/.well-known/smart-configuration",
        "everybody: it says nothing of anybody",
    ),
    ("/cpis/FHIR/R4/.well-known/smart-configuration", "everybody: it says nothing of anybody"),
    ("/patient-flags-api/FHIR/R4/.well-known/smart-configuration", "everybody: it says nothing of anybody"),
];

/// Addresses whose answer says nothing of anybody.
const OF_NOBODY: [&str; 3] = ["/openapi.json", "/healthz", "/events"];

/// A request to every other address that is as it should be; `own` is the reference of a view of the caller's own.
async fn ask(hub: &TestHub, who: Option<&Caller>, method: &str, path: &str, own: &str) -> Answer {
    let fresh = Uuid::new_v4().to_string();
    let id = [("X-Request-ID", fresh.as_str())];
    let view = [("TraceID", fresh.as_str()), ("IsUnscheduledAccessEvent", "true")];
    let register = [("X-Register", "0a1b2c3d4e5f60718293a4b5c6d7e8f9")];
    let digits = number(1).digits();
    let (target, headers, body): (String, &[(&str, &str)], Option<String>) = match (method, path) {
        ("GET", "/personal-demographics/FHIR/R4/Patient") => {
            (format!("{path}?family=Bennett&birthdate=eq2019-03-12"), &id, None)
        }
        ("GET", "/personal-demographics/FHIR/R4/Patient/{number}") => {
            (path.replace("{number}", &digits), &id, None)
        }
        ("GET", "/cpis/FHIR/R4/CareTeam") => (plans_of(number(1)), &view, None),
        ("GET", "/patient-flags-api/FHIR/R4/Flag") => (format!("{path}?patient={digits}"), &view, None),
        ("GET", "/cpis/FHIR/R4/AuditEvent") => (history_of(number(1)), &view[..1], None),
        ("POST", "/cpis/FHIR/R4/AuditEvent") => {
            let body = json!({ "resourceType": "AuditEvent", "subtype": [{ "code": "print" }],
                "entity": [{ "what": { "identifier": { "value": own } } }] });
            (path.to_owned(), &[], Some(body.to_string()))
        }
        ("GET", "/audit/entries") => (format!("{path}?patient:identifier={NHS}%7C{digits}"), &[], None),
        ("GET", "/audit/concerns") => (path.to_owned(), &[], None),
        ("GET", "/access/{reference}") | ("POST", "/access/{reference}/opened-in-error") => {
            (path.replace("{reference}", own), &[], None)
        }
        ("PUT", "/session/care-setting") => {
            (path.to_owned(), &[], Some(json!({ "care_setting": "unscheduled" }).to_string()))
        }
        ("POST", "/exchange/uploads") => {
            let document = document(WEXCOMBE, 1, &[ava(Vec::new())]);
            (path.to_owned(), &[], Some(String::from_utf8(document).unwrap()))
        }
        ("GET", "/exchange/uploads/{sequence}") => (path.replace("{sequence}", "1"), &[], None),
        ("GET", "/exchange/notifications") => (path.to_owned(), &register, None),
        ("POST", "/exchange/notifications/filed") => {
            let none = Receipts { authority_code: WEXCOMBE.to_owned(), receipts: Vec::new() };
            let document = write_receipts(&none, at(NOW));
            (path.to_owned(), &register, Some(String::from_utf8(document).unwrap()))
        }
        ("GET", _) if path.ends_with("/metadata") || OF_NOBODY.contains(&path) => {
            (path.to_owned(), &[], None)
        }
        _ => panic!("say here what {method} {path} is asked, and in the manual who may"),
    };
    hub.send(method, &target, who, headers, body).await
}

/// What the table says of an answer.
fn word(method: &str, path: &str, answer: &Answer) -> String {
    match answer.told().as_str() {
        "200" | "201" | "202" | "204" => "yes".to_owned(),
        "401 ACCESS_DENIED" => "who?".to_owned(),
        "403 ACCESS_DENIED" => "**no**".to_owned(),
        // Nothing of their own is there: they may, and there is nothing.
        "404 RESOURCE_NOT_FOUND" => "own".to_owned(),
        told => panic!("{method} {path}: {told} {}", answer.body),
    }
}

/// Whoever shows a token or a certificate where neither counts is answered as whoever shows none.
async fn no_role_counts(
    hub: &mut TestHub,
    method: &str,
    path: &str,
    personas: &[(&'static str, Option<Caller>)],
    [plain, certified]: [&reqwest::Client; 2],
) {
    // What a viewer asks there; what the browser brings back of it is another chapter's.
    let begins = Viewer::of("", ISSUER, hub.clock.clone()).address("");
    let asked = if path == "/authorize" { begins.as_str() } else { path };
    let mut told = Vec::new();
    for (name, who) in personas {
        hub.http = if *name == "an authority's certificate" { certified.clone() } else { plain.clone() };
        let answer = hub.send(method, asked, who.as_ref(), &[], None).await;
        let leads_to = leads_to(answer.header("location").unwrap_or_default());
        told.push((answer.status, answer.body.clone(), leads_to, answer.header("set-cookie").is_some()));
    }
    assert!(told.iter().all(|one| *one == told[0]), "{method} {path}: {told:?}");
    let (status, _, leads_to, has_cookie) = &told[0];
    let says_nothing = path == "/signed-out" || path.contains("/.well-known/");
    assert_eq!(*status == 200, says_nothing, "{method} {path}: {told:?}");
    if path == "/authorize" {
        assert_eq!((*status, *has_cookie), (303, true), "{told:?}");
        assert!(leads_to.contains("/authorize?") && leads_to.contains("acr_values=AAL3_ANY"), "{leads_to}");
    } else {
        assert!(*status != 503, "{method} {path}: somebody can sign in here, {told:?}");
    }
}

/// An address, without what is another one each time.
fn leads_to(location: &str) -> String {
    let each_time = ["state=", "nonce=", "code_challenge="];
    let pairs = location.split_inclusive(['?', '&']);
    pairs.filter(|pair| !each_time.iter().any(|name| pair.starts_with(name))).collect()
}

#[tokio::test]
async fn every_address_answers_every_kind_of_caller_as_the_manual_says() {
    // A hub at which people can sign in.
    let secret = tempfile::tempdir().unwrap();
    let provider = Provider::start(Clock::standing_at(at(NOW))).await;
    let mut exchange =
        Exchange::with_people(&child(), provider.settings(&secret), Clock::standing_at(at(NOW))).await;
    let personas = personas();
    let heading: Vec<&str> = personas.iter().map(|(name, _)| *name).collect();
    let mut table = format!("| | {} |\n|{}\n", heading.join(" | "), "---|".repeat(heading.len() + 1));
    let mut refused = 0;
    // Views first: there is an own reference for who may make one.
    let mut own = Vec::new();
    for (name, who) in &personas {
        let answer = match who {
            Some(who) => {
                exchange.hub.view(who, number(1)).await.header("x-access-reference").map(str::to_owned)
            }
            None => None,
        };
        refused += usize::from(who.is_some() && answer.is_none());
        own.push(answer.unwrap_or_else(|| format!("none-of-{}", name.len())));
    }
    let (plain, certified) = (exchange.hub.http.clone(), exchange.link(WEXCOMBE).caller());
    let mut named = BTreeSet::new();
    for (path, methods) in addresses() {
        for method in methods {
            if NOT_BY_ROLE.iter().any(|(other, _)| *other == path) {
                named.insert(path);
                no_role_counts(&mut exchange.hub, method, path, &personas, [&plain, &certified]).await;
                continue;
            }
            let mut cells = Vec::new();
            for ((name, who), own) in personas.iter().zip(&own) {
                let is_certified = *name == "an authority's certificate";
                exchange.hub.http = if is_certified { certified.clone() } else { plain.clone() };
                let cell = word(method, path, &ask(&exchange.hub, who.as_ref(), method, path, own).await);
                refused += usize::from(cell == "**no**");
                cells.push(cell);
            }
            table.push_str(&format!("| `{method} {path}` | {} |\n", cells.join(" | ")));
        }
    }
    for (path, who) in NOT_BY_ROLE {
        assert!(named.contains(path), "{path} is no address any more");
        for (_, methods) in addresses().filter(|(address, _)| *address == path) {
            for method in methods {
                table.push_str(&format!("| `{method} {path}` | {who}{}\n", " |".repeat(heading.len())));
            }
        }
    }
    assert!(CHAPTER.contains(&table), "the chapter does not have this table:\n{table}");
    let audited =
        exchange.hub.count("SELECT 1 FROM audit WHERE kind = 'refused' AND outcome = 'not-allowed'");
    assert_eq!(audited, refused, "every refusal of a role is audited");
}

#[tokio::test]
async fn a_code_that_the_table_does_not_name_allows_nothing_and_each_try_is_in_the_audit_log() {
    let hub = TestHub::with(&child()).await;
    let unknown = caller("Ola Berg", "RN3", &["B9999"]);
    let refused = [
        hub.people(&unknown, "?family=Bennett&birthdate=eq2019-03-12").await,
        hub.people(&unknown, &format!("/{}", number(1).digits())).await,
        hub.view(&unknown, number(1)).await,
        hub.history(&unknown, number(1)).await,
    ];
    for answer in refused {
        assert_eq!(answer.told(), "403 ACCESS_DENIED", "{}", answer.body);
        assert!(!answer.body.contains("Bennett"), "{}", answer.body);
    }
    assert_eq!(
        hub.rows("SELECT kind, outcome, user_name, detail FROM audit WHERE kind != 'load' ORDER BY id"),
        ["search", "retrieve", "view", "history"]
            .map(|asked| format!("refused|not-allowed|Ola Berg|{{\"asked\":\"{asked}\"}}"))
    );
    assert_eq!((hub.count("SELECT 1 FROM view"), hub.count("SELECT 1 FROM outbox")), (0, 0));
}

#[tokio::test]
async fn who_reads_the_audit_log_sees_their_organisations_people_and_is_in_it() {
    // given views by a nurse of the reader's organisation and of another
    let hub = TestHub::with(&child()).await;
    let elsewhere = caller("Pat Lowe", "RA9", &["B0264", "B0107"]);
    hub.view(&nurse(), number(1)).await;
    hub.view(&elsewhere, number(1)).await;
    let read = async |query: &str| hub.get(&format!("/audit/entries?{query}"), &reviewer(), &[]).await;
    let person = format!("patient:identifier={NHS}%7C{}", number(1).digits());

    // when somebody reads who saw the child, then they see their own organisation's people only, themselves first
    let answer = read(&person).await;
    assert_eq!((answer.told().as_str(), answer.total()), ("200", 2));
    assert!(answer.body.contains("Sam Okafor") && !answer.body.contains("Pat Lowe"), "{}", answer.body);
    assert_eq!(
        hub.rows("SELECT user_name, request FROM audit WHERE kind = 'audit-read'"),
        ["Kim Doyle|organisation"]
    );

    // and by user, and by time, and nobody else's
    assert_eq!(read(&format!("agent:identifier={}", nurse().user)).await.total(), 1);
    assert_eq!(read(&format!("agent:identifier={}", elsewhere.user)).await.total(), 0);
    assert_eq!(
        read(&format!("{person}&agent:identifier={}&date=ge2026-11-22T14:00:01Z", nurse().user))
            .await
            .total(),
        0
    );

    // and what asks for everybody, or cannot be read, is refused before anything is
    for query in [
        "",
        "date=ge2026-11-22T14:00:00Z",
        "agent:identifier=",
        "date=2026-11-22",
        "user=1",
        "patient:identifier=9990000018",
    ] {
        assert_eq!(read(query).await.told(), "400 INVALID_SEARCH_DATA", "{query}");
    }
}

/// Entries, of which two in three are the reader's organisation's: more than one page of those.
const LONG: usize = cpis::hub::limits::AUDIT_RETURNED * 2;

#[tokio::test]
async fn a_long_audit_log_is_read_page_by_page_each_entry_once_and_each_page_is_in_it() {
    // given more entries of one user at the reader's organisation than a page has, and others elsewhere
    let hub = TestHub::with(&child()).await;
    let insert = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)
         INSERT INTO audit (at_ms, kind, outcome, user_id, user_name, role, organisation_code, organisation,
                            session, request)
         SELECT 1795356000000 + n, 'view', 'held', 'u 1', 'Name', '', iif(n % 3 = 0, 'RA9', 'RN3'), '', '', n FROM n";
    let db = rusqlite::Connection::open(&hub.database).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    db.execute(insert, [i64::try_from(LONG).unwrap()]).unwrap();
    let all = LONG - LONG / 3;

    for (asked, pages) in [("", 2), ("&_count=600", 3), ("&_count=5000", 2)] {
        // when the links are followed to the end
        let (mut path, mut entries, mut read) =
            (format!("/audit/entries?agent:identifier=u%201&date=ge2026-01-01T00:00:00Z{asked}"), vec![], 0);
        let before = hub.count("SELECT 1 FROM audit WHERE kind = 'audit-read'");
        loop {
            let answer = hub.get(&path, &reviewer(), &[]).await;
            assert_eq!(answer.told(), "200", "{path}: {}", answer.body);
            read += 1;
            let page = answer.json();
            assert_eq!(page["total"], all, "of all pages");
            let links = page["link"].as_array().unwrap();
            let link = |relation: &str| {
                let link = links.iter().find(|link| link["relation"] == relation)?;
                link["url"].as_str().unwrap().strip_prefix(ISSUER).map(str::to_owned)
            };
            assert_eq!(link("self").unwrap().replace("%3A", ":"), path.replace("%3A", ":"));
            entries.extend(page["entry"].as_array().unwrap().iter().map(|entry| {
                let id = entry["resource"]["id"].as_str().unwrap();
                id.strip_prefix("audit-").unwrap().parse::<i64>().unwrap()
            }));
            match link("next") {
                Some(next) => path = next,
                None => break,
            }
        }

        // then each entry of their own organisation was there once, newest first, and each page is in the log
        assert_eq!((entries.len(), read), (all, pages), "{asked}");
        assert!(entries.is_sorted_by(|newer, older| newer > older));
        assert_eq!(hub.count("SELECT 1 FROM audit WHERE kind = 'audit-read'") - before, pages);
    }
    let of_page = hub.rows(
        "SELECT count(*) FROM audit WHERE kind = 'audit-read' AND json_extract(detail, '$.before') IS NOT NULL",
    );
    assert_eq!(of_page, ["4"], "which page it was, too");

    for wrong in
        ["_count=0", "_count=-1", "_count=a", "_count=1&_count=2", "_before=0", "_before=x", "_page=2"]
    {
        let answer = hub.get(&format!("/audit/entries?agent:identifier=u&{wrong}"), &reviewer(), &[]).await;
        assert_eq!(answer.told(), "400 INVALID_SEARCH_DATA", "{wrong}");
    }
}
