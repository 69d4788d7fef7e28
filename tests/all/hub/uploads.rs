//! Local authorities send their plans over TLS with certificates of their own: who may, what is taken, what is told, and
//! what a nurse sees of it.

use std::collections::BTreeMap;

use cpis::domain::PlanKind::{ChildProtection, LookedAfter, UnbornChildProtection};
use cpis::domain::{NhsNumber, PlanKind, PlanPeriod};
use cpis::exchange::FileCode;
use cpis::exchange::upload::{Plan, Record};
use jiff::civil::date;
use serde_json::json;

use super::metrics::series;
use super::support::data::{changed, ended, lines, number, person, superseded};
use super::support::nurse;
use super::support::uploads::{
    ALDBURY, Exchange, Told, WEXCOMBE, ava, day, document, document_of, since, taken_back,
};

/// Ava Bennett, whose number 2 leads to hers; the twins of number 3 and 4; a restricted person; an ended identity.
fn people() -> Vec<String> {
    lines(&[
        person(1, "Bennett", "Ava Rose", "2019-03-12"),
        superseded(2, 1),
        person(3, "O'Brien", "Zoë", "2018-05-01"),
        person(4, "O'Brien", "Tom", "2018-05-01"),
        changed(
            person(5, "Hidden", "Una", "2017-01-01"),
            json!({ "meta": { "security": [{ "code": "R" }] } }),
        ),
        ended(6),
        person(7, "Khan", "Mother", "1990-01-01"),
    ])
}

fn other(seed: u64, family: &str, given: &str, born: &str) -> Record {
    Record {
        number: number(seed),
        local_id: format!("local-{seed}"),
        family: family.to_owned(),
        given: given.to_owned(),
        born: Some(day(born)),
        plans: vec![since(LookedAfter, "2026-02-01")],
        taken_back: Vec::new(),
        ended: Vec::new(),
        without_team: Vec::new(),
    }
}

/// The plans that are held: number sent under, kind, start, end, authority.
fn held(exchange: &Exchange) -> Vec<String> {
    let sql = "SELECT nhs_number.number, plan.kind, start_day, end_day, authority_code FROM plan
               JOIN nhs_number ON nhs_number.person_id = plan.person_id AND standing <> 'superseded'
               ORDER BY 1, 2, 3, 5";
    exchange.hub.rows(sql)
}

fn line(of: NhsNumber, kind: PlanKind, start: &str, end: &str, authority: &str) -> String {
    format!("{}|{}|{start}|{end}|{authority}", of.digits(), kind.snomed())
}

#[tokio::test]
async fn what_an_authority_sends_is_seen_at_the_next_view_with_its_numbers() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    assert_eq!(exchange.hub.view(&nurse(), number(1)).await.total(), 0);
    let told = link.upload(WEXCOMBE, 1, &[ava(vec![since(ChildProtection, "2026-01-05")])]).await;
    assert_eq!((told.code(), told.what.records), (FileCode::AllUploaded, Some(1)));
    exchange.hub.turn(31);
    let seen = exchange.hub.view(&nurse(), number(1)).await;
    assert_eq!(seen.total(), 1);
    let plan = seen.json()["entry"][0]["resource"].clone();
    assert_eq!(plan["name"], "E06000030 Council");
    assert_eq!(plan["telecom"][1]["value"], "01793 436699");
    assert_eq!(plan["meta"]["lastUpdated"], "2026-11-22T14:00:00Z");
    let notice = exchange.hub.rows("SELECT authority_code, local_id FROM outbox");
    assert_eq!(notice, ["E06000030|4711"], "who sent it is told");
    let audited = "SELECT outcome, organisation_code, detail FROM audit WHERE kind = 'upload' ORDER BY id";
    assert_eq!(
        exchange.hub.rows(audited),
        [
            "taken|E06000030|{\"records\":1,\"sequence\":1}",
            "applied|E06000030|{\"code\":\"CPF02\",\"records\":1,\"rejected\":0,\"sequence\":1}"
        ]
    );
    // Nothing changed, and the hub knows that the link is alive.
    let nothing = link.upload(WEXCOMBE, 2, &[]).await;
    assert_eq!(nothing.code(), FileCode::AllUploaded);
    assert_eq!(exchange.hub.view(&nurse(), number(1)).await.total(), 1, "absence never deletes");
}

