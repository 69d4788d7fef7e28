//! What is written is read again, and what is not whole is not believed.

use super::*;

fn written(what: &Acknowledgement, rejections: &[Rejection]) -> Vec<u8> {
    let at = "2026-11-22T02:10:00Z".parse().unwrap();
    let mut writer = Writer::begin(Vec::new(), what, at).unwrap();
    for rejection in rejections {
        writer.rejection(rejection).unwrap();
    }
    writer.finish().unwrap()
}

fn partly() -> (Acknowledgement, [Rejection; 2]) {
    let what = Acknowledgement {
        authority_code: "E06000030".to_owned(),
        sequence: Some(17),
        records: Some(5),
        code: FileCode::PartlyUploaded,
        why: None,
        digest: Some("0a".repeat(32)),
        rejected: Some(2),
        apart: None,
    };
    let rejection = |place, code: RecordCode, replaced_by| Rejection {
        place,
        code,
        why: code.words().to_owned(),
        replaced_by,
    };
    let rejections = [
        rejection(2, RecordCode::Demographics, None),
        rejection(5, RecordCode::Superseded, Some(NhsNumber::synthetic(4))),
    ];
    (what, rejections)
}

#[test]
fn what_is_written_is_read_again() {
    let (what, rejections) = partly();
    let mut seen = Vec::new();
    let read_again = read(&written(&what, &rejections)[..], &mut |item| seen.push(item));
    assert_eq!((read_again, seen), (Ok(what), rejections.map(Item::Rejected).to_vec()));
    let refused = Acknowledgement {
        authority_code: String::new(),
        sequence: None,
        records: None,
        code: FileCode::Corrupt,
        why: Some("it was cut".to_owned()),
        digest: None,
        rejected: None,
        apart: Some(Apart { last: 0, is_lost: true }),
    };
    let text = String::from_utf8(written(&refused, &[])).unwrap();
    assert!(text.contains("\"valueInteger\":-1") && text.contains("CPF01"), "{text}");
    assert_eq!(read(text.as_bytes(), &mut |_| unreachable!()), Ok(refused));
}

#[test]
fn one_that_is_cut_or_contradicts_itself_is_not_believed() {
    let (what, rejections) = partly();
    let whole = written(&what, &rejections);
    for at in 0..whole.trim_ascii_end().len() {
        assert!(read(&whole[..at], &mut |_| ()).is_err(), "{at}");
    }
    let text = String::from_utf8(whole).unwrap();
    let check = |from: &str, to: &str| {
        let turned = text.replace(from, to);
        assert_ne!(turned, text, "{from}");
        assert!(read(turned.as_bytes(), &mut |_| ()).is_err(), "{from} as {to}");
    };
    check("\"valueInteger\":2}", "\"valueInteger\":3}");
    check("entry[5]", "entry[6]");
    check("entry[5]", "entry[2]");
    check("entry[2]", "entry[0]");
    check("CPR03", "CPR99");
    check("CPF03", "CPF99");
    check("upload-acknowledgement", "upload");
    check("\"type\":\"message\"", "\"type\":\"batch\"");
}

#[test]
fn what_is_still_held_is_read_again_and_a_plan_that_cannot_be_read_is_not_passed_over() {
    let (what, rejections) = partly();
    let plan = StillHeld {
        local_id: "4711".to_owned(),
        number: NhsNumber::synthetic(7),
        kind: PlanKind::LookedAfter,
        period: PlanPeriod { start: jiff::civil::date(2026, 1, 5), end: None },
    };
    let mut writer = Writer::begin(Vec::new(), &what, Timestamp::UNIX_EPOCH).unwrap();
    for rejection in &rejections {
        writer.rejection(rejection).unwrap();
    }
    writer.still_held(&plan).unwrap();
    let text = String::from_utf8(writer.finish().unwrap()).unwrap();
    let mut seen = Vec::new();
    assert_eq!(read(text.as_bytes(), &mut |item| seen.push(item)), Ok(what));
    assert_eq!(seen.last(), Some(&Item::StillHeld(plan)));
    for (from, to) in [("4711", ""), ("2026-01-05", "2026-01"), ("764841000000100", "1")] {
        assert!(read(text.replace(from, to).as_bytes(), &mut |_| ()).is_err(), "{from} as {to}");
    }
}
