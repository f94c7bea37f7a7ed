//! A real proxy: tinyproxy.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Runs until it is dropped.
pub struct Proxy {
    pub port: u16,
    folder: TempDir,
    process: Child,
}

impl Proxy {
    /// Starts a proxy for every client, or for those with this user name and password.
    pub fn start(login: Option<(&str, &str)>) -> Self {
        // Another process may take the port before tinyproxy does. Then it ends.
        for _ in 0..10 {
            if let Some(proxy) = Self::try_start(login) {
                return proxy;
            }
        }
        panic!("tinyproxy found no free port");
    }

    fn try_start(login: Option<(&str, &str)>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let log = folder.path().join("log");
        let mut settings = format!(
            "Listen 127.0.0.1\nPort {port}\nTimeout 600\nLogLevel Info\nLogFile \"{}\"\n",
            log.display()
        );
        if let Some((user, password)) = login {
            settings += &format!("BasicAuth {user} {password}\n");
        }
        let path = folder.path().join("tinyproxy.conf");
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
            assert!(start.elapsed() < Duration::from_secs(20), "tinyproxy hangs");
            thread::sleep(Duration::from_millis(10));
        }
        Some(Self {
            port,
            folder,
            process,
        })
    }

    /// Its URL, without user name and password.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its URL, with `login` as it is to be in the URL.
    pub fn url_with(&self, login: &str) -> String {
        format!("http://{login}@127.0.0.1:{}", self.port)
    }

    /// How many requests it took.
    pub fn requests(&self) -> usize {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        log.lines()
            .filter(|line| line.contains("Request ("))
            .count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
