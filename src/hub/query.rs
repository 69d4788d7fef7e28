//! Search parameters as they arrive: decoded, bounded, and judged. Unknown ones are refused, so that nobody
//! believes in a filter that the hub does not apply.

use jiff::civil::Date;

use super::error::ApiError;
use super::limits;
use super::search::{AskedText, PersonQuery};
use crate::domain::{Gender, NhsNumber};
use crate::fhir::codes;

const FORMAT: &str = "_format";

/// The decoded pairs of a query string, but for `_format`, which says nothing of what is asked.
pub(super) fn pairs(query: Option<&str>) -> Result<Vec<(String, String)>, ApiError> {
    let mut pairs = all_pairs(query)?;
    pairs.retain(|(name, _)| name != FORMAT);
    Ok(pairs)
}

/// The decoded pairs of a query string or form that is not FHIR's, with at most so many characters each.
pub(super) fn pairs_within(
    query: Option<&str>,
    characters: usize,
) -> Result<Vec<(String, String)>, ApiError> {
    split(query, characters)
}

/// The values of `_format`. A plus sign that was sent as it is has become a space.
pub(super) fn formats(query: Option<&str>) -> Result<Vec<String>, ApiError> {
    let pairs = all_pairs(query)?.into_iter();
    Ok(pairs
        .filter(|(name, _)| name == FORMAT)
        .map(|(_, value)| value.replace("fhir json", "fhir+json"))
        .collect())
}

fn all_pairs(query: Option<&str>) -> Result<Vec<(String, String)>, ApiError> {
    split(query, limits::PARAMETER_CHARACTERS)
}

fn split(query: Option<&str>, characters: usize) -> Result<Vec<(String, String)>, ApiError> {
    let mut pairs = Vec::new();
    for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((decoded(name, characters)?, decoded(value, characters)?));
        if pairs.len() > limits::PARAMETERS {
            return Err(ApiError::invalid_search("There are too many parameters"));
        }
    }
    Ok(pairs)
}

/// `application/x-www-form-urlencoded`. What is not UTF-8 is refused, not replaced.
fn decoded(text: &str, characters: usize) -> Result<String, ApiError> {
    let broken = ApiError::invalid_search("A parameter is not encoded as it should be");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit(rest.next()).ok_or(broken)?, digit(rest.next()).ok_or(broken)?);
                u8::try_from(high * 16 + low).map_err(|_| broken)?
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| broken)?;
    if text.chars().count() > characters || text.chars().any(char::is_control) {
        return Err(ApiError::invalid_search("A parameter is too long or holds control characters"));
    }
    Ok(text)
}

/// The number that a child protection question is about. `includes` says whether `_include` may be there.
pub(super) fn patient(query: Option<&str>, includes: bool) -> Result<NhsNumber, ApiError> {
    let mut number = None;
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "patient:identifier" if number.is_none() => {
                let invalid = ApiError::invalid_search(
                    "patient:identifier must be https://fhir.nhs.uk/Id/nhs-number|, then a valid NHS number",
                );
                let (system, digits) = value.split_once('|').ok_or(invalid)?;
                let fits = system == codes::NHS_NUMBER && digits.len() == 10;
                number = Some(NhsNumber::parse(digits).ok().filter(|_| fits).ok_or(invalid)?);
            }
            // Not a legal `_include`, and published so. Who made an access is always included.
            "_include" if includes && value.starts_with("AuditEvent:entity-type") => {}
            _ => {
                return Err(ApiError::invalid_search(
                    "A parameter is not known, not supported, or given twice",
                ));
            }
        }
    }
    number.ok_or(ApiError::invalid_search("patient:identifier is missing"))
}

/// The number that a question for flags is about: bare, as published, or with its system. `code` may name the one
/// flag that is held here; asked for another one, an empty answer would say that there is none.
pub(super) fn flagged(query: Option<&str>) -> Result<NhsNumber, ApiError> {
    let mut number = None;
    let mut has_code = false;
    for (name, value) in pairs(query)? {
        match name.as_str() {
            "patient" if number.is_none() => {
                let digits = value.strip_prefix(codes::NHS_NUMBER).and_then(|rest| rest.strip_prefix('|'));
                let digits = digits.unwrap_or(&value);
                let parsed = NhsNumber::parse(digits).ok().filter(|_| digits.len() == 10);
                number = Some(parsed.ok_or(ApiError::invalid_search(
                    "patient must be a valid NHS number, with https://fhir.nhs.uk/Id/nhs-number| before it or not",
                ))?);
            }
            "code" if !has_code => {
                let code = value.strip_prefix(codes::FLAG_CATEGORY).and_then(|rest| rest.strip_prefix('|'));
                if code.unwrap_or(&value) != codes::CHILD_PROTECTION_FLAG {
                    return Err(ApiError::invalid_search(
                        "The only flag that is held here is child-protection-information-system-flag",
                    ));
                }
                has_code = true;
            }
            _ => {
                return Err(ApiError::invalid_search(
                    "A parameter is not known, not supported, or given twice",
                ));
            }
        }
    }
    number.ok_or(ApiError::invalid_search("patient is missing"))
}

/// A search for people. As published: what is not known comes first, then what is not valid, then what is missing.
pub(super) fn person(query: Option<&str>) -> Result<PersonQuery, ApiError> {
    let pairs = pairs(query)?;
    if pairs.is_empty() {
        return Err(ApiError::UNSUPPORTED);
    }
    if pairs.iter().any(|(name, _)| !PARAMETERS.contains(&name.as_str())) {
        return Err(ApiError::ADDITIONAL);
    }
    let mut asked = Asked::default();
    for (name, value) in &pairs {
        asked.take(name, value.trim())?;
    }
    let born = born(asked.from, asked.to)?;
    asked.judge()?;
    Ok(PersonQuery {
        family: asked.family,
        given: asked.given,
        gender: asked.gender,
        born,
        postcode: asked.postcode,
        fuzzy: asked.fuzzy,
        history: asked.history,
        exact_only: asked.exact_only,
        most: asked.most.unwrap_or(limits::SEARCH_RESULTS_USUAL),
        asked: serde_json::json!(pairs),
    })
}

