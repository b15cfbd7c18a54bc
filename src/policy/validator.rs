//! What does a validator ask for: nothing, or signatures of whom, and which authorities and logs does it trust?
//!
//! Read when a rule of the validator wins, and once however many images there are. Which of it a rule needs is the rule's business.

use std::{borrow::Cow, cell::OnceCell, collections::BTreeSet, rc::Rc};

use serde_json::value::RawValue;

use super::{
    Mistake, Problem,
    settings::{self, ALL, Kind},
};
use crate::{
    image::ImageRef,
    json::{JsonPath, Text, all_members, only_members, text},
    signing::{PublicKey, SignatureAlgorithm},
    sigstore::{
        Anchored, Authorities, CLAIMS, CertificateIdentity, GITHUB, GITHUB_ISSUER, TextMatcher, TrustedRoot,
        TrustedRootProblem, WantedClaim, Workflow, WorkflowFile,
    },
    time::{Period, UnixTime},
    verify::{EvidenceTerms, SctRequirement, TrustRoot, TrustRootKind, TrustRootName},
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
        let wrong = |key: &'static str, what| Err(vec![Problem::new(place(at).key(key), what)]);
        match (validator.kind, validator.approve, validator.trust_roots) {
            (Kind::Static, _, Some(_)) => wrong("trustRoots", Mistake::StaticTrustRoots),
            (Kind::Static, ..) if validator.trusted_root.is_some() => wrong("trustedRoot", Mistake::StaticTrustedRoot),
            (Kind::Static, ..) if validator.host.is_some() => wrong("host", Mistake::StaticAsks),
            (Kind::Static, ..) if validator.ask_host.is_some() => wrong("askHost", Mistake::StaticAsks),
            (Kind::Static, ..) if validator.repository.is_some() => wrong("repository", Mistake::StaticAsks),
            (Kind::Static, ..) if validator.evidence.is_some() => wrong("evidence", Mistake::StaticAsks),
            (Kind::Static, None, None) => wrong("approve", Mistake::NoApprove),
            (Kind::Static, Some(approve), None) => Ok(Validator::Static(approve)),
            (Kind::Cosign, Some(_), _) => wrong("approve", Mistake::CosignApproves),
            (Kind::Cosign, None, None) => wrong("trustRoots", Mistake::NoTrustRoots),
            (Kind::Cosign, None, Some(text)) => {
                let signers = CosignValidator::read(at, validator, text)?;
                let asks = validator.ask_host == Some(true);
                match () {
                    () if asks
                        && signers.roots.iter().all(|root| root.key().is_none_or(|key| key.only().is_some())) =>
                    {
                        wrong("askHost", Mistake::AskHostWithoutKey)
                    }
                    () if asks && signers.evidence.repository.is_some() => {
                        wrong("askHost", Mistake::AskHostBesideRepository)
                    }
                    () => Ok(Validator::Cosign(signers)),
                }
            }
        }
    }
}

/// The place of the validator with this index.
fn place(index: usize) -> JsonPath {
    JsonPath::root().key("validators").index(index)
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
        let path = place(at);
        let given = match (validator.trusted_root, &validator.host) {
            (Some(_), Some(_)) => Err(vec![Problem::new(path.key("host"), Mistake::HostBesideTrustedRoot)]),
            (Some(text), None) => read_trusted_root(&path.key("trustedRoot"), text).map(Some),
            (None, Some(instance)) => read_instance(&path.key("host"), instance).map(Some),
            (None, None) => Ok(None),
        };
        let repository = validator.repository.as_ref().map(|Text(text)| {
            repository(text).ok_or_else(|| {
                vec![Problem::new(path.key("repository"), Mistake::Repository(text.clone().into_owned()))]
            })
        });
        match (read_roots(&path.key("trustRoots"), text), given, repository.transpose()) {
            (Ok(roots), Ok(given), Ok(repository)) => {
                let trusted_root = given.map(Rc::new).map_or_else(OnceCell::new, OnceCell::from);
                let first = validator.evidence.is_some_and(|evidence| evidence.first == Some(true));
                Ok(CosignValidator { roots, evidence: EvidenceTerms { repository, first }, trusted_root })
            }
            (roots, given, repository) => {
                Err([roots.err(), given.err(), repository.err()].into_iter().flatten().flatten().collect())
            }
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
                let public = TrustedRoot::public_good().map_err(|error| wrong(&JsonPath::root(), error))?;
                self.trusted_root.get_or_init(|| Rc::new(public))
            }
        };
        let [cas, logs, ct_logs, timestamps] = trusted_root.parts();
        let lacks = [
            (asked.cas && cas == 0, "certificateAuthorities", Mistake::NoCa),
            (asked.logs && logs == 0, "tlogs", Mistake::NoTlog),
            (asked.ct_logs && ct_logs == 0, "ctlogs", Mistake::NoCtLog),
            (asked.timestamps && timestamps == 0, "timestampAuthorities", Mistake::NoTimestampAuthority),
        ];
        let path = place(at).key("trustedRoot");
        let lacks: Vec<Problem> = lacks
            .into_iter()
            .filter(|(lacks, ..)| *lacks)
            .map(|(_, part, what)| Problem::new(path.key(part), what))
            .collect();
        if lacks.is_empty() { Ok(Rc::clone(trusted_root)) } else { Err(lacks) }
    }
}

