//! What do reconcilers do with git and the cluster, round after round?

use serde_json::Value;

use crate::api_server::{ApiServer, Run, has, text};
use crate::webhook::Denied;

/// A tool that keeps the cluster equal to git.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// A server-side dry run each round. Where its result is not what is live, that is drift, and the manifest is applied.
    Flux,
    /// Compares git with what is live, field by field. Where they differ it is out of sync, and self-heal applies the manifest.
    ArgoCd,
}

/// The result of a round of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    InSync,
    /// The tool applied the manifest in git.
    Applied,
    DryRunDenied(Denied),
    ApplyDenied(Denied),
}

impl Tool {
    fn user(self) -> &'static str {
        match self {
            Tool::Flux => "system:serviceaccount:flux-system:kustomize-controller",
            Tool::ArgoCd => "system:serviceaccount:argocd:argocd-application-controller",
        }
    }

    pub(crate) fn round(self, api: &mut ApiServer, git: &Value) -> Round {
        match self.drifted(api, git) {
            Err(denied) => Round::DryRunDenied(denied),
            Ok(false) => Round::InSync,
            Ok(true) => match api.apply(self.user(), git, Run::Real) {
                Ok(_) => Round::Applied,
                Err(denied) => Round::ApplyDenied(denied),
            },
        }
    }

    fn drifted(self, api: &mut ApiServer, git: &Value) -> Result<bool, Denied> {
        let live = api.get(&text(&git["kind"]), &text(&git["metadata"]["name"]));
        Ok(match self {
            Tool::Flux => {
                let dry = api.apply(self.user(), git, Run::Dry)?;
                live.is_none_or(|live| {
                    (&live["spec"], &live["metadata"]["labels"]) != (&dry["spec"], &dry["metadata"]["labels"])
                })
            }
            Tool::ArgoCd => live.is_none_or(|live| !has(&live, git)),
        })
    }

    /// The result of a round, in the words that the tables have.
    pub(crate) fn words(self, round: &Round) -> String {
        match (self, round) {
            (Tool::Flux, Round::InSync) => "no drift".to_owned(),
            (Tool::Flux, Round::Applied) => "drift".to_owned(),
            (Tool::ArgoCd, Round::InSync) => "in sync".to_owned(),
            (Tool::ArgoCd, Round::Applied) => "out of sync".to_owned(),
            (_, Round::DryRunDenied(denied)) => format!("dry run denied, {}", denied.code),
            (_, Round::ApplyDenied(denied)) => format!("apply denied, {}", denied.code),
        }
    }
}
