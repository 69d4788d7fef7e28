//! A person as found by a search, and the proof that a human matched the person to the patient.

use jiff::civil::Date;

use super::birth::BirthDate;
use super::name::PersonName;
use super::nhs_number::NhsNumber;

/// Administrative gender, as the national demographics service holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// `male`
    Male,
    /// `female`
    Female,
    /// `other`
    Other,
    /// `unknown`, or none held.
    Unknown,
}

impl Gender {
    /// As the banner shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Gender::Male => "Male",
            Gender::Female => "Female",
            Gender::Other => "Other",
            Gender::Unknown => "Not known",
        }
    }

    /// The FHIR code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Gender::Male => "male",
            Gender::Female => "female",
            Gender::Other => "other",
            Gender::Unknown => "unknown",
        }
    }

    /// From the FHIR code; anything else is not known.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        match code.trim() {
            "male" => Gender::Male,
            "female" => Gender::Female,
            "other" => Gender::Other,
            _ => Gender::Unknown,
        }
    }
}

/// Whether the person is known to have died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deceased {
    /// No death is recorded.
    No,
    /// A death is recorded without its day.
    DateNotKnown,
    /// Died on this day.
    On(Date),
}

/// A person as the demographics service holds them: what identifies, and nothing of where they live. `Debug`
/// shows nothing of them.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// The current NHS number.
    pub number: NhsNumber,
    /// The usual name.
    pub name: PersonName,
    /// Date of birth; `None` where none is held.
    pub born: Option<BirthDate>,
    /// Administrative gender.
    pub gender: Gender,
    /// Whether the person is one of several born together, and which (1 = first); `Some(0)` where the order
    /// is not known.
    pub multiple_birth: Option<u32>,
    /// Whether a death is recorded.
    pub deceased: Deceased,
    /// A restricted record (S-flag): CP-IS cannot hold plans for this person.
    pub restricted: bool,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(hidden)")
    }
}

/// How a typed postcode compares with the one held. The held one is never shown: it can be a placement or a
/// refuge (H30).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostcodeCheck {
    /// None was typed.
    NotAsked,
    /// The same.
    Agrees,
    /// Another.
    Differs,
    /// None is held, or it is not given out (a restricted record).
    NotHeld,
}

/// A person that a search returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The person.
    pub person: Person,
    /// 1 to 1000: thousandths of the search score, 1000 is an exact match.
    pub score: u16,
    /// Whether the search matched a name that is no longer used. That name is never shown.
    pub matched_previous_name: bool,
    /// How the typed postcode compares.
    pub postcode: PostcodeCheck,
}

/// How the person in front of the clinician was matched to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// NHS number and full date of birth were typed, both agree, and nobody was born together with them.
    NumberAndBirthDate,
    /// A human picked this person from a list that showed name, date of birth and number.
    PickedFromList,
}

/// Proof that a human matched this person to the patient. Only with it can a record be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmedPatient {
    person: Person,
    matched: Match,
}

/// Why a number search did not confirm the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotConfirmed {
    /// The typed date of birth is not the person's.
    BirthDateDiffers,
    /// The person was born together with somebody: a human has to pick the given name.
    MultipleBirth,
    /// One of the two dates of birth is not a full date: a human has to pick.
    BirthDateNotExact,
}

impl ConfirmedPatient {
    /// The person found by number, if the typed date of birth confirms them.
    ///
    /// # Errors
    /// Says why a human still has to decide, or that number and date of birth do not belong together.
    pub fn by_number_and_birth_date(person: &Person, typed: BirthDate) -> Result<Self, NotConfirmed> {
        let Some(born) = person.born else { return Err(NotConfirmed::BirthDateNotExact) };
        if !born.agrees_with(typed) {
            return Err(NotConfirmed::BirthDateDiffers);
        }
        if person.multiple_birth.is_some() {
            return Err(NotConfirmed::MultipleBirth);
        }
        if !born.is_exact() || !typed.is_exact() {
            return Err(NotConfirmed::BirthDateNotExact);
        }
        Ok(Self { person: person.clone(), matched: Match::NumberAndBirthDate })
    }

    /// The person whom a human picked from a list.
    #[must_use]
    pub fn picked(candidate: &Candidate) -> Self {
        Self { person: candidate.person.clone(), matched: Match::PickedFromList }
    }

    /// The person.
    #[must_use]
    pub fn person(&self) -> &Person {
        &self.person
    }

    /// How they were matched.
    #[must_use]
    pub fn matched(&self) -> Match {
        self.matched
    }
}
