//! The README's table of people, held against the window: what it promises is what one sees.

use std::collections::BTreeSet;

use cpis::domain::dates;
use eframe::egui::accesskit::Role;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::desk::{Desk, NOT_OPENED};
use super::town::{Town, now};

/// A row of the table.
struct Row {
    name: String,
    number: String,
    born: String,
    /// How the answer's headline reads: what stands before the first full stop.
    headline: String,
    /// What stands after it.
    remark: String,
}

fn rows() -> Vec<Row> {
    let readme = include_str!("../../../README.md");
    let table = readme.lines().skip_while(|line| !line.starts_with("| Name | NHS number |")).skip(2);
    let cells =
        |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    table
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let [name, number, born, seen] = cells(line).try_into().unwrap();
            let (headline, remark) = seen.split_once(". ").unwrap_or((&seen, ""));
            Row { name, number, born, headline: headline.to_owned(), remark: remark.to_owned() }
        })
        .collect()
}

/// The date of birth as one would type it on this day.
fn typed(born: &str, today: Date) -> String {
    let ago = |words: &str, unit: &str| words.strip_suffix(unit).and_then(|n| n.trim().parse::<i64>().ok());
    if born == "18 years ago tomorrow" {
        let tomorrow = today.tomorrow().unwrap();
        let year = tomorrow.year() - 18;
        // On 28 February the 29th is tomorrow only in a leap year; elsewhere that birthday counts as 1 March.
        let born =
            Date::new(year, tomorrow.month(), tomorrow.day()).unwrap_or(Date::new(year, 3, 1).unwrap());
        dates::day(born)
    } else if let Some(years) = ago(born, "years ago") {
        dates::day(today.checked_sub(years.years()).unwrap())
    } else if let Some(days) = ago(born, "days ago") {
        dates::day(today.checked_sub(days.days()).unwrap())
    } else {
        born.to_owned()
    }
}

/// What the window must say for a remark of the table. A remark that is not listed is not held: list it.
fn said_for(remark: &str) -> &'static str {
    match remark {
        "Two local authorities: ring both" => "Two local authorities hold plans: ring both",
        "A plan made before birth may be under the mother's number" => {
            "A plan made before birth may still be held under the mother's NHS number. Find the mother too"
        }
        "Due three days ago" => "Due or ended ",
        "Found under the number that replaced it" => {
            "The number that was typed has been replaced by this one"
        }
        "No number for out of hours" => "Emergency duty team: No out-of-hours number is held for Thamesbury",
        "Office hours are not known" => "This authority's office hours are not known: try either number",
        "Opened at three organisations in ten days" => "Opened 7 times, about 5 visits, 3 organisations",
        "Choose her by her given name" => "Twin or one of several: check the given name",
        "Choose gender Male, and then him" => "Date of birth 2020 (day and month not known)",
        "Recorded as deceased" => "Recorded as deceased on ",
        _ => panic!("nothing is known to be shown for the remark {remark:?} of the README's table"),
    }
}

/// Searches as the row says. Returns whether there is somebody to open.
fn find(desk: &mut Desk, row: &Row, today: Date) -> bool {
    desk.ask((&row.number, &typed(&row.born, today)));
    if row.remark == "Choose gender Male, and then him" {
        desk.wait_for("With a date of birth that is not exact, choose the gender too");
        desk.press_role(Role::RadioButton, "Male");
        desk.press("Find patient");
    }
    if row.remark.starts_with("Choose") {
        let name = desk.until("somebody to choose", |desk| desk.candidates().pop());
        assert_eq!(desk.candidates().len(), 1);
        desk.press(&name);
    }
    desk.until("the patient, or why not", Desk::headline) == NOT_OPENED
}

fn hold(clock: Timestamp) {
    let town = Town::at(clock);
    let mut desk = town.desk().nurse();
    for row in rows() {
        let place = format!("{} at {clock}", row.name);
        let found = find(&mut desk, &row, town.day());
        let headline = if found { desk.open() } else { desk.headline().unwrap() };
        // "Nothing held" goes on after a colon; everything else is the whole headline.
        let holds = headline == row.headline || headline.starts_with(&format!("{}:", row.headline));
        assert!(holds, "{place}: the README says {:?}, the window {headline:?}", row.headline);
        if !row.remark.is_empty() {
            let said = said_for(&row.remark);
            desk.until(&format!("{place}: {said}"), |desk| desk.text_with(said));
        }
        desk.new_search();
    }
}

#[test]
fn the_table_is_there_with_everybody_once() {
    let numbers: BTreeSet<String> = rows().into_iter().map(|row| row.number).collect();
    assert_eq!((rows().len(), numbers.len()), (24, 24));
}

/// Each at a desk of its own, all at the same time: they mostly wait for the guard against a second Enter.
fn hold_at_each(clocks: &[Timestamp]) {
    std::thread::scope(|scope| {
        for clock in clocks {
            let named = std::thread::Builder::new().name(format!("the table at {clock}"));
            named.spawn_scoped(scope, || hold(*clock)).unwrap();
        }
    });
}

#[test]
fn the_readme_shows_what_the_window_shows_today_in_a_year_and_in_five() {
    let noon = |years: i64| {
        let day = dates::london_day(now()).checked_add(years.years()).unwrap();
        day.at(12, 0, 0, 0).to_zoned(dates::london()).unwrap().timestamp()
    };
    hold_at_each(&[noon(0), noon(1), noon(5)]);
}

#[test]
fn h14_the_readme_shows_what_the_window_shows_around_both_clock_changes() {
    // 00:30 and 01:30 UTC: before and after the clocks go, on the same London day. In autumn also 00:30 of the
    // day by the clock on the wall, which is still the day before in UTC.
    let clocks = [
        "2026-03-29T00:30:00Z",
        "2026-03-29T01:30:00Z",
        "2026-10-24T23:30:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2027-03-28T00:30:00Z",
        "2027-03-28T01:30:00Z",
        "2027-10-30T23:30:00Z",
        "2027-10-31T00:30:00Z",
        "2027-10-31T01:30:00Z",
    ];
    hold_at_each(&clocks.map(|clock| clock.parse().unwrap()));
}
