//! Which proxy a request goes through.

use std::env;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use http::uri::Authority;
use zeroize::Zeroizing;

use crate::text::{Redactor, Secret};

/// Whose choice the proxy is.
#[derive(Clone, Default)]
pub(crate) enum ProxySetting {
    /// The environment's, as for curl: `https_proxy` or `http_proxy` by the
    /// server's scheme, else `all_proxy`; `no_proxy` names the exceptions.
    #[default]
    Environment,
    /// No proxy, whatever the environment says.
    Direct,
    /// This one, for every server. The URL may hold a password.
    Url(Secret),
}

impl ProxySetting {
    /// Returns the proxy on the way to `target`; none for a server on loopback.
    ///
    /// # Errors
    ///
    /// A message for people, without the password.
    pub(super) fn on_the_way_to(&self, target: &Uri) -> Result<Option<Proxy>, String> {
        let (name, url) = match self {
            Self::Direct => return Ok(None),
            Self::Url(url) => ("the proxy".to_owned(), url.clone()),
            Self::Environment => {
                let variable = |name: &str| env::var(name).ok().map(Zeroizing::new);
                match of_environment(target, variable) {
                    Some((name, url)) => (name, Arc::new(url)),
                    None => return Ok(None),
                }
            }
        };
        let proxy = Proxy::parse(url.trim()).map_err(|what| format!("{name} {what}"))?;
        // A proxy reaches its own loopback, not this one, and the token would be sent to it.
        Ok(Some(proxy).filter(|_| !is_local(target)))
    }
}

/// Returns whether a server is on this machine, and only there.
fn is_local(target: &Uri) -> bool {
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
    /// IPv6 addresses are in brackets.
    host: String,
    port: u16,
    /// User name, colon, password.
    login: Option<Zeroizing<Vec<u8>>>,
}

