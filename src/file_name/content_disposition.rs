//! Reads the file name from a Content-Disposition header (RFC 6266).
//!
//! `filename*` (RFC 8187) has priority over continuations such as `filename*0` (RFC 2231
//! section 3), and those over `filename`. A parameter that is empty or invalid is skipped. If
//! another parameter occurs twice, the first one counts.
//!
//! Some headers that the RFCs forbid but browsers accept have only one possible meaning. They
//! are read too: without a disposition type, with unquoted whitespace, without a closing quote,
//! with raw UTF-8 or Latin-1 bytes, with encoded words, with a `filename*` that has no character
//! set, and two headers that a proxy joined with a comma.

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::parameters::{Parameter, parameters, unfold};
use super::{encoded_word, sanitize};
use crate::text::percent::hex_pair;

/// Returns the best name in the header's value, made safe; `None` if there is none.
pub(crate) fn from_header(header: &[u8]) -> Option<String> {
    file_names(header).into_iter().next()
}

/// Returns the names in the header's value that are usable, made safe, the best one first.
fn file_names(header: &[u8]) -> Vec<String> {
    let header = unfold(header);
    let mut names = Vec::new();
    let mut rest = header.as_ref();
    loop {
        let (parameters, next) = parameters(rest);
        names.extend(disposition_names(&parameters));
        match next {
            Some(next) => rest = next,
            None => break,
        }
    }
    names
}

/// Returns the names in the parameters of one disposition, made safe, the best one first.
fn disposition_names(parameters: &[Parameter]) -> Vec<String> {
    let values = |wanted: &'static str| {
        let named = parameters.iter().filter(move |it| it.name == wanted);
        named.map(|parameter| parameter.value.as_slice())
    };
    let mut names: Vec<_> = values("filename*")
        .filter_map(extended)
        .chain(continuations(parameters))
        .chain(values("filename").map(plain))
        .chain(values("filename*").filter_map(without_charset))
        .filter_map(|name| sanitize(without_quotes(&name)))
        .collect();
    // .NET writes U+FFFD for each half of a surrogate pair into `filename*`, but the right
    // name into `filename`. The sort is stable.
    names.sort_by_key(|name| name.contains(char::REPLACEMENT_CHARACTER));
    names
}

/// Returns `text` without the quotes around it.
///
/// `filename="\"a.csv\""` is a common mistake of programs that quote a name before a library
/// quotes it again.
fn without_quotes(text: &str) -> &str {
    let text = text.trim();
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text)
}

/// Decodes `charset'language'value` (RFC 8187 section 3.2); `None` if it is invalid.
fn extended(value: &[u8]) -> Option<String> {
    let (encoding, encoded) = split_charset(value)?;
    decoded(encoding, &percent_decoded(encoded)?)
}

/// Decodes the value of a `filename*` without a character set: `a.csv` or `''a.csv`. Returns
/// `None` for other values.
fn without_charset(value: &[u8]) -> Option<String> {
    let value = match value.strip_prefix(b"''") {
        Some(value) => value,
        None if value.contains(&b'\'') => return None,
        None => value,
    };
    let text = percent_decoded(value).and_then(|bytes| decoded(UTF_8, &bytes));
    Some(match text {
        Some(text) => encoded_word::decode(&text),
        None => plain(value),
    })
}

/// Splits `charset'language'value` into the character set and the value.
fn split_charset(value: &[u8]) -> Option<(&'static Encoding, &[u8])> {
    let mut parts = value.splitn(3, |&b| b == b'\'');
    let (charset, _language, rest) = (parts.next()?, parts.next()?, parts.next()?);
    Some((Encoding::for_label(charset)?, rest))
}

/// Resolves percent-encoding; `None` if it is invalid, or if there are raw bytes.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_pair(rest.next()?, rest.next()?)?,
            // Only ASCII may be unencoded (attr-char): raw bytes have no character set.
            byte if byte.is_ascii() => byte,
            _ => return None,
        });
    }
    Some(bytes)
}

/// Returns the text, or `None` if `bytes` is invalid in the encoding.
fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(Cow::into_owned)
}

/// Joins `filename*0`, `filename*1*` and so on (RFC 2231 sections 3 and 4.1), in the order of
/// their numbers, up to the first gap.
///
/// A number that occurs again begins a second series, which is ignored.
fn continuations(parameters: &[Parameter]) -> Option<String> {
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
                let (named, rest) = split_charset(value)?;
                encoding = Some(named);
                bytes.extend(percent_decoded(rest)?);
            }
            (_, true) => bytes.extend(percent_decoded(value)?),
            (_, false) => bytes.extend_from_slice(value),
        }
    }
    match encoding {
        Some(encoding) => decoded(encoding, &bytes),
        None if bytes.is_empty() => None,
        None => Some(plain(&bytes)),
    }
}

