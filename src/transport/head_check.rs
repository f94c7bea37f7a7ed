//! Checks the head of a response before ureq reads it, to name the reason why ureq rejects it, and
//! to find the start of a chunked body.

/// The maximum number of headers that ureq reads.
const MAX_HEADERS: usize = 128;

/// The state of the check of a response's head.
#[derive(Debug)]
pub(super) struct HeadCheck {
    /// The position of the next line, in bytes since the start of the connection.
    next_line: u64,
    line: Line,
    is_chunked: bool,
}

#[derive(Debug, Clone, Copy)]
enum Line {
    Status,
    /// A header.
    Header {
        /// Whether the response is interim (1xx).
        is_interim: bool,
        /// How many headers of this response were checked before.
        before: usize,
    },
    /// The head is complete.
    Body,
}

impl HeadCheck {
    /// Returns the check of a response that starts at `position`.
    pub(super) fn new(position: u64) -> Self {
        Self {
            next_line: position,
            line: Line::Status,
            is_chunked: false,
        }
    }

    /// Returns the position of a chunked body, once the head is complete. `None` for other bodies.
    pub(super) fn chunked_body(&self) -> Option<u64> {
        (self.is_chunked && matches!(self.line, Line::Body)).then_some(self.next_line)
    }

    /// Checks the complete lines in `input`, which starts at `position`.
    ///
    /// # Errors
    ///
    /// The reason why the head is not valid. ureq rejects every such head, and more.
    pub(super) fn check(&mut self, input: &[u8], position: u64) -> Result<(), String> {
        while !matches!(self.line, Line::Body) {
            let Some(start) = self.next_line.checked_sub(position) else {
                return Ok(());
            };
            let rest = usize::try_from(start).ok().and_then(|at| input.get(at..));
            let rest = rest.unwrap_or_default();
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                return Ok(());
            };
            self.next_line += end as u64 + 1;
            let line = &rest[..end];
            self.line = self.after(line.strip_suffix(b"\r").unwrap_or(line))?;
        }
        Ok(())
    }

    fn after(&mut self, line: &[u8]) -> Result<Line, String> {
        match self.line {
            // Some servers send an empty line before the status line (RFC 9112 section 2.2).
            Line::Status if line.is_empty() => Ok(Line::Status),
            Line::Status => {
                let status = line.get(9..12).unwrap_or_default();
                self.is_chunked = false;
                Ok(Line::Header {
                    is_interim: status.starts_with(b"1") && status != b"101",
                    before: 0,
                })
            }
            Line::Header { is_interim, .. } if line.is_empty() => Ok(match is_interim {
                true => Line::Status,
                false => Line::Body,
            }),
            Line::Header { is_interim, before } => {
                let (name, value) = header(line)?;
                if name.eq_ignore_ascii_case(b"transfer-encoding") {
                    let mut codings = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
                    self.is_chunked |=
                        codings.any(|coding| coding.eq_ignore_ascii_case(b"chunked"));
                }
                if before == MAX_HEADERS {
                    return Err(format!("it has more than {MAX_HEADERS} headers"));
                }
                Ok(Line::Header {
                    is_interim,
                    before: before + 1,
                })
            }
            Line::Body => Ok(Line::Body),
        }
    }
}

/// Returns the name and the value of a header.
fn header(line: &[u8]) -> Result<(&[u8], &[u8]), String> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err("a header is folded over several lines".into());
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        return Err("a header line has no colon".into());
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() {
        return Err("a header has no name".into());
    }
    let shown = String::from_utf8_lossy(name);
    if !name.iter().copied().all(is_token) {
        return Err(format!(
            "the header name {shown:?} contains an invalid character"
        ));
    }
    let is_control = |&byte: &u8| (byte < b' ' && byte != b'\t') || byte == 0x7f;
    if let Some(control) = value.iter().find(|byte| is_control(byte)) {
        return Err(format!(
            "the header {shown} contains the control character 0x{control:02x}"
        ));
    }
    Ok((name, value))
}

/// Returns whether a byte may occur in a header name (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8]) -> Result<(), String> {
        HeadCheck::new(0).check(head, 0)
    }

    #[test]
    fn check_valid_head_passes() {
        let many = "X: y\r\n".repeat(MAX_HEADERS);
        for head in [
            "",
            "HTTP/1.1 200 OK\r\n\r\n",
            "\r\nHTTP/1.1 200 OK\nA: b\n\n\0body: \0\r\n",
            "HTTP/1.1 200 OK\r\nA:\tb\u{e9} \r\n!#$: \r\n\r\n",
            "HTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\n \0",
            &format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
            // The last line is not complete yet.
            "HTTP/1.1 200 OK\r\nA: \0",
        ] {
            assert_eq!(check(head.as_bytes()), Ok(()), "{head:?}");
        }
    }

    #[test]
    fn check_invalid_header_is_rejected_with_reason() {
        let many = "X: y\r\n".repeat(MAX_HEADERS + 1);
        for (headers, reason) in [
            (
                "Set-Cookie: a=\u{1}b\r\n",
                "Set-Cookie contains the control character 0x01",
            ),
            (
                "A: b\rc\r\n",
                "the header A contains the control character 0x0d",
            ),
            ("A: b\r\n c\r\n", "folded"),
            ("nonsense\r\n", "no colon"),
            (": x\r\n", "no name"),
            ("A B: x\r\n", "\"A B\""),
            ("A : x\r\n", "\"A \""),
            (&many, "more than 128 headers"),
        ] {
            for interim in ["", "HTTP/1.1 100 Continue\r\n\r\n"] {
                let head = format!("{interim}HTTP/1.1 200 OK\r\n{headers}");
                let error = check(head.as_bytes()).unwrap_err();
                assert!(error.contains(reason), "{head:?}: {error}");
            }
        }
    }

    #[test]
    fn check_head_in_parts_after_consumption_finds_invalid_header() {
        let head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: \0\r\n\r\n";
        let mut check = HeadCheck::new(1000);
        for end in 0..46 {
            check.check(&head[..end], 1000).unwrap();
        }
        check.check(&head[25..46], 1025).unwrap();
        check.check(&head[25..], 1025).unwrap_err();
    }
}
