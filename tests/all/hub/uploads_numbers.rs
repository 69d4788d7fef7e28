//! The telephone numbers of an authority: what a file does not give is kept.

use cpis::domain::Telephone;
use cpis::exchange::upload::Writer;

use super::support::at;
use super::support::data::{lines, person};
use super::support::uploads::{Exchange, WEXCOMBE, header};

#[tokio::test]
async fn uploads_that_give_no_telephone_number_erase_none() {
    let exchange = Exchange::with(&lines(&[person(1, "Bennett", "Ava", "2019-03-12")])).await;
    let link = exchange.link(WEXCOMBE);
    link.upload(WEXCOMBE, 1, &[]).await;
    let numbers =
        || exchange.hub.rows("SELECT office, emergency_duty FROM authority WHERE code = 'E06000030'");
    assert_eq!(numbers(), ["01793 466903|01793 436699"]);
    let mut fewer = header(WEXCOMBE, 2, 0);
    fewer.authority.office = Telephone::new("01793 400000");
    fewer.authority.emergency_duty = None;
    let written = Writer::begin(Vec::new(), &fewer, at(super::support::NOW)).unwrap().finish().unwrap();
    assert_eq!(link.send(written).await.status, 202);
    link.acknowledged(2).await;
    assert_eq!(numbers(), ["01793 400000|01793 436699"], "a nurse still has somebody to call");
}
