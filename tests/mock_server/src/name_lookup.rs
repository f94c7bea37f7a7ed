//! Shared libraries for `LD_PRELOAD` that replace the system's name lookup.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds a library that delays every name lookup by ten seconds, in `directory`.
///
/// Returns its path.
///
/// # Panics
///
/// Panics if `cc` is missing or fails.
pub fn build_slow_names(directory: &Path) -> PathBuf {
    build("slow_names", directory)
}

/// Builds a library that resolves every name to the addresses in the environment variable
/// `SCO_TEST_ADDRESSES`, separated by spaces, in `directory`.
///
/// Returns its path.
///
/// # Panics
///
/// Panics if `cc` is missing or fails.
pub fn build_many_addresses(directory: &Path) -> PathBuf {
    build("many_addresses", directory)
}

fn build(name: &str, directory: &Path) -> PathBuf {
    let library = directory.join(format!("{name}.so"));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../support");
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(sources.join(format!("{name}.c")))
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(status.success());
    library
}
