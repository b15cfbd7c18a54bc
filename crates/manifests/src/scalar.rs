//! What does a plain text stand for?
//!
//! The rules are those of kubectl's parser (`go.yaml.in/yaml/v2`, `resolve.go`): YAML 1.1 without numbers to the base of 60.

use serde_json::{Number, Value};

/// The value of a plain scalar without a tag.
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return true.into(),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => return false.into(),
        _ => {}
    }
    number(text).map_or_else(|| text.into(), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let integer = integer(digits).and_then(|value| match negative {
        false => Some(Number::from(value)),
        true => i64::try_from(-i128::from(value)).ok().map(Number::from),
    });
    integer.or_else(|| is_float(digits).then(|| plain.parse::<f64>().ok().and_then(Number::from_f64)).flatten())
}

/// Go's `strconv.ParseInt` with base 0.
fn integer(digits: &str) -> Option<u64> {
    let lower = digits.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (lower.strip_prefix("0x")?, 16),
        [b'0', b'o', ..] => (lower.strip_prefix("0o")?, 8),
        [b'0', b'b', ..] => (lower.strip_prefix("0b")?, 2),
        [b'0', _, ..] => (lower.as_str(), 8),
        _ => (lower.as_str(), 10),
    };
    let is_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    is_digits.then(|| u64::from_str_radix(digits, radix).ok()).flatten()
}

/// Digits with a point or an exponent: `[0-9]*[.]?[0-9]+(e[+-]?[0-9]+)?`, or with nothing after the point.
fn is_float(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let (mantissa, exponent) = lower.split_once('e').map_or((lower.as_str(), None), |(m, e)| (m, Some(e)));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && is_digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_what_kubectl_takes_them_for() {
        // each with what `kubectl annotate --local -o json` (1.32) makes of it
        let rows = [
            ("nginx:1.27", json!("nginx:1.27")),
            ("1.27", json!(1.27)),
            ("1.", json!(1.0)),
            ("12", json!(12)),
            ("-12", json!(-12)),
            ("+12", json!(12)),
            ("1_000", json!(1000)),
            ("0x1f", json!(31)),
            ("-0x1f", json!(-31)),
            ("0x", json!("0x")),
            ("0o17", json!(15)),
            ("017", json!(15)),
            ("08", json!(8.0)),
            ("0b11", json!(3)),
            ("1e3", json!(1000.0)),
            ("1e", json!("1e")),
            ("1_0.5", json!(10.5)),
            (".5", json!(0.5)),
            ("+.5", json!(0.5)),
            ("12:30:45", json!("12:30:45")),
            ("2001-01-01", json!("2001-01-01")),
            ("1.2.3", json!("1.2.3")),
            ("-", json!("-")),
            (".", json!(".")),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!(true)),
            ("yEs", json!("yEs")),
            ("~", json!(null)),
            ("", json!(null)),
            ("18446744073709551615", json!(u64::MAX)),
        ];
        for (text, expected) in rows {
            assert_eq!(resolve(text), expected, "{text}");
        }
    }
}
