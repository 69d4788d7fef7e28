//! How names are written otherwise: slips of fingers, of ears, and between alphabets; and short forms. Written from
//! general knowledge, apart from what the hub knows.

use cpis::hub::sample::Chance;

/// Keys beside each other.
const KEYBOARD: &[&str] = &["qwertyuiop", "asdfghjkl", "zxcvbnm"];

/// A letter left out, doubled, exchanged with the next, or the key beside it.
pub(super) fn typing_slip(chance: &mut Chance, name: &str) -> Option<String> {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() < 2 {
        return None;
    }
    let at = usize::try_from(chance.below(u64::try_from(letters.len()).ok()?)).ok()?;
    let mut slipped = letters.clone();
    match chance.below(4) {
        0 => {
            slipped.remove(at);
        }
        1 => slipped.insert(at, letters[at]),
        2 if at + 1 < letters.len() => slipped.swap(at, at + 1),
        _ => slipped[at] = beside(chance, letters[at])?,
    }
    let slipped: String = slipped.into_iter().collect();
    (slipped.to_lowercase() != name.to_lowercase()).then_some(slipped)
}

fn beside(chance: &mut Chance, letter: char) -> Option<char> {
    let letter = letter.to_ascii_lowercase();
    let row = KEYBOARD.iter().find(|row| row.contains(letter))?;
    let at = row.find(letter)?;
    let near: Vec<char> =
        row.chars().enumerate().filter(|(place, _)| place.abs_diff(at) == 1).map(|(_, c)| c).collect();
    chance.pick(&near).copied()
}

/// Spellings that one hears alike.
const EAR: &[(&str, &str)] = &[
    ("ph", "f"),
    ("ck", "k"),
    ("ie", "y"),
    ("y", "ie"),
    ("ey", "y"),
    ("c", "k"),
    ("k", "c"),
    ("ss", "s"),
    ("ll", "l"),
    ("nn", "n"),
    ("tt", "t"),
    ("mm", "m"),
    ("l", "ll"),
    ("t", "tt"),
    ("ea", "ee"),
    ("ee", "ea"),
    ("ai", "ay"),
    ("ay", "ai"),
    ("igh", "y"),
    ("ei", "ai"),
    ("ou", "ow"),
    ("ow", "ou"),
    ("er", "ar"),
    ("or", "er"),
    ("ar", "er"),
    ("s", "z"),
    ("z", "s"),
    ("i", "y"),
    ("wr", "r"),
    ("kn", "n"),
    ("gh", "g"),
    ("mb", "m"),
    ("th", "t"),
    ("ough", "uff"),
    ("oa", "o"),
    ("oo", "u"),
    ("aw", "or"),
    ("dge", "ge"),
    ("tch", "ch"),
    ("x", "cks"),
    ("qu", "kw"),
    ("j", "g"),
    ("v", "f"),
    ("e", ""),
    ("an", "en"),
    ("en", "an"),
    ("on", "en"),
    ("ah", "a"),
    ("a", "ah"),
    ("h", ""),
];

/// One or two places written as they sound.
pub(super) fn by_ear(chance: &mut Chance, name: &str) -> Option<String> {
    rewritten(chance, name, EAR, 250)
}

/// Sounds of other languages and alphabets as English writes them, one way or another.
const LETTERS: &[(&str, &str)] = &[
    ("ou", "u"),
    ("u", "ou"),
    ("oo", "u"),
    ("ee", "i"),
    ("i", "ee"),
    ("kh", "h"),
    ("kh", "k"),
    ("gh", "g"),
    ("y", "i"),
    ("i", "y"),
    ("iy", "y"),
    ("iya", "ia"),
    ("ia", "iya"),
    ("yu", "iu"),
    ("ya", "ia"),
    ("w", "v"),
    ("v", "w"),
    ("sz", "sh"),
    ("sh", "sz"),
    ("cz", "ch"),
    ("ch", "cz"),
    ("ks", "x"),
    ("x", "ks"),
    ("q", "k"),
    ("k", "q"),
    ("dh", "d"),
    ("zh", "j"),
    ("j", "dj"),
    ("j", "y"),
    ("ts", "c"),
    ("ae", "a"),
    ("aa", "a"),
    ("a", "e"),
    ("e", "a"),
    ("o", "u"),
    ("ö", "oe"),
    ("ü", "ue"),
    ("ł", "w"),
    ("ż", "zh"),
    ("ó", "u"),
    ("ń", "ny"),
    ("ș", "sh"),
    ("ş", "sh"),
    ("ç", "ch"),
    ("ğ", "g"),
    ("ñ", "ny"),
    ("mm", "m"),
    ("ss", "s"),
    ("dd", "d"),
    ("sh", "ch"),
    ("th", "t"),
    ("ei", "ey"),
    ("ai", "ay"),
    ("ah", "a"),
    ("eh", "e"),
    ("hm", "ham"),
    ("ain", "ein"),
];

