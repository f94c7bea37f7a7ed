//! Entry points for this project's own benchmarks and fuzz targets. Not part of the interface.
//!
//! Each folder states the properties of its code once, in `properties.rs`. They are checked on
//! random inputs, on the chosen ones in `fuzz/seeds`, and by the fuzz targets on those that
//! they find.

use std::io::{Read, Write};

use crate::body::{self, BodyEncoding};
use crate::output::WriterSink;
use crate::{client, file_name, model, session, text};

/// Checks properties on an input; panics if one does not hold.
type Check = fn(&[u8]);

/// What the fuzz target of each name does with its input.
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

/// Checks the properties of a fuzz target on its input; panics if one does not hold, or if
/// there is no target of that name.
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

/// Returns a configuration with the same inputs each time, so that a run fails only because of
/// a change. `PROPTEST_CASES` sets how many, and `PROPTEST_RNG_SEED` selects others.
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
        // Cargo leaves this file in a package, which has no seeds.
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
                // Shown if a property does not hold.
                println!("{}", seed.display());
                check(&fs::read(seed).unwrap());
            }
        }
    }
}
