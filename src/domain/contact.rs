//! Whom to ring: an authority's telephone numbers, and which of them answers now.

use jiff::civil::{Date, Time, Weekday};
use jiff::{Timestamp, ToSpan, Zoned};

use super::bank_holidays::{self, IsHoliday};
use super::dates;

/// A telephone number exactly as the authority sent it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Telephone(String);

impl Telephone {
    /// Keeps the text as sent; `None` where there is none.
    #[must_use]
    pub fn new(as_sent: &str) -> Option<Self> {
        let text = as_sent.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// As sent.
    #[must_use]
    pub fn as_sent(&self) -> &str {
        &self.0
    }

    /// Whether it can be dialled: at least seven digits (six-digit local numbers are of no use elsewhere).
    #[must_use]
    pub fn looks_like_a_number(&self) -> bool {
        self.0.chars().filter(char::is_ascii_digit).count() >= 7
    }
}

/// When an authority's office is open: the same hours on each of its days, London time, bank holidays not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfficeHours {
    /// Days on which it opens.
    pub days: Vec<Weekday>,
    /// Opens.
    pub from: Time,
    /// Closes; after `from` on the same day.
    pub to: Time,
}

impl OfficeHours {
    /// Whether it opens on this day; `None` where the bank holidays of that year are not known.
    #[must_use]
    pub fn opens_on(&self, day: Date) -> Option<bool> {
        if !self.days.contains(&day.weekday()) {
            return Some(false);
        }
        match bank_holidays::in_england(day) {
            IsHoliday::Yes => Some(false),
            IsHoliday::No => Some(true),
            IsHoliday::NotKnown => None,
        }
    }
}

/// A local authority as sent with its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its name; empty where none was sent.
    pub name: String,
    /// Its ODS code, where sent.
    pub code: Option<String>,
    /// Rung in office hours.
    pub office: Option<Telephone>,
    /// The emergency duty team, rung out of hours.
    pub emergency_duty: Option<Telephone>,
    /// When the office is open, where sent.
    pub hours: Option<OfficeHours>,
    /// The team that knows the child, where the authority sends it.
    pub team: Option<TeamContact>,
}

/// A team of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamContact {
    /// Its name.
    pub name: String,
    /// Its number.
    pub telephone: Option<Telephone>,
}

/// Which of an authority's two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Office hours.
    Office,
    /// Emergency duty team.
    EmergencyDuty,
}

/// Which line answers now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RingNow {
    /// This line, until that moment.
    This {
        /// The line to ring.
        line: Line,
        /// When the other takes over, London time.
        until: Zoned,
    },
    /// Both equally, and why.
    Both(WhyBoth),
}

/// Why it cannot be said which line answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyBoth {
    /// The authority sent no office hours.
    HoursNotKnown,
    /// The table of bank holidays ends before this day.
    HolidaysNotKnown,
    /// Within 30 minutes of a switch, at that moment.
    SwitchIsNear(Zoned),
}

/// Minutes before and after a switch in which both lines are offered alike.
const SWITCH_MARGIN_MINUTES: i64 = 30;

/// No office is closed for longer than this; the search for the next switch ends there.
const FARTHEST_SWITCH_DAYS: i32 = 15;

