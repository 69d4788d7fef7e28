//! Programs of strangers: a person signs in through one that is registered, it shows its certificate and a bearer token, and every
//! way to use a token without its certificate is refused, exactly so (manual, chapter "Registered programs").

use cpis::identity::dpop::ProofKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::support::answer::Answer;
use super::support::data::{number, plans_of};
use super::support::programs::{OTHER, Program, Programs, RECORD, Tokens};
use super::support::provider::Script;
use super::support::signing_in::{BACK, REDIRECT, Viewer, encoded};
use super::support::uploads::WEXCOMBE;
use super::support::{ISSUER, nurse, proofs};

const CHAPTER: &str = include_str!("../../../src/manual/clients.md");

/// As proxies in front of others' servers pass a certificate on.
const PASSED_ON: [&str; 5] =
    ["Client-Cert", "X-Client-Cert", "X-SSL-Client-Cert", "X-Forwarded-Client-Cert", "SSL-Client-Verify"];

/// The rows of the table that begins so.
fn rows(head: &str) -> Vec<Vec<&'static str>> {
    let part = CHAPTER.split(&format!("| {head} |")).nth(1).unwrap().split("\n\n").next().unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> =
        rows.map(|row| row.split(" | ").collect()).filter(|row: &Vec<&str>| row[0] != "Answer").collect();
    assert!(rows.len() > 5, "{head}: {rows:?}");
    rows
}

/// A hub, a program through which somebody has signed in, and what it was given.
struct Scene {
    all: Programs,
    record: Program,
    tokens: Tokens,
}

impl Scene {
    async fn new() -> Self {
        let all = Programs::new().await;
        let record = all.program(RECORD);
        let tokens = all.tokens(&record).await;
        Self { all, record, tokens }
    }

    /// What the hub's own key has signed, with one thing otherwise.
    fn saying(&self, change: impl Fn(&mut Value)) -> String {
        let body = self.tokens.access.split('.').nth(1).unwrap();
        let body = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, body).unwrap();
        let mut claims: Value = serde_json::from_slice(&body).unwrap();
        change(&mut claims);
        let key = EncodingKey::from_ec_pem(self.all.hub.pem.as_bytes()).unwrap();
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &key).unwrap()
    }

    /// A viewer's token, bound to the tests' own key.
    fn viewers(&self) -> String {
        let hub = &self.all.hub;
        super::support::token(&hub.database, &hub.key, &nurse(), hub.clock.now())
    }

    fn proof(&self, token: &str) -> String {
        let nonce = self.all.hub.hub.proof_nonce();
        proofs::proof("GET", &plans_of(number(1)), token, &nonce, self.all.hub.clock.now())
    }

    fn connecting_as(&mut self, uri: Option<&str>) {
        let certificate = uri.map(|uri| self.all.certificate(uri));
        self.record.http = self.all.connecting(certificate.as_ref());
    }

    async fn view(&self, shown: &[(&str, String)]) -> Answer {
        let trace = Uuid::new_v4().to_string();
        let mut headers: Vec<(&str, &str)> =
            shown.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.push(("TraceID", &trace));
        self.record.get(&plans_of(number(1)), &headers).await
    }

    /// What was noted since: in the audit log, or as of nobody.
    fn noted(&self, calls: u64) -> String {
        let audited = self.all.hub.rows("SELECT outcome FROM audit WHERE kind = 'sign-in-refused'");
        let unproven = self.all.hub.hub.unproven();
        match (audited.as_slice(), unproven.count() > calls) {
            ([], true) => format!("`{}`", unproven.recent().pop().unwrap().why.code()),
            ([], false) => "nothing".to_owned(),
            ([one], _) => format!("audit: `{one}`"),
            (more, _) => panic!("{more:?}"),
        }
    }
}

