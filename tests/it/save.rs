//! Saving and writing output files through the Rust interface.

#![cfg_attr(
    windows,
    allow(unused_imports, dead_code, reason = "some tests are for Unix alone")
)]

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use mock_server::RawServer;
use mock_server::process::{self, run_alone, run_alone_in, runs_alone};
use mock_server::scripted_jobs::{JOBS, Job};
use mock_server::{MockSellercloud, TOKEN};
use sellercloud_output::{
    CancelToken, Client, Error, ErrorKind, IfExists, RetryPolicy, SaveOptions,
};
use tempfile::TempDir;

fn client(url: &str) -> Client {
    let retry = RetryPolicy::default().initial_backoff(Duration::from_millis(10));
    let builder = Client::builder(url).token(TOKEN).retry_policy(retry);
    builder.build().unwrap()
}

fn if_exists(if_exists: IfExists) -> SaveOptions {
    SaveOptions::default().if_exists(if_exists)
}

fn names_in(dir: impl AsRef<Path>) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn io_error<T>(outcome: Result<T, Error>) -> (String, PathBuf) {
    let error = outcome.err().expect("the save succeeded");
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let path = error.path().unwrap().to_owned();
    (error.to_string(), path)
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=half.csv\r\n\
                       Content-Length: 400000\r\n\r\n";

/// Starts a server that sends half a file and reports it on the first channel. It sends the
/// other half once it receives something on the second channel.
fn in_two_halves() -> (RawServer, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (half_sent, is_half_sent) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let may_go_on = Arc::new(Mutex::new(may_go_on));
    let server = RawServer::start(move |_, connection| {
        connection.write_all(HEAD.as_bytes()).unwrap();
        connection.write_all(&[b'A'; 200_000]).unwrap();
        half_sent.send(()).unwrap();
        if may_go_on.lock().unwrap().recv().is_ok() {
            let _ = connection.write_all(&[b'A'; 200_000]);
        }
    });
    (server, is_half_sent, go_on)
}

#[test]
fn save_and_write_of_every_kind_of_file_are_whole() {
    let mock = MockSellercloud::start();
    let dir = tempfile::tempdir().unwrap();
    let client = client(&mock.url());
    for job in JOBS.iter().filter(|job| job.id != 28146) {
        let bytes = (job.bytes)();
        let saved = client.save_output_file(job.id, dir.path()).unwrap();
        assert_eq!(saved.path, dir.path().join(job.name));
        assert_eq!(saved.name, job.name);
        assert_eq!(saved.is_fallback_name, job.id == 28149);
        assert_eq!(saved.size, bytes.len() as u64);
        assert_eq!(saved.job_id, job.id.try_into().unwrap());
        assert!(fs::read(&saved.path).unwrap() == bytes, "{}", job.name);

        let mut written = Vec::new();
        let info = client.write_output_file(job.id, &mut written).unwrap();
        assert!(written == bytes, "{}", job.name);
        assert_eq!(info.size, bytes.len() as u64);
        assert_eq!(info.name, job.name);
        assert_eq!(info.is_fallback_name, saved.is_fallback_name);
        assert_eq!(info.content_type, saved.content_type);
    }
    assert_eq!(names_in(dir.path()).len(), JOBS.len() - 1);
}

#[test]
fn save_existing_file_follows_if_exists() {
    let mock = MockSellercloud::start();
    let dir = tempfile::tempdir().unwrap();
    let client = client(&mock.url());
    let existing = dir.path().join("inventory.txt");
    fs::write(&existing, "mine").unwrap();
    let file = client.get_output_file(28143).unwrap();

    let (message, path) = io_error(client.save_output_file(28143, dir.path()));
    assert!(message.contains("inventory.txt"), "{message}");
    assert_eq!(path, existing);
    assert_eq!(io_error(file.save(dir.path())).1, existing);
    assert_eq!(fs::read(&existing).unwrap(), b"mine");

    for name in ["inventory (1).txt", "inventory (2).txt"] {
        let call = client.call().save_options(if_exists(IfExists::KeepBoth));
        let saved = call.save_output_file(28143, dir.path()).unwrap();
        assert_eq!(saved.path, dir.path().join(name));
        assert_eq!(saved.name, "inventory.txt");
    }
    let path = file.save_with(dir.path(), &if_exists(IfExists::KeepBoth));
    assert_eq!(path.unwrap(), dir.path().join("inventory (3).txt"));

    let call = client.call().save_options(if_exists(IfExists::Replace));
    let saved = call.save_output_file(28143, dir.path()).unwrap();
    assert_eq!(saved.path, existing);
    assert_eq!(fs::read(&existing).unwrap(), file.bytes);
    assert_eq!(names_in(dir.path()).len(), 4);
}

#[cfg(target_os = "linux")] // Other file systems may require UTF-8.
#[test]
fn directory_that_is_not_utf8_is_used_as_it_is() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let mock = MockSellercloud::start();
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join(OsStr::from_bytes(b"caf\xe9"));
    fs::create_dir(&dir).unwrap();
    let client = client(&mock.url());
    let expected = dir.join("inventory.txt");
    let saved = client.save_output_file(28143, &dir).unwrap();
    assert_eq!(saved.path, expected);
    let file = client.get_output_file(28143).unwrap();
    let (message, path) = io_error(file.save(&dir));
    assert_eq!(path, expected);
    assert!(message.contains("caf\u{fffd}/inventory.txt"), "{message}");
    let path = file.save_with(&dir, &if_exists(IfExists::KeepBoth));
    assert_eq!(path.unwrap(), dir.join("inventory (1).txt"));
    assert_eq!(names_in(&dir), ["inventory (1).txt", "inventory.txt"]);
}

