//! A child's page: who opened the information, in what role, from which setting, with the number to ring back; and what
//! somebody here did with it.

use maud::{Markup, html};

use super::access;
use super::frame::{self, Chrome, Section};
use super::newest::{alerted, states};
use crate::authority::register::{Access, AsWhom, NotRecognised};
use crate::domain::{dates, text};
use crate::exchange::notice::Event;

/// What was just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Told {
    Read(AsWhom),
    Reported,
    LookedInto,
}

/// A child's page.
pub(in super::super) struct Child<'a> {
    /// The register's own reference.
    pub(in super::super) note: &'a str,
    /// What the authority's own systems know the child by.
    pub(in super::super) local_id: &'a str,
    /// 3-3-4; empty where it is not known.
    pub(in super::super) number: String,
    /// Newest first.
    pub(in super::super) accesses: &'a [Access],
    /// There are more than are shown.
    pub(in super::super) has_more: bool,
    /// What a form has to bring.
    pub(in super::super) form: &'a str,
    pub(in super::super) told: Option<Told>,
    /// Only named people see it.
    pub(in super::super) is_restricted: bool,
}

pub(in super::super) fn child(chrome: &Chrome<'_>, child: &Child<'_>) -> Markup {
    let unread = child.accesses.iter().filter(|access| !access.is_read()).count();
    let main = html! {
        a class="back noprint" href="/" { "Back to the newest accesses" }
        @if let Some(told) = child.told { (done(told)) }
        h1 { "Case " (child.local_id) }
        @if !child.number.is_empty() || child.is_restricted { dl class="whole" {
            @if !child.number.is_empty() { div { dt { "NHS number" } dd { (child.number) } } }
            @if child.is_restricted { div { dt { "Restricted" } dd { "Only the people who are named for this case see this page" } } }
        } }
        div class="inset" {
            p {
                "Each entry says that somebody opened this child's protection information. "
                "It does not say why, that the child is hurt, or that they are still there. Ring back to find out."
            }
        }
        @if unread > 0 { (mark_read(child, unread)) }
        h2 { "Who opened it" }
        ol class="list" { @for access in child.accesses { li { (entry(child, access)) } } }
        @if child.has_more {
            p { "Older accesses are not shown here. They are in the case notes." }
        }
    };
    frame::page(chrome, Section::None, "A child's accesses", &main)
}

fn done(told: Told) -> Markup {
    let (heading, words) = match told {
        Told::Read(AsWhom::Alerted) => {
            ("Marked as read", "Everybody who opens this page sees that you have read it, and when.")
        }
        Told::Read(AsWhom::Duty) => (
            "Marked as read by emergency duty",
            "You were alerted as emergency duty. For whoever is responsible in office hours it is as unread as before.",
        ),
        Told::Read(AsWhom::Beside) => (
            "It is noted that you have read it",
            "You were not alerted of it. For those who were it is as unread as before, and goes on to the next of them.",
        ),
        Told::Reported => (
            "Reported as not recognised",
            "It is counted until somebody has written here what came of it. The manager is alerted once the link works.",
        ),
        Told::LookedInto => ("Looked into", "What came of it stands beside the access, with your name."),
    };
    html! {
        div class="done" role="status" aria-labelledby="done-title" {
            h2 id="done-title" { (heading) }
            p { (words) }
        }
    }
}

fn mark_read(child: &Child<'_>, unread: usize) -> Markup {
    html! {
        form method="post" action={ "/child/" (child.note) "/read" } class="noprint" {
            input type="hidden" name="form" value=(child.form);
            // What came since this page was made was not read by whoever presses.
            input type="hidden" name="seen" value=(seen(child.accesses));
            div class="buttons" {
                button { @if unread == 1 { "Mark 1 access as read" } @else { "Mark " (unread) " accesses as read" } }
            }
        }
    }
}

/// What is on the page, as the form brings it back: of each note the last part.
fn seen(accesses: &[Access]) -> String {
    let mut last: Vec<(&str, u32)> = Vec::new();
    for access in accesses {
        match last.iter_mut().find(|(note, _)| *note == access.note) {
            Some((_, part)) => *part = access.part.max(*part),
            None => last.push((&access.note, access.part)),
        }
    }
    let each: Vec<String> = last.iter().map(|(note, part)| format!("{note}:{part}")).collect();
    each.join(",")
}

