//! Finding a team's server by the team's name.

use std::sync::Arc;

use crate::error::About;
use crate::server::Server;
use crate::session::Endpoint;
use crate::text::{MAX_MESSAGE, one_line};
use crate::{Error, json, server_message};

/// Where teams are looked up, unless the caller says otherwise.
pub(crate) const DIRECTORY: &str = "https://api.sellercloud.com";

/// A team whose server is to be found.
pub(crate) struct Team {
    pub(crate) name: String,
    pub(crate) directory: Arc<Endpoint>,
}

impl Team {
    /// The path to ask the directory for.
    pub(crate) fn path(&self) -> String {
        let mut path = "/api/server-by-team/?team=".to_owned();
        for byte in self.name.bytes() {
            // RFC 3986 section 2.3.
            match byte {
                b'-' | b'.' | b'_' | b'~' => path.push(byte.into()),
                byte if byte.is_ascii_alphanumeric() => path.push(byte.into()),
                byte => path.push_str(&format!("%{byte:02X}")),
            }
        }
        path
    }

    /// The server that the directory's answer names.
    pub(crate) fn server(&self, answer: &[u8], allow_plain_http: bool) -> Result<Server, Error> {
        const MAX_URL: usize = 2048;
        let body = json::text(answer);
        let fields = json::fields(&body, ["RestApiEndpoint", "ApiUrl", "ServerID"]);
        let [endpoint, url, id] = fields.unwrap_or_default().map(|value| {
            let text = value?.string(MAX_URL)?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        });
        let url = endpoint.or(url);
        if let Some(named) = url.as_deref().map(base).or(id.as_deref()) {
            return Server::new(named, allow_plain_http);
        }
        let words = server_message::known_message(answer);
        let words = words.map(|words| format!(" ({})", one_line(&words, MAX_MESSAGE)));
        Err(Error::MalformedBody {
            about: About::default(),
            offset: None,
            message: format!(
                "{} names no server for the team {:?}{}: check its name, or give the server's \
                 own id or URL",
                self.directory.server.host(),
                self.name,
                words.unwrap_or_default()
            ),
        })
    }
}

/// The base that the API's paths, which begin with `/api`, follow.
fn base(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    match url.len().checked_sub("/api".len()) {
        Some(at) if url.is_char_boundary(at) && url[at..].eq_ignore_ascii_case("/api") => {
            &url[..at]
        }
        _ => url,
    }
}
