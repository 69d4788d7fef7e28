//! The presenters as tables.
