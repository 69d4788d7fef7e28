//! `cpis-hub load`.

use std::io::BufReader;
use std::path::Path;

use cpis::hub::load;

use super::common::{open_store, operator, print};

pub(super) fn load_file(file: &Path, config: &Path, synthetic: bool) -> Result<(), String> {
    let store = open_store(config)?;
    let opened = std::fs::File::open(file)
        .map_err(|error| format!("cannot read {}: {}", file.display(), error.kind()))?;
    let report =
        load::load(&store, BufReader::new(opened), synthetic, operator()).map_err(|error| match error {
            load::LoadError::Lines(lines) => {
                let lines: Vec<String> = lines.iter().map(|line| format!("\n  {line}")).collect();
                format!("nothing was loaded from {}:{}", file.display(), lines.concat())
            }
            other @ (load::LoadError::Unreadable(_) | load::LoadError::Store(_)) => other.to_string(),
        })?;
    print(&format!(
        "Loaded {} people, {} superseded numbers, {} plans, {} ended identities\n",
        report.people, report.superseded, report.plans, report.ended
    ))?;
    if report.outdated == 0 {
        return Ok(());
    }
    print(&format!("Left {} plans as they are: what is held was sent later\n", report.outdated))
}
