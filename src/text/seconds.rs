//! Durations in messages.

use std::time::Duration;

/// Returns a duration in seconds, such as `30 s`, `1.5 s` or `0.05 s`, rounded to milliseconds.
pub(crate) fn seconds(time: Duration) -> String {
    let rounded = format!("{:.3}", time.as_secs_f64());
    let short = rounded.trim_end_matches('0').trim_end_matches('.');
    format!("{short} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_omits_trailing_zeros() {
        for (millis, text) in [
            (0, "0 s"),
            (50, "0.05 s"),
            (999, "0.999 s"),
            (1000, "1 s"),
            (1500, "1.5 s"),
            (30_000, "30 s"),
            (86_400_000, "86400 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(millis)), text);
        }
    }
}
