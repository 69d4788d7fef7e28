//! A CareTeam line: one plan of one authority.

use jiff::Timestamp;
use jiff::civil::Date;

use super::{LoadedPlan, nhs_number, text};
use crate::domain::{
    Authority, NhsNumber, OdsCode, OfficeHours, PlanKind, PlanPeriod, TeamContact, Telephone,
};
use crate::fhir::codes;
use crate::fhir::wire::{CareTeam, Extension};
use crate::hub::store::{time_from_wire, weekday_from_wire};

pub(super) fn read(line: usize, bytes: &[u8]) -> Result<LoadedPlan, String> {
    // serde's own words may repeat a value of the line.
    let team: CareTeam =
        serde_json::from_slice(bytes).map_err(|_| "not a CareTeam of the documented shape")?;
    let subject = team.subject.as_ref().and_then(|subject| subject.identifier.as_ref());
    let number = subject.and_then(|identifier| identifier.value.as_deref()).ok_or("no subject identifier")?;
    let kind = team
        .category
        .iter()
        .flat_map(|category| &category.coding)
        .find_map(|coding| coding.code.as_deref().and_then(PlanKind::from_code))
        .ok_or("`category` has no code of a plan that is known")?;
    let local_id = team
        .identifier
        .iter()
        .find(|identifier| identifier.system.as_deref() == Some(codes::LOCAL_ID))
        .and_then(|identifier| text(identifier.value.as_deref()))
        .ok_or_else(|| format!("no identifier of the system {}", codes::LOCAL_ID))?;
    let sent = team.meta.as_ref().and_then(|meta| text(meta.last_updated.as_deref()));
    let sent_ms = match sent {
        None => None,
        Some(at) => {
            let at: Timestamp =
                at.parse().map_err(|_| "`meta.lastUpdated` is not a moment with an offset")?;
            Some(at.as_millisecond())
        }
    };
    Ok(LoadedPlan {
        line,
        number: nhs_number(number)?,
        local_id,
        kind,
        period: period(&team, kind)?,
        authority_code: authority_code(&team)?,
        authority: authority(&team)?,
        sent_ms,
    })
}

/// Of a line that is refused, whose plan it is, as far as it says.
pub(super) fn number(bytes: &[u8]) -> Option<NhsNumber> {
    let line: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    nhs_number(line.pointer("/subject/identifier/value")?.as_str()?).ok()
}

fn period(team: &CareTeam, kind: PlanKind) -> Result<PlanPeriod, String> {
    let day = |text: Option<&str>, name: &str| -> Result<Option<Date>, String> {
        let Some(text) = super::text(text) else { return Ok(None) };
        // Days only: a moment would leave open in which zone.
        let fits = text.len() == 10;
        text.parse().ok().filter(|_| fits).map(Some).ok_or_else(|| format!("`period.{name}` is not a day"))
    };
    let period = team.period.as_ref().ok_or("no `period`")?;
    let start = day(period.start.as_deref(), "start")?.ok_or("no `period.start`")?;
    let end = day(period.end.as_deref(), "end")?;
    if end.is_some_and(|end| end < start) {
        return Err("the plan ends before it starts".to_owned());
    }
    match kind {
        // Without it the alert would never end.
        PlanKind::UnbornChildProtection if end.is_none() => {
            Err("an unborn plan needs an end: the due date".to_owned())
        }
        PlanKind::UnbornChildProtection | PlanKind::ChildProtection | PlanKind::LookedAfter => {
            Ok(PlanPeriod { start, end })
        }
    }
}

fn authority_code(team: &CareTeam) -> Result<String, String> {
    let code = team
        .managing_organization
        .iter()
        .filter_map(|organisation| organisation.identifier.as_ref())
        .find_map(|identifier| text(identifier.value.as_deref()))
        .ok_or("no `managingOrganization` with the authority's ODS code")?;
    // It names the authority in the log and to whoever watches: nothing of a person may come there.
    let code = OdsCode::parse(&code);
    code.map(String::from).ok_or_else(|| format!("`managingOrganization` is not {}", OdsCode::SHAPE))
}

fn authority(team: &CareTeam) -> Result<Authority, String> {
    let telephone = |used: &str| {
        team.telecom
            .iter()
            .find(|contact| contact.r#use.as_deref().map(str::trim) == Some(used))
            .and_then(|contact| contact.value.as_deref())
            .and_then(Telephone::new)
    };
    Ok(Authority {
        name: text(team.name.as_deref()).ok_or("no `name` of the authority")?,
        code: Some(authority_code(team)?),
        office: telephone("work"),
        emergency_duty: telephone("mobile"),
        hours: match extension(&team.extension, codes::OFFICE_HOURS) {
            None => None,
            Some(hours) => Some(office_hours(hours)?),
        },
        team: match extension(&team.extension, codes::TEAM_CONTACT) {
            None => None,
            Some(contact) => Some(TeamContact {
                name: extension(&contact.extension, "name")
                    .and_then(|name| text(name.value_string.as_deref()))
                    .ok_or("a team contact without a name")?,
                telephone: extension(&contact.extension, "telephone")
                    .and_then(|telephone| telephone.value_string.as_deref())
                    .and_then(Telephone::new),
            }),
        },
    })
}

fn extension<'a>(extensions: &'a [Extension], url: &str) -> Option<&'a Extension> {
    extensions.iter().find(|extension| extension.url == url)
}

fn office_hours(hours: &Extension) -> Result<OfficeHours, String> {
    let wrong = "office hours need `day` (mon to sun), `from` and `to` (HH:MM), `from` before `to`";
    let days: Option<Vec<_>> = hours
        .extension
        .iter()
        .filter(|part| part.url == "day")
        .map(|part| part.value_code.as_deref().and_then(weekday_from_wire))
        .collect();
    let at = |url: &str| {
        extension(&hours.extension, url).and_then(|part| part.value_time.as_deref()).and_then(time_from_wire)
    };
    match (days, at("from"), at("to")) {
        (Some(days), Some(from), Some(to)) if !days.is_empty() && from < to => {
            Ok(OfficeHours { days, from, to })
        }
        _ => Err(wrong.to_owned()),
    }
}
