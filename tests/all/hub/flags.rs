//! Plans as flags: the same disclosure as CareTeam in another shape, and the words of answers.

use serde_json::json;
use uuid::Uuid;

use super::support::data::{
    CHILD_PROTECTION, UNBORN, changed, child, ended, lines, number, person, plan, plans_of, superseded,
};
use super::support::{TestHub, midwife, nurse, receptionist};
use cpis::domain::NhsNumber;

fn flags_of(number: NhsNumber) -> String {
    format!("/patient-flags-api/FHIR/R4/Flag?patient={}", number.digits())
}

#[tokio::test]
async fn a_flag_carries_the_plan_and_its_authority_and_nothing_else() {
    let hub = TestHub::with(&child()).await;
    let trace = Uuid::new_v4().to_string();
    let flag = hub.get(&flags_of(number(1)), &nurse(), &[("TraceID", &trace)]).await;
    let mut resource = flag.json()["entry"][0]["resource"].clone();
    resource.as_object_mut().unwrap().remove("id");
    let category = json!({
        "system": "https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient",
        "code": "child-protection-information-system-flag",
        "display": "Child Protection Information System Flag",
    });
    assert_eq!(
        resource,
        json!({
            "resourceType": "Flag",
            "meta": { "lastUpdated": "2026-11-01T02:00:00Z" },
            "contained": [{
                "resourceType": "Organization",
                "id": "authority",
                "identifier": [{ "system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "E06000030" }],
                "name": "E06000030 Council",
                "telecom": [{ "system": "phone", "value": "01793 466903", "use": "work" },
                    { "system": "phone", "value": "01793 436699", "use": "mobile" }],
            }],
            "status": "active",
            "category": [{ "coding": [category] }],
            "code": { "text": "Child Protection Plan", "coding": [{ "system": "http://snomed.info/sct",
                "code": CHILD_PROTECTION, "display": "Subject to child protection plan" }, category] },
            "subject": { "identifier": { "system": "https://fhir.nhs.uk/Id/nhs-number",
                "value": number(1).digits() }, "display": "Ava BENNETT" },
            "period": { "start": "2026-01-05" },
            "author": { "reference": "#authority", "display": "E06000030 Council" },
        })
    );
}

#[tokio::test]
async fn a_view_of_flags_is_a_view_and_the_same_trace_is_the_same_view() {
    let hub = TestHub::with(&child()).await;
    let trace = Uuid::new_v4();
    let headers = trace.to_string();
    let flags = hub.get(&flags_of(number(1)), &nurse(), &[("TraceID", &headers)]).await;
    let plans = hub.view_again(&nurse(), number(1), trace, true).await;
    assert_eq!(flags.reference(), plans.reference());
    assert_eq!(
        hub.rows("SELECT kind, outcome, detail FROM audit ORDER BY id DESC LIMIT 2"),
        ["repeated-view|held|-", "view|held|{\"shape\":\"Flag\"}",]
    );
    assert_eq!(hub.count("SELECT 1 FROM history"), 1);
    assert_eq!(hub.count("SELECT 1 FROM outbox"), 1);
    // The right, the TraceID and the history are those of every view.
    let refused = hub.get(&flags_of(number(1)), &receptionist(), &[("TraceID", &headers)]).await;
    assert_eq!(refused.told(), "403 ACCESS_DENIED");
    assert_eq!(hub.count("SELECT 1 FROM audit WHERE kind = 'refused'"), 1);
    let untraced = hub.get(&flags_of(number(1)), &nurse(), &[]).await;
    assert_eq!(untraced.told(), "400 PRECONDITION_FAILED");
    let silent = Uuid::new_v4().to_string();
    hub.get(&flags_of(number(1)), &midwife(), &[("TraceID", &silent)]).await;
    assert_eq!(hub.history(&midwife(), number(1)).await.accesses().len(), 1);
    assert_eq!(hub.count("SELECT 1 FROM history"), 1, "a silent view is not in it");
}

#[tokio::test]
async fn what_is_asked_for_flags_is_read_as_published_and_nothing_more() {
    let people = [child(), lines(&[superseded(7, 1), ended(8)])].concat();
    let hub = TestHub::with(&people).await;
    let check = async |query: &str, expected: &str| {
        let trace = Uuid::new_v4().to_string();
        let path = format!("/patient-flags-api/FHIR/R4/Flag?{query}");
        let answer = hub.get(&path, &nurse(), &[("TraceID", &trace)]).await;
        assert_eq!(answer.told(), expected, "{query}");
        answer
    };
    let digits = number(1).digits();
    let known = format!("patient={digits}");
    check(&known, "200").await;
    check(&format!("patient=https://fhir.nhs.uk/Id/nhs-number%7C{digits}"), "200").await;
    check(&format!("{known}&code=child-protection-information-system-flag"), "200").await;
    check(&format!("{known}&code=national-reasonable-adjustment-flag"), "400 INVALID_SEARCH_DATA").await;
    check(&format!("{known}&_count=1"), "400 INVALID_SEARCH_DATA").await;
    check(&format!("patient=https://example.org%7C{digits}"), "400 INVALID_SEARCH_DATA").await;
    check("", "400 INVALID_SEARCH_DATA").await;
    check(&format!("patient={}", number(9).digits()), "404 RESOURCE_NOT_FOUND").await;
    check(&format!("patient={}", number(8).digits()), "404 INVALIDATED_RESOURCE").await;
    let current = check(&format!("patient={}", number(7).digits()), "200").await.json();
    assert_eq!(current["entry"][0]["resource"]["subject"]["identifier"]["value"], json!(digits));
}

#[tokio::test]
async fn h10_a_flag_of_an_ended_plan_is_inactive_and_h12_of_a_past_unborn_plan_is_not() {
    let people = lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2026-01-05", "2026-11-21", "E06000030"),
        plan(1, CHILD_PROTECTION, "2026-01-06", "2026-11-22", "E06000030"),
        plan(1, UNBORN, "2026-01-05", "2026-11-21", "E06000030"),
    ]);
    let hub = TestHub::with(&people).await;
    let trace = Uuid::new_v4().to_string();
    let flags = hub.get(&flags_of(number(1)), &nurse(), &[("TraceID", &trace)]).await.json();
    let shown = flags["entry"].as_array().unwrap().iter().map(|entry| {
        let flag = &entry["resource"];
        format!("{} {} {}", flag["code"]["coding"][0]["code"], flag["period"]["end"], flag["status"])
    });
    let mut shown: Vec<String> = shown.map(|line| line.replace('"', "")).collect();
    shown.sort();
    assert_eq!(
        shown,
        [
            format!("{CHILD_PROTECTION} 2026-11-21 inactive"),
            format!("{CHILD_PROTECTION} 2026-11-22 active"),
            format!("{UNBORN} 2026-11-21 active"),
        ]
    );
}

