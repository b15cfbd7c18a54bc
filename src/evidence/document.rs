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

/// A signature of an image with everything that it is over. That anybody made it is still to be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    image: Digest,
    /// What the signer said of the image besides.
    pub(crate) subject: Subject,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    SimpleSigning(Layer, Vec<u8>),
    Bundle(Box<Bundle>),
}

/// Why an item is no signature of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoSignature {
    /// It breaks a rule of evidence manifests.
    Item(ItemError),
    /// It is said to be a bundle, and can't be read as one.
    Bundle(BundleError),
    /// Its payload is of another type than in-toto statements are.
    PayloadType,
    /// Its payload is no statement about the image.
    Statement(StatementError),
    /// It is an attestation: a statement with this predicate, which is no signature.
    Attestation(String),
    /// Its payload can't be read.
    Payload,
    /// It is of another image.
    OtherImage,
}

impl Document {
    /// The signature of `image` that an item holds.
    ///
    /// # Errors
    /// When it holds none.
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

    /// The signature, to be checked.
    pub(crate) fn signature(&self) -> Signature<'_> {
        match &self.form {
            Form::SimpleSigning(layer, payload) => {
                Signature::of_layer(layer, payload, self.image, Source::EvidenceManifest)
            }
            Form::Bundle(bundle) => Signature::of_bundle(bundle, self.image),
        }
    }

    /// The layer of a signature manifest that it is, if it is one.
    pub(crate) fn layer(&self) -> Option<&Layer> {
        match &self.form {
            Form::SimpleSigning(layer, _) => Some(layer),
            Form::Bundle(_) => None,
        }
    }

    /// Has it a certificate?
    pub(crate) fn has_certificate(&self) -> bool {
        match &self.form {
            Form::SimpleSigning(layer, _) => layer.certificate.is_some(),
            Form::Bundle(bundle) => bundle.certificate.is_some(),
        }
    }
}

/// What a bundle says of the image, if it signs it. An attestation about an image is no signature of it, whoever made it.
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
