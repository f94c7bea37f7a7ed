//! Which server is meant: an id or a base URL.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use http::uri::Authority;

use crate::Error;
use crate::text::{MAX_MESSAGE, one_line};

/// The base URL that all API paths follow, without a slash at its end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Server {
    base: String,
    host: String,
}

impl Server {
    /// `server` is an id (`tt`) or a base URL (`https://tt.api.sellercloud.com/rest`).
    /// Plain http is for loopback, or where `allow_plain_http` says so: the
    /// token would travel in the clear.
    pub(crate) fn new(server: &str, allow_plain_http: bool) -> Result<Self, Error> {
        let server = server.trim();
        let base = if is_server_id(server) {
            format!("https://{server}.api.sellercloud.com/rest")
        } else {
            server.trim_end_matches('/').to_owned()
        };
        let uri: Uri = base.parse().map_err(|_| unusable(server))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(unusable(server));
        };
        if authority.as_str().contains('@') {
            return Err(Error::InvalidArgument(
                "the server's URL must not hold a user name or password".into(),
            ));
        }
        if !is_host_and_port(authority) || base.contains(['?', '#']) {
            return Err(unusable(server));
        }
        match scheme {
            "https" => {}
            "http" if allow_plain_http || is_loopback(authority.host()) => {}
            "http" => {
                return Err(Error::InvalidArgument(format!(
                    "{base}: over plain http the token could be read on the way; \
                     use https, or allow plain http by name"
                )));
            }
            _ => return Err(unusable(server)),
        }
        Ok(Self {
            host: authority.to_string(),
            base,
        })
    }

    /// The URL of an API path, such as `/api/QueuedJobs/OutputFile/1`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The base URL.
    pub(crate) fn uri(&self) -> Uri {
        // It parsed when this was made.
        self.base.parse().unwrap_or_default()
    }

    /// Where a redirect leads, which the answer to `url` named.
    pub(crate) fn redirect(&self, url: &str, location: &[u8]) -> Redirect {
        let location = String::from_utf8_lossy(location);
        let location = location.trim().split('#').next().unwrap_or_default();
        let target = join(url, location);
        let uri: Option<Uri> = target.parse().ok();
        let Some((uri, scheme)) = uri.as_ref().and_then(|uri| Some((uri, uri.scheme_str()?)))
        else {
            return Redirect::Elsewhere("a URL that cannot be read".into());
        };
        // Without the query, which may repeat what was sent.
        let shown = format!("{scheme}://{}{}", authority(uri), uri.path());
        if is_login(uri.path()) {
            Redirect::ToLogin(shown)
        } else if origin(uri) == origin(&self.uri()) && !has_user_info(uri) {
            Redirect::Within(target)
        } else {
            Redirect::Elsewhere(shown)
        }
    }

    /// Host and port, for messages.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

/// What a redirect asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Redirect {
    /// A URL of the same origin, to be followed.
    Within(String),
    /// A page where people log in.
    ToLogin(String),
    /// Another origin (RFC 6454 section 4), where a token must not go.
    Elsewhere(String),
}

/// A reference as RFC 3986 section 5.2 resolves it, but for dot segments, which
/// the server resolves as well.
fn join(url: &str, reference: &str) -> String {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let path = url[after_scheme..]
        .find(['/', '?'])
        .map_or(url.len(), |at| after_scheme + at);
    let query = url[path..].find('?').map_or(url.len(), |at| path + at);
    let has_scheme = reference.find([':', '/', '?']).is_some_and(|at| {
        reference[at..].starts_with(':') && reference.starts_with(|c: char| c.is_ascii_alphabetic())
    });
    if has_scheme {
        reference.to_owned()
    } else if reference.starts_with("//") {
        format!("{}{reference}", &url[..after_scheme - 2])
    } else if reference.starts_with('/') {
        format!("{}{reference}", &url[..path])
    } else if reference.starts_with('?') {
        format!("{}{reference}", &url[..query])
    } else if reference.is_empty() {
        url.to_owned()
    } else {
        let folder = url[path..query].rfind('/').map_or(path, |at| path + at);
        format!("{}/{reference}", &url[..folder])
    }
}

/// Returns whether a path is that of a login page of ASP.NET and its kin: whether one of its
/// words is `login`, `LogOn`, `sign-in` or the like. `catalogin` is another word.
fn is_login(path: &str) -> bool {
    let words = words(path);
    let is_pair = |pair: &[String]| {
        matches!(pair[0].as_str(), "log" | "sign") && matches!(pair[1].as_str(), "in" | "on")
    };
    words.windows(2).any(is_pair)
        || words
            .iter()
            .any(|word| matches!(word.as_str(), "login" | "logon" | "signin" | "signon"))
}