#[test]
fn save_keep_both_name_stays_within_255_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let long = format!("{}.csv", "é".repeat(125));
    let response = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\
         Content-Disposition: attachment; filename*=UTF-8''{}.csv\r\n\r\nQUJD",
        "%C3%A9".repeat(125)
    );
    let server = RawServer::responding(response);
    let save = || {
        let client = client(&server.url);
        let call = client.call().save_options(if_exists(IfExists::KeepBoth));
        call.save_output_file(1, dir.path()).unwrap().path
    };
    assert_eq!(save().file_name().unwrap(), long.as_str());
    let second = save().file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(second, format!("{} (1).csv", "é".repeat(123)));
}

#[test]
fn save_with_a_file_name_uses_it() {
    let mock = MockSellercloud::start();
    let dir = tempfile::tempdir().unwrap();
    let client = client(&mock.url());
    let call = client
        .call()
        .save_options(named("mine.csv", IfExists::Fail));
    let saved = call.save_output_file(28143, dir.path()).unwrap();
    assert_eq!(saved.path, dir.path().join("mine.csv"));
    assert_eq!(saved.name, "inventory.txt");
    assert_eq!(names_in(dir.path()), ["mine.csv"]);
}

#[cfg(unix)]
#[test]
fn save_permissions_follow_the_umask() {
    use std::os::unix::fs::PermissionsExt;
    if runs_alone() {
        let mock = MockSellercloud::start();
        let dir = tempfile::tempdir().unwrap();
        let client = client(&mock.url());
        let saved = client.save_output_file(28143, dir.path()).unwrap();
        let mode = fs::metadata(saved.path).unwrap().permissions().mode();
        println!("mode {:o}", mode & 0o7777);
        return;
    }
    for (umask, mode) in [("022", "644"), ("027", "640"), ("000", "666")] {
        let output = run_alone_in(
            &format!("umask {umask}; exec \"$@\""),
            "save::save_permissions_follow_the_umask",
            &[],
        );
        assert!(output.contains(&format!("mode {mode}\n")), "{output}");
    }
}

#[cfg(unix)]
#[test]
fn save_symbolic_link_is_not_followed() {
    let mock = MockSellercloud::start();
    let dir = tempfile::tempdir().unwrap();
    let client = client(&mock.url());
    let elsewhere = dir.path().join("elsewhere");
    let link = dir.path().join("inventory.txt");
    std::os::unix::fs::symlink(&elsewhere, &link).unwrap();
    io_error(client.save_output_file(28143, dir.path()));
    let call = client.call().save_options(if_exists(IfExists::Replace));
    call.save_output_file(28143, dir.path()).unwrap();
    assert!(!elsewhere.exists());
    assert!(link.symlink_metadata().unwrap().is_file());
}

#[test]
fn save_by_many_threads_follows_if_exists() {
    let mock = MockSellercloud::start();
    let client = client(&mock.url());
    for (how, succeed) in [
        (IfExists::Fail, 1),
        (IfExists::KeepBoth, 16),
        (IfExists::Replace, 16),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let paths = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let call = client.call().save_options(if_exists(how));
                    match call.save_output_file(28143, dir.path()) {
                        Ok(saved) => paths.lock().unwrap().push(saved.path),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Io, "{error}"),
                    }
                });
            }
        });
        let mut paths = paths.into_inner().unwrap();
        assert_eq!(paths.len(), succeed, "{how:?}");
        paths.sort();
        paths.dedup();
        let names = names_in(dir.path());
        assert_eq!(names.len(), paths.len(), "{how:?}: {names:?}");
        for path in paths {
            assert_eq!(fs::read(path).unwrap(), (Job::find(28143).bytes)());
        }
    }
}

// `process` needs a shell.
#[cfg(unix)]
#[test]
fn save_by_many_processes_follows_if_exists() {
    const TEST: &str = "save::save_by_many_processes_follows_if_exists";
    if runs_alone() {
        let variable = |name| env::var(name).unwrap();
        let how = match variable("SCO_TEST_HOW").as_str() {
            "fail" => IfExists::Fail,
            _ => IfExists::KeepBoth,
        };
        let client = client(&variable("SCO_TEST_URL"));
        let call = client.call().save_options(if_exists(how));
        match call.save_output_file(1, variable("SCO_TEST_DIRECTORY")) {
            Ok(saved) => println!("saved {}", saved.path.display()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io, "{error}"),
        }
        return;
    }
    const PROCESSES: usize = 4;
    for (how, succeed) in [("fail", 1), ("number", PROCESSES)] {
        let dir = tempfile::tempdir().unwrap();
        // All of them are writing before any of them finishes.
        let (server, is_half_sent, go_on) = in_two_halves();
        let variables = [
            ("SCO_TEST_URL", server.url.as_str()),
            ("SCO_TEST_DIRECTORY", dir.path().to_str().unwrap()),
            ("SCO_TEST_HOW", how),
        ];
        let start = || {
            let mut command = process::command("exec \"$@\"", TEST, &variables);
            command.stdout(Stdio::piped()).spawn().unwrap()
        };
        let children: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
        (0..PROCESSES).for_each(|_| is_half_sent.recv().unwrap());
        (0..PROCESSES).for_each(|_| go_on.send(()).unwrap());
        let mut saved = 0;
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            saved += usize::from(String::from_utf8_lossy(&output.stdout).contains("saved "));
        }
        assert_eq!(saved, succeed, "{how}");
        let names = names_in(dir.path());
        assert_eq!(names.len(), succeed, "{names:?}");
        for name in names {
            assert_eq!(fs::read(dir.path().join(name)).unwrap(), [0; 300_000]);
        }
    }
}

