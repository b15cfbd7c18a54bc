//! What kinds of findings are there, and how bad is each?

/// How bad a finding is; the worst one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody whom nobody chose decides what runs, or everything can stop.
    Error,
    /// It does not do what it says.
    Warning,
    /// It does what it says, and that is good to know.
    Info,
}

/// The kinds of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lint {
    /// Images of anybody's registry are admitted unseen.
    AllowsAnyRegistry,
    /// Images of anybody's account at a public registry are admitted unseen.
    AllowsAPublicRegistry,
    /// The policy server asks a registry that whoever writes the image chooses.
    AsksAnyRegistry,
    /// Whoever can log in somewhere gets a certificate that fits.
    AnybodySigns,
    /// Child approval reaches tags, which may have moved since.
    ApprovesUnpinned,
    /// The policy server downloads what whoever pushes signatures chooses.
    AsksHost,
    /// No certificate has such a name, so what needs it is denied.
    NobodyHasTheName,
    /// Anybody can sign with this key, because the private half of it is public.
    WellKnownTestKey,
    /// The CAs and logs that the module carries were taken more than a year ago.
    OutdatedPublicGoodRoot,
    /// Signatures by anybody at all are enough.
    AuditProvesNothing,
    /// An exception has ended.
    ExceptionIsOver,
    /// An exception ends so late that it has no effect yet.
    ExceptionTooFarAhead,
    /// Nobody decides about Pods.
    PodsNotRouted,
    /// Nobody decides about what `kubectl debug` puts into running Pods.
    DebugNotRouted,
    /// Child approval believes owners that nobody decides about.
    OwnersNotRouted,
    /// Kinds that the settings name are not routed to the policy.
    WorkloadsNotRouted,
    /// Whoever writes an object chooses whether anybody decides about it.
    ObjectSelector,
    /// The `namespaceSelector` selects no namespace, so the policy is never asked.
    SelectsNoNamespace,
    /// The `namespaceSelector` has `matchLabels`, which Kubewarden's controller drops.
    MatchLabelsDropped,
    /// Objects are admitted when the policy can't be asked.
    IgnoresFailures,
    /// Kubewarden rejects every request that the policy pins.
    CannotPin,
    /// Images of every host of a domain are admitted unseen.
    AllowsADomain,
    /// No image matches the pattern.
    MatchesNothing,
    /// Another rule always comes first.
    NeverDecides,
    /// Whoever writes the image chooses between this rule and another one.
    ChosenByTag,
    /// Nobody signs under such a name.
    OddIdentity,
    /// Whoever vouches for a name is as good as anybody else.
    AnyIssuer,
    /// The signatures of a trust root count no longer.
    TrustRootIsOver,
    /// Only one workflow could sign for several trust roots, and it has one vote.
    WorkflowVotesOnce,
    /// The CAs and logs that the module carries were taken long ago.
    OldPublicGoodRoot,
    /// A rule takes trust data of a notary server that ends.
    EndsWithDockerHub,
    /// A certificate of a trust root of Notation has ended, or soon ends.
    CertificateEnds,
    /// Timestamps of Notation are to be looked at, and nobody vouches for one.
    TimestampsWithoutRoots,
    /// Child approval is wanted, and off.
    ChildApprovalIsOff,
    /// Live digests are to be kept, and nothing may be written.
    GitopsIsOff,
    /// No deadline of Kubewarden is late enough for the time budget.
    BudgetBeyondDeadline,
    /// Requests are denied because the policy does not know their kind.
    RoutesUnknownKinds,
    /// The deadline can end before the time budget.
    DeadlineBeforeBudget,
    /// The API server waits for less time than the evaluation may take.
    WebhookEndsFirst,
    /// Child approval is on, and owners can't be looked up.
    OwnersNotLookedUp,
    /// Whoever may label a namespace can take it out of the policy.
    NamespaceLabel,
    /// Some requests never reach the policy.
    MatchConditions,
    /// A quorum counts two workflows of one repository, and whoever pushes to it can write both.
    OneRepository,
    /// A condition is about a part that no predicate of the type has.
    UnknownPath,
    /// A scan counts, however old it is.
    ScanOfAnyAge,
    /// Another rule always comes first, and says the same.
    SaysTheSame,
    /// The policy server asks every host of a domain.
    AsksADomain,
    /// What was proven is not what has to run.
    PinsNothing,
    /// Detection mode is on, so no image is denied.
    DetectionMode,
    /// Users with a permission admit any image.
    BreakGlass,
    /// An exception admits whatever a tag points to.
    ExceptionByTag,
    /// The time budget needs a later deadline than the default one.
    NeedsALaterDeadline,
    /// No rule names the validator.
    UnusedValidator,
    /// No rule asks the trust root.
    UnusedTrustRoot,
    /// An RSA key that is shorter than what is recommended today.
    ShortRsaKey,
    /// One signer has two names.
    KeyWithTwoNames,
    /// No entry in a transparency log is asked for.
    NoTransparencyLog,
    /// The signatures of a trust root don't count yet.
    TrustRootNotYet,
    /// The signatures of a trust root will soon count no longer.
    TrustRootEndsSoon,
    /// Certificates count that no CT log has seen.
    NoCtLog,
    /// Checks of Notation that fail deny nothing.
    NotEnforced,
    /// Provenance counts that the signers of the image signed.
    AttestedByTheSigner,
    /// Workflows of every repository of an account sign.
    AnyRepository,
    /// It is not asked for which repository a workflow ran.
    CouldBeGithub,
    /// Images are first looked at in Pods.
    OwnersUndecided,
    /// The policy may change objects, and never does.
    MutatesNothing,
    /// The policy can keep the cluster's own components from starting.
    LooksAtKubeSystem,
    /// Kubewarden admits whatever the policy denies.
    MonitorMode,
}

