//! The files that the server has.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Decoded bytes of a block: whole lines of 76 characters.
const BLOCK: usize = 57 * 1536;

/// The beginning of a `FileResponse`.
const OBJECT: &str = "{\"FileName\":\"report.csv\",\"Content\":\"";

/// What stands before the text, how it is encoded, and what stands behind.
type Form<'a> = (&'a str, &'a dyn Fn(&[u8]) -> String, &'a str);

/// A job's output file as it is sent. A job is form * 10 + size.
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

/// Bytes that look random and are the same every time.
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
