//! What must hold of what browsers bring to the page, whatever arrives (see [`crate::fuzzing`]).

use axum::http::{HeaderName, HeaderValue, Request};
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::ask::{Day, Fields, is_reference};
use super::door::{Door, Way};
use super::guard::{self, Address};
use super::limits::PAGE_WORDS;
use crate::domain::text;

/// As a form or an address: known fields, each once; days that there are; words that can be shown.
pub(crate) fn form(data: &[u8]) {
    let known = ["day", "month", "year", "page", "words", "form", "seen"];
    let Ok(fields) = Fields::read(data, &known) else { return };
    assert!(fields.page().is_ok_and(|page| page > 0) || !fields.get("page").is_empty());
    match fields.day() {
        Day::One(day) => assert!((1900..=2200).contains(&day.year())),
        Day::None => assert!(fields.get("day").is_empty() && fields.get("year").is_empty()),
        Day::Wrong(_, why) => assert!(!why.is_empty()),
    }
    if let Ok(words) = fields.words("words") {
        assert!(words.chars().count() <= PAGE_WORDS && !words.chars().any(text::is_unprintable));
    }
    let reference = fields.get("form");
    assert!(!is_reference(reference) || !reference.contains(['/', '.', '%']));
    let again: String = known
        .iter()
        .filter(|name| !fields.get(name).is_empty())
        .map(|name| {
            let value: String = fields.get(name).bytes().map(|byte| format!("%{byte:02x}")).collect();
            format!("{name}={value}&")
        })
        .collect();
    if let Ok(read) = Fields::read(again.trim_end_matches('&').as_bytes(), &known) {
        assert!(known.iter().all(|name| read.get(name) == fields.get(name)), "fields read again");
    }
}

/// The first line is a method and a target; each line behind it is a header. Whoever brings no secret is let in by nothing,
/// and what changes something comes from the page itself.
pub(crate) fn request(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let first = lines.next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    let Some((method, target)) = first.split_once(' ') else { return };
    let mut request = Request::builder().method(method).uri(target);
    for line in lines.take(50) {
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            request = request.header(name, value);
        }
    }
    let (Ok(request), Some(address)) = (request.body(()), Address::new("https://cpis.example")) else {
        return;
    };
    let headers = request.headers();
    match guard::check(&request, &address) {
        Ok(()) => {
            let said =
                |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            assert!(said("host").eq_ignore_ascii_case("cpis.example"));
            assert!(["GET", "POST"].contains(&request.method().as_str()));
            assert!(request.method() == "GET" || said("origin") == address.origin());
        }
        Err(refused) => assert!(refused.status().is_client_error() && !refused.words().is_empty()),
    }
    let cookie = guard::cookie(headers, &address);
    assert!(cookie.is_none_or(|cookie| !cookie.contains(';')));
    let now = Timestamp::constant(1_795_356_000, 0);
    let proxy = Way::Proxy {
        user_header: HeaderName::from_static("x-user"),
        secret_header: HeaderName::from_static("x-secret"),
        secret: Zeroizing::new("a secret that nobody guesses".to_owned()),
    };
    if let Ok(door) = Door::new(proxy)
        && let Some(person) = door.let_in(cookie, headers, now)
    {
        let secret = headers.get("x-secret").and_then(|value| value.to_str().ok());
        assert_eq!(secret, Some("a secret that nobody guesses"));
        assert!(!person.reader.user().chars().any(text::is_unprintable) && !person.gave(""));
    }
}
