//! The local authority's link, from outside.

mod bad_nights;
mod check;
mod contacts;
mod contacts_restricted;
pub(crate) mod desk;
mod disputed;
mod document;
mod first_folder;
mod given_again;
mod hours;
mod notification_document;
mod noting;
mod noting_lost;
mod numbers;
mod page;
mod patience;
mod progress;
mod recovery;
mod routing;
mod said_again;
mod schema;
mod second_link;
mod secrets;
mod upload;
mod upload_killed;
