//! Compares the C header with the declarations of the last release.
//!
//! packaging/abi/declarations lists what a program that was compiled with the last release relies
//! on, one declaration a line: enumerators with their values, members of structures with their
//! positions, types, and functions with the types of their parameters. A declaration that the
//! header lacks or changes is a violation. New declarations are allowed.
//!
//! Macros are not listed, since they are compiled into programs. tests/c/run checks that the
//! library has the functions of the header.

use crate::Outcome;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The C header, relative to the root.
pub(crate) const HEADER: &str = "include/sellercloud_output.h";
const DECLARATIONS: &str = "packaging/abi/declarations";

/// Compares the header with the declarations of the last release.
///
/// # Errors
///
/// Returns a message if a file cannot be read, `gcc` cannot be run or the header has a declaration
/// that this parser does not know.
pub(crate) fn run(root: &Path) -> Result<Outcome, String> {
    let path = root.join(DECLARATIONS);
    let last = fs::read_to_string(&path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let last: BTreeSet<String> = last.lines().map(str::to_owned).collect();
    if last.is_empty() {
        return Err(format!(
            "{DECLARATIONS} is empty: write it with: cargo xtask abi --write"
        ));
    }
    Ok(compare(&last, &declarations(&preprocess(root)?)?))
}

/// Writes the declarations of the header to packaging/abi/declarations.
///
/// # Errors
///
/// Returns a message if the header cannot be parsed or the file cannot be written.
pub(crate) fn write(root: &Path) -> Result<Outcome, String> {
    let now = declarations(&preprocess(root)?)?;
    let path = root.join(DECLARATIONS);
    let text: String = now.iter().map(|line| format!("{line}\n")).collect();
    fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(Outcome::Passed(format!(
        "{DECLARATIONS}: {} declarations",
        now.len()
    )))
}

/// Returns the names of the functions that the header declares.
///
/// # Errors
///
/// Returns a message if the header cannot be preprocessed or parsed, or declares no function.
pub(crate) fn functions(root: &Path) -> Result<BTreeSet<String>, String> {
    let found = function_names(&declarations(&preprocess(root)?)?);
    if found.is_empty() {
        return Err(format!("{HEADER} declares no function"));
    }
    Ok(found)
}

/// Returns the names in declarations such as `const char *name(void);`.
fn function_names(declarations: &BTreeSet<String>) -> BTreeSet<String> {
    let is_word = |character: char| character == '_' || character.is_ascii_alphanumeric();
    declarations
        .iter()
        .filter(|line| line.ends_with(");") && !line.starts_with("typedef "))
        .filter_map(|line| line.split_once('('))
        .filter_map(|(before, _)| before.rsplit(|character| !is_word(character)).next())
        .map(str::to_owned)
        .collect()
}

fn compare(last: &BTreeSet<String>, now: &BTreeSet<String>) -> Outcome {
    let missing: Vec<&String> = last.difference(now).collect();
    let new: Vec<&String> = now.difference(last).collect();
    let list = |lines: &[&String]| {
        lines
            .iter()
            .map(|line| format!("  {line}\n"))
            .collect::<String>()
    };
    if missing.is_empty() {
        return Outcome::Passed(format!(
            "{} declarations are as in the last release; {} are new\n{}",
            last.len(),
            new.len(),
            list(&new)
        ));
    }
    Outcome::Failed(format!(
        "{HEADER} lacks these declarations of the last release:\n{}It has these new declarations:\n{}\
         FAILED: programs compiled with the last release would break. Restore the declarations, or, \
         for a new version of the ABI, run: cargo xtask abi --write",
        list(&missing),
        list(&new)
    ))
}

/// Returns the header as the C compiler sees it, without what it includes.
fn preprocess(root: &Path) -> Result<String, String> {
    let output = Command::new("gcc")
        .args(["-E", "-std=c99", "-x", "c", HEADER])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cannot run gcc: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "gcc cannot preprocess {HEADER}: {}",
            String::from_utf8_lossy(&output.stderr)
        ));
    }
    let text = String::from_utf8(output.stdout).map_err(|error| format!("{HEADER}: {error}"))?;
    Ok(own_lines(&text, HEADER))
}

/// Returns the lines that come from `file`, by the preprocessor's line markers: `# 12 "file" 2`.
fn own_lines(preprocessed: &str, file: &str) -> String {
    let marker = format!("\"{file}\"");
    let mut is_own = false;
    let mut own = String::new();
    for line in preprocessed.lines() {
        if line.starts_with("# ") {
            is_own = line.contains(&marker);
        } else if is_own && !line.starts_with('#') {
            own.push_str(line);
            own.push('\n');
        }
    }
    own
}

