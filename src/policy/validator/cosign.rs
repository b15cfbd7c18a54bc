//! What does a cosign validator ask for: signatures of whom, and which authorities and logs does it trust?

use std::{cell::OnceCell, rc::Rc};

use serde_json::value::RawValue;

use super::{identity::read_kind, place, repository, trust_roots};
use crate::{
    json::{JsonPath, Text, text},
    policy::{
        Mistake, Problem,
        settings::{self, Host, Kind},
    },
    sigstore::{TrustedRoot, TrustedRootProblem},
    verify::{EvidenceTerms, SctRequirement, TrustRoot, TrustRootKind},
};

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
    pub(in crate::policy) sct: SctRequirement,
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
            (_, Some(Host::Server(_))) => Err(vec![Problem::new(path.key("host"), Mistake::Host(Kind::Cosign))]),
            (Some(_), Some(_)) => Err(vec![Problem::new(path.key("host"), Mistake::HostBesideTrustedRoot)]),
            (Some(text), None) => read_trusted_root(&path.key("trustedRoot"), text).map(Some),
            (None, Some(Host::Instance(instance))) => read_instance(&path.key("host"), instance).map(Some),
            (None, None) => Ok(None),
        };
        let roots = trust_roots(&path.key("trustRoots"), text, read_kind);
        match (roots, given, repository(&path, validator)) {
            (Ok(roots), Ok(given), Ok(repository)) => {
                let wrong = |what| Err(vec![Problem::new(path.key("askHost"), what)]);
                let asks = validator.ask_host == Some(true);
                if asks && roots.iter().all(|root| root.key().is_none_or(|key| key.only().is_some())) {
                    return wrong(Mistake::AskHostWithoutKey);
                }
                if asks && repository.is_some() {
                    return wrong(Mistake::AskHostBesideRepository);
                }
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
    pub(in crate::policy) fn of(
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
