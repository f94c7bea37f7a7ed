//! Saves a job's output file, with any save options:
//!
//! ```sh
//! SELLERCLOUD_TOKEN=... cargo run --example save -- SERVER JOB DIRECTORY [OPTION=VALUE]...
//! ```
//!
//! Options: `if-exists=fail|replace|keep-both`, `flush-to-disk=true|false` and `name=NAME`. To
//! save many files of one name: `threads=COUNT` and `times=COUNT`.
//!
//! Prints a line for each file: `saved PATH`, or `failed KIND CODE MESSAGE`, with the system's
//! error code or 0. `tests/system_calls` makes the system calls of this program fail.

use std::collections::HashMap;
use std::env;
use std::error::Error as StdError;
use std::process::ExitCode;
use std::thread;

use sellercloud_output::{Client, IfExists, RetryPolicy, SaveOptions};

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode, Box<dyn StdError>> {
    let mut arguments = env::args().skip(1);
    let mut next = |name| {
        let argument = arguments.next();
        argument.ok_or(format!(
            "{name} is missing; usage: save SERVER JOB DIRECTORY [OPTION=VALUE]..."
        ))
    };
    let (server, job, directory) = (next("SERVER")?, next("JOB")?, next("DIRECTORY")?);
    let options: HashMap<_, _> = arguments
        .map(|option| match option.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("{option} is not OPTION=VALUE")),
        })
        .collect::<Result<_, _>>()?;
    let option = |name| options.get(name).map(String::as_str);
    let number = |name| {
        let text = option(name).unwrap_or("1");
        text.parse::<usize>()
            .map_err(|error| format!("{name}={text}: {error}"))
    };

    let mut save_options = SaveOptions::default()
        .if_exists(match option("if-exists") {
            None | Some("fail") => IfExists::Fail,
            Some("replace") => IfExists::Replace,
            Some("keep-both") => IfExists::KeepBoth,
            Some(other) => return Err(format!("{other} is not a value of if-exists").into()),
        })
        .flush_to_disk(option("flush-to-disk").unwrap_or("true").parse()?);
    if let Some(name) = option("name") {
        save_options = save_options.file_name(name);
    }
    let client = Client::builder(&server)
        .token(
            env::var("SELLERCLOUD_TOKEN").map_err(|error| format!("SELLERCLOUD_TOKEN: {error}"))?,
        )
        .retry_policy(RetryPolicy::never())
        .build()?;
    let save = || {
        let call = client.call().save_options(save_options.clone());
        match call.save_output_file(job.as_str(), &directory) {
            Ok(saved) => {
                println!("saved {}", saved.path.display());
                true
            }
            Err(error) => {
                println!(
                    "failed {:?} {} {error}",
                    error.kind(),
                    error.raw_os_error().unwrap_or(0)
                );
                false
            }
        }
    };
    let (threads, times) = (number("threads")?, number("times")?);
    let save_all = || (0..times).all(|_| save());
    let is_saved = match threads {
        // On the main thread, whose system calls strace counts.
        1 => save_all(),
        _ => thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(save_all)).collect();
            let outcomes = running.into_iter().map(|thread| thread.join());
            outcomes.fold(true, |all, outcome| all & outcome.unwrap_or(false))
        }),
    };
    Ok(match is_saved {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
