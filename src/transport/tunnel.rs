//! A tunnel through a proxy (RFC 9110 section 9.3.6).

use std::io::{self, Write};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::USER_AGENT;
use super::failure::{ConnectionError, is_break};
use super::proxy::Proxy;
use super::stream::Buffered;
use super::tcp::Limit;
use super::wait::after;
use crate::text::server_message;

/// How long to wait for the page of a proxy that refuses, at most.
const PAGE_LIMIT: Duration = Duration::from_secs(1);

/// Asks the proxy for a connection to a server. What comes over the stream after that is the
/// server's.
pub(super) fn open(
    stream: &mut Buffered,
    proxy: &Proxy,
    host: &str,
    port: u16,
    until: Option<Instant>,
) -> io::Result<()> {
    let outcome = request(stream, proxy, host, port).and_then(|()| response(stream));
    let head = outcome.map_err(|error| match is_break(error.kind()) {
        true => closed(),
        false => error,
    })?;
    if (200..300).contains(&head.status) {
        return Ok(());
    }
    let page = match head.wants_login() {
        true => Vec::new(),
        false => page(stream, &head, until)?,
    };
    Err(refusal(proxy, &head, &page).into())
}

fn request(stream: &mut Buffered, proxy: &Proxy, host: &str, port: u16) -> io::Result<()> {
    let authorization = proxy.authorization();
    // A buffer that grows leaves copies behind.
    let size = 256 + 2 * host.len() + authorization.as_ref().map_or(0, |text| text.len());
    let mut head = Zeroizing::new(Vec::with_capacity(size));
    write!(head, "CONNECT {host}:{port} HTTP/1.1\r\n")?;
    write!(head, "Host: {host}:{port}\r\nUser-Agent: {USER_AGENT}\r\n")?;
    if let Some(authorization) = authorization {
        head.extend_from_slice(b"Proxy-Authorization: ");
        head.extend_from_slice(&authorization);
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    debug_assert!(head.len() <= size);
    stream.write_all(&head)?;
    stream.flush()
}

/// The head of the proxy's response.
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
}

impl Head {
    /// Some proxies say 401 where RFC 9110 section 15.5.8 has 407.
    fn wants_login(&self) -> bool {
        matches!(self.status, 401 | 407)
    }

    /// The values of the headers of that name, in lowercase.
    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter();
        let named = headers.filter(move |(header, _)| header == name);
        named.map(|(_, value)| value.as_str())
    }
}

/// Reads the head of the final response.
fn response(stream: &mut Buffered) -> io::Result<Head> {
    loop {
        let length = loop {
            let unread = stream.buffered();
            if let Some(length) = head_length(unread) {
                break length;
            }
            if !unread.is_empty() && !b"HTTP/".starts_with(&unread[..unread.len().min(5)]) {
                return Err(not_a_proxy("it does not speak HTTP"));
            }
            let before = unread.len();
            if !stream.fill()? {
                return Err(match before {
                    super::READ_BUFFER_SIZE => not_a_proxy("its response has too long a head"),
                    _ => closed(),
                });
            }
        };
        let head = parse(&stream.buffered()[..length])?;
        stream.consume(length);
        if !(100..200).contains(&head.status) {
            return Ok(head);
        }
    }
}

/// The length of a head up to and including its empty line.
fn head_length(bytes: &[u8]) -> Option<usize> {
    let mut start = 0;
    loop {
        let end = start + bytes[start..].iter().position(|&byte| byte == b'\n')?;
        if matches!(&bytes[start..end], b"" | b"\r") {
            return Some(end + 1);
        }
        start = end + 1;
    }
}

fn parse(head: &[u8]) -> io::Result<Head> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status_line = lines.next().unwrap_or_default();
    let mut words = status_line.split(' ').filter(|word| !word.is_empty());
    let version = words.next().unwrap_or_default();
    let status = words.next().filter(|status| status.len() == 3);
    let status = status.and_then(|status| status.parse().ok());
    let Some(status) = status.filter(|_| version.starts_with("HTTP/1.")) else {
        return Err(not_a_proxy("it does not speak HTTP/1.1"));
    };
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
    });
    Ok(Head {
        status,
        headers: headers.collect(),
    })
}

fn not_a_proxy(why: &str) -> io::Error {
    let what = format!("the proxy's response is not valid: {why}");
    ConnectionError::Proxy {
        what,
        is_transient: false,
    }
    .into()
}

fn closed() -> io::Error {
    ConnectionError::Proxy {
        what: "the proxy closed the connection without a response".into(),
        is_transient: true,
    }
    .into()
}

