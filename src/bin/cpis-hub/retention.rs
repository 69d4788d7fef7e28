//! `cpis-hub retention`.

use std::path::Path;

use super::common::{open_store, operator, print, read};

pub(super) fn retention(config: &Path, dry_run: bool) -> Result<(), String> {
    let policy = read(config)?.retention;
    if !policy.removes_anything() {
        return print("Nothing is ever removed: the configuration has no [retention]\n");
    }
    let store = open_store(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    let removed =
        runtime.block_on(store.remove(policy, operator(), dry_run)).map_err(|error| error.to_string())?;
    print(&format!("{} {removed}\n", if dry_run { "Would remove" } else { "Removed" }))
}
