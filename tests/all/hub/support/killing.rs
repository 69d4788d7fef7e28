//! What the tests share that kill programs at random: numbers from a seed that is printed, the killing, and a case system that picks
//! notes up meanwhile.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

/// A case system that picks notes up: each file is moved away as soon as it is there.
#[derive(Default)]
pub(crate) struct Picked {
    pub(crate) notes: BTreeMap<String, Value>,
    pub(crate) twice: Vec<String>,
    /// Files that came again under their name, with the same in them.
    pub(crate) again: u64,
}

pub(crate) fn pick_up(folder: &Path, picked: &Mutex<Picked>) {
    for file in fs::read_dir(folder).unwrap().filter_map(Result::ok) {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        // What can be seen is whole.
        let note: Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
        fs::remove_file(file.path()).unwrap();
        let mut picked = picked.lock().unwrap();
        // What the link does not know to be placed comes again under its name, and says the same.
        match picked.notes.insert(name.clone(), note.clone()) {
            Some(before) if before == note => picked.again += 1,
            Some(_) => picked.twice.push(name),
            None => {}
        }
    }
}

#[expect(clippy::print_stdout, reason = "with what a failure can be made again")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

pub(crate) fn thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::thread::JoinHandle<T> {
    std::thread::Builder::new().name("test".to_owned()).spawn(work).unwrap()
}

/// Numbers from a seed that is printed: `CPIS_SEED` gives it again.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn seeded() -> Self {
        let given = std::env::var("CPIS_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| Uuid::new_v4().as_u128() as u64 | 1);
        say(&format!("CPIS_SEED={seed}"));
        Self(seed)
    }

    pub(crate) fn millis(&mut self, from: u64, to: u64) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_millis(from + self.0 % (to - from))
    }
}

/// Kills one of the two again and again until all views are made.
pub(crate) fn kill_at_random<T>(
    mut random: Random,
    (from, to): (u64, u64),
    over: Arc<AtomicBool>,
    start: impl Fn() -> T + Send + 'static,
    mut kill: impl FnMut(T) + Send + 'static,
    first: T,
) -> std::thread::JoinHandle<(T, u64)>
where
    T: Send + 'static,
{
    thread(move || {
        let (mut running, mut kills) = (first, 0);
        while !over.load(Ordering::Acquire) {
            std::thread::sleep(random.millis(from, to));
            kill(running);
            kills += 1;
            running = start();
        }
        (running, kills)
    })
}
