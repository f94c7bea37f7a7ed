//! Looks for words that the project does not use in anything a person reads.
//!
//! A phrase is found in lowercase or uppercase, as whole words, across a line break with comment
//! markers, with some of its words in Markdown or between XML tags, and inside identifiers such as
//! `is_made_up` and `StandInServer`.

use crate::Outcome;
use crate::files::{self, Tree};
use std::path::Path;

/// The phrases, in lowercase. Words joined by a hyphen are found only where a hyphen or an
/// underscore joins them, or within an identifier in camel case.
const PHRASES: [&str; 16] = [
    "is told",
    "made up",
    "stand-in",
    "blanks",
    "laws",
    "for the taking",
    "least program",
    "somebody",
    "nobody",
    "anybody",
    "whoever",
    "careless",
    "half as long again",
    "ever less often",
    "in good order",
    "pulled",
];

/// The files and directories in which the phrases are looked for.
const PLACES: [&str; 12] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs",
    "include",
    "bindings",
    "src",
    "examples",
    "benches",
    "packaging",
    "tests/mock_server",
];

/// Characters that may stand between the words of a phrase, besides whitespace: those of comment
/// markers and of Markdown, quotation marks, the backslash and the plus of strings that go on in the
/// next line, and what joins words.
const BETWEEN_WORDS: &str = "/*!#>\"'`~\\+-_";

/// Looks for the phrases in the project.
///
/// # Errors
///
/// Returns a message if a file cannot be read.
pub(crate) fn run(root: &Path) -> Result<Outcome, String> {
    let mut tree = Tree::new();
    for place in PLACES {
        files::read(root, place, &mut tree)?;
    }
    let mut found = Vec::new();
    for (path, text) in &tree {
        for hit in find(text) {
            let line = text.lines().nth(hit.line - 1).unwrap_or("").trim();
            found.push(format!("{path}:{}: {}: {line}", hit.line, hit.phrase));
        }
    }
    Ok(if found.is_empty() {
        Outcome::Passed(format!(
            "{} files have none of {} phrases",
            tree.len(),
            PHRASES.len()
        ))
    } else {
        let count = found.len();
        Outcome::Failed(format!(
            "{}\nFAILED: {count} phrases to replace; xtask/src/words.rs has the list",
            found.join("\n")
        ))
    })
}

/// A phrase in a text.
#[derive(Debug, PartialEq, Eq)]
struct Hit {
    phrase: &'static str,
    /// The line of the first word, counted from 1.
    line: usize,
}

struct Word<'a> {
    text: &'a str,
    start: usize,
    line: usize,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Returns all phrases in `text`, in the order of their first words.
fn find(text: &str) -> Vec<Hit> {
    let mut hits = find_plain(text);
    for hit in find_plain(&without_tags(text)) {
        if !hits.contains(&hit) {
            hits.push(hit);
        }
    }
    hits.sort_by_key(|hit| hit.line);
    hits
}

/// Returns `text` with spaces in place of XML tags. What looks like a tag may also be code, such as
/// the `<u8>` of `Vec<u8>`.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let tag = &rest[start..];
        let name = tag[1..].trim_start_matches('/');
        let length = match tag[1..].find(['<', '>', '\n']) {
            Some(end) if tag[1 + end..].starts_with('>') => end + 2,
            _ => 1,
        };
        let is_tag = length > 1 && name.starts_with(|c: char| c.is_ascii_alphabetic());
        plain.push_str(&rest[..start]);
        plain.push_str(if is_tag { " " } else { &tag[..length] });
        rest = &tag[length..];
    }
    plain.push_str(rest);
    plain
}

fn find_plain(text: &str) -> Vec<Hit> {
    let words = words(text);
    let mut hits = Vec::new();
    for first in 0..words.len() {
        for phrase in PHRASES {
            let is_hyphenated = phrase.contains('-');
            let mut before: Option<&Word> = None;
            let is_here = phrase
                .split([' ', '-'])
                .enumerate()
                .all(|(index, expected)| {
                    let Some(word) = words.get(first + index) else {
                        return false;
                    };
                    let gap = before.map_or("", |before| &text[before.end()..word.start]);
                    before = Some(word);
                    word.text.eq_ignore_ascii_case(expected) && joins(gap, is_hyphenated)
                });
            if is_here {
                hits.push(Hit {
                    phrase,
                    line: words[first].line,
                });
            }
        }
    }
    hits
}

