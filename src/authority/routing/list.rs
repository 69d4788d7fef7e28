//! The list of restricted cases: a line for each, its local id, and after a colon its holders between commas. What cannot be
//! read is refused whole: half a list would show the others to everybody.

use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a list.
pub const LIST_BYTES: u64 = 1024 * 1024;

/// Why a list is not taken. The local id stands in it, and nobody's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the list of restricted cases: {why}")]
pub struct ListFault {
    /// 1, 2, 3 …
    pub line: usize,
    /// What to mend.
    pub why: &'static str,
}

/// Reads a list: local ids, each with its holders by the names of the configuration; none where the common ones hold it.
///
/// # Errors
/// The first line that cannot be meant.
pub fn read_list(
    text: &str,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<BTreeMap<String, BTreeSet<String>>, ListFault> {
    let mut list: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).enumerate();
    for (place, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
        let fault = |why| ListFault { line: place + 1, why };
        let (local_id, holders) = line.split_once(':').unwrap_or((line, ""));
        let local_id = local_id.trim();
        if local_id.is_empty() || local_id.chars().any(char::is_control) {
            return Err(fault("a local id comes first"));
        }
        let holders = holders.split(',').map(str::trim).filter(|name| !name.is_empty());
        let holders: BTreeSet<String> = holders.map(str::to_owned).collect();
        if !holders.iter().all(|name| is_known(name)) {
            return Err(fault("a holder is no [[routing.person]] with a `user`"));
        }
        if list.insert(local_id.to_owned(), holders).is_some() {
            return Err(fault("this local id is there twice"));
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_taken_whole_or_not_at_all() {
        let known = |name: &str| ["Asha Patel", "B. Cole"].contains(&name);
        let text = "\u{feff}# Kept by the safeguarding lead\r\nA1: Asha Patel, B. Cole\r\n\r\nB2\r\n";
        let list = read_list(text, &known).unwrap();
        assert_eq!(list["A1"].iter().collect::<Vec<_>>(), ["Asha Patel", "B. Cole"]);
        assert!(list["B2"].is_empty());
        let check = |text: &str, line: usize, why: &str| {
            let fault = read_list(text, &known).unwrap_err();
            assert_eq!((fault.line, fault.why.contains(why)), (line, true), "{text}: {fault}");
        };
        check("A1\n: Asha Patel", 2, "a local id");
        check("A1: Nobody", 1, "holder");
        check("A1\nB2\nA1", 3, "twice");
    }
}
