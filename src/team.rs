//! Finding a team's server by the team's name.

use std::sync::Arc;

use crate::error::{About, Refusal};
use crate::server::Server;
use crate::session::Endpoint;
use crate::text::{MAX_MESSAGE, Redactor};
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
    pub(crate) fn server(
        &self,
        answer: &[u8],
        allow_plain_http: bool,
        redactor: &Redactor,
    ) -> Result<Server, Error> {
        const MAX_URL: usize = 2048;
        let body = json::text(answer);
        let fields = json::fields(&body, ["RestApiEndpoint", "ApiUrl", "ServerID"]);
        let [endpoint, url, id] = fields.unwrap_or_default().map(|value| {
            let text = value?.string(MAX_URL)?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        });
        let url = endpoint.or(url);
        let host = self.directory.server.host();
        if let Some(named) = url.as_deref().map(base).or(id.as_deref()) {
            return Server::new(named, allow_plain_http).map_err(|error| {
                let what = redactor.one_line(&error.to_string(), MAX_MESSAGE);
                malformed(format!("{host} names a server that cannot be used: {what}"))
            });
        }
        let advice = "check its name, or give the server's own id or URL";
        match server_message::known_message(answer) {
            Some(words) => {
                let words = redactor.one_line(&words, MAX_MESSAGE);
                let message = format!("no server for the team {:?}: {words}", self.name);
                let mut refusal = Refusal::new(200, Some(message));
                refusal.advice = advice;
                Err(Error::NotFound(refusal))
            }
            None => Err(malformed(format!(
                "{host} names no server for the team {:?}: {advice}",
                self.name
            ))),
        }
    }
}

fn malformed(message: String) -> Error {
    Error::MalformedBody {
        about: About::default(),
        offset: None,
        message,
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
