//! Row by row: what the hub's tables hold is what the model holds, in the same order.

use super::machine::{Machine, digits, kind, trace, user};
use super::world::{Standing, World};

/// Compares every table that matters, and says in which row they differ.
pub(super) fn assert_rows_agree(hub: &Machine, model: &World, references: &[String]) -> Result<(), String> {
    let pairs: [(&str, &str, Vec<String>); 8] = [
        (
            "audit",
            "SELECT at_ms, kind, outcome, user_id, organisation_code, request, reference, person_id, number
             FROM audit ORDER BY id",
            audit(model, references),
        ),
        (
            "view",
            "SELECT id, reference, user_id, organisation_code, trace_id, person_id, at_ms, mode, held,
                    opened_in_error IS NOT NULL FROM view ORDER BY id",
            views(model, references),
        ),
        (
            "history",
            "SELECT view_id, person_id, at_ms, user_id, organisation_code FROM history ORDER BY view_id",
            history(model),
        ),
        (
            "outbox",
            "SELECT kind, view_id, person_id, authority_code, user_id, organisation_code, at_ms, state_ms,
                    sequence, attendance, reference, upload_id, number_uploaded, department, state,
                    replaced_by, number, outcome
             FROM outbox",
            outbox(model, references),
        ),
        (
            "told_earlier",
            "SELECT told_earlier.view_id, told_earlier.authority_code, outbox.view_id, outbox.authority_code
             FROM told_earlier JOIN outbox ON outbox.id = outbox_id WHERE outbox.kind = 'notification'",
            spared(model),
        ),
        (
            "plan",
            "SELECT person_id, authority_code, kind, start_day, end_day, number_uploaded, upload_id, sent_ms
             FROM plan ORDER BY 1, 2, 3, 4",
            plans(model),
        ),
        ("nhs_number", "SELECT number, person_id, standing FROM nhs_number ORDER BY 1", numbers(model)),
        (
            "session_setting",
            "SELECT user_id, organisation_code, care_setting, at_ms FROM session_setting ORDER BY 1, 2",
            settings(model),
        ),
    ];
    for (table, sql, mut expected) in pairs {
        let mut held = hub.rows(sql);
        // In which order an authority stands before another is no rule.
        if matches!(table, "outbox" | "told_earlier") {
            held.sort();
            expected.sort();
        }
        if held != expected {
            let place = held.iter().zip(&expected).take_while(|(held, expected)| held == expected).count();
            let none = "no row".to_owned();
            let (held, expected) = (held.get(place).unwrap_or(&none), expected.get(place).unwrap_or(&none));
            return Err(format!("{table}, row {place}: the hub holds {held}, the model {expected}"));
        }
    }
    Ok(())
}

/// Cells as the database's rows are printed.
fn row(cells: &[&dyn ToString]) -> String {
    cells.iter().map(|cell| cell.to_string()).collect::<Vec<_>>().join("|")
}

fn or_none(cell: Option<String>) -> String {
    cell.unwrap_or_else(|| "-".to_owned())
}

/// The database counts from 1.
fn id(place: usize) -> String {
    (place + 1).to_string()
}

fn audit(model: &World, references: &[String]) -> Vec<String> {
    let entry = |entry: &super::world::Entry| {
        let request = match (entry.request, entry.kind) {
            (Some(request), _) => trace(request),
            (None, "load" | "number-told") => "load".to_owned(),
            (None, "notifications") => "notifications".to_owned(),
            (None, _) => String::new(),
        };
        row(&[
            &entry.at,
            &entry.kind,
            &entry.outcome,
            &user(entry.name),
            &entry.organisation,
            &request,
            &or_none(entry.view.map(|view| references[view].clone())),
            &or_none(entry.person.map(id)),
            &or_none(entry.number.map(digits)),
        ])
    };
    model.audit.iter().map(entry).collect()
}

