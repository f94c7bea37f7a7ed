//! Compares the functions of the C header with the symbols that a library exports.
//!
//! A shared library must export the functions of the header and nothing else. A static library also
//! contains Rust's own symbols, so that only its symbols that begin with `sco_` are compared.

use crate::{Outcome, abi};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const PREFIX: &str = "sco_";

/// Compares the functions of the header with the symbols of the library at `library`.
///
/// A library whose name ends with `.a` is a static library.
///
/// # Errors
///
/// Returns a message if `gcc` or `nm` cannot be run, the header cannot be parsed or `nm` cannot
/// read the library.
pub(crate) fn run(root: &Path, library: &str) -> Result<Outcome, String> {
    let is_static = library.ends_with(".a");
    let mut command = Command::new("nm");
    if !is_static {
        command.arg("-D");
    }
    let output = command
        .args(["--defined-only", library])
        .output()
        .map_err(|error| format!("cannot run nm: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "nm cannot read {library}: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let exported = if is_static {
        static_symbols(&printed)
    } else {
        shared_symbols(&printed)
    };
    Ok(compare(library, &abi::functions(root)?, &exported))
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

/// Returns all symbols that `nm -D --defined-only` printed: `ADDRESS TYPE NAME`.
fn shared_symbols(printed: &str) -> BTreeSet<String> {
    symbols(printed).map(|(_, name)| name.to_owned()).collect()
}

/// Returns the global functions with the prefix of the C interface that `nm --defined-only`
/// printed. It prints the name of each object file as well.
fn static_symbols(printed: &str) -> BTreeSet<String> {
    symbols(printed)
        .filter(|(kind, name)| *kind == "T" && name.starts_with(PREFIX))
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// Returns the type and the name of each symbol.
fn symbols(printed: &str) -> impl Iterator<Item = (&str, &str)> {
    printed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (_address, kind, name) = (words.next()?, words.next()?, words.next()?);
        Some((kind, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "
first.o:
0000000000000000 T sco_a
0000000000000010 t sco_local
0000000000000020 T rust_eh_personality

second.o:
0000000000000000 T sco_b
0000000000000008 D sco_data
";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn static_symbols_are_global_functions_with_the_prefix() {
        assert_eq!(static_symbols(PRINTED), set(&["sco_a", "sco_b"]));
    }

    #[test]
    fn shared_symbols_are_all_symbols() {
        assert_eq!(
            shared_symbols("0000000000000010 T sco_a\n0000000000000020 D other\n"),
            set(&["other", "sco_a"])
        );
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
