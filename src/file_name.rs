//! A file name that is safe to use: one name, never a path, and one that
//! Windows and Unix both take.

/// The longest name that common file systems take, in bytes of UTF-8. (NTFS
/// counts 255 UTF-16 units, which are never more than the bytes.)
const LONGEST: usize = 255;

/// An extension longer than this is not kept when a name is cut.
const LONGEST_EXTENSION: usize = 32;

/// What takes the place of a character that may not stand in a name.
const REPLACEMENT: char = '_';

/// The name that `meant` names, made safe; `None` where nothing is left of it.
///
/// Of a path, the last segment (RFC 6266 section 4.3). What Windows refuses
/// (`< > : " | ? *`, control characters, dots and blanks at the end, device
/// names such as `CON`), and what makes a name look like another (bidirectional
/// overrides), is replaced or cut off. At most 255 bytes, the extension kept.
pub(crate) fn safe(meant: &str) -> Option<String> {
    let mut segments = meant.split(['/', '\\']).rev().map(trim);
    let segment = segments.find(|segment| !segment.is_empty())?;
    let segment = trim(without_drive(segment));
    let replaced: String = segment
        .chars()
        .map(|c| if is_allowed(c) { c } else { REPLACEMENT })
        .collect();
    let mut name = trim(&replaced).to_owned();
    if name.is_empty() {
        return None;
    }
    if is_device(&name) {
        name.insert(0, REPLACEMENT);
    }
    Some(shortened(&name)).filter(|name| !name.is_empty())
}

/// The name of a job's output where the server gives none: `output-{job}`,
/// with the extension of the content type where that is known.
pub(crate) fn made_up(job: i32, content_type: Option<&str>) -> String {
    match content_type.and_then(extension_of) {
        Some(extension) => format!("output-{job}.{extension}"),
        None => format!("output-{job}"),
    }
}

/// `name` as the copy of that number: `report (1).csv`.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    let extension = extension(name);
    let stem = &name[..name.len() - extension.len()];
    let end = format!(" ({number}){extension}");
    let stem = trim(cut(stem, LONGEST - end.len()));
    format!("{stem}{end}")
}

/// Windows drops dots and blanks at the end of a name, so that `a.csv` and
/// `a.csv. .` are one file; at the start, blanks are only ever an accident.
fn trim(name: &str) -> &str {
    name.trim_start()
        .trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

/// `C:a.csv` is `a.csv` in the current folder of drive C.
fn without_drive(segment: &str) -> &str {
    match segment.as_bytes() {
        [drive, b':', ..] if drive.is_ascii_alphabetic() => &segment[2..],
        _ => segment,
    }
}

fn is_allowed(c: char) -> bool {
    let is_reserved = matches!(c, '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*');
    // Marks, embeddings, overrides and isolates that turn the reading direction
    // (Unicode UAX 9), line and paragraph separators, and the byte order mark.
    let is_deceptive = matches!(c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}');
    !c.is_control() && !is_reserved && !is_deceptive
}

/// Names that Windows gives to devices in every folder, with any extension.
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

fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let extension = extension(name);
    let stem = &name[..name.len() - extension.len()];
    let stem = cut(stem, LONGEST - extension.len());
    trim(&format!("{stem}{extension}")).to_owned()
}

/// The extension with its dot; empty if there is none, or one that long that it
/// is none.
fn extension(name: &str) -> &str {
    match name.rfind('.') {
        Some(dot) if name.len() - dot <= LONGEST_EXTENSION && !trim(&name[..dot]).is_empty() => {
            &name[dot..]
        }
        _ => "",
    }
}

/// The beginning of `text` that has at most `room` bytes.
fn cut(text: &str, room: usize) -> &str {
    let fits = |end: &usize| text.is_char_boundary(*end);
    &text[..(0..=room.min(text.len())).rev().find(fits).unwrap_or(0)]
}

