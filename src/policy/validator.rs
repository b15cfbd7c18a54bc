//! What does a validator ask for: nothing, or signatures of whom?
//!
//! Read when a rule of the validator wins, and once however many images there are. Which of it a rule needs is the rule's business.

mod cosign;
mod identity;
mod notary_v1;
mod notation;

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::{
    Mistake, Problem,
    settings::{self, ALL, Kind},
};
use crate::{
    image::ImageRef,
    json::{JsonPath, Text},
    time::{Period, UnixTime},
    verify::{TrustRoot, TrustRootKind, TrustRootName},
};
pub use cosign::{CosignValidator, TrustedRootParts};
pub use identity::is_prefix;
pub use notary_v1::NotaryValidator;
pub use notation::NotationValidator;

/// Most trust roots of one validator: each can cost a host call.
const MAX_TRUST_ROOTS: usize = 50;

/// What a validator says, before any rule's options.
#[derive(Debug)]
pub enum Validator {
    /// Whether every image is admitted.
    Static(bool),
    /// Who may sign with cosign.
    Cosign(CosignValidator),
    /// Who may sign with Notation.
    Notation(NotationValidator),
    /// Who may vouch for repositories of Notary v1.
    NotaryV1(NotaryValidator),
}

impl Validator {
    /// Reads a validator, or notes everything that is wrong with it.
    pub fn read((at, validator): (usize, &settings::Validator<'_>)) -> Result<Validator, Vec<Problem>> {
        let wrong = |key: &'static str, what| Err(vec![Problem::new(place(at).key(key), what)]);
        let kind = validator.kind;
        let of_others = |(_, is_there, kinds): &(&str, bool, &[Kind])| *is_there && !kinds.contains(&kind);
        if let Some((key, ..)) = keys(validator).into_iter().find(of_others) {
            return wrong(key, Mistake::OfOtherType { kind, key });
        }
        let roots = validator
            .trust_roots
            .ok_or_else(|| vec![Problem::new(place(at).key("trustRoots"), Mistake::NoTrustRoots(kind))]);
        match kind {
            Kind::Static => match validator.approve {
                Some(approve) => Ok(Validator::Static(approve)),
                None => wrong("approve", Mistake::NoApprove),
            },
            Kind::Cosign => CosignValidator::read(at, validator, roots?).map(Validator::Cosign),
            Kind::Notation => NotationValidator::read(at, validator, roots?).map(Validator::Notation),
            Kind::NotaryV1 => NotaryValidator::read(at, validator, roots?).map(Validator::NotaryV1),
        }
    }

    /// The trust roots, in the order of the settings.
    #[must_use]
    pub fn roots(&self) -> &[TrustRoot] {
        match self {
            Validator::Static(_) => &[],
            Validator::Cosign(validator) => &validator.roots,
            Validator::Notation(validator) => &validator.roots,
            Validator::NotaryV1(validator) => &validator.roots,
        }
    }
}

/// The keys that not every type of validator has: whether each is there, and the types that have it.
fn keys<'k>(validator: &settings::Validator<'_>) -> [(&'static str, bool, &'k [Kind]); 7] {
    use Kind::{Cosign, NotaryV1, Notation, Static};
    [
        ("trustRoots", validator.trust_roots.is_some(), &[Cosign, Notation, NotaryV1]),
        ("trustedRoot", validator.trusted_root.is_some(), &[Cosign]),
        ("host", validator.host.is_some(), &[Cosign, NotaryV1]),
        ("askHost", validator.ask_host.is_some(), &[Cosign]),
        ("repository", validator.repository.is_some(), &[Cosign, Notation, NotaryV1]),
        ("evidence", validator.evidence.is_some(), &[Cosign]),
        ("approve", validator.approve.is_some(), &[Static]),
    ]
}

/// The place of the validator with this index.
fn place(index: usize) -> JsonPath {
    JsonPath::root().key("validators").index(index)
}

/// The repository with a validator's evidence, if it is not the image's own.
fn repository(path: &JsonPath, validator: &settings::Validator<'_>) -> Result<Option<ImageRef>, Vec<Problem>> {
    let Some(Text(text)) = &validator.repository else { return Ok(None) };
    let image = ImageRef::parse(text).ok().filter(|image| {
        // What a reference leaves out is completed, and a tag that was written is not that.
        text.eq_ignore_ascii_case(&format!("{}/{}", image.registry(), image.repository()))
    });
    let wrong = || vec![Problem::new(path.key("repository"), Mistake::Repository(text.clone().into_owned()))];
    image.map(Some).ok_or_else(wrong)
}

/// The trust roots of a validator. `read_kind` reads what makes a trust root's signatures, and tells the key that says so.
///
/// # Errors
/// Everything that is wrong with them.
fn trust_roots(
    path: &JsonPath,
    text: &RawValue,
    read_kind: fn(&JsonPath, &settings::TrustRoot<'_>) -> Result<(&'static str, TrustRootKind), Problem>,
) -> Result<Vec<TrustRoot>, Vec<Problem>> {
    let written: Vec<settings::TrustRoot<'_>> = serde_json::from_str(text.get())
        .map_err(|error| vec![Problem::new(path.clone(), Mistake::Unreadable(error.to_string()))])?;
    if !(1..=MAX_TRUST_ROOTS).contains(&written.len()) {
        let what = Mistake::Entries { length: written.len(), most: MAX_TRUST_ROOTS };
        return Err(vec![Problem::new(path.clone(), what)]);
    }
    let mut roots: Vec<TrustRoot> = Vec::with_capacity(written.len());
    let mut names = BTreeSet::new();
    let mut problems = Vec::new();
    for (i, root) in written.iter().enumerate() {
        let path = path.index(i);
        let name = TrustRootName(root.name.0.clone().into_owned());
        if name.0.is_empty() || name.0 == ALL {
            problems.push(Problem::new(path.key("name"), Mistake::NoTrustRootName));
        }
        if !names.insert(name.clone()) {
            problems.push(Problem::new(path.key("name"), Mistake::TrustRootNameTwice(name.clone())));
        }
        match (read_kind(&path, root), read_period(&path, root)) {
            (Ok((key, kind)), Ok(period)) => {
                let root = TrustRoot { name, kind, period };
                match roots.iter().find(|other| other.is_same(&root)) {
                    Some(same) => {
                        let what = Mistake::SameSigner { key, other: same.name.clone() };
                        problems.push(Problem::new(path.key(key), what));
                    }
                    None => roots.push(root),
                }
            }
            (signs, period) => problems.extend([signs.err(), period.err()].into_iter().flatten()),
        }
    }
    if problems.is_empty() { Ok(roots) } else { Err(problems) }
}

fn read_period(path: &JsonPath, root: &settings::TrustRoot<'_>) -> Result<Period, Problem> {
    let read = |key: &'static str, text: &Option<Text<'_>>| match text {
        None => Ok(None),
        Some(Text(text)) => UnixTime::parse(text)
            .map(Some)
            .ok_or_else(|| Problem::new(path.key(key), Mistake::Time(text.clone().into_owned()))),
    };
    let period = Period { start: read("notBefore", &root.not_before)?, end: read("notAfter", &root.not_after)? };
    match (period.start, period.end) {
        (Some(start), Some(end)) if end <= start => Err(Problem::new(path.key("notAfter"), Mistake::EmptyPeriod)),
        _ => Ok(period),
    }
}
