//! What does the host remember? Successful answers, 60 seconds, under the very strings the guest passed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Mutex;

use crate::capabilities::Answers;
use crate::host_request::HostRequest;

/// The time for which the host remembers an answer.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(60);

/// What is forgotten is thrown away this many times in such a lifetime. At every answer it would be the most work of all, with 10,000 images.
const SWEEPS: u32 = 60;

/// The memory of one host function. Errors are never remembered.
///
/// The lock is held while an answer is fetched, as the host does: whoever asks this function anything meanwhile waits, even for an answer
/// that is remembered.
struct Memory {
    lifetime: Duration,
    answers: Mutex<Remembered>,
}

struct Remembered {
    answers: HashMap<String, (Instant, Vec<u8>)>,
    swept: Instant,
}

impl Memory {
    fn new(lifetime: Duration) -> Self {
        let answers = Remembered { answers: HashMap::new(), swept: Instant::now() };
        Self { lifetime, answers: Mutex::new(answers) }
    }

    /// The remembered answer for `key`, or the one that `fetch` gets now.
    async fn answer(&self, key: String, fetch: impl Future<Output = Result<Vec<u8>>>) -> Result<Vec<u8>> {
        let mut remembered = self.answers.lock().await;
        match remembered.fresh(&key, self.lifetime) {
            Some(answer) => Ok(answer),
            None => Ok(remembered.keep(key, fetch.await?)),
        }
    }

    /// The same where nothing has to be waited for: blocks the calling thread while others ask.
    fn answer_at_once(&self, key: String, fetch: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        let mut remembered = self.answers.blocking_lock();
        match remembered.fresh(&key, self.lifetime) {
            Some(answer) => Ok(answer),
            None => Ok(remembered.keep(key, fetch()?)),
        }
    }
}

impl Remembered {
    fn fresh(&mut self, key: &str, lifetime: Duration) -> Option<Vec<u8>> {
        let now = Instant::now();
        let is_fresh = |since: &Instant| now.duration_since(*since) < lifetime;
        if now.duration_since(self.swept) >= lifetime / SWEEPS {
            self.answers.retain(|_, (since, _)| is_fresh(since));
            self.swept = now;
        }
        self.answers.get(key).filter(|(since, _)| is_fresh(since)).map(|(_, answer)| answer.clone())
    }

    fn keep(&mut self, key: String, answer: Vec<u8>) -> Vec<u8> {
        self.answers.insert(key, (Instant::now(), answer.clone()));
        answer
    }
}

/// The host's memories: one for each function that has one.
pub(crate) struct Memories {
    digests: Memory,
    manifests: Memory,
    configs: Memory,
    verifications: Memory,
}

impl Default for Memories {
    fn default() -> Self {
        let [digests, manifests, configs, verifications] = std::array::from_fn(|_| Memory::new(REMEMBERED));
        Self { digests, manifests, configs, verifications }
    }
}

impl Memories {
    /// The remembered answer, or the one that `fetch` gets now.
    pub(crate) async fn answer(
        &self,
        request: &HostRequest,
        fetch: impl Future<Output = Result<Vec<u8>>>,
    ) -> Result<Vec<u8>> {
        match self.of(request) {
            Some((memory, key)) => memory.answer(key, fetch).await,
            None => fetch.await,
        }
    }

    /// Where the answer to this request is remembered, and as what; nowhere for what concerns no registry.
    fn of(&self, request: &HostRequest) -> Option<(&Memory, String)> {
        match request {
            HostRequest::OciManifestDigest { image } => Some((&self.digests, image.clone())),
            HostRequest::OciManifest { image } => Some((&self.manifests, image.clone())),
            HostRequest::OciManifestAndConfig { image } => Some((&self.configs, image.clone())),
            // The request's debug text holds image, keys and annotations as they came: what the host keys its memory by.
            HostRequest::SigstorePubKeyVerify { .. }
            | HostRequest::SigstoreKeylessVerify { .. }
            | HostRequest::SigstoreKeylessPrefixVerify { .. }
            | HostRequest::SigstoreGithubActionsVerify { .. } => Some((&self.verifications, format!("{request:?}"))),
            _ => None,
        }
    }
}