#[test]
fn save_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let half = HEAD.to_owned() + &"A".repeat(200_000);
    let garbage = HEAD.to_owned() + &"A".repeat(300_000) + &"?".repeat(100_000);
    for (response, kind, attempts) in [
        (half, ErrorKind::Connection, 5),
        (garbage, ErrorKind::MalformedBody, 1),
    ] {
        let server = RawServer::responding(response);
        let client = client(&server.url);
        let error = client.save_output_file(1, dir.path()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.attempts(), attempts);
        assert_eq!(names_in(dir.path()), [""; 0]);
    }
}

#[test]
fn save_that_is_cancelled_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (server, is_half_sent, _go_on) = in_two_halves();
    let client = client(&server.url);
    let cancel = CancelToken::new();
    thread::scope(|scope| {
        let saving = scope.spawn(|| {
            let call = client.call().cancel_token(&cancel);
            call.save_output_file(1, dir.path())
        });
        is_half_sent.recv().unwrap();
        while names_in(dir.path()).is_empty() {
            thread::yield_now();
        }
        cancel.cancel();
        let error = saving.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
    assert_eq!(names_in(dir.path()), [""; 0]);
    let call = client.call().on_progress(|_| ControlFlow::Break(()));
    let error = call.save_output_file(1, dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(names_in(dir.path()), [""; 0]);
}

// `process` needs a shell.
#[cfg(unix)]
#[test]
fn save_removes_leftovers_of_a_killed_process() {
    const TEST: &str = "save::save_removes_leftovers_of_a_killed_process";
    if runs_alone() {
        let variable = |name| env::var(name).unwrap();
        let client = client(&variable("SCO_TEST_URL"));
        let _ = client.save_output_file(1, variable("SCO_TEST_DIRECTORY"));
        unreachable!("the parent kills this process");
    }
    let dir = tempfile::tempdir().unwrap();
    let (server, is_half_sent, go_on) = in_two_halves();
    let variables = [
        ("SCO_TEST_URL", server.url.as_str()),
        ("SCO_TEST_DIRECTORY", dir.path().to_str().unwrap()),
    ];
    let mut child = process::command("exec \"$@\"", TEST, &variables)
        .spawn()
        .unwrap();
    is_half_sent.recv().unwrap();
    while names_in(dir.path()).is_empty() {
        thread::yield_now();
    }
    let mock = MockSellercloud::start();
    let here = client(&mock.url());

    // The process is alive: its file is kept.
    here.save_output_file(28143, dir.path()).unwrap();
    let names = names_in(dir.path());
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with(".sellercloud-output-"), "{names:?}");

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names_in(dir.path()).len(), 2);
    here.save_output_file(28145, dir.path()).unwrap();
    assert_eq!(names_in(dir.path()), ["inventory.txt", "label é.pdf"]);
    drop(go_on);
}

