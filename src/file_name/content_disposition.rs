//! The file name in a Content-Disposition header, as the sender meant it
//! (RFC 6266), before it is made safe.
//!
//! `filename*` (RFC 8187) wins over continuations `filename*0` (RFC 2231
//! section 3), and those over `filename`. A parameter that is empty or not valid is
//! skipped. Of two others of the same name, the first counts. What the RFCs forbid but
//! browsers accept is read where only one meaning is possible: a missing
//! disposition type, unquoted whitespace, a missing closing quote, raw UTF-8 or
//! Latin-1 bytes, encoded words, `filename*` without a character set, and two headers
//! that a proxy joined by a comma.

use std::borrow::Cow;
use std::collections::BTreeMap;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::{encoded_word, sanitize};
use crate::text::percent::hex_pair;

/// Returns the names in the header's value that [`sanitize`] can make use of, made
/// safe, the best one first.
fn file_names(header: &[u8]) -> Vec<String> {
    let header = unfold(header);
    let mut names = Vec::new();
    let mut rest = header.as_ref();
    loop {
        let (parameters, next) = parameters(rest);
        names.extend(names_in(&parameters));
        match next {
            Some(next) => rest = next,
            None => break,
        }
    }
    names
}

/// Returns the best name in the header's value, made safe.
pub(crate) fn from_header(header: &[u8]) -> Option<String> {
    file_names(header).into_iter().next()
}

/// Returns the names that one disposition gives, made safe, the best one first.
fn names_in(parameters: &[Parameter]) -> Vec<String> {
    let values = |wanted: &'static str| {
        let named = parameters.iter().filter(move |it| it.name == wanted);
        named.map(|parameter| parameter.value.as_slice())
    };
    let mut names: Vec<_> = values("filename*")
        .filter_map(extended)
        .chain(continued(parameters))
        .chain(values("filename").map(plain))
        .chain(values("filename*").filter_map(without_charset))
        .filter_map(|name| sanitize(without_quotes(&name)))
        .collect();
    // .NET writes U+FFFD for each half of a surrogate pair into `filename*`; the `filename`
    // beside it is right. The sort is stable.
    names.sort_by_key(|name| name.contains(char::REPLACEMENT_CHARACTER));
    names
}

/// Replaces folds by a space. IIS writes the line break of a fold as `%0d%0a`.
fn unfold(header: &[u8]) -> Cow<'_, [u8]> {
    let fold = |rest: &[u8]| {
        let is_encoded = rest
            .get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"%0d%0a"));
        let line_break = match is_encoded {
            true => 6,
            false if rest.starts_with(b"\r\n") => 2,
            false => return None,
        };
        let space = rest[line_break..].iter();
        let space = space
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        (space > 0).then_some(line_break + space)
    };
    if !(0..header.len()).any(|at| fold(&header[at..]).is_some()) {
        return Cow::Borrowed(header);
    }
    let mut unfolded = Vec::with_capacity(header.len());
    let mut rest = header;
    while let Some(&byte) = rest.first() {
        let length = fold(rest);
        unfolded.push(if length.is_some() { b' ' } else { byte });
        rest = &rest[length.unwrap_or(1)..];
    }
    Cow::Owned(unfolded)
}

struct Parameter {
    /// In lowercase, without whitespace around it.
    name: String,
    /// Without its quotes and their escapes.
    value: Vec<u8>,
}

/// Returns the parameters of the first disposition in `header`, in order, and the text
/// after the comma that ends it, if there is another one. The disposition type, and
/// whatever else has no `=`, is not among the parameters.
fn parameters(header: &[u8]) -> (Vec<Parameter>, Option<&[u8]>) {
    let mut parameters = Vec::new();
    let mut rest = header;
    while !rest.is_empty() {
        // A name ends at `=`; a quoted string in its place is not one.
        rest = rest.trim_ascii_start();
        let mut tail = rest;
        if rest.first() == Some(&b'"') {
            tail = quoted(rest).1;
        } else if let Some(end) = rest.iter().position(|b| matches!(b, b'=' | b';'))
            && rest[end] == b'='
            && end < end_of_parameter(rest)
        {
            let name = String::from_utf8_lossy(&rest[..end]).trim().to_lowercase();
            let after = rest[end + 1..].trim_ascii_start();
            let value;
            if after.first() == Some(&b'"') {
                (value, tail) = quoted(after);
            } else {
                let end = match name.ends_with('*') {
                    true => end_of_extended(after),
                    false => end_of_parameter(after),
                };
                value = after[..end].trim_ascii_end().to_vec();
                tail = &after[end..];
            }
            parameters.push(Parameter { name, value });
        }
        let tail = &tail[end_of_parameter(tail)..];
        match tail.split_first() {
            Some((b',', next)) => return (parameters, Some(next)),
            Some((_, next)) => rest = next,
            None => break,
        }
    }
    (parameters, None)
}