#[tokio::test]
async fn only_a_configured_certificate_may_send_and_only_for_its_own_authority() {
    let exchange = Exchange::with(&people()).await;
    let file = || document(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]);
    assert_eq!(exchange.link_of(None).send(file()).await.told(), "401 ACCESS_DENIED");
    let stranger = exchange.theirs.for_caller("Link", "urn:ods:E06000099");
    assert_eq!(exchange.link_of(Some(&stranger)).send(file()).await.told(), "403 ACCESS_DENIED");
    let both = exchange.theirs.issue(&[], |params| {
        for code in [WEXCOMBE, ALDBURY] {
            let uri = format!("urn:ods:{code}");
            params.subject_alt_names.push(rcgen::SanType::URI(uri.as_str().try_into().unwrap()));
        }
    });
    assert_eq!(
        exchange.link_of(Some(&both)).send(file()).await.told(),
        "403 ACCESS_DENIED",
        "of two is of none"
    );
    // A token is none of it.
    let told =
        exchange.hub.send("POST", "/exchange/uploads", Some(&nurse()), &[], Some("{}".to_owned())).await;
    assert_eq!(told.told(), "401 ACCESS_DENIED");
    assert_eq!(exchange.hub.count("SELECT 1 FROM audit WHERE kind = 'upload'"), 0);
    // Another authority's file.
    let counted = "cpis_hub_uploads_total{outcome=\"other-authority\"}";
    assert_eq!(series(&exchange.hub.hub.metrics_text().await)[counted], 0.0);
    let link = exchange.link(ALDBURY);
    assert_eq!(link.send(file()).await.told(), "403 ACCESS_DENIED");
    let audited = exchange.hub.rows("SELECT outcome, user_id, detail FROM audit WHERE kind = 'upload'");
    assert_eq!(audited, ["other-authority|authority:E06000031|{\"named\":\"E06000030\"}"]);
    assert_eq!(series(&exchange.hub.hub.metrics_text().await)[counted], 1.0);
    assert_eq!(held(&exchange), Vec::<String>::new());
    // Nor does it hear of another's file.
    exchange.link(WEXCOMBE).upload(WEXCOMBE, 1, &[]).await;
    assert_eq!(link.ask("1").await.told(), "404 RESOURCE_NOT_FOUND");
    for nothing in ["2", "0", "x", "99999999999"] {
        assert_eq!(exchange.link(WEXCOMBE).ask(nothing).await.told(), "404 RESOURCE_NOT_FOUND");
    }
}

