//! CareTeam bundles into plans.

use jiff::civil::{Time, Weekday};
use serde_json::Value;

use super::super::codes;
use super::super::wire::{CareTeam, CodeableConcept, Extension, Period};
use super::{claimed_total, day, has_next_page, missing, moment, resource_type, searchset, trimmed, typed};
use crate::domain::{
    Authority, Failure, HeldPlan, NhsNumber, OfficeHours, PlanKind, PlanPeriod, PlansReading, TeamContact,
    Telephone, Unreadable,
};

/// Reads the answer to "which plans are held for `asked`?".
///
/// # Errors
/// The body is not a searchset bundle, or every plan in it carries another person's number.
pub fn plans(body: &[u8], asked: NhsNumber) -> Result<PlansReading, Failure> {
    let bundle = searchset(body)?;
    let mut reading = PlansReading::default();
    let received = bundle.entry.len();
    let lacking = missing(claimed_total(&bundle), received, has_next_page(&bundle));
    reading.unreadable.extend(std::iter::repeat_n(Unreadable::CountDiffers, lacking));
    for entry in bundle.entry {
        match plan(entry.resource, asked) {
            Ok(plan) => reading.plans.push(plan),
            Err(why) => reading.unreadable.push(why),
        }
    }
    let of_others = reading.unreadable.iter().filter(|why| **why == Unreadable::OtherPerson).count();
    if received > 0 && of_others == received { Err(Failure::OtherPerson) } else { Ok(reading) }
}

fn plan(resource: Value, asked: NhsNumber) -> Result<HeldPlan, Unreadable> {
    if resource_type(&resource) != "CareTeam" {
        return Err(Unreadable::NotAPlan);
    }
    let team: CareTeam = typed(resource).ok_or(Unreadable::NotAPlan)?;
    let subject =
        team.subject.as_ref().and_then(|s| s.identifier.as_ref()).and_then(|id| id.value.as_deref());
    let digits: String = subject.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    if digits != asked.digits() {
        return Err(Unreadable::OtherPerson);
    }
    let period = period(team.period.as_ref())?;
    let kind = kind(&team.category)?;
    Ok(HeldPlan {
        // Without dates it cannot be said where a plan stands: shown as of an unknown kind.
        kind: kind.filter(|_| period.is_some()),
        period,
        sent: team.meta.as_ref().and_then(|meta| meta.last_updated.as_deref()).and_then(moment),
        authority: authority(&team),
    })
}

/// `Ok(None)`: a code, or words, that this viewer does not know. No category at all is no plan.
fn kind(category: &[CodeableConcept]) -> Result<Option<PlanKind>, Unreadable> {
    let codings = || category.iter().flat_map(|concept| &concept.coding);
    let by_code = codings().filter_map(|coding| coding.code.as_deref()).find_map(PlanKind::from_code);
    let words = || {
        let displays = codings().filter_map(|coding| coding.display.as_deref());
        displays.chain(category.iter().filter_map(|concept| concept.text.as_deref()))
    };
    // Some servers send codings without a code: then the words decide, if they are the published ones.
    let has_code = codings().any(|coding| coding.code.as_deref().is_some_and(|code| !code.trim().is_empty()));
    let by_words = || {
        let is = |kind: &PlanKind, text: &str| {
            let text = text.trim();
            text.eq_ignore_ascii_case(kind.snomed_display()) || text.eq_ignore_ascii_case(kind.label())
        };
        words().find_map(|text| PlanKind::ALL.into_iter().find(|kind| is(kind, text)))
    };
    match by_code {
        Some(kind) => Ok(Some(kind)),
        None if has_code => Ok(None),
        None if words().next().is_some() => Ok(by_words()),
        None => Err(Unreadable::NotAPlan),
    }
}

fn period(period: Option<&Period>) -> Result<Option<PlanPeriod>, Unreadable> {
    let Some(period) = period else { return Ok(None) };
    let read = |text: Option<&str>| match text.map(str::trim).filter(|t| !t.is_empty()) {
        None => Ok(None),
        Some(text) => day(text).map(Some).ok_or(Unreadable::Dates),
    };
    let (start, end) = (read(period.start.as_deref())?, read(period.end.as_deref())?);
    match (start, end) {
        (Some(start), Some(end)) if end < start => Err(Unreadable::Dates),
        (Some(start), end) => Ok(Some(PlanPeriod { start, end })),
        (None, _) => Ok(None),
    }
}

