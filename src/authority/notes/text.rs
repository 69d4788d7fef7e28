//! What a case note says, and what it does not: that the information was opened is no referral, no attendance and no sign
//! that the child is hurt.

use jiff::Timestamp;

use crate::domain::{ContactMode, dates};
use crate::exchange::notice::{Event, Notice, Place};

/// The heading of a note.
#[must_use]
pub fn title(event: Option<Event>) -> &'static str {
    match event {
        Some(Event::Opened) | None => "CP-IS information opened",
        Some(Event::OpenedInError) => "CP-IS information opened in error: a correction",
    }
}

/// What one notification adds to its note. `other` is, of a correction, when that was opened which it corrects, if it is known;
/// of what was opened, when it was corrected, if the correction came first.
#[must_use]
pub fn part(notice: &Notice, is_first: bool, other: Option<Timestamp>) -> String {
    let when = dates::day_and_time(notice.at);
    let who = who(notice);
    let reference = notice.reference.as_str();
    match notice.event {
        Event::OpenedInError => {
            let opened = other.map(|at| format!(" on {}", dates::day_and_time(at))).unwrap_or_default();
            format!(
                "Correction {when}: {who} has said that this information was opened{opened} in error. Reference {reference}."
            )
        }
        Event::Opened => {
            let opened = if is_first { "opened" } else { "opened again" };
            let back = call_back(notice.place.as_ref());
            let corrected = other.map(dates::day_and_time).map_or(String::new(), |at| {
                format!(" It was opened in error: the correction of {at} is about this.")
            });
            format!(
                "CP-IS information {opened} {when} by {who}{}. {back} Reference {reference}. This does not say why, that the \
                 child is hurt, or that they are still there.{corrected}",
                contact(notice.place.as_ref())
            )
        }
    }
}

/// Name, role and place; what was not sent is said.
fn who(notice: &Notice) -> String {
    let name = if notice.name.is_empty() { "somebody whose name was not sent" } else { &notice.name };
    let mut who = name.to_owned();
    for part in [within(&notice.role), place(notice)] {
        if !part.is_empty() {
            who.push_str(", ");
            who.push_str(&part);
        }
    }
    who
}

fn place(notice: &Notice) -> String {
    let organisation = match (notice.organisation.as_str(), notice.organisation_code.as_str()) {
        ("", "") => "an organisation that was not sent",
        ("", code) => code,
        (name, _) => name,
    };
    let Some(Place { site, setting, department, .. }) = &notice.place else {
        return format!("{organisation} (the place is not stated)");
    };
    let mut place = if site.is_empty() { organisation } else { site }.to_owned();
    if !setting.is_empty() {
        place.push(' ');
        place.push_str(&within(setting));
    }
    if !department.is_empty() && !department.eq_ignore_ascii_case(setting) {
        place.push_str(", ");
        place.push_str(department);
    }
    // A site's name alone may be that of many: whose it is is said too.
    if !site.is_empty() && !site.eq_ignore_ascii_case(organisation) {
        place.push_str(", ");
        place.push_str(organisation);
    }
    place
}

fn contact(place: Option<&Place>) -> &'static str {
    match place.map(|place| place.contact) {
        None => "",
        Some(ContactMode::InPerson) => " (in person)",
        Some(ContactMode::ByTelephone) => " (by telephone)",
    }
}

fn call_back(place: Option<&Place>) -> String {
    match place.and_then(|place| place.call_back.as_deref()) {
        Some(number) if !number.is_empty() => format!("Ring back {number}, any hour."),
        Some(_) | None => "No number to ring back is known.".to_owned(),
    }
}

/// As within a sentence: "Staff nurse" becomes "staff nurse", "A&E nurse" stays.
fn within(text: &str) -> String {
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        (_, _) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccessReference, NhsNumber};
    use crate::exchange::notice::{Mark, NoticeId};

    fn notice() -> Notice {
        Notice {
            mark: Mark { number: 1, id: NoticeId::parse(&"0".repeat(32)).unwrap() },
            event: Event::Opened,
            at: "2026-11-22T02:14:00Z".parse().unwrap(),
            reference: AccessReference::parse("7KQM-4T2X").unwrap(),
            attendance: AccessReference::parse("7KQM-4T2X").unwrap(),
            is_first: true,
            number: NhsNumber::synthetic(1),
            local_id: "4711".to_owned(),
            upload: None,
            name: "Sam Okafor".to_owned(),
            role: "Staff nurse".to_owned(),
            organisation: "Great Western Hospitals".to_owned(),
            organisation_code: "RN3".to_owned(),
            place: Some(Place {
                setting: "Emergency department".to_owned(),
                site: "Great Western Hospital".to_owned(),
                department: String::new(),
                call_back: Some("01793 604 020".to_owned()),
                contact: ContactMode::InPerson,
            }),
        }
    }

    fn check(notice: &Notice, is_first: bool, expected: &str) {
        assert_eq!(part(notice, is_first, None), expected);
    }

    #[test]
    fn h21_h25_a_note_says_what_it_is_and_what_it_is_not() {
        check(
            &notice(),
            true,
            "CP-IS information opened 22-Nov-2026 02:14 by Sam Okafor, staff nurse, Great Western Hospital emergency \
             department, Great Western Hospitals (in person). Ring back 01793 604 020, any hour. Reference 7KQM-4T2X. This does not say why, that the \
             child is hurt, or that they are still there.",
        );
        let mut by_telephone = notice();
        by_telephone.role = "NHS 111 adviser".to_owned();
        by_telephone.place = by_telephone.place.map(|place| Place {
            department: "Swindon hub".to_owned(),
            call_back: None,
            contact: ContactMode::ByTelephone,
            ..place
        });
        check(
            &by_telephone,
            false,
            "CP-IS information opened again 22-Nov-2026 02:14 by Sam Okafor, NHS 111 adviser, Great Western Hospital emergency \
             department, Swindon hub, Great Western Hospitals (by telephone). No number to ring back is known. Reference 7KQM-4T2X. This does not say \
             why, that the child is hurt, or that they are still there.",
        );
        let unknown = Notice {
            name: String::new(),
            role: String::new(),
            organisation: String::new(),
            place: None,
            ..notice()
        };
        check(
            &unknown,
            true,
            "CP-IS information opened 22-Nov-2026 02:14 by somebody whose name was not sent, RN3 (the place is not stated). No \
             number to ring back is known. Reference 7KQM-4T2X. This does not say why, that the child is hurt, or that they \
             are still there.",
        );
        let in_error = Notice { event: Event::OpenedInError, ..notice() };
        check(
            &in_error,
            false,
            "Correction 22-Nov-2026 02:14: Sam Okafor, staff nurse, Great Western Hospital emergency department, Great \
             Western Hospitals has said that this information was opened in error. Reference 7KQM-4T2X.",
        );
        let of = Some("2026-11-22T01:10:00Z".parse().unwrap());
        assert!(part(&in_error, false, of).contains("was opened on 22-Nov-2026 01:10 in error."));
        assert_ne!(title(Some(Event::OpenedInError)), title(Some(Event::Opened)));
    }
}
