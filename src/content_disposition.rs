//! The file name in a Content-Disposition header, as the sender meant it
//! (RFC 6266), before it is made safe.
//!
//! `filename*` (RFC 8187) wins over continuations `filename*0` (RFC 2231
//! section 3), and those over `filename`. A parameter that is not valid is
//! passed over. Of two alike, the first counts. What the RFCs forbid but
//! browsers put up with is read where only one meaning is possible: a missing
//! disposition type, unquoted blanks, a missing closing quote, raw UTF-8 or
//! Latin-1 bytes, encoded words.

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::encoded_word;

/// The name in the header's value, if it gives one.
pub(crate) fn file_name(header: &[u8]) -> Option<String> {
    let parameters = parameters(header);
    let first = |wanted: &str| {
        let mut all = parameters.iter();
        all.find(|parameter| parameter.name == wanted)
    };
    first("filename*")
        .and_then(|parameter| extended(&parameter.value))
        .or_else(|| continued(&parameters))
        .or_else(|| Some(plain(first("filename")?)))
        .filter(|name| !name.trim().is_empty())
}

struct Parameter {
    /// In lower case, blanks around it removed.
    name: String,
    /// Without its quotes and their escapes.
    value: Vec<u8>,
}

/// The parameters, in order. The disposition type, and whatever else has no
/// `=`, is not among them.
fn parameters(header: &[u8]) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    let mut rest = header;
    while !rest.is_empty() {
        // A name ends at `=`; a quoted string in its place is not one.
        rest = trim_start(rest);
        if rest.first() == Some(&b'"') {
            rest = after_semicolon(quoted(rest).1);
            continue;
        }
        let end = rest.iter().position(|b| matches!(b, b'=' | b';'));
        let Some(end) = end.filter(|&end| rest[end] == b'=') else {
            rest = after_semicolon(rest);
            continue;
        };
        let name = String::from_utf8_lossy(&rest[..end]).trim().to_lowercase();
        let after = trim_start(&rest[end + 1..]);
        let value;
        if after.first() == Some(&b'"') {
            let tail;
            (value, tail) = quoted(after);
            rest = after_semicolon(tail);
        } else {
            let end = after.iter().position(|&b| b == b';').unwrap_or(after.len());
            value = after[..end].trim_ascii_end().to_vec();
            rest = after_semicolon(&after[end..]);
        }
        parameters.push(Parameter { name, value });
    }
    parameters
}

fn trim_start(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_start()
}

fn after_semicolon(bytes: &[u8]) -> &[u8] {
    match bytes.iter().position(|&b| b == b';') {
        Some(at) => &bytes[at + 1..],
        None => &[],
    }
}

/// The content of the quoted string (RFC 9110 section 5.6.4) that `bytes`
/// starts with, and what follows it. It may lack its closing quote.
fn quoted(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let body = &bytes[1..];
    let mut end = 0;
    while end < body.len() && body[end] != b'"' {
        end += if body[end] == b'\\' { 2 } else { 1 };
    }
    let end = end.min(body.len());
    let (content, rest) = (&body[..end], body.get(end + 1..).unwrap_or_default());
    (unescape(content), rest)
}

/// Takes the backslashes of quoted pairs away. Not in a Windows path: a sender
/// that writes `C:\Exports\a.csv` does not know of quoted pairs, and none that
/// does would escape a letter after a drive.
fn unescape(content: &[u8]) -> Vec<u8> {
    if let [drive, b':', b'\\', next, ..] = content
        && drive.is_ascii_alphabetic()
        && !matches!(next, b'\\' | b'"')
    {
        return content.to_vec();
    }
    let mut plain = Vec::with_capacity(content.len());
    let mut bytes = content.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' => plain.push(*bytes.next().unwrap_or(&b'\\')),
            other => plain.push(other),
        }
    }
    plain
}

/// `charset'language'value` (RFC 8187 section 3.2).
fn extended(value: &[u8]) -> Option<String> {
    let (encoding, encoded) = charset_and_rest(value)?;
    text_of(encoding, &percent_decoded(encoded)?)
}

fn charset_and_rest(value: &[u8]) -> Option<(&'static Encoding, &[u8])> {
    let mut parts = value.splitn(3, |&b| b == b'\'');
    let (charset, _language, rest) = (parts.next()?, parts.next()?, parts.next()?);
    Some((Encoding::for_label(charset)?, rest))
}

fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_pair(rest.next()?, rest.next()?)?,
            // Only ASCII can stand for itself (attr-char); raw bytes have no charset.
            byte if byte.is_ascii() => byte,
            _ => return None,
        });
    }
    Some(bytes)
}

/// The byte that two hexadecimal digits write.
pub(crate) fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

/// The text, if all of `bytes` is of the encoding.
fn text_of(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(Cow::into_owned)
}

/// `filename*0`, `filename*1*`, ... put together (RFC 2231 sections 3 and 4.1):
/// in the order of their numbers, up to the first gap. At a number that comes
/// twice a second series begins, which does not count.
fn continued(parameters: &[Parameter]) -> Option<String> {
    let mut sections = BTreeMap::new();
    for parameter in parameters {
        let Some(number) = parameter.name.strip_prefix("filename*") else {
            continue;
        };
        let (number, is_encoded) = match number.strip_suffix('*') {
            Some(number) => (number, true),
            None => (number, false),
        };
        let is_number = number.bytes().all(|b| b.is_ascii_digit())
            && (number == "0" || !number.starts_with('0'));
        let Some(number) = number.parse::<usize>().ok().filter(|_| is_number) else {
            continue;
        };
        if sections.contains_key(&number) {
            break;
        }
        sections.insert(number, (is_encoded, parameter.value.as_slice()));
    }
    let mut encoding = None;
    let mut bytes = Vec::new();
    for (expected, (number, (is_encoded, value))) in sections.into_iter().enumerate() {
        if number != expected {
            break;
        }
        match (number, is_encoded) {
            (0, true) => {
                let (named, rest) = charset_and_rest(value)?;
                encoding = Some(named);
                bytes.extend(percent_decoded(rest)?);
            }
            (_, true) => bytes.extend(percent_decoded(value)?),
            (_, false) => bytes.extend_from_slice(value),
        }
    }
    match encoding {
        Some(encoding) => text_of(encoding, &bytes),
        None if bytes.is_empty() => None,
        None => Some(unlabelled(&bytes)),
    }
}

/// The value of a plain `filename`.
fn plain(parameter: &Parameter) -> String {
    encoded_word::decode(&unlabelled(&parameter.value))
}