/// Shows what the row says.
async fn shown(name: &str, scene: &mut Scene) -> Answer {
    let bearer = |token: &str| vec![("Authorization", format!("Bearer {token}"))];
    let (token, viewers) = (scene.tokens.access.clone(), scene.viewers());
    let shown = match name {
        "its token, on a connection with its certificate" => bearer(&token),
        "no token, on a connection with its certificate" => Vec::new(),
        "its token, on a connection without a certificate" => {
            scene.connecting_as(None);
            bearer(&token)
        }
        "its token and certificate in headers, as proxies pass them on" => {
            scene.connecting_as(None);
            let passed_on = PASSED_ON.map(|header| (header, "SUCCESS".to_owned()));
            [bearer(&token), passed_on.to_vec()].concat()
        }
        "its token, with another program's certificate" => {
            scene.connecting_as(Some("urn:program:other"));
            bearer(&token)
        }
        "its token, with another certificate of its own" => {
            scene.connecting_as(Some("urn:program:record"));
            bearer(&token)
        }
        "its token, with a local authority's certificate" => {
            scene.connecting_as(Some(&format!("urn:ods:{WEXCOMBE}")));
            bearer(&token)
        }
        "its token, with a proof of a key and no certificate" => {
            scene.connecting_as(None);
            vec![("Authorization", format!("DPoP {token}")), ("DPoP", scene.proof(&token))]
        }
        "its token as `DPoP`, with its certificate" => vec![("Authorization", format!("DPoP {token}"))],
        "two tokens, with its certificate" => [bearer(&token), bearer(&token)].concat(),
        "a viewer's token as `Bearer`, with a program's certificate" => bearer(&viewers),
        "a viewer's token as `Bearer`, with its proof and a program's certificate" => {
            [bearer(&viewers), vec![("DPoP", scene.proof(&viewers))]].concat()
        }
        "a viewer's token as `DPoP`, with a program's certificate and no proof" => {
            vec![("Authorization", format!("DPoP {viewers}"))]
        }
        "a token that is bound to a key besides" => bearer(&scene.saying(|claims| {
            claims["cnf"]["jkt"] = json!(proofs::KEY.thumbprint().as_str());
        })),
        "a token that is bound to a certificate, of no program" => bearer(&scene.saying(|claims| {
            claims.as_object_mut().unwrap().remove("client_id");
        })),
        "a token that is bound to nothing" => bearer(&scene.saying(|claims| {
            claims.as_object_mut().unwrap().remove("cnf");
        })),
        "a token of a program that is not registered any more, with its certificate" => {
            bearer(&scene.saying(|claims| claims["client_id"] = json!("former")))
        }
        "a token of another program, bound to this one's certificate" => {
            bearer(&scene.saying(|claims| claims["client_id"] = json!(OTHER)))
        }
        "a token that has expired, with its certificate" => {
            scene.all.hub.turn(11);
            bearer(&token)
        }
        "a token of a session that has ended, with its certificate" => {
            let form = format!("token={}", scene.tokens.refresh);
            assert_eq!(scene.record.post("/revoke", &form).await.status, 200);
            bearer(&token)
        }
        other => panic!("the chapter knows what this test does not: {other}"),
    };
    scene.view(&shown).await
}

#[tokio::test]
async fn every_row_of_what_a_program_shows_is_so() {
    for row in rows("What is shown") {
        let [name, answer, noted] = row[..] else { panic!("{row:?}") };
        let mut scene = Scene::new().await;
        let calls = scene.all.hub.hub.unproven().count();
        let told = shown(name, &mut scene).await;
        let challenge = told.header("www-authenticate").unwrap_or_default();
        let error = challenge.split("error=\"").nth(1).and_then(|rest| rest.split('"').next());
        let said = match (told.status, error) {
            (status, None) => status.to_string(),
            (status, Some(error)) => format!("{status} `{error}`"),
        };
        assert_eq!(said, answer, "{name}: {}", told.body);
        assert_eq!(scene.noted(calls), noted, "{name}");
        let is_viewed = told.status == 200;
        assert_eq!(scene.all.hub.count("SELECT 1 FROM view"), usize::from(is_viewed), "{name}");
        assert_eq!(told.body.contains("managingOrganization"), is_viewed, "{name}");
    }
}

/// A viewer at the same hub.
fn viewer(scene: &Scene) -> Viewer {
    let hub = &scene.all.hub;
    Viewer { http: hub.http.clone(), ..Viewer::of(&hub.base, ISSUER, hub.clock.clone()) }
}