/// Somebody's answers behind the host's memory of the last minute, for any number of threads.
pub struct Cached<A> {
    memories: Memories,
    answers: A,
}

impl<A: Answers> Cached<A> {
    /// A cache over `answers` that remembers nothing yet.
    pub fn new(answers: A) -> Self {
        Self { memories: Memories::default(), answers }
    }
}

impl<A: Answers> Answers for Cached<A> {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        match self.memories.of(request) {
            Some((memory, key)) => memory.answer_at_once(key, || self.answers.answer(request)),
            None => self.answers.answer(request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[tokio::test]
    async fn only_a_fresh_yes_is_remembered() {
        let (minute, nothing) = (REMEMBERED, Duration::ZERO);
        // how long answers live, what is asked twice, the first and the second answer from outside, what the second asker reads
        let table = [
            (minute, ["app", "app"], Ok("1"), Ok("2"), Ok("1")),
            // the same image in other words is another question
            (minute, ["app", "docker.io/library/app:latest"], Ok("1"), Ok("2"), Ok("2")),
            (minute, ["app", "app"], Err("down"), Ok("2"), Ok("2")),
            (nothing, ["app", "app"], Ok("1"), Ok("2"), Ok("2")),
            (nothing, ["app", "app"], Ok("1"), Err("down"), Err("down")),
        ];
        for (lifetime, keys, first, second, expected) in table {
            let memory = Memory::new(lifetime);
            let fetch = |answer: Result<&'static str, &'static str>| async move {
                answer.map(|text| text.as_bytes().to_vec()).map_err(|text| anyhow!(text))
            };
            let _ = memory.answer(keys[0].to_owned(), fetch(first)).await;
            let answer = memory.answer(keys[1].to_owned(), fetch(second)).await;
            let answer = answer.map_err(|e| e.to_string());
            assert_eq!(answer, expected.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned), "{keys:?}");
        }
    }

    #[test]
    fn what_is_forgotten_is_let_go() {
        // how long answers live, how many of 100 are kept
        for (lifetime, kept) in [(REMEMBERED, 100), (Duration::ZERO, 1)] {
            let memory = Memory::new(lifetime);
            for n in 0..100 {
                memory.answer_at_once(n.to_string(), || Ok(Vec::new())).expect("an answer");
            }
            assert_eq!(memory.answers.blocking_lock().answers.len(), kept, "{lifetime:?}");
        }
    }

    #[test]
    fn registries_are_asked_once_and_the_cluster_each_time() {
        /// Answers that count how often they are asked.
        #[derive(Default)]
        struct Counting(std::sync::atomic::AtomicUsize);
        impl Answers for Counting {
            fn answer(&self, _: &HostRequest) -> Result<Vec<u8>> {
                Ok(self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string().into_bytes())
            }
        }
        let image = || "app".to_owned();
        let key = |key: &str| HostRequest::SigstorePubKeyVerify {
            image: image(),
            pub_keys: vec![key.to_owned()],
            annotations: None,
        };
        let cached = Cached::new(Counting::default());
        // the request, which answer it reads
        let table = [
            (HostRequest::OciManifestDigest { image: image() }, "0"),
            // the same string to another function
            (HostRequest::OciManifest { image: image() }, "1"),
            (HostRequest::OciManifestAndConfig { image: image() }, "2"),
            (key("alice"), "3"),
            (key("bob"), "4"),
            (HostRequest::OciManifestDigest { image: image() }, "0"),
            (HostRequest::OciManifest { image: image() }, "1"),
            (HostRequest::OciManifestAndConfig { image: image() }, "2"),
            (key("alice"), "3"),
            (HostRequest::DNSLookupHost { host: image() }, "5"),
            (HostRequest::DNSLookupHost { host: image() }, "6"),
        ];
        for (request, expected) in table {
            let answer = cached.answer(&request).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            assert_eq!(answer.ok().as_deref(), Some(expected), "{request:?}");
        }
    }
}
