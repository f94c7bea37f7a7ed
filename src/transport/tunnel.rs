//! Opens a tunnel through a proxy (RFC 9110 section 9.3.6).

use std::io::{self, Write};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::UserAgent;
use super::failure::{ConnectionError, is_disconnect};
use super::proxy::Proxy;
use super::stream::Buffered;
use super::tcp::Limit;
use super::wait::after;
use crate::text::server_message;

/// The maximum time to wait for the page of a proxy that does not open the tunnel.
const MAX_PAGE_TIME: Duration = Duration::from_secs(1);

/// Requests a tunnel to a server from the proxy. Afterwards the stream carries the server's bytes.
pub(super) fn open(
    stream: &mut Buffered,
    proxy: &Proxy,
    host: &str,
    port: u16,
    user_agent: &UserAgent,
    until: Option<Instant>,
) -> io::Result<()> {
    let outcome = request(stream, proxy, host, port, user_agent).and_then(|()| response(stream));
    let head = outcome.map_err(|error| match is_disconnect(error.kind()) {
        true => closed_by_proxy(),
        false => error,
    })?;
    if (200..300).contains(&head.status) {
        return Ok(());
    }
    let page = match head.requires_login() {
        true => Vec::new(),
        false => page(stream, &head, until)?,
    };
    Err(rejection(proxy, &head, &page).into())
}

fn request(
    stream: &mut Buffered,
    proxy: &Proxy,
    host: &str,
    port: u16,
    user_agent: &UserAgent,
) -> io::Result<()> {
    let user_agent = user_agent.as_str();
    let authorization = proxy.authorization();
    // A buffer that grows would leave unwiped copies behind.
    let login = authorization.as_ref().map_or(0, |text| text.len());
    let size = 256 + 2 * host.len() + user_agent.len() + login;
    let mut head = Zeroizing::new(Vec::with_capacity(size));
    write!(head, "CONNECT {host}:{port} HTTP/1.1\r\n")?;
    write!(head, "Host: {host}:{port}\r\nUser-Agent: {user_agent}\r\n")?;
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
    /// Returns whether the proxy requires a login. Some proxies send 401 instead of 407 (RFC 9110
    /// section 15.5.8).
    fn requires_login(&self) -> bool {
        matches!(self.status, 401 | 407)
    }

    /// Returns the values of all headers with `name`, which must be lowercase.
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
                return Err(invalid_response("it is not HTTP"));
            }
            let before = unread.len();
            if !stream.fill()? {
                return Err(match before {
                    super::READ_BUFFER_SIZE => invalid_response("its headers are too long"),
                    _ => closed_by_proxy(),
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

/// Returns the length of a head, including the empty line at its end. `None` if it is not
/// complete.
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
    let mut parts = status_line.split(' ').filter(|part| !part.is_empty());
    let version = parts.next().unwrap_or_default();
    let status = parts.next().filter(|status| status.len() == 3);
    let status = status.and_then(|status| status.parse().ok());
    let Some(status) = status.filter(|_| version.starts_with("HTTP/1.")) else {
        return Err(invalid_response("it is not HTTP/1.1"));
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

fn invalid_response(reason: &str) -> io::Error {
    ConnectionError::Proxy {
        message: format!("the proxy's response is not valid: {reason}"),
        is_transient: false,
    }
    .into()
}

fn closed_by_proxy() -> io::Error {
    ConnectionError::Proxy {
        message: "the proxy closed the connection without a response".into(),
        is_transient: true,
    }
    .into()
}

/// Reads the page that explains why the proxy does not open the tunnel, or the beginning of it.
///
/// # Errors
///
/// A [`Stop`](crate::cancel::Stop) if the call has to end. Other failures end the page early: the
/// status is known already.
fn page(stream: &mut Buffered, head: &Head, until: Option<Instant>) -> io::Result<Vec<u8>> {
    let length = head
        .all("content-length")
        .find_map(|text| text.parse().ok());
    let length: usize = length.unwrap_or(usize::MAX);
    let page_end = [until, after(MAX_PAGE_TIME)].into_iter().flatten().min();
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

/// Returns the content of a chunked body, as far as it has arrived.
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

/// Returns the error for a response that does not open the tunnel.
fn rejection(proxy: &Proxy, head: &Head, page: &[u8]) -> ConnectionError {
    let status = head.status;
    let requires_login = head.requires_login();
    let redactor = proxy.redactor();
    let mut message = match (requires_login, unsupported_schemes(head)) {
        (true, Some(schemes)) => format!(
            "the proxy requires a user name and password by {}, which is not supported: use a \
             proxy that supports Basic",
            redactor.one_line(&schemes, MAX_SCHEMES_LEN)
        ),
        (true, None) if proxy.has_login() => {
            "the proxy rejected the user name and password".to_owned()
        }
        (true, None) => "the proxy requires a user name and password".to_owned(),
        (false, _) => {
            let reason = http::StatusCode::from_u16(status).ok();
            let reason = reason.and_then(|status| status.canonical_reason());
            let reason = reason.map(|reason| format!(" {reason}"));
            format!(
                "the proxy responded with {status}{}",
                reason.unwrap_or_default()
            )
        }
    };
    if let Some(text) = server_message::extract_message(page) {
        message = format!("{message}: {}", redactor.redact(&text));
    }
    ConnectionError::Proxy {
        message,
        is_transient: status >= 500,
    }
}

/// The maximum length of the list of authentication schemes in a message, in characters.
const MAX_SCHEMES_LEN: usize = 60;

/// Returns the authentication schemes that the proxy offers, if Basic is not one of them.
fn unsupported_schemes(head: &Head) -> Option<String> {
    let challenges = head
        .all("proxy-authenticate")
        .chain(head.all("www-authenticate"));
    let mut schemes: Vec<&str> = Vec::new();
    for challenge in challenges.flat_map(|line| line.split(',')) {
        // A word with an equals sign before its first space is a parameter, not a scheme.
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
    fn head_length_ends_after_empty_line() {
        assert_eq!(head_length(b""), None);
        assert_eq!(head_length(b"HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(head_length(b"HTTP/1.1 200 OK\r\n\r\nrest"), Some(19));
        assert_eq!(head_length(b"HTTP/1.0 200\n\nrest"), Some(14));
    }

    #[test]
    fn unsupported_schemes_without_basic_are_listed() {
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
    fn chunks_incomplete_body_gives_what_arrived() {
        assert_eq!(chunks(b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"), b"abcde");
        assert_eq!(chunks(b"5\r\nab"), b"ab");
        assert_eq!(chunks(b"zz\r\nab"), b"");
    }
}
