//! Checks that each directory of src uses only directories below it.
//!
//! [`LAYERS`] numbers the directories from the bottom up. A path in the source, such as
//! `crate::text::json` or `super::super::error`, must lead to a directory with a lower number or
//! stay in its own directory. A path to a re-export of lib.rs, such as `crate::Error`, counts as a
//! path to the directory that the item comes from.
//!
//! What would hide a path from this check is a violation as well: an alias of the crate, a module
//! whose file is elsewhere (`#[path]`, `include!`), and `crate` or `super` as the argument of a
//! macro.
//!
//! Test modules, property tests and the entry points for fuzzing are exempt, since they may use
//! everything. Their modules must be declared for tests or fuzzing only.

use crate::Outcome;
use crate::files::{self, Tree};
use crate::rust::{self, Token};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The directories of src and their numbers. Directories with the same number do not use each other.
const LAYERS: [(&str, u8); 15] = [
    ("text", 0),
    ("os", 0),
    ("model", 1),
    ("cancel", 1),
    ("error", 2),
    ("transport", 3),
    ("body", 3),
    ("file_name", 3),
    ("output", 4),
    ("session", 4),
    ("jobs", 5),
    ("download", 6),
    ("sync", 7),
    ("client", 8),
    ("ffi", 9),
];

/// The only files allowed directly in src.
const ROOT_FILES: [&str; 2] = ["lib.rs", "fuzzing.rs"];

/// Modules that are exempt wherever they are, as a file or as a directory.
const EXEMPT_MODULES: [&str; 3] = ["tests", "properties", "fuzzing"];

/// Checks the src directory of the project.
///
/// # Errors
///
/// Returns a message if a file cannot be read or there are no Rust files.
pub(crate) fn run(root: &Path) -> Result<Outcome, String> {
    let mut tree = Tree::new();
    files::read(&root.join("src"), "", &mut tree)?;
    let report = check(&tree);
    if report.files == 0 {
        return Err("src has no Rust files in directories".to_owned());
    }
    if report.violations.is_empty() {
        return Ok(Outcome::Passed(format!(
            "{} directories, {} files, {} paths between directories: each directory uses only directories below it",
            report.directories.len(),
            report.files,
            report.paths
        )));
    }
    let count = report.violations.len();
    Ok(Outcome::Failed(format!(
        "{}\nFAILED: {count} violations of the layers; xtask/src/layers.rs has their order",
        report.violations.join("\n")
    )))
}

/// The result of a check.
#[derive(Debug, Default)]
struct Report {
    directories: BTreeSet<String>,
    files: usize,
    /// The number of paths that lead from one directory to another.
    paths: usize,
    violations: Vec<String>,
}

