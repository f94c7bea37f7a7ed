//! The log of a job.

use super::{Jobs, routes};
use crate::error::Error;
use crate::session::CallContext;
use crate::text::{MAX_MESSAGE, MAX_TEXT_READ, Redactor, json};

/// The maximum number of error lines that an error contains.
const MAX_LINES: usize = 5;

impl Jobs {
    /// Requests the first error lines of the log of the call's job once.
    pub(super) fn error_log(&self, context: &CallContext) -> Result<Vec<String>, Error> {
        let path = routes::error_log(context.job);
        let (response, body) = self.session.get_json(&path, context)?;
        let messages = log_messages(&body, MAX_LINES, &self.session.redactor(&response));
        Ok(messages.unwrap_or_default())
    }
}

/// Returns the messages of the first `max` items of a job's log, redacted, each on one line. `None`
/// if the body is not a log.
fn log_messages(body: &[u8], max: usize, redactor: &Redactor) -> Option<Vec<String>> {
    let body = json::text(body);
    let [items] = json::fields(&body, ["Items"])?;
    let mut messages = Vec::new();
    items
        .filter(|items| items.is_array())?
        .each_item(&mut |item| {
            if messages.len() == max {
                return;
            }
            let message = item.fields(["Message"]).and_then(|[message]| message);
            if let Some(message) = message.and_then(|message| message.string(MAX_TEXT_READ)) {
                let line = redactor.one_line(&message, MAX_MESSAGE);
                messages.extend(Some(line).filter(|line| !line.is_empty()));
            }
        });
    Some(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_messages_more_items_than_maximum_gives_first() {
        let messages = |json: &str| log_messages(json.as_bytes(), 2, &Redactor::default());
        let json = r#"{"items": [7, {"message": "a\nb"}, {"Message": ""}, {"Message": "c\ud83d"},
            {"Message": "d"}], "TotalResults": 1e400}"#;
        let expected = ["a b", "c\u{fffd}"].map(String::from);
        assert_eq!(messages(json).unwrap(), expected);
        for json in ["", "{}", "[]", r#"{"Items": null}"#, r#"{"Error": "no"}"#] {
            assert_eq!(messages(json), None, "{json}");
        }
    }
}
