//! Jobs for the tests of this project: output files of the kinds that users get, each in one
//! of the forms that servers send, and jobs whose requests fail in scripted ways.

use std::borrow::Cow;
use std::io::Write;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fixtures::noise;
use crate::http::{Request, Response};
use crate::sellercloud::{Jobs, OutputFileResponse, could_not_find};

/// A job that has an output file.
#[derive(Debug)]
pub struct Job {
    /// The job's id.
    pub id: i32,
    /// The name that a client must give the file.
    pub name: &'static str,
    /// Returns the content of the file.
    pub bytes: fn() -> Vec<u8>,
    content_type: &'static str,
    content_disposition: Option<&'static str>,
    form: Form,
}

/// How the file is encoded in the body.
#[derive(Clone, Copy, Debug)]
enum Form {
    Text,
    WrappedText,
    JsonString,
    FileResponse(&'static str),
    Raw,
}

/// The jobs that have output files.
pub const JOBS: [Job; 9] = [
    Job {
        id: 28142,
        name: "Orders é 2026-11-23.csv",
        bytes: || include_bytes!("../../fixtures/orders.csv").to_vec(),
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
        bytes: || include_bytes!("../../fixtures/inventory.txt").to_vec(),
        content_type: "application/json; charset=utf-8",
        content_disposition: Some("attachment; filename=inventory.txt"),
        form: Form::JsonString,
    },
    Job {
        id: 28144,
        name: "profit and loss.xlsx",
        bytes: || include_bytes!("../../fixtures/profit.xlsx").to_vec(),
        content_type: "application/json; charset=utf-8",
        content_disposition: None,
        form: Form::FileResponse("C:\\\\Exports\\\\profit and loss.xlsx"),
    },
    Job {
        id: 28145,
        name: "label é.pdf",
        bytes: || include_bytes!("../../fixtures/label.pdf").to_vec(),
        content_type: "application/pdf",
        content_disposition: Some("attachment; filename=\"=?utf-8?B?bGFiZWwgw6kucGRm?=\""),
        form: Form::WrappedText,
    },
    Job {
        id: 28146,
        name: "labels.zip",
        bytes: || include_bytes!("../../fixtures/labels.zip").to_vec(),
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
    /// Returns the job with this id.
    ///
    /// # Panics
    ///
    /// Panics if [`JOBS`] has no such job.
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

    fn response(&self) -> Response {
        // The large one is encoded once, when it is first requested.
        static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| Job::find(28148).body());
        let body: Cow<'static, [u8]> = match self.id {
            28148 => Cow::Borrowed(LARGE.as_slice()),
            _ => Cow::Owned(self.body()),
        };
        let response = Response::new(200).header("Content-Type", self.content_type);
        let response = match self.content_disposition {
            Some(value) => response.header("Content-Disposition", value),
            None => response,
        };
        response.body(body)
    }
}

/// Jobs whose output file is preceded by failures, one for each request. The request after the
/// last failure gets the file of job 28142, and the one after that the first failure again.
const SCRIPTED_FAILURES: [(i32, &[ScriptedFailure]); 7] = [
    (
        40001,
        &[ScriptedFailure::Status(503), ScriptedFailure::Status(502)],
    ),
    (40002, &[ScriptedFailure::RateLimit(429, Some("1"), None)]),
    (
        40003,
        &[ScriptedFailure::RateLimit(409, None, Some(3600)); 100],
    ),
    (40004, &[ScriptedFailure::Status(504); 100]),
    (40005, &[ScriptedFailure::RateLimit(200, None, Some(1))]),
    (40006, &[ScriptedFailure::Expiry; 100]),
    (40007, &[ScriptedFailure::Status(500); 100]),
];