/// Checks the files of a src directory, whose paths are relative to it.
fn check(tree: &Tree) -> Report {
    let exports = tree
        .get("lib.rs")
        .map_or_else(BTreeMap::new, |source| exports(source));
    let mut report = Report::default();
    for (path, source) in tree {
        if !path.ends_with(".rs") {
            continue;
        }
        for hidden in hidden_paths(source) {
            let Hidden { line, problem } = hidden;
            report
                .violations
                .push(format!("src/{path}:{line}: {problem}"));
        }
        let Some((directory, _)) = path.split_once('/') else {
            // Its macros would be in scope in every directory.
            let tokens = rust::tokens(source);
            if let Some(token) = tokens.iter().find(|token| token.text == "macro_rules") {
                report.violations.push(format!(
                    "src/{path}:{}: a macro of the crate root hides paths: move it into a directory",
                    token.line
                ));
            }
            if !ROOT_FILES.contains(&path.as_str()) {
                report.violations.push(format!(
                    "src/{path}: only {} may be directly in src: move the file into a directory",
                    ROOT_FILES.join(" and ")
                ));
            }
            continue;
        };
        let module = module_of(path);
        if module
            .iter()
            .any(|name| EXEMPT_MODULES.contains(&name.as_str()))
        {
            continue;
        }
        let Some(number) = layer(directory) else {
            if report.directories.insert(directory.to_owned()) {
                report.violations.push(format!(
                    "src/{directory}: the directory has no number in xtask/src/layers.rs"
                ));
            }
            continue;
        };
        report.directories.insert(directory.to_owned());
        report.files += 1;
        for found in paths(source, module) {
            let line = found.line;
            let Some(segments) = found.segments else {
                report.violations.push(format!(
                    "src/{path}:{line}: the path leads above the crate root"
                ));
                continue;
            };
            let shown = format!("crate::{}", segments.join("::"));
            let first = segments.first().map_or("*", String::as_str);
            let target = if layer(first).is_some() {
                Some(first)
            } else {
                exports.get(first).map(String::as_str)
            };
            let message = match target.map(|target| (target, layer(target))) {
                _ if first == "*" => "the crate root is used as a whole: name the items".to_owned(),
                Some((target, _)) if target == directory => continue,
                Some((target, Some(used))) => {
                    report.paths += 1;
                    if used < number {
                        continue;
                    }
                    format!("{directory} ({number}) must not use {target} ({used}): {shown}")
                }
                _ => format!(
                    "{shown} is neither in a directory that has a number nor re-exported by lib.rs"
                ),
            };
            report
                .violations
                .push(format!("src/{path}:{line}: {message}"));
        }
    }
    report
}

fn layer(directory: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(name, _)| *name == directory)
        .map(|(_, number)| *number)
}

/// Returns the path of the module that a file holds, such as `["text", "json"]`.
fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_suffix(".rs").unwrap_or(path);
    path.strip_suffix("/mod")
        .unwrap_or(path)
        .split('/')
        .map(str::to_owned)
        .collect()
}

/// A path of the source, resolved to segments below the crate root.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    /// `None` for a path that leads above the crate root. The compiler accepts that only in a
    /// module that a macro declares.
    segments: Option<Vec<String>>,
    line: usize,
}

/// A place in the source that hides a path from this check.
#[derive(Debug, PartialEq, Eq)]
struct Hidden {
    problem: String,
    line: usize,
}

/// Returns the places in the source that could hide a path to another directory.
fn hidden_paths(source: &str) -> Vec<Hidden> {
    let tokens = rust::tokens(source);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut hidden = Vec::new();
    // How deep the brackets of an attribute are, and whether the attributes of the current item
    // allow it in tests and fuzzing only.
    let mut in_attribute = 0;
    let mut is_test = false;
    // Whether the tokens are in the parentheses of `pub(...)`.
    let mut in_visibility = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", text);
        let problem = match token.text.as_str() {
            "crate" if before == "extern" && text(at + 1) == "self" => {
                Some("the crate has an alias: start the paths with \"crate\"".to_owned())
            }
            "crate" | "super"
                if !in_visibility && before != "extern" && !matches!(text(at + 1), "::" | "as") =>
            {
                Some(format!(
                    "\"{}\" is the argument of a macro: write the path out",
                    token.text
                ))
            }
            "path" if in_attribute > 0 && text(at + 1) == "=" => {
                Some("the file of a module is elsewhere: use its default file".to_owned())
            }
            "macro_use" if in_attribute > 0 => {
                Some("the macros of a module are used without a path: name them".to_owned())
            }
            "include" if text(at + 1) == "!" => {
                Some("a file is included: declare a module instead".to_owned())
            }
            "mod" if !is_test && EXEMPT_MODULES.contains(&text(at + 1)) => Some(format!(
                "the module \"{}\" is exempt from the layers, but not for tests or fuzzing only: \
                 add #[cfg(test)]",
                text(at + 1)
            )),
            _ => None,
        };
        hidden.extend(problem.map(|problem| Hidden {
            problem,
            line: token.line,
        }));
        match token.text.as_str() {
            "[" if in_attribute > 0 => in_attribute += 1,
            "[" if before == "#" => {
                in_attribute = 1;
                let attribute = &tokens[at + 1..];
                is_test |= is_test_attribute(attribute) || is_fuzz_attribute(attribute, source);
            }
            "]" if in_attribute > 0 => in_attribute -= 1,
            "(" if before == "pub" => in_visibility = true,
            ")" => in_visibility = false,
            "#" | "pub" | "!" => {}
            _ if in_attribute > 0 || in_visibility => {}
            _ => is_test = false,
        }
    }
    hidden
}

