//! Writes what a package of the library must say about the code of others in it.
//!
//! The directory receives
//! - `THIRD-PARTY-NOTICES.txt`: the packages that are linked into the library, and the texts of their
//!   licenses
//! - `RUST-STANDARD-LIBRARY.html`: the same for Rust's standard library, as Rust is distributed with
//!   it. Some distributions of Rust lack the file.
//! - `sellercloud-output.cdx.json`: a software bill of materials in the format CycloneDX

use crate::packages::{self, LIBRARY, Packages};
use crate::{Outcome, sbom};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Starts of the names of files with license texts, in lowercase.
const LICENSE_FILES: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

const RULE: &str =
    "--------------------------------------------------------------------------------";

/// Writes the notices for a library for one of `targets` to `directory`.
///
/// Without targets, the notices are for all platforms that deny.toml lists.
///
/// # Errors
///
/// Returns a message if cargo or rustc fails, a package has no license text, or a file cannot be
/// read or written.
pub(crate) fn run(root: &Path, directory: &str, targets: &[&str]) -> Result<Outcome, String> {
    let listed = read(&root.join("deny.toml"))?;
    let targets = match targets {
        [] => platforms(&listed),
        _ => targets.to_vec(),
    };
    let packages = packages::linked(root, &targets)?;
    let texts = license_texts(&packages)?;
    let rust = rust()?;

    let directory = Path::new(directory);
    fs::create_dir_all(directory)
        .map_err(|error| format!("cannot create {}: {error}", directory.display()))?;
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
    };
    write(
        "THIRD-PARTY-NOTICES.txt",
        &notices(&packages, &texts, &targets),
    )?;
    let sbom = sbom::document(&packages, &rust.version);
    write(&format!("{LIBRARY}.cdx.json"), &format!("{sbom:#}\n"))?;
    let mut passed = format!(
        "{}: notices and bill of materials of {} dependencies for {}",
        directory.display(),
        packages.len() - 1,
        targets.join(", ")
    );
    if rust.notices.exists() {
        write("RUST-STANDARD-LIBRARY.html", &read(&rust.notices)?)?;
    } else {
        passed += &format!(
            "\nwarning: the notices of Rust's standard library are missing, because this Rust has no {}",
            rust.notices.display()
        );
    }
    Ok(Outcome::Passed(passed))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Returns the targets that deny.toml lists: the lines of an array `targets`.
fn platforms(text: &str) -> Vec<&str> {
    text.lines()
        .skip_while(|line| *line != "targets = [")
        .skip(1)
        .take_while(|line| *line != "]")
        .map(|line| line.trim_matches([' ', '"', ',']))
        .collect()
}

/// The Rust toolchain, whose standard library is linked into the library.
struct Rust {
    version: String,
    /// The file with the notices of the standard library. It may not exist.
    notices: PathBuf,
}

fn rust() -> Result<Rust, String> {
    let rustc = |arguments: &[&str]| {
        let output = Command::new("rustc").args(arguments).output();
        let output = output.map_err(|error| format!("cannot run rustc: {error}"))?;
        String::from_utf8(output.stdout).map_err(|error| format!("rustc: {error}"))
    };
    let printed = rustc(&["-vV"])?;
    let version = printed
        .lines()
        .find_map(|line| line.strip_prefix("release: "))
        .ok_or_else(|| format!("rustc -vV printed {printed:?}"))?;
    let sysroot = rustc(&["--print=sysroot"])?;
    Ok(Rust {
        version: version.to_owned(),
        notices: Path::new(sysroot.trim_end()).join("share/doc/rust/COPYRIGHT-library.html"),
    })
}

/// License texts, each with the packages and files that contain it.
type Texts = BTreeMap<String, Vec<String>>;

/// Returns the license texts of the packages except the library's own.
fn license_texts(packages: &Packages) -> Result<Texts, String> {
    let mut texts = Texts::new();
    for ((name, version), package) in packages.iter().filter(|(id, _)| id.0 != LIBRARY) {
        let mut found = Vec::new();
        find_licenses(&package.directory, &mut found)?;
        found.sort();
        if found.is_empty() {
            return Err(format!(
                "{name} {version} has no license text in {}",
                package.directory.display()
            ));
        }
        for path in found {
            // Line ends and empty lines around the text differ between copies.
            let text = read(&path)?;
            let text: String = text
                .trim()
                .lines()
                .map(|line| format!("{line}\n"))
                .collect();
            let file = path.strip_prefix(&package.directory).unwrap_or(&path);
            let source = format!("{name} {version}: {}", file.display());
            texts.entry(text).or_default().push(source);
        }
    }
    Ok(texts)
}

