//! `cpis-hub register`: with which register each local authority's link is told, and moving that to another.

use std::fmt::Write as _;

use cpis::domain::dates;
use cpis::exchange::notice::RegisterId;

use super::common::{open_store, operator, print};

#[derive(clap::Args)]
pub(super) struct Register {
    #[command(flatten)]
    config: super::WithConfig,
    /// The authority whose link is told with another register from now on, by its ODS code
    #[arg(long, value_name = "CODE", requires = "to")]
    authority: Option<String>,
    /// That register: 32 hexadecimal digits, as `cpis-authority status` says them at its computer
    #[arg(long, value_name = "REGISTER", requires = "authority")]
    to: Option<String>,
}

pub(super) fn register(what: &Register) -> Result<(), String> {
    let store = open_store(&what.config.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    if let (Some(authority), Some(to)) = (&what.authority, &what.to) {
        let to = RegisterId::parse(to.trim()).ok_or("--to: 32 hexadecimal digits in small letters")?;
        let moved = store.move_register(operator(), authority.trim().to_owned(), to);
        let moved = runtime.block_on(moved).map_err(|error| error.to_string())?;
        return print(if *moved.value() {
            "Moved: the link with this register is told from now on, from the first notification that has no receipt. The other \
             one is refused.\n"
        } else {
            "The authority is told with this register already.\n"
        });
    }
    let all = runtime.block_on(store.registers()).map_err(|error| error.to_string())?;
    if all.is_empty() {
        return print("No local authority's link has asked over HTTPS yet.\n");
    }
    let at = dates::day_and_time;
    let mut said = String::new();
    for bound in &all {
        // Writing into a String does not fail.
        let _ = writeln!(said, "{}: {} since {}", bound.authority_code, bound.register, at(bound.since));
        if let Some((other, when)) = &bound.refused {
            let _ = writeln!(said, "{}: {other} was refused, last {}", bound.authority_code, at(*when));
        }
    }
    print(&said)
}
