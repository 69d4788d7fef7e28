//! What listens on Windows, with its own tests, beside as little of the viewer as it needs; and the keychain there.

pub mod viewer {
    pub mod event {
        #[derive(Debug)]
        pub enum Event {
            TellsLock(bool),
            ComputerLocked,
            Slept,
        }
    }

    pub mod run {
        pub mod locked {
            use std::sync::Arc;

            type Does = Arc<dyn Fn() + Send + Sync>;

            #[derive(Clone)]
            pub struct Hears {
                pub tell: Arc<dyn Fn(crate::viewer::event::Event) + Send + Sync>,
                pub waits: Does,
                pub ends: Does,
            }

            // Where `tests/cross/run` has the project.
            #[path = "/src/src/viewer/run/locked/session.rs"]
            mod session;

            pub fn watch(hears: &Hears) {
                session::watch(hears);
            }
        }
    }
}

/// As the viewer asks for it (`src/viewer/run/keychain`).
#[cfg(test)]
mod keychain {
    use std::collections::HashMap;

    use keyring_core::api::CredentialStoreApi;
    use keyring_core::{Entry, Error};

    /// Bytes of an entry; the viewer puts no more there.
    const MOST_BYTES: usize = 2_560;

    fn entry() -> Entry {
        let store = windows_native_keyring_store::Store::new().unwrap();
        let with = HashMap::from([("persistence", "Local")]);
        store.build("cpis-viewer", "https://hub.example.nhs.uk", Some(&with)).unwrap()
    }

    /// Told first; what it leaves is there for the next run.
    #[test]
    fn first_it_is_kept_on_this_computer_alone() {
        assert!(machine_uid::get().is_ok_and(|id| !id.trim().is_empty()));
        entry().set_secret(&[b'A'; MOST_BYTES]).unwrap();
        assert_eq!(entry().get_attributes().unwrap().get("persistence").unwrap(), "Local");
    }

    #[test]
    fn then_another_run_finds_it_and_takes_it_out() {
        assert_eq!(entry().get_secret().unwrap(), [b'A'; MOST_BYTES]);
        assert!(entry().set_secret(&[b'A'; MOST_BYTES + 1]).is_err());
        entry().set_secret(b"the next").unwrap();
        assert_eq!(entry().get_secret().unwrap(), b"the next");
        entry().delete_credential().unwrap();
        assert!(matches!(entry().get_secret(), Err(Error::NoEntry)));
    }
}
