//! JSON as .NET servers write it: the case of the keys is not settled.

use serde_json::{Map, Value};

/// The value of a key, whose case does not count.
pub(crate) fn find<'a>(map: &'a Map<String, Value>, wanted: &str) -> Option<&'a Value> {
    let mut entries = map.iter();
    entries
        .find(|(key, _)| key.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value)
}

/// Reads a whole body, which a byte order mark may lead.
pub(crate) fn read(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)).ok()
}
