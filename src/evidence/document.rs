//! Is an item of an evidence manifest a signature of this image?

use super::{
    BundleError, ItemError, Signature, Source, StatementError,
    bundle::{Bundle, BundleContent},
    cosign::{Layer, SimpleSigning},
    manifest::{Content, Item},
    statement::{COSIGN_SIGN, PAYLOAD_TYPE, Statement},
    subject::Subject,
};
use crate::image::Digest;

/// A signature of an image, with everything that it covers. The signature is not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    image: Digest,
    /// The name and the annotations that the signature covers.
    pub(crate) subject: Subject,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    SimpleSigning(Layer, Vec<u8>),
    Bundle(Box<Bundle>),
}

/// The reason for which an item is not a signature of the image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoSignature {
    /// The item breaks a rule of evidence manifests.
    Item(ItemError),
    /// The item has the media type of a bundle, but cannot be read as one.
    Bundle(BundleError),
    /// The DSSE payload has another type than in-toto statements have.
    PayloadType,
    /// The DSSE payload is not an in-toto statement about the image.
    Statement(StatementError),
    /// The item is an attestation: a statement with this predicate type. An attestation is never a signature.
    Attestation(String),
    /// The payload is not in the simple signing format.
    Payload,
    /// The signature is for another image.
    OtherImage,
}

impl Document {
    /// Reads the signature of `image` that an item holds.
    ///
    /// # Errors
    /// If the item does not hold one.
    pub(crate) fn read(item: &Item, image: Digest) -> Result<Document, NoSignature> {
        match &item.content {
            Err(error) => Err(NoSignature::Item(*error)),
            Ok(Content::SimpleSigning(layer, bytes)) => {
                let SimpleSigning { image: signed, subject } =
                    SimpleSigning::read(bytes).ok_or(NoSignature::Payload)?;
                if signed != image {
                    return Err(NoSignature::OtherImage);
                }
                Ok(Document { image, subject, form: Form::SimpleSigning(layer.clone(), bytes.clone()) })
            }
            Ok(Content::Bundle(bytes)) => {
                let bundle = Bundle::read(bytes).map_err(NoSignature::Bundle)?;
                let subject = subject_of(&bundle.content, image)?;
                Ok(Document { image, subject, form: Form::Bundle(Box::new(bundle)) })
            }
        }
    }

    /// The signature in the form in which it can be checked.
    pub(crate) fn signature(&self) -> Signature<'_> {
        match &self.form {
            Form::SimpleSigning(layer, payload) => {
                Signature::of_layer(layer, payload, self.image, Source::EvidenceManifest)
            }
            Form::Bundle(bundle) => Signature::of_bundle(bundle, self.image),
        }
    }

    /// The layer of a signature manifest, if the item repeats one.
    pub(crate) fn layer(&self) -> Option<&Layer> {
        match &self.form {
            Form::SimpleSigning(layer, _) => Some(layer),
            Form::Bundle(_) => None,
        }
    }

    /// Whether the signature has a certificate.
    pub(crate) fn has_certificate(&self) -> bool {
        match &self.form {
            Form::SimpleSigning(layer, _) => layer.certificate.is_some(),
            Form::Bundle(bundle) => bundle.certificate.is_some(),
        }
    }
}

/// The subject of a bundle, if the bundle is a signature of `image`. An attestation about an image is never a signature, whoever made it.
fn subject_of(content: &BundleContent, image: Digest) -> Result<Subject, NoSignature> {
    match content {
        BundleContent::Message(digest) if *digest == image => Ok(Subject::default()),
        BundleContent::Message(_) => Err(NoSignature::OtherImage),
        BundleContent::Envelope { payload_type, .. } if payload_type != PAYLOAD_TYPE => Err(NoSignature::PayloadType),
        BundleContent::Envelope { payload, .. } => {
            let statement = Statement::read(payload, image).map_err(NoSignature::Statement)?;
            match &*statement.predicate_type {
                COSIGN_SIGN => Ok(statement.subject),
                other => Err(NoSignature::Attestation(other.to_owned())),
            }
        }
    }
}
