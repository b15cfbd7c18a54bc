//! What do CAs say about certificates that they have revoked?
//!
//! A policy has no network, so it reads revocation lists from the evidence manifest. Certificates of signatures name the addresses. Whoever can store a signature beside an image
//! chooses these, so little is asked of them and little is believed: no redirects, a few seconds, and no more bytes than an item may have.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use image_trust::evidence::{
    manifest::{MAX_ITEM, REVOCATION_LIST},
    notation::revocation_addresses,
};

use crate::{find::Found, manifest::Item};

/// The longest time that a list may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most addresses that are asked for the signatures of one digest.
const MAX_ADDRESSES: usize = 20;

/// A client that fetches revocation lists.
pub struct Lists {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    /// What every address answered, because many certificates have the same one.
    answers: RefCell<BTreeMap<String, Result<Vec<u8>, String>>>,
}

impl Lists {
    /// Sets up the client; nobody is asked yet.
    ///
    /// # Errors
    /// When this machine gives us no event loop or no TLS.
    pub fn new() -> Result<Lists, Box<dyn std::error::Error + Send + Sync>> {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Lists { runtime, http: http.build()?, answers: RefCell::default() })
    }

    /// Adds the lists that the certificates of these signatures name. What could not be fetched is left, with the reason.
    pub fn add_to(&self, found: &mut Found) {
        let addresses = found.items.keys().flat_map(|item| revocation_addresses(&item.media_type, &item.bytes));
        let addresses: BTreeSet<String> = addresses.collect();
        if addresses.len() > MAX_ADDRESSES {
            let why = format!("certificates name {} addresses, and {MAX_ADDRESSES} are asked", addresses.len());
            found.left.push(("revocation lists".to_owned(), why));
        }
        for address in addresses.into_iter().take(MAX_ADDRESSES) {
            match self.list(&address) {
                Ok(bytes) => {
                    let item = Item { media_type: REVOCATION_LIST.to_owned(), bytes, annotations: BTreeMap::new() };
                    found.items.entry(item).or_insert(address);
                }
                Err(why) => found.left.push((address, why)),
            }
        }
    }

    fn list(&self, address: &str) -> Result<Vec<u8>, String> {
        if let Some(answer) = self.answers.borrow().get(address) {
            return answer.clone();
        }
        let answer = self.runtime.block_on(self.fetch(address));
        self.answers.borrow_mut().insert(address.to_owned(), answer.clone());
        answer
    }

    async fn fetch(&self, address: &str) -> Result<Vec<u8>, String> {
        let failed =
            |error: reqwest::Error| format!("the revocation list could not be fetched: {}", error.without_url());
        let mut response = self.http.get(address).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(format!("the revocation list could not be fetched: {}", response.status()));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ITEM {
                return Err(
                    "the revocation list has more than 256 KiB, which is the most that a policy reads".to_owned()
                );
            }
        }
        // A SEQUENCE in DER. What is in it is for the policy to judge.
        match bytes.first() {
            Some(0x30) => Ok(bytes),
            _ => Err("expected a revocation list in DER, found something else".to_owned()),
        }
    }
}
