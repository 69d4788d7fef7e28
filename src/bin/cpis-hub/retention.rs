//! `cpis-hub retention`.

use std::path::Path;

use jiff::civil::Date;

use super::common::{open_store, operator, print, read};

pub(super) fn retention(config: &Path, dry_run: bool, today: Option<Date>) -> Result<(), String> {
    let policy = read(config)?.retention;
    if !policy.removes_anything() {
        return print("Nothing is ever removed: the configuration has no [retention]\n");
    }
    let store = open_store(config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    let removed = runtime.block_on(async {
        if dry_run {
            store.remove(policy, operator(), true).await.map(Some)
        } else {
            store.retain(policy, operator(), today).await
        }
    });
    match removed.map_err(|error| error.to_string())? {
        Some(removed) => print(&format!("{} {removed}\n", if dry_run { "Would remove" } else { "Removed" })),
        None => Err("nothing was removed: the clock is a month ahead of the last removal, or there was none yet; look at the clock, \
                     and say with `--today` which day it is"
            .to_owned()),
    }
}
