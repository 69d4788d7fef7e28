//! The words that become labels.

/// Why new work is turned away before it is begun. Whoever turns work away for another reason adds it here and
/// to [`Shed::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shed {
    /// Too many views wait for the writer.
    Views,
    /// Too many other requests wait for the writer.
    Others,
    /// Too many searches are under way.
    Searches,
    /// A caller asks too often.
    Rate,
    /// A user's searches have come to the volume of an hour.
    Volume,
    /// So many proofs are remembered that no further one can be told from a replayed one.
    Proofs,
    /// There are as many event streams as there may be.
    Streams,
    /// A network asks for open documents too often.
    Open,
}

impl Shed {
    /// All of them: each has its line from the start, so that a first one is seen as a rise.
    pub const ALL: &[Self] = &[
        Self::Views,
        Self::Others,
        Self::Searches,
        Self::Rate,
        Self::Volume,
        Self::Proofs,
        Self::Streams,
        Self::Open,
    ];

    /// The label's value.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Views => "writer-views",
            Self::Others => "writer-others",
            Self::Searches => "searches",
            Self::Rate => "rate",
            Self::Volume => "search-volume",
            Self::Proofs => "proofs",
            Self::Streams => "event-streams",
            Self::Open => "open-documents",
        }
    }
}

/// How a view was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewed {
    /// Recorded in the access history.
    Recorded,
    /// Silent: scheduled care.
    Silent,
    /// A repeat of an earlier one, under its reference.
    Repeated,
}

impl Viewed {
    pub(super) const ALL: &[Self] = &[Self::Recorded, Self::Silent, Self::Repeated];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Silent => "silent",
            Self::Repeated => "repeated",
        }
    }
}

/// What became of a certificate that was replaced on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Reloaded {
    /// It is served.
    Taken,
    /// It is not, and the old one is.
    Refused,
}

impl Reloaded {
    pub(super) const ALL: &[Self] = &[Self::Taken, Self::Refused];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Refused => "refused",
        }
    }
}

/// What became of a local authority's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Uploaded {
    /// It was taken, and is applied.
    Taken,
    /// It had been taken before.
    Repeated,
    /// It was refused as a whole.
    Refused,
    /// It names another authority than its sender.
    OtherAuthority,
    /// What waited on the disk is gone.
    Lost,
}

impl Uploaded {
    pub(super) const ALL: &[Self] =
        &[Self::Taken, Self::Repeated, Self::Refused, Self::OtherAuthority, Self::Lost];

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Repeated => "repeated",
            Self::Refused => "refused",
            Self::OtherAuthority => "other-authority",
            Self::Lost => "lost",
        }
    }
}
