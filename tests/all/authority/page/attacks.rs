//! The manual's attack table: each row is asked here, and each of these is a row there.

use jiff::SignedDuration;

use super::room::{Answer, Browser, Room, SCRIPT, SECRET, Through, id, raw};

/// The rows of the manual's table, in its order.
const ROWS: [&str; 24] = [
    "no cookie",
    "a made-up cookie, or two",
    "a made-up start address",
    "a start address for the second time",
    "a start address after ten minutes",
    "a start address asked for by HEAD",
    "a proxy's headers where there is no proxy",
    "a user header without the secret",
    "a user header with a wrong secret",
    "a user header or a secret twice",
    "a cookie behind a proxy",
    "a form without `Origin`, or of another site",
    "a form without its secret value, or with another's",
    "a form that is sent as something else",
    "a page in a frame, a picture or a request of another site",
    "another name than the page's own (DNS rebinding)",
    "another method",
    "a method in a header, or a form's address opened as a page",
    "a script in a name",
    "a line break in an address",
    "what is too long",
    "a reference that is none, or SQL in it",
    "a field that is unknown or there twice",
    "a part that is not there",
];

/// Whoever attacks knows a lot: a browser that is in, and what its forms bring.
struct Scene {
    room: Room,
    proxied: Room,
    browser: Browser,
    form: String,
    child: String,
}

impl Scene {
    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.room.ask("GET", path, headers, "").await
    }

    fn cookie(&self) -> &str {
        &self.browser.headers[0].1
    }

    /// A form as it should be, but for what is changed.
    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let own = [
            ("Cookie", self.cookie()),
            ("Origin", &self.browser.origin),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let is_other = |name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
        let mut all: Vec<_> = own.into_iter().filter(|(name, _)| !is_other(name)).collect();
        all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
        self.room.ask(method, path, &all, body).await
    }

    async fn read(&self, headers: &[(&str, &str)]) -> Answer {
        let body = format!("form={}&seen={}:1", self.form, id(1));
        self.send("POST", &format!("{}/read", self.child), headers, &body).await
    }
}

/// What each row is answered, with the status that it has to have.
async fn asked(row: &str, of: &Scene) -> Vec<(u16, Answer)> {
    let child = of.child.as_str();
    let mut answers = Vec::new();
    let mut expect = |status: u16, answer: Answer| answers.push((status, answer));
    match row {
        "no cookie" => {
            for path in ["/", child, "/duty", "/triage", "/nothing"] {
                expect(403, of.ask(path, &[]).await);
            }
            expect(403, of.read(&[("Cookie", "")]).await);
        }
        "a made-up cookie, or two" => {
            let zeros = format!("cpis-page={}", "0".repeat(64));
            for cookie in [zeros.as_str(), "cpis-page=", &format!("{}; {zeros}", of.cookie())] {
                expect(403, of.ask("/", &[("Cookie", cookie)]).await);
            }
        }
        "a made-up start address" => {
            for token in ["0".repeat(64), "a".to_owned(), "%00".to_owned()] {
                expect(403, of.ask(&format!("/start/{token}"), &[]).await);
            }
        }
        "a start address for the second time" => {
            let path = of.room.start_path();
            of.ask(&path, &[]).await;
            expect(403, of.ask(&path, &[]).await);
        }
        "a start address after ten minutes" => {
            let path = of.room.start_path();
            of.room.turn(SignedDuration::from_mins(10));
            expect(403, of.ask(&path, &[]).await);
            of.room.turn(-SignedDuration::from_mins(10));
        }
        "a start address asked for by HEAD" => {
            let path = of.room.start_path();
            expect(405, of.room.ask("HEAD", &path, &[], "").await);
            assert_eq!(of.ask(&path, &[]).await.status, 303, "it was not used by it");
        }
        "a proxy's headers where there is no proxy" => {
            let headers = [("X-Remote-User", "anna.holt"), ("X-Cpis-Proxy", SECRET)];
            expect(403, of.ask("/", &headers).await);
        }
        _ => answers = asked_further(row, of).await,
    }
    answers
}

