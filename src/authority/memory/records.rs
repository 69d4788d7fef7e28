//! What was written down to be sent, as records of the upload document.

use jiff::civil::Date;
use rusqlite::Transaction;

use super::{HELD, Held, MemoryError, day, kind, number};
use crate::domain::{PlanPeriod, TeamContact, Telephone};
use crate::exchange::upload::{Ended, Plan, Record, TakenBack, WithoutTeam};

/// Hands over what was written down, as records.
pub(super) fn each_record(
    work: &Transaction<'_>,
    decided: Date,
    then: &mut dyn FnMut(&Record) -> Result<(), String>,
) -> Result<(), MemoryError> {
    let mut statement = work.prepare(&format!(
        "SELECT place, nth, what, of_person, {HELD} FROM outgoing_plan
         UNION ALL SELECT place, nth, 'without-team', number, local_id, number, kind, start_day, NULL, '', '', '', NULL, NULL
         FROM outgoing_without_team ORDER BY place, nth"
    ))?;
    let mut rows = statement.query([])?;
    let mut open: Option<(i64, Record)> = None;
    let mut hand_over = |record: Record| {
        then(&record).map_err(|why| MemoryError::Unusable { path: "the document".into(), why })
    };
    while let Some(row) = rows.next()? {
        let (place, what, of_person): (i64, String, String) = (row.get(0)?, row.get(2)?, row.get(3)?);
        let plan = Held::read_from(row, 4)?;
        if open.as_ref().is_some_and(|(known, _)| *known != place)
            && let Some((_, done)) = open.take()
        {
            hand_over(done)?;
        }
        let record = match &mut open {
            Some((_, record)) => record,
            None => &mut open.insert((place, begun(&of_person, &plan)?)).1,
        };
        let (kind, start) = (kind(&plan.kind)?, day(&plan.start)?);
        let end = plan.end.as_deref().map(day).transpose()?;
        match (what.as_str(), end) {
            ("hold", end) => {
                record.plans.push(Plan { kind, period: PlanPeriod { start, end }, team: contact(&plan) })
            }
            ("end", Some(end)) => {
                record.ended.push(Ended { number: number(&plan.number)?, kind, start, end });
            }
            ("without-team", _) => {
                record.without_team.push(WithoutTeam { number: number(&plan.number)?, kind, start });
            }
            (_, _) => {
                record.taken_back.push(TakenBack { number: number(&plan.number)?, kind, start, decided })
            }
        }
    }
    open.map_or(Ok(()), |(_, record)| hand_over(record))
}

fn contact(plan: &Held) -> Option<TeamContact> {
    let telephone = plan.contact_telephone.as_deref().and_then(Telephone::new);
    plan.contact_name.clone().map(|name| TeamContact { name, telephone })
}

fn begun(of_person: &str, plan: &Held) -> Result<Record, MemoryError> {
    Ok(Record {
        number: number(of_person)?,
        local_id: plan.local_id.clone(),
        family: plan.family.clone(),
        given: plan.given.clone(),
        born: (!plan.born.is_empty()).then(|| day(&plan.born)).transpose()?,
        plans: Vec::new(),
        taken_back: Vec::new(),
        ended: Vec::new(),
        without_team: Vec::new(),
    })
}