/// Another user of a shared directory can create anything with the name of a leftover.
#[cfg(target_os = "linux")]
#[test]
fn save_keeps_what_only_looks_like_a_leftover() {
    let mock = MockSellercloud::start();
    let dir = tempfile::tempdir().unwrap();
    let precious = dir.path().join("precious");
    fs::write(&precious, "mine").unwrap();
    let hours = |hours: u64| std::time::SystemTime::now() - Duration::from_secs(hours * 3600);
    let file = File::options().write(true).open(&precious).unwrap();
    file.set_modified(hours(48)).unwrap();
    let names: Vec<_> = (0..5)
        .map(|number| temporary_name(true, 4_000_000_000 + number))
        .collect();
    let path = |number: usize| dir.path().join(&names[number]);
    std::os::unix::fs::symlink(&precious, path(0)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(path(1)).status();
    assert!(made.unwrap().success());
    fs::create_dir(path(2)).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(path(3)).unwrap();
    // A hard link is removed. The file keeps its other name.
    fs::hard_link(&precious, path(4)).unwrap();
    client(&mock.url())
        .save_output_file(28143, dir.path())
        .unwrap();
    assert_eq!(fs::read(precious).unwrap(), b"mine");
    let left = names_in(dir.path());
    for (number, stays) in [true, true, true, true, false].into_iter().enumerate() {
        assert_eq!(left.contains(&names[number]), stays, "{number}: {left:?}");
    }
}

/// Starts a server that sends [`HEAD`], and counts its requests.
fn counting_server() -> (RawServer, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let server = RawServer::start({
        let count = count.clone();
        let response = HEAD.to_owned() + &"A".repeat(400_000);
        move |_, connection| {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = connection.write_all(response.as_bytes());
        }
    });
    (server, count)
}

fn named(name: &str, if_exists: IfExists) -> SaveOptions {
    SaveOptions::default()
        .file_name(name.to_owned())
        .if_exists(if_exists)
}

fn raw_os_error(error: &Error) -> Option<i32> {
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    error.raw_os_error()
}

#[test]
fn save_invalid_directory_or_name_fails_before_a_request() {
    let (server, count) = counting_server();
    let client = client(&server.url);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file.csv");
    fs::write(&file, "mine").unwrap();
    fs::create_dir(dir.path().join("directory")).unwrap();
    let check = |directory: &Path, options: SaveOptions, kind, io_kind: Option<io::ErrorKind>| {
        let call = client.call().save_options(options.clone());
        let error = call.save_output_file(1, directory).unwrap_err();
        assert_eq!(error.kind(), kind, "{directory:?}, {options:?}: {error}");
        if let Some(io_kind) = io_kind {
            assert_eq!(error.io_kind(), Some(io_kind), "{error}");
            assert!(error.raw_os_error().is_some(), "{error:?}");
            assert!(error.path().unwrap().starts_with(directory), "{error:?}");
            assert!(!error.to_string().contains(".part"), "{error}");
        }
        assert_eq!(error.attempts(), 0, "{error}");
        assert_eq!(count.load(Ordering::SeqCst), 0, "{error}");
    };
    let default = SaveOptions::default;
    let absent = dir.path().join("absent");
    let long = dir.path().join("long".repeat(2000));
    let not_found = Some(io::ErrorKind::NotFound);
    check(&absent, default(), ErrorKind::Io, not_found);
    let not_a_directory = Some(io::ErrorKind::NotADirectory);
    check(&file, default(), ErrorKind::Io, not_a_directory);
    let too_long = cfg!(unix).then_some(io::ErrorKind::InvalidFilename);
    check(&long, default(), ErrorKind::Io, too_long);
    check(Path::new(""), default(), ErrorKind::InvalidArgument, None);
    check(
        Path::new("a\0b"),
        default(),
        ErrorKind::InvalidArgument,
        None,
    );
    let too_long = "n".repeat(256);
    for name in [
        "",
        ".",
        "..",
        "a/b",
        "/etc/passwd",
        "a/",
        "a\\b",
        "..\\a",
        "a\0b",
        &too_long,
        ".sellercloud-output-1-a.part",
        ".Sellercloud-Output-x.PART",
    ] {
        for if_exists in [IfExists::Fail, IfExists::Replace, IfExists::KeepBoth] {
            let options = named(name, if_exists);
            check(dir.path(), options, ErrorKind::InvalidArgument, None);
        }
    }
    let existing = Some(io::ErrorKind::AlreadyExists);
    let options = named("file.csv", IfExists::Fail);
    check(dir.path(), options, ErrorKind::Io, existing);
    let is_a_directory = Some(io::ErrorKind::IsADirectory);
    let options = named("directory", IfExists::Replace);
    check(dir.path(), options, ErrorKind::Io, is_a_directory);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(names_in(dir.path()), ["directory", "file.csv"]);
}

#[cfg(unix)]
#[test]
fn save_directory_in_any_spelling_succeeds() {
    let mock = MockSellercloud::start();
    let outer = tempfile::tempdir().unwrap();
    let client = client(&mock.url());
    let exports = outer.path().join("exports");
    fs::create_dir(&exports).unwrap();
    fs::write(outer.path().join("file"), "").unwrap();
    let link = |target: &str, name| {
        std::os::unix::fs::symlink(target, outer.path().join(name)).unwrap();
    };
    link("exports", "link");
    link("link", "second");
    link("file", "link to a file");
    link("absent", "dangling");
    link("circle", "circle");
    for form in [
        "exports",
        "exports/",
        "exports///",
        "exports/.",
        "./exports",
        "exports/../exports",
        "link",
        "link/",
        "second",
    ] {
        let directory = outer.path().join(form);
        let saved = client.save_output_file(28143, &directory).unwrap();
        assert_eq!(saved.path, directory.join("inventory.txt"), "{form}");
        assert_eq!(names_in(&exports), ["inventory.txt"], "{form}");
        fs::remove_file(saved.path).unwrap();
    }
    for (form, code) in [
        ("file/", libc::ENOTDIR),
        ("link to a file", libc::ENOTDIR),
        ("dangling", libc::ENOENT),
        ("circle", libc::ELOOP),
        ("/dev/null", libc::ENOTDIR),
    ] {
        let error = client.save_output_file(28143, outer.path().join(form));
        let error = error.unwrap_err();
        assert_eq!(raw_os_error(&error), Some(code), "{form}: {error}");
        assert_eq!(error.attempts(), 0, "{form}");
    }
}

/// A directory in which files may be created but not listed.
#[cfg(target_os = "linux")]
#[test]
#[allow(unsafe_code, reason = "the user is changed")]
fn save_in_directory_that_cannot_be_read_succeeds() {
    use std::os::unix::fs::PermissionsExt;
    const TEST: &str = "save::save_in_directory_that_cannot_be_read_succeeds";
    let permit = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    if !runs_alone() {
        run_alone(TEST, &[]);
        return;
    }
    let mock = MockSellercloud::start();
    let client = client(&mock.url());
    let outer = tempfile::tempdir().unwrap();
    permit(outer.path(), 0o755);
    // Root may read everything.
    // SAFETY: no memory is involved.
    let user = unsafe { libc::geteuid() };
    let user = if user == 0 { 65_534 } else { user };
    for (mode, code) in [
        (0o300, None),
        (0o500, Some(libc::EACCES)),
        (0o600, Some(libc::EACCES)),
        (0o100, Some(libc::EACCES)),
    ] {
        let dir = outer.path().join(format!("{mode:o}"));
        fs::create_dir(&dir).unwrap();
        let _ = std::os::unix::fs::chown(&dir, Some(user), None);
        permit(&dir, mode);
        // SAFETY: no memory is involved.
        let administrator = unsafe { libc::geteuid() };
        // SAFETY: no memory is involved.
        unsafe { libc::seteuid(user) };
        let outcomes = [IfExists::Fail, IfExists::KeepBoth, IfExists::Replace].map(|how| {
            client
                .call()
                .save_options(if_exists(how))
                .save_output_file(28143, &dir)
        });
        // SAFETY: no memory is involved.
        unsafe { libc::seteuid(administrator) };
        permit(&dir, 0o700);
        for outcome in outcomes {
            match outcome {
                Ok(_) => assert_eq!(code, None, "{mode:o}"),
                Err(error) => {
                    assert_eq!(raw_os_error(&error), code, "{mode:o}: {error}");
                    assert_eq!(error.attempts(), 0);
                }
            }
        }
        let expected: &[_] = match code {
            None => &["inventory (1).txt", "inventory.txt"],
            Some(_) => &[],
        };
        assert_eq!(names_in(&dir), expected, "{mode:o}");
    }
}

#[test]
fn save_in_absent_directory_names_it() {
    let mock = MockSellercloud::start();
    let dir = tempfile::tempdir().unwrap();
    let client = client(&mock.url());
    let absent = dir.path().join("absent");
    let (message, path) = io_error(client.save_output_file(28143, &absent));
    assert_eq!(path, absent);
    let expected = format!("job 28143: cannot save to {}: ", path.display());
    assert!(message.starts_with(&expected), "{message}");
    let file = client.get_output_file(28143).unwrap();
    let (message, path) = io_error(file.save(&absent));
    assert_eq!(path, absent);
    assert!(message.starts_with(&expected), "{message}");
}

#[cfg(unix)]
#[test]
fn save_replace_of_a_special_file_fails_before_a_request() {
    let (server, count) = counting_server();
    let client = client(&server.url);
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    for name in ["pipe", "socket"] {
        let call = client.call().save_options(named(name, IfExists::Replace));
        let error = call.save_output_file(1, dir.path()).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert_eq!(raw_os_error(&error), Some(libc::EEXIST));
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }
    // The name that the server sends is known when its response begins.
    fs::rename(&pipe, dir.path().join("half.csv")).unwrap();
    let call = client.call().save_options(if_exists(IfExists::Replace));
    let error = call.save_output_file(1, dir.path()).unwrap_err();
    assert_eq!(raw_os_error(&error), Some(libc::EEXIST));
    assert_eq!(names_in(dir.path()), ["half.csv", "socket"]);
}

#[cfg(unix)]
#[test]
fn save_replace_keeps_the_permissions() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let is_administrator = tempfile::tempdir()
        .unwrap()
        .path()
        .metadata()
        .unwrap()
        .uid()
        == 0;
    for mode in [0o600, 0o640, 0o666, 0o755, 0o444, 0o4755] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("half.csv");
        fs::write(&path, "old").unwrap();
        if is_administrator {
            chown(&path, Some(1234), Some(2345)).unwrap();
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let (server, is_half_sent, go_on) = in_two_halves();
        let client = client(&server.url);
        thread::scope(|scope| {
            let saving = scope.spawn(|| {
                let call = client.call().save_options(if_exists(IfExists::Replace));
                call.save_output_file(1, dir.path())
            });
            is_half_sent.recv().unwrap();
            while names_in(dir.path()).len() < 2 {
                thread::yield_now();
            }
            let temporary = names_in(dir.path()).swap_remove(0);
            let metadata = fs::metadata(dir.path().join(temporary)).unwrap();
            assert_eq!(metadata.mode() & 0o077, 0, "others could read it meanwhile");
            assert_eq!(fs::read(&path).unwrap(), b"old");
            go_on.send(()).unwrap();
            saving.join().unwrap().unwrap();
        });
        let metadata = fs::metadata(&path).unwrap();
        // The set-user-ID and set-group-ID bits are dropped: a file from a server must not run
        // as another user.
        assert_eq!(metadata.mode() & 0o7777, mode & 0o777);
        if is_administrator {
            assert_eq!((metadata.uid(), metadata.gid()), (1234, 2345));
        }
        assert_eq!(metadata.len(), 300_000);
        assert_eq!(names_in(dir.path()), ["half.csv"]);
    }
}

