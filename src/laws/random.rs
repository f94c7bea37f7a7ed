//! The laws, tried on inputs made at random.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

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

proptest! {
    #![proptest_config(inputs())]

    #[test]
    fn a_name_of_a_header_is_safe(header in header(), number in 1u32..1000) {
        super::a_name_of_a_header_is_safe(&header, number);
    }

    #[test]
    fn a_name_of_any_text_is_safe(meant in "\\PC{0,300}") {
        super::a_name_of_any_text_is_safe(&meant);
    }

    #[test]
    fn a_safe_name_is_read_back_from_a_header(meant in "\\PC{1,60}") {
        super::a_safe_name_is_read_back_from_a_header(&meant);
    }

    #[test]
    fn a_job_is_the_number_that_stands_there(id in 1i32..) {
        super::a_job_is_the_number_that_stands_there(id);
    }

    #[test]
    fn a_job_is_a_number_in_the_text_or_an_error(text in "[/a-z.?&=-]{0,20}[0-9]{1,11}") {
        super::a_job_is_a_number_in_the_text_or_an_error(&text);
    }

    #[test]
    fn an_error_body_gives_one_short_line(body in vec(any::<u8>(), 0..400), json in "\\PC{0,80}") {
        super::an_error_body_gives_one_short_line(&body);
        let object = format!("{{\"Message\":{json:?}}}");
        super::an_error_body_gives_one_short_line(object.as_bytes());
        let page = format!("<html><title>{json}</title>");
        super::an_error_body_gives_one_short_line(page.as_bytes());
    }
}
