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

    /// The time this much earlier, or 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn minus(self, length: Duration) -> UnixTime {
        UnixTime(self.0.saturating_sub(length))
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

    /// Reads a time as RFC 3339 writes it, in any zone (`2026-12-31T23:59:59.5+01:00`). Parts of a second are dropped.
    #[must_use]
    pub fn parse_with_offset(text: &str) -> Option<UnixTime> {
        if text.ends_with('Z') {
            return UnixTime::parse(text);
        }
        let (local, offset) = text.split_at_checked(text.len().checked_sub("+00:00".len())?)?;
        let minutes = |offset: &str| {
            let (hours, minutes) = offset.split_once(':')?;
            let below = |text: &str, end: u64| {
                let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
                text.parse().ok().filter(|number: &u64| is_number && *number < end)
            };
            below(hours, 24)?.checked_mul(60)?.checked_add(below(minutes, 60)?)
        };
        let length = |offset: &str| Some(Duration::from_secs(minutes(offset)?.checked_mul(60)?));
        let local = UnixTime::parse(&format!("{local}Z"))?.0;
        match (offset.strip_prefix('+'), offset.strip_prefix('-')) {
            (Some(ahead), _) => local.checked_sub(length(ahead)?),
            (_, Some(behind)) => local.checked_add(length(behind)?),
            _ => None,
        }
        .map(UnixTime)
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

/// How long ago something may have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(Duration);

impl Age {
    /// How far ahead of ours another clock may be.
    const MAX_AHEAD: Duration = Duration::from_secs(300);
    /// The units, from the longest to the shortest: days of 24 hours, hours, and minutes.
    const UNITS: [(char, u64); 3] = [('d', 86_400), ('h', 3_600), ('m', 60)];

    /// Reads a whole number from 1 to 99999 with its unit, such as `7d`, `36h` or `90m`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Age> {
        let (number, seconds) =
            Age::UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, seconds)))?;
        let is_number = (1..=5).contains(&number.len())
            && !number.starts_with('0')
            && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = number.parse().ok().filter(|_| is_number)?;
        Some(Age(Duration::from_secs(number.checked_mul(*seconds)?)))
    }

    /// Whether `time` is at most this long ago at the time `now`. It may be five minutes ahead, because clocks differ.
    #[must_use]
    pub fn reaches(self, time: UnixTime, now: UnixTime) -> bool {
        now.since(time) <= self.0 && time.since(now) <= Age::MAX_AHEAD
    }
}

/// Writes the age in the longest unit of which it is a whole number.
impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.as_secs();
        let whole = |(unit, seconds): &(char, u64)| {
            let number = all.checked_div(*seconds)?;
            all.is_multiple_of(*seconds).then_some((number, *unit))
        };
        let (number, unit) = Age::UNITS.iter().find_map(whole).unwrap_or((all, 's'));
        write!(f, "{number}{unit}")
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
    fn times_of_other_zones_are_read() {
        let rows = [
            ("2021-01-12T11:53:27Z", Some(1_610_452_407), "UTC"),
            ("2021-01-12T12:53:27+01:00", Some(1_610_452_407), "ahead of it"),
            ("2021-01-12T06:23:27.166512871-05:30", Some(1_610_452_407), "behind it, with parts of a second"),
            ("2021-01-12T11:53:27-00:00", Some(1_610_452_407), "an unknown zone (RFC 3339, section 4.3)"),
            ("2021-01-13T00:53:27+13:00", Some(1_610_452_407), "the day after"),
            ("1970-01-01T00:30:00+01:00", None, "before 1970"),
            ("1970-01-01T00:30:00-01:00", Some(5_400), "after it, elsewhere"),
            ("2021-01-12T11:53:27", None, "no zone"),
            ("2021-01-12T11:53:27+0100", None, "no colon"),
            ("2021-01-12T11:53:27+01", None, "no minutes"),
            ("2021-01-12T11:53:27+24:00", None, "too many hours"),
            ("2021-01-12T11:53:27+01:60", None, "too many minutes"),
            ("2021-01-12T11:53:27++1:00", None, "two signs"),
            ("2021-01-12T11:53:27.+01:00", None, "no digit after the point"),
            ("2021-01-12T11:53:27Z+01:00", None, "two zones"),
            ("2021-01-12t11:53:27z", None, "small letters"),
            ("2021-01-12 11:53:27+01:00", None, "a blank"),
            ("2021-01-12T11:53:60Z", None, "a leap second"),
            ("2021-01-12T11:53:27+ä1:00", None, "another letter"),
            ("ä", None, "a letter only"),
            ("", None, "an empty text"),
        ];
        for (text, expected, why) in rows {
            assert_eq!(UnixTime::parse_with_offset(text), expected.map(UnixTime::from_secs), "{why}: {text}");
        }
    }

    #[test]
    fn ages_are_read_and_written() {
        let rows = [
            ("7d", Some((604_800, "7d")), "days"),
            ("36h", Some((129_600, "36h")), "hours"),
            ("90m", Some((5_400, "90m")), "minutes"),
            ("24h", Some((86_400, "1d")), "a longer unit of which it is one"),
            ("99999d", Some((8_639_913_600, "99999d")), "the longest"),
            ("100000d", None, "a longer one"),
            ("0d", None, "no time at all"),
            ("07d", None, "a leading zero"),
            ("7", None, "no unit"),
            ("d", None, "no number"),
            ("7s", None, "seconds"),
            ("7w", None, "weeks"),
            ("7D", None, "another case"),
            ("1d12h", None, "two units"),
            ("1.5d", None, "a fraction"),
            ("-1d", None, "the future"),
            ("+1d", None, "a sign"),
            ("7 d", None, "a blank"),
            ("", None, "nothing"),
        ];
        for (text, expected, why) in rows {
            let age = Age::parse(text);
            assert_eq!(age, expected.map(|(seconds, _)| Age(Duration::from_secs(seconds))), "{why}: {text}");
            assert_eq!(age.map(|age| age.to_string()).as_deref(), expected.map(|(_, written)| written), "{why}");
        }
    }

    #[test]
    fn ages_reach_back() {
        let age = Age::parse("1h").unwrap();
        let rows = [
            (10_000, true, "now"),
            (6_400, true, "as old as may be"),
            (6_399, false, "older"),
            (10_300, true, "as far ahead as may be"),
            (10_301, false, "further ahead"),
        ];
        for (time, expected, why) in rows {
            assert_eq!(age.reaches(UnixTime::from_secs(time), UnixTime::from_secs(10_000)), expected, "{why}");
        }
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
