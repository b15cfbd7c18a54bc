//! What does a validator ask for: nothing, or signatures of whom, and which authorities and logs does it trust?
//!
//! Read when a rule of the validator wins, and once however many images there are. Which of it a rule needs is the rule's business.

use std::{cell::OnceCell, collections::BTreeSet, rc::Rc};

use serde_json::value::RawValue;

use super::{
    Problem, bound,
    settings::{self, ALL, Kind},
};
use crate::{
    json::{Text, text},
    signing::PublicKey,
    sigstore::{Anchored, Authorities, CertificateIdentity, TextMatcher, TrustedRoot, TrustedRootError, Workflow},
    text::Shown,
    time::{Period, UnixTime},
    verify::{EvidenceTerms, SctRequirement, TrustRoot, TrustRootKind},
};

/// Most trust roots of one validator: each can cost a host call.
const MAX_TRUST_ROOTS: usize = 50;
/// Longest name of an identity, in bytes.
const MAX_NAME: usize = 2048;

/// What a validator says, before any rule's options.
#[derive(Debug)]
pub enum Validator {
    /// Whether every image is admitted.
    Static(bool),
    /// Who may sign.
    Cosign(CosignValidator),
}

impl Validator {
    /// Reads a validator, or notes everything that is wrong with it.
    pub fn read((at, validator): (usize, &settings::Validator<'_>)) -> Result<Validator, Vec<Problem>> {
        let path = |rest: &str| format!("validators[{at}].{rest}");
        let wrong = |rest: &str, what: &str| Err(vec![Problem::new(path(rest), what)]);
        match (validator.kind, validator.approve, validator.trust_roots) {
            (Kind::Static, _, Some(_)) => wrong("trustRoots", "a static validator has no trust roots"),
            (Kind::Static, ..) if validator.trusted_root.is_some() => {
                wrong("trustedRoot", "a static validator proves nothing")
            }
            (Kind::Static, ..) if validator.host.is_some() => wrong("host", "a static validator asks nobody"),
            (Kind::Static, ..) if validator.ask_host.is_some() => wrong("askHost", "a static validator asks nobody"),
            (Kind::Static, None, None) => wrong("approve", "is missing: write true or false"),
            (Kind::Static, Some(approve), None) => Ok(Validator::Static(approve)),
            (Kind::Cosign, Some(_), _) => {
                wrong("approve", "belongs to static validators; a cosign validator approves what is signed")
            }
            (Kind::Cosign, None, None) => wrong(
                "trustRoots",
                "is missing: list who may sign, as `- {name: …, key: …}` or `- {name: …, keyless: {issuer: …, subject: …}}`",
            ),
            (Kind::Cosign, None, Some(text)) => {
                let signers = CosignValidator::read(at, validator, text)?;
                match validator.ask_host == Some(true) && signers.roots.iter().all(|root| root.key().is_none()) {
                    true => wrong(
                        "askHost",
                        "has no effect: the policy server is asked about public keys only, and no trust root is one; leave it out",
                    ),
                    false => Ok(Validator::Cosign(signers)),
                }
            }
        }
    }
}

/// What a cosign validator says.
#[derive(Debug)]
pub struct CosignValidator {
    /// The trust roots, in the order of the settings.
    pub roots: Vec<TrustRoot>,
    /// Where the evidence lies.
    pub evidence: EvidenceTerms,
    /// The validator's own, or the one that was needed.
    trusted_root: OnceCell<Rc<TrustedRoot>>,
}

/// What a rule asks of a validator's trusted root.
pub struct TrustedRootParts {
    pub(super) sct: SctRequirement,
    /// Whether certificates of the trusted root's authorities count.
    pub cas: bool,
    /// Whether its transparency logs are needed.
    pub logs: bool,
    /// Whether its certificate transparency logs are needed.
    pub ct_logs: bool,
    /// Whether its time-stamping authorities are needed, because no log says when a keyless certificate was used.
    pub timestamps: bool,
}

impl CosignValidator {
    /// Reads a validator's trust roots (`text`) and its trusted root, or notes everything that is wrong with them.
    pub(super) fn read(
        at: usize,
        validator: &settings::Validator<'_>,
        text: &RawValue,
    ) -> Result<CosignValidator, Vec<Problem>> {
        let path = |rest: &str| format!("validators[{at}].{rest}");
        let given = match (validator.trusted_root, &validator.host) {
            (Some(_), Some(_)) => Err(vec![Problem::new(
                path("host"),
                "stands beside trustedRoot, which says the same and more; keep one of them",
            )]),
            (Some(text), None) => read_trusted_root(&path("trustedRoot"), text).map(Some),
            (None, Some(instance)) => read_instance(&path("host"), instance).map(Some),
            (None, None) => Ok(None),
        };
        match (read_roots(&path("trustRoots"), text), given) {
            (Ok(roots), Ok(given)) => {
                let trusted_root = given.map(Rc::new).map_or_else(OnceCell::new, OnceCell::from);
                Ok(CosignValidator { roots, evidence: EvidenceTerms::default(), trusted_root })
            }
            (roots, given) => Err([roots.err(), given.err()].into_iter().flatten().flatten().collect()),
        }
    }

