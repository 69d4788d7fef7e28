//! Loading: good lines beside bad ones, which are named; synthetic people and real ones never mix.

use serde_json::{Value, json};

use super::support::TestHub;
use super::support::data::{
    CHILD_PROTECTION, UNBORN, changed, child, ended, lines, number, person, plan, superseded,
};
use super::support::program::Place;

#[tokio::test]
async fn bad_lines_are_named_without_what_stands_in_them_and_the_good_ones_beside_them_are_loaded() {
    let hub = TestHub::empty().await;
    let good = person(1, "Bennett", "Ava", "2019-03-12");
    let plan = || plan(1, CHILD_PROTECTION, "2026-01-05", "", "E06000030");
    let check = async |more: Vec<String>, expected: &str| {
        let mut file = vec![good.to_string()];
        file.extend(more);
        let refused = hub.try_load(&file).await.unwrap_err();
        assert!(refused.contains(expected), "{expected:?} is not in {refused}");
        assert!(!refused.contains("Bennett") && !refused.contains(&number(1).digits()), "{refused}");
        assert_eq!(hub.count("SELECT 1 FROM plan"), 0, "{expected}");
        assert!(hub.count("SELECT 1 FROM person") <= 1, "{expected}");
    };
    let one = |value: Value| vec![value.to_string()];
    check(vec!["{".to_owned()], "line 2: not JSON").await;
    check(vec!["[]".to_owned()], "line 2: neither a Patient nor a CareTeam").await;
    check(one(json!({ "resourceType": "Patient" })), "line 2: no NHS number").await;
    check(
        one(json!({ "resourceType": "Patient", "id": "9990000019" })),
        "line 2: the NHS number is not valid",
    )
    .await;
    check(
        one(changed(person(2, "A", "B", "2019-03-12"), json!({ "id": number(3).digits() }))),
        "line 2: `id` and the NHS number differ",
    )
    .await;
    check(one(person(2, "A", "B", "12/03/2019")), "line 2: `birthDate`").await;
    check(one(changed(person(2, "A", "B", "2019"), json!({ "gender": "girl" }))), "line 2: `gender`").await;
    check(one(changed(person(2, "A", "B", "2019"), json!({ "name": "A" }))), "line 2: not a Patient").await;
    check(
        one(changed(person(2, "A", "B", "2019"), json!({ "name": [{ "family": "A" }, { "family": "B" }] }))),
        "line 2: two current names",
    )
    .await;
    check(one(good.clone()), "line 2: another line describes the same NHS number").await;
    check(
        vec![plan().to_string(), plan().to_string()],
        "line 2: another line describes the same plan; line 3: another",
    )
    .await;
    check(
        one(super::support::data::plan(7, CHILD_PROTECTION, "2026-01-05", "", "E06000030")),
        "line 2: no person of this NHS number",
    )
    .await;
    check(one(super::support::data::plan(1, "1234", "2026-01-05", "", "E06000030")), "line 2: `category`")
        .await;
    check(
        one(super::support::data::plan(1, CHILD_PROTECTION, "soon", "", "E06000030")),
        "line 2: `period.start`",
    )
    .await;
    check(
        one(super::support::data::plan(1, CHILD_PROTECTION, "2026-01-05T00:00:00Z", "", "E06000030")),
        "line 2: `period.start`",
    )
    .await;
    check(
        one(super::support::data::plan(1, CHILD_PROTECTION, "2026-01-05", "2026-01-04", "E06000030")),
        "line 2: the plan ends before it starts",
    )
    .await;
    check(
        one(super::support::data::plan(1, UNBORN, "2026-01-05", "", "E06000030")),
        "line 2: an unborn plan needs an end",
    )
    .await;
    check(one(changed(plan(), json!({ "managingOrganization": [] }))), "line 2: no `managingOrganization`")
        .await;
    check(one(changed(plan(), json!({ "name": " " }))), "line 2: no `name`").await;
    check(one(changed(plan(), json!({ "identifier": [] }))), "line 2: no identifier").await;
    let other_phone = changed(plan(), json!({ "telecom": [], "period": { "start": "2025-01-05" } }));
    check(
        vec![plan().to_string(), other_phone.to_string()],
        "line 2: another line names or reaches the same authority differently; line 3",
    )
    .await;
    let hours = json!({ "extension": [{ "url": "https://fhir.cpis.example/StructureDefinition/office-hours",
        "extension": [{ "url": "day", "valueCode": "mon" }, { "url": "from", "valueTime": "17:00" },
            { "url": "to", "valueTime": "08:30" }] }] });
    check(one(changed(plan(), hours)), "line 2: office hours").await;
    check(lines(&[superseded(2, 3)]), "line 2: the replacing number is not known").await;
    check(lines(&[superseded(2, 3), superseded(3, 2)]), "line 2: the replacements lead back").await;
    check(lines(&[superseded(2, 2)]), "line 2: the replacements lead back").await;
    check(lines(&[superseded(2, 1), superseded(1, 2)]), "another line describes the same NHS number").await;
    let real = changed(good.clone(), json!({ "id": "5434765915", "identifier": [] }));
    check(one(real), "line 2: a synthetic database takes only numbers that begin with 9").await;
    // Several bad lines are named together.
    check(vec!["{".to_owned(), "[]".to_owned()], "line 2: not JSON (column 1 of the line); line 3: neither")
        .await;
    assert!(hub.try_load(&[]).await.unwrap_err().contains("the file is empty"));
    let audited = hub.rows("SELECT DISTINCT kind, outcome, user_name, number, person_id FROM audit");
    assert_eq!(audited, ["load|applied|Operator|-|-", "load|refused|Operator|-|-"]);
    assert_eq!(hub.rows("SELECT family FROM person_name"), ["Bennett"], "the good line is loaded");
    let counts = hub.rows("SELECT json_extract(detail, '$.refused') FROM audit WHERE id = 1");
    assert_eq!(counts, ["1"], "how many were refused is audited before they are named");
    let report =
        hub.try_load(&[good.to_string(), plan().to_string(), superseded(4, 1).to_string()]).await.unwrap();
    assert_eq!((report.people, report.plans, report.superseded, report.ended), (1, 1, 1, 0));
}

