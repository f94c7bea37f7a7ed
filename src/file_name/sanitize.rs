//! Makes a file name safe: a single name, never a path, that Windows and Unix both accept.

use crate::text::is_invisible;

/// The maximum length of a name on common file systems, in bytes of UTF-8. (NTFS counts 255
/// UTF-16 units, of which a name never has more than bytes.)
pub(crate) const MAX_NAME_LEN: usize = 255;

/// The maximum length of an extension, with its dot, that is preserved when a name is cut.
const MAX_EXTENSION_LEN: usize = 32;

/// Replaces a character that is not allowed in a name.
const REPLACEMENT: &str = "_";

/// Returns the name in `text`, made safe; `None` if nothing is left of it.
///
/// The last segment of a path is the name (RFC 6266 section 4.3). These characters are replaced
/// with `_`:
///
/// - characters that Windows rejects: `< > : " | ? *` and control characters;
/// - characters that are invisible or make a name look like another one: zero-width
///   characters and bidirectional overrides;
/// - a leading dot, which hides a file on Unix;
/// - a leading dash, which commands interpret as an option;
/// - a trailing tilde, which marks a backup.
///
/// Dots and whitespace at the end are removed. A device name such as `CON` is prefixed with
/// `_`. A name longer than 255 bytes is cut before its extension.
pub(crate) fn sanitize(text: &str) -> Option<String> {
    let mut segments = text.split(['/', '\\']).rev().map(trim);
    let segment = segments.find(|segment| !segment.is_empty())?;
    let segment = trim(without_drive(segment));
    let name = replace_unsafe(segment);
    let mut name = trim(&name).to_owned();
    if name.is_empty() {
        return None;
    }
    if name.starts_with(['.', '-']) {
        name.replace_range(..1, REPLACEMENT);
    }
    if is_device(&name) {
        name.insert_str(0, REPLACEMENT);
    }
    let mut name = shorten(&name);
    // `CON`, hundreds of spaces and a word becomes a device name only when it is cut.
    if is_device(&name) {
        name.insert_str(0, REPLACEMENT);
    }
    if name.ends_with('~') {
        name.replace_range(name.len() - 1.., REPLACEMENT);
    }
    Some(name).filter(|name| !name.is_empty())
}

/// Returns `name` with a number before its extension: `report (1).csv`.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    let extension = extension(name);
    let stem = &name[..name.len() - extension.len()];
    let end = format!(" ({number}){extension}");
    let stem = trim(cut(stem, MAX_NAME_LEN - end.len()));
    format!("{stem}{end}")
}

/// Returns `name` without whitespace around it and without dots at its end.
///
/// Windows drops dots and spaces at the end of a name: `a.csv` and `a.csv. .` are one file.
fn trim(name: &str) -> &str {
    name.trim_start()
        .trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

/// Returns `segment` without a drive: `C:a.csv` is `a.csv` in the current directory of drive C.
fn without_drive(segment: &str) -> &str {
    match segment.as_bytes() {
        [drive, b':', ..] if drive.is_ascii_alphabetic() => &segment[2..],
        _ => segment,
    }
}

/// Returns `segment` with every character replaced that is not allowed in a name.
fn replace_unsafe(segment: &str) -> String {
    let mut name = String::with_capacity(segment.len());
    let mut characters = segment.chars().peekable();
    let mut before = '\0';
    while let Some(c) = characters.next() {
        let after = characters.peek().copied().unwrap_or('\0');
        if is_allowed(c) || is_part_of_emoji(before, c, after) {
            name.push(c);
        } else {
            name.push_str(REPLACEMENT);
        }
        // A variation selector belongs to the emoji before it.
        if c != VARIATION_SELECTOR_16 {
            before = c;
        }
    }
    name
}

/// Returns whether a character is allowed in a name, whatever stands beside it.
fn is_allowed(c: char) -> bool {
    let is_reserved = matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*');
    let is_noncharacter =
        matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff) || matches!(c, '\u{fdd0}'..='\u{fdef}');
    !c.is_control() && !is_reserved && !is_noncharacter && !is_invisible(c)
}

const ZERO_WIDTH_JOINER: char = '\u{200d}';
const VARIATION_SELECTOR_16: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// Returns whether `c` is an invisible character that joins or colors emoji, as in 👩‍👧 and ❤️.
/// Beside other characters it could make two names look the same.
fn is_part_of_emoji(before: char, c: char, after: char) -> bool {
    match c {
        ZERO_WIDTH_JOINER => is_emoji(before) && is_emoji(after),
        VARIATION_SELECTOR_16 => is_emoji(before) || (before.is_ascii_digit() && after == KEYCAP),
        _ => false,
    }
}

