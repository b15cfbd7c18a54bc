//! Does a roll-out, a drain or an edit ever stall, with the default settings, because a key was replaced or the registry is down? And does anything new run
//! unproven for it?

use serde_json::json;

use crate::api_server::Run;
use crate::webhook::Denied;
use crate::world::{HUMAN, Image, Mode, World};

const DEFAULTS: Mode =
    Mode { name: "defaults", rule: "mutate", features: "{}", pinned_in_git: false, namespaced: false };

/// Three Pods of an image that alice signed, under the default settings.
fn running() -> World {
    let mut world = World::new(DEFAULTS);
    assert_eq!(world.apply_git(), [], "what is signed is admitted");
    assert_eq!(world.scale_by(2), []);
    assert_eq!((world.runs().as_str(), world.api.list("Pod").len()), ("A", 3));
    world
}

/// What happens to it, who was denied by this kind and code, what runs then, in how many Pods, and the reason.
type Row = (fn(&mut World) -> Vec<Denied>, &'static [&'static str], &'static str, usize, &'static str);

#[track_caller]
fn check(rows: &[Row]) {
    for (happens, denied, runs, pods, why) in rows {
        let mut world = running();
        let seen: Vec<String> = happens(&mut world).iter().map(Denied::to_string).collect();
        assert_eq!(seen, *denied, "{why}");
        assert_eq!((world.runs().as_str(), world.api.list("Pod").len()), (*runs, *pods), "{why}");
    }
}

#[test]
fn what_runs_goes_on() {
    check(&[
        (
            |world| {
                world.git_names("2", Image::C);
                assert_eq!(world.store_git(), None, "proven with the key of alice");
                world.trusts("bob");
                world.settle()
            },
            &[],
            "C",
            3,
            "the key is replaced in the middle of a roll-out: the old ReplicaSet is scaled down all the same",
        ),
        (
            |world| {
                world.trusts("bob");
                world.scale_by(2)
            },
            &[],
            "A",
            5,
            "an autoscaler raises the replicas after the key was replaced: the Pods have their owner's digest",
        ),
        (
            |world| {
                world.registry_fails();
                world.scale_by(-2)
            },
            &[],
            "A",
            1,
            "and lowers them while the registry is down",
        ),
        (
            |world| {
                world.trusts("bob");
                world.registry_fails();
                [world.lose_a_pod(), world.lose_a_pod(), world.lose_a_pod()].concat()
            },
            &[],
            "A",
            3,
            "a node is drained: every Pod is made anew",
        ),
        (
            |world| {
                world.trusts("bob");
                world.registry_fails();
                let edit = |kind| world.edit(kind, |object| object["metadata"]["labels"]["team"] = json!("a"));
                ["Deployment", "ReplicaSet", "Pod"].into_iter().flat_map(edit).collect()
            },
            &[],
            "A",
            3,
            "labels",
        ),
        (
            |world| {
                world.registry_fails();
                let edit = |kind| {
                    let set =
                        world.edit(kind, |object| object["metadata"]["finalizers"] = json!(["example.com/clean-up"]));
                    [set, world.edit(kind, |object| object["metadata"]["finalizers"] = json!([]))].concat()
                };
                ["Deployment", "ReplicaSet", "Pod"].into_iter().flat_map(edit).collect()
            },
            &[],
            "A",
            3,
            "finalizers",
        ),
        (|world| world.restart(), &[], "A", 3, "kubectl rollout restart"),
        (
            |world| {
                world.git_names("2", Image::C);
                let there = world.apply_git();
                [there, world.undo().expect("there was a roll-out")].concat()
            },
            &[],
            "A",
            3,
            "kubectl rollout undo",
        ),
    ]);
}

#[test]
fn what_is_new_is_proven() {
    const DENIED: &[&str] = &["Deployment denied, 403"];
    check(&[
        (
            |world| {
                world.trusts("bob");
                world.restart()
            },
            DENIED,
            "A",
            3,
            "a restart after the key was replaced is a new roll-out",
        ),
        (
            |world| {
                world.git_names("2", Image::C);
                let there = world.apply_git();
                world.trusts("bob");
                [there, world.undo().expect("there was a roll-out")].concat()
            },
            DENIED,
            "C",
            3,
            "and so is going back",
        ),
        (
            |world| {
                world.trusts("bob");
                world.edit("Deployment", |object| object["spec"]["replicas"] = json!(5))
            },
            DENIED,
            "A",
            3,
            "more replicas in the object itself",
        ),
        (
            |world| {
                world.git_names("unsigned", Image::X);
                world.apply_git()
            },
            DENIED,
            "A",
            3,
            "an image that nobody signed",
        ),
    ]);
}

impl World {
    /// Applies what git says, and nobody does anything about it yet.
    fn store_git(&mut self) -> Option<Denied> {
        let git = self.git().clone();
        self.api.apply(HUMAN, &git, Run::Real).err()
    }

    fn apply_git(&mut self) -> Vec<Denied> {
        match self.store_git() {
            Some(denied) => vec![denied],
            None => self.settle(),
        }
    }

    /// Restarts the Deployment, as `kubectl rollout restart` does.
    fn restart(&mut self) -> Vec<Denied> {
        self.edit("Deployment", |object| {
            object["spec"]["template"]["metadata"]["annotations"] =
                json!({"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"});
        })
    }

    /// Edits every object of a kind.
    fn edit(&mut self, kind: &str, change: impl Fn(&mut serde_json::Value)) -> Vec<Denied> {
        let mut denied = Vec::new();
        for mut object in self.api.list(kind) {
            change(&mut object);
            denied.extend(self.api.update(HUMAN, None, object, Run::Real).err());
        }
        if denied.is_empty() { self.settle() } else { denied }
    }
}
