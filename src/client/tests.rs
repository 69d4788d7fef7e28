//! Tests: what leaves the computer, what is kept before it is used, and who is told that a session is over.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::since::Since;
use super::{Access, HubClient, Keeps, Limits, http_date};
use crate::domain::{Failure, SessionOver};
use crate::identity::dpop::ProofKey;

const NOBODY: &str = "http://127.0.0.1:1";

fn client(hub: &str, limits: Limits) -> HubClient {
    let access = Access::new(String::new(), ProofKey::generate().unwrap(), hub);
    HubClient::new(hub, access.renewable("a.b".to_owned(), 600), None, limits, &[]).unwrap()
}

/// What is kept, and the refresh and access tokens that questions would be asked with meanwhile.
type Seen = Vec<[String; 3]>;

/// Looks, whenever something is kept, at what is in use.
#[derive(Default)]
struct Looks(Mutex<Option<(HubClient, Seen)>>);

impl Keeps for Looks {
    fn keep<'a>(&'a self, refresh: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            if let Some((client, seen)) = self.0.lock().unwrap().as_mut() {
                let (used, _) = client.prover.kept().unwrap();
                seen.push([refresh.to_owned(), used.to_string(), client.prover.token().to_string()]);
            }
        })
    }
}

#[tokio::test]
async fn nothing_new_is_used_before_it_is_kept() {
    let (client, looks) = (client(NOBODY, Limits::default()), Arc::new(Looks::default()));
    client.keep_with(looks.clone());
    *looks.0.lock().unwrap() = Some((client.clone(), Vec::new()));
    let granted =
        json!({"access_token": "new", "token_type": "DPoP", "expires_in": 600, "refresh_token": "c.d"});
    assert!(client.take(serde_json::from_value(granted).unwrap()).await);
    let (_, seen) = looks.0.lock().unwrap().take().unwrap();
    assert_eq!(seen, [["c.d", "a.b", ""]], "kept while the ones before are in use");
    assert_eq!(client.prover.kept().unwrap().0.as_str(), "c.d");
    assert_eq!(client.prover.token().as_str(), "new");
}

/// A hub that takes whatever it is told; gives its address, and the first words and the form of what it is asked.
async fn hears() -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let (mut asked, _) = listener.accept().await.unwrap();
        let mut heard = String::new();
        while !heard.contains("\r\n\r\ntoken=a.b") {
            let mut some = [0; 4096];
            let read = asked.read(&mut some).await.unwrap();
            assert!(read > 0, "{heard}");
            heard.push_str(std::str::from_utf8(&some[..read]).unwrap());
        }
        let said = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        asked.write_all(said.as_bytes()).await.unwrap();
        heard
    });
    (address, heard)
}

#[tokio::test]
async fn the_hub_is_told_of_an_end_that_it_has_not_said_itself() {
    let minute = Duration::from_secs(60);
    let (address, heard) = hears().await;
    let client = client(&address, Limits::default());
    client.prover.doubt(Since::ago(minute, minute));
    assert_eq!(client.renew("").await, Err(Failure::SessionEnded));
    // Whoever asked says it again.
    client.prover.end(SessionOver::Unsaid);
    assert!(client.sign_out().await.is_heard);
    let heard = tokio::time::timeout(Duration::from_secs(20), heard).await;
    assert!(heard.unwrap().unwrap().starts_with("POST /revoke "));
}

#[tokio::test]
async fn where_nobody_is_there_to_be_told_of_an_end_nobody_has_heard_of_it() {
    let client = client(NOBODY, Limits { whole: Duration::from_millis(50), ..Limits::default() });
    client.prover.conclude();
    assert!(!client.sign_out().await.is_heard);
    // This the hub has said itself.
    client.prover.end(SessionOver::Idle);
    assert!(client.sign_out().await.is_heard);
}

#[test]
fn a_token_never_leaves_the_computer_in_the_clear() {
    let key = ProofKey::generate().unwrap();
    let made = |address: &str| {
        let access = Access::new(String::new(), key.clone(), address);
        HubClient::new(address, access, None, Limits::default(), &[]).err()
    };
    for clear in
        ["http://hub.example", "http://10.0.0.1:80", "http://127.0.0.1.example:80", "ftp://hub.example"]
    {
        assert_eq!(made(clear), Some(Failure::NotSecure), "{clear}");
    }
    for fine in ["http://127.0.0.1:8470", "http://[::1]:8470", "http://localhost:8470", "https://hub.example"]
    {
        assert_eq!(made(fine), None, "{fine}");
    }
}

#[test]
fn the_hubs_date_is_read() {
    let at = http_date("Sun, 22 Nov 2026 14:33:02 GMT").unwrap();
    assert_eq!(at.to_string(), "2026-11-22T14:33:02Z");
    assert_eq!(http_date("today"), None);
}
