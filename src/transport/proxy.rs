//! Which proxy a request goes through.

use std::env;
use std::net::IpAddr;

use http::Uri;

use crate::server::is_host_and_port;

/// Whose choice the proxy is.
#[derive(Clone, Default)]
pub(crate) enum ProxySetting {
    /// The environment's, as for curl: `https_proxy` or `http_proxy` by the
    /// server's scheme, else `all_proxy`; `no_proxy` names the exceptions.
    #[default]
    Environment,
    /// No proxy, whatever the environment says.
    Direct,
    /// This one, for every server.
    Url(String),
}

impl ProxySetting {
    /// The proxy on the way to `target`. The error is for people, and holds no
    /// password.
    pub(crate) fn on_the_way_to(&self, target: &Uri) -> Result<Option<ureq::Proxy>, String> {
        let (name, url) = match self {
            Self::Direct => return Ok(None),
            Self::Url(url) => ("the proxy".to_owned(), url.clone()),
            Self::Environment => match of_environment(target, |name| env::var(name).ok()) {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        let proxy = ureq::Proxy::new(url.trim()).ok();
        let proxy = proxy
            .filter(|proxy| proxy.uri().authority().is_some_and(is_host_and_port))
            .ok_or_else(|| format!("{name} is not set to the URL of a proxy"))?;
        match proxy.protocol() {
            ureq::ProxyProtocol::Http | ureq::ProxyProtocol::Https => Ok(Some(proxy)),
            _ => Err(format!(
                "{name} is set to a SOCKS proxy, which is not supported; give an HTTP proxy, \
                 or none"
            )),
        }
    }
}

/// The variable that counts, and its value.
fn of_environment(
    target: &Uri,
    variable: impl Fn(&str) -> Option<String>,
) -> Option<(String, String)> {
    let either = |names: &[&str]| {
        names.iter().find_map(|name| {
            let value = variable(name).filter(|value| !value.trim().is_empty())?;
            Some(((*name).to_owned(), value))
        })
    };
    let host = target.host().unwrap_or_default();
    if let Some((_, exceptions)) = either(&["no_proxy", "NO_PROXY"])
        && is_exception(host, &exceptions)
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

/// Whether `no_proxy` names the host: by its name, a domain above it, its
/// address, a range of addresses, or "*".
fn is_exception(host: &str, exceptions: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    let host = host.to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    let entries = exceptions.split([',', ' ', '\t']).map(str::trim);
    entries
        .filter(|entry| !entry.is_empty())
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
            found.map(|(_, value)| (*value).to_owned())
        };
        of_environment(&target.parse().unwrap(), variable).map(|(_, value)| value)
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
        ] {
            assert_eq!(
                is_exception(host, exceptions),
                is_excepted,
                "{host} {exceptions}"
            );
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_its_password() {
        let target: Uri = "https://x.com".parse().unwrap();
        for url in [
            "http://user:hunter2@",
            "ftp://user:hunter2@x",
            "socks5://user:hunter2@x:1080",
            "http://user:hunter2@x:port",
        ] {
            let setting = ProxySetting::Url(url.into());
            let error = setting.on_the_way_to(&target).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let setting = ProxySetting::Url("proxy.example:3128".into());
        assert!(setting.on_the_way_to(&target).unwrap().is_some());
        assert!(
            ProxySetting::Direct
                .on_the_way_to(&target)
                .unwrap()
                .is_none()
        );
    }
}
