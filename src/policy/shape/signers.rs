//! Which keys may a trust root have?

use super::{
    CERTIFICATES, KEY, SUBJECT, SUBJECT_PREFIX, SUBJECT_REGEX, Table,
    field::{About, Field, Shape, about, optional, required},
};
use crate::signing::SignatureAlgorithm;

impl<const TOLD: bool> Table<TOLD> {
    pub(super) const TRUST_ROOT: &'static [Field] = &[
        required(
            "name",
            Shape::Text,
            told!(Self::named("The name that rules and messages use. Each trust root has its own; `*` is not allowed. A rule that names no trust root uses the one called `default`.")),
        ),
        optional(
            "key",
            Shape::Key,
            told!(
                about("A public key in one `-----BEGIN PUBLIC KEY-----` block, of any line width and indentation. Text before and after the block is ignored.", KEY)
                    .choice("signer")
            ),
        ),
        optional(
            "signatureAlgorithm",
            Shape::Word(&SignatureAlgorithm::WORDS),
            told!(
                about("The only algorithm that counts, for a key that does not sign as cosign does by default. Only beside `key`.", r#""ecdsa-sha256""#)
                    .absent("as cosign 2 and 3 sign with such a key")
            ),
        ),
        optional(
            "keyless",
            Shape::Object(Self::KEYLESS),
            told!(
                about("An identity that a CA of the [trusted root](#the-trusted-root) certifies: [keyless](#keyless).", r#"{"issuer": "https://accounts.google.com", "subject": "alice@acme.example"}"#)
                    .choice("signer")
            ),
        ),
        optional(
            "github",
            Shape::Object(Self::GITHUB),
            told!(about("A workflow of GitHub: [github](#github).", r#"{"owner": "acme", "repo": "app"}"#).choice("signer")),
        ),
        optional(
            "certificate",
            Shape::Object(Self::CERTIFICATE),
            told!(
                about("An identity that a CA of your own certifies: [certificate](#certificate).", r#"{"ca": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n", "subject": "release@acme.example"}"#)
                    .choice("signer")
            ),
        ),
        optional(
            "gun",
            Shape::Text,
            told!(
                about("The name of the repository on the notary server (its globally unique name), for a mirror.", r#""docker.io/library/alpine""#)
                    .bytes(255)
                    .absent("registry and repository of the image")
                    .only(&["notaryv1"])
            ),
        ),
        optional(
            "minVersion",
            Shape::Object(Self::MIN_VERSION),
            told!(about("The lowest versions that count, as protection against older trust data: [notaryv1](#notaryv1).", r#"{"root": 2}"#).absent("any").only(&["notaryv1"])),
        ),
        optional(
            "notBefore",
            Shape::Text,
            told!(Self::time("The first moment at which its signatures count, by the time of admission: [Rotation](#rotation).", r#""2026-07-01T00:00:00Z""#)),
        ),
        optional(
            "notAfter",
            Shape::Text,
            told!(Self::time("The last moment at which its signatures count, by the time of admission.", r#""2026-12-31T23:59:59Z""#)),
        ),
        optional(
            "cert",
            Shape::Text,
            told!(
                about("Certificates of CAs or signers, which vouch for signatures of [Notation](#notation). 1 to 20 PEM blocks.", CERTIFICATES)
                    .kind("PEM")
                    .form("-----BEGIN CERTIFICATE-----")
                    .choice("signer")
            ),
        ),
        optional(
            "tsCert",
            Shape::Text,
            told!(
                about("Roots of time-stamping authorities. With them, signatures need a timestamp. 1 to 20 PEM blocks. Only beside `cert`.", CERTIFICATES)
                    .kind("PEM")
                    .absent("certificates have to be valid now")
            ),
        ),
        optional(
            "scheme",
            Shape::Word(&["x509", "signingAuthority"]),
            told!(
                about("What attests the time of the signature: `x509` is the signer or a timestamp, `signingAuthority` a signing authority such as AWS Signer. Signatures of the other scheme never count. Only beside `cert`.", r#""signingAuthority""#)
                    .default(r#""x509""#)
            ),
        ),
        optional(
            "identities",
            Shape::Names,
            told!(
                about("The signers that the certificates vouch for, in the form of Notation's trust policies: `x509.subject: C=…, ST=…, O=…`, or the ARN of a signing profile. Only beside `cert`.", r#"["x509.subject: C=US, ST=WA, O=acme, CN=release"]"#)
                    .kind("texts")
                    .absent("everybody")
                    .most(50)
            ),
        ),
    ];

    pub(super) const MIN_VERSION: &'static [Field] = &[
        optional("root", Shape::Count, told!(about("The least version of `root`.", "2").absent("any"))),
        optional("targets", Shape::Count, told!(about("The least version of `targets`.", "7").absent("any"))),
        optional(
            "snapshot",
            Shape::Count,
            told!(
                about("The least version of `snapshot`, which changes with every list of targets.", "9").absent("any")
            ),
        ),
    ];

    pub(super) const KEYLESS: &'static [Field] = &[
        optional(
            "issuer",
            Shape::Text,
            told!(
                about(
                    "The issuer of the identity. Compared verbatim.",
                    r#""https://accounts.google.com""#
                )
                .bytes(2048)
                .choice("issuer")
            ),
        ),
        optional(
            "issuerRegex",
            Shape::Text,
            told!(
                Self::expression(
                    "A regular expression that has to match the whole issuer.",
                    r#""^https://gitlab\\.(com|acme\\.example)$""#
                )
                .choice("issuer")
            ),
        ),
        optional(
            "subject",
            Shape::Text,
            told!(about(SUBJECT, r#""alice@acme.example""#).bytes(2048).choice("subject")),
        ),
        optional(
            "subjectRegex",
            Shape::Text,
            told!(Self::expression(SUBJECT_REGEX, r#""^[^/:@]+@acme\\.example$""#).choice("subject")),
        ),
        optional("subjectPrefix", Shape::Text, told!(Self::prefix(SUBJECT_PREFIX))),
        optional(
            "claims",
            Shape::Object(Self::CLAIMS),
            told!(
                about("The claims that the certificate has to have. Each is a text that is compared as it stands, or `{matches: EXPRESSION}`, which has to match the whole text.", r#"{"sourceRepository": "https://github.com/acme/app", "sourceRef": {"matches": "^refs/tags/v[0-9]+$"}}"#)
                    .absent("none")
            ),
        ),
    ];

    pub(super) const CLAIMS: &'static [Field] = &[
        Self::claim(
            "buildSigner",
            told!(about(
                "The workflow that built the image, with its git reference (Fulcio's extension 9).",
                r#""https://github.com/acme/builders/.github/workflows/build.yml@refs/tags/v1""#
            )),
        ),
        Self::claim(
            "buildSignerDigest",
            told!(about("The commit of that workflow (10).", r#""0123456789abcdef0123456789abcdef01234567""#)),
        ),
        Self::claim(
            "runnerEnvironment",
            told!(about("The kind of runner: `github-hosted` or `self-hosted` (11).", r#""github-hosted""#)),
        ),
        Self::claim(
            "sourceRepository",
            told!(about("The repository that the workflow ran for (12).", r#""https://github.com/acme/app""#)),
        ),
        Self::claim(
            "sourceDigest",
            told!(about("The commit that it ran for (13).", r#""0123456789abcdef0123456789abcdef01234567""#)),
        ),
        Self::claim(
            "sourceRef",
            told!(about("The git reference that it ran for (14).", r#"{"matches": "^refs/tags/v[0-9]+$"}"#)),
        ),
        Self::claim(
            "sourceRepositoryId",
            told!(about(
                "The ID of the repository. It stays the same when the repository is renamed (15).",
                r#""891715444""#
            )),
        ),
        Self::claim("sourceOwner", told!(about("The owner of the repository (16).", r#""https://github.com/acme""#))),
        Self::claim("sourceOwnerId", told!(about("The number of the owner (17).", r#""1304826""#))),
        Self::claim(
            "buildConfig",
            told!(about(
                "The file that started the build, with its reference (18).",
                r#""https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1""#
            )),
        ),
        Self::claim(
            "buildConfigDigest",
            told!(about("The commit of that file (19).", r#""0123456789abcdef0123456789abcdef01234567""#)),
        ),
        Self::claim("buildTrigger", told!(about("The event that started it (20).", r#""push""#))),
        Self::claim("sourceVisibility", told!(about("Whether the repository was public (22).", r#""public""#))),
        Self::claim(
            "deploymentEnvironment",
            told!(about("The environment that it deployed to (23).", r#""production""#)),
        ),
    ];

    pub(super) const MATCHES: &'static [Field] = &[required(
        "matches",
        Shape::Text,
        told!(Self::expression("A regular expression that has to match the whole text.", r#""^refs/tags/v[0-9]+$""#)),
    )];

    pub(super) const GITHUB: &'static [Field] = &[
        optional(
            "issuer",
            Shape::Text,
            told!(
                about("Who vouches for the workflow. Give it for the issuer of an enterprise or of a GitHub server of your own. The host of the issuer is the server of the workflow.", r#""https://token.actions.githubusercontent.com/acme""#)
                    .bytes(2048)
                    .form("^https://")
                    .absent("`https://token.actions.githubusercontent.com`")
            ),
        ),
        required("owner", Shape::Text, told!(Self::part("The account. Write it in the case that GitHub uses.", r#""acme""#))),
        optional(
            "repo",
            Shape::Text,
            told!(Self::part("The repository. Without it every repository of the account counts, and `lint` says so.", r#""app""#).absent("any")),
        ),
        optional(
            "workflow",
            Shape::Text,
            told!(
                about("The file below `.github/workflows`. A whole path names a workflow that is defined in another repository. It can end with `@` and the git reference of the definition. `owner` and `repo` then name the repository for which it ran.", r#""release.yml""#)
                    .bytes(2048)
                    .absent("any")
            ),
        ),
        optional(
            "ref",
            Shape::Text,
            told!(
                about("The git reference at which the workflow was defined, and for which it ran. `*` stands for any text.", r#""refs/tags/v*""#)
                    .absent("any")
                    .bytes(2048)
                    .form("^refs/")
            ),
        ),
    ];

    pub(super) const CERTIFICATE: &'static [Field] = &[
        required(
            "ca",
            Shape::Text,
            told!(
                about("1 to 32 CA certificates. Each is trusted. List intermediates, too, if those stored beside signatures should not count.", CERTIFICATES)
                    .kind("PEM")
            ),
        ),
        optional("subject", Shape::Text, told!(about("The certificate's one alternative name. It is compared as it stands.", r#""release@acme.example""#).bytes(2048).choice("subject"))),
        optional(
            "subjectRegex",
            Shape::Text,
            told!(Self::expression(SUBJECT_REGEX, r#""^[^/:@]+@acme\\.example$""#).choice("subject")),
        ),
        optional("subjectPrefix", Shape::Text, told!(Self::prefix(SUBJECT_PREFIX))),
    ];

    /// A claim of a certificate.
    const fn claim(name: &'static str, about: Option<&'static About>) -> Field {
        optional(name, Shape::TextOr(&Shape::Object(Self::MATCHES)), about)
    }
}