fn views(model: &World, references: &[String]) -> Vec<String> {
    let view = |(place, view): (usize, &super::world::View)| {
        row(&[
            &id(place),
            &references[place],
            &user(view.who.name),
            &view.who.organisation,
            &trace(view.trace),
            &id(view.person),
            &view.at,
            &(if view.recorded { "recorded" } else { "silent" }),
            &i32::from(view.held),
            &i32::from(view.in_error),
        ])
    };
    model.views.iter().enumerate().map(view).collect()
}

fn history(model: &World) -> Vec<String> {
    let mut rows: Vec<_> = model.history.iter().collect();
    rows.sort_by_key(|access| access.view);
    let access = |access: &&super::world::Access| {
        let who = access.who;
        row(&[&id(access.view), &id(access.person), &access.at, &user(who.name), &who.organisation])
    };
    rows.iter().map(access).collect()
}

fn outbox(model: &World, references: &[String]) -> Vec<String> {
    let message = |message: &super::world::Message| {
        let is_first = message.attendance == message.view;
        row(&[
            &(if message.is_correction { "correction" } else { "notification" }),
            &id(message.view),
            &id(message.person),
            &message.authority,
            &user(message.who.name),
            &message.who.organisation,
            &message.at,
            &message.since,
            &(if is_first { "first" } else { "repeat" }),
            &references[message.attendance],
            &references[message.view],
            &message.upload,
            &digits(message.number),
            &message.department.unwrap_or("-"),
            &message.told.state,
            &"-",
            &message.told.number,
            &message.told.outcome.unwrap_or("-"),
        ])
    };
    let told = |told: &super::world::NumberTold| {
        let kind = if told.replaced_by.is_some() { "number-superseded" } else { "number-ended" };
        let (by, person, number) =
            (or_none(told.replaced_by.map(digits)), id(told.person), digits(told.number));
        row(&[
            &kind,
            &"-",
            &person,
            &told.authority,
            &"-",
            &"-",
            &told.at,
            &told.since,
            &"-",
            &"-",
            &"-",
            &told.upload,
            &number,
            &"-",
            &told.told.state,
            &by,
            &told.told.number,
            &told.told.outcome.unwrap_or("-"),
        ])
    };
    model.outbox.iter().map(message).chain(model.numbers_told.iter().map(told)).collect()
}

fn spared(model: &World) -> Vec<String> {
    let spared = |spared: &super::world::Spared| {
        let by = &model.outbox[spared.by];
        row(&[&id(spared.view), &spared.authority, &id(by.view), &by.authority])
    };
    model.spared.iter().map(spared).collect()
}

fn plans(model: &World) -> Vec<String> {
    let iso = super::super::dates::iso;
    let mut rows: Vec<_> = model.plans.iter().collect();
    rows.sort_by_key(|plan| (plan.person, plan.authority, kind(plan.kind), plan.start));
    let plan = |plan: &&super::world::Plan| {
        row(&[
            &id(plan.person),
            &plan.authority,
            &kind(plan.kind),
            &iso(plan.start),
            &or_none(plan.end.map(iso)),
            &digits(plan.number),
            &plan.upload,
            &or_none(plan.sent.map(|sent| sent.to_string())),
        ])
    };
    rows.iter().map(plan).collect()
}

fn numbers(model: &World) -> Vec<String> {
    let standing = |standing| match standing {
        Standing::InUse => "current",
        Standing::Superseded => "superseded",
        Standing::Ended => "ended",
    };
    let mut rows: Vec<String> = (model.numbers.iter())
        .map(|(number, alias)| row(&[&digits(*number), &id(alias.person), &standing(alias.standing)]))
        .collect();
    rows.sort();
    rows
}

fn settings(model: &World) -> Vec<String> {
    let mut rows: Vec<String> = (model.settings.iter())
        .map(|(who, scheduled, at)| {
            let said = if *scheduled { "scheduled" } else { "unscheduled" };
            row(&[&user(who.name), &who.organisation, &said, at])
        })
        .collect();
    rows.sort();
    rows
}