/// Whole names that are written very differently.
const WHOLE: &[&[&str]] = &[
    &["Mohammed", "Muhammad", "Mohamed", "Mohammad", "Muhammed", "Mohamad", "Mahomed", "Md"],
    &["Aleksander", "Oleksandr", "Alexander", "Aleksandr", "Oleksander"],
    &["Zsofia", "Sofia", "Zofia", "Sophia", "Sofiia"],
    &["Yusuf", "Youssef", "Yousef", "Joseph", "Yousuf"],
    &["Ibrahim", "Ebrahim", "Abraham", "Ibraheem"],
    &["Mykhailo", "Mikhail", "Michael", "Mikhailo"],
    &["Volodymyr", "Vladimir", "Wolodymyr"],
    &["Kateryna", "Ekaterina", "Katerina", "Catherine"],
    &["Aisha", "Ayesha", "Aysha", "Aicha", "Ayşe"],
    &["Hussain", "Hussein", "Husayn", "Hossain", "Hüseyin"],
    &["Ahmed", "Ahmad", "Ahmet", "Achmed"],
    &["Fatima", "Fatma", "Fatimah", "Fatemeh"],
    &["Jakub", "Yakub", "Jacob", "Yaqub"],
    &["Nataliia", "Natalia", "Natalya", "Nataliya"],
    &["Serhii", "Sergei", "Sergey", "Serhiy"],
    &["Dmytro", "Dmitry", "Dimitri", "Dmitri"],
    &["Andrii", "Andrei", "Andriy", "Andrey"],
    &["Anastasiia", "Anastasia", "Anastasiya", "Nastya"],
    &["Abdirahman", "Abdurrahman", "Abdul Rahman", "Abderrahmane"],
    &["Zaynab", "Zainab", "Zeinab", "Zeynep"],
    &["Nguyễn", "Nguyen", "Nguen"],
    &["Chowdhury", "Choudhury", "Chaudhry", "Choudhary", "Chaudhary"],
    &["Sheikh", "Shaikh", "Sheik", "Cheikh"],
    &["Siddique", "Siddiqui", "Sadiq", "Siddiq"],
    &["Qureshi", "Koreshi", "Quraishi"],
    &["Rahman", "Rehman", "Rahmaan"],
    &["Hassan", "Hasan", "Hassaan"],
    &["Yilmaz", "Yılmaz", "Jilmaz"],
];

/// As another passport or another clerk writes it.
pub(super) fn transliterated(chance: &mut Chance, name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    if let Some(group) = WHOLE.iter().find(|group| group.iter().any(|one| one.to_lowercase() == lower)) {
        let others: Vec<&&str> = group.iter().filter(|one| one.to_lowercase() != lower).collect();
        return chance.pick(&others).map(|other| (**other).to_owned());
    }
    rewritten(chance, name, LETTERS, 350)
}

/// One place rewritten by these rules, or two in so many of a thousand.
fn rewritten(chance: &mut Chance, name: &str, rules: &[(&str, &str)], twice: u64) -> Option<String> {
    let mut written = name.to_lowercase();
    let times = 1 + u64::from(chance.in_a_thousand(twice));
    for _ in 0..times {
        let fitting: Vec<&(&str, &str)> = rules.iter().filter(|(from, _)| written.contains(from)).collect();
        let Some((from, to)) = chance.pick(&fitting) else { break };
        let places: Vec<usize> = written.match_indices(from).map(|(at, _)| at).collect();
        let Some(at) = chance.pick(&places).copied() else { break };
        written.replace_range(at..at + from.len(), to);
    }
    (written != name.to_lowercase() && written.chars().count() > 1).then_some(written)
}

