//! The routing table as a table of cases, and what must hold of all.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::authority::routing::hours::tests::{london, weekdays};
use crate::config::authority::{AuthorityConfig, Person};

/// North has its own duty and manager; South has neither; without a team, looked after children are North's.
fn table() -> Routing {
    let text = include_str!("../../../../packaging/authority.toml");
    let (before, _) = text.split_once("\n[routing]\n").unwrap();
    let (_, after) = text.split_once("\n[extract]\n").unwrap();
    let routing = r#"
[routing]
fall_back = ["Lead"]
emergency_duty = ["EDT"]
manager = ["Head"]
kinds = { looked-after = "North" }
person = [
    { name = "Lead", user = "lead" }, { name = "EDT" }, { name = "Head" }, { name = "North duty" }, { name = "North manager" },
    { name = "Away", absent = [{ from = "2026-11-20", until = "2026-11-23" }] },
    { name = "Gone", absent = [{ from = "2026-01-01" }] },
]
team = [{ name = "North", duty = ["North duty"], manager = ["North manager"] }, { name = "South" }]
"#;
    let text = format!("{before}\n{routing}\n[extract]\n{after}");
    let config = AuthorityConfig::parse_for_tests(&text, Path::new("authority.toml")).unwrap();
    Routing { hours: Some(weekdays()), ..config.routing.unwrap() }
}

fn access() -> Access {
    Access {
        at: None,
        state: State::Open,
        organisation: "RN3".to_owned(),
        worker: Some("Shaw".to_owned()),
        worker_is_away: false,
        team: Some("North".to_owned()),
        kinds: vec![PlanKind::ChildProtection],
        holders: None,
    }
}

