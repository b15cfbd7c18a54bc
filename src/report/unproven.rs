//! Why was an image not verified, in sentences?

use super::{counted, listed, quoted, reason::Told};
use crate::{
    evidence::Unusable,
    explain::{Instead, MissingSigner, NotSigned, OtherEvidence, OtherFormat, SigningTool, Unproven},
    image::{Digest, ImageRef},
    ordered::set,
    text::Shown,
    verify::{Tally, TrustRootName, Unseen},
};

impl Unproven {
    /// The failure as people read it. `image` is what the user wrote.
    pub(super) fn told(&self, image: Option<&str>) -> Told {
        match self {
            Unproven::NotFound => Told::new(
                "the registry does not have this image",
                "check its name, and its tag or digest; some registries also hide images that the PolicyServer's credentials (imagePullSecret) do not cover",
            ),
            Unproven::Disagreement { asked, answered } => Told::new(
                format!("the policy server was asked about {asked} and answered for {answered}"),
                "try again; if it happens again, the policy server or the registry does not answer truthfully",
            ),
            Unproven::Undecided { tally, cause, .. } => Told::new(
                format!(
                    "could not tell whether it is {}: {}{}",
                    tally.missing_proof(),
                    cause.sentence(),
                    tally.so_far()
                ),
                cause.help(),
            ),
            Unproven::Spent { tally, spent, .. } => {
                Told::new(format!("not decided: {}{}", spent.sentence(), tally.so_far()), spent.help())
            }
            Unproven::NotAttested(not_attested) => {
                not_attested.told(|digest| reference(image, Some(digest)).unwrap_or_else(|| "IMAGE@DIGEST".to_owned()))
            }
            Unproven::NotSigned(NotSigned { digest, tally, tool, instead, evidence }) => {
                let reference = reference(image, *digest).unwrap_or_else(|| "IMAGE@DIGEST".to_owned());
                if let Instead::TrustData(nothing) = instead.as_ref() {
                    return nothing.told(image);
                }
                let mut told = instead.told(tally, &reference, *tool);
                told.details.extend(evidence.details());
                told
            }
        }
    }
}

/// The reference to sign: the repository with the digest that was judged.
fn reference(image: Option<&str>, digest: Option<Digest>) -> Option<String> {
    let image = ImageRef::parse(image?).ok()?;
    Some(image.by_digest(digest?))
}

impl Instead {
    /// What was found in place of the signatures, as one stable word for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Instead::Unsigned(other) => other.word(),
            Instead::Unusable(_) => "unusable-signature-manifest",
            Instead::TrustData(nothing) => nothing.word(),
            Instead::Signed { missing, .. } | Instead::NotNow(missing) => {
                missing.first().map_or("not-looked-at", |(_, why)| why.word())
            }
        }
    }

    /// The failure as people read it. `tool` is the one that signs the image `reference`.
    fn told(&self, tally: &Tally, reference: &str, tool: SigningTool) -> Told {
        let sign = &sign(tally, tool, reference);
        let told = |sentence: String, details: Vec<String>, help: Vec<String>| Told { sentence, details, help };
        match self {
            Instead::Unsigned(other) => {
                let (sentence, details) = other.told(tool);
                told(format!("{sentence}{}", tally.needs()), details, other.help(reference, tool, sign))
            }
            Instead::Unusable(unusable) => told(
                format!("not signed: {}{}", unusable.sentence(), tally.needs()),
                Vec::new(),
                vec!["remove what is under its tag sha256-….sig (cosign clean), then sign the image again".to_owned()],
            ),
            Instead::TrustData(nothing) => nothing.told(None),
            Instead::NotNow(missing) => told(
                format!("not signed: too few of those who may sign count today{}", tally.needs()),
                MissingSigner::details(missing, 0),
                MissingSigner::help(missing, sign),
            ),
            Instead::Signed { signatures, certificates, missing, makers } => {
                let mut details = MissingSigner::details(missing, *signatures);
                if *certificates > 0 {
                    details.push(format!(
                        "{} of its {} {} a certificate, which this rule does not ask for",
                        certificates,
                        counted(*signatures, "signature"),
                        if *certificates == 1 { "has" } else { "have" }
                    ));
                }
                if let Some([one, other]) = makers {
                    let which = if *signatures == 1 { "it" } else { "one of them" };
                    details.push(format!(
                        "if {which} was made with SHA-256, the fingerprint of its key is {} or {}",
                        short(*one),
                        short(*other)
                    ));
                }
                told(tally.signers(), details, MissingSigner::help(missing, sign))
            }
        }
    }
}

