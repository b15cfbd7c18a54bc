//! What does the host remember? Successful answers, 60 seconds, under the very strings the guest passed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::Mutex;

/// How long the host remembers a yes.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(60);

/// The memory of one host function. Errors are never remembered.
///
/// The lock is held while an answer is fetched, as the host does: whoever asks this function anything meanwhile waits, even for an answer
/// that is remembered.
pub(crate) struct Memory {
    lifetime: Duration,
    answers: Mutex<HashMap<String, (Instant, Vec<u8>)>>,
}

impl Memory {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, answers: Mutex::default() }
    }

    /// The remembered answer for `key`, or the one that `fetch` gets now.
    pub(crate) async fn answer(&self, key: String, fetch: impl Future<Output = Result<Vec<u8>>>) -> Result<Vec<u8>> {
        let mut answers = self.answers.lock().await;
        answers.retain(|_, (since, _)| since.elapsed() < self.lifetime);
        if let Some((_, answer)) = answers.get(&key) {
            return Ok(answer.clone());
        }
        let answer = fetch.await?;
        answers.insert(key, (Instant::now(), answer.clone()));
        Ok(answer)
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
}
