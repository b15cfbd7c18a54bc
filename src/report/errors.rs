//! What is wrong with a text of the settings or the name of an image?
//!
//! Each sentence follows the name of what it is about.

use std::fmt;

use crate::{
    image::{DigestError, MAX_NAME, MAX_TAG, MAX_TEXT, ReferenceError},
    policy::pattern::PatternError,
    signing::{AuthorityError, KeyError, path::MAX_CHAIN},
    sigstore::{RegexError, TrustedRootError},
    text::Shown,
};

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Empty => f.write_str("is empty; expected a public key in PEM (`cosign public-key --key …` prints it)"),
            KeyError::TooLong => f.write_str("is too long: expected a public key in PEM, of at most 16 KiB with the text around it"),
            KeyError::NoBlock => f.write_str("is not a public key in PEM: expected a block that begins with `-----BEGIN PUBLIC KEY-----`"),
            KeyError::Armour => f.write_str("has no complete PEM lines: expected `-----BEGIN PUBLIC KEY-----` before the key and `-----END PUBLIC KEY-----` after it"),
            KeyError::Label => f.write_str("is another kind of PEM block: expected one that begins with `-----BEGIN PUBLIC KEY-----`"),
            KeyError::Several => f.write_str("holds several PEM blocks, so it is not clear which one counts; give each key a trust root of its own"),
            KeyError::Truncated => f.write_str("is not complete: a part of the key is missing; copy the whole PEM text"),
            KeyError::NoBegin => f.write_str("has no first line; put `-----BEGIN PUBLIC KEY-----` before the key"),
            KeyError::Character(c) => write!(f, "holds the character \"{}\", which base64 does not have; copy the PEM text again", c.escape_default()),
            KeyError::Base64 => f.write_str("is not valid base64 between its first and its last line; copy the PEM text again"),
            KeyError::Escaped => f.write_str("holds `\\n` as two characters in place of line ends; write the PEM text as a YAML block (`key: |`) or, in double quotes, with real line ends"),
            KeyError::Placeholder => f.write_str("is a placeholder; put the PEM text of the public key here"),
            KeyError::Unarmoured => f.write_str("is base64 without the lines around it; put `-----BEGIN PUBLIC KEY-----` before it and `-----END PUBLIC KEY-----` after it"),
            KeyError::Encoded => f.write_str("is base64 of a PEM text, as secrets of Kubernetes hold it; decode it once (`base64 -d`)"),
            KeyError::Commented => f.write_str("is commented out; remove the `#` in front of its lines"),
            KeyError::Hex => f.write_str("is the DER of a key in hexadecimal; convert it to PEM: `xxd -r -p KEY | openssl pkey -pubin -inform DER`"),
            KeyError::Private => f.write_str("is a private key, which others may have read by now: replace it, and put its public key here (`cosign public-key`)"),
            KeyError::EncryptedPrivate => f.write_str("is an encrypted private key: remove it, and put its public key here (`cosign public-key --key …` prints it)"),
            KeyError::Pkcs1 => f.write_str("is an RSA key in the form of PKCS #1; convert it: `openssl rsa -RSAPublicKey_in -in KEY -pubout`"),
            KeyError::Ssh => f.write_str("is an SSH key; if it made the signatures, convert it: `ssh-keygen -e -m PKCS8 -f KEY`"),
            KeyError::Pgp => f.write_str("is an OpenPGP key, with which cosign does not sign; put the public key of the cosign signatures here"),
            KeyError::Certificate => f.write_str("is a certificate; put its key here (`openssl x509 -in CERTIFICATE -pubkey -noout`), or name its authority as `certificate` in place of `key`"),
            KeyError::Request => f.write_str("is a certificate signing request; put its key here (`openssl req -in REQUEST -pubkey -noout`)"),
            KeyError::Path => f.write_str("is the path of a file, which a policy can't read; put the PEM text itself here"),
            KeyError::Url => f.write_str("is a URL, which a policy can't fetch; fetch the key once, over a channel that you trust, and put the PEM text here"),
            KeyError::Secret => f.write_str("refers to a secret of Kubernetes, which a policy can't read; put the PEM text here (`kubectl get secret NAME -n NAMESPACE -o jsonpath='{.data.cosign\\.pub}' | base64 -d` prints it)"),
            KeyError::Kms => f.write_str("refers to a key in a KMS, which a policy can't ask; put the PEM text here (`cosign public-key --key REFERENCE` prints it)"),
            KeyError::Pkcs11 => f.write_str("refers to a key in a hardware token (PKCS #11), which a policy can't ask; put the PEM text here (`cosign public-key --key REFERENCE` prints it)"),
            KeyError::Elsewhere => f.write_str("refers to a key elsewhere, which a policy can't fetch; put the PEM text here (`cosign public-key --key REFERENCE` prints it)"),
            KeyError::Spki => f.write_str("is not a SubjectPublicKeyInfo (RFC 5280); copy the whole PEM text of a public key"),
            KeyError::Algorithm(name) => write!(f, "is of an unsupported kind ({name}); supported are ECDSA P-256, P-384 and P-521, Ed25519, and RSA from 2048 bits"),
            KeyError::Curve(name) => write!(f, "is on an unsupported curve ({name}); supported are ECDSA P-256, P-384 and P-521, Ed25519, and RSA from 2048 bits"),
            KeyError::Point => f.write_str("has its point in an unsupported form; expected an uncompressed or a compressed point (RFC 5480, section 2.2)"),
            KeyError::Material => f.write_str("is damaged: its numbers are no key of that kind"),
            KeyError::RsaSize(bits) => write!(f, "is an RSA key of {bits} bits; it must have {} to {}", KeyError::RSA_BITS.start(), KeyError::RSA_BITS.end()),
        }
    }
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReferenceError::Empty => f.write_str("it is empty"),
            ReferenceError::TooLong => write!(f, "it is longer than {} bytes", MAX_TEXT),
            ReferenceError::NameTooLong => write!(f, "its name, completed, is longer than {} bytes", MAX_NAME),
            ReferenceError::Character(c) => write!(f, "it contains the character {}", c.escape_unicode()),
            ReferenceError::AmbiguousRegistry(first) => write!(
                f,
                "`{}` is a registry to some programs and a Docker Hub account to others; use lower case, or a host name with a dot",
                Shown(first)
            ),
            ReferenceError::Alias(host, write) => {
                write!(f, "`{}` is Docker Hub under another name; write `{}`", Shown(host), Shown(write))
            }
            ReferenceError::Credentials => f.write_str(
                "credentials stand before its registry, which no runtime reads there; remove them, up to the `@`, and replace the password",
            ),
            ReferenceError::Port(port) if port.is_empty() => {
                f.write_str("its port is empty; if it is a URL, leave the scheme out")
            }
            ReferenceError::Port(port) if port.parse() == Ok(443) => {
                write!(f, "`:{}` is the default port in another spelling; leave it out", Shown(port))
            }
            ReferenceError::Port(port) => {
                write!(f, "`{}` is not a port: 1 to 65535, without leading zeros", Shown(port))
            }
            ReferenceError::Registry(registry) => write!(f, "`{}` is not a host name", Shown(registry)),
            ReferenceError::Repository(component) if component.is_empty() => f.write_str("a part of its name is empty"),
            ReferenceError::Repository(component) => write!(
                f,
                "`{}` is not a repository name: lower-case letters and digits, held together by `.`, `_`, `__` or `-`",
                Shown(component)
            ),
            ReferenceError::Tag(tag) if tag.is_empty() => f.write_str("its tag is empty"),
            ReferenceError::Tag(tag) => write!(
                f,
                "`{}` is not a tag: at most {} letters, digits, `_`, `.` and `-`, not starting with `.` or `-`",
                Shown(tag),
                MAX_TAG
            ),
            ReferenceError::Digest(error) => error.fmt(f),
            ReferenceError::ImageId => {
                f.write_str("it is an image ID, which a node looks up among the images that it has; name a repository")
            }
        }
    }
}

