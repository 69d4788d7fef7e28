//! Why a question to the hub has no answer. Each is shown as *Could not check*, never as "nothing held".

/// What went wrong, by who is at fault and in which phase. Carries no text that came from outside: such
/// text could hold a patient's number or rubbish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// The hub's name could not be resolved.
    #[error("the hub's name was not found")]
    NameNotFound,
    /// No connection, or it was refused.
    #[error("no connection to the hub")]
    NoConnection,
    /// The connection was not secure: certificate or protocol.
    #[error("the connection to the hub is not secure")]
    NotSecure,
    /// The hub's certificate is of nobody whom this computer or its configuration trusts.
    #[error("the hub's certificate is not trusted")]
    NotTrusted,
    /// The hub's certificate is for another name than the configured one.
    #[error("the hub's certificate is for another name")]
    OtherName,
    /// The hub's certificate is not valid now, by this computer's clock.
    #[error("the hub's certificate is not valid now")]
    OutOfDate,
    /// No complete answer in time.
    #[error("the hub did not answer in time")]
    TimedOut,
    /// The connection ended within the answer.
    #[error("the hub's answer was cut short")]
    CutShort,
    /// More than the viewer is willing to read.
    #[error("the hub's answer was too large")]
    TooLarge,
    /// Not what the hub should answer: not FHIR, or of the wrong kind.
    #[error("the hub's answer could not be read")]
    Unreadable,
    /// An answer without the reference under which the view was recorded.
    #[error("the hub's answer carries no access reference")]
    NoReference,
    /// 401: the session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// Not asked: what asks by itself waits until somebody is at the computer again, and holds no session.
    #[error("nobody is at the computer")]
    Unattended,
    /// 403: the role may not do this.
    #[error("the hub refused this role")]
    Refused,
    /// 404: the number is not known to the hub.
    #[error("the number is not known")]
    NotKnown,
    /// 404 with `INVALIDATED_RESOURCE`: the number is no longer in use.
    #[error("the number is no longer in use")]
    NoLongerInUse,
    /// 400: the hub did not understand what this viewer sent.
    #[error("the hub did not accept the question")]
    NotAccepted,
    /// 429 of the hub: this user asked too often, or searched for too many. Nothing was recorded.
    #[error("asked too often")]
    AskedTooOften {
        /// Until the hub will answer again, as it said.
        seconds: u32,
    },
    /// 503 of the hub: it is busy. Nothing was recorded.
    #[error("the hub is busy")]
    Busy,
    /// Any other status.
    #[error("the hub failed")]
    HubFailed,
    /// The answer is about somebody else.
    #[error("the answer is about another person")]
    OtherPerson,
    /// The hub's clock and this answer cannot be brought together.
    #[error("the hub's answer carries no time")]
    NoTime,
}

impl Failure {
    /// Whether the hub may have recorded the view although no answer arrived.
    #[must_use]
    pub fn may_have_been_recorded(self) -> bool {
        match self {
            Failure::TimedOut
            | Failure::CutShort
            | Failure::TooLarge
            | Failure::Unreadable
            | Failure::NoReference
            | Failure::HubFailed
            | Failure::OtherPerson
            | Failure::NoTime => true,
            Failure::NameNotFound
            | Failure::NoConnection
            | Failure::NotSecure
            | Failure::NotTrusted
            | Failure::OtherName
            | Failure::OutOfDate
            | Failure::SessionEnded
            | Failure::Unattended
            | Failure::Refused
            | Failure::NotKnown
            | Failure::NoLongerInUse
            | Failure::NotAccepted
            | Failure::AskedTooOften { .. }
            | Failure::Busy => false,
        }
    }
}
