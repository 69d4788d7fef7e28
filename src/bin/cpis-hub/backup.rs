//! `cpis-hub backup` and `cpis-hub restore`.

use std::path::Path;

use cpis::hub::clock::Clock;
use cpis::hub::store::{self, Holds, StoreSettings};

use super::common::{open_store, operator, print, read};

pub(super) fn backup(file: &Path, config: &Path) -> Result<(), String> {
    let refused = |why: &dyn std::fmt::Display| format!("no backup was made: {why}");
    let store = open_store(config)?;
    let holds = store.backup(file, &operator()).map_err(|error| refused(&error))?;
    print(&format!("Backed up to {}\n{}", file.display(), told(&holds)))
}

pub(super) fn restore(backup: &Path, config: &Path) -> Result<(), String> {
    let settings = StoreSettings::of(&read(config)?);
    let restored = store::restore(&settings, backup, &operator(), &Clock::system())
        .map_err(|error| format!("nothing was restored from {}: {error}", backup.display()))?;
    let holds = &restored.holds;
    let since = holds.last_entry.as_deref().unwrap_or("its beginning");
    let mut out = format!("Restored {}\n{}", settings.path.display(), told(holds));
    match &restored.aside {
        Some(aside) => out.push_str(&format!(
            "The database that was there is kept as {}: keep it, since nothing else says who saw what after {since}\n",
            aside.display()
        )),
        None => out.push_str("There was no database before\n"),
    }
    match &restored.lost {
        Some(lost) => out.push_str(&format!(
            "Missing are {} views, {} notifications and {} entries of the audit log, from {since} to {}\n",
            lost.views,
            lost.notices,
            lost.audit,
            lost.last_entry.as_deref().unwrap_or("the end")
        )),
        None => out.push_str(&format!(
            "Missing are all views, notifications and audit entries after {since}: how many is not known\n"
        )),
    }
    out.push_str(&format!(
        "Notifications of views after {since} that were not sent yet are lost: tell the authorities\n\
         {} notifications were waiting then and will be sent: some of them for the second time\n",
        holds.queued
    ));
    print(&out)
}

fn told(holds: &Holds) -> String {
    format!(
        "It holds {} people, {} plans, {} views and {} audit entries, the last of {}; schema {}\n",
        holds.people,
        holds.plans,
        holds.views,
        holds.audit,
        holds.last_entry.as_deref().unwrap_or("never"),
        holds.schema
    )
}