#[tokio::test]
async fn a_later_file_brings_people_and_plans_up_to_date_and_absence_never_deletes() {
    let hub = TestHub::with(&child()).await;
    hub.load(&lines(&[person(1, "Newname", "Ava", "2019-03-12"), person(2, "Other", "Tom", "2020-01-01")]))
        .await;
    assert_eq!(hub.count("SELECT 1 FROM person"), 2);
    assert_eq!(hub.rows("SELECT family FROM person_name ORDER BY 1"), ["Newname", "Other"]);
    assert_eq!(hub.count("SELECT 1 FROM plan"), 1);
    let ended_plan = plan(1, CHILD_PROTECTION, "2026-01-05", "2026-11-20", "E06000030");
    hub.load(&lines(&[ended_plan])).await;
    assert_eq!(hub.rows("SELECT end_day, upload_id FROM plan"), ["2026-11-20|2"]);
    assert_eq!(hub.rows("SELECT kind, outcome FROM audit"), ["load|applied", "load|applied", "load|applied"]);
    hub.load(&lines(&[ended(2)])).await;
    assert_eq!(hub.rows("SELECT standing FROM nhs_number ORDER BY number"), ["current", "ended"]);
}

#[tokio::test]
async fn h26_a_plan_that_was_sent_earlier_never_overwrites_one_that_was_sent_later() {
    let hub = TestHub::with(&child()).await;
    let sent = |end: &str, at: Value| {
        let line = plan(1, CHILD_PROTECTION, "2026-01-05", end, "E06000030");
        lines(&[changed(line, json!({ "meta": { "lastUpdated": at } }))])
    };
    let held = || hub.rows("SELECT end_day, upload_id FROM plan").concat();
    let load = async |file: Vec<String>| {
        let report = hub.try_load(&file).await.unwrap();
        (report.plans, report.outdated)
    };
    assert_eq!(load(sent("2026-11-10", json!("2026-11-10T02:00:00Z"))).await, (1, 0));
    assert_eq!(held(), "2026-11-10|2");
    assert_eq!(load(sent("", json!("2026-11-09T02:00:00Z"))).await, (0, 1));
    assert_eq!(held(), "2026-11-10|2");
    // The same again is no older; without a time the moment of loading counts.
    assert_eq!(load(sent("2026-11-11", json!("2026-11-10T02:00:00Z"))).await, (1, 0));
    assert_eq!(load(sent("2026-11-12", Value::Null)).await, (1, 0));
    assert_eq!(load(sent("2026-11-13", json!("2026-11-22T13:59:00Z"))).await, (0, 1));
    assert_eq!(held(), "2026-11-12|5");
    // One from the future would stand in the way of all that comes before then.
    let refused = hub.try_load(&sent("", json!("2026-11-23T14:00:00Z"))).await.unwrap_err();
    assert!(refused.contains("line 1: `meta.lastUpdated` is in the future"), "{refused}");
    assert_eq!(held(), "2026-11-12|5");
}

