//! Which parts do predicates of known types have?
//!
//! The tables follow the specifications of the types: SLSA ("Provenance" 0.2 and 1.0, "Verification Summary Attestation" 1), in-toto ("Vulnerability Predicate"), cosign
//! ("Vulnerability Scan Record"), SPDX 2.3, CycloneDX 1.6 and OpenVEX 0.2, and the reports of Trivy and Grype.

use image_trust::condition::{Part, Path};

/// What a part of a predicate can be.
enum Shape {
    /// Anything, such as parameters that each build has of its own.
    Any,
    /// A text, a number, `true` or `false`.
    Leaf,
    /// A list.
    List(&'static Shape),
    /// A mapping with these members.
    Members(Members),
    /// A mapping with these members and others.
    Open(Members),
}

type Members = &'static [(&'static [&'static str], Shape)];

use Shape::{Any, Leaf, List, Members as Closed, Open};

/// The types whose predicates are known, with what they have.
const TYPES: [(&[&str], Shape); 8] = [
    (&["https://slsa.dev/provenance/v1"], Closed(SLSA_1)),
    (&["https://slsa.dev/provenance/v0.2"], Closed(SLSA_02)),
    (&["https://slsa.dev/verification_summary/v1"], Closed(SUMMARY)),
    (&["https://cosign.sigstore.dev/attestation/vuln/v1"], Closed(SCAN)),
    (&["https://in-toto.io/attestation/vulns/v0.1", "https://in-toto.io/attestation/vulns/v0.2"], Closed(VULNS)),
    (&["https://spdx.dev/Document", "https://spdx.dev/Document/v2.3"], Closed(SPDX)),
    (&["https://cyclonedx.org/bom", "https://cyclonedx.org/schema"], Closed(CYCLONEDX)),
    (&["https://openvex.dev/ns", "https://openvex.dev/ns/v0.2.0"], Closed(OPENVEX)),
];

const RESOURCE: Shape =
    Closed(&[(&["uri", "name", "downloadLocation", "mediaType", "content"], Leaf), (&["digest", "annotations"], Any)]);

const SLSA_1: Members = &[
    (
        &["buildDefinition"],
        Closed(&[
            (&["buildType"], Leaf),
            (&["externalParameters", "internalParameters"], Any),
            (&["resolvedDependencies"], List(&RESOURCE)),
        ]),
    ),
    (
        &["runDetails"],
        Closed(&[
            (
                &["builder"],
                Closed(&[(&["id"], Leaf), (&["builderDependencies"], List(&RESOURCE)), (&["version"], Any)]),
            ),
            (&["metadata"], Closed(&[(&["invocationId", "invocationID", "startedOn", "finishedOn"], Leaf)])),
            (&["byproducts"], List(&RESOURCE)),
        ]),
    ),
];

const SLSA_02: Members = &[
    (&["builder"], Closed(&[(&["id"], Leaf)])),
    (&["buildType"], Leaf),
    (
        &["invocation"],
        Closed(&[
            (&["configSource"], Closed(&[(&["uri", "entryPoint"], Leaf), (&["digest"], Any)])),
            (&["parameters", "environment"], Any),
        ]),
    ),
    (&["buildConfig"], Any),
    // BuildKit adds members of its own.
    (
        &["metadata"],
        Open(&[
            (&["buildInvocationId", "buildInvocationID", "buildStartedOn", "buildFinishedOn", "reproducible"], Leaf),
            (&["completeness"], Closed(&[(&["parameters", "environment", "materials"], Leaf)])),
        ]),
    ),
    (&["materials"], List(&Closed(&[(&["uri"], Leaf), (&["digest"], Any)]))),
];

const SUMMARY: Members = &[
    (&["verifier"], Closed(&[(&["id"], Leaf), (&["version"], Any)])),
    (&["timeVerified", "resourceUri", "verificationResult", "slsaVersion"], Leaf),
    (&["policy"], RESOURCE),
    (&["inputAttestations"], List(&RESOURCE)),
    (&["verifiedLevels"], List(&Leaf)),
    (&["dependencyLevels"], Any),
];

const SCAN_TIMES: Shape = Closed(&[(&["scanStartedOn", "scanFinishedOn"], Leaf)]);

const SCAN: Members = &[
    (
        &["invocation"],
        Closed(&[(&["parameters"], Any), (&["uri", "event_id", "builder.id"], Leaf), (&["builder"], Any)]),
    ),
    (
        &["scanner"],
        Closed(&[
            (&["uri", "version"], Leaf),
            (&["db"], Closed(&[(&["uri", "version", "lastUpdate"], Leaf)])),
            (&["result"], Open(REPORTS)),
        ]),
    ),
    (&["metadata"], SCAN_TIMES),
];

/// The reports of Trivy and Grype. Other scanners have other members.
const REPORTS: Members = &[
    (
        &["Results"],
        List(&Closed(&[
            (&["Target", "Class", "Type"], Leaf),
            (&["Vulnerabilities"], List(&Closed(TRIVY))),
            (
                &[
                    "Packages",
                    "MisconfSummary",
                    "Misconfigurations",
                    "Secrets",
                    "Licenses",
                    "CustomResources",
                    "ExperimentalModifiedFindings",
                ],
                Any,
            ),
        ])),
    ),
    (&["matches"], List(&Closed(GRYPE))),
];

const TRIVY: Members = &[
    (
        &[
            "VulnerabilityID",
            "PkgID",
            "PkgName",
            "PkgPath",
            "InstalledVersion",
            "FixedVersion",
            "Status",
            "Severity",
            "SeveritySource",
            "PrimaryURL",
            "Title",
            "Description",
            "Fingerprint",
            "PublishedDate",
            "LastModifiedDate",
        ],
        Leaf,
    ),
    (&["VendorIDs", "CweIDs", "References"], List(&Leaf)),
    (&["PkgIdentifier", "Layer", "DataSource", "VendorSeverity", "CVSS", "Custom"], Any),
];

const GRYPE: Members = &[
    (
        &["vulnerability"],
        Closed(&[
            (&["id", "dataSource", "namespace", "severity", "description", "risk"], Leaf),
            (&["urls"], List(&Leaf)),
            (&["cvss", "epss", "cwes", "knownExploited", "advisories"], Any),
            (&["fix"], Open(&[(&["state"], Leaf), (&["versions"], List(&Leaf))])),
        ]),
    ),
    (&["relatedVulnerabilities", "matchDetails", "artifact"], Any),
];

const VULNS: Members = &[
    (
        &["scanner"],
        Closed(&[
            (&["uri", "version"], Leaf),
            (&["db"], Closed(&[(&["uri", "version", "lastUpdate", "name"], Leaf)])),
            (
                &["result"],
                List(&Closed(&[
                    (&["id"], Leaf),
                    (&["severity"], List(&Closed(&[(&["method", "score"], Leaf)]))),
                    // Version 0.1 has the findings below `vulnerability`.
                    (&["annotations", "vulnerability"], Any),
                ])),
            ),
        ]),
    ),
    (&["metadata"], SCAN_TIMES),
    (&["invocation"], Any),
];

const SPDX: Members = &[
    (&["spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "comment"], Leaf),
    (&["creationInfo"], Closed(&[(&["created", "licenseListVersion", "comment"], Leaf), (&["creators"], List(&Leaf))])),
    (&["packages"], List(&Closed(SPDX_PACKAGE))),
    (
        &[
            "externalDocumentRefs",
            "files",
            "snippets",
            "relationships",
            "annotations",
            "documentDescribes",
            "hasExtractedLicensingInfos",
            "revieweds",
        ],
        List(&Any),
    ),
    // SPDX 3 is another document.
    (&["@context", "@graph"], Any),
];

const SPDX_PACKAGE: Members = &[
    (
        &[
            "SPDXID",
            "name",
            "versionInfo",
            "packageFileName",
            "supplier",
            "originator",
            "downloadLocation",
            "filesAnalyzed",
            "homepage",
            "sourceInfo",
            "licenseConcluded",
            "licenseDeclared",
            "licenseComments",
            "copyrightText",
            "summary",
            "description",
            "comment",
            "primaryPackagePurpose",
            "releaseDate",
            "builtDate",
            "validUntilDate",
        ],
        Leaf,
    ),
    (&["licenseInfoFromFiles", "attributionTexts", "hasFiles"], List(&Leaf)),
    (&["packageVerificationCode", "checksums", "externalRefs", "annotations"], Any),
];

const CYCLONEDX: Members = &[
    (&["$schema", "bomFormat", "specVersion", "serialNumber", "version"], Leaf),
    (&["metadata"], Open(&[(&["timestamp"], Leaf)])),
    (
        &["components"],
        List(&Open(&[
            (&["type", "name", "version", "group", "purl", "publisher", "author", "scope", "cpe", "description"], Leaf),
            (&["licenses", "hashes", "properties", "externalReferences"], List(&Any)),
        ])),
    ),
    (&["vulnerabilities"], List(&Closed(CYCLONEDX_VULNERABILITY))),
    (
        &[
            "services",
            "externalReferences",
            "dependencies",
            "compositions",
            "annotations",
            "formulation",
            "properties",
            "declarations",
            "definitions",
            "signature",
        ],
        Any,
    ),
];

const CYCLONEDX_VULNERABILITY: Members = &[
    (
        &[
            "bom-ref",
            "id",
            "description",
            "detail",
            "recommendation",
            "workaround",
            "created",
            "published",
            "rejected",
            "updated",
        ],
        Leaf,
    ),
    (
        &["ratings"],
        List(&Closed(&[(&["score", "severity", "method", "vector", "justification"], Leaf), (&["source"], Any)])),
    ),
    (&["cwes"], List(&Leaf)),
    (
        &[
            "source",
            "references",
            "proofOfConcept",
            "advisories",
            "credits",
            "tools",
            "analysis",
            "affects",
            "properties",
        ],
        Any,
    ),
];

const OPENVEX: Members = &[
    (&["@context", "@id", "author", "role", "timestamp", "last_updated", "version", "tooling"], Leaf),
    (
        &["statements"],
        List(&Closed(&[
            (
                &[
                    "@id",
                    "version",
                    "timestamp",
                    "last_updated",
                    "status",
                    "supplier",
                    "status_notes",
                    "justification",
                    "impact_statement",
                    "action_statement",
                    "action_statement_timestamp",
                ],
                Leaf,
            ),
            (&["vulnerability", "products"], Any),
        ])),
    ),
];

/// The first part of `path` that no predicate of this type has. A type that is not known can have anything.
pub(super) fn unknown_part(predicate_type: &str, path: &Path) -> Option<usize> {
    let (_, shape) = TYPES.iter().find(|(names, _)| names.contains(&predicate_type))?;
    let is_slsa = predicate_type.starts_with("https://slsa.dev/");
    // SLSA: producers may add members whose names have an underscore.
    let is_extension = |part: &Part| matches!(part, Part::Member(name) if is_slsa && name.contains('_'));
    let parts = path.parts();
    let unknown = (1..=parts.len()).find(|length| !leads_somewhere(shape, &parts[..*length]))? - 1;
    (!is_extension(&parts[unknown])).then_some(unknown)
}

fn leads_somewhere(shape: &Shape, parts: &[Part]) -> bool {
    let Some((first, rest)) = parts.split_first() else { return true };
    let member =
        |members: Members, name: &str| members.iter().find(|(names, _)| names.contains(&name)).map(|found| &found.1);
    match (shape, first) {
        (Any, _) => true,
        (List(entry), Part::Index(_) | Part::Every) => leads_somewhere(entry, rest),
        (Closed(members), Part::Member(name)) => {
            member(members, name).is_some_and(|shape| leads_somewhere(shape, rest))
        }
        (Open(members), Part::Member(name)) => member(members, name).is_none_or(|shape| leads_somewhere(shape, rest)),
        (Leaf | List(_) | Closed(_) | Open(_), _) => false,
    }
}