    /// The trusted root that a rule needs: the validator's own, or the public-good instance's. Where a rule needs none, there is nothing in it.
    pub fn trusted_root(&self, at: usize, asked: &TrustedRootParts) -> Result<Rc<TrustedRoot>, Vec<Problem>> {
        if !(asked.cas || asked.logs || asked.ct_logs || asked.timestamps) {
            return Ok(Rc::default());
        }
        let trusted_root = match self.trusted_root.get() {
            Some(trusted_root) => trusted_root,
            None => {
                let public = TrustedRoot::public_good().map_err(|error| wrong("", error))?;
                self.trusted_root.get_or_init(|| Rc::new(public))
            }
        };
        let [cas, logs, ct_logs, timestamps] = trusted_root.parts();
        let lacks = [
            (asked.cas && cas == 0, "certificateAuthorities", "keyless trust roots need a CA"),
            (asked.logs && logs == 0, "tlogs", "a log entry can't be checked without"),
            (asked.ct_logs && ct_logs == 0, "ctlogs", "an SCT can't be checked without; or write `verifySCT: false`"),
            (
                asked.timestamps && timestamps == 0,
                "timestampAuthorities",
                "with `verifyInTransparencyLog: false` only a timestamp says when a keyless certificate, which is valid for minutes, was used",
            ),
        ];
        let lacks: Vec<Problem> = lacks
            .into_iter()
            .filter(|(lacks, ..)| *lacks)
            .map(|(_, part, why)| {
                Problem::new(format!("validators[{at}].trustedRoot.{part}"), format!("is empty: {why}"))
            })
            .collect();
        if lacks.is_empty() { Ok(Rc::clone(trusted_root)) } else { Err(lacks) }
    }
}

impl TrustedRootParts {
    /// What a rule asks that asks these trust roots, and says this of logs.
    pub(super) fn of(
        roots: &[TrustRoot],
        in_log: Option<bool>,
        wants_sct: Option<bool>,
        wrong: &mut impl FnMut(&str, String),
    ) -> TrustedRootParts {
        let has_certificates = roots.iter().any(|root| root.key().is_none());
        if !has_certificates && !roots.is_empty() && wants_sct == Some(true) {
            wrong("verifySCT", "asks for the SCT of a certificate, and a key has none; leave it out".to_owned());
        }
        let sct = match wants_sct {
            None => SctRequirement::Keyless,
            Some(true) => SctRequirement::All,
            Some(false) => SctRequirement::None,
        };
        TrustedRootParts::by(roots, in_log, sct)
    }