#[derive(Clone, Copy)]
enum ScriptedFailure {
    /// A page with this status.
    Status(u16),
    /// "Too many requests", with this status, Retry-After, and seconds to the reset.
    RateLimit(u16, Option<&'static str>, Option<u64>),
    /// Every token that a login returned expires. The response is the file.
    Expiry,
}

/// Jobs whose output file is a redirect, and its target.
const REDIRECTS: [(i32, &str); 3] = [
    (60001, "28142"),
    (60002, "https://elsewhere.example/28142"),
    (60003, "/rest/Account/Login?ReturnUrl=28142"),
];

/// The job whose output file is that of job 28142, compressed.
const COMPRESSED: i32 = 60004;

/// The job whose output file is a few KiB that decompress to 64 MiB.
const BOMB: i32 = 60005;

/// The job whose output file is that of job 28142 for requests whose User-Agent ends with
/// [`USER_AGENT_SUFFIX`]. For others it does not exist.
const FOR_USER_AGENT: i32 = 60006;

const USER_AGENT_SUFFIX: &str = " nightly-export/2.1 (warehouse 7)";

/// The status of a job in the response to each request; the last one stays. Where it is empty,
/// the job does not exist. Each has the output file of job 28142.
const STATUSES: [(i32, &[&str]); 9] = [
    (50001, &["", "", "0", "1", "\"Processing\"", "3"]),
    (50002, &["1", "4"]),
    (50003, &["\"PartialSuccess\""]),
    (50004, &["1"]),
    (50005, &["7"]),
    (50006, &["\"Cancelled_Service_Restarted\""]),
    // A number and a name that no version of the server has.
    (50007, &["42", "\"Frozen\"", "3"]),
    (50008, &["1", ""]),
    // On hold.
    (50009, &["6"]),
];

/// The jobs of this module.
#[derive(Debug)]
pub(crate) struct ScriptedJobs;

impl Jobs for ScriptedJobs {
    fn job(&self, id: &str, before: usize) -> Response {
        let Some((_, statuses)) = STATUSES.iter().find(|(job, _)| job.to_string() == id) else {
            return could_not_find(id);
        };
        let before = before.min(statuses.len() - 1);
        let status = statuses[before];
        if status.is_empty() {
            return could_not_find(id);
        }
        Response::json(
            200,
            format!(
                r#"{{"Basic": {{"ID": {id}, "CompanyID": 163, "CompanyName": "Acme", "JobType": "Export orders",
                "Status": {status}, "ErrorMessage": "3 rows\r\nare not valid", "Priority": 1,
                "SubmittedOn": "2026-11-23T10:00:00.123", "StartedOn": null}},
                "OutputFile": "orders.csv", "TotalRecords": 10, "TotalProcessed": {before}, "TotalFailure": 3}}"#
            ),
        )
    }

    fn log(&self, id: &str) -> Response {
        Response::json(
            200,
            format!(
                r#"{{"Items": [{{"LogTime": "2026-11-23T10:00:00", "IsError": true, "Message": "Row 7 of job {id}:\r\nno SKU"}},
                    {{"Message": null}}, {{"Message": "Row 9: no price"}}], "TotalResults": 3}}"#
            ),
        )
    }

    fn output_file(&self, id: &str, request: &Request, before: usize) -> OutputFileResponse {
        let id = id.parse().unwrap_or_default();
        let mut scripts = SCRIPTED_FAILURES.iter();
        if let Some((_, failures)) = scripts.find(|(job, _)| *job == id) {
            let file = Job::find(28142).response();
            return match failures.get(before % (failures.len() + 1)) {
                None => file.into(),
                Some(ScriptedFailure::Expiry) => OutputFileResponse {
                    response: file,
                    expires_tokens: true,
                },
                Some(ScriptedFailure::Status(status)) => failed(*status).into(),
                Some(ScriptedFailure::RateLimit(status, retry_after, reset)) => {
                    rate_limited(*status, *retry_after, *reset).into()
                }
            };
        }
        if let Some((_, target)) = REDIRECTS.iter().find(|(job, _)| *job == id) {
            return Response::new(302).header("Location", *target).into();
        }
        if STATUSES.iter().any(|(job, _)| *job == id) {
            return Job::find(28142).response().into();
        }
        match id {
            COMPRESSED => compressed(&Job::find(28142).body()).into(),
            BOMB => compressed(&vec![b'A'; 64 * 1024 * 1024]).into(),
            FOR_USER_AGENT => match request.header("user-agent") {
                Some(value) if value.ends_with(USER_AGENT_SUFFIX) => {
                    Job::find(28142).response().into()
                }
                _ => could_not_find(&id.to_string()).into(),
            },
            _ => match JOBS.iter().find(|job| job.id == id) {
                Some(job) => job.response().into(),
                None => could_not_find(&id.to_string()).into(),
            },
        }
    }
}

fn compressed(body: &[u8]) -> Response {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    Response::new(200)
        .header("Content-Encoding", "gzip")
        .body(encoder.finish().unwrap())
}

fn failed(status: u16) -> Response {
    let page = "<html><body><h1>The service is unavailable.</h1></body></html>";
    Response::new(status).body(page.as_bytes())
}

fn rate_limited(status: u16, retry_after: Option<&str>, reset: Option<u64>) -> Response {
    let reset = reset.map(|seconds| {
        let time = SystemTime::now() + Duration::from_secs(seconds);
        let time = humantime::format_rfc3339_nanos(time).to_string();
        // .NET writes seven digits.
        format!(r#", "RateLimitResetTime": "{}Z""#, &time[..time.len() - 3])
    });
    let reset = reset.unwrap_or_default();
    let body = format!(r#"{{"Error": "Too many requests."{reset}}}"#);
    let response = Response::new(status).body(body.into_bytes());
    match retry_after {
        Some(seconds) => response.header("Retry-After", seconds),
        None => response,
    }
}
