//! How is it written, in DER (X.690), in PEM, and on a calendar?
//!
//! By hand, since what tests need most are certificates that no library writes.

use base64ct::{Base64, Encoding as _};

pub const SEQUENCE: u8 = 0x30;
pub const OCTETS: u8 = 0x04;
pub const UTF8: u8 = 0x0c;

/// A DER value with this tag and these contents.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|digit| **digit == 0).count()..];
    let mut out = vec![tag];
    match contents.len() {
        0..128 => out.push(contents.len() as u8),
        _ => {
            out.push(0x80 | digits.len() as u8);
            out.extend(digits);
        }
    }
    out.extend(contents);
    out
}

/// A DER value with this tag, whose contents are other values.
pub fn of<const N: usize>(tag: u8, parts: [Vec<u8>; N]) -> Vec<u8> {
    tlv(tag, &parts.concat())
}

pub fn sequence<const N: usize>(parts: [Vec<u8>; N]) -> Vec<u8> {
    of(SEQUENCE, parts)
}

/// A positive number of these big-endian digits.
pub fn integer(digits: &[u8]) -> Vec<u8> {
    let digits = &digits[digits.iter().take_while(|digit| **digit == 0).count()..];
    match digits {
        [] => tlv(0x02, &[0]),
        [0..0x80, ..] => tlv(0x02, digits),
        _ => tlv(0x02, &[&[0], digits].concat()),
    }
}

pub fn boolean(value: bool) -> Vec<u8> {
    tlv(0x01, &[if value { 0xff } else { 0 }])
}

/// A bit string of whole bytes.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], bytes].concat())
}

/// A bit string in which only these bits, counted from the first, are set; without zeros at its end, as DER wants it.
pub fn flags(set: &[u8]) -> Vec<u8> {
    let Some(last) = set.iter().max() else { return tlv(0x03, &[0]) };
    let mut bytes = vec![0; usize::from(last / 8) + 1];
    set.iter().for_each(|bit| bytes[usize::from(bit / 8)] |= 0x80 >> (bit % 8));
    tlv(0x03, &[&[7 - last % 8], bytes.as_slice()].concat())
}

pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let first = arcs[0] * 40 + arcs[1];
    let mut contents = Vec::new();
    for arc in std::iter::once(&first).chain(&arcs[2..]) {
        let sevens = (0..10).rev().map(|place| (arc >> (7 * place)) as u8 & 0x7f).skip_while(|seven| *seven == 0);
        let mut sevens: Vec<u8> = sevens.map(|seven| seven | 0x80).collect();
        // The last one has no mark, and an arc of zero has one digit too.
        match sevens.last_mut() {
            Some(last) => *last &= 0x7f,
            None => sevens.push(0),
        }
        contents.extend(sevens);
    }
    tlv(0x06, &contents)
}

/// A moment as certificates write it: with two digits of the year up to 2049 (RFC 5280, section 4.1.2.5).
pub fn time(seconds: u64) -> Vec<u8> {
    let [year, month, day, hour, minute, second] = calendar(seconds);
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match year {
        ..2050 => tlv(0x17, format!("{:02}{rest}", year % 100).as_bytes()),
        _ => tlv(0x18, format!("{year:04}{rest}").as_bytes()),
    }
}

/// The time in the form in which JSON has it (RFC 3339).
pub fn timestamp(seconds: u64) -> String {
    let [year, month, day, hour, minute, second] = calendar(seconds);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month, day, hour, minute and second, in UTC, of a Unix time.
fn calendar(seconds: u64) -> [u64; 6] {
    let (mut days, rest) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    [year, month, days + 1, rest / 3600, rest / 60 % 60, rest % 60]
}

/// A Unix time as GeneralizedTime writes it.
pub fn generalized(time: u64) -> String {
    timestamp(time).replace(['-', ':', 'T'], "")
}

pub fn base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// The bytes of a base64 text.
pub fn unbase64(text: &str) -> Vec<u8> {
    Base64::decode_vec(text).unwrap()
}

/// The bytes of a text of hex digits.
pub fn unhex(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

/// Lines of 64, as everybody writes them.
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = base64(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// The bytes in the first block of a PEM text.
pub fn unpem(text: &str) -> Vec<u8> {
    let lines = text.lines().skip(1).take_while(|line| !line.starts_with('-'));
    Base64::decode_vec(&lines.collect::<String>()).unwrap()
}