#[tokio::test]
async fn each_record_that_cannot_be_held_has_its_code_and_the_others_are() {
    let exchange = Exchange::with(&people()).await;
    let plan = || vec![since(LookedAfter, "2026-02-01")];
    let records = [
        ava(plan()),
        Record { number: number(9), ..ava(plan()) },
        other(5, "Hidden", "Una", "2017-01-01"),
        other(3, "O'Brian", "Zoë", "2018-05-01"),
        Record { number: number(2), ..ava(plan()) },
        other(6, "Gone", "Ida", "2016-01-01"),
        Record { number: NhsNumber::parse("4010232137").unwrap(), ..ava(plan()) },
        other(4, "OBRIEN", "TOM", "2018-05-01"),
    ];
    let text = String::from_utf8(document(WEXCOMBE, 7, &records)).unwrap();
    // What no program of ours would write: an old-style number.
    let text = text.replacen(&number(9).digits(), "LNDA 417", 2);
    assert_eq!(exchange.link(WEXCOMBE).send(text).await.status, 202);
    let told = exchange.link(WEXCOMBE).acknowledged(7).await;
    assert_eq!((told.code(), told.what.sequence), (FileCode::PartlyUploaded, Some(7)));
    assert_eq!(told.codes(), ["2 CPR04", "3 CPR02", "4 CPR03", "5 CPR05", "6 CPR01", "7 CPR07"]);
    let new = told.rejections.iter().find_map(|rejection| rejection.replaced_by);
    assert_eq!(new, Some(number(1)));
    assert!(told.rejections[4].replaced_by.is_none(), "an ended identity leads nowhere");
    for rejection in &told.rejections {
        assert!(rejection.why.len() > 20 && !rejection.why.contains("Brien"), "{}", rejection.why);
    }
    let expected = [
        line(number(1), LookedAfter, "2026-02-01", "-", WEXCOMBE),
        line(number(4), LookedAfter, "2026-02-01", "-", WEXCOMBE),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(held(&exchange), expected);
    // What the authority learnt of somebody is in the log.
    let audited =
        exchange.hub.rows("SELECT outcome, number FROM audit WHERE kind = 'record-rejected' ORDER BY id");
    let of = |outcome: &str, seed| format!("{outcome}|{}", number(seed).digits());
    let expected = [of("restricted", 5), of("differs", 3), of("superseded", 2), of("not-matched", 6)];
    assert_eq!(audited[..4], expected);
    let again = exchange.link(WEXCOMBE).upload(WEXCOMBE, 8, &records[2..4]).await;
    assert_eq!(again.code(), FileCode::NoneUploaded);
}

#[tokio::test]
async fn h30_which_of_a_persons_details_differs_is_said_of_nobody_and_so_not_of_whose_record_is_restricted() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let mut said = std::collections::BTreeSet::new();
    let mut sequence = 0;
    // Ava's record is not restricted, Una's is.
    for (seed, family, given) in [(1, "Bennett", "Ava"), (5, "Hidden", "Una")] {
        let right = || Record {
            number: number(seed),
            family: family.to_owned(),
            given: given.to_owned(),
            born: Some(if seed == 1 { date(2019, 3, 12) } else { date(2017, 1, 1) }),
            ..ava(vec![since(LookedAfter, "2026-02-01")])
        };
        let wrong = [
            Record { born: Some(date(2012, 2, 3)), ..right() },
            Record { family: "Elsewhere".to_owned(), ..right() },
            Record { given: "Nobody".to_owned(), ..right() },
        ];
        for record in wrong {
            sequence += 1;
            let told = link.upload(WEXCOMBE, sequence, &[record]).await;
            assert_eq!(told.codes(), ["1 CPR03"], "{family}");
            said.insert(told.rejections[0].why.clone());
        }
    }
    assert_eq!(said.len(), 1, "one sentence for all of them: {said:?}");
}

#[tokio::test]
async fn a_record_is_matched_as_published() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let mut sequence = 0;
    let mut check = async |change: &dyn Fn(&mut Record), fits: bool| {
        sequence += 1;
        let mut record = ava(vec![since(LookedAfter, "2026-02-01")]);
        change(&mut record);
        let told = link.upload(WEXCOMBE, sequence, &[record.clone()]).await;
        let said = format!("{} {} {:?}", record.family, record.given, record.born);
        assert_eq!(told.codes().is_empty(), fits, "{said}: {:?}", told.codes());
        assert!(fits || told.codes() == ["1 CPR03"], "{said}");
    };
    check(&|_| (), true).await;
    check(&|record| record.family = "BENNETT".to_owned(), true).await;
    check(&|record| record.given = "Ava Rose".to_owned(), true).await;
    check(&|record| record.given = "AVA-ROSE".to_owned(), true).await;
    check(&|record| record.given = "Ava Kate".to_owned(), true).await;
    check(&|record| record.given = "Rose".to_owned(), true).await;
    check(&|record| record.given = "Kate Ava".to_owned(), false).await;
    check(&|record| record.given = "Eva".to_owned(), false).await;
    check(&|record| record.family = "Bennet".to_owned(), false).await;
    check(&|record| record.born = Some(date(2019, 12, 3)), false).await;
}