impl Lint {
    /// All kinds, the worst ones first.
    pub const ALL: [Lint; 68] = [
        Lint::AllowsAnyRegistry,
        Lint::AllowsAPublicRegistry,
        Lint::AsksAnyRegistry,
        Lint::AnybodySigns,
        Lint::ApprovesUnpinned,
        Lint::AsksHost,
        Lint::NobodyHasTheName,
        Lint::WellKnownTestKey,
        Lint::OutdatedPublicGoodRoot,
        Lint::AuditProvesNothing,
        Lint::ExceptionIsOver,
        Lint::ExceptionTooFarAhead,
        Lint::PodsNotRouted,
        Lint::DebugNotRouted,
        Lint::OwnersNotRouted,
        Lint::WorkloadsNotRouted,
        Lint::ObjectSelector,
        Lint::SelectsNoNamespace,
        Lint::MatchLabelsDropped,
        Lint::IgnoresFailures,
        Lint::CannotPin,
        Lint::AllowsADomain,
        Lint::MatchesNothing,
        Lint::NeverDecides,
        Lint::ChosenByTag,
        Lint::OddIdentity,
        Lint::AnyIssuer,
        Lint::TrustRootIsOver,
        Lint::WorkflowVotesOnce,
        Lint::OldPublicGoodRoot,
        Lint::EndsWithDockerHub,
        Lint::CertificateEnds,
        Lint::TimestampsWithoutRoots,
        Lint::ChildApprovalIsOff,
        Lint::GitopsIsOff,
        Lint::BudgetBeyondDeadline,
        Lint::RoutesUnknownKinds,
        Lint::DeadlineBeforeBudget,
        Lint::WebhookEndsFirst,
        Lint::OwnersNotLookedUp,
        Lint::NamespaceLabel,
        Lint::MatchConditions,
        Lint::OneRepository,
        Lint::UnknownPath,
        Lint::ScanOfAnyAge,
        Lint::SaysTheSame,
        Lint::AsksADomain,
        Lint::PinsNothing,
        Lint::DetectionMode,
        Lint::BreakGlass,
        Lint::ExceptionByTag,
        Lint::NeedsALaterDeadline,
        Lint::UnusedValidator,
        Lint::UnusedTrustRoot,
        Lint::ShortRsaKey,
        Lint::KeyWithTwoNames,
        Lint::NoTransparencyLog,
        Lint::TrustRootNotYet,
        Lint::TrustRootEndsSoon,
        Lint::NoCtLog,
        Lint::NotEnforced,
        Lint::AttestedByTheSigner,
        Lint::AnyRepository,
        Lint::CouldBeGithub,
        Lint::OwnersUndecided,
        Lint::MutatesNothing,
        Lint::LooksAtKubeSystem,
        Lint::MonitorMode,
    ];

