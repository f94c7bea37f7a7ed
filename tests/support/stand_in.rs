//! A stand-in for a Sellercloud server: some jobs with output files of the
//! kinds that users get, each in one of the forms that servers use.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use httpmock::{HttpMockRequest, HttpMockResponse, MockServer};

use super::noise;

/// The token that the stand-in takes.
pub const TOKEN: &str = "stand-in-token-5f2d8c";

/// A job that has an output file.
pub struct Job {
    pub id: i32,
    /// The name that a client should come to.
    pub name: &'static str,
    pub bytes: fn() -> Vec<u8>,
    content_type: &'static str,
    content_disposition: Option<&'static str>,
    form: Form,
}

/// How the file is written into the body.
#[derive(Clone, Copy)]
enum Form {
    Text,
    WrappedText,
    JsonString,
    FileResponse(&'static str),
    Raw,
}

pub const JOBS: [Job; 9] = [
    Job {
        id: 28142,
        name: "Orders é 2026-11-23.csv",
        bytes: || include_bytes!("../samples/orders.csv").to_vec(),
        content_type: "text/csv",
        content_disposition: Some(
            "attachment; filename=\"=?utf-8?B?T3JkZXJzIMOpIDIwMjYtMTEtMjMuY3N2?=\"; \
             filename*=UTF-8''Orders%20%C3%A9%202026-11-23.csv",
        ),
        form: Form::Text,
    },
    Job {
        id: 28143,
        name: "inventory.txt",
        bytes: || include_bytes!("../samples/inventory.txt").to_vec(),
        content_type: "application/json; charset=utf-8",
        content_disposition: Some("attachment; filename=inventory.txt"),
        form: Form::JsonString,
    },
    Job {
        id: 28144,
        name: "profit and loss.xlsx",
        bytes: || include_bytes!("../samples/profit.xlsx").to_vec(),
        content_type: "application/json; charset=utf-8",
        content_disposition: None,
        form: Form::FileResponse("C:\\\\Exports\\\\profit and loss.xlsx"),
    },
    Job {
        id: 28145,
        name: "label é.pdf",
        bytes: || include_bytes!("../samples/label.pdf").to_vec(),
        content_type: "application/pdf",
        content_disposition: Some("attachment; filename=\"=?utf-8?B?bGFiZWwgw6kucGRm?=\""),
        form: Form::WrappedText,
    },
    Job {
        id: 28146,
        name: "labels.zip",
        bytes: || include_bytes!("../samples/labels.zip").to_vec(),
        content_type: "application/zip",
        content_disposition: Some("attachment; filename=\"labels.zip\""),
        form: Form::Raw,
    },
    Job {
        id: 28147,
        name: "empty.csv",
        bytes: Vec::new,
        content_type: "text/csv",
        content_disposition: Some("attachment; filename=empty.csv"),
        form: Form::Text,
    },
    Job {
        id: 28148,
        name: "large.bin",
        bytes: || noise(64 * 1024 * 1024),
        content_type: "application/octet-stream",
        content_disposition: Some("attachment; filename=large.bin"),
        form: Form::Text,
    },
    Job {
        id: 28149,
        name: "output-28149.csv",
        bytes: || b"no name\r\n".to_vec(),
        content_type: "text/csv",
        content_disposition: None,
        form: Form::Text,
    },
    Job {
        id: 28150,
        name: "passwd",
        bytes: || b"a path for a name\n".to_vec(),
        content_type: "text/plain",
        content_disposition: Some("attachment; filename=\"../../etc/passwd\""),
        form: Form::Text,
    },
];

impl Job {
    pub fn find(id: i32) -> &'static Self {
        static ALL: [Job; 9] = JOBS;
        ALL.iter().find(|job| job.id == id).unwrap()
    }

