//! Resolves the escapes of JSON, URLs and HTML, and escapes within escapes, in any mixture.

use std::ops::Range;

use zeroize::{Zeroize, Zeroizing};

/// One character, and the position of it or of its escape in the text. It is wiped when dropped.
pub(super) struct Unit {
    pub(super) character: char,
    /// The first byte.
    pub(super) start: usize,
    /// The byte after the last one.
    pub(super) end: usize,
}

impl Drop for Unit {
    fn drop(&mut self) {
        self.character.zeroize();
    }
}

/// How many levels of escapes within escapes are resolved.
const MAX_NESTING: usize = 4;

/// Returns the levels of `text`: its characters, then those with every escape of JSON, URLs and
/// HTML resolved, then those with escapes within escapes resolved, and so on.
///
/// On every level, each run of whitespace is one space.
pub(super) fn levels(text: &str) -> impl Iterator<Item = Vec<Unit>> {
    let mut characters = Vec::with_capacity(text.len());
    for (start, character) in text.char_indices() {
        push(
            &mut characters,
            character,
            start..start + character.len_utf8(),
        );
    }
    let mut next = Some(characters);
    std::iter::from_fn(move || {
        let current = next.take()?;
        let resolved = unescaped(&current);
        next = Some(resolved).filter(|resolved| resolved.len() < current.len());
        Some(current)
    })
    .take(1 + MAX_NESTING)
}

/// Resolves one level of escapes.
fn unescaped(mut rest: &[Unit]) -> Vec<Unit> {
    let mut units = Vec::with_capacity(rest.len());
    while let [first, ..] = rest {
        let escape = match first.character {
            '\\' => Some(json_escape(rest)),
            '%' => percent_escape(rest).map(|(character, length)| (Some(character), length)),
            '&' => entity(rest).map(|(character, length)| (Some(character), length)),
            _ => None,
        };
        let (character, length) = escape.unwrap_or((Some(first.character), 1));
        if let Some(character) = character {
            push(&mut units, character, first.start..rest[length - 1].end);
        }
        rest = &rest[length..];
    }
    units
}

/// Appends a character to `units`. Whitespace is merged with whitespace before it.
fn push(units: &mut Vec<Unit>, character: char, source: Range<usize>) {
    let is_space = character.is_whitespace() || character.is_control() || character == '+';
    match units.last_mut() {
        Some(last) if is_space && last.character == ' ' => last.end = source.end,
        _ => units.push(Unit {
            character: if is_space { ' ' } else { character },
            start: source.start,
            end: source.end,
        }),
    }
}

/// The length of the longest escape, in characters: a surrogate pair in JSON in JSON in JSON.
const MAX_ESCAPE_LEN: usize = 18;

/// Returns the characters at the start of `units`, as many as the longest escape has.
fn lookahead(units: &[Unit]) -> Zeroizing<String> {
    let characters = units.iter().take(MAX_ESCAPE_LEN).map(|unit| unit.character);
    // A string that grows would leave a copy behind that is not wiped.
    let mut text = Zeroizing::new(String::with_capacity(4 * MAX_ESCAPE_LEN));
    text.extend(characters);
    text
}

/// Returns the character that one or more backslashes escape, and the length of the escape.
///
/// Backslashes that escape nothing are dropped, because an escape with backslashes of its own
/// may follow them.
fn json_escape(units: &[Unit]) -> (Option<char>, usize) {
    let is_slash = |unit: &&Unit| unit.character == '\\';
    let slashes = units.iter().take_while(is_slash).count();
    match json_escaped(&lookahead(&units[slashes..])) {
        Some((character, length)) => (Some(character), slashes + length),
        None => (None, slashes),
    }
}

/// Returns the character of an escape by what follows its backslashes, and the length of that.
fn json_escaped(rest: &str) -> Option<(char, usize)> {
    match rest.chars().next()? {
        'n' | 'r' | 't' | 'b' | 'f' => Some((' ', 1)),
        'u' | 'U' => match code_unit(rest)? {
            high @ 0xd800..0xdc00 => {
                let rest = &rest[5..];
                let low = rest.trim_start_matches('\\');
                let slashes = rest.len() - low.len();
                let pair = char::decode_utf16([high, code_unit(low)?]).next()?.ok()?;
                (slashes > 0).then_some((pair, 10 + slashes))
            }
            unit => Some((char::from_u32(unit.into())?, 5)),
        },
        escaped @ ('"' | '\'' | '/') => Some((escaped, 1)),
        _ => None,
    }
}

/// Returns the UTF-16 code unit in `u00e9`.
fn code_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(['u', 'U'])?.get(..4)?;
    let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

/// Returns a character that is percent-encoded in UTF-8 (RFC 3986 section 2.1) or as `%u00e9`,
/// and the length of the escape.
fn percent_escape(units: &[Unit]) -> Option<(char, usize)> {
    let text = lookahead(units);
    if let Some(unit) = code_unit(&text[1..]) {
        return Some((char::from_u32(unit.into())?, 6));
    }
    let mut bytes = Vec::with_capacity(4);
    let mut rest = text.as_str();
    while let Some(pair) = rest.strip_prefix('%').and_then(|digits| digits.get(..2)) {
        if !pair.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            break;
        }
        bytes.push(u8::from_str_radix(pair, 16).ok()?);
        rest = &rest[3..];
        match std::str::from_utf8(&bytes) {
            Ok(found) => return Some((found.chars().next()?, 3 * bytes.len())),
            Err(error) if error.error_len().is_some() => return None,
            Err(_) => {}
        }
    }
    None
}

/// Returns the character of an HTML character reference, such as `&quot;` or `&#34;`, and the
/// length of the reference.
fn entity(units: &[Unit]) -> Option<(char, usize)> {
    let text = lookahead(units);
    let (name, _) = text[1..].split_once(';')?;
    Some((character_of_entity(name)?, name.chars().count() + 2))
}

/// Returns the character of an HTML character reference, by its name or number.
pub(crate) fn character_of_entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
