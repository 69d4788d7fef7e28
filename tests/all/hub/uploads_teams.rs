//! A plan that loses its team by itself: nobody is traced for it, nothing else of the plan changes, and nobody else's plan does.

use cpis::domain::PlanKind::{ChildProtection, LookedAfter};
use cpis::domain::{TeamContact, Telephone};
use cpis::exchange::upload::{Ended, Plan, Record, WithoutTeam};

use super::support::data::{lines, number, person};
use super::support::uploads::{ALDBURY, Exchange, WEXCOMBE, ava, day, since};

fn with_a_team(plan: Plan) -> Plan {
    let telephone = Telephone::new("01793 466904");
    Plan { team: Some(TeamContact { name: "North".to_owned(), telephone }), ..plan }
}

#[tokio::test]
async fn h30_a_plan_loses_its_team_by_itself_and_nothing_else() {
    let exchange = Exchange::with(&lines(&[person(1, "Bennett", "Ava", "2019-03-12")])).await;
    let link = exchange.link(WEXCOMBE);
    let plans = [since(LookedAfter, "2026-02-01"), since(ChildProtection, "2026-02-01")].map(with_a_team);
    link.upload(WEXCOMBE, 1, &[ava(plans.to_vec())]).await;
    let other = exchange.link(ALDBURY);
    other.upload(ALDBURY, 1, &[ava(vec![with_a_team(since(LookedAfter, "2026-02-01"))])]).await;
    let held = || {
        let sql = "SELECT authority_code, kind, end_day, team_name, team_telephone FROM plan ORDER BY 1, 2";
        exchange.hub.rows(sql)
    };
    let before = held();
    assert_eq!(before.len(), 3);
    assert!(before.iter().all(|row| row.ends_with("-|North|01793 466904")), "{before:?}");
    let nobody = |local_id: &str, kind| Record {
        local_id: local_id.to_owned(),
        family: String::new(),
        given: String::new(),
        born: None,
        without_team: vec![WithoutTeam { number: number(1), kind, start: day("2026-02-01") }],
        ..ava(Vec::new())
    };
    // Only the local id that holds it says so.
    let told = link.upload(WEXCOMBE, 2, &[nobody("another", LookedAfter)]).await;
    assert_eq!((told.codes(), held()), (Vec::new(), before.clone()));
    let told = link.upload(WEXCOMBE, 3, &[nobody("4711", LookedAfter)]).await;
    assert_eq!(told.codes(), Vec::<String>::new());
    let without = |row: &String| row.replace("North|01793 466904", "-|-");
    let is_it = |row: &String| row.contains(WEXCOMBE) && row.contains("764841000000100");
    let expected: Vec<String> =
        before.iter().map(|row| if is_it(row) { without(row) } else { row.clone() }).collect();
    assert_eq!(held(), expected);
    // Beside an end, and the other plan with its new team.
    let ended =
        Ended { number: number(1), kind: ChildProtection, start: day("2026-02-01"), end: day("2026-11-20") };
    let both = Record { ended: vec![ended], ..nobody("4711", ChildProtection) };
    assert_eq!(link.upload(WEXCOMBE, 4, &[both]).await.codes(), Vec::<String>::new());
    let own: Vec<String> = held().into_iter().filter(|row| row.contains(WEXCOMBE)).collect();
    assert_eq!(own.len(), 2);
    assert!(own[0].ends_with("2026-11-20|-|-") && own[1].ends_with("-|-|-"), "{own:?}");
}
