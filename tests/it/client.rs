//! Output files through the Rust interface, from servers that respond with valid HTTP.

use std::fs;
use std::io::Write;
use std::thread;

use httpmock::prelude::*;
use mock_server::RawServer;
use mock_server::fixtures::{noise, sha256};
use mock_server::scripted_jobs::{JOBS, Job};
use mock_server::{MockSellercloud, TOKEN};
use sellercloud_output::{BodyEncoding, Client, ErrorKind, JobId, OutputFile, RetryPolicy};

fn client(url: impl Into<String>) -> Client {
    let builder = Client::builder(url)
        .token(TOKEN)
        .retry_policy(RetryPolicy::never());
    builder.build().unwrap()
}

/// Starts a server with one response to every request.
fn responding(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> MockServer {
    let server = MockServer::start();
    server.mock(|_, mut then| {
        for (name, value) in headers {
            then = then.header(*name, *value);
        }
        then.status(status).body(body);
    });
    server
}

fn fetch(server: &MockServer) -> Result<OutputFile, sellercloud_output::Error> {
    client(server.base_url()).get_output_file(28142)
}

#[test]
fn output_file_of_every_kind_has_its_bytes_and_name() {
    let mock = MockSellercloud::start();
    let base64 = client(mock.url());
    let raw = Client::builder(mock.url())
        .token(TOKEN)
        .body_encoding(BodyEncoding::Raw)
        .build()
        .unwrap();
    for job in &JOBS {
        let client = if job.name == "labels.zip" {
            &raw
        } else {
            &base64
        };
        let file = client.get_output_file(job.id).unwrap();
        assert_eq!(file.name, job.name);
        assert_eq!(sha256(&file.bytes), sha256(&(job.bytes)()), "{}", job.name);
        assert_eq!(
            file.is_fallback_name,
            job.name.starts_with("output-"),
            "{}",
            job.name
        );
        assert_eq!(file.job_id.get(), job.id);
    }
}

#[test]
fn body_encoding_auto_decodes_every_form() {
    let mock = MockSellercloud::start();
    let auto = Client::builder(mock.url())
        .token(TOKEN)
        .body_encoding(BodyEncoding::Auto)
        .build()
        .unwrap();
    for job in &JOBS {
        let file = auto.get_output_file(job.id).unwrap();
        assert_eq!(file.name, job.name);
        assert_eq!(sha256(&file.bytes), sha256(&(job.bytes)()), "{}", job.name);
    }
}

#[test]
fn job_as_number_text_or_link_is_accepted() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    let name = Job::find(28143).name;
    let link = "/queued-jobs/queued-job-details.aspx?id=28143";
    assert_eq!(client.get_output_file(28143_i32).unwrap().name, name);
    assert_eq!(client.get_output_file(28143_u64).unwrap().name, name);
    assert_eq!(client.get_output_file("28143").unwrap().name, name);
    assert_eq!(client.get_output_file(link).unwrap().name, name);
    assert_eq!(client.get_output_file(link.to_owned()).unwrap().name, name);
    let id: JobId = link.parse().unwrap();
    assert_eq!(client.get_output_file(id).unwrap().name, name);
    for error in [client.get_output_file(0), client.get_output_file("no job")] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
}

#[test]
fn request_has_the_documented_path_and_headers() {
    let server = MockServer::start();
    let mock = server.mock(|when, then| {
        when.method("GET")
            .path("/rest/api/QueuedJobs/OutputFile/28142")
            .header("Authorization", "Bearer abc.DEF-123_~+/=")
            .header("Content-Type", "application/json")
            .header(
                "User-Agent",
                concat!("sellercloud-output/", env!("CARGO_PKG_VERSION")),
            );
        then.status(200).body("QUJD");
    });
    let client = Client::builder(server.url("/rest/"))
        .token(" abc.DEF-123_~+/=\n")
        .build()
        .unwrap();
    assert_eq!(client.get_output_file(28142).unwrap().bytes, b"ABC");
    mock.assert();
}

