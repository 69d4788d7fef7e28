//! The field's own terms and rules: people, plans, answers, telephone numbers, rights.
//!
//! Pure: nothing here does IO or reads a clock (`now` is an argument), and nothing here knows a wire format.
