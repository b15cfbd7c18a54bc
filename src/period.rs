//! When does something hold?
//!
//! Times are counted from 1970-01-01, UTC, as the clock gives them.

use std::{fmt, time::Duration};

use der::DateTime;

/// A time from one moment to another, both included. Where an end is missing, it is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub start: Option<Duration>,
    /// The last moment.
    pub end: Option<Duration>,
}

impl Period {
    /// Is `time` in it?
    #[must_use]
    pub fn contains(&self, time: Duration) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }
}

/// A moment as RFC 3339 writes it, in UTC (`2026-12-31T23:59:59Z`). Parts of a second are left out.
#[must_use]
pub fn moment(text: &str) -> Option<Duration> {
    let whole = match text.strip_suffix('Z')?.split_once('.') {
        Some((whole, parts)) if (1..=9).contains(&parts.len()) && parts.bytes().all(|b| b.is_ascii_digit()) => whole,
        Some(_) => return None,
        None => return text.parse::<DateTime>().ok().map(|time| time.unix_duration()),
    };
    format!("{whole}Z").parse::<DateTime>().ok().map(|time| time.unix_duration())
}

/// A moment as people read it.
pub struct Moment(pub Duration);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_unix_duration(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{} s after 1970", self.0.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let rows = [
            ("1970-01-01T00:00:01Z", Some(1), "a moment"),
            ("2021-01-12T11:53:27.000Z", Some(1_610_452_407), "with parts of a second, as trusted roots have them"),
            ("2021-01-12T11:53:27.999999999Z", Some(1_610_452_407), "with many, which are left out"),
            ("2021-01-12T11:53:27.Z", None, "with none"),
            ("2021-01-12T11:53:27.0x0Z", None, "with something else"),
            ("2021-01-12T12:53:27+01:00", None, "in another zone"),
            ("2021-01-12", None, "a day"),
            ("2021-02-30T00:00:00Z", None, "a day that never was"),
            ("", None, "nothing"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(moment(text), expected.map(Duration::from_secs), "{why}: {text}");
        }
        assert_eq!(Moment(Duration::from_secs(1_610_452_407)).to_string(), "2021-01-12T11:53:27Z");
    }

    #[test]
    fn periods() {
        let at = Duration::from_secs;
        let rows = [
            (None, None, 0, true, "always"),
            (Some(5), None, 4, false, "before"),
            (Some(5), None, 5, true, "from the first moment on"),
            (None, Some(5), 5, true, "to the last"),
            (None, Some(5), 6, false, "after"),
            (Some(5), Some(4), 5, false, "never"),
        ];
        for (start, end, time, expected, why) in rows {
            let period = Period { start: start.map(at), end: end.map(at) };
            assert_eq!(period.contains(at(time)), expected, "{why}");
        }
    }
}
