//! Searching people: what finds whom, with which score, and that each one returned is audited.

use serde_json::{Value, json};

use super::metrics::turned_away;
use super::support::data::{changed, ended, lines, number, person, superseded};
use super::support::{TestHub, nurse, receptionist};

fn people() -> Vec<String> {
    lines(&[
        changed(
            person(1, "O'Brien", "Zoë Ann", "2019-03-12"),
            json!({ "address": [{ "use": "home", "postalCode": "SN5 3AB" }] }),
        ),
        changed(
            person(2, "Smith", "Jane", "2015-06-01"),
            json!({ "name": [{ "use": "usual", "family": "Smith", "given": ["Jane"] },
                { "use": "old", "family": "Kowalska", "given": ["Jane"] }] }),
        ),
        changed(
            person(3, "Hidden", "Ruth", "2012-01-01"),
            json!({ "meta": { "security": [{ "code": "R" }] }, "address": [{ "use": "home", "postalCode": "SN1 1AA" }] }),
        ),
        changed(person(4, "Estimate", "Ali", "2009"), json!({ "gender": "male" })),
        person(5, "Twin", "Amy", "2020-02-02"),
        person(6, "Twin", "Bea", "2020-02-02"),
    ])
}

/// The numbers' seeds that a search returns, best first, each with its score in thousandths.
fn found(body: &Value) -> Vec<(u64, u64)> {
    let entries = body["entry"].as_array().cloned().unwrap_or_default();
    let one = |entry: &Value| {
        let id = entry["resource"]["id"].as_str().unwrap().to_owned();
        let seed = (0..70).find(|seed| number(*seed).digits() == id).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let score = (entry["search"]["score"].as_f64().unwrap() * 1000.0).round() as u64;
        (seed, score)
    };
    entries.iter().map(one).collect()
}

