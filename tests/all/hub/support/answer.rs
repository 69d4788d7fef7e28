//! An answer of the hub, completely received, and what tests ask of it.

use cpis::domain::Failure;
use cpis::fhir::read;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// As the manual's tables name what [`Answer::to_announced`] and [`Answer::to_unannounced`] send.
pub(crate) const ANNOUNCED: &str = "a form of which it is announced that it has 100 KB";
pub(crate) const UNANNOUNCED: &str =
    "a form that is a byte too long, and of which nobody announced how long it is";

/// Status, headers and body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        Self::read_or_gone(response).await.expect("an answer to its end")
    }

    /// The same of a hub that may be gone before the body's end.
    pub(crate) async fn read_or_gone(response: reqwest::Response) -> Option<Self> {
        let status = response.status().as_u16();
        let header = |(name, value): (&reqwest::header::HeaderName, &reqwest::header::HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        let headers: Vec<_> = response.headers().iter().map(header).collect();
        // It has no end.
        let is_stream = headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned()));
        let body = if is_stream { String::new() } else { response.text().await.ok()? };
        Some(Self { status, headers, body })
    }

    /// Of whoever says that so many bytes of a form follow, and waits for what is said to that.
    pub(crate) async fn to_announced(base: &str, path: &str, bytes: usize) -> Self {
        Self::to_form(base, path, &format!("Content-Length: {bytes}\r\n\r\n")).await
    }

    /// Of whoever sends so many bytes of a form without saying how many there will be, and waits before its end. No byte
    /// more: what nobody reads any more might cost the answer.
    pub(crate) async fn to_unannounced(base: &str, path: &str, bytes: usize) -> Self {
        let chunk = format!("Transfer-Encoding: chunked\r\n\r\n{bytes:x}\r\n{}", "x".repeat(bytes));
        Self::to_form(base, path, &chunk).await
    }

    /// Of whoever sends the head of a form, and this.
    async fn to_form(base: &str, path: &str, rest: &str) -> Self {
        let address = base.strip_prefix("http://").unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let sent = format!(
            "POST {path} HTTP/1.1\r\nHost: hub\r\nContent-Type: application/x-www-form-urlencoded\r\n{rest}"
        );
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        let all = String::from_utf8(all).unwrap();
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { status, headers, body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn reference(&self) -> &str {
        self.header("x-access-reference").expect("an access reference")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The code of an OperationOutcome, or `-`.
    pub(crate) fn code(&self) -> String {
        read::outcome_code(self.body.as_bytes()).unwrap_or_else(|| "-".to_owned())
    }

    /// `200`, or the status with the code of its OperationOutcome.
    pub(crate) fn told(&self) -> String {
        match self.code().as_str() {
            "-" => self.status.to_string(),
            code => format!("{} {code}", self.status),
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.json()["total"].as_u64().expect("a searchset")
    }

    /// Asserts that this is the fixed answer of a failure inside: no plan, no detail.
    pub(crate) fn assert_failed_without_detail(&self) {
        assert_eq!(self.told(), "500 UNABLE_TO_CALL_SERVICE");
        assert!(!self.body.contains("CareTeam") && !self.body.contains("Patient\""), "{}", self.body);
        for detail in ["sql", "database", "disk", "lock", "trigger", "error_id", "rusqlite", "/"] {
            let words = self.body.replace("https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode", "");
            assert!(!words.to_lowercase().contains(detail), "{detail} in {words}");
        }
        assert!(self.header("x-error-id").is_some() && self.header("x-access-reference").is_none());
    }

    /// The accesses of a history as `name (organisation)`, the present view marked with `*`.
    pub(crate) fn accesses(&self) -> Vec<String> {
        let reading = read::history(self.body.as_bytes());
        let reading = reading.unwrap_or_else(|failure: Failure| panic!("{failure}: {}", self.told()));
        assert_eq!(reading.unreadable, 0);
        let shown = |access: &cpis::domain::Access| {
            let mark = if access.is_present_view { "*" } else { "" };
            format!("{} ({}){mark}", access.name, access.organisation)
        };
        reading.accesses.iter().map(shown).collect()
    }
}