fn said(decided: &Decided) -> String {
    match decided {
        Decided::Quiet => "nobody".to_owned(),
        Decided::Alert(alerts) => alerts
            .iter()
            .map(|alert| format!("{} {}", alert.role.code(), alert.name))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

const IN_HOURS: &str = "2026-11-20T10:00";
const AT_NIGHT: &str = "2026-11-22T02:14";

#[track_caller]
fn check(access: &Access, earlier: &Earlier, at: &str, expected: &str) {
    assert_eq!(said(&decide(access, earlier, &table(), london(at))), expected, "{at} {access:?} {earlier:?}");
}

#[test]
fn h18_h22_a_first_view_comes_before_whoever_is_responsible_at_that_hour() {
    let first = Earlier::default();
    check(&access(), &first, IN_HOURS, "worker Shaw");
    check(&access(), &first, AT_NIGHT, "emergency-duty EDT, worker Shaw");
    // To the minute, and on bank holidays; after both clock changes.
    for (at, is_open) in [
        ("2026-11-20T08:29:59", false),
        ("2026-11-20T08:30", true),
        ("2026-11-20T16:59:59", true),
        ("2026-11-20T17:00", false),
        ("2026-12-25T11:00", false),
        ("2026-12-28T11:00", false),
        ("2026-12-29T11:00", true),
        ("2026-03-30T08:30", true),
        ("2026-10-26T08:29", false),
    ] {
        check(&access(), &first, at, if is_open { "worker Shaw" } else { "emergency-duty EDT, worker Shaw" });
    }
    // Where it is not known whether the office is open, it may be either.
    check(&access(), &first, "2029-01-03T11:00", "emergency-duty EDT, worker Shaw");
    let without = Routing { hours: None, ..table() };
    let both = decide(&access(), &first, &without, london(IN_HOURS));
    assert_eq!(said(&both), "emergency-duty EDT, worker Shaw");
}

#[test]
fn h18_h27_a_clock_that_is_behind_leaves_nobody_out_at_opening_and_at_closing() {
    let check = |at: &str, now: &str, expected: &str| {
        let access = Access { at: Some(london(at)), ..access() };
        let got = said(&decide(&access, &Earlier::default(), &table(), london(now)));
        assert_eq!(got, expected, "{at} {now}");
    };
    let both = "emergency-duty EDT, worker Shaw";
    check("2026-11-20T17:30", "2026-11-20T16:30", both);
    check("2026-11-20T08:31", "2026-11-20T08:29", both);
    check("2026-11-20T10:00", "2026-11-20T09:00", "worker Shaw");
    check("2026-11-20T23:00", "2026-11-20T22:00", both);
    // What comes late is decided by now, whenever it was.
    check("2026-11-20T16:30", "2026-11-20T17:30", both);
    check("2026-11-20T07:30", "2026-11-20T08:30", "worker Shaw");
    // Unless that night is not this hour's.
    check("2026-11-20T03:00", "2026-11-20T16:30", "worker Shaw");
}

#[test]
fn h18_an_absent_workers_alert_is_the_teams_then_the_managers_then_the_fall_backs() {
    let first = Earlier::default();
    let of = |worker: &str, team: &str| Access {
        worker: Some(worker.to_owned()).filter(|worker| !worker.is_empty()),
        team: Some(team.to_owned()).filter(|team| !team.is_empty()),
        ..access()
    };
    check(&of("Away", "North"), &first, IN_HOURS, "team North duty");
    check(&of("Away", "North"), &first, "2026-11-23T16:00", "team North duty");
    check(&of("Away", "North"), &first, "2026-11-24T09:00", "worker Away");
    check(&of("Gone", "North"), &first, IN_HOURS, "team North duty");
    check(&Access { worker_is_away: true, ..access() }, &first, IN_HOURS, "team North duty");
    check(&of("", "North"), &first, AT_NIGHT, "emergency-duty EDT, team North duty");
    check(&of("", "South"), &first, IN_HOURS, "manager Head");
    check(&of("", "Unknown"), &first, IN_HOURS, "manager Head");
    check(&of("", ""), &first, IN_HOURS, "manager Head");
    let cared_for = Access { kinds: vec![PlanKind::LookedAfter], ..of("", "") };
    check(&cared_for, &first, IN_HOURS, "team North duty");
    let empty = Routing { manager: Vec::new(), emergency_duty: Vec::new(), ..table() };
    let nobody = |at: &str| said(&decide(&of("", "South"), &first, &empty, london(at)));
    assert_eq!(nobody(IN_HOURS), "fall-back Lead");
    assert_eq!(nobody(AT_NIGHT), "emergency-duty Lead, fall-back Lead");
    for state in [State::NotOpen, State::Unreadable] {
        check(&Access { state, ..access() }, &first, IN_HOURS, "fall-back Lead");
        check(&Access { state, ..access() }, &first, AT_NIGHT, "emergency-duty EDT, fall-back Lead");
    }
}

#[test]
fn where_others_get_e_mail_a_worker_without_it_is_not_the_only_one_who_is_told() {
    use crate::config::authority::{MailSecurity, MailSettings};
    let mail = MailSettings {
        server: "localhost".to_owned(),
        port: 25,
        security: MailSecurity::Loopback,
        login: None,
        from: "cpis@wexcombe.example".to_owned(),
        certificate_authority: None,
    };
    let mut table = Routing { mail: Some(mail), ..table() };
    let who = |table: &Routing| said(&decide(&access(), &Earlier::default(), table, london(IN_HOURS)));
    assert_eq!(who(&table), "worker Shaw, team North duty");
    let email = Some("shaw@wexcombe.example".to_owned());
    table.people.insert("Shaw".to_owned(), Person { email, ..Person::default() });
    assert_eq!(who(&table), "worker Shaw");
}

#[test]
fn h19_a_repeat_alerts_nobody_unless_it_was_read_since_or_the_organisation_is_new() {
    let unread = Earlier {
        organisations: vec!["RN3".to_owned()],
        was_alerted: true,
        was_read: false,
        was_read_by_duty: false,
    };
    check(&access(), &unread, IN_HOURS, "nobody");
    check(&access(), &unread, AT_NIGHT, "nobody");
    let read = Earlier { was_read: true, ..unread.clone() };
    check(&access(), &read, IN_HOURS, "worker Shaw");
    check(&access(), &read, AT_NIGHT, "emergency-duty EDT, worker Shaw");
    // What emergency duty has read the worker has not.
    let by_duty = Earlier { was_read_by_duty: true, ..unread.clone() };
    check(&access(), &by_duty, IN_HOURS, "nobody");
    check(&access(), &by_duty, AT_NIGHT, "emergency-duty EDT, worker Shaw");
    check(&Access { organisation: "RA9".to_owned(), ..access() }, &unread, IN_HOURS, "worker Shaw");
    let nobody_was = Earlier { was_alerted: false, ..unread.clone() };
    check(&access(), &nobody_was, IN_HOURS, "worker Shaw");
    let held = Access { holders: Some(vec!["Asha".to_owned()]), ..access() };
    check(&held, &unread, IN_HOURS, "nobody");
    check(&held, &read, AT_NIGHT, "holder Asha");
}

#[test]
fn h30_of_a_restricted_case_its_holders_are_alerted_and_nobody_else_at_any_hour() {
    let held = Access { holders: Some(vec!["Asha".to_owned(), "Ben".to_owned()]), ..access() };
    for at in [IN_HOURS, AT_NIGHT] {
        check(&held, &Earlier::default(), at, "holder Asha, holder Ben");
        let closed = Access { state: State::NotOpen, ..held.clone() };
        check(&closed, &Earlier::default(), at, "holder Asha, holder Ben");
        // Never dropped, where nobody holds it.
        let lost = Access { holders: Some(Vec::new()), ..access() };
        check(&lost, &Earlier::default(), at, "fall-back Lead");
    }
}

#[test]
fn h22_what_nobody_reads_for_four_office_hours_goes_to_the_teams_duty_and_then_to_the_manager() {
    let made = |list: &[(Role, &str)]| -> Vec<Made> {
        list.iter().map(|(role, at)| Made { role: *role, name: String::new(), at: london(at) }).collect()
    };
    let check = |access: &Access, list: &[(Role, &str)], at: &str, expected: &str| {
        let alerts = escalate(access, &made(list), &table(), london(at));
        let got = if alerts.is_empty() { Decided::Quiet } else { Decided::Alert(alerts) };
        assert_eq!(said(&got), expected, "{list:?} {at}");
    };
    let worker = (Role::Worker, "2026-11-20T10:00");
    check(&access(), &[worker], "2026-11-20T13:59:59", "nobody");
    check(&access(), &[worker], "2026-11-20T14:00", "team North duty");
    let team = (Role::Team, "2026-11-20T14:00");
    check(&access(), &[worker, team], "2026-11-20T16:59", "nobody");
    check(&access(), &[worker, team], "2026-11-23T09:29", "nobody");
    check(&access(), &[worker, team], "2026-11-23T09:30", "manager North manager");
    let manager = (Role::Manager, "2026-11-23T09:30");
    check(&access(), &[worker, team, manager], "2026-11-23T13:30", "fall-back Lead");
    let last = (Role::FallBack, "2026-11-23T13:30");
    check(&access(), &[worker, team, manager, last], "2026-12-01T13:30", "nobody");
    // In the night before Christmas: the hours begin when the office opens after it.
    let night = [(Role::EmergencyDuty, "2026-12-24T22:00"), (Role::Worker, "2026-12-24T22:00")];
    check(&access(), &night, "2026-12-29T12:29", "nobody");
    check(&access(), &night, "2026-12-29T12:30", "team North duty");
    check(
        &Access { team: Some("South".to_owned()), ..access() },
        &[worker],
        "2026-11-20T14:00",
        "manager Head",
    );
    check(&access(), &[(Role::EmergencyDuty, "2026-11-02T10:00")], "2026-11-20T14:00", "nobody");
}

#[test]
fn h30_h22_a_holder_who_is_away_or_silent_gives_way_to_the_others_and_then_to_whoever_comes_last() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let with_last = |last: &[&str]| Routing {
        restricted: crate::config::authority::Restricted { last: names(last), ..Default::default() },
        ..table()
    };
    let first = |holders: &[&str], table: &Routing| {
        let held = Access { holders: Some(names(holders)), ..access() };
        said(&decide(&held, &Earlier::default(), table, london(IN_HOURS)))
    };
    let none = with_last(&[]);
    assert_eq!(first(&["Away", "Asha"], &none), "holder Asha");
    assert_eq!(first(&["Away", "Gone"], &with_last(&["Lead"])), "holder Lead");
    assert_eq!(first(&["Away"], &with_last(&["Gone"])), "holder Away, fall-back Lead", "never dropped");
    assert_eq!(first(&["Away"], &none), "holder Away, fall-back Lead");
    assert_eq!(first(&[], &with_last(&["Head"])), "holder Head");
    let next = |holders: &[&str], made: &[(&str, &str)], table: &Routing, at: &str| {
        let held = Access { holders: Some(names(holders)), ..access() };
        let made: Vec<Made> = made
            .iter()
            .map(|(name, at)| Made { role: Role::Holder, name: (*name).to_owned(), at: london(at) })
            .collect();
        let alerts = escalate(&held, &made, table, london(at));
        alerts.iter().map(|alert| format!("{} {}", alert.role.code(), alert.name)).collect::<Vec<_>>()
    };
    let (asked, last) = (("Asha", "2026-11-20T10:00"), with_last(&["Head"]));
    let nobody = Vec::<String>::new();
    assert_eq!(next(&["Asha", "Away"], &[asked], &last, "2026-11-20T13:59"), nobody);
    assert_eq!(next(&["Asha", "Ben"], &[asked], &last, "2026-11-20T14:00"), ["holder Ben"]);
    assert_eq!(next(&["Asha", "Away"], &[asked], &last, "2026-11-20T14:00"), ["holder Head"]);
    // Who was away is back on the 24th.
    assert_eq!(next(&["Asha", "Away"], &[asked], &last, "2026-11-24T14:00"), ["holder Away"]);
    let all = [asked, ("Head", "2026-11-20T14:00")];
    assert_eq!(next(&["Asha", "Away"], &all, &last, "2026-11-20T17:00"), nobody);
    assert_eq!(next(&["Asha"], &all, &last, "2026-12-20T17:00"), nobody, "and nobody besides");
    assert_eq!(next(&["Asha"], &[asked], &none, "2026-12-20T17:00"), nobody);
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[A-C]", 0..3)
}

proptest! {
    #[test]
    fn h18_never_nobody_whatever_is_configured_and_whatever_came_before(
        worker in prop::option::of("[A-C]"), team in prop::option::of("(North|South|X)"),
        worker_is_away: bool, holders in prop::option::of(names()), state in 0..3_u8, organisation in "[A-B]",
        organisations in prop::collection::vec("[A-B]", 0..3), was_alerted: bool, was_read: bool, was_read_by_duty: bool,
        emergency_duty in names(), manager in names(), duty in names(), has_hours: bool, minutes in 0..2_000_000_i64,
    ) {
        let mut table = Routing { emergency_duty, manager, ..table() };
        table.hours = table.hours.filter(|_| has_hours);
        if let Some(north) = table.teams.get_mut("North") { north.duty = duty }
        let state = [State::Open, State::NotOpen, State::Unreadable][usize::from(state)];
        let is_held = holders.is_some();
        let access = Access { state, at: None, organisation, worker, worker_is_away, team, kinds: Vec::new(), holders };
        let earlier = Earlier { organisations, was_alerted, was_read, was_read_by_duty };
        let now = london("2026-01-01T00:00") + SignedDuration::from_mins(minutes);
        match decide(&access, &earlier, &table, now) {
            Decided::Quiet => prop_assert!(was_alerted && !was_read, "somebody was alerted and has not read it"),
            Decided::Alert(alerts) => {
                prop_assert!(!alerts.is_empty());
                let fit = |alert: &Alert| matches!(alert.role, Role::Holder | Role::FallBack);
                prop_assert!(!is_held || alerts.iter().all(fit), "{alerts:?}");
            }
        }
    }
}

#[test]
fn h18_names_are_found_however_the_extract_writes_them() {
    let mut table = table();
    table.people.insert(
        "P. Shaw".to_owned(),
        Person { email: Some("shaw@wexcombe.example".to_owned()), ..Person::default() },
    );
    let of = |worker: &str, team: &str| {
        let access = Access { worker: Some(worker.to_owned()), team: Some(team.to_owned()), ..access() };
        said(&decide(&access, &Earlier::default(), &table, london(IN_HOURS)))
    };
    assert_eq!(of("AWAY", "north"), "team North duty", "who is away is, and the team's duty is found");
    assert_eq!(of(" gone ", "NORTH "), "team North duty");
    assert_eq!(of("p.  shaw", "South"), "worker P. Shaw");
    assert_eq!(of("p. SHAW", "South"), "worker P. Shaw", "as the table calls them");
    let config = |person: &str| {
        let text = include_str!("../../../../packaging/authority.toml").replace(
            "[[routing.person]]\nname = \"Emergency duty team\"",
            &format!("[[routing.person]]\nname = \"{person}\"\n\n[[routing.person]]\nname = \"Emergency duty team\""),
        );
        AuthorityConfig::parse_for_tests(&text, Path::new("authority.toml"))
            .map_err(|error| error.to_string())
    };
    assert!(config("SAFEGUARDING  lead").unwrap_err().contains("is there twice"));
    assert!(config("A. Cole").is_ok());
}
