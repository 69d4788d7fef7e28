//! What people type or paste: an NHS number, a date of birth, names, a postcode, telephone numbers.

use jiff::civil::Date;

use crate::domain::{
    AccessReference, BirthDate, NhsNumber, PersonName, PostcodeCheck, Telephone, birth, dates, text as words,
};
use crate::fhir::read;

/// Ten digits that pass Modulus 11, reckoned here once more.
pub(crate) fn assert_is_a_number(number: NhsNumber) {
    let digits = number.digits();
    let values: Vec<u32> = digits.chars().filter_map(|c| c.to_digit(10)).collect();
    assert_eq!((digits.len(), values.len()), (10, 10));
    let sum: u32 =
        values.iter().zip([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).map(|(digit, weight)| digit * weight).sum();
    assert!(sum.is_multiple_of(11) && sum > 0, "a number that fails Modulus 11");
    assert_eq!(NhsNumber::parse(&digits), Ok(number));
    assert_eq!(NhsNumber::parse(&number.grouped()), Ok(number));
    assert_eq!(format!("{number:?}"), "NhsNumber(hidden)");
}

/// What is said of refused text repeats nothing of it: no long run of digits, and not the word that the
/// corpora put where a name belongs.
pub(crate) fn assert_discreet(said: &str, refused: &str) {
    let mut runs = refused.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 9);
    assert!(runs.all(|run| !said.contains(run)), "what is said repeats a number: {said}");
    assert!(!said.contains("Canarybird"), "what is said repeats a name: {said}");
}

pub(super) fn number(data: &[u8]) {
    let Ok(typed) = std::str::from_utf8(data) else { return };
    match NhsNumber::parse(typed) {
        Ok(number) => {
            assert_is_a_number(number);
            let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
            assert_eq!(digits, number.digits(), "another number than was typed");
        }
        Err(error) => assert_discreet(&error.to_string(), typed),
    }
}

pub(super) fn date(data: &[u8]) {
    let Ok(typed) = std::str::from_utf8(data) else { return };
    for today in [Date::constant(2026, 11, 22), Date::constant(2000, 2, 29), Date::constant(2099, 12, 31)] {
        let born = match BirthDate::parse(typed, today) {
            Ok(born) => born,
            Err(error) => {
                assert_discreet(&error.to_string(), typed);
                continue;
            }
        };
        let (first, last) = born.range();
        assert!(first <= last && first <= today && last.year() >= today.year() - 130);
        assert!(born.agrees_with(born));
        assert!(
            !birth::age(born, today).is_empty() && !birth::spoken_age(&birth::age(born, today)).is_empty()
        );
        let shown = match born {
            BirthDate::Day(day) => dates::day(day),
            BirthDate::Month(year, month) => format!("{} {year:04}", dates::month_name(month)),
            BirthDate::Year(year) => format!("{year:04}"),
        };
        assert_eq!(BirthDate::parse(&shown, today), Ok(born), "a date typed again as it is shown");
    }
}

pub(super) fn text(data: &[u8]) {
    let Ok(typed) = std::str::from_utf8(data) else { return };
    let folded = PersonName::folded(typed);
    assert!(folded.chars().all(char::is_alphanumeric) || !typed.is_ascii());
    let visible = words::visible(typed);
    assert!(!visible.chars().any(words::is_unprintable));
    assert_eq!(visible.chars().count(), typed.chars().count());
    if let Some(telephone) = Telephone::new(typed) {
        assert_eq!(Telephone::new(telephone.as_sent()).as_ref(), Some(&telephone));
        let digits = typed.chars().filter(char::is_ascii_digit).count();
        assert_eq!(telephone.looks_like_a_number(), digits >= 7);
    }
    if let Some(reference) = AccessReference::parse(typed) {
        assert_eq!(AccessReference::parse(reference.as_str()).as_ref(), Some(&reference));
        assert!(reference.as_str().len() <= 40);
    }
    let held = serde_json::json!({
        "resourceType": "Patient", "id": super::fhir::asked().digits(), "address": [{ "postalCode": typed }],
    });
    let compared = read::person(held.to_string().as_bytes(), Some(typed)).map(|person| person.postcode);
    let expected = if folded.is_empty() { PostcodeCheck::NotAsked } else { PostcodeCheck::Agrees };
    assert_eq!(compared, Ok(expected), "a postcode agrees with itself");
}
