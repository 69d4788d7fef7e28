//! For emergency duty and whoever takes over from it: everything since the office closed, on the screen and on paper.

use jiff::Timestamp;
use maud::{Markup, html};

use super::access;
use super::frame::{self, Chrome, Heard, Section};
use super::newest::{alerted, states};
use crate::authority::register::{Access, AsWhom};
use crate::domain::{dates, text};

/// What there was since the office closed.
pub(in super::super) struct Duty<'a> {
    pub(in super::super) since: Timestamp,
    /// Office hours are known; otherwise it is the last day.
    pub(in super::super) knows_hours: bool,
    pub(in super::super) now: Timestamp,
    pub(in super::super) heard: Heard,
    /// Newest first.
    pub(in super::super) accesses: &'a [Access],
    pub(in super::super) has_more: bool,
    /// What a form has to bring.
    pub(in super::super) form: &'a str,
}

impl Duty<'_> {
    fn heading(&self) -> &'static str {
        if self.knows_hours { "Since the office closed" } else { "The last 24 hours" }
    }

    fn span(&self) -> Markup {
        html! {
            "From " strong { (dates::day_and_time(self.since)) } " until now, " (dates::day_and_time(self.now)) ". "
            @if !self.knows_hours { "The office hours are not in the configuration. " }
            @if self.has_more { strong { "There are more than are shown: these are the newest. " } }
        }
    }
}

pub(in super::super) fn duty(chrome: &Chrome<'_>, duty: &Duty<'_>) -> Markup {
    let main = html! {
        h1 { (duty.heading()) }
        p { (duty.span()) "An access does not say why, that a child is hurt, or that they are still there." }
        (frame::heard(duty.heard))
        @if duty.accesses.is_empty() {
            p { "There was no access that you may see." }
        } @else {
            p { a href="/duty/handover" { "Handover, for printing" } }
            ol class="list" { @for of in duty.accesses { li { (card(duty, of)) } } }
        }
    };
    frame::page(chrome, Section::Duty, duty.heading(), &main)
}

fn card(duty: &Duty<'_>, of: &Access) -> Markup {
    let is_seen = of.read.iter().any(|read| read.as_whom == AsWhom::Duty);
    html! {
        article class="card" {
            div class="head" {
                h2 { (access::case(&of.note, &of.local_id)) }
                (states(of))
            }
            p class="when" { (access::heading(of)) }
            (access::details(of))
            div class="foot" {
                @if let Some(worker) = &of.worker { p { "Responsible: " (text::visible(worker)) } }
                (alerted(of))
                @if !is_seen {
                    form method="post" action="/duty/seen" {
                        input type="hidden" name="form" value=(duty.form);
                        input type="hidden" name="seen" value={ (of.note) ":" (of.part) };
                        button class="second" { "Read as emergency duty" }
                    }
                }
            }
        }
    }
}

/// The same on paper, with room to write.
pub(in super::super) fn handover(chrome: &Chrome<'_>, duty: &Duty<'_>) -> Markup {
    // Paper goes to the next shift, whoever they are.
    let (held, common): (Vec<&Access>, Vec<&Access>) =
        duty.accesses.iter().partition(|access| access.is_restricted);
    let main = html! {
        a class="back noprint" href="/duty" { "Back" }
        h1 { "Handover" }
        p { (chrome.authority) ". " (duty.span()) }
        (frame::heard(duty.heard))
        p { "Made by " (chrome.user.unwrap_or_default()) ". Confidential: keep it as a case file, and shred it when it is no longer needed." }
        p class="noprint" { "Print this page with your browser: Ctrl and P." }
        div class="scroll" tabindex="0" role="region" aria-label="Handover" {
            table class="sheet" {
                caption { "Accesses since " (dates::day_and_time(duty.since)) ", the newest first: " (common.len()) }
                thead {
                    tr {
                        th scope="col" { "Case" }
                        th scope="col" { "What" }
                        th scope="col" { "Who, and from where" }
                        th scope="col" { "Ring back" }
                        th scope="col" { "Read by" }
                        th scope="col" { "Done, by whom" }
                    }
                }
                tbody { @for of in common { (line(of)) } }
            }
        }
        @if !held.is_empty() {
            p { strong { "Accesses of restricted cases that are not on this paper, and only on the page of their holders: " (held.len()) } }
        }
        p { "An access does not say why, that a child is hurt, or that they are still there." }
    };
    frame::page(chrome, Section::Duty, "Handover", &main)
}

fn line(of: &Access) -> Markup {
    let readers: Vec<String> = of.read.iter().map(|read| text::visible(&read.by)).collect();
    let readers = if readers.is_empty() { "Nobody".to_owned() } else { readers.join(", ") };
    html! {
        tr {
            th scope="row" { @if of.local_id.is_empty() { "Not known" } @else { (of.local_id) } }
            td { (access::heading(of)) }
            @match &of.notice {
                Some(notice) => {
                    td { (access::said(&notice.name)) ", " (access::said(&notice.role)) ", " (access::place_in_short(notice)) }
                    td { (access::number_in_short(notice)) }
                }
                None => { td { "Cannot be read" } td { "Not known" } }
            }
            td { (readers) }
            td {}
        }
    }
}
