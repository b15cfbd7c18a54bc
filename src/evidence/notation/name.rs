//! Does a certificate belong to an identity that the settings name? (Notary Project, "Trusted Identities")

use std::{collections::BTreeMap, fmt};

use der::{AnyRef, Tag, Tagged as _};

use crate::signing::{
    asn1::{list, oid, sequence},
    certificate::Certificate,
};

/// The prefix of identities that are distinguished names.
const SUBJECT: &str = "x509.subject:";
/// The prefix of signing profiles of AWS Signer.
const PROFILE: &str = "arn:";
/// The longest name in a message, in bytes.
const MAX_SHOWN: usize = 512;
/// The attributes that every trusted identity has to name.
const MANDATORY: [&str; 3] = ["C", "ST", "O"];

/// The types of attributes that are known (RFC 4514, section 3, and those that Go writes by name).
const TYPES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.5", "SERIALNUMBER"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "STREET"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.17", "POSTALCODE"),
];

/// A distinguished name: the attributes by type. Each type occurs once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DistinguishedName(BTreeMap<String, String>);

/// An identity that the settings trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedIdentity {
    /// A certificate whose subject has all of these attributes.
    Subject(SubjectPattern),
    /// A signing profile of AWS Signer, with or without its version.
    SigningProfile(String),
}

/// The attributes that a subject has to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectPattern(DistinguishedName);

/// The reason for which a text is no trusted identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityError {
    /// It begins with neither `x509.subject:` nor `arn:`.
    Kind,
    /// It is no distinguished name in the form of RFC 4514.
    Name,
    /// It has an attribute of a type that is not known.
    Type(String),
    /// An attribute occurs twice, or shares a place with another one.
    Several,
    /// It lacks an attribute that every trusted identity has to name.
    Lacks(&'static str),
    /// It is no name of a signing profile.
    Profile,
}

impl TrustedIdentity {
    /// Reads an identity as trust policies of Notation have it.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<TrustedIdentity, IdentityError> {
        if text.starts_with(PROFILE) {
            return match text.contains(":signer:") && text.contains("/signing-profiles/") {
                true => Ok(TrustedIdentity::SigningProfile(text.to_owned())),
                false => Err(IdentityError::Profile),
            };
        }
        let name = DistinguishedName::parse(text.strip_prefix(SUBJECT).ok_or(IdentityError::Kind)?)?;
        match MANDATORY.into_iter().find(|kind| !name.0.contains_key(*kind)) {
            Some(kind) => Err(IdentityError::Lacks(kind)),
            None => Ok(TrustedIdentity::Subject(SubjectPattern(name))),
        }
    }

    /// Whether a signer can have both identities, so that one of them says nothing.
    #[must_use]
    pub fn overlaps(&self, other: &TrustedIdentity) -> bool {
        match (self, other) {
            (TrustedIdentity::Subject(one), TrustedIdentity::Subject(other)) => {
                one.0.has_all_of(&other.0) || other.0.has_all_of(&one.0)
            }
            (one, other) => one == other,
        }
    }

    /// Whether the subject of a certificate has this identity.
    pub(super) fn is_of(&self, subject: &DistinguishedName) -> bool {
        match self {
            TrustedIdentity::Subject(pattern) => subject.has_all_of(&pattern.0),
            TrustedIdentity::SigningProfile(_) => false,
        }
    }

    /// Whether it is this signing profile, which has a version (`…/signing-profiles/NAME/VERSION`).
    pub(super) fn is_profile(&self, with_version: &str) -> bool {
        let TrustedIdentity::SigningProfile(profile) = self else { return false };
        let is = |other: &str| profile.eq_ignore_ascii_case(other);
        is(with_version) || with_version.rsplit_once('/').is_some_and(|(without, _)| is(without))
    }
}

