//! Entry points for the benchmarks and fuzz targets of this project. They are not part of the
//! public interface.
//!
//! The properties of the code in a module are in its `properties.rs`. They are checked with random
//! inputs, with the inputs in `fuzz/seeds`, and by the fuzz targets.

use std::io::{Read, Write};

use crate::body::{self, BodyEncoding};
use crate::output::WriterSink;
use crate::{client, file_name, model, session, text};

/// A function that checks properties on an input and panics if one does not hold.
type Check = fn(&[u8]);

/// The name of each fuzz target, and the check of its input.
const TARGETS: [(&str, Check); 10] = [
    ("body_decoder", body::properties::check),
    ("error_body", text::properties::check_server_message),
    ("file_name", file_name::properties::check),
    ("job_json", model::properties::check_job),
    ("job_link", model::properties::check_job_id),
    ("rate_limit", session::properties::check_rate_limit),
    ("redact", text::properties::check_redactor),
    ("response", client::properties::check_response),
    ("token_response", session::properties::check_login),
    ("tunnel_response", client::properties::check_tunnel),
];

/// Checks the properties of the fuzz target `target` on an input.
///
/// # Panics
///
/// If a property does not hold, or if there is no such target.
pub fn check(target: &str, input: &[u8]) {
    match TARGETS.iter().find(|(name, _)| *name == target) {
        Some((_, check)) => check(input),
        None => panic!("no fuzz target is named {target}"),
    }
}

/// Decodes a base64 body of any form into `writer`. Returns whether that succeeded.
pub fn decode_body(source: &mut dyn Read, writer: &mut dyn Write) -> bool {
    let options = body::Options {
        encoding: BodyEncoding::Base64,
        limit: u64::MAX,
        content_type: None,
        names_file: true,
    };
    body::decode(source, &options, &mut WriterSink::new(writer)).is_ok()
}

/// Returns the safe file name in a Content-Disposition header.
pub fn name_of_header(header: &[u8]) -> Option<String> {
    file_name::from_header(header)
}

/// Returns a configuration that generates the same inputs in every run, so that a test fails only
/// because of a change.
///
/// `PROPTEST_CASES` sets the number of inputs, and `PROPTEST_RNG_SEED` selects other ones.
#[cfg(test)]
pub(crate) fn random_inputs() -> proptest::prelude::ProptestConfig {
    let mut config = proptest::prelude::ProptestConfig {
        failure_persistence: None,
        ..Default::default()
    };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = proptest::test_runner::RngSeed::Fixed(4648);
    }
    config
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::TARGETS;

    fn entries(directory: &Path) -> BTreeSet<PathBuf> {
        let entries = fs::read_dir(directory);
        let entries = entries.unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn properties_hold_for_every_seed() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        // A published package has this file, but no seeds.
        if project.join("Cargo.toml.orig").exists() {
            return;
        }
        let all = project.join("fuzz/seeds");
        let directories = TARGETS.map(|(name, _)| all.join(name));
        assert_eq!(entries(&all), BTreeSet::from(directories));
        for (name, check) in TARGETS {
            let seeds = entries(&all.join(name));
            assert!(seeds.len() >= 5, "{name}: {} seeds", seeds.len());
            for seed in seeds {
                // The test shows it if a property does not hold.
                println!("{}", seed.display());
                check(&fs::read(seed).unwrap());
            }
        }
    }
}
