//! The ways in which extracts write days. Day before month, as in this country; a year with four digits; a time of day
//! behind it is left out, as systems write one that nobody meant.

use jiff::civil::Date;

use super::Finding;

/// Reads a day.
pub(super) fn parse(text: &str) -> Result<Date, Finding> {
    let day = without_time(text);
    let parts: Vec<&str> = day.split(['/', '-', '.', ' ']).filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [whole] => one_number(whole),
        [year, month, of_month] if year.len() == 4 => date(year, month, of_month),
        [of_month, month, year] if year.len() == 4 => date(year, month, of_month),
        [_, _, year] if year.len() == 2 && year.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(Finding::ShortYear)
        }
        _ => Err(Finding::NotADay),
    }
}

/// `2015-03-12T00:00:00Z`, `12/03/2015 00:00`: what stands before the time.
fn without_time(text: &str) -> &str {
    let end = text.find('T').filter(|at| text.get(..*at).is_some_and(|day| day.len() == 10));
    let end = end.or_else(|| {
        let at = text.find(':')?;
        text.get(..at)?.rfind(' ')
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text).trim()
}

/// `20150312`; or what a spreadsheet keeps a day as.
fn one_number(text: &str) -> Result<Date, Finding> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match (is_number, text.len()) {
        (true, 8) => {
            let part = |from, to| text.get(from..to).unwrap_or_default();
            date(part(0, 4), part(4, 6), part(6, 8))
        }
        // Days since 1900: 20,000 is in 1954, 60,000 in 2064.
        (true, 5) => Err(Finding::SerialDay),
        _ => Err(Finding::NotADay),
    }
}

fn date(year: &str, month: &str, of_month: &str) -> Result<Date, Finding> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| text.len() <= 2 && digits(text));
    let year: i16 =
        Some(year).filter(|year| digits(year)).and_then(|year| year.parse().ok()).ok_or(Finding::NotADay)?;
    let month = number(month).or_else(|| named_month(month)).ok_or(Finding::NotADay)?;
    let of_month = number(of_month).ok_or(Finding::NotADay)?;
    Date::new(year, month, of_month).map_err(|_| Finding::NotADay)
}

/// `Mar` and `March`.
fn named_month(text: &str) -> Option<i8> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let text = text.to_lowercase();
    (1..).zip(MONTHS).find(|(_, name)| text == *name || name.get(..3) == Some(&text)).map(|(month, _)| month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_extracts_write_them_and_nothing_is_guessed() {
        let march = Ok(Date::constant(2015, 3, 12));
        for text in [
            "12/03/2015",
            "12-03-2015",
            "12.03.2015",
            "2015-03-12",
            "2015/03/12",
            "20150312",
            "12-Mar-2015",
            "12 March 2015",
            "12/3/2015",
            "12/03/2015 00:00:00",
            "2015-03-12T00:00:00Z",
            "2015-03-12 00:00",
            "12 MAR 2015 14:05",
        ] {
            assert_eq!(parse(text), march, "{text}");
        }
        for (text, finding) in [
            ("12/03/15", Finding::ShortYear),
            ("42075", Finding::SerialDay),
            ("03/13/2015", Finding::NotADay),
            ("31/02/2015", Finding::NotADay),
            ("2015", Finding::NotADay),
            ("March 2015", Finding::NotADay),
            ("12/Mrz/2015", Finding::NotADay),
            ("not known", Finding::NotADay),
            ("12/003/2015", Finding::NotADay),
            ("12/03/2015/1", Finding::NotADay),
            ("+1/03/2015", Finding::NotADay),
            ("T", Finding::NotADay),
            (":", Finding::NotADay),
        ] {
            assert_eq!(parse(text), Err(finding), "{text}");
        }
    }
}
