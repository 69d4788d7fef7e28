//! The system's browser: opened at the hub's page, and heard when it comes back to this computer.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Hub;
use crate::client::{Brought, HubClient, Named, SigningIn};
use crate::domain::{NotSignedIn, SignedInPerson};

/// Opens addresses.
pub trait Browser: Send + Sync {
    /// Opens one; says whether a browser was there.
    fn open(&self, address: &str) -> bool;
}

/// The system's own.
pub struct SystemBrowser;

impl Browser for SystemBrowser {
    fn open(&self, address: &str) -> bool {
        webbrowser::open(address).is_ok()
    }
}

/// Opens an address without keeping the window waiting.
pub(super) fn open_beside(runtime: &tokio::runtime::Handle, browser: &Arc<dyn Browser>, address: String) {
    let browser = Arc::clone(browser);
    runtime.spawn_blocking(move || browser.open(&address));
}

/// For so long somebody may take to sign in.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// For so long a request may take to arrive here.
const REQUEST: Duration = Duration::from_secs(2);

/// Connections that are heard at once.
const CONNECTIONS: usize = 64;

/// The pause after a connection that could not be taken.
const PAUSE: Duration = Duration::from_millis(100);

/// Bytes of a request's first line and headers.
const REQUEST_BYTES: usize = 16 * 1024;

/// Characters of the computer's name.
const DEVICE_CHARACTERS: usize = 60;

/// Signs in with the browser, as whoever the hint is of; `opens` is told the address and the number of its page first, and
/// opens it. Of a person the provider asks again who they are, even if it knows: the browser may still know somebody else.
pub(super) async fn sign_in(
    hub: &Hub,
    hint: Option<&str>,
    opens: impl FnOnce(&str, &str),
) -> Result<(HubClient, SignedInPerson), NotSignedIn> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|_| NotSignedIn::NoPort)?;
    let port = listener.local_addr().map_err(|_| NotSignedIn::NoPort)?.port();
    let device = device();
    let named = Named { address: &hub.address, known_as: &hub.known_as };
    let begun = SigningIn::begin(named, hub.site.clone(), hub.limits, &hub.authorities, port, &device);
    let begun = begun.await?;
    let begun = match hint {
        Some(hint) => begun.of(hint),
        None => begun.afresh(),
    };
    opens(begun.address(), begun.number());
    let code = tokio::time::timeout(PATIENCE, come_back(&listener, &begun));
    let code = code.await.map_err(|_| NotSignedIn::TooLate)??;
    drop(listener);
    begun.finish(&code).await
}

/// Waits for the browser. Whoever else asks here is told nothing, ends nothing and holds nobody up, however silent they are.
async fn come_back(
    listener: &TcpListener,
    begun: &SigningIn,
) -> Result<zeroize::Zeroizing<String>, NotSignedIn> {
    let mut under_way = JoinSet::new();
    loop {
        let heard = tokio::select! {
            accepted = listener.accept(), if under_way.len() < CONNECTIONS => {
                match accepted {
                    Ok((stream, _)) => drop(under_way.spawn(asked(stream))),
                    // Of one connection, or of a computer that has no room just now.
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
                continue;
            }
            Some(heard) = under_way.join_next() => heard,
        };
        let Ok(Some((stream, target))) = heard else { continue };
        match begun.read(&target) {
            Brought::Code(code) => {
                let words =
                    ["You can close this page", "Go on in the window \"Child protection information\"."];
                told(stream, "200 OK", words).await;
                return Ok(code);
            }
            Brought::Refused(why) => {
                let words = [
                    "You are not signed in",
                    "The window \"Child protection information\" says why. You can close this page.",
                ];
                told(stream, "200 OK", words).await;
                return Err(why);
            }
            Brought::Stray => {
                under_way.spawn(async move {
                    told(stream, "404 Not Found", ["There is nothing here", "You can close this page."])
                        .await;
                    None
                });
            }
        }
    }
}

/// What somebody asks for here, if they do so in time.
async fn asked(mut stream: TcpStream) -> Option<(TcpStream, String)> {
    let target = tokio::time::timeout(REQUEST, target(&mut stream)).await.ok()??;
    Some((stream, target))
}

/// The browser may not wait for it.
async fn told(mut stream: TcpStream, status: &str, words: [&str; 2]) {
    let _ = tokio::time::timeout(REQUEST, say(&mut stream, status, words)).await;
}

/// The target of a request with GET, once all its headers are here.
async fn target(stream: &mut TcpStream) -> Option<String> {
    let (mut read, mut buffer) = (Vec::new(), [0; 2048]);
    while !read.windows(4).any(|four| four == b"\r\n\r\n") {
        let count = stream.read(&mut buffer).await.ok().filter(|count| *count > 0)?;
        read.extend_from_slice(buffer.get(..count)?);
        if read.len() > REQUEST_BYTES {
            return None;
        }
    }
    let text = String::from_utf8(read).ok()?;
    let mut words = text.lines().next()?.split(' ');
    (words.next() == Some("GET")).then(|| words.next().map(str::to_owned))?
}

async fn say(stream: &mut TcpStream, status: &str, words: [&str; 2]) -> std::io::Result<()> {
    let [heading, words] = words;
    // As the hub's own pages look.
    let page = format!(
        "<!doctype html><html lang=\"en-GB\"><meta charset=\"utf-8\"><meta name=\"color-scheme\" content=\"light dark\">\
         <title>{heading}</title><body style=\"font:19px/1.5 system-ui,sans-serif;margin:0\">\
         <div style=\"background:#003087;color:#fff;font-weight:700;padding:12px max(16px,50vw - 304px)\">Child Protection - Information Sharing</div>\
         <div style=\"padding:24px max(16px,50vw - 304px)\"><h1 style=\"margin:0 0 16px\">{heading}</h1><p>{words}</p></div></body></html>"
    );
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\
         Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nConnection: close\r\n\r\n",
        page.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(page.as_bytes()).await?;
    stream.shutdown().await
}

/// What the person calls this computer, as far as the system says it.
fn device() -> String {
    let named = std::env::var("COMPUTERNAME").or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let named = named.unwrap_or_default();
    let plain = |c: &char| c.is_alphanumeric() || " ._-".contains(*c);
    let named: String = named.trim().chars().filter(plain).take(DEVICE_CHARACTERS).collect();
    if named.is_empty() { "this computer".to_owned() } else { named }
}
