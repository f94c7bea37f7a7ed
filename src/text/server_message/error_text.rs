//! Recognizes error texts in the place of a file.
//!
//! A server or a proxy may send status 200 with a few words as the body. Some words are valid
//! base64 by chance, and a file may contain words too. A text is an error text if it consists
//! of words that servers use for errors.

/// The words of error texts, in lowercase, each between two spaces.
const VOCABULARY: &str = " \
    a able abort aborted accepted access account action active administrator after again allowed \
    already an and another api application are as at authenticated authentication authorization \
    authorized available back bad be bearer been before being blocked busy but by call can cancel \
    canceled cancelled cannot check client closed code complete completed conflict connect \
    connection contact could credentials current currently data deleted denied did disabled do \
    does done down due empty end ended error errors exceeded exception exist exists expired fail \
    failed failure false file files finish finished forbidden format found gateway gone has have \
    id identifier in incorrect index input instance internal invalid is it job jobs key later \
    limit limited load locked log logged login maintenance many may message method minutes missing \
    moment moved must nan no none not nothing null number object occurred of offline ok on only \
    operation or out output page parameter password pending permission permissions permitted \
    please process processed processing progress queue queued rate ready record redirect reference \
    refused rejected request requests required resource response result retry running scheduled \
    seconds sent server service session set sign something started status still submitted success \
    successful supplied support supported system team temporarily the there this throttled time \
    timed timeout to token too true try unable unauthenticated unauthorised unauthorized \
    unavailable undefined under unexpected unknown unsupported up use user username valid value \
    void wait waiting was went were with wrong yes yet you your ";

/// The maximum length of an error text, in bytes.
const MAX_LEN: usize = 300;

/// Returns whether `text` is an error text: a known word, or a sentence most of whose words are
/// known. Tables and lists are not.
pub(crate) fn is_error_text(text: &str) -> bool {
    let text = text.trim();
    let is_separator = |c: char| matches!(c, ',' | ';' | '|');
    let is_table = text.char_indices().any(|(at, c)| {
        // In prose, a separator is followed by a space.
        is_separator(c) && text[at + 1..].starts_with(|c: char| !c.is_whitespace())
    });
    if text.len() > MAX_LEN || is_table || text.contains(['\t', '@', '|']) {
        return false;
    }
    if text.lines().count() > 3 {
        return false;
    }
    let parts: Vec<Vec<&str>> = text.split_whitespace().map(words).collect();
    let parts: Vec<_> = parts.iter().filter(|words| !words.is_empty()).collect();
    let is_known_part = |words: &&&Vec<&str>| words.iter().all(|word| is_known(word));
    let known = parts.iter().filter(is_known_part).count();
    let all_words = || parts.iter().copied().flatten();
    let has_significant_word = all_words().any(|word| word.len() >= 4 && is_known(word));
    // Fewer than four characters are never base64.
    let is_short = text.len() < 4;
    match parts.len() {
        1 => (has_significant_word || is_short) && known == 1,
        count => has_significant_word && known * 2 > count,
    }
}

/// Returns whether `text` looks like a word, or like several words in one, as in `NotFound`.
/// Base64 of more than a few characters looks like that only by chance.
pub(crate) fn is_word(text: &str) -> bool {
    const MIN_LEN: usize = 8;
    let is_word_shaped = |word: &&str| {
        let rest = &word[1..];
        let is_one_case = rest.bytes().all(|byte| byte.is_ascii_lowercase())
            || word.bytes().all(|byte| byte.is_ascii_uppercase());
        let has_vowel = word.contains(['a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y']);
        is_one_case && has_vowel
    };
    let words = words(text);
    text.len() >= MIN_LEN
        && text.bytes().all(|byte| byte.is_ascii_alphabetic())
        && words.iter().all(is_word_shaped)
        && words.len() * 4 <= text.len()
}

/// Returns whether a word is in the vocabulary.
fn is_known(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let found = VOCABULARY.match_indices(&word);
    let mut found = found.map(|(at, _)| (at, at + word.len()));
    let is_space = |at: usize| VOCABULARY.as_bytes().get(at) == Some(&b' ');
    found.any(|(start, end)| start > 0 && is_space(start - 1) && is_space(end))
}

/// Returns the words of a text. `NotFound` and `HTTPError` are two words each. Characters that
/// are not ASCII belong to words.
fn words(text: &str) -> Vec<&str> {
    let is_letter = |c: char| c.is_ascii_alphabetic() || !c.is_ascii();
    let mut words = Vec::new();
    for part in text
        .split(|c| !is_letter(c))
        .filter(|part| !part.is_empty())
    {
        let bytes = part.as_bytes();
        let mut start = 0;
        for at in 1..bytes.len() {
            let is_start = bytes[at].is_ascii_uppercase()
                && (bytes[at - 1].is_ascii_lowercase()
                    || bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase));
            if is_start {
                words.push(&part[start..at]);
                start = at;
            }
        }
        words.push(&part[start..]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn is_error_text_words_and_sentences_of_servers_are_recognized() {
        for text in [
            "Not Found",
            "Not Valid Token",
            "Invalid Token",
            "File not found",
            "Job is still processing",
            "Unauthorized",
            "unauthorized",
            "UNAUTHORIZED",
            "AccessDenied",
            "NotFound",
            "Error500",
            "true",
            "null",
            "Pending",
            "OK",
            "ok.",
            "No",
            "The job is still running.",
            "Could not find or load record with ID 28142!",
            "Too many requests.",
            "An error has occurred.",
            "Service unavailable, please try again later",
            "Access\r\nDenied",
            "Internal Server Error",
            "You sent Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9",
        ] {
            assert!(is_error_text(text), "{text}");
        }
    }

    #[test]
    fn is_error_text_data_is_not_recognized() {
        for text in [
            "",
            " ",
            "Jane Doe",
            "Jane Doe not home",
            "Order,Error",
            "Order;Error",
            "Order\tError",
            "Order|Error",
            "error,no,found\r\n1,2,3",
            "error@found.example",
            "QUJD",
            "12345678",
            "SGVsbG8sIHdvcmxkIQ==",
            "isNo",
            "ok12",
            "é",
        ] {
            assert!(!is_error_text(text), "{text}");
        }
        assert!(!is_error_text(&"not found ".repeat(40)));
    }

    #[test]
    fn is_error_text_long_known_word_is_not_base64_of_text() {
        for word in VOCABULARY.split_whitespace().filter(|word| word.len() >= 8) {
            let capitalized = word[..1].to_ascii_uppercase() + &word[1..];
            for word in [word, &capitalized, &word.to_ascii_uppercase()] {
                if let Ok(bytes) = STANDARD.decode(word) {
                    let is_text = std::str::from_utf8(&bytes)
                        .is_ok_and(|text| !text.contains(char::is_control));
                    assert!(!is_text, "{word}: {bytes:?}");
                }
            }
        }
    }

    #[test]
    fn is_word_long_word_is_recognized() {
        for text in [
            "Unerlaubt",
            "NichtGefunden",
            "FEHLGESCHLAGEN",
            "introuvable",
        ] {
            assert!(is_word(text), "{text}");
        }
        for text in [
            "Fehler", "QUJD", "zzzzzzzz", "aBcDeFgH", "YSxiCg==", "abcdefg1",
        ] {
            assert!(!is_word(text), "{text}");
        }
    }
}