impl fmt::Display for DigestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DigestError::Algorithm => {
                "its digest is not a sha256 digest; write `@sha256:` and 64 lower-case hex digits"
            }
            DigestError::Hex => "its digest is not 64 lower-case hex digits; copy it as the registry prints it",
        })
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatternError::Empty => f.write_str("an empty pattern matches nothing; write `*:*` for every image"),
            PatternError::TooLong => write!(f, "a pattern has at most {} bytes", PatternError::MAX_LENGTH),
            PatternError::Stars => f.write_str("write `*` instead of `**`: it crosses `/` already"),
            PatternError::Glob(c) => write!(
                f,
                "`{c}` is part of no image name, and not special here: only `*` is; write one rule for each case"
            ),
            PatternError::Character(c) => write!(f, "the character {} is part of no image name", c.escape_unicode()),
            PatternError::Name(error) => write!(f, "can never match: {error}"),
            PatternError::Registry(text) => write!(f, "`{}` is not a host name with `*` in it", Shown(text)),
            PatternError::RegistryOnly(text) => {
                write!(f, "`{text}` is a registry and names no repository; write `{text}/*`")
            }
            PatternError::FinalSlash(text) => {
                write!(f, "it ends with a slash; write `{}*` for everything below it", Shown(text))
            }
            PatternError::Repository(text) if text.is_empty() => f.write_str("a part of its name is empty"),
            PatternError::Repository(text) => {
                write!(
                    f,
                    "`{}` can be no part of a repository name: write lower-case letters, digits, `.`, `_`, `-` and `*`",
                    Shown(text)
                )
            }
            PatternError::Tag(text) if text.is_empty() => {
                f.write_str("its tag is empty; leave the `:` out to match every tag")
            }
            PatternError::Tag(text) => {
                write!(f, "`{}` is not a tag with `*` in it; leave `:…` out to match every tag", Shown(text))
            }
            PatternError::Digest(text) => {
                write!(
                    f,
                    "`{}` is not a digest: write `@sha256:` and 64 lower-case hex digits, or `@sha256:*` for any",
                    Shown(text)
                )
            }
        }
    }
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthorityError::Form => "is no certificate of X.509, version 3, in DER",
            AuthorityError::NoCa => "is not the certificate of a CA (basic constraints, key usage)",
            AuthorityError::NotForCode => "is of a CA that may not issue for code signing (extended key usage)",
            AuthorityError::Critical => "has a critical extension that nobody here knows",
            AuthorityError::NameConstraints => "has name constraints, which nobody would check",
            AuthorityError::Key => "holds a key of an unsupported kind",
        })
    }
}

