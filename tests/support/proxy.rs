//! A real proxy: tinyproxy.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
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
    /// For everyone, or for those who know this user name and password.
    pub fn start(login: Option<(&str, &str)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Someone else may take the port before tinyproxy does; then it ends, and says so.
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
            .spawn()
            .expect("tinyproxy must be installed");
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert_eq!(process.try_wait().unwrap(), None, "tinyproxy ended");
            assert!(start.elapsed() < Duration::from_secs(20));
            thread::sleep(Duration::from_millis(10));
        }
        Self {
            port,
            folder,
            process,
        }
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
