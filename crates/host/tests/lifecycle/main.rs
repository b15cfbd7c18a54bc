//! Whole lives of a Deployment under every GitOps mode: the real module, a simulated API server and its controllers.

mod api_server;
mod controllers;
mod gitops;
mod life;
mod outages;
mod tables;
mod webhook;
mod world;

use std::sync::OnceLock;

use gitops::Tool;
use life::Seen;
use tables::{check, check_rows, row};
use world::Mode;

const fn mode(name: &'static str, rule: &'static str, features: &'static str) -> Mode {
    Mode { name, rule, features, pinned_in_git: false, namespaced: false }
}

/// The modes, in the order of the tables.
const MODES: [Mode; 9] = [
    mode("`mutate`", "mutate", "{}"),
    mode("`resolve`", "mutate", "{gitops: {resolve: true}}"),
    mode("`reuse`", "mutate", "{gitops: {dryRun: reuse}}"),
    mode("`resolve`, `reuse`", "mutate", "{gitops: {resolve: true, dryRun: reuse}}"),
    mode("`mutatePodsOnly`", "mutatePodsOnly", "{}"),
    mode("`podsOnly`", "mutate", "{resourceValidationMode: podsOnly}"),
    mode("`insecureValidateOnly`", "insecureValidateOnly", "{}"),
    Mode { pinned_in_git: true, ..mode("digests in git", "mutate", "{}") },
    Mode { pinned_in_git: true, ..mode("… unchanged approval", "mutate", "{automaticUnchangedApproval: true}") },
];

/// The results under one mode, with Flux and with Argo CD.
struct Lives {
    mode: &'static str,
    flux: Seen,
    argo: Seen,
}

/// All lives, each of which is run once for all tests.
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
                .chunks(MODES.len().div_ceil(2))
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

/// The first round finds git changed and applies it; the next one finds nothing to do.
const DRIFT: &str = "drift, then no drift; 1 rollout";
/// The cell for Argo CD where it applies git and is in sync afterwards.
const SYNC: &str = "out of sync, then in sync; 1 rollout";
/// Where it never is: git has no digest and the live object has one. Only the first round changes anything.
const LOOP: &str = "out of sync; 1 rollout";
const DRY_403: &str = "dry run denied, 403";
const DRY_503: &str = "dry run denied, 503";
const APPLY_403: &str = "apply denied, 403";
const APPLY_503: &str = "apply denied, 503";
const SET_403: &str = "ReplicaSet denied, 403";
const POD_403: &str = "Pod denied, 403";

#[test]
fn nothing_changes() {
    check(
        "unchanged",
        &["", "live", "Flux", "its price", "Argo CD", "its price", "price of a Pod"],
        &cells("unchanged", &[Both(0), Flux(1), Flux(2), ArgoCd(1), ArgoCd(2), Both(3)]),
        &[
            row(
                "`mutate`",
                &["`app:1@A`", "no drift", "proven: 2; 4, 0", "out of sync", "proven: 2; 4, 0", "approved: 2; 0"],
                "a dry run proves the tag again and writes the digest that is live; Argo CD compares texts",
            ),
            row(
                "`resolve`",
                &["`app:1@A`", "no drift", "carried: 1; 2, 0", "out of sync", "carried: 1; 2, 0", "approved: 2; 0"],
                "the tag is looked up, and nothing proven",
            ),
            row(
                "`reuse`",
                &["`app:1@A`", "no drift", "carried: 0; 0, 0", "out of sync", "proven: 2; 4, 0", "approved: 2; 0"],
                "a dry run asks nobody; an apply is no dry run",
            ),
            row(
                "`resolve`, `reuse`",
                &["`app:1@A`", "no drift", "carried: 0; 0, 0", "out of sync", "carried: 1; 2, 0", "approved: 2; 0"],
                "a dry run asks nobody, an apply looks the tag up",
            ),
            row(
                "`mutatePodsOnly`",
                &["`app:1`", "no drift", "not asked", "in sync", "not asked", "proven: 4; 4"],
                "git is live, so a dry run brings nothing new; every Pod is verified, and its ReplicaSet when that is scaled up",
            ),
            row(
                "`podsOnly`",
                &["`app:1`", "no drift", "not asked", "in sync", "not asked", "proven: 4; 4"],
                "the same: what is no Pod is verified to warn",
            ),
            row(
                "`insecureValidateOnly`",
                &["`app:1`", "no drift", "not asked", "in sync", "not asked", "proven: 4; 4"],
                "git is live, and a tag is never approved for its owner's sake",
            ),
            row(
                "digests in git",
                &["`app:1@A`", "no drift", "not asked", "in sync", "not asked", "approved: 2; 0"],
                "a digest need not be looked up",
            ),
            row(
                "… unchanged approval",
                &["`app:1@A`", "no drift", "not asked", "in sync", "not asked", "approved: 1; 0"],
                "what an update leaves alone is not even looked at",
            ),
        ],
    );
}

