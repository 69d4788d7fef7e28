//! The documented errors, headers and addresses, as a table.

use cpis::config::hub::LimitSettings;
use cpis::identity::token::SigningKey;
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use super::support::data::{child, history_of, number, plans_of};
use super::support::{TestHub, nurse, token};

const TRACE: &str = "0d3fba0e-6a5b-4f0b-9c53-8c4f6a1f0001";

#[tokio::test]
async fn every_bad_search_gets_its_documented_outcome() {
    let hub = TestHub::with(&child()).await;
    let check = async |query: &str, expected: &str| {
        let answer = hub.people(&nurse(), query).await;
        assert_eq!(answer.told(), expected, "{query}");
        assert_eq!(answer.json()["resourceType"], json!("OperationOutcome"), "{query}");
        let told = answer.body.to_lowercase();
        assert!(!told.contains("bennett") && !told.contains("secret"), "nothing that was sent comes back");
    };
    check("?birthdate=2019-03-12", "400 INVALID_SEARCH_DATA").await;
    check("?family=Bennett", "400 MISSING_VALUE").await;
    check("?gender=female", "400 MISSING_VALUE").await;
    check("", "400 UNSUPPORTED_SERVICE").await;
    check("?", "400 UNSUPPORTED_SERVICE").await;
    check("?family=&birthdate=2019-03-12", "400 INVALID_VALUE").await;
    check("?family=Bennett&birthdate=12/03/2019", "400 INVALID_VALUE").await;
    check("?family=Bennett&birthdate=eq2019-02-30", "400 INVALID_VALUE").await;
    check("?family=Bennett&birthdate=gt2019-02-03", "400 INVALID_VALUE").await;
    check("?family=Bennett&birthdate=2019", "400 INVALID_VALUE").await;
    check("?family=Bennett&birthdate=ge2020-01-01&birthdate=le2019-01-01", "400 INVALID_SEARCH_DATA").await;
    check("?family=Bennett&birthdate=2019-03-12&gender=girl", "400 INVALID_VALUE").await;
    check("?family=Bennett&birthdate=2019-03-12&_max-results=0", "400 INVALID_VALUE").await;
    check("?family=Bennett&birthdate=2019-03-12&_max-results=51", "400 INVALID_VALUE").await;
    check("?family=Bennett&birthdate=2019-03-12&_fuzzy-match=yes", "400 INVALID_VALUE").await;
    // A star not among the first two characters, and never when fuzzy.
    for parameter in
        ["family=B*", "family=*", "family=Bennett&given=*a", "family=Bennett&address-postalcode=S*"]
    {
        check(&format!("?{parameter}&birthdate=2019-03-12"), "400 INVALID_VALUE").await;
    }
    for parameter in ["family=Ben*", "family=Bennett&given=Av*", "family=Bennett&address-postalcode=SN*"] {
        check(&format!("?{parameter}&birthdate=2019-03-12&_fuzzy-match=true"), "400 INVALID_SEARCH_DATA")
            .await;
    }
    check(
        "?family=Bennett&birthdate=2019-03-12&address-postcode=SN1&address-postalcode=SN1",
        "400 INVALID_SEARCH_DATA",
    )
    .await;
    // Without a family name only when fuzzy, and then with all of these.
    check("?given=Ava&gender=female&birthdate=2019-03-12&address-postalcode=SN1", "400 INVALID_SEARCH_DATA")
        .await;
    check("?given=Ava&gender=female&birthdate=2019-03-12&_fuzzy-match=true", "400 INVALID_SEARCH_DATA").await;
    check("?family=Bennett&given=a+b+c&given=d+e+f&birthdate=2019-03-12", "400 INVALID_SEARCH_DATA").await;
    check("?family=Bennett&family=Secret&birthdate=2019-03-12", "400 INVALID_SEARCH_DATA").await;
    let bounds = "?family=Bennett&birthdate=ge2019-03-12&birthdate=le2019-03-12";
    check(&format!("{bounds}&birthdate=ge2019-03-12"), "400 INVALID_SEARCH_DATA").await;
    check("?family=%FF&birthdate=2019-03-12", "400 INVALID_SEARCH_DATA").await;
    check("?family=%4&birthdate=2019-03-12", "400 INVALID_SEARCH_DATA").await;
    check("?family=a%00b&birthdate=2019-03-12", "400 INVALID_SEARCH_DATA").await;
    check(&format!("?family={}&birthdate=2019-03-12", "x".repeat(101)), "400 INVALID_SEARCH_DATA").await;
    // What is not known is said first, whatever else is wrong.
    check("?nickname=secret", "400 ADDITIONAL_PROPERTIES").await;
    check("?birthdate=soon&phone=secret&email=secret&death-date=2019-03-12", "400 ADDITIONAL_PROPERTIES")
        .await;
    check("?family=Bennett&birthdate=2019-03-12&nickname=secret", "400 ADDITIONAL_PROPERTIES").await;
    check("?family=Bennett&birthdate=2019-03-12&general-practitioner=Y1", "400 ADDITIONAL_PROPERTIES").await;
    check("/9990000019", "400 INVALID_RESOURCE_ID").await;
    check("/999%20000%200018", "400 INVALID_RESOURCE_ID").await;
    check("/secret", "400 INVALID_RESOURCE_ID").await;
    check("/%FF", "400 INVALID_RESOURCE_ID").await;
    check("/%", "400 INVALID_RESOURCE_ID").await;
    assert_eq!(hub.count("SELECT 1 FROM audit WHERE kind = 'search'"), 0);
}

