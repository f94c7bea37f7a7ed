//! Compares the functions of the C header with the symbols that a library exports.
//!
//! A library must export the functions of the header and nothing else. In a static library, any other
//! global symbol could collide with one of the program or of another library.

use crate::{Outcome, abi};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Compares the functions of the header with the symbols of the library at `library`.
///
/// A library whose name ends with `.a` is a static library.
///
/// # Errors
///
/// Returns a message if `gcc` or `nm` cannot be run, the header cannot be parsed or `nm` cannot
/// read the library.
pub(crate) fn run(root: &Path, library: &str) -> Result<Outcome, String> {
    let kind = if library.ends_with(".a") {
        "--extern-only"
    } else {
        "--dynamic"
    };
    let output = Command::new("nm")
        .args([kind, "--defined-only", library])
        .output()
        .map_err(|error| format!("cannot run nm: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "nm cannot read {library}: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    Ok(compare(library, &abi::functions(root)?, &symbols(&printed)))
}

/// Returns the functions of the header, one a line.
///
/// # Errors
///
/// Returns a message if `gcc` cannot be run or the header cannot be parsed.
pub(crate) fn list(root: &Path) -> Result<Outcome, String> {
    let functions: Vec<String> = abi::functions(root)?.into_iter().collect();
    Ok(Outcome::Passed(functions.join("\n")))
}

fn compare(library: &str, functions: &BTreeSet<String>, exported: &BTreeSet<String>) -> Outcome {
    if functions == exported {
        return Outcome::Passed(format!(
            "{library} exports exactly the {} functions of {}",
            functions.len(),
            abi::HEADER
        ));
    }
    let mut text = String::new();
    for name in functions.difference(exported) {
        text += &format!("{name} is in {} but not in {library}\n", abi::HEADER);
    }
    for name in exported.difference(functions) {
        text += &format!("{name} is in {library} but not in {}\n", abi::HEADER);
    }
    text += &format!(
        "FAILED: {library} does not export exactly the functions of {}",
        abi::HEADER
    );
    Outcome::Failed(text)
}

/// Returns the symbols that `nm` printed as `ADDRESS TYPE NAME`, without their versions.
///
/// `nm` also prints the name of each object file of a static library, and the versions that a shared
/// library defines, as absolute symbols.
fn symbols(printed: &str) -> BTreeSet<String> {
    printed
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (_address, kind, name) = (words.next()?, words.next()?, words.next()?);
            let name = name.split('@').next().unwrap_or(name);
            (kind != "A").then(|| name.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn symbols_of_a_static_library_are_all_global_ones() {
        let printed = "\nfirst.o:\n0000000000000000 T sco_a\n0000000000000020 V rust_eh_personality\n\
                       \nsecond.o:\n0000000000000000 T sco_b\n0000000000000008 D data\n";
        let expected = set(&["data", "rust_eh_personality", "sco_a", "sco_b"]);
        assert_eq!(symbols(printed), expected);
    }

    #[test]
    fn symbols_of_a_shared_library_have_no_version() {
        let printed = "0000000000000000 A SCO_0.1\n0000000000000000 A SCO_0.1@@SCO_0.1\n\
                       0000000000000010 T sco_a@@SCO_0.1\n0000000000000020 D other\n";
        assert_eq!(symbols(printed), set(&["other", "sco_a"]));
    }

    #[test]
    fn same_functions_pass() {
        let functions = set(&["sco_a", "sco_b"]);
        match compare("lib.so", &functions, &functions) {
            Outcome::Passed(text) => assert_eq!(
                text,
                "lib.so exports exactly the 2 functions of include/sellercloud_output.h"
            ),
            Outcome::Failed(text) => panic!("{text}"),
        }
    }

    #[test]
    fn missing_and_unknown_functions_fail() {
        for (exported, line) in [
            (
                &["sco_a"][..],
                "sco_b is in include/sellercloud_output.h but not in lib.so\n",
            ),
            (
                &["sco_a", "sco_b", "sco_c"][..],
                "sco_c is in lib.so but not in include/sellercloud_output.h\n",
            ),
            (
                &[][..],
                "sco_a is in include/sellercloud_output.h but not in lib.so\n",
            ),
        ] {
            match compare("lib.so", &set(&["sco_a", "sco_b"]), &set(exported)) {
                Outcome::Failed(text) => assert!(text.contains(line), "{text}"),
                Outcome::Passed(text) => panic!("{text}"),
            }
        }
    }
}
