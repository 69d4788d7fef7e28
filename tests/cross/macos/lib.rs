//! What listens on macOS, beside as little of the viewer as it needs, for the compiler to read.

pub mod viewer {
    pub mod event {
        pub enum Event {
            TellsLock(bool),
            ComputerLocked,
            Slept,
        }
    }

    pub mod run {
        pub mod locked {
            pub struct Hears {
                pub tell: std::sync::Arc<dyn Fn(crate::viewer::event::Event) + Send + Sync>,
            }

            // Where `tests/cross/run` has the project.
            #[path = "/src/src/viewer/run/locked/centre.rs"]
            mod centre;

            pub fn watch(hears: &Hears) {
                centre::watch(hears);
            }
        }
    }
}