#[tokio::test]
async fn every_bad_view_gets_its_documented_outcome_and_opens_nothing() {
    let hub = TestHub::with(&child()).await;
    let good = plans_of(number(1));
    let check = async |path: &str, headers: &[(&str, &str)], expected: &str| {
        let answer = hub.get(path, &nurse(), headers).await;
        assert_eq!(answer.told(), expected, "{path} {headers:?}");
        assert!(answer.header("x-access-reference").is_none());
    };
    let trace = ("TraceID", TRACE);
    for path in [good.clone(), history_of(number(1))] {
        check(&path, &[], "400 PRECONDITION_FAILED").await;
        check(&path, &[("TraceID", "12")], "400 PRECONDITION_FAILED").await;
        check(&path, &[("TraceID", "00000000-0000-0000-0000-000000000000")], "400 PRECONDITION_FAILED").await;
        check(&path, &[("TraceID", "{0d3fba0e-6a5b-4f0b-9c53-8c4f6a1f0001}")], "400 PRECONDITION_FAILED")
            .await;
        check(&path, &[trace, trace], "400 PRECONDITION_FAILED").await;
        check(&path, &[trace, ("IsUnscheduledAccessEvent", "maybe")], "400 PRECONDITION_FAILED").await;
        check(&path, &[trace, ("IsUnscheduledAccessEvent", "")], "400 PRECONDITION_FAILED").await;
    }
    let base = "/cpis/FHIR/R4/CareTeam";
    let nhs = "patient:identifier=https://fhir.nhs.uk/Id/nhs-number%7C";
    check(base, &[trace], "400 INVALID_SEARCH_DATA").await;
    check(&format!("{base}?{nhs}9990000019"), &[trace], "400 INVALID_SEARCH_DATA").await;
    check(&format!("{base}?{nhs}999"), &[trace], "400 INVALID_SEARCH_DATA").await;
    check(&format!("{base}?{nhs}"), &[trace], "400 INVALID_SEARCH_DATA").await;
    check(&format!("{base}?patient:identifier={}", number(1).digits()), &[trace], "400 INVALID_SEARCH_DATA")
        .await;
    check(&format!("{good}&{nhs}{}", number(2).digits()), &[trace], "400 INVALID_SEARCH_DATA").await;
    check(&format!("{good}&_count=1"), &[trace], "400 INVALID_SEARCH_DATA").await;
    check(&format!("{good}&_include=AuditEvent:entity-type"), &[trace], "400 INVALID_SEARCH_DATA").await;
    assert_eq!((hub.count("SELECT 1 FROM view"), hub.count("SELECT 1 FROM history")), (0, 0));
    // Upper case, and no word about the setting: accepted, and unscheduled.
    let shouted = hub.get(&good, &nurse(), &[("traceid", &TRACE.to_uppercase())]).await;
    assert_eq!(shouted.total(), 1);
    assert_eq!(hub.rows("SELECT trace_id, mode FROM view"), [format!("{TRACE}|recorded")]);
}

