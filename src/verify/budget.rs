//! How many more questions may a request ask, and how much time is left?
//!
//! Every question to the host and every signature that is checked goes through here: it counts them, notes the host's own words for the log, and lets
//! none through once the time is up or enough was asked. A host call can't be interrupted, so the clock is looked at before it is made.

use std::{collections::BTreeMap, time::Duration};

use super::requirement::TrustRootName;
use crate::{
    host::{Host, HostError, ObjectName, Permission},
    image::Digest,
    signing::PublicKey,
    text::{Shown, ShownInLog},
    time::UnixTime,
};

/// The most answers of the host that are noted for the log.
const MAX_SAID: usize = 100;
/// The most host calls of one request that only explain a denial. The policy server's workers are shared, and whoever writes a request chooses what is denied.
const MAX_EXPLAINING: usize = 12;

/// How much a request may cost.
pub struct Budget<'h> {
    host: &'h dyn Host,
    limit: Duration,
    max_calls: usize,
    calls: usize,
    /// The number of host calls that count against `max_calls`. It includes some that were not made.
    charged: usize,
    explaining: usize,
    said: Vec<String>,
}

/// Which limit of the budget was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// The time budget, of this length.
    Time(Duration),
    /// The host calls, of which this many were allowed.
    Calls(usize),
}

/// The reason for which something was not looked at that would only explain a denial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// Half of the time budget was used.
    Time,
    /// The host calls for explanations were used.
    Calls,
    /// The registry did not say.
    Failed,
    /// More entries are listed than are looked at.
    Entries,
    /// The most signatures that may be checked for explanations were checked.
    Checks,
    /// Others are missing already, so that this one cannot help.
    Lost,
}

/// What the host answered, if it could be asked.
pub type Asked<T> = Result<Result<T, HostError>, Spent>;

impl<'h> Budget<'h> {
    /// A budget of `limit` from the moment the request came in, and of `max_calls` host calls.
    pub fn new(host: &'h dyn Host, limit: Duration, max_calls: usize) -> Budget<'h> {
        Budget { host, limit, max_calls, calls: 0, charged: 0, explaining: 0, said: Vec::new() }
    }

    /// Runs a function, and counts the host calls that it makes.
    pub(crate) fn counted<T>(&mut self, question: impl FnOnce(&mut Self) -> T) -> (T, usize) {
        let before = self.calls;
        let answer = question(self);
        (answer, self.calls.saturating_sub(before))
    }

    /// Checks that the time budget is not used up.
    ///
    /// # Errors
    /// If the time budget is used up.
    pub fn tick(&self) -> Result<(), Spent> {
        if self.host.elapsed() >= self.limit { Err(Spent::Time(self.limit)) } else { Ok(()) }
    }

    /// Checks that another host call is allowed.
    ///
    /// # Errors
    /// If the time or the host calls are used up.
    pub fn may_ask(&self) -> Result<(), Spent> {
        self.tick()?;
        if self.charged >= self.max_calls { Err(Spent::Calls(self.max_calls)) } else { Ok(()) }
    }

    /// The host's own words where it said no, for the log.
    pub fn take_log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.said)
    }

    /// Counts a host call that is not made, so that whoever counts host calls does not learn what a registry has.
    ///
    /// # Errors
    /// If that call would not be allowed.
    pub(crate) fn charge(&mut self) -> Result<(), Spent> {
        self.may_ask()?;
        self.charged = self.charged.saturating_add(1);
        Ok(())
    }

    /// Checks that there is time to explain a denial. A call can take long, and what is certain has to be said before the host ends it all.
    ///
    /// # Errors
    /// If half of the time budget is used.
    pub(crate) fn spare_time(&self) -> Result<(), Unseen> {
        if self.host.elapsed().saturating_mul(2) < self.limit { Ok(()) } else { Err(Unseen::Time) }
    }

    /// Takes one host call for explaining a denial.
    ///
    /// # Errors
    /// If time or calls don't allow it.
    pub(crate) fn spare_call(&mut self) -> Result<(), Unseen> {
        self.spare_time()?;
        if self.explaining >= MAX_EXPLAINING || self.charged >= self.max_calls {
            return Err(Unseen::Calls);
        }
        self.explaining = self.explaining.saturating_add(1);
        Ok(())
    }

    /// Asks whether the key of the trust root called `root` signed `image`.
    pub(crate) fn verify(
        &mut self,
        image: &str,
        root: &TrustRootName,
        key: &PublicKey,
        annotations: &BTreeMap<String, String>,
    ) -> Asked<Digest> {
        self.ask(|| format!("{image}, trust root {}", Shown(&root.0)), |host| host.verify(image, key, annotations))
    }

    /// Asks for an object of the cluster.
    ///
    /// # Errors
    /// When the budget is spent.
    pub fn object(&mut self, name: &ObjectName<'_>) -> Asked<Vec<u8>> {
        self.ask(|| name.to_string(), |host| host.object(name))
    }

    /// Asks whether a user has a permission.
    ///
    /// # Errors
    /// When the budget is spent.
    pub fn may(&mut self, permission: &Permission<'_>) -> Asked<bool> {
        self.ask(|| permission.to_string(), |host| host.may(permission))
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.host.now()
    }

    /// Asks for the digest of `image`, a canonical reference.
    ///
    /// # Errors
    /// When the budget is spent.
    pub fn digest(&mut self, image: &str) -> Asked<Digest> {
        self.ask(|| format!("digest of {image}"), |host| host.digest(image))
    }

    /// Asks for the manifest of `image`.
    pub(crate) fn manifest(&mut self, image: &str) -> Asked<Vec<u8>> {
        let manifest = |host: &dyn Host| {
            let manifest = host.manifest(image)?;
            HostError::check_length(manifest.len())?;
            Ok(manifest)
        };
        self.ask(|| format!("manifest of {image}"), manifest)
    }

    /// Asks for the config of the manifest of `image`.
    pub(crate) fn config(&mut self, image: &str) -> Asked<Vec<u8>> {
        let config = |host: &dyn Host| {
            let config = host.config(image)?;
            HostError::check_length(config.len())?;
            Ok(config)
        };
        self.ask(|| format!("config of {image}"), config)
    }

    fn ask<T>(
        &mut self,
        about: impl Fn() -> String,
        question: impl FnOnce(&dyn Host) -> Result<T, HostError>,
    ) -> Asked<T> {
        self.may_ask()?;
        self.calls = self.calls.saturating_add(1);
        self.charged = self.charged.saturating_add(1);
        let answer = question(self.host);
        if let Err(error) = &answer
            && self.said.len() < MAX_SAID
        {
            self.said.push(format!("{}: {}", about(), ShownInLog(&error.text)));
        }
        Ok(answer)
    }
}