/// Decodes the value of a plain `filename`.
fn plain(value: &[u8]) -> String {
    encoded_word::decode(&without_known_charset(value))
}

/// Decodes bytes of an unknown character set: UTF-8 if they are valid in it, otherwise
/// windows-1252, as which browsers read Latin-1.
fn without_known_charset(bytes: &[u8]) -> String {
    decoded(UTF_8, bytes).unwrap_or_else(|| {
        let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
        text.into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(header: &str) -> Option<String> {
        from_header(header.as_bytes())
    }

    #[test]
    fn from_header_valid_header_returns_its_name() {
        for (header, expected) in [
            ("attachment; filename=report.csv", "report.csv"),
            ("Attachment;FILENAME=\"a b.csv\"", "a b.csv"),
            ("inline; filename = \"a.csv\" ; size=5", "a.csv"),
            (r#"attachment; filename="say \"hi\".csv""#, "say _hi_.csv"),
            (r#"attachment; filename="C:\\a\\b.csv""#, "b.csv"),
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
    fn from_header_invalid_extended_value_falls_back_to_plain_value() {
        for value in [
            "UTF-8'plain",
            "no-such-set''plain",
            "UTF-8''100%",
            "UTF-8''%4",
            "UTF-8''%zz",
            "UTF-8''%e4",
            "UTF-8''\u{e9}",
            "UTF-8''",
            "UTF-8''%20",
            "UTF-8''..",
            "UTF-8''%2F",
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
    fn from_header_continuations_are_joined() {
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
    fn from_header_invalid_header_that_browsers_accept_returns_its_name() {
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
            ("attachment; filename=\"a\\", "a"),
            ("attachment; filename=\"a.csv\".exe; x=y", "a.csv"),
            ("attachment; filename=first; filename=second", "first"),
            ("attachment; filename*=\"UTF-8''%41\"", "A"),
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
        assert_eq!(from_header(latin1).as_deref(), Some("café €.csv"));
    }

    #[test]
    fn from_header_without_name_returns_none() {
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

    #[test]
    fn from_header_path_with_backslashes_returns_last_segment() {
        for (header, expected) in [
            (r#"attachment; filename="C:\Exports\a.csv""#, "a.csv"),
            (
                r#"attachment; filename="\\fileserver\exports\a.csv""#,
                "a.csv",
            ),
            (
                r#"attachment; filename="\\\\fileserver\\exports\\a.csv""#,
                "a.csv",
            ),
            (
                r#"attachment; filename="Exports\2026\report.csv""#,
                "report.csv",
            ),
            (r#"attachment; filename="Exports\report.csv""#, "report.csv"),
            (r#"attachment; filename="\report.csv""#, "report.csv"),
            (r#"attachment; filename="..\..\report.csv""#, "report.csv"),
            (
                r#"attachment; filename="~\App_Data\report.csv""#,
                "report.csv",
            ),
            (
                r#"attachment; filename="C:\new\table.csv"; x=y"#,
                "table.csv",
            ),
            (
                r#"attachment; filename=\\fileserver\exports\a.csv"#,
                "a.csv",
            ),
            (r#"attachment; filename*=UTF-8''C:\Exports\a.csv"#, "a.csv"),
            (r#"attachment; filename="a\"b.csv""#, "a_b.csv"),
            (
                r#"attachment; filename="\"quoted\" once.csv""#,
                "_quoted_ once.csv",
            ),
            (
                r#"attachment; filename="\"quoted twice.csv\"""#,
                "quoted twice.csv",
            ),
        ] {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn from_header_unusable_value_falls_back_to_next_one() {
        for (header, expected) in [
            ("a; filename=\"good.csv\"; filename*=UTF-8''", "good.csv"),
            ("a; filename*=; filename=good.csv", "good.csv"),
            // Two parameters of the same name.
            ("a; filename=\"\"; filename=good.csv", "good.csv"),
            ("a; filename=..; filename=good.csv; filename=x", "good.csv"),
            (
                "a; filename*=UTF-8''; filename*=UTF-8''good.csv; filename=x",
                "good.csv",
            ),
            ("a; filename*=UTF-8''%; filename*=good.csv", "good.csv"),
            ("a; filename*=\"\"; filename=good.csv", "good.csv"),
            (
                "a; filename*=UTF-8''%EF%BF%BD%EF%BF%BD.csv; filename=good.csv",
                "good.csv",
            ),
            (
                "a; filename*=UTF-8''%EF%BF%BD.csv; filename=\"=?utf-8?B?8J+Ygi5jc3Y=?=\"",
                "😂.csv",
            ),
            (
                "a; filename*=UTF-8''%EF%BF%BD.csv; filename=..",
                "\u{fffd}.csv",
            ),
            ("a; filename*=UTF-8''%EF%BF%BD.csv", "\u{fffd}.csv"),
            ("a; filename*=a.csv; filename=good.csv", "good.csv"),
            ("a; filename=..; filename*=a.csv", "a.csv"),
            ("a; filename*=a.csv", "a.csv"),
            ("a; filename*=a%20%C3%A9.csv", "a é.csv"),
            ("a; filename*=100%.csv", "100%.csv"),
            ("a; filename*=''a%20b.csv", "a b.csv"),
            ("a; filename*=\"a.csv\"", "a.csv"),
            ("a; filename*==?utf-8?B?w6kuY3N2?=", "é.csv"),
            ("a; filename*=UTF-8''\"a.csv\"", "a.csv"),
            ("a; filename*=UTF-8''\"a;b.csv\"; x=y", "a;b.csv"),
            ("a; filename*=UTF-8''\"a%20b.csv\"; filename=no", "a b.csv"),
            ("a; filename*=UTF-8''%22a.csv%22", "a.csv"),
            (
                "a; filename*=\"UTF-8''\"a.csv\"\"; filename=good.csv",
                "good.csv",
            ),
        ] {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn from_header_joined_headers_return_first_name() {
        for (header, expected) in [
            (
                "attachment; filename=a.csv, attachment; filename=b.csv",
                "a.csv",
            ),
            (
                "attachment; filename=a.csv,attachment;filename=a.csv",
                "a.csv",
            ),
            (
                "attachment; filename=\"a.csv\", attachment; filename*=UTF-8''b.csv",
                "a.csv",
            ),
            (
                "attachment; filename*=UTF-8''a.csv, attachment; filename=b.csv",
                "a.csv",
            ),
            ("attachment; filename=a.csv, Inline", "a.csv"),
            ("attachment, attachment; filename=a.csv", "a.csv"),
            ("inline, attachment; filename=\"a.csv\"", "a.csv"),
            (
                "attachment; filename=.., attachment; filename=b.csv",
                "b.csv",
            ),
            (
                "attachment; filename=\"\", attachment; filename=b.csv",
                "b.csv",
            ),
            (
                "attachment; filename=\"a, attachment; b.csv\"",
                "a, attachment; b.csv",
            ),
            (
                "attachment; filename=a, attachments.csv",
                "a, attachments.csv",
            ),
            ("attachment; filename=a, inline.csv; x=y", "a, inline.csv"),
            // Without a type in the second header or in both.
            ("attachment; filename=a.csv, filename=b.csv", "a.csv"),
            ("filename=a.csv, FILENAME = \"b.csv\"", "a.csv"),
            ("a; filename*=UTF-8''a.csv, filename=b.csv", "a.csv"),
            ("attachment; filename=\"\",filename*=UTF-8''b.csv", "b.csv"),
            ("attachment, filename=a.csv", "a.csv"),
            ("a; filename=a, filename.csv", "a, filename.csv"),
        ] {
            assert_eq!(name(header).as_deref(), Some(expected), "{header}");
        }
    }

    #[test]
    fn from_header_fold_counts_as_space() {
        let words = "=?utf-8?B?w6nDqcOp?=FOLD=?utf-8?B?w6kuY3N2?=";
        for fold in ["%0d%0a ", "%0D%0A\t", "\r\n ", " ", "%0d%0a  ", ""] {
            let name_of = |header: String| name(&header.replace("FOLD", fold));
            let quoted = name_of(format!("attachment; filename=\"{words}\""));
            assert_eq!(quoted.as_deref(), Some("éééé.csv"), "{fold:?}");
            let unquoted = name_of(format!("attachment;FOLDfilename={words}"));
            assert_eq!(unquoted.as_deref(), Some("éééé.csv"), "{fold:?}");
        }
        let header = "attachment;%0d%0a filename=\"a%0d%0a b.csv\"";
        assert_eq!(name(header).as_deref(), Some("a b.csv"));
        assert_eq!(
            name("a; filename=a%0d%0ab.csv").as_deref(),
            Some("a%0d%0ab.csv")
        );
    }
}