impl TrustedRootParts {
    /// What a rule asks that asks these trust roots, and says this of logs.
    pub(super) fn of(
        roots: &[&TrustRoot],
        in_log: Option<bool>,
        wants_sct: Option<bool>,
        wrong: &mut impl FnMut(&'static str, Mistake),
    ) -> TrustedRootParts {
        let has_certificates = roots.iter().any(|root| root.key().is_none());
        if !has_certificates && !roots.is_empty() && wants_sct == Some(true) {
            wrong("verifySCT", Mistake::SctOfKey);
        }
        let sct = match wants_sct {
            None => SctRequirement::Keyless,
            Some(true) => SctRequirement::All,
            Some(false) => SctRequirement::None,
        };
        TrustedRootParts::by(roots.iter().copied(), in_log, sct)
    }

    /// What these trust roots take, with these options.
    pub fn by<'r>(
        roots: impl Iterator<Item = &'r TrustRoot>,
        tlog_entry: Option<bool>,
        sct: SctRequirement,
    ) -> TrustedRootParts {
        let (mut cas, mut certificates) = (false, false);
        for root in roots {
            cas |= matches!(root.kind, TrustRootKind::Keyless(_));
            certificates |= root.key().is_none();
        }
        let ct_logs = match sct {
            SctRequirement::Keyless => cas,
            SctRequirement::All => certificates,
            SctRequirement::None => false,
        };
        let logs = tlog_entry.unwrap_or(cas);
        TrustedRootParts { sct, cas, logs, ct_logs, timestamps: cas && !logs }
    }
}

/// The repository that a text names with its registry, and without tag and digest.
fn repository(text: &str) -> Option<ImageRef> {
    let image = ImageRef::parse(text).ok()?;
    // What a reference leaves out is completed, and a tag that was written is not that.
    let is_whole = text.eq_ignore_ascii_case(&format!("{}/{}", image.registry(), image.repository()));
    is_whole.then_some(image)
}

fn wrong(path: &JsonPath, problem: TrustedRootProblem) -> Vec<Problem> {
    vec![Problem::new(path.join(&problem.path), Mistake::TrustedRoot(problem.what))]
}

/// A `trusted_root.json`, as a mapping or as its text, or the name of one that the module carries.
fn read_trusted_root(path: &JsonPath, json: &RawValue) -> Result<TrustedRoot, Vec<Problem>> {
    let inner = if json.get().starts_with('"') { text(json).ok() } else { None };
    if let Some(carried) = inner.as_deref().and_then(TrustedRoot::carried) {
        return carried.map_err(|error| wrong(path, error));
    }
    TrustedRoot::read(inner.as_deref().unwrap_or(json.get())).map_err(|error| wrong(path, error))
}

/// What Connaisseur's `host` names in place of the public-good instance's.
fn read_instance(path: &JsonPath, instance: &settings::Instance<'_>) -> Result<TrustedRoot, Vec<Problem>> {
    let key = |key: &'static str, error| vec![Problem::new(path.key(key), Mistake::Key(error))];
    let mut trusted = TrustedRoot::public_good().map_err(|error| wrong(path, error))?;
    if let Some(Text(pem)) = &instance.fulcio_cert {
        let wrong = |error| vec![Problem::new(path.key("fulcioCert"), Mistake::TrustedRoot(error))];
        trusted = trusted.with_authorities(pem).map_err(wrong)?;
    }
    if let Some(Text(pem)) = &instance.rekor_pubkey {
        trusted = trusted.with_tlog(pem).map_err(|error| key("rekorPubkey", error))?;
    }
    if let Some(Text(pem)) = &instance.ct_log_pubkey {
        trusted = trusted.with_ctlog(pem).map_err(|error| key("ctLogPubkey", error))?;
    }
    Ok(trusted)
}

