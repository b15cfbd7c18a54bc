//! Does this signature prove who made it?
//!
//! Certificate, log entry, signature and payload are checked together, on one layer of a signature manifest; nothing is ever taken from another one. What
//! costs nothing comes first; of what costs a verification, that which a stranger can least forge. The order is that of [`Step`].

use std::{cell::OnceCell, time::Duration};

use super::{
    Layer, Payload, Step,
    authority::issuer_of,
    certificate::Leaf,
    log::{Claimed, Of, claimed},
    timestamp::seen,
    trusted_root::{Authorities, Logs},
};
use crate::proof::{
    Holder, PublicKey, Signer,
    signature::{Message, Trial},
};

/// A signature, and the payload that it is said to be over.
pub(in crate::proof) struct Evidence<'s> {
    layer: &'s Layer,
    payload: &'s Payload,
    trial: Trial<'s>,
    /// The certificate, read once however many trust roots look at it.
    leaf: OnceCell<Result<Leaf, Step>>,
}

/// What is asked of a certificate besides its identity.
#[derive(Debug, Clone, Copy)]
pub(in crate::proof) struct Demands<'d> {
    /// The CAs that may have issued it.
    pub(in crate::proof) authorities: &'d Authorities,
    /// The logs of which one has to have an entry; without, the certificate has to be valid now.
    pub(in crate::proof) tlogs: Option<&'d Logs>,
    /// The CT logs of which one has to have seen it.
    pub(in crate::proof) ctlogs: Option<&'d Logs>,
    /// The time now.
    pub(in crate::proof) now: Duration,
}

impl<'s> Evidence<'s> {
    pub(in crate::proof) fn new(layer: &'s Layer, payload: &'s Payload) -> Evidence<'s> {
        Evidence { layer, payload, trial: Trial::new(layer.payload, &layer.signature), leaf: OnceCell::new() }
    }

    /// Does this key verify the signature?
    pub(in crate::proof) fn is_signed_with(&self, key: &PublicKey) -> bool {
        self.trial.may_be_by(key) && key.signed(Message::Bytes(self.payload.bytes()), &self.layer.signature)
    }

    /// Is there an entry of this signature by this key in one of these logs?
    pub(in crate::proof) fn is_logged(&self, key: &PublicKey, logs: &Logs) -> Result<(), Step> {
        self.claimed(Of::Key(key), logs)?.is_promised().then_some(()).ok_or(Step::LogPromise)
    }

    /// The certificate, if there is a sound one. It can say whatever it likes.
    pub(in crate::proof) fn leaf(&self) -> Option<Result<&Leaf, Step>> {
        let text = self.layer.certificate.as_deref()?;
        Some(self.leaf.get_or_init(|| Leaf::read(text)).as_ref().map_err(Clone::clone))
    }

    /// Is this a signature by `holder`? Without a certificate it is nobody's.
    pub(in crate::proof) fn proves(&self, holder: &Holder, demands: Demands<'_>) -> Result<Signer, Step> {
        let leaf = self.leaf().ok_or(Step::Certificate)??;
        holder.holds(leaf)?;
        self.is_issued(leaf, demands)?;
        Ok(leaf.signer(holder))
    }

    /// Is `leaf`, this signature's certificate, genuine and of this signature?
    pub(in crate::proof) fn is_issued(&self, leaf: &Leaf, demands: Demands<'_>) -> Result<(), Step> {
        let entry = match demands.tlogs {
            Some(logs) => Some(self.claimed(Of::Certificate(leaf.der.as_bytes()), logs)?),
            None => None,
        };
        let time = entry.as_ref().map_or(demands.now, |entry| entry.time);
        if !leaf.validity.contains(time) {
            return Err(if entry.is_some() { Step::LogTime } else { Step::Expired });
        }
        let issuer = issuer_of(leaf, demands.authorities, self.layer.chain.as_deref(), time)?;
        if let Some(logs) = demands.ctlogs {
            seen(leaf, issuer, logs)?;
        }
        if entry.is_some_and(|entry| !entry.is_promised()) {
            return Err(Step::LogPromise);
        }
        self.is_signed_with(&leaf.key).then_some(()).ok_or(Step::Signature)
    }

    fn claimed<'l>(&self, of: Of<'_>, logs: &'l Logs) -> Result<Claimed<'l>, Step> {
        let text = self.layer.bundle.as_deref().ok_or(Step::NoLogEntry)?;
        claimed(text, self.payload.bytes(), &self.layer.signature, of, logs)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{TrustedRoot, trusted_root::Origin},
        *,
    };
    use crate::proof::Workflow;

    /// What the public-good instance certified in April 2026, at the time of its log entry. Its signature is over no image, so it ends here.
    const LEAF: &str = include_str!("../../../tests/samples/public-good-leaf.pem");
    const INTEGRATED: Duration = Duration::from_secs(1_775_719_409);

    #[test]
    fn the_public_good_instance_is_believed() {
        let public_good = TrustedRoot::public_good().unwrap();
        assert_eq!(public_good.parts(), [3, 2, 2]);
        let leaf = Leaf::read(LEAF).unwrap();
        let issuer = issuer_of(&leaf, &public_good.authorities, None, INTEGRATED).unwrap();
        assert_eq!(seen(&leaf, issuer, &public_good.ctlogs), Ok(()));
        let workflow = |repo: &str, reference: &str| {
            Holder::Workflow(Workflow {
                owner: "kubewarden".into(),
                repo: Some(repo.into()),
                workflow: Some("release.yml".into()),
                reference: Some(reference.into()),
            })
        };
        assert_eq!(workflow("kubewarden-controller", "refs/tags/v*").holds(&leaf), Ok(()));
        assert!(workflow("policy-server", "refs/tags/v*").holds(&leaf).is_err());
        assert!(workflow("kubewarden-controller", "refs/heads/*").holds(&leaf).is_err());
        let late = INTEGRATED + Duration::from_secs(601);
        assert_eq!(issuer_of(&leaf, &public_good.authorities, None, late), Err(Step::Path(Origin::Module)));
        assert_eq!(seen(&leaf, issuer, &public_good.tlogs), Err(Step::CtLogUnknown(Origin::Module)));
        let other = TrustedRoot { authorities: Authorities::default(), ..public_good };
        assert_eq!(issuer_of(&leaf, &other.authorities, None, INTEGRATED), Err(Step::Path(Origin::Validator)));
    }
}
