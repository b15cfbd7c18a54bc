//! Is an item of an evidence manifest a signature of this image, or an attestation about it?

use serde_json::value::RawValue;

use super::{
    BundleError, ItemError, Signature, Source, StatementError,
    bundle::{Bundle, BundleContent},
    cosign::{Attachment, Layer, SimpleSigning},
    envelope::Envelope,
    manifest::{Content, Item, LargeDocument},
    notation::NotationError,
    signature::Stored,
    statement::{COSIGN_SIGN, predicate},
    subject::Subject,
};
use crate::image::Digest;

/// An item about an image that was read.
pub(crate) enum Document {
    /// A signature of the image.
    Signature(SignatureDocument),
    /// An attestation about the image. It is never a signature, whoever made it.
    Attestation(Attestation),
    /// A document that was not read, because it is not in the evidence manifest itself.
    Large(LargeDocument),
}

/// A signature of an image, with everything that it covers. The signature is not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignatureDocument {
    image: Digest,
    /// The name and the annotations that the signature covers.
    pub(crate) subject: Subject,
    form: Form,
}

/// A statement about an image whose predicate type is not that of signatures. Its signature is not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attestation {
    image: Digest,
    /// The type of the predicate.
    pub(crate) predicate_type: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    SimpleSigning(Layer, Vec<u8>),
    Envelope(Box<Enveloped>),
    Bundle(Box<Bundle>),
}

/// An envelope as cosign 2 stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Enveloped {
    attachment: Attachment,
    /// The bytes as they are stored. Log entries and timestamps are about these.
    stored: Vec<u8>,
    signature: Vec<u8>,
    envelope: Envelope,
}

/// The reason for which an item is neither a signature of the image nor an attestation about it, or does not count as a signature.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoSignature {
    /// The item breaks a rule of evidence manifests.
    Item(ItemError),
    /// The item has the media type of a bundle, but cannot be read as one.
    Bundle(BundleError),
    /// The item has the media type of a DSSE envelope, but cannot be read as one.
    Envelope,
    /// The type of the DSSE payload is not `application/vnd.in-toto+json`.
    PayloadType,
    /// The DSSE payload is not an in-toto statement about the image.
    Statement(StatementError),
    /// The item is an attestation: a statement with this predicate type. An attestation is never a signature.
    Attestation(String),
    /// The payload is not in the simple signing format.
    Payload,
    /// The signature is for another image.
    OtherImage,
    /// The item has a format that belongs to validators of another type.
    OtherFormat,
    /// The item is no signature of Notation for the image.
    Notation(NotationError),
    /// The item is a document that is too large for the evidence manifest. It is only read if a rule asks for an attestation.
    Large,
}

impl NoSignature {
    /// Whether the item is an attestation, or may be one.
    pub(crate) fn is_of_an_attestation(&self) -> bool {
        matches!(self, NoSignature::Attestation(_) | NoSignature::Large)
    }

    /// Whether the item was not read because there is more evidence than is read.
    pub(crate) fn is_beyond_limits(&self) -> bool {
        matches!(self, NoSignature::Item(ItemError::TooMany | ItemError::TooLarge))
    }
}

impl Document {
    /// Reads what an item is for `image`.
    ///
    /// # Errors
    /// If it is neither a signature of the image nor an attestation about it.
    pub(crate) fn read(item: &Item, image: Digest) -> Result<Document, NoSignature> {
        match &item.content {
            Err(error) => Err(NoSignature::Item(*error)),
            Ok(Content::SimpleSigning(layer, bytes)) => {
                let SimpleSigning { image: signed, subject } =
                    SimpleSigning::read(bytes).ok_or(NoSignature::Payload)?;
                if signed != image {
                    return Err(NoSignature::OtherImage);
                }
                let form = Form::SimpleSigning(layer.clone(), bytes.clone());
                Ok(Document::Signature(SignatureDocument { image, subject, form }))
            }
            Ok(Content::Envelope(attachment, bytes)) => {
                let json: &RawValue = serde_json::from_slice(bytes).map_err(|_| NoSignature::Envelope)?;
                let (signature, envelope) = Envelope::read(json).ok_or(NoSignature::Envelope)?;
                let (attachment, stored) = (attachment.clone(), bytes.clone());
                let form = Form::Envelope(Box::new(Enveloped { attachment, stored, signature, envelope }));
                Document::of(form, image)
            }
            Ok(Content::Bundle(bytes)) => Document::of_bundle(bytes, image),
            Ok(Content::Large(document)) => Ok(Document::Large(document.clone())),
            Ok(Content::Notation(..) | Content::RevocationList(_) | Content::OcspResponse(_)) => {
                Err(NoSignature::OtherFormat)
            }
        }
    }

