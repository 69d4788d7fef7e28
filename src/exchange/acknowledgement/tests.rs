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
    let read_again = read(&written(&what, &rejections)[..], &mut |rejection| seen.push(rejection));
    assert_eq!((read_again, seen), (Ok(what), rejections.to_vec()));
    let refused = Acknowledgement {
        authority_code: String::new(),
        sequence: None,
        records: None,
        code: FileCode::Corrupt,
        why: Some("it was cut".to_owned()),
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
    check("entry[5]", "entry[6]");
    check("entry[5]", "entry[2]");
    check("entry[2]", "entry[0]");
    check("CPR03", "CPR99");
    check("CPF03", "CPF99");
    check("upload-acknowledgement", "upload");
    check("\"type\":\"message\"", "\"type\":\"batch\"");
}
