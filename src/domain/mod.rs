//! The field's own terms and rules: people, plans, answers, telephone numbers, rights.
//!
//! Pure: nothing here does IO or reads a clock (`now` is an argument), and nothing here knows a wire format.

pub mod access;
pub mod activity;
pub mod answer;
pub mod bank_holidays;
pub mod birth;
pub mod care_setting;
pub mod contact;
pub mod dates;
pub mod failure;
pub mod lookup;
pub mod name;
pub mod nhs_number;
pub mod ods_code;
pub mod permit;
pub mod person;
pub mod plan;
pub mod rights;
pub mod session_over;
pub mod sign_in;
pub mod text;

pub use access::{Access, AccessReference, AccessStatus, HistoryReading, Notice, NoticeState};
pub use activity::Activity;
pub use answer::{Answer, AnswerKind, HeldPlan, PlansReading, ShownPlan, ShownStanding, Unreadable, WhyNot};
pub use birth::{BirthDate, BirthDateError};
pub use care_setting::{CareSetting, ContactMode, NamedNumber, Site, SiteAdvice};
pub use contact::{Authority, OfficeHours, RingNow, TeamContact, Telephone};
pub use failure::Failure;
pub use lookup::{Dated, PlansAnswer, Report, SearchQuery, SearchReading, View};
pub use name::PersonName;
pub use nhs_number::{NhsNumber, NhsNumberError};
pub use ods_code::OdsCode;
pub use permit::{
    AuditPermit, CareSettingPermit, ConcernsPermit, NotAllowed, SearchPermit, ViewMode, ViewPermit,
};
pub use person::{Candidate, ConfirmedPatient, Deceased, Gender, Match, NotConfirmed, Person, PostcodeCheck};
pub use plan::{PlanKind, PlanPeriod, Standing, TailDays};
pub use rights::{Caller, Right, Rights};
pub use session_over::SessionOver;
pub use sign_in::{NotSignedIn, SignedInPerson};
