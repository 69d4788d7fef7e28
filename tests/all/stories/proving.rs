//! The viewer proves each request, and nobody sees anything of it: not when the hub's nonce grows old, not when the
//! hub was restarted, and not more than once for one refusal.

use cpis::client::Limits;

use super::proxy::{Act, Proxy, answer};
use super::town::{AMELIA, Town};

fn why(town: &Town) -> Vec<&'static str> {
    town.demonstration.hub().unproven().recent().iter().map(|call| call.why.code()).collect()
}

#[test]
fn an_old_nonce_or_another_time_costs_one_request_and_nobody_sees_it() {
    let town = Town::new();
    let mut desk = town.desk().nurse();
    assert!(desk.look_up(AMELIA).starts_with("Alert"));
    assert_eq!(why(&town), ["proof-no-nonce"], "the first request of a session learns nonce and time");
    desk.new_search();
    let clock = town.demonstration.hub().clock();
    // So is a token that has expired. A clock that jumps, as here, is a thing that the viewer learns from a refusal, or from the answer to what it asks
    // beside the search; one that goes on, it follows.
    for minutes in [4, 4, 60, 60] {
        let before = why(&town).len();
        clock.turn_to(clock.now() + jiff::SignedDuration::from_mins(minutes));
        assert!(desk.look_up(AMELIA).starts_with("Alert"), "{minutes} minutes later");
        let refused = why(&town)[before..].to_vec();
        let is_usual = |why: &&str| ["proof-no-nonce", "proof-not-now", "not-now"].contains(why);
        assert!(refused.len() <= 4 && refused.iter().all(is_usual), "{minutes}: {refused:?}");
        desk.new_search();
    }
}

#[test]
fn whoever_asks_for_another_proof_again_and_again_is_not_obeyed() {
    let town = Town::new();
    let proxy = Proxy::before(town.demonstration.address());
    let mut desk = town.desk_before(&proxy.address(), Limits::default()).nurse();
    proxy.on("/Patient", |_| {
        let mut refusal = String::from_utf8(answer(401, "text/plain", "")).unwrap();
        let challenge = "www-authenticate: DPoP error=\"use_dpop_nonce\"\r\ndpop-nonce: another\r\n";
        refusal.insert_str(refusal.find("\r\n").unwrap() + 2, challenge);
        Act::Say(refusal.into_bytes())
    });
    desk.ask(AMELIA);
    desk.wait_for("Could not check: the CP-IS service did not accept the question");
    assert_eq!(proxy.asked(), 2);
}