#[tokio::test]
async fn a_file_counts_once_and_an_older_one_brings_nothing_back() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let first = [ava(vec![since(ChildProtection, "2026-01-05")])];
    link.upload(WEXCOMBE, 5, &first).await;
    let corrected = Record {
        plans: vec![since(ChildProtection, "2026-01-06")],
        taken_back: vec![taken_back(number(1), ChildProtection, "2026-01-05")],
        ..ava(Vec::new())
    };
    let second = link.upload(WEXCOMBE, 6, std::slice::from_ref(&corrected)).await;
    assert_eq!(second.code(), FileCode::AllUploaded);
    let now = [line(number(1), ChildProtection, "2026-01-06", "-", WEXCOMBE)];
    assert_eq!(held(&exchange), now);
    let everything = || {
        let plans = exchange.hub.rows("SELECT * FROM plan");
        (plans, exchange.hub.rows("SELECT * FROM authority_file"), exchange.hub.rows("SELECT * FROM upload"))
    };
    let before = everything();
    // The same again.
    for (sequence, records) in [(5, &first[..]), (6, std::slice::from_ref(&corrected))] {
        let again = link.upload(WEXCOMBE, sequence, records).await;
        assert_eq!((again.code(), again.what.why), (FileCode::AllUploaded, None));
    }
    // Another under the same number, and an older number.
    for sequence in [6, 4] {
        let told = link.upload(WEXCOMBE, sequence, &first).await;
        assert_eq!(told.code(), FileCode::NoneUploaded);
        assert!(told.what.why.unwrap().contains("sequence number 6 was taken already"));
    }
    assert_eq!(everything(), before);
    // Another authority has numbers of its own.
    assert_eq!(exchange.link(ALDBURY).upload(ALDBURY, 1, &first).await.code(), FileCode::AllUploaded);
    let audited = "SELECT outcome FROM audit WHERE kind = 'plan-taken-back'";
    assert_eq!(exchange.hub.rows(audited), ["taken-back"]);
}

#[tokio::test]
async fn two_files_at_once_are_applied_one_after_the_other() {
    let exchange = Exchange::with(&people()).await;
    let (link, other_link) = (exchange.link(WEXCOMBE), exchange.link(ALDBURY));
    let records = [ava(vec![since(ChildProtection, "2026-01-05")])];
    let ends = Plan {
        period: PlanPeriod { start: day("2026-01-05"), end: Some(day("2026-11-01")) },
        ..since(ChildProtection, "2026-01-05")
    };
    let (one, two, three) = tokio::join!(
        link.send(document(WEXCOMBE, 1, &records)),
        link.send(document(WEXCOMBE, 2, &[ava(vec![ends.clone()])])),
        other_link.send(document(ALDBURY, 1, &records)),
    );
    // One of an authority arrives at a time: the other is told to come again.
    let (one, two) = match (one.status, two.status) {
        (503, two) => (link.send(document(WEXCOMBE, 1, &records)).await.status, two),
        (one, 503) => (one, link.send(document(WEXCOMBE, 2, &[ava(vec![ends])])).await.status),
        both => both,
    };
    assert_eq!((two, three.status), (202, 202));
    assert!([200, 202].contains(&one), "in time, or overtaken");
    assert_eq!(link.acknowledged(2).await.code(), FileCode::AllUploaded);
    assert_eq!(other_link.acknowledged(1).await.code(), FileCode::AllUploaded);
    let expected = [
        line(number(1), ChildProtection, "2026-01-05", "2026-11-01", WEXCOMBE),
        line(number(1), ChildProtection, "2026-01-05", "-", ALDBURY),
    ];
    assert_eq!(held(&exchange), expected, "what was numbered last stands");
}

/// The files beside the database that hold uploads.
pub(super) fn waiting_files(exchange: &Exchange) -> usize {
    let files = std::fs::read_dir(exchange.hub.database.parent().unwrap()).unwrap();
    let named = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    named.filter(|name| name.contains(".upload-")).count()
}

