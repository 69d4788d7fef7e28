//! Synthetic or real.

use super::apply;
use super::error::Fault;
use super::loads::LoadBegin;
use super::writer::Work;
use crate::hub::load::LineError;

/// Synthetic or real: decided once, for the whole database. Only an empty one is marked, and only for a file in
/// which every number is for tests.
pub(super) fn marking(work: &Work<'_>, begin: &LoadBegin) -> Result<bool, Fault> {
    let is_marked = super::read_marking(work.db)?;
    if is_marked || !begin.synthetic {
        return Ok(is_marked);
    }
    if work.db.prepare_cached("SELECT 1 FROM nhs_number")?.exists([])? {
        let why = "only an empty database can be marked synthetic, and this one holds people";
        return Err(Fault::LoadRefused(LineError::new(0, why)));
    }
    if work.db.prepare_cached("SELECT 1 FROM load WHERE state = 'running'")?.exists([])? {
        let why = "a load is under way or was broken off: let it end, or start it over with --restart, before the \
                   database is marked synthetic";
        return Err(Fault::LoadRefused(LineError::new(0, why)));
    }
    if let Some(line) = begin.first_real {
        return Err(Fault::LoadRefused(LineError::new(line, apply::ONLY_TESTS)));
    }
    work.db.execute("INSERT INTO marking (what, at_ms) VALUES ('synthetic', ?1)", [work.now_ms()])?;
    Ok(true)
}
