//! `cpis-hub doctor`.

use std::path::Path;

use cpis::hub::clock::Clock;
use cpis::hub::doctor::{self, Asked, Verdict};

use super::common::print;

pub(super) fn doctor(config: &Path, asked: Asked, json: bool) -> Result<(), String> {
    let found = doctor::examine(config, &Clock::system(), asked);
    if json {
        let text = serde_json::to_string_pretty(&found).map_err(|error| error.to_string())?;
        print(&format!("{text}\n"))?;
    } else {
        let lines: Vec<String> = found.iter().map(|finding| format!("{finding}\n")).collect();
        print(&lines.concat())?;
    }
    match found.iter().filter(|finding| finding.verdict == Verdict::Mend).count() {
        0 => Ok(()),
        1 => Err("1 thing to mend".to_owned()),
        more => Err(format!("{more} things to mend")),
    }
}
