//! What was asked already? Each question once in one run, however many threads ask it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::{Error, Result, anyhow};

use crate::capabilities::Answers;
use crate::host_request::HostRequest;

/// An answer, or the messages of an error, outermost first.
type Told = Result<Vec<u8>, Vec<String>>;

/// Somebody's answers, each fetched once and kept for the whole run. Errors are kept, too.
///
/// Whoever asks what somebody else is asking waits for that answer. Other questions are not held up, unlike by the host's own memory
/// ([`Live`](crate::Live)): combine it with [`Live::without_memory`](crate::Live::without_memory).
pub struct Memo<A> {
    /// By the debug text of the request, which holds every part of it.
    told: Mutex<HashMap<String, Arc<OnceLock<Told>>>>,
    answers: A,
}

impl<A: Answers> Memo<A> {
    /// A memo over `answers` that knows nothing yet.
    pub fn new(answers: A) -> Self {
        Self { told: Mutex::default(), answers }
    }
}

impl<A: Answers> Answers for Memo<A> {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        let cell = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(told.entry(format!("{request:?}")).or_default())
        };
        let fetch = || self.answers.answer(request).map_err(|error| error.chain().map(ToString::to_string).collect());
        match cell.get_or_init(fetch) {
            Ok(answer) => Ok(answer.clone()),
            Err(messages) => Err(error(messages)),
        }
    }
}

/// The error with these messages, which the gate tells in the same words as the first one.
fn error(messages: &[String]) -> Error {
    let mut inner_first = messages.iter().rev();
    let cause = anyhow!("{}", inner_first.next().map_or("", String::as_str));
    inner_first.fold(cause, |error, message| error.context(message.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capabilities::{Gate, HostCapabilities as _};
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts how often it is asked, and fails for `bad`. The image `slow` is answered when two threads are at the barrier.
    struct Counting {
        asked: AtomicUsize,
        barrier: Barrier,
    }

    impl Counting {
        fn new() -> Self {
            Self { asked: AtomicUsize::new(0), barrier: Barrier::new(2) }
        }
    }

    impl Answers for Counting {
        fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
            let count = self.asked.fetch_add(1, Ordering::SeqCst);
            match request {
                HostRequest::OciManifestDigest { image } if image == "slow" => {
                    self.barrier.wait();
                }
                HostRequest::OciManifest { image } if image == "bad" => {
                    return Err(anyhow!("refused").context("no manifest").context("outermost"));
                }
                _ => {}
            }
            Ok(count.to_string().into_bytes())
        }
    }

    fn digest(image: &str) -> HostRequest {
        HostRequest::OciManifestDigest { image: image.to_owned() }
    }

    #[test]
    fn each_question_is_asked_once_by_any_number_of_threads() {
        let memo = Memo::new(Counting::new());
        std::thread::scope(|scope| {
            let slow: Vec<_> = (0..4).map(|_| scope.spawn(|| memo.answer(&digest("slow")).ok())).collect();
            // Another question is answered meanwhile, or this would never end.
            let other = memo.answer(&digest("app")).ok();
            assert_eq!(memo.answer(&digest("app")).ok(), other);
            memo.answers.barrier.wait();
            let slow: Vec<_> = slow.into_iter().map(|thread| thread.join().expect("an answer")).collect();
            assert!(slow.iter().all(|answer| *answer == slow[0] && answer.is_some() && *answer != other), "{slow:?}");
        });
        assert_eq!(memo.answers.asked.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn errors_are_kept_in_the_same_words() {
        let call = |host: &Gate<Arc<dyn Answers>>| host.call("kubewarden", "oci", "v1/oci_manifest", br#""bad""#);
        let plain: Gate<Arc<dyn Answers>> = Gate::new(Arc::new(Counting::new()));
        let memo = Arc::new(Memo::new(Counting::new()));
        let kept: Gate<Arc<dyn Answers>> = Gate::new(memo.clone());
        let expected = call(&plain);
        assert!(expected.as_ref().is_err_and(|text| text.contains("outermost\n\nCaused by:\n    0: no manifest")));
        assert_eq!([call(&kept), call(&kept)], [expected.clone(), expected]);
        assert_eq!(memo.answers.asked.load(Ordering::SeqCst), 1);
    }
}
