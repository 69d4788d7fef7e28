//! What is written is read again; what cannot be meant is refused; nothing is dropped.

use super::*;

fn mark(number: u32) -> Mark {
    Mark { number, id: NoticeId::parse(&format!("{number:032x}")).unwrap() }
}

fn notice(number: u32, place: Option<Place>) -> Notice {
    Notice {
        mark: mark(number),
        event: Event::Opened,
        at: "2026-11-22T02:14:00Z".parse().unwrap(),
        reference: AccessReference::parse("7KQM-4T2X").unwrap(),
        attendance: AccessReference::parse("7KQM-4T2X").unwrap(),
        is_first: true,
        number: NhsNumber::synthetic(1),
        local_id: "4711".to_owned(),
        upload: Some(17),
        name: "Sam Okafor".to_owned(),
        role: "Staff nurse".to_owned(),
        organisation: "Great Western Hospitals".to_owned(),
        organisation_code: "RN3".to_owned(),
        place,
    }
}

fn place() -> Place {
    Place {
        setting: "Emergency department".to_owned(),
        site: "Great Western Hospital".to_owned(),
        department: "Adult ED".to_owned(),
        call_back: Some("01793 604 020".to_owned()),
        contact: ContactMode::InPerson,
    }
}

fn heading() -> Heading {
    Heading {
        source: "https://hub.example".to_owned(),
        authority_code: "E06000030".to_owned(),
        last: 9,
        unfiled: Some(mark(3)),
        not_over: Some(NotOver { without_receipt: 4, on_list: 1 }),
    }
}

fn written(notices: &[Notice]) -> String {
    let created = "2026-11-22T02:14:01Z".parse().unwrap();
    String::from_utf8(write(&heading(), notices, created)).unwrap()
}

#[test]
fn what_is_written_is_read_again() {
    let by_telephone = Place { call_back: None, contact: ContactMode::ByTelephone, ..place() };
    let empty = Notice { name: String::new(), role: String::new(), upload: None, ..notice(5, None) };
    let corrected = Notice { event: Event::OpenedInError, is_first: false, ..notice(6, Some(by_telephone)) };
    let all = [notice(4, Some(place())), empty, corrected];
    let text = written(&all);
    assert!(!text.contains("\"\""), "FHIR knows no empty texts: {text}");
    let (heading_read, items) = read(text.as_bytes()).unwrap();
    assert_eq!(heading_read, heading());
    let expected: Vec<Item> = all.into_iter().map(|notice| Item::Notice(Box::new(notice))).collect();
    assert_eq!(items, expected);
    let receipts = Receipts {
        authority_code: "E06000030".to_owned(),
        receipts: [Outcome::Documented, Outcome::Triage, Outcome::DealtWith]
            .map(|outcome| Receipt { mark: mark(4), outcome, at: "2026-11-22T02:15:00Z".parse().unwrap() })
            .to_vec(),
    };
    let created = "2026-11-22T02:15:00Z".parse().unwrap();
    assert_eq!(read_receipts(&write_receipts(&receipts, created)).unwrap(), receipts);
    assert!(read(&write_receipts(&receipts, created)).is_err(), "one is not the other");
}

fn inactive(number: u32, replaced_by: Option<NhsNumber>) -> InactiveNumber {
    InactiveNumber {
        mark: mark(number),
        at: "2026-11-22T02:14:00Z".parse().unwrap(),
        number: NhsNumber::synthetic(1),
        local_id: "4711".to_owned(),
        upload: Some(17),
        replaced_by,
    }
}

