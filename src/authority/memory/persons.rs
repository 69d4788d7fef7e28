//! Whether what is held under a local id is of whoever has it now. A system may give a local id to somebody else; then nothing that the
//! extract says of the new one says anything of the one before.

use super::Held;
use crate::domain::PersonName;

/// Whether a plan that is held is of the person whom the extract's rows of its local id name, or nobody says otherwise.
///
/// A number that was wrong was another child's of the same birthday and much the same name, or the hub would never have taken it: so a
/// corrected one comes with the same date of birth and a given name in common. The family name may be corrected with it, and is what twins
/// share. Of what only the hub knew nobody has the names: under another number it may be anybody's, so somebody is asked.
pub(super) fn is_own(held: &Held, now: &[Held]) -> bool {
    let Some(first) = now.first().filter(|first| first.number != held.number) else { return true };
    first.born == held.born && has_common_word(&first.given, &held.given)
}

fn has_common_word(one: &str, other: &str) -> bool {
    let words = |names: &str| -> Vec<String> {
        let parts = names.split(|letter: char| !letter.is_alphanumeric() && letter != '\'');
        parts.map(PersonName::folded).filter(|word| !word.is_empty()).collect()
    };
    let others = words(other);
    words(one).iter().any(|word| others.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(number: &str, given: &str, born: &str) -> Held {
        Held {
            local_id: "A1".to_owned(),
            number: number.to_owned(),
            kind: String::new(),
            start: String::new(),
            end: None,
            family: "Bennett".to_owned(),
            given: given.to_owned(),
            born: born.to_owned(),
            contact_name: None,
            contact_telephone: None,
        }
    }

    #[test]
    fn h26_another_number_is_the_same_persons_where_birthday_and_a_given_name_agree() {
        let held = of("1", "Ava Mary-Jane", "2019-03-12");
        let check = |number: &str, given: &str, born: &str| is_own(&held, &[of(number, given, born)]);
        assert!(check("2", "AVA", "2019-03-12"));
        assert!(check("2", "Mary Ava", "2019-03-12"));
        assert!(check("2", "Jane", "2019-03-12"));
        assert!(
            check("1", "Ben", "2018-01-01"),
            "the same number is the same person, whatever else was corrected"
        );
        assert!(!check("2", "Ava", "2019-03-21"));
        assert!(!check("2", "Ben", "2019-03-12"), "a twin has the birthday and the family name");
        assert!(!check("2", "-", "2019-03-12"), "no name is nobody's");
        assert!(is_own(&held, &[]), "absence says nothing");
        let only_the_hub = Held { family: String::new(), ..of("1", "", "") };
        assert!(!is_own(&only_the_hub, &[of("2", "Ben", "2018-01-01")]), "nobody knows whose it is");
        assert!(is_own(&only_the_hub, &[of("1", "Ben", "2018-01-01")]));
        assert!(is_own(&only_the_hub, &[]));
    }
}
