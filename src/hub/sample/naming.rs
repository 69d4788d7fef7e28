//! Names of a family: how they go from parents to children in each culture.

use super::chance::Chance;
use super::cultures::{Culture, Cultures, Style};
use crate::domain::PersonName;

/// A couple, and what their children are called after.
#[derive(Clone)]
pub(super) struct Parents {
    pub(super) culture: &'static Culture,
    pub(super) mother: PersonName,
    /// Her name before she married, where it was another.
    pub(super) maiden: Option<PersonName>,
    pub(super) father: PersonName,
    /// The children's family name, before any ending of theirs.
    family: String,
}

/// Endings of sons and of daughters.
const ENDINGS: &[(&str, &str)] = &[
    ("ski", "ska"),
    ("cki", "cka"),
    ("dzki", "dzka"),
    ("skyi", "ska"),
    ("ov", "ova"),
    ("ev", "eva"),
    ("ovs", "ova"),
    ("iņš", "iņa"),
    ("auskas", "auskaitė"),
    ("kus", "kutė"),
    ("onas", "onaitė"),
];

fn daughters(family: &str) -> String {
    let ending = ENDINGS.iter().find(|(his, _)| family.ends_with(his));
    match ending.and_then(|(his, hers)| Some((family.strip_suffix(his)?, hers))) {
        Some((stem, hers)) => format!("{stem}{hers}"),
        None => family.to_owned(),
    }
}

/// A family name of the culture, as a son has it.
fn family_name(chance: &mut Chance, culture: &Culture) -> String {
    if culture.style == Style::British && chance.in_a_thousand(450) {
        return Cultures::get().rare(chance);
    }
    let one = culture.family.draw(chance);
    if culture.style == Style::Iberian && chance.in_a_thousand(400) {
        let other = culture.family.draw(chance);
        return if one == other { one.to_owned() } else { format!("{one} {other}") };
    }
    one.to_owned()
}

/// Given names, with what the culture puts after the first: a middle name, the father's, `Kaur`.
fn given_names(
    chance: &mut Chance,
    culture: &Culture,
    (is_female, is_older): (bool, bool),
    father: Option<&str>,
) -> Vec<String> {
    let list = culture.given(is_female, is_older);
    let first = list.draw(chance).to_owned();
    let second = list.draw(chance).to_owned();
    let with_second = match culture.style {
        Style::British => 780,
        Style::Plain | Style::Slavic => 400,
        Style::Muslim if is_female => 250,
        Style::Muslim => 600,
        Style::Iberian | Style::Arabic => 500,
        Style::PatronymFamily => 0,
        Style::Sikh | Style::Patronymic | Style::Chinese | Style::Vietnamese => 1_000,
    };
    let then = match culture.style {
        Style::Sikh => if is_female { "Kaur" } else { "Singh" }.to_owned(),
        Style::Vietnamese => if is_female { "Thị" } else { "Văn" }.to_owned(),
        Style::Patronymic | Style::Arabic => father.map_or(second, str::to_owned),
        Style::Chinese => {
            return match chance.below(3) {
                0 => vec![format!("{first}{}", second.to_lowercase())],
                1 => vec![format!("{first}-{}", second.to_lowercase())],
                _ => vec![first, second],
            };
        }
        Style::Plain
        | Style::British
        | Style::Slavic
        | Style::Muslim
        | Style::PatronymFamily
        | Style::Iberian => second,
    };
    let then = chance.in_a_thousand(with_second).then_some(then);
    std::iter::once(first.clone()).chain(then.filter(|then| *then != first)).collect()
}

fn title(chance: &mut Chance, is_female: bool) -> Option<String> {
    let titles: &[&str] = if is_female { &["Mrs", "Ms", "Miss", "Mrs", "Miss"] } else { &["Mr"] };
    if chance.in_a_thousand(500) { chance.pick(titles).map(|title| (*title).to_owned()) } else { None }
}

/// An adult on their own.
pub(super) fn adult(
    chance: &mut Chance,
    culture: &'static Culture,
    is_female: bool,
    is_older: bool,
) -> PersonName {
    let given = given_names(chance, culture, (is_female, is_older), None);
    let son = family_name(chance, culture);
    let family = with_sex(chance, culture, &son, is_female);
    PersonName { family, given, title: title(chance, is_female) }
}

/// The family name as a son or a daughter of this name has it.
fn with_sex(chance: &mut Chance, culture: &Culture, family: &str, is_female: bool) -> String {
    match culture.style {
        Style::Slavic if is_female && chance.in_a_thousand(850) => daughters(family),
        Style::Muslim if is_female && chance.in_a_thousand(300) => {
            let own = ["Begum", "Bibi", "Khatun", "Akhtar", "Kausar", "Parveen", "Khanom", "Begum"];
            chance.pick(&own).map_or_else(|| family.to_owned(), |own| (*own).to_owned())
        }
        Style::Sikh if chance.in_a_thousand(350) => if is_female { "Kaur" } else { "Singh" }.to_owned(),
        Style::Slavic
        | Style::Muslim
        | Style::Sikh
        | Style::Plain
        | Style::British
        | Style::PatronymFamily
        | Style::Patronymic
        | Style::Iberian
        | Style::Arabic
        | Style::Chinese
        | Style::Vietnamese => family.to_owned(),
    }
}

