//! A second link of an authority, with a register of its own: it documents nothing, alerts nobody, and says what to do.

use crate::hub::support::data::number;
use crate::hub::support::{caller, nurse};

use super::noting::desk;

const REGISTER: &str = "cpis-notes.db";

#[tokio::test(flavor = "multi_thread")]
async fn h19_a_second_link_with_a_register_of_its_own_documents_nothing_until_the_hub_is_moved_to_it() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    desk.run(&["fetch"]).await;
    desk.configure(REGISTER, "second.db");
    hub.view(&nurse(), number(1)).await;
    let refused = desk.run(&["fetch"]).await;
    refused.has("tells this authority with another register").has("cpis-hub register");
    assert_eq!(refused.code, Some(1));
    assert_eq!(desk.notes().len(), 0);
    let status = desk.run(&["status"]).await;
    status.has("tells this authority with another register").has("This register: ");
    assert_eq!(status.code, Some(1));
    let second = status.text.split("This register: ").nth(1).unwrap()[..32].to_owned();
    desk.configure("second.db", REGISTER);
    desk.run(&["fetch"]).await.has("1 new notification");
    assert_eq!(desk.notes().len(), 1);
    desk.run(&["status"]).await.has_not(&second);

    // The first is lost, and the operator moves to the second.
    let register = cpis::exchange::notice::RegisterId::parse(&second).unwrap();
    let store = hub.hub.store().clone();
    let authority = crate::hub::support::uploads::WEXCOMBE.to_owned();
    let to = cpis::hub::store::Move { authority, register, although: false, from: None };
    store.move_register(caller("Operator", "", &[]), to).await.unwrap();
    // What the first has is its own business no longer: it neither places nor alerts.
    hub.turn(1);
    hub.view(&caller("Lee Marsh", "RN3", &["B0264", "B0107"]), number(1)).await;
    desk.run(&["fetch"]).await.has("another register");
    assert_eq!(desk.notes().len(), 1);
    desk.run(&["status"]).await.has("1 case note is unread here, and 0 e-mails will not leave here");
    desk.configure(REGISTER, "second.db");
    desk.run(&["fetch"]).await.has("1 new notification");
    assert_eq!(desk.notes().len(), 2);
    assert_eq!(hub.rows("SELECT DISTINCT state FROM outbox"), ["filed"]);
    desk.run(&["status"]).await.has_not("another register");
}

#[tokio::test(flavor = "multi_thread")]
async fn h19_a_link_that_was_refused_makes_nothing_of_what_it_has_while_the_hub_is_away() {
    let desk = desk().await;
    let hub = &desk.exchange.hub;
    desk.run(&["fetch"]).await;
    hub.view(&nurse(), number(1)).await;
    desk.run(&["fetch"]).await;
    let db = rusqlite::Connection::open(desk.path(REGISTER)).unwrap();
    // It was refused; then its hub is not reached, and an e-mail or a note would wait here.
    db.execute_batch(
        "UPDATE link SET other_register_ms = 1; UPDATE part SET state = 'waiting';
         UPDATE notice SET routed_ms = NULL; UPDATE alert SET is_over = 1;",
    )
    .unwrap();
    // The folder is there and takes notes: nothing but the refusal keeps them from it.
    let notes = || -> Vec<_> {
        let files = std::fs::read_dir(desk.path("case-notes")).unwrap().map(|file| file.unwrap().path());
        files.filter(|file| file.extension().is_some_and(|end| end == "json")).collect()
    };
    assert_eq!(notes().len(), 1);
    std::fs::remove_file(&notes()[0]).unwrap();
    desk.configure("https://127.0.0.1", "https://127.0.0.9");
    desk.run(&["fetch"]).await;
    assert_eq!(desk.noted("SELECT state FROM part"), ["waiting"]);
    assert_eq!(notes(), Vec::<std::path::PathBuf>::new());
    assert_eq!(desk.noted("SELECT 'one' FROM alert WHERE is_over = 0"), Vec::<String>::new());
    assert_eq!(desk.noted("SELECT 'one' FROM mail"), Vec::<String>::new());
    // Told again, it makes up for it.
    desk.configure("https://127.0.0.9", "https://127.0.0.1");
    desk.run(&["fetch"]).await;
    assert_eq!(notes().len(), 1);
    // After closing the duty team is another one, at whatever hour the test runs.
    let sql = "SELECT 'one' FROM alert WHERE is_over = 0 AND role != 'emergency-duty'";
    assert_eq!(desk.noted(sql).len(), 1);
}