#[tokio::test]
async fn absence_in_a_patient_line_deletes_nothing_that_is_held() {
    let full = json!({ "meta": { "security": [{ "code": "R" }] }, "multipleBirthInteger": 2,
        "deceasedDateTime": "2026-11-20", "address": [{ "use": "home", "postalCode": "SN1 1AA" }],
        "name": [{ "use": "usual", "family": "Bennett", "given": ["Ava"] },
            { "use": "old", "family": "Before", "given": ["Ava"] }] });
    let hub = TestHub::with(&lines(&[changed(person(1, "Bennett", "Ava", "2019-03-12"), full)])).await;
    let held = || {
        hub.rows("SELECT gender, born, multiple_birth, deceased, restricted, postcode FROM person").concat()
    };
    let names = || hub.rows("SELECT family FROM person_name ORDER BY is_current DESC");
    let before = (held(), names());
    assert_eq!(before.0, "female|2019-03-12|2|2026-11-20|1|SN1 1AA");
    hub.load(&lines(&[json!({ "resourceType": "Patient", "id": number(1).digits() })])).await;
    assert_eq!((held(), names()), before);
    let other = json!({ "resourceType": "Patient", "id": number(1).digits(), "birthDate": "2019",
        "meta": { "security": [{ "code": "U" }] }, "deceasedBoolean": false, "gender": "unknown",
        "name": [{ "family": "Newname" }] });
    hub.load(&lines(&[other])).await;
    assert_eq!(held(), "unknown|2019|2|no|0|SN1 1AA", "what is said counts");
    assert_eq!(names(), ["Newname", "Before"]);
}

#[test]
fn h17_a_database_is_synthetic_for_good_or_takes_no_number_of_the_test_range() {
    let place = Place::empty("");
    std::fs::write(place.path("synthetic"), child().join("\n")).unwrap();
    let real =
        changed(person(1, "Bennett", "Ava", "2019-03-12"), json!({ "id": "5434765915", "identifier": [] }));
    std::fs::write(place.path("real"), real.to_string()).unwrap();
    let check = |place: &Place, arguments: &[&str], expected: Result<&str, &str>| {
        let mut all = vec!["load"];
        all.extend(arguments);
        all.extend(["--config", "hub.toml"]);
        let output = place.run(&all);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        match expected {
            Ok(text) => assert!(output.status.success() && out.contains(text), "{arguments:?}: {out}{err}"),
            Err(text) => assert!(!output.status.success() && err.contains(text), "{arguments:?}: {out}{err}"),
        }
    };
    check(&place, &["synthetic"], Err("numbers that begin with 9 are for tests"));
    check(&place, &["real"], Ok("Loaded 1 people"));
    assert_eq!(synthetic_header(&place), None);
    check(&place, &["synthetic", "--synthetic"], Err("only an empty database can be marked"));
    check(&place, &["nowhere"], Err("nowhere: the file cannot be read"));
    let other = Place::empty("");
    std::fs::copy(place.path("synthetic"), other.path("synthetic")).unwrap();
    std::fs::copy(place.path("real"), other.path("real")).unwrap();
    check(&other, &["synthetic", "--synthetic"], Ok("Loaded 1 people, 0 superseded numbers, 1 plans"));
    assert_eq!(synthetic_header(&other).as_deref(), Some("true"));
    check(&other, &["synthetic"], Ok("Loaded 1 people"));
    check(&other, &["real"], Err("line 1: a synthetic database takes only numbers that begin with 9"));
}