    /// The kind as one stable word, for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().0
    }

    /// How bad a finding of this kind is.
    #[must_use]
    pub fn severity(self) -> Severity {
        self.row().1
    }

    fn row(self) -> (&'static str, Severity) {
        use Severity::{Error, Info, Warning};
        match self {
            Lint::AllowsAnyRegistry => ("allows-any-registry", Error),
            Lint::AllowsAPublicRegistry => ("allows-a-public-registry", Error),
            Lint::AsksAnyRegistry => ("asks-any-registry", Error),
            Lint::AnybodySigns => ("anybody-signs", Error),
            Lint::ApprovesUnpinned => ("approves-unpinned", Error),
            Lint::AsksHost => ("asks-host", Error),
            Lint::NobodyHasTheName => ("nobody-has-the-name", Error),
            Lint::WellKnownTestKey => ("well-known-test-key", Error),
            Lint::OutdatedPublicGoodRoot => ("outdated-public-good-root", Error),
            Lint::AuditProvesNothing => ("audit-proves-nothing", Error),
            Lint::ExceptionIsOver => ("exception-is-over", Error),
            Lint::ExceptionTooFarAhead => ("exception-too-far-ahead", Error),
            Lint::PodsNotRouted => ("pods-not-routed", Error),
            Lint::DebugNotRouted => ("debug-not-routed", Error),
            Lint::OwnersNotRouted => ("owners-not-routed", Error),
            Lint::WorkloadsNotRouted => ("workloads-not-routed", Error),
            Lint::ObjectSelector => ("object-selector", Error),
            Lint::SelectsNoNamespace => ("selects-no-namespace", Error),
            Lint::MatchLabelsDropped => ("match-labels-dropped", Error),
            Lint::IgnoresFailures => ("ignores-failures", Error),
            Lint::CannotPin => ("cannot-pin", Error),
            Lint::AllowsADomain => ("allows-a-domain", Warning),
            Lint::MatchesNothing => ("matches-nothing", Warning),
            Lint::NeverDecides => ("never-decides", Warning),
            Lint::ChosenByTag => ("chosen-by-tag", Warning),
            Lint::OddIdentity => ("odd-identity", Warning),
            Lint::AnyIssuer => ("any-issuer", Warning),
            Lint::TrustRootIsOver => ("trust-root-is-over", Warning),
            Lint::WorkflowVotesOnce => ("workflow-votes-once", Warning),
            Lint::OldPublicGoodRoot => ("old-public-good-root", Warning),
            Lint::EndsWithDockerHub => ("ends-with-docker-hub", Warning),
            Lint::CertificateEnds => ("certificate-ends", Warning),
            Lint::TimestampsWithoutRoots => ("timestamps-without-roots", Warning),
            Lint::ChildApprovalIsOff => ("child-approval-is-off", Warning),
            Lint::GitopsIsOff => ("gitops-is-off", Warning),
            Lint::BudgetBeyondDeadline => ("budget-beyond-deadline", Warning),
            Lint::RoutesUnknownKinds => ("routes-unknown-kinds", Warning),
            Lint::DeadlineBeforeBudget => ("deadline-before-budget", Warning),
            Lint::WebhookEndsFirst => ("webhook-ends-first", Warning),
            Lint::OwnersNotLookedUp => ("owners-not-looked-up", Warning),
            Lint::NamespaceLabel => ("namespace-label", Warning),
            Lint::MatchConditions => ("match-conditions", Warning),
            Lint::OneRepository => ("one-repository", Warning),
            Lint::UnknownPath => ("unknown-path", Warning),
            Lint::ScanOfAnyAge => ("scan-of-any-age", Warning),
            Lint::SaysTheSame => ("says-the-same", Info),
            Lint::AsksADomain => ("asks-a-domain", Info),
            Lint::PinsNothing => ("pins-nothing", Info),
            Lint::DetectionMode => ("detection-mode", Info),
            Lint::BreakGlass => ("break-glass", Info),
            Lint::ExceptionByTag => ("exception-by-tag", Info),
            Lint::NeedsALaterDeadline => ("needs-a-later-deadline", Info),
            Lint::UnusedValidator => ("unused-validator", Info),
            Lint::UnusedTrustRoot => ("unused-trust-root", Info),
            Lint::ShortRsaKey => ("short-rsa-key", Info),
            Lint::KeyWithTwoNames => ("key-with-two-names", Info),
            Lint::NoTransparencyLog => ("no-transparency-log", Info),
            Lint::TrustRootNotYet => ("trust-root-not-yet", Info),
            Lint::TrustRootEndsSoon => ("trust-root-ends-soon", Info),
            Lint::NoCtLog => ("no-ct-log", Info),
            Lint::NotEnforced => ("not-enforced", Info),
            Lint::AttestedByTheSigner => ("attested-by-the-signer", Info),
            Lint::AnyRepository => ("any-repository", Info),
            Lint::CouldBeGithub => ("could-be-github", Info),
            Lint::OwnersUndecided => ("owners-undecided", Info),
            Lint::MutatesNothing => ("mutates-nothing", Info),
            Lint::LooksAtKubeSystem => ("looks-at-kube-system", Info),
            Lint::MonitorMode => ("monitor-mode", Info),
        }
    }
}

impl Severity {
    /// The severity as one stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}