fn authority(team: &CareTeam) -> Authority {
    // Several numbers of one use are shown together; one without a known use stands with the office's.
    let telephone = |is: &dyn Fn(Option<&str>) -> bool| {
        let of_use = team.telecom.iter().filter(|point| is(point.r#use.as_deref().map(str::trim)));
        let numbers: Vec<&str> = of_use.filter_map(|point| Some(point.value.as_deref()?.trim())).collect();
        Telephone::new(&numbers.join(" or "))
    };
    let code =
        team.managing_organization.iter().filter_map(|org| org.identifier.as_ref()?.value.as_deref()).next();
    Authority {
        name: trimmed(team.name.as_deref()),
        code: code.map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()),
        office: telephone(&|used| used != Some("mobile")),
        emergency_duty: telephone(&|used| used == Some("mobile")),
        hours: extension(&team.extension, codes::OFFICE_HOURS).and_then(office_hours),
        team: extension(&team.extension, codes::TEAM_CONTACT).and_then(team_contact),
    }
}

fn extension<'a>(list: &'a [Extension], url: &str) -> Option<&'a Extension> {
    list.iter().find(|extension| extension.url == url)
}

/// `None` where anything of it is odd: then both lines are offered.
#[must_use]
pub fn office_hours(outer: &Extension) -> Option<OfficeHours> {
    let time = |url: &str| -> Option<Time> {
        extension(&outer.extension, url)?.value_time.as_deref()?.trim().parse().ok()
    };
    let days: Option<Vec<Weekday>> = outer
        .extension
        .iter()
        .filter(|e| e.url == "day")
        .map(|e| {
            let index = codes::DAYS.iter().position(|day| Some(*day) == e.value_code.as_deref())?;
            Weekday::from_monday_zero_offset(i8::try_from(index).ok()?).ok()
        })
        .collect();
    Some(OfficeHours { days: days?, from: time("from")?, to: time("to")? })
}

