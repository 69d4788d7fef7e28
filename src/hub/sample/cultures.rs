//! Names by culture, from the lists in `assets/names`, which were written for this from general knowledge: each
//! list begins with its commonest name.

use std::sync::OnceLock;

use super::chance::Chance;

const FILES: &[(&str, &str)] = &[
    ("British", include_str!("../../../assets/names/british.txt")),
    ("Irish", include_str!("../../../assets/names/irish.txt")),
    ("Roma and Traveller", include_str!("../../../assets/names/traveller.txt")),
    ("Polish", include_str!("../../../assets/names/polish.txt")),
    ("Romanian", include_str!("../../../assets/names/romanian.txt")),
    ("Bulgarian and Baltic", include_str!("../../../assets/names/bulgarian_lithuanian.txt")),
    ("Ukrainian", include_str!("../../../assets/names/ukrainian.txt")),
    ("Portuguese and Brazilian", include_str!("../../../assets/names/portuguese.txt")),
    ("Spanish and Italian", include_str!("../../../assets/names/spanish_italian.txt")),
    ("Pakistani", include_str!("../../../assets/names/pakistani.txt")),
    ("Bangladeshi", include_str!("../../../assets/names/bangladeshi.txt")),
    ("Hindu and Jain", include_str!("../../../assets/names/indian_hindu.txt")),
    ("Sikh", include_str!("../../../assets/names/sikh.txt")),
    ("Tamil and Keralan", include_str!("../../../assets/names/tamil.txt")),
    ("Arabic", include_str!("../../../assets/names/arabic.txt")),
    ("Somali", include_str!("../../../assets/names/somali.txt")),
    ("Eritrean and Ethiopian", include_str!("../../../assets/names/horn.txt")),
    ("Nigerian", include_str!("../../../assets/names/nigerian.txt")),
    ("Ghanaian", include_str!("../../../assets/names/ghanaian.txt")),
    ("Caribbean", include_str!("../../../assets/names/caribbean.txt")),
    ("West and Central African", include_str!("../../../assets/names/congolese.txt")),
    ("Chinese", include_str!("../../../assets/names/chinese.txt")),
    ("Vietnamese", include_str!("../../../assets/names/vietnamese.txt")),
    ("Turkish and Kurdish", include_str!("../../../assets/names/turkish.txt")),
    ("Afghan", include_str!("../../../assets/names/afghan.txt")),
    ("Filipino and Nepali", include_str!("../../../assets/names/filipino.txt")),
    ("Jewish", include_str!("../../../assets/names/jewish.txt")),
];

const TAIL: &str = include_str!("../../../assets/names/tail.txt");

/// How a culture's names go on from parents to children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The family name, unchanged.
    Plain,
    /// The same, with double barrels and a long tail of rare names.
    British,
    /// Sons and daughters have different endings.
    Slavic,
    /// The father's last name or one of their own; `Begum`, `Bibi`.
    Muslim,
    /// `Singh` and `Kaur`, as a middle or as the family name.
    Sikh,
    /// The father's given name as the family name.
    PatronymFamily,
    /// Own, father's and grandfather's given names.
    Patronymic,
    /// One name of each parent; particles.
    Iberian,
    /// Often the father's given name in the middle.
    Arabic,
    /// Given names of two syllables, often beside a western one.
    Chinese,
    /// A middle name that tells the sex.
    Vietnamese,
}

/// Names in order of frequency, with what is needed to draw them so.
#[derive(Debug, Default)]
pub(super) struct Names {
    names: Vec<&'static str>,
    sums: Vec<u64>,
}

impl Names {
    fn new(list: &'static str, skew: u64) -> Self {
        let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let mut sum = 0;
        let sums = (1..)
            .zip(&names)
            .map(|(rank, _)| {
                sum += 1_000_000 / (rank + skew);
                sum
            })
            .collect();
        Self { names, sums }
    }

