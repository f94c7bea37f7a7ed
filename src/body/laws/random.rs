//! The laws of the decoder, tried on bodies made at random.

use proptest::collection::vec;
use proptest::prelude::*;

use super::options;
use crate::BodyEncoding;
use crate::laws::random::inputs;

/// What bodies are made of: their own parts, rightly and wrongly put together.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => "[A-Za-z0-9+/]{4}".prop_map(String::into_bytes),
        2 => "[A-Za-z0-9+/]{1,3}=?".prop_map(String::into_bytes),
        2 => "[ \t\r\n]{1,3}".prop_map(String::into_bytes),
        1 => r#"["{}\[\]:,\\]"#.prop_map(String::into_bytes),
        1 => r#"(\\u00[0-7][0-9a-fA-F]|\\/|\\n|"Content"|"FileName")"#.prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 1..4),
    ];
    vec(part, 0..60).prop_map(|parts| parts.concat())
}

const ENCODINGS: [BodyEncoding; 3] = [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto];

proptest! {
    #![proptest_config(inputs())]

    #[test]
    fn reads_may_be_split_anywhere(body in body(), lengths in vec(1usize..40, 1..20)) {
        for encoding in ENCODINGS {
            super::reads_may_be_split_anywhere(&body, &options(encoding), &lengths);
            super::reads_may_be_split_anywhere(&body, &options(encoding), &[1]);
        }
    }

    #[test]
    fn text_is_what_simple_decoders_make_of_it(body in body()) {
        super::text_is_what_simple_decoders_make_of_it(&body);
        let string = [b"\"", &body[..], b"\""].concat();
        super::text_is_what_simple_decoders_make_of_it(&string);
    }

    #[test]
    fn every_form_gives_the_bytes_back(
        bytes in vec(any::<u8>(), 0..3000),
        line in 1usize..100,
        escaped: bool,
    ) {
        super::every_form_gives_the_bytes_back(&bytes, line, escaped);
    }

    #[test]
    fn the_limit_is_kept_whatever_comes(body in body(), limit in 0u64..100) {
        for encoding in ENCODINGS {
            super::the_limit_is_kept_whatever_comes(&body, &options(encoding), limit);
        }
    }

    #[test]
    fn auto_is_one_of_the_others(body in body()) {
        super::auto_is_one_of_the_others(&body, &options(BodyEncoding::Auto));
    }
}
