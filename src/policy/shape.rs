//! Which keys may settings have, of which type, within which limits, and what does each of them mean?
//!
//! This table is the only description of the settings. `walk` checks settings against it; `crates/schema` makes the JSON Schema and the tables of
//! `docs/reference/settings.md` from it; tests hold the serde types and `questions-ui.yml` to it. The module for the cluster reads `SETTINGS`, in which
//! the words for people are left out, so that they cost it nothing.

/// What people are told, or nothing in the table without words.
macro_rules! told {
    ($about:expr) => {
        if TOLD { Some(const { &$about }) } else { None }
    };
}

mod attestations;
mod conditions;
mod field;
mod signers;
#[cfg(test)]
mod tests;
mod waivers;
mod walk;

pub use field::{About, Default, Field, Shape, TYPES};
use field::{about, optional, refused, required};

const REKOR: &str =
    "has no place here: no log is asked, because its promise lies beside the signature; give its key as `rekorPubkey`";
const CREDENTIALS: &str = "has no place here: the policy server asks the registry, with its own credentials (`imagePullSecret` of the PolicyServer)";
const TLS: &str = "has no place here: the policy server asks the registry (`sourceAuthorities` of the PolicyServer)";

/// Types that Connaisseur's users know, and why they are refused.
pub const OTHER_TYPES: [(&str, &str); 1] = [("nexus", "there is no such validator; sign with cosign")];

const TIME: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$";
const PREFIX: &str = r"^[\s\S]+://[^/]+/([\s\S]*/)?$";
const NAME: &str = "^[A-Za-z0-9_.-]+$";
/// A key of which nobody has the private half.
const KEY: &str = r#""-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/eu9IX5htTt7DlVG8i4guk8Yc5NE\ncSJf4Ae8cZGzJjztT7P8kGEc8OURZBO3zqrhxK8SaAP7dFR39egWVWUM/w==\n-----END PUBLIC KEY-----\n""#;
const CERTIFICATES: &str = r#""-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n""#;
const SUBJECT: &str = "The subject: an e-mail address, a URI, or another name. Compared verbatim.";
const SUBJECT_REGEX: &str = "A regular expression that has to match the whole subject.";
const SUBJECT_PREFIX: &str = "The beginning of the subject: a URI with its host, up to a `/`.";

/// The table by which requests and settings are read.
pub(super) const SETTINGS: Shape = Shape::Object(Table::<false>::SETTINGS);

/// The keys of the settings, with what people are told of each.
#[must_use]
pub fn settings() -> &'static [Field] {
    Table::<true>::SETTINGS
}

/// The table, with or without the words for people.
struct Table<const TOLD: bool>;