/// What a hub on this database says of itself.
fn synthetic_header(place: &Place) -> Option<String> {
    let program = place.serve();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = http.get(format!("{}/healthz", program.base)).send().await.unwrap();
        answer.headers().get("x-synthetic-data").map(|value| value.to_str().unwrap().to_owned())
    })
}

#[cfg(unix)]
#[test]
fn the_database_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::with(&child());
    let _serving = place.serve();
    for file in ["hub.db", "hub.db-wal", "hub.db-shm"] {
        let mode = std::fs::metadata(place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn a_database_of_a_later_version_is_left_alone() {
    let place = Place::with(&child());
    place.database().pragma_update(None, "user_version", 99).unwrap();
    let output = place.run(&["serve", "--config", "hub.toml"]);
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && err.contains("of a later version of the hub"), "{err}");
}

#[test]
fn a_configuration_that_cannot_be_meant_does_not_start() {
    let place = Place::empty("");
    let check = |more: &str, command: &str, expected: &str| {
        place.configure(more);
        let output = place.run(&[command, "--config", "hub.toml"]);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && err.contains(expected), "{more}: {err}");
    };
    check("colour = \"blue\"", "check-config", "unknown field");
    check("[plans]\ntail_days = \"long\"", "check-config", "not valid");
    check("[store]\nsynchronous = \"off\"", "check-config", "not valid");
    check("[store]\nsynchronous = \"normal\"", "serve", "not marked synthetic");
    place.configure("");
    let output = place.run(&["check-config", "--config", "hub.toml"]);
    assert!(output.status.success());
    std::fs::write(place.path("key.pem"), "not a key").unwrap();
    check("", "check-config", "not a PKCS#8 PEM file");
    check("", "serve", "not a PKCS#8 PEM file");
    std::fs::remove_file(place.path("key.pem")).unwrap();
    check("", "check-config", "cannot read the signing key");
}

#[tokio::test]
async fn h6_who_is_new_is_not_known_where_a_plan_of_theirs_is_refused() {
    let hub = TestHub::with(&child()).await;
    let of = |seed, office: &str| {
        let telecom = json!([{ "system": "phone", "value": office, "use": "work" }]);
        changed(plan(seed, CHILD_PROTECTION, "2026-02-05", "", "E06000030"), json!({ "telecom": telecom }))
    };
    let file = lines(&[
        person(2, "Okafor", "Tom", "2020-01-01"),
        person(3, "Shah", "Mia", "2021-01-01"),
        person(4, "Doe", "Eve", "2021-01-01"),
        of(1, "01632 960111"),
        of(2, "01632 960222"),
        plan(3, "1234", "2026-02-05", "", "E06000031"),
    ]);
    let refused = hub.try_load(&file).await.unwrap_err();
    let why = "nobody is known without their plans, and one of this person's is refused";
    assert!(refused.contains(&format!("line 1: {why} (line 5: another line names or reaches")), "{refused}");
    assert!(refused.contains(&format!("line 2: {why} (line 6: `category`")), "{refused}");
    assert!(refused.contains("line 4: another line") && refused.contains("line 6: `category`"), "{refused}");
    for (seed, told) in [(2, "404 RESOURCE_NOT_FOUND"), (3, "404 RESOURCE_NOT_FOUND")] {
        assert_eq!(hub.view(&super::support::nurse(), number(seed)).await.told(), told);
    }
    assert_eq!(hub.count("SELECT 1 FROM person"), 2, "who was known, and who has no plan");
    assert_eq!(hub.count("SELECT 1 FROM upload"), 1, "nothing of what was taken back is left");
}

