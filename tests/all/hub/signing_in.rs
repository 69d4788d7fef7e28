//! How a session begins, and how it ends from both sides (manual, chapter "Signing in").

use cpis::demo::Demonstration;
use cpis::hub::clock::Clock;
use serde_json::{Value, json};

use super::signing_in_attacks::Scene;
use super::support::ISSUER;
use super::support::provider::{Published, Script, Signed};
use super::support::signing_in::{Viewer, encoded, follow};

#[tokio::test]
async fn somebody_signs_in_at_the_provider_works_and_signs_out() {
    let demonstration = Demonstration::start(Clock::system().now()).await.unwrap();
    let viewer = Viewer::new(demonstration.address()).await;
    let landed = follow(&viewer.address("login_hint=0")).await;
    assert_eq!(
        (landed.value("state"), landed.value("iss")),
        (viewer.state.as_str(), demonstration.address())
    );
    let granted = viewer.change(landed.value("code")).await;
    assert_eq!(granted.status, 200, "{}", granted.body);
    let told = granted.json();
    assert_eq!(told["person"]["name"], "Sam Okafor");
    assert_eq!(told["person"]["organisation"], "Wexcombe General Hospital");
    assert_eq!(told["person"]["activities"], serde_json::json!(["B0107", "B0264"]));
    assert_eq!(told["person"]["rights"], serde_json::json!(["search-people", "view-and-notify"]));
    assert_eq!((&told["token_type"], &told["expires_in"]), (&"DPoP".into(), &600.into()));
    // The session is one like every other: it renews, opens, and ends.
    let refresh = told["refresh_token"].as_str().unwrap().to_owned();
    let renewed = viewer.post("/token", &format!("grant_type=refresh_token&refresh_token={refresh}")).await;
    let renewed: Value = renewed.json();
    let (access, refresh) =
        (renewed["access_token"].as_str().unwrap(), renewed["refresh_token"].as_str().unwrap());
    assert_eq!(viewer.metadata_with(access).await, 200);
    assert_eq!(viewer.post("/revoke", &format!("token={refresh}")).await.status, 200);
    assert_eq!(viewer.metadata_with(access).await, 401);
}