/// The length at which a shortened `sha256:…` still tells keys apart, in characters.
const SHORT: usize = 23;

/// A fingerprint, shortened to a length that still tells keys apart.
pub(super) fn short(key: Digest) -> String {
    let text: String = key.to_string().chars().take(SHORT).collect();
    text + "…"
}

impl Tally {
    /// Who signed, and who else is needed: `signed by "alice"; also needs "bob" (2 of 2 required)`.
    fn signers(&self) -> String {
        match self.signed.as_slice() {
            [] if self.roots == 1 => format!("not signed by {}", listed(self.others())),
            [] => format!("not signed{}", self.needs()),
            signed => format!("signed by {}{}", listed(signed), self.needs()),
        }
    }

    /// Who is needed, to follow a sentence: `; also needs "bob" (2 of 2 required)`.
    fn needs(&self) -> String {
        let who = self.needed_signers();
        if who.is_empty() {
            return String::new();
        }
        let also = if self.signed.is_empty() { "needs" } else { "also needs" };
        match self.roots {
            1 => format!("; {also} {who}"),
            roots => format!("; {also} {who} ({} of {roots} required)", self.needed),
        }
    }

    /// Whose signatures would be enough: `"bob"`, or `1 of "bob" and "carol"`.
    pub(super) fn needed_signers(&self) -> String {
        let others = self.others();
        let required: Vec<&TrustRootName> = self.required.iter().filter(|name| !self.signed.contains(name)).collect();
        let open = self.needed.saturating_sub(self.signed.len()).max(required.len());
        match (required.len(), others.len()) {
            (required_signers, _) if required_signers == open => listed(required),
            (_, all) if all <= open => listed(others),
            (0, _) => format!("{open} of {}", listed(others)),
            _ => format!("{open} of {}, among them {}", listed(others), listed(required)),
        }
    }

    /// What nobody could tell: whether the image is signed, or, if enough have signed it, whether it is attested.
    fn missing_proof(&self) -> &'static str {
        let is_enough = self.signed.len() >= self.needed && self.required.iter().all(|root| self.signed.contains(root));
        if is_enough { "attested" } else { "signed" }
    }

    /// The state of the quorum when the image could not be decided.
    fn so_far(&self) -> String {
        let signed = match self.signed.as_slice() {
            [] => String::new(),
            signed => format!("; signed by {}", listed(signed)),
        };
        let rest = self.needs();
        // With one trust root, and nobody who signed, there is nothing to tell.
        if self.roots == 1 && signed.is_empty() { String::new() } else { format!("{signed}{rest}") }
    }

    /// Everybody who has not signed, in the order of their names.
    fn others(&self) -> Vec<&TrustRootName> {
        let others = [&self.missing, &self.shared, &self.undecided, &self.not_asked].into_iter().flatten();
        set(others).into_iter().collect()
    }
}

impl Unseen {
    /// The reason for which something was not looked at, as words that follow "because".
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Unseen::Time => "half of the time budget was used",
            Unseen::Calls => "the host calls for explanations were used",
            Unseen::Entries => "more is listed than is looked at",
            Unseen::Failed => "the registry did not answer",
            Unseen::Checks => "too many signatures would have to be checked",
            Unseen::Lost => "too few of the others signed",
        }
    }
}

impl Unusable {
    fn sentence(self) -> &'static str {
        match self {
            Unusable::Form => "the tag sha256-….sig exists, but is not a cosign signature manifest",
            Unusable::Index => "the tag sha256-….sig is an index; expected a cosign signature manifest",
        }
    }
}

