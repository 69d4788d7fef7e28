//! What is typed into the search form.

use super::super::command::Field;
use crate::domain::{BirthDateError, Gender, NhsNumberError};

/// What is typed. `Debug` hides it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Form {
    /// NHS number.
    pub nhs_number: String,
    /// Date of birth.
    pub date_of_birth: String,
    /// Family name.
    pub family_name: String,
    /// Given name.
    pub given_name: String,
    /// Postcode.
    pub postcode: String,
    /// Gender.
    pub gender: Option<Gender>,
    /// What is wrong, per field, since it was left or searched with.
    pub problems: Vec<(Field, Problem)>,
    /// A gender is needed for an estimated date.
    pub gender_needed: bool,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form(hidden)")
    }
}

impl Form {
    /// The text of a field.
    #[must_use]
    pub fn text(&self, field: Field) -> &str {
        match field {
            Field::NhsNumber => &self.nhs_number,
            Field::DateOfBirth => &self.date_of_birth,
            Field::FamilyName => &self.family_name,
            Field::GivenName => &self.given_name,
            Field::Postcode => &self.postcode,
        }
    }

    /// The text of a field, to be changed.
    pub fn text_mut(&mut self, field: Field) -> &mut String {
        match field {
            Field::NhsNumber => &mut self.nhs_number,
            Field::DateOfBirth => &mut self.date_of_birth,
            Field::FamilyName => &mut self.family_name,
            Field::GivenName => &mut self.given_name,
            Field::Postcode => &mut self.postcode,
        }
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn problem(&self, field: Field) -> Option<Problem> {
        self.problems.iter().find(|(at, _)| *at == field).map(|(_, problem)| *problem)
    }

    /// Whether nothing is typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        Field::ALL.iter().all(|field| self.text(*field).trim().is_empty()) && self.gender.is_none()
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The NHS number.
    NhsNumber(NhsNumberError),
    /// The date of birth.
    BirthDate(BirthDateError),
    /// Neither number nor family name.
    NumberOrName,
}