/// A code, shown as the row says.
async fn code_shown(name: &str, scene: &mut Scene, calls: &mut u64) -> Option<Answer> {
    let code = scene.all.code(&scene.record).await;
    *calls = scene.all.hub.hub.unproven().count();
    let form = scene.record.form(&code);
    Some(match name {
        "a code, with its certificate" => scene.record.post("/token", &form).await,
        "a code, without a certificate" => {
            scene.connecting_as(None);
            scene.record.post("/token", &form).await
        }
        "a code, with a certificate in headers, as proxies pass it on" => {
            scene.connecting_as(None);
            scene.record.post_with("/token", &form, &PASSED_ON.map(|header| (header, "SUCCESS"))).await
        }
        "a code, with another program's certificate" => {
            scene.connecting_as(Some("urn:program:other"));
            scene.record.post("/token", &form).await
        }
        "a code, with a local authority's certificate" => {
            scene.connecting_as(Some(&format!("urn:ods:{WEXCOMBE}")));
            scene.record.post("/token", &form).await
        }
        "a code of another program, with one's own name and certificate" => {
            let other = scene.all.program(OTHER);
            other.post("/token", &form.replace("client_id=record", "client_id=other")).await
        }
        "a code of a program's, with the viewer's name and a proof" => {
            viewer(scene).post("/token", &form.replace("client_id=record", "client_id=cpis-viewer")).await
        }
        "a code of a viewer's, with a program's name and certificate" => {
            let viewer = viewer(scene);
            let landed = scene.all.pressed(&viewer.address("")).await;
            assert!(landed.is_at_viewer(), "{}", landed.body);
            let form = viewer.form(landed.value("code"));
            scene.record.post("/token", &form.replace("client_id=cpis-viewer", "client_id=record")).await
        }
        "a code, with another address" => {
            scene.record.post("/token", &form.replace("%2Fback", "%2Fbacks")).await
        }
        "a code, with another verifier" => {
            scene.record.post("/token", &form.replace(&scene.record.verifier, &"x".repeat(64))).await
        }
        "a code, without a verifier" => {
            scene.record.post("/token", &form.replace("code_verifier", "other")).await
        }
        "a code, in nobody's name" => scene.record.post("/token", &form.replace("client_id", "other")).await,
        "a code, a second time" => {
            assert_eq!(scene.record.post("/token", &form).await.status, 200);
            scene.record.post("/token", &form).await
        }
        _ => return None,
    })
}

/// A refresh token, shown as the row says.
async fn refresh_shown(name: &str, scene: &mut Scene) -> Answer {
    let form = scene.record.refresh_form(&scene.tokens.refresh);
    let key = ProofKey::generate().unwrap();
    match name {
        "the refresh token, with its certificate" => scene.record.post("/token", &form).await,
        "the refresh token, without a certificate" => {
            scene.connecting_as(None);
            scene.record.post("/token", &form).await
        }
        "the refresh token, with a proof and no certificate" => {
            scene.connecting_as(None);
            viewer(scene).post_as(&key, "/token", &form).await
        }
        "the refresh token, with another program's certificate" => {
            scene.connecting_as(Some("urn:program:other"));
            scene.record.post("/token", &form).await
        }
        "the refresh token, with another certificate of its own" => {
            scene.connecting_as(Some("urn:program:record"));
            scene.record.post("/token", &form).await
        }
        "the refresh token, in another program's name" => {
            scene.record.post("/token", &form.replace("client_id=record", "client_id=other")).await
        }
        "a made-up refresh token of the session, with another certificate" => {
            scene.connecting_as(Some("urn:program:other"));
            let (id, _) = scene.tokens.refresh.split_once('.').unwrap();
            scene.record.post("/token", &scene.record.refresh_form(&format!("{id}.{}", "A".repeat(43)))).await
        }
        "the one before, its successor used" => {
            let next = Tokens::of(&scene.record.post("/token", &form).await);
            let used = scene.record.post("/token", &scene.record.refresh_form(&next.refresh)).await;
            assert_eq!(used.status, 200);
            scene.record.post("/token", &form).await
        }
        "a viewer's refresh token, with a program's certificate and no proof" => {
            let viewer = viewer(scene);
            let landed = scene.all.pressed(&viewer.address("")).await;
            let given = Tokens::of(&viewer.change(landed.value("code")).await);
            scene.record.post("/token", &scene.record.refresh_form(&given.refresh)).await
        }
        other => panic!("the chapter knows what this test does not: {other}"),
    }
}

