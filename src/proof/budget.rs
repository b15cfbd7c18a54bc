//! What may a request still ask?
//!
//! Every question to the host and every signature that is checked goes through here: it counts them, notes the host's own words for the log, and lets
//! none through once the time is up. A host call can't be interrupted, so the clock is looked at before it is made.

use std::{collections::BTreeMap, time::Duration};

use super::PublicKey;
use crate::{
    host::{Host, HostError, ObjectName},
    image::Digest,
    shown::{Shown, ShownInLog},
};

/// Most answers of the host that are noted for the log.
const MAX_SAID: usize = 100;

/// How much a request may cost.
pub struct Budget<'h> {
    host: &'h dyn Host,
    limit: Duration,
    calls: usize,
    said: Vec<String>,
}

/// The time was up before a question could be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeIsUp;

/// What the host answered, if there was time to ask.
pub type Asked<T> = Result<Result<T, HostError>, TimeIsUp>;

impl<'h> Budget<'h> {
    /// A budget of `limit` from the moment the request came in.
    pub fn new(host: &'h dyn Host, limit: Duration) -> Budget<'h> {
        Budget { host, limit, calls: 0, said: Vec::new() }
    }

    /// How many host calls were made.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls
    }

    /// How long this request may take.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// Is the time up?
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.host.elapsed() >= self.limit
    }

    /// The host's own words where it said no, for the log.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// Is there time for what is not needed? A call can take long, and what is certain has to be said before the host ends it all.
    pub(super) fn has_time_to_spare(&self) -> bool {
        self.host.elapsed() < self.limit / 2
    }

    /// Goes on, unless the time is up.
    pub(super) fn tick(&self) -> Result<(), TimeIsUp> {
        if self.is_spent() { Err(TimeIsUp) } else { Ok(()) }
    }

    /// Asks whether the key of the trust root called `root` signed `image`.
    pub(super) fn verify(
        &mut self,
        image: &str,
        root: &str,
        key: &PublicKey,
        annotations: &BTreeMap<String, String>,
    ) -> Asked<Digest> {
        self.ask(|| format!("{image}, trust root {}", Shown(root)), |host| host.verify(image, key, annotations))
    }

    /// Asks for an object of the cluster.
    ///
    /// # Errors
    /// When the time is up.
    pub fn object(&mut self, name: &ObjectName<'_>) -> Asked<Vec<u8>> {
        self.ask(|| name.to_string(), |host| host.object(name))
    }

    /// What time it is, since 1970-01-01, UTC.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.host.now()
    }

    /// Asks for the digest of `image`, a canonical reference.
    ///
    /// # Errors
    /// When the time is up.
    pub fn digest(&mut self, image: &str) -> Asked<Digest> {
        self.ask(|| format!("digest of {image}"), |host| host.digest(image))
    }

    /// Asks for the manifest of `image`.
    pub(super) fn manifest(&mut self, image: &str) -> Asked<Vec<u8>> {
        self.ask(|| format!("manifest of {image}"), |host| host.manifest(image))
    }

    fn ask<T>(
        &mut self,
        about: impl Fn() -> String,
        question: impl FnOnce(&dyn Host) -> Result<T, HostError>,
    ) -> Asked<T> {
        self.tick()?;
        self.calls += 1;
        let answer = question(self.host);
        if let Err(error) = &answer
            && self.said.len() < MAX_SAID
        {
            self.said.push(format!("{}: {}", about(), ShownInLog(&error.text)));
        }
        Ok(answer)
    }
}
