//! Every row of the tables in the manual's chapter "Signing in" is so.

use cpis::config::hub::HubConfig;
use cpis::domain::TailDays;
use cpis::hub::limits;
use cpis::identity::dpop::ProofKey;
use cpis::identity::token::Minter;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::answer::{ANNOUNCED, Answer, UNANNOUNCED};
use super::support::provider::{Provider, Script, Signed};
use super::support::signing_in::{Browser, REDIRECT, Shown, Viewer, encoded};
use super::support::{ISSUER, TestHub, at, configuration, nurse};

const CHAPTER: &str = include_str!("../../../src/manual/signin.md");

/// A hub, its provider, and somebody at a computer.
pub(super) struct Scene {
    pub(super) hub: TestHub,
    pub(super) provider: Provider,
    pub(super) viewer: Viewer,
    pub(super) browser: Browser,
    _secret: TempDir,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let secret = tempfile::tempdir().unwrap();
        let clock = cpis::hub::clock::Clock::standing_at(at(super::support::NOW));
        let provider = Provider::start(clock.clone()).await;
        let settings = provider.settings(&secret);
        let config = configuration(std::path::PathBuf::new(), TailDays::default());
        let config = HubConfig { provider: Some(settings), ..config };
        let hub = TestHub::with_config(config, clock.clone()).await;
        let viewer = Viewer::of(&hub.base, ISSUER, clock);
        let browser = Browser::of(&hub);
        Self { hub, provider, viewer, browser, _secret: secret }
    }

    /// To the page that asks.
    pub(super) async fn page(&mut self, more: &str) -> Shown {
        let address = self.viewer.address(more);
        self.browser.open(&address).await
    }

    /// As far as the provider's own address; what it would send the browser to.
    async fn back(&mut self, more: &str) -> String {
        let begun = self.browser.once("GET", &self.viewer.address(more), None, &[]).await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        let at_provider = begun.headers["location"].to_str().unwrap();
        let sent = self.browser.once("GET", at_provider, None, &[]).await;
        sent.headers["location"].to_str().unwrap().replacen(ISSUER, &self.hub.base, 1)
    }

    pub(super) async fn press(&mut self, form: &str, more: &str, headers: &[(&str, &str)]) -> Shown {
        let (address, body) = (format!("{}/sign-in", self.hub.base), format!("form={form}&{more}"));
        // As every browser says it of a form, unless the test says otherwise.
        let says = headers.iter().any(|(name, _)| *name == "Origin");
        let own = (!says).then_some(("Origin", ISSUER));
        let headers: Vec<(&str, &str)> =
            headers.iter().copied().chain(own).filter(|(_, value)| !value.is_empty()).collect();
        self.browser.go("POST", &address, Some(&body), &headers).await
    }

    /// The code of somebody who has pressed.
    pub(super) async fn code(&mut self) -> String {
        let page = self.page("").await;
        let form = page.form().to_owned();
        let landed = self.press(&form, "answer=sign-in", &[("Origin", ISSUER)]).await;
        assert!(landed.is_at_viewer(), "{} {}", landed.address, landed.body);
        assert_eq!((landed.value("state"), landed.value("iss")), (self.viewer.state.as_str(), ISSUER));
        landed.value("code").to_owned()
    }

    /// What was noted last: in memory or in the audit log.
    fn noted(&self, calls: u64) -> String {
        let audited = self.hub.rows("SELECT outcome FROM audit WHERE kind = 'sign-in-refused'");
        let unproven = self.hub.hub.unproven();
        let is_counted = unproven.count() > calls;
        match (audited.as_slice(), is_counted) {
            ([], true) => format!("`{}`", unproven.recent().pop().unwrap().why.code()),
            ([], false) => "nothing".to_owned(),
            // Whoever shows a code that is refused is nobody besides.
            ([one], _) => format!("audit: `{one}`"),
            (more, _) => panic!("{more:?}"),
        }
    }

    /// The provider tells the hub.
    pub(super) async fn logged_out(&self, token: String) -> Answer {
        let headers = [("Content-Type", "application/x-www-form-urlencoded")];
        let body = format!("logout_token={}", encoded(&token));
        self.hub.send("POST", "/backchannel-logout", None, &headers, Some(body)).await
    }

    pub(super) fn sessions(&self) -> Vec<String> {
        self.hub.rows("SELECT coalesce(ended_by, '-') FROM session WHERE chain != x'' ORDER BY begun_ms")
    }
}

