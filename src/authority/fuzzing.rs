//! What must hold of an extract, whatever is in the file (see [`crate::fuzzing`]).

use jiff::civil::Date;

use super::extract;
use super::routing::read_list;
use crate::config::authority::{AuthorityConfig, Encoding, Form, Mapping};

pub(crate) use super::page::fuzzing::{form, request};

/// As the list of restricted cases: whole, each case once with holders that are known, or refused with its line.
pub(crate) fn list(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let known = |name: &str| !name.contains("Nobody");
    match read_list(text, &known) {
        Ok(list) => {
            let said = |line: &str| !line.trim().is_empty() && !line.trim().starts_with('#');
            let lines = text.trim_start_matches('\u{feff}').lines().filter(|line| said(line)).count();
            assert_eq!(list.len(), lines, "a line that is lost leaves a case open to everybody");
            for (local_id, holders) in &list {
                assert!(!local_id.trim().is_empty() && !local_id.chars().any(char::is_control));
                assert!(holders.iter().all(|name| known(name) && !name.is_empty()));
            }
        }
        Err(fault) => {
            assert!(fault.line > 0 && fault.line <= text.lines().count() && !fault.why.is_empty());
            crate::fuzzing::assert_discreet(&fault.to_string(), text);
        }
    }
}

/// As each kind of file: every row is sent, said twice, or refused with a reason, and no reason names anybody.
pub(crate) fn file(data: &[u8]) {
    let Ok(config) = AuthorityConfig::starting() else { return };
    let csv = Form::Csv { delimiter: b',' };
    for (form, encoding) in
        [(csv, Encoding::Utf8), (csv, Encoding::Windows1252), (Form::Ndjson, Encoding::Utf8)]
    {
        let mapping = Mapping { form, encoding, ..config.extract.clone() };
        let today = Date::constant(2026, 11, 22);
        let Ok(checked) = extract::check(data, &mapping, today) else { continue };
        assert_eq!(checked.rows, checked.right + checked.repeated + checked.refused);
        assert!(checked.people <= checked.right && checked.without_number <= checked.refused);
        assert_eq!(checked.refused > 0, !checked.problems.is_empty());
        assert!(checked.problems.is_sorted_by_key(|problem| problem.row));
        for problem in &checked.problems {
            assert!(problem.row > u64::from(form == csv) && !problem.finding.to_string().is_empty());
            let local_id = problem.local_id.as_deref().unwrap_or("shown");
            assert!(!local_id.is_empty() && !local_id.chars().any(crate::domain::text::is_unprintable));
        }
    }
}
