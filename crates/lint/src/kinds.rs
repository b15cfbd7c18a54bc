//! What kinds of findings are there, and how bad is each?

/// How bad a finding is; the worst one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody whom nobody chose decides what runs, or everything can stop.
    Danger,
    /// It does not do what it says.
    Doubtful,
    /// It does what it says, and that is good to know.
    Note,
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
    /// The CAs and logs that the module carries were taken more than a year ago.
    OutdatedPublicGoodRoot,
    /// Nobody decides about Pods.
    PodsNotRouted,
    /// Nobody decides about what `kubectl debug` puts into running Pods.
    DebugNotRouted,
    /// Child approval believes owners that nobody decides about.
    OwnersNotRouted,
    /// Whoever writes an object chooses whether anybody decides about it.
    ObjectSelector,
    /// The `namespaceSelector` selects no namespace, so the policy is never asked.
    SelectsNoNamespace,
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
    /// Another rule always comes first, and says the same.
    SaysTheSame,
    /// The policy server asks every host of a domain.
    AsksADomain,
    /// What was proven is not what has to run.
    PinsNothing,
    /// Detection mode is on, so no image is denied.
    DetectionMode,
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
    pub const ALL: [Lint; 53] = [
        Lint::AllowsAnyRegistry,
        Lint::AllowsAPublicRegistry,
        Lint::AsksAnyRegistry,
        Lint::AnybodySigns,
        Lint::ApprovesUnpinned,
        Lint::AsksHost,
        Lint::NobodyHasTheName,
        Lint::OutdatedPublicGoodRoot,
        Lint::PodsNotRouted,
        Lint::DebugNotRouted,
        Lint::OwnersNotRouted,
        Lint::ObjectSelector,
        Lint::SelectsNoNamespace,
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
        Lint::SaysTheSame,
        Lint::AsksADomain,
        Lint::PinsNothing,
        Lint::DetectionMode,
        Lint::NeedsALaterDeadline,
        Lint::UnusedValidator,
        Lint::UnusedTrustRoot,
        Lint::ShortRsaKey,
        Lint::KeyWithTwoNames,
        Lint::NoTransparencyLog,
        Lint::TrustRootNotYet,
        Lint::TrustRootEndsSoon,
        Lint::NoCtLog,
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
        use Severity::{Danger, Doubtful, Note};
        match self {
            Lint::AllowsAnyRegistry => ("allows-any-registry", Danger),
            Lint::AllowsAPublicRegistry => ("allows-a-public-registry", Danger),
            Lint::AsksAnyRegistry => ("asks-any-registry", Danger),
            Lint::AnybodySigns => ("anybody-signs", Danger),
            Lint::ApprovesUnpinned => ("approves-unpinned", Danger),
            Lint::AsksHost => ("asks-host", Danger),
            Lint::NobodyHasTheName => ("nobody-has-the-name", Danger),
            Lint::OutdatedPublicGoodRoot => ("outdated-public-good-root", Danger),
            Lint::PodsNotRouted => ("pods-not-routed", Danger),
            Lint::DebugNotRouted => ("debug-not-routed", Danger),
            Lint::OwnersNotRouted => ("owners-not-routed", Danger),
            Lint::ObjectSelector => ("object-selector", Danger),
            Lint::SelectsNoNamespace => ("selects-no-namespace", Danger),
            Lint::IgnoresFailures => ("ignores-failures", Danger),
            Lint::CannotPin => ("cannot-pin", Danger),
            Lint::AllowsADomain => ("allows-a-domain", Doubtful),
            Lint::MatchesNothing => ("matches-nothing", Doubtful),
            Lint::NeverDecides => ("never-decides", Doubtful),
            Lint::ChosenByTag => ("chosen-by-tag", Doubtful),
            Lint::OddIdentity => ("odd-identity", Doubtful),
            Lint::AnyIssuer => ("any-issuer", Doubtful),
            Lint::TrustRootIsOver => ("trust-root-is-over", Doubtful),
            Lint::WorkflowVotesOnce => ("workflow-votes-once", Doubtful),
            Lint::OldPublicGoodRoot => ("old-public-good-root", Doubtful),
            Lint::ChildApprovalIsOff => ("child-approval-is-off", Doubtful),
            Lint::GitopsIsOff => ("gitops-is-off", Doubtful),
            Lint::BudgetBeyondDeadline => ("budget-beyond-deadline", Doubtful),
            Lint::RoutesUnknownKinds => ("routes-unknown-kinds", Doubtful),
            Lint::DeadlineBeforeBudget => ("deadline-before-budget", Doubtful),
            Lint::WebhookEndsFirst => ("webhook-ends-first", Doubtful),
            Lint::OwnersNotLookedUp => ("owners-not-looked-up", Doubtful),
            Lint::NamespaceLabel => ("namespace-label", Doubtful),
            Lint::MatchConditions => ("match-conditions", Doubtful),
            Lint::OneRepository => ("one-repository", Doubtful),
            Lint::SaysTheSame => ("says-the-same", Note),
            Lint::AsksADomain => ("asks-a-domain", Note),
            Lint::PinsNothing => ("pins-nothing", Note),
            Lint::DetectionMode => ("detection-mode", Note),
            Lint::NeedsALaterDeadline => ("needs-a-later-deadline", Note),
            Lint::UnusedValidator => ("unused-validator", Note),
            Lint::UnusedTrustRoot => ("unused-trust-root", Note),
            Lint::ShortRsaKey => ("short-rsa-key", Note),
            Lint::KeyWithTwoNames => ("key-with-two-names", Note),
            Lint::NoTransparencyLog => ("no-transparency-log", Note),
            Lint::TrustRootNotYet => ("trust-root-not-yet", Note),
            Lint::TrustRootEndsSoon => ("trust-root-ends-soon", Note),
            Lint::NoCtLog => ("no-ct-log", Note),
            Lint::AnyRepository => ("any-repository", Note),
            Lint::CouldBeGithub => ("could-be-github", Note),
            Lint::OwnersUndecided => ("owners-undecided", Note),
            Lint::MutatesNothing => ("mutates-nothing", Note),
            Lint::LooksAtKubeSystem => ("looks-at-kube-system", Note),
            Lint::MonitorMode => ("monitor-mode", Note),
        }
    }
}

impl Severity {
    /// The severity as one stable word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Danger => "danger",
            Severity::Doubtful => "doubtful",
            Severity::Note => "note",
        }
    }
}
