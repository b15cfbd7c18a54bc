//! Whole lives of a Deployment under every GitOps mode: the real module, a simulated API server and its controllers.

mod api_server;
mod controllers;
mod gitops;
mod life;
mod tables;
mod webhook;
mod world;

use std::sync::OnceLock;

use gitops::Tool;
use life::Seen;
use tables::{Row, check};
use world::Mode;

const fn mode(name: &'static str, rule: &'static str, features: &'static str) -> Mode {
    Mode { name, rule, features, pinned_in_git: false }
}

/// The modes, in the order of the tables.
const MODES: [Mode; 8] = [
    mode("`mutate`", "mutate", "{}"),
    mode("`resolve`", "mutate", "{gitops: {resolve: true}}"),
    mode("`reuse`", "mutate", "{gitops: {dryRun: reuse}}"),
    mode("`resolve`, `reuse`", "mutate", "{gitops: {resolve: true, dryRun: reuse}}"),
    mode("`mutatePodsOnly`", "mutatePodsOnly", "{}"),
    mode("`podsOnly`", "mutate", "{resourceValidationMode: podsOnly}"),
    mode("`insecureValidateOnly`", "insecureValidateOnly", "{}"),
    Mode { pinned_in_git: true, ..mode("digests in git", "mutate", "{}") },
];

/// What was seen under a mode, with Flux and with Argo CD.
struct Lives {
    mode: &'static str,
    flux: Seen,
    argo: Seen,
}

/// All lives, lived once for all tests.
fn lives() -> &'static [Lives] {
    static LIVES: OnceLock<Vec<Lives>> = OnceLock::new();
    LIVES.get_or_init(|| {
        let live = |mode: Mode| Lives {
            mode: mode.name,
            flux: life::live(mode, Tool::Flux),
            argo: life::live(mode, Tool::ArgoCd),
        };
        std::thread::scope(|scope| {
            let halves: Vec<_> = MODES
                .chunks(MODES.len() / 2)
                .map(|half| scope.spawn(move || half.iter().map(|mode| live(*mode)).collect::<Vec<_>>()))
                .collect();
            halves.into_iter().flat_map(|half| half.join().unwrap()).collect()
        })
    })
}

/// The cells of one step: each a column of Flux, of Argo CD, or of both.
fn cells(step: &str, columns: &[Column]) -> Vec<(&'static str, Vec<String>)> {
    let row = |lives: &Lives| {
        let (flux, argo) = (&lives.flux[step], &lives.argo[step]);
        let cell = |column: &Column| match *column {
            Column::Flux(at) => flux[at].clone(),
            Column::ArgoCd(at) => argo[at].clone(),
            Column::Both(at) if flux[at] == argo[at] => flux[at].clone(),
            Column::Both(at) => format!("Flux: {}; Argo CD: {}", flux[at], argo[at]),
        };
        (lives.mode, columns.iter().map(cell).collect())
    };
    lives().iter().map(row).collect()
}

enum Column {
    Flux(usize),
    ArgoCd(usize),
    Both(usize),
}

use Column::{ArgoCd, Both, Flux};

#[test]
fn probe() {
    for (step, columns) in [
        ("unchanged", vec![Both(0), Flux(1), Flux(2), ArgoCd(1), ArgoCd(2), Both(3)]),
        ("registry", vec![Flux(0), ArgoCd(0), Both(1)]),
        ("signed", vec![Flux(0), Flux(1), ArgoCd(0), ArgoCd(1), Both(2)]),
        ("undo", vec![Both(0), Flux(1), Flux(2), ArgoCd(1), ArgoCd(2)]),
        ("git", vec![Flux(0), ArgoCd(0), Both(1), Flux(2), ArgoCd(2), Both(3)]),
        ("unsigned", vec![Flux(0), ArgoCd(0), Both(1), Both(2), Flux(3), ArgoCd(3)]),
        ("key", vec![Flux(0), ArgoCd(0), Both(1), Both(2), Flux(3), ArgoCd(3)]),
        ("end", vec![Both(0), Both(1)]),
    ] {
        println!("{step}");
        for (mode, cells) in cells(step, &columns) { println!("  {mode}: {cells:?}"); }
    }
    for (rule, features) in [("mutate", "{}"), ("mutate", "{automaticChildApproval: false}"), ("mutate", "{automaticChildApproval: {requireDigest: true}}"), ("mutate", "{automaticChildApproval: {ttl: 3600}}"),
      ("mutate", "{resourceValidationMode: podsOnly}"), ("mutatePodsOnly", "{}"), ("insecureValidateOnly", "{}")] {
            println!("older {rule} {features}: {:?}", life::older_than_the_policy(mode(rule, rule, features)));
        }
    let _ = (check as fn(_,_,_,_), Row{mode:"",cells:&[],why:""}.why);
}