#[tokio::test]
async fn every_row_of_what_a_program_shows_at_token_is_so() {
    for row in rows("What is shown at `/token` by a program") {
        let [name, answer, noted, becomes] = row[..] else { panic!("{row:?}") };
        let mut scene = Scene::new().await;
        let mut calls = scene.all.hub.hub.unproven().count();
        let told = match code_shown(name, &mut scene, &mut calls).await {
            Some(told) => told,
            None => {
                calls = scene.all.hub.hub.unproven().count();
                refresh_shown(name, &mut scene).await
            }
        };
        let error = told.json()["error"].as_str().map(|error| format!(" `{error}`")).unwrap_or_default();
        assert_eq!(format!("{}{error}", told.status), answer, "{name}: {}", told.body);
        if told.status == 200 {
            let given = told.json();
            assert_eq!(
                (&given["token_type"], &given["expires_in"]),
                (&json!("Bearer"), &json!(600)),
                "{name}"
            );
        }
        let said = scene.noted(calls);
        // A proof's nonce comes with a first refusal, and whoever is refused with it is nobody besides.
        assert!(said == noted || (noted == "nothing" && said == "`refresh`"), "{name}: {said}, not {noted}");
        let ended = scene.all.hub.rows("SELECT outcome FROM audit WHERE kind = 'session-ended'");
        let expected = becomes.strip_prefix("ended: ").map(|by| by.trim_matches('`'));
        assert_eq!(ended, expected.into_iter().collect::<Vec<_>>(), "{name}");
    }
}

#[tokio::test]
async fn every_row_of_what_a_program_asks_is_so() {
    for row in rows("What is asked at `/authorize` by a program") {
        let [name, answer, noted] = row[..] else { panic!("{row:?}") };
        let all = Programs::new().await;
        let record = all.program(RECORD);
        let address = record.address("");
        let redirect = encoded(BACK);
        let address = match name {
            "all of it" => address,
            "another address to come back to" => {
                address.replace(&redirect, &encoded("https://evil.example/back"))
            }
            "an address below its own" => address.replace(&redirect, &encoded(&format!("{BACK}/more"))),
            "another program's address" => address.replace(&redirect, &encoded(&format!("{BACK}/other"))),
            "the viewer's address" => address.replace(&redirect, &encoded(REDIRECT)),
            "the name of no program" => address.replace("client_id=record", "client_id=former"),
            "no challenge" => address.replace("code_challenge=", "other="),
            "a challenge that is the verifier itself" => address.replace("=S256", "=plain"),
            "a token, and no code" => address.replace("response_type=code", "response_type=token"),
            "a token for another service" => {
                address.replace(&encoded(ISSUER), &encoded("https://other.example"))
            }
            "somebody whose role is at another organisation" => {
                all.provider.says(Script {
                    info: Box::new(|person| person["selected_roleid"] = json!("555021935108")),
                    ..Script::default()
                });
                address
            }
            "somebody without a role at its organisation" => {
                all.provider.says(Script {
                    info: Box::new(|person| {
                        person["selected_roleid"] = Value::Null;
                        person["nhsid_nrbac_roles"][0]["org_code"] = json!("RXX");
                    }),
                    ..Script::default()
                });
                address
            }
            other => panic!("the chapter knows what this test does not: {other}"),
        };
        let landed = all.pressed(&address).await;
        let is_back = landed.address.starts_with(BACK);
        let said = match (is_back, landed.value("error")) {
            (true, "") => "303".to_owned(),
            (true, error) => format!("303 `{error}`"),
            (false, _) => landed.status.to_string(),
        };
        assert_eq!(said, answer, "{name}: {}", landed.body);
        let audited =
            all.hub.rows("SELECT outcome || ' by ' || client FROM audit WHERE kind = 'sign-in-refused'");
        let audited: Vec<String> = audited.iter().map(|row| format!("audit: `{row}`")).collect();
        let expected: Vec<&str> = [noted].into_iter().filter(|noted| *noted != "nothing").collect();
        assert_eq!(audited, expected, "{name}");
        let is_given = is_back && !landed.value("code").is_empty();
        assert_eq!(is_given, name == "all of it", "{name}");
    }
}

