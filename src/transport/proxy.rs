//! The proxy that requests go through.

use std::env;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::uri::Authority;
use zeroize::Zeroizing;

use super::proxy_env::from_env;
use crate::text::{Redactor, Secret};

/// How the proxy is chosen.
#[derive(Clone, Default)]
pub(crate) enum ProxySetting {
    /// The environment, as for curl: `https_proxy` or `http_proxy`, by the server's scheme, else
    /// `all_proxy`; `no_proxy` lists the exceptions.
    #[default]
    Environment,
    /// No proxy, whatever the environment contains.
    Direct,
    /// This proxy, for every server. The URL may contain a password.
    Url(Secret),
}

impl ProxySetting {
    /// Returns the proxy for requests to `target`. `None` for a server on loopback.
    ///
    /// # Errors
    ///
    /// A message for users, without the password.
    pub(super) fn proxy_for(&self, target: &Uri) -> Result<Option<Proxy>, String> {
        let (name, url) = match self {
            Self::Direct => return Ok(None),
            Self::Url(url) => ("the proxy option".to_owned(), url.clone()),
            Self::Environment => {
                let variable = |name: &str| env::var(name).ok().map(Zeroizing::new);
                match from_env(target, variable) {
                    Some((name, url)) => (name, Arc::new(url)),
                    None => return Ok(None),
                }
            }
        };
        let proxy = Proxy::parse(url.trim()).map_err(|problem| format!("{name} {problem}"))?;
        // A proxy would connect to its own loopback, and send the token there.
        Ok(Some(proxy).filter(|_| !is_loopback(target)))
    }
}

/// Returns whether a server is on loopback.
fn is_loopback(target: &Uri) -> bool {
    let host = target.host().unwrap_or_default().trim_end_matches('.');
    let bare = host.trim_matches(['[', ']']);
    // RFC 6761 section 6.3.
    let is_name = host
        .rsplit('.')
        .next()
        .is_some_and(|label| label.eq_ignore_ascii_case("localhost"));
    is_name
        || match bare.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address.is_loopback(),
            Ok(IpAddr::V6(address)) => {
                let mapped = address.to_ipv4_mapped();
                address.is_loopback() || mapped.is_some_and(|mapped| mapped.is_loopback())
            }
            Err(_) => false,
        }
}

/// Returns whether the port, if there is one, is valid. The parser of URLs does not check it.
pub(crate) fn is_host_and_port(authority: &Authority) -> bool {
    let host = authority.host();
    let has_port = !authority.as_str().ends_with(host);
    !host.is_empty() && (!has_port || authority.port_u16().is_some())
}

/// An HTTP proxy.
pub(super) struct Proxy {
    is_https: bool,
    /// The host. An IPv6 address is in brackets.
    host: String,
    port: u16,
    /// User name and password, with a colon between them.
    login: Option<Zeroizing<Vec<u8>>>,
}