    fn body(&self) -> Vec<u8> {
        let text = || STANDARD.encode((self.bytes)());
        let in_json = || text().replace('/', "\\/").replace('+', "\\u002b");
        match self.form {
            Form::Text => text().into_bytes(),
            Form::WrappedText => text()
                .as_bytes()
                .chunks(76)
                .collect::<Vec<_>>()
                .join(&b"\r\n"[..]),
            Form::JsonString => format!("\"{}\"", in_json()).into_bytes(),
            Form::FileResponse(name) => {
                format!(r#"{{"FileName":"{name}","Content":"{}"}}"#, in_json()).into_bytes()
            }
            Form::Raw => (self.bytes)(),
        }
    }
}

/// Whom the stand-in lets log in.
pub const USER: &str = "integration@example.com";
pub const PASSWORD: &str = "hunter2 \"quoted\" \u{e9}";

/// The team that the stand-in's directory knows.
pub const TEAM: &str = "Acme & Sons";

/// What is not in order with a request for a job's output file, in the order in
/// which it happens; then there is the file of job 28142, and it begins anew.
const TROUBLES: [(i32, &[Trouble]); 7] = [
    (40001, &[Trouble::Status(503), Trouble::Status(502)]),
    (40002, &[Trouble::Limit(429, Some("1"), None)]),
    (40003, &[Trouble::Limit(409, None, Some(3600)); 100]),
    (40004, &[Trouble::Status(504); 100]),
    (40005, &[Trouble::Limit(200, None, Some(1))]),
    (40006, &[Trouble::Expiry; 100]),
    (40007, &[Trouble::Status(500); 100]),
];

#[derive(Clone, Copy)]
enum Trouble {
    Status(u16),
    /// "Too many requests", with this status, Retry-After, and seconds to the reset.
    Limit(u16, Option<&'static str>, Option<u64>),
    /// Every token that a login gave is forgotten.
    Expiry,
}

/// Jobs that are answered with a redirect, and where to.
const REDIRECTS: [(i32, &str); 3] = [
    (60001, "28142"),
    (60002, "https://elsewhere.example/28142"),
    (60003, "/rest/Account/Login?ReturnUrl=28142"),
];

/// The file of job 28142, compressed.
const COMPRESSED: i32 = 60004;

/// A little that decompresses to 64 MiB.
const BOMB: i32 = 60005;

/// What the server says of a job each time it is asked; the last one stays.
const STATUSES: [(i32, &[&str]); 9] = [
    (50001, &["", "", "0", "1", "\"Processing\"", "3"]),
    (50002, &["1", "4"]),
    (50003, &["\"PartialSuccess\""]),
    (50004, &["1"]),
    (50005, &["7"]),
    (50006, &["\"Cancelled_Service_Restarted\""]),
    (50007, &["42", "\"Frozen\"", "3"]),
    (50008, &["1", ""]),
    // On hold.
    (50009, &["6"]),
];

/// The server; it stops when this is dropped.
pub struct StandIn {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    url: String,
    logins: usize,
    /// The number of the first login whose token is still taken.
    first_valid: usize,
    /// How often each path was asked for.
    asked: HashMap<String, usize>,
}

impl StandIn {
    pub fn start() -> Self {
        let server = MockServer::start();
        let state = Arc::new(Mutex::new(State {
            url: server.url("/rest"),
            ..State::default()
        }));
        let shared = state.clone();
        server.mock(|when, then| {
            when.path_matches(".*");
            then.respond_with(move |request: &HttpMockRequest| {
                answer(&mut shared.lock().unwrap(), request)
            });
        });
        Self { server, state }
    }

    /// The base URL.
    pub fn url(&self) -> String {
        self.server.url("/rest")
    }

    /// Where it looks teams up.
    pub fn directory(&self) -> String {
        self.server.base_url()
    }

    /// How many logins succeeded.
    pub fn logins(&self) -> usize {
        self.state.lock().unwrap().logins
    }

    /// Forgets every token that a login gave.
    pub fn expire(&self) {
        self.state.lock().unwrap().expire();
    }

    /// How often a path (without query, in small letters) was asked for.
    pub fn asked(&self, path: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.asked.get(path).copied().unwrap_or_default()
    }
}

impl State {
    fn expire(&mut self) {
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

    /// Counts the request; gives how many there were of it before.
    fn count(&mut self, path: &str) -> usize {
        let asked = self.asked.entry(path.to_owned()).or_default();
        *asked += 1;
        *asked - 1
    }
}

fn json(status: u16, body: &str) -> HttpMockResponse {
    let response = HttpMockResponse::builder().status(status);
    let response = response.header("Content-Type", "application/json; charset=utf-8");
    response.body(body.to_owned()).build()
}

fn answer(state: &mut State, request: &HttpMockRequest) -> HttpMockResponse {
    let uri = request.uri();
    let path = uri.path().to_ascii_lowercase();
    let before = state.count(&path);
    if path == "/rest/api/token" {
        return log_in(state, request);
    }
    if path == "/api/server-by-team/" {
        return match uri.query() {
            Some("team=Acme%20%26%20Sons") => json(
                200,
                &format!(
                    r#"{{"ServerID": "tt", "ApiUrl": "", "RestApiEndpoint": "{}/"}}"#,
                    state.url
                ),
            ),
            _ => json(200, r#"{"ServerID": null, "Message": "no such team"}"#),
        };
    }
    let headers = request.headers();
    let authorization = headers.get("authorization");
    let authorization = authorization.and_then(|value| value.to_str().ok());
    if !state.is_valid(authorization.unwrap_or_default()) {
        return HttpMockResponse::builder()
            .status(401)
            .header("Content-Type", "text/plain")
            .body("Not Valid Token")
            .build();
    }
    let Some(rest) = path.strip_prefix("/rest/api/queuedjobs/") else {
        return json(404, r#"{"Message": "No HTTP resource was found."}"#);
    };
    let query = uri.query().and_then(|query| query.strip_prefix("id="));
    match rest.split_once('/') {
        Some(("outputfile", id)) => output_file(state, id, before),
        None if rest == "outputfile" => output_file(state, query.unwrap_or_default(), before),
        None => queued_job(rest, before),
        Some((id, "logs")) => json(
            200,
            &format!(
                r#"{{"Items": [{{"LogTime": "2026-11-23T10:00:00", "IsError": true, "Message": "Row 7 of job {id}:\r\nno SKU"}},
                    {{"Message": null}}, {{"Message": "Row 9: no price"}}], "TotalResults": 3}}"#
            ),
        ),
        Some(_) => json(404, ""),
    }
}

fn log_in(state: &mut State, request: &HttpMockRequest) -> HttpMockResponse {
    let body: serde_json::Value = serde_json::from_slice(request.body_ref()).unwrap_or_default();
    if request.method() != "POST" || body["Username"] != USER || body["Password"] != PASSWORD {
        return json(
            401,
            &format!(
                r#"{{"Message": "The password {} is wrong"}}"#,
                body["Password"].to_string().replace('"', "'")
            ),
        );
    }
    state.logins += 1;
    json(
        200,
        &format!(
            r#"{{"access_token": "login-token-{}", "token_type": "Bearer", "username": "{USER}", "expires_in": 1800.5}}"#,
            state.logins
        ),
    )
}

fn could_not_find(id: &str) -> HttpMockResponse {
    json(
        500,
        &format!(
            r#"{{"Message":"An error has occurred.","ExceptionMessage":"Could not find or load record with ID {id}!","ExceptionType":"System.Exception","StackTrace":"   at SellerCloud.Load()"}}"#
        ),
    )
}

fn queued_job(id: &str, before: usize) -> HttpMockResponse {
    let Some((_, statuses)) = STATUSES.iter().find(|(job, _)| job.to_string() == id) else {
        return could_not_find(id);
    };
    let before = before.min(statuses.len() - 1);
    let status = statuses[before];
    if status.is_empty() {
        return could_not_find(id);
    }
    json(
        200,
        &format!(
            r#"{{"Basic": {{"ID": {id}, "CompanyID": 163, "CompanyName": "Acme", "JobType": "Export orders",
                "Status": {status}, "ErrorMessage": "3 rows\r\nare not valid", "Priority": 1,
                "SubmittedOn": "2026-11-23T10:00:00.123", "StartedOn": null}},
                "OutputFile": "orders.csv", "TotalRecords": 10, "TotalProcessed": {before}, "TotalFailure": 3}}"#
        ),
    )
}