/// The usual extension of a content type that reports and exports have.
fn extension_of(content_type: &str) -> Option<&'static str> {
    let essence = content_type.split(';').next()?.trim().to_ascii_lowercase();
    Some(match essence.as_str() {
        "text/csv" | "application/csv" => "csv",
        "text/tab-separated-values" => "tsv",
        "text/plain" => "txt",
        "text/html" => "html",
        "text/xml" | "application/xml" => "xml",
        "application/json" => "json",
        "application/pdf" => "pdf",
        "application/zip" | "application/x-zip-compressed" => "zip",
        "application/gzip" | "application/x-gzip" => "gz",
        "application/vnd.ms-excel" => "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => "xlsx",
        "application/msword" => "doc",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "image/gif" => "gif",
        "image/tiff" => "tif",
        "application/octet-stream" => "bin",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_are_left_alone() {
        for name in [
            "report.csv",
            "Orders 2026-11-23 (final).xlsx",
            "выгрузка.csv",
            "出力.pdf",
            ".hidden",
            "no extension",
            "a..b",
            "console.txt",
            "COM10.txt",
            "auxiliary",
            "👩‍👩‍👧.png",
        ] {
            assert_eq!(safe(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn names_are_made_safe() {
        for (meant, name) in [
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
        ] {
            assert_eq!(safe(meant).as_deref(), Some(name), "{meant:?}");
        }
    }

    #[test]
    fn where_nothing_is_left_there_is_no_name() {
        let dots = format!(".{}b", " ".repeat(300));
        for meant in [
            &dots, "", " ", ".", "..", "/", "\\", "../..", ". .", "C:", "C:\\", "C:.",
        ] {
            assert_eq!(safe(meant), None, "{meant:?}");
        }
    }

    #[test]
    fn what_begins_with_dots_is_numbered_at_its_end() {
        assert_eq!(numbered("report.csv", 1), "report (1).csv");
        assert_eq!(numbered(".profile", 2), ".profile (2)");
        assert_eq!(numbered("..profile", 3), "..profile (3)");
        assert_eq!(numbered("..a.csv", 4), "..a (4).csv");
    }

    #[test]
    fn long_names_are_cut_and_keep_their_extension() {
        for character in ["a", "é", "出", "👩"] {
            let name = safe(&format!("{}.csv", character.repeat(300))).unwrap();
            assert!((251..=LONGEST).contains(&name.len()), "{}", name.len());
            assert!(name.ends_with(&format!("{character}.csv")));
        }
        let name = safe(&format!("a.{}", "b".repeat(300))).unwrap();
        assert_eq!(name.len(), LONGEST);
        let name = safe(&format!("{}{}", "a".repeat(250), " ".repeat(20) + "b")).unwrap();
        assert_eq!(name, "a".repeat(250));
        let name = safe(&format!(".{}", "b".repeat(300))).unwrap();
        assert_eq!(name.len(), LONGEST);
        assert_eq!(safe(&"a".repeat(255)).unwrap().len(), 255);
        let name = safe(&format!("CON.{}", "a".repeat(251))).unwrap();
        assert!(name.starts_with("_CON.") && name.len() == LONGEST);
    }

    #[test]
    fn a_safe_name_stays_as_it_is() {
        for meant in ["C:CON", "a.csv:x", " .a. ", "nul .x", "\u{202e}", "C:D:con"] {
            if let Some(name) = safe(meant) {
                assert_eq!(safe(&name).as_deref(), Some(name.as_str()), "{meant:?}");
            }
        }
    }

    #[test]
    fn a_made_up_name_says_the_job_and_the_type() {
        assert_eq!(made_up(5, Some("text/csv; charset=utf-8")), "output-5.csv");
        assert_eq!(made_up(5, Some("Application/PDF")), "output-5.pdf");
        assert_eq!(made_up(5, Some("x/y")), "output-5");
        assert_eq!(made_up(5, None), "output-5");
    }
}