/// A name that only the body has is known when the body is complete.
#[cfg(unix)]
#[test]
fn save_replace_with_a_name_in_the_body_keeps_the_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let body = r#"{"FileName":"late.csv","Content":"QUJD"}"#;
    let server = RawServer::responding(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    ));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("late.csv");
    let client = client(&server.url);
    let save = || {
        let call = client.call().save_options(if_exists(IfExists::Replace));
        call.save_output_file(1, dir.path()).unwrap();
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777
    };
    let new = dir.path().join("new");
    fs::write(&new, "").unwrap();
    assert_eq!(
        save(),
        fs::metadata(&new).unwrap().permissions().mode() & 0o7777
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
    assert_eq!(save(), 0o604);
}

#[cfg(unix)]
#[test]
fn save_stays_in_its_directory_when_the_process_leaves_it() {
    const TEST: &str = "save::save_stays_in_its_directory_when_the_process_leaves_it";
    if runs_alone() {
        let dir = PathBuf::from(env::var("SCO_TEST_DIRECTORY").unwrap());
        for relative in ["exports", "."] {
            env::set_current_dir(dir.join(if relative == "." { "exports" } else { "" })).unwrap();
            let (server, is_half_sent, go_on) = in_two_halves();
            let client = client(&server.url);
            thread::scope(|scope| {
                let saving = scope.spawn(|| client.save_output_file(1, relative));
                is_half_sent.recv().unwrap();
                env::set_current_dir(dir.join("elsewhere")).unwrap();
                go_on.send(()).unwrap();
                let saved = saving.join().unwrap().unwrap();
                assert_eq!(saved.path, dir.join("exports").join("half.csv"));
                assert_eq!(fs::read(&saved.path).unwrap().len(), 300_000);
                fs::remove_file(saved.path).unwrap();
            });
            assert_eq!(names_in(dir.join("elsewhere")), [""; 0]);
        }
        env::set_current_dir(dir.join("exports")).unwrap();
        let mock = MockSellercloud::start();
        let saved = client(&mock.url()).save_output_file(28143, ".").unwrap();
        assert_eq!(saved.path, Path::new("./inventory.txt"));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("exports")).unwrap();
    fs::create_dir(dir.path().join("elsewhere")).unwrap();
    let path = dir.path().canonicalize().unwrap();
    run_alone(TEST, &[("SCO_TEST_DIRECTORY", path.to_str().unwrap())]);
}

