//! The ODS code of a local authority: the one word of it that may stand in a log line and in the label of a metric, and
//! so nothing that could be somebody's number or name.

/// A code of three to nine capital letters and digits, at least one of them a digit: councils' own codes are three digits
/// (`301`), those of statistics nine characters (`E06000030`). Ten digits could be somebody's NHS number, and letters alone a
/// name: neither is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OdsCode(String);

impl OdsCode {
    /// What it has to look like, for whoever sent something else.
    pub const SHAPE: &str = "an ODS code: 3 to 9 capital letters and digits, at least one of them a digit";

    /// Reads one; `None` where it does not look like one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = (3..=9).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && text.bytes().any(|byte| byte.is_ascii_digit());
        is_one.then(|| Self(text.to_owned()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What an authority is called where operators read: its code, or `other` where what is held does not look like one. A
    /// database may hold anything that was loaded before codes were looked at.
    #[must_use]
    pub fn said(text: &str) -> &str {
        if Self::parse(text).is_some() { text } else { "other" }
    }
}

impl From<OdsCode> for String {
    fn from(code: OdsCode) -> Self {
        code.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_number_or_a_name_is_no_code() {
        for code in ["E06000030", "W06000015", "RN3", "301", "8AE51"] {
            assert_eq!(OdsCode::parse(code).unwrap().as_str(), code);
            assert_eq!(OdsCode::said(code), code);
        }
        for other in [
            "",
            "12",
            "Swindon",
            "9990000018",
            "Ava Bennett",
            "SWINDON",
            "e06000030",
            "E0600003000",
            "E1\n",
            "É06000030",
        ] {
            assert_eq!(OdsCode::parse(other), None, "{other}");
            assert_eq!(OdsCode::said(other), "other");
        }
    }
}