/// Returns the position of the semicolon that ends a parameter, or of the comma that ends
/// the disposition, or the length of `bytes`.
fn end_of_parameter(bytes: &[u8]) -> usize {
    let ends = |at: &usize| match bytes[*at] {
        b';' => true,
        b',' => starts_with_type(&bytes[at + 1..]),
        _ => false,
    };
    (0..bytes.len()).find(ends).unwrap_or(bytes.len())
}

/// As [`end_of_parameter`], but passes over a quoted string: some senders put quotes around
/// the text after the character set, `UTF-8''"a;b.csv"`.
fn end_of_extended(bytes: &[u8]) -> usize {
    let end = end_of_parameter(bytes);
    let Some(open) = bytes[..end].iter().position(|&byte| byte == b'"') else {
        return end;
    };
    let is_after_charset = bytes[..open].ends_with(b"'");
    match bytes[open + 1..].iter().position(|&byte| byte == b'"') {
        Some(length) if is_after_charset => {
            let close = open + 1 + length;
            close + end_of_parameter(&bytes[close..])
        }
        _ => end,
    }
}

/// Returns `true` if a disposition starts here, or the file name of one that lacks its type.
/// A comma may stand in an unquoted name, so that not every word after one is a type.
fn starts_with_type(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    let after = |known: &[u8]| {
        let (start, after) = bytes.split_at_checked(known.len())?;
        let after = after.trim_ascii_start().first().copied();
        start.eq_ignore_ascii_case(known).then_some(after)
    };
    let is_type = |known| matches!(after(known), Some(None | Some(b';' | b',')));
    let is_parameter = |known| matches!(after(known), Some(Some(b'=')));
    [b"attachment".as_slice(), b"inline", b"form-data"]
        .into_iter()
        .any(is_type)
        || [b"filename".as_slice(), b"filename*"]
            .into_iter()
            .any(is_parameter)
}

/// Returns the content of the quoted string (RFC 9110 section 5.6.4) that `bytes`
/// starts with, and what follows it. The closing quote may be missing.
///
/// A backslash escapes a quote or a backslash. Before any other character it stands for
/// itself: senders that write `"Exports\2026\a.csv"` or `"\\server\a.csv"` do not know of
/// quoted pairs, and those that do have no reason to escape a letter. (RFC 6266 appendix D
/// advises against it, since browsers never agreed on the meaning.) The last segment of
/// such a path is the name.
fn quoted(bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut content = Vec::new();
    let mut rest = &bytes[1..];
    loop {
        rest = match rest {
            [] => return (content, rest),
            [b'"', after @ ..] => return (content, after),
            [b'\\', escaped @ (b'"' | b'\\'), after @ ..] => {
                content.push(*escaped);
                after
            }
            [byte, after @ ..] => {
                content.push(*byte);
                after
            }
        };
    }
}

/// Returns `text` without the quotes around it. `filename="\"a.csv\""` is a common mistake:
/// code that quotes a name before a library does.
fn without_quotes(text: &str) -> &str {
    let text = text.trim();
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text)
}

/// `charset'language'value` (RFC 8187 section 3.2).
fn extended(value: &[u8]) -> Option<String> {
    let (encoding, encoded) = charset_and_rest(value)?;
    text_of(encoding, &percent_decoded(encoded)?)
}

/// The value of a `filename*` that lacks its character set: `a.csv` or `''a.csv`.
fn without_charset(value: &[u8]) -> Option<String> {
    let value = match value.strip_prefix(b"''") {
        Some(value) => value,
        None if value.contains(&b'\'') => return None,
        None => value,
    };
    let decoded = percent_decoded(value).and_then(|bytes| text_of(UTF_8, &bytes));
    Some(match decoded {
        Some(text) => encoded_word::decode(&text),
        None => plain(value),
    })
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
        None => Some(plain(&bytes)),
    }
}

/// The value of a plain `filename`.
fn plain(value: &[u8]) -> String {
    encoded_word::decode(&unlabelled(value))
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
        from_header(header.as_bytes())
    }

    #[test]
    fn well_formed_headers_give_their_name() {
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
    fn extended_values_that_are_not_valid_give_way() {
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

    #[test]
    fn paths_with_unescaped_backslashes_give_their_last_segment() {
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
    fn an_unusable_extended_value_gives_way_to_the_plain_one() {
        for (header, expected) in [
            ("a; filename=\"good.csv\"; filename*=UTF-8''", "good.csv"),
            ("a; filename*=; filename=good.csv", "good.csv"),
            // So does an empty one to a second of its name.
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
    fn the_first_of_joined_headers_that_has_a_name_counts() {
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
            // Without a type, in the second one or in both.
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
    fn folds_are_whitespace() {
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