/// Bytes without a charset: UTF-8 where they are, else Latin-1 as browsers
/// read it, which is windows-1252.
fn unlabelled(bytes: &[u8]) -> String {
    text_of(UTF_8, bytes).unwrap_or_else(|| {
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
        text.into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(header: &str) -> Option<String> {
        file_name(header.as_bytes())
    }

    #[test]
    fn well_formed_headers_give_their_name() {
        for (header, expected) in [
            ("attachment; filename=report.csv", "report.csv"),
            ("Attachment;FILENAME=\"a b.csv\"", "a b.csv"),
            ("inline; filename = \"a.csv\" ; size=5", "a.csv"),
            (r#"attachment; filename="say \"hi\".csv""#, "say \"hi\".csv"),
            (r#"attachment; filename="r\eport.csv""#, "report.csv"),
            (r#"attachment; filename="C:\\a\\b.csv""#, "C:\\a\\b.csv"),
            ("attachment; filename=\"a;b=c.csv\"; x=y", "a;b=c.csv"),
            (r#"attachment; x="\"; filename=no"; filename=yes"#, "yes"),
            ("attachment; filename='a.csv'", "'a.csv'"),
            ("attachment; filename=\"100%.csv\"", "100%.csv"),
            ("attachment; filename=\"a%41.csv\"", "a%41.csv"),
            (
                "attachment; filename*=UTF-8''%e2%82%ac%20rates.csv",
                "€ rates.csv",
            ),
            ("attachment; filename*=utf-8'de'a%2Dz", "a-z"),
            ("attachment; filename* = iso-8859-1''%E4", "ä"),
            ("attachment; filename*=ISO-8859-15''%A4", "€"),
            ("attachment; filename=a; filename*=UTF-8''b", "b"),
            ("attachment; filename*=UTF-8''b; filename=a", "b"),
            ("attachment; filename*=UTF-8''b%2541", "b%41"),
            ("attachment; filename*=UTF-8''it's", "it's"),
        ] {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn extended_values_that_are_not_valid_give_way() {
        for value in [
            "plain",
            "UTF-8'plain",
            "''plain",
            "no-such-set''plain",
            "UTF-8''100%",
            "UTF-8''%4",
            "UTF-8''%zz",
            "UTF-8''%e4",
            "UTF-8''\u{e9}",
            "",
        ] {
            let header = format!("attachment; filename*={value}; filename=other");
            assert_eq!(name(&header).as_deref(), Some("other"), "{header}");
            assert_eq!(
                name(&format!("attachment; filename*={value}")),
                None,
                "{value}"
            );
        }
        assert_eq!(name("attachment; filename *=UTF-8''a"), None);
    }

    #[test]
    fn continuations_are_put_together() {
        for (header, expected) in [
            ("a; filename*0=foo; filename*1=\".csv\"", "foo.csv"),
            ("a; filename*1=.csv; filename*0=foo", "foo.csv"),
            (
                "a; filename*0*=UTF-8''%c3; filename*1*=%a4; filename*2=\"%41\"",
                "ä%41",
            ),
            ("a; filename=no; filename*0=foo; filename*1=bar", "foobar"),
            ("a; filename*0=foo; filename*2=bar", "foo"),
            ("a; filename*0=foo; filename*01=bar", "foo"),
            (
                "a; filename*0=foo; filename*1=bar; filename*0=x; filename*2=y",
                "foobar",
            ),
            (
                "a; filename*0*=UTF-8''foo; filename*0=x; filename*1=y",
                "foo",
            ),
            ("a; filename*0=UTF-8''a; filename*1*=%20b", "UTF-8''a b"),
            ("a; filename*0*=ISO-8859-15''%a4; filename*=UTF-8''b", "b"),
            ("a; filename=plain; filename*1=bar", "plain"),
            ("a; filename=plain; filename**=UTF-8''x", "plain"),
            ("a; filename=plain; filename*0*=UTF-8''%e4", "plain"),
            (
                "a; filename*0=a; filename*99999999999999999999999999=b; filename*-1=c",
                "a",
            ),
        ] {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
        }
        let many: String = (0..20)
            .rev()
            .map(|n| format!("; filename*{n}={}", n % 10))
            .collect();
        assert_eq!(
            name(&format!("a{many}")).as_deref(),
            Some("01234567890123456789")
        );
    }

    #[test]
    fn what_browsers_put_up_with_is_read() {
        for (header, expected) in [
            ("filename=a.csv", "a.csv"),
            ("filename\t=a.csv; attachment", "a.csv"),
            ("; filename=a.csv", "a.csv"),
            (";;; filename=a.csv;;", "a.csv"),
            ("x=y; filename=a.csv", "a.csv"),
            ("inline; attachment; filename=a.csv", "a.csv"),
            ("attachment; nonsense; filename=a.csv", "a.csv"),
            ("\"x; filename=no\"; filename=a.csv", "a.csv"),
            ("attachment; filename=a b.csv", "a b.csv"),
            ("attachment; filename=a,b.csv", "a,b.csv"),
            ("attachment; filename=a[1](2).csv ;", "a[1](2).csv"),
            ("attachment; filename=\"a.csv", "a.csv"),
            ("attachment; filename=\"a\\", "a\\"),
            ("attachment; filename=\"a.csv\".exe; x=y", "a.csv"),
            ("attachment; filename=first; filename=second", "first"),
            ("attachment; filename*=\"UTF-8''%41\"", "A"),
            (
                r#"attachment; filename="C:\Exports\a.csv""#,
                "C:\\Exports\\a.csv",
            ),
            ("attachment; filename=\"=?utf-8?B?w6kuY3N2?=\"", "é.csv"),
            (
                "attachment; filename==?ISO-8859-1?Q?foo-=E4.csv?=",
                "foo-ä.csv",
            ),
            ("attachment; filename=\"é.csv\"", "é.csv"),
            ("attachment; filename=é.csv", "é.csv"),
        ] {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
        }
        let latin1 = b"attachment; filename=\"caf\xe9 \x80.csv\"";
        assert_eq!(file_name(latin1).as_deref(), Some("café €.csv"));
    }

    #[test]
    fn where_no_name_is_given_there_is_none() {
        for header in [
            "",
            "attachment",
            "attachment;",
            "attachment; filename",
            "attachment; filename=",
            "attachment; filename=\"\"",
            "attachment; filename=\"  \"",
            "attachment; filename=\"",
            "attachment; name=a.csv",
            "attachment; xfilename=a.csv",
            "attachment filename=a.csv",
            "attachment; x=y filename=a.csv",
            "attachment; x=\"filename=a.csv\"",
            "\"attachment\"",
            "=",
            ";=;=\"",
        ] {
            assert_eq!(name(header), None, "{header}");
        }
    }
}