/// Which of the two lines answers at `now`.
#[must_use]
pub fn ring_now(hours: Option<&OfficeHours>, now: Timestamp) -> RingNow {
    let Some(hours) = hours.filter(|h| h.from < h.to && !h.days.is_empty()) else {
        return RingNow::Both(WhyBoth::HoursNotKnown);
    };
    let local = dates::in_london(now);
    let margin = SWITCH_MARGIN_MINUTES.minutes();
    let mut last_switch: Option<(Zoned, Line)> = None;
    let mut next_switch: Option<(Zoned, Line)> = None;
    for offset in -1..=FARTHEST_SWITCH_DAYS {
        let Ok(day) = local.date().checked_add(offset.days()) else { continue };
        match hours.opens_on(day) {
            Some(true) => {}
            Some(false) => continue,
            None => return RingNow::Both(WhyBoth::HolidaysNotKnown),
        }
        for (time, line) in [(hours.from, Line::Office), (hours.to, Line::EmergencyDuty)] {
            let Ok(at) = day.to_datetime(time).to_zoned(dates::london()) else { continue };
            if at <= local {
                last_switch = Some((at, line));
            } else if next_switch.is_none() {
                next_switch = Some((at, line));
            }
        }
        if next_switch.is_some() {
            break;
        }
    }
    for (at, _) in last_switch.iter().chain(&next_switch) {
        let (Ok(early), Ok(late)) = (at.checked_sub(margin), at.checked_add(margin)) else { continue };
        if early <= local && local < late {
            return RingNow::Both(WhyBoth::SwitchIsNear(at.clone()));
        }
    }
    match next_switch {
        Some((until, Line::Office)) => RingNow::This { line: Line::EmergencyDuty, until },
        Some((until, Line::EmergencyDuty)) => RingNow::This { line: Line::Office, until },
        None => RingNow::Both(WhyBoth::HoursNotKnown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time;

    fn weekdays() -> OfficeHours {
        use Weekday::{Friday, Monday, Thursday, Tuesday, Wednesday};
        OfficeHours {
            days: vec![Monday, Tuesday, Wednesday, Thursday, Friday],
            from: time(8, 30, 0, 0),
            to: time(17, 0, 0, 0),
        }
    }

    #[test]
    fn the_line_that_answers_now() {
        let check = |now: &str, expected: &str| {
            let local = now.parse::<jiff::civil::DateTime>().unwrap().to_zoned(dates::london()).unwrap();
            let got = match ring_now(Some(&weekdays()), local.timestamp()) {
                RingNow::This { line, until } => format!("{line:?} until {}", until.strftime("%a %d %H:%M")),
                RingNow::Both(WhyBoth::SwitchIsNear(at)) => {
                    format!("both, switch {}", at.strftime("%a %d %H:%M"))
                }
                RingNow::Both(why) => format!("both, {why:?}"),
            };
            assert_eq!(got, expected, "{now}");
        };
        // 2026-11-20 is a Friday.
        check("2026-11-20T10:00", "Office until Fri 20 17:00");
        check("2026-11-20T16:29", "Office until Fri 20 17:00");
        check("2026-11-20T16:30", "both, switch Fri 20 17:00");
        check("2026-11-20T17:29", "both, switch Fri 20 17:00");
        check("2026-11-20T17:30", "EmergencyDuty until Mon 23 08:30");
        check("2026-11-22T02:14", "EmergencyDuty until Mon 23 08:30");
        check("2026-11-23T08:00", "both, switch Mon 23 08:30");
        check("2026-11-23T09:00", "Office until Mon 23 17:00");
        // Christmas 2026: Friday 25th, substitute Monday 28th.
        check("2026-12-24T18:00", "EmergencyDuty until Tue 29 08:30");
        check("2026-12-28T11:00", "EmergencyDuty until Tue 29 08:30");
        // Easter 2026: Good Friday 3 April, Monday 6 April.
        check("2026-04-03T11:00", "EmergencyDuty until Tue 07 08:30");
        // Across the clock change of 29 March 2026.
        check("2026-03-28T23:00", "EmergencyDuty until Mon 30 08:30");
        // Past the holiday table's last year.
        check("2040-01-05T11:00", "both, HolidaysNotKnown");
    }

    #[test]
    fn unknown_or_impossible_hours_offer_both_lines() {
        let now: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        assert_eq!(ring_now(None, now), RingNow::Both(WhyBoth::HoursNotKnown));
        let backwards = OfficeHours { from: time(17, 0, 0, 0), to: time(9, 0, 0, 0), ..weekdays() };
        assert_eq!(ring_now(Some(&backwards), now), RingNow::Both(WhyBoth::HoursNotKnown));
    }

    #[test]
    fn a_text_without_digits_is_kept_and_known_not_to_be_a_number() {
        let text = Telephone::new(" via switchboard ").unwrap();
        assert_eq!(text.as_sent(), "via switchboard");
        assert!(!text.looks_like_a_number());
        assert!(Telephone::new("01793 466 903 ext 12").unwrap().looks_like_a_number());
        assert_eq!(Telephone::new("  "), None);
    }
}