#[cfg(unix)]
#[test]
fn save_in_a_directory_that_is_renamed_fails_and_leaves_nothing() {
    let outer = tempfile::tempdir().unwrap();
    let (before, after) = (outer.path().join("before"), outer.path().join("after"));
    for how in [IfExists::Fail, IfExists::KeepBoth, IfExists::Replace] {
        fs::create_dir(&before).unwrap();
        let (server, is_half_sent, go_on) = in_two_halves();
        let client = client(&server.url);
        thread::scope(|scope| {
            let saving = scope.spawn(|| {
                let call = client.call().save_options(if_exists(how));
                call.save_output_file(1, &before)
            });
            is_half_sent.recv().unwrap();
            while names_in(&before).is_empty() {
                thread::yield_now();
            }
            fs::rename(&before, &after).unwrap();
            go_on.send(()).unwrap();
            let error = saving.join().unwrap().unwrap_err();
            assert_eq!(raw_os_error(&error), Some(libc::ENOENT), "{error}");
        });
        assert_eq!(names_in(&after), [""; 0]);
        fs::remove_dir(&after).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
#[allow(unsafe_code, reason = "the standard streams are closed")]
fn save_with_closed_standard_streams_avoids_their_descriptors() {
    const TEST: &str = "save::save_with_closed_standard_streams_avoids_their_descriptors";
    if runs_alone() {
        let client = client(&env::var("SCO_TEST_URL").unwrap());
        let dir = env::var("SCO_TEST_DIRECTORY").unwrap();
        let duplicate = |fd| {
            // SAFETY: no memory is involved.
            unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 10) }
        };
        let kept = [0, 1, 2].map(duplicate);
        for fd in 0..3 {
            // SAFETY: nothing uses the standard streams until they are restored.
            unsafe { libc::close(fd) };
        }
        let links = Mutex::new(Vec::new());
        let mut is_first = true;
        let call = client.call().on_progress(|progress| {
            if progress.bytes_received > 0 && is_first {
                is_first = false;
                let link = |fd| fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
                links.lock().unwrap().extend([0, 1, 2].map(link));
            }
            ControlFlow::Continue(())
        });
        let saved = call.save_output_file(1, &dir);
        drop(client);
        for (fd, kept) in (0..).zip(kept) {
            // SAFETY: everything that used these descriptors is closed by now.
            unsafe { libc::dup2(kept, fd) };
        }
        let links = links.into_inner().unwrap();
        assert_eq!(links.len(), 3);
        let is_temporary = |link: &PathBuf| link.to_string_lossy().ends_with(".part");
        assert!(!links.iter().any(is_temporary), "{links:?}");
        assert_eq!(fs::read(saved.unwrap().path).unwrap(), [0; 300_000]);
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (server, _) = counting_server();
    let variables = [
        ("SCO_TEST_URL", server.url.as_str()),
        ("SCO_TEST_DIRECTORY", dir.path().to_str().unwrap()),
    ];
    run_alone(TEST, &variables);
}

/// Returns the name of a temporary file of another process, of this host or of another one.
#[cfg(target_os = "linux")]
fn temporary_name(is_of_this_host: bool, process: u32) -> String {
    let dir = tempfile::tempdir().unwrap();
    let (server, is_half_sent, _go_on) = in_two_halves();
    let client = client(&server.url);
    let cancel = CancelToken::new();
    let name = thread::scope(|scope| {
        let saving = scope.spawn(|| {
            let call = client.call().cancel_token(&cancel);
            call.save_output_file(1, dir.path()).unwrap_err()
        });
        is_half_sent.recv().unwrap();
        let name = loop {
            if let Some(name) = names_in(dir.path()).pop() {
                break name;
            }
            thread::yield_now();
        };
        cancel.cancel();
        saving.join().unwrap();
        name
    });
    let name = name.replace(
        &format!("-{}-", std::process::id()),
        &format!("-{process}-"),
    );
    match is_of_this_host {
        true => name,
        false => name.replace("-output-", "-output-0"),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn save_removes_leftovers_and_no_other_temporary_files() {
    let mock = MockSellercloud::start();
    let dir = tempfile::tempdir().unwrap();
    let client = client(&mock.url());
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    let alive = std::process::id();
    let days = |days| std::time::SystemTime::now() - Duration::from_secs(days * 24 * 3600 + 60);
    // None of them is locked, as on a file system without working locks.
    let mut stay = Vec::new();
    let mut plant = |name: String, age: u64, stays: bool| {
        let file = File::create(dir.path().join(&name)).unwrap();
        file.set_modified(days(age)).unwrap();
        if stays {
            stay.push(name);
        }
        file
    };
    plant(temporary_name(true, alive), 0, true);
    plant(temporary_name(true, ended.id()), 0, false);
    plant(temporary_name(true, 4_000_000_000), 0, false);
    plant(temporary_name(true, alive), 1, false);
    plant(temporary_name(false, ended.id()), 0, true);
    plant(temporary_name(false, ended.id()), 1, false);
    // In use: it is locked.
    let locked = [
        plant(temporary_name(true, ended.id()), 0, true),
        plant(temporary_name(false, ended.id()), 7, true),
    ];
    locked.iter().for_each(|file| file.lock().unwrap());
    // Names that temporary files do not have.
    for name in ["x", "x.part", "1-abcdef.part", "0-1-0123456789abcdeg.part"] {
        plant(format!(".sellercloud-output-{name}"), 7, true);
    }
    client.save_output_file(28143, dir.path()).unwrap();
    stay.push("inventory.txt".to_owned());
    stay.sort();
    assert_eq!(names_in(dir.path()), stay);
}

#[cfg(target_os = "linux")]
#[test]
fn save_searches_a_large_directory_once() {
    let mock = MockSellercloud::start();
    let client = client(&mock.url());
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    ended.wait().unwrap();
    for (files, is_searched_again) in [(20_000, false), (100, true)] {
        let dir = tempfile::tempdir().unwrap();
        (0..files).for_each(|file| fs::write(dir.path().join(file.to_string()), "").unwrap());
        for is_searched in [true, is_searched_again] {
            let leftover = dir.path().join(temporary_name(true, ended.id()));
            fs::write(&leftover, "").unwrap();
            let call = client.call().save_options(if_exists(IfExists::KeepBoth));
            call.save_output_file(28143, dir.path()).unwrap();
            assert_eq!(!leftover.exists(), is_searched, "{files} files");
        }
    }
}

#[test]
fn save_server_name_of_temporary_files_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let name = ".sellercloud-output-0-1-0123456789abcdef.part";
    let server = RawServer::responding(format!(
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\
         Content-Disposition: attachment; filename=\"{name}\"\r\n\r\nQUJD"
    ));
    let client = client(&server.url);
    let saved = client.save_output_file(1, dir.path()).unwrap();
    let expected = format!("_{}", &name[1..]);
    assert_eq!(saved.path.file_name().unwrap(), expected.as_str());
    let mut file = client.get_output_file(1).unwrap();
    file.name = name.to_owned();
    let error = file.save(dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let call = client.call().save_options(if_exists(IfExists::KeepBoth));
    call.save_output_file(1, dir.path()).unwrap();
    assert_eq!(names_in(dir.path()).len(), 2);
    assert_eq!(fs::read(saved.path).unwrap(), b"ABC");
}

// Windows does not remove a directory in which a file is open.
#[cfg(unix)]
#[test]
fn save_in_directory_that_vanishes_fails() {
    let outer = tempfile::tempdir().unwrap();
    let dir = TempDir::new_in(outer.path()).unwrap();
    let (server, is_half_sent, go_on) = in_two_halves();
    let client = client(&server.url);
    let path = dir.path().join("half.csv");
    thread::scope(|scope| {
        let saving = scope.spawn(|| client.save_output_file(1, path.parent().unwrap()));
        is_half_sent.recv().unwrap();
        while names_in(dir.path()).is_empty() {
            thread::yield_now();
        }
        dir.close().unwrap();
        go_on.send(()).unwrap();
        let (message, reported) = io_error(saving.join().unwrap());
        assert_eq!(reported, path);
        assert!(message.contains("half.csv"), "{message}");
    });
    assert_eq!(names_in(outer.path()), [""; 0]);
}

/// Runs a test with a file system of its own mounted at $SCO_TEST_DIRECTORY.
fn on_file_system(mount_options: &str, test: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mount = format!("mount -t tmpfs -o {mount_options} tmpfs \"$SCO_TEST_DIRECTORY\"");
    run_alone_in(
        &format!("exec unshare -rm sh -ec '{mount}; exec \"$@\"' sh \"$@\""),
        test,
        &[("SCO_TEST_DIRECTORY", dir.path().to_str().unwrap())],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn save_on_full_disk_fails() {
    if runs_alone() {
        let dir = PathBuf::from(env::var("SCO_TEST_DIRECTORY").unwrap());
        let mock = MockSellercloud::start();
        let client = client(&mock.url());
        let outcome = client.save_output_file(28148, &dir);
        let code = raw_os_error(outcome.as_ref().unwrap_err());
        assert_eq!(code, Some(libc::ENOSPC));
        let (message, path) = io_error(outcome);
        assert_eq!(path, dir.join("large.bin"));
        assert!(message.contains("No space left on device"), "{message}");
        let file = client.get_output_file(28148).unwrap();
        assert_eq!(io_error(file.save(&dir)).1, path);
        assert_eq!(names_in(&dir), [""; 0]);
        client.save_output_file(28143, &dir).unwrap();
        return;
    }
    on_file_system("size=1m", "save::save_on_full_disk_fails");
}

#[cfg(target_os = "linux")]
#[test]
fn save_in_read_only_directory_fails() {
    if runs_alone() {
        let dir = PathBuf::from(env::var("SCO_TEST_DIRECTORY").unwrap());
        let mock = MockSellercloud::start();
        let outcome = client(&mock.url()).save_output_file(28143, &dir);
        let error = outcome.as_ref().unwrap_err();
        assert_eq!(raw_os_error(error), Some(libc::EROFS));
        assert_eq!(error.attempts(), 0);
        let (message, path) = io_error(outcome);
        assert_eq!(path, dir);
        assert!(message.contains("Read-only file system"), "{message}");
        return;
    }
    on_file_system("ro", "save::save_in_read_only_directory_fails");
}

/// A writer that accepts this many bytes and then fails.
struct Failing(usize);

impl Write for Failing {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the writer's own words"));
        }
        let length = data.len().min(self.0);
        self.0 -= length;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::Error::other("not flushed"))
    }
}

#[test]
fn write_to_failing_writer_fails() {
    let mock = MockSellercloud::start();
    let client = client(&mock.url());
    for (room, words) in [
        (0, "the writer's own words"),
        (1000, "the writer's own words"),
        (1 << 20, "not flushed"),
    ] {
        let error = client
            .write_output_file(28143, &mut Failing(room))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert_eq!(error.attempts(), 1);
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn write_passes_bytes_on_as_they_arrive() {
    let (server, is_half_sent, go_on) = in_two_halves();
    let client = client(&server.url);
    let (reader, mut writer) = io::pipe().unwrap();
    let mut reader = reader;
    thread::scope(|scope| {
        let writing = scope.spawn(move || client.write_output_file(1, &mut writer));
        is_half_sent.recv().unwrap();
        // The other half has not been sent yet.
        let mut half = vec![1; 149_000];
        reader.read_exact(&mut half).unwrap();
        assert!(half.iter().all(|&byte| byte == 0));
        go_on.send(()).unwrap();
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(half.len() + rest.len(), 300_000);
        assert_eq!(writing.join().unwrap().unwrap().size, 300_000);
    });
}

#[test]
fn write_retries_only_before_the_first_byte() {
    // Truncated in the head, truncated in the body, and whole.
    let response = HEAD.to_owned() + &"A".repeat(400_000);
    for (first, attempts) in [(20, 2), (HEAD.len() + 200_000, 1)] {
        let requests = AtomicUsize::new(0);
        let requests = Arc::new(requests);
        let (response, count) = (response.clone(), requests.clone());
        let server = RawServer::start(move |_, connection| {
            let length = match count.fetch_add(1, Ordering::SeqCst) {
                0 => first,
                _ => response.len(),
            };
            let _ = connection.write_all(&response.as_bytes()[..length]);
        });
        let mut written = Vec::new();
        let outcome = client(&server.url).write_output_file(1, &mut written);
        assert_eq!(requests.load(Ordering::SeqCst), attempts);
        if attempts == 1 {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Connection);
            continue;
        }
        assert_eq!(outcome.unwrap().size, 300_000);
        assert_eq!(written, [0; 300_000]);
    }
}

#[test]
fn save_retry_starts_over() {
    let dir = tempfile::tempdir().unwrap();
    let requests = AtomicUsize::new(0);
    let server = RawServer::start({
        let requests = Arc::new(requests);
        let response = HEAD.to_owned() + &"A".repeat(400_000);
        move |_, connection| {
            let length = match requests.fetch_add(1, Ordering::SeqCst) {
                0 => response.len() - 1,
                _ => response.len(),
            };
            let _ = connection.write_all(&response.as_bytes()[..length]);
        }
    });
    let saved = client(&server.url).save_output_file(1, dir.path()).unwrap();
    assert_eq!(fs::read(saved.path).unwrap(), [0; 300_000]);
    assert_eq!(names_in(dir.path()), ["half.csv"]);
}

#[test]
fn save_over_max_file_size_fails() {
    let mock = MockSellercloud::start();
    let client = Client::builder(mock.url()).token(TOKEN).max_file_size(100);
    let client = client.build().unwrap();
    let mut written = Vec::new();
    let error = client.write_output_file(28143, &mut written).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(written.len() <= 100);
    let dir = tempfile::tempdir().unwrap();
    let error = client.save_output_file(28143, dir.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(names_in(dir.path()), [""; 0]);
}
