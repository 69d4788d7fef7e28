//! What has no open case: it has to be put where it belongs, by hand.

use maud::{Markup, html};

use super::access;
use super::frame::{self, Chrome, Section};
use crate::authority::register::{ID_SHOWN, Listed};
use crate::domain::{dates, text};

pub(in super::super) fn triage(chrome: &Chrome<'_>, list: &[Listed], numbers: u64) -> Markup {
    let main = html! {
        h1 { "To be placed" }
        p {
            "These accesses belong to no open case that is known here: the child may have moved, been adopted, or be under another "
            "number. Nothing is lost: each stays here until somebody has put it under a case, or has dealt with it."
        }
        @if list.is_empty() { p { "There is nothing to be placed." } }
        ol class="list" { @for listed in list { li { (card(listed)) } } }
        @if !list.is_empty() {
            div class="inset noprint" {
                p {
                    "Whoever runs the link settles them at its computer: "
                    "“cpis-authority triage”, with the short reference that stands beside each."
                }
            }
        }
        @if numbers > 0 {
            h2 { "NHS numbers that are no longer in use" }
            p {
                "Records whose NHS number has to be mended: " (numbers) ". Ask your data officer; whoever runs the link sees which they are: "
                "“cpis-authority not-visible”."
            }
        }
    };
    frame::page(chrome, Section::Triage, "To be placed", &main)
}

fn card(of: &Listed) -> Markup {
    let short = of.note.get(..ID_SHOWN).unwrap_or(&of.note);
    html! {
        article class="card" {
            div class="head" {
                h2 { (access::case(&of.note, &of.local_id)) }
                span { "Since " (dates::day_and_time(of.since)) }
            }
            dl {
                div { dt { "Why it is here" } dd { (of.why) } }
                @if !of.number.is_empty() { div { dt { "NHS number" } dd { (of.number) } } }
                div { dt { "What came" } dd class="words" { (text::visible(&of.text).replace('\u{fffd}', "\n")) } }
                div { dt { "Short reference" } dd { (short) ":" (of.parts) } }
            }
        }
    }
}
