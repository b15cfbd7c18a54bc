//! Are the answers still right, and is memory still flat, while many requests come at once?
//!
//! As in policy-server: one compiled module, a fresh instance for every request, several threads, and one host with one memory for all of them.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use clap::value_parser;
use image_trust_host::{Answers, Cached, Deadline, Gate, HostCapabilities, HostRequest, Policy};
use serde_json::Value;

use super::{Module, cases, progress, shelf::Shelf, timed};

mod images;
mod memory;
mod oracle;
mod report;

use images::{Image, Kind};
pub(super) use report::Loaded;

/// The arguments of `bench load`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Measure under load for so many seconds: several threads, images that are really signed, and every answer compared with the right one
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..), conflicts_with_all = ["request_path", "late_registry", "against", "rounds"])]
    pub(super) load: Option<u64>,
    /// End after so many requests, if that is earlier
    #[arg(long, value_name = "COUNT", requires = "load")]
    requests: Option<usize>,
    /// How many distinct images are asked for, again and again
    #[arg(long, value_name = "COUNT", requires = "load", default_value_t = 10_000, value_parser = at_least_one)]
    images: usize,
    /// How many threads ask [default: one a processor, and four at least, so that they contend]
    #[arg(long, value_name = "COUNT", requires = "load", value_parser = at_least_one)]
    threads: Option<usize>,
}

fn at_least_one(text: &str) -> Result<usize> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| anyhow!("a count is needed, and 1 at least"))
}

/// The interval at which the progress is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The measurements of one thread.
#[derive(Default)]
struct Seen {
    microseconds: Vec<u32>,
    host_calls: usize,
    kinds: BTreeMap<Kind, Asked>,
}

/// The requests for one kind of image.
#[derive(Default)]
struct Asked {
    requests: usize,
    /// How many of them were answered wrongly.
    wrong: usize,
    /// The number of the first request that was answered wrongly, and what was wrong. Threads finish in any order, and
    /// what is told does not depend on it.
    first: Option<(usize, String)>,
}

/// A registry that counts how often it was asked.
struct Counting {
    shelf: Shelf,
    asked: Arc<AtomicUsize>,
}

impl Answers for Counting {
    fn answer(&self, request: &HostRequest) -> Result<Vec<u8>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.shelf.answer(request)
    }
}

/// The state that all threads share.
struct Work<'w> {
    policy: &'w Policy,
    images: &'w [Image],
    settings: Value,
    host: Arc<dyn HostCapabilities>,
    started: Instant,
    duration: Duration,
    requests: usize,
    next: AtomicUsize,
}

pub(super) fn measure(module: &Module, seconds: u64, args: &Args) -> Result<Loaded> {
    let settings = images::settings();
    module.check_settings(&settings)?;
    let (images, shelf) = images::sign(args.images)?;
    let asked = Arc::new(AtomicUsize::new(0));
    let host = Arc::new(Gate::new(Cached::new(Counting { shelf, asked: Arc::clone(&asked) })));
    let work = Work {
        policy: &module.policy,
        images: &images,
        settings,
        host,
        started: Instant::now(),
        duration: Duration::from_secs(seconds),
        requests: args.requests.unwrap_or(usize::MAX),
        next: AtomicUsize::new(0),
    };
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.unwrap_or(processors.max(4));
    let (seen, early) = work.share(threads)?;
    let (elapsed, late) = (work.started.elapsed(), memory::resident());
    Ok(Loaded { images, threads, elapsed, seen, asked: asked.load(Ordering::Relaxed), early, late })
}

impl Work<'_> {
    /// What the threads saw, and the memory that was resident after a sixth of the work.
    fn share(&self, threads: usize) -> Result<(Seen, Option<u64>)> {
        let progress =
            progress(if self.requests == usize::MAX { self.duration.as_secs() as usize } else { self.requests });
        let mut early = None;
        let (working, finished) = mpsc::channel::<Infallible>();
        let seen = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| {
                    let working = working.clone();
                    scope.spawn(move || {
                        let seen = self.ask();
                        drop(working);
                        seen
                    })
                })
                .collect();
            drop(working);
            while finished.recv_timeout(LOOK) == Err(mpsc::RecvTimeoutError::Timeout) {
                let (asked, elapsed) = (self.next.load(Ordering::Relaxed), self.started.elapsed());
                progress.set_message(format!("{asked} requests"));
                progress.set_position(if self.requests == usize::MAX { elapsed.as_secs() } else { asked as u64 });
                if early.is_none() && (elapsed >= self.duration / 6 || asked >= self.requests / 6) {
                    early = memory::resident();
                }
            }
            let ended = workers.into_iter().map(|worker| worker.join().map_err(|_| anyhow!("a thread broke down"))?);
            ended.collect::<Result<Vec<Seen>>>()
        });
        progress.finish_and_clear();
        Ok((Seen::together(seen?), early.or_else(memory::resident)))
    }

    /// Runs one thread, which asks about image after image until the run is over.
    fn ask(&self) -> Result<Seen> {
        let mut seen = Seen::default();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.requests || self.started.elapsed() >= self.duration {
                return Ok(seen);
            }
            let image = self.images.get(number % self.images.len()).context("an image")?;
            let request = cases::request(std::slice::from_ref(&image.name))?;
            // No deadline, as the time budget is as long as can be: what is compared is no matter of time.
            let (elapsed, evaluation) =
                timed(self.policy, &request, &self.settings, Arc::clone(&self.host), Deadline::Off)?;
            let object = request.object.as_ref().unwrap_or(&Value::Null);
            let wrong = oracle::wrong(object, &image.name, &image.expected, &evaluation);
            seen.note(image.kind, elapsed, evaluation.calls.len(), wrong.map(|wrong| (number, wrong)));
        }
    }
}

impl Seen {
    fn note(&mut self, kind: Kind, elapsed: Duration, host_calls: usize, wrong: Option<(usize, String)>) {
        self.microseconds.push(elapsed.as_micros().try_into().unwrap_or(u32::MAX));
        self.host_calls += host_calls;
        self.kinds.entry(kind).or_default().add(Asked {
            requests: 1,
            wrong: usize::from(wrong.is_some()),
            first: wrong,
        });
    }

    fn together(threads: Vec<Seen>) -> Seen {
        let mut all = Seen::default();
        for seen in threads {
            all.microseconds.extend(seen.microseconds);
            all.host_calls += seen.host_calls;
            for (kind, asked) in seen.kinds {
                all.kinds.entry(kind).or_default().add(asked);
            }
        }
        all.microseconds.sort_unstable();
        all
    }
}

impl Asked {
    fn add(&mut self, other: Asked) {
        self.requests += other.requests;
        self.wrong += other.wrong;
        self.first = self.first.take().into_iter().chain(other.first).min();
    }
}
