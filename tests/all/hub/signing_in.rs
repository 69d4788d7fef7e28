//! How a session begins (manual, chapter "Signing in"): against the demonstration's provider.

use cpis::demo::Demonstration;
use cpis::identity::dpop::ProofKey;
use serde_json::Value;

use super::support::signing_in::{Viewer, follow};

#[tokio::test]
async fn somebody_signs_in_at_the_provider_works_and_signs_out() {
    let demonstration = Demonstration::start(jiff::Timestamp::now()).await.unwrap();
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
    let demonstration = Demonstration::start(jiff::Timestamp::now()).await.unwrap();
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
    let _ = ProofKey::generate().unwrap();
}
