//! The page for social workers, from outside: what it shows, who gets in, and what is refused.

mod attacks;
mod browser;
mod program;
mod proxy;
mod reading;
pub(super) mod room;
mod showing;
mod working;