#[tokio::test]
async fn nobody_gets_more_plans_than_an_answer_can_carry() {
    let most = cpis::hub::limits::PLANS_PER_PERSON;
    let days = |seed: u64, of: usize| -> Vec<Value> {
        let first = jiff::civil::date(2026, 1, 1 + i8::try_from(seed).unwrap());
        let day = |after: usize| first.saturating_add(jiff::Span::new().days(i64::try_from(after).unwrap()));
        (0..of).map(|after| plan(seed, CHILD_PROTECTION, &day(after).to_string(), "", "E06000030")).collect()
    };
    let hub = TestHub::empty().await;
    let born = "2019-03-12";
    let mut file = days(1, most + 1);
    file.insert(0, person(1, "Bennett", "Ava", born));
    let refused = hub.try_load(&lines(&file)).await.unwrap_err();
    assert!(refused.contains("as many plans as one person can have"), "{refused}");
    assert_eq!(hub.count("SELECT 1 FROM person") + hub.count("SELECT 1 FROM plan"), 0);
    hub.load(&lines(&[person(1, "Bennett", "Ava", born)])).await;
    let refused = hub.try_load(&lines(&days(1, most + 1))).await.unwrap_err();
    assert!(refused.contains(&format!("line {}: as many", most + 1)), "{refused}");
    assert_eq!(hub.view(&super::support::nurse(), number(1)).await.total(), most as u64);
    // Nor by a merge.
    let other = plan(2, CHILD_PROTECTION, "2025-06-01", "", "E06000030");
    hub.load(&lines(&[person(2, "Bennett", "Ava", born), other])).await;
    let refused = hub.try_load(&lines(&[superseded(2, 1)])).await.unwrap_err();
    assert!(refused.contains("together the two would have more plans"), "{refused}");
}

#[tokio::test]
async fn a_line_from_the_future_does_not_make_an_old_file_the_newest() {
    let hub = TestHub::empty().await;
    let of = |seed, office: &str, at: &str| {
        let telecom = json!([{ "system": "phone", "value": office, "use": "work" }]);
        let line = plan(seed, CHILD_PROTECTION, "2026-01-05", "", "E06000030");
        changed(line, json!({ "telecom": telecom, "meta": { "lastUpdated": at } }))
    };
    let people = [person(1, "Bennett", "Ava", "2019-03-12"), person(2, "Okafor", "Tom", "2020-01-01")];
    hub.load(&lines(&people)).await;
    hub.load(&lines(&[of(1, "01632 960222", "2026-11-20T02:00:00Z")])).await;
    let old = [of(1, "01632 960111", "2026-11-10T02:00:00Z"), of(2, "01632 960111", "2027-01-01T02:00:00Z")];
    hub.try_load(&lines(&old)).await.unwrap_err();
    let old_alone = [of(2, "01632 960111", "2026-11-10T02:00:00Z")];
    hub.load(&lines(&old_alone)).await;
    assert_eq!(hub.rows("SELECT office FROM authority"), ["01632 960222"]);
}

#[tokio::test]
async fn h17_a_database_is_not_marked_while_a_load_is_under_way() {
    let hub = TestHub::empty().await;
    let other = rusqlite::Connection::open(&hub.database).unwrap();
    other
        .execute(
            "INSERT INTO load (name, size, digest, begun_ms, state, phase, next, offset)
             VALUES ('real', 1, 'x', 1, 'running', 0, 0, 0)",
            [],
        )
        .unwrap();
    let refused = hub.try_load(&child()).await.unwrap_err();
    assert!(refused.contains("a load is under way"), "{refused}");
    assert!(!hub.hub.is_synthetic());
    other.execute("UPDATE load SET state = 'dropped'", []).unwrap();
    hub.load(&child()).await;
}
