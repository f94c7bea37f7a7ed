//! Looks up the server of a team by the team's name.

use std::sync::Arc;

use super::base_url::BaseUrl;
use super::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, ErrorResponse};
use crate::text::{MAX_MESSAGE, Redactor, json, percent, server_message};

/// The default URL to look up teams.
pub(crate) const TEAM_LOOKUP_URL: &str = "https://api.sellercloud.com";

/// A team whose server is to be looked up.
pub(crate) struct Team {
    pub(crate) name: String,
    pub(crate) lookup: Arc<Endpoint>,
}

impl Team {
    /// Returns the path of the lookup.
    pub(super) fn path(&self) -> String {
        let mut path = "/api/server-by-team/?team=".to_owned();
        percent::encode(&self.name, &mut path);
        path
    }

    /// Returns the base URL from the response of the lookup.
    pub(super) fn base_url(
        &self,
        body: &[u8],
        allow_plain_http: bool,
        redactor: &Redactor,
    ) -> Result<BaseUrl, Error> {
        const MAX_URL: usize = 2048;
        let text = json::text(body);
        let fields = json::fields(&text, ["RestApiEndpoint", "ApiUrl", "ServerID"]);
        let [endpoint, url, id] = fields.unwrap_or_default().map(|value| {
            let text = value?.string(MAX_URL)?.trim().to_owned();
            (!text.is_empty()).then_some(text)
        });
        let url = endpoint.or(url);
        let host = self.lookup.base_url.host();
        if let Some(named) = url.as_deref().map(base).or(id.as_deref()) {
            return BaseUrl::new(named, allow_plain_http).map_err(|error| {
                let error = redactor.one_line(&error.to_string(), MAX_MESSAGE);
                let message = format!("{host} names a server that cannot be used: {error}");
                Error::malformed_body(message, None)
            });
        }
        let advice = "check the name, or use the server's id or URL";
        match server_message::known_message(body) {
            Some(text) => {
                let text = redactor.one_line(&text, MAX_MESSAGE);
                let message = format!("no server for the team {:?}: {text}", self.name);
                let mut response = ErrorResponse::new(200, Some(message));
                response.advice = advice;
                Err(Error::from_response_as(ErrorKind::NotFound, response))
            }
            None => {
                let name = &self.name;
                let message = format!("{host} names no server for the team {name:?}: {advice}");
                Err(Error::malformed_body(message, None))
            }
        }
    }
}

/// Returns the base URL that the API's paths, which begin with `/api`, are appended to.
fn base(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    match url.len().checked_sub("/api".len()) {
        Some(at) if url.is_char_boundary(at) && url[at..].eq_ignore_ascii_case("/api") => {
            &url[..at]
        }
        _ => url,
    }
}