#[tokio::test]
async fn a_file_that_is_cut_or_miscounted_changes_nothing_and_leaves_nothing() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let whole = document(
        WEXCOMBE,
        1,
        &[ava(vec![since(LookedAfter, "2026-02-01")]), other(4, "O'Brien", "Tom", "2018-05-01")],
    );
    let text = String::from_utf8(whole.clone()).unwrap();
    let refused = async |document: Vec<u8>, code: FileCode, said: &str| {
        let answer = link.send(document).await;
        assert_eq!(answer.status, 200, "{}", answer.told());
        let told = Told::read(&answer.body);
        assert_eq!(told.code(), code, "{said}");
        assert!(told.what.why.as_deref().unwrap().contains(said), "{:?}", told.what.why);
    };
    refused(whole[..whole.len() / 2].to_vec(), FileCode::Corrupt, "it was cut").await;
    refused(Vec::new(), FileCode::Corrupt, "it was cut").await;
    let miscounted = text.replace("\"valueInteger\":2}", "\"valueInteger\":3}").into_bytes();
    refused(miscounted, FileCode::Corrupt, "says that it has 3 records and has 2").await;
    let version = text.replace("MessageDefinition/upload|1", "MessageDefinition/upload|2").into_bytes();
    refused(version, FileCode::VersionNotSupported, "another version").await;
    // The connection ends half-way.
    let half = whole.len() / 2;
    let own = exchange.theirs.for_caller("Link", "urn:ods:E06000030");
    let config = exchange.ours.client(rustls::ALL_VERSIONS, Some(&own), &["http/1.1"]);
    let base = exchange.hub.base.clone();
    let part = whole.clone();
    tokio::task::spawn_blocking(move || {
        use std::io::Write;
        let mut stream = super::support::certificates::secure(&base, &config).unwrap();
        let length = part.len();
        write!(stream, "POST /exchange/uploads HTTP/1.1\r\nHost: hub\r\nContent-Type: application/fhir+json\r\nContent-Length: {length}\r\n\r\n")
            .unwrap();
        stream.write_all(&part[..half]).unwrap();
        stream.flush().unwrap();
    })
    .await
    .unwrap();
    assert_eq!(link.ask("1").await.told(), "404 RESOURCE_NOT_FOUND");
    assert_eq!(held(&exchange), Vec::<String>::new());
    let begun = std::time::Instant::now();
    while waiting_files(&exchange) > 0 {
        assert!(begun.elapsed().as_secs() < 10, "a part of a file stays");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // And the whole of it is taken under the same number.
    let mut taken = link.send(whole.clone()).await.status;
    while taken == 503 {
        // Its place is free a moment after its file is gone.
        taken = link.send(whole.clone()).await.status;
    }
    assert_eq!(taken, 202);
    assert_eq!(link.acknowledged(1).await.code(), FileCode::AllUploaded);
    assert_eq!((held(&exchange).len(), waiting_files(&exchange)), (2, 0));
}

#[tokio::test]
async fn an_authority_changes_only_its_own_plans() {
    let exchange = Exchange::with(&people()).await;
    exchange.link(ALDBURY).upload(ALDBURY, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    let theirs = Record {
        plans: vec![since(ChildProtection, "2026-03-01")],
        taken_back: vec![taken_back(number(1), LookedAfter, "2026-02-01")],
        ..ava(Vec::new())
    };
    let told = exchange.link(WEXCOMBE).upload(WEXCOMBE, 1, &[theirs]).await;
    assert_eq!(
        told.code(),
        FileCode::AllUploaded,
        "nothing of its own is held under that: nothing to take back"
    );
    let expected = [
        line(number(1), ChildProtection, "2026-03-01", "-", WEXCOMBE),
        line(number(1), LookedAfter, "2026-02-01", "-", ALDBURY),
    ];
    assert_eq!(held(&exchange), expected);
}

#[tokio::test]
async fn a_plan_that_another_local_id_has_taken_over_is_that_ones_to_end_and_to_take_back() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let new = |plans| Record { local_id: "4712".to_owned(), ..ava(plans) };
    let ends = || Plan {
        period: PlanPeriod { start: day("2026-02-01"), end: Some(day("2026-11-01")) },
        ..since(LookedAfter, "2026-02-01")
    };
    let back = || vec![taken_back(number(1), LookedAfter, "2026-02-01")];
    link.upload(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    link.upload(WEXCOMBE, 2, &[new(vec![since(LookedAfter, "2026-02-01")])]).await;
    // What the old local id still says of it changes nothing.
    let gone = Record { taken_back: back(), ..ava(Vec::new()) };
    let told = link.upload(WEXCOMBE, 3, &[gone, ava(vec![ends()])]).await;
    assert_eq!(told.codes(), ["2 CPR07"], "and it hears so where hospitals go on seeing another end");
    assert!(told.rejections[0].why.contains("another local id, with a later end"));
    assert_eq!(held(&exchange), [line(number(1), LookedAfter, "2026-02-01", "-", WEXCOMBE)]);
    assert_eq!(exchange.hub.rows("SELECT local_id FROM plan"), ["4712"]);
    // The new one ends it, and takes it back.
    link.upload(WEXCOMBE, 4, &[new(vec![ends()])]).await;
    assert_eq!(held(&exchange), [line(number(1), LookedAfter, "2026-02-01", "2026-11-01", WEXCOMBE)]);
    // A third one that knows of a later end is heard: no flag goes early because of who says so.
    let later = Plan { period: PlanPeriod { end: Some(day("2026-12-01")), ..ends().period }, ..ends() };
    let third = |plans| Record { local_id: "4713".to_owned(), ..ava(plans) };
    link.upload(WEXCOMBE, 5, &[third(vec![later])]).await;
    assert_eq!(held(&exchange), [line(number(1), LookedAfter, "2026-02-01", "2026-12-01", WEXCOMBE)]);
    link.upload(WEXCOMBE, 6, &[new(vec![since(LookedAfter, "2026-02-01")])]).await;
    link.upload(WEXCOMBE, 7, &[Record { taken_back: back(), ..new(Vec::new()) }]).await;
    assert_eq!(held(&exchange), Vec::<String>::new());
}

#[tokio::test]
async fn a_record_is_taken_as_a_whole_or_not_at_all() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    let wrong = Record {
        family: "Another".to_owned(),
        plans: vec![since(LookedAfter, "2026-02-02")],
        taken_back: vec![taken_back(number(1), LookedAfter, "2026-02-01")],
        ..ava(Vec::new())
    };
    assert_eq!(link.upload(WEXCOMBE, 2, &[wrong]).await.codes(), ["1 CPR03"]);
    // A child without a flag would be worse than one with a wrong day.
    assert_eq!(held(&exchange), [line(number(1), LookedAfter, "2026-02-01", "-", WEXCOMBE)]);
}