/// What a search may ask. Published, and refused here because nothing of it is held: date of death as a filter,
/// practice, telephone and e-mail.
const PARAMETERS: &[&str] = &[
    "family",
    "given",
    "gender",
    "birthdate",
    "address-postalcode",
    "address-postcode",
    "_fuzzy-match",
    "_history",
    "_exact-match",
    "_max-results",
];

#[derive(Default)]
struct Asked {
    family: Option<AskedText>,
    given: Vec<AskedText>,
    given_words: usize,
    gender: Option<Gender>,
    /// How often a birth date was given.
    bounds: usize,
    from: Option<Date>,
    to: Option<Date>,
    postcode: Option<AskedText>,
    fuzzy: bool,
    history: bool,
    exact_only: bool,
    most: Option<usize>,
}

impl Asked {
    fn take(&mut self, name: &str, value: &str) -> Result<(), ApiError> {
        let twice = ApiError::invalid_search("A parameter is given twice");
        match name {
            "family" if self.family.is_some() => return Err(twice),
            "family" => self.family = Some(text(value)?),
            "given" => {
                self.given_words += value.split_whitespace().count();
                if self.given_words > limits::GIVEN_WORDS {
                    return Err(ApiError::invalid_search("There are too many given names"));
                }
                self.given.push(text(value)?);
            }
            "gender" if self.gender.is_some() => return Err(twice),
            "gender" => {
                self.gender = Some(match value {
                    "male" | "female" | "other" | "unknown" => Gender::from_code(value),
                    _ => return Err(ApiError::invalid_value("gender is male, female, other or unknown")),
                });
            }
            "birthdate" if self.bounds >= limits::BIRTH_BOUNDS => {
                return Err(ApiError::invalid_search("birthdate is given at most twice: from and to"));
            }
            "birthdate" => self.birthdate(value)?,
            // The older name of the same parameter; both together are refused too.
            "address-postalcode" | "address-postcode" if self.postcode.is_some() => return Err(twice),
            "address-postalcode" | "address-postcode" => self.postcode = Some(text(value)?),
            "_fuzzy-match" => self.fuzzy = flag(value)?,
            "_history" => self.history = flag(value)?,
            "_exact-match" => self.exact_only = flag(value)?,
            "_max-results" => {
                let most = value.parse().ok().filter(|most| (1..=limits::SEARCH_RESULTS_MOST).contains(most));
                self.most = Some(most.ok_or(ApiError::invalid_value("_max-results is 1 to 50"))?);
            }
            _ => return Err(ApiError::ADDITIONAL),
        }
        Ok(())
    }

    /// Whether these can be asked together.
    fn judge(&self) -> Result<(), ApiError> {
        let stars = self.family.iter().chain(&self.given).chain(&self.postcode).any(AskedText::is_pattern);
        if self.fuzzy && stars {
            return Err(ApiError::invalid_search("A wildcard cannot be used with _fuzzy-match"));
        }
        let without_family =
            self.fuzzy && !self.given.is_empty() && self.gender.is_some() && self.postcode.is_some();
        if self.family.is_none() && !without_family {
            return Err(ApiError::invalid_search(
                "family is missing: a search needs family and birthdate; a fuzzy one may have given, gender and postcode instead of family",
            ));
        }
        Ok(())
    }

    /// `2015-03-12` or `eq…` is one day; `ge…` and `le…` are the ends of a range.
    fn birthdate(&mut self, value: &str) -> Result<(), ApiError> {
        let (prefix, day) = match value.get(..2) {
            Some(prefix @ ("eq" | "ge" | "le")) => (prefix, value.get(2..).unwrap_or_default()),
            Some(_) | None => ("eq", value),
        };
        let fits = day.len() == 10;
        let day: Date = day
            .parse()
            .ok()
            .filter(|_| fits)
            .ok_or(ApiError::invalid_value("birthdate is eq, ge or le and a day such as 2015-03-12"))?;
        self.bounds += 1;
        // Two bounds narrow each other.
        if prefix != "le" {
            self.from = Some(self.from.map_or(day, |from| from.max(day)));
        }
        if prefix != "ge" {
            self.to = Some(self.to.map_or(day, |to| to.min(day)));
        }
        Ok(())
    }
}

fn born(from: Option<Date>, to: Option<Date>) -> Result<(Date, Date), ApiError> {
    if from.is_none() && to.is_none() {
        return Err(ApiError::missing_value("birthdate is missing"));
    }
    // An open end is the calendar's: nobody is born outside of it.
    let range = (from.unwrap_or(Date::constant(1, 1, 1)), to.unwrap_or(Date::constant(9999, 12, 31)));
    if range.0 > range.1 {
        return Err(ApiError::invalid_search("The birthdate range ends before it begins"));
    }
    Ok(range)
}

/// A name or postcode.
fn text(value: &str) -> Result<AskedText, ApiError> {
    AskedText::read(value).ok_or(ApiError::invalid_value(
        "A name or postcode needs a letter or digit, and two of them before a wildcard",
    ))
}

fn flag(value: &str) -> Result<bool, ApiError> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(ApiError::invalid_value("This parameter is true or false")),
    }
}
