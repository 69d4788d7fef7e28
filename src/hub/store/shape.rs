//! The shapes in which the same plans are asked for. They are one disclosure: only the audit entry tells them apart.

/// The shape in which plans are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The usual one.
    CareTeam,
    /// As flags.
    Flag,
}

impl Shape {
    /// What the audit entry says of it: nothing of the usual one.
    pub(super) fn detail(self) -> Option<serde_json::Value> {
        match self {
            Shape::CareTeam => None,
            Shape::Flag => Some(serde_json::json!({ "shape": "Flag" })),
        }
    }
}
