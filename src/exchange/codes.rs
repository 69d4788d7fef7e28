//! The national file and record codes, and the addresses of what is this project's own.

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileCode {
    /// It cannot be read, or contradicts itself.
    Corrupt,
    /// Every record was taken.
    AllUploaded,
    /// Some records were taken, the others rejected.
    PartlyUploaded,
    /// No record was taken.
    NoneUploaded,
    /// People cannot be traced at present: the same file is to be sent again.
    TracingUnavailable,
    /// The document is of another version.
    VersionNotSupported,
}

impl FileCode {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Corrupt,
        Self::AllUploaded,
        Self::PartlyUploaded,
        Self::NoneUploaded,
        Self::TracingUnavailable,
        Self::VersionNotSupported,
    ];

    /// The national code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Corrupt => "CPF01",
            Self::AllUploaded => "CPF02",
            Self::PartlyUploaded => "CPF03",
            Self::NoneUploaded => "CPF04",
            Self::TracingUnavailable => "CPF05",
            Self::VersionNotSupported => "CPF06",
        }
    }

    /// What it means.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Corrupt => "The file is corrupt or badly formed",
            Self::AllUploaded => "All records were uploaded",
            Self::PartlyUploaded => "Valid records were uploaded, the others were rejected",
            Self::NoneUploaded => "No record was uploaded",
            Self::TracingUnavailable => "People cannot be traced at present: send the file again",
            Self::VersionNotSupported => "This version of the document is not supported",
        }
    }

    /// Of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// Whether the authority's plans are up to date by it, or as far as its records allow.
    #[must_use]
    pub fn is_acceptable(self) -> bool {
        match self {
            Self::AllUploaded | Self::PartlyUploaded => true,
            Self::Corrupt | Self::NoneUploaded | Self::TracingUnavailable | Self::VersionNotSupported => {
                false
            }
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordCode {
    /// Nobody has the number, or nobody any more.
    NoMatch,
    /// The person's record is restricted: no plan can be held.
    Restricted,
    /// Somebody has the number, and name or date of birth are another's.
    Demographics,
    /// Not a number of ten digits.
    OldStyle,
    /// Another number has taken its place.
    Superseded,
    /// It was taken.
    Success,
    /// Anything else.
    Other,
}

impl RecordCode {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::NoMatch,
        Self::Restricted,
        Self::Demographics,
        Self::OldStyle,
        Self::Superseded,
        Self::Success,
        Self::Other,
    ];

    /// The national code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NoMatch => "CPR01",
            Self::Restricted => "CPR02",
            Self::Demographics => "CPR03",
            Self::OldStyle => "CPR04",
            Self::Superseded => "CPR05",
            Self::Success => "CPR06",
            Self::Other => "CPR07",
        }
    }

    /// What it means.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::NoMatch => "Nobody is known by this NHS number",
            Self::Restricted => "The person's record is restricted: no plan can be held",
            Self::Demographics => "Name or date of birth are not those of this NHS number",
            Self::OldStyle => "This is an old-style NHS number",
            Self::Superseded => "This NHS number was superseded: use the new one",
            Self::Success => "Uploaded",
            Self::Other => "The record could not be uploaded",
        }
    }

    /// Of a code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

