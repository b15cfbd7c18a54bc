//! How are many requests evaluated? By one compiled module, several at a time.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::Result;
use image_trust_host::{AdmissionRequest, Deadline, Evaluation, HostCapabilities, Policy};
use serde_json::Value;

use crate::progress;

/// How many requests are evaluated at a time: they wait for registries, not for the processor.
pub const THREADS: usize = 8;

/// Evaluates each request once, on as many threads, and hands over what `each` makes of the evaluations, in the order of the requests.
///
/// An evaluation holds every answer of the host, so keep only what is needed of it. There is no deadline.
///
/// # Errors
/// When there was no instance of the module to ask, for any request.
pub fn evaluate<T: Send>(
    policy: &Policy,
    requests: &[AdmissionRequest],
    settings: &Value,
    host: Arc<dyn HostCapabilities>,
    threads: usize,
    each: impl Fn(&AdmissionRequest, Evaluation) -> T + Sync,
) -> Result<Vec<T>> {
    let one = |request: &AdmissionRequest| -> Result<T> {
        let evaluation = policy.evaluate(request, settings, Arc::clone(&host), Deadline::Off)?;
        Ok(each(request, evaluation))
    };
    let what = if requests.len() == 1 { "evaluating the request" } else { "evaluating the requests" };
    progress::counting(what, requests.len(), |done| in_order(requests, threads, done, one))
}

/// What `one` makes of each item, in their order. After an error, no further item is begun.
fn in_order<I: Sync, T: Send>(
    items: &[I],
    threads: usize,
    done: &AtomicUsize,
    one: impl Fn(&I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { break };
            let result = one(item);
            if result.is_err() {
                next.store(items.len(), Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;
    use std::sync::Barrier;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1_000).collect();
        for threads in [1, 8] {
            let done = AtomicUsize::new(0);
            let doubled = in_order(&items, threads, &done, |item| Ok(item * 2)).expect("results");
            assert!(doubled.iter().copied().eq((0..1_000).map(|item| item * 2)), "{threads}");
            assert_eq!(done.into_inner(), 1_000);
        }
        assert_eq!(in_order(&[], 8, &AtomicUsize::new(0), |(): &()| Ok(())).expect("nothing"), []);
    }

    #[test]
    fn several_items_are_worked_at_together() {
        // It would never end with fewer threads.
        let barrier = Barrier::new(4);
        let wait = |_: &usize| Ok(barrier.wait().is_leader());
        let leaders = in_order(&[0; 4], 4, &AtomicUsize::new(0), wait).expect("results");
        assert_eq!(leaders.iter().filter(|leader| **leader).count(), 1);
    }

    #[test]
    fn an_error_ends_the_work() {
        let done = AtomicUsize::new(0);
        let fails = |item: &usize| if *item == 3 { bail!("item {item}") } else { Ok(()) };
        let error = in_order(&(0..1_000).collect::<Vec<_>>(), 1, &done, fails).expect_err("an error");
        assert_eq!((error.to_string().as_str(), done.into_inner()), ("item 3", 4));
    }
}