/// The rows of the table that begins so.
fn rows(head: &str) -> Vec<[&'static str; 3]> {
    let part = CHAPTER.split(&format!("| {head} |")).nth(1).unwrap().split("\n\n").next().unwrap();
    let rows: Vec<[&str; 3]> = part
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect::<Vec<_>>().try_into().ok()
        })
        .filter(|row: &[&str; 3]| row[1] != "Answer")
        .collect();
    assert!(rows.len() > 8, "{head}: {rows:?}");
    rows
}

fn token(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Script {
    Script { token: Box::new(change), ..Script::default() }
}

fn info(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Script {
    Script { info: Box::new(change), ..Script::default() }
}

fn signed(signed: Signed) -> Script {
    Script { signed, ..Script::default() }
}

/// What the provider says in a row; `None` where it says what it should.
fn script(name: &str) -> Option<Script> {
    let set = |name: &'static str, value: Value| token(move |claims| claims[name] = value.clone());
    let now = at(super::support::NOW).as_second();
    Some(match name {
        "no id token" => Script {
            answer: Box::new(|answer| {
                answer.as_object_mut().unwrap().remove("id_token");
            }),
            ..Script::default()
        },
        "an id token that has expired" => set("exp", json!(now - 31)),
        "an id token that is not valid yet" => set("nbf", json!(now + 31)),
        "an id token issued in the future" => set("iat", json!(now + 31)),
        "an id token issued an hour ago" => set("iat", json!(now - 3600)),
        "an id token of another issuer" => set("iss", json!("https://other.example")),
        "an id token for another client" => set("aud", json!("other")),
        "an id token for another client besides" => set("aud", json!(["cpis-hub", "other"])),
        "an id token that another client asked for" => set("azp", json!("other")),
        "an id token with another nonce" => set("nonce", json!("other")),
        "an id token without a nonce" => token(|claims| {
            claims.as_object_mut().unwrap().remove("nonce");
        }),
        "an id token with the algorithm none" => signed(Signed::NotAtAll),
        "an id token with HS256 and the public key" => signed(Signed::WithPublicKey),
        "an id token with HS256 and the hub's secret" => signed(Signed::WithSecret),
        "an id token that another key signed" => signed(Signed::WithOtherKey),
        "an id token of a key that is not the provider's" => signed(Signed::WithUnknownKey),
        "an id token of 100 KB" => token(|claims| claims["more"] = json!("x".repeat(100 * 1024))),
        "an id token that says something twice" => {
            Script { token_text: |text| text.replacen('{', "{\"acr\":\"AAL1\",", 1), ..Script::default() }
        }
        "a person who is described twice" => Script {
            info_text: |text| text.replacen('{', "{\"selected_roleid\":\"555021935108\",", 1),
            ..Script::default()
        },
        "the description of another person" => info(|person| person["sub"] = json!("subject-2")),
        "a way of signing in that is not enough" => set("acr", json!("AAL1_USERPASS")),
        "no way of signing in" => set("acr", Value::Null),
        "a person who showed two hours ago who they are" => set("auth_time", json!(now - 7200)),
        "a person who showed nobody knows when who they are" => token(|claims| {
            claims.as_object_mut().unwrap().remove("auth_time");
        }),
        "an identity that is not assured enough" => set("id_assurance_level", json!("2")),
        "a selected role that is none of the person's" => {
            info(|person| person["selected_roleid"] = json!("9"))
        }
        "a selected role that is there twice" => {
            info(|person| person["nhsid_nrbac_roles"][1]["person_roleid"] = json!("555021935107"))
        }
        "a selected role that cannot be read" => {
            info(|person| person["nhsid_nrbac_roles"][0]["activity_codes"] = json!("B0107"))
        }
        "a person without roles" => info(|person| person["nhsid_nrbac_roles"] = json!([])),
        "roles that are no roles" => info(|person| person["nhsid_nrbac_roles"] = json!("B0107")),
        "a name that would change how a line reads" => info(|person| person["name"] = json!("Sam\u{202e}")),
        "two descriptions that differ" => info(|person| person["id_assurance_level"] = json!("2")),
        "an answer of another issuer" => back(|query| query.replace("iss=http", "iss=https")),
        "an answer of no issuer, where the provider names itself" => {
            back(|query| query.split("&iss").next().unwrap().to_owned())
        }
        "an answer with another state" => back(|query| query.replace("state=", "state=A")),
        "an answer without a state" => back(|query| query.replace("state=", "other=")),
        "an answer with two codes" => back(|query| format!("{query}&code=2")),
        "a code that the provider does not know" => back(|query| query.replace("code=", "code=0")),
        _ => return None,
    })
}

fn back(change: impl Fn(String) -> String + Send + Sync + 'static) -> Script {
    Script { back: Box::new(change), ..Script::default() }
}

/// A token of another kind, where there should be an id token.
fn in_its_place(name: &str, scene: &Scene) -> Option<String> {
    match name {
        "a logout token in the id token's place" => Some(scene.provider.logout(|_| ())),
        "an access token of the hub's in the id token's place" => {
            let (minter, hour) =
                (Minter::new(scene.hub.key.clone(), ISSUER), jiff::SignedDuration::from_hours(1));
            let minted = minter.mint(&nurse(), scene.viewer.key.thumbprint(), scene.hub.clock.now(), hour);
            Some(minted.unwrap().secret().to_owned())
        }
        _ => None,
    }
}

/// Comes back as the row says.
async fn came_back(name: &str, scene: &mut Scene) -> Shown {
    if let Some(other) = in_its_place(name, scene) {
        let answer = move |answer: &mut Value| answer["id_token"] = json!(other);
        scene.provider.says(Script { answer: Box::new(answer), ..Script::default() });
        return scene.page("").await;
    }
    if let Some(script) = script(name) {
        scene.provider.says(script);
        return scene.page("").await;
    }
    let more = if name.starts_with("a person who is to show anew") { "prompt=login" } else { "" };
    let back = scene.back(more).await;
    let cookies = scene.browser.cookies.clone();
    match name {
        "an answer in another browser" => scene.browser = Browser::of(&scene.hub),
        "an answer with a cookie that somebody made up" => {
            scene.browser.cookies.values_mut().for_each(|cookie| cookie.replace_range(30..31, "."));
        }
        "an answer with two cookies" => {
            let sealed = scene.browser.cookies.values().next().unwrap().clone();
            let two = format!("cpis-sign-in={sealed}");
            return scene.browser.once("GET", &back, None, &[("Cookie", &two)]).await;
        }
        "an answer to somebody else's attempt, in this browser" => {
            scene.browser = Browser::of(&scene.hub);
            scene.back("").await;
        }
        "an answer after eleven minutes" => scene.hub.turn(11),
        "a second answer, with another code" => {
            assert_eq!(scene.browser.once("GET", &back, None, &[]).await.status, 303);
            let second = back.replace("code=", "code=2");
            return scene.browser.once("GET", &second, None, &[]).await;
        }
        "a second answer, after a code that the provider does not know" => {
            let wrong = back.replace("code=", "code=2");
            assert_eq!(scene.browser.once("GET", &wrong, None, &[]).await.status, 403);
            // Even with its cookie.
            scene.browser.cookies = cookies;
            let before = scene.provider.asked("/token");
            let again = scene.browser.once("GET", &back, None, &[]).await;
            assert_eq!(scene.provider.asked("/token"), before, "it is not asked again");
            return again;
        }
        "an answer of somebody who has signed out at the provider meanwhile" => {
            assert_eq!(scene.logged_out(scene.provider.logout(|_| ())).await.status, 200);
        }
        "a person who is to show anew who they are, and has not" => {}
        other => panic!("the chapter knows what this test does not: {other}"),
    }
    scene.browser.open(&back).await
}

#[tokio::test]
async fn every_row_of_what_comes_back_from_the_provider_is_so() {
    for [name, answer, noted] in rows("What comes back from the provider") {
        let mut scene = Scene::new().await;
        let calls = scene.hub.hub.unproven().count();
        let shown = came_back(name, &mut scene).await;
        assert_eq!(shown.status.to_string(), answer, "{name}: {}", shown.body);
        assert_eq!(scene.noted(calls), noted, "{name}");
        assert_is_page(&shown, name);
        // And nobody can go on from here.
        let asked = scene.browser.open(&format!("{}/sign-in", scene.hub.base)).await;
        let goes_on = name == "a second answer, with another code";
        assert_eq!(asked.status == 200, goes_on, "{name}");
        assert_eq!(scene.sessions(), Vec::<String>::new(), "{name}");
    }
}

/// A page without anything that could run, that nobody frames and nobody keeps.
fn assert_is_page(shown: &Shown, name: &str) {
    let header =
        |header: &str| shown.headers.get(header).map(|value| value.to_str().unwrap()).unwrap_or_default();
    assert_eq!(header("content-type"), "text/html; charset=utf-8", "{name}");
    assert_eq!((header("cache-control"), header("x-frame-options")), ("no-store", "DENY"), "{name}");
    let policy = header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!shown.body.contains("<script") && shown.body.contains("<h1>"), "{name}");
}

async fn sent_to_page(name: &str, scene: &mut Scene) -> Shown {
    if name == "a role that is none of the person's" {
        scene.provider.says(info(|person| person["selected_roleid"] = Value::Null));
    }
    let page = scene.page("").await;
    assert_eq!(page.status, 200, "{}", page.body);
    let form = page.form().to_owned();
    let yes = "answer=sign-in";
    match name {
        "the form without its secret" => scene.press("", yes, &[]).await,
        "the form from another site" => scene.press(&form, yes, &[("Origin", "https://evil.example")]).await,
        "the form without a word of where it comes from" => scene.press(&form, yes, &[("Origin", "")]).await,
        "the form as another site's browser says it" => {
            scene.press(&form, yes, &[("Sec-Fetch-Site", "cross-site")]).await
        }
        "the form in another browser" => {
            scene.browser = Browser::of(&scene.hub);
            scene.press(&form, yes, &[]).await
        }
        "the form in another browser that signs somebody in, too" => {
            scene.browser = Browser::of(&scene.hub);
            scene.page("").await;
            scene.press(&form, yes, &[]).await
        }
        "the form a second time" => {
            let cookies = scene.browser.cookies.clone();
            assert!(scene.press(&form, yes, &[]).await.is_at_viewer());
            scene.browser.cookies = cookies;
            scene.press(&form, yes, &[]).await
        }
        "a form of 8 KB" => {
            // No part of it is too long, and they are not too many: it is refused for what they are together.
            let more = (0..28).map(|part| format!("&more-{part}={}", "x".repeat(290)));
            let long = format!("answer=sign-in{}", more.collect::<String>());
            assert!(long.len() > 8 * 1024);
            scene.press(&form, &long, &[]).await
        }
        "the form after six minutes" => {
            scene.hub.turn(6);
            scene.press(&form, yes, &[]).await
        }
        "a role that is none of the person's" => scene.press(&form, "answer=sign-in&role=9", &[]).await,
        "that they do not want to" => scene.press(&form, "answer=no", &[]).await,
        other => panic!("the chapter knows what this test does not: {other}"),
    }
}

#[tokio::test]
async fn every_row_of_what_is_sent_to_the_page_is_so() {
    for [name, answer, noted] in rows("What is sent to the page") {
        let mut scene = Scene::new().await;
        let calls = scene.hub.hub.unproven().count();
        let shown = sent_to_page(name, &mut scene).await;
        let told = if shown.is_at_viewer() {
            format!("303 `{}`", shown.value("error"))
        } else {
            assert_is_page(&shown, name);
            shown.status.to_string()
        };
        assert_eq!(told, answer, "{name}: {}", shown.body);
        assert_eq!(scene.noted(calls), noted, "{name}");
        assert_eq!(scene.sessions(), Vec::<String>::new(), "{name}");
    }
}

async fn shown_at_token(name: &str, scene: &mut Scene, calls: &mut u64) -> Answer {
    let code = scene.code().await;
    *calls = scene.hub.hub.unproven().count();
    let form = scene.viewer.form(&code);
    let other = ProofKey::generate().unwrap();
    let viewer = &scene.viewer;
    match name {
        "a code with another key" => viewer.post_as(&other, "/token", &form).await,
        "a code with another address" => viewer.post("/token", &form.replace("4711", "4712")).await,
        "a code with another verifier" => {
            viewer.post("/token", &form.replace(&viewer.verifier, &"x".repeat(64))).await
        }
        "a code after a minute" => {
            scene.hub.clock.turn_to(scene.hub.clock.now() + jiff::SignedDuration::from_secs(61));
            viewer.post("/token", &form).await
        }
        "a code for which a fresh sign-in is demanded, and the browser's address asked for none" => {
            viewer.post("/token", &format!("{form}&prompt=login")).await
        }
        "a code with a demand that is not known" => {
            viewer.post("/token", &format!("{form}&prompt=none")).await
        }
        "a code with the right key, after another key was refused" => {
            viewer.post_as(&other, "/token", &form).await;
            viewer.post("/token", &form).await
        }
        "a code that was changed" => {
            assert_eq!(viewer.post("/token", &form).await.status, 200);
            viewer.post_as(&other, "/token", &form).await
        }
        "a made-up code" => {
            let (id, _) = code.split_once('.').unwrap();
            viewer.post("/token", &viewer.form(&format!("{id}.{}", "A".repeat(43)))).await
        }
        "a code of which the person has signed out at the provider" => {
            assert_eq!(scene.logged_out(scene.provider.logout(|_| ())).await.status, 200);
            viewer.post("/token", &form).await
        }
        "a code without a proof" => {
            let headers = [("Content-Type", "application/x-www-form-urlencoded")];
            scene.hub.send("POST", "/token", None, &headers, Some(form)).await
        }
        "a code of another client" => viewer.post("/token", &form.replace("cpis-viewer", "other")).await,
        other => panic!("the chapter knows what this test does not: {other}"),
    }
}

#[tokio::test]
async fn every_row_of_what_is_shown_at_token_is_so() {
    for [name, answer, noted] in rows("What is shown at `/token`") {
        let mut scene = Scene::new().await;
        let mut calls = 0;
        let told = shown_at_token(name, &mut scene, &mut calls).await;
        let error = told.json()["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!(format!("{} `{error}`", told.status), answer, "{name}");
        match noted.strip_prefix("the session has ended: ") {
            Some(by) => {
                assert_eq!(scene.sessions(), [by.trim_matches('`')], "{name}");
                let ended = scene.hub.rows("SELECT outcome FROM audit WHERE kind = 'session-ended'");
                assert_eq!(ended, [by.trim_matches('`')], "{name}");
            }
            None => {
                let said = scene.noted(calls);
                // The nonce comes with a first refusal.
                assert!(said == noted || noted == "nothing" && said == "`proof-no-nonce`", "{name}: {said}");
                assert_eq!(scene.sessions(), Vec::<String>::new(), "{name}");
            }
        }
    }
}

/// As the provider gives it when somebody signs in.
fn id_token(issuer: &str, now: i64) -> Value {
    json!({
        "iss": issuer, "aud": "cpis-hub", "sub": "subject-1", "sid": "provider-session-1", "iat": now, "exp": now + 300,
        "jti": "1", "auth_time": now - 60, "acr": "AAL3_ANY",
    })
}

#[tokio::test]
async fn every_row_of_what_is_sent_to_the_back_channel_is_so() {
    for [name, answer, noted] in rows("What is sent to `/backchannel-logout`") {
        let mut scene = Scene::new().await;
        let code = scene.code().await;
        assert_eq!(scene.viewer.change(&code).await.status, 200);
        let calls = scene.hub.hub.unproven().count();
        let now = scene.hub.clock.now().as_second();
        let set = |name: &'static str, value: Value| move |claims: &mut Value| claims[name] = value.clone();
        let by = |signed| {
            scene.provider.says(Script { signed, ..Script::default() });
            scene.provider.logout(|_| ())
        };
        let without = |name: &'static str| {
            move |claims: &mut Value| {
                claims.as_object_mut().unwrap().remove(name);
            }
        };
        let it = &scene.provider;
        let token = match name {
            "nothing" | ANNOUNCED | UNANNOUNCED => String::new(),
            "an id token" => it.sign(&id_token(it.issuer(), now).to_string(), "JWT"),
            "a token that another key signed" => by(Signed::WithOtherKey),
            "a token of a key that is not the provider's" => by(Signed::WithUnknownKey),
            "a token with the algorithm none" => by(Signed::NotAtAll),
            "a token with HS256 and the public key" => by(Signed::WithPublicKey),
            "a token of another issuer" => it.logout(set("iss", json!("https://other.example"))),
            "a token for another client" => it.logout(set("aud", json!(["other"]))),
            "a token made six minutes ago" => it.logout(set("iat", json!(now - 360))),
            "a token made in the future" => it.logout(set("iat", json!(now + 60))),
            "a token without its event" => it.logout(set("events", json!({}))),
            "a token with a nonce" => it.logout(set("nonce", json!("x"))),
            "a token about nobody" => it.logout(|claims| {
                without("sub")(claims);
                without("sid")(claims);
            }),
            "a token without an id" => it.logout(without("jti")),
            "a token that was sent before" => {
                let of_another = it.logout(set("sid", json!("another-session")));
                assert_eq!(scene.logged_out(of_another.clone()).await.status, 200);
                of_another
            }
            other => panic!("the chapter knows what this test does not: {other}"),
        };
        let told = match name {
            "nothing" => scene.hub.send("POST", "/backchannel-logout", None, &[], Some(String::new())).await,
            ANNOUNCED => Answer::to_announced(&scene.hub.base, "/backchannel-logout", 100 * 1024).await,
            UNANNOUNCED => {
                let bytes = limits::LOGOUT_BYTES + 1;
                Answer::to_unannounced(&scene.hub.base, "/backchannel-logout", bytes).await
            }
            _ => scene.logged_out(token).await,
        };
        assert_eq!(told.status.to_string(), answer, "{name}");
        let is_too_long = told.status == 413 && told.code() == "PAYLOAD_TOO_LARGE";
        assert!(told.json()["error"] == "invalid_request" || is_too_long, "{name}");
        assert_eq!(scene.noted(calls), noted, "{name}");
        assert_eq!(scene.sessions(), ["-"], "{name}: the session goes on");
        assert!(REDIRECT.ends_with("/signed-in"));
    }
}
