//! What is around every page: whose it is, who is here, where one can go.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::super::lists::Waits;
use super::STYLE;
use crate::domain::dates;

/// Where somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Newest,
    Duty,
    Triage,
    Disputed,
    /// On none of them.
    None,
}

/// What the frame says.
#[derive(Clone)]
pub(in super::super) struct Chrome<'a> {
    /// The authority's name.
    pub(in super::super) authority: &'a str,
    /// Who is here; nobody where nobody is let in.
    pub(in super::super) user: Option<&'a str>,
    /// What a form has to bring, where one can leave.
    pub(in super::super) leave: Option<&'a str>,
    /// Nobody is real.
    pub(in super::super) is_synthetic: bool,
    /// How much waits for a person.
    pub(in super::super) waits: Option<Waits>,
}

/// How what is shown came to be here.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Heard {
    /// When the hub was last heard.
    pub(in super::super) at: Option<Timestamp>,
    /// That is long ago, or something is in the way.
    pub(in super::super) is_doubtful: bool,
}

/// An empty list is a quiet night only if the hub was heard.
pub(super) fn heard(heard: Heard) -> Markup {
    let at = heard.at.map_or_else(|| "never".to_owned(), dates::day_and_time);
    html! {
        @if heard.is_doubtful {
            div class="errors" role="alert" {
                p {
                    strong { "Something may be missing here, or told late. " }
                    "The hub was last heard: " (at) ". Tell whoever runs the link; until then a short or empty list says nothing."
                }
            }
        } @else {
            p { "The hub was last heard: " (at) "." }
        }
    }
}

/// A whole page. The title goes into histories and onto other people's screens: it never says who a page is about.
pub(super) fn page(chrome: &Chrome<'_>, section: Section, title: &str, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en-GB" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " - Accesses to child protection information" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Skip to main content" }
                @if chrome.is_synthetic {
                    div class="strip" role="region" aria-label="Demonstration" {
                        div class="inside" { "Demonstration: nobody here is real" }
                    }
                }
                header {
                    div class="inside" {
                        p class="name" { "Accesses to child protection information" }
                        p { (chrome.authority) }
                        @if let Some(user) = chrome.user { (who(user, chrome.leave)) }
                    }
                }
                @if chrome.user.is_some() { (sections(section, chrome.waits)) }
                main id="main" class="inside" tabindex="-1" { (main) }
                @if chrome.user.is_some() {
                    footer {
                        div class="inside" {
                            p { "Which child's page you open here is recorded under your name." }
                        }
                    }
                }
            }
        }
    }
}

fn who(user: &str, leave: Option<&str>) -> Markup {
    html! {
        div class="here" {
            "Here as " strong { (user) }
            @if let Some(form) = leave {
                form method="post" action="/leave" class="noprint" {
                    input type="hidden" name="form" value=(form);
                    button class="plain" { "Sign out" }
                }
            }
        }
    }
}

fn sections(section: Section, waits: Option<Waits>) -> Markup {
    let counted = |words: &str, many: Option<u64>| match many {
        Some(many) if many > 0 => format!("{words} ({many})"),
        Some(_) | None => words.to_owned(),
    };
    let to_place = counted("To be placed", waits.map(|waits| waits.triage));
    let disputed = counted("Not recognised", waits.map(|waits| waits.disputed));
    let all = [
        (Section::Newest, "/", "Newest accesses"),
        (Section::Duty, "/duty", "Since the office closed"),
        (Section::Triage, "/triage", to_place.as_str()),
        (Section::Disputed, "/not-recognised", disputed.as_str()),
    ];
    html! {
        nav aria-label="Parts of this page" {
            ul class="inside" {
                @for (here, address, words) in all {
                    li { a href=(address) aria-current=[(here == section).then_some("page")] { (words) } }
                }
            }
        }
    }
}

/// A page for whoever is not let in, or asks what cannot be answered: it says nothing about anybody.
pub(in super::super) fn plain(authority: &str, heading: &str, sentences: &[&str]) -> Markup {
    let chrome = Chrome { authority, user: None, leave: None, is_synthetic: false, waits: None };
    let main = html! {
        h1 { (heading) }
        @for sentence in sentences { p { (sentence) } }
    };
    page(&chrome, Section::None, heading, &main)
}

/// What has to be mended, above everything else: each is a link to its field.
pub(super) fn errors(list: &[(&str, &str)]) -> Markup {
    html! {
        @if !list.is_empty() {
            div class="errors" role="alert" aria-labelledby="errors-title" {
                h2 id="errors-title" { "There is a problem" }
                ul { @for (field, words) in list { li { a href={ "#" (field) } { (words) } } } }
            }
        }
    }
}

/// What is before and behind, for a list that is longer than a page. `address` ends so that a number can follow.
pub(super) fn pages(address: &str, this: u32, has_more: bool, (before, behind): (&str, &str)) -> Markup {
    html! {
        @if this > 1 || has_more {
            nav class="pages" aria-label="Pages" {
                @if this > 1 {
                    a href={ (address) (this.saturating_sub(1)) } rel="prev" { (before) }
                }
                p { "Page " (this) }
                @if has_more {
                    a href={ (address) (this.saturating_add(1)) } rel="next" { (behind) }
                }
            }
        }
    }
}