    pub(super) fn draw(&self, chance: &mut Chance) -> &'static str {
        let at = chance.below(self.sums.last().copied().unwrap_or(0));
        self.names.get(self.sums.partition_point(|sum| *sum <= at)).copied().unwrap_or_default()
    }
}

/// A culture: its names, and how they go on.
#[derive(Debug)]
pub struct Culture {
    /// What it is called.
    pub label: &'static str,
    /// How its names go on.
    pub style: Style,
    share: u64,
    pub(super) family: Names,
    female: Names,
    male: Names,
    older_female: Names,
    older_male: Names,
}

impl Culture {
    pub(super) fn given(&self, is_female: bool, is_older: bool) -> &Names {
        let (older, younger) =
            if is_female { (&self.older_female, &self.female) } else { (&self.older_male, &self.male) };
        if is_older && !older.names.is_empty() { older } else { younger }
    }
}

/// All cultures, and a draw by their shares.
pub(super) struct Cultures {
    all: Vec<Culture>,
    shares: Vec<u64>,
    first: Vec<&'static str>,
    second: Vec<&'static str>,
}

impl Cultures {
    pub(super) fn get() -> &'static Self {
        static READ: OnceLock<Cultures> = OnceLock::new();
        READ.get_or_init(|| {
            let all: Vec<Culture> = FILES.iter().map(|(label, text)| read(label, text)).collect();
            let halves = |key| value(TAIL, key).split(',').map(str::trim).collect();
            Self {
                shares: all.iter().map(|culture| culture.share).collect(),
                all,
                first: halves("first"),
                second: halves("second"),
            }
        })
    }

    pub(super) fn draw(&'static self, chance: &mut Chance) -> Option<&'static Culture> {
        self.all.get(chance.weighted(&self.shares))
    }

    /// One of the thousands of rare names that come from places.
    pub(super) fn rare(&self, chance: &mut Chance) -> String {
        let first = chance.pick(&self.first).copied().unwrap_or_default();
        let second = chance.pick(&self.second).copied().unwrap_or_default();
        format!("{first}{second}")
    }
}

/// What stands after the key at the beginning of a line.
fn value(text: &'static str, key: &str) -> &'static str {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')).unwrap_or_default()
}

fn read(label: &'static str, text: &'static str) -> Culture {
    let skew = value(text, "skew").parse().unwrap_or(8);
    let names = |key| Names::new(value(text, key), skew);
    // Given names are spread more evenly than family names.
    let given = |key| Names::new(value(text, key), 25);
    Culture {
        label,
        style: match value(text, "style") {
            "british" => Style::British,
            "slavic" => Style::Slavic,
            "muslim" => Style::Muslim,
            "sikh" => Style::Sikh,
            "patronym_family" => Style::PatronymFamily,
            "patronymic" => Style::Patronymic,
            "iberian" => Style::Iberian,
            "arabic" => Style::Arabic,
            "chinese" => Style::Chinese,
            "vietnamese" => Style::Vietnamese,
            _ => Style::Plain,
        },
        share: value(text, "share").parse().unwrap_or(0),
        family: names("family"),
        female: given("female"),
        male: given("male"),
        older_female: given("older female"),
        older_male: given("older male"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_is_read_and_its_first_name_is_the_commonest() {
        let cultures = Cultures::get();
        assert_eq!(cultures.all.len(), FILES.len());
        for culture in &cultures.all {
            assert!(culture.share > 0 && culture.family.names.len() >= 20, "{}", culture.label);
            assert!(culture.female.names.len() >= 15 && culture.male.names.len() >= 15, "{}", culture.label);
        }
        assert!(cultures.first.len() * cultures.second.len() > 3_000);
        let british = cultures.all.first().unwrap();
        let mut chance = Chance::new(1, 1);
        let smiths = (0..20_000).filter(|_| british.family.draw(&mut chance) == "Smith").count();
        assert!((400..1_200).contains(&smiths), "{smiths}");
    }
}
