//! Laws of the decoder that hold for every body, tried on bodies made at random.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::collection::vec;
use proptest::prelude::*;

use super::tests::{options, run};
use super::{BodyEncoding, is_blank};
use crate::laws::inputs;

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

fn bytes_in_lines() -> impl Strategy<Value = (Vec<u8>, usize)> {
    (vec(any::<u8>(), 0..3000), 1usize..100)
}

proptest! {
    #![proptest_config(inputs())]

    #[test]
    fn reads_may_be_split_anywhere(body in body(), lengths in vec(1usize..40, 1..20)) {
        for encoding in [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto] {
            let options = options(encoding);
            let whole = run(&body, &options, &[usize::MAX]);
            prop_assert_eq!(&run(&body, &options, &lengths), &whole);
            prop_assert_eq!(&run(&body, &options, &[1]), &whole);
        }
    }

    #[test]
    fn plain_text_is_what_a_simple_decoder_makes_of_it(body in body()) {
        let first = body.iter().find(|byte| !is_blank(**byte));
        prop_assume!(!matches!(first, Some(b'"' | b'{' | b'[' | b'<')));
        // Blanks may stand anywhere; a mark of UTF-8 at the beginning is none of them.
        let text: Vec<u8> = body.iter().copied().filter(|byte| !is_blank(*byte)).collect();
        let simple = STANDARD.decode(&text).ok();
        let decoded = run(&body, &options(BodyEncoding::Base64), &[usize::MAX]);
        prop_assert_eq!(decoded.map(|(bytes, _)| bytes).ok(), simple);
    }

    #[test]
    fn every_form_gives_the_bytes_back((bytes, line) in bytes_in_lines(), escaped: bool) {
        let text = STANDARD.encode(&bytes);
        let lines: Vec<_> = text.as_bytes().chunks(line).collect();
        let json = match escaped {
            true => text.replace('/', r"\/").replace('+', r"\u002b"),
            false => text.clone(),
        };
        let bodies = [
            text.clone().into_bytes(),
            lines.join(&b"\r\n"[..]),
            format!("\"{json}\"").into_bytes(),
            format!(r#"{{"FileName":"a.csv","Content":"{json}"}}"#).into_bytes(),
        ];
        for body in &bodies {
            let decoded = run(body, &options(BodyEncoding::Base64), &[usize::MAX]);
            prop_assert_eq!(&decoded.unwrap().0, &bytes);
        }
    }

    #[test]
    fn the_limit_is_kept_whatever_comes(body in body(), limit in 0u64..100) {
        for encoding in [BodyEncoding::Base64, BodyEncoding::Raw, BodyEncoding::Auto] {
            let mut options = options(encoding);
            let free = run(&body, &options, &[usize::MAX]);
            options.limit = limit;
            match (run(&body, &options, &[usize::MAX]), free) {
                (Ok(limited), Ok(free)) => {
                    prop_assert!(limited.0.len() as u64 <= limit);
                    prop_assert_eq!(limited, free);
                }
                (Ok(limited), Err(error)) => {
                    prop_assert!(false, "{limited:?} where it is {error}");
                }
                (Err(_), Ok(free)) => prop_assert!(free.0.len() as u64 > limit),
                (Err(_), Err(_)) => {}
            }
        }
    }
}
