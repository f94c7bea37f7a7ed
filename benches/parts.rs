//! The decoder and the name parser by themselves:
//! `cargo bench --features internals`.

use std::hint::black_box;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use divan::Bencher;
use divan::counter::BytesCount;
use sellercloud_output::fuzzing::{decode_body, name_of_header};

fn main() {
    divan::main();
}

const FORMS: [&str; 4] = ["plain", "lines", "JSON string", "FileResponse"];

/// A file of 4 MiB as it is sent.
fn body(form: &str) -> Vec<u8> {
    let text = STANDARD.encode(mock_server::fixtures::noise(4 << 20));
    let escaped = || text.replace('/', r"\/").replace('+', r"\u002b");
    match form {
        "plain" => text.into_bytes(),
        "lines" => text
            .as_bytes()
            .chunks(76)
            .collect::<Vec<_>>()
            .join(&b"\r\n"[..]),
        "JSON string" => format!("\"{}\"", escaped()).into_bytes(),
        "FileResponse" => format!(
            r#"{{"FileName": "report.csv", "Content": "{}"}}"#,
            escaped()
        )
        .into_bytes(),
        other => panic!("{other}"),
    }
}

#[divan::bench(args = FORMS)]
fn decode(bencher: Bencher, form: &str) {
    let body = body(form);
    bencher
        .counter(BytesCount::of_slice(&body))
        .bench(|| assert!(decode_body(&mut black_box(&body[..]), &mut io::sink())));
}

#[divan::bench(args = [
    "attachment; filename=report.csv",
    "attachment; filename=\"=?utf-8?B?T3JkZXJzIMOpLmNzdg==?=\"",
    "attachment; filename=orders.csv; filename*=UTF-8''Orders%20%C3%A9%202026-11-23.csv",
    "attachment; filename*0=\"a long\"; filename*1=\" name.csv\"",
])]
fn name(header: &str) -> Option<String> {
    name_of_header(black_box(header).as_bytes())
}