#[test]
fn the_registry_is_out_of_reach() {
    check(
        "registry",
        &["", "Flux", "Argo CD", "one Pod more"],
        &cells("registry", &[Flux(0), ArgoCd(0), Both(1)]),
        &[
            row("`mutate`", &[DRY_503, APPLY_503, "A"], "the Pod has its owner's digest: nobody has to be asked"),
            row("`resolve`", &[DRY_503, APPLY_503, "A"], "the tag can't be looked up"),
            row("`reuse`", &["no drift", APPLY_503, "A"], "a dry run asks nobody"),
            row("`resolve`, `reuse`", &["no drift", APPLY_503, "A"], "the same"),
            row(
                "`mutatePodsOnly`",
                &["no drift", "in sync", "ReplicaSet denied, 503"],
                "a bare tag is proven each time, that of a ReplicaSet too",
            ),
            row("`podsOnly`", &["no drift", "in sync", "Pod denied, 503"], "what is no Pod is only warned about"),
            row(
                "`insecureValidateOnly`",
                &["no drift", "in sync", "ReplicaSet denied, 503"],
                "a bare tag is proven each time",
            ),
            row(
                "digests in git",
                &["no drift", "in sync", "A"],
                "what git says is live, and the Pod has its owner's digest",
            ),
            row("… unchanged approval", &["no drift", "in sync", "A"], "nobody has to be asked"),
        ],
    );
}

#[test]
fn the_tag_moves_to_a_signed_image() {
    check(
        "signed",
        &["", "Flux", "runs", "Argo CD", "runs", "one Pod more"],
        &cells("signed", &[Flux(0), Flux(1), ArgoCd(0), ArgoCd(1), Both(2)]),
        &[
            row("`mutate`", &[DRIFT, "B", LOOP, "B", "B"], "the next round pins the new image, once"),
            row("`resolve`", &[DRIFT, "B", LOOP, "B", "B"], "the tag is another digest now, so it is proven"),
            row(
                "`reuse`",
                &["no drift", "A", LOOP, "B", "Flux: A; Argo CD: B"],
                "a dry run never learns of it; Argo CD's applies do",
            ),
            row(
                "`resolve`, `reuse`",
                &["no drift", "A", LOOP, "B", "Flux: A; Argo CD: B"],
                "the same: what a dry run reuses is not looked up",
            ),
            row("`mutatePodsOnly`", &["no drift", "A", "in sync", "A", "B"], "each Pod is pinned when it is made"),
            row("`podsOnly`", &["no drift", "A", "in sync", "A", "B"], "the same"),
            row(
                "`insecureValidateOnly`",
                &["no drift", "A", "in sync", "A", "B"],
                "each Pod pulls what the tag is then",
            ),
            row("digests in git", &["no drift", "A", "in sync", "A", "A"], "nothing runs that git does not name"),
            row("… unchanged approval", &["no drift", "A", "in sync", "A", "A"], "the same"),
        ],
    );
}

#[test]
fn somebody_rolls_back() {
    const NOTHING: &str = "nothing to undo";
    const ARGO: &str = "Flux: nothing to undo; Argo CD: A";
    check(
        "undo",
        &["", "`kubectl rollout undo`", "then Flux", "runs", "then Argo CD", "runs"],
        &cells("undo", &[Both(0), Flux(1), Flux(2), ArgoCd(1), ArgoCd(2)]),
        &[
            row("`mutate`", &["A", DRIFT, "B", LOOP, "B"], "the tag is still the newer image's"),
            row("`resolve`", &["A", DRIFT, "B", LOOP, "B"], "the same"),
            row("`reuse`", &[ARGO, "no drift", "A", LOOP, "B"], "with Flux there was no rollout"),
            row("`resolve`, `reuse`", &[ARGO, "no drift", "A", LOOP, "B"], "the same"),
            row(
                "`mutatePodsOnly`",
                &[NOTHING, "no drift", "A and B", "in sync", "A and B"],
                "one template, two images",
            ),
            row("`podsOnly`", &[NOTHING, "no drift", "A and B", "in sync", "A and B"], "the same"),
            row("`insecureValidateOnly`", &[NOTHING, "no drift", "A and B", "in sync", "A and B"], "the same"),
            row("digests in git", &[NOTHING, "no drift", "A", "in sync", "A"], "there was no rollout"),
            row("… unchanged approval", &[NOTHING, "no drift", "A", "in sync", "A"], "the same"),
        ],
    );
}