#[tokio::test]
async fn a_person_signs_in_through_a_program_and_each_view_is_theirs_and_the_programs() {
    // given somebody who signed in through a registered program
    let scene = Scene::new().await;
    let hub = &scene.all.hub;
    assert_eq!(scene.tokens.whole["scope"], "user/Patient.rs user/CareTeam.s user/Flag.s user/AuditEvent.cs");

    // when it opens the plans of a child as any FHIR client does
    let bearer = format!("Bearer {}", scene.tokens.access);
    let trace = Uuid::new_v4().to_string();
    let view =
        scene.record.get(&plans_of(number(1)), &[("Authorization", &bearer), ("TraceID", &trace)]).await;
    assert_eq!((view.status, view.total()), (200, 1), "{}", view.body);

    // then the view is the person's, and the log says through which program
    assert_eq!(
        hub.rows("SELECT kind, outcome, user_name, organisation_code, client, detail FROM audit WHERE kind NOT IN ('load', 'view')"),
        ["session-begun|begun|Sam Okafor|RN3|record|-"]
    );
    assert_eq!(
        hub.rows("SELECT user_name, organisation_code, client FROM audit WHERE kind = 'view'"),
        ["Sam Okafor|RN3|record"]
    );
    assert_eq!(hub.count("SELECT 1 FROM outbox WHERE state = 'queued'"), 1, "and the authority is told");

    // and renewed, the session goes on with the same certificate, and ends when the program says so
    let next =
        Tokens::of(&scene.record.post("/token", &scene.record.refresh_form(&scene.tokens.refresh)).await);
    let bearer = format!("Bearer {}", next.access);
    assert_eq!(scene.record.get("/metadata", &[("Authorization", &bearer)]).await.status, 200);
    let gone = scene.record.post("/revoke", &format!("token={}", next.refresh)).await;
    assert!(gone.status == 200 && gone.json()["end_session"].is_string(), "{}", gone.body);
    assert_eq!(scene.record.get("/metadata", &[("Authorization", &bearer)]).await.status, 401);
    let stored = hub.rows("SELECT key, client FROM session WHERE client IS NOT NULL");
    assert!(
        stored.len() == 1 && stored[0].starts_with("x5t:") && stored[0].ends_with("|record"),
        "{stored:?}"
    );
}

#[tokio::test]
async fn what_is_on_disk_of_a_session_is_read_again_with_its_program_and_its_certificate() {
    let scene = Scene::new().await;
    let id = scene.all.hub.rows("SELECT id FROM session WHERE client IS NOT NULL").remove(0);
    let of_program = scene.all.hub.hub.store().session(id).await.unwrap().unwrap();
    assert_eq!(of_program.caller.client.as_deref(), Some(RECORD));
    assert!(of_program.binding.key().is_none());
}

/// A nurse's words at every address that goes by role, as the viewer asks and as a registered program does.
#[tokio::test]
async fn whoever_comes_through_a_program_may_what_their_role_may_and_no_more() {
    let scene = Scene::new().await;
    let hub = &scene.all.hub;
    let bearer = format!("Bearer {}", scene.tokens.access);
    // The provider's person has the codes of this one.
    let who = nurse();
    let mut compared = 0;
    for (path, methods) in cpis::hub::addresses() {
        if super::support::signing_in::SIGNING_IN.contains(&path)
            || ["/token", "/revoke", "/events"].contains(&path)
        {
            continue;
        }
        let target = path
            .replace("{number}", &number(1).digits())
            .replace("{reference}", "ABCD-EFGH")
            .replace("{sequence}", "1");
        let target = if target.ends_with("/CareTeam") { plans_of(number(1)) } else { target };
        for method in methods {
            let ids = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
            let headers = |id: usize| [("TraceID", ids[id].as_str()), ("X-Request-ID", ids[id].as_str())];
            let viewers = hub.send(method, &target, Some(&who), &headers(0), Some("{}".to_owned())).await;
            let mut request =
                scene.record.http.request(method.parse().unwrap(), format!("{}{target}", hub.base));
            for (name, value) in headers(1).into_iter().chain([("Authorization", bearer.as_str())]) {
                request = request.header(name, value);
            }
            let programs = Answer::read(request.body("{}").send().await.unwrap()).await;
            // Who shows a certificate where authorities send is one that is no authority's, and not nobody.
            let expected =
                if path.starts_with("/exchange") { "403 ACCESS_DENIED".to_owned() } else { viewers.told() };
            assert_eq!(programs.told(), expected, "{method} {path}");
            compared += 1;
        }
    }
    assert!(compared > 15, "{compared}");
}

