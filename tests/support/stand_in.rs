//! A stand-in for a Sellercloud server: some jobs with output files of the
//! kinds that users get, each in one of the forms that servers use.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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

/// The server; it stops when this is dropped.
pub struct StandIn {
    server: MockServer,
}

impl StandIn {
    pub fn start() -> Self {
        let server = MockServer::start();
        server.mock(|when, then| {
            when.method("GET")
                .path_matches("(?i)^/rest/api/QueuedJobs/OutputFile");
            then.respond_with(answer);
        });
        Self { server }
    }

    /// The base URL.
    pub fn url(&self) -> String {
        self.server.url("/rest")
    }
}

fn answer(request: &HttpMockRequest) -> HttpMockResponse {
    let headers = request.headers();
    let authorization = headers.get("authorization").map(|value| value.as_bytes());
    let response = HttpMockResponse::builder();
    if authorization != Some(format!("Bearer {TOKEN}").as_bytes()) {
        return response
            .status(401)
            .header("Content-Type", "text/plain")
            .body("Not Valid Token")
            .build();
    }
    let uri = request.uri();
    let query = uri.query().and_then(|query| query.strip_prefix("id="));
    let id = query
        .or_else(|| uri.path().rsplit('/').next())
        .unwrap_or_default();
    let Some(job) = JOBS.iter().find(|job| job.id.to_string() == id) else {
        return response
            .status(500)
            .header("Content-Type", "application/json; charset=utf-8")
            .body(format!(
                r#"{{"Message":"An error has occurred.","ExceptionMessage":"Could not find or load record with ID {id}!","ExceptionType":"System.Exception","StackTrace":"   at SellerCloud.Load()"}}"#
            ))
            .build();
    };
    // The large one is made once, on the fly.
    static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| Job::find(28148).body());
    let body = if job.id == 28148 {
        LARGE.clone()
    } else {
        job.body()
    };
    let response = response
        .status(200)
        .header("Content-Type", job.content_type);
    let response = match job.content_disposition {
        Some(value) => response.header("Content-Disposition", value),
        None => response,
    };
    response.body(body).build()
}
