//! Panics in callbacks and writers: they reach the caller, and the client stays usable.

use std::cell::Cell;
use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use mock_server::RawServer;
use sellercloud_output::{Client, Error};

/// Starts a server that sends a file in many chunks.
fn server() -> RawServer {
    RawServer::start(|_, connection| {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = ["1000\r\n", &"QUJD".repeat(1024), "\r\n"].concat();
        let sent = connection.write_all(head);
        let sent = sent.and_then(|()| connection.write_all(chunk.repeat(100).as_bytes()));
        // The client may close the connection.
        let _ = sent.and_then(|()| connection.write_all(b"0\r\n\r\n"));
    })
}

const LENGTH: usize = 100 * 1024 * 3;

fn panics<T>(call: impl FnOnce() -> Result<T, Error>) {
    let outcome = catch_unwind(AssertUnwindSafe(call));
    let panic = outcome.err().expect("it did not panic");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"the caller's own"));
}

/// Returns a function that panics when it is called for the `number`th time.
fn panic_at(number: usize) -> impl Fn() {
    let calls = Cell::new(0);
    move || {
        calls.set(calls.get() + 1);
        if calls.get() == number {
            panic!("the caller's own");
        }
    }
}

struct Panicking;

impl Write for Panicking {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("the caller's own");
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn panic_in_a_callback_leaves_the_client_usable() {
    let server = server();
    let client = Client::builder(&server.url).token("token").build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let works = || {
        assert_eq!(client.get_output_file(1).unwrap().bytes.len(), LENGTH);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    };
    let progress = |number| {
        let panic = panic_at(number);
        move |_: sellercloud_output::Progress| {
            panic();
            ControlFlow::Continue(())
        }
    };
    for number in [1, 2, 5] {
        panics(|| {
            client
                .call()
                .on_progress(progress(number))
                .get_output_file(1)
        });
        works();
        let call = client.call().on_progress(progress(number));
        panics(|| call.save_output_file(1, folder.path()));
        works();
    }
    panics(|| client.write_output_file(1, &mut Panicking));
    works();
    let panic = panic_at(1);
    panics(|| {
        let interrupt = move || {
            panic();
            ControlFlow::Continue(())
        };
        client.call().interrupt(interrupt).get_output_file(1)
    });
    works();
}

#[test]
fn panic_in_a_token_provider_fails_one_call_only() {
    let server = server();
    let asked = AtomicUsize::new(0);
    let builder = Client::builder(&server.url).token_provider(move |_| {
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("the caller's own"),
            _ => Ok::<_, Error>("token".to_owned()),
        }
    });
    let client = builder.build().unwrap();
    panics(|| client.get_output_file(1));
    assert_eq!(client.get_output_file(1).unwrap().bytes.len(), LENGTH);
}
