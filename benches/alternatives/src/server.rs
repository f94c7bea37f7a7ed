//! A server that sends prepared responses.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::files;

/// Serves until standard input ends. Prints the HTTP URL, the HTTPS URL, and the path of the
/// certificate.
pub fn run() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".into()]).unwrap();
    let certificate = certificate.self_signed(&key).unwrap();
    let path = std::env::temp_dir().join(format!("alternatives-{}.pem", std::process::id()));
    std::fs::write(&path, certificate.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let plain = listen(serve);
    let tls = listen(move |socket| {
        let connection = ServerConnection::new(config.clone()).unwrap();
        serve(StreamOwned::new(connection, socket))
    });
    println!("http://127.0.0.1:{plain}/rest");
    println!("https://localhost:{tls}/rest");
    println!("{}", path.display());
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
    std::fs::remove_file(path).unwrap();
}

fn listen<S>(serve: S) -> u16
where
    S: Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for socket in listener.incoming() {
            let (serve, socket) = (serve.clone(), socket.unwrap());
            socket.set_nodelay(true).unwrap();
            thread::spawn(move || serve(socket));
        }
    });
    port
}

/// Returns the body for a job's file, which is built for the first request.
fn body_of(job: usize) -> &'static [u8] {
    static BODIES: LazyLock<Mutex<HashMap<usize, &'static [u8]>>> = LazyLock::new(Mutex::default);
    let mut bodies = BODIES.lock().unwrap();
    bodies
        .entry(job)
        .or_insert_with(|| files::body(job).expect("unknown job").leak())
}

fn serve(stream: impl Read + Write) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        let job = head
            .split([' ', '/'])
            .find_map(|part| part.parse::<usize>().ok());
        let job = job.expect("no job id in the path");
        let body = body_of(job);
        let mut start = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\
             Content-Disposition: attachment; filename=report.csv\r\n\r\n",
            body.len()
        )
        .into_bytes();
        // A small response is sent with one write.
        let first = body.len().min(32 * 1024);
        start.extend_from_slice(&body[..first]);
        let out = stream.get_mut();
        out.write_all(&start)?;
        out.write_all(&body[first..])?;
        out.flush()?;
    }
}
