//! Limits of signing in: the provider, the browser, and codes.

use std::time::Duration;

/// Time to reach the provider.
pub const PROVIDER_CONNECT: Duration = Duration::from_secs(3);

/// Time for each of its answers; signing in needs up to four.
pub const PROVIDER_ANSWER: Duration = Duration::from_secs(5);

/// Time for all of its answers to one who signs in: less than [`SIGN_IN_ANSWER`], so that there is a page.
pub const PROVIDER_WHOLE: Duration = Duration::from_secs(20);

/// Bytes of one of its answers.
pub const PROVIDER_BYTES: usize = 256 * 1024;

/// Questions to it at once; whoever signs in meanwhile is told to begin again.
pub const PROVIDER_QUESTIONS: usize = 64;

/// Time for which what it offers is known; then it is asked again.
pub const PROVIDER_KEPT: Duration = Duration::from_secs(60 * 60);

/// Time for which what it said last is believed where it does not answer.
pub const PROVIDER_BELIEVED: Duration = Duration::from_secs(24 * 60 * 60);

/// Time between two such questions where it does not answer, and between two for its keys by whoever signs in.
pub const PROVIDER_AGAIN: Duration = Duration::from_secs(5);

/// Time between two questions for its keys for logout tokens, however many somebody makes up.
pub const PROVIDER_KEYS_AGAIN: Duration = Duration::from_secs(60);

/// Time for which a statement is good with which the hub proves itself there.
pub const PROVIDER_ASSERTION: Duration = Duration::from_secs(60);

/// Difference between the provider's clock and the hub's that is forgiven.
pub const PROVIDER_LEEWAY: Duration = Duration::from_secs(30);

/// Time after it was issued for which an id token is taken.
pub const ID_TOKEN_AGE: Duration = Duration::from_secs(5 * 60);

/// Bytes of an id token.
pub const ID_TOKEN_BYTES: usize = 64 * 1024;

/// Time after it was made for which a logout token is taken, once.
pub const LOGOUT_AGE: Duration = Duration::from_secs(5 * 60);

/// Logout tokens that are remembered, so that none is taken twice; more are refused.
pub const LOGOUTS_REMEMBERED: usize = 100_000;

/// Bytes of a logout token's form.
pub const LOGOUT_BYTES: usize = 16 * 1024;

/// Letters of one parameter at `/authorize`.
pub const AUTHORIZE_CHARACTERS: usize = 1_000;

/// Letters of one parameter of whoever comes back from the provider.
pub const BACK_CHARACTERS: usize = 4_000;

/// Letters of one field of the page's form.
pub const PAGE_CHARACTERS: usize = 300;

/// Letters of one parameter of the address that ends the session at the provider.
pub const TICKET_CHARACTERS: usize = 100;

/// Roles of one person.
pub const ROLES: usize = 100;

/// Activity codes of one role.
pub const ROLE_ACTIVITIES: usize = 1_000;

/// Time from opening the browser until it comes back from the provider.
pub const SIGN_IN: Duration = Duration::from_secs(10 * 60);

/// Time for the answer to whoever comes back: the provider is asked meanwhile.
pub const SIGN_IN_ANSWER: Duration = Duration::from_secs(25);

/// Time for which the page asks whether to go on.
pub const SIGN_IN_PAGE: Duration = Duration::from_secs(5 * 60);

/// People whom the page asks at once; more are told to begin again.
pub const SIGN_INS: usize = 10_000;

/// Times that one person may sign in within ten minutes; then the page says so.
pub const SIGN_INS_OF_ONE: u32 = 20;

/// The same within a day.
pub const SIGN_INS_OF_ONE_DAY: u32 = 200;

/// Attempts that are remembered as having come back from the provider; of more the oldest are forgotten.
pub const SIGN_INS_SPENT: usize = 200_000;

/// Attempts from one network that come to nothing within a minute; more wait for the next.
pub const SIGN_INS_FAILED: u32 = 60;

/// Networks whose attempts are counted; others' are not.
pub const SIGN_IN_NETWORKS: usize = 10_000;

/// Time within which a code has to be changed for tokens, once.
pub const CODE: Duration = Duration::from_secs(60);

/// Time for which the address that ends the session at the provider can be opened, once.
pub const SIGN_OUT_TICKET: Duration = Duration::from_secs(60);

/// Such addresses at once; whoever signs out beyond that is signed out at the hub alone.
pub const SIGN_OUT_TICKETS: usize = 10_000;

/// Time between two times that id tokens of sessions that are over are forgotten.
pub const ID_TOKENS_EVERY: Duration = Duration::from_secs(60 * 60);

/// Id tokens that are forgotten in one commit.
pub const ID_TOKENS_FORGOTTEN: u32 = 1_000;

/// Documents that are open to everybody, of one network within a minute; more wait for the next.
pub const OPEN_A_MINUTE: u32 = 600;

/// Networks whose questions for them are counted; others' are not.
pub const OPEN_NETWORKS: usize = 10_000;
