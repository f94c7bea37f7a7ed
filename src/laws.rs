//! Laws of what is read from servers and users that hold for every input. Each is said
//! once, here or beside the decoder, and tried on inputs made at random, on the chosen
//! ones in `fuzz/seeds`, and by the fuzz targets on those that they find.

mod job;
#[cfg(test)]
pub(crate) mod random;
mod raw_server;
mod redact;
mod response;
#[cfg(test)]
mod seeds;
mod tunnel;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue};

use crate::error::Refusal;
use crate::session::retry_after;
use crate::{
    Error, ErrorKind, JobId, Retry, body, content_disposition, credentials, file_name,
    server_message, text,
};

/// Tries laws on an input; panics where they do not hold.
type Law = fn(&[u8]);

/// What the fuzz target of each name does with its input.
pub(crate) const TARGETS: [(&str, Law); 10] = [
    ("body_decoder", body::laws::target),
    ("error_body", an_error_body_gives_one_short_line),
    ("file_name", |input| {
        let text = String::from_utf8_lossy(input);
        a_name_of_a_header_is_safe(input, 1);
        a_name_of_a_header_is_safe(input, u32::MAX);
        a_name_of_any_text_is_safe(&text);
        a_safe_name_is_read_back_from_a_header(&text);
    }),
    ("job_json", job::target),
    ("job_link", |input| {
        let text = String::from_utf8_lossy(input);
        a_job_is_a_number_in_the_text_or_an_error(&text);
        if let Some(id) = text.parse().ok().filter(|id: &i32| *id > 0) {
            a_job_is_the_number_that_stands_there(id);
        }
    }),
    ("rate_limit", |input| {
        let mut lines = input.splitn(3, |&byte| byte == b'\n');
        let mut next = || lines.next().unwrap_or_default();
        a_wait_can_be_waited_for(next(), next(), next());
    }),
    ("redact", redact::target),
    ("response", response::target),
    ("tunnel_response", tunnel::target),
    ("token_answer", a_login_gives_a_token_that_can_be_sent),
];

/// Whatever is a name may be given to a file on every system, and stays as it is.
fn assert_safe(name: &str) {
    assert!(!name.is_empty());
    assert!(name.len() <= 255, "{} bytes: {name:?}", name.len());
    assert!(
        !name.contains(|c: char| c.is_control() || r#"<>:"/\|?*"#.contains(c)),
        "{name:?}"
    );
    let starts_badly = |c: char| matches!(c, '.' | '-') || c.is_whitespace();
    assert!(!name.starts_with(starts_badly), "{name:?}");
    let ends_badly = |c: char| matches!(c, '.' | '~') || c.is_whitespace();
    assert!(!name.ends_with(ends_badly), "{name:?}");
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.trim_end().to_ascii_uppercase();
    let devices = ["CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "LPT9"];
    assert!(!devices.contains(&stem.as_str()), "{name:?}");
    assert_eq!(file_name::safe(name).as_deref(), Some(name));
}

fn a_name_of_a_header_is_safe(header: &[u8], number: u32) {
    let meant = content_disposition::file_name(header);
    if let Some(name) = meant.and_then(|meant| file_name::safe(&meant)) {
        assert_safe(&name);
        assert_safe(&file_name::numbered(&name, number));
    }
}

fn a_name_of_any_text_is_safe(meant: &str) {
    if let Some(name) = file_name::safe(meant) {
        assert_safe(&name);
    }
    assert_safe(&file_name::made_up(i32::MAX, Some(meant)));
}

fn a_safe_name_is_read_back_from_a_header(meant: &str) {
    if let Some(name) = file_name::safe(meant) {
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        // A replacement character in `filename*` lets `filename` win.
        let plain = match name.contains(char::REPLACEMENT_CHARACTER) {
            true => "",
            false => "filename=x; ",
        };
        let header = format!("attachment; {plain}filename*=UTF-8''{encoded}");
        let read = content_disposition::file_name(header.as_bytes());
        assert_eq!(read, Some(name));
    }
}

fn a_job_is_the_number_that_stands_there(id: i32) {
    let job = |text: String| JobId::try_from(text).map(JobId::get).ok();
    assert_eq!(job(id.to_string()), Some(id));
    let link = format!("/queued-jobs/queued-job-details.aspx?id={id}");
    assert_eq!(job(link), Some(id));
}

fn a_job_is_a_number_in_the_text_or_an_error(text: &str) {
    match JobId::try_from(text) {
        Ok(job) => {
            assert!(job.get() > 0, "{text:?}");
            let number = job.to_string();
            let mut numbers = text.split(|c: char| !c.is_ascii_digit());
            assert!(
                numbers.any(|digits| digits.trim_start_matches('0') == number),
                "{number} of {text:?}"
            );
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{text:?}"),
    }
}

fn an_error_body_gives_one_short_line(body: &[u8]) {
    let known = server_message::known_message(body);
    let evident = server_message::evident_message(body);
    let message = server_message::extract_message(body);
    assert!(message.is_some() || (known.is_none() && evident.is_none()));
    for message in [message, known, evident].into_iter().flatten() {
        assert!(message.len() <= 3 * body.len() + 256, "{message:?}");
        let message = text::one_line(&message, text::MAX_MESSAGE);
        assert!(!message.contains(char::is_control), "{message:?}");
        assert!(message.chars().count() <= 401, "{message:?}");
        let words: Vec<_> = message.split_whitespace().collect();
        assert_eq!(words.join(" "), message);
    }
}

/// The answer's Retry-After, Date and body.
fn a_wait_can_be_waited_for(retry_after: &[u8], date: &[u8], body: &[u8]) {
    let mut headers = HeaderMap::new();
    for (name, value) in [(RETRY_AFTER, retry_after), (DATE, date)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(name, value);
        }
    }
    let mut refusal = Refusal::new(429, None);
    refusal.retry_after = retry_after::asked_for(&headers, body);
    if let Some(seconds) = std::str::from_utf8(retry_after).ok()
        && seconds.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(seconds) = seconds.parse()
    {
        let wait = refusal.retry_after.map(|wait| wait.as_secs());
        assert_eq!(wait, Some(seconds));
    }
    let error = Error::from_refusal(refusal, false);
    assert!(Retry::default().wait(&error, 1).is_some(), "{error}");
}

fn a_login_gives_a_token_that_can_be_sent(body: &[u8]) {
    match credentials::read_token(body) {
        Ok(kept) => {
            let header = credentials::authorization(&kept.token).unwrap();
            let sent = header.as_bytes().strip_prefix(b"Bearer ").unwrap();
            assert!(!sent.is_empty() && sent.iter().all(u8::is_ascii_graphic));
            let text = String::from_utf8_lossy(body);
            assert!(kept.token.len() < text.len());
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::MalformedBody);
            // Nothing of what came may be shown: there may be a token in it.
            let message = error.to_string();
            let message = message
                .strip_suffix(": it is a web page")
                .unwrap_or(&message);
            assert_eq!(
                message,
                "the server's response to the login holds no usable token"
            );
        }
    }
}
