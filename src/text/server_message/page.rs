//! Finds the text in an HTML page.

use zeroize::Zeroizing;

use crate::text::{character_of_entity, json};

/// Returns whether a body is a web page, by its first element. Other XML may be a file.
pub(crate) fn is_web_page(body: &[u8]) -> bool {
    const ELEMENTS: [&str; 18] = [
        "html", "head", "title", "meta", "link", "style", "script", "body", "h1", "h2", "h3", "p",
        "div", "span", "center", "pre", "br", "error",
    ];
    let head = json::text(&body[..body.len().min(1024)]);
    let mut rest = head.trim_start();
    loop {
        let Some(tag) = rest.strip_prefix('<') else {
            return false;
        };
        let end = match tag.as_bytes().first() {
            Some(b'!') if tag.starts_with("!--") => "-->",
            Some(b'!' | b'?') => ">",
            _ => {
                let is_name = |c: char| c.is_ascii_alphanumeric();
                let name = &tag[..tag.find(|c| !is_name(c)).unwrap_or(tag.len())];
                return ELEMENTS
                    .iter()
                    .any(|known| name.eq_ignore_ascii_case(known));
            }
        };
        let is_html = |doctype: &str| doctype.eq_ignore_ascii_case("!doctype html");
        if tag.get(.."!doctype html".len()).is_some_and(is_html) {
            return true;
        }
        match tag.split_once(end) {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    }
}

/// The start and the end of the parts of a page that are not text for users. .NET servers also
/// write errors as XML, with elements for developers.
const SKIPPED_ELEMENTS: [(&str, &str); 6] = [
    ("<!--", "-->"),
    ("<script", "</script>"),
    ("<style", "</style>"),
    ("<stacktrace", "</stacktrace>"),
    ("<exceptiontype", "</exceptiontype>"),
    ("<innerexception", "</innerexception>"),
];

/// Returns the text of a page. The title is left out if the text repeats it.
pub(super) fn page_text(page: &str) -> String {
    // All of these strings may contain a secret.
    let mut text = Zeroizing::new(html_text(page));
    let lower = Zeroizing::new(page.to_ascii_lowercase());
    let title = lower.find("<title").and_then(|start| {
        let end = start + lower[start..].find("</title>")?;
        Some((start, end))
    });
    let Some((start, end)) = title else {
        return std::mem::take(&mut *text);
    };
    let words = |text: &str| {
        let words: Vec<_> = text.split_whitespace().collect();
        Zeroizing::new(words.join(" "))
    };
    let part = |html: &str| Zeroizing::new(html_text(html));
    let title = words(&part(&page[start..end]));
    let (before, after) = (part(&page[..start]), part(&page[end..]));
    let mut rest = Zeroizing::new([before.as_str(), " ", after.as_str()].concat());
    // nginx writes the status code before this text in the title, but not in the page.
    let repeated = title.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    let lowercase = |text: &str| Zeroizing::new(text.to_lowercase());
    let is_repeated =
        !repeated.is_empty() && lowercase(&words(&rest)).contains(lowercase(repeated).as_str());
    std::mem::take(if is_repeated { &mut *rest } else { &mut *text })
}

/// Returns the text of HTML, without tags, comments, scripts and styles.
fn html_text(html: &str) -> String {
    // It has the same length, so that a position in one is valid in the other.
    let lower = Zeroizing::new(html.to_ascii_lowercase());
    // A string that grows would leave copies behind that are not wiped.
    let mut text = Zeroizing::new(String::with_capacity(html.len() + 1));
    let mut at = 0;
    while let Some(tag) = html[at..].find('<').map(|found| at + found) {
        text.push_str(&html[at..tag]);
        text.push(' ');
        let skipped = SKIPPED_ELEMENTS
            .iter()
            .find(|(start, _)| lower[tag..].starts_with(start));
        let end = skipped.map_or(">", |(_, end)| end);
        at = match lower[tag..].find(end) {
            Some(found) => tag + found + end.len(),
            None => html.len(),
        };
    }
    text.push_str(&html[at..]);
    without_entities(&text)
}

/// Returns `text` with its character references resolved.
fn without_entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        // No known reference is longer.
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        let entity = end.and_then(|end| rest.get(1..end));
        match entity.and_then(|name| Some((name, character_of_entity(name)?))) {
            Some((name, character)) => {
                plain.push(character);
                rest = &rest[name.len() + 2..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}
