//! What has no open case: it has to be put where it belongs, by hand.

use maud::{Markup, html};

use super::access;
use super::frame::{self, Chrome, Section};
use crate::authority::register::{ID_SHOWN, Listed};
use crate::domain::{dates, text};

pub(in super::super) fn triage(
    chrome: &Chrome<'_>,
    list: &[Listed],
    form: &str,
    numbers: u64,
    (this, has_more): (u32, bool),
) -> Markup {
    let main = html! {
        h1 { "To be placed" }
        p {
            "These accesses belong to no open case that is known here: the child may have moved, been adopted, or be under another "
            "number. Nothing is lost: each stays here until somebody has put it under a case, or has dealt with it."
        }
        @if list.is_empty() {
            p { @if this > 1 { "There are no more." } @else { "There is nothing to be placed." } }
        }
        ol class="list" { @for listed in list { li { (card(listed, form)) } } }
        (frame::pages("/triage?page=", this, has_more, ("Longer here", "More recent")))
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

fn card(of: &Listed, form: &str) -> Markup {
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
            (settling(of, form))
        }
    }
}

fn settling(of: &Listed, form: &str) -> Markup {
    let field = format!("case-{}", of.note);
    let hidden = html! {
        input type="hidden" name="form" value=(form);
        // What came since was not seen by whoever presses.
        input type="hidden" name="parts" value=(of.parts);
    };
    html! {
        div class="foot noprint" {
            @if !of.number.is_empty() {
                form method="post" action={ "/triage/" (of.note) } {
                    (hidden)
                    input type="hidden" name="how" value="under";
                    label class="above" for=(field) { "It belongs under the case with this local id" }
                    input type="text" maxlength="100" autocomplete="off" required id=(field) name="case";
                    " " button class="second" { "Put it there" }
                }
            }
            form method="post" action={ "/triage/" (of.note) } {
                (hidden)
                input type="hidden" name="how" value="dealt-with";
                p class="hint" { "If somebody has seen to it, and it belongs on no record here:" }
                button class="second" { "It was dealt with" }
            }
        }
    }
}
