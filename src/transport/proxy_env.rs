//! The proxy that the environment names, as for curl: `https_proxy`, `http_proxy`, `all_proxy` and
//! `no_proxy`.

use std::net::IpAddr;

use http::Uri;
use zeroize::Zeroizing;

/// Returns the name and the value of the variable that sets the proxy for `target`. `None` if there
/// is none, or if `no_proxy` lists the host. `variable` returns the value of a variable.
pub(super) fn from_env(
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
        // In a CGI program HTTP_PROXY is the value of the request's "Proxy" header.
        _ if variable("REQUEST_METHOD").is_some() => either(&["http_proxy"]),
        _ => either(&["http_proxy", "HTTP_PROXY"]),
    };
    by_scheme.or_else(|| either(&["all_proxy", "ALL_PROXY"]))
}

/// Returns whether `no_proxy` lists the host: by its name, a parent domain, its address, a range of
/// addresses, or "*". An entry with a port applies to that port only.
fn is_exception(host: &str, port: u16, exceptions: &str) -> bool {
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    let host = host.to_ascii_lowercase();
    let address = host.parse::<IpAddr>().ok();
    let entries = exceptions.split([',', ' ', '\t']).map(str::trim);
    entries
        .filter(|entry| !entry.is_empty())
        .filter_map(|entry| match split_port(entry) {
            (entry, None) => Some(entry),
            (entry, Some(entry_port)) => Some(entry).filter(|_| entry_port == port),
        })
        .any(|entry| match address {
            _ if entry == "*" => true,
            Some(address) => contains_address(entry.trim_matches(['[', ']']), address),
            None => {
                let domain = entry.trim_start_matches("*.").trim_matches('.');
                let domain = domain.to_ascii_lowercase();
                host.strip_suffix(domain.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        })
}

/// Splits an entry such as `host:8080` or `[::1]:8080` into host and port. An IPv6 address without
/// brackets has no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    let split = entry.rsplit_once(':');
    let split = split.filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    match split.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
        Some((host, port)) => (host, Some(port)),
        None => (entry, None),
    }
}

/// Returns whether an entry such as `10.0.0.0/8` contains the address.
fn contains_address(entry: &str, address: IpAddr) -> bool {
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
        let variable = |requested: &str| {
            let found = variables.iter().find(|(name, _)| *name == requested);
            found.map(|(_, value)| Zeroizing::new((*value).to_owned()))
        };
        from_env(&target.parse().unwrap(), variable).map(|(_, value)| value.to_string())
    }

    #[test]
    fn from_env_variable_of_scheme_takes_precedence() {
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
    fn is_exception_host_or_address_range_is_excepted() {
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
}
