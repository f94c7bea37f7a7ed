//! What the tests and examples share: servers to talk to, and files to expect.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::env;
use std::process::Command;

pub mod endpoint;
pub mod forward_proxy;
pub mod proxy;
pub mod raw_server;
pub mod stand_in;
pub mod stuck;
pub mod tls;
pub mod tunnel;

/// The SHA-256 of `bytes`, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let pairs = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    pairs.collect()
}

/// Bytes that look random and are the same every time.
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Runs a test again, in a process of its own with other environment variables;
/// gives what it printed.
pub fn run_alone(test: &str, variables: &[(&str, &str)]) -> String {
    run_alone_by("exec \"$@\"", test, variables)
}

/// As [`run_alone`], by a shell script that is to `exec "$@"`.
pub fn run_alone_by(script: &str, test: &str, variables: &[(&str, &str)]) -> String {
    let child = alone(script, test, variables).output().unwrap();
    let output = String::from_utf8_lossy(&child.stdout).into_owned();
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}{errors}");
    assert!(output.contains("1 passed"), "{output}{errors}");
    output
}

/// The command of [`run_alone_by`].
pub fn alone(script: &str, test: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-ec", script, "sh"]);
    command.arg(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command.env(ALONE, "1").envs(variables.iter().copied());
    command
}

/// Whether this is the process that [`run_alone`] started.
pub fn runs_alone() -> bool {
    env::var_os(ALONE).is_some()
}

const ALONE: &str = "SCO_TEST_RUNS_ALONE";
