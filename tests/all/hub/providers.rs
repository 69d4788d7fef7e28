//! Providers differ in what they offer: with less of it people sign in all the same, and nobody besides.

use serde_json::json;

use super::signing_in_attacks::Scene;
use super::support::provider::Script;

#[tokio::test]
async fn people_sign_in_at_a_provider_that_offers_less() {
    for (has_challenges, names_itself, describes) in
        [(false, true, true), (true, false, true), (true, true, false), (false, false, false)]
    {
        let shape = format!("PKCE {has_challenges}, iss {names_itself}, user info {describes}");
        let mut scene = Scene::new().await;
        scene.provider.says(Script { has_challenges, names_itself, describes, ..Script::default() });
        let code = scene.code().await;
        let told = scene.viewer.change(&code).await.json();
        assert_eq!(
            (&told["person"]["name"], &told["person"]["role"], &told["person"]["activities"]),
            (&json!("Sam Okafor"), &json!("Nurse Access Role"), &json!(["B0107", "B0264"])),
            "{shape}"
        );
        let access = told["access_token"].as_str().unwrap();
        assert_eq!(scene.viewer.metadata_with(access).await, 200, "{shape}");
        assert_eq!(scene.provider.asked("/person"), usize::from(describes), "{shape}");
        // What ends there ends here.
        assert_eq!(scene.logged_out(scene.provider.logout(|_| ())).await.status, 200, "{shape}");
        assert_eq!(scene.viewer.metadata_with(access).await, 401, "{shape}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_a_provider_that_offers_less_too() {
    let less =
        || Script { has_challenges: false, names_itself: false, describes: false, ..Script::default() };
    for (script, status, noted) in [
        // It need not say who it is; what it says has to be so.
        (
            Script { back: Box::new(|query| format!("{query}&iss=https%3A%2F%2Fother.example")), ..less() },
            400,
            "sign-in-other-issuer",
        ),
        // Without PKCE the nonce alone tells whose code it is.
        (
            Script { token: Box::new(|claims| claims["nonce"] = json!("other")), ..less() },
            403,
            "id-token-other-nonce",
        ),
    ] {
        let mut scene = Scene::new().await;
        scene.provider.says(script);
        let shown = scene.page("").await;
        let last = scene.hub.hub.unproven().recent().pop().map(|call| call.why.code());
        assert_eq!((shown.status, last), (status, Some(noted)), "{}", shown.body);
        assert_eq!(scene.sessions(), Vec::<String>::new(), "{noted}");
    }
}