async fn asked_further(row: &str, of: &Scene) -> Vec<(u16, Answer)> {
    let mut answers = Vec::new();
    let mut expect = |status: u16, answer: Answer| answers.push((status, answer));
    let proxied = async |headers: &[(&str, &str)]| {
        let all = [&[("Host", "cpis.council.example")], headers].concat();
        of.proxied.ask("GET", "/", &all, "").await
    };
    let (user, secret) = (("X-Remote-User", "anna.holt"), ("X-Cpis-Proxy", SECRET));
    match row {
        "a user header without the secret" => expect(403, proxied(&[user]).await),
        "a user header with a wrong secret" => {
            for wrong in [&SECRET[1..], "", "Bearer", &SECRET.to_uppercase()] {
                expect(403, proxied(&[user, ("X-Cpis-Proxy", wrong)]).await);
            }
        }
        "a user header or a secret twice" => {
            expect(403, proxied(&[user, ("X-Remote-User", "jo"), secret]).await);
            expect(403, proxied(&[user, secret, ("X-Cpis-Proxy", "other")]).await);
            assert_eq!(proxied(&[user, secret]).await.status, 200);
        }
        "a cookie behind a proxy" => {
            let cookie = of.cookie().replace("cpis-page", "__Host-cpis-page");
            expect(403, proxied(&[("Cookie", &cookie)]).await);
            let host = [("Host", "cpis.council.example"), user, secret];
            expect(403, of.proxied.ask("GET", "/start/0", &host, "").await);
        }
        "a form without `Origin`, or of another site" => {
            for origin in ["", "null", "https://evil.example", "http://localhost"] {
                expect(403, of.read(&[("Origin", origin)]).await);
            }
            expect(403, of.read(&[("Sec-Fetch-Site", "cross-site")]).await);
        }
        "a form without its secret value, or with another's" => {
            let other = of.room.get_in().await.form(&of.child).await;
            for form in ["", "form=&", &format!("form={other}&")] {
                let body = format!("{form}seen={}:1", id(1));
                expect(403, of.send("POST", &format!("{}/read", of.child), &[], &body).await);
                let path = format!("{}/not-recognised/1", of.child);
                expect(403, of.send("POST", &path, &[], &format!("{form}words=a")).await);
                let path = format!("{}/looked-into/1", of.child);
                expect(403, of.send("POST", &path, &[], &format!("{form}words=a")).await);
                expect(403, of.send("POST", "/leave", &[], form.trim_end_matches('&')).await);
                expect(403, of.send("POST", "/duty/seen", &[], &body).await);
            }
        }
        "a form that is sent as something else" => {
            for kind in ["", "text/plain", "application/json", "multipart/form-data; boundary=a"] {
                expect(415, of.read(&[("Content-Type", kind)]).await);
            }
        }
        _ => answers = asked_last(row, of).await,
    }
    answers
}

