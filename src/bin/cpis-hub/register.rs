//! `cpis-hub register`: with which register each local authority's link is told, and moving that to another.

use std::fmt::Write as _;

use cpis::domain::dates;
use cpis::exchange::notice::RegisterId;
use cpis::hub::store::{Move, Moved};

use super::common::{open_store, operator, print, read};

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
    /// Also to a register with which no link of the authority has asked
    #[arg(long, requires = "to")]
    although: bool,
    /// Gives the new register everything once more from this number on, whatever became of it with the other one
    #[arg(long, value_name = "NUMBER", requires = "to")]
    from: Option<u32>,
}

pub(super) fn register(what: &Register) -> Result<(), String> {
    let store = open_store(&what.config.config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {}", error.kind()))?;
    if let (Some(authority), Some(to)) = (&what.authority, &what.to) {
        let to = RegisterId::parse(to.trim()).ok_or("--to: 32 hexadecimal digits in small letters")?;
        let authority = authority.trim().to_owned();
        let all = read(&what.config.config)?.authorities;
        let Some(known) = all.iter().find(|known| known.code == authority) else {
            return Err(format!(
                "--authority: no [[authority]] of the configuration has the code {authority}"
            ));
        };
        if known.mailbox.is_some() {
            return Err(
                "--authority: it comes by MESH, where no link says which register it keeps: whoever empties the mailbox is told"
                    .to_owned(),
            );
        }
        let to = Move { authority, register: to, although: what.although, from: what.from };
        let moved = store.move_register(operator(), to);
        let moved = runtime.block_on(moved).map_err(|error| error.to_string())?;
        return said(*moved.value());
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
        for (other, when) in &bound.refused {
            let _ = writeln!(said, "{}: {other} was refused, last {}", bound.authority_code, at(*when));
        }
    }
    print(&said)
}

fn said(moved: Moved) -> Result<(), String> {
    match moved {
        Moved::To(again) => {
            print(
                "Moved: the link with this register is told from now on, from the first notification that has no receipt. The other \
                 one is refused: what nobody has read there, and e-mail that has not left, nobody hears of by the new one.\n",
            )?;
            if again > 0 { print(&format!("Given once more: {again}.\n")) } else { Ok(()) }
        }
        Moved::Again(again) => print(&format!(
            "The authority is told with this register already. Given once more: {again}.\n"
        )),
        Moved::Already => print("The authority is told with this register already.\n"),
        Moved::NeverAsked => Err("no link of this authority has asked with this register: a slip would silence the authority. Compare \
                                  the digits with `cpis-hub register`; `--although` moves all the same"
            .to_owned()),
    }
}