/// The team that knows the child.
#[must_use]
pub fn team_contact(outer: &Extension) -> Option<TeamContact> {
    let text = |url: &str| extension(&outer.extension, url).and_then(|e| e.value_string.as_deref());
    let name = trimmed(text("name"));
    let telephone = text("telephone").and_then(Telephone::new);
    (!name.is_empty() || telephone.is_some()).then_some(TeamContact { name, telephone })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn care_team(changes: &Value) -> Value {
        let mut team = json!({
            "resourceType": "CareTeam",
            "meta": { "lastUpdated": "2026-11-21T02:00:00Z" },
            "category": [{ "coding": [{ "system": codes::SNOMED, "code": "342191000000101" }] }],
            "name": "Swindon Borough Council ",
            "subject": { "identifier": { "system": codes::NHS_NUMBER, "value": "9434765919" } },
            "period": { "start": "2026-01-05" },
            "telecom": [{ "use": "work", "value": "01793 466903" }, { "use": "mobile", "value": "01793 436699" }],
            "managingOrganization": [{ "identifier": { "value": "819" } }],
        });
        for (key, value) in changes.as_object().unwrap() {
            team[key] = value.clone();
        }
        team
    }

    fn read(entries: &[Value], total: Value) -> Result<PlansReading, Failure> {
        let entries: Vec<Value> = entries.iter().map(|resource| json!({ "resource": resource })).collect();
        let bundle =
            json!({ "resourceType": "Bundle", "type": "searchset", "total": total, "entry": entries });
        plans(bundle.to_string().as_bytes(), NhsNumber::parse("9434765919").unwrap())
    }

    #[test]
    fn a_plan_is_read_with_its_authority() {
        let hours = json!([{ "url": codes::OFFICE_HOURS, "extension": [
            { "url": "day", "valueCode": "mon" }, { "url": "day", "valueCode": "fri" },
            { "url": "from", "valueTime": "08:30:00" }, { "url": "to", "valueTime": "17:00:00" } ] }]);
        let reading = read(&[care_team(&json!({ "extension": hours }))], json!(1)).unwrap();
        assert_eq!(reading.unreadable, []);
        let plan = &reading.plans[0];
        assert_eq!(plan.kind, Some(PlanKind::ChildProtection));
        assert_eq!(plan.authority.name, "Swindon Borough Council");
        assert_eq!(plan.authority.code.as_deref(), Some("819"));
        assert_eq!(plan.authority.office.as_ref().unwrap().as_sent(), "01793 466903");
        assert_eq!(plan.authority.emergency_duty.as_ref().unwrap().as_sent(), "01793 436699");
        assert_eq!(plan.authority.hours.as_ref().unwrap().days, [Weekday::Monday, Weekday::Friday]);
        assert!(plan.sent.is_some());
    }

    #[test]
    fn h27_no_number_that_was_sent_is_left_out() {
        let telecom = json!([{ "use": "work", "value": "01793 466903" }, { "use": "work", "value": "01793 466904" },
            { "value": "01793 466905" }, { "use": "mobile" }]);
        let reading = read(&[care_team(&json!({ "telecom": telecom }))], json!(1)).unwrap();
        let authority = &reading.plans[0].authority;
        assert_eq!(
            authority.office.as_ref().unwrap().as_sent(),
            "01793 466903 or 01793 466904 or 01793 466905"
        );
        assert_eq!(authority.emergency_duty, None);
    }

    #[test]
    fn odd_entries_are_read_or_counted_and_never_dropped() {
        // What changed in the entry → kinds read, reasons counted.
        let check = |changes: Value, kinds: &[Option<PlanKind>], unreadable: &[Unreadable]| {
            let reading = read(&[care_team(&changes)], json!(1)).unwrap();
            let read_kinds: Vec<_> = reading.plans.iter().map(|plan| plan.kind).collect();
            assert_eq!(
                (read_kinds.as_slice(), reading.unreadable.as_slice()),
                (kinds, unreadable),
                "{changes}"
            );
        };
        let coding = |coding: Value| json!({ "category": [{ "coding": [coding] }] });
        check(coding(json!({ "code": "LACI" })), &[Some(PlanKind::LookedAfter)], &[]);
        check(coding(json!({ "display": " Looked after child " })), &[Some(PlanKind::LookedAfter)], &[]);
        check(coding(json!({ "code": "123" })), &[None], &[]);
        check(coding(json!({ "display": "Something new" })), &[None], &[]);
        check(coding(json!({})), &[], &[Unreadable::NotAPlan]);
        check(json!({ "category": null }), &[], &[Unreadable::NotAPlan]);
        check(json!({ "category": [] }), &[], &[Unreadable::NotAPlan]);
        check(json!({ "resourceType": "Flag" }), &[], &[Unreadable::NotAPlan]);
        check(json!({ "telecom": "none" }), &[], &[Unreadable::NotAPlan]);
        check(json!({ "period": null }), &[None], &[]);
        check(json!({ "period": { "end": "2026-01-01" } }), &[None], &[]);
        check(json!({ "period": { "start": "2026-02-30" } }), &[], &[Unreadable::Dates]);
        check(json!({ "period": { "start": "2026-02-03", "end": "2026-02-02" } }), &[], &[Unreadable::Dates]);
    }

    #[test]
    fn a_count_that_differs_is_an_unreadable_entry() {
        let one = [care_team(&json!({}))];
        let check = |entries: &[Value], total: Value, expected: &[Unreadable]| {
            assert_eq!(read(entries, total.clone()).unwrap().unreadable, expected, "total {total}");
        };
        check(&one, json!(1), &[]);
        check(&one, json!("1"), &[]);
        check(&one, json!(2), &[Unreadable::CountDiffers]);
        check(&one, json!(3), &[Unreadable::CountDiffers, Unreadable::CountDiffers]);
        check(&one, json!(0), &[Unreadable::CountDiffers]);
        check(&[], json!(0), &[]);
        check(&[], json!(1), &[Unreadable::CountDiffers]);
        check(&[], Value::Null, &[Unreadable::CountDiffers]);
        check(&[], json!(-1), &[Unreadable::CountDiffers]);
    }

    #[test]
    fn another_persons_plan_is_never_this_patients() {
        let other = care_team(&json!({ "subject": { "identifier": { "value": "9000000009" } } }));
        assert_eq!(read(std::slice::from_ref(&other), json!(1)), Err(Failure::OtherPerson));
        let mixed = read(&[care_team(&json!({})), other], json!(2)).unwrap();
        assert_eq!(
            (mixed.plans.len(), mixed.unreadable.as_slice()),
            (1, [Unreadable::OtherPerson].as_slice())
        );
    }

    #[test]
    fn what_is_not_a_searchset_is_a_failure_and_never_empty() {
        let number = NhsNumber::parse("9434765919").unwrap();
        for body in [
            "",
            "<html></html>",
            "[]",
            "{}",
            "null",
            "{\"resourceType\":\"Bundle\"}",
            "{\"resourceType\":\"OperationOutcome\",\"issue\":[]}",
            "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":0",
        ] {
            assert_eq!(plans(body.as_bytes(), number), Err(Failure::Unreadable), "{body}");
        }
    }
}
