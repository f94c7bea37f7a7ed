//! A real proxy: tinyproxy, which must be installed.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A tinyproxy process, which is killed when this is dropped.
#[derive(Debug)]
pub struct Tinyproxy {
    port: u16,
    directory: TempDir,
    process: Child,
}

impl Tinyproxy {
    /// Starts a proxy for every client, or for those with this user name and password.
    ///
    /// # Panics
    ///
    /// Panics if tinyproxy is not installed or does not start.
    pub fn start(login: Option<(&str, &str)>) -> Self {
        // Another process may take the port before tinyproxy does. Tinyproxy exits then.
        for _ in 0..10 {
            if let Some(proxy) = Self::try_start(login) {
                return proxy;
            }
        }
        panic!("tinyproxy found no free port");
    }

    fn try_start(login: Option<(&str, &str)>) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let log = directory.path().join("log");
        let mut settings = format!(
            "Listen 127.0.0.1\nPort {port}\nTimeout 600\nLogLevel Info\nLogFile \"{}\"\n",
            log.display()
        );
        if let Some((user_name, password)) = login {
            settings += &format!("BasicAuth {user_name} {password}\n");
        }
        let path = directory.path().join("tinyproxy.conf");
        fs::write(&path, settings).unwrap();
        let mut process = Command::new("tinyproxy")
            .args(["-d", "-c"])
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tinyproxy must be installed");
        let start = Instant::now();
        while !fs::read_to_string(&log).is_ok_and(|log| log.contains("Accepting connections")) {
            if process.try_wait().unwrap().is_some() {
                return None;
            }
            assert!(
                start.elapsed() < Duration::from_secs(20),
                "tinyproxy does not start"
            );
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self {
            port,
            directory,
            process,
        })
    }

    /// Returns the URL, without user name and password.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the URL with `login` before the host. `login` must be percent-encoded.
    pub fn url_with(&self, login: &str) -> String {
        format!("http://{login}@127.0.0.1:{}", self.port)
    }

    /// Returns the number of requests in the proxy's log.
    ///
    /// # Panics
    ///
    /// Panics if the log cannot be read.
    pub fn requests(&self) -> usize {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap();
        log.lines()
            .filter(|line| line.contains("Request ("))
            .count()
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
