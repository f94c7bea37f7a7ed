//! Which server is meant: an id or a base URL.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

use crate::Error;

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
        let has_bad_port = authority.as_str() != authority.host() && authority.port_u16().is_none();
        if authority.host().is_empty() || has_bad_port || base.contains(['?', '#']) {
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

fn unusable(server: &str) -> Error {
    // A URL that does not parse may still hold a password: what may be one is not shown.
    let shown = if server.contains('@') {
        "the server given"
    } else {
        server
    };
    Error::InvalidArgument(format!(
        "{shown}: not a server; give its id, such as tt, or its base URL, \
         such as https://tt.api.sellercloud.com/rest"
    ))
}

/// A server id is one label of a DNS name (RFC 1123 section 2.1).
fn is_server_id(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_loopback(host: &str) -> bool {
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
