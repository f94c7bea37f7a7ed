//! The crossing matrix: every failure, on every way to a server, in every call.
//!
//!     cargo test --test matrix                     # the quick set
//!     cargo test --test matrix -- all              # every cell
//!     cargo test --test matrix -- all reset Https  # cells whose names have these words
//!
//! For each cell: the kind of the error, the number of requests and connections, the time,
//! that no file is left, and that the client works afterwards. Descriptors are counted when
//! all cells of a batch are done. The quick set has every cell of one failure of each kind,
//! and every failure on the direct way.

#[path = "../support/mod.rs"]
mod support;

mod cell;
mod failures;

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use cell::{Call, Cell, History, Problem, Route, Scheme};
use failures::{Failure, QUICK_ROWS, failures};
use support::tls::Authority;

/// How many cells run at a time. Most of them wait.
const THREADS: usize = 32;

/// Cells after which descriptors are counted.
const BATCH: usize = 500;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match env::var_os(IS_CHILD) {
        None => run_child(&arguments),
        Some(_) => run(&arguments),
    }
}

const IS_CHILD: &str = "SCO_MATRIX_IS_CHILD";

/// Runs the matrix in a process whose system trusts a single certificate. Thousands of clients
/// read that store, and hundreds of certificates would take most of the time.
fn run_child(arguments: &[String]) -> ExitCode {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("ca.pem");
    fs::write(&store, Authority::new().pem()).unwrap();
    let status = Command::new(env::current_exe().unwrap())
        .args(arguments)
        .env(IS_CHILD, "1")
        .env("SSL_CERT_FILE", store)
        .env_remove("SSL_CERT_DIR")
        .status()
        .unwrap();
    if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(arguments: &[String]) -> ExitCode {
    let start = Instant::now();
    // Options are for the other tests, which have a harness.
    let is_option = |argument: &&String| argument.starts_with('-');
    if arguments.iter().any(|argument| argument == "--list") {
        println!("matrix: test");
        return ExitCode::SUCCESS;
    }
    let mut words: Vec<&String> = arguments.iter().filter(|word| !is_option(word)).collect();
    let takes_all = words.first().is_some_and(|word| *word == "all");
    if takes_all {
        words.remove(0);
    }
    let rows: &'static [Failure] = failures().leak();
    let quick = rows.iter().filter(|row| row.is_quick).count();
    assert_eq!(quick, QUICK_ROWS, "a row of the quick set is missing");

    let every = cells(rows);
    let chosen: Vec<Cell> = every
        .iter()
        .copied()
        .filter(|cell| takes_all || is_quick(cell))
        .filter(|cell| {
            let name = cell.to_string();
            words.iter().all(|word| name.contains(word.as_str()))
        })
        .collect();
    let failed = run_batches(&chosen);
    for ((row, problem), cells) in &failed {
        println!("{row}: {problem}");
        for (place, message) in cells {
            println!("    {place} {message}");
        }
    }
    let bad: usize = failed.values().map(Vec::len).sum();
    let result = if bad == 0 { "ok" } else { "FAILED" };
    println!(
        "\nmatrix: {} failures in {} cells, {} of them in this set, in {:.0} s",
        rows.len(),
        every.len(),
        chosen.len(),
        start.elapsed().as_secs_f64()
    );
    println!(
        "test result: {result}. {} passed; {bad} failed",
        chosen.len() - bad.min(chosen.len())
    );
    if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn cells(rows: &'static [Failure]) -> Vec<Cell<'static>> {
    let mut cells = Vec::new();
    for failure in rows {
        for route in Route::ALL {
            for scheme in Scheme::ALL {
                for call in Call::ALL {
                    for history in [History::New, History::Reused] {
                        cells.push(Cell {
                            failure,
                            route,
                            scheme,
                            call,
                            history,
                        });
                    }
                }
            }
        }
    }
    cells.retain(Cell::exists);
    cells
}

fn is_quick(cell: &Cell) -> bool {
    let is_plain = cell.route == Route::Direct
        && cell.history == History::New
        && matches!(cell.call, Call::Buffer | Call::Save);
    cell.failure.is_quick || is_plain
}

/// Cells by their row and what is wrong with them, each with the error's message.
type Failed = BTreeMap<(String, String), Vec<(String, String)>>;

fn run_batches(cells: &[Cell<'static>]) -> Failed {
    let failed = Mutex::new(Failed::new());
    // What a process opens once is open before anything is counted.
    if let Some(first) = cells.first() {
        let _ = run_cell(*first);
    }
    for batch in cells.chunks(BATCH) {
        let before = open_files();
        let next = AtomicUsize::new(0);
        let running = Mutex::new(BTreeMap::new());
        let again = Mutex::new(Vec::new());
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..THREADS.min(batch.len()))
                .map(|_| {
                    scope.spawn(|| {
                        while let Some(cell) = batch.get(next.fetch_add(1, Ordering::Relaxed)) {
                            let name = cell.to_string();
                            running.lock().unwrap().insert(name.clone(), Instant::now());
                            let outcome = run_cell(*cell);
                            running.lock().unwrap().remove(&name);
                            match outcome {
                                Ok(()) => {}
                                Err(problem) if problem.is_of_time => {
                                    again.lock().unwrap().push(*cell);
                                }
                                Err(problem) => note(&failed, cell, problem),
                            }
                        }
                    })
                })
                .collect();
            scope.spawn(|| end_process_if_stuck(&running, &is_done));
            for worker in workers {
                worker.join().unwrap();
            }
            is_done.store(true, Ordering::SeqCst);
        });
        // Where the time decided, it decides again with no other cell beside.
        for cell in again.into_inner().unwrap() {
            if let Err(problem) = run_cell(cell) {
                note(&failed, &cell, problem);
            }
        }
        // Servers may still be closing what the clients have closed.
        let limit = Instant::now() + Duration::from_secs(5);
        while open_files() > before && Instant::now() < limit {
            thread::sleep(Duration::from_millis(10));
        }
        let after = open_files();
        if after > before {
            let what = format!("{} descriptors are lost", after - before);
            let names = batch.iter().map(|cell| (cell.to_string(), String::new()));
            failed
                .lock()
                .unwrap()
                .insert(("batch".into(), what), names.collect());
        }
    }
    failed.into_inner().unwrap()
}

fn note(failed: &Mutex<Failed>, cell: &Cell, problem: Problem) {
    let key = (cell.failure.name.clone(), problem.what);
    let mut failed = failed.lock().unwrap();
    let cells = failed.entry(key).or_default();
    cells.push((cell.place(), problem.message));
}

/// A cell that hangs is a failure that no other way ends.
fn end_process_if_stuck(running: &Mutex<BTreeMap<String, Instant>>, is_done: &AtomicBool) {
    while !is_done.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(20));
        let running = running.lock().unwrap();
        let stuck = running.iter().filter(|(_, since)| since.elapsed() > STUCK);
        let names: Vec<&String> = stuck.map(|(name, _)| name).collect();
        if !names.is_empty() {
            println!("stuck for {STUCK:?}: {names:#?}");
            std::process::exit(1);
        }
    }
}

/// More than any cell takes.
const STUCK: Duration = Duration::from_secs(60);

fn run_cell(cell: Cell<'static>) -> Result<(), Problem> {
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| cell.run()));
    outcome.unwrap_or_else(|_| Err(Problem::new("it panics")))
}

/// Descriptors of this process.
fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
