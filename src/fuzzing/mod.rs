//! What must hold of every parser that meets the outside, whatever arrives: one function for each.
//!
//! Two things call them: the fuzz targets (`tests/fuzz`, manual, "Testing") with what cargo-fuzz makes up, and
//! this module's own test with the kept corpora. No package contains this: it is there for tests, and under
//! the feature `fuzzing`, which nothing else turns on.

mod fhir;
mod typed;

pub(crate) use typed::{assert_discreet, assert_is_a_number};

/// What a target does with what arrives. It ends in an assertion that fails, or returns.
pub type Target = fn(&[u8]);

/// Every target under the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("hub_search", crate::hub::fuzzing::search),
    ("hub_patient", crate::hub::fuzzing::patient),
    ("hub_headers", crate::hub::fuzzing::headers),
    ("hub_body", crate::hub::fuzzing::body),
    ("hub_load", crate::hub::fuzzing::load),
    ("hub_token", crate::identity::fuzzing::token),
    ("hub_proof", crate::identity::fuzzing::proof),
    ("hub_refresh", crate::identity::fuzzing::refresh),
    ("hub_config", crate::config::fuzzing::hub),
    ("viewer_config", crate::config::fuzzing::viewer),
    ("authority_config", crate::config::fuzzing::authority),
    ("authority_extract", crate::authority::fuzzing::file),
    ("exchange_upload", crate::exchange::fuzzing::upload),
    ("exchange_acknowledgement", crate::exchange::fuzzing::acknowledgement),
    ("exchange_notices", crate::exchange::fuzzing::notices),
    ("fhir_people", fhir::people),
    ("fhir_plans", fhir::plans),
    ("fhir_accesses", fhir::accesses),
    ("fhir_outcome", fhir::outcome),
    ("typed_number", typed::number),
    ("typed_date", typed::date),
    ("typed_text", typed::text),
    ("hub_claims", crate::hub::fuzzing::claims),
    ("hub_offers", crate::hub::fuzzing::offers),
    ("hub_logout", crate::hub::fuzzing::logout),
    ("hub_authorize", crate::hub::fuzzing::authorize),
    ("hub_cookies", crate::hub::fuzzing::cookies),
    ("mesh_answers", crate::mesh::fuzzing::answers),
    ("mesh_headers", crate::mesh::fuzzing::headers),
    ("mesh_control", crate::mesh::fuzzing::control),
    ("mesh_chunk", crate::mesh::fuzzing::chunk),
    ("page_form", crate::authority::fuzzing::form),
    ("page_request", crate::authority::fuzzing::request),
    ("authority_list", crate::authority::fuzzing::list),
    ("viewer_events", crate::client::fuzzing::events),
    ("viewer_answers", crate::client::fuzzing::answers),
    ("viewer_returned", crate::client::fuzzing::returned),
    ("viewer_kept", crate::viewer::run::kept),
];

/// Runs the target of a name; an unknown name is a mistake of the fuzz crate.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    assert!(target.is_some(), "no target is called {name}");
    if let Some((_, target)) = target {
        target(data);
    }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use std::path::Path;

    #[test]
    fn every_kept_input_still_holds_and_every_target_has_some() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        let mut failed = Vec::new();
        for (name, target) in TARGETS {
            let mut files: Vec<_> =
                std::fs::read_dir(kept.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
            files.sort();
            assert!(!files.is_empty(), "{name} has no corpus");
            for file in files {
                let data = std::fs::read(&file).unwrap();
                if std::panic::catch_unwind(|| target(&data)).is_err() {
                    failed.push(file.display().to_string());
                }
            }
        }
        assert!(failed.is_empty(), "{failed:#?}");
    }

    #[test]
    fn the_corpora_stay_small_and_each_belongs_to_a_target() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        let (mut files, mut largest) = (0, 0);
        for corpus in std::fs::read_dir(kept).unwrap() {
            let corpus = corpus.unwrap();
            let name = corpus.file_name().into_string().unwrap();
            assert!(TARGETS.iter().any(|(known, _)| *known == name), "{name} belongs to no target");
            for file in std::fs::read_dir(corpus.path()).unwrap() {
                files += 1;
                largest = largest.max(file.unwrap().metadata().unwrap().len());
            }
        }
        assert!(files <= 600 && largest <= 16 * 1024, "{files} files, the largest of {largest} bytes");
    }

    #[test]
    fn every_target_has_its_program() {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/fuzz_targets");
        for (name, _) in TARGETS {
            let program = std::fs::read_to_string(programs.join(format!("{name}.rs"))).unwrap();
            assert!(program.contains(&format!("run(\"{name}\"")), "{name}");
        }
    }
}
