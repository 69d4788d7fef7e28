//! Made-up people for measuring: any number of them, each of which can be told from its place alone.
//!
//! Names are put together from syllables and are used as unevenly as real ones; the numbers begin with 90, which
//! are never issued, and the database is marked synthetic.

use cpis::domain::NhsNumber;
use serde_json::{Value, json};

use super::client::Chance;

const FIRST: [&str; 24] = [
    "Al", "Bar", "Cal", "Dun", "Ed", "Far", "Gar", "Hol", "Ir", "Jen", "Kam", "Lan", "Mor", "Nor", "Os",
    "Pat", "Qur", "Ros", "Sin", "Tan", "Ul", "Var", "Wil", "Yor",
];
const LAST: [&str; 20] = [
    "ton", "ley", "son", "man", "wood", "ford", "er", "ez", "ski", "ov", "oh", "ani", "ova", "well", "by",
    "ham", "ridge", "ing", "ali", "ard",
];
const GIVEN: [&str; 24] = [
    "Ava", "Noah", "Zara", "Leo", "Maya", "Omar", "Ella", "Finn", "Aisha", "Jack", "Isla", "Theo", "Amara",
    "Luca", "Ivy", "Samuel", "Nia", "Harry", "Leila", "Adam", "Grace", "Yusuf", "Ruby", "Daniel",
];

/// Days after 2008-11-23 on which they were born: up to 18 years.
const DAYS: usize = 6570;

pub(crate) struct Made {
    pub(crate) number: String,
    pub(crate) family: String,
    pub(crate) given: String,
    pub(crate) born: jiff::civil::Date,
    pub(crate) is_flagged: bool,
}

pub(crate) fn made(seed: u64, place: usize) -> Made {
    let mut chance = Chance::new(seed.wrapping_mul(1_000_003) ^ (place as u64 + 7));
    chance.next();
    // The lesser of two is drawn more often: a few names are borne by very many.
    let mut uneven = |of: usize| chance.below(of).min(chance.below(of));
    let family = format!("{}{}", FIRST[uneven(FIRST.len())], LAST[uneven(LAST.len())]);
    let middle = ["", "a", "e", "i", "o", "an", "el", "or"][uneven(8)];
    let family = family.replacen(char::is_whitespace, "", 1);
    let family = format!("{}{middle}{}", &family[..2], &family[2..]);
    let given = GIVEN[uneven(GIVEN.len())].to_owned();
    let days = i64::try_from(chance.below(DAYS)).unwrap_or(0);
    let born = jiff::civil::Date::constant(2008, 11, 23).saturating_add(jiff::Span::new().days(days));
    Made { number: number(place), family, given, born, is_flagged: place.is_multiple_of(10) }
}

/// The valid number at or after a place; one place in eleven has none, so places are spread by two.
fn number(place: usize) -> String {
    let mut body = 900_000_000 + place * 2;
    loop {
        for check in 0..10 {
            let digits = format!("{body}{check}");
            if NhsNumber::parse(&digits).is_ok() {
                return digits;
            }
        }
        body += 1;
    }
}

/// The lines of a load file: the person, and the plan where there is one.
pub(crate) fn lines(seed: u64, place: usize) -> Vec<Value> {
    let made = made(seed, place);
    let system = "https://fhir.nhs.uk/Id/nhs-number";
    let person = json!({
        "resourceType": "Patient",
        "identifier": [{ "system": system, "value": made.number }],
        "name": [{ "use": "usual", "family": made.family, "given": [made.given] }],
        "gender": if place.is_multiple_of(2) { "female" } else { "male" },
        "birthDate": made.born.to_string(),
        "address": [{ "use": "home", "postalCode": format!("SN{} {}BB", place % 90, place % 10) }],
    });
    if !made.is_flagged {
        return vec![person];
    }
    let council = place / 10 % 150;
    let plan = json!({
        "resourceType": "CareTeam",
        "meta": { "lastUpdated": "2025-01-05T02:00:00Z" },
        "identifier": [{ "system": "https://fhir.cpis.example/Id/local-id", "value": format!("local-{place}") }],
        "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "342191000000101" }] }],
        "name": format!("Council {council}"),
        "subject": { "identifier": { "system": system, "value": made.number } },
        "period": { "start": "2025-01-05" },
        "telecom": [{ "system": "phone", "value": "01793 466903", "use": "work" },
            { "system": "phone", "value": "01793 436699", "use": "mobile" }],
        "managingOrganization": [{ "identifier": {
            "system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": format!("E{council:08}") } }],
    });
    vec![person, plan]
}