/// A long form and its short ones.
const SHORT: &[&[&str]] = &[
    &["William", "Will", "Bill", "Billy", "Liam"],
    &["Robert", "Rob", "Bob", "Bobby"],
    &["Elizabeth", "Liz", "Beth", "Lizzie", "Betsy"],
    &["Katherine", "Kate", "Katie", "Kathy", "Kat"],
    &["Thomas", "Tom", "Tommy"],
    &["James", "Jim", "Jamie", "Jimmy"],
    &["Charles", "Charlie", "Chas"],
    &["Alexander", "Alex", "Sandy", "Xander"],
    &["Benjamin", "Ben", "Benny", "Benji"],
    &["Samuel", "Sam", "Sammy"],
    &["Joseph", "Joe", "Joey"],
    &["Joshua", "Josh"],
    &["Daniel", "Dan", "Danny"],
    &["Matthew", "Matt", "Matty"],
    &["Michael", "Mike", "Mikey", "Mick"],
    &["Christopher", "Chris", "Kit"],
    &["Nicholas", "Nick", "Nicky"],
    &["Edward", "Ed", "Eddie", "Ted", "Teddy"],
    &["Theodore", "Theo", "Teddy"],
    &["Frederick", "Fred", "Freddie"],
    &["Alfie", "Alfred"],
    &["Archie", "Archibald"],
    &["Harry", "Harrison", "Henry"],
    &["Jack", "John"],
    &["Isabella", "Bella", "Izzy", "Isabel"],
    &["Charlotte", "Charlie", "Lottie"],
    &["Amelia", "Millie", "Amy"],
    &["Olivia", "Liv", "Livvy"],
    &["Emily", "Em", "Millie"],
    &["Jessica", "Jess", "Jessie"],
    &["Abigail", "Abi", "Abbie", "Gail"],
    &["Rebecca", "Becky", "Becca"],
    &["Victoria", "Vicky", "Tori"],
    &["Margaret", "Maggie", "Peggy", "Meg"],
    &["Florence", "Flo", "Florrie"],
    &["Matilda", "Tilly", "Mattie"],
    &["Eleanor", "Ellie", "Nell"],
    &["Samantha", "Sam"],
    &["Jennifer", "Jenny", "Jen"],
    &["Stephanie", "Steph"],
    &["Zachary", "Zac", "Zak"],
    &["Oliver", "Ollie", "Olly"],
    &["Gabriel", "Gabe"],
    &["Nathaniel", "Nate", "Nathan"],
    &["Sebastian", "Seb"],
    &["Maximilian", "Max"],
    &["Leonardo", "Leo"],
    &["Anthony", "Tony", "Ant"],
    &["Andrew", "Andy", "Drew"],
    &["Patrick", "Paddy", "Pat"],
    &["Richard", "Rich", "Dick", "Ricky"],
    &["Jacob", "Jake"],
    &["Lucas", "Luke"],
    &["Georgia", "George", "Georgie"],
    &["Evelyn", "Evie", "Eve"],
    &["Rosie", "Rose", "Rosemary"],
    &["Muhammad", "Mo", "Hamid"],
    &["Mohammed", "Mo", "Moe"],
    &["Abdullah", "Abdul", "Abz"],
    &["Katarzyna", "Kasia"],
    &["Jakub", "Kuba"],
    &["Aleksandra", "Ola"],
    &["Małgorzata", "Gosia"],
    &["Oleksandr", "Sasha"],
    &["Anastasiia", "Nastia"],
    &["Ibrahim", "Ibby"],
    &["Gurpreet", "Gupi", "Preet"],
    &["Oluwaseun", "Seun"],
    &["Oluwatobi", "Tobi"],
    &["Precious", "Presh"],
    &["Ayomide", "Ayo"],
];

/// What the child is called at home, or on paper. Where no list knows it, the first letters.
pub(super) fn nickname(chance: &mut Chance, name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let groups: Vec<&&[&str]> =
        SHORT.iter().filter(|group| group.iter().any(|one| one.to_lowercase() == lower)).collect();
    if let Some(group) = chance.pick(&groups) {
        let others: Vec<&&str> = group.iter().filter(|one| one.to_lowercase() != lower).collect();
        return chance.pick(&others).map(|other| (**other).to_owned());
    }
    let letters = name.chars().count();
    if letters < 6 {
        return None;
    }
    let short: String = name.chars().take(3 + usize::from(chance.in_a_thousand(500))).collect();
    Some(if chance.in_a_thousand(300) { format!("{short}y") } else { short })
}
