//! The newest accesses, of one worker's children or of all, of one day or of all.

use maud::{Markup, html};

use super::access;
use super::frame::{self, Chrome, Heard, Section};
use crate::authority::register::{Access, Standing};
use crate::domain::text;

/// What was chosen in the filter, as it was written.
#[derive(Default)]
pub(in super::super) struct Filter {
    /// Day, month, year.
    pub(in super::super) day: [String; 3],
    /// Why that is no day.
    pub(in super::super) wrong: Option<&'static str>,
    /// Whose children can be chosen: what the form sends, the words, and whether it is chosen.
    pub(in super::super) workers: Vec<(String, String, bool)>,
    /// Only what nobody has read.
    pub(in super::super) unread: bool,
}

/// A page of them.
pub(in super::super) struct Newest<'a> {
    pub(in super::super) filter: Filter,
    pub(in super::super) accesses: &'a [Access],
    pub(in super::super) heard: Heard,
    pub(in super::super) this: u32,
    pub(in super::super) has_more: bool,
    /// The address of this list, so that a page's number can follow.
    pub(in super::super) address: String,
}

pub(in super::super) fn newest(chrome: &Chrome<'_>, list: &Newest<'_>) -> Markup {
    let problems: Vec<_> = list.filter.wrong.map(|why| ("day", why)).into_iter().collect();
    let main = html! {
        (frame::errors(&problems))
        h1 { "Newest accesses" }
        p {
            "Hospitals, 111 and other unscheduled care have opened the child protection information of these children. "
            "An access does not say why, that a child is hurt, or that they are still there."
        }
        (frame::heard(list.heard))
        (filter(&list.filter))
        @if list.accesses.is_empty() {
            p { @if list.this > 1 { "There are no more." } @else { "There is nothing to show." } }
        } @else {
            ol class="list" { @for access in list.accesses { li { (card(access)) } } }
        }
        (frame::pages(&list.address, list.this, list.has_more, ("Newer", "Older")))
    };
    let title = if problems.is_empty() { "Newest accesses" } else { "Error: Newest accesses" };
    frame::page(chrome, Section::Newest, title, &main)
}

fn card(of: &Access) -> Markup {
    html! {
        article class="card" {
            div class="head" {
                h2 { (access::case(&of.note, &of.local_id)) }
                (states(of))
            }
            p class="when" { (access::heading(of)) }
            (access::details(of))
            @if let Some(worker) = &of.worker { (responsible(worker, of.team.as_deref())) }
        }
    }
}

fn responsible(worker: &str, team: Option<&str>) -> Markup {
    html! {
        div class="foot" {
            p { "Responsible: " (text::visible(worker)) @if let Some(team) = team { ", " (text::visible(team)) } }
        }
    }
}

/// Who was alerted of it.
pub(super) fn alerted(of: &Access) -> Markup {
    let names: Vec<String> = of.alerts.iter().map(|alert| text::visible(&alert.name)).collect();
    html! { @if !names.is_empty() { p { "Told: " (names.join(", ")) } } }
}

/// Read, reported, not placed: in words, the colour only repeats them.
pub(super) fn states(of: &Access) -> Markup {
    let is_open = of.not_recognised.as_ref().is_some_and(|of| of.settled.is_none());
    html! {
        div {
            @if is_open { span class="tag bad" { "Not recognised" } " " }
            @if of.is_restricted { span class="tag" { "Restricted" } " " }
            @if of.standing == Standing::Triage { span class="tag bad" { "To be placed" } " " }
            @if of.is_read() { span class="tag" { "Read" } }
            @else if of.read.is_empty() { span class="tag new" { "Not read" } }
            @else { span class="tag new" { "Read by emergency duty only" } }
        }
    }
}

fn filter(of: &Filter) -> Markup {
    html! {
        form class="filter" method="get" action="/" {
            div class="row" {
                @if !of.workers.is_empty() {
                    div {
                        label class="above" for="worker" { "Whose children" }
                        select id="worker" name="worker" {
                            @for (value, words, is_chosen) in &of.workers {
                                option value=(value) selected[*is_chosen] { (words) }
                            }
                        }
                    }
                }
                (day(of))
                div {
                    label { input type="checkbox" name="unread" value="yes" checked[of.unread]; " Only what nobody has read" }
                }
                button class="second" { "Show" }
            }
        }
    }
}

fn day(of: &Filter) -> Markup {
    let fields = [("day", "Day", "two"), ("month", "Month", "two"), ("year", "Year", "four")];
    html! {
        fieldset class=[of.wrong.is_some().then_some("wrong")] aria-describedby="day-hint" {
            legend { "Opened on" }
            p id="day-hint" class="hint" { "For example, 22 11 2026. Leave it empty for every day." }
            @if let Some(why) = of.wrong { p class="message" { "Error: " (why) } }
            div class="fields" {
                @for ((name, label, class), value) in fields.iter().zip(&of.day) {
                    div {
                        label for=(name) { (label) }
                        input type="text" inputmode="numeric" autocomplete="off" maxlength="4" id=(name) name=(name) class=(class) value=(value);
                    }
                }
            }
        }
    }
}