/// Downloads a file three times from a server with a status for each route. Returns the number
/// of requests by path and by query, and the last outcome.
fn download_three_times(
    by_path: u16,
    by_query: u16,
) -> (usize, usize, Result<OutputFile, sellercloud_output::Error>) {
    let server = MockServer::start();
    let path = server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile/28142");
        then.status(by_path).body("QUJD");
    });
    let query = server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile")
            .query_param("id", "28142");
        then.status(by_query).body("QUJD");
    });
    let client = client(server.base_url());
    let _ = client.get_output_file(28142);
    let _ = client.get_output_file(28142);
    let last = client.get_output_file(28142);
    (path.calls(), query.calls(), last)
}

#[test]
fn route_that_works_is_remembered() {
    for unknown in [404, 405] {
        let (by_path, by_query, last) = download_three_times(unknown, 200);
        assert_eq!((by_path, by_query), (1, 3), "{unknown}");
        assert_eq!(last.unwrap().bytes, b"ABC");
        // Only a file shows that the server knows a route. A 500 can have any cause.
        let (by_path, by_query, last) = download_three_times(unknown, 500);
        assert_eq!((by_path, by_query), (3, 3), "{unknown}");
        assert_eq!(last.unwrap_err().kind(), ErrorKind::Server);
    }
    for (path, query, status) in [
        (404, 404, 404),
        (405, 404, 404),
        (404, 405, 404),
        (405, 405, 405),
    ] {
        let (by_path, by_query, last) = download_three_times(path, query);
        assert_eq!((by_path, by_query), (3, 3));
        assert_eq!(last.unwrap_err().http_status(), Some(status));
    }
    for known in [200, 400, 401, 403, 500, 503] {
        let (by_path, by_query, _) = download_three_times(known, 200);
        assert_eq!((by_path, by_query), (3, 0), "{known}");
    }
}

#[test]
fn output_file_transient_error_pins_no_route() {
    let server = MockServer::start();
    let mut failing = server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile/1");
        then.status(500);
    });
    server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile")
            .query_param("id", "1");
        then.status(200).body("QUJD");
    });
    let client = client(server.base_url());
    let error = client.get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    // From now on the server responds as usual: it knows the route with the query only.
    failing.delete();
    assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
}

#[test]
fn output_file_route_that_vanishes_is_replaced_by_the_other() {
    let server = MockServer::start();
    let mut by_path = server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile/1");
        then.status(200).body("QUJD");
    });
    let by_query = server.mock(|when, then| {
        when.path("/api/QueuedJobs/OutputFile");
        then.status(200).body("REVG");
    });
    let client = client(server.base_url());
    assert_eq!(client.get_output_file(1).unwrap().bytes, b"ABC");
    by_path.delete();
    for _ in 0..2 {
        assert_eq!(client.get_output_file(1).unwrap().bytes, b"DEF");
    }
    assert_eq!(by_query.calls(), 2);
}

#[test]
fn output_file_unknown_by_both_routes_reports_the_first_message() {
    let server = MockServer::start();
    for (path, words) in [
        ("/api/QueuedJobs/OutputFile/2", "first words"),
        ("/api/QueuedJobs/OutputFile", "second words"),
    ] {
        server.mock(|when, then| {
            when.path(path);
            then.status(404).body(words);
        });
    }
    let error = client(server.base_url()).get_output_file(2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("first words"), "{error}");
}