/// Returns whether a character is in a block that contains emoji (Unicode UTS 51).
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}'
        | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// Returns whether Windows rejects a name, or changes it.
pub(crate) fn is_rejected_by_windows(name: &str) -> bool {
    let is_rejected = |c: char| c < ' ' || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
    name.contains(is_rejected) || name.ends_with(['.', ' ']) || is_device(name)
}

/// Returns whether a name means a device on Windows, in every directory and with any extension.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let stem = stem.to_ascii_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$"
    ) {
        return true;
    }
    let port = stem.strip_prefix("COM").or(stem.strip_prefix("LPT"));
    let mut number = port.unwrap_or_default().chars();
    matches!(number.next(), Some('0'..='9' | '¹' | '²' | '³')) && number.next().is_none()
}

/// Cuts a name to [`MAX_NAME_LEN`], before its extension.
fn shorten(name: &str) -> String {
    if name.len() <= MAX_NAME_LEN {
        return name.to_owned();
    }
    let extension = extension(name);
    let stem = &name[..name.len() - extension.len()];
    let stem = trim(cut(stem, MAX_NAME_LEN - extension.len()));
    trim(&format!("{stem}{extension}")).to_owned()
}

/// Returns the extension with its dot; empty if there is none, or if it is too long to be one.
fn extension(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if name.len() - dot <= MAX_EXTENSION_LEN && !trim(&name[..dot]).is_empty() => {
            &name[dot..]
        }
        _ => "",
    }
}

