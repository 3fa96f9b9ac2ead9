//! Seconds on the command line.

use std::time::Duration;

/// Reads a number of seconds, as in `0.5`.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| EXPECTED.to_owned())?;
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| EXPECTED.to_owned())?;
    if duration > LONGEST {
        return Err(format!("more than {} seconds: 0 waits for ever", LONGEST.as_secs()));
    }
    // What is above zero must not become zero, which is for ever.
    Ok(if seconds > 0.0 { duration.max(Duration::from_millis(1)) } else { Duration::ZERO })
}

const EXPECTED: &str = "expected a number of seconds that is not negative";
/// A year. Nobody waits longer, and clocks can still add to it.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_seconds() {
        for (text, millis) in
            [("0", 0), ("-0", 0), ("1", 1000), ("0.25", 250), ("1e-9", 1), ("1e3", 1_000_000)]
        {
            assert_eq!(seconds(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "-1", "x", "1s", "NaN", "inf", "1e9", "1e99"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
