//! Puts text on one line that is safe to print.

/// Marks the place where text was cut.
pub(crate) const ELLIPSIS: char = '…';

/// The maximum length of one text in an error message, in characters.
pub(crate) const MAX_MESSAGE: usize = 400;

/// Returns `text` on one line, cut to `max` characters and an ellipsis.
///
/// Whitespace and control characters become single spaces. Characters that are invisible or
/// that change the reading direction are removed.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut needs_space = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            needs_space = !line.is_empty();
            continue;
        }
        if is_invisible(c) {
            continue;
        }
        let added = 1 + usize::from(needs_space);
        if length + added > max {
            line.push(ELLIPSIS);
            break;
        }
        if needs_space {
            line.push(' ');
            needs_space = false;
        }
        line.push(c);
        length += added;
    }
    line
}

/// Returns whether a character is invisible, or changes how other characters are displayed.
///
/// These are format characters, bidirectional controls (Unicode UAX 9), variation selectors,
/// tags, and letters without a glyph.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_control_and_invisible_characters_are_removed() {
        for (text, line) in [
            ("", ""),
            (" \r\n\t", ""),
            ("a\r\n b\tc ", "a b c"),
            ("a\0b", "a b"),
            ("\u{1b}[31mred\u{1b}[0m", "[31mred [0m"),
            ("a\u{9b}b", "a b"),
            ("a\u{85}b\u{2028}c", "a b c"),
            ("\u{202e}fdp.exe\u{2066}", "fdp.exe"),
            ("a\u{200b}\u{ad}\u{e0041}b", "ab"),
            ("é 出力", "é 出力"),
        ] {
            assert_eq!(one_line(text, 100), line, "{text:?}");
        }
    }

    #[test]
    fn one_line_long_text_is_cut_between_characters() {
        assert_eq!(one_line("abc", 3), "abc");
        assert_eq!(one_line("abcd", 3), "abc…");
        assert_eq!(one_line("ab c", 3), "ab…");
        assert_eq!(one_line("ab  ", 2), "ab");
        assert_eq!(one_line(&"é".repeat(1000), 400).chars().count(), 401);
    }
}
