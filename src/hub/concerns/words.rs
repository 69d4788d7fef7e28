//! Concerns in words, for somebody who is no engineer, and as JSON for a program.

use std::fmt::Write;

use serde_json::{Value, json};

use super::{Concern, ConcernKind, ConcernReport};
use crate::domain::{dates, text};

impl ConcernKind {
    /// The code in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::SameFamilyName => "same-family-name",
            Self::Restricted => "restricted",
            Self::WalkingNumbers => "walking-numbers",
            Self::SearchVolume => "search-volume",
            Self::FoundNotOpened => "found-not-opened",
            Self::ManyDays => "many-days",
            Self::UnusualHour => "unusual-hour",
            Self::OnlyViewer => "only-viewer",
        }
    }

    /// The heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::SameFamilyName => "The viewer and the patient share a family name",
            Self::Restricted => "A restricted record",
            Self::WalkingNumbers => "NHS numbers that follow each other",
            Self::SearchVolume => "More searches or requests than the limits allow",
            Self::FoundNotOpened => "Many people found, and not opened",
            Self::ManyDays => "The same record on several days",
            Self::UnusualHour => "An unusual hour for this viewer",
            Self::OnlyViewer => "Nobody else there opened it",
        }
    }

    /// Why it may be innocent.
    #[must_use]
    pub fn may_be_innocent(self) -> &'static str {
        match self {
            Self::SameFamilyName => {
                "Names are shared by chance, the more so the commoner they are, and in some families and places many people have one"
            }
            Self::Restricted => {
                "The patient came in. Staff see that a record is restricted only after asking"
            }
            Self::WalkingNumbers => {
                "Newborns of one unit, and twins, are given numbers close to each other; a clinic list may hold them together"
            }
            Self::SearchVolume => {
                "A reception desk on a bad night, a shared list worked through, or a program that is stuck in a loop"
            }
            Self::FoundNotOpened => {
                "Reception registers patients and never opens anything; a common name lists many people for each patient"
            }
            Self::ManyDays => "A patient who stays, comes back, or is followed up by the same nurse",
            Self::UnusualHour => "A shift that was swapped, overtime, a new rota",
            Self::OnlyViewer => "Most patients are looked after by one person who opens the record once",
        }
    }

    /// What to ask.
    #[must_use]
    pub fn ask(self) -> &'static str {
        match self {
            Self::SameFamilyName => {
                "Was this patient in the department then, and is the viewer related to them? Ask the department for the attendance first, the viewer afterwards"
            }
            Self::Restricted => {
                "Was this patient in the department then, and who asked for the record to be opened?"
            }
            Self::WalkingNumbers => "Where did the numbers come from? Is there a list, and what was it for?",
            Self::SearchVolume => {
                "What was being looked for? Ask the IT help desk too whether a program asked by itself"
            }
            Self::FoundNotOpened => {
                "What was being looked for, and is it this person's task to search without opening?"
            }
            Self::ManyDays => {
                "Was the patient there on each of these days? If not, why was the record opened again?"
            }
            Self::UnusualHour => "Was the viewer on duty then? Was it them who used the session?",
            Self::OnlyViewer => {
                "Is there an attendance for each of these patients? Look at a few of the references"
            }
        }
    }
}

/// How far it stands out, in a word.
fn strength(strength: u8) -> &'static str {
    match strength {
        70.. => "stands out",
        40..70 => "worth a look",
        0..40 => "weak by itself",
    }
}

impl ConcernReport {
    /// For a person to read.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let at = dates::day_and_time;
        let _ = writeln!(
            out,
            "Views worth a question, {} to {} (London time)\n\nNone of this says that anybody did wrong. Each entry says what was seen, why it may be\n\
             innocent, and what to ask. Looking at this report is in the audit log.\n",
            at(self.question.since),
            at(self.question.until)
        );
        if self.concerns.is_empty() {
            let _ = writeln!(out, "Nothing was found. That does not say that nothing happened.\n");
        }
        for (place, concern) in (1..).zip(&self.concerns) {
            let _ = writeln!(out, "{}", concern.text(place));
        }
        for (kind, more) in &self.more {
            let _ = writeln!(out, "{more} more: {}. Take a shorter period to see them.", kind.title());
        }
        let _ = writeln!(out, "{} users were looked at.", self.users);
        if self.too_little_history > 0 {
            let _ = writeln!(
                out,
                "Of {} of them too little history is held to say at which hours they usually work.",
                self.too_little_history
            );
        }
        if self.not_all_looked_at > 0 {
            let _ = writeln!(
                out,
                "Of {} of them there was too much to look at all: take a shorter period.",
                self.not_all_looked_at
            );
        }
        out
    }

    /// For a program.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "since": self.question.since.to_string(),
            "until": self.question.until.to_string(),
            "asked": self.asked.to_string(),
            "users": self.users,
            "too_little_history": self.too_little_history,
            "not_all_looked_at": self.not_all_looked_at,
            "concerns": self.concerns.iter().map(Concern::json).collect::<Vec<_>>(),
            "more": self.more.iter().map(|(kind, more)| json!({ "kind": kind.code(), "count": more })).collect::<Vec<_>>(),
        })
    }
}

impl Concern {
    fn text(&self, place: usize) -> String {
        let who = &self.who;
        let mut out = String::new();
        let shown = text::visible;
        let _ = writeln!(out, "{place}. {} ({})", self.kind.title(), strength(self.strength));
        let _ = writeln!(
            out,
            "   Who:        {}, {}, {} ({}), user {}",
            shown(&who.name),
            shown(&who.role),
            shown(&who.organisation),
            shown(&who.organisation_code),
            shown(&who.user)
        );
        if let Some(number) = self.number {
            let _ = writeln!(out, "   Patient:    NHS number {}", number.grouped());
        }
        let _ = writeln!(out, "   Seen:       {}", shown(&self.seen));
        let times = if self.times == 1 { "once".to_owned() } else { format!("{} times", self.times) };
        let (first, last) = (dates::day_and_time(self.first), dates::day_and_time(self.last));
        let when = if first == last { first } else { format!("{first} to {last}") };
        let _ = writeln!(out, "   When:       {when}, {times}");
        if !self.references.is_empty() {
            let more =
                usize::try_from(self.times).unwrap_or(usize::MAX).saturating_sub(self.references.len());
            let more = if more > 0 { " …" } else { "" };
            let _ = writeln!(out, "   References: {}{more}", shown(&self.references.join(" ")));
        }
        let _ = writeln!(out, "   Innocent?   {}", self.kind.may_be_innocent());
        let _ = writeln!(out, "   Ask:        {}", self.kind.ask());
        out
    }

    /// Names are as others wrote them. JSON hides control characters but not those that turn the direction of reading, nor
    /// those that a terminal obeys beyond ASCII.
    fn json(&self) -> Value {
        let shown = text::visible;
        json!({
            "kind": self.kind.code(),
            "strength": self.strength,
            "user": shown(&self.who.user),
            "name": shown(&self.who.name),
            "role": shown(&self.who.role),
            "organisation_code": shown(&self.who.organisation_code),
            "organisation": shown(&self.who.organisation),
            "nhs_number": self.number.map(|number| number.digits()),
            "seen": shown(&self.seen),
            "first": self.first.to_string(),
            "last": self.last.to_string(),
            "times": self.times,
            "references": self.references,
            "may_be_innocent": self.kind.may_be_innocent(),
            "ask": self.kind.ask(),
        })
    }
}