/// Returns the declarations of a preprocessed header, one a line.
fn declarations(source: &str) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for statement in statements(&tokens(source)?)? {
        declare(&statement, &mut found)?;
    }
    if found.is_empty() {
        return Err(format!("{HEADER} has no declarations"));
    }
    Ok(found)
}

/// Splits a C source without comments into words and punctuation marks. String literals are one
/// token.
fn tokens(source: &str) -> Result<Vec<String>, String> {
    let is_word = |character: char| character == '_' || character.is_ascii_alphanumeric();
    let mut tokens = Vec::new();
    let mut rest = source.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = if is_word(first) {
            rest.find(|character| !is_word(character))
                .unwrap_or(rest.len())
        } else if first == '"' {
            2 + rest[1..]
                .find('"')
                .ok_or("a string literal is not closed")?
        } else if rest.starts_with("...") {
            3
        } else {
            first.len_utf8()
        };
        tokens.push(rest[..len].to_owned());
        rest = rest[len..].trim_start();
    }
    Ok(tokens)
}

/// Splits tokens into statements: up to each semicolon outside of braces. Attributes are left out.
fn statements(tokens: &[String]) -> Result<Vec<Vec<&str>>, String> {
    let mut statements = Vec::new();
    let mut statement = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at].as_str();
        at += 1;
        match token {
            "__attribute__" | "__declspec" => {
                at = after_parentheses(tokens, at);
                continue;
            }
            "__extension__" | "extern" => continue,
            "{" => depth += 1,
            "}" => depth -= 1,
            ";" if depth == 0 => {
                if !statement.is_empty() {
                    statements.push(std::mem::take(&mut statement));
                }
                continue;
            }
            _ => {}
        }
        statement.push(token);
    }
    if statement.is_empty() {
        Ok(statements)
    } else {
        Err(format!("no semicolon after: {}", join(&statement)))
    }
}

/// Returns the position after the parentheses that open at `at`.
fn after_parentheses(tokens: &[String], at: usize) -> usize {
    let mut depth = 0;
    for (offset, token) in tokens[at..].iter().enumerate() {
        match token.as_str() {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + offset + 1;
        }
    }
    tokens.len()
}

/// Adds what a statement declares.
fn declare(statement: &[&str], found: &mut BTreeSet<String>) -> Result<(), String> {
    if statement[0] == "_Static_assert" {
        return Ok(());
    }
    let unknown = || {
        format!(
            "cannot parse this declaration of {HEADER}: {};",
            join(statement)
        )
    };
    let Some(open) = statement.iter().position(|token| *token == "{") else {
        found.insert(format!("{};", join(&without_parameter_names(statement))));
        return Ok(());
    };
    let close = statement
        .iter()
        .rposition(|token| *token == "}")
        .ok_or_else(unknown)?;
    let body = &statement[open + 1..close];
    let is_typedef = statement[0] == "typedef";
    let kind = statement[usize::from(is_typedef)];
    let tag = statement[usize::from(is_typedef) + 1..open]
        .first()
        .copied();
    let alias = if is_typedef {
        statement[close + 1..].first().copied()
    } else {
        None
    };
    let name = alias.or(tag).ok_or_else(unknown)?;
    match kind {
        "enum" => enumerators(name, body, found)?,
        "struct" | "union" => {
            let members = body
                .split(|token| *token == ";")
                .filter(|member| !member.is_empty());
            for (index, member) in members.enumerate() {
                found.insert(format!("{kind} {name} {}: {}", index + 1, join(member)));
            }
        }
        _ => return Err(unknown()),
    }
    if let Some(alias) = alias {
        let tag = tag.unwrap_or("{...}");
        found.insert(format!("typedef {kind} {tag} {alias};"));
    }
    Ok(())
}

fn enumerators(name: &str, body: &[&str], found: &mut BTreeSet<String>) -> Result<(), String> {
    let mut next = 0;
    for enumerator in body
        .split(|token| *token == ",")
        .filter(|enumerator| !enumerator.is_empty())
    {
        let value = match enumerator[1..] {
            [] => next,
            ["=", ref expression @ ..] => integer(expression).ok_or_else(|| {
                format!(
                    "the value of an enumerator is not an integer: {}",
                    join(enumerator)
                )
            })?,
            _ => {
                return Err(format!(
                    "cannot parse this enumerator: {}",
                    join(enumerator)
                ));
            }
        };
        found.insert(format!("enum {name}: {} = {value}", enumerator[0]));
        next = value + 1;
    }
    Ok(())
}

fn integer(expression: &[&str]) -> Option<i64> {
    let number = expression.concat();
    let (sign, digits) = number
        .strip_prefix('-')
        .map_or((1, number.as_str()), |digits| (-1, digits));
    let magnitude = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    magnitude.ok().map(|magnitude| sign * magnitude)
}