/// Returns the beginning of `text`, at most `max` bytes. A joiner or a variation selector at its
/// end is removed, because the rest of its emoji is cut off.
fn cut(text: &str, max: usize) -> &str {
    let fits = |end: &usize| text.is_char_boundary(*end);
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(fits).unwrap_or(0);
    text[..end].trim_end_matches([ZERO_WIDTH_JOINER, VARIATION_SELECTOR_16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sanitize_safe_name_is_unchanged() {
        for name in [
            "report.csv",
            "Orders 2026-11-23 (final).xlsx",
            "выгрузка.csv",
            "出力.pdf",
            "no extension",
            "a-b~c.csv",
            "file.part",
            "a..b",
            "console.txt",
            "COM10.txt",
            "auxiliary",
            "👩‍👩‍👧.png",
            "❤\u{fe0f}.png",
            "👁\u{fe0f}\u{200d}🗨.png",
            "1\u{fe0f}\u{20e3}.png",
        ] {
            assert_eq!(sanitize(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn sanitize_unsafe_name_returns_safe_name() {
        for (text, name) in [
            ("/etc/passwd", "passwd"),
            ("../../a.csv", "a.csv"),
            ("..\\..\\a.csv", "a.csv"),
            ("C:\\Exports\\a.csv", "a.csv"),
            ("\\\\server\\share\\a.csv", "a.csv"),
            ("C:a.csv", "a.csv"),
            ("exports/", "exports"),
            ("exports/..", "exports"),
            ("exports/. /", "exports"),
            ("a.csv::$DATA", "a.csv__$DATA"),
            ("a.csv:hidden.exe", "a.csv_hidden.exe"),
            ("12:30 a.csv", "12_30 a.csv"),
            ("a<b>c\"d|e?f*.csv", "a_b_c_d_e_f_.csv"),
            ("a\0b\tc\r\nd\u{7f}\u{85}.csv", "a_b_c__d__.csv"),
            ("a\u{202e}vsc.exe", "a_vsc.exe"),
            ("\u{feff}a\u{2028}b\u{200f}\u{2066}.csv", "_a_b__.csv"),
            (" a.csv. . ", "a.csv"),
            ("a.csv\u{a0}", "a.csv"),
            ("con", "_con"),
            ("CON.csv", "_CON.csv"),
            ("nul .tar.gz", "_nul .tar.gz"),
            ("COM1", "_COM1"),
            ("lpt9.txt", "_lpt9.txt"),
            ("COM².txt", "_COM².txt"),
            ("Aux.", "_Aux"),
            ("C:CON", "_CON"),
            ("conin$", "_conin$"),
            ("?", "_"),
            (".bashrc", "_bashrc"),
            (".htaccess", "_htaccess"),
            ("/home/user/.ssh", "_ssh"),
            ("..profile", "_.profile"),
            (" .a.csv", "_a.csv"),
            ("-rf.csv", "_rf.csv"),
            ("--help", "_-help"),
            ("a.csv~", "a.csv_"),
            ("~", "_"),
            (
                ".sellercloud-output-1-a.part",
                "_sellercloud-output-1-a.part",
            ),
            (
                "a\u{200b}b\u{ad}c\u{2060}d\u{3164}e\u{e0041}f.csv",
                "a_b_c_d_e_f.csv",
            ),
            ("\u{200b}.bashrc", "_.bashrc"),
            ("\u{3164}", "_"),
            ("a\u{200d}b.csv", "a_b.csv"),
            ("👩\u{200d}.csv", "👩_.csv"),
            ("a\u{fe0f}.csv", "a_.csv"),
            ("1\u{fe0f}.csv", "1_.csv"),
            ("👩\u{200d}\u{fe0f}👩.csv", "👩__👩.csv"),
            ("a\u{ffff}\u{fdd0}.csv", "a__.csv"),
        ] {
            assert_eq!(sanitize(text).as_deref(), Some(name), "{text:?}");
        }
    }

    #[test]
    fn is_rejected_by_windows_reserved_name_is_rejected() {
        for name in [
            "a:b", "a?", "a*", "a|b", "<", "\"", "a\u{1f}", "a.", "a ", "nul", "COM1.csv",
        ] {
            assert!(is_rejected_by_windows(name), "{name:?}");
            assert_ne!(sanitize(name).as_deref(), Some(name));
        }
        for name in ["a.csv", ".bashrc", "-a", "a~", "é", "COM10", "a\u{7f}"] {
            assert!(!is_rejected_by_windows(name), "{name:?}");
        }
    }

    #[test]
    fn sanitize_without_name_returns_none() {
        for text in [
            "", " ", ".", "..", "/", "\\", "../..", ". .", "C:", "C:\\", "C:.",
        ] {
            assert_eq!(sanitize(text), None, "{text:?}");
        }
    }

    #[test]
    fn numbered_adds_number_before_extension() {
        assert_eq!(numbered("report.csv", 1), "report (1).csv");
        assert_eq!(numbered(".profile", 2), ".profile (2)");
        assert_eq!(numbered("..profile", 3), "..profile (3)");
        assert_eq!(numbered("..a.csv", 4), "..a (4).csv");
    }

    #[test]
    fn sanitize_long_name_is_cut_before_extension() {
        for character in ["a", "é", "出", "👩", "👩\u{200d}👩", "1\u{fe0f}\u{20e3}"] {
            let name = sanitize(&format!("{}.csv", character.repeat(300))).unwrap();
            assert!((240..=MAX_NAME_LEN).contains(&name.len()), "{}", name.len());
            assert_eq!(sanitize(&name).as_deref(), Some(name.as_str()));
            assert!(name.ends_with(".csv"), "{name}");
        }
        let name = sanitize(&format!("a.{}", "b".repeat(300))).unwrap();
        assert_eq!(name.len(), MAX_NAME_LEN);
        let name = sanitize(&format!("{}{}", "a".repeat(250), " ".repeat(20) + "b")).unwrap();
        assert_eq!(name, "a".repeat(250));
        let name = sanitize(&format!(".{}", "b".repeat(300))).unwrap();
        assert_eq!(name.len(), MAX_NAME_LEN);
        assert_eq!(sanitize(&"a".repeat(255)).unwrap().len(), 255);
        let name = sanitize(&format!("CON.{}", "a".repeat(251))).unwrap();
        assert!(name.starts_with("_CON.") && name.len() == MAX_NAME_LEN);
        for (end, short) in [("b", "_CON"), ("b.csv", "_CON.csv"), (". b", "_CON. b")] {
            let name = sanitize(&format!("CON{}{end}", " ".repeat(300))).unwrap();
            assert_eq!(name, short);
            assert_eq!(sanitize(&name).as_deref(), Some(short));
        }
    }

    #[test]
    fn sanitize_sanitized_name_is_unchanged() {
        for text in [
            "👩\u{200d}👩\u{200d}\u{200d}",
            ".~",
            "-",
            "CON~",
            "1\u{fe0f}\u{20e3}\u{fe0f}",
            "C:CON",
            "a.csv:x",
            " .a. ",
            "nul .x",
            "\u{202e}",
            "C:D:con",
        ] {
            if let Some(name) = sanitize(text) {
                assert_eq!(sanitize(&name).as_deref(), Some(name.as_str()), "{text:?}");
            }
        }
    }
}
