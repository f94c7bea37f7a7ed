//! Splits Rust source into tokens, without comments and literals.

/// An identifier, keyword or punctuation mark of Rust source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The text. `::` is one token; every other punctuation mark is a token of its own.
    pub(crate) text: String,
    /// The line, counted from 1.
    pub(crate) line: usize,
}

impl Token {
    /// Returns whether the token is an identifier or a keyword.
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(is_word_start)
    }
}

fn is_word_start(character: char) -> bool {
    character == '_' || character.is_alphabetic()
}

fn is_word_part(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

/// Returns the tokens of `source`. Comments, strings, characters, numbers and lifetimes are left
/// out.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        rest: source,
        line: 1,
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next() {
        tokens.push(token);
    }
    tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token> {
        loop {
            let first = self.rest.chars().next()?;
            if self.rest.starts_with("//") {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.skip(block_comment_len(self.rest));
            } else if let Some(len) = string_len(self.rest) {
                self.skip(len);
            } else if first == '\'' {
                self.skip(quote_len(self.rest));
            } else if first.is_ascii_digit() {
                self.skip(word_len(self.rest));
            } else if self.rest.starts_with("::") {
                return Some(self.take(2));
            } else if first.is_whitespace() {
                self.skip(first.len_utf8());
            } else if is_word_start(first) {
                if self.rest.starts_with("r#") {
                    self.skip(2);
                }
                return Some(self.take(word_len(self.rest)));
            } else {
                return Some(self.take(first.len_utf8()));
            }
        }
    }

    fn skip(&mut self, len: usize) -> &'a str {
        let (skipped, rest) = self.rest.split_at(len);
        self.line += skipped.matches('\n').count();
        self.rest = rest;
        skipped
    }

    fn take(&mut self, len: usize) -> Token {
        let line = self.line;
        Token {
            text: self.skip(len).to_owned(),
            line,
        }
    }
}

fn word_len(text: &str) -> usize {
    text.find(|character| !is_word_part(character))
        .unwrap_or(text.len())
}

/// Returns the length of the block comment that `text` starts with. Block comments nest.
fn block_comment_len(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// Returns the length of the string literal, raw or not, that `text` starts with, if it does.
fn string_len(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        text.strip_prefix(prefix).is_some_and(|rest| {
            let quote = if prefix.ends_with('r') {
                rest.trim_start_matches('#')
            } else {
                rest
            };
            quote.starts_with('"')
        })
    })?;
    let rest = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let end = format!("\"{}", &rest[..hashes]);
        let start = prefix.len() + hashes + 1;
        return Some(
            text[start..]
                .find(&end)
                .map_or(text.len(), |at| start + at + end.len()),
        );
    }
    Some(prefix.len() + 1 + quoted_len(&rest[1..], '"'))
}

/// Returns the length up to and with the closing `quote`.
fn quoted_len(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of the character literal or the lifetime that `text` starts with.
fn quote_len(text: &str) -> usize {
    let mut characters = text[1..].chars();
    let Some(first) = characters.next() else {
        return 1;
    };
    if first == '\\' || characters.next() == Some('\'') {
        1 + quoted_len(&text[1..], '\'')
    } else {
        1 + word_len(&text[1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_left_out() {
        let source = r####"
            a // crate::x "not closed
            /* b /* nested */ still */ c
            "a string \" // no comment" d r#"raw " string"# e b"bytes" f br"\" g
            'h' '\'' '"' i 'lifetime j 0x1f_u8 k "é"
        "####;
        assert_eq!(texts(source), ["a", "c", "d", "e", "f", "g", "i", "j", "k"]);
    }

    #[test]
    fn path_is_split_into_words_and_separators() {
        assert_eq!(
            texts("use crate::{a, r#mod};"),
            ["use", "crate", "::", "{", "a", ",", "mod", "}", ";"]
        );
    }

    #[test]
    fn lines_are_counted_across_comments_and_strings() {
        let lines: Vec<usize> = tokens("a\n/* \n */ b \"\n\" c")
            .iter()
            .map(|token| token.line)
            .collect();
        assert_eq!(lines, [1, 3, 4]);
    }

    #[test]
    fn unclosed_literals_end_with_the_source() {
        for source in ["/* a", "\"a", "r#\"a", "'", "'\\"] {
            assert_eq!(texts(source), [""; 0], "{source}");
        }
    }
}
