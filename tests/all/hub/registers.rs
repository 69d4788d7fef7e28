//! An authority is told with one register: a second link is refused in clear words until an operator says otherwise.

use cpis::exchange::notice::{self, Outcome, Receipt, Receipts, RegisterId};

use cpis::hub::store::{Move, Moved};

use super::support::data::{CHILD_PROTECTION, lines, number, person, plan};
use super::support::program::Place;
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
    let refusals = async |expected: u32| {
        let line = format!(
            "cpis_hub_audited_total{{kind=\"notifications\",outcome=\"register-refused\"}} {expected}"
        );
        let text = exchange.hub.hub.metrics_text().await;
        assert!(text.lines().any(|found| found == line), "{text}");
    };
    // An alert goes by the increase, which the first one is only from what was there before.
    refusals(0).await;
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
    refusals(2).await;
    // The first goes on, and another authority has nothing to do with it.
    assert_eq!(link.notifications_with("", FIRST).await.status, 200);
    assert_eq!(link.filed_with(receipts(Outcome::Documented), FIRST).await.status, 200);
    assert_eq!(exchange.link(ALDBURY).notifications_with("", SECOND).await.status, 200);
    let registers = exchange.hub.hub.store().registers().await.unwrap();
    let of: Vec<_> = registers.iter().map(|of| (of.authority_code.as_str(), of.register.as_str())).collect();
    assert_eq!(of, [(WEXCOMBE, FIRST), (ALDBURY, SECOND)]);
    assert_eq!(registers[0].refused.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), [SECOND]);
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
    // A slip changes nothing.
    let slip = "22222222222222222222222222222223";
    assert_eq!(*store.move_register(operator(), to(slip)).await.unwrap().value(), Moved::NeverAsked);
    assert_eq!(link.notifications_with("", FIRST).await.status, 200);
    assert_eq!(*store.move_register(operator(), to(SECOND)).await.unwrap().value(), Moved::To(0));
    assert_eq!(*store.move_register(operator(), to(SECOND)).await.unwrap().value(), Moved::Already);
    let answer = link.notifications_with("", SECOND).await;
    let (_, items) = notice::read(answer.body.as_bytes()).unwrap();
    assert_eq!(items.len(), 1, "from the first that has no receipt");
    assert_eq!(link.notifications_with("", FIRST).await.told(), "409 OTHER_REGISTER");
    let moved = format!("register-moved|{WEXCOMBE}|{SECOND}");
    assert_eq!(audited(&exchange).iter().filter(|entry| **entry == moved).count(), 1);
}

fn to(register: &str) -> Move {
    let register = RegisterId::parse(register).unwrap();
    Move { authority: WEXCOMBE.to_owned(), register, although: false, from: None }
}

#[tokio::test]
async fn a_register_gets_what_the_lost_one_had_filed_from_a_number_on_where_an_operator_says_so() {
    let exchange = exchange().await;
    let link = exchange.link(WEXCOMBE);
    for user in ["Lee Marsh", "Kim Doyle"] {
        exchange.hub.view(&caller(user, "RN3", &["B0264", "B0107"]), number(1)).await;
        exchange.hub.turn(60 * 24);
    }
    let answer = link.notifications_with("", FIRST).await;
    let (_, items) = notice::read(answer.body.as_bytes()).unwrap();
    let receipt = |item: &notice::Item| Receipt {
        mark: item.mark().clone(),
        outcome: Outcome::Documented,
        at: at(NOW),
    };
    let receipts = items.iter().map(receipt).collect();
    let filed = notice::write_receipts(&Receipts { authority_code: WEXCOMBE.to_owned(), receipts }, at(NOW));
    assert_eq!(link.filed_with(filed, FIRST).await.status, 200);
    let store = exchange.hub.hub.store().clone();
    let again = Move { although: true, from: Some(2), ..to(SECOND) };
    assert_eq!(*store.move_register(caller("Operator", "", &[]), again).await.unwrap().value(), Moved::To(1));
    let answer = link.notifications_with("", SECOND).await;
    let (_, items) = notice::read(answer.body.as_bytes()).unwrap();
    assert_eq!(items.iter().map(|item| item.mark().number).collect::<Vec<_>>(), [2]);
    // Whoever thinks of it later may say so then.
    let all = Move { from: Some(1), ..to(SECOND) };
    assert_eq!(
        *store.move_register(caller("Operator", "", &[]), all).await.unwrap().value(),
        Moved::Again(2)
    );
    let answer = link.notifications_with("", SECOND).await;
    assert_eq!(notice::read(answer.body.as_bytes()).unwrap().1.len(), 2);
    let audited = exchange.hub.rows(
        "SELECT outcome, json_extract(detail, '$.from'), json_extract(detail, '$.again') FROM audit
         WHERE outcome IN ('register-moved', 'register-again') ORDER BY id",
    );
    assert_eq!(audited, ["register-moved|2|1", "register-again|1|2"]);
}

#[tokio::test]
async fn registers_that_ask_in_turn_or_are_made_up_one_after_the_other_fill_no_log() {
    let exchange = exchange().await;
    let link = exchange.link(WEXCOMBE);
    link.notifications_with("", FIRST).await;
    for turn in 0..4 {
        for other in 2..9 {
            let answer = link.notifications_with("", &format!("{other}").repeat(32)).await;
            assert_eq!(answer.told(), "409 OTHER_REGISTER", "{turn}");
        }
    }
    assert_eq!(audited(&exchange).len(), 1 + 5);
    exchange.hub.turn(11);
    link.notifications_with("", &"9".repeat(32)).await;
    let registers = exchange.hub.hub.store().registers().await.unwrap();
    assert_eq!(registers[0].refused.len(), 5);
    assert_eq!(registers[0].refused[0].0, "9".repeat(32));
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

#[test]
fn an_operators_slip_moves_no_authority() {
    let place = Place::empty(
        "[tls]\ncertificate = \"hub.pem\"\nkey = \"hub-key.pem\"\nclient_certificates = \"offered\"\nclient_ca = \"ca.pem\"\n\
         [[authority]]\ncode = \"E06000030\"\ncertificates = [\"uri:urn:ods:E06000030\"]\n\
         [[authority]]\ncode = \"E06000099\"\nmailbox = \"E06OT001\"\n\
         [mesh]\nmailbox = \"X26OT001\"\nfolder = \"mesh\"\n[mesh.workflows]\nupload = \"UP\"\nacknowledgement = \"ACK\"\n\
         notification = \"TOLD\"\nreceipt = \"FILED\"\n",
    );
    let run = |more: &[&str]| {
        let output = place.run(&[&["register", "--config", "hub.toml"], more].concat());
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let first = run(&[]);
    let to = |code, register, more: &[&str]| run(&[&["--authority", code, "--to", register], more].concat());
    for (code, register, expected) in [
        ("E06000031", FIRST, "no [[authority]] of the configuration has the code E06000031"),
        ("E06000099", FIRST, "it comes by MESH"),
        ("E06000030", "1", "32 hexadecimal digits"),
        ("E06000030", FIRST, "no link of this authority has asked with this register"),
    ] {
        let said = to(code, register, &[]);
        assert!(said.contains(expected), "{code} {register}: {said}");
    }
    assert_eq!(run(&[]), first, "nothing was moved");
    assert!(to("E06000030", FIRST, &["--although"]).contains("Moved: the link with this register is told"));
    assert!(to("E06000030", FIRST, &[]).contains("with this register already"));
    assert!(to("E06000030", FIRST, &["--from", "1"]).contains("Given once more: 0."));
    assert!(run(&[]).contains(&format!("E06000030: {FIRST} since ")));
}