impl Proxy {
    /// Parses the URL of a proxy. Without a scheme it means `http`.
    ///
    /// # Errors
    ///
    /// The rest of a message that begins with the name of the setting. It contains nothing of the
    /// URL.
    fn parse(url: &str) -> Result<Self, &'static str> {
        const INVALID: &str =
            "is not a valid proxy URL: use a URL such as http://proxy.example:3128";
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let is_https = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.to_ascii_lowercase().starts_with("socks") => {
                return Err("is a SOCKS proxy, which is not supported: use an HTTP proxy, or none");
            }
            _ => return Err(INVALID),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // An unencoded slash in a password would make another part of the URL the host.
        if path.contains('@') {
            return Err(INVALID);
        }
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (login, host),
            None => ("", authority),
        };
        let host: Authority = host.parse().map_err(|_| INVALID)?;
        if !is_host_and_port(&host) {
            return Err(INVALID);
        }
        let default_port = if is_https { 443 } else { 80 };
        Ok(Self {
            is_https,
            port: host.port_u16().unwrap_or(default_port),
            host: host.host().to_owned(),
            login: (!login.is_empty()).then(|| decode_login(login)),
        })
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns host and port, for messages.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    pub(super) fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// Returns the value of Proxy-Authorization (RFC 7617).
    pub(super) fn authorization(&self) -> Option<Zeroizing<Vec<u8>>> {
        let login = self.login.as_ref()?;
        let mut value = Zeroizing::new(b"Basic ".to_vec());
        let start = value.len();
        let encoded = base64::encoded_len(login.len(), true)?;
        let mut text = Zeroizing::new(vec![0; start + encoded]);
        text[..start].copy_from_slice(&value);
        STANDARD
            .encode_slice(login.as_slice(), &mut text[start..])
            .ok()?;
        std::mem::swap(&mut value, &mut text);
        Some(value)
    }

    /// Returns the redactor for text of the proxy.
    pub(super) fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        if let (Some(login), Some(value)) = (&self.login, self.authorization()) {
            let secret = |bytes: &[u8]| {
                let text = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
                Arc::new(text)
            };
            let colon = login.iter().position(|&byte| byte == b':');
            let colon = colon.unwrap_or(login.len());
            // Without a password, the user name is likely a key.
            let password = match login.get(colon + 1..) {
                Some(password) if !password.is_empty() => password,
                _ => &login[..colon],
            };
            redactor.add(&secret(password), "[password]");
            redactor.add(&secret(&value[b"Basic ".len()..]), "[password]");
        }
        redactor
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Decodes a percent-encoded user name and password. A percent sign that begins no escape stands
/// for itself.
fn decode_login(text: &str) -> Zeroizing<Vec<u8>> {
    // With capacity for a colon, so that the buffer never grows and leaves no copies.
    let mut login = Zeroizing::new(Vec::with_capacity(text.len() + 1));
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |at: usize| after.get(at).and_then(|&c| char::from(c).to_digit(16));
        match (*first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                login.push((high << 4 | low) as u8);
                rest = &after[2..];
            }
            (byte, ..) => {
                login.push(byte);
                rest = after;
            }
        }
    }
    if !text.contains(':') {
        login.push(b':');
    }
    login
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(url: &str) -> ProxySetting {
        ProxySetting::Url(Arc::new(Zeroizing::new(url.to_owned())))
    }

    #[test]
    fn proxy_for_invalid_url_error_has_no_password() {
        let target: Uri = "https://x.com".parse().unwrap();
        for url in [
            "http://user:hunter2@",
            "ftp://user:hunter2@x",
            "socks5://user:hunter2@x:1080",
            "http://user:hunter2@x:port",
            "http://user:12/hunter2@x:3128",
        ] {
            let error = setting(url).proxy_for(&target).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let direct = ProxySetting::Direct.proxy_for(&target);
        assert!(direct.unwrap().is_none());
    }

    #[test]
    fn parse_url_gives_scheme_host_and_login() {
        for (url, is_https, name, login) in [
            ("proxy.example:3128", false, "proxy.example:3128", None),
            ("http://proxy.example", false, "proxy.example:80", None),
            ("HTTPS://proxy.example/", true, "proxy.example:443", None),
            ("http://[::1]:3128", false, "[::1]:3128", None),
            ("http://u:p@x:1", false, "x:1", Some(&b"u:p"[..])),
            ("http://u@x:1", false, "x:1", Some(b"u:")),
            ("http://u:p@ss%@x:1", false, "x:1", Some(b"u:p@ss%")),
            (
                "http://%c3%a9:a%3ab+@x:1",
                false,
                "x:1",
                Some(b"\xc3\xa9:a:b+"),
            ),
            ("http://@x:1", false, "x:1", None),
        ] {
            let proxy = Proxy::parse(url).unwrap();
            assert_eq!((proxy.is_https, proxy.name().as_str()), (is_https, name));
            assert_eq!(
                proxy.login.as_ref().map(|login| login.as_slice()),
                login,
                "{url}"
            );
        }
        let proxy = Proxy::parse("http://Aladdin:open%20sesame@x").unwrap();
        let authorization = proxy.authorization().unwrap();
        assert_eq!(
            authorization.as_slice(),
            b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
    }

    #[test]
    fn proxy_for_loopback_is_none() {
        for (target, is_direct) in [
            ("http://localhost:8080", true),
            ("https://LOCALHOST.", true),
            ("https://a.localhost", true),
            ("http://127.0.0.1", true),
            ("http://127.9.9.9:1", true),
            ("http://[::1]:1", true),
            ("http://[::ffff:127.0.0.1]:1", true),
            ("http://localhost.example.com", false),
            ("http://128.0.0.1", false),
            ("http://mylocalhost", false),
        ] {
            let proxy = setting("http://x:1").proxy_for(&target.parse().unwrap());
            assert_eq!(proxy.unwrap().is_none(), is_direct, "{target}");
        }
    }
}
