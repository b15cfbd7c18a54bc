//! What is wrong with the settings?
//!
//! Each sentence follows the place that it is about.

use std::fmt;

use crate::{
    evidence::notation::IdentityError,
    policy::{
        Found, HostCalls, Mistake, Problem, TimeBudget,
        attestation::SHORT_NAMES,
        settings::Kind,
        shape::{Shape, TYPES},
    },
    text::Shown,
    verify::TrustRootName,
};

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_root() {
            true => self.what.fmt(f),
            false => write!(f, "{}: {}", self.path, self.what),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mistake::NotUtf8 => f.write_str("the settings are not UTF-8"),
            Mistake::NotJson(error) => write!(f, "the settings are not JSON: {error}"),
            Mistake::Unreadable(error) => f.write_str(error),
            Mistake::Unknown => f.write_str("can't be used"),
            Mistake::Missing => f.write_str("is missing"),
            Mistake::UnknownKey { meant: Some(meant), known } => {
                write!(f, "is not a key here; did you mean `{meant}`? Known are {}", known.join(", "))
            }
            Mistake::UnknownKey { meant: None, known } => {
                write!(f, "is not a key here; known are {}", known.join(", "))
            }
            Mistake::Type { found, expected } => write!(f, "is {found}; it must be {}", form(expected)),
            Mistake::Refused(why) => f.write_str(why),
            Mistake::NoNames => f.write_str("is empty, which nothing can satisfy; leave it out"),
            Mistake::Entries { length: 0, .. } => f.write_str("is empty; expected at least one entry"),
            Mistake::Entries { length, most } => write!(f, "has {length} entries; at most {most} are allowed"),

            Mistake::Namespace(text) => write!(f, "expected the name of a namespace, found {}", Code(text)),
            Mistake::NoReason => f.write_str("is empty; expected the reason for this exception"),
            Mistake::OwnGroup => f.write_str("the policy has the kinds of the core group, `apps` and `batch` built in; remove this entry"),
            Mistake::ApiGroup(text) => {
                write!(f, "expected an API group without a version, such as `argoproj.io`, found {}", Code(text))
            }
            Mistake::KindName(text) => write!(f, "expected the name of a kind, such as `Rollout`, found {}", Code(text)),
            Mistake::PodSpecPath(text) => {
                write!(f, "expected a path to a pod spec, such as `spec.template.spec`, found {}", Code(text))
            }
            Mistake::WorkloadTwice => f.write_str("another entry lists the same pod spec"),

            Mistake::NoValidatorName => f.write_str("is empty; rules find a validator by its name"),
            Mistake::ValidatorNameTwice(name) => write!(f, "{} is the name of another validator", Code(&name.0)),
            Mistake::OfOtherType { kind: Kind::Static, key: "trustRoots" } => {
                f.write_str("a static validator has no trust roots")
            }
            Mistake::OfOtherType { kind: Kind::Static, key: "trustedRoot" } => {
                f.write_str("a static validator proves nothing")
            }
            Mistake::OfOtherType { kind: Kind::Static, .. } => f.write_str("a static validator asks nobody"),
            Mistake::OfOtherType { kind, key: "approve" } => {
                write!(f, "belongs to static validators; a {} validator approves what is signed", kind.word())
            }
            Mistake::OfOtherType { kind: Kind::Cosign, key: "cert" } => f.write_str(
                "is for notation validators; for certificates of an own CA write `certificate: {ca: …, subject: …}`",
            ),
            Mistake::OfOtherType { kind, .. } => write!(f, "is not for {} validators", kind.word()),
            Mistake::NoCertificate => f.write_str("is missing: write the certificate of the CA or of the signer, in PEM"),
            Mistake::Certificates => f.write_str(
                "cannot be read; expected 1 to 20 PEM certificates (X.509 version 3) with RSA keys of at least 2048 bits or ECDSA keys",
            ),
            Mistake::TimestampsOfSigningAuthority => {
                f.write_str("has no effect for `scheme: signingAuthority`, which tells the time itself; leave it out")
            }
            Mistake::TrustedIdentity(error) => error.fmt(f),
            Mistake::OverlappingIdentity => {
                f.write_str("includes another one of the list, or is included in it; keep one of them")
            }
            Mistake::SkippedExpiry => f.write_str("cannot be skipped; write `enforce` or `log`"),
            Mistake::NoApprove => f.write_str("is missing: write true or false"),
            Mistake::NoTrustRoots(Kind::Notation) => {
                f.write_str("is missing: list who may sign, as `- {name: …, cert: …}`")
            }
            Mistake::NoTrustRoots(Kind::NotaryV1) => {
                f.write_str("is missing: list whose repositories count, as `- {name: …, key: …}`")
            }
            Mistake::NoTrustRoots(_) => f.write_str(
                "is missing: list who may sign, as `- {name: …, key: …}` or `- {name: …, keyless: {issuer: …, subject: …}}`",
            ),
            Mistake::AskHostWithoutKey => f.write_str(
                "has no effect: the policy server is asked about public keys without `signatureAlgorithm` only, and no trust root is one; leave it out",
            ),
            Mistake::AskHostBesideRepository => f.write_str(
                "has no effect beside `repository`: the policy server looks for signatures beside the image; keep one of them",
            ),
            Mistake::Repository(text) => write!(
                f,
                "is {}; it must be a registry and a repository, without tag and digest, as in `registry.example.com/trust/evidence`",
                Code(text)
            ),
            Mistake::Host(Kind::NotaryV1) => f.write_str(
                "must be the address of the notary server as a text, as in `https://notary.example.com`; a mapping belongs to cosign validators",
            ),
            Mistake::Host(_) => f.write_str(
                "must be a mapping such as `{fulcioCert: …}`; the address of a notary server belongs to notaryv1 validators",
            ),
            Mistake::NoRootKey => f.write_str("is missing: write the root key of the repository, in PEM"),
            Mistake::Delegation(text) => write!(
                f,
                "is {}; it must be the name of a delegation of the first level, as in `releases` or `targets/releases`",
                Code(text)
            ),
            Mistake::DelegationTwice(name) => write!(f, "names the delegation {} twice; keep one of them", Code(name)),
            Mistake::SeveralGuns => f.write_str(
                "asks for trust roots with different `gun`; name one of them, or make validators of their own",
            ),
            Mistake::HostBesideTrustedRoot => {
                f.write_str("stands beside trustedRoot, which says the same and more; keep one of them")
            }
            Mistake::TrustedRoot(error) => error.fmt(f),
            Mistake::NoCa => f.write_str("is empty: keyless trust roots need a CA"),
            Mistake::NoTlog => f.write_str(
                "is empty, and a log entry cannot be checked without a log; give one, or write `verifyInTransparencyLog: false` if timestamps say when a certificate was used",
            ),
            Mistake::NoCtLog => f.write_str("is empty, and an SCT cannot be checked without a CT log; give one, or write `verifySCT: false`"),
            Mistake::NoTimestampAuthority => f.write_str(
                "is empty, and with `verifyInTransparencyLog: false` only a timestamp says when a keyless certificate was used; give a time-stamping authority",
            ),

            Mistake::NoTrustRootName => f.write_str("needs a name of its own: `*` stands for all"),
            Mistake::TrustRootNameTwice(name) => write!(f, "{} is the name of another trust root", Code(&name.0)),
            Mistake::SameSigner { key, other } => {
                write!(f, "is the {key} of {}: one signer has one vote", Code(&other.0))
            }
            Mistake::NoSigner => f.write_str("is missing: give a key, or one of keyless, github and certificate"),
            Mistake::SeveralSigners => f.write_str(
                "has more than one of key, keyless, github and certificate; make them trust roots of their own",
            ),
            Mistake::Key(error) => error.fmt(f),
            Mistake::SignatureAlgorithm(can) => write!(f, "is not an algorithm of this key; it can sign with {can}"),
            Mistake::AlgorithmWithoutKey => {
                f.write_str("belongs to a trust root with `key`; a certificate itself says how its key signs")
            }
            Mistake::Claims => f.write_str(
                "must be a mapping from each claim to a text or to `{matches: EXPRESSION}`, as in `{sourceRepository: https://github.com/acme/app}`",
            ),
            Mistake::WorkflowIssuer(text) => write!(
                f,
                "is {}; it must be an address, as in `https://token.actions.githubusercontent.com/acme`",
                Code(text)
            ),
            Mistake::NameLength { length, most } => write!(f, "has {length} bytes; a name has 1 to {most}"),
            Mistake::Regex(error) => error.fmt(f),
            Mistake::Prefix => f.write_str(
                "must be a URI with its host that ends with a slash, as in `https://github.com/acme/`; otherwise it would also accept names such as `https://github.com/acme-evil`",
            ),
            Mistake::NoIdentity(key) => write!(f, "is missing: give {}", forms(key, "or")),
            Mistake::SeveralIdentities(key) => {
                write!(f, "is given more than once; keep one of {}", forms(key, "and"))
            }
            Mistake::WorkflowName(text) => {
                write!(
                    f,
                    "\"{}\" is not one name: write letters, digits, `-`, `_` and `.`; a workflow can also be a path, as in `acme/app/.github/workflows/release.yml`",
                    Shown(text)
                )
            }
            Mistake::GitReference(text) => write!(
                f,
                "\"{}\" is no git reference: write `refs/heads/main`, or `refs/tags/v*`, where `*` stands for any text",
                Shown(text)
            ),
            Mistake::Time(text) => {
                write!(f, "\"{}\" is no time in UTC; write it as 2026-12-31T23:59:59Z", Shown(text))
            }
            Mistake::EmptyPeriod => f.write_str("is not after notBefore: the trust root would never count"),

            Mistake::TrustRootAndTrustRoots => f.write_str("stands beside trustRoot; keep one of them"),
            Mistake::PredicateType(text) => {
                let names: Vec<&str> = SHORT_NAMES.iter().map(|(short, _)| *short).collect();
                write!(
                    f,
                    "{} is no predicate type; write a URI, as in `https://slsa.dev/provenance/v1`, or one of {}",
                    Code(text),
                    names.join(", ")
                )
            }
            Mistake::SignatureType => {
                f.write_str("is the type of cosign signatures; remove this entry, because `trustRoot` already requires a signature")
            }
            Mistake::AgeOfKey => f.write_str(
                "works only for keyless trust roots; for a key or an own CA, use a condition: `where: [{path: metadata.scanFinishedOn, newerThan: 7d}]`",
            ),
            Mistake::NoSignatureAtAll => f.write_str(
                "a rule without a signature needs attestations",
            ),
            Mistake::OnlyPlatforms => f.write_str(
                "a rule without a signature needs an attestation of the image itself (`subjects: image`), because otherwise anybody could list other platforms",
            ),
            Mistake::OfNoSignature => f.write_str("has no effect with `signature: false`; remove it"),

            Mistake::Pattern(error) => error.fmt(f),
            Mistake::SamePattern(pattern) => write!(
                f,
                "matches exactly what {} does, and decides differently; keep one of them",
                Code(&pattern.0)
            ),
            Mistake::NoValidator(name) => write!(f, "there is no validator called {}", Code(&name.0)),
            Mistake::NoDefaultValidator => {
                f.write_str("names none, and there is no validator called `default`; name one")
            }
            Mistake::StaticOptions => {
                f.write_str("a static validator proves nothing, so it takes no options; remove `with`")
            }
            Mistake::NoTrustRoot { name, all } => {
                write!(f, "there is no trust root {}; there are {}", Code(&name.0), codes(all))
            }
            Mistake::NoDefaultTrustRoot { all } => write!(
                f,
                "is missing, and no trust root is called `default`; name one of {}, or `\"*\"` for all",
                codes(all)
            ),
            Mistake::NotAsked { name, asked } => {
                write!(f, "{} is none of the trust roots that this rule asks: {}", Code(&name.0), codes(asked))
            }
            Mistake::RequiredTwice(name) => write!(f, "{} is listed twice", Code(&name.0)),
            Mistake::ThresholdOfOne => f.write_str("needs several trust roots: give `trustRoot: \"*\"`"),
            Mistake::Threshold { is, most } => {
                write!(f, "is {is}: it must be from 1 to {most}, the number of trust roots")
            }
            Mistake::TooLong { length, most } => {
                write!(f, "holds a text of {length} bytes; at most {most} are read")
            }
            Mistake::Condition(mistake) => mistake.fmt(f),
            Mistake::SctOfKey => f.write_str("asks for the SCT of a certificate, and a key has none; leave it out"),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Null => f.write_str("empty"),
            Found::Flag(flag) => flag.fmt(f),
            Found::Number(number) => number.fmt(f),
            Found::Text(text) => write!(f, "the text {}", Code(text)),
            Found::List => f.write_str("a list"),
            Found::Mapping => f.write_str("a mapping"),
        }
    }
}