#[test]
fn error_status_gives_its_kind_and_the_server_message() {
    for (status, body, kind, message) in [
        (
            401,
            "Not Valid Token",
            ErrorKind::Authentication,
            "job 28142: the server responded with 401 Unauthorized: Not Valid Token \
             (the token is wrong or has expired: obtain a new one)",
        ),
        (
            500,
            r#"{"Message":"An error has occurred.","ExceptionMessage":"Could not find or load record with ID 28142!"}"#,
            ErrorKind::Server,
            "job 28142: the server responded with 500 Internal Server Error: \
             Could not find or load record with ID 28142!",
        ),
        (
            500,
            "",
            ErrorKind::Server,
            "job 28142: the server responded with 500 Internal Server Error",
        ),
        (
            403,
            "",
            ErrorKind::Forbidden,
            "job 28142: the server responded with 403 Forbidden (the user lacks the permission)",
        ),
        (
            404,
            "{\"Message\":\"gone\"}",
            ErrorKind::NotFound,
            "job 28142: the server responded with 404 Not Found: gone",
        ),
        (
            404,
            r#"{"Message":"Not Found."}"#,
            ErrorKind::NotFound,
            "job 28142: the server responded with 404 Not Found",
        ),
        (
            429,
            r#"{"Error": "Too many requests.", "RateLimitResetTime": "2022-01-14T09:38:49.9856571Z"}"#,
            ErrorKind::RateLimited,
            "job 28142: the server responded with 429 Too Many Requests",
        ),
        (
            409,
            r#"{"Error": "Too many requests.", "RateLimitResetTime": "2022-01-14T09:38:49.9856571Z"}"#,
            ErrorKind::RateLimited,
            "job 28142: the server responded with 409 Conflict: Too many requests.",
        ),
        (
            409,
            "{\"Error\":\"x\"}",
            ErrorKind::UnexpectedStatus,
            "job 28142: the server responded with 409 Conflict: x",
        ),
        (
            400,
            "\"bad id\"",
            ErrorKind::UnexpectedStatus,
            "job 28142: the server responded with 400 Bad Request: bad id",
        ),
        (
            503,
            "<html><title>Service Unavailable</title></html>",
            ErrorKind::Server,
            "job 28142: the server responded with 503 Service Unavailable",
        ),
        (
            302,
            "",
            ErrorKind::UnexpectedStatus,
            "job 28142: the server responded with 302 Found",
        ),
        (
            204,
            "",
            ErrorKind::UnexpectedStatus,
            "job 28142: the server responded with 204 No Content",
        ),
        (
            206,
            "QUJD",
            ErrorKind::UnexpectedStatus,
            "job 28142: the server responded with 206 Partial Content",
        ),
    ] {
        let error = fetch(&responding(status, &[], body)).unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {body}");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.http_status(), Some(status));
        let may_help = matches!(status, 429 | 503) || kind == ErrorKind::RateLimited;
        assert_eq!(error.is_retryable(), may_help, "{status} {body}");
    }
}

