//! The viewer's stories: what a person sees and presses, told over the accessibility tree, against the real
//! hub with its real database. Only the screen is missing; the stories in a real window are in `tests/desk`.

mod afresh;
mod book;
mod chain;
mod confidence;
mod days;
mod desk;
mod events;
mod faults;
mod keeping;
mod kept;
mod keyboard;
#[cfg(all(unix, not(target_vendor = "apple")))]
mod keyring;
mod killed;
mod late;
mod leaving;
mod locking;
mod page;
mod people;
mod proving;
mod proxy;
mod readme;
mod recording;
mod retries;
mod searching;
mod secure;
mod sessions;
mod signing_in;
mod silence;
mod town;
mod uploading;
mod withheld;