    /// Reads what a bundle is for `image`.
    ///
    /// # Errors
    /// If it is neither a signature of the image nor an attestation about it.
    pub(crate) fn of_bundle(json: &[u8], image: Digest) -> Result<Document, NoSignature> {
        Document::of(Form::Bundle(Box::new(Bundle::read(json).map_err(NoSignature::Bundle)?)), image)
    }

    /// A signature over the digest is a signature of the image. A statement is one only if its predicate type is that of signatures.
    fn of(form: Form, image: Digest) -> Result<Document, NoSignature> {
        let Some(envelope) = form.envelope() else {
            return match form.message() {
                Some(digest) if digest == image => {
                    Ok(Document::Signature(SignatureDocument { image, subject: Subject::default(), form }))
                }
                _ => Err(NoSignature::OtherImage),
            };
        };
        let statement = envelope.statement(image).ok_or(NoSignature::PayloadType)?;
        let statement = statement.map_err(NoSignature::Statement)?;
        Ok(match statement.predicate_type {
            predicate_type if predicate_type == COSIGN_SIGN => {
                Document::Signature(SignatureDocument { image, subject: statement.subject, form })
            }
            predicate_type => Document::Attestation(Attestation { image, predicate_type, form }),
        })
    }
}

impl Form {
    fn envelope(&self) -> Option<&Envelope> {
        match self {
            Form::SimpleSigning(..) => None,
            Form::Envelope(enveloped) => Some(&enveloped.envelope),
            Form::Bundle(bundle) => match &bundle.content {
                BundleContent::Envelope(envelope) => Some(envelope),
                BundleContent::Message(_) => None,
            },
        }
    }

    fn message(&self) -> Option<Digest> {
        match self {
            Form::Bundle(bundle) => match bundle.content {
                BundleContent::Message(digest) => Some(digest),
                BundleContent::Envelope(_) => None,
            },
            Form::SimpleSigning(..) | Form::Envelope(_) => None,
        }
    }

    /// The signature in the form in which it can be checked.
    fn signature(&self, image: Digest) -> Signature<'_> {
        match self {
            Form::SimpleSigning(layer, payload) => Signature::of_layer(layer, payload, image, Source::EvidenceManifest),
            Form::Envelope(enveloped) => {
                let Enveloped { attachment, stored, signature, envelope } = &**enveloped;
                Signature::of_envelope(envelope, signature, Stored { attachment, bytes: stored }, image)
            }
            Form::Bundle(bundle) => Signature::of_bundle(bundle, image),
        }
    }
}

impl SignatureDocument {
    /// The signature in the form in which it can be checked.
    pub(crate) fn signature(&self) -> Signature<'_> {
        self.form.signature(self.image)
    }

    /// The layer of a signature manifest, if the item repeats one.
    pub(crate) fn layer(&self) -> Option<&Layer> {
        match &self.form {
            Form::SimpleSigning(layer, _) => Some(layer),
            Form::Envelope(_) | Form::Bundle(_) => None,
        }
    }

    /// Whether the signature has a certificate.
    pub(crate) fn has_certificate(&self) -> bool {
        match &self.form {
            Form::SimpleSigning(layer, _) => layer.attachment.certificate.is_some(),
            Form::Envelope(enveloped) => enveloped.attachment.certificate.is_some(),
            Form::Bundle(bundle) => bundle.certificate.is_some(),
        }
    }
}

impl Attestation {
    /// The signature in the form in which it can be checked.
    pub(crate) fn signature(&self) -> Signature<'_> {
        self.form.signature(self.image).of_attestation(&self.predicate_type)
    }

    /// The predicate. It is `None` if the statement has none.
    pub(crate) fn predicate(&self) -> Option<&RawValue> {
        predicate(&self.form.envelope()?.payload)
    }
}
