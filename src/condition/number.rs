//! Are two numbers of JSON the same, and which one is larger?
//!
//! They are compared by their decimals, because a floating-point number (`f64`) cannot represent 9007199254740993.

use std::cmp::Ordering;

/// A number as JSON writes it (RFC 8259, section 6), compared by its value: `1`, `1.0` and `10e-1` are the same.
#[derive(Debug, Clone)]
pub struct Number {
    text: String,
    is_negative: bool,
    /// The number of digits before the decimal point. It is `i64::MIN` for zero.
    magnitude: i64,
    /// The digits without zeros at either end. It is empty for zero.
    digits: String,
}

impl Number {
    /// Reads a number. An exponent of more than 18 digits is not read.
    #[must_use]
    pub fn parse(text: &str) -> Option<Number> {
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            None => (unsigned, 0),
            Some((mantissa, exponent)) => (mantissa, exponent.parse().ok()?),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            None => (mantissa, ""),
            Some((whole, fraction)) if are_digits(fraction) => (whole, fraction),
            Some(_) => return None,
        };
        if !are_digits(whole) || whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let all = [whole, fraction].concat();
        let digits = all.trim_start_matches('0');
        let zeros = all.len().checked_sub(digits.len())?;
        let point = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(zeros).ok()?)?;
        let digits = digits.trim_end_matches('0');
        let is_zero = digits.is_empty();
        Some(Number {
            text: text.to_owned(),
            is_negative: !is_zero && unsigned.len() < text.len(),
            magnitude: if is_zero { i64::MIN } else { point.checked_add(exponent)? },
            digits: digits.to_owned(),
        })
    }

    /// The number as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        let sizes = (self.magnitude, &self.digits).cmp(&(other.magnitude, &other.digits));
        match (self.is_negative, other.is_negative) {
            (false, false) => sizes,
            (true, true) => sizes.reverse(),
            (is_negative, _) => {
                if is_negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_by_their_decimals() {
        use Ordering::{Equal, Greater, Less};
        let long = format!("1{}", "0".repeat(400));
        let longer = format!("{long}.{}1", "0".repeat(400));
        let rows = [
            ("1", "1.0", Equal, "another spelling"),
            ("100", "1e2", Equal, "an exponent"),
            ("100", "1E+2", Equal, "with a sign, in capitals"),
            ("0.01", "1e-2", Equal, "a negative exponent"),
            ("10e-1", "1", Equal, "zeros before a negative exponent"),
            ("0", "-0.0", Equal, "zero has no sign"),
            ("0e5", "0", Equal, "and no exponent"),
            ("0.1", "0", Greater, "more than zero"),
            ("-0.1", "0", Less, "less than zero"),
            ("1e-400", "0", Greater, "smaller than any floating-point number but zero"),
            ("1e400", "1e399", Greater, "larger than any floating-point number"),
            ("9", "10", Less, "by value, not by letters"),
            ("9.5", "9.25", Greater, "fractions of different lengths"),
            ("-9", "-10", Greater, "negative numbers"),
            ("-1", "1", Less, "two signs"),
            ("9007199254740993", "9007199254740992", Greater, "neighbours beyond 2^53"),
            ("18446744073709551616", "18446744073709551615", Greater, "beyond 2^64"),
            ("0.1000000000000000000001", "0.1", Greater, "more digits than a floating-point number has"),
            (&longer, &long, Greater, "hundreds of digits"),
        ];
        for (one, other, expected, why) in rows {
            let [one, other] = [one, other].map(|text| Number::parse(text).unwrap());
            assert_eq!(one.cmp(&other), expected, "{why}");
            assert_eq!(other.cmp(&one), expected.reverse(), "{why}, the other way round");
            assert_eq!(one == other, expected.is_eq(), "{why}");
        }
    }

    #[test]
    fn what_is_no_number_of_json() {
        let rows = [
            ("", "nothing"),
            ("-", "a sign only"),
            ("+1", "a plus"),
            ("01", "a leading zero"),
            ("1.", "no digit after the point"),
            (".5", "no digit before it"),
            ("1e", "no exponent"),
            ("1e1.5", "a fraction in the exponent"),
            ("1e1e1", "two exponents"),
            ("1.2.3", "two points"),
            ("1_000", "a separator"),
            (" 1", "a blank"),
            ("0x10", "hexadecimal"),
            ("NaN", "no number"),
            ("Infinity", "no end"),
            ("١", "a digit of another script"),
            ("1e9223372036854775807", "an exponent that does not fit"),
            ("1e99999999999999999999", "a larger one"),
        ];
        for (text, why) in rows {
            assert_eq!(Number::parse(text), None, "{why}: {text}");
        }
    }
}
