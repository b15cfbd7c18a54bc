//! What does the policy cost, where a registry has to be asked and takes its time?

use std::{
    fmt::{self, Display, Formatter},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use comfy_table::Table;
use image_trust_host::{Deadline, Gate, Live, LiveConfig};
use image_trust_testbed::{
    loopback::{Fault, ImageKind, Registry, Scope, Signer, signature_tag},
    mint::{Bundle, Instance, Key, bundle, evidence, signature::MANIFEST},
};
use serde_json::{Value, json};

use super::{Module, cases, median, progress, table, timed};
use image_trust_cli::demo::warm_up;

pub(super) const NOTE: &str = "medians; cold: the host has not heard of the images; warm: the same again at once\n\
    every HTTP answer comes with the delay; connections take no time, and what is not plain HTTP is refused at once";

const DELAYS: [u64; 3] = [0, 20, 50];
const IMAGES: [usize; 3] = [1, 3, 10];
/// The signers: the first one of them, or all of them.
const SIGNERS: [&str; 3] = ["alice", "bob", "carol"];
const KEYS: [usize; 2] = [1, SIGNERS.len()];

/// Where the signatures lie, and what is read first.
#[derive(Clone, Copy, PartialEq)]
enum Evidence {
    /// In signature manifests.
    Signatures,
    /// In evidence manifests, which are read second.
    Second,
    /// In evidence manifests, which are read first.
    First,
}

impl Evidence {
    const ALL: [Evidence; 3] = [Evidence::Signatures, Evidence::Second, Evidence::First];

    fn name(self) -> &'static str {
        match self {
            Evidence::Signatures => ".sig",
            Evidence::Second => ".evidence, second",
            Evidence::First => ".evidence, first",
        }
    }
}

struct Row {
    delay: Duration,
    evidence: Evidence,
    /// The number of different images.
    images: usize,
    /// The number of keys that have signed each image, all of which are required.
    keys: usize,
}

/// The measurements of one module for a row.
#[derive(Default)]
struct Measured {
    cold: Vec<Duration>,
    requests: Vec<usize>,
    warm: Vec<Duration>,
}

pub(super) fn measure(modules: &[Module], rounds: Option<u32>) -> Result<Table> {
    let is_alone = modules.len() == 1;
    let rows = DELAYS.iter().flat_map(|delay| {
        let delay = Duration::from_millis(*delay);
        let of_images = move |images: &'static usize| {
            let by_keys = move |keys| Evidence::ALL.map(|evidence| Row { delay, evidence, images: *images, keys });
            KEYS.into_iter().flat_map(by_keys)
        };
        // Several keys say nothing new of evidence, and other modules may not read it.
        IMAGES
            .iter()
            .flat_map(of_images)
            .filter(move |row| row.keys == 1 && is_alone || row.evidence == Evidence::Signatures)
    });
    let rows: Vec<Row> = rows.collect();
    let rounds = |row: &Row| rounds.unwrap_or(if row.delay.is_zero() { 5 } else { 3 });
    let progress = progress(rows.iter().map(|row| rounds(row) as usize * modules.len()).sum());
    let registry = Registry::start().context("cannot start a registry on loopback")?;
    let mut shown = Vec::new();
    for (row, number) in rows.iter().zip(1..) {
        progress.set_message(row.to_string());
        let mut cells: Vec<Measured> = modules.iter().map(|_| Measured::default()).collect();
        for round in 1..=rounds(row) {
            for ((module, measured), turn) in modules.iter().zip(&mut cells).zip(1..) {
                // Names that nobody has asked for yet: a part of what hosts remember is the whole process's.
                let folder = format!("row-{number}/round-{round}/turn-{turn}");
                row.sample(module, &registry, &folder, measured)?;
                progress.inc(1);
            }
        }
        shown.push(row.shown(&cells));
    }
    progress.finish_and_clear();
    let mut header = ["signed in", "delay, ms", "images", "keys"].map(str::to_owned).to_vec();
    for Module { label, .. } in modules {
        header.extend([format!("{label} cold, ms"), "registry requests".to_owned(), format!("{label} warm, ms")]);
    }
    Ok(table(1, header, shown))
}

