//! What do CAs say about certificates that they have revoked?
//!
//! A policy has no network, so it reads revocation lists and OCSP responses from the evidence manifest. Certificates of signatures name the addresses. Whoever can store a signature
//! beside an image chooses these, so little is asked of them and little is believed: no redirects, a few seconds, and no more bytes than an item may have.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use image_trust::evidence::{
    manifest::{MAX_ITEM, MAX_OCSP_RESPONSE, OCSP_RESPONSE, REVOCATION_LIST},
    notation::{OcspRequest, RevocationSources, revocation_sources},
};
use reqwest::{RequestBuilder, header::CONTENT_TYPE};

use crate::{find::Found, manifest::Item};

/// The longest time that an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most addresses of revocation lists that are asked for the signatures of one digest.
const MAX_ADDRESSES: usize = 20;
/// The most OCSP requests for the signatures of one digest.
const MAX_REQUESTS: usize = 20;

/// A client that asks CAs about revoked certificates.
pub struct RevocationClient {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    /// What every question was answered, because many signatures have the same certificates.
    answers: RefCell<BTreeMap<Question, Result<Vec<u8>, String>>>,
}

/// A question for a server of a CA.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    /// The revocation list at this address.
    List(String),
    /// Whether a certificate was revoked.
    Ocsp(OcspRequest),
}

impl Question {
    fn address(&self) -> &str {
        match self {
            Question::List(address) | Question::Ocsp(OcspRequest { address, .. }) => address,
        }
    }

    /// What the answer is called, its media type, and the most bytes that it may have.
    fn answer(&self) -> (&'static str, &'static str, usize) {
        match self {
            Question::List(_) => ("revocation list", REVOCATION_LIST, MAX_ITEM),
            Question::Ocsp(_) => ("OCSP response", OCSP_RESPONSE, MAX_OCSP_RESPONSE),
        }
    }

    fn request(&self, http: &reqwest::Client) -> RequestBuilder {
        match self {
            Question::List(address) => http.get(address),
            Question::Ocsp(OcspRequest { address, body }) => {
                http.post(address).header(CONTENT_TYPE, "application/ocsp-request").body(body.clone())
            }
        }
    }
}

impl RevocationClient {
    /// Sets up the client; nobody is asked yet.
    ///
    /// # Errors
    /// When this machine gives us no event loop or no TLS.
    pub fn new() -> Result<RevocationClient, Box<dyn std::error::Error + Send + Sync>> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(RevocationClient { runtime, http: http.build()?, answers: RefCell::default() })
    }

    /// Adds the lists and the OCSP responses about the certificates of these signatures. What could not be fetched is left, with the reason.
    pub fn add_to(&self, found: &mut Found) {
        let mut sources = RevocationSources::default();
        for item in found.items.keys() {
            let RevocationSources { lists, requests } = revocation_sources(&item.media_type, &item.bytes);
            sources.lists.extend(lists);
            sources.requests.extend(requests);
        }
        let RevocationSources { lists, requests } = sources;
        if lists.len() > MAX_ADDRESSES {
            let why = format!("certificates name {} addresses, and {MAX_ADDRESSES} are asked", lists.len());
            found.left.push(("revocation lists".to_owned(), why));
        }
        if requests.len() > MAX_REQUESTS {
            let why = format!("certificates need {} OCSP requests, and {MAX_REQUESTS} are sent", requests.len());
            found.left.push(("OCSP responses".to_owned(), why));
        }
        let lists = lists.into_iter().take(MAX_ADDRESSES).map(Question::List);
        let requests = requests.into_iter().take(MAX_REQUESTS).map(Question::Ocsp);
        for question in lists.chain(requests) {
            let address = question.address().to_owned();
            match self.ask(&question) {
                Ok(bytes) => {
                    let (_, media_type, _) = question.answer();
                    let item = Item { media_type: media_type.to_owned(), bytes, annotations: BTreeMap::new() };
                    found.items.entry(item).or_insert(address);
                }
                Err(why) => found.left.push((address, why)),
            }
        }
    }

    fn ask(&self, question: &Question) -> Result<Vec<u8>, String> {
        if let Some(answer) = self.answers.borrow().get(question) {
            return answer.clone();
        }
        let answer = self.runtime.block_on(self.fetch(question));
        self.answers.borrow_mut().insert(question.clone(), answer.clone());
        answer
    }

    async fn fetch(&self, question: &Question) -> Result<Vec<u8>, String> {
        let (what, _, most) = question.answer();
        let failed = |error: reqwest::Error| format!("the {what} could not be fetched: {}", error.without_url());
        let mut response = question.request(&self.http).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(format!("the {what} could not be fetched: {}", response.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > most {
                let most = most / 1024;
                return Err(format!("the {what} has more than {most} KiB, which is the most that a policy reads"));
            }
        }
        if let (Question::Ocsp(_), [0x30, 0x03, 0x0a, 0x01, status]) = (question, bytes.as_slice()) {
            return Err(format!("the OCSP server gives no answer: {}", status_word(*status)));
        }
        // A SEQUENCE in DER. What is in it is for the policy to judge.
        match bytes.first() {
            Some(0x30) => Ok(bytes),
            _ => Err(format!("expected the {what} in DER, found something else")),
        }
    }
}

/// The status of an OCSP response without an answer (RFC 6960, section 4.2.1).
fn status_word(status: u8) -> String {
    match status {
        1 => "it could not read the request (malformedRequest)".to_owned(),
        2 => "it has failed (internalError)".to_owned(),
        3 => "it asks to try later (tryLater)".to_owned(),
        5 => "it wants a signed request (sigRequired)".to_owned(),
        6 => "it does not know the certificate (unauthorized)".to_owned(),
        status => format!("its status is {status}"),
    }
}