impl<const TOLD: bool> Table<TOLD> {
    const SETTINGS: &'static [Field] = &[
        required(
            "validators",
            Shape::List(&Shape::Object(Self::VALIDATOR)),
            told!(
                about(
                    "The ways to decide about an image.",
                    r#"[{"name": "allow", "type": "static", "approve": true}]"#
                )
                .most(100)
            ),
        ),
        required(
            "policy",
            Shape::List(&Shape::Object(Self::RULE)),
            told!(
                about(
                    "The rules: which images each validator decides.",
                    r#"[{"pattern": "registry.k8s.io/*:*", "validator": "allow"}]"#
                )
                .most(10_000)
            ),
        ),
        optional(
            "exceptions",
            Shape::List(&Shape::Object(Self::EXCEPTION)),
            told!(
                about("Images that are admitted until a date without a proof: [Exceptions](../guides/exceptions.md).", r#"[{"images": ["ghcr.io/acme/legacy@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"], "until": "2026-12-31T00:00:00Z", "reason": "INC-1234: the vendor signs from January on"}]"#)
                    .absent("none")
                    .most(50)
            ),
        ),
        optional(
            "workloads",
            Shape::List(&Shape::Object(Self::WORKLOAD)),
            told!(
                about("Kinds that carry a pod spec, beside those of Kubernetes: [Other kinds](../guides/other-kinds.md).", r#"[{"apiGroup": "argoproj.io", "kind": "Rollout", "podSpec": "spec.template.spec"}]"#)
                    .absent("none")
                    .most(100)
            ),
        ),
        optional(
            "features",
            Shape::Object(Self::FEATURES),
            told!(about("What holds for every rule.", r#"{"detectionMode": true}"#).default("{}")),
        ),
    ];

    const VALIDATOR: &'static [Field] = &[
        required(
            "name",
            Shape::Text,
            told!(Self::named("The name that rules use. Each validator has its own. A rule that names no validator uses the one called `default`.")),
        ),
        required(
            "type",
            Shape::ValidatorType,
            told!(about("How it decides: `static` by name alone, `cosign` by signatures of cosign, `notation` by signatures of the Notary Project, `notaryv1` by trust data of Docker Content Trust.", r#""cosign""#)),
        ),
        optional(
            "approve",
            Shape::Flag,
            told!(about("`true` allows every image, `false` denies it.", "true").needed(&["static"])),
        ),
        optional(
            "askHost",
            Shape::Flag,
            told!(
                about("Whether the policy asks the policy server about signatures whose payload it cannot read itself: [askHost](#askhost). Needs a trust root with a key.", "false")
                    .default("false")
                    .only(&["cosign"])
            ),
        ),
        optional(
            "trustRoots",
            Shape::List(&Shape::Object(Self::TRUST_ROOT)),
            told!(
                about("The signers.", r#"[{"name": "alice", "keyless": {"issuer": "https://accounts.google.com", "subject": "alice@acme.example"}}]"#)
                    .most(50)
                    .needed(&["cosign", "notation", "notaryv1"])
            ),
        ),
        optional(
            "trustedRoot",
            Shape::Document,
            told!(
                about("The CAs and logs that are trusted: [The trusted root](#the-trusted-root). `public-good` and `github` name the trusted roots in the module.", r#"{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}"#)
                    .absent("the public-good instance's")
                    .only(&["cosign"])
            ),
        ),
        optional(
            "repository",
            Shape::Text,
            told!(
                about("The repository with the signatures and the evidence, if they are not beside the image: [Evidence](evidence.md). cosign calls it `COSIGN_REPOSITORY`.", r#""registry.example.com/trust/evidence""#)
                    .bytes(255)
                    .absent("the image's own")
                    .only(&["cosign", "notation", "notaryv1"])
            ),
        ),
        optional(
            "evidence",
            Shape::Object(Self::EVIDENCE),
            told!(about("How [evidence manifests](evidence.md) are read.", r#"{"first": true}"#).default("{}").only(&["cosign"])),
        ),
        refused("auth", CREDENTIALS),
        refused("cert", TLS),
        optional(
            "host",
            Shape::TextOr(&Shape::Object(Self::INSTANCE)),
            told!(
                about("For `cosign`: parts of the trusted root, as Connaisseur names them; not beside `trustedRoot`. For `notaryv1`: the address of the notary server, for messages and `lint`. The policy does not contact it.", r#"{"fulcioCert": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"}"#)
                    .kind("mapping or text")
                    .only(&["cosign", "notaryv1"])
            ),
        ),
    ];

    const EVIDENCE: &'static [Field] = &[optional(
        "first",
        Shape::Flag,
        told!(
            about("Whether the evidence manifest is read before the signature manifest. It saves a host call for images that only cosign 3 signs.", "true")
                .default("false")
        ),
    )];

    const INSTANCE: &'static [Field] = &[
        optional(
            "fulcioCert",
            Shape::Text,
            told!(about("Replaces the CAs. Each of the certificates is trusted.", CERTIFICATES).kind("PEM")),
        ),
        optional(
            "rekorPubkey",
            Shape::Key,
            told!(about("Replaces the transparency logs by the one with this key, at any time.", KEY)),
        ),
        optional(
            "ctLogPubkey",
            Shape::Key,
            told!(about("Replaces the CT logs by the one with this key, at any time.", KEY)),
        ),
        refused("rekor", REKOR),
    ];

    const RULE: &'static [Field] = &[
        required(
            "pattern",
            Shape::Pattern,
            told!(
                about("The images that the rule decides about: [Patterns](#patterns).", r#""ghcr.io/acme/*""#)
                    .bytes(512)
            ),
        ),
        optional(
            "validator",
            Shape::Text,
            told!(about("The validator that decides.", r#""allow""#).kind("name").default(r#""default""#)),
        ),
        optional(
            "with",
            Shape::Object(Self::WITH),
            told!(
                about("The options of the rule. Not for `static`.", r#"{"trustRoot": "*", "threshold": 2}"#)
                    .default("{}")
            ),
        ),
    ];

    const WITH: &'static [Field] = &[
        optional(
            "trustRoot",
            Shape::Text,
            told!(
                about("The trust root that has to sign. `\"*\"` stands for all trust roots of the validator.", r#""*""#)
                    .kind("name or `\"*\"`")
                    .default(r#""default""#)
            ),
        ),
        optional(
            "threshold",
            Shape::Count,
            told!(
                about("How many distinct trust roots have to sign. Only with `trustRoot: \"*\"`.", "2")
                    .kind("1 to their number")
                    .absent("all of them; the `required` ones where these are given")
            ),
        ),
        optional("required", Shape::Names, told!(about("The trust roots that have to be among the signers.", r#"["alice"]"#).absent("none"))),
        optional(
            "annotations",
            Shape::Texts,
            told!(
                about("The annotations that every signature has to carry. In an [evidence manifest](evidence.md) and with [`askHost`](#askhost) a signature may carry more. In a signature manifest it may not, because the policy cannot read the signed payload there.", r#"{"env": "prod"}"#)
                    .absent("none")
                    .most(32)
                    .only(&["cosign", "notation"])
            ),
        ),
        optional(
            "identities",
            Shape::Names,
            told!(
                about("The names under which an image may have been signed. `self` is its own repository.", r#"["self", "ghcr.io/acme/app"]"#)
                    .kind("texts")
                    .absent("keys: any name; certificates: `[self]`; certificates in bundles: any name or none")
                    .most(32)
                    .only(&["cosign"])
            ),
        ),
        optional(
            "mode",
            Shape::Word(&["mutate", "mutatePodsOnly", "insecureValidateOnly"]),
            told!(about("Where the proven digest is written: into every kind, into Pods only, or nowhere.", r#""mutatePodsOnly""#).default(r#""mutate""#)),
        ),
        optional(
            "verifyInTransparencyLog",
            Shape::Flag,
            told!(
                about("Whether every signature that counts needs an entry in a transparency log. With keyless trust roots `false` needs a trusted root with time-stamping authorities.", "true")
                    .absent("`true` for keyless, else `false`")
                    .only(&["cosign"])
            ),
        ),
        optional(
            "verifySCT",
            Shape::Flag,
            told!(
                about("Whether certificates need a signed certificate timestamp (SCT) of a CT log. `true` asks for it of certificates of own CAs too.", "true")
                    .absent("`true` for keyless, else `false`")
                    .only(&["cosign"])
            ),
        ),
        optional(
            "attestations",
            Shape::List(&Shape::Object(Self::ATTESTATION)),
            told!(
                about("The [attestations](attestations.md) that the image must have, all of them.", r#"[{"predicateType": "slsaprovenance1"}]"#)
                    .absent("none")
                    .most(16)
                    .only(&["cosign"])
            ),
        ),
        optional(
            "signature",
            Shape::Flag,
            told!(
                about("Whether the image has to be signed. `false` needs `attestations`, and `annotations` and `identities` are then refused.", "false")
                    .default("true")
                    .only(&["cosign"])
            ),
        ),
        refused("key", "is called `trustRoot`, and takes a name"),
        optional(
            "delegations",
            Shape::Names,
            told!(
                about("The [delegations](#notaryv1) that have to list the image, all of them. `targets/` in front can be left out.", r#"["releases"]"#)
                    .absent("`targets/releases` if there are delegations, else `targets`")
                    .most(16)
                    .only(&["notaryv1"])
            ),
        ),
        optional(
            "verificationLevel",
            Shape::Word(&["strict", "permissive", "audit"]),
            told!(
                about("Which checks are enforced: [Verification levels](#verification-levels). `audit` admits signatures by anybody.", r#""permissive""#)
                    .default(r#""strict""#)
                    .only(&["notation"])
            ),
        ),
        optional(
            "verifyTimestamp",
            Shape::Word(&["always", "afterCertExpiry"]),
            told!(
                about("When the policy checks timestamps, if the trust root has a `tsCert`: always, or only after a certificate has expired.", r#""afterCertExpiry""#)
                    .default(r#""always""#)
                    .only(&["notation"])
            ),
        ),
        optional(
            "overrides",
            Shape::Object(Self::OVERRIDES),
            told!(
                about("The result of a failed check, whatever the level.", r#"{"revocation": "log"}"#)
                    .default("{}")
                    .only(&["notation"])
            ),
        ),
    ];

    const OVERRIDES: &'static [Field] = &[
        optional(
            "revocation",
            Shape::Word(&["enforce", "log", "skip"]),
            told!(
                about("Whether a certificate was revoked. Without a revocation list or an OCSP response in the evidence, this is unknown, and the check fails.", r#""skip""#)
                    .absent("as the level has it")
            ),
        ),
        optional(
            "expiry",
            Shape::Word(&["enforce", "log"]),
            told!(about("Whether the signature has expired.", r#""log""#).absent("as the level has it")),
        ),
    ];

    const FEATURES: &'static [Field] = &[
        optional(
            "detectionMode",
            Shape::Flag,
            told!(about("Denials become warnings and errors in the log. Proven tags are pinned: [Detection mode](#detection-mode).", "true").default("false")),
        ),
        optional(
            "mutation",
            Shape::Flag,
            told!(about("Whether the policy may change objects. Policy groups and `mutating: false` need `false`.", "false").default("true")),
        ),
        optional(
            "timeBudgetMs",
            Shape::Milliseconds,
            told!(about("How long a request may take, in milliseconds. What is not decided then is denied: [The time budget](#the-time-budget).", "900").default("900")),
        ),
        optional(
            "maxHostCalls",
            Shape::HostCalls,
            told!(
                about("How many host calls a request may make. What is not decided then is denied: [Host calls](#host-calls). An image with a tag takes two, and one with a digest takes one. If its signature manifest does not prove it, or the rule requires attestations, the evidence manifest takes one more. With `subjects: platforms`, so do the index and each platform. Each large attestation that is read takes one.", "100")
                    .default("100")
            ),
        ),
        optional(
            "automaticChildApproval",
            Shape::FlagOr(&Shape::Object(Self::CHILD_APPROVAL)),
            told!(
                about("Whether an image is admitted without a proof if an owner of the object lists it: [child approval](#child-approval). A mapping adds conditions.", r#"{"ttl": 3600}"#)
                    .default("true")
            ),
        ),
        optional(
            "automaticUnchangedApproval",
            Shape::Flag,
            told!(about("Whether an image needs no proof where an update leaves it as it is: [unchanged approval](#unchanged-approval).", "true").default("false")),
        ),
        optional(
            "resourceValidationMode",
            Shape::Word(&["all", "podsOnly"]),
            told!(about("`podsOnly`: only Pods are denied and pinned. Other kinds get warnings: [resourceValidationMode](#resourcevalidationmode).", r#""podsOnly""#).default(r#""all""#)),
        ),
        optional(
            "gitops",
            Shape::Object(Self::GITOPS),
            told!(about("How the policy treats a tag whose digest is already live: [gitops](#gitops).", r#"{"resolve": true}"#).default("{}")),
        ),
        optional(
            "disclosure",
            Shape::Word(&["full", "reason"]),
            told!(about("`reason` tells users one word instead of what was found: [disclosure](#disclosure).", r#""reason""#).default(r#""full""#)),
        ),
        optional(
            "breakGlass",
            Shape::Flag,
            told!(about("Whether users with the permission `break-glass` may admit images that would be denied, with an annotation: [Break-glass](../guides/exceptions.md#break-glass).", "true").default("false")),
        ),
    ];

    const CHILD_APPROVAL: &'static [Field] = &[
        optional(
            "ttl",
            Shape::Count,
            told!(about("An owner approves only while it is younger than this many seconds.", "3600").kind("seconds, 1 or more").absent("any age")),
        ),
        optional(
            "requireDigest",
            Shape::Flag,
            told!(about("Whether only references with a digest are approved. With `false`, tags are approved, too; `lint` reports an error.", "true").default("true")),
        ),
    ];

    const GITOPS: &'static [Field] = &[
        optional(
            "resolve",
            Shape::Flag,
            told!(
                about("An update keeps the live digest if the tag still points to it. The policy asks the registry only for the tag. If the tag has moved, the new digest is proven and pinned. No effect for `notaryv1`.", "true")
                    .default("false")
            ),
        ),
        optional(
            "dryRun",
            Shape::Word(&["verify", "reuse"]),
            told!(about("`reuse`: a dry run keeps the live digest and asks nobody. Requests that are stored are verified.", r#""reuse""#).default(r#""verify""#)),
        ),
    ];

    /// A name that others refer to.
    const fn named(text: &'static str) -> About {
        let mut about = about(text, r#""default""#);
        about.least = 1;
        about
    }

    const fn time(text: &'static str, example: &'static str) -> About {
        about(text, example).kind("time in UTC").absent("always").form(TIME)
    }

    const fn expression(text: &'static str, example: &'static str) -> About {
        about(text, example).kind("expression").bytes(512)
    }

    const fn prefix(text: &'static str) -> About {
        about(text, r#""https://github.com/acme/""#).kind("URI").bytes(2048).form(PREFIX).choice("subject")
    }

    /// A part of the name of a workflow.
    const fn part(text: &'static str, example: &'static str) -> About {
        about(text, example).bytes(2048).form(NAME)
    }
}