#[tokio::test]
async fn a_search_finds_whom_it_names_and_nobody_else() {
    let hub = TestHub::with(&people()).await;
    let check = async |query: &str, expected: &[(u64, u64)]| {
        let answer = hub.people(&nurse(), &format!("?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.told());
        assert_eq!(found(&answer.json()), expected, "{query}");
        assert_eq!(usize::try_from(answer.total()).unwrap(), expected.len());
    };
    check("family=O'Brien&birthdate=eq2019-03-12", &[(1, 1000)]).await;
    check("family=OBRIEN&given=zoe&birthdate=2019-03-12", &[(1, 1000)]).await;
    check("family=o%20brien&given=Ann&birthdate=2019-03-12", &[(1, 1000)]).await;
    check("family=obrien&given=Zoe+Ann&birthdate=2019-03-12&gender=female", &[(1, 1000)]).await;
    check("family=obrien&birthdate=2019-03-12&address-postalcode=sn53ab", &[(1, 1000)]).await;
    check("family=obrien&birthdate=2019-03-12&address-postalcode=SN5%203AC", &[]).await;
    check("family=obrien&birthdate=2019-03-12&gender=male", &[]).await;
    check("family=obrien&birthdate=2019-03-13", &[]).await;
    check("family=Twin&birthdate=ge2020-01-01&birthdate=le2020-12-31", &[(5, 1000), (6, 1000)]).await;
    check("family=Twin&given=Bea&birthdate=2020-02-02", &[(6, 1000)]).await;
    // Current names only, unless the history is asked for; alike names only when fuzzy.
    check("family=Kowalska&birthdate=2015-06-01", &[]).await;
    check("family=Kowalska&birthdate=2015-06-01&_history=true", &[(2, 1000)]).await;
    check("family=Smyth&birthdate=2015-06-01", &[]).await;
    // An estimate that is held fits, and says that it is not exact.
    check("family=Estimate&birthdate=2009-05-05", &[(4, 900)]).await;
    check("family=Estimate&birthdate=2009-05-05&_exact-match=true", &[]).await;
    check("family=Estimate&birthdate=ge2009-01-01&birthdate=le2009-12-31", &[(4, 1000)]).await;
}

#[tokio::test]
async fn h1_half_of_a_given_name_is_never_exactly_what_was_asked() {
    let named = |seed: u64, given: &[&str]| {
        let name = json!({ "name": [{ "use": "usual", "family": "Twin", "given": given }] });
        changed(person(seed, "Twin", "Any", "2020-02-02"), name)
    };
    let people = [named(7, &["Mary-Ann"]), named(8, &["Ann-Marie"]), named(9, &["Rose", "Ann"])];
    let hub = TestHub::with(&lines(&people)).await;
    let check = async |query: &str, expected: &[(u64, u64)]| {
        let answer = hub.people(&nurse(), &format!("?family=Twin&birthdate=2020-02-02&{query}")).await;
        let mut found = found(&answer.json());
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    };
    check("given=Ann", &[(7, 990), (8, 990), (9, 1000)]).await;
    check("given=Ann&_exact-match=true", &[(9, 1000)]).await;
    check("given=Ann-Mary", &[(7, 990)]).await;
    check("given=Mary&given=Ann", &[(7, 1000)]).await;
    check("given=mary+ann&_exact-match=true", &[(7, 1000)]).await;
    check("given=Ann&given=Rose", &[(9, 1000)]).await;
    // A fuzzy search says no more of it.
    let fuzzy = hub.people(&nurse(), "?family=Twin&birthdate=2020-02-02&given=Ann&_fuzzy-match=true").await;
    let full: Vec<_> = found(&fuzzy.json()).into_iter().filter(|(_, score)| *score == 1000).collect();
    assert_eq!(full, [(9, 1000)]);
}

#[tokio::test]
async fn wildcards_ranges_and_given_names_are_searched_as_published() {
    let hub = TestHub::with(&people()).await;
    let check = async |query: &str, expected: &[(u64, u64)]| {
        let answer = hub.people(&nurse(), &format!("?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.told());
        assert_eq!(found(&answer.json()), expected, "{query}");
    };
    // A star is not what was asked letter by letter: never a score of 1.
    check("family=Tw*&birthdate=2020-02-02", &[(5, 900), (6, 900)]).await;
    check("family=T%27w*n&given=Be*&birthdate=2020-02-02", &[(6, 900)]).await;
    check("family=Tw*&birthdate=2020-02-02&_exact-match=true", &[]).await;
    check("family=OB*n&given=zo*&birthdate=ge2019-01-01&birthdate=le2019-12-31", &[(1, 900)]).await;
    check("family=O%27Brien&given=An*&birthdate=2019-03-12", &[]).await;
    check("family=O%27Brien&given=ZoeA*&birthdate=2019-03-12", &[(1, 900)]).await;
    check("family=O%27Brien&birthdate=2019-03-12&address-postalcode=SN5*", &[(1, 965)]).await;
    check("family=O%27Brien&birthdate=2019-03-12&address-postcode=sn5%203ab", &[(1, 1000)]).await;
    check("family=Kow*&birthdate=2015-06-01&_history=true", &[(2, 900)]).await;
    check("family=Est*&birthdate=2009-05-05", &[(4, 810)]).await;
    // Open ends, and the score of what is exact in a range.
    check("family=Smith&birthdate=ge2015-06-01", &[(2, 1000)]).await;
    check("family=Smith&birthdate=le2015-06-01", &[(2, 1000)]).await;
    check("family=Smith&birthdate=ge2015-06-02", &[]).await;
    check("family=Estimate&birthdate=le2009-01-01", &[(4, 900)]).await;
    check("family=Estimate&birthdate=le2008-12-31", &[]).await;
    // A compound name, and names that are repeated.
    check("family=OBrien&given=Zoe%20Ann&birthdate=2019-03-12", &[(1, 1000)]).await;
    check("family=OBrien&given=Zoe&given=Ann&birthdate=2019-03-12", &[(1, 1000)]).await;
    check("family=OBrien&given=Zoe&given=Jane&birthdate=2019-03-12", &[]).await;
    // Restricted people by no postcode, star or not.
    check("family=Hidden&birthdate=2012-01-01&address-postalcode=SN*", &[]).await;
}

/// People of one family name, each with another given name, born on the first of January in one of seventy years.
fn namesakes(many: u64) -> Vec<String> {
    let one = |seed| person(seed, "Many", &format!("Ann{seed}"), &format!("{}-01-01", 1950 + seed % 70));
    lines(&(1..=many).map(one).collect::<Vec<Value>>())
}

#[tokio::test]
async fn among_more_namesakes_than_a_fuzzy_search_compares_an_exact_one_finds_who_fits() {
    // Given more of one family name than may be returned, or are weighed.
    let hub = TestHub::with(&namesakes(cpis::hub::limits::SEARCH_COMPARED as u64 + 1)).await;
    let check = async |query: &str, expected: &str, total: u64| {
        let answer = hub.people(&nurse(), &format!("?{query}")).await;
        assert_eq!(answer.told(), expected, "{query}");
        if expected == "200" {
            assert_eq!(answer.total(), total, "{query}");
        }
    };
    // When they are asked for by family name and a wide range alone, nobody is shown.
    check("family=Many&birthdate=ge1900-01-01", "200 TOO_MANY_MATCHES", 0).await;
    check("family=Many&gender=female&birthdate=ge1900-01-01", "200 TOO_MANY_MATCHES", 0).await;
    check("family=Ma*&birthdate=le2030-01-01", "200 TOO_MANY_MATCHES", 0).await;
    // When the given name tells them apart, who has it is found; so is it said that nobody has.
    check("family=Many&given=Ann3&birthdate=ge1900-01-01", "200", 1).await;
    check("family=Ma*&given=Ann499&birthdate=le2030-01-01", "200", 1).await;
    check("family=Many&given=Zoe&birthdate=ge1900-01-01", "200", 0).await;
    check("family=Maple&birthdate=ge1900-01-01", "200", 0).await;
    // A fuzzy one weighs each of them.
    check("family=Many&given=Ann3&birthdate=ge1900-01-01&_fuzzy-match=true", "200 TOO_MANY_MATCHES", 0).await;
}

#[tokio::test]
async fn no_search_walks_through_an_index() {
    // Given as many of one name as rows that a search looks at.
    let hub = TestHub::with(&namesakes(cpis::hub::limits::SEARCH_ROWS as u64)).await;
    let answer = hub.people(&nurse(), "?family=Many&given=Ann3&birthdate=ge1900-01-01").await;
    assert_eq!(answer.told(), "200 TOO_MANY_MATCHES");
    let narrower = "?family=Many&given=Ann3&birthdate=ge1950-01-01&birthdate=le1969-12-31";
    assert_eq!(found(&hub.people(&nurse(), narrower).await.json()), [(3, 1000)]);
}

#[tokio::test]
async fn where_many_stand_under_a_name_and_a_day_the_one_is_found_and_audited_once() {
    let many = cpis::hub::limits::SEARCH_ROWS_AT_ONCE as u64 + 5;
    let many: Vec<Value> =
        (1..=many).map(|seed| person(seed, "Many", &format!("Ann{seed}"), "2018-01-01")).collect();
    let hub = TestHub::with(&lines(&many)).await;
    let answer = hub.people(&nurse(), "?family=Many&given=Ann3&birthdate=2018-01-01").await;
    assert_eq!(found(&answer.json()), [(3, 1000)]);
    assert_eq!(
        hub.people(&nurse(), "?family=Many&birthdate=2018-01-01").await.told(),
        "200 TOO_MANY_MATCHES"
    );
    let audit = hub.rows("SELECT outcome FROM audit WHERE kind = 'search' ORDER BY id");
    assert_eq!(audit, ["returned", "too-many"]);
    assert_eq!(hub.rows("SELECT sum(searches), sum(people) FROM search_volume"), ["2|1"]);
}

#[tokio::test]
async fn a_restricted_person_is_found_without_address_and_never_by_postcode() {
    let hub = TestHub::with(&people()).await;
    let answer = hub.people(&nurse(), "?family=Hidden&birthdate=2012-01-01").await;
    let patient = &answer.json()["entry"][0]["resource"];
    assert_eq!(patient["meta"]["security"][0]["code"], json!("R"));
    assert!(!answer.body.contains("SN1") && patient.get("address").is_none(), "{patient}");
    let by_postcode =
        hub.people(&nurse(), "?family=Hidden&birthdate=2012-01-01&address-postalcode=SN11AA").await;
    assert_eq!(by_postcode.total(), 0);
    let open = hub.people(&nurse(), "?family=obrien&birthdate=2019-03-12").await.json();
    assert_eq!(open["entry"][0]["resource"]["address"], json!([{ "use": "home", "postalCode": "SN5 3AB" }]));
}

#[tokio::test]
async fn a_match_on_a_previous_name_says_so_without_the_name() {
    let hub = TestHub::with(&people()).await;
    for how in ["_history=true", "_fuzzy-match=true"] {
        let answer = hub.people(&nurse(), &format!("?family=Kowalska&birthdate=2015-06-01&{how}")).await;
        let reading = cpis::fhir::read::search(answer.body.as_bytes(), None).unwrap();
        let cpis::domain::SearchReading::Found { candidates, unreadable: 0 } = reading else {
            panic!("found")
        };
        assert!(candidates[0].matched_previous_name, "{how}");
        // The link says what was asked; the entries say nothing of it.
        let entries = answer.json()["entry"].to_string();
        assert!(!entries.to_lowercase().contains("kowalska"));
    }
    let current = hub.people(&nurse(), "?family=Smith&birthdate=2015-06-01&_history=true").await;
    assert!(!current.body.contains("previous-name"));
}

#[tokio::test]
async fn too_many_matches_return_nobody_and_are_audited_alone() {
    let many: Vec<Value> = (10..61).map(|seed| person(seed, "Many", "Ann", "2018-01-01")).collect();
    let hub = TestHub::with(&lines(&many)).await;
    let check = async |more: &str, expected: &str, audited: usize| {
        let before = hub.count("SELECT 1 FROM audit");
        let answer = hub.people(&nurse(), &format!("?family=Many&birthdate=2018-01-01{more}")).await;
        assert_eq!(answer.told(), expected, "{more}");
        assert_eq!(hub.count("SELECT 1 FROM audit") - before, audited, "{more}");
    };
    check("", "200 TOO_MANY_MATCHES", 1).await;
    check("&_max-results=50", "200 TOO_MANY_MATCHES", 1).await;
    check("&_fuzzy-match=true", "200 TOO_MANY_MATCHES", 1).await;
    check("&given=Zac", "200", 1).await;
    hub.load(&lines(&[ended(60)])).await;
    check("", "200", 50).await;
    check("&_max-results=49", "200 TOO_MANY_MATCHES", 1).await;
    let outcomes =
        hub.rows("SELECT DISTINCT outcome, number IS NULL FROM audit WHERE kind = 'search' ORDER BY 1");
    assert_eq!(outcomes, ["none|1", "returned|0", "too-many|1"]);
}

#[tokio::test]
async fn h3_who_ends_while_a_search_waits_to_be_logged_is_not_returned() {
    let hub = TestHub::with(&people()).await;
    let lock = rusqlite::Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let who = nurse();
    // A range: a search by one day is done in its commit as a whole.
    let search = hub.people(&who, "?family=Twin&birthdate=ge2020-02-01&birthdate=le2020-02-02");
    let meanwhile = async {
        // Long enough for the matching, which needs no lock; the entry has to wait for it.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let end = "UPDATE nhs_number SET standing = 'ended' WHERE number = ?1";
        lock.execute(end, [number(5).digits()]).unwrap();
        let hide = "UPDATE person SET restricted = 1, postcode = 'SN1 1AA' WHERE id =
                    (SELECT person_id FROM nhs_number WHERE number = ?1)";
        lock.execute(hide, [number(6).digits()]).unwrap();
        // As every load does.
        lock.execute_batch("UPDATE people_changed SET times = times + 1; COMMIT").unwrap();
    };
    let (answer, ()) = tokio::join!(search, meanwhile);
    assert_eq!(found(&answer.json()), [(6, 1000)]);
    assert!(answer.body.contains("\"R\"") && !answer.body.contains("SN1"), "restricted meanwhile");
    assert_eq!(
        hub.rows("SELECT outcome, number FROM audit WHERE kind = 'search'"),
        [format!("returned|{}", number(6).digits())]
    );
}

#[tokio::test]
async fn whatever_a_load_says_of_people_is_noted_as_a_change_and_a_search_of_them_is_none() {
    let hub = TestHub::with(&people()).await;
    let changes = || hub.rows("SELECT times FROM people_changed").concat().parse::<i64>().unwrap();
    let mut before = changes();
    assert!(before > 0, "the first load");
    let all = [
        person(7, "Twin", "Cat", "2020-02-02"),
        person(5, "Other", "Amy", "2020-02-02"),
        changed(person(6, "Twin", "Bea", "2020-02-02"), json!({ "meta": { "security": [{ "code": "R" }] } })),
        superseded(2, 1),
        ended(7),
    ];
    for line in all {
        hub.load(&lines(&[line])).await;
        hub.people(&nurse(), "?family=Twin&birthdate=2020-02-02").await;
        hub.view(&nurse(), number(1)).await;
        assert_eq!(changes(), before + 1);
        before = changes();
    }
}

#[tokio::test]
async fn searches_that_come_all_at_once_are_told_to_ask_again_and_views_go_on() {
    let hub = TestHub::with(&people()).await;
    let lock = rusqlite::Connection::open(&hub.database).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let who = nurse();
    let searches = (0..cpis::hub::limits::SEARCHES_AT_ONCE + 10)
        .map(|_| hub.people(&who, "?family=Twin&birthdate=2020-02-02"));
    let meanwhile = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        lock.execute_batch("ROLLBACK").unwrap();
    };
    let (answers, (), view) =
        tokio::join!(super::support::all_at_once(searches), meanwhile, hub.view(&who, number(1)));
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == 503).collect();
    assert_eq!(busy.len(), 10);
    assert_eq!(turned_away(&hub, "searches").await, 10.0);
    assert!(busy.iter().all(|answer| answer.header("retry-after").is_some()));
    assert!(answers.iter().all(|answer| answer.status == 503 || answer.total() == 2));
    assert_eq!(view.status, 200);
}

#[tokio::test]
async fn who_may_not_search_is_refused_and_audited() {
    let hub = TestHub::with(&people()).await;
    for path in ["?family=Smith&birthdate=2015-06-01".to_owned(), format!("/{}", number(2).digits())] {
        assert_eq!(hub.people(&receptionist(), &path).await.told(), "403 ACCESS_DENIED");
    }
    let audit = hub.rows("SELECT outcome, user_name, number, detail FROM audit WHERE kind = 'refused'");
    let number = number(2).digits();
    assert_eq!(
        audit,
        [
            r#"not-allowed|Lee Marsh|-|{"asked":"search"}"#.to_owned(),
            format!(r#"not-allowed|Lee Marsh|{number}|{{"asked":"retrieve"}}"#)
        ]
    );
}