/// What belongs at a place.
fn form(shape: &Shape) -> String {
    match shape {
        Shape::Text | Shape::Pattern => "a text".to_owned(),
        Shape::Key => "a public key in PEM".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::Count => "a whole number, 1 or more".to_owned(),
        Shape::CountFromZero => "a whole number, 0 or more".to_owned(),
        Shape::Number => "a number".to_owned(),
        Shape::Scalar => "a text, a number, or true or false".to_owned(),
        Shape::Milliseconds => format!("a number of milliseconds from 1 to {}", TimeBudget::MAX_MS),
        Shape::HostCalls => format!("a number of host calls from 1 to {}", HostCalls::MAX),
        Shape::ValidatorType => format!("one of {}", TYPES.join(", ")),
        Shape::Word(words) => format!("one of {}", words.join(", ")),
        Shape::Texts => "a mapping of texts to texts".to_owned(),
        Shape::List(_) | Shape::Names => "a list".to_owned(),
        Shape::NameOrNames => "a text or a list of texts".to_owned(),
        Shape::Object(_) => "a mapping".to_owned(),
        Shape::FlagOr(_) => "true, false or a mapping".to_owned(),
        Shape::TextOr(_) => "a text or a mapping".to_owned(),
        Shape::Document => "a mapping, or its text".to_owned(),
        Shape::Refused(why) => (*why).to_owned(),
    }
}