/// The page with which the proxy refuses, or its beginning. Only a call that has to end, or a
/// connection that cannot be made in time, is an error: the status is known.
fn page(stream: &mut Buffered, head: &Head, until: Option<Instant>) -> io::Result<Vec<u8>> {
    let length = head
        .all("content-length")
        .find_map(|text| text.parse().ok());
    let length: usize = length.unwrap_or(usize::MAX);
    let page_end = [until, after(PAGE_LIMIT)].into_iter().flatten().min();
    stream.set_limit(Limit::Connect(page_end));
    while stream.buffered().len() < length {
        match stream.fill() {
            Ok(true) => {}
            Err(error)
                if error
                    .get_ref()
                    .is_some_and(|inner| inner.is::<crate::cancel::Stop>()) =>
            {
                return Err(error);
            }
            _ => break,
        }
    }
    let page = stream.buffered();
    let page = &page[..page.len().min(length)];
    let is_chunked = head
        .all("transfer-encoding")
        .any(|coding| coding.eq_ignore_ascii_case("chunked"));
    Ok(match is_chunked {
        true => chunks(page),
        false => page.to_vec(),
    })
}

/// The chunks of a body, as far as they came.
fn chunks(mut body: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some(end) = body.iter().position(|&byte| byte == b'\n') {
        let size = String::from_utf8_lossy(&body[..end]);
        let size = size.split(';').next().unwrap_or_default().trim();
        let Ok(size @ 1..) = usize::from_str_radix(size, 16) else {
            break;
        };
        body = &body[end + 1..];
        let chunk = &body[..size.min(body.len())];
        text.extend_from_slice(chunk);
        body = &body[chunk.len()..];
        body = body.strip_prefix(b"\r\n").unwrap_or(body);
    }
    text
}

fn refusal(proxy: &Proxy, head: &Head, page: &[u8]) -> ConnectionError {
    let status = head.status;
    let wants_login = head.wants_login();
    let redactor = proxy.redactor();
    let mut what = match (wants_login, unsupported_schemes(head)) {
        (true, Some(schemes)) => format!(
            "the proxy wants a user name and password by {}, which is not supported; Basic is",
            redactor.one_line(&schemes, MAX_SCHEMES)
        ),
        (true, None) if proxy.has_login() => {
            "the proxy does not accept the user name and password that it was sent".to_owned()
        }
        (true, None) => "the proxy wants a user name and password".to_owned(),
        (false, _) => {
            let reason = http::StatusCode::from_u16(status).ok();
            let reason = reason.and_then(|status| status.canonical_reason());
            let reason = reason.map(|reason| format!(" {reason}"));
            format!(
                "the proxy refused with {status}{}",
                reason.unwrap_or_default()
            )
        }
    };
    if let Some(words) = server_message::extract_message(page) {
        what = format!("{what}: {}", redactor.redact(&words));
    }
    ConnectionError::Proxy {
        what,
        is_transient: status >= 500,
    }
}

/// The maximum length of the names of authentication schemes in a message, in characters.
const MAX_SCHEMES: usize = 60;

/// The authentication schemes that the proxy offers, where Basic is not one of them.
fn unsupported_schemes(head: &Head) -> Option<String> {
    let challenges = head
        .all("proxy-authenticate")
        .chain(head.all("www-authenticate"));
    let mut schemes: Vec<&str> = Vec::new();
    for challenge in challenges.flat_map(|line| line.split(',')) {
        // What has an equals sign before its first space is a parameter, not a scheme.
        let word = challenge.trim().split(' ').next().unwrap_or_default();
        let is_scheme = word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_scheme && !word.is_empty() && !schemes.contains(&word) {
            schemes.push(word);
        }
    }
    let has_basic = schemes
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case("basic"));
    schemes.truncate(4);
    (!has_basic && !schemes.is_empty()).then(|| schemes.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_its_empty_line() {
        assert_eq!(head_length(b""), None);
        assert_eq!(head_length(b"HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(head_length(b"HTTP/1.1 200 OK\r\n\r\nrest"), Some(19));
        assert_eq!(head_length(b"HTTP/1.0 200\n\nrest"), Some(14));
    }

    #[test]
    fn schemes_other_than_basic_are_named() {
        for (challenges, schemes) in [
            (&[][..], None),
            (&["Basic realm=\"a, b\""], None),
            (&["NTLM", "basic realm=x"], None),
            (&["Negotiate", "NTLM"], Some("Negotiate or NTLM")),
            (&["Negotiate, NTLM TlRM=="], Some("Negotiate or NTLM")),
            (
                &["Digest realm=\"x\", nonce=\"y\", qop=\"auth\""],
                Some("Digest"),
            ),
        ] {
            let headers = challenges.iter();
            let head = Head {
                status: 407,
                headers: headers
                    .map(|value| ("proxy-authenticate".to_owned(), (*value).to_owned()))
                    .collect(),
            };
            assert_eq!(
                unsupported_schemes(&head).as_deref(),
                schemes,
                "{challenges:?}"
            );
        }
    }

    #[test]
    fn chunks_are_joined() {
        assert_eq!(chunks(b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"), b"abcde");
        assert_eq!(chunks(b"5\r\nab"), b"ab");
        assert_eq!(chunks(b"zz\r\nab"), b"");
    }
}
