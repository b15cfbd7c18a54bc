//! What came of a load, and is it good?

use std::{collections::BTreeMap, time::Duration};

use super::{
    super::table,
    Seen,
    images::{Image, Kind},
    memory,
};

const NOTE: &str = "each in a fresh instance, in this process (no HTTP), no deadline; the host remembers answers for 60 s, and errors never";

/// The result of a load test.
pub(in super::super) struct Loaded {
    pub(super) images: Vec<Image>,
    pub(super) threads: usize,
    pub(super) elapsed: Duration,
    pub(super) seen: Seen,
    /// The number of requests that reached the registry.
    pub(super) asked: usize,
    /// Kilobytes, after a sixth of the work and in the end.
    pub(super) early: Option<u64>,
    pub(super) late: Option<u64>,
}

impl Loaded {
    /// Everything that is wrong in the result.
    pub(in super::super) fn problems(&self) -> Vec<String> {
        let kinds = || self.seen.kinds.values();
        let wrong: usize = kinds().map(|asked| asked.wrong).sum();
        let first: Vec<_> = kinds().filter_map(|asked| asked.first.as_ref()).map(|(_, wrong)| wrong.as_str()).collect();
        let wrong = (wrong > 0).then(|| format!("{wrong} wrong answers, such as\n  {}", first.join("\n  ")));
        let grown = self.early.zip(self.late).filter(|(early, late)| !memory::is_flat(*early, *late));
        let grown = grown.map(|(early, late)| format!("memory is not flat: {early} kB early, {late} kB in the end"));
        wrong.into_iter().chain(grown).collect()
    }

    pub(in super::super) fn shown(&self) -> (String, Vec<String>) {
        let requests = self.seen.microseconds.len();
        // One after the other, from the first.
        let asked_for = self.images.get(..requests.min(self.images.len())).unwrap_or_default();
        let mut distinct: BTreeMap<Kind, (usize, String)> = BTreeMap::new();
        for Image { kind, expected, .. } in asked_for {
            distinct.entry(*kind).or_insert_with(|| (0, expected.words())).0 += 1;
        }
        let rows = distinct.into_iter().map(|(kind, (images, expected))| {
            let (requests, wrong) = self.seen.kinds.get(&kind).map_or((0, 0), |asked| (asked.requests, asked.wrong));
            [kind.words().to_owned(), expected, images.to_string(), requests.to_string(), wrong.to_string()].into()
        });
        let header = ["image", "right is", "distinct images", "requests", "wrong answers"].map(str::to_owned);
        let table = table(2, header.into(), rows.collect());

        let quantile = |hundredths: usize| {
            let at = requests.saturating_sub(1) * hundredths / 100;
            self.seen.microseconds.get(at).map_or_else(String::new, |us| format!("{:.1} ms", f64::from(*us) / 1_000.0))
        };
        let seconds = self.elapsed.as_secs_f64();
        let (calls, hits) = (self.seen.host_calls, self.seen.host_calls.saturating_sub(self.asked));
        let megabytes =
            |kb: Option<u64>| kb.map_or_else(|| "not known".to_owned(), |kb| format!("{:.1} MB", kb as f64 / 1_024.0));
        let notes = [
            format!(
                "{requests} requests in {seconds:.1} s by {} threads: {:.0} a second",
                self.threads,
                requests as f64 / seconds
            ),
            format!("{} distinct images", asked_for.len()),
            format!("latency: median {}, 99 of 100 within {}, at most {}", quantile(50), quantile(99), quantile(100)),
            format!("{calls} host calls, of which {hits} were remembered"),
            format!("resident memory: {} after a sixth, {} in the end", megabytes(self.early), megabytes(self.late)),
            NOTE.to_owned(),
        ];
        (table.to_string(), notes.into())
    }
}