#[tokio::test]
async fn the_page_names_the_program_and_offers_only_roles_at_its_organisation() {
    let all = Programs::new().await;
    all.provider.says(Script {
        info: Box::new(|person| person["selected_roleid"] = Value::Null),
        ..Script::default()
    });
    let record = all.program(RECORD);
    let mut browser = all.browser();
    let page = browser.open(&record.address("")).await;
    assert!(
        page.body.contains("Wexcombe record") && page.body.contains("Sign in to this program?"),
        "{}",
        page.body
    );
    assert!(page.body.contains("555021935107") && !page.body.contains("555021935108"), "{}", page.body);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https://record.example;"), "{policy}");
    // Whoever sends the other one all the same is not let in.
    let form = format!("form={}&answer=sign-in&role=555021935108", page.form());
    let asked = format!("{}/sign-in", all.hub.base);
    let refused = browser.go("POST", &asked, Some(&form), &[("Origin", ISSUER)]).await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(
        refused.body.contains("another organisation") && refused.body.contains("Go back to Wexcombe record")
    );
    assert_eq!(
        all.hub.rows("SELECT outcome, client FROM audit WHERE kind = 'sign-in-refused'"),
        ["other-organisation|record"]
    );
}

/// Where what the hub is and offers can be looked up.
const DOCUMENTS: [&str; 9] = [
    "/metadata",
    "/cpis/FHIR/R4/metadata",
    "/personal-demographics/FHIR/R4/metadata",
    "/patient-flags-api/FHIR/R4/metadata",
    "/.well-known/smart-configuration",
    "/cpis/FHIR/R4/.well-known/smart-configuration",
    "/personal-demographics/FHIR/R4/.well-known/smart-configuration",
    "/patient-flags-api/FHIR/R4/.well-known/smart-configuration",
    "/.well-known/oauth-authorization-server",
];

#[tokio::test]
async fn what_a_hub_offers_is_open_says_where_to_sign_in_and_nothing_of_anybody() {
    let scene = Scene::new().await;
    let stranger = scene.all.connecting(None);
    let calls = scene.all.hub.hub.unproven().count();
    // What is refused to a stranger there is a stranger's too.
    for (query, accept) in [("", "text/html"), ("?_format=nonsense", "*/*")] {
        let asked = stranger.get(format!("{}/metadata{query}", scene.all.hub.base)).header("Accept", accept);
        let answer = Answer::read(asked.send().await.unwrap()).await;
        assert_eq!((answer.status, answer.header("connection")), (406, Some("close")), "{}", answer.body);
    }
    for path in DOCUMENTS {
        let answer = stranger.get(format!("{}{path}", scene.all.hub.base)).send().await.unwrap();
        let answer = Answer::read(answer).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(answer.header("connection"), Some("close"), "{path}: nobody known keeps a place");
        for secret in [
            "Wexcombe",
            "urn:program",
            WEXCOMBE,
            "Sam Okafor",
            "RN3",
            "Trust",
            env!("CARGO_PKG_VERSION"),
            scene.all.provider.issuer(),
        ] {
            assert!(!answer.body.contains(secret), "{path}: {secret} in {}", answer.body);
        }
        let said = answer.json();
        if path.ends_with("/metadata") {
            let security = &said["rest"][0]["security"];
            let uris = &security["extension"][0]["extension"];
            assert_eq!(
                uris[0],
                json!({ "url": "authorize", "valueUri": format!("{ISSUER}/authorize") }),
                "{path}"
            );
            assert_eq!(uris[1]["valueUri"], format!("{ISSUER}/token"), "{path}");
        } else {
            assert_eq!(said["token_endpoint"], format!("{ISSUER}/token"), "{path}");
            assert_eq!(said["code_challenge_methods_supported"], json!(["S256"]), "{path}");
            assert_eq!(said["tls_client_certificate_bound_access_tokens"], true, "{path}");
            let methods = said["token_endpoint_auth_methods_supported"].as_array().unwrap();
            assert!(methods.contains(&json!("tls_client_auth")), "{path}");
            assert_eq!(said["capabilities"].is_array(), path.ends_with("smart-configuration"), "{path}");
        }
    }
    assert_eq!(scene.all.hub.hub.unproven().count(), calls, "and nobody is counted as refused");
}

#[tokio::test]
async fn a_hub_without_registered_programs_offers_nothing_to_any() {
    let hub = super::support::TestHub::empty().await;
    for path in ["/.well-known/smart-configuration", "/.well-known/oauth-authorization-server"] {
        let said = hub.send("GET", path, None, &[], None).await.json();
        assert_eq!(said["tls_client_certificate_bound_access_tokens"], false, "{path}");
        assert!(!said.to_string().contains("tls_client_auth"), "{path}");
    }
    let asked = hub.send(
        "GET",
        "/authorize?client_id=record&redirect_uri=https://record.example/back",
        None,
        &[],
        None,
    );
    assert_eq!(asked.await.status, 400);
}