#[test]
fn git_names_another_tag_and_the_first_one_again() {
    check_rows(
        "git",
        &cells("git", &[Flux(0), Flux(2), ArgoCd(0), ArgoCd(2), Both(3)]),
        &[
            row("`mutate`", &[DRIFT, DRIFT, LOOP, LOOP, "B"], "each change of git is one rollout"),
            row("`resolve`", &[DRIFT, DRIFT, LOOP, LOOP, "B"], "another tag is no live digest's"),
            row("`reuse`", &[DRIFT, DRIFT, LOOP, LOOP, "B"], "the same"),
            row("`resolve`, `reuse`", &[DRIFT, DRIFT, LOOP, LOOP, "B"], "the same"),
            row("`mutatePodsOnly`", &[DRIFT, DRIFT, SYNC, SYNC, "B"], "and git is live at once"),
            row("`podsOnly`", &[DRIFT, DRIFT, SYNC, SYNC, "B"], "the same"),
            row("`insecureValidateOnly`", &[DRIFT, DRIFT, SYNC, SYNC, "B"], "the same"),
            row("digests in git", &[DRIFT, DRIFT, SYNC, SYNC, "B"], "the same"),
            row("… unchanged approval", &[DRIFT, DRIFT, SYNC, SYNC, "B"], "what changes is proven"),
        ],
    );
}

const TROUBLE: [&str; 7] =
    ["", "Flux", "Flux: git changes", "Argo CD", "Argo CD: git changes", "one Pod more", "a Pod is lost"];
const TROUBLE_COLUMNS: [Column; 6] = [Flux(0), Flux(1), ArgoCd(0), ArgoCd(1), Both(2), Both(3)];
const NO_PODS: &str = "drift, then no drift; 1 rollout; Pod denied, 403";
const NO_PODS_IN_SYNC: &str = "out of sync, then in sync; 1 rollout; Pod denied, 403";

#[test]
fn the_tag_moves_to_an_unsigned_image() {
    check(
        "unsigned",
        &TROUBLE,
        &cells("unsigned", &TROUBLE_COLUMNS),
        &[
            row("`mutate`", &[DRY_403, DRY_403, APPLY_403, APPLY_403, "B", "B"], "what runs is pinned, and runs on"),
            row("`resolve`", &[DRY_403, DRY_403, APPLY_403, APPLY_403, "B", "B"], "the tag is another digest now"),
            row(
                "`reuse`",
                &["no drift", APPLY_403, APPLY_403, APPLY_403, "B", "B"],
                "a dry run that passes is no promise of an apply that does",
            ),
            row("`resolve`, `reuse`", &["no drift", APPLY_403, APPLY_403, APPLY_403, "B", "B"], "the same"),
            row(
                "`mutatePodsOnly`",
                &["no drift", DRY_403, "in sync", APPLY_403, SET_403, POD_403],
                "every bare tag is proven, so no Pod comes back until the tag does",
            ),
            row(
                "`podsOnly`",
                &["no drift", NO_PODS, "in sync", NO_PODS_IN_SYNC, POD_403, POD_403],
                "the Deployment is admitted, its new Pods are not, and the earlier ones stay",
            ),
            row("`insecureValidateOnly`", &["no drift", DRY_403, "in sync", APPLY_403, SET_403, POD_403], "the same"),
            row("digests in git", &["no drift", DRIFT, "in sync", SYNC, "B", "B"], "nobody asks what the tag is"),
            row("… unchanged approval", &["no drift", DRIFT, "in sync", SYNC, "B", "B"], "the same"),
        ],
    );
}