/// Returns all paths that start with `crate`, `self` or `super` in the source of a module, except
/// those in test modules.
fn paths(source: &str, module: Vec<String>) -> Vec<Found> {
    let tokens = rust::tokens(source);
    if starts_with(&tokens, &["#", "!", "["]) && is_test_attribute(&tokens[3..]) {
        return Vec::new();
    }
    let mut scanner = Scanner {
        tokens: &tokens,
        at: 0,
        found: Vec::new(),
    };
    scanner.items(module);
    scanner.found
}

/// Returns the names that lib.rs imports or re-exports, each with the directory that it comes from.
fn exports(source: &str) -> BTreeMap<String, String> {
    let tokens = rust::tokens(source);
    let mut exports = BTreeMap::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.text == "use" {
            let mut cursor = Cursor {
                tokens: &tokens,
                at: at + 1,
            };
            for leaf in cursor.use_tree() {
                let segments: Vec<&String> = leaf
                    .segments
                    .iter()
                    .filter(|name| !matches!(name.as_str(), "crate" | "self"))
                    .collect();
                if let (Some(first), Some(last)) = (segments.first(), segments.last()) {
                    exports.insert(
                        leaf.alias.as_ref().unwrap_or(last).clone(),
                        (*first).clone(),
                    );
                }
            }
        }
    }
    exports
}

/// Returns whether the tokens after `#[` are `cfg(any(test, feature = "_fuzz"))`. Another feature,
/// such as `capi`, would exempt a module of the library that users get.
fn is_fuzz_attribute(tokens: &[Token], source: &str) -> bool {
    let texts = [
        "cfg", "(", "any", "(", "test", ",", "feature", "=", ")", ")", "]",
    ];
    // The tokens leave the string out.
    let line = tokens.get(6).map_or(0, |feature| feature.line);
    let mut lines = source.lines().skip(line.saturating_sub(1));
    let has_name = lines
        .next()
        .is_some_and(|line| line.contains("feature = \"_fuzz\""));
    starts_with(tokens, &texts) && has_name
}

/// Returns whether the tokens after `#[` are `cfg(test)` or `cfg(all(test, ...))`.
fn is_test_attribute(tokens: &[Token]) -> bool {
    starts_with(tokens, &["cfg", "(", "test", ")"])
        || starts_with(tokens, &["cfg", "(", "all", "(", "test"])
}

fn starts_with(tokens: &[Token], texts: &[&str]) -> bool {
    tokens.len() >= texts.len()
        && tokens
            .iter()
            .zip(texts)
            .all(|(token, text)| token.text == *text)
}

struct Scanner<'a> {
    tokens: &'a [Token],
    at: usize,
    found: Vec<Found>,
}

