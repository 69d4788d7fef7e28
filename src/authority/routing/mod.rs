//! Who is alerted of an access: whoever is responsible at this hour.
//!
//! | Part | What it is for |
//! |---|---|
//! | `decide` | decides, from what is known and nothing else |
//! | `hours` | when the office is open |
//! | `list` | the list of restricted cases |

mod decide;
mod hours;
mod list;

pub use decide::{Access, Alert, Decided, Earlier, Made, Role, State, decide, disputed, escalate};
pub use hours::{Office, closed_since, office, open_between};
pub use list::{LIST_BYTES, ListFault, read_list};