impl fmt::Display for TrustedRootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = TrustedRootError::MAX_ENTRIES;
        match self {
            TrustedRootError::Form(error) => write!(f, "is no trusted root: {error}"),
            TrustedRootError::MediaType(text) => {
                write!(f, "is \"{}\"; read are {}", Shown(text), TrustedRootError::MEDIA_TYPES.join(", "))
            }
            TrustedRootError::TooMany => {
                write!(f, "has more than {most} CAs, timestamp authorities, tlogs or ctlogs")
            }
            TrustedRootError::Authority(error) => error.fmt(f),
            TrustedRootError::Chain(length) => write!(f, "has {length} certificates; expected 1 to {MAX_CHAIN}"),
            TrustedRootError::Pem => write!(f, "is not 1 to {most} PEM blocks `-----BEGIN CERTIFICATE-----`"),
            TrustedRootError::Certificate(number, error) => {
                write!(f, "holds a certificate (number {number}) that {error}")
            }
            TrustedRootError::Base64 => f.write_str("has rawBytes that are no base64"),
            TrustedRootError::Key(error) => error.fmt(f),
            TrustedRootError::NoStart => f.write_str("has no start: write when the log began"),
            TrustedRootError::Time(text) => {
                write!(f, "has the time \"{}\"; write it as 2026-12-31T23:59:59Z", Shown(text))
            }
        }
    }
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegexError::Syntax(words) => write!(f, "is not a valid regular expression: {}", Shown(words)),
            RegexError::TooLarge => write!(
                f,
                "is too large: expected at most {} bytes, with few repetitions and little nesting",
                RegexError::MAX_LENGTH
            ),
            RegexError::Loose(whole) => {
                f.write_str("is not anchored at both ends, so it would also match longer names that contain it; ")?;
                // As it is to be written, where it can be printed.
                match whole.as_ref().filter(|whole| whole.bytes().all(|byte| matches!(byte, b' '..=b'~'))) {
                    Some(whole) => write!(f, "write `{whole}`"),
                    None => f.write_str("begin it with `^(?:` and end it with `)$`"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_without_advice_is_told_how_to_end() {
        assert_eq!(
            RegexError::Loose(None).to_string(),
            "is not anchored at both ends, so it would also match longer names that contain it; begin it with `^(?:` and end it with `)$`"
        );
    }
}
