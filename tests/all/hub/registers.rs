//! An authority is told with one register: a second link is refused in clear words until an operator says otherwise.

use cpis::exchange::notice::{self, Outcome, Receipt, Receipts, RegisterId};

use super::support::data::{CHILD_PROTECTION, lines, number, person, plan};
use super::support::uploads::{ALDBURY, Exchange, WEXCOMBE};
use super::support::{NOW, at, caller, nurse};

const FIRST: &str = "11111111111111111111111111111111";
const SECOND: &str = "22222222222222222222222222222222";

async fn exchange() -> Exchange {
    Exchange::with(&lines(&[
        person(1, "Bennett", "Ava", "2019-03-12"),
        plan(1, CHILD_PROTECTION, "2026-01-05", "", WEXCOMBE),
    ]))
    .await
}

fn audited(exchange: &Exchange) -> Vec<String> {
    exchange.hub.rows(
        "SELECT outcome, organisation_code, json_extract(detail, '$.register') FROM audit
         WHERE kind = 'notifications' AND outcome LIKE 'register-%' ORDER BY id",
    )
}

#[tokio::test]
async fn h19_a_second_register_of_an_authority_is_refused_audited_and_told_nothing() {
    let exchange = exchange().await;
    let link = exchange.link(WEXCOMBE);
    exchange.hub.view(&nurse(), number(1)).await;
    assert_eq!(link.notifications_with("", FIRST).await.status, 200);
    let receipts = |outcome| {
        let page = exchange.hub.rows("SELECT notice_id FROM outbox").remove(0);
        let id = notice::NoticeId::parse(&page).unwrap();
        let receipt = Receipt { mark: notice::Mark { number: 1, id }, outcome, at: at(NOW) };
        let of = Receipts { authority_code: WEXCOMBE.to_owned(), receipts: vec![receipt] };
        notice::write_receipts(&of, at(NOW))
    };
    for query in ["", "?after=0", "?after=0"] {
        let answer = link.notifications_with(query, SECOND).await;
        assert_eq!(answer.told(), "409 OTHER_REGISTER");
        assert!(!answer.body.contains(FIRST), "whose it is instead is nobody's to know");
    }
    let answer = link.filed_with(receipts(Outcome::Documented), SECOND).await;
    assert_eq!(answer.told(), "409 OTHER_REGISTER");
    assert_eq!(exchange.hub.rows("SELECT state, outcome IS NULL FROM outbox"), ["queued|1"]);
    // Said once while it goes on asking, and again after a while.
    let bound = format!("register-bound|{WEXCOMBE}|{FIRST}");
    let refused = format!("register-refused|{WEXCOMBE}|{SECOND}");
    assert_eq!(audited(&exchange), [bound.clone(), refused.clone()]);
    exchange.hub.turn(11);
    link.notifications_with("", SECOND).await;
    assert_eq!(audited(&exchange), [bound, refused.clone(), refused]);
    let text = exchange.hub.hub.metrics_text().await;
    let line = "cpis_hub_audited_total{kind=\"notifications\",outcome=\"register-refused\"} 2";
    assert!(text.lines().any(|found| found == line), "{text}");
    // The first goes on, and another authority has nothing to do with it.
    assert_eq!(link.notifications_with("", FIRST).await.status, 200);
    assert_eq!(link.filed_with(receipts(Outcome::Documented), FIRST).await.status, 200);
    assert_eq!(exchange.link(ALDBURY).notifications_with("", SECOND).await.status, 200);
    let registers = exchange.hub.hub.store().registers().await.unwrap();
    let of: Vec<_> = registers.iter().map(|of| (of.authority_code.as_str(), of.register.as_str())).collect();
    assert_eq!(of, [(WEXCOMBE, FIRST), (ALDBURY, SECOND)]);
    assert_eq!(registers[0].refused.as_ref().map(|(id, _)| id.as_str()), Some(SECOND));
}

#[tokio::test]
async fn an_operator_moves_an_authority_to_the_register_that_took_the_lost_ones_place() {
    let exchange = exchange().await;
    let link = exchange.link(WEXCOMBE);
    exchange.hub.view(&nurse(), number(1)).await;
    link.notifications_with("", FIRST).await;
    assert_eq!(link.notifications_with("", SECOND).await.told(), "409 OTHER_REGISTER");
    let store = exchange.hub.hub.store().clone();
    let operator = || caller("Operator", "", &[]);
    let to = || RegisterId::parse(SECOND).unwrap();
    assert!(*store.move_register(operator(), WEXCOMBE.to_owned(), to()).await.unwrap().value());
    assert!(!*store.move_register(operator(), WEXCOMBE.to_owned(), to()).await.unwrap().value());
    let answer = link.notifications_with("", SECOND).await;
    let (_, items) = notice::read(answer.body.as_bytes()).unwrap();
    assert_eq!(items.len(), 1, "from the first that has no receipt");
    assert_eq!(link.notifications_with("", FIRST).await.told(), "409 OTHER_REGISTER");
    let moved = format!("register-moved|{WEXCOMBE}|{SECOND}");
    assert_eq!(audited(&exchange).iter().filter(|entry| **entry == moved).count(), 1);
}

#[tokio::test]
async fn a_link_that_does_not_say_which_register_it_keeps_is_told_nothing() {
    let exchange = exchange().await;
    let link = exchange.link(WEXCOMBE);
    exchange.hub.view(&nurse(), number(1)).await;
    for wrong in ["", "1", "1111111111111111111111111111111A", &"1".repeat(33)] {
        assert_eq!(link.notifications_with("", wrong).await.told(), "400 PRECONDITION_FAILED", "{wrong:?}");
        assert_eq!(link.filed_with(Vec::new(), wrong).await.told(), "400 PRECONDITION_FAILED", "{wrong:?}");
    }
    assert_eq!(exchange.hub.count("SELECT 1 FROM authority_register"), 0);
}
