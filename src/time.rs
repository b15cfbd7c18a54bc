//! When does something hold?

use std::{fmt, time::Duration};

use der::DateTime;

/// A point in time, to the second or finer, in UTC and without leap seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(Duration);

impl UnixTime {
    /// The time this long after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn since_epoch(time: Duration) -> UnixTime {
        UnixTime(time)
    }

    /// The time so many seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> UnixTime {
        UnixTime(Duration::from_secs(seconds))
    }

    /// The time that has passed since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_duration(self) -> Duration {
        self.0
    }

    /// The time this much later, or the last one that there is.
    #[must_use]
    pub const fn plus(self, length: Duration) -> UnixTime {
        UnixTime(self.0.saturating_add(length))
    }

    /// The time that has passed since `other`. It is zero if `other` lies ahead.
    #[must_use]
    pub const fn since(self, other: UnixTime) -> Duration {
        self.0.saturating_sub(other.0)
    }

    /// Reads a time as RFC 3339 writes it, in UTC (`2026-12-31T23:59:59Z`). Parts of a second are dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<UnixTime> {
        let seconds = |text: &str| text.parse::<DateTime>().ok().map(|time| UnixTime(time.unix_duration()));
        match text.strip_suffix('Z')?.split_once('.') {
            None => seconds(text),
            Some((whole, parts)) if (1..=9).contains(&parts.len()) && parts.bytes().all(|b| b.is_ascii_digit()) => {
                seconds(&format!("{whole}Z"))
            }
            Some(_) => None,
        }
    }
}

/// Writes the time as RFC 3339 does.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_unix_duration(self.0) {
            Ok(time) => write!(f, "{time}"),
            Err(_) => write!(f, "{} s after 1970", self.0.as_secs()),
        }
    }
}

/// The time from one point to another, both included. Where an end is missing, it is open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// The first point in time of the period.
    pub start: Option<UnixTime>,
    /// The last point in time of the period.
    pub end: Option<UnixTime>,
}

impl Period {
    /// Whether `time` is in this period.
    #[must_use]
    pub fn contains(&self, time: UnixTime) -> bool {
        self.start.is_none_or(|start| start <= time) && self.end.is_none_or(|end| time <= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        let rows = [
            ("1970-01-01T00:00:01Z", Some(1), "a time"),
            ("2021-01-12T11:53:27.000Z", Some(1_610_452_407), "with parts of a second, as trusted roots have them"),
            ("2021-01-12T11:53:27.999999999Z", Some(1_610_452_407), "with many, which are dropped"),
            ("2021-01-12T11:53:27.Z", None, "with none"),
            ("2021-01-12T11:53:27.0x0Z", None, "with something else"),
            ("2021-01-12T12:53:27+01:00", None, "in another zone"),
            ("2021-01-12", None, "a day"),
            ("2021-02-30T00:00:00Z", None, "a day that never was"),
            ("", None, "an empty text"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(UnixTime::parse(text), expected.map(UnixTime::from_secs), "{why}: {text}");
        }
        assert_eq!(UnixTime::from_secs(1_610_452_407).to_string(), "2021-01-12T11:53:27Z");
    }

    #[test]
    fn times_end_with_the_last_one() {
        let last = UnixTime::since_epoch(Duration::MAX);
        assert_eq!(last.plus(Duration::from_secs(1)), last);
        assert_eq!(UnixTime::from_secs(1).since(UnixTime::from_secs(3)), Duration::ZERO);
        assert_eq!(UnixTime::from_secs(3).since(UnixTime::from_secs(1)), Duration::from_secs(2));
    }

    #[test]
    fn periods() {
        let at = UnixTime::from_secs;
        let rows = [
            (None, None, 0, true, "always"),
            (Some(5), None, 4, false, "before"),
            (Some(5), None, 5, true, "from the first point on"),
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