fn output_file(state: &mut State, id: &str, before: usize) -> HttpMockResponse {
    let mut id = id.parse().unwrap_or_default();
    if let Some((_, troubles)) = TROUBLES.iter().find(|(job, _)| *job == id) {
        let trouble = troubles.get(before % (troubles.len() + 1));
        if let Some(response) = trouble.and_then(|trouble| troubled(state, *trouble)) {
            return response;
        }
        id = 28142;
    }
    if let Some((_, to)) = REDIRECTS.iter().find(|(job, _)| *job == id) {
        let response = HttpMockResponse::builder().status(302);
        return response.header("Location", *to).build();
    }
    if matches!(id, COMPRESSED | BOMB) {
        let body = match id {
            COMPRESSED => Job::find(28142).body(),
            _ => vec![b'A'; 64 * 1024 * 1024],
        };
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&body).unwrap();
        let response = HttpMockResponse::builder().status(200);
        let response = response.header("Content-Encoding", "gzip");
        return response.body(encoder.finish().unwrap()).build();
    }
    if STATUSES.iter().any(|(job, _)| *job == id) {
        id = 28142;
    }
    let Some(job) = JOBS.iter().find(|job| job.id == id) else {
        return could_not_find(&id.to_string());
    };
    // The large one is made once, on the fly.
    static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| Job::find(28148).body());
    let body = if job.id == 28148 {
        LARGE.clone()
    } else {
        job.body()
    };
    let response = HttpMockResponse::builder()
        .status(200)
        .header("Content-Type", job.content_type);
    let response = match job.content_disposition {
        Some(value) => response.header("Content-Disposition", value),
        None => response,
    };
    response.body(body).build()
}

fn troubled(state: &mut State, trouble: Trouble) -> Option<HttpMockResponse> {
    match trouble {
        Trouble::Status(status) => {
            let response = HttpMockResponse::builder().status(status);
            let page = "<html><body><h1>The service is unavailable.</h1></body></html>";
            Some(response.body(page).build())
        }
        Trouble::Limit(status, retry_after, reset) => {
            let reset = reset.map(|seconds| {
                let time = SystemTime::now() + Duration::from_secs(seconds);
                let time = humantime::format_rfc3339_nanos(time).to_string();
                // Seven digits, as .NET has them.
                format!(r#", "RateLimitResetTime": "{}Z""#, &time[..time.len() - 3])
            });
            let body = format!(
                r#"{{"Error": "Too many requests."{}}}"#,
                reset.unwrap_or_default()
            );
            let response = HttpMockResponse::builder().status(status);
            let response = match retry_after {
                Some(seconds) => response.header("Retry-After", seconds),
                None => response,
            };
            Some(response.body(body).build())
        }
        Trouble::Expiry => {
            state.expire();
            None
        }
    }
}