/// The words of a path in lowercase, which end where a letter does not follow and where an
/// uppercase letter follows a lowercase one.
fn words(path: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_after_lowercase = false;
    for c in path.chars() {
        let starts_word = c.is_ascii_uppercase() && is_after_lowercase;
        if starts_word || !c.is_ascii_alphabetic() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && c.is_ascii_alphabetic()
        {
            word.push(c.to_ascii_lowercase());
        }
        is_after_lowercase = c.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Host and port, without what may be a password.
fn authority(uri: &Uri) -> &str {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    authority.rsplit('@').next().unwrap_or_default()
}

/// Returns whether the authority holds a user name or password.
fn has_user_info(uri: &Uri) -> bool {
    uri.authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
}

/// Scheme, host and port.
fn origin(uri: &Uri) -> (Option<&str>, Option<String>, u16) {
    let default_port = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    (
        uri.scheme_str(),
        uri.host().map(str::to_ascii_lowercase),
        uri.port_u16().unwrap_or(default_port),
    )
}

fn unusable(server: &str) -> Error {
    // A URL that does not parse may still hold a password: what may be one is not shown.
    let shown = if server.contains('@') {
        "the server given".to_owned()
    } else {
        one_line(server, MAX_MESSAGE / 2)
    };
    Error::InvalidArgument(format!(
        "{shown}: not a server; give its id, such as tt, or its base URL, \
         such as https://tt.api.sellercloud.com/rest"
    ))
}

/// Whether the port, if any, is one; the parser of URLs does not look.
pub(crate) fn is_host_and_port(authority: &Authority) -> bool {
    let host = authority.host();
    let has_port = !authority.as_str().ends_with(host);
    !host.is_empty() && (!has_port || authority.port_u16().is_some())
}

/// A server id is one label of a DNS name (RFC 1123 section 2.1).
fn is_server_id(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_is_followed_within_its_origin_only() {
        let server = Server::new("tt", false).unwrap();
        let base = "https://tt.api.sellercloud.com";
        let url = format!("{base}/rest/api/QueuedJobs/OutputFile?id=1");
        let within = |target: &str| Redirect::Within(format!("{base}{target}"));
        let elsewhere = |target: &str| Redirect::Elsewhere(target.into());
        for (location, redirect) in [
            ("/x?y=1", within("/x?y=1")),
            ("x", within("/rest/api/QueuedJobs/x")),
            ("?id=2", within("/rest/api/QueuedJobs/OutputFile?id=2")),
            ("", within("/rest/api/QueuedJobs/OutputFile?id=1")),
            ("/x#fragment", within("/x")),
            (
                "https://TT.api.sellercloud.com:443/x",
                Redirect::Within("https://TT.api.sellercloud.com:443/x".into()),
            ),
            ("//tt.api.sellercloud.com/x", within("/x")),
            (
                "http://tt.api.sellercloud.com/x?token=t",
                elsewhere("http://tt.api.sellercloud.com/x"),
            ),
            (
                "https://tt.api.sellercloud.com:444/x",
                elsewhere("https://tt.api.sellercloud.com:444/x"),
            ),
            ("https://evil.com/x", elsewhere("https://evil.com/x")),
            ("//evil.com/x", elsewhere("https://evil.com/x")),
            (
                "https://tt.api.sellercloud.com.evil.com/",
                elsewhere("https://tt.api.sellercloud.com.evil.com/"),
            ),
            (
                "https://tt.api.sellercloud.com@evil.com/",
                elsewhere("https://evil.com/"),
            ),
            (
                "https://u:p@tt.api.sellercloud.com/x",
                elsewhere("https://tt.api.sellercloud.com/x"),
            ),
            ("file:///etc/passwd", elsewhere("a URL that cannot be read")),
            (
                "/Account/Login.aspx?ReturnUrl=x",
                Redirect::ToLogin(format!("{base}/Account/Login.aspx")),
            ),
            ("/catalogin/x", within("/catalogin/x")),
            ("/designin", within("/designin")),
            ("/exports/a@b.csv", within("/exports/a@b.csv")),
            ("/UserLogin", Redirect::ToLogin(format!("{base}/UserLogin"))),
            ("/log-in?x", Redirect::ToLogin(format!("{base}/log-in"))),
            (
                "/Account/SignIn",
                Redirect::ToLogin(format!("{base}/Account/SignIn")),
            ),
            (
                "https://sso.example/signin",
                Redirect::ToLogin("https://sso.example/signin".into()),
            ),
        ] {
            assert_eq!(
                server.redirect(&url, location.as_bytes()),
                redirect,
                "{location}"
            );
        }
    }

    #[test]
    fn an_id_or_a_base_url_names_the_server() {
        for (given, url) in [
            ("tt", "https://tt.api.sellercloud.com/rest/x"),
            (" tt\n", "https://tt.api.sellercloud.com/rest/x"),
            (
                "https://tt.api.sellercloud.com/rest",
                "https://tt.api.sellercloud.com/rest/x",
            ),
            (
                "https://acme.api.sellercloud.us/rest//",
                "https://acme.api.sellercloud.us/rest/x",
            ),
            ("HTTPS://host", "HTTPS://host/x"),
            ("http://localhost:64158", "http://localhost:64158/x"),
            ("http://127.0.0.5:1/rest/", "http://127.0.0.5:1/rest/x"),
            ("http://[::1]:80", "http://[::1]:80/x"),
        ] {
            assert_eq!(Server::new(given, false).unwrap().url("/x"), url, "{given}");
        }
    }

    #[test]
    fn what_names_no_server_is_refused() {
        for given in [
            "",
            "-tt",
            "tt.api.sellercloud.com",
            "https://",
            "ftp://tt.api.sellercloud.com",
            "https://tt/rest?x=1",
            "https://tt/rest#top",
            "https:///rest",
            "http://tt.api.sellercloud.com/rest",
            "http://127.0.0.1.example.com",
            "a b",
            "https://host:port",
        ] {
            assert!(Server::new(given, false).is_err(), "{given}");
        }
        assert!(Server::new("http://tt.api.sellercloud.com/rest", true).is_ok());
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_shown() {
        for given in ["https://user:secret@host/", "ht tp://user:secret@host/"] {
            let message = Server::new(given, true).unwrap_err().to_string();
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