#[tokio::test]
async fn who_does_not_prove_themselves_gets_nothing_and_leaves_no_trace_on_disk() {
    let hub = TestHub::with(&child()).await;
    let now = hub.clock.now();
    let forged = token(&hub.database, &SigningKey::generate().unwrap(), &nurse(), now);
    let expired = token(&hub.database, &hub.key, &nurse(), now - SignedDuration::from_hours(2));
    let valid = token(&hub.database, &hub.key, &nurse(), now);
    let audited = hub.count("SELECT 1 FROM audit");
    let mut unproven = 0;
    let (nothing, bad) = ("DPoP algs=\"ES256\"", "DPoP error=\"invalid_token\", algs=\"ES256\"");
    for (authorization, challenge) in [
        (vec![], nothing),
        (vec![format!("DPoP {forged}")], bad),
        (vec![format!("DPoP {expired}")], bad),
        (vec!["DPoP".to_owned()], nothing),
        (vec![format!("Basic {valid}")], nothing),
        (vec![format!("Bearer {valid}")], "DPoP error=\"invalid_dpop_proof\", algs=\"ES256\""),
        (vec![format!("Bearer {forged}")], "Bearer error=\"invalid_token\""),
        (vec![format!("DPoP {valid}"), format!("DPoP {valid}")], nothing),
        (vec![format!("DPoP {valid}")], "DPoP error=\"invalid_dpop_proof\", algs=\"ES256\""),
    ] {
        for path in ["/metadata", "/cpis/FHIR/R4/metadata", "/access/K7QM-3XHD", &plans_of(number(1))] {
            // Whoever shows none is told what the hub is: that is open.
            if authorization.is_empty() && path.ends_with("/metadata") {
                continue;
            }
            let headers: Vec<_> =
                authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
            let answer = hub.send("GET", path, None, &headers, None).await;
            assert_eq!(answer.told(), "401 ACCESS_DENIED", "{path}");
            assert_eq!(answer.header("www-authenticate"), Some(challenge));
            unproven += 1;
        }
    }
    assert_eq!(hub.hub.unproven().count(), unproven);
    assert_eq!(hub.count("SELECT 1 FROM audit"), audited);
    let noted = format!("{:?}", hub.hub.unproven().recent());
    assert!(!noted.contains(&number(1).digits()) && !noted.contains(&valid), "{noted}");
}

#[tokio::test]
async fn addresses_and_methods_that_are_not_served_say_so() {
    let hub = TestHub::with(&child()).await;
    let check = async |method: &str, path: &str, expected: &str| {
        let answer = hub.send(method, path, Some(&nurse()), &[("TraceID", TRACE)], None).await;
        assert_eq!(answer.told(), expected, "{method} {path}");
    };
    check("GET", "/", "404 NO_SUCH_ENDPOINT").await;
    check("GET", "/cpis/FHIR/R4/Patient", "404 NO_SUCH_ENDPOINT").await;
    check("GET", "/personal-demographics/FHIR/R4/Patient/1/2", "404 NO_SUCH_ENDPOINT").await;
    check("POST", &plans_of(number(1)), "405 METHOD_NOT_ALLOWED").await;
    check("DELETE", "/cpis/FHIR/R4/AuditEvent", "405 METHOD_NOT_ALLOWED").await;
    check("HEAD", &plans_of(number(1)), "405").await;
    check("OPTIONS", &plans_of(number(1)), "405 METHOD_NOT_ALLOWED").await;
    check("GET", "/access/%FF", "404 RESOURCE_NOT_FOUND").await;
    check("POST", "/access/%FF/opened-in-error", "404 RESOURCE_NOT_FOUND").await;
    check("HEAD", "/nowhere", "404").await;
    // What may be asked instead is the same whatever was asked wrongly.
    for (path, expected) in [
        ("/cpis/FHIR/R4/CareTeam", "GET"),
        ("/cpis/FHIR/R4/AuditEvent", "GET, POST"),
        ("/personal-demographics/FHIR/R4/Patient", "GET"),
        ("/personal-demographics/FHIR/R4/Patient/1", "GET"),
        ("/access/K7QM-3XHD", "GET"),
        ("/access/K7QM-3XHD/opened-in-error", "POST"),
        ("/session/care-setting", "PUT"),
        ("/metadata", "GET"),
        ("/healthz", "GET"),
    ] {
        for method in ["HEAD", "DELETE"] {
            let answer = hub.send(method, path, Some(&nurse()), &[], None).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(expected)), "{method} {path}");
        }
    }
    assert_eq!(hub.count("SELECT 1 FROM view"), 0);
}

