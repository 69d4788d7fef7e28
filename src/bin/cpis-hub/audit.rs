//! `cpis-hub audit`.

use std::io::Write;
use std::path::Path;

use cpis::domain::{NhsNumber, text};
use cpis::hub::balp;
use cpis::hub::store::{AuditQuestion, AuditRow};

use super::common::{open_store, operator, print};

/// How the entries are printed.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Format {
    Text,
    Fhir,
}

pub(super) fn audit(
    config: &Path,
    person: Option<&str>,
    user: Option<String>,
    since: Option<&str>,
    format: Format,
) -> Result<(), String> {
    let person = person
        .map(|text| NhsNumber::parse(text).map_err(|error| format!("--person: {error}")))
        .transpose()?;
    let since = since
        .map(|text| text.parse().map_err(|_| "--since: a moment such as 2026-11-22T00:00:00Z".to_owned()))
        .transpose()?;
    let store = open_store(config)?;
    let read = store
        .audit_rows(operator(), AuditQuestion { person, user, since, ..AuditQuestion::default() })
        .map_err(|error| error.to_string())?;
    let out = match format {
        Format::Text => table(&read.rows),
        Format::Fhir => {
            let issuer = super::common::read(config)?.issuer;
            read.rows.iter().map(|row| format!("{}\n", balp::audit_event(row, &issuer))).collect()
        }
    };
    print(&out)?;
    if read.more > 0 {
        let more = format!(
            "cpis-hub: {} older entries are not printed: narrow it with --person, --user or a later --since\n",
            read.more
        );
        let _ = std::io::stderr().write_all(more.as_bytes());
    }
    Ok(())
}

fn table(rows: &[AuditRow]) -> String {
    let heading = "at\tkind\toutcome\tuser\tname\trole\torganisation code\torganisation\trequest\treference\tNHS number\tdetail\tprogram\n";
    let mut out = heading.to_owned();
    for row in rows {
        // A tab or line break in a value would read as another column or row, an escape sequence would drive the
        // terminal, and a change of direction would let a line read as another one.
        let columns: Vec<String> = row.columns.iter().map(|value| text::visible(value)).collect();
        out.push_str(&format!("{}\t{}\n", row.at, columns.join("\t")));
    }
    out
}
