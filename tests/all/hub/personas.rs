//! The demonstration's provider: nobody has a token of the demonstration's hub who has not gone through it, and through the
//! hub's page; and it is honest in what it refuses.

use cpis::demo::Demonstration;
use cpis::hub::clock::Clock;
use serde_json::Value;

use super::support::signing_in::{Browser, REDIRECT, Shown, Viewer, encoded, follow};

async fn demonstration() -> Demonstration {
    Demonstration::start(Clock::system().now()).await.unwrap()
}

/// One column of its database, or several with a bar between them.
fn rows(demonstration: &Demonstration, query: &str) -> Vec<String> {
    let db = rusqlite::Connection::open(demonstration.database()).unwrap();
    let mut statement = db.prepare(query).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn sessions(demonstration: &Demonstration) -> Vec<String> {
    rows(demonstration, "SELECT coalesce(ended_by, 'goes on') FROM session ORDER BY begun_ms")
}

/// Where the hub sends the browser: the provider's own address.
async fn at_provider(viewer: &Viewer, more: &str) -> (Browser, String) {
    let mut browser = Browser::new();
    let sent = browser.once("GET", &viewer.address(more), None, &[]).await;
    assert_eq!(sent.status, 303);
    (browser, sent.headers["location"].to_str().unwrap().to_owned())
}

#[tokio::test]
async fn nobody_has_a_token_of_the_demonstration_who_has_not_gone_through_its_provider() {
    let demonstration = demonstration().await;
    let viewer = Viewer::new(demonstration.address()).await;
    let none = |answer: &Shown| assert!(answer.value("code").is_empty(), "{}", answer.address);
    // Straight to the end: with a code of nobody's, and to the page without a beginning.
    for code in ["x", "0.0", &"a".repeat(64)] {
        let answer = viewer.change(code).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &Value::from("invalid_grant")), "{code}");
    }
    let mut browser = Browser::new();
    let page = format!("{}/sign-in", demonstration.address());
    assert_eq!(browser.open(&page).await.status, 400);
    let press = [("Origin", demonstration.address())];
    assert_eq!(browser.go("POST", &page, Some("form=x&answer=sign-in"), &press).await.status, 400);
    // As nobody, and as somebody whom it does not know.
    for hint in ["", "login_hint=6", "login_hint=-1", "login_hint=Sam%20Okafor"] {
        let answer = Browser::new().open(&viewer.address(hint)).await;
        assert!(
            answer.is_at_viewer() && answer.value("error") == "access_denied",
            "{hint}: {}",
            answer.address
        );
        none(&answer);
    }
    // With an answer that the provider did not give.
    let (mut browser, _) = at_provider(&viewer, "login_hint=0").await;
    let (_, sent) = at_provider(&viewer, "login_hint=0").await;
    let state = sent.split("&state=").nth(1).unwrap().split('&').next().unwrap();
    let forged = format!("{}/sign-in/back?code=x&state={state}", demonstration.address());
    let answer = browser.open(&forged).await;
    assert_eq!(answer.status, 400);
    // Through the provider, and not through the page.
    let mut browser = Browser::new();
    let page = browser.open(&viewer.address("login_hint=0")).await;
    assert!(
        page.status == 200 && page.body.contains("Sam Okafor") && page.body.contains("nobody here is real")
    );
    none(&page);
    assert_eq!(sessions(&demonstration), Vec::<String>::new());
    // And through both.
    let landed = follow(&viewer.address("login_hint=0")).await;
    assert_eq!(viewer.change(landed.value("code")).await.status, 200);
    let begun = "SELECT user_id || '|' || subject || '|' || (provider != '') || '|' || (code IS NOT NULL) FROM session";
    assert_eq!(rows(&demonstration, begun), ["demo-user-0|demo-user-0|1|1"]);
}

#[tokio::test]
async fn the_provider_gives_what_it_has_to_the_hub_alone_once_and_to_whoever_asked() {
    let demonstration = demonstration().await;
    let viewer = Viewer::new(demonstration.address()).await;
    let (mut browser, sent) = at_provider(&viewer, "login_hint=0").await;
    let provider = sent.split("/authorize").next().unwrap().to_owned();
    // It sends nobody elsewhere than to its hub.
    for (from, to) in [
        ("client_id=demonstration-hub", "client_id=other"),
        ("redirect_uri=http", "redirect_uri=https"),
        ("sign-in%2Fback", "sign-in%2Fback%2F"),
    ] {
        let answer = browser.once("GET", &sent.replace(from, to), None, &[]).await;
        assert_eq!((answer.status, answer.headers.get("location")), (400, None), "{to}");
    }
    let answer = browser.once("GET", &sent.replace("=S256", "=plain"), None, &[]).await;
    assert!(answer.headers["location"].to_str().unwrap().contains("error=access_denied"));
    // A code of it is of no use to whoever does not have the hub's secret.
    let answer = browser.once("GET", &sent, None, &[]).await;
    let back = answer.headers["location"].to_str().unwrap();
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let redirect = encoded(&format!("{}/sign-in/back", demonstration.address()));
    let form = format!(
        "grant_type=authorization_code&code={code}&redirect_uri={redirect}&client_id=demonstration-hub"
    );
    for secret in ["", "&client_secret=", "&client_secret=demonstration"] {
        let answer =
            browser.once("POST", &format!("{provider}/token"), Some(&format!("{form}{secret}")), &[]).await;
        assert!(answer.status == 400 && answer.body.contains("invalid_client"), "{}", answer.body);
    }
    for token in ["", "x"] {
        let bearer = format!("Bearer {token}");
        let answer = browser
            .once("GET", &format!("{provider}/person"), None, &[("Authorization", bearer.as_str())])
            .await;
        assert_eq!((answer.status, answer.body.as_str()), (401, ""));
    }
    for query in ["", "id_token_hint=x", "id_token_hint=e30.e30.x"] {
        let after = encoded(&format!("{}/signed-out", demonstration.address()));
        let address = format!("{provider}/sign-out?{query}&post_logout_redirect_uri={after}");
        assert_eq!(browser.once("GET", &address, None, &[]).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn whoever_takes_out_their_smartcard_is_signed_out_and_nobody_else() {
    let demonstration = demonstration().await;
    let mut viewers = Vec::new();
    for persona in [0, 1] {
        let viewer = Viewer::new(demonstration.address()).await;
        let landed = follow(&viewer.address(&format!("login_hint={persona}"))).await;
        let told = viewer.change(landed.value("code")).await.json();
        viewers.push((viewer, told));
    }
    demonstration.card_taken_out(0).await;
    let mut good = Vec::new();
    for (viewer, told) in &viewers {
        good.push(viewer.metadata_with(told["access_token"].as_str().unwrap()).await);
    }
    assert_eq!(good, [401, 200]);
    assert_eq!(sessions(&demonstration), ["provider", "goes on"]);
    // Signing out at the hub leads over the provider, and back.
    let (viewer, told) = &viewers[1];
    let refresh = told["refresh_token"].as_str().unwrap();
    let ended = viewer.post("/revoke", &format!("token={refresh}")).await.json();
    let page = Browser::new().open(ended["end_session"].as_str().unwrap()).await;
    assert_eq!(page.address, format!("{}/signed-out", demonstration.address()));
    assert!(
        page.status == 200 && page.body.contains("You are signed out") && !page.address.contains(REDIRECT)
    );
    assert_eq!(sessions(&demonstration), ["provider", "signed-out"]);
}