/// The help that tells how to sign an image so that this policy can verify it.
fn sign(tally: &Tally, tool: SigningTool, reference: &str) -> Vec<String> {
    let who = tally.needed_signers();
    if tool == SigningTool::Notation {
        return vec![
            format!("have {who} sign this digest: notation sign {reference}"),
            format!("then collect the signature: image-trust collect {reference}"),
        ];
    }
    if tool == SigningTool::NotaryV1 {
        return vec![format!(
            "have {who} vouch for its repository, then collect the trust data: image-trust collect --notary URL IMAGE"
        )];
    }
    let needs_key = tool == SigningTool::CosignWithKey;
    let key = if needs_key { " --key KEY" } else { "" };
    vec![
        format!("have {who} sign this digest: cosign sign{key} {reference}"),
        collect(reference),
        match needs_key {
            true => "cosign enters the signature in the public transparency log forever, unless it is told not to (cosign 2: --tlog-upload=false; cosign 3: --signing-config FILE)",
            false => "cosign enters the signature in the public transparency log forever",
        }
        .to_owned(),
    ]
}

/// The help that tells how to make a signature of cosign 3 readable for the policy.
fn collect(reference: &str) -> String {
    format!("if cosign 3 signed it, collect the signature: image-trust collect {reference}")
}

impl OtherEvidence {
    /// What was found beside the image, as one stable word for programs.
    pub(super) fn word(&self) -> &'static str {
        match self {
            OtherEvidence { found, .. } if !found.is_empty() => "signed-in-another-format",
            OtherEvidence { platforms, .. } if !platforms.is_empty() => "only-platforms-signed",
            OtherEvidence { unseen: Some(_), .. } => "unsigned-not-looked-around",
            OtherEvidence { unseen: None, .. } => "unsigned",
        }
    }

    fn told(&self, tool: SigningTool) -> (String, Vec<String>) {
        let found: Vec<String> = self.found.iter().map(OtherFormat::noun).collect();
        let sentence = match (found.is_empty(), tool) {
            (true, SigningTool::Notation) => "not signed: no Notation signature of it was collected".to_owned(),
            (true, SigningTool::Cosign | SigningTool::CosignWithKey | SigningTool::NotaryV1) => {
                "not signed: it has no cosign signature".to_owned()
            }
            (false, _) => {
                format!("not signed: it has no signature that this policy can read; found {}", found.join(" and "))
            }
        };
        let mut details = Vec::new();
        match self.platforms.as_slice() {
            [] => {}
            [one] => details.push(format!("it is an index without a signature; its platform {} has one", quoted(one))),
            many => {
                details.push(format!("it is an index without a signature; its platforms {} have one", listed(many)))
            }
        }
        if let Some(unseen) = self.unseen {
            details.push(format!("other signatures were not looked for, because {}", unseen.sentence()));
        }
        (sentence, details)
    }

    fn help(&self, reference: &str, tool: SigningTool, sign: &[String]) -> Vec<String> {
        let is_collected = |format: &OtherFormat| match tool {
            SigningTool::Notation => *format == OtherFormat::Notation,
            SigningTool::Cosign | SigningTool::CosignWithKey | SigningTool::NotaryV1 => {
                matches!(format, OtherFormat::Referrer(_) | OtherFormat::Bundle)
            }
        };
        if self.found.iter().any(is_collected) {
            return vec![format!(
                "collect its signatures, so that this policy can read them: image-trust collect {reference}"
            )];
        }
        let mut help = sign.to_vec();
        if self.found.is_empty() && !self.platforms.is_empty() {
            help.push(
                "with --recursive cosign signs the index and its platforms; or name the platform's image by its digest"
                    .to_owned(),
            );
        }
        help
    }
}

impl OtherFormat {
    fn noun(&self) -> String {
        match self {
            OtherFormat::Bundle => "a Sigstore bundle (cosign 3)".to_owned(),
            OtherFormat::Notation => "a Notation signature".to_owned(),
            OtherFormat::Attestation => "an attestation".to_owned(),
            OtherFormat::Referrer(digest) => {
                format!("a cosign signature that is stored as a referrer ({})", Shown(&digest.to_string()))
            }
        }
    }
}
