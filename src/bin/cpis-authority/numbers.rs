//! NHS numbers that are no longer in use, on the list of what hospitals do not see as it is.

use cpis::authority::notices::CasesOfExtract;
use cpis::authority::register::{Cases, Inactive, Register, RegisterError};
use cpis::config::authority::{AuthorityConfig, LinkSettings};
use cpis::domain::dates;

use super::common::counted;
use super::listen::now;

/// Those that are not mended: what the last upload has mended is left out, though the link may not have noticed yet.
pub(super) fn open(config: &AuthorityConfig, link: &LinkSettings) -> Result<Vec<Inactive>, String> {
    let Some(notes) = &config.notes else { return Ok(Vec::new()) };
    let open = match Register::look(&notes.register, &link.code) {
        Ok(register) => register.inactive(),
        Err(RegisterError::NotThere) => return Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let open = open.map_err(|error| error.to_string())?;
    let cases = CasesOfExtract { memory: link.memory.clone(), is_partial: notes.has_partial_extract };
    // Where that cannot be known all stay.
    let mended = cases.mended(&open, now()).unwrap_or_else(|_| vec![false; open.len()]);
    Ok(open.into_iter().zip(mended).filter(|(_, is_mended)| !is_mended).map(|(of, _)| of).collect())
}

/// What the data officer sees first of them; nothing where there are none.
pub(super) fn line(open: &Result<Vec<Inactive>, String>) -> String {
    match open {
        Err(why) => format!("Whether NHS numbers are no longer in use is not known: {why}.\n"),
        Ok(open) if open.is_empty() => String::new(),
        Ok(open) => line_of(open.len() as u64),
    }
}

pub(super) fn line_of(many: u64) -> String {
    format!(
        "NHS numbers that are no longer in use: {}. See `cpis-authority not-visible`.\n",
        counted(many, "record", "records")
    )
}

/// A line for each, with what to mend.
pub(super) fn each(open: &[Inactive]) -> String {
    open.iter()
        .map(|of| format!("since {}: local id {}: {}\n", dates::london_day(of.at), of.local_id, mend(of)))
        .collect()
}

fn mend(of: &Inactive) -> String {
    match of.replaced_by {
        // The one number that the data officer needs, and has a right to: it is their child's.
        Some(number) => format!(
            "the NHS number in this record was superseded, and hospitals see its plans under the new one. Record the new one: {}",
            number.digits()
        ),
        None => format!(
            "the identity of the NHS number in this record has ended, as at an adoption: no hospital sees its plans. Record no other \
             number here: a child with a new identity has a record and a local id of their own. Once its plans are out of the \
             extract, take them back: `cpis-authority decide {} --in-error --by USER`",
            of.local_id
        ),
    }
}
