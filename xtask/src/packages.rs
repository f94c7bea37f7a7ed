//! Finds the packages that are linked into the library.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the library's own package.
pub(crate) const LIBRARY: &str = "sellercloud-output";

/// The name and the version of a package.
pub(crate) type Id = (String, String);

/// Packages by their name and version.
pub(crate) type Packages = BTreeMap<Id, Package>;

/// A package that is linked into the library, or the library's own.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Package {
    /// The packages that this one is linked with.
    pub(crate) dependencies: BTreeSet<Id>,
    /// The license, as an SPDX expression.
    pub(crate) license: String,
    /// The URL of the repository, or an empty string.
    pub(crate) repository: String,
    /// The SHA-256 digest of the package's archive, or an empty string for the library's own.
    pub(crate) checksum: String,
    /// The directory with the sources.
    pub(crate) directory: PathBuf,
}

/// Returns the library's package and all packages that are linked into it for any of `targets`.
///
/// Procedural macros and what only build scripts or tests use are not among them.
///
/// # Errors
///
/// Returns a message if cargo fails, or if it does not describe a package of the tree.
pub(crate) fn linked(root: &Path, targets: &[&str]) -> Result<Packages, String> {
    let lock = root.join("Cargo.lock");
    let lock = fs::read_to_string(&lock)
        .map_err(|error| format!("cannot read {}: {error}", lock.display()))?;
    let checksums = checksums(&lock);
    let mut packages = Packages::new();
    for target in targets {
        let tree = ["tree", "--locked", "--package", LIBRARY, "--target", target];
        let format = [
            "--edges=normal,no-proc-macro",
            "--prefix=depth",
            "--format= {p}",
        ];
        let edges = parse_tree(&cargo(root, &[&tree[..], &format[..]].concat())?)?;
        let metadata = [
            "metadata",
            "--locked",
            "--format-version=1",
            "--filter-platform",
            target,
        ];
        let metadata = serde_json::from_str(&cargo(root, &metadata)?)
            .map_err(|error| format!("cargo metadata: {error}"))?;
        let mut described = described(&metadata);
        for (id, dependencies) in edges {
            let package = described
                .remove(&id)
                .ok_or_else(|| format!("cargo metadata does not describe {} {}", id.0, id.1))?;
            let entry = packages.entry(id.clone()).or_insert(package);
            entry.dependencies.extend(dependencies);
            entry.checksum = checksums.get(&id).cloned().unwrap_or_default();
        }
    }
    Ok(packages)
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String, String> {
    // Cargo sets the variable for the programs that it runs.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "cargo {} failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("cargo {}: {error}", arguments[0]))
}

/// Returns the dependencies of each package that `cargo tree` printed: `DEPTH NAME vVERSION`.
///
/// A package that occurs again has `(*)` at the end of its line, and its dependencies are left out.
fn parse_tree(printed: &str) -> Result<BTreeMap<Id, BTreeSet<Id>>, String> {
    let mut edges = BTreeMap::<Id, BTreeSet<Id>>::new();
    let mut path = Vec::<Id>::new();
    for line in printed.lines() {
        let mut words = line.split_whitespace();
        let parsed = (|| {
            let depth: usize = words.next()?.parse().ok()?;
            let name = words.next()?.to_owned();
            let version = words.next()?.strip_prefix('v')?.to_owned();
            (depth <= path.len()).then_some((depth, (name, version)))
        })();
        let (depth, id) = parsed.ok_or_else(|| format!("cargo tree printed {line:?}"))?;
        path.truncate(depth);
        edges.entry(id.clone()).or_default();
        if let Some(parent) = path.last() {
            edges.entry(parent.clone()).or_default().insert(id.clone());
        }
        path.push(id);
    }
    Ok(edges)
}

/// Returns the packages in what `cargo metadata` printed, without their dependencies.
fn described(metadata: &Value) -> Packages {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .map(|package| {
            let text = |key: &str| package[key].as_str().unwrap_or_default().to_owned();
            let manifest = PathBuf::from(text("manifest_path"));
            let described = Package {
                // Old packages write the expression `MIT/Apache-2.0`.
                license: text("license").replace('/', " OR "),
                repository: text("repository"),
                directory: manifest.parent().unwrap_or(&manifest).to_path_buf(),
                ..Package::default()
            };
            ((text("name"), text("version")), described)
        })
        .collect()
}

/// Returns the checksums in a `Cargo.lock`.
fn checksums(lock: &str) -> BTreeMap<Id, String> {
    let value = |section: &str, key: &str| {
        let prefix = format!("{key} = \"");
        let line = section.lines().find_map(|line| line.strip_prefix(&prefix));
        line.and_then(|line| line.strip_suffix('"'))
            .map(str::to_owned)
    };
    lock.split("[[package]]")
        .filter_map(|section| {
            let id = (value(section, "name")?, value(section, "version")?);
            Some((id, value(section, "checksum")?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        (name.to_owned(), "1.0.0".to_owned())
    }

    #[test]
    fn tree_has_the_dependencies_of_each_package() {
        let printed = "0 a v1.0.0 (/home/a)\n1 b v1.0.0\n2 c v1.0.0\n3 d v1.0.0\n1 c v1.0.0 (*)\n";
        let expected = [
            (id("a"), BTreeSet::from([id("b"), id("c")])),
            (id("b"), BTreeSet::from([id("c")])),
            (id("c"), BTreeSet::from([id("d")])),
            (id("d"), BTreeSet::new()),
        ];
        assert_eq!(parse_tree(printed), Ok(BTreeMap::from(expected)));
    }

    #[test]
    fn tree_that_is_not_understood_is_an_error() {
        for printed in ["a v1.0.0", "0 a", "0 a 1.0.0", "1 a v1.0.0"] {
            assert!(parse_tree(printed).unwrap_err().contains(printed));
        }
    }

    #[test]
    fn metadata_describes_license_repository_and_directory() {
        let metadata = serde_json::json!({"packages": [
            {"name": "a", "version": "1.0.0", "license": "MIT/Apache-2.0",
             "repository": "https://host/a", "manifest_path": "/home/a/Cargo.toml"},
            {"name": "b", "version": "1.0.0", "license": null,
             "repository": null, "manifest_path": "/home/b/Cargo.toml"},
        ]});
        let a = Package {
            license: "MIT OR Apache-2.0".to_owned(),
            repository: "https://host/a".to_owned(),
            directory: "/home/a".into(),
            ..Package::default()
        };
        let b = Package {
            directory: "/home/b".into(),
            ..Package::default()
        };
        let expected = Packages::from([(id("a"), a), (id("b"), b)]);
        assert_eq!(described(&metadata), expected);
    }

    #[test]
    fn checksums_are_those_of_registry_packages() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"12ab\"\n\
                    dependencies = [\n \"b\",\n]\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n";
        let expected = BTreeMap::from([(id("a"), "12ab".to_owned())]);
        assert_eq!(checksums(lock), expected);
    }
}
