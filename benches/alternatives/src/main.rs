//! The server and the Rust programs of the comparison. `benches/alternatives/run` starts them.
//!
//! ```text
//! alternatives server                        prints its URLs; exits when standard input ends
//! alternatives discard|store|ureq URL JOB CALLS THREADS
//! ```

mod clients;
mod files;
mod server;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server"] => server::run(),
        ["discard", url, job, calls, threads] => {
            clients::measure(url, job, calls, threads, clients::discarding);
        }
        ["store", url, job, calls, threads] => {
            clients::measure(url, job, calls, threads, clients::storing);
        }
        ["ureq", url, job, calls, threads] => {
            clients::measure(url, job, calls, threads, clients::ureq_and_base64);
        }
        _ => {
            eprintln!("alternatives server | alternatives discard|store|ureq URL JOB CALLS THREADS");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
