//! The register by itself.