#[tokio::test]
async fn what_was_sent_in_error_is_taken_back_whoever_it_was_about() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    exchange.hub.load(&lines(&[ended(1)])).await;
    let back =
        Record { taken_back: vec![taken_back(number(1), LookedAfter, "2026-02-01")], ..ava(Vec::new()) };
    assert_eq!(link.upload(WEXCOMBE, 2, &[back]).await.code(), FileCode::AllUploaded);
    assert_eq!(exchange.hub.count("SELECT 1 FROM plan"), 0);
    let new = link.upload(WEXCOMBE, 3, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    assert_eq!(new.codes(), ["1 CPR01"], "an ended identity takes no plan");
}

#[tokio::test]
async fn who_became_restricted_keeps_what_is_held_and_it_may_be_ended() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[ava(vec![since(LookedAfter, "2026-02-01")])]).await;
    let restricted = json!({ "meta": { "security": [{ "code": "R" }] } });
    exchange.hub.load(&lines(&[changed(person(1, "Bennett", "Ava", "2019-03-12"), restricted)])).await;
    let ends = Plan {
        period: PlanPeriod { start: day("2026-02-01"), end: Some(day("2026-11-01")) },
        ..since(LookedAfter, "2026-02-01")
    };
    assert_eq!(link.upload(WEXCOMBE, 2, &[ava(vec![ends])]).await.codes(), Vec::<String>::new());
    let more = ava(vec![since(ChildProtection, "2026-10-01")]);
    assert_eq!(link.upload(WEXCOMBE, 3, &[more]).await.codes(), ["1 CPR02"]);
    assert_eq!(held(&exchange), [line(number(1), LookedAfter, "2026-02-01", "2026-11-01", WEXCOMBE)]);
}

