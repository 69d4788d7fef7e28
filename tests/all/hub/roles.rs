//! What somebody may do follows from the role that they have signed in for, and from the hub's table of today.

use cpis::config::hub::HubConfig;
use cpis::domain::{Activity, Right, Rights, TailDays};
use cpis::hub::Hub;
use cpis::identity::token::SigningKey;
use serde_json::{Value, json};

use super::signing_in_attacks::Scene;
use super::support::data::{child, number, plans_of};
use super::support::provider::Script;
use super::support::{ISSUER, configuration};

/// Somebody signs in as the provider says it now; their access token and role.
async fn signs_in(scene: &mut Scene) -> (String, Value) {
    let code = scene.code().await;
    let told = scene.viewer.change(&code).await.json();
    (told["access_token"].as_str().unwrap().to_owned(), told["person"]["role"].clone())
}

/// The status, and the code of a refusal, of somebody who opens the plans with this token.
async fn opens(scene: &Scene, hub: &Hub, access: &str) -> (u16, String) {
    let (nonce, now) = (hub.proof_nonce(), scene.hub.clock.now().as_second());
    let address = format!("{ISSUER}/cpis/FHIR/R4/CareTeam");
    let proof = scene.viewer.key.prove("GET", &address, Some(access), Some(&nonce), now).unwrap();
    let request = axum::http::Request::get(plans_of(number(1))).header("DPoP", proof);
    let request = request.header("Authorization", format!("DPoP {access}"));
    let request = request.header("TraceID", uuid::Uuid::new_v4().to_string());
    let request = request.body(axum::body::Body::empty()).unwrap();
    let answer = tower::ServiceExt::oneshot(cpis::hub::router(hub.clone()), request).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, cpis::fhir::read::outcome_code(&body).unwrap_or_default())
}

#[tokio::test]
async fn another_role_is_another_session_with_its_own_rights_and_changes_nothing_of_the_first() {
    let mut scene = Scene::new().await;
    scene.hub.load(&child()).await;
    let (nurse, role) = signs_in(&mut scene).await;
    assert_eq!(role, "Nurse Access Role");
    let midwife = |person: &mut Value| person["selected_roleid"] = json!("555021935108");
    scene.provider.says(Script { info: Box::new(midwife), ..Script::default() });
    let (midwife, role) = signs_in(&mut scene).await;
    assert_eq!(role, "Midwife Access Role");
    let clerk = |person: &mut Value| person["nhsid_nrbac_roles"][0]["activity_codes"] = json!(["B0264"]);
    scene.provider.says(Script { info: Box::new(clerk), ..Script::default() });
    let (clerk, _) = signs_in(&mut scene).await;
    let hub = scene.hub.hub.clone();
    assert_eq!(opens(&scene, &hub, &clerk).await, (403, "ACCESS_DENIED".to_owned()));
    assert_eq!(opens(&scene, &hub, &midwife).await.0, 200);
    assert_eq!(opens(&scene, &hub, &nurse).await.0, 200);
    // As each role has it: the one is told to social care, the other is not.
    assert_eq!(
        scene.hub.rows("SELECT organisation_code, mode FROM view ORDER BY id"),
        ["RA9|silent", "RN3|recorded"]
    );
    assert_eq!(scene.sessions(), ["-", "-", "-"], "whoever wants the first to end signs out of it");
}

#[tokio::test]
async fn a_right_that_is_taken_out_of_the_table_is_gone_for_sessions_that_go_on() {
    let mut scene = Scene::new().await;
    scene.hub.load(&child()).await;
    let (access, _) = signs_in(&mut scene).await;
    let hub = scene.hub.hub.clone();
    assert_eq!(opens(&scene, &hub, &access).await.0, 200);
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("hub.db");
    let live = rusqlite::Connection::open(&scene.hub.database).unwrap();
    live.execute("VACUUM INTO ?1", [database.to_str().unwrap()]).unwrap();
    let mut rights = Rights::default();
    rights.grant(Activity::from_code("B0264").unwrap(), &[Right::SearchPeople]);
    let config = HubConfig { rights, ..configuration(database.clone(), TailDays::default()) };
    let signing = SigningKey::from_pem(&scene.hub.pem).unwrap();
    let later = Hub::open(&config, signing, scene.hub.clock.clone()).unwrap();
    assert_eq!(opens(&scene, &later, &access).await, (403, "ACCESS_DENIED".to_owned()));
    let db = rusqlite::Connection::open(&database).unwrap();
    let denied = super::support::rows(&db, "SELECT kind, outcome FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(denied, ["refused|not-allowed"]);
    later.store().close().await;
}