    /// What these trust roots take, with these options.
    pub fn by(roots: &[TrustRoot], tlog_entry: Option<bool>, sct: SctRequirement) -> TrustedRootParts {
        let cas = roots.iter().any(|root| matches!(root.kind, TrustRootKind::Keyless(_)));
        let ct_logs = match sct {
            SctRequirement::Keyless => cas,
            SctRequirement::All => roots.iter().any(|root| root.key().is_none()),
            SctRequirement::None => false,
        };
        let logs = tlog_entry.unwrap_or(cas);
        TrustedRootParts { sct, cas, logs, ct_logs, timestamps: cas && !logs }
    }
}

fn wrong(path: &str, error: TrustedRootError) -> Vec<Problem> {
    let path = [path, &*error.path].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
    vec![Problem::new(path, error.what)]
}

/// A `trusted_root.json`, as a mapping or as its text.
fn read_trusted_root(path: &str, json: &RawValue) -> Result<TrustedRoot, Vec<Problem>> {
    let inner = if json.get().starts_with('"') { text(json).ok() } else { None };
    TrustedRoot::read(inner.as_deref().unwrap_or(json.get())).map_err(|error| wrong(path, error))
}

/// What Connaisseur's `host` names in place of the public-good instance's.
fn read_instance(path: &str, instance: &settings::Instance<'_>) -> Result<TrustedRoot, Vec<Problem>> {
    let key = |key: &str, error: &dyn std::fmt::Display| vec![Problem::new(format!("{path}.{key}"), error.to_string())];
    let mut trusted = TrustedRoot::public_good().map_err(|error| wrong(path, error))?;
    if let Some(Text(pem)) = &instance.fulcio_cert {
        trusted = trusted.with_authorities(pem).map_err(|error| wrong(&format!("{path}.fulcioCert"), error))?;
    }
    if let Some(Text(pem)) = &instance.rekor_pubkey {
        trusted = trusted.with_tlog(pem).map_err(|error| key("rekorPubkey", &error))?;
    }
    if let Some(Text(pem)) = &instance.ct_log_pubkey {
        trusted = trusted.with_ctlog(pem).map_err(|error| key("ctLogPubkey", &error))?;
    }
    Ok(trusted)
}

fn read_roots(path: &str, text: &RawValue) -> Result<Vec<TrustRoot>, Vec<Problem>> {
    let written: Vec<settings::TrustRoot<'_>> =
        serde_json::from_str(text.get()).map_err(|error| vec![Problem::new(path, error.to_string())])?;
    if !(1..=MAX_TRUST_ROOTS).contains(&written.len()) {
        return Err(vec![Problem::new(path, bound(written.len(), MAX_TRUST_ROOTS))]);
    }
    let mut roots: Vec<TrustRoot> = Vec::with_capacity(written.len());
    let mut names = BTreeSet::new();
    let mut problems = Vec::new();
    for (i, root) in written.iter().enumerate() {
        let path = format!("{path}[{i}]");
        let name = &*root.name.0;
        if name.is_empty() || name == ALL {
            problems.push(Problem::new(format!("{path}.name"), "needs a name of its own: `*` stands for all"));
        }
        if !names.insert(name) {
            let what = format!("`{}` is the name of another trust root", Shown(name));
            problems.push(Problem::new(format!("{path}.name"), what));
        }
        match (read_kind(&path, root), read_period(&path, root)) {
            (Ok((key, kind)), Ok(period)) => {
                let root = TrustRoot { name: name.to_owned(), kind, period };
                match roots.iter().find(|other| other.is_same(&root)) {
                    Some(same) => {
                        let what = format!("is the {key} of `{}`: one signer has one vote", Shown(&same.name));
                        problems.push(Problem::new(format!("{path}.{key}"), what));
                    }
                    None => roots.push(root),
                }
            }
            (signs, period) => problems.extend([signs.err(), period.err()].into_iter().flatten()),
        }
    }
    if problems.is_empty() { Ok(roots) } else { Err(problems) }
}

/// What makes a trust root's signatures, and the key that says so.
fn read_kind(path: &str, root: &settings::TrustRoot<'_>) -> Result<(&'static str, TrustRootKind), Problem> {
    let wrong = |key: &str, what: String| Problem::new(format!("{path}.{key}"), what);
    match (&root.key, &root.keyless, &root.github, &root.certificate) {
        (Some(Text(pem)), None, None, None) => {
            let key = PublicKey::parse(pem).map_err(|error| wrong("key", error.to_string()))?;
            Ok(("key", TrustRootKind::Key(key)))
        }
        (None, Some(keyless), None, None) => {
            let path = format!("{path}.keyless");
            let issuer = read_wanted(&path, "issuer", &keyless.issuer, &keyless.issuer_regex, &None)?;
            let subject =
                read_wanted(&path, "subject", &keyless.subject, &keyless.subject_regex, &keyless.subject_prefix)?;
            Ok(("keyless", TrustRootKind::Keyless(CertificateIdentity::Named { issuer: Some(issuer), subject })))
        }
        (None, None, Some(github), None) => Ok((
            "github",
            TrustRootKind::Keyless(CertificateIdentity::Workflow(read_workflow(&format!("{path}.github"), github)?)),
        )),
        (None, None, None, Some(certificate)) => {
            let path = format!("{path}.certificate");
            let authorities =
                Authorities::read(&certificate.ca.0).map_err(|error| Problem::new(format!("{path}.ca"), error.what))?;
            let settings::Certificate { subject, subject_regex, subject_prefix, .. } = certificate;
            let subject = read_wanted(&path, "subject", subject, subject_regex, subject_prefix)?;
            Ok((
                "certificate",
                TrustRootKind::Certificate(authorities, CertificateIdentity::Named { issuer: None, subject }),
            ))
        }
        (None, None, None, None) => {
            Err(wrong("key", "is missing: give a key, or one of keyless, github and certificate".to_owned()))
        }
        _ => Err(Problem::new(
            path,
            "has more than one of key, keyless, github and certificate; make them trust roots of their own",
        )),
    }
}

/// The one text that is wanted, in one of three ways.
fn read_wanted(
    path: &str,
    key: &str,
    is: &Option<Text<'_>>,
    matches: &Option<Text<'_>>,
    begins: &Option<Text<'_>>,
) -> Result<TextMatcher, Problem> {
    let wrong = |key: String, what: String| Problem::new(format!("{path}.{key}"), what);
    let written = [is, matches, begins].into_iter().flatten();
    if let Some(Text(text)) = written.clone().find(|Text(text)| text.is_empty() || text.len() > MAX_NAME) {
        return Err(wrong(key.to_owned(), format!("has {} bytes; a name has 1 to {MAX_NAME}", text.len())));
    }
    match (is, matches, begins) {
        (Some(Text(text)), None, None) => Ok(TextMatcher::Exact(text.clone().into_owned())),
        (None, Some(Text(text)), None) => {
            Anchored::read(text).map(TextMatcher::Regex).map_err(|error| wrong(format!("{key}Regex"), error.to_string()))
        }
        (None, None, Some(Text(text))) => match is_prefix(text) {
            true => Ok(TextMatcher::Prefix(text.clone().into_owned())),
            false => Err(wrong(
                format!("{key}Prefix"),
                "must be a URI with its host that ends with a slash, as in `https://github.com/acme/`: else names would do that only begin alike".to_owned(),
            )),
        },
        (None, None, None) => Err(wrong(key.to_owned(), format!("is missing: give {key} or {key}Regex"))),
        _ => Err(wrong(key.to_owned(), format!("is given more than once; keep one of {key}, {key}Regex and {key}Prefix"))),
    }
}

/// Is this the beginning of URIs, up to a slash after the host?
pub fn is_prefix(text: &str) -> bool {
    let host = text.split_once("://").and_then(|(scheme, rest)| rest.split_once('/').filter(|_| !scheme.is_empty()));
    host.is_some_and(|(host, _)| !host.is_empty()) && text.ends_with('/')
}

fn read_workflow(path: &str, github: &settings::Github<'_>) -> Result<Workflow, Problem> {
    let name = |key: &str, Text(text): &Text<'_>| {
        let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        match (1..=MAX_NAME).contains(&text.len()) && text.chars().all(usable) {
            true => Ok(text.clone().into_owned()),
            false => Err(Problem::new(
                format!("{path}.{key}"),
                format!("\"{}\" is not one name: write letters, digits, `-`, `_` and `.`", Shown(text)),
            )),
        }
    };
    let optional = |key: &str, text: &Option<Text<'_>>| text.as_ref().map(|text| name(key, text)).transpose();
    let reference = match &github.reference {
        Some(Text(text)) if !text.starts_with("refs/") || text.len() > MAX_NAME => {
            let what = format!(
                "\"{}\" is no git reference: write `refs/heads/main`, or `refs/tags/v*`, where `*` stands for any text",
                Shown(text)
            );
            return Err(Problem::new(format!("{path}.ref"), what));
        }
        reference => reference.as_ref().map(|Text(text)| text.clone().into_owned()),
    };
    Ok(Workflow {
        owner: name("owner", &github.owner)?,
        repo: optional("repo", &github.repo)?,
        workflow: optional("workflow", &github.workflow)?,
        reference,
    })
}

fn read_period(path: &str, root: &settings::TrustRoot<'_>) -> Result<Period, Problem> {
    let read = |key: &str, text: &Option<Text<'_>>| match text {
        None => Ok(None),
        Some(Text(text)) => UnixTime::parse(text).map(Some).ok_or_else(|| {
            let what = format!("\"{}\" is no time in UTC; write it as 2026-12-31T23:59:59Z", Shown(text));
            Problem::new(format!("{path}.{key}"), what)
        }),
    };
    let period = Period { start: read("notBefore", &root.not_before)?, end: read("notAfter", &root.not_after)? };
    match (period.start, period.end) {
        (Some(start), Some(end)) if end <= start => {
            Err(Problem::new(format!("{path}.notAfter"), "is not after notBefore: the trust root would never count"))
        }
        _ => Ok(period),
    }
}