impl Row {
    fn sample(&self, module: &Module, registry: &Registry, folder: &str, measured: &mut Measured) -> Result<()> {
        registry.heal();
        let request = cases::request(&self.sign(registry, folder)?)?;
        let settings = self.settings(registry);
        module.check_settings(&settings)?;
        let live = Arc::new(Live::new(LiveConfig::loopback([registry.host()]))?);
        warm_up(&live, &registry.host());
        registry.fail(Scope::Everywhere, Fault::Late(self.delay));
        registry.forget_requests();
        // No deadline: the policy's time budget is as long as settings can make it.
        let admit = || {
            let host = Arc::new(Gate::new(Arc::clone(&live)));
            let (elapsed, came) = timed(&module.policy, &request, &settings, host, Deadline::Off)?;
            let status = came.response.status;
            ensure!(came.response.allowed, "{self}, {}: denied after {elapsed:.1?}: {status:?}", module.label);
            Ok(elapsed)
        };
        measured.cold.push(admit()?);
        measured.requests.push(registry.requests().len());
        measured.warm.push(admit()?);
        Ok(())
    }

    /// Pushes the images below this folder, signed; returns their names.
    fn sign(&self, registry: &Registry, folder: &str) -> Result<Vec<String>> {
        let mut images = Vec::new();
        for n in 1..=self.images {
            let repository = format!("{folder}/app-{n}");
            let digest = registry.push_image(&repository, "v1", ImageKind::Oci, &repository);
            if self.evidence == Evidence::Signatures {
                for name in self.signers() {
                    Signer::named(name).sign(registry, &repository, &digest, &Default::default())?;
                }
            } else {
                let bundle = |name| {
                    let signer = bundle::Signer::Key(Key::p256(name));
                    evidence::Item::bundle(&Bundle::signing(signer, &digest).json(&Instance::new("none")))
                };
                let manifest = evidence::manifest(&self.signers().map(bundle).collect::<Vec<_>>()).to_string();
                let tag = signature_tag(&digest).replace(".sig", ".evidence");
                registry.put_manifest(&repository, Some(&tag), MANIFEST, manifest.as_bytes());
            }
            images.push(format!("{}/{repository}:v1", registry.host()));
        }
        Ok(images)
    }

    fn signers(&self) -> impl Iterator<Item = &'static str> {
        SIGNERS.into_iter().take(self.keys)
    }

    /// A rule that all who signed have to have signed.
    fn settings(&self, registry: &Registry) -> Value {
        let roots = self.signers().map(|name| json!({"name": name, "key": Signer::named(name).public_pem()}));
        json!({
            "validators": [{"name": "default", "type": "cosign", "trustRoots": roots.collect::<Vec<_>>(), "evidence": {"first": self.evidence == Evidence::First}}],
            "policy": [{"pattern": format!("{}/*:*", registry.host()), "with": {"trustRoot": "*"}}],
            "features": {"timeBudgetMs": 30_000, "automaticChildApproval": false},
        })
    }

    fn shown(&self, cells: &[Measured]) -> Vec<String> {
        let ms = |samples: &[Duration]| {
            median(samples).map_or_else(String::new, |it| format!("{:.1}", it.as_secs_f64() * 1_000.0))
        };
        let mut row = vec![
            self.evidence.name().to_owned(),
            self.delay.as_millis().to_string(),
            self.images.to_string(),
            self.keys.to_string(),
        ];
        for Measured { cold, requests, warm } in cells {
            let requests = median(requests).map_or_else(String::new, |it| it.to_string());
            row.extend([ms(cold), requests, ms(warm)]);
        }
        row
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} ms, images: {}, keys: {}",
            self.evidence.name(),
            self.delay.as_millis(),
            self.images,
            self.keys
        )
    }
}
