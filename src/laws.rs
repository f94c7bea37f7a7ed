//! Laws of what is read from servers and users that hold for every input, tried on inputs
//! made at random.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::{JobId, content_disposition, file_name, server_message};

/// The same inputs each time, so that no run fails for what no change has done; more by
/// `PROPTEST_CASES`, others by `PROPTEST_RNG_SEED`.
pub(crate) fn inputs() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..Default::default()
    };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(4648);
    }
    config
}

/// Names and what surrounds them in headers, rightly and wrongly put together.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        2 => r#"(attachment|inline|;|=|"|\\| |filename|filename\*|filename\*0\*?|name)"#
            .prop_map(String::into_bytes),
        1 => r"(UTF-8''|iso-8859-1'en'|=\?utf-8\?[BQbq]\?|\?=|%[0-9A-Fa-f]{2}|%)"
            .prop_map(String::into_bytes),
        1 => r"(\.\./|\\|C:|CON|nul\.txt|\.|[a-z0-9]{1,8}|\.csv)".prop_map(String::into_bytes),
        1 => "\\PC{1,4}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 1..6),
        1 => "[a-z]{200,300}".prop_map(String::into_bytes),
    ];
    vec(part, 0..20).prop_map(|parts| parts.concat())
}

fn assert_safe(name: &str) -> Result<(), TestCaseError> {
    prop_assert!(!name.is_empty());
    prop_assert!(name.len() <= 255, "{} bytes", name.len());
    prop_assert!(!name.contains(|c: char| c.is_control() || r#"<>:"/\|?*"#.contains(c)));
    prop_assert!(!name.starts_with(char::is_whitespace));
    prop_assert!(!name.ends_with(|c: char| c == '.' || c.is_whitespace()));
    let stem = name
        .split('.')
        .next()
        .unwrap()
        .trim_end()
        .to_ascii_uppercase();
    let devices = ["CON", "PRN", "AUX", "NUL", "COM1", "COM9", "LPT1", "LPT9"];
    prop_assert!(!devices.contains(&stem.as_str()), "{name}");
    // What is safe is left alone.
    prop_assert_eq!(file_name::safe(name), Some(name.to_owned()));
    Ok(())
}

proptest! {
    #![proptest_config(inputs())]

    #[test]
    fn a_name_of_a_header_is_safe(header in header(), number in 1u32..1000) {
        if let Some(meant) = content_disposition::file_name(&header)
            && let Some(name) = file_name::safe(&meant)
        {
            assert_safe(&name)?;
            assert_safe(&file_name::numbered(&name, number))?;
        }
    }

    #[test]
    fn a_name_of_any_text_is_safe(meant in "\\PC{0,300}") {
        if let Some(name) = file_name::safe(&meant) {
            assert_safe(&name)?;
        }
    }

    #[test]
    fn a_safe_name_is_read_back_from_a_header(meant in "\\PC{1,60}") {
        if let Some(name) = file_name::safe(&meant) {
            let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let header = format!("attachment; filename=x; filename*=UTF-8''{encoded}");
            let read = content_disposition::file_name(header.as_bytes());
            prop_assert_eq!(read.as_deref(), Some(name.as_str()));
        }
    }

    #[test]
    fn a_job_is_the_number_that_stands_there(id in 1i32.., before in "[/a-z.?&=-]{0,20}") {
        prop_assert_eq!(JobId::try_from(id.to_string().as_str()).unwrap().get(), id);
        let link = format!("/queued-jobs/queued-job-details.aspx?id={id}");
        prop_assert_eq!(JobId::try_from(link.as_str()).unwrap().get(), id);
        // Whatever the text, it gives a job's id or an error.
        if let Ok(job) = JobId::try_from(format!("{before}{id}").as_str()) {
            prop_assert!(job.get() > 0);
        }
    }

    #[test]
    fn an_error_body_gives_one_short_line(body in vec(any::<u8>(), 0..400), json in "\\PC{0,80}") {
        let bodies = [
            body,
            format!("{{\"Message\":{json:?}}}").into_bytes(),
            format!("<html><title>{json}</title>").into_bytes(),
        ];
        for body in bodies {
            if let Some(message) = server_message::dig(&body) {
                prop_assert!(!message.contains(['\r', '\n', '\0']));
                prop_assert!(message.len() < 2000);
            }
        }
    }
}