/// Leaves out the names of the parameters of a function or a pointer to a function, since they are
/// no part of the ABI.
fn without_parameter_names<'a>(statement: &[&'a str]) -> Vec<&'a str> {
    // The last parentheses hold the parameters: those before are of a pointer, as in
    // `void (*name)(int a)`.
    let Some(open) = opening_of_last_parentheses(statement) else {
        return statement.to_vec();
    };
    let mut kept = statement[..=open].to_vec();
    let parameters = &statement[open + 1..statement.len() - 1];
    let mut depth = 0;
    let commas = parameters.split(|token| {
        match *token {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        *token == "," && depth == 0
    });
    for (index, parameter) in commas.enumerate() {
        if index > 0 {
            kept.push(",");
        }
        kept.extend(without_name(parameter));
    }
    kept.push(")");
    kept
}

fn opening_of_last_parentheses(tokens: &[&str]) -> Option<usize> {
    if tokens.last() != Some(&")") {
        return None;
    }
    let mut depth = 0;
    tokens.iter().rposition(|token| {
        match *token {
            ")" => depth += 1,
            "(" => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

/// Leaves out the name of one parameter, if it has one.
fn without_name<'a>(parameter: &[&'a str]) -> Vec<&'a str> {
    const TYPE_WORDS: [&str; 8] = [
        "void", "char", "short", "int", "long", "float", "double", "unsigned",
    ];
    const QUALIFIERS: [&str; 6] = ["const", "volatile", "struct", "union", "enum", "restrict"];
    if opening_of_last_parentheses(parameter).is_some() {
        // A pointer to a function: `void (*name)(int)`.
        let mut kept = without_parameter_names(parameter);
        if let Some(star) = kept.iter().position(|token| *token == "*")
            && kept.get(star + 1).is_some_and(|token| is_identifier(token))
            && kept.get(star.wrapping_sub(1)) == Some(&"(")
        {
            kept.remove(star + 1);
        }
        return kept;
    }
    let mut kept = parameter.to_vec();
    let end = kept
        .iter()
        .position(|token| *token == "[")
        .unwrap_or(kept.len());
    let has_type = kept[..end.saturating_sub(1)]
        .iter()
        .any(|token| is_identifier(token) && !QUALIFIERS.contains(token));
    if has_type
        && kept
            .get(end - 1)
            .is_some_and(|token| is_identifier(token) && !TYPE_WORDS.contains(token))
    {
        kept.remove(end - 1);
    }
    kept
}

fn is_identifier(token: &str) -> bool {
    token.starts_with(|character: char| character == '_' || character.is_ascii_alphabetic())
}

/// Joins tokens as C is usually written: `const char *f(int, char *);`.
fn join(tokens: &[&str]) -> String {
    let mut joined = String::new();
    let mut before = "";
    for (index, token) in tokens.iter().enumerate() {
        let is_pointer_to_function = *token == "(" && tokens.get(index + 1) == Some(&"*");
        let is_space = match (before, *token) {
            ("", _) | ("(" | "[" | "*", _) | (_, ")" | "," | ";" | "[" | "]") => false,
            (")", "(") => false,
            (_, "(") => is_pointer_to_function,
            _ => true,
        };
        if is_space {
            joined.push(' ');
        }
        joined.push_str(token);
        before = token;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
        typedef enum sco_status { SCO_OK = 0, SCO_ERROR_IO = 114, SCO_NEXT, } sco_status;
        typedef enum sco_job_status_code { SCO_JOB_STATUS_UNKNOWN = -1 } sco_job_status_code;
        _Static_assert(sizeof(sco_status) == 4, "an enum must have; 4 bytes");
        typedef struct sco_client sco_client;
        typedef struct sco_progress { size_t size; uint64_t bytes_received; const char *name; } sco_progress;
        struct sco_plain { int a; };
        typedef struct { int32_t b; } sco_untagged;
        typedef int32_t (*sco_write_callback)(const void *data, size_t size, void *context);
        __attribute__((warn_unused_result)) extern sco_status
        sco_client_new(const char *server, const sco_client *const *options,
                       sco_client **client, sco_error **error);
        const char *sco_version(void);
        void sco_set(uint32_t, unsigned int, struct sco_plain, char text[4], void (*callback)(int code, void *context));
    "#;

    fn parse(source: &str) -> Vec<String> {
        declarations(source).unwrap().into_iter().collect()
    }

    #[test]
    fn declarations_are_listed_one_a_line() {
        assert_eq!(
            parse(SOURCE),
            [
                "const char *sco_version(void);",
                "enum sco_job_status_code: SCO_JOB_STATUS_UNKNOWN = -1",
                "enum sco_status: SCO_ERROR_IO = 114",
                "enum sco_status: SCO_NEXT = 115",
                "enum sco_status: SCO_OK = 0",
                "sco_status sco_client_new(const char *, const sco_client *const *, sco_client **, sco_error **);",
                "struct sco_plain 1: int a",
                "struct sco_progress 1: size_t size",
                "struct sco_progress 2: uint64_t bytes_received",
                "struct sco_progress 3: const char *name",
                "struct sco_untagged 1: int32_t b",
                "typedef enum sco_job_status_code sco_job_status_code;",
                "typedef enum sco_status sco_status;",
                "typedef int32_t (*sco_write_callback)(const void *, size_t, void *);",
                "typedef struct sco_client sco_client;",
                "typedef struct sco_progress sco_progress;",
                "typedef struct {...} sco_untagged;",
                "void sco_set(uint32_t, unsigned int, struct sco_plain, char[4], void (*)(int, void *));",
            ]
        );
    }

    #[test]
    fn enum_with_a_fixed_underlying_type_is_parsed_alike() {
        let fixed = "typedef enum sco_status : int32_t { SCO_OK = 0 } sco_status;";
        let plain = "typedef enum sco_status { SCO_OK } sco_status;";
        assert_eq!(parse(fixed), parse(plain));
        assert_eq!(
            parse("enum sco_status : int32_t { SCO_OK = 0x10 };"),
            ["enum sco_status: SCO_OK = 16"]
        );
    }

    #[test]
    fn names_of_parameters_make_no_difference() {
        assert_eq!(
            parse("void f(int a, const char *b);"),
            parse("void f(int, const char *other);")
        );
        assert_ne!(
            parse("void f(int a, const char *b);"),
            parse("void f(int a, char *b);")
        );
    }

    fn compare_sources(last: &str, now: &str) -> Outcome {
        compare(&declarations(last).unwrap(), &declarations(now).unwrap())
    }

    fn failure(outcome: Outcome) -> String {
        match outcome {
            Outcome::Failed(text) => text,
            Outcome::Passed(text) => panic!("passed: {text}"),
        }
    }

    #[test]
    fn additions_pass() {
        let last = "typedef enum e { A = 1 } e; typedef struct s { int a; } s; void f(void);";
        let now = "typedef enum e { Z = 0, A = 1, B = 2 } e; typedef struct s { int a; int b; } s;
            void f(void); void g(void);";
        match compare_sources(last, now) {
            Outcome::Passed(text) => assert!(
                text.contains("5 declarations are as in the last release; 4 are new"),
                "{text}"
            ),
            Outcome::Failed(text) => panic!("{text}"),
        }
    }

    #[test]
    fn removals_and_changes_fail() {
        for (last, now, missing) in [
            (
                "void f(void); void g(void);",
                "void g(void);",
                "void f(void);",
            ),
            ("void f(int32_t);", "void f(int64_t);", "void f(int32_t);"),
            (
                "typedef enum e { A, B } e;",
                "typedef enum e { A, C, B } e;",
                "enum e: B = 1",
            ),
            (
                "typedef struct s { int a; int b; } s;",
                "typedef struct s { int b; int a; } s;",
                "struct s 1: int a",
            ),
            (
                "typedef struct s s; void f(void);",
                "void f(void);",
                "typedef struct s s;",
            ),
        ] {
            let text = failure(compare_sources(last, now));
            assert!(text.contains(&format!("  {missing}\n")), "{text}");
        }
    }

    #[test]
    fn unknown_declarations_are_errors() {
        for source in [
            "",
            "void f(void)",
            "typedef enum e { A = sizeof(int) } e;",
            "static int f(void) { return 1; };",
        ] {
            declarations(source).unwrap_err();
        }
    }

    #[test]
    fn function_names_are_those_of_functions_only() {
        let source = "typedef enum e { A } e; typedef struct s { void (*member)(int a); } s;
            typedef void (*callback)(int a); struct t { int (*member)(void); };
            extern int variable; void f(int32_t a); const char *g(callback (*)(int), s *);
            struct t *h(void);";
        let names = function_names(&declarations(source).unwrap());
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["f", "g", "h"]);
    }

    #[test]
    fn lines_of_included_files_are_left_out() {
        let preprocessed = "# 0 \"<built-in>\"\nint a;\n# 1 \"include/x.h\" 1\nint b;\n# 1 \"/usr/include/stdint.h\" 1 3\nint c;\n# 9 \"include/x.h\" 2\n#pragma p\nint d;\n";
        assert_eq!(own_lines(preprocessed, "include/x.h"), "int b;\nint d;\n");
    }
}