#[tokio::test]
async fn a_clock_that_is_off_makes_no_plan_newer_than_it_is_and_loses_none() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let starts = ["2026-02-01", "2026-02-02", "2026-02-03"];
    let clocks = ["2026-11-22T15:00:00Z", "2026-11-22T13:00:00Z", "2031-01-01T00:00:00Z"];
    for ((sequence, start), clock) in (1..).zip(starts).zip(clocks) {
        let records = [ava(vec![since(LookedAfter, start)])];
        assert_eq!(
            link.send(document_of(WEXCOMBE, sequence, &records, clock.parse().unwrap())).await.status,
            202
        );
        assert_eq!(link.acknowledged(sequence).await.code(), FileCode::AllUploaded, "{clock}");
    }
    let sent = exchange.hub.rows("SELECT start_day, sent_ms FROM plan ORDER BY start_day");
    let (now, before) = ("1795356000000", "1795352400000");
    assert_eq!(
        sent,
        [format!("2026-02-01|{now}"), format!("2026-02-02|{before}"), format!("2026-02-03|{now}")]
    );
}

#[tokio::test]
async fn a_plan_for_an_unborn_child_is_the_mothers_whatever_her_age() {
    let exchange = Exchange::with(&people()).await;
    let unborn = Plan {
        period: PlanPeriod { start: day("2026-10-01"), end: Some(day("2026-12-24")) },
        ..since(UnbornChildProtection, "2026-10-01")
    };
    let mother = Record { plans: vec![unborn], ..other(7, "Khan", "Mother", "1990-01-01") };
    exchange.link(WEXCOMBE).upload(WEXCOMBE, 1, &[mother]).await;
    assert_eq!(exchange.hub.view(&nurse(), number(7)).await.total(), 1);
}

#[tokio::test]
async fn an_authority_of_which_nothing_could_be_taken_has_sent_nothing() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let taken = || exchange.hub.rows("SELECT is_taken FROM upload ORDER BY id");
    let wrong = || [Record { family: "Another".to_owned(), ..ava(vec![since(LookedAfter, "2026-02-01")]) }];
    link.upload(WEXCOMBE, 1, &wrong()).await;
    assert_eq!(taken(), ["0"]);
    exchange.hub.turn(49 * 60);
    let figures = series(&exchange.hub.hub.metrics_text().await);
    for code in [WEXCOMBE, ALDBURY] {
        let age = figures[&format!("cpis_hub_upload_age_seconds{{authority=\"{code}\"}}")];
        assert!(age >= 48.0 * 3600.0, "{code} is expected to send, and never has: {age}");
    }
    link.upload(WEXCOMBE, 2, &[]).await;
    assert_eq!(taken(), ["0", "1"]);
    link.send(b"{".to_vec()).await;
    assert_eq!(taken(), ["0", "1"]);
    // Two days later nothing of its file can be taken: that is what the operator is told, and not that a file came.
    exchange.hub.turn(49 * 60);
    link.upload(WEXCOMBE, 3, &wrong()).await;
    let other = exchange.link(ALDBURY);
    other.upload(ALDBURY, 1, &[]).await;
    let age = |figures: &BTreeMap<String, f64>, code: &str| {
        figures[&format!("cpis_hub_upload_age_seconds{{authority=\"{code}\"}}")]
    };
    // The figures are read every few seconds: the other's file shows that these are new.
    let begun = std::time::Instant::now();
    let figures = loop {
        let figures = series(&exchange.hub.hub.metrics_text().await);
        if age(&figures, ALDBURY) < 3600.0 {
            break figures;
        }
        assert!(begun.elapsed().as_secs() < 120, "the figures are never read again");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    assert!(age(&figures, WEXCOMBE) >= 48.0 * 3600.0, "a file of which nothing was taken counts for one");
}

#[tokio::test]
async fn acknowledgements_are_kept_of_the_last_files() {
    let exchange = Exchange::with(&people()).await;
    let link = exchange.link(WEXCOMBE);
    let wrong = || [Record { family: "Another".to_owned(), ..ava(vec![since(LookedAfter, "2026-02-01")]) }];
    for sequence in 1..=4 {
        assert_eq!(link.upload(WEXCOMBE, sequence, &wrong()).await.codes(), ["1 CPR03"]);
    }
    assert_eq!(link.ask("2").await.told(), "404 RESOURCE_NOT_FOUND");
    assert_eq!(link.acknowledged(3).await.codes(), ["1 CPR03"]);
    let begun = std::time::Instant::now();
    while exchange.hub.count("SELECT 1 FROM authority_file_rejection") > 2 {
        assert!(begun.elapsed().as_secs() < 10, "rejections are kept for ever");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
