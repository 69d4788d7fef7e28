//! Notifications for a link in the same process, as the demonstration has one: the same documents, in the same order, with the
//! same entries in the audit log. Only the way there is shorter.

use super::{Ask, Given, caller, written};
use crate::exchange::notice::{self, Mark};
use crate::hub::Hub;
use crate::hub::store::StoreError;

impl Hub {
    /// What a link is told: behind the notification that it has, or, with `above`, behind a number again. `None` where its
    /// numbers are not this hub's.
    ///
    /// # Errors
    /// The store does not say.
    pub async fn notices_inside(
        &self,
        code: &str,
        have: Option<&Mark>,
        above: Option<u32>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let ask = match (have, above) {
            (_, Some(above)) => Ask::Again(above),
            (Some(have), None) => Ask::Behind(have.clone()),
            (None, None) => Ask::Unfiled,
        };
        let given = match self.store().notices_idle(code.to_owned(), None, ask.clone()).await? {
            Some(given) => given,
            None => self.store().notices(caller(code), code.to_owned(), None, ask).await?.into_value(),
        };
        Ok(match given {
            Given::Page(page) => Some(written(self, code, &page)),
            Given::OtherNumbers | Given::OtherRegister => None,
        })
    }

    /// Takes a link's receipts.
    ///
    /// # Errors
    /// The store does not take them.
    pub async fn notices_filed_inside(&self, code: &str, receipts: &[u8]) -> Result<(), StoreError> {
        if let Ok(receipts) = notice::read_receipts(receipts) {
            self.store().notices_filed(caller(code), receipts).await?;
        }
        Ok(())
    }
}
