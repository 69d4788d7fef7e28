//! `[rights]`: what each activity code allows.

use std::collections::BTreeMap;

use super::{ConfigError, setting};
use crate::domain::{Activity, Right, Rights};

/// As the file has it: an activity code, and words of what it allows.
pub(super) type RightsTable = BTreeMap<String, Vec<String>>;

/// What is not named allows nothing.
pub(super) fn resolve(table: &RightsTable) -> Result<Rights, ConfigError> {
    let mut rights = Rights::default();
    for (code, words) in table {
        let key = format!("rights.{code}");
        let activity = Activity::from_code(code)
            .ok_or_else(|| setting(&key, "an activity code is a B and four digits, such as B0107"))?;
        for word in words {
            let right = Right::from_word(word).ok_or_else(|| setting(&key, &unknown(word)))?;
            rights.grant(activity, &[right]);
        }
    }
    Ok(rights)
}

fn unknown(word: &str) -> String {
    let known: Vec<&str> = Right::ALL.into_iter().map(Right::word).collect();
    format!("{word:?} is no right: there are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_allows_what_the_table_says_and_a_slip_in_it_is_named() {
        let read = |text: &str| resolve(&toml::from_str(text).unwrap()).map_err(|error| error.to_string());
        let national = "B0264 = ['search-people']\nB0107 = ['view-and-notify']\nB0170 = ['view-silently']";
        assert_eq!(read(national), Ok(Rights::national()));
        assert_eq!(read(""), Ok(Rights::default()));
        assert_eq!(read("B0107 = []").map(|rights| rights.is_empty()), Ok(true));

        let slip = read("B107 = ['view-and-notify']").unwrap_err();
        assert!(slip.contains("rights.B107") && slip.contains("B and four digits"), "{slip}");
        let slip = read("B0107 = ['view']").unwrap_err();
        assert!(slip.contains("rights.B0107") && slip.contains("view-and-notify"), "{slip}");
    }
}