impl Parents {
    pub(super) fn draw(chance: &mut Chance, culture: &'static Culture) -> Self {
        // One couple in eight is of two cultures.
        let other = if chance.in_a_thousand(120) { Cultures::get().draw(chance) } else { None };
        let hers = other.unwrap_or(culture);
        let father = adult(chance, culture, false, false);
        let before = adult(chance, hers, true, false);
        let keeps_hers = match culture.style {
            Style::Muslim | Style::Iberian | Style::Chinese | Style::Vietnamese => 850,
            Style::Arabic | Style::Patronymic | Style::PatronymFamily => 950,
            Style::Plain | Style::British | Style::Slavic | Style::Sikh => 450,
        };
        let is_married = chance.in_a_thousand(650);
        let mut mother = before.clone();
        if is_married && !chance.in_a_thousand(keeps_hers) {
            mother.family = with_sex(chance, culture, &father.family, true);
        }
        let maiden = (mother.family != before.family && chance.in_a_thousand(700))
            .then(|| PersonName { title: None, ..before.clone() });
        let family = Self::family_of_children(chance, culture, &father, &before, is_married);
        Self { culture, mother, maiden, father, family }
    }

    fn family_of_children(
        chance: &mut Chance,
        culture: &Culture,
        father: &PersonName,
        before: &PersonName,
        is_married: bool,
    ) -> String {
        let last = |name: &PersonName| name.given.last().cloned().unwrap_or_default();
        let part = |name: &PersonName| name.family.split(' ').next().unwrap_or_default().to_owned();
        let is_double = chance.in_a_thousand(if is_married { 40 } else { 110 });
        match culture.style {
            Style::Patronymic => last(father),
            Style::PatronymFamily if chance.in_a_thousand(600) => last(father),
            Style::Muslim if chance.in_a_thousand(150) => last(father),
            Style::Iberian if chance.in_a_thousand(600) => format!("{} {}", part(before), part(father)),
            // Two names, unless one of them is double already.
            Style::British | Style::Plain
                if is_double
                    && !father.family.contains(['-', ' '])
                    && !before.family.contains(['-', ' ']) =>
            {
                let (one, other) = (&before.family, &father.family);
                if chance.in_a_thousand(200) { format!("{one} {other}") } else { format!("{one}-{other}") }
            }
            Style::British | Style::Plain if !is_married && chance.in_a_thousand(350) => {
                before.family.clone()
            }
            Style::Plain
            | Style::British
            | Style::Slavic
            | Style::Muslim
            | Style::Sikh
            | Style::PatronymFamily
            | Style::Iberian
            | Style::Arabic
            | Style::Chinese
            | Style::Vietnamese => father.family.clone(),
        }
    }

    /// The name of a child of theirs that none of `siblings` has.
    pub(super) fn child(&self, chance: &mut Chance, is_female: bool, siblings: &[PersonName]) -> PersonName {
        let father = self.father.first_given().unwrap_or_default().to_owned();
        let mut given = Vec::new();
        for _ in 0..4 {
            given = given_names(chance, self.culture, (is_female, false), Some(&father));
            if siblings.iter().all(|sibling| sibling.first_given() != given.first().map(String::as_str)) {
                break;
            }
        }
        // Brothers and sisters have one family name; where endings or custom part them, they part by sex.
        let alike = siblings.iter().find(|sibling| !sibling.given.is_empty());
        let family = match (self.culture.style, alike) {
            (Style::Slavic | Style::Muslim | Style::Sikh, _) | (_, None) => {
                with_sex(chance, self.culture, &self.family, is_female)
            }
            (_, Some(sibling)) => sibling.family.clone(),
        };
        PersonName { family, given, title: None }
    }

    /// A newborn whom nobody has named yet: the mother's family name.
    pub(super) fn newborn(&self, chance: &mut Chance, is_female: bool, order: Option<u32>) -> PersonName {
        let words: &[&str] = match (order, chance.below(4)) {
            (_, 0) => &[],
            (Some(1), _) => &["Twin", "One"],
            (Some(_), _) => &["Twin", "Two"],
            (None, 1) => &["Baby"],
            (None, _) if is_female => &["Baby", "Girl"],
            (None, _) => &["Baby", "Boy"],
        };
        let given = words.iter().map(|word| (*word).to_owned()).collect();
        PersonName { family: self.mother.family.clone(), given, title: None }
    }
}