/// A name of the settings, as code.
struct Code<'a>(&'a str);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", Shown(self.0))
    }
}

fn codes(names: &[TrustRootName]) -> String {
    names.iter().map(|name| Code(&name.0).to_string()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentityError::Kind => f.write_str(
                "is no trusted identity; expected `x509.subject: C=…, ST=…, O=…`, or the ARN of a signing profile of AWS Signer",
            ),
            IdentityError::Name => f.write_str("is not a distinguished name in the form of RFC 4514"),
            IdentityError::Type(kind) => write!(
                f,
                "has the attribute {}; known are C, ST, L, O, OU, CN, STREET, POSTALCODE and SERIALNUMBER",
                Code(kind)
            ),
            IdentityError::Several => f.write_str("has an attribute twice, or two in one place (`+`)"),
            IdentityError::Lacks(kind) => write!(f, "lacks {kind}; the attributes C, ST and O are mandatory"),
            IdentityError::Profile => f.write_str("is not the ARN of a signing profile of AWS Signer"),
        }
    }
}
/// The keys that can say this text of a certificate.
fn forms(key: &str, last: &str) -> String {
    match key {
        "subject" => format!("subject, subjectRegex {last} subjectPrefix"),
        _ => format!("{key} {last} {key}Regex"),
    }
}
