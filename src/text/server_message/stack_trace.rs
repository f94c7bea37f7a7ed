//! Removes the stack trace from the text of an exception.

/// Returns the messages of an exception before its stack trace, without the types of .NET
/// exceptions. Text without a stack trace is unchanged.
///
/// What follows the trace is left out too: a developer page contains the headers of the request
/// there.
pub(super) fn without_stack_trace(text: &str) -> String {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        if length > 0 && is_stack_frame(line) {
            let lines = text[..length].lines().map(without_exception_type);
            return lines.collect::<Vec<_>>().join("\n");
        }
        length += line.len();
    }
    text.to_owned()
}

/// Returns whether a line is a frame of a stack trace, such as `   at Jobs.Exports.Run(Int32 id)`.
fn is_stack_frame(line: &str) -> bool {
    let is_indented = line.starts_with(char::is_whitespace);
    let method = line.trim_start().strip_prefix("at ");
    let method = method.and_then(|method| Some(method.split_once('(')?.0));
    is_indented
        && method.is_some_and(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

/// Returns a line of `Exception.ToString()` without the type of the exception. The line is
/// `System.IO.IOException: text` or ` ---> System.IO.IOException: text`.
fn without_exception_type(line: &str) -> &str {
    let start = line.trim_start();
    let start = start.strip_prefix("---> ").unwrap_or(start);
    let is_type = |name: &str| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '`');
        name.ends_with("Exception") && name.chars().all(is_name)
    };
    match start.split_once(": ") {
        Some((name, message)) if is_type(name) => message,
        _ => line,
    }
}