/// Adds the files with license texts in `directory` and the directories below it to `found`.
fn find_licenses(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), String> {
    let failed = |error| format!("cannot read {}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            find_licenses(&entry.path(), found)?;
        } else if is_license(&entry.file_name().to_string_lossy()) {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Returns whether a file contains the text of a license, by its name.
fn is_license(name: &str) -> bool {
    let name = name.to_lowercase();
    // Not sources, such as `license.rs`.
    let is_text = !name.contains('.') || name.ends_with(".txt") || name.ends_with(".md");
    // The dots of a version, as in `LICENSE-Apache-2.0_WITH_LLVM-exception`.
    let is_version = name.contains("-2.0");
    (is_text || is_version) && LICENSE_FILES.iter().any(|start| name.starts_with(start))
}

/// Returns the packages, and each license text once.
fn notices(packages: &Packages, texts: &Texts, targets: &[&str]) -> String {
    let mut out = format!(
        "Third-party notices\n\n{LIBRARY} contains the packages below. The texts of their licenses \
         follow, each\nwith the packages and files that contain it. Where a package offers several \
         licenses (OR),\nany of them may be chosen. {LIBRARY} also contains the standard library of \
         Rust.\n\nPlatforms: {}\n\n",
        targets.join(", ")
    );
    let third_party = packages.iter().filter(|(id, _)| id.0 != LIBRARY);
    for ((name, version), package) in third_party {
        let line = [name, version, &package.license, &package.repository].map(String::as_str);
        let _ = writeln!(out, "{}", line.join("  ").trim_end());
    }
    let mut sorted: Vec<_> = texts.iter().collect();
    sorted.sort_by_key(|(_, sources)| *sources);
    for (text, sources) in sorted {
        let _ = write!(out, "\n{RULE}\n{}\n{RULE}\n\n{text}", sources.join("\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packages::Package;

    #[test]
    fn license_files_are_known_by_name() {
        for (name, expected) in [
            ("LICENSE", true),
            ("LICENSE-MIT", true),
            ("license-apache-2.0", true),
            ("LICENSE-Apache-2.0_WITH_LLVM-exception", true),
            ("LICENSE.md", true),
            ("COPYING", true),
            ("UNLICENSE", true),
            ("license.rs", false),
            ("mod.rs", false),
            ("README.md", false),
        ] {
            assert_eq!(is_license(name), expected, "{name}");
        }
    }

    #[test]
    fn platforms_are_the_lines_of_the_array() {
        let text = "[graph]\n# Comment\ntargets = [\n    \"a\",\n    \"b\",\n]\nallow = [\"c\"]\n";
        assert_eq!(platforms(text), ["a", "b"]);
    }

    #[test]
    fn notices_list_every_package_and_each_text_once() {
        let id = |name: &str| (name.to_owned(), "1.0.0".to_owned());
        let package = |repository: &str| Package {
            license: "ISC".to_owned(),
            repository: repository.to_owned(),
            ..Package::default()
        };
        let packages = Packages::from([
            (id("a"), package("https://host/a")),
            (id("b"), package("")),
            (id(LIBRARY), package("")),
        ]);
        let texts = Texts::from([
            ("Other\n".to_owned(), vec!["b 1.0.0: NOTICE".to_owned()]),
            (
                "Text\n".to_owned(),
                vec!["a 1.0.0: LICENSE".to_owned(), "b 1.0.0: LICENSE".to_owned()],
            ),
        ]);
        let notices = notices(&packages, &texts, &["x86_64-unknown-linux-gnu"]);
        let (_, listed) = notices
            .split_once("\n\nPlatforms: x86_64-unknown-linux-gnu\n\n")
            .unwrap();
        assert_eq!(
            listed,
            format!(
                "a  1.0.0  ISC  https://host/a\nb  1.0.0  ISC\n\
                 \n{RULE}\na 1.0.0: LICENSE\nb 1.0.0: LICENSE\n{RULE}\n\nText\n\
                 \n{RULE}\nb 1.0.0: NOTICE\n{RULE}\n\nOther\n"
            )
        );
    }

    #[test]
    fn license_texts_are_found_in_all_directories_and_must_exist() {
        let directory = std::env::temp_dir().join(format!("xtask-notices-{}", std::process::id()));
        fs::create_dir_all(directory.join("third_party")).unwrap();
        fs::write(directory.join("README.md"), "text").unwrap();
        let package = Package {
            directory: directory.clone(),
            ..Package::default()
        };
        let packages = Packages::from([(("a".to_owned(), "1.0.0".to_owned()), package)]);
        let without = license_texts(&packages);
        for (file, text) in [
            ("LICENSE", "\nText\r\n\r\n"),
            ("third_party/LICENSE", "Text"),
            ("third_party/COPYING", "Other"),
        ] {
            fs::write(directory.join(file), text).unwrap();
        }
        let with = license_texts(&packages);
        fs::remove_dir_all(&directory).unwrap();
        assert!(without.unwrap_err().contains("a 1.0.0 has no license text"));
        let sources = |files: &[&str]| {
            files
                .iter()
                .map(|file| format!("a 1.0.0: {file}"))
                .collect()
        };
        let third_party = Path::new("third_party");
        let path = |name: &str| third_party.join(name).display().to_string();
        let expected = Texts::from([
            ("Text\n".to_owned(), sources(&["LICENSE", &path("LICENSE")])),
            ("Other\n".to_owned(), sources(&[&path("COPYING")])),
        ]);
        assert_eq!(with, Ok(expected));
    }
}
