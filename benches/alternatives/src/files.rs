//! The server's files.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The decoded size of a block: whole lines of 76 characters.
const BLOCK: usize = 57 * 1536;

/// The beginning of a `FileResponse`.
const OBJECT: &str = "{\"FileName\":\"report.csv\",\"Content\":\"";

/// The text before the data, its encoding, and the text after it.
type Form<'a> = (&'a str, &'a dyn Fn(&[u8]) -> String, &'a str);

/// Returns the body for a job's output file. A job's id is form * 10 + size.
pub fn body(job: usize) -> Option<Vec<u8>> {
    let size = match job % 10 {
        1 => 20 * 1000,
        2 => 1 << 20,
        3 => 64 << 20,
        4 => 1 << 30,
        _ => return None,
    };
    let text = |bytes: &[u8]| STANDARD.encode(bytes);
    let wrapped = |bytes: &[u8]| {
        let text = text(bytes);
        let lines = text.as_bytes().chunks(76);
        lines
            .map(|line| String::from_utf8_lossy(line) + "\r\n")
            .collect()
    };
    let escaped = |bytes: &[u8]| text(bytes).replace('/', "\\/").replace('+', "\\u002b");
    let (before, encode, after): Form = match job / 10 {
        0 => ("", &text, ""),
        1 => ("", &wrapped, ""),
        2 => ("\"", &escaped, "\""),
        3 => (OBJECT, &escaped, "\"}"),
        4 => ("\"", &text, "\""),
        5 => (OBJECT, &text, "\"}"),
        _ => return None,
    };
    let noise = noise(BLOCK);
    let block = encode(&noise);
    let repeats = size / BLOCK;
    let mut body = Vec::with_capacity(before.len() + block.len() * (repeats + 1) + after.len());
    body.extend_from_slice(before.as_bytes());
    (0..repeats).for_each(|_| body.extend_from_slice(block.as_bytes()));
    body.extend_from_slice(encode(&noise[..size % BLOCK]).as_bytes());
    body.extend_from_slice(after.as_bytes());
    Some(body)
}

/// Returns pseudo-random bytes, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(state as u8)
    };
    std::iter::from_fn(next).take(length).collect()
}