fn entry(child: &Child<'_>, of: &Access) -> Markup {
    let is_opened = of.notice.as_ref().is_some_and(|notice| notice.event == Event::Opened);
    let may_report = is_opened && of.not_recognised.is_none() && !child.form.is_empty();
    html! {
        article class="card" {
            div class="head" { h3 { (access::heading(of)) } (states(of)) }
            (access::details(of))
            @if !of.read.is_empty() || !of.alerts.is_empty() || of.not_recognised.is_some() || may_report {
                div class="foot" {
                    (alerted(of))
                    @for read in &of.read {
                        p {
                            "Read by " strong { (text::visible(&read.by)) } (as_whom(read.as_whom))
                            ", " (dates::day_and_time(read.at))
                        }
                    }
                    @if let Some(said) = &of.not_recognised { (not_recognised(child.form, of, said)) }
                    @if may_report {
                        a class="noprint" href=(report_address(of)) { "I do not recognise this access" }
                    }
                }
            }
        }
    }
}

/// What is said of a reader for whom it is not read by that.
fn as_whom(whom: AsWhom) -> &'static str {
    match whom {
        AsWhom::Alerted => "",
        AsWhom::Duty => " (emergency duty)",
        AsWhom::Beside => " (was not alerted)",
    }
}

pub(super) fn not_recognised(form: &str, of: &Access, said: &NotRecognised) -> Markup {
    html! {
        p {
            "Not recognised, said " strong { (text::visible(&said.by)) } ", " (dates::day_and_time(said.at))
            @if !said.words.is_empty() { ": " (text::visible(&said.words)) }
        }
        @match &said.settled {
            None => form class="noprint" method="post" action={ "/child/" (of.note) "/looked-into/" (of.part) } {
                input type="hidden" name="form" value=(form);
                label class="above" for={ "outcome-" (of.note) "-" (of.part) } { "Somebody has to look into it. What came of it?" }
                input type="text" class="long" maxlength="500" required id={ "outcome-" (of.note) "-" (of.part) } name="words";
                " " button class="second" { "It was looked into" }
            },
            Some((by, at, outcome)) => p {
                "Looked into by " strong { (text::visible(by)) } ", " (dates::day_and_time(*at)) ": " (text::visible(outcome))
            },
        }
    }
}

fn report_address(of: &Access) -> String {
    format!("/child/{}/not-recognised/{}", of.note, of.part)
}

/// Asks what is odd about an access.
pub(in super::super) fn report(
    chrome: &Chrome<'_>,
    child: &Child<'_>,
    of: &Access,
    words: &str,
    wrong: Option<&str>,
) -> Markup {
    let problems: Vec<_> = wrong.map(|why| ("words", why)).into_iter().collect();
    let address = report_address(of);
    let main = html! {
        a class="back" href={ "/child/" (child.note) } { "Back to the case" }
        (frame::errors(&problems))
        h1 { "I do not recognise this access" }
        p {
            "Report it if this child cannot have been there, or you do not believe that this person had a reason to look. "
            "It is counted until somebody has written what came of it, the manager is alerted, and the "
            "authority can ask the hospital. The person who looked is not told."
        }
        article class="card" {
            div class="head" { h2 { "Case " (child.local_id) ": " (access::heading(of)) } }
            (access::details(of))
        }
        form method="post" action=(address) {
            input type="hidden" name="form" value=(child.form);
            div class=[wrong.map(|_| "wrong")] {
                label class="above" for="words" { "What is odd about it? (optional)" }
                p id="words-hint" class="hint" { "At most 500 characters. Do not write more about the child than is needed." }
                @if let Some(why) = wrong { p class="message" id="words-error" { "Error: " (why) } }
                textarea id="words" name="words" rows="4" aria-describedby="words-hint" { (words) }
            }
            div class="buttons" {
                button class="warn" { "Report this access" }
                a href={ "/child/" (child.note) } { "Do not report it" }
            }
        }
    };
    let title = "I do not recognise this access";
    let title = if wrong.is_some() { format!("Error: {title}") } else { title.to_owned() };
    frame::page(chrome, Section::None, &title, &main)
}
