//! The parts of a Sellercloud server that do not depend on its jobs: the token, the login, the
//! team lookup, and the routes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::connection::Listener;
use crate::directory::DirectoryJobs;
use crate::http::{self, Request, Response};
use crate::scripted_jobs::ScriptedJobs;

/// The token that the server always accepts.
pub const TOKEN: &str = "mock-token-5f2d8c";

/// The user name that can log in.
pub const USER_NAME: &str = "integration@example.com";

/// The password of [`USER_NAME`].
pub const PASSWORD: &str = "hunter2 \"quoted\" \u{e9}";

/// The team that the team lookup knows.
pub const TEAM: &str = "Acme & Sons";

/// The jobs of a server.
pub(crate) trait Jobs: Send + Sync {
    /// Responds to a request for a job. `before` is the number of such requests before.
    fn job(&self, id: &str, before: usize) -> Response;

    /// Responds to a request for a job's log.
    fn log(&self, id: &str) -> Response;

    /// Responds to a request for a job's output file. `before` is the number of such requests
    /// before.
    fn output_file(&self, id: &str, request: &Request, before: usize) -> OutputFileResponse;
}

/// The response to a request for an output file.
pub(crate) struct OutputFileResponse {
    pub(crate) response: Response,
    /// Whether every token that a login returned expires with it.
    pub(crate) expires_tokens: bool,
}

impl From<Response> for OutputFileResponse {
    fn from(response: Response) -> Self {
        Self {
            response,
            expires_tokens: false,
        }
    }
}

/// A mock Sellercloud server on 127.0.0.1, which accepts connections until it is dropped.
///
/// It has the routes `/rest/api/token`, `/rest/api/QueuedJobs/{id}`,
/// `/rest/api/QueuedJobs/{id}/Logs`, `/rest/api/QueuedJobs/OutputFile/{id}` and
/// `/rest/api/QueuedJobs/OutputFile?id={id}`, and `/api/server-by-team/` for the team lookup.
#[derive(Debug)]
pub struct MockSellercloud {
    listener: Listener,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    logins: usize,
    /// The number of the first login whose token is still valid.
    first_valid: usize,
    /// The number of requests for each path.
    requests: HashMap<String, usize>,
}

impl MockSellercloud {
    /// Starts a server with the jobs of [`crate::scripted_jobs`].
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub fn start() -> Self {
        Self::with_jobs(ScriptedJobs)
    }

    /// Starts a server with a job for each file of a directory.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub fn serve_directory(jobs: DirectoryJobs) -> Self {
        Self::with_jobs(jobs)
    }

    fn with_jobs(jobs: impl Jobs + 'static) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let listener = http::serve(move |request| respond(&shared, &jobs, request));
        Self { listener, state }
    }

    /// Returns the base URL, which ends in `/rest`.
    pub fn url(&self) -> String {
        format!("{}/rest", self.team_lookup_url())
    }

    /// Returns the URL of the team lookup.
    pub fn team_lookup_url(&self) -> String {
        format!("http://{}", self.listener.address)
    }

    /// Returns the number of successful logins so far.
    pub fn logins(&self) -> usize {
        self.state.lock().unwrap().logins
    }

    /// Makes every token that a login returned invalid. [`TOKEN`] stays valid.
    pub fn expire_tokens(&self) {
        self.state.lock().unwrap().expire_tokens();
    }

    /// Returns the number of requests for a path so far. The path has no query and is in
    /// lowercase.
    pub fn requests(&self, path: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.requests.get(path).copied().unwrap_or_default()
    }
}

impl State {
    fn expire_tokens(&mut self) {
        self.first_valid = self.logins + 1;
    }

    fn is_valid(&self, authorization: &str) -> bool {
        let Some(token) = authorization.strip_prefix("Bearer ") else {
            return false;
        };
        let login = token.strip_prefix("login-token-");
        let login = login.and_then(|number| number.parse::<usize>().ok());
        token == TOKEN
            || login.is_some_and(|login| (self.first_valid..=self.logins).contains(&login))
    }

    /// Counts a request, and returns the number of requests for its path before.
    fn count(&mut self, path: &str) -> usize {
        let requests = self.requests.entry(path.to_owned()).or_default();
        *requests += 1;
        *requests - 1
    }
}

fn respond(state: &Mutex<State>, jobs: &dyn Jobs, request: &Request) -> Response {
    let path = request.path.to_ascii_lowercase();
    let before = state.lock().unwrap().count(&path);
    if path == "/rest/api/token" {
        return log_in(&mut state.lock().unwrap(), request);
    }
    if path == "/api/server-by-team/" {
        return look_up_team(request);
    }
    let authorization = request.header("authorization").unwrap_or_default();
    if !state.lock().unwrap().is_valid(authorization) {
        return Response::new(401)
            .header("Content-Type", "text/plain")
            .body(&b"Not Valid Token"[..]);
    }
    let Some(rest) = path.strip_prefix("/rest/api/queuedjobs/") else {
        return Response::json(404, r#"{"Message": "No HTTP resource was found."}"#);
    };
    let query = request.query.as_deref();
    let query = query.and_then(|query| query.strip_prefix("id="));
    let file = match rest.split_once('/') {
        Some(("outputfile", id)) => jobs.output_file(id, request, before),
        None if rest == "outputfile" => {
            jobs.output_file(query.unwrap_or_default(), request, before)
        }
        None => return jobs.job(rest, before),
        Some((id, "logs")) => return jobs.log(id),
        Some(_) => return Response::json(404, ""),
    };
    if file.expires_tokens {
        state.lock().unwrap().expire_tokens();
    }
    file.response
}

fn log_in(state: &mut State, request: &Request) -> Response {
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if request.method != "POST" || body["Username"] != USER_NAME || body["Password"] != PASSWORD {
        // Some servers repeat the password. A client must not show it.
        let password = body["Password"].to_string().replace('"', "'");
        let message = format!(r#"{{"Message": "The password {password} is wrong"}}"#);
        return Response::json(401, message);
    }
    state.logins += 1;
    let number = state.logins;
    Response::json(
        200,
        format!(
            r#"{{"access_token": "login-token-{number}", "token_type": "Bearer",
                "username": "{USER_NAME}", "expires_in": 1800.5}}"#
        ),
    )
}

fn look_up_team(request: &Request) -> Response {
    match request.query.as_deref() {
        Some("team=Acme%20%26%20Sons") => {
            let host = request.header("host").unwrap_or_default();
            Response::json(
                200,
                format!(
                    r#"{{"ServerID": "tt", "ApiUrl": "", "RestApiEndpoint": "http://{host}/rest/"}}"#
                ),
            )
        }
        _ => Response::json(200, r#"{"ServerID": null, "Message": "no such team"}"#),
    }
}

/// The response for a job that does not exist, as the real server's frameworks send it.
pub(crate) fn could_not_find(id: &str) -> Response {
    Response::json(
        500,
        format!(
            r#"{{"Message":"An error has occurred.","ExceptionMessage":"Could not find or load record with ID {id}!","ExceptionType":"System.Exception","StackTrace":"   at SellerCloud.Load()"}}"#
        ),
    )
}