async fn asked_last(row: &str, of: &Scene) -> Vec<(u16, Answer)> {
    let mut answers = Vec::new();
    let mut expect = |status: u16, answer: Answer| answers.push((status, answer));
    let own = ("Cookie", of.cookie());
    match row {
        "a page in a frame, a picture or a request of another site" => {
            for (mode, kind) in [("navigate", "iframe"), ("no-cors", "image"), ("cors", "empty")] {
                let fetch = [
                    own,
                    ("Sec-Fetch-Site", "cross-site"),
                    ("Sec-Fetch-Mode", mode),
                    ("Sec-Fetch-Dest", kind),
                ];
                expect(403, of.ask("/", &fetch).await);
            }
        }
        "another name than the page's own (DNS rebinding)" => {
            let port = of.room.listen.port();
            for host in [
                "evil.example",
                "",
                &format!("evil.example:{port}"),
                "127.0.0.1",
                &format!("localhost:{port}"),
            ] {
                expect(421, of.ask("/", &[own, ("Host", host)]).await);
            }
            let listen = of.room.listen.to_string();
            expect(421, of.ask("/", &[own, ("Host", &listen), ("Host", "evil.example")]).await);
            expect(421, of.ask("http://evil.example/", &[own]).await);
        }
        "another method" => {
            for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "HEAD", "get"] {
                expect(405, of.room.ask(method, "/", &[own], "").await);
            }
        }
        "a method in a header, or a form's address opened as a page" => {
            let tricked = [own, ("X-HTTP-Method-Override", "POST"), ("X-Method-Override", "POST")];
            expect(405, of.ask(&format!("{}/read", of.child), &tricked).await);
            expect(405, of.ask("/leave", &[own]).await);
            expect(405, of.send("POST", "/", &[], "").await);
        }
        "a line break in an address" => {
            for path in
                ["/start/%0d%0aSet-Cookie:%20a=b", "/child/%0d%0aa", "/?worker=%0d%0aSet-Cookie:%20a=b"]
            {
                let answer = of.ask(path, &[own]).await;
                assert!(answer.header("set-cookie").is_none() && answer.status < 500, "{answer:?}");
            }
            expect(404, of.ask(&format!("{}?done=%0d%0aa", of.child), &[own]).await);
        }
        "what is too long" => {
            let long = "a".repeat(20 * 1024);
            expect(431, of.ask(&format!("/?worker={long}"), &[own]).await);
            expect(431, of.ask("/", &[own, ("X-A", &long)]).await);
            let many: Vec<_> = std::iter::repeat_n(("X-A", "b"), 70).chain([own]).collect();
            expect(431, of.ask("/", &many).await);
            expect(413, of.send("POST", &format!("{}/read", of.child), &[], &long).await);
        }
        "a reference that is none, or SQL in it" => {
            for reference in ["1", "..%2f..%2fetc%2fpasswd", "'%20OR%201=1%20--", &"0".repeat(33), &id(99)] {
                expect(404, of.ask(&format!("/child/{reference}"), &[own]).await);
            }
        }
        "a field that is unknown or there twice" => {
            for query in ["/?admin=yes", "/?page=1&page=2", "/?page=-1", "/?page=99999999999"] {
                expect(404, of.ask(query, &[own]).await);
            }
            let body = format!("form={0}&form={0}&seen={1}:1", of.form, id(1));
            expect(404, of.send("POST", &format!("{}/read", of.child), &[], &body).await);
        }
        "a part that is not there" => {
            for seen in [format!("{}:4", id(1)), format!("{}:0", id(1)), "x:1".to_owned(), String::new()] {
                let body = format!("form={}&seen={seen}", of.form);
                expect(404, of.send("POST", &format!("{}/read", of.child), &[], &body).await);
            }
            expect(404, of.ask(&format!("{}/not-recognised/4", of.child), &[own]).await);
            expect(404, of.ask(&format!("{}/not-recognised/x", of.child), &[own]).await);
        }
        other => panic!("{other} is asked nowhere"),
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_of_the_attack_table_is_refused_and_says_nothing_of_anybody() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let browser = room.get_in().await;
    let child = format!("/child/{}", id(1));
    let form = browser.form(&child).await;
    let scene = Scene { proxied: Room::open(Through::Proxy).await, room, browser, form, child };
    let mut wrong = Vec::new();
    for row in ROWS.into_iter().filter(|row| *row != "a script in a name") {
        let answers = asked(row, &scene).await;
        assert!(!answers.is_empty(), "{row}");
        for (expected, answer) in answers {
            let tells = ["Okafor", "A1", "7KQM"].iter().any(|word| answer.body.contains(word));
            // What hyper refuses by itself has no headers of ours, and no words.
            let is_bare = !answer.body.is_empty() && !is_guarded(&answer);
            if answer.status != expected || tells || is_bare {
                let status = answer.status;
                wrong.push(format!("{row}: {status} instead of {expected}, tells: {tells}, bare: {is_bare}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for table in ["read_mark", "not_recognised"] {
        assert_eq!(scene.room.rows(&format!("SELECT count(*) FROM {table}")), ["0"], "{table}");
    }
    // And the browser that was in is in still.
    assert_eq!(scene.read(&[]).await.status, 303);
}

fn is_guarded(answer: &Answer) -> bool {
    let policy = answer.header("content-security-policy").unwrap_or_default();
    policy.starts_with("default-src 'none'; style-src 'sha256-")
        && policy.ends_with("; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
        && answer.header("cache-control") == Some("no-store")
        && answer.header("x-content-type-options") == Some("nosniff")
        && answer.header("x-frame-options") == Some("DENY")
        && answer.header("referrer-policy") == Some("same-origin")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_in_a_name_is_text_on_every_page() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let browser = room.get_in().await;
    let child = format!("/child/{}", id(4));
    let form = browser.form(&child).await;
    let words = "%3Cimg+src%3Dx+onerror%3Dalert(1)%3E%22%27";
    let reported =
        browser.post(&format!("{child}/not-recognised/1"), &format!("form={form}&words={words}")).await;
    assert_eq!(reported.status, 303);
    for path in ["/", &child, &format!("{child}/not-recognised/1"), "/duty", "/duty/handover", "/triage"] {
        let answer = browser.get(path).await;
        assert!(answer.status == 200 && is_guarded(&answer), "{answer:?}");
        for never in [SCRIPT, "<script", "<img", "<b>", "\" onmouseover", "javascript:"] {
            assert!(!answer.body.contains(never), "{path}: {never}: {}", answer.body);
        }
        // Nothing of anybody in titles, nor in addresses.
        let title = answer.body.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
        assert!(!title.contains("A1") && !title.contains("B2"), "{title}");
        let addresses: Vec<_> =
            answer.body.split("href=\"").skip(1).filter_map(|of| of.split('"').next()).collect();
        for address in addresses {
            assert!(
                !["A1", "B2", "999", "marsh", "Okafor"].iter().any(|word| address.contains(word)),
                "{address}"
            );
        }
    }
    assert!(browser.read("/").await.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_is_out_after_half_an_hour_without_use_after_twelve_hours_and_when_it_says_so() {
    let room = Room::open(Through::Start("jo.marsh")).await;
    let idle = room.get_in().await;
    room.turn(SignedDuration::from_mins(29));
    assert_eq!(idle.get("/").await.status, 200);
    room.turn(SignedDuration::from_mins(30));
    assert_eq!(idle.get("/").await.status, 403);
    let long = room.get_in().await;
    for _ in 0..36 {
        assert_eq!(long.get("/").await.status, 200);
        room.turn(SignedDuration::from_mins(20));
    }
    assert_eq!(long.get("/").await.status, 403);
    let leaves = room.get_in().await;
    let form = leaves.form("/").await;
    let answer = leaves.post("/leave", &format!("form={form}")).await;
    assert!(answer.status == 200 && answer.body.contains("You are signed out"), "{answer:?}");
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(leaves.get("/").await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_the_cookie_is_bound_to_the_host_and_the_browser_is_told_to_come_by_tls_only() {
    let room = Room::open(Through::Proxy).await;
    let answer = room.proxied("jo.marsh").get("/").await;
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert!(!answer.body.contains("Sign out"), "whoever signs people in signs them out");
    let address = cpis::authority::page::guard::Address::new("https://cpis.council.example").unwrap();
    assert_eq!(address.cookie(), "__Host-cpis-page");
    let slow = raw(room.listen, b"NOT HTTP\r\n\r\n".to_vec()).await;
    assert_eq!(slow.status, 400);
}

#[test]
fn the_manual_has_the_same_rows() {
    let chapter = include_str!("../../../../src/manual/page.md");
    let (_, table) = chapter.split_once("| What somebody tries | What becomes of it |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let rows: Vec<&str> = rows.filter_map(|line| line.split('|').nth(1)).map(str::trim).collect();
    assert_eq!(rows, ROWS);
}