#[test]
fn the_key_is_rotated() {
    check(
        "key",
        &TROUBLE,
        &cells("key", &TROUBLE_COLUMNS),
        &[
            row("`mutate`", &[DRY_403, DRY_403, APPLY_403, APPLY_403, "B", "B"], "Pods live on their owner's word"),
            row(
                "`resolve`",
                &["no drift", DRIFT, "out of sync", LOOP, "B", "B"],
                "what is live is not proven again while its tag stays, whatever else changes",
            ),
            row("`reuse`", &["no drift", APPLY_403, APPLY_403, APPLY_403, "B", "B"], "an apply is proven"),
            row("`resolve`, `reuse`", &["no drift", DRIFT, "out of sync", LOOP, "B", "B"], "an apply is looked up"),
            row(
                "`mutatePodsOnly`",
                &["no drift", DRY_403, "in sync", APPLY_403, SET_403, POD_403],
                "every bare tag is proven with the keys of today",
            ),
            row("`podsOnly`", &["no drift", NO_PODS, "in sync", NO_PODS_IN_SYNC, POD_403, POD_403], "the same of Pods"),
            row("`insecureValidateOnly`", &["no drift", DRY_403, "in sync", APPLY_403, SET_403, POD_403], "the same"),
            row(
                "digests in git",
                &["no drift", DRY_403, "in sync", APPLY_403, "B", "B"],
                "what changes is proven again",
            ),
            row(
                "… unchanged approval",
                &["no drift", DRIFT, "in sync", SYNC, "B", "B"],
                "what is live is not proven again, whatever else changes",
            ),
        ],
    );
}

#[test]
fn a_finalizer_goes_unless_an_image_changes() {
    for (mode, seen) in cells("end", &[Both(0), Both(1)]) {
        // With another image, which is not signed; alone.
        let changed = if mode == "`podsOnly`" { "passes" } else { "Deployment denied, 403" };
        assert_eq!(seen, [changed, "passes"], "{mode}");
    }
}

#[test]
fn what_is_older_than_the_policy() {
    let modes = [
        mode("`mutate`", "mutate", "{}"),
        mode("… `requireDigest: false`", "mutate", "{automaticChildApproval: {requireDigest: false}}"),
        mode("… and its `ttl` is over", "mutate", "{automaticChildApproval: {ttl: 3600, requireDigest: false}}"),
        mode("… `automaticChildApproval: false`", "mutate", "{automaticChildApproval: false}"),
        Mode { namespaced: true, ..mode("… as an AdmissionPolicy", "mutate", "{}") },
        mode("`mutatePodsOnly`", "mutatePodsOnly", "{}"),
        mode("`podsOnly`", "mutate", "{resourceValidationMode: podsOnly}"),
        mode("`insecureValidateOnly`", "insecureValidateOnly", "{}"),
    ];
    check(
        "older",
        &["", "one Pod more", "tag at X", "ReplicaSets after another change", "tag at X, a Pod is lost"],
        &modes.map(|mode| (mode.name, life::older_than_the_policy(mode))),
        &[
            row(
                "`mutate`",
                &["A", SET_403, "2", POD_403],
                "the ReplicaSet is left what its Deployment says, and every Pod is proven",
            ),
            row(
                "… `requireDigest: false`",
                &["A", "X", "2", "X"],
                "an approved text is not pinned, so the tag decides what runs",
            ),
            row(
                "… and its `ttl` is over",
                &["A", SET_403, "2", "X"],
                "the Deployment is too old to approve; the ReplicaSet that it has just had made is not",
            ),
            row("… `automaticChildApproval: false`", &["A", SET_403, "2", POD_403], "every Pod is proven"),
            row(
                "… as an AdmissionPolicy",
                &["A", SET_403, "2", POD_403],
                "nobody may look at owners, so every Pod is proven, and the ReplicaSet is left what its Deployment says",
            ),
            row("`mutatePodsOnly`", &["A", SET_403, "2", POD_403], "only Pods are pinned"),
            row("`podsOnly`", &["A", POD_403, "2", POD_403], "the same"),
            row("`insecureValidateOnly`", &["A", SET_403, "2", POD_403], "nothing is pinned, and every tag is proven"),
        ],
    );
}

#[test]
fn a_cron_job_runs_every_night() {
    let modes = [MODES[0], MODES[4], MODES[5], MODES[6], MODES[7]];
    check(
        "cron",
        &["", "live", "price of a run", "tag at B", "tag at X"],
        &modes.map(|mode| (mode.name, life::nights(mode))),
        &[
            row("`mutate`", &["`app:1@A`", "approved: 2; 0", "A", "A"], "Job and Pod have their owners' digest"),
            row("`mutatePodsOnly`", &["`app:1`", "proven: 4; 4", "B", "Job denied, 403"], "every bare tag is proven"),
            row("`podsOnly`", &["`app:1`", "proven: 4; 4", "B", "Pod denied, 403"], "and what is no Pod is admitted"),
            row(
                "`insecureValidateOnly`",
                &["`app:1`", "proven: 4; 4", "B", "Job denied, 403"],
                "every bare tag is proven",
            ),
            row("digests in git", &["`app:1@A`", "approved: 2; 0", "A", "A"], "Job and Pod have their owners' digest"),
        ],
    );
}