#[tokio::test]
async fn the_metadata_say_what_there_is() {
    let demonstration = Demonstration::start(Clock::system().now()).await.unwrap();
    let at = demonstration.address();
    let said = reqwest::get(format!("{at}/.well-known/oauth-authorization-server")).await.unwrap();
    assert_eq!(said.headers()["content-type"], "application/json");
    let said: Value = serde_json::from_str(&said.text().await.unwrap()).unwrap();
    assert_eq!(said["issuer"], at);
    assert_eq!(said["authorization_endpoint"], format!("{at}/authorize"));
    assert_eq!(said["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(said["authorization_response_iss_parameter_supported"], true);
    assert_eq!(said["dpop_signing_alg_values_supported"], serde_json::json!(["ES256"]));
    assert_eq!(said["token_endpoint_auth_methods_supported"], serde_json::json!(["none"]));
}

#[tokio::test]
async fn the_page_names_person_role_place_and_computer_and_a_press_gives_a_session_for_as_long_as_the_level_says()
 {
    let mut scene = Scene::new().await;
    let page = scene.page("").await;
    assert_eq!((page.status, page.address.ends_with("/sign-in")), (200, true));
    for said in ["Sam Okafor", "Nurse Access Role", "Great Western Hospital", "ED triage 2", "127.0.0.1:8470"]
    {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    assert!(!page.body.contains("type=\"radio\"") && !page.body.contains("Midwife"));
    let form = page.form().to_owned();
    let headers = [("Origin", ISSUER), ("Sec-Fetch-Site", "same-origin")];
    let landed = scene.press(&form, "answer=sign-in", &headers).await;
    assert_eq!((landed.value("state"), landed.value("iss")), (scene.viewer.state.as_str(), ISSUER));
    assert!(scene.browser.cookies.is_empty(), "the hub leaves nothing in the browser");
    let granted = scene.viewer.change(landed.value("code")).await;
    let told = granted.json();
    assert_eq!(told["person"]["role"], "Nurse Access Role");
    assert_eq!(told["person"]["organisation_code"], "RN3");
    assert_eq!(told["person"]["activities"], json!(["B0107", "B0264"]));
    // She showed who she is a minute ago: that counts.
    assert_eq!(
        (&told["session_expires_in"], &told["idle_expires_in"]),
        (&json!(12 * 3600 - 60), &json!(900))
    );
    let begun = scene
        .hub
        .rows("SELECT user_id, role_profile, activities, device, subject FROM session WHERE chain != x''");
    assert_eq!(begun, ["910000000001|555021935107|B0107 B0264|ED triage 2|subject-1"]);
    let audited = scene.hub.rows("SELECT kind, outcome, user_name, role, detail FROM audit");
    assert_eq!(
        audited,
        ["session-begun|begun|Sam Okafor|Nurse Access Role|{\"device_as_stated\":\"ED triage 2\"}"]
    );
}

#[tokio::test]
async fn what_a_browser_keeps_goes_when_the_chapter_says_so() {
    let mut scene = Scene::new().await;
    let begun = scene.browser.once("GET", &scene.viewer.address(""), None, &[]).await;
    let cookie = begun.headers["set-cookie"].to_str().unwrap();
    let seconds = cookie.split("Max-Age=").nth(1).unwrap().split(';').next().unwrap();
    let chapter = include_str!("../../../src/manual/signin.md");
    let said = format!("`__Host-cpis-sign-in`, for {} minutes", seconds.parse::<u64>().unwrap() / 60);
    assert!(chapter.contains(&said), "{said}");
}

#[tokio::test]
async fn whoever_has_chosen_no_role_picks_one_and_that_is_in_the_audit_log() {
    let mut scene = Scene::new().await;
    let unchosen = |person: &mut Value| person["selected_roleid"] = Value::Null;
    scene.provider.says(Script { info: Box::new(unchosen), ..Script::default() });
    let page = scene.page("").await;
    assert!(
        page.body.contains("Midwife Access Role") && page.body.contains("Nurse Access Role"),
        "{}",
        page.body
    );
    let form = page.form().to_owned();
    let again = scene.press(&form, "answer=sign-in", &[]).await;
    assert!(again.status == 200 && again.body.contains("Choose a role"), "{}", again.body);
    let landed = scene.press(&form, "answer=sign-in&role=555021935108", &[]).await;
    let told = scene.viewer.change(landed.value("code")).await.json();
    assert_eq!(
        (&told["person"]["role"], &told["person"]["organisation"]),
        (&json!("Midwife Access Role"), &json!("RA9"))
    );
    let audited =
        scene.hub.rows("SELECT kind, role, organisation_code, detail FROM audit ORDER BY id LIMIT 1");
    let picked = "role-picked|Midwife Access Role|RA9|{\"of\":2,\"role_profile\":\"555021935108\"}";
    assert_eq!(audited, [picked]);
}

#[tokio::test]
async fn signing_out_at_the_provider_ends_the_session_here_before_it_is_answered() {
    let mut scene = Scene::new().await;
    let code = scene.code().await;
    let told = scene.viewer.change(&code).await.json();
    let access = told["access_token"].as_str().unwrap().to_owned();
    assert_eq!(scene.viewer.metadata_with(&access).await, 200);
    let body = format!("logout_token={}", encoded(&scene.provider.logout(|_| ())));
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let answer = scene.hub.send("POST", "/backchannel-logout", None, &headers, Some(body)).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(scene.viewer.metadata_with(&access).await, 401);
    assert_eq!(scene.sessions(), ["provider"]);
    assert_eq!(scene.hub.rows("SELECT outcome FROM audit WHERE kind = 'session-ended'"), ["provider"]);
    assert_eq!(
        scene.hub.rows("SELECT id_token FROM session WHERE chain != x''"),
        ["-"],
        "and nothing of the provider's is kept"
    );
    // Of a person, without a session: all of theirs.
    let anew = |claims: &mut Value| claims["sid"] = json!("provider-session-2");
    scene.provider.says(Script { token: Box::new(anew), ..Script::default() });
    for _ in 0..2 {
        let code = scene.code().await;
        assert_eq!(scene.viewer.change(&code).await.status, 200);
    }
    let everywhere = scene.provider.logout(|claims| {
        claims.as_object_mut().unwrap().remove("sid");
    });
    let body = format!("logout_token={}", encoded(&everywhere));
    assert_eq!(scene.hub.send("POST", "/backchannel-logout", None, &headers, Some(body)).await.status, 200);
    assert_eq!(scene.sessions(), ["provider", "provider", "provider"]);
}

#[tokio::test]
async fn a_session_of_which_the_provider_named_none_ends_with_a_logout_that_names_one() {
    let mut scene = Scene::new().await;
    let nameless = |claims: &mut Value| {
        claims.as_object_mut().unwrap().remove("sid");
    };
    scene.provider.says(Script { token: Box::new(nameless), ..Script::default() });
    let code = scene.code().await;
    assert_eq!(scene.viewer.change(&code).await.status, 200);
    assert_eq!(scene.logged_out(scene.provider.logout(|_| ())).await.status, 200);
    assert_eq!(scene.sessions(), ["provider"]);
}

#[tokio::test]
async fn an_old_word_that_a_person_has_signed_out_leaves_alone_whoever_has_signed_in_since() {
    let mut scene = Scene::new().await;
    let earlier = scene.hub.clock.now().as_second() - 120;
    let old = scene.provider.logout(|claims| {
        claims.as_object_mut().unwrap().remove("sid");
        claims["iat"] = json!(earlier);
    });
    let code = scene.code().await;
    assert_eq!(scene.viewer.change(&code).await.status, 200);
    assert_eq!(scene.logged_out(old).await.status, 200);
    assert_eq!(scene.sessions(), ["-"]);
}

#[tokio::test]
async fn a_logout_that_comes_while_somebody_is_on_the_way_is_not_forgotten() {
    let mut scene = Scene::new().await;
    // The provider has answered, and the hub has not yet looked at it.
    let logout = scene.provider.logout(|_| ());
    assert_eq!(scene.logged_out(logout).await.status, 200);
    let page = scene.page("").await;
    assert!(page.status == 400 && page.body.contains("cannot go on"), "{}", page.body);
    // A second later they sign in there anew.
    scene.hub.clock.turn_to(scene.hub.clock.now() + jiff::SignedDuration::from_secs(1));
    scene.provider.says(Script {
        token: Box::new(|claims| claims["sid"] = json!("provider-session-2")),
        ..Script::default()
    });
    let code = scene.code().await;
    assert_eq!(scene.viewer.change(&code).await.status, 200);
}

#[tokio::test]
async fn signing_out_here_gives_an_address_that_ends_the_session_there_once() {
    let mut scene = Scene::new().await;
    let code = scene.code().await;
    let told = scene.viewer.change(&code).await.json();
    let refresh = told["refresh_token"].as_str().unwrap();
    let ended = scene.viewer.post("/revoke", &format!("token={refresh}")).await.json();
    let address = ended["end_session"].as_str().unwrap();
    assert!(address.starts_with(&format!("{ISSUER}/sign-out?ticket=")) && address.len() < 120, "{address}");
    let address = address.replacen(ISSUER, &scene.hub.base, 1);
    let sent = scene.browser.once("GET", &address, None, &[]).await;
    let there = sent.headers["location"].to_str().unwrap();
    assert!(there.starts_with(&format!("{}/end?id_token_hint=ey", scene.provider.issuer())), "{there}");
    assert!(
        there.ends_with(&format!("&post_logout_redirect_uri={}", encoded(&format!("{ISSUER}/signed-out")))),
        "{there}"
    );
    assert_eq!(scene.browser.once("GET", &address, None, &[]).await.status, 400, "once");
    let back = scene.browser.open(&format!("{}/signed-out", scene.hub.base)).await;
    assert!(back.status == 200 && back.body.contains("You are signed out"));
    assert_eq!(scene.sessions(), ["signed-out"]);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_said_in_plain_words_and_everything_else_goes_on() {
    let mut scene = Scene::new().await;
    let down = || Script { is_down: true, ..Script::default() };
    scene.provider.says(down());
    for _ in 0..3 {
        let page = scene.page("").await;
        assert!(page.status == 503 && page.body.contains("does not answer at present"), "{}", page.body);
        assert!(
            page.body
                .contains(&format!("{}?error=temporarily_unavailable", super::support::signing_in::REDIRECT))
        );
    }
    assert_eq!(scene.provider.asked("/offered"), 1, "not by everybody who waits");
    let told = scene.hub.hub.metrics_text().await;
    assert!(told.contains("\ncpis_hub_provider_down_total 3\n"), "its operator hears of it: {told}");
    assert_eq!(scene.hub.send("GET", "/healthz", None, &[], None).await.status, 200);
    // It is back: within seconds somebody can sign in.
    scene.provider.says(Script::default());
    scene.hub.clock.turn_to(scene.hub.clock.now() + jiff::SignedDuration::from_secs(6));
    let code = scene.code().await;
    assert_eq!(scene.viewer.change(&code).await.status, 200);
    // It goes while somebody is on the way.
    let page = {
        scene.provider.says(down());
        scene.page("").await
    };
    assert!(page.status == 503 && page.body.contains("Go back to the viewer"), "{}", page.body);
    assert_eq!(scene.sessions(), ["-"], "who is signed in stays so");
}

#[tokio::test]
async fn unknown_keys_make_the_hub_ask_for_keys_every_five_seconds_and_no_more() {
    let mut scene = Scene::new().await;
    let unknown = || Script { signed: Signed::WithUnknownKey, ..Script::default() };
    scene.provider.says(unknown());
    for _ in 0..3 {
        assert_eq!(scene.page("").await.status, 403);
    }
    assert_eq!((scene.provider.asked("/offered"), scene.provider.asked("/keys")), (1, 2));
    scene.hub.clock.turn_to(scene.hub.clock.now() + jiff::SignedDuration::from_secs(5));
    for _ in 0..3 {
        assert_eq!(scene.page("").await.status, 403);
    }
    assert_eq!(scene.provider.asked("/keys"), 3);
}

#[tokio::test]
async fn a_question_that_is_no_viewers_leads_nowhere_and_one_that_is_leads_back() {
    let mut scene = Scene::new().await;
    let good = scene.viewer.address("");
    for (from, to) in
        [("cpis-viewer", "other"), ("127.0.0.1%3A4711", "evil.example"), ("signed-in", "elsewhere")]
    {
        let page = scene.browser.open(&good.replace(from, to)).await;
        assert_eq!((page.status, page.headers.get("location")), (400, None), "{to}");
    }
    let landed = scene.browser.open(&good.replace("S256", "plain")).await;
    assert!(landed.is_at_viewer());
    assert_eq!(
        (landed.value("error"), landed.value("state"), landed.value("iss")),
        ("invalid_request", scene.viewer.state.as_str(), ISSUER)
    );
    let refused = |query: String| {
        query.split("code=").next().unwrap().to_owned()
            + "error=access_denied&"
            + query.split_once('&').unwrap().1
    };
    scene.provider.says(Script { back: Box::new(refused), ..Script::default() });
    let landed = scene.page("").await;
    assert_eq!((landed.is_at_viewer(), landed.value("error")), (true, "access_denied"));
    let none = super::support::TestHub::empty().await;
    let page = scene.browser.open(&good.replace(&scene.hub.base, &none.base)).await;
    assert!(page.status == 503 && page.body.contains("not connected to a sign-in page"), "{}", page.body);
}

#[tokio::test]
async fn each_way_of_signing_in_has_the_times_of_its_level() {
    for (acr, idle_minutes, whole_hours) in [("AAL3_ANY", 15, 12), ("AAL2_ANY", 30, 10)] {
        let mut scene = Scene::new().await;
        let says =
            || Script { token: Box::new(move |claims| claims["acr"] = json!(acr)), ..Script::default() };
        scene.provider.says(says());
        let turn = |scene: &Scene, seconds: i64| {
            scene.hub.clock.turn_to(scene.hub.clock.now() + jiff::SignedDuration::from_secs(seconds));
        };
        let begun = async |scene: &mut Scene| {
            let code = scene.code().await;
            let told = scene.viewer.change(&code).await.json();
            // She showed who she is a minute ago: that counts.
            let times = (&told["session_expires_in"], &told["idle_expires_in"]);
            assert_eq!(times, (&json!(whole_hours * 3600 - 60), &json!(idle_minutes * 60)), "{acr}");
            told["refresh_token"].as_str().unwrap().to_owned()
        };
        let renewed = async |scene: &Scene, refresh: &str| {
            let form = format!("grant_type=refresh_token&refresh_token={refresh}");
            let answer = scene.viewer.post("/token", &form).await;
            (answer.status == 200).then(|| answer.json()["refresh_token"].as_str().unwrap().to_owned())
        };
        // Up to its last second without anybody at work, and one longer.
        let refresh = begun(&mut scene).await;
        turn(&scene, idle_minutes * 60);
        let refresh = renewed(&scene, &refresh).await.unwrap_or_else(|| panic!("{acr}: idle too early"));
        turn(&scene, idle_minutes * 60 + 1);
        assert_eq!(renewed(&scene, &refresh).await, None, "{acr}");
        assert_eq!(scene.sessions(), ["idle"], "{acr}");
        // And with somebody at work all the time, for as long as it may, and no longer.
        let mut refresh = begun(&mut scene).await;
        let mut left = whole_hours * 3600 - 60;
        while left > 600 {
            turn(&scene, 600);
            left -= 600;
            refresh =
                renewed(&scene, &refresh).await.unwrap_or_else(|| panic!("{acr}: over with {left} s left"));
        }
        turn(&scene, left - 1);
        refresh = renewed(&scene, &refresh).await.unwrap_or_else(|| panic!("{acr}: over a second too early"));
        turn(&scene, 1);
        assert_eq!(renewed(&scene, &refresh).await, None, "{acr}");
        assert_eq!(scene.sessions(), ["idle", "over"], "{acr}");
    }
}

#[tokio::test]
async fn a_provider_that_changes_its_keys_keeps_nobody_out_and_nothing_signed_with_the_old_one_is_taken() {
    // given a hub that knows the provider's key, of which somebody has a session
    let mut scene = Scene::new().await;
    let code = scene.code().await;
    assert_eq!(scene.viewer.change(&code).await.status, 200);
    let old = scene.provider.logout(|_| ());

    // when the provider signs with another one, under a new name
    let signed = |signed| Script { signed, published: Published::Two, ..Script::default() };
    scene.provider.says(signed(Signed::WithUnknownKey));

    // then the next one signs in at once, and both ways out work
    let code = scene.code().await;
    assert_eq!(scene.viewer.change(&code).await.status, 200);
    assert_eq!(scene.provider.asked("/keys"), 2, "asked for once at the start, and once more");
    let refused = scene.logged_out(old).await;
    assert_eq!((refused.status, scene.sessions()), (400, vec!["-".to_owned(); 2]));
    assert_eq!(scene.hub.hub.unproven().recent().pop().unwrap().why.code(), "logout-unknown-key");
    assert_eq!(scene.logged_out(scene.provider.logout(|_| ())).await.status, 200);
    assert_eq!(scene.sessions(), ["provider", "provider"]);

    // and what the old key signs signs nobody in, now or later
    scene.provider.says(signed(Signed::Rightly));
    for _ in 0..2 {
        scene.hub.turn(1);
        let page = scene.page("").await;
        assert_eq!(page.status, 403, "{}", page.body);
        assert_eq!(scene.hub.hub.unproven().recent().pop().unwrap().why.code(), "id-token-unknown-key");
    }
}

#[tokio::test]
async fn a_new_key_is_learnt_under_the_old_name_too_and_from_a_logout_that_comes_first() {
    /// Of a session there with this name.
    fn of(session: &'static str, script: Script) -> Script {
        Script { token: Box::new(move |claims| claims["sid"] = json!(session)), ..script }
    }
    for (signed, published) in
        [(Signed::WithOtherKey, Published::AnotherOne), (Signed::WithUnknownKey, Published::Two)]
    {
        let mut scene = Scene::new().await;
        let changed = || Script { signed, published, ..Script::default() };
        let ended = |scene: &Scene, session: &str| {
            let logout = scene.provider.logout(|claims| claims["sid"] = json!(session));
            (logout, scene.provider.asked("/keys"))
        };
        scene.provider.says(of("first", Script::default()));
        let code = scene.code().await;
        assert_eq!(scene.viewer.change(&code).await.status, 200);

        scene.provider.says(of("second", changed()));
        let (logout, asked) = ended(&scene, "first");
        assert_eq!(scene.logged_out(logout).await.status, 200);
        assert_eq!(
            (scene.sessions(), scene.provider.asked("/keys")),
            (vec!["provider".to_owned()], asked + 1)
        );

        // It is known from now on: somebody signs in and out, and it is not asked for again.
        let code = scene.code().await;
        assert_eq!(scene.viewer.change(&code).await.status, 200);
        let (logout, asked) = ended(&scene, "second");
        assert_eq!(scene.logged_out(logout).await.status, 200);
        assert_eq!(
            (scene.sessions(), scene.provider.asked("/keys")),
            (vec!["provider".to_owned(); 2], asked)
        );
    }
}

#[tokio::test]
async fn a_key_that_the_provider_has_withdrawn_counts_for_an_hour_and_where_it_does_not_answer_for_a_day() {
    for (is_down, minutes, refused) in [(false, 60, 400), (true, 24 * 60, 503)] {
        // given a hub that has just learnt the provider's key
        let mut scene = Scene::new().await;
        let code = scene.code().await;
        assert_eq!(scene.viewer.change(&code).await.status, 200);
        let of_another = |scene: &Scene| {
            let elsewhere = json!("another-session");
            scene.provider.logout(move |claims| claims["sid"] = elsewhere.clone())
        };

        // when the provider withdraws it, and somebody else has it
        let script = Script { published: Published::Two, is_down, ..Script::default() };
        scene.provider.says(script);

        // then what it signs is believed until the hub has to ask again, and not a minute longer
        scene.hub.turn(minutes - 1);
        assert_eq!(scene.logged_out(of_another(&scene)).await.status, 200, "{minutes}");
        scene.hub.turn(1);
        assert_eq!(scene.logged_out(of_another(&scene)).await.status, refused, "{minutes}");
    }
}