/// The media type of both documents.
pub const MEDIA_TYPE: &str = "application/fhir+json";
/// Where the hub takes uploads; behind it and a slash, the sequence number, is the acknowledgement.
pub const UPLOADS: &str = "/exchange/uploads";
/// The identifier of an upload: the authority's code, a slash, the sequence number.
pub const UPLOAD_ID: &str = "https://fhir.cpis.example/Id/upload";
/// What a message is about.
pub const MESSAGE: &str = "https://fhir.cpis.example/CodeSystem/message";
/// An upload, in [`MESSAGE`].
pub const IS_UPLOAD: &str = "upload";
/// Its acknowledgement, in [`MESSAGE`].
pub const IS_ACKNOWLEDGEMENT: &str = "upload-acknowledgement";
/// The definition of an upload, with the version of the document behind the bar.
pub const DEFINITION: &str = "https://fhir.cpis.example/MessageDefinition/upload";
/// The version that this program writes and reads.
pub const VERSION: &str = "1";
/// On a message: the authority's incrementing number (valueInteger).
pub const SEQUENCE: &str = "https://fhir.cpis.example/StructureDefinition/sequence-number";
/// On a message: how many records the upload has (valueInteger; -1 where it could not be read).
pub const RECORD_COUNT: &str = "https://fhir.cpis.example/StructureDefinition/record-count";
/// On an upload: the sequence number of the last file before it that was acknowledged (valueInteger).
pub const PREVIOUS: &str = "https://fhir.cpis.example/StructureDefinition/previous-sequence-number";
/// On an upload: that file's SHA-256, 64 hexadecimal digits (valueString).
pub const PREVIOUS_DIGEST: &str = "https://fhir.cpis.example/StructureDefinition/previous-digest";
/// On an upload: it has everything, and is taken whatever the hub has (valueBoolean, `true`).
pub const FULL_REFRESH: &str = "https://fhir.cpis.example/StructureDefinition/full-refresh";
/// On an acknowledgement: the SHA-256 of the file that it is of, 64 hexadecimal digits (valueString).
pub const DIGEST: &str = "https://fhir.cpis.example/StructureDefinition/digest";
/// On an acknowledgement: how many records it lists as rejected (valueInteger).
pub const REJECTED_COUNT: &str = "https://fhir.cpis.example/StructureDefinition/rejected-count";
/// On an acknowledgement: hub and sender do not know the same files; the number of the last one that the hub took, 0 where there
/// is none (valueInteger). Everything has to be sent, under a higher number.
pub const LAST: &str = "https://fhir.cpis.example/StructureDefinition/last-sequence-number";
/// On a plan that is taken back: the day on which that was decided (valueDate).
pub const DELETE_DATE: &str = "https://fhir.cpis.example/StructureDefinition/delete-date";
/// On a rejected record, and on a notification of a superseded number: the number that has taken its place (valueString).
pub const REPLACED_BY: &str = "https://fhir.cpis.example/StructureDefinition/replaced-by";
/// On an acknowledgement: what became of the file (valueCode).
pub const FILE_CODE: &str = "https://fhir.cpis.example/StructureDefinition/file-code";
/// The record codes.
pub const RECORD_CODES: &str = "https://fhir.cpis.example/CodeSystem/upload-record";
/// The status of a plan that is taken back.
pub const IN_ERROR: &str = "entered-in-error";
/// The status of a plan that is held and only ends: nobody is traced for it.
pub const ENDED: &str = "inactive";
/// The status of a plan that is held and only loses its team's name and number: nobody is traced for that either.
pub const WITHOUT_TEAM: &str = "suspended";
/// Where the hub gives notifications.
pub const NOTICES: &str = "/exchange/notifications";
/// Where it takes receipts of them.
pub const NOTICES_FILED: &str = "/exchange/notifications/filed";
/// Notifications of accesses, in [`MESSAGE`].
pub const IS_NOTICE: &str = "access-notification";
/// Receipts of them, in [`MESSAGE`].
pub const IS_RECEIPT: &str = "access-notification-receipt";
/// The definition of both, with the version of the document behind the bar.
pub const NOTICE_DEFINITION: &str = "https://fhir.cpis.example/MessageDefinition/access-notification";
/// The identifier of a notification.
pub const NOTICE: &str = "https://fhir.cpis.example/Id/access-notification";
/// The identifier of an access.
pub const REFERENCE: &str = "https://fhir.cpis.example/Id/access-reference";
/// What a notification or a receipt says.
pub const NOTICE_KIND: &str = "https://fhir.cpis.example/CodeSystem/access-notification";
/// The information was opened, in [`NOTICE_KIND`].
pub const OPENED: &str = "opened";
/// It was opened in error, in [`NOTICE_KIND`].
pub const OPENED_IN_ERROR: &str = "opened-in-error";
/// An NHS number of theirs is no longer in use, and this one has taken its place ([`REPLACED_BY`]); in [`NOTICE_KIND`].
pub const NUMBER_SUPERSEDED: &str = "number-superseded";
/// An NHS number of theirs is no longer in use, because the identity ended: nothing is said of any other; in [`NOTICE_KIND`].
pub const NUMBER_ENDED: &str = "number-ended";
/// On a notification: its number (valueInteger).
pub const NUMBER: &str = "https://fhir.cpis.example/StructureDefinition/notification-number";
/// On a message: the last number that was given (valueInteger).
pub const LAST_NUMBER: &str = "https://fhir.cpis.example/StructureDefinition/last-notification-number";
/// On a message: the first notification of which the hub has no receipt, by number and id.
pub const FIRST_UNFILED: &str = "https://fhir.cpis.example/StructureDefinition/first-unfiled-notification";
/// On a message: how many notifications, of those that the link has said it has, are not over by what the hub knows.
pub const NOT_OVER: &str = "https://fhir.cpis.example/StructureDefinition/notifications-not-over";
/// In [`NOT_OVER`]: of how many the hub has no receipt (valueInteger).
pub const WITHOUT_RECEIPT: &str =
    "https://fhir.cpis.example/StructureDefinition/notifications-without-receipt";
/// In [`NOT_OVER`]: how many are on the authority's own list (valueInteger).
pub const ON_LIST: &str = "https://fhir.cpis.example/StructureDefinition/notifications-on-list";
/// The header in which a link says with which register it asks.
pub const REGISTER: &str = "x-register";
/// On a notification: `first` or `repeat` of its attendance (valueCode).
pub const ORDER: &str = "https://fhir.cpis.example/StructureDefinition/access-order";
/// On a notification: the reference of the first access of the attendance (valueString).
pub const ATTENDANCE: &str = "https://fhir.cpis.example/StructureDefinition/attendance";
/// On a notification: `in-person` or `by-telephone` (valueCode).
pub const CONTACT: &str = "https://fhir.cpis.example/StructureDefinition/contact";