#[tokio::test]
async fn every_answer_carries_the_hubs_date_is_not_stored_and_says_that_people_are_synthetic() {
    let hub = TestHub::with(&child()).await;
    let trace = Uuid::new_v4().to_string();
    for (path, expected) in [
        (plans_of(number(1)), 200),
        (plans_of(number(9)), 404),
        ("/healthz".to_owned(), 200),
        ("/metadata".to_owned(), 200),
        ("/nowhere".to_owned(), 404),
    ] {
        let answer = hub.get(&path, &nurse(), &[("TraceID", &trace)]).await;
        assert_eq!(answer.status, expected, "{path}");
        assert_eq!(answer.header("date"), Some("Sun, 22 Nov 2026 14:00:00 GMT"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(answer.header("x-synthetic-data"), Some("true"), "{path}");
    }
    let view = hub.view(&nurse(), number(1)).await;
    assert!(view.header("server-timing").unwrap().starts_with("commit;dur="));
    assert_eq!(view.header("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert_eq!(hub.send("GET", "/healthz", None, &[], None).await.body, r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn the_demographics_headers_are_mirrored_and_nothing_else_is() {
    let hub = TestHub::with(&child()).await;
    let path = format!("/personal-demographics/FHIR/R4/Patient/{}", number(1).digits());
    let check = async |headers: &[(&str, &str)], expected: &str, correlation: Option<&str>| {
        let answer = hub.get(&path, &nurse(), headers).await;
        assert_eq!(answer.told(), expected, "{headers:?}");
        let told = answer.header("x-correlation-id").unwrap();
        assert!(
            told.len() == 36 && correlation.is_none_or(|expected| told == expected),
            "{headers:?}: {told}"
        );
        if answer.status == 200 {
            assert_eq!(answer.header("x-request-id"), Some(TRACE));
        }
    };
    let request = ("X-Request-ID", TRACE);
    check(&[request], "200", Some(TRACE)).await;
    let id = "11c46f5f-cdef-4865-94b2-0ee0edcc26da";
    check(&[request, ("X-Correlation-ID", id)], "200", Some(id)).await;
    check(&[request, ("X-Correlation-ID", "<script>")], "200", Some(request.1)).await;
    check(&[request, ("NHSD-Session-URID", "555021935107")], "200", None).await;
    check(&[], "400 MISSING_VALUE", None).await;
    check(&[("X-Request-ID", "")], "400 MISSING_VALUE", None).await;
    check(&[("X-Request-ID", "1")], "400 INVALID_VALUE", None).await;
    let bad = hub.get(&format!("{path}1"), &nurse(), &[request]).await;
    assert_eq!(bad.header("x-request-id"), Some(TRACE), "mirrored on errors too");
    let nobody = hub.send("GET", &path, None, &[request], None).await;
    assert_eq!((nobody.told().as_str(), nobody.header("x-request-id")), ("401 ACCESS_DENIED", Some(TRACE)));
    let other_form = hub.get(&path, &nurse(), &[request, ("Accept", "text/xml")]).await;
    assert_eq!((other_form.status, other_form.header("x-request-id")), (406, Some(TRACE)));
    let other_method = hub.send("DELETE", &path, Some(&nurse()), &[request], None).await;
    assert_eq!((other_method.status, other_method.header("x-request-id")), (405, Some(TRACE)));
    let twice = hub.get(&path, &nurse(), &[request, ("X-Request-ID", id)]).await;
    assert_eq!((twice.status, twice.header("x-request-id")), (400, None), "nobody knows which");
    let text = hub.send("GET", &path, None, &[("X-Request-ID", "<script>")], None).await;
    assert_eq!((text.status, text.header("x-request-id")), (401, None), "only what is a UUID");
    let elsewhere = hub.get(&plans_of(number(1)), &nurse(), &[request, ("TraceID", id)]).await;
    assert_eq!((elsewhere.status, elsewhere.header("x-request-id")), (200, None));
}

#[tokio::test]
async fn who_is_turned_away_for_asking_too_often_is_told_of_which_request() {
    let limits = LimitSettings {
        retrieves_at_once: Some(60),
        retrieves_per_minute: Some(30),
        ..LimitSettings::default()
    };
    let hub = TestHub::with_limits(limits, &child()).await;
    let path = format!("/personal-demographics/FHIR/R4/Patient/{}", number(1).digits());
    for _ in 0..60 {
        assert_eq!(hub.get(&path, &nurse(), &[("X-Request-ID", TRACE)]).await.status, 200);
    }
    let refused = hub.get(&path, &nurse(), &[("X-Request-ID", TRACE)]).await;
    assert_eq!((refused.status, refused.header("x-request-id")), (429, Some(TRACE)));
}

#[tokio::test]
async fn the_capability_statement_names_what_is_served() {
    let hub = TestHub::with(&child()).await;
    for (path, expected) in [
        ("/metadata", &["Patient", "CareTeam", "AuditEvent", "Flag"][..]),
        ("/personal-demographics/FHIR/R4/metadata", &["Patient"]),
        ("/cpis/FHIR/R4/metadata", &["CareTeam", "AuditEvent"]),
        ("/patient-flags-api/FHIR/R4/metadata", &["Flag"]),
    ] {
        let statement = hub.get(path, &nurse(), &[]).await.json();
        assert_eq!(statement["resourceType"], json!("CapabilityStatement"));
        let kinds: Vec<_> =
            statement["rest"][0]["resource"].as_array().unwrap().iter().map(|r| r["type"].clone()).collect();
        assert_eq!(kinds, expected, "{path}");
        assert!(statement.to_string().contains("synthetic people"));
    }
}

#[tokio::test]
async fn a_plan_carries_what_its_authority_sent_and_nothing_else() {
    let office_hours = json!({ "url": "https://fhir.cpis.example/StructureDefinition/office-hours", "extension": [
        { "url": "day", "valueCode": "mon" }, { "url": "day", "valueCode": "fri" },
        { "url": "from", "valueTime": "08:30:00" }, { "url": "to", "valueTime": "17:00:00" }] });
    let team = json!({ "url": "https://fhir.cpis.example/StructureDefinition/team-contact", "extension": [
        { "url": "name", "valueString": "North team" }, { "url": "telephone", "valueString": "01793 466000" }] });
    let plan = super::support::data::changed(
        super::support::data::plan(1, "342191000000101", "2026-01-05", "2026-12-31", "E06000030"),
        json!({ "extension": [office_hours, team] }),
    );
    let person = super::support::data::person(1, "Bennett", "Ava Rose", "2019-03-12");
    let hub = TestHub::with(&super::support::data::lines(&[person, plan])).await;
    let mut team = hub.view(&nurse(), number(1)).await.json()["entry"][0]["resource"].clone();
    team.as_object_mut().unwrap().remove("id");
    assert_eq!(
        team,
        json!({
            "resourceType": "CareTeam",
            "meta": { "lastUpdated": "2026-11-01T02:00:00Z" },
            "extension": [office_hours, super::support::data::changed(json!({}), json!({
                "url": "https://fhir.cpis.example/StructureDefinition/team-contact", "extension": [
                { "url": "name", "valueString": "North team" },
                { "url": "telephone", "valueString": "01793 466000" }] }))],
            "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "342191000000101",
                "display": "Subject to child protection plan" }] }],
            "name": "E06000030 Council",
            "subject": { "identifier": { "system": "https://fhir.nhs.uk/Id/nhs-number",
                "value": number(1).digits() }, "display": "Ava BENNETT" },
            "period": { "start": "2026-01-05", "end": "2026-12-31" },
            "telecom": [{ "system": "phone", "value": "01793 466903", "use": "work" },
                { "system": "phone", "value": "01793 436699", "use": "mobile" }],
            "managingOrganization": [{ "identifier": {
                "system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "E06000030" },
                "display": "E06000030 Council" }],
        })
    );
}
