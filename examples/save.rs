//! Saves a job's output file, and prints what came of it:
//!
//! ```sh
//! SELLERCLOUD_TOKEN=... cargo run --example save -- SERVER JOB DIRECTORY [OPTION=VALUE]...
//! ```
//!
//! Options: `if-exists=fail|replace|number`, `sync=true|false`, `name=NAME`; and, to see what
//! happens to many files of one name, `threads=NUMBER` and `times=NUMBER`.
//!
//! Prints `saved PATH`, or `failed KIND CODE MESSAGE` with the system's error code or 0, once
//! for each file. tests/system_calls makes its system calls fail.

use std::collections::HashMap;
use std::env;
use std::error::Error as StdError;
use std::process::ExitCode;
use std::thread;

use sellercloud_output::{Client, Error, IfExists, Retry, SaveOptions};

fn main() -> Result<ExitCode, Box<dyn StdError>> {
    let mut arguments = env::args().skip(1);
    let mut next = |name| arguments.next().ok_or(format!("{name} is missing"));
    let (server, job, directory) = (next("SERVER")?, next("JOB")?, next("DIRECTORY")?);
    let options: HashMap<_, _> = arguments
        .map(|option| match option.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => Err(format!("{option} is not OPTION=VALUE")),
        })
        .collect::<Result<_, _>>()?;
    let option = |name| options.get(name).map(String::as_str);
    let number = |name| option(name).unwrap_or("1").parse::<usize>();

    let save_options = SaveOptions {
        name: option("name").map(str::to_owned),
        if_exists: match option("if-exists") {
            None | Some("fail") => IfExists::Fail,
            Some("replace") => IfExists::Replace,
            Some("number") => IfExists::Number,
            Some(other) => return Err(format!("{other} is not a choice").into()),
        },
        sync: option("sync").unwrap_or("true").parse()?,
    };
    let client = Client::builder(&server)
        .token(env::var("SELLERCLOUD_TOKEN")?)
        .retry(Retry::never())
        .build()?;
    let save = || {
        let call = client.call().saving(save_options.clone());
        match call.save_output_file(job.as_str(), &directory) {
            Ok(saved) => {
                println!("saved {}", saved.path.display());
                true
            }
            Err(error) => {
                println!("failed {:?} {} {error}", error.kind(), system_code(&error));
                false
            }
        }
    };
    let (threads, times) = (number("threads")?, number("times")?);
    let save_all = || (0..times).all(|_| save());
    let is_saved = match threads {
        // The thread that strace counts the calls of.
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

fn system_code(error: &Error) -> i32 {
    match error {
        Error::Io { source, .. } => source.raw_os_error().unwrap_or_default(),
        _ => 0,
    }
}
