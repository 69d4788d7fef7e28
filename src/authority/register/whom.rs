//! As whom somebody reads a note: by whom was alerted of it. A reading that is nobody's who was alerted ends no escalation.

use rusqlite::{Connection, OptionalExtension, params};

use super::RegisterError;
use super::accesses::{AsWhom, IS_RESTRICTED, Reader};
use crate::authority::routing::Role;

/// As whom this reader reads a note. `known_as` are the names under which they stand in the routing table. Whoever was alerted of it, by the user
/// or by the name; the case's worker as the last extract names them, and the holders of a restricted case, who are
/// responsible whoever was alerted. Nothing where nobody was alerted at all: then whoever reads it has read it.
pub(super) fn as_whom(
    db: &Connection,
    reader: &Reader,
    known_as: &[String],
    note: &str,
) -> Result<Option<AsWhom>, RegisterError> {
    let is_known = |name: &str| known_as.iter().any(|known| folded(known) == folded(name));
    let is_reader = |name: &str| is_known(name) || says_the_same(name, reader.user());
    let mut statement =
        db.prepare_cached("SELECT role, name, user FROM alert WHERE note_id = ?1 AND is_over = 0")?;
    let mut rows = statement.query([note])?;
    let (mut alerts, mut duty) = (0_u32, false);
    while let Some(row) = rows.next()? {
        alerts += 1;
        let (role, name, user): (String, String, Option<String>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_own = match user.as_deref() {
            Some(user) if user == reader.user() => true,
            // By another user, unless it is a desk at which they sit.
            Some(_) => is_known(&name),
            None => is_reader(&name),
        };
        match (is_own, Role::from_code(&role)) {
            (true, Some(Role::EmergencyDuty)) => duty = true,
            (true, _) => return Ok(Some(AsWhom::Alerted)),
            (false, _) => {}
        }
    }
    if alerts == 0 {
        return Ok(None);
    }
    Ok(Some(match (is_responsible(db, reader, note, &is_reader)?, duty) {
        (true, _) => AsWhom::Alerted,
        (false, true) => AsWhom::Duty,
        (false, false) => AsWhom::Beside,
    }))
}

fn is_responsible(
    db: &Connection,
    reader: &Reader,
    note: &str,
    is_reader: &dyn Fn(&str) -> bool,
) -> Result<bool, RegisterError> {
    let worker: Option<Option<String>> = db
        .prepare_cached(
            "SELECT worker FROM responsible JOIN note ON note.local_id = responsible.local_id WHERE note.id = ?1",
        )?
        .query_row([note], |row| row.get(0))
        .optional()?;
    if worker.flatten().is_some_and(|worker| is_reader(&worker)) {
        return Ok(true);
    }
    Ok(db
        .prepare_cached(&format!(
            "SELECT 1 FROM note JOIN holder ON holder.local_id IN (note.local_id, note.told_as)
             WHERE note.id = ?1 AND holder.user = ?2 AND {IS_RESTRICTED}"
        ))?
        .exists(params![note, reader.user()])?)
}

/// A name as the routing table's are looked for.
fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Whether a user name is a person's name written as one: `p.shaw` of `Shaw, P.`
fn says_the_same(name: &str, user: &str) -> bool {
    let words = |text: &str| {
        let mut words: Vec<String> = text
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        words.sort();
        words
    };
    let of_user = words(user);
    !of_user.is_empty() && of_user == words(name)
}

#[cfg(test)]
mod tests {
    use super::says_the_same;

    #[test]
    fn a_user_name_is_a_persons_where_it_has_the_same_words() {
        let check = |name: &str, user: &str, expected: bool| {
            assert_eq!(says_the_same(name, user), expected, "{name} {user}");
        };
        check("P. Shaw", "p.shaw", true);
        check("Marsh, Jo", "jo.marsh", true);
        check("Emergency duty team", "emergency-duty-team", true);
        check("P. Shaw", "shaw", false);
        check("P. Shaw", "r.shaw", false);
        check("", "", false);
    }
}
