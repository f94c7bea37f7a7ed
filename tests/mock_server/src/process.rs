//! Tests that restart themselves in a process of their own, for what belongs to a whole
//! process: environment variables, the current directory, open descriptors, peak memory.

use std::env;
use std::process::Command;

/// Set in a process that [`run_alone`] started.
const IS_ALONE: &str = "SCO_TEST_RUNS_ALONE";

/// Runs a test of this executable in a process of its own, with these environment variables
/// set, and returns its standard output.
///
/// `test` is the test's full name, such as `save::directory_is_read_only_fails`.
///
/// # Panics
///
/// Panics if the test fails or does not exist.
pub fn run_alone(test: &str, variables: &[(&str, &str)]) -> String {
    run_alone_in("exec \"$@\"", test, variables)
}

/// Does the same as [`run_alone`], within a shell script that must `exec "$@"`.
///
/// # Panics
///
/// Panics if the test or the script fails, or the test does not exist.
pub fn run_alone_in(script: &str, test: &str, variables: &[(&str, &str)]) -> String {
    let child = command(script, test, variables).output().unwrap();
    let output = String::from_utf8_lossy(&child.stdout).into_owned();
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}{errors}");
    assert!(output.contains("1 passed"), "{output}{errors}");
    output
}

/// Returns the command that [`run_alone_in`] runs.
///
/// # Panics
///
/// Panics if the path of this executable is unknown.
pub fn command(script: &str, test: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-ec", script, "sh"]);
    command.arg(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command.env(IS_ALONE, "1").envs(variables.iter().copied());
    command
}

/// Returns whether [`run_alone`] started this process.
pub fn runs_alone() -> bool {
    env::var_os(IS_ALONE).is_some()
}
