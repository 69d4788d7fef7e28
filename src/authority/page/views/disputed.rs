//! What somebody did not recognise: who said so, when, and what they wrote, until somebody has written what came of it.

use maud::{Markup, html};

use super::access;
use super::child::not_recognised;
use super::frame::{self, Chrome, Section};
use super::newest::alerted;
use crate::authority::register::Access;

pub(in super::super) fn disputed(
    chrome: &Chrome<'_>,
    list: &[Access],
    form: &str,
    (this, has_more): (u32, bool),
) -> Markup {
    let main = html! {
        h1 { "Not recognised" }
        p {
            "Somebody here does not believe that these accesses are right. Each stays here until somebody has written what came of it: "
            "ask the organisation that looked, by its number to ring back or its information governance team, with the reference."
        }
        @if list.is_empty() {
            p { @if this > 1 { "There are no more." } @else { "There is none that you may see." } }
        }
        ol class="list" { @for of in list { li { (card(of, form)) } } }
        (frame::pages("/not-recognised?page=", this, has_more, ("Newer", "Older")))
    };
    frame::page(chrome, Section::Disputed, "Not recognised", &main)
}

fn card(of: &Access, form: &str) -> Markup {
    html! {
        article class="card" {
            div class="head" {
                h2 { (access::case(&of.note, &of.local_id)) }
                @if of.is_restricted { span class="tag" { "Restricted" } }
            }
            p class="when" { (access::heading(of)) }
            (access::details(of))
            @if let Some(said) = &of.not_recognised {
                div class="foot" { (alerted(of)) (not_recognised(form, of, said)) }
            }
        }
    }
}