impl Proxy {
    /// Reads a proxy's URL, whose scheme is http where it has none.
    ///
    /// # Errors
    ///
    /// What is wrong, without what the URL holds.
    fn parse(url: &str) -> Result<Self, &'static str> {
        const NO_URL: &str = "is not set to the URL of a proxy";
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let is_https = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.to_ascii_lowercase().starts_with("socks") => {
                return Err(
                    "is set to a SOCKS proxy, which is not supported; give an HTTP \
                            proxy, or none",
                );
            }
            _ => return Err(NO_URL),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // A password with a slash that is not encoded would make something else the host.
        if path.contains('@') {
            return Err(NO_URL);
        }
        let (login, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (login, host),
            None => ("", authority),
        };
        let host: Authority = host.parse().map_err(|_| NO_URL)?;
        if !is_host_and_port(&host) {
            return Err(NO_URL);
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

    /// Host and port, for messages.
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

    /// Returns the redactor for what the proxy says.
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

/// Decodes user name and password. What is no escape stands for itself.
fn decode_login(text: &str) -> Zeroizing<Vec<u8>> {
    // Room for a colon as well, so that nothing is copied.
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

/// The variable that counts, and its value.
fn of_environment(
    target: &Uri,
    variable: impl Fn(&str) -> Option<Zeroizing<String>>,
) -> Option<(String, Zeroizing<String>)> {
    let either = |names: &[&str]| {
        names.iter().find_map(|name| {
            let value = variable(name).filter(|value| !value.trim().is_empty())?;
            Some(((*name).to_owned(), value))
        })
    };
    let host = target.host().unwrap_or_default();
    let default_port = if target.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let port = target.port_u16().unwrap_or(default_port);
    if let Some((_, exceptions)) = either(&["no_proxy", "NO_PROXY"])
        && is_exception(host, port, &exceptions)
    {
        return None;
    }
    let by_scheme = match target.scheme_str() {
        Some("https") => either(&["https_proxy", "HTTPS_PROXY"]),
        // In a CGI program HTTP_PROXY is what the request's "Proxy" header says.
        _ if variable("REQUEST_METHOD").is_some() => either(&["http_proxy"]),
        _ => either(&["http_proxy", "HTTP_PROXY"]),
    };
    by_scheme.or_else(|| either(&["all_proxy", "ALL_PROXY"]))
}

/// Whether `no_proxy` names the host: by its name, a domain above it, its address, a range of
/// addresses, or "*". An entry with a port is for that port only.
fn is_exception(host: &str, port: u16, exceptions: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    let host = host.to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    let entries = exceptions.split([',', ' ', '\t']).map(str::trim);
    entries
        .filter(|entry| !entry.is_empty())
        .filter_map(|entry| match without_port(entry) {
            (entry, None) => Some(entry),
            (entry, Some(of)) => Some(entry).filter(|_| of == port),
        })
        .any(|entry| match address {
            _ if entry == "*" => true,
            Some(address) => has_address(entry.trim_matches(['[', ']']), address),
            None => {
                let domain = entry.trim_start_matches("*.").trim_matches('.');
                let domain = domain.to_ascii_lowercase();
                host.strip_suffix(domain.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        })
}

/// Splits an entry such as `host:8080` or `[::1]:8080`. An IPv6 address without brackets has
/// no port.
fn without_port(entry: &str) -> (&str, Option<u16>) {
    let split = entry.rsplit_once(':');
    let split = split.filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    match split.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => (host, Some(port)),
        None => (entry, None),
    }
}

/// Whether an entry such as `10.0.0.0/8` holds the address.
fn has_address(entry: &str, address: IpAddr) -> bool {
    let (network, length) = match entry.split_once('/') {
        Some((network, length)) => match length.parse::<u32>() {
            Ok(length) => (network, length),
            Err(_) => return false,
        },
        None => (entry, 128),
    };
    let shared_bits = match (network.parse(), address) {
        (Ok(IpAddr::V4(a)), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        (Ok(IpAddr::V6(a)), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
        _ => return false,
    };
    let whole = if address.is_ipv4() { 32 } else { 128 };
    shared_bits >= length.min(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(target: &str, variables: &[(&str, &str)]) -> Option<String> {
        let variable = |wanted: &str| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| Zeroizing::new((*value).to_owned()))
        };
        of_environment(&target.parse().unwrap(), variable).map(|(_, value)| value.to_string())
    }

    #[test]
    fn the_variable_of_the_scheme_counts() {
        let all = [
            ("http_proxy", "h"),
            ("HTTPS_PROXY", "s"),
            ("all_proxy", "a"),
        ];
        assert_eq!(chosen("https://x.com", &all).unwrap(), "s");
        assert_eq!(chosen("http://x.com", &all).unwrap(), "h");
        assert_eq!(chosen("https://x.com", &all[2..]).unwrap(), "a");
        assert_eq!(chosen("http://x.com", &all[1..2]), None);
        let both = [("https_proxy", "lower"), ("HTTPS_PROXY", "UPPER")];
        assert_eq!(chosen("https://x.com", &both).unwrap(), "lower");
        assert_eq!(chosen("https://x.com", &[("https_proxy", " ")]), None);
        let cgi = [("HTTP_PROXY", "evil"), ("REQUEST_METHOD", "GET")];
        assert_eq!(chosen("http://x.com", &cgi), None);
        assert_eq!(chosen("http://x.com", &cgi[..1]).unwrap(), "evil");
    }

    #[test]
    fn no_proxy_names_the_exceptions() {
        for (host, exceptions, is_excepted) in [
            ("x.com", "", false),
            ("x.com", "*", true),
            ("x.com", "x.com", true),
            ("X.com.", "y.com, x.COM", true),
            ("a.x.com", "x.com", true),
            ("a.x.com", ".x.com", true),
            ("x.com", ".x.com", true),
            ("a.x.com", "*.x.com", true),
            ("ax.com", "x.com", false),
            ("x.com", "a.x.com", false),
            ("x.com", "com.", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "localhost", false),
            ("127.0.0.1", "0.0.1", false),
            ("10.1.2.3", "192.168.0.0/16 10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("11.1.2.3", "10.0.0.0/x", false),
            ("[::1]", "::1", true),
            ("[::1]", "[::1]", true),
            ("[fe80::5]", "fe80::/10", true),
            ("[fe80::5]", "10.0.0.0/0", false),
            ("x.com", "x.com:443", true),
            ("a.x.com", ".x.com:443", true),
            ("x.com", "x.com:8443", false),
            ("x.com", "x.com:port", false),
            ("x.com", "*:443", true),
            ("10.1.2.3", "10.1.2.3:443", true),
            ("10.1.2.3", "10.1.2.3:80", false),
            ("[::1]", "[::1]:443", true),
            ("[::1]", "[::1]:80", false),
            ("[::1]", "::1:443", false),
        ] {
            assert_eq!(
                is_exception(host, 443, exceptions),
                is_excepted,
                "{host} {exceptions}"
            );
        }
    }

    fn setting(url: &str) -> ProxySetting {
        ProxySetting::Url(Arc::new(Zeroizing::new(url.to_owned())))
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_its_password() {
        let target: Uri = "https://x.com".parse().unwrap();
        for url in [
            "http://user:hunter2@",
            "ftp://user:hunter2@x",
            "socks5://user:hunter2@x:1080",
            "http://user:hunter2@x:port",
            "http://user:12/hunter2@x:3128",
        ] {
            let error = setting(url).on_the_way_to(&target).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let direct = ProxySetting::Direct.on_the_way_to(&target);
        assert!(direct.unwrap().is_none());
    }

    #[test]
    fn a_url_is_read() {
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
    fn loopback_has_no_proxy() {
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
            let proxy = setting("http://x:1").on_the_way_to(&target.parse().unwrap());
            assert_eq!(proxy.unwrap().is_none(), is_direct, "{target}");
        }
    }
}
