//! The checks of this project that parse its sources, and what scripts need of them.
//!
//! ```text
//! cargo xtask layers            checks which directory of src uses which
//! cargo xtask words             looks for words that the project does not use
//! cargo xtask abi [--write]     compares the C header with the last release's declarations
//! cargo xtask exports LIBRARY   compares the C header with the symbols of a library
//! cargo xtask functions         prints the functions of the C header
//! cargo xtask notices DIRECTORY [TARGET...]
//!                               writes the licenses and the bill of materials of the dependencies
//! cargo xtask version           prints the library's version
//! ```
//!
//! Each check prints what it found and exits with 1 if there are violations. The exit code is 2
//! if the arguments are wrong or a file cannot be read.

mod abi;
mod exports;
mod files;
mod layers;
mod notices;
mod packages;
mod rust;
mod sbom;
mod version;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

commands:
  layers           Checks that each directory of src uses only directories below it.
  words            Looks for words that the project does not use.
  abi              Compares the C header with packaging/abi/declarations.
  abi --write      Writes the declarations of the C header to packaging/abi/declarations.
  exports LIBRARY  Compares the functions of the C header with those that a library exports.
  functions        Prints the functions of the C header, one a line.
  notices DIRECTORY [TARGET...]
                   Writes the licenses and the bill of materials of what is linked into the library
                   for the targets, or for all platforms in deny.toml.
  version          Prints the version of the library.";

/// The outcome of a command that could be run.
enum Outcome {
    /// The check passed. The text says what was checked, or is what the command prints.
    Passed(String),
    /// The check found violations. The text lists them.
    Failed(String),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = project_root();
    let result = match arguments[..] {
        ["layers"] => layers::run(&root),
        ["words"] => words::run(&root),
        ["abi"] => abi::run(&root),
        ["abi", "--write"] => abi::write(&root),
        ["exports", library] => exports::run(&root, library),
        ["functions"] => exports::list(&root),
        ["notices", directory, ref targets @ ..] => notices::run(&root, directory, targets),
        ["version"] => version::run(&root),
        ["help" | "-h" | "--help"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => Err(format!("unknown command\n{USAGE}")),
    };
    match result {
        Ok(Outcome::Passed(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Outcome::Failed(text)) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns the root directory of the project, which holds this package's directory.
fn project_root() -> PathBuf {
    // Cargo sets the variable at run time too. A copied target directory would hold the path of
    // another checkout.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().unwrap_or(Path::new(".")).to_path_buf()
}
