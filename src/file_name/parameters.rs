//! Splits a Content-Disposition header into its parameters.

use std::borrow::Cow;

/// Replaces each fold (a line break and whitespace) with a space. IIS writes the line break as
/// `%0d%0a`.
pub(super) fn unfold(header: &[u8]) -> Cow<'_, [u8]> {
    let fold_length = |rest: &[u8]| {
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
    if !(0..header.len()).any(|at| fold_length(&header[at..]).is_some()) {
        return Cow::Borrowed(header);
    }
    let mut unfolded = Vec::with_capacity(header.len());
    let mut rest = header;
    while let Some(&byte) = rest.first() {
        let length = fold_length(rest);
        unfolded.push(if length.is_some() { b' ' } else { byte });
        rest = &rest[length.unwrap_or(1)..];
    }
    Cow::Owned(unfolded)
}

/// A parameter of a header.
pub(super) struct Parameter {
    /// The name in lowercase, without whitespace around it.
    pub(super) name: String,
    /// The value without quotes and their escapes.
    pub(super) value: Vec<u8>,
}

/// Returns the parameters of the first disposition in `header`, in order, and the text after
/// the comma that ends it if another disposition follows.
///
/// Parts without `=`, such as the disposition type, are left out.
pub(super) fn parameters(header: &[u8]) -> (Vec<Parameter>, Option<&[u8]>) {
    let mut parameters = Vec::new();
    let mut rest = header;
    while !rest.is_empty() {
        // A parameter cannot begin with a quoted string, which may contain `=` and `;`.
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

/// Returns the position of the semicolon that ends a parameter or of the comma that ends the
/// disposition; the length of `bytes` if there is neither.
fn end_of_parameter(bytes: &[u8]) -> usize {
    let ends = |at: &usize| match bytes[*at] {
        b';' => true,
        b',' => starts_with_type(&bytes[at + 1..]),
        _ => false,
    };
    (0..bytes.len()).find(ends).unwrap_or(bytes.len())
}

/// Returns the end of the value of an extended parameter, like [`end_of_parameter`], but skips
/// a quoted string after the character set: some senders write `UTF-8''"a;b.csv"`.
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

/// Returns whether `bytes` starts with a disposition type, or with the file name of a
/// disposition without a type.
///
/// An unquoted name may contain a comma, so that not every word after a comma is a type.
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

/// Returns the content of the quoted string (RFC 9110 section 5.6.4) at the start of `bytes`,
/// and what follows it. The closing quote may be missing.
///
/// A backslash escapes a quote or a backslash. Before any other character it is an ordinary
/// character: senders of `"Exports\2026\a.csv"` or `"\\server\a.csv"` do not escape anything,
/// and senders that do have no reason to escape a letter. (RFC 6266 appendix D advises against
/// it, since browsers never agreed on the meaning.) The last segment of such a path is the
/// name.
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