#[tokio::test]
async fn who_takes_no_json_is_refused_before_anything_is_looked_up() {
    let hub = TestHub::with(&child()).await;
    let audited = hub.count("SELECT 1 FROM audit");
    let trace = Uuid::new_v4().to_string();
    for (query, accept) in [("", "application/fhir+xml"), ("&_format=xml", "*/*"), ("", "text/html;q=0.9")] {
        let headers = [("TraceID", trace.as_str()), ("Accept", accept)];
        let answer = hub.get(&format!("{}{query}", plans_of(number(1))), &nurse(), &headers).await;
        assert_eq!(answer.told(), "406 NOT_ACCEPTABLE", "{query} {accept}");
    }
    // Whoever proves nothing is told nothing else, not even this.
    let xml = [("Accept", "application/fhir+xml")];
    assert_eq!(hub.send("GET", &plans_of(number(1)), None, &xml, None).await.told(), "401 ACCESS_DENIED");
    assert_eq!(hub.count("SELECT 1 FROM audit"), audited);
    let headers = [("TraceID", trace.as_str()), ("Accept", "application/json")];
    let answer = hub.get(&plans_of(number(1)), &nurse(), &headers).await;
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    let xml = [("Content-Type", "application/fhir+xml")];
    let body = Some("<a/>".to_owned());
    let report = hub.send("POST", "/cpis/FHIR/R4/AuditEvent", Some(&nurse()), &xml, body).await;
    assert_eq!(report.told(), "415 UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn a_searchset_says_what_was_asked_and_where_each_resource_is() {
    let hub = TestHub::with(&child()).await;
    let plans = hub.view(&nurse(), number(1)).await.json();
    let base = super::support::ISSUER;
    let digits = number(1).digits();
    assert_eq!(
        plans["link"],
        json!([{ "relation": "self", "url": format!(
        "{base}/cpis/FHIR/R4/CareTeam?patient%3Aidentifier=https%3A%2F%2Ffhir.nhs.uk%2FId%2Fnhs-number%7C{digits}"
    ) }])
    );
    let url = plans["entry"][0]["fullUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("{base}/cpis/FHIR/R4/CareTeam/plan-")), "{url}");
    // The references of a history lead to entries of it.
    let history = hub.history(&nurse(), number(1)).await.json();
    let role = history["entry"][0]["resource"]["agent"][1]["who"]["reference"].as_str().unwrap().to_owned();
    assert_eq!(history["entry"][1]["fullUrl"], json!(format!("{base}/cpis/FHIR/R4/{role}")));
}

#[tokio::test]
async fn a_version_is_the_same_for_as_long_as_the_person_is_and_never_spares_an_entry() {
    let hub = TestHub::with(&child()).await;
    let path = format!("/personal-demographics/FHIR/R4/Patient/{}", number(1).digits());
    let request = Uuid::new_v4().to_string();
    let get = async |tag: &str| {
        let headers = [("X-Request-ID", request.as_str()), ("If-None-Match", tag)];
        hub.get(&path, &nurse(), &headers).await
    };
    let first = get("*").await;
    let tag = first.header("etag").unwrap().to_owned();
    assert_eq!(tag, format!("W/\"{}\"", first.json()["meta"]["versionId"].as_str().unwrap()));
    let again = get(&tag).await;
    assert_eq!((again.status, again.header("etag")), (200, Some(tag.as_str())));
    assert_eq!(hub.count("SELECT 1 FROM audit WHERE kind = 'retrieve'"), 2);
    hub.load(&lines(&[changed(person(1, "Bennett", "Ava", "2019-03-12"), json!({ "gender": "other" }))]))
        .await;
    assert_ne!(get(&tag).await.header("etag"), Some(tag.as_str()));
}

#[tokio::test]
async fn h10_the_last_day_of_a_plan_ends_at_midnight_in_england() {
    let people = lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2026-01-05", "2027-07-01", "E06000030"),
    ]);
    let hub = TestHub::with(&people).await;
    for (now, expected) in [("2027-07-01T22:59:59Z", "active"), ("2027-07-01T23:00:00Z", "inactive")] {
        hub.clock.turn_to(super::support::at(now));
        let trace = Uuid::new_v4().to_string();
        let flags = hub.get(&flags_of(number(1)), &nurse(), &[("TraceID", &trace)]).await.json();
        assert_eq!(flags["entry"][0]["resource"]["status"], expected, "{now}");
    }
}
