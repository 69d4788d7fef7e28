//! One access, as a card: when, who, from where, whom to ring.

use maud::{Markup, html};

use crate::authority::register::Access;
use crate::domain::{ContactMode, dates, text};
use crate::exchange::notice::{Event, Notice, Place};

/// A case as a heading names it, and the way to its page.
pub(super) fn case(note: &str, local_id: &str) -> Markup {
    html! {
        a href={ "/child/" (note) } {
            @if local_id.is_empty() { "Not known whose" } @else { "Case " (local_id) }
        }
    }
}

/// What others wrote, or that they did not.
pub(super) fn said(text: &str) -> Markup {
    html! { @if text.is_empty() { "Not stated" } @else { (text::visible(text)) } }
}

fn row(term: &str, value: &Markup) -> Markup {
    html! { div { dt { (term) } dd { (value) } } }
}

/// The heading of an access: what happened, and when.
pub(super) fn heading(access: &Access) -> String {
    let Some(notice) = &access.notice else {
        return format!("Came {}, and cannot be read", dates::day_and_time(access.at));
    };
    let when = dates::day_and_time(notice.at);
    match notice.event {
        Event::Opened if notice.is_first => format!("Opened {when}"),
        Event::Opened => format!("Opened again {when}"),
        Event::OpenedInError => format!("Said to be opened in error, {when}"),
    }
}

/// Who and from where.
pub(super) fn details(access: &Access) -> Markup {
    let Some(notice) = &access.notice else {
        return html! {
            p class="unread" { "This version of the link cannot read it. Ask the hub's operator who looked at whom." }
        };
    };
    html! {
        dl {
            (row("Who", &html! { (said(&notice.name)) }))
            (row("Role", &said(&notice.role)))
            (row("From", &from(notice)))
            @if notice.event == Event::Opened {
                (row("Patient was", &html! { (contact(notice.place.as_ref())) }))
            }
            (row("Ring back", &ring(notice.place.as_ref())))
            (row("Reference", &html! { (notice.reference.as_str()) }))
        }
    }
}

fn from(notice: &Notice) -> Markup {
    let organisation = match (notice.organisation.as_str(), notice.organisation_code.as_str()) {
        ("", "") => "Organisation not stated".to_owned(),
        ("", code) => code.to_owned(),
        (name, "") => name.to_owned(),
        (name, code) => format!("{name} ({code})"),
    };
    let of_place: Vec<String> = match &notice.place {
        None => vec!["The place is not stated".to_owned()],
        Some(Place { setting, site, department, .. }) => {
            let mut lines: Vec<String> = Vec::new();
            for part in [site, department, setting] {
                let is_there = lines.iter().any(|line| line.eq_ignore_ascii_case(part));
                if !part.is_empty() && !is_there {
                    lines.push(text::visible(part));
                }
            }
            lines.retain(|line| !line.eq_ignore_ascii_case(&notice.organisation));
            lines
        }
    };
    html! {
        @for line in &of_place { (line) br; }
        (text::visible(&organisation))
    }
}

/// Its beginning in one line, for lists.
pub(super) fn place_in_short(notice: &Notice) -> String {
    let site = notice.place.as_ref().map(|place| place.site.as_str()).filter(|site| !site.is_empty());
    let place = site.unwrap_or(&notice.organisation);
    let place = if place.is_empty() { notice.organisation_code.as_str() } else { place };
    if place.is_empty() { "a place that is not stated".to_owned() } else { text::visible(place) }
}

fn contact(place: Option<&Place>) -> &'static str {
    match place.map(|place| place.contact) {
        None => "Not stated",
        Some(ContactMode::InPerson) => "There in person",
        Some(ContactMode::ByTelephone) => "On the telephone",
    }
}

/// Its number in lists.
pub(super) fn number_in_short(notice: &Notice) -> String {
    let number = notice.place.as_ref().and_then(|place| place.call_back.as_deref());
    number.filter(|number| !number.is_empty()).map_or_else(|| "Not known".to_owned(), text::visible)
}

fn ring(place: Option<&Place>) -> Markup {
    match place.and_then(|place| place.call_back.as_deref()) {
        Some(number) if !number.is_empty() => {
            html! { strong { (text::visible(number)) } ", at any hour" }
        }
        Some(_) | None => html! { "No number is known" },
    }
}
