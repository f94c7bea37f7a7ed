//! The matrix: every failure, on every route to a server, in every call.
//!
//!     cargo test --test matrix                     # the quick set
//!     cargo test --test matrix -- all              # every cell
//!     cargo test --test matrix -- all reset Https  # cells whose names have these words
//!
//! Each cell checks the kind of the error, the number of requests and connections, and the time;
//! that no file is left; and that the client works afterwards. Descriptors are counted after
//! each batch of cells, so the matrix is a binary of its own. More cells stop a call in each of
//! its phases. The quick set has every cell of one failure of each kind, every failure on the
//! direct route, and the stops of four calls.

mod cell;
mod failures;
mod stops;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{self, AssertUnwindSafe};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use cell::{Call, Cell, History, Problem, Route, Scheme};
use failures::{Failure, QUICK_ROWS, Routes, STALLED_ROWS, failures, waits};
use mock_server::tls::Authority;
use stops::{Stop, StopCell, UNRESPONSIVE_PORT};

/// The number of cells that run at a time. Most of them wait.
const THREADS: usize = 32;

/// The number of cells between two counts of descriptors.
const BATCH: usize = 500;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match env::var_os(IS_CHILD) {
        None => run_child(&arguments),
        Some(_) => run(&arguments),
    }
}

const IS_CHILD: &str = "SCO_MATRIX_IS_CHILD";

/// Runs the matrix in a process whose system trusts one certificate. Thousands of clients read
/// that store, and hundreds of certificates would take most of the time.
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
    // Options are meant for the other tests, which have a harness.
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
    static ROWS: LazyLock<Vec<Failure>> = LazyLock::new(failures);
    let rows: &'static [Failure] = &ROWS;
    let quick = rows.iter().filter(|row| row.is_quick).count();
    assert_eq!(quick, QUICK_ROWS, "a row of the quick set is missing");

    let every: Vec<Item> = cells(rows)
        .into_iter()
        .map(Item::Crossing)
        .chain(stops(rows).into_iter().map(Item::Stop))
        .collect();
    let chosen: Vec<Item> = every
        .iter()
        .copied()
        .filter(|item| takes_all || item.is_quick())
        .filter(|item| {
            let name = item.name();
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

/// Returns the cells in which a call is stopped.
fn stops(rows: &'static [Failure]) -> Vec<StopCell> {
    let stalled = STALLED_ROWS.map(|name| {
        let row = rows.iter().find(|row| row.name == name);
        row.unwrap_or_else(|| panic!("there is no row {name:?}"))
    });
    static WAITS: LazyLock<Vec<Failure>> = LazyLock::new(|| waits().into());
    let waits = WAITS.iter();
    let phases = stalled.into_iter().chain(waits).map(|row| (row, false));
    // An unresponsive port has no row. Any row of all routes stands for it.
    let anywhere = stalled.into_iter().find(|row| row.routes == Routes::All);
    let phases = phases.chain([(anywhere.unwrap(), true)]);
    let mut stops = Vec::new();
    for (failure, is_connecting) in phases {
        for cell in cells(std::slice::from_ref(failure)) {
            for stop in Stop::ALL {
                stops.push(StopCell {
                    cell,
                    is_connecting,
                    stop,
                });
            }
        }
    }
    stops.retain(|stop| stop.cell.history == History::New && stop.exists());
    stops
}

/// A cell, or a stop of a call.
#[derive(Clone, Copy)]
enum Item {
    Crossing(Cell<'static>),
    Stop(StopCell),
}

impl Item {
    fn is_quick(&self) -> bool {
        match self {
            Self::Crossing(cell) => {
                let is_plain = cell.route == Route::Direct
                    && cell.history == History::New
                    && matches!(cell.call, Call::Buffer | Call::Save);
                cell.failure.is_quick || is_plain
            }
            Self::Stop(stop) => {
                matches!(
                    stop.cell.call,
                    Call::Save | Call::Open | Call::Wait | Call::Login
                )
            }
        }
    }

    fn row(&self) -> String {
        match self {
            Self::Crossing(cell) => cell.failure.name.clone(),
            Self::Stop(stop) => stop.name(),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Crossing(cell) => cell.place(),
            Self::Stop(stop) => stop.cell.place(),
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.row(), self.place())
    }

    fn run(self) -> Result<(), Problem> {
        let run = || match self {
            Self::Crossing(cell) => cell.run(),
            Self::Stop(stop) => stop.run(),
        };
        let outcome = panic::catch_unwind(AssertUnwindSafe(run));
        outcome.unwrap_or_else(|_| Err(Problem::new("it panics")))
    }
}

/// Failed cells by row and reason, each with the error's message.
type Failed = BTreeMap<(String, String), Vec<(String, String)>>;

fn run_batches(cells: &[Item]) -> Failed {
    let failed = Mutex::new(Failed::new());
    // Opens everything that a process opens once before the first count.
    LazyLock::force(&UNRESPONSIVE_PORT);
    if let Some(first) = cells.first() {
        let _ = first.run();
    }
    let start = Instant::now();
    for (index, batch) in cells.chunks(BATCH).enumerate() {
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
                            let name = cell.name();
                            running.lock().unwrap().insert(name.clone(), Instant::now());
                            let outcome = cell.run();
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
            scope.spawn(|| end_process_if_stalled(&running, &is_done));
            for worker in workers {
                worker.join().unwrap();
            }
            is_done.store(true, Ordering::SeqCst);
        });
        // A cell that took too long runs again, alone.
        for cell in again.into_inner().unwrap() {
            if let Err(problem) = cell.run() {
                note(&failed, &cell, problem);
            }
        }
        // Servers may still be closing connections.
        let limit = Instant::now() + Duration::from_secs(5);
        while open_files().len() > before.len() && Instant::now() < limit {
            thread::sleep(Duration::from_millis(10));
        }
        println!(
            "{} of {} cells after {:.0} s",
            index * BATCH + batch.len(),
            cells.len(),
            start.elapsed().as_secs_f64()
        );
        let after = open_files();
        if after.len() > before.len() {
            let lost: Vec<&String> = after.difference(&before).collect();
            let what = format!("descriptors are lost: {lost:?}");
            let names = batch.iter().map(|cell| (cell.name(), String::new()));
            failed
                .lock()
                .unwrap()
                .insert(("batch".into(), what), names.collect());
        }
    }
    failed.into_inner().unwrap()
}

fn note(failed: &Mutex<Failed>, cell: &Item, problem: Problem) {
    let key = (cell.row(), problem.what);
    let mut failed = failed.lock().unwrap();
    let cells = failed.entry(key).or_default();
    cells.push((cell.place(), problem.message));
}

/// Ends the process if a cell hangs.
fn end_process_if_stalled(running: &Mutex<BTreeMap<String, Instant>>, is_done: &AtomicBool) {
    while !is_done.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(20));
        let running = running.lock().unwrap();
        let stalled = running
            .iter()
            .filter(|(_, since)| since.elapsed() > STALL_LIMIT);
        let names: Vec<&String> = stalled.map(|(name, _)| name).collect();
        if !names.is_empty() {
            println!("stalled for {STALL_LIMIT:?}: {names:#?}");
            std::process::exit(1);
        }
    }
}

/// The time after which a cell hangs.
const STALL_LIMIT: Duration = Duration::from_secs(60);

/// Returns the descriptors of this process, and their targets.
fn open_files() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc/self/fd").unwrap();
    let names = entries.map(|entry| {
        let path = entry.unwrap().path();
        let target = fs::read_link(&path).unwrap_or_default();
        format!("{} -> {}", path.display(), target.display())
    });
    names.collect()
}
