//! Reads the version of the library from Cargo.toml.

use crate::Outcome;
use std::fs;
use std::path::Path;

/// Returns the version of the library.
///
/// # Errors
///
/// Returns a message if Cargo.toml cannot be read or its package has no version.
pub(crate) fn run(root: &Path) -> Result<Outcome, String> {
    let path = root.join("Cargo.toml");
    let manifest = fs::read_to_string(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let version = package_version(&manifest)
        .ok_or_else(|| format!("{} has no version in [package]", path.display()))?;
    Ok(Outcome::Passed(version.to_owned()))
}

/// Returns the version in the section `[package]` of a manifest.
fn package_version(manifest: &str) -> Option<&str> {
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[package]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| {
            let (key, value) = line.split_once('=')?;
            let value = value.trim().strip_prefix('"')?;
            (key.trim() == "version").then_some(value.split_once('"')?.0)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_version_is_read_from_the_package_section() {
        for manifest in [
            "[package]\nname = \"a\"\nversion = \"1.2.3\"\n",
            "[workspace.package]\nversion = \"9.9.9\"\n\n[package]\nrust-version = \"1.89\"\nversion=\"1.2.3\" # Comment\n[dependencies]\nversion = \"8.8.8\"\n",
        ] {
            assert_eq!(package_version(manifest), Some("1.2.3"), "{manifest}");
        }
    }

    #[test]
    fn package_version_missing_is_none() {
        for manifest in [
            "",
            "version = \"1.2.3\"\n",
            "[package]\nname = \"a\"\n[dependencies]\nversion = \"1.2.3\"\n",
            "[package]\nversion.workspace = true\n",
        ] {
            assert_eq!(package_version(manifest), None, "{manifest}");
        }
    }
}
