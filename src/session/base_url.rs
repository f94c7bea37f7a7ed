//! The base URL of a server, in every form that users copy.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

use crate::error::Error;
use crate::text::{MAX_MESSAGE, one_line};
use crate::transport::is_host_and_port;

/// The base URL that all API paths follow, without a slash at its end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    base: String,
    host: String,
}

impl BaseUrl {
    /// Parses an id (`tt`) or a base URL (`https://tt.api.sellercloud.com/rest`). Plain HTTP is
    /// allowed for loopback, and for other hosts only with `allow_plain_http`, since the token
    /// travels unencrypted.
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
            return Err(Error::invalid_argument(
                "the server's URL contains a user name or password: pass them as options",
            ));
        }
        if !is_host_and_port(authority) || base.contains(['?', '#']) {
            return Err(unusable(server));
        }
        match scheme {
            "https" => {}
            "http" if allow_plain_http || is_loopback(authority.host()) => {}
            "http" => {
                return Err(Error::invalid_argument(format!(
                    "{base}: over plain HTTP others could read the token: use https, or enable the \
                     option allow_plain_http"
                )));
            }
            _ => return Err(unusable(server)),
        }
        Ok(Self {
            host: authority.to_string(),
            base,
        })
    }

    /// Returns the URL of an API path, such as `/api/QueuedJobs/OutputFile/1`.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Returns the base URL.
    pub(crate) fn uri(&self) -> Uri {
        // It was parsed when this was created.
        self.base.parse().unwrap_or_default()
    }

    /// Returns host and port, for messages.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
    }
}

fn unusable(server: &str) -> Error {
    // A URL that does not parse may still contain a password, so it is not shown.
    let shown = if server.contains('@') {
        "the URL".to_owned()
    } else if server.is_empty() {
        "an empty text".to_owned()
    } else {
        one_line(server, MAX_MESSAGE / 2)
    };
    Error::invalid_argument(format!(
        "{shown} is not a server: use its id, such as tt, or its base URL, \
         such as https://tt.api.sellercloud.com/rest"
    ))
}

/// Returns whether `text` is a server id: one label of a DNS name (RFC 1123 section 2.1).
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
    fn new_id_or_base_url_gives_url() {
        for (server, url) in [
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
            assert_eq!(
                BaseUrl::new(server, false).unwrap().url("/x"),
                url,
                "{server}"
            );
        }
    }

    #[test]
    fn new_invalid_server_is_rejected() {
        for server in [
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
            assert!(BaseUrl::new(server, false).is_err(), "{server}");
        }
        assert!(BaseUrl::new("http://tt.api.sellercloud.com/rest", true).is_ok());
    }

    #[test]
    fn new_url_with_password_is_rejected_and_not_shown() {
        for server in ["https://user:secret@host/", "ht tp://user:secret@host/"] {
            let message = BaseUrl::new(server, true).unwrap_err().to_string();
            assert!(!message.contains("secret"), "{message}");
        }
    }
}