fn read_roots(path: &JsonPath, text: &RawValue) -> Result<Vec<TrustRoot>, Vec<Problem>> {
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

/// What makes a trust root's signatures, and the key that says so.
fn read_kind(path: &JsonPath, root: &settings::TrustRoot<'_>) -> Result<(&'static str, TrustRootKind), Problem> {
    match (&root.key, &root.keyless, &root.github, &root.certificate) {
        (Some(Text(pem)), None, None, None) => {
            let key = PublicKey::parse(pem).map_err(|error| Problem::new(path.key("key"), Mistake::Key(error)))?;
            let Some(Text(word)) = &root.signature_algorithm else { return Ok(("key", TrustRootKind::Key(key))) };
            let can = key.algorithms();
            let only = SignatureAlgorithm::parse(word).and_then(|algorithm| key.only_with(algorithm));
            let wrong = || Problem::new(path.key("signatureAlgorithm"), Mistake::SignatureAlgorithm(can));
            Ok(("key", TrustRootKind::Key(only.ok_or_else(wrong)?)))
        }
        _ if root.signature_algorithm.is_some() => {
            Err(Problem::new(path.key("signatureAlgorithm"), Mistake::AlgorithmWithoutKey))
        }
        (None, Some(keyless), None, None) => {
            let path = path.key("keyless");
            let issuer = read_wanted(&path, ISSUER, &keyless.issuer, &keyless.issuer_regex, &None)?;
            let subject =
                read_wanted(&path, SUBJECT, &keyless.subject, &keyless.subject_regex, &keyless.subject_prefix)?;
            Ok((
                "keyless",
                TrustRootKind::Keyless(CertificateIdentity::Named {
                    issuer: Some(issuer),
                    subject,
                    claims: read_claims(&path, keyless.claims)?,
                }),
            ))
        }
        (None, None, Some(github), None) => {
            let workflow = read_workflow(&path.key("github"), github)?;
            Ok(("github", TrustRootKind::Keyless(CertificateIdentity::Workflow(workflow))))
        }
        (None, None, None, Some(certificate)) => {
            let path = path.key("certificate");
            let authorities = Authorities::read(&certificate.ca.0)
                .map_err(|error| Problem::new(path.key("ca"), Mistake::TrustedRoot(error)))?;
            let settings::Certificate { subject, subject_regex, subject_prefix, .. } = certificate;
            let subject = read_wanted(&path, SUBJECT, subject, subject_regex, subject_prefix)?;
            let identity = CertificateIdentity::Named { issuer: None, subject, claims: Vec::new() };
            Ok(("certificate", TrustRootKind::Certificate(authorities, identity)))
        }
        (None, None, None, None) => Err(Problem::new(path.key("key"), Mistake::NoSigner)),
        _ => Err(Problem::new(path.clone(), Mistake::SeveralSigners)),
    }
}

/// The keys for one text of a certificate: the text itself, an expression, and its beginning.
type Forms = [&'static str; 3];
const ISSUER: Forms = ["issuer", "issuerRegex", "issuerPrefix"];
const SUBJECT: Forms = ["subject", "subjectRegex", "subjectPrefix"];

/// The one text that is wanted, in one of three ways.
fn read_wanted(
    path: &JsonPath,
    [exact, regex, prefix]: Forms,
    is: &Option<Text<'_>>,
    matches: &Option<Text<'_>>,
    begins: &Option<Text<'_>>,
) -> Result<TextMatcher, Problem> {
    let wrong = |key: &'static str, what| Problem::new(path.key(key), what);
    let written = [is, matches, begins].into_iter().flatten();
    if let Some(Text(text)) = written.clone().find(|Text(text)| text.is_empty() || text.len() > MAX_NAME) {
        return Err(wrong(exact, Mistake::NameLength { length: text.len(), most: MAX_NAME }));
    }
    match (is, matches, begins) {
        (Some(Text(text)), None, None) => Ok(TextMatcher::Exact(text.clone().into_owned())),
        (None, Some(Text(text)), None) => {
            Anchored::read(text).map(TextMatcher::Regex).map_err(|error| wrong(regex, Mistake::Regex(error)))
        }
        (None, None, Some(Text(text))) => match is_prefix(text) {
            true => Ok(TextMatcher::Prefix(text.clone().into_owned())),
            false => Err(wrong(prefix, Mistake::Prefix)),
        },
        (None, None, None) => Err(wrong(exact, Mistake::NoIdentity(exact))),
        _ => Err(wrong(exact, Mistake::SeveralIdentities(exact))),
    }
}

/// Is this the beginning of URIs, up to a slash after the host?
pub fn is_prefix(text: &str) -> bool {
    let host = text.split_once("://").and_then(|(scheme, rest)| rest.split_once('/').filter(|_| !scheme.is_empty()));
    host.is_some_and(|(host, _)| !host.is_empty()) && text.ends_with('/')
}

fn read_workflow(path: &JsonPath, github: &settings::Github<'_>) -> Result<Workflow, Problem> {
    let name = |key: &'static str, Text(text): &Text<'_>| {
        let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let text = text.clone().into_owned();
        match (1..=MAX_NAME).contains(&text.len()) && text.chars().all(usable) {
            true => Ok(text),
            false => Err(Problem::new(path.key(key), Mistake::WorkflowName(text))),
        }
    };
    let optional = |key, text: &Option<Text<'_>>| text.as_ref().map(|text| name(key, text)).transpose();
    let reference = github.reference.as_ref().map(|Text(text)| text.clone().into_owned());
    if let Some(text) = reference.as_ref().filter(|text| !text.starts_with("refs/") || text.len() > MAX_NAME) {
        return Err(Problem::new(path.key("ref"), Mistake::GitReference(text.clone())));
    }
    let file = |text: &Text<'_>| match text.0.split_once("/.github/workflows/") {
        None => name("workflow", text).map(WorkflowFile::Name),
        Some((repository, file)) => {
            let wrong = || Problem::new(path.key("workflow"), Mistake::WorkflowName(text.0.clone().into_owned()));
            let (file, at) = file.split_once('@').map_or((file, None), |(file, at)| (file, Some(at.to_owned())));
            let (owner, repo) = repository.split_once('/').ok_or_else(wrong)?;
            let are_names = [owner, repo, file].iter().all(|part| name("workflow", &Text((*part).into())).is_ok());
            let is_reference = at.as_deref().is_none_or(|at| at.starts_with("refs/") && at.len() <= MAX_NAME);
            if !are_names || !is_reference {
                return Err(wrong());
            }
            Ok(WorkflowFile::Path(format!("{repository}/.github/workflows/{file}"), at))
        }
    };
    let issuer = github.issuer.as_ref().map_or(GITHUB_ISSUER, |Text(text)| text);
    let server = server_of(issuer).filter(|_| issuer.len() <= MAX_NAME);
    let wrong = || Problem::new(path.key("issuer"), Mistake::WorkflowIssuer(issuer.to_owned()));
    Ok(Workflow {
        server: server.ok_or_else(wrong)?,
        issuer: issuer.to_owned(),
        owner: name("owner", &github.owner)?,
        repo: optional("repo", &github.repo)?,
        workflow: github.workflow.as_ref().map(file).transpose()?,
        reference,
    })
}

/// The server whose workflows an issuer vouches for. Enterprises have issuers below that of github.com, and servers of their own have their own.
fn server_of(issuer: &str) -> Option<String> {
    if issuer == GITHUB_ISSUER || issuer.strip_prefix(GITHUB_ISSUER).is_some_and(|rest| rest.starts_with('/')) {
        return Some(GITHUB.to_owned());
    }
    let host = issuer.strip_prefix("https://")?.split('/').next().filter(|host| !host.is_empty())?;
    Some(format!("https://{}/", host.strip_prefix("token.actions.").unwrap_or(host)))
}

/// What the CA has to say of a signer: each claim a text, or an expression that matches one.
fn read_claims(path: &JsonPath, claims: Option<&RawValue>) -> Result<Vec<WantedClaim>, Problem> {
    let Some(claims) = claims else { return Ok(Vec::new()) };
    let path = path.key("claims");
    let wrong = || Problem::new(path.clone(), Mistake::Claims);
    let written = all_members(claims).ok().filter(|claims| !claims.is_empty()).ok_or_else(wrong)?;
    let read = |(key, value): (Cow<'_, str>, &RawValue)| {
        let claim = CLAIMS.into_iter().find(|(name, _)| *name == key).ok_or_else(wrong)?;
        let expression = || text(only_members(value, ["matches"]).ok()?[0]?).ok();
        let (is, matches) = match text(value) {
            Ok(exact) => (Some(Text(exact)), None),
            Err(_) => (None, Some(Text(expression().ok_or_else(wrong)?))),
        };
        Ok(WantedClaim { claim, text: read_wanted(&path, [claim.0; 3], &is, &matches, &None)? })
    };
    written.into_iter().map(read).collect()
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