impl DistinguishedName {
    /// Reads a Name in DER (RFC 5280, section 4.1.2.4). It is `None` if an attribute occurs twice, is of an unknown type or is no text.
    pub(super) fn of(name: AnyRef<'_>) -> Option<DistinguishedName> {
        let mut attributes = BTreeMap::new();
        let mut all = Vec::new();
        for set in sequence(name)? {
            all.extend(list(set.value()).filter(|_| set.tag() == Tag::Set)?);
        }
        for attribute in all {
            let attribute = sequence(attribute)?;
            let [kind, value] = attribute.as_slice() else { return None };
            let id = oid(*kind)?.to_string();
            let (_, kind) = TYPES.iter().find(|(known, _)| *known == id)?;
            let is_text = matches!(value.tag(), Tag::Utf8String | Tag::PrintableString | Tag::Ia5String);
            let value = std::str::from_utf8(value.value()).ok().filter(|_| is_text)?;
            if attributes.insert((*kind).to_owned(), value.to_owned()).is_some() {
                return None;
            }
        }
        Some(DistinguishedName(attributes))
    }

    /// Reads the text of a name (RFC 4514): attributes with commas in between.
    fn parse(text: &str) -> Result<DistinguishedName, IdentityError> {
        let mut attributes = BTreeMap::new();
        for attribute in split(text)? {
            let (kind, value) = attribute.split_once('=').ok_or(IdentityError::Name)?;
            let kind = kind.trim().to_ascii_uppercase();
            let kind = if kind == "S" { "ST".to_owned() } else { kind };
            if !TYPES.iter().any(|(_, known)| *known == kind) {
                return Err(IdentityError::Type(kind));
            }
            if attributes.insert(kind, unescaped(value)?).is_some() {
                return Err(IdentityError::Several);
            }
        }
        Ok(DistinguishedName(attributes))
    }

    fn has_all_of(&self, other: &DistinguishedName) -> bool {
        other.0.iter().all(|(kind, value)| self.0.get(kind) == Some(value))
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (kind, value)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{kind}={value}")?;
        }
        Ok(())
    }
}

/// The attributes of a name. A comma that is escaped does not end one.
fn split(text: &str) -> Result<Vec<&str>, IdentityError> {
    let (mut parts, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ',' => {
                parts.push(text.get(start..at).ok_or(IdentityError::Name)?);
                start = at.saturating_add(1);
            }
            // These join two attributes in one place, or are not allowed without an escape.
            '+' => return Err(IdentityError::Several),
            ';' | '"' | '<' | '>' => return Err(IdentityError::Name),
            _ => {}
        }
    }
    parts.push(text.get(start..).ok_or(IdentityError::Name)?);
    if is_escaped { Err(IdentityError::Name) } else { Ok(parts) }
}

/// The value of an attribute. White space around it counts only if it is escaped.
fn unescaped(text: &str) -> Result<String, IdentityError> {
    let text = text.trim_start();
    let mut value = String::new();
    // How much of the value is kept if only white space follows.
    let mut kept = 0;
    let mut rest = text.chars();
    if text.starts_with('#') {
        return Err(IdentityError::Name);
    }
    while let Some(c) = rest.next() {
        let is_escaped = c == '\\';
        let c = match is_escaped {
            true => rest.next().filter(|c| " \"#+,;<=>\\".contains(*c)).ok_or(IdentityError::Name)?,
            false => c,
        };
        value.push(c);
        if is_escaped || !c.is_whitespace() {
            kept = value.len();
        }
    }
    value.truncate(kept);
    if value.is_empty() { Err(IdentityError::Name) } else { Ok(value) }
}

/// The subject of a certificate, for messages. Whoever made the certificate chooses its length.
pub(super) fn shown_subject(certificate: &Certificate<'_>) -> String {
    let name = DistinguishedName::of(certificate.tbs.subject);
    let mut shown = name.map_or_else(|| "an unusual name".to_owned(), |name| name.to_string());
    shown.truncate(shown.floor_char_boundary(MAX_SHOWN));
    shown
}