impl Scanner<'_> {
    fn text(&self, ahead: usize) -> &str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| token.text.as_str())
    }

    /// Reads items up to the brace that closes the module, or up to the end.
    fn items(&mut self, module: Vec<String>) {
        let mut depth = 0;
        let mut is_test = false;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "#" if self.text(1) == "[" => {
                    is_test |= is_test_attribute(&self.tokens[self.at + 2..]);
                    self.attribute(&module);
                    continue;
                }
                // The visibility stands between an attribute and `mod`.
                "pub" if self.text(1) == "(" => {
                    while !matches!(self.text(0), ")" | "") {
                        self.path_or_token(&module);
                    }
                    self.at += 1;
                    continue;
                }
                "pub" => {
                    self.at += 1;
                    continue;
                }
                "mod" if self.text(2) == "{" => {
                    let name = self.text(1).to_owned();
                    self.at += 3;
                    if is_test {
                        self.skip_braces();
                    } else {
                        let mut inner = module.clone();
                        inner.push(name);
                        self.items(inner);
                    }
                }
                "{" => {
                    depth += 1;
                    self.at += 1;
                }
                "}" => {
                    self.at += 1;
                    if depth == 0 {
                        return;
                    }
                    depth -= 1;
                }
                _ => self.path_or_token(&module),
            }
            is_test = false;
        }
    }

    /// Reads an attribute, which may hold paths.
    fn attribute(&mut self, module: &[String]) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.text(0) {
                "[" => depth += 1,
                "]" if depth == 1 => {
                    self.at += 1;
                    return;
                }
                "]" => depth -= 1,
                _ => {
                    self.path_or_token(module);
                    continue;
                }
            }
            self.at += 1;
        }
    }

    fn skip_braces(&mut self) {
        let mut depth = 1;
        while depth > 0 && self.at < self.tokens.len() {
            match self.text(0) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Reads a path that starts with `crate`, `self` or `super`, or one other token.
    fn path_or_token(&mut self, module: &[String]) {
        let line = self.tokens[self.at].line;
        let is_path = match self.text(0) {
            "crate" | "super" | "self" => matches!(self.text(1), "::" | "as"),
            _ => false,
        };
        if !is_path {
            self.at += 1;
            return;
        }
        let mut cursor = Cursor {
            tokens: self.tokens,
            at: self.at,
        };
        let leaves = cursor.use_tree();
        self.at = cursor.at;
        for leaf in leaves {
            self.found.push(Found {
                segments: resolve(&leaf.segments, module),
                line: leaf.line.unwrap_or(line),
            });
        }
    }
}

/// Returns the segments below the crate root, or `None` for a path that leads above it.
fn resolve(segments: &[String], module: &[String]) -> Option<Vec<String>> {
    let mut resolved = module.to_vec();
    for segment in segments {
        match segment.as_str() {
            "crate" => resolved.clear(),
            "self" => {}
            "super" => {
                resolved.pop()?;
            }
            name => resolved.push(name.to_owned()),
        }
    }
    Some(resolved)
}

/// One path of a use tree: `a::{b, c as d}` has two.
#[derive(Debug, Default)]
struct Leaf {
    segments: Vec<String>,
    alias: Option<String>,
    /// The line of the last segment.
    line: Option<usize>,
}

struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Cursor<'_> {
    fn token(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn skip(&mut self, text: &str) -> bool {
        let is_there = self.token().is_some_and(|token| token.text == text);
        if is_there {
            self.at += 1;
        }
        is_there
    }

    /// Reads a path or a use tree.
    fn use_tree(&mut self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.skip("::");
        self.branch(Leaf::default(), &mut leaves);
        leaves
    }

    fn branch(&mut self, mut leaf: Leaf, leaves: &mut Vec<Leaf>) {
        loop {
            if self.skip("{") {
                while !self.skip("}") && self.token().is_some() {
                    let before = self.at;
                    let prefix = Leaf {
                        segments: leaf.segments.clone(),
                        ..Leaf::default()
                    };
                    self.branch(prefix, leaves);
                    self.skip(",");
                    if self.at == before {
                        // No use tree has this token here.
                        self.at += 1;
                    }
                }
                return;
            }
            let Some(token) = self
                .token()
                .filter(|token| token.is_word() || token.text == "*")
            else {
                break;
            };
            leaf.line = Some(token.line);
            leaf.segments.push(token.text.clone());
            self.at += 1;
            if self.skip("as") {
                leaf.alias = self.token().map(|token| token.text.clone());
                self.at += 1;
                break;
            }
            if !self.skip("::") {
                break;
            }
        }
        leaves.push(leaf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIB: &str = "mod text; mod error; mod session;
        pub use error::{Error, ErrorKind as Kind};
        pub use session::{retry::RetryPolicy};
        pub(crate) use text::one_line;";

    fn violations(files: &[(&str, &str)]) -> Vec<String> {
        let mut tree: Tree = files
            .iter()
            .map(|(path, source)| ((*path).to_owned(), (*source).to_owned()))
            .collect();
        tree.entry("lib.rs".to_owned())
            .or_insert_with(|| LIB.to_owned());
        check(&tree).violations
    }

    fn violations_of(path: &str, source: &str) -> Vec<String> {
        violations(&[(path, source)])
    }

    #[test]
    fn clean_tree_has_no_violations() {
        let tree = [
            (
                "text/json.rs",
                "use crate::text::whitespace; use super::percent; use self::inner::x;",
            ),
            (
                "error/mod.rs",
                "use crate::text::one_line; use crate::{model::JobId, one_line};",
            ),
            (
                "session/login.rs",
                "use crate::Error; fn f() -> crate::Kind { super::super::os::poll() }",
            ),
            ("fuzzing.rs", "use crate::ffi::anything;"),
            ("ffi/header.txt", "crate::nothing"),
        ];
        assert_eq!(violations(&tree), [""; 0]);
        let tree: Tree = tree
            .iter()
            .map(|(path, source)| ((*path).to_owned(), (*source).to_owned()))
            .collect();
        let tree = Tree::from_iter(
            tree.into_iter()
                .chain([("lib.rs".to_owned(), LIB.to_owned())]),
        );
        let report = check(&tree);
        assert_eq!(
            (report.directories.len(), report.files, report.paths),
            (3, 3, 6)
        );
    }

    #[test]
    fn upward_import_is_a_violation() {
        assert_eq!(
            violations_of("text/json.rs", "\nuse crate::error::Error;"),
            ["src/text/json.rs:2: text (0) must not use error (2): crate::error::Error"]
        );
    }

    #[test]
    fn same_level_import_is_a_violation() {
        assert_eq!(
            violations_of("body/mod.rs", "use crate::transport::Response;"),
            ["src/body/mod.rs:1: body (3) must not use transport (3): crate::transport::Response"]
        );
    }

    #[test]
    fn grouped_import_reports_each_violation_with_its_line() {
        let source = "use crate::{\n    text::{json, percent},\n    client::{Client, call::Call},\n    ffi,\n};";
        assert_eq!(
            violations_of("session/mod.rs", source),
            [
                "src/session/mod.rs:3: session (4) must not use client (8): crate::client::Client",
                "src/session/mod.rs:3: session (4) must not use client (8): crate::client::call::Call",
                "src/session/mod.rs:4: session (4) must not use ffi (9): crate::ffi",
            ]
        );
    }

    #[test]
    fn path_in_expression_is_a_violation() {
        let source =
            "fn f() { let x = crate::jobs::get::<u8>(a * b)?; crate::jobs::Job { id: 1 }; }";
        assert_eq!(violations_of("os/mod.rs", source).len(), 2);
    }

    #[test]
    fn path_in_attribute_and_visibility_is_read() {
        let source = "#[derive(crate::error::Derive)] pub(in crate::text) struct A;";
        assert_eq!(
            violations_of("text/a.rs", source),
            ["src/text/a.rs:1: text (0) must not use error (2): crate::error::Derive"]
        );
    }

    #[test]
    fn super_path_to_another_directory_is_a_violation() {
        let expected = |path: &str| {
            [format!(
                "src/{path}:1: text (0) must not use error (2): crate::error::Error"
            )]
        };
        let path = "text/json.rs";
        assert_eq!(
            violations_of(path, "use super::super::error::Error;"),
            expected(path)
        );
        assert_eq!(
            violations_of(path, "mod a { use super::super::super::error::Error; }"),
            expected(path)
        );
        assert_eq!(
            violations_of("text/mod.rs", "use super::error::Error;"),
            expected("text/mod.rs")
        );
        assert_eq!(
            violations_of("text/a/b.rs", "use super::super::super::error::Error;"),
            expected("text/a/b.rs")
        );
    }

    #[test]
    fn super_path_within_the_directory_is_allowed() {
        assert_eq!(
            violations_of(
                "text/json.rs",
                "use super::error::Error; mod a { use super::super::error; }"
            ),
            [""; 0]
        );
        assert_eq!(
            violations_of("text/a/b.rs", "use super::super::error::Error;"),
            [""; 0]
        );
    }

    #[test]
    fn module_after_an_inline_module_has_its_own_path() {
        let source = "mod a { fn f() { if x { } } } use super::super::error::Error;";
        assert_eq!(violations_of("text/json.rs", source).len(), 1);
    }

    #[test]
    fn re_export_counts_as_its_directory() {
        let source = "use crate::{Error, Kind, RetryPolicy, one_line};";
        assert_eq!(
            violations_of("model/mod.rs", source),
            [
                "src/model/mod.rs:1: model (1) must not use error (2): crate::Error",
                "src/model/mod.rs:1: model (1) must not use error (2): crate::Kind",
                "src/model/mod.rs:1: model (1) must not use session (4): crate::RetryPolicy",
            ]
        );
    }

    #[test]
    fn unknown_name_of_the_root_is_a_violation() {
        assert_eq!(
            violations_of("ffi/mod.rs", "use crate::ErrorKind;"),
            [
                "src/ffi/mod.rs:1: crate::ErrorKind is neither in a directory that has a number nor re-exported by lib.rs"
            ]
        );
    }

    #[test]
    fn whole_crate_root_is_a_violation() {
        for source in [
            "use crate::*;",
            "use crate as root;",
            "use crate::{self as root};",
            "use super::super::*;",
        ] {
            assert_eq!(
                violations_of("ffi/a.rs", source),
                ["src/ffi/a.rs:1: the crate root is used as a whole: name the items"],
                "{source}"
            );
        }
    }

    #[test]
    fn stray_root_file_is_a_violation() {
        let found = violations_of("helpers.rs", "");
        assert_eq!(
            found,
            [
                "src/helpers.rs: only lib.rs and fuzzing.rs may be directly in src: move the file into a directory"
            ]
        );
    }

    #[test]
    fn unknown_directory_is_a_violation_once() {
        let found = violations(&[("extra/a.rs", ""), ("extra/b.rs", "")]);
        assert_eq!(
            found,
            ["src/extra: the directory has no number in xtask/src/layers.rs"]
        );
    }

    #[test]
    fn comments_strings_and_tests_are_exempt() {
        let tree = [
            (
                "text/a.rs",
                "// crate::error::X\nconst A: &str = \"crate::error::X\";",
            ),
            (
                "text/b.rs",
                "#[cfg(test)]\nmod tests { use crate::error::X; mod a { } use crate::client::Y; }",
            ),
            (
                "text/c.rs",
                "#[cfg(all(test, unix))] #[allow(unused)] pub(crate) mod tests { use crate::error::X; }",
            ),
            ("text/d.rs", "#![cfg(test)]\nuse crate::error::X;"),
            ("text/mod.rs", "#[cfg(test)] mod tests;"),
            (
                "body/mod.rs",
                "#[cfg(any(test, feature = \"_fuzz\"))] #[doc(hidden)] pub(crate) mod properties;",
            ),
            ("text/tests.rs", "use crate::error::X;"),
            ("body/properties.rs", "use crate::client::X;"),
            ("body/properties/random.rs", "use crate::client::X;"),
            ("fuzzing/job.rs", "use crate::client::X;"),
        ];
        assert_eq!(violations(&tree), [""; 0]);
    }

    #[test]
    fn hidden_path_is_a_violation() {
        for (source, problem) in [
            (
                "extern crate self as root; use root::error::Error;",
                "the crate has an alias",
            ),
            (
                "m! { ($a:tt) => { use $a::error::Error; } } m!(crate);",
                "\"crate\" is the argument",
            ),
            ("m!(super); ", "\"super\" is the argument"),
            (
                "#[path = \"../error/mod.rs\"] mod e;",
                "the file of a module is elsewhere",
            ),
            (
                "#[cfg_attr(all(), path = \"../error/mod.rs\")] mod e;",
                "the file of a module is elsewhere",
            ),
            ("include!(\"../error/mod.rs\");", "a file is included"),
            (
                "#[macro_use] mod up;",
                "the macros of a module are used without a path",
            ),
            (
                "macro_rules! m { ($a:ident) => { mod $a { use super::super::super::error::E; } } }",
                "the path leads above the crate root",
            ),
            (
                "#[cfg(test)] use x; pub(crate) mod properties;",
                "the module \"properties\" is exempt",
            ),
            (
                "#[cfg(any(test, feature = \"capi\"))] mod properties;",
                "the module \"properties\" is exempt",
            ),
            (
                "#[cfg(any(test, unix))] mod tests { use crate::error::X; }",
                "the module \"tests\" is exempt",
            ),
            (
                "macro_rules! m { ($a:ident) => { crate::$a::Error } }",
                "the crate root is used as a whole",
            ),
            (
                "macro_rules! m { () => { $crate::error::Error } }",
                "text (0) must not use error (2)",
            ),
        ] {
            let found = violations_of("text/a.rs", source);
            assert!(
                found.iter().any(|violation| violation.contains(problem)),
                "{source}: {found:?}"
            );
        }
    }

    #[test]
    fn alias_or_macro_in_lib_is_a_violation() {
        for source in [
            "extern crate self as root;",
            "#[macro_use] mod error;",
            "macro_rules! up { () => { $crate::error::Error } } mod text;",
        ] {
            let found = violations_of("lib.rs", source);
            assert_eq!(found.len(), 1, "{source}: {found:?}");
        }
    }

    #[test]
    fn glob_export_does_not_allow_the_whole_root() {
        let lib = ("lib.rs", "mod text; pub use text::*;");
        let found = violations(&[lib, ("ffi/a.rs", "use crate::*;")]);
        assert_eq!(
            found,
            ["src/ffi/a.rs:1: the crate root is used as a whole: name the items"]
        );
    }

    #[test]
    fn visibility_and_attribute_paths_are_not_hidden() {
        let source = "pub(crate) struct A { pub(super) a: u8, pub(in crate::text) b: u8 }
            extern crate alloc; fn path() { let path = 1; }
            #[cfg(test)] #[allow(unused)] mod tests { use crate::error::X; }";
        assert_eq!(violations_of("text/a.rs", source), [""; 0]);
    }

    #[test]
    fn file_without_tokens_has_no_violations() {
        for source in ["", "//! Only documentation.", "#", "#!", "mod", "pub("] {
            assert_eq!(violations_of("text/mod.rs", source), [""; 0], "{source}");
        }
    }

    #[test]
    fn code_after_a_test_module_is_checked() {
        let source = "#[cfg(test)] mod tests { fn f() { {} } }\nmod b { use crate::error::X; }";
        assert_eq!(violations_of("text/a.rs", source).len(), 1);
    }

    #[test]
    fn module_for_another_configuration_is_checked() {
        let source = "#[cfg(not(test))] mod tests { use crate::error::X; }";
        assert_eq!(violations_of("text/a.rs", source).len(), 2);
        let source = "#[cfg(not(test))] mod other { use crate::error::X; }";
        assert_eq!(violations_of("text/a.rs", source).len(), 1);
    }
}
