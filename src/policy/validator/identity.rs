//! Whose signatures of cosign does a trust root accept?

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::{
    json::{JsonPath, Text, all_members, only_members, text},
    policy::{
        Mistake, Problem,
        settings::{self, Kind},
    },
    signing::{PublicKey, SignatureAlgorithm},
    sigstore::{
        Anchored, Authorities, CLAIMS, CertificateIdentity, GITHUB, GITHUB_ISSUER, TextMatcher, WantedClaim, Workflow,
        WorkflowFile,
    },
    verify::TrustRootKind,
};

/// Longest name of an identity, in bytes.
const MAX_NAME: usize = 2048;

/// What makes a trust root's signatures, and the key that says so.
pub(super) fn read_kind(
    path: &JsonPath,
    root: &settings::TrustRoot<'_>,
) -> Result<(&'static str, TrustRootKind), Problem> {
    let of_others = [
        ("cert", root.cert.is_some()),
        ("tsCert", root.ts_cert.is_some()),
        ("scheme", root.scheme.is_some()),
        ("identities", root.identities.is_some()),
        ("gun", root.gun.is_some()),
        ("minVersion", root.min_version.is_some()),
    ];
    if let Some((key, _)) = of_others.into_iter().find(|(_, is_there)| *is_there) {
        return Err(Problem::new(path.key(key), Mistake::OfOtherType { kind: Kind::Cosign, key }));
    }
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
