//! The command with a directory, as the README shows it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mock_server::TOKEN;
use tempfile::TempDir;

/// The command, which is killed when this is dropped.
struct Server {
    process: Child,
    /// What it printed at the start, a line each.
    lines: Vec<String>,
}

impl Server {
    fn start(directory: &Path, lines: usize) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_mock_server"))
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let lines = output.lines().take(lines).map(Result::unwrap).collect();
        Self { process, lines }
    }

    fn host(&self) -> &str {
        let url = self.lines[0].strip_prefix("server: http://").unwrap();
        url.strip_suffix("/rest").unwrap()
    }

    /// Sends a request and returns the whole response.
    fn get(&self, path: &str, token: &str) -> String {
        let host = self.host();
        let mut connection = TcpStream::connect(host).unwrap();
        write!(
            connection,
            "GET /rest/api/{path} HTTP/1.1\r\nHost: {host}\r\n\
             Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut response = String::new();
        connection.read_to_string(&mut response).unwrap();
        response
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("orders.csv"), "ABC").unwrap();
    fs::write(directory.path().join("labels.zip"), "").unwrap();
    fs::write(directory.path().join(".hidden"), "").unwrap();
    fs::create_dir(directory.path().join("subdirectory")).unwrap();
    directory
}

#[test]
fn command_output_matches_the_readme() {
    let directory = directory();
    let server = Server::start(directory.path(), 4);
    let readme = include_str!("../README.md");
    let (_, block) = readme
        .split_once("```console\n$ cargo run -p mock_server -- DIR\n")
        .unwrap();
    let (block, _) = block.split_once("```\n").unwrap();
    let shown = server.lines.join("\n") + "\n";
    let shown = shown.replace(server.host(), "127.0.0.1:40001");
    assert_eq!(shown, block);
}

#[test]
fn file_is_sent_as_base64_with_its_name() {
    let directory = directory();
    fs::write(directory.path().join("é b.csv"), "DEF").unwrap();
    let server = Server::start(directory.path(), 5);
    assert_eq!(server.lines[4], "job 3: é b.csv");
    for path in [
        "QueuedJobs/OutputFile/3",
        "QueuedJobs/OutputFile?id=3",
        "queuedjobs/outputfile/3",
    ] {
        let response = server.get(path, TOKEN);
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        let header = "Content-Disposition: attachment; filename*=UTF-8''%C3%A9%20b.csv\r\n";
        assert!(response.contains(header), "{response}");
        assert!(response.ends_with("\r\n\r\nREVG"), "{response}");
    }
}

#[test]
fn job_is_completed() {
    let directory = directory();
    let server = Server::start(directory.path(), 4);
    let response = server.get("QueuedJobs/2", TOKEN);
    let (_, body) = response.split_once("\r\n\r\n").unwrap();
    let job: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(job["Basic"]["ID"], 2);
    assert_eq!(job["Basic"]["Status"], "Completed");
    assert_eq!(job["OutputFile"], "orders.csv");
}

#[test]
fn unknown_job_or_wrong_token_fails() {
    let directory = directory();
    let server = Server::start(directory.path(), 4);
    for path in [
        "QueuedJobs/0",
        "QueuedJobs/3",
        "QueuedJobs/x",
        "QueuedJobs/OutputFile/3",
    ] {
        let response = server.get(path, TOKEN);
        assert!(response.starts_with("HTTP/1.1 500 "), "{path}: {response}");
        assert!(response.contains("Could not find"), "{path}: {response}");
    }
    let response = server.get("QueuedJobs/1", "wrong");
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
}

#[test]
fn absent_directory_fails() {
    let directory = directory();
    let output = Command::new(env!("CARGO_BIN_EXE_mock_server"))
        .arg(directory.path().join("absent"))
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with("mock_server: cannot list the directory "),
        "{message}"
    );
}
