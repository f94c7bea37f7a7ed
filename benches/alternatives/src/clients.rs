//! The programs of the comparison: a socket whose data is discarded or stored, and ureq.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Makes `calls` calls on `threads` threads, each with a client of its own, after one call that
/// is not measured. Prints the seconds, the seconds of processor time, and the peak of memory
/// above the idle process in bytes.
pub fn measure<C>(url: &str, job: &str, calls: &str, threads: &str, new_client: fn(&str, &str) -> C)
where
    C: FnMut(),
{
    let (calls, threads): (usize, usize) = (calls.parse().unwrap(), threads.parse().unwrap());
    let idle = memory("VmRSS");
    let barrier = std::sync::Barrier::new(threads + 1);
    let (start, cpu) = thread::scope(|scope| {
        for thread in 0..threads {
            let barrier = &barrier;
            scope.spawn(move || {
                let mut call = new_client(url, job);
                call();
                barrier.wait();
                barrier.wait();
                for _ in (thread..calls).step_by(threads) {
                    call();
                }
            });
        }
        barrier.wait();
        let start = (Instant::now(), cpu_seconds());
        barrier.wait();
        start
    });
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!("{wall} {cpu} {}", memory("VmHWM") - idle);
}

/// Returns a figure of /proc/self/status, in bytes.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024
}

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Receives and discards the data: the maximum speed.
pub fn discarding(url: &str, job: &str) -> impl FnMut() + use<> {
    let mut receive = receiving(url, job);
    move || receive(&mut |_| {})
}

/// Receives, and writes as many bytes as the file has to a file in the directory $DIRECTORY: the
/// maximum speed of saving there.
pub fn storing(url: &str, job: &str) -> impl FnMut() + use<> {
    let mut receive = receiving(url, job);
    let directory = PathBuf::from(std::env::var_os("DIRECTORY").unwrap());
    move || {
        let mut file = File::create(directory.join("part")).unwrap();
        receive(&mut |chunk| file.write_all(&chunk[..chunk.len() / 4 * 3]).unwrap());
        std::fs::rename(directory.join("part"), directory.join("stored")).unwrap();
    }
}

/// Called with each chunk that was received.
type Take<'a> = &'a mut dyn FnMut(&[u8]);

fn receiving(url: &str, job: &str) -> impl FnMut(Take) + use<> {
    let address = url
        .strip_prefix("http://")
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_nodelay(true).unwrap();
    let request = format!(
        "GET /rest/api/QueuedJobs/OutputFile/{job} HTTP/1.1\r\nHost: {address}\r\n\
         Authorization: Bearer token\r\nContent-Type: application/json\r\n\r\n"
    );
    // The fastest of the sizes from 16 KiB to 128 KiB.
    let mut buffer = vec![0; 32 * 1024];
    move |take| {
        socket.write_all(request.as_bytes()).unwrap();
        let length = socket.read(&mut buffer).unwrap();
        let text = String::from_utf8_lossy(&buffer[..length]);
        let head = text.find("\r\n\r\n").expect("the head did not arrive whole") + 4;
        let (_, rest) = text.split_once("Content-Length: ").unwrap();
        let body: usize = rest.split('\r').next().unwrap().parse().unwrap();
        take(&buffer[head..length]);
        let mut left = body - (length - head);
        while left > 0 {
            let length = socket.read(&mut buffer).unwrap();
            take(&buffer[..length]);
            left -= length;
        }
    }
}

pub fn ureq_and_base64(url: &str, job: &str) -> impl FnMut() + use<> {
    let agent = ureq::Agent::new_with_defaults();
    let url = format!("{url}/api/QueuedJobs/OutputFile/{job}");
    move || {
        let request = agent.get(&url).header("Authorization", "Bearer token");
        let mut response = request.call().unwrap();
        let body = response.body_mut().with_config().limit(u64::MAX);
        let text = body.read_to_vec().unwrap();
        let bytes = STANDARD.decode(text).unwrap();
        assert!(bytes.len() > 1000);
    }
}