#[test]
fn h3_a_notice_of_a_number_names_another_where_it_was_superseded_and_never_where_the_identity_ended() {
    let new = NhsNumber::synthetic(2);
    let all = [inactive(4, Some(new)), inactive(5, None)].map(|notice| Item::Inactive(Box::new(notice)));
    let created = "2026-11-22T02:14:01Z".parse().unwrap();
    let text = String::from_utf8(write_items(&heading(), &all, created)).unwrap();
    assert_eq!(read(text.as_bytes()).unwrap(), (heading(), all.to_vec()));
    assert_eq!(text.matches(&new.digits()).count(), 1);
    assert_eq!(format!("{all:?}"), "[Inactive(InactiveNumber(4)), Inactive(InactiveNumber(5))]");
    // What contradicts itself is believed by nobody, and a person hears of it.
    let same = text.replace(&new.digits(), &NhsNumber::synthetic(1).digits());
    let unsaid = text.replace("replaced-by", "succeeded-by");
    let joined = text.replace("number-superseded", "number-ended");
    for wrong in [same, unsaid, joined, text.replace(&new.digits(), "9990000000")] {
        let (_, items) = read(wrong.as_bytes()).unwrap();
        assert!(matches!(&items[0], Item::Unreadable(found, _) if *found == mark(4)), "{wrong}");
    }
}

#[test]
fn a_text_that_would_drive_a_terminal_or_never_ends_is_shown_as_what_it_is() {
    let hostile = Notice {
        name: "<script>alert(1)</script>\u{1b}[2J\u{202e}\r\nroot".to_owned(),
        role: "x".repeat(10_000),
        ..notice(4, None)
    };
    let text = written(&[hostile]);
    assert!(text.len() < 5_000, "cut where it is written too: a page has an end");
    let (_, items) = read(text.as_bytes()).unwrap();
    let Item::Notice(read) = &items[0] else { panic!() };
    assert_eq!(read.name, "<script>alert(1)</script>\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}root");
    assert_eq!(read.role.chars().count(), CHARACTERS + 1);
}

#[test]
fn a_notification_that_cannot_be_read_is_handed_over_as_one_that_cannot() {
    for (from, to) in [
        ("\"code\":\"opened\"", "\"code\":\"closed\""),
        ("\"first\"", "\"last\""),
        ("2026-11-22T02:14:00Z", "yesterday"),
        ("\"value\":\"7KQM-4T2X\"", "\"value\":\"?\""),
        ("https://fhir.nhs.uk/Id/nhs-number", "https://elsewhere"),
        ("https://fhir.cpis.example/Id/local-id", "https://elsewhere"),
        ("in-person", "in-spirit"),
        ("\"Location\"", "\"Place\""),
        // Another type of JSON than any Communication has.
        ("\"status\":\"completed\"", "\"status\":7"),
        ("\"sent\":\"2026-11-22T02:14:00Z\"", "\"sent\":[]"),
    ] {
        let text = written(&[notice(4, Some(place())), notice(5, None)]);
        assert!(text.contains(from), "{from} in {text}");
        let (_, items) = read(text.replacen(from, to, 1).as_bytes()).unwrap();
        assert!(
            matches!(&items[0], Item::Unreadable(found, entry) if *found == mark(4) && entry.contains(to)),
            "{from} as {to}"
        );
        assert_eq!(items[1], Item::Notice(Box::new(notice(5, None))));
    }
}

#[test]
fn what_is_no_document_is_refused_whole() {
    let text = written(&[notice(4, None)]);
    assert!(read(&text.as_bytes()[..text.len() - 2]).is_err(), "cut");
    for (from, to, said) in [
        ("\"message\"", "\"batch\"", "of the type"),
        ("access-notification|1", "access-notification|2", "another version"),
        ("\"code\":\"access-notification\"", "\"code\":\"upload\"", "MessageHeader"),
        ("last-notification-number", "another", "last number"),
        ("\"destination\"", "\"nobody\"", "to one authority"),
        (mark(4).id.as_str(), "4", "number and id"),
        ("\"valueInteger\":4", "\"valueInteger\":0", "number and id"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        let refused = read(text.replace(from, to).as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(said), "{from} as {to}: {refused}");
    }
    let many: Vec<Notice> = (1..=51).map(|number| notice(number, None)).collect();
    assert!(read(written(&many).as_bytes()).unwrap_err().to_string().contains("too many"));
}