#[test]
fn status_200_without_a_file_fails() {
    for (body, words) in [
        (
            "<!DOCTYPE html><html><body>Please sign in</body></html>",
            "a web page, not a file: Please sign in",
        ),
        (
            r#"{"Message":"The job is still running."}"#,
            "without a file in it: The job is still running.",
        ),
        (
            "Not Valid Token",
            "an error text, not a file: Not Valid Token",
        ),
    ] {
        let error = fetch(&responding(200, &[("Content-Type", "text/html")], body)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedBody, "{body}");
        assert!(error.to_string().starts_with("job 28142: "), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn output_file_error_text_without_a_name_fails() {
    for body in [
        "Not Found",
        "Invalid Token",
        "File not found",
        "Job is still processing",
        "Unauthorized",
        "\"Unauthorized\"",
        "true",
    ] {
        for content_type in ["text/plain", "application/json", "text/csv"] {
            let server = responding(200, &[("Content-Type", content_type)], body);
            let error = fetch(&server).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MalformedBody, "{body}");
            let words = body.trim_matches('"');
            let shown = format!(
                "the server sent an error text, not a file: {words}; its content type is {content_type}"
            );
            assert!(error.to_string().ends_with(&shown), "{error}");
        }
    }
    for body in [
        "12345678",
        "null",
        "",
        "\"\"",
        r#"{"Content":null}"#,
        r#"{"Content":""}"#,
    ] {
        let server = responding(200, &[("Content-Type", "application/json")], body);
        let error = fetch(&server).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedBody, "{body}");
    }
}

#[test]
fn output_file_short_or_empty_file_with_a_name_succeeds() {
    let name = ("Content-Disposition", "attachment; filename=a.csv");
    for (body, length) in [
        ("Unauthorized", 9),
        ("true", 3),
        ("12345678", 6),
        ("", 0),
        ("\"\"", 0),
    ] {
        let server = responding(200, &[name, ("Content-Type", "text/plain")], body);
        assert_eq!(fetch(&server).unwrap().bytes.len(), length, "{body}");
    }
    // The name is in the FileResponse.
    let server = responding(200, &[], r#"{"FileName":"a.csv","Content":""}"#);
    assert_eq!(fetch(&server).unwrap().bytes, b"");
}

#[test]
fn output_file_unencoded_data_is_not_shown() {
    let csv = "name,street\r\nJane Doe,12 Main Street\r\n";
    for headers in [
        &[("Content-Type", "text/csv")][..],
        &[("Content-Disposition", "attachment; filename=a.csv")],
        &[],
    ] {
        let error = fetch(&responding(200, headers, csv)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MalformedBody);
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("Jane") && !shown.contains("street"),
            "{shown}"
        );
        assert!(shown.contains("',' at byte 4"), "{shown}");
        if headers[..] == [("Content-Type", "text/csv")] {
            assert!(
                error
                    .to_string()
                    .ends_with("; its content type is text/csv"),
                "{error}"
            );
        }
    }
}

#[test]
fn output_file_utf16_is_decoded() {
    for body in ["QUJD", "\"QUJD\"", r#"{"Content":"QUJD"}"#] {
        let bytes: Vec<u8> = body.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let headers = [("Content-Type", "text/plain; charset=utf-16")];
        assert_eq!(
            fetch(&responding(200, &headers, &bytes)).unwrap().bytes,
            b"ABC"
        );
        let marked = [b"\xff\xfe", &bytes[..]].concat();
        assert_eq!(fetch(&responding(200, &[], &marked)).unwrap().bytes, b"ABC");
    }
}

#[test]
fn output_file_space_in_place_of_a_plus_sign_fails() {
    for body in ["QUJD REVG", "\"QUJD REVG\"", "QUJDREV \r\nQUJDREVG\r\nQUI="] {
        let error = fetch(&responding(200, &[], body)).unwrap_err();
        assert!(
            error.to_string().contains("a misplaced space at byte"),
            "{error}"
        );
    }
}

/// Downloads a file with a chosen body encoding from a server with this one response.
fn fetch_as(
    encoding: BodyEncoding,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Result<OutputFile, sellercloud_output::Error> {
    let server = responding(200, headers, body);
    let builder = Client::builder(server.base_url()).token(TOKEN);
    let builder = builder
        .retry_policy(RetryPolicy::never())
        .body_encoding(encoding);
    builder.build().unwrap().get_output_file(28142)
}

const TEXT_PLAIN: (&str, &str) = ("Content-Type", "text/plain; charset=utf-8");
const NAME: (&str, &str) = ("Content-Disposition", "attachment; filename=a.csv");

#[test]
fn output_file_short_file_without_a_name_succeeds() {
    let text = b"id,total\r\n1,2";
    let binary = [
        0x00, 0xff, 0x7b, 0xfb, 0xef, 0xbe, 0x80, 0x01, 0x9d, 0xe3, 0x0a, 0x55,
    ];
    for length in 1..=12 {
        for file in [&text[..length], &binary[..length]] {
            let body = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, file);
            for headers in [&[][..], &[TEXT_PLAIN]] {
                for encoding in [BodyEncoding::Base64, BodyEncoding::Auto] {
                    for body in [body.clone(), format!("\"{body}\""), format!("{body}\r\n")] {
                        let outcome = fetch_as(encoding, headers, &body);
                        assert_eq!(outcome.unwrap().bytes, file, "{body:?} {encoding:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn output_file_word_or_value_in_place_of_base64_fails() {
    for (body, fails_in_auto) in [
        ("OK", true),
        ("ok", true),
        ("null", true),
        ("\"null\"", true),
        ("\"\"", true),
        ("true", true),
        ("false", true),
        ("0", true),
        ("1234", true),
        ("12345678", true),
        ("-1.5", true),
        ("\"OK\"", true),
        ("{}", true),
        ("NotFound", true),
        ("Access denied", true),
        // Other languages: a sentence has spaces, which no base64 text has.
        ("introuvables", true),
        ("Nicht gefunden", false),
        ("Fichier introuvable", false),
        ("Datei nicht gefunden", false),
        ("No se encuentra", false),
        ("\u{627}\u{644}\u{645}\u{644}\u{641}", false),
        ("\u{6587}\u{4ef6}\u{672a}\u{627e}\u{5230}", false),
    ] {
        for headers in [
            &[][..],
            &[TEXT_PLAIN],
            &[("Content-Type", "application/json")],
        ] {
            let outcome = fetch_as(BodyEncoding::Base64, headers, body);
            let error = outcome.expect_err(body);
            assert_eq!(error.kind(), ErrorKind::MalformedBody, "{body}: {error}");
            let outcome = fetch_as(BodyEncoding::Auto, headers, body);
            match fails_in_auto {
                true => {
                    let error = outcome.expect_err(body);
                    assert_eq!(error.kind(), ErrorKind::MalformedBody, "{body}: {error}");
                }
                // Any text can be a raw file.
                false => assert_eq!(outcome.unwrap().bytes, body.as_bytes()),
            }
        }
    }
}

#[test]
fn output_file_raw_without_a_name_fails_if_empty_or_null() {
    let json = ("Content-Type", "application/json");
    for (headers, body) in [
        (&[][..], ""),
        (&[json], ""),
        (&[json], "null"),
        (&[json], " null\r\n"),
    ] {
        let error = fetch_as(BodyEncoding::Raw, headers, body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::MalformedBody, "{body:?}: {error}");
    }
    for (headers, body) in [
        (&[][..], "null"),
        (&[NAME, json], "null"),
        (&[NAME], ""),
        (&[TEXT_PLAIN], "Not Found"),
        (&[json], "[null]"),
    ] {
        let file = fetch_as(BodyEncoding::Raw, headers, body).unwrap();
        assert_eq!(file.bytes, body.as_bytes(), "{body:?}");
    }
}

#[test]
fn output_file_with_any_plus_signs_as_spaces_fails() {
    let mut corrupted = 0;
    for (seed, width) in (0..40).flat_map(|seed| [(seed, 76), (seed, 64), (seed, usize::MAX)]) {
        let file = &noise(3000 + 7 * seed)[seed..];
        let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, file);
        let lines: Vec<_> = text.as_bytes().chunks(width).collect();
        let text = String::from_utf8(lines.join(&b"\r\n"[..])).unwrap();
        let signs: Vec<_> = text.match_indices('+').map(|(at, _)| at).collect();
        assert!(signs.len() > 20, "{}", signs.len());
        // One, some and all of the signs.
        let one = signs[seed * 7 % signs.len()];
        let some = |at: &usize| at % 3 == seed % 3 || *at == one;
        for chosen in [
            vec![one],
            signs.iter().copied().filter(some).collect(),
            signs.clone(),
        ] {
            let mut body = text.clone().into_bytes();
            chosen.iter().for_each(|at| body[*at] = b' ');
            let quoted = [b"\"", &body[..], b"\""].concat();
            let bodies = match width {
                usize::MAX => vec![body, quoted],
                _ => vec![body],
            };
            for body in bodies {
                corrupted += 1;
                for encoding in [BodyEncoding::Base64, BodyEncoding::Auto] {
                    let error = fetch_as(encoding, &[NAME], &body).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::MalformedBody, "{error}");
                    let words = "a misplaced space at byte";
                    assert!(error.to_string().contains(words), "{error}");
                }
            }
        }
    }
    assert!(corrupted >= 400, "{corrupted}");
}

#[test]
fn output_file_truncated_base64_fails_in_auto() {
    let body = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, noise(3000));
    for cut in [65, 1001, 3999] {
        for encoding in [BodyEncoding::Base64, BodyEncoding::Auto] {
            for headers in [&[][..], &[NAME]] {
                let error = fetch_as(encoding, headers, &body[..cut]).unwrap_err();
                assert!(error.to_string().contains("cut short"), "{error}");
            }
        }
    }
    // Text without words of such a length is a raw file.
    let prose = "Lorem ipsum dolor sit amet consectetur 7 ".repeat(100);
    let hashes = format!("{}\n", "0123456789abcdef".repeat(4)).repeat(9) + "x";
    for text in [prose, hashes] {
        let file = fetch_as(BodyEncoding::Auto, &[NAME], &text).unwrap();
        assert_eq!(file.bytes, text.as_bytes());
    }
}

#[test]
fn output_file_utf16_in_either_byte_order_is_decoded_or_named() {
    let headers = [("Content-Type", "text/plain; charset=utf-16")];
    for body in [
        "QUJD",
        "\"QUJD\"",
        r#"{"FileName":"\u00e9.csv","Content":"QUJD"}"#,
    ] {
        for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
            for mark in ["", "\u{feff}"] {
                let units = format!("{mark}{body}");
                let bytes: Vec<u8> = units.encode_utf16().flat_map(to_bytes).collect();
                for encoding in [BodyEncoding::Base64, BodyEncoding::Auto] {
                    for headers in [&headers[..], &[]] {
                        let file = fetch_as(encoding, headers, &bytes).unwrap();
                        assert_eq!(file.bytes, b"ABC", "{units:?} {encoding:?}");
                    }
                }
                let file = fetch_as(BodyEncoding::Raw, &headers, &bytes).unwrap();
                assert_eq!(file.bytes, bytes);
                // Half a UTF-16 unit, and text that is not base64.
                let tsv: Vec<u8> = format!("{mark}id\tname")
                    .encode_utf16()
                    .flat_map(to_bytes)
                    .collect();
                for bytes in [&bytes[..bytes.len() - 1], &tsv] {
                    let error = fetch_as(BodyEncoding::Base64, &headers, bytes).unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::MalformedBody);
                    let error = error.to_string();
                    assert!(error.contains("the body is UTF-16 text"), "{error}");
                    assert!(!error.contains("raw"), "{error}");
                }
            }
        }
    }
}

#[test]
fn output_file_meaningless_content_encoding_is_ignored() {
    for value in [
        "none",
        "",
        "identity",
        "UTF-8",
        "utf8",
        "windows-1252",
        "iso-8859-1",
    ] {
        for encoding in [BodyEncoding::Base64, BodyEncoding::Auto] {
            let file = fetch_as(encoding, &[("Content-Encoding", value)], "QUJD");
            assert_eq!(file.unwrap().bytes, b"ABC", "{value:?}");
        }
    }
}

#[test]
fn content_encoding_that_was_not_requested_fails() {
    let server = responding(200, &[("Content-Encoding", "gzip")], "QUJD");
    let error = fetch(&server).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedBody);
    let server = responding(200, &[("Content-Encoding", "identity")], "QUJD");
    assert_eq!(fetch(&server).unwrap().bytes, b"ABC");
}

#[test]
fn file_name_comes_from_header_then_body_then_job() {
    let object = r#"{"FileName":"..\\body.csv","Content":"QUJD"}"#;
    for (headers, body, name) in [
        (
            &[("Content-Disposition", "attachment; filename=\"a/b.csv\"")][..],
            "QUJD",
            "b.csv",
        ),
        (
            &[("Content-Disposition", "attachment; filename=header.csv")],
            object,
            "header.csv",
        ),
        (&[("Content-Disposition", "attachment")], object, "body.csv"),
        (
            &[("Content-Disposition", "attachment; filename=\"..\"")],
            object,
            "body.csv",
        ),
        (
            &[
                ("Content-Disposition", "inline"),
                ("Content-Disposition", "attachment; filename=2nd"),
            ],
            "QUJD",
            "2nd",
        ),
        (
            &[("Content-Type", "application/pdf; x=y")],
            "QUJD",
            "output-28142.pdf",
        ),
        (
            &[("Content-Type", "application/json")],
            "\"QUJD\"",
            "output-28142",
        ),
        (
            &[("Content-Type", "application/octet-stream")],
            "QUJD",
            "output-28142.bin",
        ),
        (&[], r#"{"FileName":"..","Content":"QUJD"}"#, "output-28142"),
    ] {
        let file = fetch(&responding(200, headers, body)).unwrap();
        assert_eq!(file.name, name, "{headers:?} {body}");
        assert_eq!(
            file.is_fallback_name,
            name.starts_with("output-"),
            "{headers:?} {body}"
        );
        assert_eq!(file.bytes, b"ABC");
        let is_type = |header: &&(&str, &str)| header.0 == "Content-Type";
        let content_type = headers.iter().find(is_type).map(|header| header.1);
        assert_eq!(file.content_type.as_deref(), content_type);
    }
}

/// Headers as servers and proxies write them, each with its safe file name.
const DISPOSITIONS: &[(&str, &str)] = &[
    // An empty or malformed parameter does not hide another one.
    ("a; filename=\"good.csv\"; filename*=UTF-8''", "good.csv"),
    ("a; filename*=UTF-8''..; filename=good.csv", "good.csv"),
    (
        "a; filename*=UTF-8''%EF%BF%BD%EF%BF%BD.csv; filename=\"=?utf-8?B?8J+Ygi5jc3Y=?=\"",
        "😂.csv",
    ),
    ("a; filename=\"\"; filename=good.csv", "good.csv"),
    ("a; filename*=a.csv", "a.csv"),
    ("a; filename*=UTF-8''\"a;b.csv\"; x=y", "a;b.csv"),
    ("a; filename*=UTF-8''%22a.csv%22", "a.csv"),
    // Paths, with and without escapes.
    (r#"a; filename="\\fileserver\exports\a.csv""#, "a.csv"),
    (r#"a; filename="\\\\fileserver\\exports\\a.csv""#, "a.csv"),
    (r#"a; filename="Exports\2026\report.csv""#, "report.csv"),
    (r#"a; filename="C:\Exports\report.csv""#, "report.csv"),
    (r#"a; filename="a\"b.csv""#, "a_b.csv"),
    // Folded lines as IIS writes them, and headers that a proxy joined.
    (
        "a; filename=\"=?utf-8?B?w6nDqQ==?=%0d%0a =?utf-8?B?w6kuY3N2?=\"",
        "ééé.csv",
    ),
    ("attachment;%0d%0a filename=a.csv", "a.csv"),
    (
        "attachment; filename=a.csv, attachment; filename=b.csv",
        "a.csv",
    ),
    (
        "attachment; filename=\"a.csv\", attachment; filename=\"a.csv\"",
        "a.csv",
    ),
    ("attachment; filename=a.csv, filename=b.csv", "a.csv"),
    // Names that hide a file, look like an option, or look the same as another name.
    ("a; filename=.bashrc", "_bashrc"),
    ("a; filename=-rf.csv", "_rf.csv"),
    ("a; filename=a.csv~", "a.csv_"),
    (
        "a; filename*=UTF-8''a%E2%80%8B%C2%AD%E2%81%A0%E3%85%A4%F3%A0%81%81.csv",
        "a_____.csv",
    ),
    (
        "a; filename*=UTF-8''%E2%9D%A4%EF%B8%8F.csv",
        "❤\u{fe0f}.csv",
    ),
    ("a; filename=a.csv:stream", "a.csv_stream"),
    ("a; filename*=UTF-8''COM%C2%B9.csv", "_COM¹.csv"),
];

#[test]
fn content_disposition_of_any_form_gives_its_name() {
    let server = RawServer::start(|head, connection| {
        let (_, job) = head.split_once("OutputFile/").unwrap();
        let job: usize = job.split(' ').next().unwrap().parse().unwrap();
        let _ = write!(
            connection,
            "HTTP/1.1 200 OK\r\nContent-Disposition: {}\r\nContent-Length: 4\r\n\r\nQUJD",
            DISPOSITIONS[job - 1].0
        );
    });
    let client = client(&server.url);
    for (job, (header, name)) in (1..).zip(DISPOSITIONS) {
        let file = client.get_output_file(job).unwrap();
        assert_eq!(file.name, *name, "{header}");
        assert!(!file.is_fallback_name, "{header}");
    }
}

#[test]
fn output_file_over_max_file_size_fails() {
    let server = responding(200, &[], "QUJD");
    let limited = |bytes| {
        Client::builder(server.base_url())
            .token(TOKEN)
            .max_file_size(bytes)
            .build()
    };
    assert_eq!(
        limited(3).unwrap().get_output_file(1).unwrap().bytes,
        b"ABC"
    );
    let error = limited(2).unwrap().get_output_file(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        error.to_string(),
        "job 1: the file is larger than the limit of 2 bytes"
    );
}

#[test]
fn invalid_arguments_fail_in_build() {
    let no_token = Client::builder("tt").build().unwrap_err();
    assert_eq!(no_token.kind(), ErrorKind::InvalidArgument);
    for token in ["", " ", "two words", "Bearer abc", "a\r\nX-Evil: b", "é"] {
        let error = Client::builder("tt").token(token).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{token:?}");
    }
    let suffix = Client::builder("tt")
        .token(TOKEN)
        .user_agent_suffix("a\r\nX-Evil: b");
    let error = suffix.build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let plain = Client::builder("http://tt.api.sellercloud.com/rest").token(TOKEN);
    assert_eq!(
        plain.clone().build().unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
    assert!(plain.allow_plain_http(true).build().is_ok());
}

#[test]
fn token_is_never_shown() {
    let echo = format!("you sent Bearer {TOKEN}");
    let mut shown = String::new();
    for server in [
        responding(401, &[], &echo),
        responding(500, &[], format!("{{\"Message\":\"{echo}\"}}")),
        responding(200, &[], &echo),
        responding(200, &[], format!("<p>{echo}")),
        responding(200, &[], format!("{{\"Error\":\"{echo}\"}}")),
        responding(200, &[("Content-Encoding", TOKEN)], "QUJD"),
    ] {
        let error = fetch(&server).unwrap_err();
        assert!(error.to_string().contains("[token]"), "{error}");
        shown += &format!("{error} {error:?}");
    }
    let builder = Client::builder("tt").token(TOKEN);
    shown += &format!("{builder:?} {:?}", builder.clone().build().unwrap());
    let error = Client::builder("tt")
        .token(format!("{TOKEN} x"))
        .build()
        .unwrap_err();
    shown += &format!("{error} {error:?}");
    let error = client("http://127.0.0.1:1").get_output_file(1).unwrap_err();
    shown += &format!("{error} {error:?}");
    assert!(!shown.contains(TOKEN), "{shown}");
}

#[test]
fn token_that_a_message_truncates_is_not_shown() {
    // As long as a token with claims, which a message truncates.
    let token = format!("{TOKEN}.{}", "c2VjcmV0".repeat(100));
    for response in [
        responding(401, &[], format!("you sent {token}")),
        responding(401, &[], format!("{} {token}", "x".repeat(370))),
        responding(200, &[], format!("<p>you sent {token}")),
    ] {
        let client = Client::builder(response.base_url()).token(&token);
        let client = client.retry_policy(RetryPolicy::never()).build().unwrap();
        let error = client.get_output_file(1).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(error.to_string().contains("[token]"), "{error}");
        assert!(!shown.contains(&TOKEN[..16]), "{shown}");
        assert!(!shown.contains("c2Vj"), "{shown}");
    }
    // The message ends at each place within the token.
    for before in 1..20 {
        let text = format!("{} {token}", "-".repeat(399 - before));
        let response = responding(401, &[], text);
        let client = Client::builder(response.base_url()).token(&token);
        let client = client.retry_policy(RetryPolicy::never()).build().unwrap();
        let error = client.get_output_file(1).unwrap_err().to_string();
        assert!(error.contains("[token]") || error.contains('…'), "{error}");
        assert!(!error.contains(&TOKEN[..4]), "{before}: {error}");
    }
}

#[test]
fn client_shared_by_threads_works() {
    let mock = MockSellercloud::start();
    let client = client(mock.url());
    thread::scope(|scope| {
        for index in 0..16 {
            let client = &client;
            scope.spawn(move || {
                let job = &JOBS[index % 4];
                for _ in 0..8 {
                    let file = client.get_output_file(job.id).unwrap();
                    assert_eq!((file.name.as_str(), file.bytes), (job.name, (job.bytes)()));
                }
            });
        }
    });
}

#[test]
fn output_file_save_is_whole_or_fails() {
    let server = responding(
        200,
        &[("Content-Disposition", "attachment; filename=a.csv")],
        "QUJD",
    );
    let mut file = fetch(&server).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = file.save(&dir).unwrap();
    assert_eq!(path, dir.path().join("a.csv"));
    assert_eq!(fs::read(&path).unwrap(), b"ABC");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let plain = dir.path().join("plain");
        fs::write(&plain, "").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
        fs::remove_file(plain).unwrap();
    }

    // An existing file is kept.
    fs::write(&path, "older").unwrap();
    let error = file.save(&dir).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"older");

    let missing = dir.path().join("missing");
    let error = file.save(&missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().contains("missing"), "{error}");

    for path in ["../a.csv", "/a.csv", "a/b", "..", ""] {
        file.name = path.into();
        assert_eq!(
            file.save(&dir).unwrap_err().kind(),
            ErrorKind::InvalidArgument,
            "{path}"
        );
    }
    assert_eq!(
        fs::read_dir(&dir).unwrap().count(),
        1,
        "a temporary file is left"
    );
}

#[test]
fn debug_of_output_file_shows_no_content() {
    let server = responding(200, &[], "QUJD");
    let text = format!("{:?}", fetch(&server).unwrap());
    assert!(
        text.contains("[3 bytes]") && text.contains("output-28142"),
        "{text}"
    );
}

#[test]
fn large_output_file_is_identical() {
    // Sizes around a growth of the buffer, and one that is no multiple of three.
    for length in [262_143, 262_144, 262_145, 5_000_001] {
        let file = noise(length);
        let body = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, &file);
        assert!(
            fetch(&responding(200, &[], body)).unwrap().bytes == file,
            "{length}"
        );
    }
}
