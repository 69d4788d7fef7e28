//! A person's name, as the national demographics service holds it.

use std::fmt;

/// Family name, given names in order, and title. `Debug` never shows it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct PersonName {
    /// Family name; empty where none is held (an unnamed newborn).
    pub family: String,
    /// Given names in order.
    pub given: Vec<String>,
    /// Title, such as `Mrs`.
    pub title: Option<String>,
}

impl PersonName {
    /// As the patient banner shows it: `FAMILY, Given (Title)`. What is not held is said in words.
    #[must_use]
    pub fn banner(&self) -> String {
        let family = if self.family.is_empty() {
            "NO FAMILY NAME HELD".to_owned()
        } else {
            self.family.to_uppercase()
        };
        let given =
            if self.given.is_empty() { "no given name held".to_owned() } else { self.given.join(" ") };
        match &self.title {
            Some(title) => format!("{family}, {given} ({title})"),
            None => format!("{family}, {given}"),
        }
    }

    /// The first given name, if one is held.
    #[must_use]
    pub fn first_given(&self) -> Option<&str> {
        self.given.first().map(String::as_str)
    }

    /// Letters only, lower case and without accents' case differences: `O'Brien` and `OBRIEN` are the same.
    #[must_use]
    pub fn folded(text: &str) -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_shows_the_family_name_first_and_says_what_is_not_held() {
        let check = |family: &str, given: &[&str], title: Option<&str>, expected: &str| {
            let name = PersonName {
                family: family.to_owned(),
                given: given.iter().map(|&g| g.to_owned()).collect(),
                title: title.map(str::to_owned),
            };
            assert_eq!(name.banner(), expected);
            assert_eq!(format!("{name:?}"), "PersonName(hidden)");
        };
        check("Smith", &["Jane", "Ann"], Some("Mrs"), "SMITH, Jane Ann (Mrs)");
        check("O'Brien", &["Tom"], None, "O'BRIEN, Tom");
        check("Khan", &[], None, "KHAN, no given name held");
        check("", &["Ayaan"], None, "NO FAMILY NAME HELD, Ayaan");
    }
}