/// Returns whether the text between two words lets them belong to one phrase.
fn joins(gap: &str, is_hyphenated: bool) -> bool {
    if is_hyphenated {
        return matches!(gap, "" | "-" | "_");
    }
    // A blank line ends a paragraph.
    gap.matches('\n').count() <= 1
        && gap
            .chars()
            .all(|character| character.is_whitespace() || BETWEEN_WORDS.contains(character))
}

/// Splits a text into words, and identifiers into the words that they are made of.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut line = 1;
    let mut previous = ' ';
    for (at, character) in text.char_indices() {
        if character.is_alphanumeric() {
            let next = text[at..].chars().nth(1);
            let begins = !previous.is_alphanumeric()
                || (character.is_uppercase()
                    // The last capital of `HTTPIs` begins a word.
                    && (previous.is_lowercase() || next.is_some_and(char::is_lowercase)));
            match words.last_mut() {
                Some(word) if !begins => word.text = &text[word.start..at + character.len_utf8()],
                _ => words.push(Word {
                    text: &text[at..at + character.len_utf8()],
                    start: at,
                    line,
                }),
            }
        }
        if character == '\n' {
            line += 1;
        }
        previous = character;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrases(text: &str) -> Vec<&'static str> {
        find(text).into_iter().map(|hit| hit.phrase).collect()
    }

    #[test]
    fn every_phrase_is_found() {
        for phrase in PHRASES {
            assert_eq!(phrases(phrase), [phrase]);
            assert_eq!(phrases(&format!("x {}.", phrase.to_uppercase())), [phrase]);
        }
    }

    #[test]
    fn part_of_a_word_is_not_found() {
        assert_eq!(
            phrases("flaws lawsuit outlaws blanksheet is tolder this told remade up pulleds"),
            [""; 0]
        );
    }

    #[test]
    fn phrase_across_a_line_break_is_found_at_its_first_line() {
        for text in [
            "a\n/// what is\n/// told",
            "a\n * what is\n * told",
            "a\n# what is\n# told",
            "a\n> is\n> told",
            "a\n  //! is\r\n  //! told",
            "a\n\"is \\\n  told\"",
            "a\n\"is \"\n\"told\"",
        ] {
            assert_eq!(
                find(text),
                [Hit {
                    phrase: "is told",
                    line: 2
                }],
                "{text}"
            );
        }
    }

    #[test]
    fn words_of_different_sentences_or_paragraphs_are_not_found() {
        for text in [
            "What it is. Told so",
            "what it is\n\ntold",
            "/// it is\n///\n/// told",
            "is, told",
        ] {
            assert_eq!(phrases(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn identifiers_are_split_into_words() {
        assert_eq!(phrases("name_is_made_up"), ["made up"]);
        assert_eq!(phrases("NameIsMadeUp"), ["made up"]);
        assert_eq!(phrases("STAND_IN standIn stand-in"), ["stand-in"; 3]);
        assert_eq!(phrases("limit_and_blanks"), ["blanks"]);
    }

    #[test]
    fn formatted_phrase_is_found() {
        for text in [
            "is **told**",
            "*is* _told_",
            "`is` told",
            "is ~~told~~",
            "'is ' 'told'",
            "\"is \" + \"told\"",
            "is <c>told</c>",
            "<b>is</b> <a href=\"x\">told</a>",
            "IS Told",
            "URLIsTold",
            "is\u{a0}told",
        ] {
            assert_eq!(phrases(text), ["is told"], "{text}");
        }
        assert_eq!(phrases("Map<laws>"), ["laws"]);
        assert_eq!(phrases("a < laws"), ["laws"]);
    }

    #[test]
    fn tag_between_other_words_is_not_found() {
        assert_eq!(phrases("is <c>so</c> told, is < 5 told"), [""; 0]);
    }

    #[test]
    fn hyphenated_phrase_with_a_space_is_not_found() {
        assert_eq!(phrases("they stand in this order"), [""; 0]);
    }

    #[test]
    fn letters_beyond_ascii_are_part_of_words() {
        assert_eq!(phrases("élaws lawsé é laws"), ["laws"]);
    }
}
