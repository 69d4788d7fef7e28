//! Must hold 1: whatever happens in whatever order, the hub answers and writes what a simple model says.
//!
//! `world`, `rules`, `telling`, `filing`, `numbers` and `loading` are the model, and so the specification: they share no code
//! with the hub. `script` makes up what happens, `machine` is the hub, `play`, `asking` and `exchange` let both do it, `rows`
//! compares the tables.
//! More scripts: `PROPTEST_CASES=10000`. What failed once is kept in `regressions` and tried first.

mod asking;
mod exchange;
mod filing;
mod loading;
mod machine;
mod numbers;
mod play;
mod rows;
mod rules;
mod script;
mod telling;
mod world;

use cpis::identity::token::SigningKey;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestCaseError, TestRunner};

use machine::Machine;
use play::Play;

/// Scripts of a usual run.
const SCRIPTS: u32 = 300;

/// Steps of the longest.
const STEPS: usize = 40;

#[test]
fn whatever_happens_in_whatever_order_the_hub_agrees_with_the_model() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let key = SigningKey::generate().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(SCRIPTS);
    let kept = FileFailurePersistence::Direct("tests/all/hub/model/regressions");
    let config = Config {
        cases,
        max_shrink_iters: 2000,
        failure_persistence: Some(Box::new(kept)),
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&prop::collection::vec(script::steps(), 1..STEPS), |steps| {
        let differs = runtime.block_on(Play::start(Machine::start(&key)).play(&steps));
        differs.map_err(TestCaseError::fail)
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}
