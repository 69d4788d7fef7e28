//! The manual's example for nginx before the real nginx: it signs people in, says who they are, and what a browser says of that counts
//! for nothing.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::room::{Room, SECRET, Through, id};
use crate::hub::support::certificates::{Authority, put};

const NAME: &str = "cpis.council.example";

/// The proxy; ended with the test.
struct Nginx(Child);

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The example as the chapter has it, with nothing changed but ports and files.
fn example() -> &'static str {
    let chapter = include_str!("../../../../src/manual/page.md");
    let (_, rest) = chapter.split_once("```text\nserver {").unwrap();
    rest.split_once("```").unwrap().0
}

/// A sign-in service that knows somebody by a cookie.
async fn sign_in(listener: tokio::net::TcpListener) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut who = None;
        let mut line = String::new();
        while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) && line != "\r\n" {
            who = who.or(line.trim_end().to_lowercase().strip_prefix("cookie: who=").map(str::to_owned));
            line.clear();
        }
        let status = match who {
            Some(who) => format!("200 OK\r\nX-User: {who}"),
            None => "401 Unauthorized".to_owned(),
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

fn configure(place: &std::path::Path, port: u16, page: std::net::SocketAddr, check: std::net::SocketAddr) {
    let path = |name: &str| place.join(name).display().to_string();
    let server = example()
        .replace("listen 443 ssl;", &format!("listen 127.0.0.1:{port} ssl;"))
        .replace("/etc/nginx/cpis-page-secret", &path("cpis-page-secret"))
        .replace("http://127.0.0.1:8480", &format!("http://{page}"));
    assert!(server.contains(&format!("{port} ssl")) && server.contains(&path("cpis-page-secret")));
    let server = server.replace(
        &format!("server_name {NAME};"),
        &format!(
            "server_name {NAME}; ssl_certificate {}; ssl_certificate_key {};
             location = /sign-in/check {{ internal; proxy_pass http://{check}; proxy_pass_request_body off;
                                          proxy_set_header Content-Length \"\"; }}",
            path("proxy.pem"),
            path("proxy-key.pem")
        ),
    );
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {};\n", path(kind)))
        .concat();
    let whole = format!(
        "daemon off; master_process off; pid {}; error_log stderr; events {{}}\nhttp {{ access_log off;\n{temporary}server {{{server}}}\n",
        path("nginx.pid")
    );
    std::fs::write(place.join("nginx.conf"), whole).unwrap();
    std::fs::write(place.join("cpis-page-secret"), format!("proxy_set_header X-Cpis-Proxy \"{SECRET}\";\n"))
        .unwrap();
}

fn start(place: &std::path::Path) -> Nginx {
    let mut command = Command::new("nginx");
    command.arg("-e").arg("stderr").arg("-p").arg(place).arg("-c").arg(place.join("nginx.conf"));
    Nginx(command.stdin(Stdio::null()).spawn().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs nginx: tests/run page"]
async fn the_manuals_proxy_lets_in_whom_it_knows_and_nobody_by_what_a_browser_says() {
    let room = Room::open(Through::Proxy).await;
    let check = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let asked = check.local_addr().unwrap();
    tokio::spawn(sign_in(check));
    let place = tempfile::tempdir().unwrap();
    let authority = Authority::new("Trust of the council");
    let own = authority.issue(&[NAME], |_| {});
    put(place.path(), "proxy.pem", &own.certificate);
    put(place.path(), "proxy-key.pem", &own.key.serialize_pem());
    // Free for a moment; nginx cannot be handed a socket.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    configure(place.path(), port, room.listen, asked);
    let _nginx = start(place.path());
    let trusted = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([trusted])
        .redirect(reqwest::redirect::Policy::none())
        .resolve(NAME, ([127, 0, 0, 1], port).into())
        .build()
        .unwrap();
    let address = |path: &str| format!("https://{NAME}:{port}{path}");
    let begun = Instant::now();
    while http.get(address("/")).send().await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "nginx does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(http.get(address("/")).send().await.unwrap().status(), 401, "nobody who is signed in");
    let jo = || http.get(address("/")).header("Cookie", "who=jo.marsh");
    // What the browser says of itself is replaced, also where it says it twice.
    for request in [
        jo(),
        jo().header("X-Remote-User", "anna.holt"),
        jo().header("X-Remote-User", "a")
            .header("X-Remote-User", "anna.holt")
            .header("X-Cpis-Proxy", "wrong"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let page = answer.text().await.unwrap();
        assert!(page.contains("Here as <strong>jo.marsh</strong>") && !page.contains("Ida Hidden"), "{page}");
    }
    let child = http.get(address(&format!("/child/{}", id(1)))).header("Cookie", "who=jo.marsh");
    let page = child.send().await.unwrap().text().await.unwrap();
    let form = page.split_once("name=\"form\" value=\"").unwrap().1.split('"').next().unwrap();
    // A form goes through, with the origin as the browser has it, and no other.
    for (origin, status) in [("https://evil.example", 403), ("https://cpis.council.example", 303)] {
        let request = http
            .post(address(&format!("/child/{}/read", id(1))))
            .header("Cookie", "who=jo.marsh")
            .header("Origin", origin)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("form={form}&seen={}:1", id(1)));
        assert_eq!(request.send().await.unwrap().status(), status, "{origin}");
    }
    assert_eq!(room.rows("SELECT reader FROM read_mark"), ["jo.marsh"]);
}
